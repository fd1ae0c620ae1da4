// The negative binomial family with variance mu + mu^2 / size (nbinom2 of glmmTMB): phi = log size.
#ifndef GLIMMER_NEGATIVE_BINOMIAL_H
#define GLIMMER_NEGATIVE_BINOMIAL_H

#include "family.h"
#include "gamma_series.h"
#include "joint_jet.h"

namespace glimmer {

/// A family whose log-density is written once, as a series in its linear predictors: log_density<Series, Link> with
/// Series = Jet<K, M>. Prior weights multiply it.
struct NegativeBinomialFamily {
  /// What depends on phi alone, to order K: size, and Q(y + s) - Q(s) by y.
  template <int K>
  struct Shape {
    double phi;
    Jet<K> size;

    Shape(double phi) { set(phi); }
    void set(double to) {
      phi = to;
      size = exp_of<K>(phi);
      remainders_.clear();
    }
    Jet<K> remainder(double y) const {
      return remainders_(y, [&] { return gamma_remainder_difference<K>(y, phi); });
    }

   private:
    SeriesByCount<K> remainders_;
  };

  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }

  /// With s = size, Q(x) = log Gamma(x) - x log x + x and the part of the last line for constants, f is
  ///   y log mu + (y + s) log((y + s) / (mu + s)) - y + Q(y + s) - Q(s) .
  /// Where s is large this is the Poisson's y log mu - mu, and corrections that vanish as 1 / s. `mean_at`, `size_at`:
  /// which of the variables are eta and phi; those that the series has not are constants.
  template <class Series, class Link, int mean_at = 0, int size_at = 1>
  static Series log_density(const Observation& o, double eta, const Shape<order_in<Series, size_at>>& shape) {
    constexpr int K = Series::order, in_phi = order_in<Series, size_at>;
    const Jet<K> log_mean = Link::template log_mean<K>(eta);
    const Jet<in_phi> remainder = shape.remainder(o.y);
    const Series size = lift<Series, size_at>(shape.size);
    Series out;
    if (log_mean.value() - shape.phi < log_4) {
      out = near_poisson(lift<Series, mean_at>(Link::template mean<K>(eta)), size, o.y);
      if (o.y > 0.0) out += o.y * lift<Series, mean_at>(log_mean);
      out += lift<Series, size_at>(remainder);
    } else {
      const Jet<in_phi> log_total = log_shifted<in_phi>(o.y, shape.phi, shape.size.value());
      const Jet<in_phi> of_size = (shape.size + o.y) * log_total + remainder + (-o.y);
      const Series ratio = product_of_lifts<Series, size_at, mean_at>(shape.size, Link::template inverse_mean<K>(eta));
      out = lift<Series, size_at>(of_size) - product_of_lifts<Series, size_at, mean_at>(shape.size, log_mean) -
            (size + o.y) * compose(log1p_series<K>(ratio.value()), ratio);
    }
    return out *= o.weight;
  }

  /// Expected information about eta: mu'^2 / (mu + mu^2 / s) = (log mu)'^2 / (1 / mu + 1 / s)
  template <class Link>
  static double information(const Observation& o, double eta, double phi) {
    const double slope = Link::template log_mean<1>(eta).c[1];
    return o.weight * slope * slope / (Link::template inverse_mean<0>(eta).value() + std::exp(-phi));
  }

 private:
  static constexpr double log_4 = 2.0 * log_2;

  /// (y + s) log((y + s) / (mu + s)) - y = (mu + s) k(r) - mu, with r = (y - mu) / (mu + s) and
  /// k(r) = (1 + r) log(1 + r) - r
  template <class Series>
  static Series near_poisson(const Series& mean, const Series& size, double y) {
    const Series total = mean + size, r = (-mean + y) * reciprocal(total);
    return total * compose(excess_series<Series::order>(r.value(), (y + size.value()) / total.value()), r) - mean;
  }

  template <int K>
  static Jet<K> log1p_series(double x) {
    return log_with_value(Jet<K>::variable(1.0 + x), std::log1p(x));
  }
};

// Concave in eta with the log link only.
template <> struct Traits<NegativeBinomialFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<NegativeBinomialFamily, SqrtLink> : PositiveEta<false> {};

}  // namespace glimmer

#endif
