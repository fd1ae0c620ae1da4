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

/// f of the negative binomial family less log(1 - exp(-l)), l = s log(1 + mu / s). Prior weights multiply it.
struct TruncatedNegativeBinomialFamily {
  /// What depends on phi alone, to order K: that of the whole distribution, and G_y(phi) - y phi by y.
  template <int K>
  struct Shape : NegativeBinomialFamily::Shape<K> {
    Shape(double phi) : NegativeBinomialFamily::Shape<K>(phi) {}
    void set(double to) {
      NegativeBinomialFamily::Shape<K>::set(to);
      rising_.clear();
    }
    Jet<K> rising(double y) const {
      return rising_(y, [&] { return rising_remainder<K>(y, this->phi); });
    }

   private:
    SeriesByCount<K> rising_;
  };

  static double constant(const Observation& o) { return NegativeBinomialFamily::constant(o); }

  template <class Series, class Link, int mean_at = 0, int size_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, size_at>>& shape) {
    static_assert(std::is_same_v<Link, LogLink>, "eta - phi is taken for log(mu / s)");
    constexpr int K = Series::order, in_phi = order_in<Series, size_at>;
    const Series log_mean = lift<Series, mean_at>(Jet<K>::variable(eta));
    const Series log_ratio = log_mean - lift<Series, size_at>(Jet<in_phi>::variable(shape.phi));
    const Series rho = compose(log_log1p_ratio<K>(eta - shape.phi), log_ratio), log_l = log_mean + rho;
    const auto whole = [&](double y) {
      return NegativeBinomialFamily::log_density<Series, Link, mean_at, size_at>({y, 1.0, 1.0}, eta, shape);
    };
    if (log_l.value() > -log_2)
      return o.weight * (whole(o.y) - compose(CloglogLink::log_mean<K>(log_l.value()), log_l));
    // mu or s is small: nothing is left of log mu where y = 1, as log(1 - exp(-l)) is about log l
    const Series of_zero = whole(0.0) - compose(log_expm1_ratio<K>(std::exp(log_l.value())), log_l) - rho;
    const Series rising = lift<Series, size_at>(shape.rising(o.y));
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
