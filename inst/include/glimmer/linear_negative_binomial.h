// The negative binomial family with variance mu (1 + alpha) (nbinom1 of glmmTMB): phi = log alpha.
#ifndef GLIMMER_LINEAR_NEGATIVE_BINOMIAL_H
#define GLIMMER_LINEAR_NEGATIVE_BINOMIAL_H

#include "family.h"
#include "gamma_series.h"

namespace glimmer {

/// The negative binomial of size s = mu / alpha. With G_y of gamma_series.h, in log s, f is
///   G_y - y log s + y log mu - y log(1 + alpha) - mu log(1 + alpha) / alpha  =
///   G_y - y log(1 + 1 / alpha) - mu log(1 + alpha) / alpha :
/// the first where s is not small, whose sum over less than y whole numbers loses nothing beside the Poisson's
/// y log mu - mu; for long sums near_poisson(). Prior weights multiply it.
struct LinearNegativeBinomialFamily {
  /// What depends on phi alone, to order K: log(1 + alpha), its ratio to alpha, log(1 + 1 / alpha).
  template <int K>
  struct Shape {
    double phi;
    Jet<K> log1p, log1p_ratio, log1p_inverse;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      log1p = softplus<K>(phi);
      log1p_ratio = exp(log_log1p_ratio<K>(phi));
      log1p_inverse = log_ratio_shifted<K>(1.0, phi);
    }
  };

  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Jet<K> mean = Link::template mean<K>(eta);
    if (o.y == 0.0) return (-o.weight) * product_of_lifts<Series, mean_at, shape_at>(mean, shape.log1p_ratio);
    const Jet<K> log_mean = Link::template log_mean<K>(eta);
    const Series log_size =
        lift<Series, mean_at>(log_mean) - lift<Series, shape_at>(Jet<in_phi>::variable(shape.phi));
    const bool short_sum = is_short_sum(o.y) && log_size.value() >= 0.0;
    if (!short_sum && shape.phi < 2.0 * log_2 && o.y <= 2.0 * mean.value() * (1.0 + std::exp(-shape.phi)))
      return o.weight * near_poisson<Series, Link, mean_at, shape_at>(o.y, eta, shape.phi, log_size);
    Series out = short_sum ? o.y * lift<Series, mean_at>(log_mean) - o.y * lift<Series, shape_at>(shape.log1p) +
                                 compose(rising_remainder<K>(o.y, log_size.value()), log_size)
                           : log_size - o.y * lift<Series, shape_at>(shape.log1p_inverse) +
                                 compose(rising_rest<K>(o.y, log_size.value()), log_size);
    out -= product_of_lifts<Series, mean_at, shape_at>(mean, shape.log1p_ratio);
    return out *= o.weight;
  }

  /// Of the first two moments: mu'^2 / variance, at most the expected information
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const double slope = Link::template log_mean<1>(eta).c[1], mean = Link::template mean<0>(eta).value();
    return o.weight * mean * slope * slope / (1.0 + std::exp(phi));
  }

 private:
  /// y log mu - mu, and what vanishes with alpha: with p = alpha / (1 + alpha) mu k(r) / p + Q(y + s) - Q(s),
  /// r = (y - mu) / (mu + s) = (y / mu - 1) p, with the functions of NegativeBinomialFamily.
  template <class Series, class Link, int mean_at, int shape_at>
  static Series near_poisson(double y, double eta, double phi, const Series& log_size) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Jet<in_phi> alpha = exp_of<in_phi>(phi), p = alpha * reciprocal(alpha + 1.0);
    const Jet<K> mean = Link::template mean<K>(eta);
    const Jet<K> excess = y * Link::template inverse_mean<K>(eta) - 1.0;
    const Series r = product_of_lifts<Series, mean_at, shape_at>(excess, p);
    const double ratio = (excess.value() + 1.0) * p.value() + 1.0 / (1.0 + alpha.value());
    const Series total = product_of_lifts<Series, mean_at, shape_at>(mean, reciprocal(p));
    Series out = total * compose(excess_series<K>(r.value(), ratio), r) - lift<Series, mean_at>(mean);
    out += compose(gamma_remainder_difference<K>(y, log_size.value()), log_size);
    return out + y * lift<Series, mean_at>(Link::template log_mean<K>(eta));
  }
};

// No pair is concave in eta.
template <> struct Traits<LinearNegativeBinomialFamily, LogLink> : AnyEta<false> {};
template <> struct Traits<LinearNegativeBinomialFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<LinearNegativeBinomialFamily, SqrtLink> : PositiveEta<false> {};

}  // namespace glimmer

#endif
