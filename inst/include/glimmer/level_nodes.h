// One level at the nodes of its rule: the terms of its sum, the weights pi of the nodes, mean and covariance of u.
#ifndef GLIMMER_LEVEL_NODES_H
#define GLIMMER_LEVEL_NODES_H

#include "frozen_rule.h"
#include "special_functions.h"

namespace glimmer {

/// With the log weight lw_k of node u_k and f_i the log-density of a row,
///
///   l = log sum_k exp t_k + log|C| - (q / 2) log 2pi ,  t_k = lw_k - u_k'u_k / 2 + sum_i f_i(u_k) ,
///   pi_k = exp t_k / sum .
class LevelNodes {
 public:
  LevelNodes(Index effects, Index most_lanes) : effects_(effects), u_(effects * most_lanes), pi_(most_lanes) {}

  /// The nodes of a level by a rule.
  void set(const FrozenRule& rule, Index g) {
    set_ = rule.nodes(g);
    lanes_ = set_->lanes();
    constant_ = rule.log_scale(g) - 0.5 * log_2pi * static_cast<double>(effects_);
    const auto C = rule.scale(g);
    for (Index j = 0; j < effects_; ++j) {
      Eigen::Map<Eigen::ArrayXd> own(u_.data() + j * lanes_, lanes_);
      own.setConstant(rule.centre(g)[j]);
      for (Index a = 0; a < effects_; ++a)
        if (C(j, a) != 0.0) own += C(j, a) * set_->x.col(a).array();
    }
  }

  Index lanes() const { return lanes_; }
  const double* u() const { return u_.data(); }
  Eigen::Map<const Eigen::ArrayXd> effect(Index j) const { return {u_.data() + j * lanes_, lanes_}; }
  Eigen::Map<const Eigen::ArrayXd> pi() const { return {pi_.data(), lanes_}; }

  /// The lanes whose weight is nothing.
  const Positions& empty() const { return empty_; }

  /// The weights of the nodes, given the log-density of the level's rows at each; the level's log-likelihood.
  template <class Lanes>
  double weigh(const Lanes& log_density) {
    auto terms = pi_.head(lanes_).array();
    terms = set_->log_weight.array() + log_density.array();
    for (Index j = 0; j < effects_; ++j) terms -= 0.5 * effect(j).square();
    const double top = terms.maxCoeff();
    terms = (terms - top).exp();
    const double total = terms.sum();
    if (!std::isfinite(total)) {  // no node has a positive density, or it is not a number
      terms.setZero();
      set_empty();
      return -infinity;
    }
    terms /= total;
    set_empty();
    return top + std::log(total) + constant_;
  }

  /// Mean and covariance of u.
  template <class Mean, class Covariance>
  void moments(Mean&& mean, Covariance&& covariance) {
    for (Index j = 0; j < effects_; ++j) mean[j] = (pi() * effect(j)).sum();
    for (Index j = 0; j < effects_; ++j)
      for (Index k = 0; k <= j; ++k)
        covariance(j, k) = covariance(k, j) = (pi() * (effect(j) - mean[j]) * (effect(k) - mean[k])).sum();
  }

 private:
  /// An exponential may give a little where it should be nothing.
  void set_empty() {
    constexpr double nothing = 1e-300;
    empty_.clear();
    for (Index k = 0; k < lanes_; ++k)
      if (pi_[k] < nothing) {
        pi_[k] = 0.0;
        empty_.push_back(k);
      }
  }

  Index effects_, lanes_ = 0;
  double constant_ = 0.0;
  const NodeSet* set_ = nullptr;
  Vector u_, pi_;
  Positions empty_;
};

}  // namespace glimmer

#endif
