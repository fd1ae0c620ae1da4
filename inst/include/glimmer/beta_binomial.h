// The beta-binomial family: successes in trials whose probability has a beta distribution of mean mu and precision s =
// a + b, a = mu s, b = (1 - mu) s (betabinomial of glmmTMB): phi = log s.
#ifndef GLIMMER_BETA_BINOMIAL_H
#define GLIMMER_BETA_BINOMIAL_H

#include "family.h"
#include "gamma_series.h"

namespace glimmer {

/// f = log choose(n, y) + G_y(log a) + G_{n - y}(log b) - G_n(phi), G of gamma_series.h. Prior weights multiply it.
struct BetaBinomialFamily {
  /// What depends on phi and the trials alone, to order K: G_n(phi) - phi and G_n(phi) - n phi.
  template <int K>
  struct Shape {
    double phi;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      rests_.clear();
      remainders_.clear();
    }
    Jet<K> rest(double n) const {
      return rests_(n, [&] { return rising_rest<K>(n, phi); });
    }
    Jet<K> remainder(double n) const {
      return remainders_(n, [&] { return rising_remainder<K>(n, phi); });
    }

   private:
    SeriesByCount<K> rests_, remainders_;
  };

  static double constant(const Observation& o) { return BinomialFamily::constant(o); }

  template <class Series, class Link, int mean_at = 0, int shape_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, shape_at>;
    const double failures = o.size - o.y, phi = shape.phi;
    const Jet<K> log_mean = Link::template log_mean<K>(eta), log_complement = Link::template log_complement<K>(eta);
    Series out;
    if (o.y > 0.0 && failures > 0.0) {
      double counts = 0.0;  // of phi that were left out
      out = side<Series, mean_at, shape_at>(o.y, log_mean, phi, counts) +
            side<Series, mean_at, shape_at>(failures, log_complement, phi, counts);
      const bool all = counts > 0.0 && counts == o.size - 2.0;
      const Jet<in_phi> log_precision = Jet<in_phi>::variable(phi);
      out += lift<Series, shape_at>(all ? log_precision - shape.rest(o.size)
                                        : -shape.remainder(o.size) - counts * log_precision);
    } else if (o.size > 0.0) {
      out = one_side<Series, mean_at, shape_at>(o.size, o.y > 0.0 ? log_mean : log_complement, shape);
    }
    return out *= o.weight;
  }

  /// Of the first two moments, at most the expected information: that of the binomial family, divided by the inflation
  /// of the variance 1 + (n - 1) / (1 + s)
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    return o.weight * BinomialFamily::information<Link>(o, eta) / (1.0 + (o.size - 1.0) / (1.0 + std::exp(phi)));
  }

 private:
  /// G_y(log a) - y phi: y log(a / s) and a remainder where a is large; where it is small
  /// log(a / s) + [G_y(log a) - log a], to which -(y - 1) phi belongs, left to the caller.
  template <class Series, int mean_at, int shape_at>
  static Series side(double y, const Jet<Series::order>& log_share, double phi, double& counts) {
    constexpr int K = Series::order;
    const Series share = lift<Series, mean_at>(log_share);
    const Series log_a = share + lift<Series, shape_at>(Jet<order_in<Series, shape_at>>::variable(phi));
    const double at = log_a.value();
    if (at >= 0.0) return y * share + compose(rising_remainder<K>(y, at), log_a);
    counts += y - 1.0;
    return share + compose(rising_rest<K>(y, at), log_a);
  }

  /// All trials alike: G_n(phi + d) - G_n(phi), d the logarithm of their mean probability; where that is close to 1 by
  /// Taylor's formula in d.
  template <class Series, int mean_at, int shape_at>
  static Series one_side(double n, const Jet<Series::order>& log_share,
                         const Shape<order_in<Series, shape_at>>& shape) {
    constexpr int in_phi = order_in<Series, shape_at>;
    const double phi = shape.phi;
    if (log_share.value() > -1e-4) return taylor<Series, mean_at, shape_at>(n, log_share, phi);
    double counts = 0.0;
    Series out = side<Series, mean_at, shape_at>(n, log_share, phi, counts);
    // the same form for both; without counts and with n = 1 nothing is left
    if (counts > 0.0 && phi < 0.0) return out - lift<Series, shape_at>(shape.rest(n));
    return out - lift<Series, shape_at>(shape.remainder(n) + counts * Jet<in_phi>::variable(phi));
  }

  template <class Series, int mean_at, int shape_at>
  static Series taylor(double n, const Jet<Series::order>& log_share, double phi) {
    constexpr int in_phi = order_in<Series, shape_at>, terms = 4;
    const Jet<in_phi + terms> G = rising_rest<in_phi + terms>(n, phi) + Jet<in_phi + terms>::variable(phi);
    const Series d = lift<Series, mean_at>(log_share);
    Series out, power = d;
    for (int k = 1; k <= terms; ++k) {
      Jet<in_phi> derivative;  // of order k, divided by k!, as a series
      for (int m = 0; m <= in_phi; ++m) derivative.c[m] = binomial_coefficient(m + k, k) * G.c[m + k];
      out += lift<Series, shape_at>(derivative) * power;
      power = power * d;
    }
    return out;
  }
};

// No pair is concave in eta.
template <> struct Traits<BetaBinomialFamily, LogitLink> : AnyEta<false> {};
template <> struct Traits<BetaBinomialFamily, ProbitLink> : AnyEta<false> {};
template <> struct Traits<BetaBinomialFamily, CloglogLink> : AnyEta<false> {};
template <> struct Traits<BetaBinomialFamily, CauchitLink> : AnyEta<false> {};
template <> struct Traits<BetaBinomialFamily, LogLink> : NegativeEta<false> {};

}  // namespace glimmer

#endif
