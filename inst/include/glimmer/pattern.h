// The pattern of H: a diagonal block for every level of every grouping factor, and a block for every pair of
// levels of two factors that meet in a row.
#ifndef GLIMMER_PATTERN_H
#define GLIMMER_PATTERN_H

#include <algorithm>
#include <numeric>

#include "terms.h"
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
  explicit Pattern(const Terms& terms) {
    for (Index l = 1; l < terms.count(); ++l)
      for (Index k = 0; k < l; ++k) crossings_.push_back(cross(terms, k, l));
  }

  const std::vector<Crossing>& crossings() const { return crossings_; }

 private:
  static Crossing cross(const Terms& terms, Index k, Index l) {
    Crossing out;
    out.first = k;
    out.second = l;
    const Integers &a = terms[k].level, &b = terms[l].level;
    Integers rows(a.size());
    std::iota(rows.begin(), rows.end(), Index(0));
    std::sort(rows.begin(), rows.end(), [&](Index i, Index j) {
      return a[i] != a[j] ? a[i] < a[j] : (b[i] != b[j] ? b[i] < b[j] : i < j);
    });
    out.block_of_row.resize(a.size());
    out.start.assign(static_cast<std::size_t>(terms[k].levels + 1), 0);
    for (Index i : rows) {
      if (out.level_first.empty() || out.level_first.back() != a[i] || out.level_second.back() != b[i]) {
        out.level_first.push_back(a[i]);
        out.level_second.push_back(b[i]);
        ++out.start[static_cast<std::size_t>(a[i] + 1)];
      }
      out.block_of_row[i] = out.blocks() - 1;
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
  BlockMatrix(const Terms& terms, const Pattern& pattern) {
    for (Index k = 0; k < terms.count(); ++k) {
      effects_.push_back(terms[k].effects());
      diagonal_.push_back(Vector::Zero(terms[k].levels * effects_[k] * effects_[k]));
    }
    for (const Crossing& crossing : pattern.crossings()) {
      shape_.push_back({effects_[crossing.first], effects_[crossing.second]});
      crossing_.push_back(Vector::Zero(crossing.blocks() * shape_.back().rows * shape_.back().cols));
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

 private:
  struct Shape {
    Index rows, cols;
  };
  Integers effects_;
  std::vector<Shape> shape_;
  std::vector<Vector> diagonal_, crossing_;
};

}  // namespace glimmer

#endif
