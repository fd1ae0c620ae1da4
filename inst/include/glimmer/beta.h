// The beta family: proportions of mean mu and precision s = a + b, a = mu s, b = (1 - mu) s (beta_family of glmmTMB):
// phi = log s.
#ifndef GLIMMER_BETA_H
#define GLIMMER_BETA_H

#include "family.h"
#include "gamma_series.h"

namespace glimmer {

/// With Q(x) = log Gamma(x) - x log x + x and the divergence D of mu from y, f but for its constant is
///   Q(s) - Q(a) - Q(b) - s D ,  D = mu log(mu / y) + (1 - mu) log((1 - mu) / (1 - y)) ,
/// where nothing cancels as the precision grows. Prior weights multiply it.
struct BetaFamily {
  /// What depends on phi alone, to order K: the precision s, Q(s).
  template <int K>
  struct Shape {
    double phi;
    Jet<K> precision, remainder;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      precision = exp_of<K>(phi);
      remainder = gamma_remainder<K>(0.0, phi);
    }
  };

  static double constant(const Observation& o) { return -o.weight * (std::log(o.y) + std::log1p(-o.y)); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const Jet<K> log_mean = Link::template log_mean<K>(eta), log_complement = Link::template log_complement<K>(eta);
    const Series log_precision = lift<Series, shape_at>(Jet<in_phi>::variable(shape.phi));
    Series out = lift<Series, shape_at>(shape.remainder) -
                 product_of_lifts<Series, shape_at, mean_at>(shape.precision,
                                                             divergence(o.y, log_mean, log_complement));
    for (const Jet<K>& log_share : {log_mean, log_complement}) {
      const Series log_part = lift<Series, mean_at>(log_share) + log_precision;
      out -= compose(gamma_remainder<K>(0.0, log_part.value()), log_part);
    }
    return out *= o.weight;
  }

  /// Of the first two moments, at most the expected information: mu'^2 (1 + s) / (mu (1 - mu))
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    return o.weight * (1.0 + std::exp(phi)) * BinomialFamily::information<Link>({0.0, 1.0, 1.0}, eta);
  }

 private:
  /// D in eta; its value where mu is close to y by k(x) = (1 + x) log(1 + x) - x of the two relative differences.
  template <int K>
  static Jet<K> divergence(double y, const Jet<K>& log_mean, const Jet<K>& log_complement) {
    const double log_y = std::log(y), log_rest = std::log1p(-y);
    const Jet<K> mean = exp(log_mean), complement = exp(log_complement);
    Jet<K> out = mean * (log_mean - log_y) + complement * (log_complement - log_rest);
    const double difference = mean.value() < 0.5 ? mean.value() - y : (1.0 - y) - complement.value();
    const double up = difference / y, down = -difference / (1.0 - y);
    if (std::fabs(up) <= 0.25 && std::fabs(down) <= 0.25)
      out.c[0] = y * excess_series<0>(up, 1.0 + up).value() + (1.0 - y) * excess_series<0>(down, 1.0 + down).value();
    return out;
  }
};

// No pair is concave in eta.
template <> struct Traits<BetaFamily, LogitLink> : AnyEta<false> {};
template <> struct Traits<BetaFamily, ProbitLink> : AnyEta<false> {};
template <> struct Traits<BetaFamily, CloglogLink> : AnyEta<false> {};
template <> struct Traits<BetaFamily, CauchitLink> : AnyEta<false> {};
template <> struct Traits<BetaFamily, LogLink> : NegativeEta<false> {};

}  // namespace glimmer

#endif
