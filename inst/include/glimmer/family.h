// Families: exponential dispersion models in the form
//
//   log f(y; eta, phi) = weight * scale(phi) * kernel(y, eta) + constant(y, weight) + normalizer(weight, phi)
//
// where phi, the log dispersion (none for binomial and Poisson), is the second predictor of a row,
// scale(phi) = exp(scale_power * phi), and normalizer() gives a series in phi. Prior weights have the meaning of ?glmm,
// section "Weights".
#ifndef GLIMMER_FAMILY_H
#define GLIMMER_FAMILY_H

#include <cmath>

#include "density.h"
#include "link.h"
#include "special_functions.h"
#include "types.h"

namespace glimmer {

/// N(mu, sigma^2 / weight), phi = log sigma
struct GaussianFamily {
  static constexpr bool has_dispersion = true;
  static constexpr double scale_power = -2.0;

  static double constant(const Observation& o) { return 0.5 * (std::log(o.weight) - log_2pi); }
  template <int K>
  static Jet<K> normalizer(double, double phi) { return -Jet<K>::variable(phi); }

  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    return -0.5 * square(Link::template mean<K>(eta) - o.y);
  }
  /// Expected information about eta at weight 1 and scale 1: (d mu / d eta)^2 / V(mu)
  template <class Link>
  static double information(const Observation&, double eta) {
    const double slope = Link::template mean<1>(eta).c[1];
    return slope * slope;
  }
};

/// y successes in `size` trials
struct BinomialFamily {
  static constexpr bool has_dispersion = false;
  static constexpr double scale_power = 0.0;

  static double constant(const Observation& o) {
    return o.weight * (log_gamma(o.size + 1.0) - log_gamma(o.y + 1.0) - log_gamma(o.size - o.y + 1.0));
  }
  static Observation sum_of(const Observation& a, const Observation& b) {
    return {a.weight * a.y + b.weight * b.y, a.weight * a.size + b.weight * b.size, 1.0};
  }

  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    Jet<K> sum;  // 0 * log 0 = 0: a side without events has no part in the sum
    if (o.y > 0.0) sum += o.y * Link::template log_mean<K>(eta);
    if (o.size > o.y) sum += (o.size - o.y) * Link::template log_complement<K>(eta);
    return sum;
  }
  /// p'^2 / (p (1 - p)) = - (log p)' (log(1 - p))'
  template <class Link>
  static double information(const Observation& o, double eta) {
    return -o.size * Link::template log_mean<1>(eta).c[1] * Link::template log_complement<1>(eta).c[1];
  }
};

struct PoissonFamily {
  static constexpr bool has_dispersion = false;
  static constexpr double scale_power = 0.0;

  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }
  /// Of rows with the same mean the weights add up, and the responses weighted.
  static Observation sum_of(const Observation& a, const Observation& b) {
    const double weight = a.weight + b.weight;
    return {(a.weight * a.y + b.weight * b.y) / weight, 1.0, weight};
  }

  /// w (y log mu - mu)
  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    Jet<K> sum = -Link::template mean<K>(eta);
    if (o.y > 0.0) sum += o.y * Link::template log_mean<K>(eta);
    return sum;
  }
  template <class Link>
  static double information(const Observation&, double eta) {
    return Link::template mean<1>(eta).c[1] * Link::template log_mean<1>(eta).c[1];
  }
};

/// Mean mu, shape k = weight exp(phi): phi = log shape
struct GammaFamily {
  static constexpr bool has_dispersion = true;
  static constexpr double scale_power = 1.0;

  static double constant(const Observation& o) { return -std::log(o.y); }
  /// k log k - k - log Gamma(k)
  template <int K>
  static Jet<K> normalizer(double weight, double phi) {
    Jet<K> out;
    if constexpr (K >= 2) out = -gamma_remainder<K>(0.0, phi + std::log(weight));
    const double k = weight * std::exp(phi);
    if (k >= 10.0)
      out.c[0] = 0.5 * (std::log(k) - log_2pi) - stirling_series(k);
    else
      out.c[0] = k * std::log(k) - k - log_gamma(k);
    if constexpr (K >= 1) out.c[1] = k * log_minus_digamma(k);
    return out;
  }

  /// -(r - 1 - log r), r = y / mu: half the unit deviance, small where the fit is good
  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    const Jet<K> ratio = o.y * Link::template inverse_mean<K>(eta), log_mean = Link::template log_mean<K>(eta);
    const double excess = ratio.value() - 1.0;
    Jet<K> out = -ratio - log_mean;
    out.c[0] = std::fabs(excess) < 0.25 ? log1p_minus(excess) : std::log(o.y) - log_mean.value() - excess;
    return out;
  }
  template <class Link>
  static double information(const Observation&, double eta) {
    const double slope = Link::template log_mean<1>(eta).c[1];
    return slope * slope;
  }
};

/// Mean mu, variance mu^3 / lambda, lambda = weight exp(phi): phi = log lambda
struct InverseGaussianFamily {
  static constexpr bool has_dispersion = true;
  static constexpr double scale_power = 1.0;

  static double constant(const Observation& o) {
    return 0.5 * (std::log(o.weight) - log_2pi - 3.0 * std::log(o.y));
  }
  template <int K>
  static Jet<K> normalizer(double, double phi) { return 0.5 * Jet<K>::variable(phi); }

  /// -(y / mu - 1)^2 / 2y; the derivatives from -y / 2mu^2 + 1 / mu, which does not cancel at canonical links
  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, double eta) {
    const Jet<K> inverse = Link::template inverse_mean<K>(eta);
    const double excess = o.y * inverse.value() - 1.0;
    Jet<K> out = inverse - 0.5 * o.y * Link::template inverse_mean_squared<K>(eta);
    out.c[0] = -0.5 * excess * excess / o.y;
    return out;
  }
  /// mu'^2 / mu^3
  template <class Link>
  static double information(const Observation&, double eta) {
    const double slope = Link::template log_mean<1>(eta).c[1];
    return slope * slope * Link::template inverse_mean<0>(eta).c[0];
  }
};

/// What the core must know of a family with a link: the open interval of eta at which the mean is in the family's
/// range, whether the log-density is concave in eta whatever the response, and what it is in exp(eta).
template <bool concave>
struct AnyEta {
  static constexpr FormInExp form_in_exp = FormInExp::none;
  static constexpr double lower_eta = -infinity, upper_eta = infinity;
  static constexpr bool log_concave = concave;
};
template <bool concave>
struct PositiveEta {
  static constexpr FormInExp form_in_exp = FormInExp::none;
  static constexpr double lower_eta = 0.0, upper_eta = infinity;
  static constexpr bool log_concave = concave;
};
template <bool concave>
struct NegativeEta {
  static constexpr FormInExp form_in_exp = FormInExp::none;
  static constexpr double lower_eta = -infinity, upper_eta = 0.0;
  static constexpr bool log_concave = concave;
};

template <class Family, class Link>
struct Traits : AnyEta<true> {};
template <> struct Traits<BinomialFamily, LogitLink> : AnyEta<true> {
  static constexpr FormInExp form_in_exp = FormInExp::logistic;
};
template <> struct Traits<PoissonFamily, LogLink> : AnyEta<true> {
  static constexpr FormInExp form_in_exp = FormInExp::poisson;
};
// The pairs that differ. (The Gaussian mean 1 / eta has a pole at zero, where its density is zero, but either sign.)
template <> struct Traits<GaussianFamily, LogLink> : AnyEta<false> {};
template <> struct Traits<GaussianFamily, InverseLink> : AnyEta<false> {};
template <> struct Traits<BinomialFamily, CauchitLink> : AnyEta<false> {};
template <> struct Traits<BinomialFamily, LogLink> : NegativeEta<true> {};
template <> struct Traits<PoissonFamily, IdentityLink> : PositiveEta<true> {};
template <> struct Traits<PoissonFamily, SqrtLink> : PositiveEta<true> {};
template <> struct Traits<GammaFamily, InverseLink> : PositiveEta<true> {};
template <> struct Traits<GammaFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<InverseGaussianFamily, InverseSquareLink> : PositiveEta<true> {};
template <> struct Traits<InverseGaussianFamily, InverseLink> : PositiveEta<true> {};
template <> struct Traits<InverseGaussianFamily, IdentityLink> : PositiveEta<false> {};
template <> struct Traits<InverseGaussianFamily, LogLink> : AnyEta<false> {};

/// The kernel of a family with a link. Pairs whose derivatives have a shorter form of their own specialise it.
template <class Family, class Link>
struct Kernel {
  template <int K>
  static Jet<K> at(const Observation& o, double eta) {
    return Family::template kernel<Link, K>(o, eta);
  }
};

/// Quadratic.
template <>
struct Kernel<GaussianFamily, IdentityLink> {
  template <int K>
  static Jet<K> at(const Observation& o, double eta) {
    const double residual = o.y - eta;
    Jet<K> out(-0.5 * residual * residual);
    if constexpr (K >= 1) out.c[1] = residual;
    if constexpr (K >= 2) out.c[2] = -0.5;
    return out;
  }
};

/// Canonical: one exponential serves all derivatives; p and q = 1 - p are each exact in their tail.
template <>
struct Kernel<BinomialFamily, LogitLink> {
  template <int K>
  static Jet<K> at(const Observation& o, double eta) {
    const double e = std::exp(-std::fabs(eta)), near_one = 1.0 / (1.0 + e), near_zero = e * near_one;
    const double p = eta > 0.0 ? near_one : near_zero, q = eta > 0.0 ? near_zero : near_one;
    const double failures = o.size - o.y, variance = p * q;
    Jet<K> out(-o.size * std::log1p(e) - (eta > 0.0 ? failures : o.y) * std::fabs(eta));
    if constexpr (K >= 1) out.c[1] = o.y * q - failures * p;
    const double derivative[] = {variance, variance * (q - p), variance * (1.0 - 6.0 * variance),
                                 variance * (q - p) * (1.0 - 12.0 * variance)};
    double factorial = 1.0;
    for (int k = 2; k <= K; ++k) {
      factorial *= k;
      out.c[k] = -o.size * derivative[k - 2] / factorial;
    }
    return out;
  }
};

/// Canonical: every derivative beyond the first is -mu.
template <>
struct Kernel<PoissonFamily, LogLink> {
  template <int K>
  static Jet<K> at(const Observation& o, double eta) {
    const double mu = std::exp(eta);
    Jet<K> out((o.y > 0.0 ? o.y * eta : 0.0) - mu);
    if constexpr (K >= 1) out.c[1] = o.y - mu;
    double factorial = 1.0;
    for (int k = 2; k <= K; ++k) {
      factorial *= k;
      out.c[k] = -mu / factorial;
    }
    return out;
  }
};

}  // namespace glimmer

#endif
