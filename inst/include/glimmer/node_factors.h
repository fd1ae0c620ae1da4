// Exponentials of linear predictors at the nodes of a level's rule, as products of factors: with u = centre + C x,
// eta_ik = eta_i(centre) + sum_j (z_i'Lambda C)_j x_jk, so that on a product of q axes of K places a row needs q K
// exponentials, not K^q.
#ifndef GLIMMER_NODE_FACTORS_H
#define GLIMMER_NODE_FACTORS_H

#include <algorithm>
#include <array>

#include "lanes.h"
#include "node_kernel.h"

namespace glimmer {

/// The predictors a_i = sign_i eta_i of the rows of a tile, as constant_i + slope_i'x.
class NodeFactors {
 public:
  /// `sign`: 1 or -1 for each row of the tile.
  void start(const NodeTile& tile, const EffectRows& Z, const Vector& sign) {
    nodes_ = tile.nodes;
    find_lines(tile, Z, sign);
    base_.resize(whole_lanes(rows_));
    for (Index i = 0; i < rows_; i += lane_count) store(exp(load(constant_.data() + i)), base_.data() + i);
    const Index q = slope_.rows();
    farthest_.resize(q);
    factors_.resize(static_cast<std::size_t>(2 * q));
    for (Index j = 0; j < q; ++j) {
      const Vector& x = axis(j);
      farthest_[j] = x.cwiseAbs().maxCoeff();
      for (Index side = 0; side < 2; ++side) factors_[2 * j + side].start(x);
    }
  }

  double constant(Index i) const { return constant_[i]; }
  auto slope(Index i) const { return slope_.col(i); }
  /// At least the largest |a_i - constant_i| at any node.
  double spread_of(Index i) const {
    double sum = 0.0;
    for (Index j = 0; j < slope_.rows(); ++j) sum += std::abs(slope_(j, i)) * farthest_[j];
    return sum;
  }

  /// exp(a_i) in every lane, the same as its last node's where there is none. `out` has whole lanes.
  void exponentials(Index i, bool negative, double* out) {
    const Index q = slope_.rows();
    for (Index j = 0; j < q; ++j) factor(j, negative).set(axis(j), slope_(j, i));
    const double* along = factor(0, negative).values();
    const int* others = nodes_->others.data();
    for (const NodeSet::Run& run : nodes_->runs) {
      double rest = base_[i];
      for (Index j = 1; j < q; ++j) rest *= factor(j, negative).values()[*others++];
      const Lanes all = spread(rest);
      // a run of odd length goes one lane further, where the next one writes over it
      for (Index k = 0; k < run.size; k += lane_count) store(all * load(along + run.first + k), out + run.lane + k);
    }
    std::fill(out + nodes_->nodes, out + nodes_->lanes(), out[nodes_->nodes - 1]);
  }

  /// a_i in every lane
  void predictors(Index i, double* out) const {
    Eigen::Map<Vector> a(out, nodes_->lanes());
    a.setConstant(constant_[i]);
    for (Index j = 0; j < slope_.rows(); ++j) a += slope_(j, i) * nodes_->x.col(j);
  }

 private:
  /// exp(slope x) along an axis, kept while the slope is the same.
  class Factor {
   public:
    void start(const Vector& x) {
      slope_ = std::numeric_limits<double>::quiet_NaN();
      values_.resize(whole_lanes(x.size()) + lane_count);
    }
    void set(const Vector& x, double slope) {
      if (slope == slope_) return;
      slope_ = slope;
      const Index whole = x.size() / lane_count * lane_count;
      for (Index k = 0; k < whole; k += lane_count)
        store(exp(spread(slope) * load(x.data() + k)), values_.data() + k);
      for (Index k = whole; k < x.size(); ++k) store(exp(spread(slope * x[k])), values_.data() + k);
    }
    const double* values() const { return values_.data(); }

   private:
    double slope_ = 0.0;
    Vector values_;
  };

  void find_lines(const NodeTile& tile, const EffectRows& Z, const Vector& sign) {
    rows_ = tile.rows.size();
    const Index q = nodes_->effects();
    scale_.noalias() = tile.lambda->lazyProduct(tile.C);
    shift_.noalias() = tile.lambda->lazyProduct(tile.centre);
    constant_.setZero(whole_lanes(rows_));
    slope_.resize(q, rows_);
    for (Index i = 0; i < rows_; ++i) {
      const double* const z = Z.row(tile.rows.begin + i);
      constant_[i] = sign[i] * (tile.fixed[0].values[i * tile.fixed[0].step] + product(z, shift_.data()));
      for (Index j = 0; j < q; ++j) slope_(j, i) = sign[i] * product(z, scale_.col(j).data());
    }
  }

  /// In a fixed order, however many numbers a register holds.
  double product(const double* a, const double* b) const {
    double sum = 0.0;
    for (Index j = 0; j < slope_.rows(); ++j) sum += a[j] * b[j];
    return sum;
  }

  const Vector& axis(Index j) const { return nodes_->axes[static_cast<std::size_t>(j)]; }
  /// Rows of either sign have factors of their own: those of a random intercept then stay the same.
  Factor& factor(Index j, bool negative) { return factors_[static_cast<std::size_t>(2 * j + (negative ? 1 : 0))]; }

  const NodeSet* nodes_ = nullptr;
  Index rows_ = 0;
  Matrix scale_;            ///< Lambda C
  Vector shift_;            ///< Lambda centre
  Vector constant_, base_;  ///< and exp(constant)
  Matrix slope_;            ///< axes x rows
  Vector farthest_;         ///< along each axis the largest |x|
  std::vector<Factor> factors_;
};

}  // namespace glimmer

#endif
