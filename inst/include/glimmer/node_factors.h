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
    factors_.resize(static_cast<std::size_t>(2 * q));
    for (Index j = 0; j < q; ++j) {
      for (Index side = 0; side < 2; ++side) factors_[2 * j + side].start(axis(j));
    }
  }

  double constant(Index i) const { return constant_[i]; }
  auto slope(Index i) const { return slope_.col(i); }
  /// At least the largest |a_i - constant_i| at any node.
  double spread_of(Index i) const {
    double sum = 0.0;
    for (Index j = 0; j < slope_.rows(); ++j) sum += std::abs(slope_(j, i)) * axis(j).farthest;
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
    void start(const Axis& axis) {
      slope_ = std::numeric_limits<double>::quiet_NaN();
      const Index size = whole_lanes(axis.x.size()) + 2 * margin;
      if (space_.size() < size) space_.setZero(size);
    }

    void set(const Axis& axis, double slope) {
      if (slope == slope_) return;
      slope_ = slope;
      if (axis.step > 0.0)
        by_powers(axis);
      else if (axis.symmetric)
        by_inverses(axis.x);
      else
        one_by_one(axis.x);
    }

    const double* values() const { return space_.data() + margin; }

   private:
    static constexpr Index margin = lane_count;  // lanes may go beyond either end

    Lanes at(const Vector& x, Index k) const {
      return exp_within(spread(slope_) * Lanes{x[k], x[std::min(k + 1, x.size() - 1)]});
    }

    void one_by_one(const Vector& x) {
      for (Index k = 0; k < x.size(); k += lane_count) store(at(x, k), space_.data() + margin + k);
    }

    /// From the middle on, and exp(-slope x) = 1 / exp(slope x).
    void by_inverses(const Vector& x) {
      const Index n = x.size();
      double* const out = space_.data() + margin;
      for (Index k = n / 2; k < n; k += lane_count) {
        const Lanes value = at(x, k);
        store(value, out + k);
        store(swapped(spread(1.0) / value), out + n - 2 - k);
      }
    }

    /// Powers of exp(slope step), from that of 0 on to either side.
    void by_powers(const Axis& axis) {
      double* const zero = space_.data() + margin + axis.zero;
      double ends[lane_count];
      store(exp_within(spread(slope_ * axis.step) * load(signs)), ends);
      for (int side = 0; side < 2; ++side) {
        const double factor = ends[side];
        const Lanes two_steps = spread(factor * factor);
        const Index count = side == 0 ? axis.x.size() - axis.zero : axis.zero + 1;
        const double first[] = {side == 0 ? 1.0 : factor, side == 0 ? factor : 1.0};
        Lanes power = load(first);
        for (Index k = 0; k < count; k += lane_count, power = power * two_steps)
          store(power, side == 0 ? zero + k : zero - 1 - k);
      }
    }

    static constexpr double signs[] = {1.0, -1.0};
    double slope_ = 0.0;
    Vector space_;
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

  const Axis& axis(Index j) const { return nodes_->axes[static_cast<std::size_t>(j)]; }
  /// Rows of either sign have factors of their own: those of a random intercept then stay the same.
  Factor& factor(Index j, bool negative) { return factors_[static_cast<std::size_t>(2 * j + (negative ? 1 : 0))]; }

  const NodeSet* nodes_ = nullptr;
  Index rows_ = 0;
  Matrix scale_;            ///< Lambda C
  Vector shift_;            ///< Lambda centre
  Vector constant_, base_;  ///< and exp(constant)
  Matrix slope_;            ///< axes x rows
  std::vector<Factor> factors_;
};

}  // namespace glimmer

#endif
