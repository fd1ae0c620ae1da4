// The fixed effects of the first predictor beside H. With beta in the inner iteration the Newton system is H with the
// border C = sum_a A_a'W_a0 X, K = X'W_00 X.
#ifndef GLIMMER_FIXED_EFFECTS_H
#define GLIMMER_FIXED_EFFECTS_H

#include "bordered_system.h"
#include "row_passes.h"

namespace glimmer {

/// X'WX, X of the first predictor, W by pair_place, and Z'WX added to `sums`; change(rows, X) may change the rows of X
/// that it is given.
template <class Change>
Matrix fixed_products(const Data& data, const std::vector<Vector>& w, Matrix& sums, Change change) {
  const Index p = data.X().columns(), size = data.factors.size();
  return sum_of_matrices(data, p, p, [&](Range chunk, Matrix& sum) {
    const Range rows = data.rows_of(chunk);
    Matrix X = data.X().copy(rows), wx;
    change(rows, X);
    for (int a : data.active) {
      wx = w[pair_place(0, a)].segment(rows.begin, rows.size()).asDiagonal() * X;
      if (a == 0) sum.noalias() += X.transpose() * wx;
      for (Index j = 0; j < p; ++j) add_level_sums(data, a, rows, wx.col(j).data(), sums.data() + j * size);
    }
  });
}
inline Matrix fixed_products(const Data& data, const std::vector<Vector>& w, Matrix& sums) {
  return fixed_products(data, w, sums, [](Range, Matrix&) {});
}

/// Lambda' times every column, each laid out like u.
inline void pull_columns_to_u(const Data& data, Matrix& columns) {
  Vector column;
  for (Index j = 0; j < columns.cols(); ++j) {
    column = columns.col(j);
    pull_to_u(data, column);
    columns.col(j) = column;
  }
}

class FixedEffects {
 public:
  /// `integrated`: whether beta is integrated out with a flat prior (REML), not only taken at its mode.
  FixedEffects(const Data& data, const BlockSystem& system, bool integrated)
      : data_(data), bordered_(system), integrated_(integrated) {}

  bool integrated() const { return integrated_; }

  /// After the system has been factored at the weights w. False: not positive definite.
  bool factor(const std::vector<Vector>& w) {
    products_.setZero(data_.factors.size(), data_.X().columns());
    const Matrix information = fixed_products(data_, w, products_);
    Matrix coupling = products_;
    pull_columns_to_u(data_, coupling);
    return bordered_.factor(information, coupling);
  }

  /// Solves the whole system in place.
  void solve(Vector& u, Vector& beta) const { bordered_.solve(u, beta); }

  const BorderedSystem& bordered() const { return bordered_; }
  /// Z'WX at the last weights.
  const Matrix& products() const { return products_; }

  /// What the integral over beta adds to the log-likelihood: (p/2) log 2 pi - log|B| / 2.
  double log_volume() const {
    constexpr double log_two_pi = 1.83787706640934548356;
    return 0.5 * static_cast<double>(data_.X().columns()) * log_two_pi - bordered_.log_determinant();
  }

 private:
  const Data& data_;
  BorderedSystem bordered_;
  bool integrated_;
  Matrix products_;
};

}  // namespace glimmer

#endif
