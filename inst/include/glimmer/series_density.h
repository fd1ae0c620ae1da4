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

/// Which derivative each coefficient of a series in M predictors is, as RowDerivatives has them: its order (0: none of
/// them), its place there, and by what the coefficient is to be multiplied.
template <int K, int M>
struct DerivativePlaces {
  static constexpr int count = Monomials<K, M>::count;
  std::array<int, count> order{};
  std::array<std::size_t, count> place{};
  std::array<double, count> factor{};

  constexpr DerivativePlaces() {
    for (int i = 1; i < count; ++i) {
      int in[K + 1] = {}, total = 0, last = 0;
      double factorial = 1.0;
      for (int a = 0; a < M; ++a)
        for (int k = 1; k <= monomials<K, M>.powers[i][a]; ++k) {
          factorial *= k;
          last = in[total++] = a;
        }
      if (total >= 4 && in[total - 2] != 0) continue;  // more than one of them in another predictor than the first
      order[i] = total;
      factor[i] = total == 1 ? 1.0 : -factorial;  // w = -f'', and what follows are its derivatives
      place[i] = static_cast<std::size_t>(last);
      if (total == 2) place[i] = pair_place(in[0], in[1]);
      if (total == 3) place[i] = triple_place(in[0], in[1], in[K < 3 ? 0 : 2]);
    }
  }
};

/// The log-density of rows, one after the other. Families that keep what rows have in common have one of their own.
template <class Family, class Series>
struct RowsOf {
  Series operator()(const Observation& o, const std::array<double, Family::predictors>& eta) {
    return Family::template log_density<Series>(o, eta);
  }
};

/// A family of m = Family::predictors predictors. It has constant(o), lower_eta(a), upper_eta(a), log_concave,
/// log_density<Series>(o, eta), eta an array of m numbers, Series = Jet<K, m>, or Jet<K> where only derivatives in the
/// first are asked for; and information(o, eta), the expected one in the first, or zero where it is not known.
template <class Family>
class SeriesDensity : public Density {
  static constexpr int m = Family::predictors;
  using Point = std::array<double, m>;

 public:
  int predictors() const override { return m; }
  double constant(const Observation& o) const override { return Family::constant(o); }
  double lower_eta(int a) const override { return Family::lower_eta(a); }
  double upper_eta(int a) const override { return Family::upper_eta(a); }
  bool log_concave() const override { return Family::log_concave; }

 private:
  void fill_rows(const Responses& responses, Range range, const Etas& etas, int order, RowDerivatives& out,
                 double* f) const override {
    fill(responses, range, etas, order, out, [&](Index i, double value) {
      if (f) f[i - range.begin] = value;
    });
  }

  void fill_levels(const Responses& responses, const Positions& first_row, Range levels, const Etas& etas, int order,
                   RowDerivatives& out, double* sums, double* sizes) const override {
    std::fill_n(sums, levels.size(), 0.0);
    std::fill_n(sizes, levels.size(), 0.0);
    Index level = levels.begin;
    fill(responses, {first_row[levels.begin], first_row[levels.end]}, etas, order, out, [&](Index i, double value) {
      while (first_row[level + 1] <= i) ++level;
      sums[level - levels.begin] += value;
      sizes[level - levels.begin] += std::fabs(value);
    });
  }

  void fill_expected_weights(const Responses& responses, Range range, const Etas& etas, Vector& out) const override {
    for (Index i = range.begin; i < range.end; ++i) {
      const double information = Family::information(responses[i], point_of(etas, i));
      out[i] = information > 0.0 && information < infinity ? information : 0.0;
    }
  }

  static Point point_of(const Etas& etas, Index i) {
    Point eta{};
    for (std::size_t a = 0; a < m; ++a) eta[a] = eta_of(etas[a], i);
    return eta;
  }

  /// Fills the derivatives, and calls visit(row, f).
  template <class Visit>
  static void fill(const Responses& responses, Range range, const Etas& etas, int order, RowDerivatives& out,
                   Visit visit) {
    switch (order) {
      case 0: return fill_each<0, 1>(responses, range, etas, out, visit);
      case 1: return fill_to<1>(responses, range, etas, out, visit);
      case 2: return fill_to<2>(responses, range, etas, out, visit);
      case 3: return fill_to<3>(responses, range, etas, out, visit);
      case 4: return fill_to<4>(responses, range, etas, out, visit);
      case 5: return fill_to<5>(responses, range, etas, out, visit);
      default: throw std::invalid_argument("derivatives are there to order 5");
    }
  }

  template <int K, class Visit>
  static void fill_to(const Responses& responses, Range range, const Etas& etas, RowDerivatives& out, Visit visit) {
    if (out.asks_beyond_first(K))
      fill_each<K, m>(responses, range, etas, out, visit);
    else
      fill_each<K, 1>(responses, range, etas, out, visit);
  }

  template <int K, int M, class Visit>
  static void fill_each(const Responses& responses, Range range, const Etas& etas, RowDerivatives& out, Visit visit) {
    static constexpr DerivativePlaces<K, M> places{};
    std::array<double*, places.count> to{};
    for (std::size_t c = 1; c < to.size(); ++c)
      to[c] = places.order[c] > 0 ? out.column(places.order[c], places.place[c]) : nullptr;
    RowsOf<Family, Jet<K, M>> rows;
    for (Index i = range.begin; i < range.end; ++i) {
      const Jet<K, M> l = log_density<Jet<K, M>>(rows, responses[i], point_of(etas, i));
      for (std::size_t c = 1; c < to.size(); ++c)
        if (to[c]) to[c][i - out.first] = places.factor[c] * l.c[c];
      visit(i, l.value());
    }
  }

  template <class Series>
  static Series log_density(RowsOf<Family, Series>& rows, const Observation& o, const Point& eta) {
    bool inside = true;
    for (int a = 0; a < m; ++a) inside = inside && eta[a] > Family::lower_eta(a) && eta[a] < Family::upper_eta(a);
    return inside ? usable(rows(o, eta)) : Series(-infinity);
  }
};

/// A family of a mean with a link, and a second predictor without bounds.
template <class Family, class Link>
struct MeanAndShape {
  static constexpr int predictors = 2;
  static constexpr bool log_concave = Traits<Family, Link>::log_concave;
  static double constant(const Observation& o) { return Family::constant(o); }
  static double lower_eta(int a) { return a == 0 ? Traits<Family, Link>::lower_eta : -infinity; }
  static double upper_eta(int a) { return a == 0 ? Traits<Family, Link>::upper_eta : infinity; }

  static double information(const Observation& o, const std::array<double, 2>& eta) {
    return Family::template information<Link>(o, eta[0], eta[1]);
  }
};

/// What depends on the second predictor alone is made anew where that is another one than in the row before.
template <class Family, class Link, class Series>
struct RowsOf<MeanAndShape<Family, Link>, Series> {
  typename Family::template Shape<order_in<Series, 1>> shape{0.0};

  Series operator()(const Observation& o, const std::array<double, 2>& eta) {
    if (eta[1] != shape.phi) shape.set(eta[1]);
    return Family::template log_density<Series, Link>(o, eta[0], shape);
  }
};

}  // namespace glimmer

#endif
