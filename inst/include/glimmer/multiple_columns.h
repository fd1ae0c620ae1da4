// Columns of X that are within each level of the innermost factor a multiple of a column of Z, as an intercept,
// covariates of the level, those of a random slope, and their products: X'v of such a column is a multiple of Z'v.
#ifndef GLIMMER_MULTIPLE_COLUMNS_H
#define GLIMMER_MULTIPLE_COLUMNS_H

#include "data.h"

namespace glimmer {

class MultipleColumns {
 public:
  /// Finds them by comparing numbers: they are equal, or they are not.
  MultipleColumns(const Data& data, const EffectRows& Z) : source_(static_cast<std::size_t>(data.X().columns()), -1) {
    for (Index j = 0; j < data.X().columns(); ++j)
      for (Index c = 0; c < Z.effects() && source_[static_cast<std::size_t>(j)] < 0; ++c)
        if (is_multiple(data, Z, j, c)) source_[static_cast<std::size_t>(j)] = static_cast<int>(c);
  }

  /// The column of Z; -1: there is none.
  int source(Index column) const { return source_[static_cast<std::size_t>(column)]; }

  /// The multiple in a level.
  double multiple(const Data& data, const EffectRows& Z, Index column, Index level) const {
    return multiple(data, Z, column, source(column), data.rows_of({level, level + 1}));
  }

 private:
  static double multiple(const Data& data, const EffectRows& Z, Index column, Index source, Range rows) {
    for (Index i = rows.begin; i < rows.end; ++i)
      if (Z.row(i)[source] != 0.0) return data.X()(i, column) / Z.row(i)[source];
    return 0.0;
  }

  static bool is_multiple(const Data& data, const EffectRows& Z, Index column, Index source) {
    for (Index g = 0; g < data.factors[0].levels; ++g) {
      const Range rows = data.rows_of({g, g + 1});
      const double own = multiple(data, Z, column, source, rows);
      for (Index i = rows.begin; i < rows.end; ++i)
        if (data.X()(i, column) != own * Z.row(i)[source]) return false;
    }
    return true;
  }

  std::vector<int> source_;
};

}  // namespace glimmer

#endif
