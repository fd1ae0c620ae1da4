// Densities of families whose log-density is written once, as a series in all of its linear predictors.
#ifndef GLIMMER_SERIES_DENSITY_H
#define GLIMMER_SERIES_DENSITY_H

#include <algorithm>

#include "density.h"
#include "family.h"
#include "joint_jet.h"

namespace glimmer {

/// Very far out numbers overflow, and differences of them are not numbers.
template <class Series>
Series usable(const Series& l) {
  const bool good =
      std::isfinite(l.value()) && std::none_of(l.c.begin(), l.c.end(), [](double x) { return std::isnan(x); });
  return good ? l : Series(-infinity);
}

/// A family of two predictors as a density in the first, eta, with the second for its phi: the same for every row.
template <class Family, class Link>
class SeriesDensity : public Density {
  using Pair = Traits<Family, Link>;

 public:
  bool has_dispersion() const override { return true; }
  double constant(const Observation& o) const override { return Family::constant(o); }
  double lower_eta() const override { return Pair::lower_eta; }
  double upper_eta() const override { return Pair::upper_eta; }
  bool log_concave() const override { return Pair::log_concave; }
  bool rows_add_up() const override { return false; }
  Observation sum_of(const Observation&, const Observation&) const override {
    throw std::logic_error("rows of a family with dispersion do not add up");
  }

  void evaluate(const Responses& responses, Range range, const Vector& eta, double phi, int order,
                RowDerivatives& out) const override {
    double* const f = out.f.size() > 0 ? out.f.data() + (range.begin - out.first) : nullptr;
    for (Index i = range.begin; i < range.end; ++i) {
      const double value = evaluate_row(responses[i], eta[i], phi, order, i - out.first, out);
      if (f) f[i - range.begin] = value;
    }
  }

  void evaluate_levels(const Responses& responses, const Positions& first_row, Range levels, const Vector& eta,
                       double phi, int order, RowDerivatives& out, double* sums, double* sizes) const override {
    for (Index level = levels.begin; level < levels.end; ++level) {
      double sum = 0.0, size = 0.0;
      for (Index i = first_row[level]; i < first_row[level + 1]; ++i) {
        const double f = evaluate_row(responses[i], eta[i], phi, order, i - out.first, out);
        sum += f;
        size += std::fabs(f);
      }
      sums[level - levels.begin] = sum;
      sizes[level - levels.begin] = size;
    }
  }

  void expected_weights(const Responses& responses, Range range, const Vector& eta, double phi,
                        Vector& out) const override {
    for (Index i = range.begin; i < range.end; ++i) {
      const double information = Family::template information<Link>(responses[i], eta[i], phi);
      out[i] = information > 0.0 && information < infinity ? information : 0.0;
    }
  }

 private:
  /// Fills the derivatives of a row at position `at`, and returns f.
  static double evaluate_row(const Observation& o, double eta, double phi, int order, Index at, RowDerivatives& out) {
    switch (order) {
      case 0: return in_eta<0>(o, eta, phi, at, out);
      case 1: return in_both<1>(o, eta, phi, at, out);
      case 2: return in_eta<2>(o, eta, phi, at, out);
      case 3: return in_both<3>(o, eta, phi, at, out);
      case 4: return in_both<4>(o, eta, phi, at, out);
      case 5: return in_both<5>(o, eta, phi, at, out);
      default: throw std::invalid_argument("derivatives are there to order 5");
    }
  }

  template <class Series>
  static Series log_density(const Observation& o, double eta, double phi) {
    const bool inside = eta > Pair::lower_eta && eta < Pair::upper_eta;
    return inside ? usable(Family::template log_density<Series, Link>(o, eta, phi)) : Series(-infinity);
  }

  template <int K>
  static double in_eta(const Observation& o, double eta, double phi, Index at, RowDerivatives& out) {
    const Jet<K> l = log_density<Jet<K>>(o, eta, phi);
    if constexpr (K >= 1) out.d1[at] = l.c[1];
    if constexpr (K >= 2) out.w[at] = -2.0 * l.c[2];
    return l.value();
  }

  template <int K>
  static double in_both(const Observation& o, double eta, double phi, Index at, RowDerivatives& out) {
    const Jet<K, 2> l = log_density<Jet<K, 2>>(o, eta, phi);
    Vector* const derivatives[] = {&out.d1, &out.w, &out.d3, &out.d4, &out.d5};
    Vector* const with_phi[] = {&out.f_phi, &out.d1_phi, &out.w_phi, &out.d3_phi, &out.d4_phi};
    constexpr Places<K> places{};
    double factorial = 1.0;
    for (int k = 0; k <= K; ++k) {
      factorial *= k > 1 ? k : 1;
      const double scale = k >= 2 ? -factorial : factorial;  // w = -f'', and what follows are its derivatives
      if (k > 0) (*derivatives[k - 1])[at] = scale * l.c[places.in_eta[k]];
      if (k < K) (*with_phi[k])[at] = scale * l.c[places.with_phi[k]];
    }
    return l.value();
  }

  /// Where a series has the powers of eta, and these times phi.
  template <int K>
  struct Places {
    std::array<std::size_t, K + 1> in_eta{}, with_phi{};
    constexpr Places() {
      for (int k = 0; k <= K; ++k) {
        in_eta[k] = static_cast<std::size_t>(monomials<K, 2>.position({k, 0}));
        if (k < K) with_phi[k] = static_cast<std::size_t>(monomials<K, 2>.position({k, 1}));
      }
    }
  };
};

/// A family of m = Family::predictors predictors. It has constant(o), lower_eta(a), upper_eta(a), and
/// log_density<Series>(o, eta), eta an array of m numbers, Series = Jet<K, m>.
template <class Family>
class JointSeriesDensity : public JointDensity {
  static constexpr int m = Family::predictors;

 public:
  int predictors() const override { return m; }
  double constant(const Observation& o) const override { return Family::constant(o); }
  double lower_eta(int a) const override { return Family::lower_eta(a); }
  double upper_eta(int a) const override { return Family::upper_eta(a); }

  void evaluate(const Responses& responses, Range range, const Etas& etas, int order,
                JointDerivatives& out) const override {
    switch (order) {
      case 0: return fill<0>(responses, range, etas, out);
      case 1: return fill<1>(responses, range, etas, out);
      case 2: return fill<2>(responses, range, etas, out);
      case 3: return fill<3>(responses, range, etas, out);
      default: throw std::invalid_argument("derivatives in several predictors are there to order 3");
    }
  }

 private:
  template <int K>
  static void fill(const Responses& responses, Range range, const Etas& etas, JointDerivatives& out) {
    for (Index i = range.begin; i < range.end; ++i) {
      std::array<double, m> eta{};
      bool inside = true;
      for (int a = 0; a < m; ++a) {
        eta[a] = etas[static_cast<std::size_t>(a)][i];
        inside = inside && eta[a] > Family::lower_eta(a) && eta[a] < Family::upper_eta(a);
      }
      Jet<K, m> l(-infinity);
      if (inside) l = usable(Family::template log_density<Jet<K, m>>(responses[i], eta));
      store(l, i - out.first, out);
    }
  }

  /// The derivative with these powers, one more for each predictor given, is the coefficient times their factorials.
  template <int K>
  static void store(const Jet<K, m>& l, Index at, JointDerivatives& out) {
    constexpr const Monomials<K, m>& table = monomials<K, m>;
    if (out.f.size() > 0) out.f[at] = l.value();
    for (std::size_t i = 1; i < table.powers.size(); ++i) {
      int in[3] = {}, order = 0;
      double factorial = 1.0;
      for (int a = 0; a < m; ++a)
        for (int k = 1; k <= table.powers[i][a]; ++k) {
          factorial *= k;
          in[order++] = a;
        }
      if (order == 1) out.d1[static_cast<std::size_t>(in[0])][at] = l.c[i];
      if (order == 2) out.w[pair_place(in[0], in[1])][at] = -factorial * l.c[i];
      if (order == 3) out.d3[triple_place(in[0], in[1], in[2])][at] = -factorial * l.c[i];
    }
  }
};

}  // namespace glimmer

#endif
