// Passes over the rows: Z b, Z'v and Z'WZ, level by level. The number of effects is small and known at each call, so
// that the commonest numbers have code of their own.
#ifndef GLIMMER_LEVEL_SUMS_H
#define GLIMMER_LEVEL_SUMS_H

#include <type_traits>

#include "pattern.h"
#include "terms.h"
#include "types.h"

namespace glimmer {

/// Calls visit with q as a compile-time constant where q <= 3, else with 0.
template <class Visit>
void with_effects(Index q, Visit visit) {
  switch (q) {
    case 1: return visit(std::integral_constant<int, 1>());
    case 2: return visit(std::integral_constant<int, 2>());
    case 3: return visit(std::integral_constant<int, 3>());
    default: return visit(std::integral_constant<int, 0>());
  }
}

/// out_i += z_i' b_level on a range of rows; b has q numbers a level.
inline void add_row_products(const Grouping& grouping, Range rows, const double* b, Vector& out) {
  with_effects(grouping.effects(), [&](auto fixed) {
    const Index q = decltype(fixed)::value > 0 ? decltype(fixed)::value : grouping.effects();
    const double* z = grouping.Z.data() + rows.begin * q;
    for (Index i = rows.begin; i < rows.end; ++i, z += q) {
      const double* b_level = b + grouping.level[i] * q;
      double sum = 0.0;
      for (Index j = 0; j < q; ++j) sum += z[j] * b_level[j];
      out[i] += sum;
    }
  });
}

/// sums_level += z_i v_i on a range of rows.
inline void add_level_sums(const Grouping& grouping, Range rows, const Vector& v, double* sums) {
  with_effects(grouping.effects(), [&](auto fixed) {
    const Index q = decltype(fixed)::value > 0 ? decltype(fixed)::value : grouping.effects();
    const double* z = grouping.Z.data() + rows.begin * q;
    for (Index i = rows.begin; i < rows.end; ++i, z += q) {
      double* sum = sums + grouping.level[i] * q;
      for (Index j = 0; j < q; ++j) sum[j] += z[j] * v[i];
    }
  });
}

/// block += w_i z_i y_i' on a range of rows, z and y the rows of two factors (or of one), blocks stored by column.
inline void add_cross_products(const Grouping& first, const Grouping& second, const Integers& block_of_row,
                               Range rows, const Vector& w, double* blocks) {
  with_effects(first.effects(), [&](auto first_fixed) {
    with_effects(second.effects(), [&](auto second_fixed) {
      const Index p = decltype(first_fixed)::value > 0 ? decltype(first_fixed)::value : first.effects();
      const Index q = decltype(second_fixed)::value > 0 ? decltype(second_fixed)::value : second.effects();
      const double *z = first.Z.data() + rows.begin * p, *y = second.Z.data() + rows.begin * q;
      for (Index i = rows.begin; i < rows.end; ++i, z += p, y += q) {
        double* block = blocks + block_of_row[i] * p * q;
        for (Index b = 0; b < q; ++b)
          for (Index a = 0; a < p; ++a) block[b * p + a] += w[i] * z[a] * y[b];
      }
    });
  });
}

/// out_i += factor * z_i' block y_i on a range of rows.
inline void add_quadratic_forms(const Grouping& first, const Grouping& second, const Integers& block_of_row,
                                Range rows, const double* blocks, double factor, Vector& out) {
  with_effects(first.effects(), [&](auto first_fixed) {
    with_effects(second.effects(), [&](auto second_fixed) {
      const Index p = decltype(first_fixed)::value > 0 ? decltype(first_fixed)::value : first.effects();
      const Index q = decltype(second_fixed)::value > 0 ? decltype(second_fixed)::value : second.effects();
      const double *z = first.Z.data() + rows.begin * p, *y = second.Z.data() + rows.begin * q;
      for (Index i = rows.begin; i < rows.end; ++i, z += p, y += q) {
        const double* block = blocks + block_of_row[i] * p * q;
        double sum = 0.0;
        for (Index b = 0; b < q; ++b)
          for (Index a = 0; a < p; ++a) sum += z[a] * block[b * p + a] * y[b];
        out[i] += factor * sum;
      }
    });
  });
}

}  // namespace glimmer

#endif
