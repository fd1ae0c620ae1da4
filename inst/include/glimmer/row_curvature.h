// The part of a frozen rule's Hessian that comes from the second derivatives of the rows' log-densities,
//
//   - sum_i sum_k pi_k sum_ab w_ab,ik g_a,ik g_b,ik' ,
//
// where g_a = d eta_a / d parameters = (x_a, z_c u_d for each element (c, d) of Lambda). It needs of each row and pair
// of predictors the means of w, w u and w u u' over the nodes.
#ifndef GLIMMER_ROW_CURVATURE_H
#define GLIMMER_ROW_CURVATURE_H

#include "frozen_point.h"
#include "lane_products.h"
#include "level_nodes.h"

namespace glimmer {

class RowCurvature {
 public:
  RowCurvature(const EffectRows& Z, const FrozenPoint& point, Index most_lanes, Index most_rows)
      : Z_(Z), point_(point), effects_(Z.effects()),
        multipliers_(most_lanes, 1 + effects_ + effects_ * (effects_ + 1) / 2), capacity_(rows_together + most_rows),
        means_(pair_place(0, point.predictors()), Matrix(capacity_, multipliers_.cols())),
        hessian_(Matrix::Zero(point.inside(), point.inside())) {}

  /// The lower triangle, in which other parts may be added.
  Matrix& hessian() {
    flush();
    return hessian_;
  }
  /// The same, without the rows that wait to be added together.
  Matrix& hessian_so_far() { return hessian_; }

  /// pi, pi u_j and pi u_j u_k of the nodes of a level, which counts so often, and whose rows are to follow.
  void set_level(const LevelNodes& nodes, double copies) {
    lanes_ = nodes.lanes();
    const auto column = [this](Index j) {
      return Eigen::Map<Eigen::ArrayXd>(multipliers_.data() + j * lanes_, lanes_);
    };
    Index at = 0;
    column(at++) = copies * nodes.pi();
    for (Index j = 0; j < effects_; ++j) column(at++) = column(0) * nodes.effect(j);
    for (Index j = 0; j < effects_; ++j)
      for (Index k = 0; k <= j; ++k) column(at++) = column(0) * nodes.effect(j) * nodes.effect(k);
  }

  /// Rows with their w at the nodes.
  void add(Range rows, const NodeDerivatives& derivatives) {
    const Index at = waiting_count_, n = rows.size();
    if (!waiting_.empty() && waiting_.back().end == rows.begin)
      waiting_.back().end = rows.end;
    else
      waiting_.push_back(rows);
    waiting_count_ += n;
    for (std::size_t pair = 0; pair < means_.size(); ++pair) {
      const Index used = has_effects(pair) ? multipliers_.cols() : 1;
      set_lane_dots(lanes_, n, used, derivatives.w[pair].data(), multipliers_.data(), means_[pair].data() + at,
                    capacity_);
    }
    if (waiting_count_ >= rows_together) flush();
  }

 private:
  static constexpr Index rows_together = 256;

  /// Whether random effects enter a predictor of the pair; pair 0 is that of predictor 0 with itself.
  bool has_effects(std::size_t pair) const { return pair == 0 || pair == pair_place(0, second_of(pair)); }

  static int second_of(std::size_t pair) {
    int b = 0;
    while (pair_place(0, b + 1) <= pair) ++b;
    return b;
  }

  void flush() {
    const Index n = waiting_count_;
    if (n == 0) return;
    std::vector<Matrix> X(static_cast<std::size_t>(point_.predictors()));
    for (int a = 0; a < point_.predictors(); ++a) {
      Matrix& own = X[static_cast<std::size_t>(a)];
      own.resize(n, point_.coefficients(a).size());
      for_waiting([&](Index at, Range rows) { point_.copy_design(a, rows, own.middleRows(at, rows.size())); });
    }
    Z_waiting_.resize(n, effects_);
    for_waiting([&](Index at, Range rows) {
      for (Index i = 0; i < rows.size(); ++i)
        for (Index c = 0; c < effects_; ++c) Z_waiting_(at + i, c) = Z_.row(rows.begin + i)[c];
    });
    for (int a = 0; a < point_.predictors(); ++a) {
      if (point_.coefficients(a).size() == 0) continue;
      add_mixed(a, X[static_cast<std::size_t>(a)]);
      for (int b = 0; b <= a; ++b)
        if (point_.coefficients(b).size() > 0) add_coefficients(a, b, X);
    }
    add_elements();
    waiting_.clear();
    waiting_count_ = 0;
  }

  /// Calls visit(place, rows) for the ranges of rows that wait.
  template <class Visit>
  void for_waiting(Visit visit) const {
    Index at = 0;
    for (Range rows : waiting_) {
      visit(at, rows);
      at += rows.size();
    }
  }

  /// X_a' diag(w_ab) X_b
  void add_coefficients(int a, int b, const std::vector<Matrix>& X) {
    const Range own = point_.coefficients(a), other = point_.coefficients(b);
    const auto w = means_[pair_place(a, b)].col(0).head(waiting_count_);
    const Matrix weighted = w.asDiagonal() * X[static_cast<std::size_t>(b)];
    auto block = hessian_.block(own.begin, other.begin, own.size(), other.size());
    if (a == b)
      block.triangularView<Eigen::Lower>() -= X[static_cast<std::size_t>(a)].transpose() * weighted;
    else
      block.noalias() -= X[static_cast<std::size_t>(a)].transpose() * weighted;
  }

  /// The elements (c, d) against the coefficients of predictor a: (z_c w_0a u_d)' X_a
  void add_mixed(int a, const Matrix& X) {
    const auto& elements = point_.elements();
    const Range own = point_.coefficients(a);
    const Matrix& means = means_[pair_place(0, a)];
    const Index n = waiting_count_, count = static_cast<Index>(elements.size());
    Matrix scaled(n, count);
    for (Index e = 0; e < count; ++e) {
      const auto [c, d] = elements[static_cast<std::size_t>(e)];
      scaled.col(e) = Z_waiting_.col(c).cwiseProduct(means.col(1 + d).head(n));
    }
    if (a == 0)
      hessian_.block(point_.first_element(), own.begin, count, own.size()).noalias() -= scaled.transpose() * X;
    else
      hessian_.block(own.begin, point_.first_element(), own.size(), count).noalias() -= X.transpose() * scaled;
  }

  /// The elements (c, d) and (r, s): sum z_c z_r w u_d u_s
  void add_elements() {
    const auto& elements = point_.elements();
    const Index n = waiting_count_, count = static_cast<Index>(elements.size()), first = point_.first_element();
    for (Index e = 0; e < count; ++e)
      for (Index other = 0; other <= e; ++other) {
        const auto [c, d] = elements[static_cast<std::size_t>(e)];
        const auto [r, s] = elements[static_cast<std::size_t>(other)];
        const Index j = std::max(d, s), k = std::min(d, s), at = 1 + effects_ + j * (j + 1) / 2 + k;
        hessian_(first + e, first + other) -=
            (Z_waiting_.col(c).array() * Z_waiting_.col(r).array() * means_[0].col(at).head(n).array()).sum();
      }
  }

  const EffectRows& Z_;
  const FrozenPoint& point_;
  Index effects_, lanes_ = 0;
  Matrix multipliers_;         ///< a column each, of `lanes_` numbers, one after the other
  Index capacity_;
  std::vector<Matrix> means_;  ///< by pair of predictors: the waiting rows' means of w, w u_j and w u_j u_k
  std::vector<Range> waiting_;
  Index waiting_count_ = 0;
  Matrix Z_waiting_;
  Matrix hessian_;
};

}  // namespace glimmer

#endif
