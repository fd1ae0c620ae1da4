// Families: exponential dispersion models in the form
//
//   log f(y; eta, phi) = weight * scale(phi) * kernel(y, eta) + constant(y) + normalizer(y, weight, phi)
//
// where phi is the log dispersion parameter of the model (none for binomial and Poisson) and
// scale(phi) = exp(scale_power * phi). Prior weights have the meaning of ?glmm, section "Weights".
#ifndef GLIMMER_FAMILY_H
#define GLIMMER_FAMILY_H

#include <cmath>

#include "link.h"
#include "special_functions.h"
#include "types.h"

namespace glimmer {

/// What is known of one row: the response, the binomial number of trials (1 elsewhere), the prior weight.
struct Observation {
  double y, size, weight;
};

/// N(mu, sigma^2 / weight), phi = log sigma
struct GaussianFamily {
  static constexpr bool has_dispersion = true;
  static constexpr double scale_power = -2.0;

  static double constant(const Observation& o) { return 0.5 * (std::log(o.weight) - log_2pi); }
  static double normalizer(const Observation&, double phi) { return -phi; }
  static double normalizer_phi(const Observation&, double) { return -1.0; }

  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, const Jet<K>& eta) {
    return -0.5 * square(Link::mean(eta) - o.y);
  }
  /// Expected information about eta at weight 1 and scale 1: (d mu / d eta)^2 / V(mu)
  template <class Link>
  static double information(const Observation&, double eta) {
    const double slope = Link::mean(Jet<1>::variable(eta)).c[1];
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
  static double normalizer(const Observation&, double) { return 0.0; }
  static double normalizer_phi(const Observation&, double) { return 0.0; }

  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, const Jet<K>& eta) {
    Jet<K> sum;  // 0 * log 0 = 0: a side without events has no part in the sum
    if (o.y > 0.0) sum += o.y * Link::log_mean(eta);
    if (o.size > o.y) sum += (o.size - o.y) * Link::log_complement(eta);
    return sum;
  }
  /// p'^2 / (p (1 - p)) = - (log p)' (log(1 - p))'
  template <class Link>
  static double information(const Observation& o, double eta) {
    const Jet<1> x = Jet<1>::variable(eta);
    return -o.size * Link::log_mean(x).c[1] * Link::log_complement(x).c[1];
  }
};

struct PoissonFamily {
  static constexpr bool has_dispersion = false;
  static constexpr double scale_power = 0.0;

  static double constant(const Observation& o) { return -o.weight * log_gamma(o.y + 1.0); }
  static double normalizer(const Observation&, double) { return 0.0; }
  static double normalizer_phi(const Observation&, double) { return 0.0; }

  template <class Link, int K>
  static Jet<K> kernel(const Observation& o, const Jet<K>& eta) {
    Jet<K> sum = -Link::mean(eta);
    if (o.y > 0.0) sum += o.y * Link::log_mean(eta);
    return sum;
  }
  template <class Link>
  static double information(const Observation&, double eta) {
    const Jet<1> x = Jet<1>::variable(eta);
    return Link::mean(x).c[1] * Link::log_mean(x).c[1];
  }
};

/// What the core must know of a family with a link: the open interval of eta at which the mean is in the family's
/// range, and whether the log-density is concave in eta whatever the response. Pairs that differ specialise it.
struct AnyEta {
  static constexpr double lower_eta = -infinity, upper_eta = infinity;
};
struct PositiveEta {
  static constexpr double lower_eta = 0.0, upper_eta = infinity;
};
struct NegativeEta {
  static constexpr double lower_eta = -infinity, upper_eta = 0.0;
};
template <class Family, class Link>
struct Traits : AnyEta {
  static constexpr bool log_concave = true;
};

/// The kernel of a family with a link. Pairs whose derivatives have a shorter form of their own specialise it.
template <class Family, class Link>
struct Kernel {
  template <int K>
  static Jet<K> at(const Observation& o, double eta) {
    return Family::template kernel<Link>(o, Jet<K>::variable(eta));
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
    if (K >= 1) out.c[1] = o.y * q - failures * p;
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
    if (K >= 1) out.c[1] = o.y - mu;
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
