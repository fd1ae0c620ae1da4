// The fixed effects beside H: with beta in the inner iteration the Newton system is
//   [ H      A'WX ] [u]      V = H^-1 A'WX ,  B = X'WX - (A'WX)'V
//   [ X'WA   X'WX ] [beta]
#ifndef GLIMMER_FIXED_EFFECTS_H
#define GLIMMER_FIXED_EFFECTS_H

#include "data.h"

namespace glimmer {

class FixedEffects {
 public:
  FixedEffects(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// After `system` has been factored at the weights w. False: B is not positive definite.
  bool factor(const Vector& w) {
    const Index p = data_.X().cols();
    Matrix coupling = Matrix::Zero(data_.terms.size(), p);
    complement_ = information(w, coupling);
    V_.resize(data_.terms.size(), p);
    Vector column;
    for (Index j = 0; j < p; ++j) {
      column = coupling.col(j);
      pull_to_u(data_, column);
      coupling.col(j) = column;
      system_.solve(column);
      V_.col(j) = column;
    }
    complement_.noalias() -= coupling.transpose() * V_;
    // scaled to unit diagonal: what follows does not depend on the units of the covariates
    if (!(complement_.diagonal().array() > 0.0).all()) return false;
    scale_ = complement_.diagonal().cwiseSqrt().cwiseInverse();
    llt_.compute(scale_.asDiagonal() * complement_ * scale_.asDiagonal());
    return llt_.info() == Eigen::Success;
  }

  /// Solves the whole system in place.
  void solve(Vector& u, Vector& beta) const {
    beta.noalias() -= V_.transpose() * u;
    beta = scale_.cwiseProduct(llt_.solve(scale_.cwiseProduct(beta)));
    system_.solve(u);
    u.noalias() -= V_ * beta;
  }

  /// B: the information on beta, the random effects eliminated.
  const Matrix& complement() const { return complement_; }

 private:
  /// X'WX, and Z'WX added to `sums`.
  Matrix information(const Vector& w, Matrix& sums) const {
    const Index p = data_.X().cols(), size = data_.terms.size();
    return sum_of_matrices(data_, p, p, [&](Range chunk, Matrix& sum) {
      const Range rows = data_.rows_of(chunk);
      const auto X = data_.X().middleRows(rows.begin, rows.size());
      const Matrix wx = w.segment(rows.begin, rows.size()).asDiagonal() * X;
      sum.noalias() += X.transpose() * wx;
      for (Index j = 0; j < p; ++j)
        for (Index k = 0; k < data_.terms.count(); ++k)
          add_level_sums(data_.terms[k], rows, wx.col(j).data(), sums.data() + j * size + data_.terms.start(k));
    });
  }

  const Data& data_;
  const BlockSystem& system_;
  Matrix V_, complement_;
  Vector scale_;
  Eigen::LLT<Matrix> llt_;
};

}  // namespace glimmer

#endif
