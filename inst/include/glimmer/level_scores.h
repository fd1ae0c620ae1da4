// The score s_k of an innermost level at each of its nodes, its mean (with one factor the level's gradient), and its
// covariance over the nodes.
//
// s_k = (X'd1_k, (Z'd1_k)_c u_dk for each element (c, d) of Lambda, X_a'd1_ak of further predictors): what is summed up
// at each node are features, Z'd1 and X'd1 of the columns of X that are no multiples of Z's; each parameter has a
// feature and a multiple of it.
#ifndef GLIMMER_LEVEL_SCORES_H
#define GLIMMER_LEVEL_SCORES_H

#include "frozen_point.h"
#include "multiple_columns.h"
#include "node_scores.h"

namespace glimmer {

class LevelScores {
 public:
  LevelScores(const Data& data, const EffectRows& Z, const FrozenPoint& point, const MultipleColumns& columns,
              Index most_rows)
      : data_(data), Z_(Z), point_(point), columns_(columns), effects_(Z.effects()),
        feature_(static_cast<std::size_t>(point.inside())), multiple_(Vector::Ones(point.inside())) {
    set_features();
    design_.resize(static_cast<std::size_t>(point.predictors()));
    design_[0].resize(most_rows * first_element_feature_);
    for (int a = 1; a < point.predictors(); ++a)
      design_[static_cast<std::size_t>(a)].resize(most_rows * point.coefficients(a).size());
  }

  /// A level, whose rows are to follow.
  void set_level(const LevelNodes& nodes) {
    features_.start(nodes.lanes(), count_);
    for (Index j : multiples_) multiple_[j] = columns_.multiple(data_, Z_, j, nodes.level());
  }

  /// Rows with their d1 at the nodes.
  void add(Range rows, const NodeDerivatives& derivatives) {
    for (int a = 0; a < point_.predictors(); ++a) {
      const Index first = a == 0 ? 0 : feature_[static_cast<std::size_t>(point_.coefficients(a).begin)];
      const Index count = a == 0 ? first_element_feature_ : point_.coefficients(a).size();
      Vector& space = design_[static_cast<std::size_t>(a)];
      Eigen::Map<RowMatrix> design(space.data(), rows.size(), count);
      set_design(a, rows, design);
      add_lane_sums(features_.lanes(), rows.size(), count, derivatives.d1[static_cast<std::size_t>(a)].data(),
                    space.data(), features_.column(first));
    }
  }

  /// After the last rows: adds the mean of the score at node c of the levels around to[c], from one parameter inside to
  /// the next `step`.
  void finish(const LevelNodes& nodes, double* to, Index step) {
    for (std::size_t e = 0; e < point_.elements().size(); ++e) {
      const auto [c, d] = point_.elements()[e];
      features_.lanes_of(first_element_feature_ + static_cast<Index>(e)) = features_.lanes_of(c) * nodes.effect(d);
    }
    features_.find_means(nodes);
    for (Index j = 0; j < point_.inside(); ++j) features_.add_means(feature_[j], multiple_[j], to + j * step);
  }

  /// Adds the covariance of the score over the level's nodes, given those around, so often, to a lower triangle.
  void add_covariance(const LevelNodes& nodes, double copies, Matrix& hessian) {
    features_.find_products(nodes, first_used_);
    for (Index j = 0; j < point_.inside(); ++j)
      for (Index k = 0; k <= j; ++k)
        hessian(j, k) += copies * multiple_[j] * multiple_[k] * features_.product(feature_[j], feature_[k]);
  }

 private:
  /// Z'd1; X'd1 of the columns that need sums of their own; the elements of Lambda; further predictors.
  void set_features() {
    Index next = effects_;
    for (Index j = 0; j < point_.coefficients(0).end; ++j) {
      const int source = columns_.source(j);
      feature_[j] = source >= 0 ? source : next++;
      (source >= 0 ? multiples_ : own_).push_back(j);
    }
    first_element_feature_ = next;
    for (Index j = point_.first_element(); j < point_.inside(); ++j) feature_[j] = next++;
    count_ = next;
    first_used_ = multiples_.empty() ? effects_ : 0;
  }

  template <class Design>
  void set_design(int a, Range rows, Design& design) const {
    if (a > 0) return point_.copy_design(a, rows, design);
    for (Index i = 0; i < rows.size(); ++i)
      for (Index c = 0; c < effects_; ++c) design(i, c) = Z_.row(rows.begin + i)[c];
    for (std::size_t j = 0; j < own_.size(); ++j)
      design.col(effects_ + static_cast<Index>(j)) = data_.X().column(own_[j], rows);
  }

  const Data& data_;
  const EffectRows& Z_;
  const FrozenPoint& point_;
  const MultipleColumns& columns_;
  Index effects_, count_ = 0, first_element_feature_ = 0, first_used_ = 0;
  Positions feature_, own_, multiples_;  ///< of each parameter its feature; columns of X with sums of their own, or not
  Vector multiple_;                      ///< of each parameter
  NodeScores features_;
  std::vector<Vector> design_;           ///< by predictor
};

}  // namespace glimmer

#endif
