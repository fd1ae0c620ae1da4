// Special functions that std has not, or not without global state: std::lgamma writes `signgam`, a data race.
#ifndef GLIMMER_SPECIAL_FUNCTIONS_H
#define GLIMMER_SPECIAL_FUNCTIONS_H

#include <cmath>

#include "jet.h"

namespace glimmer {

constexpr double log_2pi = 1.837877066409345483560659472811;
constexpr double pi = 3.141592653589793238462643383280;
constexpr double log_2 = 0.693147180559945309417232121458;
constexpr double sqrt_half = 0.707106781186547524400844362105;     // sqrt(1 / 2)
constexpr double sqrt_two_by_pi = 0.797884560802865355879892119869;  // sqrt(2 / pi)

/// log Gamma(x) - [(x - 1/2) log x - x + log(2 pi) / 2] for x >= 10: Stirling's series
/// (Abramowitz and Stegun 1964, 6.1.41)
inline double stirling_series(double x) {
  const double y = 1.0 / (x * x);
  return (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y * (1.0 / 1188 - y * 691.0 / 360360))))) / x;
}

/// log Gamma(x), x > 0, by the recurrence Gamma(x + 1) = x Gamma(x) up to 10
inline double log_gamma(double x) {
  if (x == 1.0 || x == 2.0) return 0.0;  // exactly, so that a log-density close to zero keeps its digits
  double product = 1.0;
  while (x < 10.0) product *= x++;
  return (x - 0.5) * std::log(x) - x + 0.5 * log_2pi + stirling_series(x) - std::log(product);
}

/// log(x) - digamma(x), x > 0: always positive. By the recurrence digamma(x + 1) = digamma(x) + 1 / x up to 10,
/// then the asymptotic series (Abramowitz and Stegun 1964, 6.3.18)
inline double log_minus_digamma(double x) {
  const double start = x;
  double sum = 0.0;
  while (x < 10.0) sum += 1.0 / x++;
  const double y = 1.0 / (x * x);
  const double series =
      y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132 - y * 691.0 / 32760)))));
  return series + 0.5 / x + (x > start ? sum + std::log(start / x) : 0.0);
}

/// log(1 + x) - x without cancellation, |x| <= 1/4: with v = x / (2 + x), log(1 + x) = 2 artanh(v)
inline double log1p_minus(double x) {
  const double v = x / (2.0 + x), y = v * v;
  double sum = 0.0;
  for (int n = 21; n >= 3; n -= 2) sum = sum * y + 1.0 / n;
  return v * (2.0 * y * sum - x);
}

/// Adds the derivatives in phi of log(c + s), s = exp(phi), c > 0, to those of a series, its value left alone. With
/// p = s / (c + s) and q = 1 - p they are p, p q, p q (q - p), ...: polynomials that cancel only where they are zero.
template <int K>
inline void add_log_shifted_slopes(double c, double s, Jet<K>& out) {
  const double inverse = 1.0 / (c + s), p = s * inverse, q = c * inverse, v = p * q;
  if constexpr (K >= 1) out.c[1] += p;
  if constexpr (K >= 2) out.c[2] += v * (1.0 / 2);
  if constexpr (K >= 3) out.c[3] += v * (q - p) * (1.0 / 6);
  if constexpr (K >= 4) out.c[4] += v * (1.0 - 6.0 * v) * (1.0 / 24);
  if constexpr (K >= 5) out.c[5] += v * (q - p) * (1.0 - 12.0 * v) * (1.0 / 120);
  if constexpr (K > 5) {  // by p' = p (1 - p)
    Jet<K> series(p);
    for (int k = 0; k < K; ++k) {
      double sum = series.c[k];
      for (int j = 0; j <= k; ++j) sum -= series.c[j] * series.c[k - j];
      series.c[k + 1] = sum / (k + 1);
      if (k >= 5) out.c[k + 1] += series.c[k] / (k + 1);
    }
  }
}

/// The series in phi of sum log(c + s) over c = first, first + 1, ..., `count` of them, s = exp(phi): so few that their
/// product is a number.
template <int K>
Jet<K> log_of_product(double first, double count, double s) {
  Jet<K> out;
  double product = 1.0;
  for (double j = 0.0; j < count; j += 1.0) {  // not to an end: first + count is rounded
    const double c = first + j;
    product *= c + s;
    add_log_shifted_slopes(c, s, out);
  }
  out.c[0] = std::log(product);
  return out;
}

/// The series in phi of log(c + s), c >= 0, s = exp(phi)
template <int K>
Jet<K> log_shifted(double c, double phi, double s) {
  if (c == 0.0) return Jet<K>::variable(phi);
  Jet<K> out(std::log(c + s));
  add_log_shifted_slopes(c, s, out);
  return out;
}

/// The series in phi of log(1 + c / exp(phi)), c >= 0: small where exp(phi) is large
template <int K>
Jet<K> log_ratio_shifted(double c, double phi) {
  if (c == 0.0) return Jet<K>();
  const double s = std::exp(phi);
  Jet<K> out(s > c ? std::log1p(c / s) : std::log(c + s) - phi);
  add_log_shifted_slopes(c, s, out);
  if constexpr (K >= 1) out.c[1] = -c / (c + s);
  return out;
}

/// From where on a series has Stirling's series.
constexpr double stirling_start = 15.0;

/// The series in phi of Stirling's series at x = c + exp(phi) >= stirling_start, given that of log(x): more terms than
/// stirling_series() has, as each derivative multiplies the error by some 17.
template <int K>
Jet<K> stirling_series(double x, const Jet<K>& log_x) {
  constexpr double coefficients[] = {-3617.0 / 122400, 1.0 / 156,   -691.0 / 360360, 1.0 / 1188,
                                     -1.0 / 1680,      1.0 / 1260,  -1.0 / 360,      1.0 / 12};
  Jet<K> inverse(1.0 / x);
  exp_recurrence(-log_x, inverse, inverse.value());
  const Jet<K> y = square(inverse);
  Jet<K> sum;
  for (double coefficient : coefficients) sum = sum * y + coefficient;
  return sum * inverse;
}

/// Whole steps from x up to where Stirling's series begins.
inline double steps_to_stirling(double x) { return std::ceil(std::fmax(0.0, stirling_start - x)); }

/// The series in phi of Q(x) = log Gamma(x) - x log x + x at x = c + s, s = exp(phi), which is small where x is large.
/// By the recurrence Gamma(x + 1) = x Gamma(x) up to stirling_start.
template <int K>
Jet<K> gamma_remainder(double c, double phi) {
  const double s = std::exp(phi), steps = steps_to_stirling(c + s);
  const Jet<K> log_last = log_shifted<K>(c + steps, phi, s);
  Jet<K> out = stirling_series(c + steps + s, log_last) - 0.5 * log_last + 0.5 * log_2pi;
  if (steps == 0.0) return out;
  const Jet<K> size = exp_with_value<K>(s), log_x = log_shifted<K>(c, phi, s);
  out += (size + (c + steps)) * log_last - (size + c) * log_x - log_x;
  return out - log_of_product<K>(c + 1.0, steps - 1.0, s) + (-steps);
}

/// The series in phi of Q(y + s) - Q(s), s = exp(phi): about -y / 2s where s is large. With
/// T(j) = log(1 + j / s) it is sum_{j<y} T(j) - (y + s) T(y) + y for whole y, and by Stirling's formula
/// -T(y) / 2 and a difference of small numbers.
template <int K>
Jet<K> gamma_remainder_difference(double y, double phi) {
  constexpr double few = 30.0;
  if (y == 0.0) return Jet<K>();
  const double s = std::exp(phi);
  if (s >= stirling_start)
    return stirling_series(y + s, log_shifted<K>(y, phi, s)) - stirling_series(s, Jet<K>::variable(phi)) -
           0.5 * log_ratio_shifted<K>(y, phi);
  if (y > few || y != std::floor(y)) return gamma_remainder<K>(y, phi) - gamma_remainder<K>(0.0, phi);
  const Jet<K> last = -(exp_with_value<K>(s) + y) * log_ratio_shifted<K>(y, phi) + y;
  Jet<K> out = last + log_of_product<K>(1.0, y - 1.0, s) + (-(y - 1.0) * phi);
  if constexpr (K >= 1) {  // the first derivative of T(j) is that of log(j + s), less 1
    out.c[1] = last.c[1];
    for (double j = 1.0; j < y; j += 1.0) out.c[1] -= j / (j + s);
  }
  return out;
}

/// log(1 - exp(x)), x < 0
inline double log1m_exp(double x) {
  return x > -log_2 ? std::log(-std::expm1(x)) : std::log1p(-std::exp(x));
}

/// The series in x of log Phi(x) at x = -t, t > 0 not small, Phi the normal distribution function:
/// log Phi(-t) = -t^2 / 2 - log(2 pi) / 2 + log M(t), M(t) = I_0 and (-1)^n I_n its derivatives, where
/// I_n = int_0^inf s^n exp(-t s - s^2 / 2) ds > 0. They are the minimal solution of n I_{n-1} = I_{n+1} + t I_n, so
/// that the recurrence is stable downwards, from any start (Miller's algorithm; Gautschi 1967, SIAM Review 9:24);
/// t I_0 + I_1 = 1 sets the scale. Below, moments[n] = t^n I_n / n!.
template <int K>
Jet<K> log_normal_tail(double t) {
  const double step = 1.0 / (t * t);
  int n = 20 + static_cast<int>(270.0 * step);
  const double ratio = (2 * n + 1) / (t + std::sqrt(t * t + 4 * n + 2));  // of I_{n+1} to I_n, about
  double moments[K + 2] = {}, above = ratio * t / (n + 1), at = 1.0;
  for (; n > 0; --n) {
    if (n <= K + 1) moments[n] = at;
    const double below = at + (n + 1) * step * above;
    above = at;
    at = below;
  }
  moments[0] = at;
  Jet<K> series;
  double power = 1.0;
  for (int k = 0; k <= K; ++k) {
    series.c[k] = moments[k] * power;
    power /= t;
  }
  const double hazard = t + moments[1] / (moments[0] * t);  // 1 / M(t)
  Jet<K> out = log_with_value(series, -0.5 * t * t - 0.5 * log_2pi - std::log(hazard));
  if constexpr (K >= 1) out.c[1] += t;
  if constexpr (K >= 2) out.c[2] -= 0.5;
  return out;
}

/// log Phi(x), Phi the normal distribution function. The derivative r = phi(x) / Phi(x) obeys r' = -r (x + r),
/// which loses digits with growing order as x falls: from there on by log_normal_tail().
template <int K>
Jet<K> log_normal_distribution(double x) {
  constexpr double last = K <= 2 ? -4.0 : K == 3 ? -2.5 : K == 4 ? -1.75 : -1.25;
  if (x < last) return log_normal_tail<K>(-x);
  Jet<K> out(x < 1.0 ? std::log(0.5 * std::erfc(-x * sqrt_half)) : std::log1p(-0.5 * std::erfc(x * sqrt_half)));
  if constexpr (K >= 1) {
    Jet<K> r(sqrt_two_by_pi * std::exp(-0.5 * x * x) / std::erfc(-x * sqrt_half));
    for (int k = 0; k < K; ++k) {
      out.c[k + 1] = r.c[k] / (k + 1);
      double product = r.c[k] * x + (k > 0 ? r.c[k - 1] : 0.0);
      for (int j = 0; j <= k; ++j) product += r.c[j] * r.c[k - j];
      r.c[k + 1] = -product / (k + 1);
    }
  }
  return out;
}

/// log((1 - exp(-t)) / t) at t = exp(eta) <= 1/2, a series in eta: -t/2 + sum_m B_2m t^2m / (2m (2m)!), B the
/// Bernoulli numbers. The k-th derivative of t^n in eta is n^k t^n: no term cancels the first.
template <int K>
Jet<K> log_expm1_ratio(double t) {
  constexpr double coefficients[] = {1.0 / 24,          -1.0 / 2880,        1.0 / 181440,      -1.0 / 9676800,
                                     1.0 / 479001600,   -4.403491782239578e-11, 9.55895466477477e-13,
                                     -2.1185501852016142e-14, 4.770034475709914e-16, -1.087434349279031e-17};
  Jet<K> out;
  const auto add = [&](double n, double term) {
    for (int k = 0; k <= K; ++k, term *= n / k) out.c[k] += term;
  };
  add(1.0, -0.5 * t);
  double n = 2.0, power = t * t;
  for (double coefficient : coefficients) {
    add(n, coefficient * power);
    n += 2.0;
    power *= t * t;
  }
  return out;
}

/// rho(t) = log(log(1 + x) / x), x = exp(t), in t. Its derivative is -d, where d = 1 - p / log(1 + x) and
/// p = x / (1 + x) obey d' = (1 - d) (p - d), p' = p (1 - p): multiples of x where that is small. Where it is large
/// u = 1 - d and q = 1 - p are the small ones: u' = u (q - u), q' = -q (1 - q).
template <int K>
Jet<K> log_log1p_ratio(double t) {
  const double x = std::exp(t), log1p_x = t > 700.0 ? t : std::log1p(x), inverse = std::exp(-t);
  const bool small = x <= 0.25;
  // (log(1 + x) - x) / x, where x^2 is no number as well
  const auto relative = [](double x) { return std::fabs(x) < 1e-100 ? -0.5 * x : log1p_minus(x) / x; };
  Jet<K> out(small ? std::log1p(relative(x)) : std::log(log1p_x) - t);
  // a stands for d or u, b for p or q
  const double p = 1.0 / (1.0 + inverse), sign = small ? 1.0 : -1.0;
  Jet<K> a((small ? relative(-p) : 1.0) * (p / log1p_x)), b(small ? p : 1.0 / (1.0 + x));
  for (int k = 0; k < K; ++k) {
    out.c[k + 1] = (k == 0 && !small ? a.c[0] - 1.0 : -sign * a.c[k]) / (k + 1);
    double of_a = b.c[k] - a.c[k], of_b = b.c[k];
    if (!small) of_a = 0.0;
    for (int j = 0; j <= k; ++j) {
      of_a -= sign * a.c[j] * (b.c[k - j] - a.c[k - j]);
      of_b -= b.c[j] * b.c[k - j];
    }
    a.c[k + 1] = of_a / (k + 1);
    b.c[k + 1] = sign * of_b / (k + 1);
  }
  return out;
}

}  // namespace glimmer

#endif
