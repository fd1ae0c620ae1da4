// Links. A link is one struct of short functions of eta, written with jets, so that every derivative follows;
// each works in the tails without leaving log space, and nothing is clamped.
//   binomial families need log_mean (log p) and log_complement (log(1 - p)),
//   families on the positive line need mean and log_mean, the Gaussian needs mean.
// A link whose mean is in the family's range only for some eta derives from PositiveEta or NegativeEta.
#ifndef GLIMMER_LINK_H
#define GLIMMER_LINK_H

#include "jet.h"
#include "types.h"

namespace glimmer {

/// The open interval of linear predictors that have a mean.
struct AnyEta {
  static constexpr double lower_eta = -infinity, upper_eta = infinity;
};
struct PositiveEta {
  static constexpr double lower_eta = 0.0, upper_eta = infinity;
};
struct NegativeEta {
  static constexpr double lower_eta = -infinity, upper_eta = 0.0;
};

struct IdentityLink : AnyEta {
  template <int K> static Jet<K> mean(const Jet<K>& eta) { return eta; }
};

struct LogLink : AnyEta {
  template <int K> static Jet<K> mean(const Jet<K>& eta) { return exp(eta); }
  template <int K> static Jet<K> log_mean(const Jet<K>& eta) { return eta; }
};

/// log(1 + exp(eta))
template <int K>
Jet<K> softplus(const Jet<K>& eta) {
  // 1 + exp(eta) is taken on the side where exp does not overflow: log(1 + e^x) = x + log(1 + e^-x)
  const bool positive = eta.value() > 0.0;
  const Jet<K> e = exp(positive ? -eta : eta);
  Jet<K> tail = log_with_value(e + 1.0, std::log1p(e.value()));
  return positive ? tail + eta : tail;
}

struct LogitLink : AnyEta {
  template <int K> static Jet<K> log_mean(const Jet<K>& eta) { return -softplus(-eta); }
  template <int K> static Jet<K> log_complement(const Jet<K>& eta) { return -softplus(eta); }
};

}  // namespace glimmer

#endif
