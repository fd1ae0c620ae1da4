// H with a border for the fixed effects, which are not penalised:
//   H* = [ H   C ] ,  V = H^-1 C ,  B = K - C'V
//        [ C'  K ]
#ifndef GLIMMER_BORDERED_SYSTEM_H
#define GLIMMER_BORDERED_SYSTEM_H

#include "block_system.h"

namespace glimmer {

class BorderedSystem {
 public:
  explicit BorderedSystem(const BlockSystem& system) : system_(system) {}

  /// After `system` has been factored. False: B is not positive definite.
  bool factor(const Matrix& K, const Matrix& C) {
    eliminate(C);
    complement_ = K;
    complement_.noalias() -= C.transpose() * V_;
    return factor_complement();
  }

  /// The first half of it: V; and the second, with a B that was found otherwise.
  void eliminate(const Matrix& C) {
    V_.resize(C.rows(), C.cols());
    Vector column;
    for (Index j = 0; j < C.cols(); ++j) {
      column = C.col(j);
      system_.solve(column);
      V_.col(j) = column;
    }
  }
  bool factor_with(const Matrix& B) {
    complement_ = B;
    return factor_complement();
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
  const Matrix& V() const { return V_; }

  /// Half the log-determinant of B.
  double log_determinant() const {
    return llt_.matrixLLT().diagonal().array().log().sum() - scale_.array().log().sum();
  }

  /// rows times T with T T' = B^-1
  Matrix times_root(const Matrix& rows) const {
    Matrix out = (rows * scale_.asDiagonal()).transpose();
    llt_.matrixL().solveInPlace(out);
    return out.transpose();
  }

 private:
  bool factor_complement() {
    // scaled to unit diagonal: what follows does not depend on the units of the covariates
    if (!(complement_.diagonal().array() > 0.0).all()) return false;
    scale_ = complement_.diagonal().cwiseSqrt().cwiseInverse();
    llt_.compute(scale_.asDiagonal() * complement_ * scale_.asDiagonal());
    return llt_.info() == Eigen::Success;
  }

  const BlockSystem& system_;
  Matrix V_, complement_;
  Vector scale_;
  Eigen::LLT<Matrix> llt_;
};

}  // namespace glimmer

#endif
