// The Schur complement that the first grouping factor leaves on the others: a symmetric matrix, its Cholesky
// factor, and the entries of its inverse.
#ifndef GLIMMER_SCHUR_COMPLEMENT_H
#define GLIMMER_SCHUR_COMPLEMENT_H

#include "types.h"

namespace glimmer {

class SchurComplement {
 public:
  void resize(Index size) { S_.resize(size, size); }
  void set_zero() { S_.setZero(); }

  /// Adds a block whose first entry is at (row, column); only what lies on or below the diagonal counts.
  template <class Block>
  void add(Index row, Index column, const Block& block) {
    S_.block(row, column, block.rows(), block.cols()) += block;
  }
  void subtract(Index row, Index column, double value) { S_(row, column) -= value; }

  bool factor() {
    llt_.compute(S_);
    return llt_.info() == Eigen::Success;
  }
  double log_determinant() const { return llt_.matrixLLT().diagonal().array().log().sum(); }
  void solve(Vector& x) const { llt_.solveInPlace(x); }
  void invert() { inverse_ = llt_.solve(Matrix::Identity(S_.rows(), S_.cols())); }
  double inverse(Index row, Index column) const { return inverse_(row, column); }

 private:
  Matrix S_, inverse_;
  Eigen::LLT<Matrix> llt_;
};

}  // namespace glimmer

#endif
