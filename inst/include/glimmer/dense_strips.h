// Blocks of a dense matrix, packed in strips for the kernel of dense_tile.h, and the two operations that remain for
// one block: its Cholesky factor, and the solution of a triangular system with it.
#ifndef GLIMMER_DENSE_STRIPS_H
#define GLIMMER_DENSE_STRIPS_H

#include <algorithm>
#include <cmath>

#include "dense_tile.h"

namespace glimmer {

/// Rows and columns are eliminated by blocks of this many tiles: a strip of a block fits in the innermost cache,
/// the strips of eight of them and a block's share of the rest in the next one.
constexpr Index block_tiles = 6, block_size = block_tiles * tile_size;

constexpr Index count_tiles(Index size) { return (size + tile_size - 1) / tile_size; }

/// Some strips of `block_size` columns, filled up with zeros where the matrix ends.
class Strips {
 public:
  void resize(Index count) { values_.resize(count * strip_size); }
  double* operator[](Index strip) { return values_.data() + strip * strip_size; }
  const double* operator[](Index strip) const { return values_.data() + strip * strip_size; }

  /// Takes up to tile_size rows, one to a place in the strip: entry (r, k) of the block to place 12 k + r.
  template <class Block>
  void pack_rows(Index strip, const Block& rows) {
    double* target = (*this)[strip];
    if (rows.rows() < tile_size || rows.cols() < block_size) std::fill_n(target, strip_size, 0.0);
    for (Index k = 0; k < rows.cols(); ++k, target += tile_size) std::copy_n(&rows.coeffRef(0, k), rows.rows(), target);
  }

  /// Takes up to tile_size columns: entry (k, c) of the block to place 12 k + c.
  template <class Block>
  void pack_columns(Index strip, const Block& columns) {
    double* target = (*this)[strip];
    if (columns.cols() < tile_size || columns.rows() < block_size) std::fill_n(target, strip_size, 0.0);
    for (Index c = 0; c < columns.cols(); ++c)
      for (Index k = 0; k < columns.rows(); ++k) target[tile_size * k + c] = columns.coeffRef(k, c);
  }

  /// Columns of the identity: those of one tile.
  void set_identity(Index strip, Index tile) {
    double* target = (*this)[strip];
    std::fill_n(target, strip_size, 0.0);
    for (Index c = 0; c < tile_size; ++c) target[tile_size * (tile_size * tile + c) + c] = 1.0;
  }

  /// Writes rows back; `lower`: of the last tile, which is on the diagonal, only the lower triangle.
  template <class Block>
  void unpack_rows(Index strip, Block&& rows, bool lower) const {
    const double* source = (*this)[strip];
    for (Index k = 0; k < rows.cols(); ++k)
      for (Index r = lower ? std::max<Index>(0, k - (rows.cols() - rows.rows())) : 0; r < rows.rows(); ++r)
        rows.coeffRef(r, k) = source[tile_size * k + r];
  }

 private:
  static constexpr Index strip_size = tile_size * block_size;
  Vector values_;
};

using TileMap = Eigen::Map<Eigen::Matrix<double, tile_size, tile_size>>;
using ConstTileMap = Eigen::Map<const Eigen::Matrix<double, tile_size, tile_size>>;

/// The Cholesky factor of a tile in place of its lower triangle. False: not positive definite.
inline bool factor_tile(double* tile) {
  for (Index j = 0; j < tile_size; ++j) {
    double* column = tile + tile_size * j;
    if (!(column[j] > 0.0) || !std::isfinite(column[j])) return false;
    const double pivot = std::sqrt(column[j]);
    column[j] = pivot;
    for (Index i = j + 1; i < tile_size; ++i) column[i] /= pivot;
    for (Index k = j + 1; k < tile_size; ++k)
      for (Index i = k; i < tile_size; ++i) tile[tile_size * k + i] -= column[k] * column[i];
  }
  return true;
}

/// X L' = R in place of R, both one tile. A column of X, once found, is taken from all later ones at once: these do not
/// have to wait for each other.
inline void solve_tile(const double* L, double* X) {
  TileMap x(X);
  const ConstTileMap l(L);
  for (Index j = 0; j < tile_size; ++j) {
    x.col(j) /= l(j, j);
    for (Index k = j + 1; k < tile_size; ++k) x.col(k) -= l(k, j) * x.col(j);
  }
}

/// X L' = R in place of R: X one strip, L the triangle that begins with the first of `tiles` strips.
inline void solve_strip(TileProduct product, const Strips& L, Index first, Index tiles, double* X) {
  constexpr Index tile_entries = tile_size * tile_size;
  for (Index t = 0; t < tiles; ++t) {
    const double* row = L[first + t];
    product(X, row, t * tile_size, -1.0, X + t * tile_entries, tile_size);
    solve_tile(row + t * tile_entries, X + t * tile_entries);
  }
}

/// The Cholesky factor of a block in place of the lower triangle of its strips. False: not positive definite.
inline bool factor_block(TileProduct product, Strips& A, Index first, Index tiles) {
  constexpr Index tile_entries = tile_size * tile_size;
  for (Index t = 0; t < tiles; ++t) {
    double* row = A[first + t];
    double* diagonal = row + t * tile_entries;
    solve_strip(product, A, first, t, row);
    product(row, row, t * tile_size, -1.0, diagonal, tile_size);
    if (!factor_tile(diagonal)) return false;
  }
  return true;
}

/// Makes a triangle in packed strips one of full tiles: ones on the diagonal from `size` on.
inline void complete_diagonal(Strips& L, Index first, Index size) {
  for (Index j = size; j % tile_size != 0; ++j) L[first + j / tile_size][tile_size * j + j % tile_size] = 1.0;
}

}  // namespace glimmer

#endif
