// The Cholesky factor L of a dense symmetric matrix, and the inverse of the matrix from L, both in place of the lower
// triangle: n^3 / 3 and 2 n^3 / 3 multiplications and additions. Nothing depends on what the
// upper triangle holds.
//
// Both go through the matrix once, by blocks of rows and columns, and almost all of the work of a step is one update of
// the rest of the matrix by products of the block (Bientinesi, Gunter and van de Geijn 2008, ACM Transactions on
// Mathematical Software 35:3). While other threads are at an update, one prepares the next block, so that threads meet
// once a step. Each entry is summed in the same order whoever computes it: bitwise the same for any number of threads.
#ifndef GLIMMER_DENSE_CHOLESKY_H
#define GLIMMER_DENSE_CHOLESKY_H

#include "dense_strips.h"
#include "parallel.h"

namespace glimmer {

class DenseCholesky {
 public:
  /// False: not positive definite.
  bool factor(Matrix& A, int threads, const Interrupt& interrupt = no_interrupt) {
    prepare(A);
    if (blocks_ == 0) return true;
    std::atomic<bool> positive{factor_panel(A, 0)};
    std::vector<Tasks> steps;
    for (Index b = 0; b + 1 < blocks_; ++b) steps.push_back(groups({tiles_of(b + 1).end, tiles_}));
    in_steps(steps, threads, interrupt, [&](Index b) {
      const Range next = tiles_of(b + 1);
      if (!positive) return;
      update(A, b, {next.begin, tiles_}, next, -1.0);
      if (!factor_panel(A, b + 1)) positive = false;
    }, [&](Index b, Range rows) {
      if (positive) update(A, b, rows, {tiles_of(b + 1).end, tiles_}, -1.0);
    });
    return positive;
  }

  /// The inverse of L L' in place of L. With X = L00^-1 and the blocks [X'X . . ; -L10 X, L11 . ; -L20 X, L21 L22],
  /// a step takes
  ///   [X10 X11] = L11^-1 [-L10 X, I] ,  X'X += [X10 X11]'[X10 X11] ,  -[L20 L21] X -= L21 [X10 X11] ,
  /// the sums over what has been filled so far: X itself is not needed any more.
  void invert(Matrix& A, int threads, const Interrupt& interrupt = no_interrupt) {
    prepare(A);
    if (blocks_ > 0) solve_row(A, 0);
    std::vector<Tasks> steps;
    for (Index b = 0; b < blocks_; ++b) {
      steps.push_back(groups({tiles_of(b + 1).end, tiles_}));
      const Tasks squares = groups({0, tiles_of(b).end});
      steps.back().insert(steps.back().end(), squares.begin(), squares.end());
    }
    in_steps(steps, threads, interrupt, [&](Index b) {
      if (b + 1 == blocks_) return;
      update(A, b, tiles_of(b + 1), {0, tiles_of(b).end}, -1.0);
      solve_row(A, b + 1);
    }, [&](Index b, Range rows) {
      const Range done{0, tiles_of(b).end};
      update(A, b, rows, done, rows.begin < done.end ? 1.0 : -1.0);
    });
  }

 private:
  /// Rows of tiles that are updated together: their strips stay in the second cache.
  static constexpr Index group_tiles = 8;
  /// In smaller matrices all is done before another thread has started.
  static constexpr Index fewest_tiles_for_threads = 25;

  using Tasks = std::vector<Range>;  ///< rows of tiles

  void prepare(const Matrix& A) {
    size_ = A.rows();
    tiles_ = count_tiles(size_);
    blocks_ = (tiles_ + block_tiles - 1) / block_tiles;
    for (Strips& panel : panels_) panel.resize(tiles_);
    triangle_.resize(block_tiles);
  }

  Range tiles_of(Index block) const {
    return {std::min(block * block_tiles, tiles_), std::min((block + 1) * block_tiles, tiles_)};
  }
  /// The rows or columns of the matrix in a range of tiles.
  Range entries_of(Range tiles) const {
    return {std::min(tiles.begin * tile_size, size_), std::min(tiles.end * tile_size, size_)};
  }

  auto block(Matrix& A, Range row_tiles, Range column_tiles) const {
    const Range rows = entries_of(row_tiles), columns = entries_of(column_tiles);
    return A.block(rows.begin, columns.begin, rows.size(), columns.size());
  }

  /// The last rows come first: below the diagonal they are the longest, and the short ones fill up the time.
  static Tasks groups(Range tiles) {
    Tasks out;
    for (Index end = tiles.end; end > tiles.begin; end -= group_tiles)
      out.push_back({std::max(end - group_tiles, tiles.begin), end});
    return out;
  }

  /// In each step prepares the next block, and updates the groups of rows that this does not touch.
  template <class Next, class Update>
  void in_steps(const std::vector<Tasks>& steps, int threads, const Interrupt& interrupt, Next prepare_next,
                Update update_rows) const {
    Positions counts;
    for (const Tasks& tasks : steps) counts.push_back(static_cast<Index>(tasks.size()) + 1);
    parallel_steps(counts, tiles_ < fewest_tiles_for_threads ? 1 : threads, [&](Index b, Index task) {
      task == 0 ? prepare_next(b) : update_rows(b, steps[b][static_cast<std::size_t>(task - 1)]);
    }, interrupt);
  }

  /// Packs the rows from a block's first on, factors the block, solves for the rows below it, and writes all back.
  bool factor_panel(Matrix& A, Index b) {
    Strips& panel = panels_[b % 2];
    const Range own = tiles_of(b);
    for (Index s = own.begin; s < tiles_; ++s) panel.pack_rows(s, block(A, {s, s + 1}, own));
    complete_diagonal(panel, own.begin, entries_of(own).size());
    if (!factor_block(product_, panel, own.begin, own.size())) return false;
    for (Index s = own.begin; s < tiles_; ++s) {
      if (s >= own.end) solve_strip(product_, panel, own.begin, own.size(), panel[s]);
      panel.unpack_rows(s, block(A, {s, s + 1}, {own.begin, std::min(s + 1, own.end)}), s < own.end);
    }
    return true;
  }

  /// Packs [X10 X11] by columns and L21 by rows, and leaves zeros where they have been.
  void solve_row(Matrix& A, Index b) {
    Strips& panel = panels_[b % 2];
    const Range own = tiles_of(b);
    for (Index s = 0; s < own.size(); ++s)
      triangle_.pack_rows(s, block(A, {own.begin + s, own.begin + s + 1}, own));
    complete_diagonal(triangle_, 0, entries_of(own).size());
    for (Index s = 0; s < own.end; ++s) {
      if (s < own.begin)
        panel.pack_columns(s, block(A, own, {s, s + 1}));
      else
        panel.set_identity(s, s - own.begin);
      solve_strip(product_, triangle_, 0, own.size(), panel[s]);
    }
    for (Index s = own.end; s < tiles_; ++s) panel.pack_rows(s, block(A, {s, s + 1}, own));
    block(A, own, {0, own.end}).setZero();
    block(A, {own.end, tiles_}, own).setZero();
  }

  /// Adds sign times the products of the strips of a block to the tiles of the lower triangle.
  void update(Matrix& A, Index b, Range rows, Range columns, double sign) const {
    const Strips& panel = panels_[b % 2];
    const Index depth = tiles_of(b).size() * tile_size;
    for (Index j = columns.begin; j < columns.end; ++j)
      for (Index i = std::max(rows.begin, j); i < rows.end; ++i) {
        if (i > j && (i + 1) * tile_size <= size_)
          product_(panel[i], panel[j], depth, sign, &A(i * tile_size, j * tile_size), size_);
        else
          update_part(panel[i], panel[j], depth, sign, block(A, {i, i + 1}, {j, j + 1}), i == j);
      }
  }

  /// A tile on the diagonal, or at the end of the matrix.
  template <class Block>
  void update_part(const double* a, const double* b, Index depth, double sign, Block tile, bool diagonal) const {
    alignas(32) double sum[tile_size * tile_size] = {};
    product_(a, b, depth, sign, sum, tile_size);
    for (Index j = 0; j < tile.cols(); ++j)
      for (Index i = diagonal ? j : 0; i < tile.rows(); ++i) tile(i, j) += sum[j * tile_size + i];
  }

  TileProduct product_ = best_tile_product();
  Index size_ = 0, tiles_ = 0, blocks_ = 0;
  Strips panels_[2];  ///< that of the block being applied, and the next
  Strips triangle_;   ///< L11
};

}  // namespace glimmer

#endif
