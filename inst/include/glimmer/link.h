// Links. A link is one struct of short functions of eta that return a series in eta (a jet), so that every derivative
// follows; each works in the tails without leaving log space, and nothing is clamped. What a family asks of its links:
//   binomial           log_mean (log p), log_complement (log(1 - p))
//   gaussian           mean
//   poisson            mean, log_mean
//   nbinom1, nbinom2   mean, log_mean, inverse_mean (1 / mu)
//   genpois            mean, log_mean
//   beta, betabinomial log_mean, log_complement
//   Gamma              log_mean, inverse_mean (1 / mu)
//   inverse.gaussian   log_mean, inverse_mean, inverse_mean_squared
#ifndef GLIMMER_LINK_H
#define GLIMMER_LINK_H

#include "jet.h"
#include "special_functions.h"

namespace glimmer {

struct IdentityLink {
  template <int K> static Jet<K> mean(double eta) { return Jet<K>::variable(eta); }
  template <int K> static Jet<K> log_mean(double eta) { return log_of<K>(eta); }
  template <int K> static Jet<K> inverse_mean(double eta) { return power_of<K>(eta, -1.0, 1.0 / eta); }
  template <int K> static Jet<K> inverse_mean_squared(double eta) { return power_of<K>(eta, -2.0, 1.0 / (eta * eta)); }
};

struct LogLink {
  template <int K> static Jet<K> mean(double eta) { return exp_of<K>(eta); }
  template <int K> static Jet<K> log_mean(double eta) { return Jet<K>::variable(eta); }
  template <int K> static Jet<K> inverse_mean(double eta) { return exp_of<K>(eta, -1.0); }
  template <int K> static Jet<K> inverse_mean_squared(double eta) { return exp_of<K>(eta, -2.0); }
  /// log(1 - exp(eta)): its derivative is -s, where the odds s = p / (1 - p) obey s' = s (1 + s)
  template <int K> static Jet<K> log_complement(double eta) {
    Jet<K> odds(1.0 / std::expm1(-eta)), out(log1m_exp(eta));
    for (int k = 0; k < K; ++k) {
      out.c[k + 1] = -odds.c[k] / (k + 1);
      double sum = odds.c[k];
      for (int j = 0; j <= k; ++j) sum += odds.c[j] * odds.c[k - j];
      odds.c[k + 1] = sum / (k + 1);
    }
    return out;
  }
};

struct InverseLink {
  template <int K> static Jet<K> mean(double eta) { return power_of<K>(eta, -1.0, 1.0 / eta); }
  template <int K> static Jet<K> log_mean(double eta) { return -log_of<K>(eta); }
  template <int K> static Jet<K> inverse_mean(double eta) { return Jet<K>::variable(eta); }
  template <int K> static Jet<K> inverse_mean_squared(double eta) { return power_of<K>(eta, 2.0, eta * eta); }
};

struct SqrtLink {
  template <int K> static Jet<K> mean(double eta) { return power_of<K>(eta, 2.0, eta * eta); }
  template <int K> static Jet<K> log_mean(double eta) { return 2.0 * log_of<K>(eta); }
  template <int K> static Jet<K> inverse_mean(double eta) { return power_of<K>(eta, -2.0, 1.0 / (eta * eta)); }
};

/// eta = 1 / mu^2
struct InverseSquareLink {
  template <int K> static Jet<K> log_mean(double eta) { return -0.5 * log_of<K>(eta); }
  template <int K> static Jet<K> inverse_mean(double eta) { return power_of<K>(eta, 0.5, std::sqrt(eta)); }
  template <int K> static Jet<K> inverse_mean_squared(double eta) { return Jet<K>::variable(eta); }
};

/// log(1 + exp(eta))
template <int K>
Jet<K> softplus(double eta) {
  // 1 + exp(eta) is taken on the side where exp does not overflow: log(1 + e^x) = x + log(1 + e^-x)
  const bool positive = eta > 0.0;
  const Jet<K> e = exp_of<K>(eta, positive ? -1.0 : 1.0);
  const Jet<K> tail = log_with_value(e + 1.0, std::log1p(e.value()));
  return positive ? tail + Jet<K>::variable(eta) : tail;
}

struct LogitLink {
  template <int K> static Jet<K> log_mean(double eta) { return -reflected(softplus<K>(-eta)); }
  template <int K> static Jet<K> log_complement(double eta) { return -softplus<K>(eta); }
};

struct ProbitLink {
  template <int K> static Jet<K> log_mean(double eta) { return log_normal_distribution<K>(eta); }
  template <int K> static Jet<K> log_complement(double eta) { return reflected(log_normal_distribution<K>(-eta)); }
};

/// 1 - p = exp(-t), t = exp(eta)
struct CloglogLink {
  template <int K> static Jet<K> log_mean(double eta) {
    const double t = std::exp(eta);
    if (t <= 0.5) return log_expm1_ratio<K>(t) + Jet<K>::variable(eta);  // p is close to t
    if (t > 750.0) return Jet<K>();                                      // exp(-t) is zero
    Jet<K> p = -exp(-exp_of<K>(eta));
    p.c[0] = -std::expm1(-t);
    return log_with_value(p, log1m_exp(-t));
  }
  template <int K> static Jet<K> log_complement(double eta) { return -exp_of<K>(eta); }
};

/// p = angle / pi, where the angle of the point (-eta, 1) has the derivative 1 / (1 + eta^2)
struct CauchitLink {
  template <int K> static Jet<K> log_mean(double eta) {
    const Jet<K> x = Jet<K>::variable(eta), slope = reciprocal(x * x + 1.0);
    Jet<K> p(std::atan2(1.0, -eta) / pi);
    for (int k = 1; k <= K; ++k) p.c[k] = slope.c[k - 1] / (k * pi);
    return log_with_value(p, eta > 0.0 ? std::log1p(-std::atan2(1.0, eta) / pi) : std::log(p.value()));
  }
  template <int K> static Jet<K> log_complement(double eta) { return reflected(log_mean<K>(-eta)); }
};

}  // namespace glimmer

#endif
