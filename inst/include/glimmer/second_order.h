// Second-order Laplace: Laplace's l and the next terms of its expansion, eps (Shun and McCullagh 1995, JRSS B 57:749).
// With K = Lambda H^-1 Lambda', v = diag(Z K Z'), t = Z'(d3 o v) and c_rs = z_r'K z_s
//
//   eps = - sum d4 v^2 / 8 + t'K t / 8 + sum_rs d3_r d3_s c_rs^3 / 12 ,
//
// a sum over rows of E_r = - d4 v^2 / 8 + d3 v (Z K t) / 8 + d3_r sum_s d3_s c_rs^3 / 12. Each level j has a part e_j
// of it: a row's E_r belongs to its levels as z_rj'(K z_r)_j does to v_r. As l + eps has no bound in the variances, the
// damped form
//
//   A = l + sum_j e_j / (1 + |e_j| / 0.3)
//
// is what is to be maximised (calibrated on crossed factors against maximum likelihood). Either form's gradient is that
// of sum_j w_j e_j, w_j the slope of what becomes of e_j held fixed: with D = diag(w), m_r = z_r'D K z_r, g = m / v,
//
//   sum_j w_j e_j = sum_r g_r E_r ,
//
// and what this is in K, d3 and d4 reaches H by -H^-1 (Lambda'Kbar Lambda) H^-1, and Lambda by 2 Kbar Lambda H^-1.
#ifndef GLIMMER_SECOND_ORDER_H
#define GLIMMER_SECOND_ORDER_H

#include <memory>

#include "crossed_cubic_sum.h"
#include "laplace.h"

namespace glimmer {

/// What second order says of an approximation: the sum of eps's terms in size, and how many effects the data inform,
/// sum over levels of tr(Q (Q + I)^-1), Q = Lambda'Z'WZ Lambda of the level.
struct SecondOrderSize {
  double laplace, correction, damped, size, informed;
};

class SecondOrder : public Integral {
 public:
  /// The largest component, beyond which its dense matrices would not be kept.
  static constexpr Index most_effects = 5000;
  static constexpr double damping = 0.3;

  SecondOrder(const Data& data, BlockSystem& system, Laplace& laplace)
      : data_(data), system_(system), laplace_(laplace), components_(data.factors),
        points_(data.factors, components_) {
    if (data.active.size() > 1)
      throw std::invalid_argument("second order is for random effects in the first predictor alone");
    if (components_.largest() > most_effects)
      throw std::invalid_argument("second order is for at most " + std::to_string(most_effects) +
                                  " effects that have to do with each other");
    for (Index c = 0; c < components_.count(); ++c) cubic_.push_back(make_cubic_sum(c));
    rows_.d3.assign(1, Vector(data.rows()));
    rows_.d4.assign(1, Vector(data.rows()));
  }

  /// Whether the parts of eps are damped, from now on; they are at first.
  void set_damped(bool damped) { damped_ = damped; }

  int order() const override { return 5; }

  Value value(const Point& point) override {
    const Value first = laplace_.value(point);
    if (first.status != Status::ok) return first;
    sum_rows(point);
    G_ = components_.inverse(system_, data_.threads);
    K_.clear();
    found_ = {first.value, 0.0, 0.0, 0.0, informed(point)};
    v_.resize(points_.count()), cubes_.resize(points_.count()), terms_.resize(points_.count());
    t_.clear(), Kt_.clear(), parts_.clear();
    for (Index c = 0; c < components_.count(); ++c) {
      const Matrix half = components_.times_lambda(c, G_[at(c)], true);
      K_.push_back(components_.times_lambda(c, half.transpose(), true));
      find_parts(c);
    }
    return Value(found_.laplace + (damped_ ? found_.damped : found_.correction));
  }

  void adjoint(const Point& point, Adjoint& out) override {
    laplace_.adjoint(point, out);
    Vector d3_bar(points_.count()), d4_bar(points_.count());
    std::vector<Matrix> M;  // Lambda'Kbar Lambda, then H^-1 times it
    for (Index c = 0; c < components_.count(); ++c) {
      const Matrix K_bar = slope(c, d3_bar, d4_bar);
      const Matrix scaled = components_.times_lambda(c, K_bar, false);
      add_lambda_bar(c, scaled, out);
      M.push_back(components_.times_lambda(c, scaled.transpose(), false));
    }
    components_.solve(system_, M, data_.threads);
    for (Matrix& own : M) own.transposeInPlace();
    subtract_from_H_bar(M, out.H_bar);
    out.d3_bar = points_.rows(d3_bar);
    out.d4_bar = points_.rows(d4_bar);
  }

  /// About how many operations a value with its gradient is, beside those of Laplace's.
  double operations() const {
    double sum = 4.0 * static_cast<double>(components_.largest() * system_.factor_entries());
    for (Index c = 0; c < components_.count(); ++c)
      sum += cubic_[at(c)]->operations() + 20.0 * std::pow(static_cast<double>(components_[c].size), 2);
    return sum;
  }

  /// Of the last value.
  const SecondOrderSize& found() const { return found_; }

 private:
  static std::size_t at(Index c) { return static_cast<std::size_t>(c); }

  std::unique_ptr<CubicSum> make_cubic_sum(Index c) const {
    const Component& own = components_[c];
    Index first = 0;
    for (const Component::Level& level : own.levels) first += level.factor == own.levels[0].factor ? 1 : 0;
    if (CrossedCubicSum::fits(points_, points_.of(c), first))
      return std::make_unique<CrossedCubicSum>(points_, points_.of(c), first, own.size - first, data_.threads);
    return std::make_unique<SumOverPairs>(points_, points_.of(c), data_.interrupt);
  }

  /// d3, d4 and |d4| of the rows at the mode, summed by points.
  void sum_rows(const Point& point) {
    for_chunks(data_, [&](Index, Range chunk) {
      data_.density->evaluate(data_.responses, data_.rows_of(chunk), point.eta, 4, rows_);
    });
    d3_ = points_.sums(rows_.d3[0]);
    d4_ = points_.sums(rows_.d4[0]);
    size_of_d4_ = points_.sums(rows_.d4[0].cwiseAbs());
  }

  double informed(const Point& point) const {
    double sum = 0.0;
    for (Index k = 0; k < data_.factors.count(); ++k) {
      const Matrix& lambda = data_.factors.lambda(k);
      const Matrix identity = Matrix::Identity(lambda.cols(), lambda.cols());
      for (Index h = 0; h < data_.factors[k].levels; ++h) {
        const Matrix Q = lambda.transpose() * point.products.diagonal(k, h) * lambda;
        sum += Q.cwiseProduct((Q + identity).inverse()).sum();
      }
    }
    return sum;
  }

  /// The parts of eps that the levels of a component have, and what the gradient needs of them.
  void find_parts(Index c) {
    const Component& own = components_[c];
    const Range range = points_.of(c);
    const Matrix& K = K_[at(c)];
    const Vector ones = Vector::Ones(own.size);
    Vector t = Vector::Zero(own.size), parts = t;
    for (Index p = range.begin; p < range.end; ++p) {
      v_[p] = weighted_variance(p, K, ones);
      points_.add(p, d3_[p] * v_[p], t.data());
    }
    const Vector Kt = K * t, d3 = d3_.segment(range.begin, range.size());
    const Vector cubes = cubic_[at(c)]->sums(K, d3);
    cubes_.segment(range.begin, range.size()) = cubes;
    for (Index p = range.begin; p < range.end; ++p) {
      terms_[p] = -d4_[p] * v_[p] * v_[p] / 8.0 + d3_[p] * v_[p] * points_.dot(p, Kt.data()) / 8.0 +
                  d3_[p] * cubes_[p] / 12.0;
      found_.size += size_of_d4_[p] * v_[p] * v_[p] / 8.0;
      if (v_[p] > 0.0) add_shares(p, K, terms_[p] / v_[p], parts);
    }
    found_.size += t.dot(Kt) / 8.0 + d3.dot(cubes) / 12.0;
    add_up(own, parts);
    t_.push_back(t), Kt_.push_back(Kt);
  }

  /// parts += factor z_pj (K z_p)_j
  void add_shares(Index p, const Matrix& K, double factor, Vector& parts) const {
    for (Index e = 0; e < points_.width(); ++e) {
      const int effect = points_.effects(p)[e];
      parts[effect] += factor * points_.z(p)[e] * points_.dot(p, K.col(effect).data());
    }
  }

  /// From the parts of effects those of levels.
  void add_up(const Component& own, const Vector& parts) {
    Vector levels = Vector::Zero(static_cast<Index>(own.levels.size()));
    for (Index j = 0; j < parts.size(); ++j) levels[own.level_of_effect[at(j)]] += parts[j];
    found_.correction += levels.sum();
    found_.damped += (levels.array() / (1.0 + levels.array().abs() / damping)).sum();
    parts_.push_back(levels);
  }

  /// w of each effect of a component.
  Vector weights(Index c) const {
    const Component& own = components_[c];
    Vector w = Vector::Ones(own.size);
    for (Index j = 0; damped_ && j < own.size; ++j)
      w[j] = 1.0 / std::pow(1.0 + std::fabs(parts_[at(c)][own.level_of_effect[at(j)]]) / damping, 2);
    return w;
  }

  /// Kbar of a component, with the slopes in d3 and d4 of its points.
  Matrix slope(Index c, Vector& d3_bar, Vector& d4_bar) const {
    const Range range = points_.of(c);
    const Matrix& K = K_[at(c)];
    const Vector w = weights(c), d3 = d3_.segment(range.begin, range.size()), &t = t_[at(c)], &Kt = Kt_[at(c)];
    Vector g(range.size()), s = Vector::Zero(w.size());  // s = Z'(g o d3 o v)
    for (Index p = range.begin; p < range.end; ++p) {
      g[p - range.begin] = v_[p] > 0.0 ? weighted_variance(p, K, w) / v_[p] : 0.0;
      points_.add(p, g[p - range.begin] * d3_[p] * v_[p], s.data());
    }
    const Vector weighted = g.cwiseProduct(d3), cubes = cubic_[at(c)]->sums(K, weighted);
    const Vector Ks = K * s;
    Matrix K_bar = cubic_[at(c)]->slope(K, weighted, d3) / 12.0;
    const Matrix outer = s * t.transpose() / 16.0;
    K_bar += outer + outer.transpose();
    for (Index p = range.begin; p < range.end; ++p) {
      const double v = v_[p], own = g[p - range.begin];
      const double of_t = (own * points_.dot(p, Kt.data()) + points_.dot(p, Ks.data())) / 8.0;
      d4_bar[p] = -own * v * v / 8.0;
      d3_bar[p] = (own * cubes_[p] + cubes[p - range.begin]) / 12.0 + v * of_t;
      const double share = v > 0.0 ? terms_[p] / v : 0.0;
      add_to_slope(p, -own * d4_[p] * v / 4.0 - own * share + d3_[p] * of_t, share, w, K_bar);
    }
    return K_bar;
  }

  /// z_p'D K z_p
  double weighted_variance(Index p, const Matrix& K, const Vector& w) const {
    double sum = 0.0;
    for (Index e = 0; e < points_.width(); ++e) {
      const int effect = points_.effects(p)[e];
      sum += w[effect] * points_.z(p)[e] * points_.dot(p, K.col(effect).data());
    }
    return sum;
  }

  /// The derivative of v_bar v + m_bar m, at a point.
  void add_to_slope(Index p, double v_bar, double m_bar, const Vector& w, Matrix& K_bar) const {
    const int* effect = points_.effects(p);
    const double* z = points_.z(p);
    for (Index e = 0; e < points_.width(); ++e)
      for (Index f = 0; f < points_.width(); ++f)
        K_bar(effect[e], effect[f]) += z[e] * z[f] * (v_bar + 0.5 * m_bar * (w[effect[e]] + w[effect[f]]));
  }

  /// 2 Kbar Lambda H^-1, the blocks of the levels; `scaled` is Kbar Lambda.
  void add_lambda_bar(Index c, const Matrix& scaled, Adjoint& out) const {
    for (const Component::Level& own : components_[c].levels) {
      Matrix& bar = out.lambda_bar[at(own.factor)];
      bar += 2.0 * scaled.middleRows(own.start, bar.rows()) * G_[at(c)].middleCols(own.start, bar.cols());
    }
  }

  /// Hbar -= M H^-1 on the pattern of H, M transposed
  void subtract_from_H_bar(const std::vector<Matrix>& M, BlockMatrix& H_bar) const {
    const auto subtract = [&](Index c, Index row, Index column, auto block) {
      block -= M[at(c)].middleCols(row, block.rows()).transpose() * G_[at(c)].middleCols(column, block.cols());
    };
    for (Index c = 0; c < components_.count(); ++c)
      for (const Component::Level& own : components_[c].levels)
        subtract(c, own.start, own.start, H_bar.diagonal(own.factor, own.level));
    for (Index x = 0; x < data_.pattern.count(); ++x) {
      const Crossing& own = data_.pattern[x];
      for (Index j = 0; j < own.blocks(); ++j) {
        const Index first = own.level_first[at(j)], second = own.level_second[at(j)];
        subtract(components_.of(own.first, first), components_.place(own.first, first),
                 components_.place(own.second, second), H_bar.crossing(x, j));
      }
    }
  }

  const Data& data_;
  BlockSystem& system_;
  Laplace& laplace_;
  const Components components_;
  const EffectPoints points_;
  std::vector<std::unique_ptr<CubicSum>> cubic_;  ///< by component
  bool damped_ = true;

  RowDerivatives rows_;
  Vector d3_, d4_, size_of_d4_;       ///< by point
  Vector v_, cubes_, terms_;          ///< by point: v, sum_s d3_s c_rs^3, E
  std::vector<Matrix> G_, K_;         ///< by component: H^-1 and Lambda H^-1 Lambda'
  std::vector<Vector> t_, Kt_, parts_;
  SecondOrderSize found_ = {0.0, 0.0, 0.0, 0.0, 0.0};
};

}  // namespace glimmer

#endif
