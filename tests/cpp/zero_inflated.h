// A family of three predictors for the tests: the zero-inflated negative binomial.
#ifndef GLIMMER_TESTS_ZERO_INFLATED_H
#define GLIMMER_TESTS_ZERO_INFLATED_H

#include <glimmer/negative_binomial.h>
#include <glimmer/series_density.h>

#include <array>

namespace problem {

/// Predictors: log mean, logit of the probability of a zero beside those of the count, log size.
struct ZeroInflated {
  static constexpr int predictors = 3;
  static constexpr bool log_concave = false;
  static double constant(const glimmer::Observation& o) { return glimmer::NegativeBinomialFamily::constant(o); }
  static double lower_eta(int) { return -glimmer::infinity; }
  static double upper_eta(int) { return glimmer::infinity; }

  template <class Series>
  static Series log_density(const glimmer::Observation& o, const std::array<double, 3>& eta) {
    using Logit = glimmer::LogitLink;
    constexpr int K = Series::order;
    const Series count =
        glimmer::NegativeBinomialFamily::log_density<Series, glimmer::LogLink, 0, 2>({o.y, 1.0, 1.0}, eta[0], eta[2]) +
        glimmer::lift<Series, 1>(Logit::log_complement<K>(eta[1]));
    if (o.y > 0.0) return o.weight * count;
    return o.weight * log_of_sum(glimmer::lift<Series, 1>(Logit::log_mean<K>(eta[1])), count);
  }
  static double information(const glimmer::Observation&, const std::array<double, 3>&) { return 0.0; }

 private:
  /// log(exp(a) + exp(b)) = a + log(1 + exp(b - a))
  template <class Series>
  static Series log_of_sum(const Series& a, const Series& b) {
    const Series difference = b - a;
    return a + glimmer::compose(glimmer::softplus<Series::order>(difference.value()), difference);
  }
};

}  // namespace problem

#endif
