// Counts without zeros: the Poisson and negative binomial (nbinom2) distributions given that y > 0
// (truncated_poisson and truncated_nbinom2 of glmmTMB). mu is the mean of the whole distribution.
#ifndef GLIMMER_TRUNCATED_COUNTS_H
#define GLIMMER_TRUNCATED_COUNTS_H

#include "gamma_series.h"
#include "negative_binomial.h"

namespace glimmer {

/// y log mu - mu - log(1 - exp(-mu)), log mu = eta: the density of y given y > 0 has the canonical link as well.
struct TruncatedPoissonFamily {
  static constexpr bool has_dispersion = false;
  static constexpr double scale_power = 0.0;

  static double constant(const Observation& o) { return PoissonFamily::constant(o); }
  static Observation sum_of(const Observation& a, const Observation& b) { return PoissonFamily::sum_of(a, b); }

  /// Where mu is small, with log((1 - exp(-mu)) / mu): nothing is left of log mu where y = 1.
  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    const double mean = std::exp(eta);
    if (mean > 0.5) return PoissonFamily::kernel<Link, K>(o, eta) - CloglogLink::log_mean<K>(eta);
    Jet<K> out = -Link::template mean<K>(eta) - log_expm1_ratio<K>(mean);
    if (o.y != 1.0) out += (o.y - 1.0) * Link::template log_mean<K>(eta);
    return out;
  }
  /// The second derivative does not depend on y.
  template <class Link>
  static double information(const Observation& o, double eta) {
    return -2.0 * kernel<Link, 2>(o, eta).c[2];
  }
};

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

/// f of the negative binomial family less log(1 - exp(-l)), l = s log(1 + mu / s). Prior weights multiply it.
struct TruncatedNegativeBinomialFamily {
  static double constant(const Observation& o) { return NegativeBinomialFamily::constant(o); }

  template <class Series, class Link, int mean_at = 0, int size_at = 1>
  static Series log_density(const Observation& o, double eta, double phi) {
    static_assert(std::is_same_v<Link, LogLink>, "eta - phi is taken for log(mu / s)");
    constexpr int K = Series::order, in_phi = order_in<Series, size_at>;
    const Series log_mean = lift<Series, mean_at>(Jet<K>::variable(eta));
    const Series log_ratio = log_mean - lift<Series, size_at>(Jet<in_phi>::variable(phi));
    const Series rho = compose(log_log1p_ratio<K>(eta - phi), log_ratio), log_l = log_mean + rho;
    const auto whole = [&](double y) {
      return NegativeBinomialFamily::log_density<Series, Link, mean_at, size_at>({y, 1.0, 1.0}, eta, phi);
    };
    if (log_l.value() > -log_2)
      return o.weight * (whole(o.y) - compose(CloglogLink::log_mean<K>(log_l.value()), log_l));
    // mu or s is small: nothing is left of log mu where y = 1, as log(1 - exp(-l)) is about log l
    const Series of_zero = whole(0.0) - compose(log_expm1_ratio<K>(std::exp(log_l.value())), log_l) - rho;
    const Series rising = lift<Series, size_at>(rising_remainder<in_phi>(o.y, phi));
    const Series fall = compose(softplus<K>(log_ratio.value()), log_ratio);
    return o.weight * (of_zero + (o.y - 1.0) * log_mean + (rising - o.y * fall));
  }

  /// Of the first two moments of y given y > 0, at most the expected information: with m = mu / P(y > 0) its mean,
  /// (dm / d eta)^2 / (m (1 + mu + mu / s - m))
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const double mu = std::exp(eta), ratio = mu * std::exp(-phi), none = -std::exp(phi) * std::log1p(ratio);
    const double positive = -std::expm1(none), mean = mu / positive;
    const double slope = mean * (1.0 - mean * std::exp(none) / (1.0 + ratio));
    return o.weight * slope * slope / (mean * (1.0 + mu + ratio - mean));
  }
};

// Where the size is small the logarithm of 1 - P(0) bends the density of large means upwards.
template <> struct Traits<TruncatedNegativeBinomialFamily, LogLink> : AnyEta<false> {};

}  // namespace glimmer

#endif
