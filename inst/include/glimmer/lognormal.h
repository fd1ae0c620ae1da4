// The lognormal family: positive responses whose logarithm is normal.
#ifndef GLIMMER_LOGNORMAL_H
#define GLIMMER_LOGNORMAL_H

#include "family.h"
#include "joint_jet.h"

namespace glimmer {

/// With the identity link eta is the mean of log y, and phi the log of its standard deviation. With the log link they
/// are the logs of mean and standard deviation of y itself (lognormal of glmmTMB): then log y has the variance
/// v = log(1 + exp(2 (phi - eta))) and the mean eta - v / 2. Prior weights multiply the log-density.
struct LognormalFamily {
  /// What depends on phi alone, to order K.
  template <int K>
  struct Shape {
    double phi;
    Jet<K> precision;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      precision = exp_of<K>(phi, -2.0);
    }
  };

  static double constant(const Observation& o) { return -o.weight * (std::log(o.y) + 0.5 * log_2pi); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Series log_sd = lift<Series, shape_at>(Jet<in_phi>::variable(shape.phi));
    Series residual = lift<Series, mean_at>(Jet<K>::variable(eta)) - std::log(o.y), out;
    if constexpr (std::is_same_v<Link, IdentityLink>) {
      out = -0.5 * (residual * residual) * lift<Series, shape_at>(shape.precision) - log_sd;
    } else {
      const Series ratio = 2.0 * (log_sd - lift<Series, mean_at>(Jet<K>::variable(eta)));
      const Series variance = compose(softplus<K>(ratio.value()), ratio);
      residual -= 0.5 * variance;
      out = -0.5 * (residual * residual * reciprocal(variance) + log(variance));
    }
    return out *= o.weight;
  }

  /// Of the mean of log y; with the log link of the first two moments of y
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const bool log_scale = std::is_same_v<Link, IdentityLink>;
    return o.weight * std::exp(-2.0 * phi + (log_scale ? 0.0 : 2.0 * eta));
  }
};

template <> struct Traits<LognormalFamily, LogLink> : AnyEta<false> {};

}  // namespace glimmer

#endif
