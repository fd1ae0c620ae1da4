// Series of differences of log-gamma functions, as families between the binomial or Poisson and a wider one have them:
// of G_y(t) = log Gamma(y + s) - log Gamma(s), s = exp(t), in t = log s, without cancellation at either end of s.
#ifndef GLIMMER_GAMMA_SERIES_H
#define GLIMMER_GAMMA_SERIES_H

#include <cstdint>

#include "joint_jet.h"
#include "special_functions.h"

namespace glimmer {

/// The series about r of k(r) = (1 + r) log(1 + r) - r; `ratio` is 1 + r.
template <int K>
Jet<K> excess_series(double r, double ratio) {
  const bool near = std::fabs(r) <= 0.25;
  Jet<K> out(near ? ratio * log1p_minus(r) + r * r : ratio * std::log(ratio) - r);
  const Jet<K> slope = log_with_value(Jet<K>::variable(ratio), near ? std::log1p(r) : std::log(ratio));
  for (int k = 0; k < K; ++k) out.c[k + 1] = slope.c[k] / (k + 1);
  return out;
}

/// Up to how many whole steps a sum takes the place of Stirling's formula.
inline bool is_short_sum(double y) { return y <= 30.0 && y == std::floor(y); }

/// log Gamma(c + s) in t, c > 0, by the recurrence Gamma(x + 1) = x Gamma(x) up to stirling_start: every derivative is
/// a multiple of s where s is small.
template <int K>
Jet<K> log_gamma_shifted(double c, double t) {
  const double s = std::exp(t), steps = steps_to_stirling(c + s);
  const Jet<K> log_last = log_shifted<K>(c + steps, t, s), size = exp_with_value<K>(s);
  Jet<K> out = stirling_series(c + steps + s, log_last) + (size + (c + steps - 0.5)) * log_last - size;
  out += 0.5 * log_2pi - c - steps;
  return steps == 0.0 ? out : out - log_of_product<K>(c, steps, s);
}

template <int K>
Jet<K> rising_rest(double y, double t);

/// G_y(t) - y t = sum_{j<y} log(1 + j / s) in t: small where s is large. In general, by Stirling's formula, s k(y / s)
/// and the difference of small remainders.
template <int K>
Jet<K> rising_remainder(double y, double t) {
  const double s = std::exp(t);
  if (!is_short_sum(y)) {
    if (y > 4.0 * s) return rising_rest<K>(y, t) - (y - 1.0) * Jet<K>::variable(t);
    const Jet<K> ratio = y * exp_of<K>(t, -1.0);
    return exp_with_value<K>(s) * compose(excess_series<K>(ratio.value(), 1.0 + ratio.value()), ratio) +
           gamma_remainder_difference<K>(y, t);
  }
  Jet<K> out;
  double product_less_one = 0.0, slope = 0.0;
  const double inverse = 1.0 / s;
  for (double j = 1.0; j < y; j += 1.0) {
    product_less_one += (1.0 + product_less_one) * (j * inverse);
    if constexpr (K >= 1) slope -= j / (j + s);
    add_log_shifted_slopes(j, s, out);
  }
  out.c[0] = product_less_one < 0.5 ? std::log1p(product_less_one) : std::log(1.0 + product_less_one);  // the faster
  if constexpr (K >= 1) out.c[1] = slope;
  return out;
}

/// G_y(t) - t = log Gamma(y + s) - log Gamma(1 + s) in t, y > 0: finite where s is small.
template <int K>
Jet<K> rising_rest(double y, double t) {
  const double s = std::exp(t);
  const bool few = is_short_sum(y);
  if (s >= 15.0 && (few || y <= 4.0 * s)) return rising_remainder<K>(y, t) + (y - 1.0) * Jet<K>::variable(t);
  return few ? log_of_product<K>(1.0, y - 1.0, s) : log_gamma_shifted<K>(y, t) - log_gamma_shifted<K>(1.0, t);
}

/// Series of counts, each made once as long as what they depend on beside the count stays the same.
template <int K>
class SeriesByCount {
 public:
  template <class Make>
  Jet<K> operator()(double y, Make make) const {
    if (!is_short_sum(y)) return make();
    const unsigned at = static_cast<unsigned>(y);
    if (!(known_ >> at & 1u)) {
      series_[at] = make();
      known_ |= 1u << at;
    }
    return series_[at];
  }
  void clear() { known_ = 0; }

 private:
  mutable std::uint32_t known_ = 0;  // of an object that one thread has
  mutable std::array<Jet<K>, 31> series_;
};

}  // namespace glimmer

#endif
