// Truncated Taylor series in several variables: what jet.h does for one. A function of one variable enters as a Jet<K>,
// with the digits that it has there, by lift() (of a variable) or compose() (of another series).
#ifndef GLIMMER_JOINT_JET_H
#define GLIMMER_JOINT_JET_H

#include <array>
#include <cmath>
#include <utility>

#include "jet.h"

namespace glimmer {

constexpr int binomial_coefficient(int n, int k) {
  int out = 1;
  for (int i = 1; i <= k; ++i) out = out * (n - k + i) / i;
  return out;
}

/// The monomials in M variables up to total order K, those of low order first: which powers each has, and of which
/// pairs each is the product.
template <int K, int M>
struct Monomials {
  static constexpr int count = binomial_coefficient(K + M, M), products = binomial_coefficient(K + 2 * M, 2 * M);
  using Powers = std::array<int, M>;

  std::array<Powers, count> powers{};
  std::array<std::array<int, K + 1>, M> alone{};  ///< where the powers of one variable are
  std::array<unsigned char, products> left{}, right{}, result{};

  constexpr Monomials() {
    int at = 0;
    for (int order = 0; order <= K; ++order) at = add_order(at, order);
    for (int a = 0; a < M; ++a)
      for (int k = 0; k <= K; ++k) {
        Powers power{};
        power[a] = k;
        alone[a][k] = position(power);
      }
    int product = 0;
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < count; ++j) {
        if (total(powers[i]) + total(powers[j]) > K) continue;
        Powers sum{};
        for (int a = 0; a < M; ++a) sum[a] = powers[i][a] + powers[j][a];
        left[product] = static_cast<unsigned char>(i);
        right[product] = static_cast<unsigned char>(j);
        result[product++] = static_cast<unsigned char>(position(sum));
      }
  }

  static constexpr int total(const Powers& p) {
    int sum = 0;
    for (int a = 0; a < M; ++a) sum += p[a];
    return sum;
  }
  constexpr int position(const Powers& wanted) const {
    for (int i = 0; i < count; ++i) {
      bool same = true;
      for (int a = 0; a < M; ++a) same = same && powers[i][a] == wanted[a];
      if (same) return i;
    }
    return -1;
  }

 private:
  /// All powers of one total order, those of the first variable falling.
  constexpr int add_order(int at, int order) {
    Powers p{};
    p[0] = order;
    while (true) {
      powers[at++] = p;
      int a = M - 2;
      while (a >= 0 && p[a] == 0) --a;
      if (a < 0) return at;
      const int rest = p[M - 1];
      p[M - 1] = 0;
      --p[a];
      p[a + 1] = rest + 1;
    }
  }
};

template <int K, int M>
inline constexpr Monomials<K, M> monomials{};

/// c[i] = derivative / product of the factorials of its powers, in the order of Monomials
template <int K, int M>
struct Jet {
  static constexpr int order = K, variables = M;
  std::array<double, Monomials<K, M>::count> c{};

  Jet() = default;
  explicit Jet(double constant) { c[0] = constant; }
  double value() const { return c[0]; }

  /// The derivative with these powers of the variables.
  double derivative(const typename Monomials<K, M>::Powers& powers) const {
    double factorial = 1.0;
    for (int power : powers)
      for (int k = 2; k <= power; ++k) factorial *= k;
    return factorial * c[static_cast<std::size_t>(monomials<K, M>.position(powers))];
  }

  Jet& operator+=(const Jet& other) {
    for (std::size_t i = 0; i < c.size(); ++i) c[i] += other.c[i];
    return *this;
  }
  Jet& operator-=(const Jet& other) {
    for (std::size_t i = 0; i < c.size(); ++i) c[i] -= other.c[i];
    return *this;
  }
  Jet& operator*=(double factor) {
    for (double& x : c) x *= factor;
    return *this;
  }
  Jet& operator+=(double constant) {
    c[0] += constant;
    return *this;
  }
};

template <int K, int M> Jet<K, M> operator+(Jet<K, M> a, const Jet<K, M>& b) { return a += b; }
template <int K, int M> Jet<K, M> operator-(Jet<K, M> a, const Jet<K, M>& b) { return a -= b; }
template <int K, int M> Jet<K, M> operator*(Jet<K, M> a, double b) { return a *= b; }
template <int K, int M> Jet<K, M> operator*(double b, Jet<K, M> a) { return a *= b; }
template <int K, int M> Jet<K, M> operator+(Jet<K, M> a, double b) { return a += b; }
template <int K, int M> Jet<K, M> operator-(Jet<K, M> a, double b) { return a += -b; }
template <int K, int M> Jet<K, M> operator-(Jet<K, M> a) { return a *= -1.0; }

/// The sum of products written out, so that the compiler knows every place: three times as fast as a loop.
template <int K, int M, std::size_t... at>
Jet<K, M> product_of(const Jet<K, M>& a, const Jet<K, M>& b, std::index_sequence<at...>) {
  constexpr const Monomials<K, M>& table = monomials<K, M>;
  Jet<K, M> out;
  ((out.c[table.result[at]] += a.c[table.left[at]] * b.c[table.right[at]]), ...);
  return out;
}

template <int K, int M>
Jet<K, M> operator*(const Jet<K, M>& a, const Jet<K, M>& b) {
  constexpr const Monomials<K, M>& table = monomials<K, M>;
  if constexpr (table.products <= 128) return product_of(a, b, std::make_index_sequence<table.products>());
  Jet<K, M> out;
  for (std::size_t i = 0; i < table.left.size(); ++i)
    out.c[table.result[i]] += a.c[table.left[i]] * b.c[table.right[i]];
  return out;
}

/// The order that a series has in variable `at`: 0 where that is a constant.
template <class Series, int at>
inline constexpr int order_in = at < Series::variables ? Series::order : 0;

/// lift() and product_of_lifts() written out, like product_of().
template <class Series, int at, int K, std::size_t... k>
inline Series lift_of(const Jet<K>& one, std::index_sequence<k...>) {
  constexpr const auto& alone = monomials<K, Series::variables>.alone[at];
  Series out;
  ((out.c[static_cast<std::size_t>(alone[k])] = one.c[k]), ...);
  return out;
}

template <class Series, int first, int second, int K, std::size_t... i>
inline Series product_of_two(const Jet<K>& f, const Jet<K>& g, std::index_sequence<i...>) {
  constexpr const auto& powers = monomials<K, Series::variables>.powers;
  constexpr auto total = Monomials<K, Series::variables>::total;
  Series out;
  ((out.c[i] = powers[i][first] + powers[i][second] == total(powers[i])
                   ? f.c[static_cast<std::size_t>(powers[i][first])] * g.c[static_cast<std::size_t>(powers[i][second])]
                   : 0.0),
   ...);
  return out;
}

/// A function of variable `at` alone as a series in all; where there are not so many variables, a constant.
template <class Series, int at, int K>
inline Series lift(const Jet<K>& one) {
  if constexpr (at >= Series::variables) {
    return Series(one.value());
  } else {
    static_assert(K == Series::order, "a series of the same order");
    if constexpr (Series::variables == 1)
      return one;
    else
      return lift_of<Series, at>(one, std::make_index_sequence<K + 1>());
  }
}

/// lift<Series, first>(f) * lift<Series, second>(g)
template <class Series, int first, int second, int K, int L>
inline Series product_of_lifts(const Jet<K>& f, const Jet<L>& g) {
  if constexpr (first >= Series::variables)
    return f.value() * lift<Series, second>(g);
  else if constexpr (second >= Series::variables)
    return g.value() * lift<Series, first>(f);
  else
    return product_of_two<Series, first, second>(
        f, g, std::make_index_sequence<Monomials<K, Series::variables>::count>());
}

/// g(a), from the series of g about a.value()
template <int K, int M>
Jet<K, M> compose(const Jet<K>& g, Jet<K, M> a) {
  if constexpr (K == 0) {
    return Jet<K, M>(g.c[0]);
  } else {
    a.c[0] = 0.0;
    Jet<K, M> out = g.c[K] * a + g.c[K - 1];
    for (int k = K - 2; k >= 0; --k) out = out * a + g.c[k];
    return out;
  }
}

template <int K, int M> Jet<K, M> exp(const Jet<K, M>& a) { return compose(exp_of<K>(a.value()), a); }
template <int K, int M> Jet<K, M> log(const Jet<K, M>& a) { return compose(log_of<K>(a.value()), a); }
template <int K, int M> Jet<K, M> reciprocal(const Jet<K, M>& a) {
  return compose(power_of<K>(a.value(), -1.0, 1.0 / a.value()), a);
}

}  // namespace glimmer

#endif
