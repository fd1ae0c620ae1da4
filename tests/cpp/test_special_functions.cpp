// Functions that std has not, against the C library's in extended precision.
#include <glimmer/gamma_series.h>

#include "check.h"

namespace {

/// log(Gamma(y + s) / Gamma(s)) is the sum of log(s + j), j < y, and so are its derivatives in phi = log s.
void gamma_difference(double y, double phi) {
  const glimmer::Jet<3> found = glimmer::gamma_remainder_difference<3>(y, phi);
  const long double s = std::exp(static_cast<long double>(phi)), p = s / (y + s), q = y / (y + s);
  long double sum[4] = {};
  for (long double j = 0; j < y; ++j) {  // log((s + j) / s) and its derivatives
    const long double a = s / (j + s), b = j / (j + s);
    const long double terms[] = {std::log1p(j / s), -b, a * b, a * b * (b - a)};
    for (int k = 0; k < 4; ++k) sum[k] += terms[k];
  }
  const long double t = std::log1p(y / s), first = y - s * t, second = s * q - s * t;  // less (y + s) t - y
  sum[0] += y - (y + s) * t;
  sum[1] += first;
  sum[2] += second;
  sum[3] += second + s * q * (1 - p);
  const double factorial[] = {1.0, 1.0, 2.0, 6.0};
  for (std::size_t k = 0; k < 4; ++k)
    check::close(found.c[k] * factorial[k], static_cast<double>(sum[k]), 1e-12,
                 "gamma_remainder_difference of " + std::to_string(y) + " at " + std::to_string(phi) + ", derivative " +
                     std::to_string(k), 0.1);
}

/// For any c, also where c + 1 + 1 + ... is rounded: Q(c + s) and log Gamma(c + s).
void shifted_gamma(double c, double phi) {
  const long double s = std::exp(static_cast<long double>(phi)), x = c + s;
  const std::string name = std::to_string(c) + " at " + std::to_string(phi);
  const double gamma = static_cast<double>(std::lgamma(x));
  check::close(glimmer::log_gamma_shifted<3>(c, phi).value(), gamma, 1e-13, "log_gamma_shifted of " + name);
  check::close(glimmer::gamma_remainder<3>(c, phi).value(), static_cast<double>(std::lgamma(x) - x * std::log(x) + x),
               1e-13, "gamma_remainder of " + name, 1.0);
  const double h = 1e-4, slope = (glimmer::log_gamma_shifted<0>(c, phi + h).value() -
                                  glimmer::log_gamma_shifted<0>(c, phi - h).value()) / (2.0 * h);
  check::close(glimmer::log_gamma_shifted<3>(c, phi).c[1], slope, 1e-6, "log_gamma_shifted of " + name + ", slope");
}

}  // namespace

int main() {
  for (int k = 1; k <= 1700; ++k)
    for (double phi : {-2.0, 0.0, 1.3}) shifted_gamma(0.01 * k, phi);
  for (double x : {1e-300, 1e-8, 0.01, 0.3, 0.5, 1.0, 1.4616, 1.999, 2.0, 2.5, 3.0, 7.7, 9.999, 10.0, 10.5, 33.0, 171.3,
                   1e4, 1e9, 1e300}) {
    const double expected = static_cast<double>(std::lgamma(static_cast<long double>(x)));
    check::close(glimmer::log_gamma(x), expected, 4e-15, "log_gamma at " + std::to_string(x));
  }
  check::that(glimmer::log_gamma(1.0) == 0.0, "log_gamma(1) is zero: a Bernoulli row has no constant");
  check::that(glimmer::log_gamma(2.0) == 0.0, "log_gamma(2) is zero");
  for (double y : {0.0, 1.0, 2.0, 7.0, 30.0, 31.0, 400.0})
    for (double phi : {-40.0, -6.0, -1.0, 0.5, 1.9, 2.6, 2.8, 4.0, 8.0}) gamma_difference(y, phi);
  return check::finish();
}
