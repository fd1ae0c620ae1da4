// The score s_k of a level at each of its nodes, its mean (the level's gradient), and its covariance over the nodes.
//
// s_k = (X'd1_k, (Z'd1_k)_c u_dk for each element (c, d) of Lambda, X_a'd1_ak of further predictors): what is summed up
// at each node are features, Z'd1 and X'd1 of the columns of X that are no multiples of Z's; each parameter has a
// feature and a multiple of it.
#ifndef GLIMMER_LEVEL_SCORES_H
#define GLIMMER_LEVEL_SCORES_H

#include "frozen_point.h"
#include "lane_products.h"
#include "level_nodes.h"
#include "multiple_columns.h"

namespace glimmer {

class LevelScores {
 public:
  LevelScores(const Data& data, const FrozenPoint& point, const MultipleColumns& columns, Index most_lanes,
              Index most_rows)
      : data_(data), point_(point), columns_(columns), effects_(data.factors[0].effects()),
        feature_(static_cast<std::size_t>(point.inside())), multiple_(Vector::Ones(point.inside())) {
    set_features();
    features_.resize(most_lanes * count_);
    centred_.resize(most_lanes * count_);
    root_pi_.resize(most_lanes);
    mean_.resize(count_);
    products_.setZero(count_, count_);
    design_.resize(static_cast<std::size_t>(point.predictors()));
    design_[0].resize(most_rows * first_element_feature_);
    for (int a = 1; a < point.predictors(); ++a)
      design_[static_cast<std::size_t>(a)].resize(most_rows * point.coefficients(a).size());
  }

  /// A level, whose rows are to follow.
  void set_level(const LevelNodes& nodes, Index g) {
    lanes_ = nodes.lanes();
    features().setZero();
    for (Index j : multiples_) multiple_[j] = columns_.multiple(data_, j, g);
  }

  /// Rows with their d1 at the nodes.
  void add(Range rows, const NodeDerivatives& derivatives) {
    for (int a = 0; a < point_.predictors(); ++a) {
      const Index first = a == 0 ? 0 : feature_[static_cast<std::size_t>(point_.coefficients(a).begin)];
      const Index count = a == 0 ? first_element_feature_ : point_.coefficients(a).size();
      Vector& space = design_[static_cast<std::size_t>(a)];
      Eigen::Map<RowMatrix> design(space.data(), rows.size(), count);
      set_design(a, rows, design);
      add_lane_sums(lanes_, rows.size(), count, derivatives.d1[static_cast<std::size_t>(a)].data(), space.data(),
                    features_.data() + first * lanes_);
    }
  }

  /// After the last rows: the level's gradient, in the parameters inside.
  template <class Gradient>
  void finish(const LevelNodes& nodes, Gradient&& gradient) {
    auto all = features();
    for (std::size_t e = 0; e < point_.elements().size(); ++e) {
      const auto [c, d] = point_.elements()[e];
      all.col(first_element_feature_ + static_cast<Index>(e)).array() = all.col(c).array() * nodes.effect(d);
    }
    set_lane_dots(lanes_, count_, 1, features_.data(), nodes.pi().data(), mean_.data(), count_);
    for (Index j = 0; j < point_.inside(); ++j) gradient[j] = multiple_[j] * mean_[feature_[j]];
  }

  /// Adds the covariance of the score over the nodes, so often, to a lower triangle.
  void add_covariance(const LevelNodes& nodes, double copies, Matrix& hessian) {
    const Index used = count_ - first_used_;
    Eigen::Map<Matrix> centred(centred_.data(), lanes_, used);
    auto root = root_pi_.head(lanes_).array();
    root = nodes.pi().sqrt();
    for (Index j = 0; j < used; ++j)
      centred.col(j).array() = root * (features().col(first_used_ + j).array() - mean_[first_used_ + j]);
    set_lane_products(lanes_, used, centred_.data(), &products_(first_used_, first_used_), count_);
    for (Index j = 0; j < point_.inside(); ++j)
      for (Index k = 0; k <= j; ++k)
        hessian(j, k) += copies * multiple_[j] * multiple_[k] *
                         products_(std::max(feature_[j], feature_[k]), std::min(feature_[j], feature_[k]));
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

  Eigen::Map<Matrix> features() { return {features_.data(), lanes_, count_}; }

  template <class Design>
  void set_design(int a, Range rows, Design& design) const {
    if (a > 0) return point_.copy_design(a, rows, design);
    const EffectRows& Z = data_.factors[0].first().Z;
    for (Index i = 0; i < rows.size(); ++i)
      for (Index c = 0; c < effects_; ++c) design(i, c) = Z.row(rows.begin + i)[c];
    for (std::size_t j = 0; j < own_.size(); ++j)
      design.col(effects_ + static_cast<Index>(j)) = data_.X().column(own_[j], rows);
  }

  const Data& data_;
  const FrozenPoint& point_;
  const MultipleColumns& columns_;
  Index effects_, lanes_ = 0, count_ = 0, first_element_feature_ = 0, first_used_ = 0;
  Positions feature_, own_, multiples_;  ///< of each parameter its feature; columns of X with sums of their own, or not
  Vector multiple_;                      ///< of each parameter
  Vector features_, centred_, root_pi_, mean_;
  Matrix products_;
  std::vector<Vector> design_;           ///< by predictor
};

}  // namespace glimmer

#endif
