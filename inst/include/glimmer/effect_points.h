// The different rows of Z: equal ones are one point, as what second order needs of a row beyond its derivatives
// depends on its row of Z alone.
#ifndef GLIMMER_EFFECT_POINTS_H
#define GLIMMER_EFFECT_POINTS_H

#include "components.h"

namespace glimmer {

/// Each point has `width` numbers of its row of Z, and for each of them an effect of its component.
class EffectPoints {
 public:
  /// From the effects that enter the first predictor.
  EffectPoints(const Factors& factors, const Components& components) {
    for (Index k = 0; k < factors.count(); ++k)
      for (const Incidence& incidence : factors[k].incidences) width_ += incidence.effects();
    const Index n = factors.rows();
    Integers at(static_cast<std::size_t>(n * width_)), component(static_cast<std::size_t>(n));
    Vector z(n * width_);
    for (Index i = 0; i < n; ++i) {
      component[static_cast<std::size_t>(i)] =
          static_cast<int>(components.of(0, factors[0].first().level[static_cast<std::size_t>(i)]));
      fill_row(factors, components, i, at.data() + i * width_, z.data() + i * width_);
    }
    collapse(components.count(), component, at, z);
  }

  Index width() const { return width_; }
  Index count() const { return start_.back(); }
  /// Those of a component.
  Range of(Index c) const { return {start_[static_cast<std::size_t>(c)], start_[static_cast<std::size_t>(c) + 1]}; }
  const int* effects(Index p) const { return at_.data() + p * width_; }
  const double* z(Index p) const { return z_.data() + p * width_; }

  /// z_p'x, x over the effects of the component
  double dot(Index p, const double* x) const {
    double sum = 0.0;
    for (Index e = 0; e < width_; ++e) sum += z(p)[e] * x[effects(p)[e]];
    return sum;
  }
  /// x += factor z_p
  void add(Index p, double factor, double* x) const {
    for (Index e = 0; e < width_; ++e) x[effects(p)[e]] += factor * z(p)[e];
  }
  /// out = K z_p
  void times(const Matrix& K, Index p, Vector& out) const {
    out = z(p)[0] * K.col(effects(p)[0]);
    for (Index e = 1; e < width_; ++e) out += z(p)[e] * K.col(effects(p)[e]);
  }

  /// Sums over the rows of each point, and back from each point to its rows.
  Vector sums(const Vector& rows) const {
    Vector out = Vector::Zero(count());
    for (Index i = 0; i < rows.size(); ++i) out[of_row_[static_cast<std::size_t>(i)]] += rows[i];
    return out;
  }
  Vector rows(const Vector& points) const {
    Vector out(static_cast<Index>(of_row_.size()));
    for (Index i = 0; i < out.size(); ++i) out[i] = points[of_row_[static_cast<std::size_t>(i)]];
    return out;
  }

 private:
  static void fill_row(const Factors& factors, const Components& components, Index i, int* at, double* z) {
    for (Index k = 0; k < factors.count(); ++k)
      for (const Incidence& incidence : factors[k].incidences)
        for (Index e = 0; e < incidence.effects(); ++e) {
          *at++ = static_cast<int>(components.place(k, incidence.level[static_cast<std::size_t>(i)]) + e);
          *z++ = incidence.Z.row(i)[e];
        }
  }

  /// Sorts by component, effects and z; keeps one of equal rows.
  void collapse(Index components, const Integers& component, const Integers& at, const Vector& z) {
    const auto order = [&](int a, int b) {
      if (component[a] != component[b]) return component[a] < component[b] ? -1 : 1;
      for (Index e = 0; e < width_; ++e) {
        const int x = at[a * width_ + e], y = at[b * width_ + e];
        if (x != y) return x < y ? -1 : 1;
      }
      for (Index e = 0; e < width_; ++e) {
        const double x = z[a * width_ + e], y = z[b * width_ + e];
        if (x != y) return x < y ? -1 : 1;
      }
      return 0;
    };
    Integers rows(component.size());
    std::iota(rows.begin(), rows.end(), 0);
    std::stable_sort(rows.begin(), rows.end(), [&](int a, int b) { return order(a, b) < 0; });
    of_row_.resize(rows.size());
    start_.assign(static_cast<std::size_t>(components) + 1, 0);
    Integers kept;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == 0 || order(rows[i - 1], rows[i]) != 0) {
        kept.push_back(rows[i]);
        ++start_[static_cast<std::size_t>(component[rows[i]]) + 1];
      }
      of_row_[rows[i]] = static_cast<int>(kept.size()) - 1;
    }
    std::partial_sum(start_.begin(), start_.end(), start_.begin());
    z_.resize(static_cast<Index>(kept.size()) * width_);
    for (std::size_t p = 0; p < kept.size(); ++p)
      for (Index e = 0; e < width_; ++e) {
        at_.push_back(at[kept[p] * width_ + e]);
        z_[static_cast<Index>(p) * width_ + e] = z[kept[p] * width_ + e];
      }
  }

  Index width_ = 0;
  Integers at_;
  Vector z_;
  Integers of_row_;
  Positions start_;
};

}  // namespace glimmer

#endif
