// The dense Cholesky factor and inverse against Eigen's, and the same bits for any number of threads.
#include <glimmer/dense_cholesky.h>

#include <cstring>
#include <limits>

#include "check.h"
#include "problem.h"

using glimmer::DenseCholesky;
using glimmer::Index;
using glimmer::Matrix;

namespace {

/// Symmetric and positive definite; NaN above the diagonal, which must not be read.
Matrix positive_definite(Index n, problem::Random& random) {
  Matrix X(n, n + 3);
  for (Index i = 0; i < X.size(); ++i) X.data()[i] = random.normal();
  Matrix A = X * X.transpose() / static_cast<double>(n) + 0.1 * Matrix::Identity(n, n);
  A.triangularView<Eigen::StrictlyUpper>().setConstant(std::numeric_limits<double>::quiet_NaN());
  return A;
}

double distance(const Matrix& found, const Matrix& expected) {
  const Matrix difference = (found - expected).triangularView<Eigen::Lower>();
  return found.size() == 0 ? 0.0 : difference.cwiseAbs().maxCoeff() / expected.cwiseAbs().maxCoeff();
}

bool same_bits(const Matrix& a, const Matrix& b) {
  for (Index j = 0; j < a.cols(); ++j)
    if (std::memcmp(&a.coeffRef(j, j), &b.coeffRef(j, j), sizeof(double) * static_cast<std::size_t>(a.rows() - j)) != 0)
      return false;
  return true;
}

void against_eigen(Index n, problem::Random& random) {
  const std::string name = "order " + std::to_string(n);
  const Matrix A = positive_definite(n, random), full = A.selfadjointView<Eigen::Lower>();
  const Eigen::LLT<Matrix> llt(full);
  DenseCholesky dense;
  Matrix factor = A;
  check::that(dense.factor(factor, 1), name + ": positive definite");
  check::that(distance(factor, llt.matrixL()) <= 1e-13, name + ": factor");
  Matrix inverse = factor;
  dense.invert(inverse, 1);
  check::that(distance(inverse, llt.solve(Matrix::Identity(n, n))) <= 1e-12, name + ": inverse");
  for (int threads : {2, 3}) {
    DenseCholesky other;
    Matrix again = A;
    check::that(other.factor(again, threads) && same_bits(again, factor), name + ": factor by threads");
    other.invert(again, threads);
    check::that(same_bits(again, inverse), name + ": inverse by threads");
  }
}

/// With a bad pivot at any place the status is false, whatever the number of threads.
void not_positive_definite(Index n, Index place, double pivot, problem::Random& random) {
  Matrix A = positive_definite(n, random);
  A(place, place) = pivot;
  for (int threads : {1, 2}) {
    Matrix copy = A;
    check::that(!DenseCholesky().factor(copy, threads), "order " + std::to_string(n) + ", pivot " +
                                                            std::to_string(place) + " of " + std::to_string(pivot));
  }
}

/// One object takes matrices of any order in turn: nothing of the last one is left.
void used_again(problem::Random& random) {
  DenseCholesky dense;
  for (Index n : {200, 13, 0, 75, 200}) {
    const Matrix A = positive_definite(n, random), full = A.selfadjointView<Eigen::Lower>();
    Matrix inverse = A;
    check::that(dense.factor(inverse, 1), "used again: positive definite");
    dense.invert(inverse, 1);
    const Matrix expected = full.llt().solve(Matrix::Identity(n, n));
    check::that(distance(inverse, expected) <= 1e-12, "used again: order " + std::to_string(n));
  }
}

void kernels(problem::Random& random) {
  for (Index depth : {0, 1, 5, 12, 72}) {
    const Index n = glimmer::tile_size, stride = n + 3;
    Matrix a(n, depth + 1), b(n, depth + 1), C(stride, n);
    for (Matrix* matrix : {&a, &b, &C})
      for (Index i = 0; i < matrix->size(); ++i) matrix->data()[i] = random.normal();
    for (double sign : {1.0, -1.0}) {
      Matrix expected = C;
      expected.topRows(n) += sign * a.leftCols(depth) * b.leftCols(depth).transpose();
      for (const glimmer::TileProduct product : {glimmer::best_tile_product(), &glimmer::tile_product_portable}) {
        Matrix found = C;
        product(a.data(), b.data(), depth, sign, found.data(), stride);
        check::that((found - expected).cwiseAbs().maxCoeff() <= 1e-14 * (1.0 + static_cast<double>(depth)),
                    "kernel, depth " + std::to_string(depth));
      }
    }
  }
}

}  // namespace

int main() {
  problem::Random random(20);
  kernels(random);
  against_eigen(0, random);
  for (Index n = 1; n <= 40; ++n) against_eigen(n, random);
  for (Index n : {63, 64, 65, 71, 72, 73, 84, 127, 128, 129, 130, 144, 145, 300, 433}) against_eigen(n, random);
  for (Index n : {1, 12, 20, 100, 450})
    for (Index place : {Index{0}, n / 2, n - 1})
      for (double pivot : {-1.0, 0.0, std::nan(""), std::numeric_limits<double>::infinity()})
        not_positive_definite(n, place, pivot, random);
  used_again(random);
  return check::finish();
}
