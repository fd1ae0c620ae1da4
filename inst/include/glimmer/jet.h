// Truncated Taylor series in eta: a log-density written once with jets has all its derivatives, exact to
// round-off, to the order that the caller asks for. (Griewank and Walther 2008, Evaluating Derivatives,
// chapter 13: the recurrences for product, quotient, exp and log.) Those named *_of are functions of eta itself:
// each coefficient is a multiple of the last, so that none is lost to cancellation, nor to overflow of another.
// Series in several variables are in joint_jet.h. `inline` is for the compiler, which in a unit with many densities
// would otherwise call even sums: half as much time again for a row.
#ifndef GLIMMER_JET_H
#define GLIMMER_JET_H

#include <array>
#include <cmath>
#include <utility>

namespace glimmer {

/// A series in M variables to total order K; in one variable c[k] = (d^k f / d eta^k) / k!, k = 0..K
template <int K, int M = 1>
struct Jet;

template <int K>
struct Jet<K, 1> {
  static constexpr int order = K, variables = 1;
  std::array<double, K + 1> c{};

  Jet() = default;
  explicit Jet(double constant) { c[0] = constant; }

  /// The variable itself: value eta, first derivative 1.
  static Jet variable(double eta) {
    Jet x(eta);
    if (K > 0) x.c[1] = 1.0;
    return x;
  }

  double value() const { return c[0]; }

  Jet& operator+=(const Jet& other) {
    for (int k = 0; k <= K; ++k) c[k] += other.c[k];
    return *this;
  }
  Jet& operator-=(const Jet& other) {
    for (int k = 0; k <= K; ++k) c[k] -= other.c[k];
    return *this;
  }
  Jet& operator*=(double factor) {
    for (int k = 0; k <= K; ++k) c[k] *= factor;
    return *this;
  }
  Jet& operator+=(double constant) {
    c[0] += constant;
    return *this;
  }
};

template <int K> inline Jet<K> operator+(Jet<K> a, const Jet<K>& b) { return a += b; }
template <int K> inline Jet<K> operator-(Jet<K> a, const Jet<K>& b) { return a -= b; }
template <int K> inline Jet<K> operator*(Jet<K> a, double b) { return a *= b; }
template <int K> inline Jet<K> operator*(double b, Jet<K> a) { return a *= b; }
template <int K> inline Jet<K> operator+(Jet<K> a, double b) { return a += b; }
template <int K> inline Jet<K> operator-(Jet<K> a, double b) { return a += -b; }
template <int K> inline Jet<K> operator-(Jet<K> a) { return a *= -1.0; }

/// sum_j a_j b_{k-j}, written out, so that the compiler knows every place: half the time of a loop.
template <int K, std::size_t... j>
inline double coefficient_of_product(const Jet<K>& a, const Jet<K>& b, std::index_sequence<j...>) {
  return (... + (a.c[j] * b.c[sizeof...(j) - 1 - j]));
}
template <int K, std::size_t... k>
inline Jet<K> product_of(const Jet<K>& a, const Jet<K>& b, std::index_sequence<k...>) {
  Jet<K> out;
  ((out.c[k] = coefficient_of_product(a, b, std::make_index_sequence<k + 1>())), ...);
  return out;
}

template <int K>
inline Jet<K> operator*(const Jet<K>& a, const Jet<K>& b) {
  return product_of(a, b, std::make_index_sequence<K + 1>());
}

template <int K>
inline Jet<K> operator/(const Jet<K>& a, const Jet<K>& b) {
  Jet<K> out;
  for (int k = 0; k <= K; ++k) {
    double sum = a.c[k];
    for (int j = 1; j <= k; ++j) sum -= b.c[j] * out.c[k - j];
    out.c[k] = sum / b.c[0];
  }
  return out;
}

template <int K>
inline Jet<K> reciprocal(const Jet<K>& a) {
  return Jet<K>(1.0) / a;
}

/// The higher coefficients of e = exp(a), given e.c[0]: k e_k = sum_j j a_j e_{k-j}
template <int K>
inline void exp_recurrence(const Jet<K>& a, Jet<K>& e, double exp_a0) {
  double lower = exp_a0;  // stands for e_0 where e.c[0] holds another value (expm1)
  for (int k = 1; k <= K; ++k) {
    double sum = k * a.c[k] * lower;
    for (int j = 1; j < k; ++j) sum += j * a.c[j] * e.c[k - j];
    e.c[k] = sum / k;
  }
}

template <int K>
inline Jet<K> exp(const Jet<K>& a) {
  Jet<K> e(std::exp(a.c[0]));
  exp_recurrence(a, e, e.c[0]);
  return e;
}

template <int K>
inline Jet<K> expm1(const Jet<K>& a) {
  Jet<K> e(std::expm1(a.c[0]));
  exp_recurrence(a, e, std::exp(a.c[0]));
  return e;
}

/// log(a), its value given by the caller where log(a.c[0]) would lose digits.
template <int K>
inline Jet<K> log_with_value(const Jet<K>& a, double log_a0) {
  Jet<K> l(log_a0);
  for (int k = 1; k <= K; ++k) {
    double sum = k * a.c[k];
    for (int j = 1; j < k; ++j) sum -= j * l.c[j] * a.c[k - j];
    l.c[k] = sum / (k * a.c[0]);
  }
  return l;
}

template <int K>
inline Jet<K> log(const Jet<K>& a) {
  return log_with_value(a, std::log(a.c[0]));
}

template <int K>
inline Jet<K> square(const Jet<K>& a) {
  return a * a;
}

template <int K>
inline Jet<K> sqrt(const Jet<K>& a) {
  Jet<K> r(std::sqrt(a.c[0]));
  for (int k = 1; k <= K; ++k) {
    double sum = a.c[k];
    for (int j = 1; j < k; ++j) sum -= r.c[j] * r.c[k - j];
    r.c[k] = sum / (2.0 * r.c[0]);
  }
  return r;
}

/// exp(rate eta), given its value
template <int K>
inline Jet<K> exp_with_value(double value, double rate = 1.0) {
  Jet<K> e(value);
  for (int k = 1; k <= K; ++k) e.c[k] = e.c[k - 1] * rate / k;
  return e;
}
template <int K>
inline Jet<K> exp_of(double eta, double rate = 1.0) {
  return exp_with_value<K>(std::exp(rate * eta), rate);
}

/// eta^exponent, its value given by the caller, who has it without pow()
template <int K>
inline Jet<K> power_of(double eta, double exponent, double value) {
  Jet<K> p(value);
  for (int k = 1; k <= K; ++k) p.c[k] = p.c[k - 1] * ((exponent - k + 1) / k) / eta;
  return p;
}

/// log(eta)
template <int K>
inline Jet<K> log_of(double eta) {
  Jet<K> l(std::log(eta));
  double power = 1.0;
  for (int k = 1; k <= K; ++k) {
    power /= eta;
    l.c[k] = (k % 2 == 1 ? power : -power) / k;
  }
  return l;
}

/// g(-eta), from the series of g about -eta
template <int K>
inline Jet<K> reflected(Jet<K> a) {
  for (int k = 1; k <= K; k += 2) a.c[k] = -a.c[k];
  return a;
}

}  // namespace glimmer

#endif
