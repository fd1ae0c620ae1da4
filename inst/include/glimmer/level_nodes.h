// One level at the nodes of its rule and of the levels around it: the terms of its sums, the weights of the nodes, mean
// and covariance of u.
#ifndef GLIMMER_LEVEL_NODES_H
#define GLIMMER_LEVEL_NODES_H

#include "nested_rule.h"
#include "special_functions.h"

namespace glimmer {

/// At node c of the levels around it, and with the log weight lw_k of its own node u_kc and f the log-density of what
/// lies in it,
///
///   l_c = log sum_k exp t_kc + log|C| - (q / 2) log 2pi ,  t_kc = lw_k - u_kc'u_kc / 2 + f(u_kc, c) ,
///   pi_k|c = exp t_kc / sum_k ,  pi_kc = pi_k|c pi_c .
///
/// Lanes are those of c, k next to each other. The outermost level has nothing around it: one c.
class LevelNodes {
 public:
  /// The nodes of a level of factor l by a rule; `outer`: those of the level around it, or null.
  void set(const NestedRule& rule, Index l, Index g, const LevelNodes* outer) {
    level_ = g;
    set_ = rule.nodes(l, g);
    own_log_weight_ = &rule.own_log_weight(l, g);
    own_ = rule[l].nodes(g)->nodes;
    effects_ = rule[l].effects();
    outer_ = set_->nodes / own_;
    constant_ = rule[l].log_scale(g) - 0.5 * log_2pi * static_cast<double>(effects_);
    set_place(rule, l, g, outer);
    u_.resize(set_->lanes() * joint_effects());
    pi_.resize(set_->lanes());
    for (Index j = 0; j < joint_effects(); ++j) {
      Eigen::Map<Eigen::ArrayXd> own(u_.data() + j * lanes(), lanes());
      own.setConstant(centre_[j]);
      for (Index a = 0; a < joint_effects(); ++a)
        if (C_(j, a) != 0.0) own += C_(j, a) * set_->x.col(a).array();
    }
  }

  Index level() const { return level_; }
  const NodeSet& nodes() const { return *set_; }
  Index lanes() const { return set_->lanes(); }
  Index own() const { return own_; }                     ///< nodes of the level itself
  Index outer() const { return outer_; }                 ///< nodes of the levels around it
  Index effects() const { return effects_; }             ///< of the level itself, which come first
  Index joint_effects() const { return centre_.size(); }
  const Vector& centre() const { return centre_; }
  const Matrix& C() const { return C_; }
  const double* u() const { return u_.data(); }
  Eigen::Map<const Eigen::ArrayXd> effect(Index j) const { return {u_.data() + j * lanes(), lanes()}; }
  Eigen::Map<const Eigen::ArrayXd> pi() const { return {pi_.data(), lanes()}; }
  /// pi_k|c
  Eigen::Map<const Eigen::ArrayXd> given_outer() const { return {given_outer_, lanes()}; }

  /// The lanes whose weight is nothing.
  const Positions& empty() const { return empty_; }

  /// pi_k|c and l_c, given the log-density of what lies in the level at each node.
  template <class Lanes>
  void weigh(const Lanes& log_density, Vector& given_outer, Vector& values) const {
    given_outer.resize(lanes());
    auto terms = given_outer.array();
    terms = own_log_weight_->array() + log_density.array();
    for (Index j = 0; j < effects_; ++j) terms -= 0.5 * effect(j).square();
    if (values.size() < outer()) values.resize(outer());
    const Index count = outer(), size = count == 1 ? lanes() : own_;
    for (Index c = 0; c < count; ++c) {
      auto own = terms.segment(c * size, size);
      values[c] = own.maxCoeff();
      own -= values[c];
    }
    terms = terms.exp();
    for (Index c = 0; c < count; ++c) {
      auto own = terms.segment(c * size, size);
      const double total = own.sum();
      if (std::isfinite(total)) {
        own /= total;
        values[c] += std::log(total) + constant_;
      } else {  // no node has a positive density, or it is not a number
        own.setZero();
        values[c] = -infinity;
      }
    }
    terms.tail(lanes() - count * size).setZero();
  }

  /// Finds pi, given pi_k|c, which has to stay, and pi_c. An exponential may give a little where it should be nothing.
  void condition(const Vector& given_outer, const double* outer_pi) {
    constexpr double nothing = 1e-300;
    given_outer_ = given_outer.data();
    pi_ = given_outer;
    if (outer_pi)
      for (Index c = 0; c < outer(); ++c) pi_.segment(c * own_, own_) *= outer_pi[c];
    empty_.clear();
    for (Index k = 0; k < lanes(); ++k)
      if (!(pi_[k] >= nothing)) {
        pi_[k] = 0.0;
        empty_.push_back(k);
      }
  }

  /// Mean and covariance of the level's effects, and their covariance with those around it.
  void moments(LevelMoments& out) {
    means_.resize(joint_effects());
    for (Index j = 0; j < joint_effects(); ++j) means_[j] = (pi() * effect(j)).sum();
    out.mean.col(level_) = means_.head(effects_);
    const Index outer = joint_effects() - effects_;
    for (Index j = 0; j < effects_; ++j) {
      for (Index k = 0; k <= j; ++k)
        out.covariance(j, level_ * effects_ + k) = out.covariance(k, level_ * effects_ + j) = covariance(j, k);
      for (Index k = 0; k < outer; ++k) out.with_outer(j, level_ * outer + k) = covariance(j, effects_ + k);
    }
  }

 private:
  /// Centre and C of the level's own effects and those around it: u = a + B (v - m) + C x.
  void set_place(const NestedRule& rule, Index l, Index g, const LevelNodes* outer) {
    if (!outer) {
      centre_ = rule[l].centre(g);
      C_ = rule[l].scale(g);
      return;
    }
    const Index q = effects_, around = outer->joint_effects();
    centre_.resize(q + around);
    C_.resize(q + around, q + around);
    centre_.head(q) = rule[l].centre(g);
    C_.topLeftCorner(q, q) = rule[l].scale(g);
    centre_.tail(around) = outer->centre();
    C_.topRightCorner(q, around).noalias() = rule.slope(l, g).lazyProduct(outer->C());
    C_.bottomLeftCorner(around, q).setZero();
    C_.bottomRightCorner(around, around) = outer->C();
  }

  double covariance(Index j, Index k) const {
    return (pi() * (effect(j) - means_[j]) * (effect(k) - means_[k])).sum();
  }

  Index level_ = -1, own_ = 0, outer_ = 1, effects_ = 0;
  double constant_ = 0.0;
  const NodeSet* set_ = nullptr;
  const Vector* own_log_weight_ = nullptr;
  const double* given_outer_ = nullptr;
  Vector centre_, u_, pi_, means_;
  Matrix C_;
  Positions empty_;
};

}  // namespace glimmer

#endif
