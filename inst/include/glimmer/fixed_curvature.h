// The second derivative of the Laplace approximation in beta, exactly, where there is one grouping factor. From
// dl/dbeta = X'd1 + X~'s with X~ = d eta/d beta = X - A H^-1 A'WX, the linear predictor at the mode, and
// s = -v d3 / 2 (DESIGN, "Mathematics"; the derivative of c_ij = a_i'H^-1 a_j is -sum_k c_ik c_kj d3_k d eta_k):
//
//   d2l/dbeta2 = -X'WX~ - X~' diag(v d4 / 2 + d3 (A lambda)) X~ + sum_ij x~_i d3_i c_ij^2 d3_j x~_j' / 2 ,
//   X'WX~ = X~'W X~ + V'V ,  V = H^-1 A'WX ,  lambda = H^-1 A's .
//
// c_ij is zero between levels, and within one c_ij^2 = sum_ab (y_ia y_ib)(y_ja y_jb), y_i = R^-1 a_i: a few squares of
// sums over the level's rows. So it costs about as much as X'WX. (Differences of the gradient cost p or 2p gradients.)
#ifndef GLIMMER_FIXED_CURVATURE_H
#define GLIMMER_FIXED_CURVATURE_H

#include "block_system.h"
#include "row_passes.h"

namespace glimmer {

class FixedCurvature {
 public:
  FixedCurvature(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// At a mode, with `system` factored there.
  Matrix operator()(const Point& point) const {
    const Index p = data_.X().columns();
    return sum_of_matrices(data_, p, p, [&](Range chunk, Matrix& sum) { add_chunk(point, chunk, sum); });
  }

 private:
  void add_chunk(const Point& point, Range chunk, Matrix& sum) const {
    const Range rows = data_.rows_of(chunk);
    RowDerivatives d;
    d.first = rows.begin;
    d.reserve(rows.size(), 4);
    data_.density->evaluate(data_.responses, rows, point.eta, 4, d);
    Matrix X = data_.X().copy(rows);
    Vector curvature(rows.size());
    for (Index g = chunk.begin; g < chunk.end; ++g) add_level(g, rows.begin, d, X, curvature, sum);
    const Matrix scaled = curvature.asDiagonal() * X;
    sum.noalias() -= X.transpose() * scaled;
  }

  /// X~ in place of X on the rows of a level, and the rows' w + v d4 / 2 + d3 (A lambda); its part of the rest.
  void add_level(Index g, Index first, const RowDerivatives& d, Matrix& X, Vector& curvature, Matrix& sum) const {
    const Incidence& incidence = data_.factors[0].first();
    const Index begin = data_.rows_of({g, g + 1}).begin, n = data_.rows_of({g, g + 1}).size(), at = begin - first;
    if (n == 0) return;
    const Eigen::Map<const RowMatrix, 0, Eigen::OuterStride<>> Z(incidence.Z.row(begin), n, incidence.effects(),
                                                                 Eigen::OuterStride<>(incidence.Z.step()));
    const Matrix A = Z * data_.factors.lambda(0);
    const auto w = d.w[0].segment(at, n), d3 = d.d3[0].segment(at, n), d4 = d.d4[0].segment(at, n);
    auto own = X.middleRows(at, n);
    Matrix V = A.transpose() * w.asDiagonal() * own;  // A'WX, then R^-1 of it, then H^-1
    system_.forward_level(g, V);
    Matrix Y = A.transpose();
    system_.forward_level(g, Y);
    const Vector v = Y.colwise().squaredNorm();
    Vector lambda = -0.5 * (Y * v.cwiseProduct(d3));  // R^-1 A's
    system_.backward_level(g, V);
    own.noalias() -= A * V;
    sum.noalias() -= V.transpose() * V;
    curvature.segment(at, n) = w + 0.5 * v.cwiseProduct(d4) + d3.cwiseProduct(Y.transpose() * lambda);
    add_squares(Y, d3, own, sum);
  }

  /// sum_ij x~_i d3_i c_ij^2 d3_j x~_j' / 2 within a level
  template <class Weights, class Rows>
  static void add_squares(const Matrix& Y, const Weights& d3, const Rows& X, Matrix& sum) {
    for (Index a = 0; a < Y.rows(); ++a)
      for (Index b = 0; b <= a; ++b) {
        const Vector weight = Y.row(a).cwiseProduct(Y.row(b)).transpose().cwiseProduct(d3);
        const Vector total = X.transpose() * weight;
        sum.noalias() += (a == b ? 0.5 : 1.0) * total * total.transpose();
      }
  }

  const Data& data_;
  const BlockSystem& system_;
};

}  // namespace glimmer

#endif
