// Log-densities and links in extended precision, written from their definitions; derivatives by Cauchy's integral
// on a circle in the complex plane. Shares nothing with the core.
#ifndef GLIMMER_TESTS_REFERENCE_H
#define GLIMMER_TESTS_REFERENCE_H

#include <array>
#include <cmath>
#include <complex>
#include <stdexcept>
#include <string>

namespace reference {

using Real = long double;
using Complex = std::complex<long double>;

constexpr Real pi = 3.14159265358979323846264338327950288L;

inline Complex power(Complex x, int n) {
  Complex out = 1.0L;
  for (int i = 0; i < n; ++i) out *= x;
  return out;
}

/// log Gamma(x), by the recurrence up to a real part of 40 and Stirling's formula.
inline Complex log_gamma(Complex x) {
  Complex sum = 0.0L;
  for (; x.real() < 40; x += 1.0L) sum -= std::log(x);
  const Complex y = 1.0L / (x * x);
  const Complex series = 1.0L / 12 - y * (1.0L / 360 - y * (1.0L / 1260 - y * (1.0L / 1680 - y * (1.0L / 1188))));
  return sum + (x - 0.5L) * std::log(x) - x + 0.5L * std::log(2 * pi) + series / x;
}

/// Phi(x), by the power series of the error function: for |x| up to 3.
inline Complex normal_distribution(Complex x) {
  Complex term = x, sum = x;
  for (int n = 1; n < 80; ++n) {
    term *= -0.5L * x * x / static_cast<Real>(n);
    sum += term / static_cast<Real>(2 * n + 1);
  }
  return 0.5L + sum / std::sqrt(2 * pi);
}

/// log(1 - exp(-x)) and the like lose digits only where x is tiny, which the circles avoid.
inline Complex log_probability(const std::string& link, Complex eta) {
  if (link == "logit") return eta.real() > 0 ? -std::log(1.0L + std::exp(-eta)) : eta - std::log(1.0L + std::exp(eta));
  if (link == "cloglog") return std::log(1.0L - std::exp(-std::exp(eta)));
  if (link == "log") return eta;
  if (link == "probit") return std::log(normal_distribution(eta));
  return std::log(0.5L + std::atan(eta) / pi);  // cauchit
}
inline Complex log_complement(const std::string& link, Complex eta) {
  if (link == "logit") return log_probability(link, -eta);
  if (link == "cloglog") return -std::exp(eta);
  if (link == "log") return std::log(1.0L - std::exp(eta));
  return log_probability(link, -eta);
}
inline Complex mean(const std::string& link, Complex eta) {
  if (link == "identity") return eta;
  if (link == "log") return std::exp(eta);
  if (link == "inverse") return 1.0L / eta;
  if (link == "sqrt") return eta * eta;
  return 1.0L / std::sqrt(eta);  // 1/mu^2
}
inline Complex log_mean(const std::string& link, Complex eta) {
  if (link == "log") return eta;
  if (link == "inverse") return -std::log(eta);
  if (link == "sqrt") return 2.0L * std::log(eta);
  if (link == "1/mu^2") return -0.5L * std::log(eta);
  return std::log(eta);
}

/// log B(a, b)
inline Complex log_beta(Complex a, Complex b) { return log_gamma(a) + log_gamma(b) - log_gamma(a + b); }

/// Families whose constant enters in another way than to scale a kernel; weights multiply the log-density.
inline Complex log_density_of_shape(const std::string& family, const std::string& link, Real y, Real size, Real phi,
                                    Complex eta) {
  const Real shape = std::exp(phi);
  if (family == "beta" || family == "betabinomial") {
    const Complex a = shape * std::exp(log_probability(link, eta)), b = shape * std::exp(log_complement(link, eta));
    if (family == "beta") return (a - 1.0L) * std::log(y) + (b - 1.0L) * std::log1p(-y) - log_beta(a, b);
    const Real choose = std::lgamma(size + 1) - std::lgamma(y + 1) - std::lgamma(size - y + 1);
    return choose + log_beta(y + a, size - y + b) - log_beta(a, b);
  }
  if (family == "lognormal") {
    const bool by_log = link == "identity";
    const Complex variance = by_log ? shape * shape : std::log(1.0L + std::exp(2.0L * (phi - eta)));
    const Complex residual = std::log(y) - eta + (by_log ? Complex(0.0L) : 0.5L * variance);
    return -0.5L * (residual * residual / variance + std::log(2 * pi * variance)) - std::log(y);
  }
  const Complex mu = mean(link, eta);
  if (family == "nbinom1") {  // size mu / alpha
    const Complex s = mu / shape;
    return log_gamma(y + s) - log_gamma(s) - std::lgamma(y + 1) - s * std::log1p(shape) - y * std::log1p(1 / shape);
  }
  if (family == "truncated_nbinom2") {
    const Complex whole = log_gamma(y + Complex(shape)) - log_gamma(shape) - std::lgamma(y + 1) + shape * phi -
                          (y + shape) * std::log(mu + shape) + y * std::log(mu);
    return whole - std::log(1.0L - std::exp(-shape * std::log(1.0L + mu / shape)));
  }
  if (family != "genpois") throw std::logic_error("log_density() of reference.h does not know " + family);
  const Real root = std::exp(-0.5L * phi);
  const Complex rate = mu * root + (1 - root) * y;
  return std::log(mu * root) + (y - 1) * std::log(rate) - rate - std::lgamma(y + 1);
}

/// The log-density of a row, all constants included; prior weights as in ?glmm.
inline Complex log_density(const std::string& family, const std::string& link, Real y, Real size, Real weight, Real phi,
                           Complex eta) {
  if (family == "gaussian") {
    const Real variance = std::exp(2 * phi) / weight;
    return -0.5L * power(y - mean(link, eta), 2) / variance - 0.5L * std::log(2 * pi * variance);
  }
  if (family == "binomial") {
    Complex sum = std::lgamma(size + 1) - std::lgamma(y + 1) - std::lgamma(size - y + 1);
    if (y > 0) sum += y * log_probability(link, eta);
    if (y < size) sum += (size - y) * log_complement(link, eta);
    return weight * sum;
  }
  if (family == "poisson") {
    Complex sum = -mean(link, eta) - std::lgamma(y + 1);
    if (y > 0) sum += y * log_mean(link, eta);
    return weight * sum;
  }
  if (family == "nbinom2") {  // variance mu + mu^2 / size
    const Real k = std::exp(phi);
    Complex sum = std::lgamma(y + k) - std::lgamma(k) - std::lgamma(y + 1) + k * phi;
    sum -= (y + k) * std::log(mean(link, eta) + k);
    if (y > 0) sum += y * log_mean(link, eta);
    return weight * sum;
  }
  if (family == "Gamma") {
    const Real k = std::exp(phi) * weight;
    return k * (std::log(k) - log_mean(link, eta)) + (k - 1) * std::log(y) - k * y / mean(link, eta) - std::lgamma(k);
  }
  if (family == "truncated_poisson") {
    const Complex mu = mean(link, eta);
    return weight * (y * log_mean(link, eta) - std::lgamma(y + 1) - mu - std::log(1.0L - std::exp(-mu)));
  }
  if (family != "inverse.gaussian") return weight * log_density_of_shape(family, link, y, size, phi, eta);
  const Real lambda = std::exp(phi) * weight;
  const Complex mu = mean(link, eta);
  return 0.5L * std::log(lambda / (2 * pi * y * y * y)) - lambda * power(y - mu, 2) / (2.0L * mu * mu * y);
}

/// Distance within which the log-density is analytic around eta, halved.
inline Real radius(const std::string& family, const std::string& link, Real eta) {
  if (link == "identity" && family != "gaussian" && family != "lognormal") return 0.5L * std::fabs(eta);
  if (link == "inverse" || link == "sqrt" || link == "1/mu^2") return 0.5L * std::fabs(eta);
  if (link == "cauchit" || link == "cloglog") return 0.5L;
  if (link == "log" && eta < 0) return std::fmin(1.0L, 0.5L * std::fabs(eta));
  return 1.0L;
}

/// Derivatives 0 to 5 of an analytic function: k!/(N r^k) sum f(x + r e^(i t)) e^(-i k t).
template <class Function>
std::array<Real, 6> derivatives(Function f, Real x, Real r) {
  constexpr int nodes = 128;
  std::array<Real, 6> out{};
  for (int j = 0; j < nodes; ++j) {
    const Real t = 2 * pi * j / nodes;
    const Complex value = f(Complex(x + r * std::cos(t), r * std::sin(t)));
    Real scale = 1;
    for (int k = 0; k < 6; ++k) {
      if (k > 0) scale *= k / r;
      out[static_cast<std::size_t>(k)] += (value * Complex(std::cos(k * t), -std::sin(k * t))).real() * scale / nodes;
    }
  }
  return out;
}

/// log Phi(x) and its derivatives: m = phi/Phi, m' = -m (x + m), applied to polynomials in (x, m).
inline std::array<Real, 6> log_normal_distribution(Real x) {
  const Real p = 0.5L * std::erfc(-x / std::sqrt(2.0L)), m = std::exp(-0.5L * x * x) / std::sqrt(2 * pi) / p;
  Real coefficient[7][7] = {};  // of x^a m^b
  coefficient[0][1] = 1;
  std::array<Real, 6> out{std::log(p)};
  for (std::size_t k = 1; k < 6; ++k) {
    for (int a = 0; a < 7; ++a)
      for (int b = 0; b < 7; ++b) out[k] += coefficient[a][b] * std::pow(x, a) * std::pow(m, b);
    Real next[7][7] = {};
    for (int a = 0; a < 7; ++a)
      for (int b = 0; b < 7; ++b) {
        const Real c = coefficient[a][b];
        if (c == 0) continue;
        if (a > 0) next[a - 1][b] += c * a;
        if (a < 6) next[a + 1][b] -= c * b;
        if (b < 6) next[a][b + 1] -= c * b;
      }
    for (int a = 0; a < 7; ++a)
      for (int b = 0; b < 7; ++b) coefficient[a][b] = next[a][b];
  }
  return out;
}

inline std::array<Real, 6> density_derivatives(const std::string& family, const std::string& link, Real y, Real size,
                                               Real weight, Real phi, Real eta) {
  if (link == "probit" && family == "binomial") {
    const std::array<Real, 6> p = log_normal_distribution(eta), q = log_normal_distribution(-eta);
    std::array<Real, 6> out{};
    for (std::size_t k = 0; k < 6; ++k) {
      const Real sign = k % 2 == 0 ? 1 : -1;
      out[k] = weight * (y * p[k] + (size - y) * sign * q[k]);
    }
    out[0] += weight * (std::lgamma(size + 1) - std::lgamma(y + 1) - std::lgamma(size - y + 1));
    return out;
  }
  const auto f = [&](Complex x) { return log_density(family, link, y, size, weight, phi, x); };
  return derivatives(f, eta, radius(family, link, eta));
}

}  // namespace reference

#endif
