// The one kernel of the dense factorization and inverse: a square tile C += sign A B', A and B packed in strips.
//
// A strip holds tile_size rows (or columns) of a matrix, those of one step of the summation next to each other, so
// that the kernel reads memory in order and keeps its part of C in registers (Goto and van de Geijn 2008, ACM
// Transactions on Mathematical Software 34:12). Packages are compiled for the oldest processor of their kind;
// where the one at hand has AVX2 and FMA, which is asked at run time, the kernel is three
// times as fast as what such code may use.
#ifndef GLIMMER_DENSE_TILE_H
#define GLIMMER_DENSE_TILE_H

#include "types.h"

// Not on Windows, where GCC may keep 32-byte variables at places of the stack that are not aligned (its bug 54412).
#if defined(__x86_64__) && defined(__GNUC__) && !defined(_WIN32)
#define GLIMMER_HAS_AVX2_KERNEL
#include <immintrin.h>
#endif

namespace glimmer {

constexpr Index tile_size = 12;

/// C += sign A B' for a tile C in columns `stride` apart: entry (i, j) is the sum over k < depth, in order, of
/// a[12 k + i] b[12 k + j].
using TileProduct = void (*)(const double* a, const double* b, Index depth, double sign, double* C, Index stride);

inline void tile_product_portable(const double* a, const double* b, Index depth, double sign, double* C,
                                  Index stride) {
  using Column = Eigen::Matrix<double, 4, 1>;
  for (Index j = 0; j < tile_size; j += 4)
    for (Index i = 0; i < tile_size; i += 4) {
      Column first = Column::Zero(), second = first, third = first, fourth = first;
      for (Index k = 0; k < depth; ++k) {
        const Column left = Eigen::Map<const Column>(a + tile_size * k + i);
        const double* right = b + tile_size * k + j;
        first += left * right[0];
        second += left * right[1];
        third += left * right[2];
        fourth += left * right[3];
      }
      double* target = C + j * stride + i;
      Eigen::Map<Column>(target) += sign * first;
      Eigen::Map<Column>(target + stride) += sign * second;
      Eigen::Map<Column>(target + 2 * stride) += sign * third;
      Eigen::Map<Column>(target + 3 * stride) += sign * fourth;
    }
}

#ifdef GLIMMER_HAS_AVX2_KERNEL
#define GLIMMER_AVX2 __attribute__((target("avx2,fma")))

/// One column of a tile.
struct TileColumn {
  __m256d top, middle, low;
};

GLIMMER_AVX2 inline void add_multiple(const TileColumn& a, const double* factor, TileColumn& sum) {
  const __m256d b = _mm256_broadcast_sd(factor);
  sum.top = _mm256_fmadd_pd(a.top, b, sum.top);
  sum.middle = _mm256_fmadd_pd(a.middle, b, sum.middle);
  sum.low = _mm256_fmadd_pd(a.low, b, sum.low);
}

GLIMMER_AVX2 inline TileColumn load_column(const double* a) {
  return {_mm256_loadu_pd(a), _mm256_loadu_pd(a + 4), _mm256_loadu_pd(a + 8)};
}

GLIMMER_AVX2 inline void add_to_column(const TileColumn& sum, const double* sign, double* C) {
  TileColumn target = load_column(C);
  add_multiple(sum, sign, target);
  _mm256_storeu_pd(C, target.top);
  _mm256_storeu_pd(C + 4, target.middle);
  _mm256_storeu_pd(C + 8, target.low);
}

/// Four columns of the tile at a time: their sums fill twelve of the sixteen registers. Written out, because -O2 does
/// not unroll.
GLIMMER_AVX2 inline void tile_product_avx2(const double* a, const double* b, Index depth, double sign, double* C,
                                           Index stride) {
  for (Index j = 0; j < tile_size; j += 4, C += 4 * stride) {
    const __m256d zero = _mm256_setzero_pd();
    TileColumn first{zero, zero, zero}, second = first, third = first, fourth = first;
    const double* left = a;
    const double* right = b + j;
    for (Index k = 0; k < depth; ++k, left += tile_size, right += tile_size) {
      const TileColumn column = load_column(left);
      add_multiple(column, right, first);
      add_multiple(column, right + 1, second);
      add_multiple(column, right + 2, third);
      add_multiple(column, right + 3, fourth);
    }
    add_to_column(first, &sign, C);
    add_to_column(second, &sign, C + stride);
    add_to_column(third, &sign, C + 2 * stride);
    add_to_column(fourth, &sign, C + 3 * stride);
  }
}
#undef GLIMMER_AVX2
#endif

/// The fastest kernel that this processor has.
inline TileProduct best_tile_product() {
#ifdef GLIMMER_HAS_AVX2_KERNEL
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return tile_product_avx2;
#endif
  return tile_product_portable;
}

}  // namespace glimmer

#endif
