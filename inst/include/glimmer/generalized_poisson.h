// The generalized Poisson family of Consul, variance alpha mu, alpha below 1 as well as above (genpois of glmmTMB):
// phi = log alpha.
#ifndef GLIMMER_GENERALIZED_POISSON_H
#define GLIMMER_GENERALIZED_POISSON_H

#include "family.h"
#include "joint_jet.h"

namespace glimmer {

/// Consul and Jain 1973, Technometrics 15:791: theta (theta + lambda y)^(y - 1) exp(-theta - lambda y) / y!, with
/// theta = mu g, lambda = 1 - g, g = 1 / sqrt(alpha); the rate c = theta + lambda y is zero or less where alpha < 1 and
/// y is too large: there the density is zero. Prior weights multiply the log-density.
struct GeneralizedPoissonFamily {
  /// What depends on phi alone, to order K: g and lambda.
  template <int K>
  struct Shape {
    double phi;
    Jet<K> g, lambda;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      g = exp_of<K>(phi, -0.5);
      lambda = -g;
      lambda.c[0] = -std::expm1(-0.5 * phi);
    }
  };

  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Series theta = product_of_lifts<Series, mean_at, shape_at>(Link::template mean<K>(eta), shape.g);
    if (o.y == 0.0) return -o.weight * theta;
    const Series rate = theta + o.y * lift<Series, shape_at>(shape.lambda);
    if (!(rate.value() > 0.0)) return Series(-infinity);
    Series out = lift<Series, mean_at>(Link::template log_mean<K>(eta)) +
                 lift<Series, shape_at>(-0.5 * Jet<in_phi>::variable(shape.phi)) - rate;
    if (o.y != 1.0) out += (o.y - 1.0) * log(rate);
    return out *= o.weight;
  }

  /// Of the first two moments: mu'^2 / variance, at most the expected information
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const double slope = Link::template log_mean<1>(eta).c[1], mean = Link::template mean<0>(eta).value();
    return o.weight * mean * slope * slope * std::exp(-phi);
  }
};

template <> struct Traits<GeneralizedPoissonFamily, LogLink> : AnyEta<false> {};
template <> struct Traits<GeneralizedPoissonFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<GeneralizedPoissonFamily, SqrtLink> : PositiveEta<false> {};

}  // namespace glimmer

#endif
