// Special functions that std has not, or not without global state: std::lgamma writes `signgam`, a data race.
#ifndef GLIMMER_SPECIAL_FUNCTIONS_H
#define GLIMMER_SPECIAL_FUNCTIONS_H

#include <cmath>

namespace glimmer {

constexpr double log_2pi = 1.837877066409345483560659472811;

/// log Gamma(x) - [(x - 1/2) log x - x + log(2 pi) / 2] for x >= 10: Stirling's series
/// (Abramowitz and Stegun 1964, 6.1.41)
inline double stirling_series(double x) {
  const double y = 1.0 / (x * x);
  return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) / x;
}

/// log Gamma(x), x > 0, by the recurrence Gamma(x + 1) = x Gamma(x) up to 10
inline double log_gamma(double x) {
  double product = 1.0;
  while (x < 10.0) product *= x++;
  return (x - 0.5) * std::log(x) - x + 0.5 * log_2pi + stirling_series(x) - std::log(product);
}

}  // namespace glimmer

#endif
