// The pattern of H: a diagonal block for every level of every grouping factor, and a block for every pair of levels, of
// two factors or of one, that meet in a row or in a prior.
#ifndef GLIMMER_PATTERN_H
#define GLIMMER_PATTERN_H

#include <algorithm>
#include <numeric>

#include "factors.h"
#include "types.h"

namespace glimmer {

/// Two incidences of which a row has one level each: the block of that pair, by row; -1 where a row has none.
struct Meeting {
  Index first, second;  ///< which of their factors' incidences
  Integers block_of_row;
};

/// The pairs of levels of two factors, first < second, that meet in some row; or of one factor, the smaller level
/// first, that meet in a row or in the prior. Sorted by the first level, then by the second.
struct Crossing {
  Index first, second;
  Integers level_first, level_second;  ///< of each block
  Integers start;                      ///< blocks start[g] .. start[g + 1] - 1 belong to level g of `first`
  std::vector<Meeting> meetings;
  Integers prior_block;                ///< within a factor: the block of each pair of its prior

  Index blocks() const { return static_cast<Index>(level_first.size()); }
};

class Pattern {
 public:
  explicit Pattern(const Factors& factors) {
    for (Index l = 0; l < factors.count(); ++l) {
      shared_.push_back(shared_levels(factors[l]));
      for (Index k = 0; k < l; ++k) crossings_.push_back(between(factors, k, l));
      if (!factors[l].separate_levels()) crossings_.push_back(within(factors, l));
    }
  }

  Index count() const { return static_cast<Index>(crossings_.size()); }
  const Crossing& operator[](Index c) const { return crossings_[static_cast<std::size_t>(c)]; }

  /// Where effects of factor k enter two predictors of a row: pairs of incidences, in both orders, with one level; the
  /// block is the level.
  const std::vector<Meeting>& shared(Index k) const { return shared_[static_cast<std::size_t>(k)]; }

 private:
  static Crossing between(const Factors& factors, Index k, Index l) {
    Crossing out;
    out.first = k;
    out.second = l;
    const auto &a = factors[k].incidences, &b = factors[l].incidences;
    std::vector<std::pair<const Integers*, const Integers*>> pairs;
    for (std::size_t i = 0; i < a.size(); ++i)
      for (std::size_t j = 0; j < b.size(); ++j) {
        out.meetings.push_back({static_cast<Index>(i), static_cast<Index>(j), {}});
        pairs.push_back({&a[i].level, &b[j].level});
      }
    find_blocks(out, factors[k].levels, factors[l].levels, pairs);
    return out;
  }

  static Crossing within(const Factors& factors, Index k) {
    Crossing out;
    out.first = out.second = k;
    const auto& incidences = factors[k].incidences;
    std::vector<std::pair<const Integers*, const Integers*>> pairs;
    for (std::size_t i = 0; i < incidences.size(); ++i)
      for (std::size_t j = 0; j < incidences.size(); ++j) {
        // in one predictor the levels of a row are sorted; in two, either may be the smaller one
        if (i == j || (i > j && incidences[i].predictor == incidences[j].predictor)) continue;
        out.meetings.push_back({static_cast<Index>(i), static_cast<Index>(j), {}});
        pairs.push_back({&incidences[i].level, &incidences[j].level});
      }
    Integers first, second;
    for (const auto& pair : factors[k].prior->pairs()) {
      first.push_back(pair.first);
      second.push_back(pair.second);
    }
    out.meetings.push_back({0, 0, {}});  // of the prior, for as long as it takes
    pairs.push_back({&first, &second});
    find_blocks(out, factors[k].levels, factors[k].levels, pairs);
    out.prior_block = std::move(out.meetings.back().block_of_row);
    out.meetings.pop_back();
    return out;
  }

  static std::vector<Meeting> shared_levels(const Factor& factor) {
    std::vector<Meeting> out;
    const auto& incidences = factor.incidences;
    for (std::size_t i = 0; i < incidences.size(); ++i)
      for (std::size_t j = 0; j < incidences.size(); ++j) {
        if (incidences[i].predictor == incidences[j].predictor) continue;
        Integers level = incidences[i].level;
        for (std::size_t row = 0; row < level.size(); ++row)
          if (incidences[j].level[row] != level[row]) level[row] = -1;
        out.push_back({static_cast<Index>(i), static_cast<Index>(j), std::move(level)});
      }
    return out;
  }

  /// The blocks, and that of every row of every meeting, from the levels that meet.
  static void find_blocks(Crossing& out, Index levels_first, Index levels_second,
                          const std::vector<std::pair<const Integers*, const Integers*>>& pairs) {
    if (pairs.size() == 1) {
      out.meetings[0].block_of_row = blocks_of(out, levels_first, levels_second, *pairs[0].first, *pairs[0].second);
      return;
    }
    Integers a, b;
    for (const auto& pair : pairs) {
      a.insert(a.end(), pair.first->begin(), pair.first->end());
      b.insert(b.end(), pair.second->begin(), pair.second->end());
    }
    const Integers blocks = blocks_of(out, levels_first, levels_second, a, b);
    auto next = blocks.begin();
    for (std::size_t m = 0; m < pairs.size(); ++m) {
      const auto count = static_cast<std::ptrdiff_t>(pairs[m].first->size());
      out.meetings[m].block_of_row.assign(next, next + count);
      next += count;
    }
  }

  /// Within a factor a level that a row has twice meets itself: it has no block.
  static Integers blocks_of(Crossing& out, Index levels_first, Index levels_second, const Integers& a,
                            const Integers& b) {
    Integers rows(a.size()), blocks(a.size(), -1);
    std::iota(rows.begin(), rows.end(), 0);
    rows = sorted_by(a, levels_first, sorted_by(b, levels_second, rows));
    out.start.assign(static_cast<std::size_t>(levels_first + 1), 0);
    for (int i : rows) {
      if (out.first == out.second && a[i] >= b[i]) continue;
      if (out.level_first.empty() || out.level_first.back() != a[i] || out.level_second.back() != b[i]) {
        out.level_first.push_back(a[i]);
        out.level_second.push_back(b[i]);
        ++out.start[static_cast<std::size_t>(a[i] + 1)];
      }
      blocks[i] = static_cast<int>(out.blocks()) - 1;
    }
    std::partial_sum(out.start.begin(), out.start.end(), out.start.begin());
    return blocks;
  }

  std::vector<Crossing> crossings_;
  std::vector<std::vector<Meeting>> shared_;  ///< by factor
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
