// The Schur complement S that an eliminated grouping factor leaves on the others (or all of H, where none is
// eliminated): its Cholesky factor and the entries of its inverse on the pattern of the factor.
//
// The columns are ordered by approximate minimum degree. Leading columns are kept sparse; where the pattern of the
// factor has filled up, the rest, the tail, is one dense matrix. A Schur complement without structure is all tail,
// one with nested factors has none to speak of. Inverse: Takahashi, Fagan and Chin (1973); Erisman and Tinney
// (1975), Comm. ACM 18:177.
#ifndef GLIMMER_SCHUR_COMPLEMENT_H
#define GLIMMER_SCHUR_COMPLEMENT_H

#include <Eigen/Sparse>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "coupling.h"
#include "dense_cholesky.h"

namespace glimmer {

class SchurComplement {
 public:
  /// S couples the columns of each level of `coupling` completely, and those of each of `cliques`.
  void analyze(Index size, const Coupling& coupling, std::vector<Integers> cliques, const Interrupt& interrupt) {
    for (Index g = 0; g < coupling.levels(); ++g)
      cliques.emplace_back(coupling.columns_of(g), coupling.columns_of(g) + coupling.count(g));
    const std::vector<Integers> members = cliques_of_columns(size, cliques);
    std::vector<Integers> columns(static_cast<std::size_t>(size));
    Positions seen(static_cast<std::size_t>(size), -1);
    for (int j = 0; j < size; ++j) {
      interrupt();
      columns[j] = neighbours(j, members[j], cliques, seen);
    }
    if (!find_leading(columns, interrupt) || (size <= largest_dense && sparse_cost(cliques) > saved_by_leading(size)))
      make_dense(size, coupling);
    const Index tail = size - leading_;
    tail_.resize(tail, tail);
    values_.resize(static_cast<Index>(rows_.size()));
    diagonal_.resize(leading_);
    work_ = Vector::Zero(size);
  }

  void set_zero() {
    values_.setZero();
    diagonal_.setZero();
    for (Index j = 0; j < tail_.cols(); ++j) tail_.col(j).tail(tail_.rows() - j).setZero();
  }

  /// Adds to the entry (row, column) and its mirror image.
  void add(Index row, Index column, double value) { entry(row, column, values_, diagonal_, tail_) += value; }

  /// Subtracts the sum of Y_g'Y_g over the eliminated levels.
  void subtract_outer_products(const Coupling& Y, int threads, const Interrupt& interrupt) {
    if (leading_ == 0) return outer_products_.subtract(Y, tail_, threads, interrupt);
    for (Index g = 0; g < Y.levels(); ++g) {
      interrupt();
      const Eigen::Map<const Matrix> block = Y.block(g);
      const int* columns = Y.columns_of(g);
      for (Index a = 0; a < block.cols(); ++a)
        for (Index b = 0; b <= a; ++b) add(columns[a], columns[b], -block.col(a).dot(block.col(b)));
    }
  }

  /// False: not positive definite.
  bool factor(int threads, const Interrupt& interrupt) {
    if (!factor_leading(interrupt)) return false;
    subtract_leading_from_tail();
    return dense_.factor(tail_, threads, interrupt);
  }

  /// How many numbers the Cholesky factor has.
  Index factor_entries() const { return values_.size() + diagonal_.size() + tail_.rows() * (tail_.rows() + 1) / 2; }

  /// The diagonal of the Cholesky factor, which has an order of its own, as numbers of the columns of S.
  Vector root_diagonal() const {
    Vector own(diagonal_.size() + tail_.rows()), out(own.size());
    own << diagonal_, tail_.diagonal();
    for (Index j = 0; j < out.size(); ++j) out[j] = own[position_[j]];
    return out;
  }

  /// Half the log-determinant of S.
  double log_determinant() const { return diagonal_.array().log().sum() + tail_.diagonal().array().log().sum(); }

  /// Solves S x = r in place, x a vector or several columns.
  template <class Columns>
  void solve(Columns& x) const {
    Columns y(x.rows(), x.cols());
    for (Index j = 0; j < x.rows(); ++j) y.row(position_[j]) = x.row(j);
    for (Index j = 0; j < leading_; ++j) {
      y.row(j) /= diagonal_[j];
      for (Index k = start_[j]; k < start_[j + 1]; ++k) y.row(rows_[k]) -= values_[k] * y.row(j);
    }
    auto tail = y.bottomRows(tail_.rows());
    tail_.triangularView<Eigen::Lower>().solveInPlace(tail);
    tail_.transpose().triangularView<Eigen::Upper>().solveInPlace(tail);
    for (Index j = leading_ - 1; j >= 0; --j) {
      for (Index k = start_[j]; k < start_[j + 1]; ++k) y.row(j) -= values_[k] * y.row(rows_[k]);
      y.row(j) /= diagonal_[j];
    }
    for (Index j = 0; j < x.rows(); ++j) x.row(j) = y.row(position_[j]);
  }

  /// After factor(): the entries of the inverse on the pattern of the factor.
  void invert(int threads, const Interrupt& interrupt) {
    inverse_tail_.resize(tail_.rows(), tail_.cols());
    parallel_shares(tail_.cols(), 64, threads, [&](Index j) {
      const Index below = tail_.rows() - j;
      inverse_tail_.col(j).tail(below) = tail_.col(j).tail(below);
    });
    dense_.invert(inverse_tail_, threads, interrupt);
    inverse_values_.resize(values_.size());
    inverse_diagonal_.resize(leading_);
    Integers mark(static_cast<std::size_t>(position_.size()), -1);
    for (Index j = leading_ - 1; j >= 0; --j) {
      interrupt();
      invert_column(j, mark);
    }
  }
  double inverse(Index row, Index column) {
    return entry(row, column, inverse_values_, inverse_diagonal_, inverse_tail_);
  }
  /// TS += T S^-1, the columns of T at the given ones, and S^-1 between these.
  void add_product_with_inverse(const int* columns, const Matrix& T, Matrix& TS) {
    if (leading_ == 0) {
      const Matrix& inverse = inverse_tail_;
      add_symmetric_product(T, [&](Index a, Index b) { return inverse.coeff(columns[a], columns[b]); }, TS);
    } else {
      add_symmetric_product(T, [&](Index a, Index b) { return this->inverse(columns[a], columns[b]); }, TS);
    }
  }

 private:
  /// What leading columns cost, in units of operations of a dense factorization: their own operations are scattered,
  /// and each entry that is added to S is looked for (measured on lme4's InstEval: about 20 and 60 times as long).
  double sparse_cost(const std::vector<Integers>& cliques) const {
    double operations = 0.0, entries = 0.0;
    for (Index j = 0; j < leading_; ++j) operations += std::pow(static_cast<double>(start_[j + 1] - start_[j]), 2);
    for (const Integers& clique : cliques) entries += 0.5 * std::pow(static_cast<double>(clique.size()), 2);
    return 20.0 * operations + 60.0 * entries;
  }
  static double dense_cost(Index size) { return std::pow(static_cast<double>(size), 3) / 3.0; }
  double saved_by_leading(Index size) const { return dense_cost(size) - dense_cost(size - leading_); }

  /// The columns in their own order, so that those of a level increase.
  void make_dense(Index size, const Coupling& coupling) {
    leading_ = 0;
    rows_.clear();
    start_.assign(1, 0);
    position_.resize(static_cast<std::size_t>(size));
    std::iota(position_.begin(), position_.end(), 0);
    outer_products_.analyze(size, coupling);
  }

  /// The tail begins where a column of the factor has this share of the entries that it could have.
  static constexpr double dense_share = 0.6;
  /// Up to this size all of S may be dense though its leading columns are not: 128 MB, and as much for its inverse.
  static constexpr Index largest_dense = 4000;

  static std::vector<Integers> cliques_of_columns(Index size, const std::vector<Integers>& cliques) {
    std::vector<Integers> members(static_cast<std::size_t>(size));
    for (std::size_t g = 0; g < cliques.size(); ++g)
      for (int column : cliques[g]) members[column].push_back(static_cast<int>(g));
    return members;
  }

  static Integers neighbours(int column, const Integers& members, const std::vector<Integers>& cliques,
                             Positions& seen) {
    Integers out;
    seen[column] = column;
    for (int g : members)
      for (int row : cliques[g])
        if (seen[row] != column) {
          seen[row] = column;
          out.push_back(row);
        }
    return out;
  }

  /// Orders the columns and finds the leading ones. False: there are none, as where every column is dense itself, which
  /// is known without an order, and the order of so many entries would take longer than a factorization.
  bool find_leading(const std::vector<Integers>& columns, const Interrupt& interrupt) {
    const double dense = dense_share * (static_cast<double>(columns.size()) - 1.0);
    const auto is_dense = [&](const Integers& rows) { return static_cast<double>(rows.size()) >= dense; };
    if (std::all_of(columns.begin(), columns.end(), is_dense)) return false;
    order(columns, interrupt);
    find_factor_pattern(columns, interrupt);
    return leading_ > 0;
  }

  /// position_[old column] = new column, by approximate minimum degree.
  void order(const std::vector<Integers>& columns, const Interrupt& interrupt) {
    const int size = static_cast<int>(columns.size());
    Eigen::SparseMatrix<double> pattern(size, size);
    Eigen::VectorXi counts(size);
    for (int j = 0; j < size; ++j) counts[j] = static_cast<int>(columns[j].size()) + 1;
    pattern.reserve(counts);
    for (int j = 0; j < size; ++j) {
      interrupt();
      Integers rows = columns[j];
      rows.push_back(j);
      std::sort(rows.begin(), rows.end());
      for (int row : rows) pattern.insert(row, j) = 1.0;
    }
    pattern.makeCompressed();
    Eigen::PermutationMatrix<Eigen::Dynamic, Eigen::Dynamic, int> old_of_new;
    Eigen::AMDOrdering<int>()(pattern, old_of_new);
    position_.resize(columns.size());
    for (int j = 0; j < size; ++j) position_[old_of_new.indices()[j]] = j;
  }

  /// Column j of the factor has the rows of S below j and those of its children in the elimination tree.
  void find_factor_pattern(const std::vector<Integers>& columns, const Interrupt& interrupt) {
    const int size = static_cast<int>(columns.size());
    Integers old_of_new(columns.size());
    for (int j = 0; j < size; ++j) old_of_new[position_[j]] = j;
    std::vector<Integers> pattern(columns.size()), children(columns.size());
    Integers seen(columns.size(), -1);
    start_.assign(1, 0);
    rows_.clear();
    int j = 0;
    for (; j < size; ++j) {
      interrupt();
      Integers& own = pattern[j];
      const auto take = [&](int row) {
        if (row <= j || seen[row] == j) return;
        seen[row] = j;
        own.push_back(row);
      };
      for (int row : columns[old_of_new[j]]) take(position_[row]);
      for (int child : children[j])
        for (int row : pattern[child]) take(row);
      if (static_cast<double>(own.size()) >= dense_share * (size - 1 - j)) break;
      for (int child : children[j]) Integers().swap(pattern[child]);
      std::sort(own.begin(), own.end());
      if (!own.empty()) children[own.front()].push_back(j);
      rows_.insert(rows_.end(), own.begin(), own.end());
      start_.push_back(static_cast<Index>(rows_.size()));
    }
    leading_ = j;
  }

  /// The place of an entry among the leading columns or in the tail.
  double& entry(Index row, Index column, Vector& values, Vector& diagonal, Matrix& tail) {
    Index i = position_[row], j = position_[column];
    if (i < j) std::swap(i, j);
    if (j >= leading_) return tail(i - leading_, j - leading_);
    if (i == j) return diagonal[j];
    const auto begin = rows_.begin() + start_[j], end = rows_.begin() + start_[j + 1];
    const auto at = std::lower_bound(begin, end, static_cast<int>(i));
    if (at == end || *at != i) throw std::logic_error("an entry outside the pattern of the Schur complement");
    return values[at - rows_.begin()];
  }

  /// Left-looking, column by column. `next[j]` chains the columns whose next row to be used is j.
  bool factor_leading(const Interrupt& interrupt) {
    Positions first(static_cast<std::size_t>(leading_), -1), next(first), at(first);
    for (Index j = 0; j < leading_; ++j) {
      interrupt();
      for (Index k = start_[j]; k < start_[j + 1]; ++k) work_[rows_[k]] = values_[k];
      double pivot = diagonal_[j];
      for (Index c = first[j]; c >= 0;) {
        const Index following = next[c], k0 = at[c];
        const double l = values_[k0];
        pivot -= l * l;
        for (Index k = k0 + 1; k < start_[c + 1]; ++k) work_[rows_[k]] -= l * values_[k];
        enlist(c, k0 + 1, first, next, at);
        c = following;
      }
      if (!(pivot > 0.0) || !std::isfinite(pivot)) return false;
      diagonal_[j] = std::sqrt(pivot);
      for (Index k = start_[j]; k < start_[j + 1]; ++k) values_[k] = work_[rows_[k]] / diagonal_[j];
      enlist(j, start_[j], first, next, at);
    }
    return true;
  }

  /// Puts column c on the chain of the row at k, if that is a leading one.
  void enlist(Index c, Index k, Positions& first, Positions& next, Positions& at) const {
    if (k >= start_[c + 1] || rows_[k] >= leading_) return;
    at[c] = k;
    next[c] = first[rows_[k]];
    first[rows_[k]] = c;
  }

  void subtract_leading_from_tail() {
    for (Index j = 0; j < leading_; ++j) {
      const Index begin = std::lower_bound(rows_.begin() + start_[j], rows_.begin() + start_[j + 1],
                                           static_cast<int>(leading_)) - rows_.begin();
      for (Index a = begin; a < start_[j + 1]; ++a) {
        double* column = tail_.data() + (rows_[a] - leading_) * tail_.rows();
        for (Index b = a; b < start_[j + 1]; ++b) column[rows_[b] - leading_] -= values_[a] * values_[b];
      }
    }
  }

  /// With P the rows of column j of the factor and l = L_Pj / L_jj:
  /// Z_Pj = -Z_PP l ,  Z_jj = 1 / L_jj^2 - l'Z_Pj
  void invert_column(Index j, Integers& mark) {
    const Index begin = start_[j], count = start_[j + 1] - begin;
    const Vector l = values_.segment(begin, count) / diagonal_[j];
    for (Index a = 0; a < count; ++a) mark[rows_[begin + a]] = static_cast<int>(a);
    Vector z = Vector::Zero(count);
    for (Index a = 0; a < count; ++a) {
      const Index row = rows_[begin + a];
      if (row >= leading_) {
        const double* column = inverse_tail_.data() + (row - leading_) * inverse_tail_.rows();
        z[a] += column[row - leading_] * l[a];
        for (Index b = a + 1; b < count; ++b) {
          const double value = column[rows_[begin + b] - leading_];
          z[b] += value * l[a];
          z[a] += value * l[b];
        }
        continue;
      }
      z[a] += inverse_diagonal_[row] * l[a];
      for (Index k = start_[row]; k < start_[row + 1]; ++k) {
        const int b = mark[rows_[k]];
        if (b < 0) continue;
        z[b] += inverse_values_[k] * l[a];
        z[a] += inverse_values_[k] * l[b];
      }
    }
    for (Index a = 0; a < count; ++a) mark[rows_[begin + a]] = -1;
    inverse_values_.segment(begin, count) = -z;
    inverse_diagonal_[j] = 1.0 / (diagonal_[j] * diagonal_[j]) + l.dot(z);
  }

  Integers position_;  ///< new column of each old one
  Index leading_ = 0;  ///< number of sparse columns
  Positions start_;    ///< the sparse columns of the factor below the diagonal: where each begins,
  Integers rows_;      ///< its rows in increasing order,
  Vector values_, diagonal_;  ///< and its values; S before factor(), L after it
  Matrix tail_;
  DenseCholesky dense_;
  OuterProducts outer_products_;  ///< used where all is dense
  Vector inverse_values_, inverse_diagonal_;
  Matrix inverse_tail_;
  Vector work_;
};

}  // namespace glimmer

#endif
