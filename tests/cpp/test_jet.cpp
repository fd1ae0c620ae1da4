// Jets against derivatives in closed form.
#include <glimmer/jet.h>

#include "check.h"

using glimmer::Jet;

namespace {

constexpr int K = 5;
const double factorial[] = {1, 1, 2, 6, 24, 120};

/// Compares k! c[k] with the derivatives given.
void compare(const Jet<K>& found, const double (&expected)[K + 1], const std::string& what) {
  for (int k = 0; k <= K; ++k)
    check::close(found.c[static_cast<std::size_t>(k)] * factorial[k], expected[k], 2e-14,
                 what + ", derivative " + std::to_string(k));
}

void elementary(double x) {
  const Jet<K> t = Jet<K>::variable(x);
  const std::string at = " at " + std::to_string(x);
  const double e = std::exp(x);
  compare(exp(t), {e, e, e, e, e, e}, "exp" + at);
  compare(expm1(t), {std::expm1(x), e, e, e, e, e}, "expm1" + at);
  compare(square(t), {x * x, 2 * x, 2, 0, 0, 0}, "square" + at);
  compare(t * t * t, {x * x * x, 3 * x * x, 6 * x, 6, 0, 0}, "cube" + at);
  compare(2.0 * t - 1.0, {2 * x - 1, 2, 0, 0, 0, 0}, "affine" + at);
  compare(-t + 3.0, {3 - x, -1, 0, 0, 0, 0}, "negative" + at);
  compare(t - Jet<K>(2.5), {x - 2.5, 1, 0, 0, 0, 0}, "difference" + at);
  compare(exp(2.0 * t) / exp(t), {e, e, e, e, e, e}, "quotient" + at);
  const double g = std::exp(-x * x / 2);  // Hermite polynomials
  compare(exp(-0.5 * square(t)),
          {g, -x * g, (x * x - 1) * g, -(x * x * x - 3 * x) * g, (std::pow(x, 4) - 6 * x * x + 3) * g,
           -(std::pow(x, 5) - 10 * x * x * x + 15 * x) * g},
          "exp(-x^2/2)" + at);
}

void positive(double x) {
  const Jet<K> t = Jet<K>::variable(x);
  const std::string at = " at " + std::to_string(x);
  const double r = 1 / x, s = std::sqrt(x);
  compare(log(t), {std::log(x), r, -r * r, 2 * r * r * r, -6 * std::pow(r, 4), 24 * std::pow(r, 5)}, "log" + at);
  compare(reciprocal(t),
          {r, -r * r, 2 * std::pow(r, 3), -6 * std::pow(r, 4), 24 * std::pow(r, 5), -120 * std::pow(r, 6)},
          "reciprocal" + at);
  compare(sqrt(t), {s, 0.5 / s, -0.25 * s * r * r, 0.375 * s * std::pow(r, 3), -0.9375 * s * std::pow(r, 4),
                    3.28125 * s * std::pow(r, 5)}, "sqrt" + at);
  compare(log(sqrt(exp(t))), {0.5 * x, 0.5, 0, 0, 0, 0}, "log sqrt exp" + at);
  compare(log_with_value(t + 1.0, std::log1p(x)),
          {std::log1p(x), 1 / (1 + x), -std::pow(1 + x, -2), 2 * std::pow(1 + x, -3), -6 * std::pow(1 + x, -4),
           24 * std::pow(1 + x, -5)}, "log1p" + at);
}

void orders() {
  const Jet<0> constant = exp(Jet<0>::variable(0.5));
  check::close(constant.value(), std::exp(0.5), 1e-15, "order 0");
  const Jet<2> low = log(exp(Jet<2>::variable(0.7)) + 1.0);
  const Jet<5> high = log(exp(Jet<5>::variable(0.7)) + 1.0);
  for (std::size_t k = 0; k <= 2; ++k) check::that(low.c[k] == high.c[k], "a lower order has the same numbers");
}

}  // namespace

int main() {
  for (double x : {-3.0, -0.4, 0.0, 0.3, 2.0}) elementary(x);
  for (double x : {0.05, 0.7, 1.0, 4.0, 300.0}) positive(x);
  orders();
  return check::finish();
}
