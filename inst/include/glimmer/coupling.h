// What couples the levels of the first factor to the other effects, and the two things done with all pairs of the
// columns of a level: the Schur complement of the first factor, and products with the inverse of it.
#ifndef GLIMMER_COUPLING_H
#define GLIMMER_COUPLING_H

#include <algorithm>

#include "parallel.h"
#include "types.h"
#include "with_effects.h"

namespace glimmer {

/// A matrix for each level of the first factor: its effects by the columns of the rest that the level meets.
struct Coupling {
  Index effects = 1;
  Positions start{0};  ///< where the columns of each level begin in `columns`
  Integers columns;    ///< in the rest, increasing within a level
  Vector values;       ///< each matrix by columns

  Index levels() const { return static_cast<Index>(start.size()) - 1; }
  Index count(Index g) const { return start[g + 1] - start[g]; }
  const int* columns_of(Index g) const { return columns.data() + start[g]; }
  Eigen::Map<Matrix> block(Index g) {
    return Eigen::Map<Matrix>(values.data() + effects * start[g], effects, count(g));
  }
  Eigen::Map<const Matrix> block(Index g) const {
    return Eigen::Map<const Matrix>(values.data() + effects * start[g], effects, count(g));
  }
};

/// The sum over levels of Y_g'Y_g, subtracted from a dense matrix. The columns of the matrix are dealt with in ranges,
/// each by one thread that goes through the levels in order; a range stays in the cache.
class OuterProducts {
 public:
  void analyze(Index size, const Coupling& coupling) {
    ranges_.assign(static_cast<std::size_t>((size + range_columns - 1) / range_columns), {});
    pairs_ = 0;
    for (Index g = 0; g < coupling.levels(); ++g) {
      const Index end = coupling.start[g + 1];
      for (Index at = coupling.start[g]; at < end;) {
        const Index range = coupling.columns[at] / range_columns, begin = at;
        while (at < end && coupling.columns[at] / range_columns == range) ++at;
        ranges_[range].push_back({begin, at, end});
      }
      pairs_ += coupling.count(g) * coupling.count(g) / 2;
    }
  }

  /// From the lower triangle of S.
  void subtract(const Coupling& Y, Matrix& S, int threads, const Interrupt& interrupt) const {
    with_effects(Y.effects, [&](auto fixed) {
      const Index count = static_cast<Index>(ranges_.size());
      parallel_shares(count, 1, pairs_ < fewest_pairs_for_threads ? 1 : threads, [&](Index range) {
        for (const Piece& piece : ranges_[range]) subtract_piece(Y, piece, S, fixed);
      }, interrupt);
    });
  }

 private:
  /// Columns of one level in one range: their positions, and the end of the level's.
  struct Piece {
    Index begin, end, level_end;
  };
  static constexpr Index range_columns = 64, fewest_pairs_for_threads = 100000;

  template <class Fixed>
  static void subtract_piece(const Coupling& Y, Piece piece, Matrix& S, Fixed) {
    const Index q = Fixed::value > 0 ? Fixed::value : Y.effects;
    for (Index b = piece.begin; b < piece.end; ++b) {
      double* column = S.data() + Y.columns[b] * S.rows();
      const double* right = Y.values.data() + b * q;
      const double* left = right;
      for (Index a = b; a < piece.level_end; ++a, left += q) {
        double sum = 0.0;
        for (Index e = 0; e < q; ++e) sum += left[e] * right[e];
        column[Y.columns[a]] -= sum;
      }
    }
  }

  std::vector<std::vector<Piece>> ranges_;
  Index pairs_ = 0;
};

/// TS += T S, S symmetric and given by entry(a, b) for b <= a: places among the columns of T. Each is asked for once,
/// and those of a column together: the processor waits for many places of the memory at a time.
template <class Entry>
void add_symmetric_product(const Matrix& T, Entry entry, Matrix& TS) {
  Vector column(T.cols());
  with_effects(T.rows(), [&](auto fixed) {
    const Index q = decltype(fixed)::value > 0 ? decltype(fixed)::value : T.rows(), count = T.cols();
    for (Index b = 0; b < count; ++b) {
      for (Index a = b; a < count; ++a) column[a] = entry(a, b);
      for (Index e = 0; e < q; ++e) {
        const double* t = T.data() + e;
        double* out = TS.data() + e;
        const double factor = t[b * q];
        double sum = column[b] * factor;
        for (Index a = b + 1; a < count; ++a) {
          sum += column[a] * t[a * q];
          out[a * q] += column[a] * factor;
        }
        out[b * q] += sum;
      }
    }
  });
}

}  // namespace glimmer

#endif
