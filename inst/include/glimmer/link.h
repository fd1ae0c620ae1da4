// Links. A link is one struct of short functions of eta, written with jets, so that every derivative follows;
// each works in the tails without leaving log space, and nothing is clamped.
//   binomial families need log_mean (log p) and log_complement (log(1 - p)),
//   families on the positive line need mean and log_mean, the Gaussian needs mean.
#ifndef GLIMMER_LINK_H
#define GLIMMER_LINK_H

#include "jet.h"

namespace glimmer {

struct IdentityLink {
  template <int K> static Jet<K> mean(const Jet<K>& eta) { return eta; }
};

struct LogLink {
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

struct LogitLink {
  template <int K> static Jet<K> log_mean(const Jet<K>& eta) { return -softplus(-eta); }
  template <int K> static Jet<K> log_complement(const Jet<K>& eta) { return -softplus(eta); }
};

}  // namespace glimmer

#endif
