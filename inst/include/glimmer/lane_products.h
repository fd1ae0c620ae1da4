// Products of small matrices whose columns are lanes, a multiple of four: a column a row of the data, a parameter, an
// effect. There are too few of these for routines that pack their operands first.
#ifndef GLIMMER_LANE_PRODUCTS_H
#define GLIMMER_LANE_PRODUCTS_H

#include <algorithm>

#include "lanes.h"

namespace glimmer {

/// Sums in registers: written out one in the other, as compilers keep an array of them in memory.
template <int M>
struct WeightedSums {
  WeightedSums<M - 1> others;
  Lanes low, high;

  void get(const double* from, Index step) {
    others.get(from, step);
    low = load(from + (M - 1) * step);
    high = load(from + (M - 1) * step + lane_count);
  }
  void add(Lanes first, Lanes second, const double* weights) {
    others.add(first, second, weights);
    const Lanes weight = spread(weights[M - 1]);
    low = low + first * weight;
    high = high + second * weight;
  }
  void put(double* to, Index step) const {
    others.put(to, step);
    store(low, to + (M - 1) * step);
    store(high, to + (M - 1) * step + lane_count);
  }
};
template <>
struct WeightedSums<0> {
  void get(const double*, Index) {}
  void add(Lanes, Lanes, const double*) {}
  void put(double*, Index) const {}
};

/// Four lanes of M columns: out_j += sum_i column_i weight_ij, weights by row, m of them.
template <int M>
inline void add_weighted(Index lanes, Index n, const double* columns, const double* weights, Index m, double* out) {
  WeightedSums<M> sums;
  sums.get(out, lanes);
  for (Index i = 0; i < n; ++i, columns += lanes, weights += m)
    sums.add(load(columns), load(columns + lane_count), weights);
  sums.put(out, lanes);
}

/// out += columns weights: lanes x n, n x m by row, lanes x m.
inline void add_lane_sums(Index lanes, Index n, Index m, const double* columns, const double* weights, double* out) {
  const Index together = std::max<Index>(8, 2048 / lanes);  // so many columns stay in the nearest cache
  for (Index begin = 0; begin < n; begin += together) {
    const Index own = std::min(together, n - begin);
    for (Index j = 0; j < m; j += 4)
      for (Index k = 0; k < lanes; k += 2 * lane_count) {
        const double *from = columns + begin * lanes + k, *weight = weights + begin * m + j;
        double* const to = out + j * lanes + k;
        switch (std::min<Index>(m - j, 4)) {
          case 1: add_weighted<1>(lanes, own, from, weight, m, to); break;
          case 2: add_weighted<2>(lanes, own, from, weight, m, to); break;
          case 3: add_weighted<3>(lanes, own, from, weight, m, to); break;
          default: add_weighted<4>(lanes, own, from, weight, m, to);
        }
      }
  }
}

inline double total(Lanes x) {
  double both[lane_count];
  store(x, both);
  return both[0] + both[1];
}

/// Sums over lanes of two columns times M others.
template <int M>
struct DotSums {
  DotSums<M - 1> others;
  Lanes first = spread(0.0), second = spread(0.0);

  void add(Lanes x, Lanes y, const double* right, Index lanes) {
    others.add(x, y, right, lanes);
    const Lanes own = load(right + (M - 1) * lanes);
    first = first + x * own;
    second = second + y * own;
  }
  void put(double* to_first, double* to_second, Index step) const {
    others.put(to_first, to_second, step);
    to_first[(M - 1) * step] = total(first);
    to_second[(M - 1) * step] = total(second);
  }
};
template <>
struct DotSums<0> {
  void add(Lanes, Lanes, const double*, Index) {}
  void put(double*, double*, Index) const {}
};

/// Rows i and j of left' right, M columns of them.
template <int M>
inline void set_dots(Index lanes, const double* left, Index i, Index j, const double* right, double* out, Index step) {
  DotSums<M> sums;
  const double *first = left + i * lanes, *second = left + j * lanes;
  for (Index k = 0; k < lanes; k += lane_count) sums.add(load(first + k), load(second + k), right + k, lanes);
  sums.put(out + i, out + j, step);
}

/// The same, m columns.
inline void set_two_rows(Index lanes, Index m, const double* left, Index i, Index j, const double* right, double* out,
                         Index step) {
  for (Index c = 0; c < m; c += 4) {
    const double* const own = right + c * lanes;
    double* const to = out + c * step;
    switch (std::min<Index>(m - c, 4)) {
      case 1: set_dots<1>(lanes, left, i, j, own, to, step); break;
      case 2: set_dots<2>(lanes, left, i, j, own, to, step); break;
      case 3: set_dots<3>(lanes, left, i, j, own, to, step); break;
      default: set_dots<4>(lanes, left, i, j, own, to, step);
    }
  }
}

/// out = left' right: lanes x n, lanes x m, and n x m by column, from one column to the next `step`.
inline void set_lane_dots(Index lanes, Index n, Index m, const double* left, const double* right, double* out,
                          Index step) {
  for (Index i = 0; i < n; i += 2) set_two_rows(lanes, m, left, i, std::min(i + 1, n - 1), right, out, step);
}

/// The lower triangle of columns' columns, n of them; what is beside it is left open.
inline void set_lane_products(Index lanes, Index n, const double* columns, double* out, Index step) {
  for (Index i = 0; i < n; i += 2) {
    const Index j = std::min(i + 1, n - 1);
    set_two_rows(lanes, j + 1, columns, i, j, columns, out, step);
  }
}

}  // namespace glimmer

#endif
