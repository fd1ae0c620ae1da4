// The rules of all factors, each nested in the next: nodes of a level, given those of the levels in which it lies,
//
//   u = a + B (v - m) + C x ,
//
// v the effects of the levels around it, m their centre. All of it is frozen.
#ifndef GLIMMER_NESTED_RULE_H
#define GLIMMER_NESTED_RULE_H

#include "frozen_rule.h"
#include "nesting.h"

namespace glimmer {

/// Moments of u given the data, and its covariance with the effects of the levels around it (as many columns a level).
struct LevelMoments : Moments {
  Matrix with_outer;
};

/// The nodes of a level together with those of the levels around it: its own follow each other.
struct JointNodes {
  NodeSet set;
  Vector own_log_weight;  ///< lanes

  JointNodes(const NodeSet& own, const NodeSet& outer)
      : set(side_by_side(own, outer)), own_log_weight(Vector::Constant(set.lanes(), -infinity)) {
    for (Index k = 0; k < set.nodes; k += own.nodes)
      own_log_weight.segment(k, own.nodes) = own.log_weight.head(own.nodes);
  }

 private:
  static NodeSet side_by_side(const NodeSet& own, const NodeSet& outer) {
    std::vector<Axis> axes = own.axes;
    axes.insert(axes.end(), outer.axes.begin(), outer.axes.end());
    return NodeSet(std::move(axes));
  }
};

class NestedRule {
 public:
  explicit NestedRule(const Nesting& nesting) : nesting_(&nesting) {
    for (Index l = 0; l < nesting.depth(); ++l) {
      const Index levels = nesting.levels(l), outer = outer_effects(l);
      rules_.emplace_back(nesting.effects(l), levels);
      slopes_.push_back(Matrix::Zero(nesting.effects(l), outer * levels));
      joint_.emplace_back(l == nesting.outermost() ? 0 : static_cast<std::size_t>(levels));
    }
  }

  /// That of a factor. After changes of its nodes: join().
  FrozenRule& operator[](Index l) { return rules_[static_cast<std::size_t>(l)]; }
  const FrozenRule& operator[](Index l) const { return rules_[static_cast<std::size_t>(l)]; }

  /// B
  auto slope(Index l, Index g) const {
    return slopes_[static_cast<std::size_t>(l)].middleCols(g * outer_effects(l), outer_effects(l));
  }

  /// The nodes of a level together with those around it; null: none.
  const NodeSet* nodes(Index l, Index g) const {
    if (l == nesting_->outermost()) return (*this)[l].nodes(g);
    const JointNodes* const found = joint(l, g);
    return found ? &found->set : nullptr;
  }
  /// In every lane of these, the weight of the level's own node.
  const Vector& own_log_weight(Index l, Index g) const {
    return l == nesting_->outermost() ? (*this)[l].nodes(g)->log_weight : joint(l, g)->own_log_weight;
  }

  /// Puts the nodes of all factors together.
  void join() {
    for (Index l = nesting_->outermost() - 1; l >= 0; --l)
      for (Index g = 0; g < nesting_->levels(l); ++g) {
        const Index parent = nesting_->parent(l, g);
        const NodeSet *own = (*this)[l].nodes(g), *outer = parent < 0 ? nullptr : nodes(l + 1, parent);
        std::shared_ptr<const JointNodes>& both = joint_[static_cast<std::size_t>(l)][static_cast<std::size_t>(g)];
        both = own && outer ? together(*own, *outer) : nullptr;
      }
  }

  /// At moments of u given the data, but where these are not finite or not positive definite. A centre moves with the
  /// effects around it by the regression on these, shrunk by their squared correlation: where that is small it is not
  /// linear, and no slope is better than a wrong one.
  void place_at(const std::vector<LevelMoments>& moments) {
    Matrix around, inverse;  // covariance of the effects of the levels around, for each level of factor l + 1
    Matrix C, B;
    for (Index l = nesting_->outermost(); l >= 0; --l) {
      const LevelMoments& own = moments[static_cast<std::size_t>(l)];
      for (Index g = 0; g < nesting_->levels(l); ++g)
        if (nesting_->is_somewhere(l, g)) place_level(l, g, own, inverse, C, B);
      if (l > 0) around = joint_covariance(l, own, around, inverse);
    }
  }

 private:
  Index outer_effects(Index l) const { return nesting_->joint_effects(l) - nesting_->effects(l); }

  const JointNodes* joint(Index l, Index g) const {
    return joint_[static_cast<std::size_t>(l)][static_cast<std::size_t>(g)].get();
  }

  std::shared_ptr<const JointNodes> together(const NodeSet& own, const NodeSet& outer) {
    std::shared_ptr<const JointNodes>& known = known_[{&own, &outer}];
    if (!known) known = std::make_shared<JointNodes>(own, outer);
    return known;
  }

  void place_level(Index l, Index g, const LevelMoments& moments, const Matrix& inverse, Matrix& C, Matrix& B) {
    const Index q = nesting_->effects(l), outer = outer_effects(l);
    C = moments.covariance.middleCols(q * g, q);
    B.resize(q, outer);
    if (outer > 0) {
      const auto c = moments.with_outer.middleCols(outer * g, outer);
      B.noalias() = c * inverse.middleCols(outer * nesting_->parent(l, g), outer);
      shrink(c, B, C);
    }
    if (!moments.mean.col(g).allFinite() || !take_root(C)) return;
    (*this)[l].place(g, moments.mean.col(g), C);
    slopes_[static_cast<std::size_t>(l)].middleCols(g * outer, outer) = B;
  }

  /// From the covariance V of u and the regression B of u on v, c their covariance: what is explained is B c'. In
  /// directions of u in which these are diagonal, B becomes rho B with rho the share r that is explained, nothing below
  /// .15, and the covariance around the new centre 1 - r + (1 - rho)^2 r.
  template <class Covariance>
  static void shrink(const Covariance& c, Matrix& B, Matrix& V) {
    constexpr double least = 0.15;
    const auto kept = [](double r) { return r < least ? 0.0 : std::min(r, 1.0); };
    const auto left = [&](double r) { return 1.0 - r + (1.0 - kept(r)) * (1.0 - kept(r)) * r; };
    Matrix L = V;
    if (!B.allFinite() || !V.allFinite() || !take_root(L)) {
      B.setZero();
      return;
    }
    if (V.rows() == 1) {
      const double r = std::max(0.0, B.row(0).dot(c.row(0)) / V(0, 0));
      V(0, 0) *= left(r);
      B *= kept(r);
      return;
    }
    const auto lower = L.triangularView<Eigen::Lower>();
    const Matrix half = lower.solve(B * c.transpose());
    const Eigen::SelfAdjointEigenSolver<Matrix> explained(lower.solve(half.transpose()));
    const Vector r = explained.eigenvalues().cwiseMax(0.0);
    const Matrix directions = L * explained.eigenvectors();
    V = directions * r.unaryExpr(left).asDiagonal() * directions.transpose();
    B = directions * r.unaryExpr(kept).asDiagonal() * explained.eigenvectors().transpose() * lower.solve(B);
  }

  /// Of the effects of factor l and of those around it, for each level; `inverse` becomes its inverse.
  Matrix joint_covariance(Index l, const LevelMoments& own, const Matrix& around, Matrix& inverse) const {
    const Index q = nesting_->effects(l), outer = outer_effects(l), size = q + outer, levels = nesting_->levels(l);
    Matrix out(size, size * levels), inverses(size, size * levels);
    for (Index g = 0; g < levels; ++g) {
      auto all = out.middleCols(size * g, size);
      all.setIdentity();
      if (!nesting_->is_somewhere(l, g)) continue;
      all.topLeftCorner(q, q) = own.covariance.middleCols(q * g, q);
      if (outer > 0) {
        all.topRightCorner(q, outer) = own.with_outer.middleCols(outer * g, outer);
        all.bottomLeftCorner(outer, q) = all.topRightCorner(q, outer).transpose();
        all.bottomRightCorner(outer, outer) = around.middleCols(outer * nesting_->parent(l, g), outer);
      }
      inverses.middleCols(size * g, size) = all.inverse();
    }
    inverse = std::move(inverses);
    return out;
  }

  const Nesting* nesting_;
  std::vector<FrozenRule> rules_;  ///< by factor
  std::vector<Matrix> slopes_;     ///< by factor, side by side
  std::vector<std::vector<std::shared_ptr<const JointNodes>>> joint_;
  std::map<std::pair<const NodeSet*, const NodeSet*>, std::shared_ptr<const JointNodes>> known_;
};

}  // namespace glimmer

#endif
