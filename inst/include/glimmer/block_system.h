// H = A'WA + I by blocks: factor, solve, log-determinant, inverse on the pattern.
//
// The first grouping factor (most levels) is eliminated level by level: its part of H is block diagonal,
// D_g = L_g L_g'. What it leaves on the other factors is the Schur complement
//   S = E - sum_g C_g' D_g^-1 C_g = E - sum_g Y_g'Y_g,  Y_g = L_g^-1 C_g .
#ifndef GLIMMER_BLOCK_SYSTEM_H
#define GLIMMER_BLOCK_SYSTEM_H

#include "pattern.h"
#include "schur_complement.h"
#include "terms.h"

namespace glimmer {

class BlockSystem {
 public:
  BlockSystem(const Terms& terms, const Pattern& pattern)
      : terms_(terms), pattern_(pattern), effects_(terms[0].effects()), factors_(terms, pattern) {
    for (Index k = 1; k < terms.count(); ++k) rest_size_ += terms[k].size();
    if (rest_size_ > 0) find_neighbours();
  }

  /// The number of threads for what is done to all of H; results do not depend on it.
  void set_threads(int threads) { threads_ = threads; }

  bool block_diagonal() const { return rest_size_ == 0; }

  /// Factors D_g = Lambda' P_g Lambda + I for one level of the first factor, P = Z'WZ. False: not positive definite.
  bool factor_level(const BlockMatrix& products, Index g) {
    const Matrix& lambda = terms_.lambda(0);
    BlockMatrix::Block D = factors_.diagonal(0, g);
    const BlockMatrix::ConstBlock P = products.diagonal(0, g);
    if (effects_ == 1) {
      D(0, 0) = lambda(0, 0) * P(0, 0) * lambda(0, 0) + 1.0;
      if (!(D(0, 0) > 0.0)) return false;
      D(0, 0) = std::sqrt(D(0, 0));
      return true;
    }
    sandwich(lambda.transpose(), P, lambda, D);
    D.diagonal().array() += 1.0;
    return cholesky_in_place(D);
  }

  /// Factors D_g for a range of levels. False: one is not positive definite.
  bool factor_levels(const BlockMatrix& products, Range levels) {
    for (Index g = levels.begin; g < levels.end; ++g)
      if (!factor_level(products, g)) return false;
    return true;
  }
  /// Where there is one grouping factor, and all its levels have been factored.
  void set_factored(bool all) { factored_ = all; }

  /// Factors H. False: not positive definite.
  bool factor(const BlockMatrix& products) {
    factored_ = false;
    for (Index g = 0; g < terms_[0].levels; ++g)
      if (!factor_level(products, g)) return false;
    factored_ = block_diagonal() || factor_rest(products);
    return factored_;
  }

  bool factored() const { return factored_; }

  /// out = H x = Lambda' Z'WZ Lambda x + x, whatever has been factored.
  void multiply(const BlockMatrix& products, const Vector& x, Vector& out) const {
    const Vector b = terms_.scaled(x);
    out.setZero(x.size());
    for (Index k = 0; k < terms_.count(); ++k) {
      const Index q = terms_[k].effects();
      for (Index h = 0, at = terms_.start(k); h < terms_[k].levels; ++h, at += q)
        out.segment(at, q).noalias() += products.diagonal(k, h).lazyProduct(b.segment(at, q));
    }
    for (Index c = 0; c < pattern_.count(); ++c) multiply_crossing(c, products, b, out);
    for (Index k = 0; k < terms_.count(); ++k) {
      Eigen::Map<Matrix> segment(out.data() + terms_.start(k), terms_[k].effects(), terms_[k].levels);
      segment = terms_.lambda(k).transpose().lazyProduct(segment).eval();
    }
    out += x;
  }

  /// log|R|, half the log-determinant of H, over a range of levels of the first factor.
  double log_determinant(Range levels) const {
    double sum = 0.0;
    for (Index g = levels.begin; g < levels.end; ++g)
      for (Index j = 0; j < effects_; ++j) sum += std::log(factors_.diagonal(0, g)(j, j));
    return sum;
  }
  /// The part of log|R| that the other factors add.
  double log_determinant_rest() const { return block_diagonal() ? 0.0 : schur_.log_determinant(); }

  /// Solves D_g x = r in place: all of H where there is one grouping factor.
  void solve_level(Index g, double* segment) const {
    const BlockMatrix::ConstBlock L = factors_.diagonal(0, g);
    if (effects_ == 1) {
      *segment /= L(0, 0) * L(0, 0);
      return;
    }
    Eigen::Map<Vector> x(segment, effects_);
    L.triangularView<Eigen::Lower>().solveInPlace(x);
    L.transpose().triangularView<Eigen::Upper>().solveInPlace(x);
  }

  /// Solves H x = r in place.
  void solve(Vector& x) const {
    const Index levels = terms_[0].levels;
    if (block_diagonal()) {
      for (Index g = 0; g < levels; ++g) solve_level(g, x.data() + g * effects_);
      return;
    }
    Vector rest = x.tail(rest_size_);
    for (Index g = 0; g < levels; ++g) {
      Eigen::Map<Vector> head(x.data() + g * effects_, effects_);
      factors_.diagonal(0, g).triangularView<Eigen::Lower>().solveInPlace(head);
      const Eigen::Map<const Matrix> Y = coupling(g);
      for_columns(g, [&](Index column, Index j) { rest[column] -= Y.col(j).dot(head); });
    }
    schur_.solve(rest);
    for (Index g = 0; g < levels; ++g) {
      Eigen::Map<Vector> head(x.data() + g * effects_, effects_);
      const Eigen::Map<const Matrix> Y = coupling(g);
      for_columns(g, [&](Index column, Index j) { head -= Y.col(j) * rest[column]; });
      factors_.diagonal(0, g).transpose().triangularView<Eigen::Upper>().solveInPlace(head);
    }
    x.tail(rest_size_) = rest;
  }

  /// Inverse of D_g: the block of H^-1 where there is one grouping factor.
  void inverse_level(Index g, BlockMatrix& out) const {
    BlockMatrix::Block inverse = out.diagonal(0, g);
    const BlockMatrix::ConstBlock L = factors_.diagonal(0, g);
    if (effects_ == 1) {
      inverse(0, 0) = 1.0 / (L(0, 0) * L(0, 0));
      return;
    }
    inverse.setIdentity();
    L.triangularView<Eigen::Lower>().solveInPlace(inverse);
    L.transpose().triangularView<Eigen::Upper>().solveInPlace(inverse);
  }

  /// H^-1 on the pattern of H.
  void inverse(BlockMatrix& out) {
    for (Index g = 0; g < terms_[0].levels; ++g) inverse_level(g, out);
    if (block_diagonal()) return;
    schur_.invert(threads_);
    for (Index g = 0; g < terms_[0].levels; ++g) add_rest_to_inverse(g, out);
    for (Index k = 1; k < terms_.count(); ++k)
      for (Index h = 0; h < terms_[k].levels; ++h)
        copy_from_schur_inverse(rest_position(k, h), rest_position(k, h), out.diagonal(k, h));
    for (Index c = 0; c < pattern_.count(); ++c) {
      const Crossing& x = pattern_[c];
      if (x.first == 0) continue;
      for (Index j = 0; j < x.blocks(); ++j)
        copy_from_schur_inverse(rest_position(x.first, x.level_first[j]), rest_position(x.second, x.level_second[j]),
                                out.crossing(c, j));
    }
  }

 private:
  /// A block of the coupling C_g: where its crossing and block stand, and its first column in the rest.
  struct Neighbour {
    Index crossing, block, column, effects;
  };

  static bool cholesky_in_place(BlockMatrix::Block& D) {
    Eigen::Ref<Matrix> reference(D);
    const Eigen::LLT<Eigen::Ref<Matrix>> llt(reference);
    return llt.info() == Eigen::Success && D.diagonal().allFinite();
  }

  Index rest_position(Index k, Index level) const { return terms_.position(k, level) - terms_[0].size(); }

  void find_neighbours() {
    const Index levels = terms_[0].levels;
    neighbours_.resize(static_cast<std::size_t>(levels));
    coupling_start_.push_back(0);
    for (Index g = 0; g < levels; ++g) {
      Index columns = 0;
      for (Index c = 0; c < pattern_.count(); ++c) {
        const Crossing& x = pattern_[c];
        if (x.first != 0) continue;
        const Index q = terms_[x.second].effects();
        for (Index j = x.start[g]; j < x.start[g + 1]; ++j) {
          neighbours_[g].push_back({c, j, rest_position(x.second, x.level_second[j]), q});
          columns += q;
        }
      }
      columns_.push_back(columns);
      coupling_start_.push_back(coupling_start_.back() + columns * effects_);
    }
    coupling_.resize(coupling_start_.back());
    cliques_.resize(static_cast<std::size_t>(levels));
    for (Index g = 0; g < levels; ++g)
      for_columns(g, [&](Index column, Index) { cliques_[g].push_back(static_cast<int>(column)); });
    std::vector<Integers> cliques = cliques_;
    for (Index k = 1; k < terms_.count(); ++k)  // a level without rows has a block of its own all the same
      for (Index h = 0; h < terms_[k].levels; ++h) {
        cliques.emplace_back(static_cast<std::size_t>(terms_[k].effects()));
        std::iota(cliques.back().begin(), cliques.back().end(), static_cast<int>(rest_position(k, h)));
      }
    schur_.analyze(rest_size_, cliques);
  }

  Eigen::Map<const Matrix> coupling(Index g) const {
    return Eigen::Map<const Matrix>(coupling_.data() + coupling_start_[g], effects_, columns_[g]);
  }

  /// Calls visit(column in the rest, column of C_g) for every column of C_g.
  template <class Visit>
  void for_columns(Index g, Visit visit) const {
    Index j = 0;
    for (const Neighbour& neighbour : neighbours_[g])
      for (Index e = 0; e < neighbour.effects; ++e) visit(neighbour.column + e, j++);
  }

  void multiply_crossing(Index c, const BlockMatrix& products, const Vector& b, Vector& out) const {
    const Crossing& x = pattern_[c];
    const Index p = terms_[x.first].effects(), q = terms_[x.second].effects();
    for (Index j = 0; j < x.blocks(); ++j) {
      const Index first = terms_.position(x.first, x.level_first[j]);
      const Index second = terms_.position(x.second, x.level_second[j]);
      const BlockMatrix::ConstBlock block = products.crossing(c, j);
      out.segment(first, p).noalias() += block.lazyProduct(b.segment(second, q));
      out.segment(second, q).noalias() += block.transpose().lazyProduct(b.segment(first, p));
    }
  }

  bool factor_rest(const BlockMatrix& products) {
    schur_.set_zero();
    for (Index k = 1; k < terms_.count(); ++k) add_diagonal(products, k);
    for (Index c = 0; c < pattern_.count(); ++c)
      if (pattern_[c].first > 0) add_crossing(products, c);
    for (Index g = 0; g < terms_[0].levels; ++g) eliminate(products, g);
    return schur_.factor(threads_);
  }

  void add_to_schur(Index row, Index column, const Matrix& block, bool diagonal) {
    for (Index b = 0; b < block.cols(); ++b)
      for (Index a = diagonal ? b : 0; a < block.rows(); ++a) schur_.add(row + a, column + b, block(a, b));
  }

  void add_diagonal(const BlockMatrix& products, Index k) {
    Matrix block(terms_[k].effects(), terms_[k].effects());
    for (Index h = 0; h < terms_[k].levels; ++h) {
      sandwich(terms_.lambda(k).transpose(), products.diagonal(k, h), terms_.lambda(k), block);
      block.diagonal().array() += 1.0;
      add_to_schur(rest_position(k, h), rest_position(k, h), block, true);
    }
  }

  void add_crossing(const BlockMatrix& products, Index c) {
    const Crossing& x = pattern_[c];
    Matrix block(terms_[x.first].effects(), terms_[x.second].effects());
    for (Index j = 0; j < x.blocks(); ++j) {
      sandwich(terms_.lambda(x.first).transpose(), products.crossing(c, j), terms_.lambda(x.second), block);
      add_to_schur(rest_position(x.first, x.level_first[j]), rest_position(x.second, x.level_second[j]), block, false);
    }
  }

  /// Y_g = L_g^-1 C_g, and S -= Y_g'Y_g
  void eliminate(const BlockMatrix& products, Index g) {
    if (columns_[g] == 0) return;
    Eigen::Map<Matrix> Y(coupling_.data() + coupling_start_[g], effects_, columns_[g]);
    Index j = 0;
    for (const Neighbour& neighbour : neighbours_[g]) {
      const Index k = pattern_[neighbour.crossing].second;
      sandwich(terms_.lambda(0).transpose(), products.crossing(neighbour.crossing, neighbour.block), terms_.lambda(k),
                  Y.middleCols(j, neighbour.effects));
      j += neighbour.effects;
    }
    factors_.diagonal(0, g).triangularView<Eigen::Lower>().solveInPlace(Y);
    if (effects_ == 1) return schur_.subtract_outer_product(cliques_[g], Y.data());
    for_columns(g, [&](Index column, Index a) {
      for_columns(g, [&](Index row, Index b) {
        if (row >= column) schur_.add(row, column, -Y.col(a).dot(Y.col(b)));
      });
    });
  }

  /// With T = D_g^-1 C_g: H^-1_gg = D_g^-1 + T S^-1 T', H^-1_gh = -T S^-1
  void add_rest_to_inverse(Index g, BlockMatrix& out) {
    if (columns_[g] == 0) return;
    Matrix T = coupling(g);
    factors_.diagonal(0, g).transpose().triangularView<Eigen::Upper>().solveInPlace(T);
    Matrix S_inverse(columns_[g], columns_[g]);
    for_columns(g, [&](Index column, Index a) {
      for_columns(g, [&](Index row, Index b) { S_inverse(b, a) = schur_.inverse(row, column); });
    });
    const Matrix TS = T * S_inverse;
    out.diagonal(0, g).noalias() += TS * T.transpose();
    Index j = 0;
    for (const Neighbour& neighbour : neighbours_[g]) {
      out.crossing(neighbour.crossing, neighbour.block) = -TS.middleCols(j, neighbour.effects);
      j += neighbour.effects;
    }
  }

  template <class Block>
  void copy_from_schur_inverse(Index row, Index column, Block&& block) {
    for (Index b = 0; b < block.cols(); ++b)
      for (Index a = 0; a < block.rows(); ++a) block(a, b) = schur_.inverse(row + a, column + b);
  }

  const Terms& terms_;
  const Pattern& pattern_;
  Index effects_, rest_size_ = 0;
  int threads_ = 1;
  BlockMatrix factors_;  ///< diagonal(0, g): L_g
  std::vector<std::vector<Neighbour>> neighbours_;
  std::vector<Integers> cliques_;  ///< the columns of each C_g
  Positions columns_, coupling_start_;
  Vector coupling_;
  SchurComplement schur_;
  bool factored_ = false;
};

}  // namespace glimmer

#endif
