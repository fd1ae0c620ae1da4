// The negative binomial family with variance mu (1 + alpha) (nbinom1 of glmmTMB): phi = log alpha.
#ifndef GLIMMER_LINEAR_NEGATIVE_BINOMIAL_H
#define GLIMMER_LINEAR_NEGATIVE_BINOMIAL_H

#include "family.h"
#include "gamma_series.h"

namespace glimmer {

/// The negative binomial of size s = mu / alpha; p = alpha / (1 + alpha). Prior weights multiply the log-density.
struct LinearNegativeBinomialFamily {
  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, double phi) {
    constexpr int in_phi = order_in<Series, shape_at>;
    const double mean = Link::template mean<0>(eta).value(), p = 1.0 / (1.0 + std::exp(-phi));
    const bool poisson_like = phi < 2.0 * log_2 && o.y <= 2.0 * mean / p;
    const Series log_size = lift<Series, mean_at>(Link::template log_mean<Series::order>(eta)) -
                            lift<Series, shape_at>(Jet<in_phi>::variable(phi));
    Series out = poisson_like ? near_poisson<Series, Link, mean_at, shape_at>(o.y, eta, phi, log_size)
                              : direct<Series, Link, mean_at, shape_at>(o.y, eta, phi, log_size);
    return out *= o.weight;
  }

  /// Of the first two moments: mu'^2 / variance, at most the expected information
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const double slope = Link::template log_mean<1>(eta).c[1], mean = Link::template mean<0>(eta).value();
    return o.weight * mean * slope * slope / (1.0 + std::exp(phi));
  }

 private:
  /// y log mu - mu, and what vanishes with alpha: mu k(r) / p + Q(y + s) - Q(s), r = (y - mu) / (mu + s) =
  /// (y / mu - 1) p, with the functions of NegativeBinomialFamily.
  template <class Series, class Link, int mean_at, int shape_at>
  static Series near_poisson(double y, double eta, double phi, const Series& log_size) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Jet<in_phi> alpha = exp_of<in_phi>(phi), p = alpha * reciprocal(alpha + 1.0);
    const Jet<K> mean = Link::template mean<K>(eta);
    Jet<K> excess(-1.0);
    if (y > 0.0) excess += y * Link::template inverse_mean<K>(eta);
    const Series r = lift<Series, mean_at>(excess) * lift<Series, shape_at>(p);
    const double ratio = (excess.value() + 1.0) * p.value() + 1.0 / (1.0 + alpha.value());
    const Series total = lift<Series, mean_at>(mean) * lift<Series, shape_at>(reciprocal(p));
    Series out = total * compose(excess_series<K>(r.value(), ratio), r) - lift<Series, mean_at>(mean);
    if (y == 0.0) return out;
    out += compose(gamma_remainder_difference<K>(y, log_size.value()), log_size);
    return out + y * lift<Series, mean_at>(Link::template log_mean<K>(eta));
  }

  /// log Gamma(y + s) - log Gamma(s) - s log(1 + alpha) + y log p
  template <class Series, class Link, int mean_at, int shape_at>
  static Series direct(double y, double eta, double phi, const Series& log_size) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Jet<in_phi> size_of_mean = exp_of<in_phi>(phi, -1.0);
    Series out = -(lift<Series, mean_at>(Link::template mean<K>(eta)) *
                   lift<Series, shape_at>(size_of_mean * softplus<in_phi>(phi)));
    if (y == 0.0) return out;
    out += log_size + compose(rising_rest<K>(y, log_size.value()), log_size);
    return out - y * lift<Series, shape_at>(log_ratio_shifted<in_phi>(1.0, phi));
  }
};

// No pair is concave in eta.
template <> struct Traits<LinearNegativeBinomialFamily, LogLink> : AnyEta<false> {};
template <> struct Traits<LinearNegativeBinomialFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<LinearNegativeBinomialFamily, SqrtLink> : PositiveEta<false> {};

}  // namespace glimmer

#endif
