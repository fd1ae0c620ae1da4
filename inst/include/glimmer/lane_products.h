// Products of small matrices whose columns are lanes, a multiple of four: a column a row of the data, a parameter, an
// effect. There are too few of these for routines that pack their operands first.
#ifndef GLIMMER_LANE_PRODUCTS_H
#define GLIMMER_LANE_PRODUCTS_H

#include <algorithm>

#include "lanes.h"

namespace glimmer {

/// M columns of a sum of columns, four lanes of them: out_j += sum_i column_i weight_ij, weights by row.
template <int M>
inline void add_weighted(Index lanes, Index n, const double* columns, const double* weights, Index step, double* out) {
  Lanes low[M], high[M];
  for (int j = 0; j < M; ++j) low[j] = load(out + j * lanes), high[j] = load(out + j * lanes + lane_count);
  for (Index i = 0; i < n; ++i, columns += lanes, weights += step) {
    const Lanes first = load(columns), second = load(columns + lane_count);
    for (int j = 0; j < M; ++j) {
      const Lanes weight = spread(weights[j]);
      low[j] = low[j] + first * weight;
      high[j] = high[j] + second * weight;
    }
  }
  for (int j = 0; j < M; ++j) store(low[j], out + j * lanes), store(high[j], out + j * lanes + lane_count);
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

/// out(i, j) = the sum over lanes of left column i times right column j, N and M of them.
template <int N, int M>
inline void set_dots(Index lanes, const double* left, const double* right, double* out, Index step) {
  Lanes sums[N][M];
  for (int i = 0; i < N; ++i)
    for (int j = 0; j < M; ++j) sums[i][j] = spread(0.0);
  for (Index k = 0; k < lanes; k += lane_count) {
    Lanes own[M];
    for (int j = 0; j < M; ++j) own[j] = load(right + j * lanes + k);
    for (int i = 0; i < N; ++i) {
      const Lanes x = load(left + i * lanes + k);
      for (int j = 0; j < M; ++j) sums[i][j] = sums[i][j] + x * own[j];
    }
  }
  for (int j = 0; j < M; ++j)
    for (int i = 0; i < N; ++i) out[j * step + i] = total(sums[i][j]);
}

template <int N>
inline void set_dots(Index lanes, Index m, const double* left, const double* right, double* out, Index step) {
  for (Index j = 0; j < m; j += 4) {
    const double* const own = right + j * lanes;
    double* const to = out + j * step;
    switch (std::min<Index>(m - j, 4)) {
      case 1: set_dots<N, 1>(lanes, left, own, to, step); break;
      case 2: set_dots<N, 2>(lanes, left, own, to, step); break;
      case 3: set_dots<N, 3>(lanes, left, own, to, step); break;
      default: set_dots<N, 4>(lanes, left, own, to, step);
    }
  }
}

/// out = left' right: lanes x n, lanes x m, and n x m by column, from one column to the next `step`.
inline void set_lane_dots(Index lanes, Index n, Index m, const double* left, const double* right, double* out,
                          Index step) {
  Index i = 0;
  for (; i + 2 <= n; i += 2) set_dots<2>(lanes, m, left + i * lanes, right, out + i, step);
  if (i < n) set_dots<1>(lanes, m, left + i * lanes, right, out + i, step);
}

/// The lower triangle of columns' columns, n of them; what is beside it is left open.
inline void set_lane_products(Index lanes, Index n, const double* columns, double* out, Index step) {
  Index i = 0;
  for (; i + 2 <= n; i += 2) set_dots<2>(lanes, i + 2, columns + i * lanes, columns, out + i, step);
  if (i < n) set_dots<1>(lanes, i + 1, columns + i * lanes, columns, out + i, step);
}

}  // namespace glimmer

#endif
