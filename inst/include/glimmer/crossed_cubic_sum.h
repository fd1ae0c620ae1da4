// The double sum of second order where a component is a table of two factors with a scalar effect each, by products
// with the table. A point is a cell (i, j), and with P, Q, S the blocks of K
//
//   c = P_ik + Q_il + Q_kj + S_jl   for the cells (i, j) and (k, l) .
//
// The cube has twenty terms; each is a sum over k and l that a product with the table M of the weights does, about
// nnz(M) (5 n_1 + 7 n_2) operations in all; the derivative in K is of the same kind. (Powers are by element.)
#ifndef GLIMMER_CROSSED_CUBIC_SUM_H
#define GLIMMER_CROSSED_CUBIC_SUM_H

#include <Eigen/Sparse>

#include "cubic_sum.h"

namespace glimmer {

class CrossedCubicSum : public CubicSum {
 public:
  /// Whether a component's points are cells of such a table, one number of each of two factors.
  static bool fits(const EffectPoints& points, Range own, Index first_levels) {
    if (points.width() != 2 || own.size() == 0) return false;
    for (Index p = own.begin; p < own.end; ++p)
      if (points.z(p)[0] != 1.0 || points.z(p)[1] != 1.0 || points.effects(p)[0] >= first_levels ||
          points.effects(p)[1] < first_levels)
        return false;
    return true;
  }

  /// `threads`: as many as there are when it is asked.
  CrossedCubicSum(const EffectPoints& points, Range own, Index first_levels, Index second_levels, const int& threads)
      : n1_(first_levels), n2_(second_levels), threads_(threads) {
    for (Index p = own.begin; p < own.end; ++p) {
      row_.push_back(points.effects(p)[0]);
      column_.push_back(points.effects(p)[1] - static_cast<int>(n1_));
    }
  }

  Vector sums(const Matrix& K, const Vector& x) const override {
    const Table M = table(x);
    return is_full() ? sums_by(Matrix(M), K) : sums_by(M, K);
  }

  Matrix slope(const Matrix& K, const Vector& x, const Vector& y) const override {
    const Table N = table(x), M = table(y);
    return is_full() ? slope_by(Matrix(N), Matrix(M), K) : slope_by(N, M, K);
  }

  double operations() const override {
    return static_cast<double>(row_.size()) * static_cast<double>(n1_ + n2_) * (is_full() ? 5.0 : 30.0);
  }

 private:
  using Table = Eigen::SparseMatrix<double>;

  /// Whether the table is better a dense matrix.
  bool is_full() const { return 4 * static_cast<Index>(row_.size()) > n1_ * n2_; }

  static Matrix square(const Matrix& A) { return A.cwiseAbs2(); }
  static Matrix cube(const Matrix& A) { return A.array().cube(); }
  template <class Weights>
  static Vector row_sums(const Weights& M) {
    return M * Vector::Ones(M.cols());
  }
  template <class Weights>
  static Vector column_sums(const Weights& M) {
    return M.transpose() * Vector::Ones(M.rows());
  }

  Table table(const Vector& x) const {
    std::vector<Eigen::Triplet<double>> cells;
    for (std::size_t p = 0; p < row_.size(); ++p) cells.emplace_back(row_[p], column_[p], x[static_cast<Index>(p)]);
    Table out(n1_, n2_);
    out.setFromTriplets(cells.begin(), cells.end());
    return out;
  }

  template <class Weights>
  Vector sums_by(const Weights& M, const Matrix& K) const {
    const Matrix P = K.topLeftCorner(n1_, n1_), Q = K.topRightCorner(n1_, n2_), S = K.bottomRightCorner(n2_, n2_);
    const Vector m = row_sums(M), c = column_sums(M);
    const Matrix Q2 = square(Q), MS = M * S, MS2 = M * square(S), PM = P * M, QM = Q * M.transpose(),
                 MQ = M.transpose() * Q, MQ2 = M.transpose() * Q2;
    const Vector of_row = cube(P) * m + cube(Q) * c +
                          3.0 * (square(P).cwiseProduct(QM).rowwise().sum() + PM.cwiseProduct(Q2).rowwise().sum());
    const Vector of_column =
        cube(Q).transpose() * m + cube(S) * c +
        3.0 * (Q2.cwiseProduct(MS).colwise().sum() + Q.cwiseProduct(MS2).colwise().sum()).transpose();
    Matrix left(3 * (n1_ + n2_), n1_), right(3 * (n1_ + n2_), n2_);
    left << square(P), P, P.cwiseProduct(QM).transpose(), Q2.transpose(), Q.transpose(),
        Q.cwiseProduct(PM).transpose();
    right << 3.0 * (m.asDiagonal() * Q + MS), 3.0 * (m.asDiagonal() * Q2 + MS2 + 2.0 * Q.cwiseProduct(MS)), 6.0 * Q,
        3.0 * (MQ + c.asDiagonal() * S), 3.0 * (MQ2 + c.asDiagonal() * square(S) + 2.0 * S.cwiseProduct(MQ)), 6.0 * S;
    return of_row_and_column(of_row, of_column, left, right);
  }

  template <class Weights>
  Matrix slope_by(const Weights& N, const Weights& M, const Matrix& K) const {
    const Matrix P = K.topLeftCorner(n1_, n1_), Q = K.topRightCorner(n1_, n2_), S = K.bottomRightCorner(n2_, n2_);
    const Weights Nt = N.transpose(), Mt = M.transpose();
    const Matrix Qt = Q.transpose();
    Matrix parts[4];
    parallel_shares(4, 1, threads_, [&](Index part) {
      parts[part] = part == 0   ? slope_between(P, Q, S, N, M, Nt, Mt)
                    : part == 1 ? slope_between(P, Q, S, M, N, Mt, Nt)
                    : part == 2 ? slope_within(P, Q, S, N, M, Nt, Mt)
                                : slope_within(S, Qt, P, Nt, Mt, N, M);
    });
    Matrix out = Matrix::Zero(n1_ + n2_, n1_ + n2_);
    out.topLeftCorner(n1_, n1_) = parts[2];
    out.bottomRightCorner(n2_, n2_) = parts[3];
    out.topRightCorner(n1_, n2_) = parts[0] + parts[1];
    return 1.5 * (out + out.transpose());
  }

  /// of_row_i + of_column_j + left_i'right_j for every cell; of a table that is filled by one product.
  Vector of_row_and_column(const Vector& of_row, const Vector& of_column, const Matrix& left,
                           const Matrix& right) const {
    const Index cells = static_cast<Index>(row_.size());
    const Matrix all = is_full() ? Matrix(left.transpose() * right) : Matrix();
    Vector out(cells);
    for (Index p = 0; p < cells; ++p) {
      const int i = row_[static_cast<std::size_t>(p)], j = column_[static_cast<std::size_t>(p)];
      out[p] = of_row[i] + of_column[j] + (all.size() > 0 ? all(i, j) : left.col(i).dot(right.col(j)));
    }
    return out;
  }

  /// sum_jl N_ij M_kl c^2 for all (i, k); Nt and Mt are the transposed tables.
  template <class Weights>
  static Matrix slope_within(const Matrix& P, const Matrix& Q, const Matrix& S, const Weights& N, const Weights& M,
                             const Weights& Nt, const Weights& Mt) {
    const Vector n = row_sums(N), m = row_sums(M);
    const Matrix NS = N * S, NS2 = N * square(S), MS = M * S, QM = Q * Mt, QN = Q * Nt;
    const Matrix first = n.asDiagonal() * square(Q) + NS2 + 2.0 * Q.cwiseProduct(NS);
    const Matrix second = n.asDiagonal() * Q + NS;
    const Matrix third = m.asDiagonal() * square(Q) + 2.0 * Q.cwiseProduct(MS);
    const Matrix of_first = first * Mt, of_second = second * Mt, of_third = third * Nt;
    return square(P).cwiseProduct(n * m.transpose()) +
           2.0 * P.cwiseProduct(of_second + (m.asDiagonal() * QN).transpose()) + of_first + of_third.transpose() +
           2.0 * QM.cwiseProduct(QN.transpose());
  }

  /// sum_jk N_ij M_kl c^2 for all (i, l)
  template <class Weights>
  static Matrix slope_between(const Matrix& P, const Matrix& Q, const Matrix& S, const Weights& N, const Weights& M,
                              const Weights& Nt, const Weights& Mt) {
    const Vector n = row_sums(N), c = column_sums(M);
    const Matrix NQ = (Q * Nt).transpose(), NQ2 = (square(Q) * Nt).transpose(), NS = N * S, NS2 = N * square(S);
    const Matrix PM = P * M, MQ = Mt * Q, SMQ = S.cwiseProduct(MQ.transpose());
    const Matrix first = n.asDiagonal() * P + NQ;
    const Matrix second = n.asDiagonal() * square(P) + NQ2 + 2.0 * P.cwiseProduct(NQ);
    const Matrix of_first = first * M, of_second = second * M, of_third = N * SMQ;
    return square(Q).cwiseProduct(n * c.transpose()) + 2.0 * Q.cwiseProduct(of_first + NS * c.asDiagonal()) +
           of_second + NS2 * c.asDiagonal() + 2.0 * (PM.cwiseProduct(NS) + of_third);
  }

  Index n1_, n2_;
  const int& threads_;
  Integers row_, column_;  ///< of each cell
};

}  // namespace glimmer

#endif
