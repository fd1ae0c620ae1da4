// Jets against derivatives in closed form.
#include <glimmer/joint_jet.h>

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

/// exp(x + 2 y - z / 2) x^2: products and compositions in three variables, all derivatives.
void three_variables() {
  using Series = Jet<4, 3>;
  const double x = 0.7, y = -0.3, z = 1.9, e = std::exp(x + 2 * y - z / 2);
  const Series u = glimmer::lift<Series, 0>(Jet<4>::variable(x)), v = glimmer::lift<Series, 1>(Jet<4>::variable(y)),
               w = glimmer::lift<Series, 2>(Jet<4>::variable(z));
  const Series by_sum = exp(u + 2.0 * v - 0.5 * w) * u * u;
  const Series by_parts = glimmer::lift<Series, 0>(square(Jet<4>::variable(x)) * glimmer::exp_of<4>(x)) *
                          glimmer::lift<Series, 1>(glimmer::exp_of<4>(y, 2.0)) * reciprocal(exp(0.5 * w));
  const Series logs = 2.0 * log(u) + u + 2.0 * v - 0.5 * w;
  const double square_part[] = {x * x * e, (x * x + 2 * x) * e, (x * x + 4 * x + 2) * e, (x * x + 6 * x + 6) * e,
                                (x * x + 8 * x + 12) * e};
  for (const auto& p : glimmer::monomials<4, 3>.powers) {
    const double expected = square_part[p[0]] * std::pow(2.0, p[1]) * std::pow(-0.5, p[2]);
    const std::string what =
        "powers " + std::to_string(p[0]) + std::to_string(p[1]) + std::to_string(p[2]) + " of three variables";
    check::close(by_sum.derivative(p), expected, 1e-13, what);
    check::close(by_parts.derivative(p), expected, 1e-13, what + ", by parts");
    check::close(exp(logs).derivative(p), expected, 1e-13, what + ", by logarithms");
  }
  check::that(glimmer::monomials<4, 3>.count == 35 && glimmer::monomials<5, 2>.count == 21, "number of monomials");
}

/// y / x, a variable that the series has not, and composition in one variable.
void two_variables() {
  using Series = Jet<5, 2>;
  const double x = 1.4, y = 3.0, e = std::exp(x);
  const Series top = glimmer::lift<Series, 1>(Jet<5>::variable(y));
  const Series ratio = top * reciprocal(glimmer::lift<Series, 0>(Jet<5>::variable(x)));
  for (const auto& p : glimmer::monomials<5, 2>.powers) {
    const double in_x = (p[0] % 2 == 0 ? 1.0 : -1.0) * factorial[p[0]] * std::pow(x, -1 - p[0]);
    check::close(ratio.derivative(p), in_x * (p[1] == 0 ? y : p[1] == 1 ? 1.0 : 0.0), 1e-13, "ratio of two variables");
  }
  compare(glimmer::lift<Jet<5>, 1>(Jet<3>::variable(y)), {y, 0, 0, 0, 0, 0}, "a variable that is not there");
  compare(glimmer::compose(glimmer::exp_of<5>(x), Jet<5>::variable(x)), {e, e, e, e, e, e}, "in one variable");
}

}  // namespace

int main() {
  for (double x : {-3.0, -0.4, 0.0, 0.3, 2.0}) elementary(x);
  for (double x : {0.05, 0.7, 1.0, 4.0, 300.0}) positive(x);
  orders();
  two_variables();
  three_variables();
  return check::finish();
}
