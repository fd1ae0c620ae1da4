// The inverse of a dense symmetric matrix from its Cholesky factor, in place: 2/3 n^3 operations where a solve with
// the identity takes 2 n^3. Recursion on halves turns almost all of it into matrix products.
#ifndef GLIMMER_TRIANGULAR_H
#define GLIMMER_TRIANGULAR_H

#include "types.h"

namespace glimmer {

using MatrixBlock = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;

constexpr Index recursion_end = 64;

/// L^-1 in place of the lower triangle: [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1, C^-1]
inline void invert_lower_triangle(MatrixBlock L) {
  const Index n = L.rows(), half = n / 2;
  if (n <= recursion_end) {
    const Matrix inverse = L.triangularView<Eigen::Lower>().solve(Matrix::Identity(n, n));
    L.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  auto A = L.topLeftCorner(half, half), C = L.bottomRightCorner(n - half, n - half);
  auto B = L.bottomLeftCorner(n - half, half);
  A.triangularView<Eigen::Lower>().solveInPlace<Eigen::OnTheRight>(B);
  C.triangularView<Eigen::Lower>().solveInPlace(B);
  B *= -1.0;
  invert_lower_triangle(A);
  invert_lower_triangle(C);
}

/// L'L in place of the lower triangle: [A 0; B C]'[A 0; B C] = [A'A + B'B, .; C'B, C'C]
inline void multiply_by_transpose(MatrixBlock L) {
  const Index n = L.rows(), half = n / 2;
  if (n <= recursion_end) {
    const Matrix lower = L.triangularView<Eigen::Lower>();
    L.triangularView<Eigen::Lower>() = lower.transpose() * lower;
    return;
  }
  auto A = L.topLeftCorner(half, half), C = L.bottomRightCorner(n - half, n - half);
  auto B = L.bottomLeftCorner(n - half, half);
  multiply_by_transpose(A);
  A.selfadjointView<Eigen::Lower>().rankUpdate(B.transpose());
  B = C.triangularView<Eigen::Lower>().transpose() * B.eval();
  multiply_by_transpose(C);
}

/// The lower triangle of (L L')^-1 in place of that of L.
inline void invert_from_cholesky(MatrixBlock L) {
  invert_lower_triangle(L);
  multiply_by_transpose(L);
}

}  // namespace glimmer

#endif
