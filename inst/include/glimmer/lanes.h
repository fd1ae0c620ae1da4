// Two doubles side by side in a vector register, with their exponential and logarithm.
//
// Two are what SSE2 and NEON hold, which every build has: wider ones are taken apart again where there is no AVX2, and
// were then twice as slow as these. A number never depends on its neighbour, nor on what the compiler knows of vectors.
#ifndef GLIMMER_LANES_H
#define GLIMMER_LANES_H

#include <cmath>
#include <cstdint>
#include <cstring>

#include "types.h"

namespace glimmer {

constexpr Index lane_count = 2;

/// The length of an array for n numbers that is gone through by lanes.
inline Index whole_lanes(Index n) { return (n + lane_count - 1) / lane_count * lane_count; }

#if defined(__GNUC__) && !defined(GLIMMER_PLAIN_LANES)

using Lanes = double __attribute__((vector_size(16)));
using LaneBits = std::uint64_t __attribute__((vector_size(16)));

inline Lanes spread(double x) { return Lanes{x, x}; }
inline LaneBits spread_bits(std::uint64_t x) { return LaneBits{x, x}; }
/// All bits where a < b, none where not.
inline LaneBits below(Lanes a, Lanes b) { return reinterpret_cast<LaneBits>(a < b); }
inline Lanes swapped(Lanes a) { return Lanes{a[1], a[0]}; }

#else

struct Lanes {
  double first, second;
};
struct LaneBits {
  std::uint64_t first, second;
};

inline Lanes spread(double x) { return {x, x}; }
inline LaneBits spread_bits(std::uint64_t x) { return {x, x}; }
inline LaneBits below(Lanes a, Lanes b) {
  return {a.first < b.first ? ~std::uint64_t{0} : 0, a.second < b.second ? ~std::uint64_t{0} : 0};
}
inline Lanes swapped(Lanes a) { return {a.second, a.first}; }
inline Lanes operator+(Lanes a, Lanes b) { return {a.first + b.first, a.second + b.second}; }
inline Lanes operator-(Lanes a, Lanes b) { return {a.first - b.first, a.second - b.second}; }
inline Lanes operator*(Lanes a, Lanes b) { return {a.first * b.first, a.second * b.second}; }
inline Lanes operator/(Lanes a, Lanes b) { return {a.first / b.first, a.second / b.second}; }
inline Lanes operator-(Lanes a) { return {-a.first, -a.second}; }
inline LaneBits operator+(LaneBits a, LaneBits b) { return {a.first + b.first, a.second + b.second}; }
inline LaneBits operator&(LaneBits a, LaneBits b) { return {a.first & b.first, a.second & b.second}; }
inline LaneBits operator|(LaneBits a, LaneBits b) { return {a.first | b.first, a.second | b.second}; }
inline LaneBits operator~(LaneBits a) { return {~a.first, ~a.second}; }
inline LaneBits operator<<(LaneBits a, int n) { return {a.first << n, a.second << n}; }
inline LaneBits operator>>(LaneBits a, int n) { return {a.first >> n, a.second >> n}; }

#endif

template <class To, class From>
To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "of one size");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
inline LaneBits bits_of(Lanes x) { return same_bits<LaneBits>(x); }
inline Lanes lanes_of(LaneBits bits) { return same_bits<Lanes>(bits); }

inline Lanes load(const double* from) {
  Lanes x;
  std::memcpy(&x, from, sizeof x);
  return x;
}
inline void store(Lanes x, double* to) { std::memcpy(to, &x, sizeof x); }

/// a where the mask has its bits, b where not
inline Lanes choose(LaneBits mask, Lanes a, Lanes b) {
  return lanes_of((mask & bits_of(a)) | (~mask & bits_of(b)));
}
inline Lanes smaller(Lanes a, Lanes b) { return choose(below(b, a), b, a); }  ///< a where either is not a number
inline Lanes larger(Lanes a, Lanes b) { return choose(below(a, b), b, a); }
inline Lanes magnitude(Lanes a) { return lanes_of(bits_of(a) & spread_bits(~std::uint64_t{0} >> 1)); }

constexpr int mantissa_bits = 52;
constexpr std::uint64_t mantissa_mask = (std::uint64_t{1} << mantissa_bits) - 1;
constexpr double two_to_52 = 4503599627370496.0;

/// e of positive normal numbers 2^e m, 1 <= m < 2. The exponent's bits are those of 2^52 + 1023 + e with 2^52 beside.
inline Lanes exponent(Lanes x) {
  const LaneBits shifted = (bits_of(x) >> mantissa_bits) | bits_of(spread(two_to_52));
  return lanes_of(shifted) - spread(two_to_52 + 1023.0);
}
/// m
inline Lanes mantissa(Lanes x) {
  return lanes_of((bits_of(x) & spread_bits(mantissa_mask)) | bits_of(spread(1.0)));
}

/// c_0 + c_1 x + c_2 x^2 + ...; written out by the compiler, as a loop would take longer than its sums.
template <std::size_t K = 0, std::size_t N>
inline Lanes polynomial(const double (&c)[N], Lanes x) {
  if constexpr (K + 1 == N)
    return spread(c[K]);
  else
    return spread(c[K]) + x * polynomial<K + 1>(c, x);
}

// ln 2 in two parts: multiples of the first, which ends in zeros, are exact.
constexpr double log_2_high = 0.693147180369123816490, log_2_low = 1.90821492927058770002e-10;

/// exp(x) = 2^n exp(r), n the integer next to x / ln 2, with exp(r) = cosh r + sinh r by their series; to about one
/// unit in the last place. For x between -708 and 709, where the result is a normal number.
inline Lanes exp_within(Lanes x) {
  // 1 / (2k)! and 1 / (2k + 1)!; |r| < .35, so that the next terms are below 1e-17
  constexpr double even[] = {0.5, 1.0 / 24.0, 1.0 / 720.0, 1.0 / 40320.0, 1.0 / 3628800.0, 1.0 / 479001600.0};
  constexpr double odd[] = {1.0 / 6.0, 1.0 / 120.0, 1.0 / 5040.0, 1.0 / 362880.0, 1.0 / 39916800.0, 1.0 / 6227020800.0};
  const Lanes shift = spread(1.5 * two_to_52);  // adding it rounds to an integer, that is then in the last bits
  const Lanes shifted = x * spread(1.4426950408889634) + shift, n = shifted - shift;
  const Lanes r = (x - n * spread(log_2_high)) - n * spread(log_2_low), square = r * r;
  const Lanes value = spread(1.0) + (r + square * (polynomial(even, square) + r * polynomial(odd, square)));
  return value * lanes_of((bits_of(shifted) << mantissa_bits) + bits_of(spread(1.0)));
}

/// For any x: beyond these, what it is there.
inline Lanes exp(Lanes x) { return exp_within(smaller(larger(x, spread(-708.0)), spread(709.0))); }

/// log(x) = e ln 2 + log(m), log(m) = 2 atanh((m - 1) / (m + 1)), for positive normal numbers; to about two units in
/// the last place.
inline Lanes log(Lanes x) {
  constexpr double odd[] = {1.0 / 3.0,  1.0 / 5.0,  1.0 / 7.0,  1.0 / 9.0,  1.0 / 11.0,
                            1.0 / 13.0, 1.0 / 15.0, 1.0 / 17.0, 1.0 / 19.0, 1.0 / 21.0};
  Lanes e = exponent(x), m = mantissa(x);
  const LaneBits large = below(spread(1.4142135623730951), m);
  m = choose(large, m * spread(0.5), m);
  e = choose(large, e + spread(1.0), e);
  const Lanes s = (m - spread(1.0)) / (m + spread(1.0)), square = s * s;  // |s| < .172
  const Lanes log_mantissa = spread(2.0) * (s + s * square * polynomial(odd, square));
  return e * spread(log_2_high) + (log_mantissa + e * spread(log_2_low));
}

}  // namespace glimmer

#endif
