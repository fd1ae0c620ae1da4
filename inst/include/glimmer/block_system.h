// H = A'WA + P by blocks: factor, solve, log-determinant, inverse on the pattern.
//
// The first grouping factor (most levels) is eliminated level by level where its part of H is block diagonal,
// D_g = L_g L_g'. What it leaves on the other factors is the Schur complement
//   S = E - sum_g C_g' D_g^-1 C_g = E - sum_g Y_g'Y_g,  Y_g = L_g^-1 C_g .
#ifndef GLIMMER_BLOCK_SYSTEM_H
#define GLIMMER_BLOCK_SYSTEM_H

#include "block_products.h"
#include "pattern.h"
#include "schur_complement.h"
#include "factors.h"

namespace glimmer {

class BlockSystem {
 public:
  /// The interrupt is asked during what takes long.
  BlockSystem(const Factors& factors, const Pattern& pattern, const Interrupt& interrupt = no_interrupt)
      : factors_(factors), pattern_(pattern), interrupt_(interrupt), levels_(factors.eliminated() * factors[0].levels),
        effects_(factors[0].effects()), roots_(factors, pattern) {
    rest_size_ = factors.size() - levels_ * effects_;
    if (rest_size_ > 0) find_coupling();
  }

  /// The number of threads for what is done to all of H; results do not depend on it.
  void set_threads(int threads) { threads_ = threads; }

  bool block_diagonal() const { return rest_size_ == 0; }

  /// Factors D_g = Lambda' Q_g Lambda + I for one level of the eliminated factor, Q = Z'WZ. False: not positive
  /// definite.
  bool factor_level(const BlockMatrix& products, Index g) {
    const Matrix& lambda = factors_.lambda(0);
    BlockMatrix::Block D = roots_.diagonal(0, g);
    const BlockMatrix::ConstBlock Q = products.diagonal(0, g);
    if (effects_ == 1) {
      D(0, 0) = lambda(0, 0) * Q(0, 0) * lambda(0, 0) + 1.0;
      if (!(D(0, 0) > 0.0)) return false;
      D(0, 0) = std::sqrt(D(0, 0));
      return true;
    }
    sandwich(lambda.transpose(), Q, lambda, D);
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
    for (Index g = 0; g < levels_; ++g)
      if (!factor_level(products, g)) return false;
    factored_ = block_diagonal() || factor_rest(products);
    return factored_;
  }

  bool factored() const { return factored_; }

  /// How many numbers the Cholesky factor of H has: half of the operations of a solution.
  Index factor_entries() const {
    return levels_ * effects_ * (effects_ + 1) / 2 + coupling_.values.size() + schur_.factor_entries();
  }

  /// out = H x = Lambda' Z'WZ Lambda x + P x, whatever has been factored.
  void multiply(const BlockMatrix& products, const Vector& x, Vector& out) const {
    multiply_blocks(factors_, pattern_, products, factors_.scaled(x), out);
    for (Index k = 0; k < factors_.count(); ++k) {
      Eigen::Map<Matrix> segment(out.data() + factors_.start(k), factors_[k].effects(), factors_[k].levels);
      segment = factors_.lambda(k).transpose().lazyProduct(segment).eval();
    }
    Vector penalised;
    out += factors_.times_precision(x, penalised);
  }

  /// Squares of the diagonal of the Cholesky factor of H, laid out like u: what each column has beyond those that are
  /// before it in the factor.
  Vector pivots() const {
    Vector out(factors_.size());
    for (Index g = 0; g < levels_; ++g) out.segment(g * effects_, effects_) = roots_.diagonal(0, g).diagonal();
    if (!block_diagonal()) out.tail(rest_size_) = schur_.root_diagonal();
    return out.cwiseAbs2();
  }

  /// log|R|, half the log-determinant of H, over a range of blocks: of levels, where a factor is eliminated.
  double log_determinant(Range levels) const {
    double sum = 0.0;
    if (levels_ == 0) return sum;
    for (Index g = levels.begin; g < levels.end; ++g)
      for (Index j = 0; j < effects_; ++j) sum += std::log(roots_.diagonal(0, g)(j, j));
    return sum;
  }
  /// The part of log|R| that the other factors add.
  double log_determinant_rest() const { return block_diagonal() ? 0.0 : schur_.log_determinant(); }

  /// Solves D_g x = r in place: all of H where there is one grouping factor.
  void solve_level(Index g, double* segment) const {
    const BlockMatrix::ConstBlock L = roots_.diagonal(0, g);
    if (effects_ == 1) {
      *segment /= L(0, 0) * L(0, 0);
      return;
    }
    Eigen::Map<Vector> x(segment, effects_);
    L.triangularView<Eigen::Lower>().solveInPlace(x);
    L.transpose().triangularView<Eigen::Upper>().solveInPlace(x);
  }

  /// R_g^-1 x in place, x a column or several; and R_g'^-1 x.
  template <class Columns>
  void forward_level(Index g, Columns& x) const {
    roots_.diagonal(0, g).triangularView<Eigen::Lower>().solveInPlace(x);
  }
  template <class Columns>
  void backward_level(Index g, Columns& x) const {
    roots_.diagonal(0, g).transpose().triangularView<Eigen::Upper>().solveInPlace(x);
  }

  /// Solves H x = r in place.
  void solve(Vector& x) const {
    interrupt_();
    if (block_diagonal()) {
      for (Index g = 0; g < levels_; ++g) solve_level(g, x.data() + g * effects_);
      return;
    }
    Vector rest = x.tail(rest_size_);
    with_effects(effects_, [&](auto fixed) {
      for (Index g = 0; g < levels_; ++g) solve_forward(g, x.data(), rest, fixed);
    });
    schur_.solve(rest);
    with_effects(effects_, [&](auto fixed) {
      for (Index g = 0; g < levels_; ++g) solve_backward(g, x.data(), rest, fixed);
    });
    x.tail(rest_size_) = rest;
  }

  /// The same for several columns at once.
  void solve(RowMatrix& X) const {
    interrupt_();
    RowMatrix rest = X.bottomRows(rest_size_);
    for (Index g = 0; g < levels_; ++g) {
      auto own = X.middleRows(g * effects_, effects_);
      roots_.diagonal(0, g).triangularView<Eigen::Lower>().solveInPlace(own);
      for_columns_of(g, [&](Index column, const auto& y) { rest.row(column).noalias() -= y.transpose() * own; });
    }
    if (rest_size_ > 0) schur_.solve(rest);
    for (Index g = 0; g < levels_; ++g) {
      auto own = X.middleRows(g * effects_, effects_);
      for_columns_of(g, [&](Index column, const auto& y) { own.noalias() -= y * rest.row(column); });
      roots_.diagonal(0, g).transpose().triangularView<Eigen::Upper>().solveInPlace(own);
    }
    X.bottomRows(rest_size_) = rest;
  }

  /// Inverse of D_g: the block of H^-1 where there is one grouping factor.
  void inverse_level(Index g, BlockMatrix& out) const {
    BlockMatrix::Block inverse = out.diagonal(0, g);
    const BlockMatrix::ConstBlock L = roots_.diagonal(0, g);
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
    for (Index g = 0; g < levels_; ++g) inverse_level(g, out);
    if (block_diagonal()) return;
    schur_.invert(threads_, interrupt_);
    add_rest_to_inverse(out);
    for (Index k = factors_.eliminated(); k < factors_.count(); ++k)
      for (Index h = 0; h < factors_[k].levels; ++h)
        copy_from_schur_inverse(rest_position(k, h), rest_position(k, h), out.diagonal(k, h));
    for (Index c = 0; c < pattern_.count(); ++c) {
      const Crossing& x = pattern_[c];
      if (eliminates(x)) continue;
      for (Index j = 0; j < x.blocks(); ++j)
        copy_from_schur_inverse(rest_position(x.first, x.level_first[j]), rest_position(x.second, x.level_second[j]),
                                out.crossing(c, j));
    }
  }

 private:
  static bool cholesky_in_place(BlockMatrix::Block& D) {
    Eigen::Ref<Matrix> reference(D);
    const Eigen::LLT<Eigen::Ref<Matrix>> llt(reference);
    return llt.info() == Eigen::Success && D.diagonal().allFinite();
  }

  Index rest_position(Index k, Index level) const { return factors_.position(k, level) - levels_ * effects_; }

  /// Whether a crossing is one of the eliminated factor.
  bool eliminates(const Crossing& x) const { return x.first < factors_.eliminated(); }

  void find_coupling() {
    coupling_.effects = effects_;
    for (Index g = 0; g < levels_; ++g) {
      for_crossings(g, [&](const Crossing& x, Index, Range blocks, Index) {
        for (Index j = blocks.begin; j < blocks.end; ++j)
          for (Index e = 0; e < factors_[x.second].effects(); ++e)
            coupling_.columns.push_back(static_cast<int>(rest_position(x.second, x.level_second[j]) + e));
      });
      coupling_.start.push_back(static_cast<Index>(coupling_.columns.size()));
    }
    coupling_.values.resize(effects_ * coupling_.start.back());
    schur_.analyze(rest_size_, coupling_, cliques_of_rest(), interrupt_);
  }

  /// The columns of each level of the other factors (one without rows has a block of its own all the same), and those
  /// of the pairs of levels that need not meet in a level of the eliminated factor.
  std::vector<Integers> cliques_of_rest() const {
    std::vector<Integers> cliques;
    const auto add = [&](Index k, Index level) {
      for (Index e = 0; e < factors_[k].effects(); ++e)
        cliques.back().push_back(static_cast<int>(rest_position(k, level) + e));
    };
    for (Index k = factors_.eliminated(); k < factors_.count(); ++k)
      for (Index h = 0; h < factors_[k].levels; ++h) {
        cliques.emplace_back();
        add(k, h);
      }
    for (Index c = 0; c < pattern_.count(); ++c) {
      const Crossing& x = pattern_[c];
      if (eliminates(x) || (levels_ > 0 && x.first != x.second)) continue;
      for (std::size_t j = 0; j < x.level_first.size(); ++j) {
        cliques.emplace_back();
        add(x.first, x.level_first[j]);
        add(x.second, x.level_second[j]);
      }
    }
    return cliques;
  }

  /// Calls visit(crossing, its number, blocks of level g, their first column in C_g) for the other factors in order.
  template <class Visit>
  void for_crossings(Index g, Visit visit) const {
    Index column = 0;
    for (Index c = 0; c < pattern_.count(); ++c) {
      const Crossing& x = pattern_[c];
      if (!eliminates(x)) continue;
      const Range blocks{x.start[g], x.start[g + 1]};
      visit(x, c, blocks, column);
      column += blocks.size() * factors_[x.second].effects();
    }
  }

  /// Calls visit(g) for every level of the first factor; what each does stays with the level.
  template <class Visit>
  void for_coupled_levels(Visit visit) const {
    constexpr Index share = 64, fewest_for_threads = 20000;
    const int threads = coupling_.start.back() < fewest_for_threads ? 1 : threads_;
    parallel_shares(levels_, share, threads, [&](Index g) {
      if (coupling_.count(g) > 0) visit(g);
    }, interrupt_);
  }

  /// Calls visit(column of S, column of Y_g) for what level g of the first factor is coupled with.
  template <class Visit>
  void for_columns_of(Index g, Visit visit) const {
    if (block_diagonal()) return;
    for (Index j = 0; j < coupling_.count(g); ++j) visit(coupling_.columns_of(g)[j], coupling_.block(g).col(j));
  }

  /// x_g = L_g^-1 r_g ,  rest -= Y_g'x_g
  template <class Fixed>
  void solve_forward(Index g, double* x, Vector& rest, Fixed) const {
    const Index q = Fixed::value > 0 ? Fixed::value : effects_;
    double* own = x + g * q;
    const BlockMatrix::ConstBlock L = roots_.diagonal(0, g);
    if (q == 1) {
      own[0] /= L(0, 0);
    } else {
      Eigen::Map<Vector> head(own, q);
      L.triangularView<Eigen::Lower>().solveInPlace(head);
    }
    const double* y = coupling_.values.data() + q * coupling_.start[g];
    for (Index j = coupling_.start[g]; j < coupling_.start[g + 1]; ++j, y += q)
      for (Index e = 0; e < q; ++e) rest[coupling_.columns[j]] -= y[e] * own[e];
  }

  /// x_g = L_g^-T (x_g - Y_g rest)
  template <class Fixed>
  void solve_backward(Index g, double* x, const Vector& rest, Fixed) const {
    const Index q = Fixed::value > 0 ? Fixed::value : effects_;
    double* own = x + g * q;
    const double* y = coupling_.values.data() + q * coupling_.start[g];
    for (Index j = coupling_.start[g]; j < coupling_.start[g + 1]; ++j, y += q)
      for (Index e = 0; e < q; ++e) own[e] -= y[e] * rest[coupling_.columns[j]];
    const BlockMatrix::ConstBlock L = roots_.diagonal(0, g);
    if (q == 1) {
      own[0] /= L(0, 0);
    } else {
      Eigen::Map<Vector> head(own, q);
      L.transpose().triangularView<Eigen::Upper>().solveInPlace(head);
    }
  }

  bool factor_rest(const BlockMatrix& products) {
    schur_.set_zero();
    for (Index k = factors_.eliminated(); k < factors_.count(); ++k) add_diagonal(products, k);
    for (Index c = 0; c < pattern_.count(); ++c)
      if (!eliminates(pattern_[c])) add_crossing(products, c);
    for_coupled_levels([&](Index g) { set_coupling(products, g); });
    schur_.subtract_outer_products(coupling_, threads_, interrupt_);
    return schur_.factor(threads_, interrupt_);
  }

  void add_to_schur(Index row, Index column, const Matrix& block, bool diagonal) {
    for (Index b = 0; b < block.cols(); ++b)
      for (Index a = diagonal ? b : 0; a < block.rows(); ++a) schur_.add(row + a, column + b, block(a, b));
  }

  void add_diagonal(const BlockMatrix& products, Index k) {
    Matrix block(factors_[k].effects(), factors_[k].effects());
    for (Index h = 0; h < factors_[k].levels; ++h) {
      sandwich(factors_.lambda(k).transpose(), products.diagonal(k, h), factors_.lambda(k), block);
      block.diagonal().array() += factors_[k].prior->diagonal(h);
      add_to_schur(rest_position(k, h), rest_position(k, h), block, true);
    }
  }

  void add_crossing(const BlockMatrix& products, Index c) {
    const Crossing& x = pattern_[c];
    Matrix block(factors_[x.first].effects(), factors_[x.second].effects());
    for (Index j = 0; j < x.blocks(); ++j) {
      sandwich(factors_.lambda(x.first).transpose(), products.crossing(c, j), factors_.lambda(x.second), block);
      add_to_schur(rest_position(x.first, x.level_first[j]), rest_position(x.second, x.level_second[j]), block, false);
    }
    for (std::size_t j = 0; j < x.prior_block.size(); ++j) {
      const int own = x.prior_block[j];
      const double value = factors_[x.first].prior->value(static_cast<Index>(j));
      const Index row = rest_position(x.first, x.level_first[own]);
      const Index column = rest_position(x.first, x.level_second[own]);
      for (Index e = 0; e < factors_[x.first].effects(); ++e) schur_.add(row + e, column + e, value);
    }
  }

  /// Y_g = L_g^-1 C_g
  void set_coupling(const BlockMatrix& products, Index g) {
    Eigen::Map<Matrix> Y = coupling_.block(g);
    for_crossings(g, [&](const Crossing& x, Index c, Range blocks, Index column) {
      const Index q = factors_[x.second].effects();
      for (Index j = blocks.begin; j < blocks.end; ++j, column += q)
        sandwich(factors_.lambda(0).transpose(), products.crossing(c, j), factors_.lambda(x.second),
                 Y.middleCols(column, q));
    });
    if (effects_ == 1)
      Y /= roots_.diagonal(0, g)(0, 0);
    else
      roots_.diagonal(0, g).triangularView<Eigen::Lower>().solveInPlace(Y);
  }

  /// With T = D_g^-1 C_g: H^-1_gg = D_g^-1 + T S^-1 T', H^-1_gh = -T S^-1
  void add_rest_to_inverse(BlockMatrix& out) {
    for_coupled_levels([&](Index g) {
      Matrix T = coupling_.block(g);
      if (effects_ == 1)
        T /= roots_.diagonal(0, g)(0, 0);
      else
        roots_.diagonal(0, g).transpose().triangularView<Eigen::Upper>().solveInPlace(T);
      Matrix TS = Matrix::Zero(T.rows(), T.cols());
      schur_.add_product_with_inverse(coupling_.columns_of(g), T, TS);
      out.diagonal(0, g).noalias() += TS.lazyProduct(T.transpose());
      for_crossings(g, [&](const Crossing& x, Index c, Range blocks, Index column) {
        const Index q = factors_[x.second].effects();
        for (Index j = blocks.begin; j < blocks.end; ++j, column += q) out.crossing(c, j) = -TS.middleCols(column, q);
      });
    });
  }

  template <class Block>
  void copy_from_schur_inverse(Index row, Index column, Block&& block) {
    for (Index b = 0; b < block.cols(); ++b)
      for (Index a = 0; a < block.rows(); ++a) block(a, b) = schur_.inverse(row + a, column + b);
  }

  const Factors& factors_;
  const Pattern& pattern_;
  const Interrupt& interrupt_;
  Index levels_, effects_, rest_size_ = 0;  ///< of the eliminated factor; levels_ is 0 where there is none
  int threads_ = 1;
  BlockMatrix roots_;  ///< diagonal(0, g): L_g
  Coupling coupling_;    ///< Y_g
  SchurComplement schur_;
  bool factored_ = false;
};

}  // namespace glimmer

#endif
