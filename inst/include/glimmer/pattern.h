// The pattern of H: a diagonal block for every level of every grouping factor, and a block for every pair of
// levels of two factors that meet in a row.
#ifndef GLIMMER_PATTERN_H
#define GLIMMER_PATTERN_H

#include <algorithm>
#include <numeric>

#include "factors.h"
#include "types.h"

namespace glimmer {

/// The pairs of levels of two factors, first < second, that meet in some row; sorted by the level of the first.
struct Crossing {
  Index first, second;
  Integers level_first, level_second;  ///< of each block
  Integers block_of_row;
  Integers start;                      ///< blocks start[g] .. start[g + 1] - 1 belong to level g of `first`

  Index blocks() const { return static_cast<Index>(level_first.size()); }
};

class Pattern {
 public:
  explicit Pattern(const Factors& factors) {
    for (Index l = 1; l < factors.count(); ++l)
      for (Index k = 0; k < l; ++k) crossings_.push_back(cross(factors, k, l));
  }

  Index count() const { return static_cast<Index>(crossings_.size()); }
  const Crossing& operator[](Index c) const { return crossings_[static_cast<std::size_t>(c)]; }

 private:
  static Crossing cross(const Factors& factors, Index k, Index l) {
    Crossing out;
    out.first = k;
    out.second = l;
    const Integers &a = factors[k].level, &b = factors[l].level;
    Integers rows(a.size());
    std::iota(rows.begin(), rows.end(), 0);
    rows = sorted_by(a, factors[k].levels, sorted_by(b, factors[l].levels, rows));
    out.block_of_row.resize(a.size());
    out.start.assign(static_cast<std::size_t>(factors[k].levels + 1), 0);
    for (int i : rows) {
      if (out.level_first.empty() || out.level_first.back() != a[i] || out.level_second.back() != b[i]) {
        out.level_first.push_back(a[i]);
        out.level_second.push_back(b[i]);
        ++out.start[static_cast<std::size_t>(a[i] + 1)];
      }
      out.block_of_row[i] = static_cast<int>(out.blocks()) - 1;
    }
    std::partial_sum(out.start.begin(), out.start.end(), out.start.begin());
    return out;
  }

  std::vector<Crossing> crossings_;
};

/// A symmetric matrix on the pattern of H. Blocks are stored one after the other, each column by column.
class BlockMatrix {
 public:
  using Block = Eigen::Map<Matrix>;
  using ConstBlock = Eigen::Map<const Matrix>;

  BlockMatrix() = default;
  BlockMatrix(const Factors& factors, const Pattern& pattern) {
    for (Index k = 0; k < factors.count(); ++k) {
      effects_.push_back(factors[k].effects());
      diagonal_.push_back(Vector::Zero(factors[k].levels * effects_[k] * effects_[k]));
    }
    for (Index c = 0; c < pattern.count(); ++c) {
      shape_.push_back({effects_[pattern[c].first], effects_[pattern[c].second]});
      crossing_.push_back(Vector::Zero(pattern[c].blocks() * shape_.back().rows * shape_.back().cols));
    }
  }

  /// Block of a level of factor k.
  Block diagonal(Index k, Index level) {
    const Index q = effects_[k];
    return Block(diagonal_[k].data() + level * q * q, q, q);
  }
  ConstBlock diagonal(Index k, Index level) const {
    const Index q = effects_[k];
    return ConstBlock(diagonal_[k].data() + level * q * q, q, q);
  }
  /// Block of the c-th crossing.
  Block crossing(Index c, Index block) {
    const Shape s = shape_[c];
    return Block(crossing_[c].data() + block * s.rows * s.cols, s.rows, s.cols);
  }
  ConstBlock crossing(Index c, Index block) const {
    const Shape s = shape_[c];
    return ConstBlock(crossing_[c].data() + block * s.rows * s.cols, s.rows, s.cols);
  }
  BlockMatrix& operator*=(double factor) {
    for (Vector& values : diagonal_) values *= factor;
    for (Vector& values : crossing_) values *= factor;
    return *this;
  }

  /// All blocks of factor k, or of crossing c, in storage order.
  Vector& diagonal_values(Index k) { return diagonal_[k]; }
  Vector& crossing_values(Index c) { return crossing_[c]; }
  const Vector& diagonal_values(Index k) const { return diagonal_[k]; }
  const Vector& crossing_values(Index c) const { return crossing_[c]; }

 private:
  struct Shape {
    Index rows, cols;
  };
  Positions effects_;
  std::vector<Shape> shape_;
  std::vector<Vector> diagonal_, crossing_;
};

/// out = left * block * right for small matrices, without the heap where they are 8 x 8 at most.
template <class Left, class Block, class Right, class Out>
void sandwich(const Left& left, const Block& block, const Right& right, Out&& out) {
  if (block.size() == 1) {
    out(0, 0) = left(0, 0) * block(0, 0) * right(0, 0);
  } else if (block.rows() <= 8 && right.cols() <= 8) {
    const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor, 8, 8> half = block.lazyProduct(right);
    out.noalias() = left.lazyProduct(half);
  } else {
    out.noalias() = left * (block * right).eval();
  }
}

}  // namespace glimmer

#endif
