// The rows in blocks, the blocks in chunks, and the way home to the caller's rows.
#ifndef GLIMMER_PARTITION_H
#define GLIMMER_PARTITION_H

#include <algorithm>
#include <numeric>

#include "connected_levels.h"
#include "factors.h"
#include "types.h"

namespace glimmer {

/// A block is a level of the factor that is eliminated level by level, with its rows; where there is none, a component.
class Partition {
 public:
  Partition() = default;

  /// Of the caller's rows.
  explicit Partition(const Factors& factors) : by_level_(factors.eliminated() == 1) {
    if (by_level_) {
      blocks_ = factors[0].levels;
    } else {
      const ConnectedLevels components(factors);
      blocks_ = components.count();
      for (int level : factors[0].first().level)
        component_.push_back(static_cast<int>(components.of(0, level)));
    }
  }

  /// The rows in the order of their blocks, those of a level of the first factor together; else as they were.
  Integers order(const Factors& factors) const {
    const Factor& first = factors[0];
    Integers rows(first.first().level.size());
    std::iota(rows.begin(), rows.end(), 0);
    rows = sorted_by(first.first().level, first.levels, rows);
    return by_level_ ? rows : sorted_by(component_, blocks_, rows);
  }

  /// Where each of the caller's rows is from now on; empty: in its own place.
  void set_places(Integers places) { place_ = std::move(places); }

  /// Finds the blocks of the rows that `factors` has now, `kept` of the caller's.
  void find_blocks(const Factors& factors, const Integers& kept) {
    first_row_.assign(static_cast<std::size_t>(blocks_ + 1), 0);
    if (by_level_) {
      for (int level : factors[0].first().level) ++first_row_[level + 1];
    } else {
      for (int row : kept) ++first_row_[component_[row] + 1];
    }
    std::partial_sum(first_row_.begin(), first_row_.end(), first_row_.begin());
    Integers().swap(component_);
    find_chunks();
  }

  Index blocks() const { return blocks_; }
  Range all() const { return {0, blocks_}; }
  Range rows_of(Range blocks) const { return {first_row_[blocks.begin], first_row_[blocks.end]}; }
  const Positions& first_row() const { return first_row_; }
  const std::vector<Range>& chunks() const { return chunks_; }  ///< fixed ranges of blocks: sums run over them in order

  /// The row that each of the caller's rows is, or has been merged into.
  Index row_of(Index callers_row) const {
    return place_.empty() ? callers_row : place_[static_cast<std::size_t>(callers_row)];
  }

  /// The caller's row of each of `count` rows, where none have been merged.
  Integers callers_rows(Index count) const {
    Integers out(static_cast<std::size_t>(count));
    for (Index i = 0; i < count; ++i) out[static_cast<std::size_t>(row_of(i))] = static_cast<int>(i);
    return out;
  }

  /// A number of each row as a number of each of the caller's rows.
  Vector to_caller(const Vector& values) const {
    if (place_.empty()) return values;
    Vector out(static_cast<Index>(place_.size()));
    for (Index i = 0; i < out.size(); ++i) out[i] = values[place_[static_cast<std::size_t>(i)]];
    return out;
  }

 private:
  static constexpr Index rows_in_chunk = 1024;

  void find_chunks() {
    Index begin = 0;
    for (Index g = 0; g < blocks_; ++g) {
      if (first_row_[g + 1] - first_row_[begin] < rows_in_chunk && g + 1 < blocks_) continue;
      chunks_.push_back({begin, g + 1});
      begin = g + 1;
    }
  }

  bool by_level_ = true;
  Index blocks_ = 0;
  Positions first_row_;
  std::vector<Range> chunks_;
  Integers place_;
  Integers component_;  ///< of each of the caller's rows, until the blocks are found
};

}  // namespace glimmer

#endif
