// Passes over the rows: Z b, Z'v and Z'WZ, level by level. The number of effects is small and known at each call, so
// that the commonest numbers have code of their own. A row's numbers in and out (v, w, out) stand at its distance from
// the first row of the range. Rows of one level that follow each other, as all of the first factor's do, are summed up
// before the sum goes to its place.
#ifndef GLIMMER_LEVEL_SUMS_H
#define GLIMMER_LEVEL_SUMS_H

#include "factors.h"
#include "types.h"
#include "with_effects.h"

namespace glimmer {

/// Calls visit(place, begin, end) for the runs of rows with the same place (level or block), but where there is none.
template <class Visit>
void for_runs_of(const Integers& place, Range rows, Visit visit) {
  for (Index begin = rows.begin; begin < rows.end;) {
    const int own = place[begin];
    Index end = begin + 1;
    while (end < rows.end && place[end] == own) ++end;
    if (own >= 0) visit(static_cast<Index>(own), begin, end);
    begin = end;
  }
}

/// out_i += z_i' b_level on a range of rows; b has q numbers a level.
inline void add_row_products(const Incidence& incidence, Range rows, const double* b, double* out) {
  with_effects(incidence.effects(), [&](auto fixed) {
    const Index q = decltype(fixed)::value > 0 ? decltype(fixed)::value : incidence.effects();
    const Index step = incidence.Z.step();
    const double* z = incidence.Z.row(rows.begin);
    for (Index i = rows.begin; i < rows.end; ++i, z += step) {
      const double* b_level = b + incidence.level[i] * q;
      double sum = 0.0;
      for (Index j = 0; j < q; ++j) sum += z[j] * b_level[j];
      out[i - rows.begin] += sum;
    }
  });
}

/// sums_level += z_i v_i on a range of rows.
inline void add_level_sums(const Incidence& incidence, Range rows, const double* v, double* sums) {
  with_effects(incidence.effects(), [&](auto fixed) {
    constexpr int known = decltype(fixed)::value;
    const Index q = known > 0 ? known : incidence.effects();
    for_runs_of(incidence.level, rows, [&](Index level, Index begin, Index end) {
      const Index step = incidence.Z.step();
      const double* z = incidence.Z.row(begin);
      double* own = sums + level * q;
      if constexpr (known > 0) {
        double sum[known] = {};
        for (Index i = begin; i < end; ++i, z += step)
          for (int j = 0; j < known; ++j) sum[j] += z[j] * v[i - rows.begin];
        for (int j = 0; j < known; ++j) own[j] += sum[j];
      } else {
        for (Index i = begin; i < end; ++i, z += step)
          for (Index j = 0; j < q; ++j) own[j] += z[j] * v[i - rows.begin];
      }
    });
  });
}

/// The same for all incidences of a factor.
inline void add_row_products(const Factor& factor, Range rows, const double* b, double* out) {
  for (const Incidence& incidence : factor.incidences) add_row_products(incidence, rows, b, out);
}
inline void add_level_sums(const Factor& factor, Range rows, const double* v, double* sums) {
  for (const Incidence& incidence : factor.incidences) add_level_sums(incidence, rows, v, sums);
}

/// block += w_i z_i y_i' on a range of rows, z and y the rows of two incidences (or of one), blocks stored by column.
inline void add_cross_products(const Incidence& first, const Incidence& second, const Integers& block_of_row,
                               Range rows, const double* w, double* blocks) {
  with_effects(first.effects(), [&](auto first_fixed) {
    with_effects(second.effects(), [&](auto second_fixed) {
      constexpr int known_p = decltype(first_fixed)::value, known_q = decltype(second_fixed)::value;
      const Index p = known_p > 0 ? known_p : first.effects(), q = known_q > 0 ? known_q : second.effects();
      for_runs_of(block_of_row, rows, [&](Index block, Index begin, Index end) {
        const double *z = first.Z.row(begin), *y = second.Z.row(begin);
        const Index z_step = first.Z.step(), y_step = second.Z.step();
        double* own = blocks + block * p * q;
        if constexpr (known_p > 0 && known_q > 0) {
          double sum[known_p * known_q] = {};
          for (Index i = begin; i < end; ++i, z += z_step, y += y_step)
            for (int b = 0; b < known_q; ++b)
              for (int a = 0; a < known_p; ++a) sum[b * known_p + a] += w[i - rows.begin] * z[a] * y[b];
          for (int ab = 0; ab < known_p * known_q; ++ab) own[ab] += sum[ab];
        } else {
          for (Index i = begin; i < end; ++i, z += z_step, y += y_step)
            for (Index b = 0; b < q; ++b)
              for (Index a = 0; a < p; ++a) own[b * p + a] += w[i - rows.begin] * z[a] * y[b];
        }
      });
    });
  });
}

/// out_i += multiple * z_i' block y_i on a range of rows.
inline void add_quadratic_forms(const Incidence& first, const Incidence& second, const Integers& block_of_row,
                                Range rows, const double* blocks, double multiple, double* out) {
  with_effects(first.effects(), [&](auto first_fixed) {
    with_effects(second.effects(), [&](auto second_fixed) {
      const Index p = decltype(first_fixed)::value > 0 ? decltype(first_fixed)::value : first.effects();
      const Index q = decltype(second_fixed)::value > 0 ? decltype(second_fixed)::value : second.effects();
      const double *z = first.Z.row(rows.begin), *y = second.Z.row(rows.begin);
      const Index z_step = first.Z.step(), y_step = second.Z.step();
      for (Index i = rows.begin; i < rows.end; ++i, z += z_step, y += y_step) {
        if (block_of_row[i] < 0) continue;
        const double* block = blocks + block_of_row[i] * p * q;
        double sum = 0.0;
        for (Index b = 0; b < q; ++b)
          for (Index a = 0; a < p; ++a) sum += z[a] * block[b * p + a] * y[b];
        out[i - rows.begin] += multiple * sum;
      }
    });
  });
}

}  // namespace glimmer

#endif
