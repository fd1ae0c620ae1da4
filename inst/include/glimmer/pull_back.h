// The one pull-back: from the adjoints of an Integral to the gradient in beta, Lambda and phi.
//
//   wbar_i = a_i' Hbar a_i ,  s = wbar d3 + d3bar d4 + d4bar d5 ,  lambda = H^-1 (ubar + A's) ,  e = s - W A lambda
//   dl/dbeta   = X'(etabar + e)
//   dl/dLambda = Z'e u^' + Z'd1 lambda' + 2 Z'WA Hbar + Lambdabar
//   dl/dphi    = phibar + sum wbar dw/dphi + sum d3bar d(d3)/dphi + sum d4bar d(d4)/dphi + sum (a_i'lambda) d(d1)/dphi
//
// With beta in the inner iteration (the joint method) lambda solves the system with beta in it, and the
// derivative in beta vanishes. Where beta is integrated out too (REML), A* = [A X] stands for A in wbar and in
// Z'WA Hbar, of which Lambda takes the columns of u. With V and B of the bordered system and X~ = X - A V this adds
//
//   to wbar_i:  -x~_i' B^-1 x~_i / 2      to dl/dLambda:  Z'W X~ B^-1 V'
//
// (Wood 2011, JRSS B 73:3, and Skaug and Fournier 2006, CSDA 51:699, use the same
// implicit differentiation of the mode.)
#ifndef GLIMMER_PULL_BACK_H
#define GLIMMER_PULL_BACK_H

#include "fixed_effects.h"
#include "block_products.h"
#include "integral.h"

namespace glimmer {

struct Gradient {
  Vector beta, theta;
  double phi = 0.0;
};

class PullBack {
 public:
  PullBack(const Data& data, const BlockSystem& system)
      : data_(data), system_(system), scaled_(data.factors, data.pattern), lambda_(data.factors.size()),
        scaled_lambda_(lambda_), sums_(lambda_) {}

  /// `fixed` is null, or the fixed effects that take part in the inner iteration.
  Gradient operator()(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    scale_blocks(adjoint.H_bar);
    set_border(point, fixed);
    lambda_.setZero();
    sums_.setZero();
    beta_parts_.setZero(data_.X().cols(), static_cast<Index>(data_.partition.chunks().size()));
    Gradient out;
    const double phi_bar = data_.factors.separate_levels() && !fixed ? by_chunks(point, adjoint)
                                                                     : by_passes(point, adjoint, fixed);
    out.phi = adjoint.phi_bar + phi_bar;
    out.beta = beta_parts_.rowwise().sum();
    out.theta = Vector::Zero(data_.factors.theta_count());
    for (Index k = 0; k < data_.factors.count(); ++k)
      data_.factors.pull_back(k, lambda_bar(k, point, adjoint), out.theta);
    return out;
  }

  /// The gradient of the Laplace approximation by clusters of rows, a row a cluster: after the gradient at the same
  /// point, with beta given. No effect may belong to two clusters.
  Matrix scores(const Point& point, const Integers& cluster_of_row, Index clusters, const Adjoint& adjoint) const {
    const Index p = data_.X().cols(), theta = data_.factors.theta_count();
    Matrix out = Matrix::Zero(clusters, p + theta + (data_.density->has_dispersion() ? 1 : 0));
    for (const Range chunk : data_.partition.chunks()) add_row_scores(point, chunk, cluster_of_row, out);
    for (Index k = 0; k < data_.factors.count(); ++k) {
      const std::vector<Matrix> own = lambda_bars(k, point, adjoint, cluster_of_row, clusters);
      for (Index c = 0; c < clusters; ++c) {
        Vector theta_bar = Vector::Zero(theta);
        data_.factors.pull_back(k, own[static_cast<std::size_t>(c)], theta_bar);
        out.row(c).segment(p, theta) += theta_bar.transpose();
      }
    }
    return out;
  }

 private:
  /// Of a chunk what reaches beta and phi row by row: d1 + e, and f_phi + wbar dw/dphi + (a'lambda) d(d1)/dphi.
  void add_row_scores(const Point& point, Range chunk, const Integers& cluster_of_row, Matrix& out) const {
    const Range rows = data_.rows_of(chunk);
    Vector w_bar, a_lambda = Vector::Zero(rows.size());
    weights_bar(chunk, w_bar);
    for (Index k = 0; k < data_.factors.count(); ++k)
      add_row_products(data_.factors[k], rows, scaled_lambda_.data() + data_.factors.start(k), a_lambda.data());
    const RowDerivatives& d = point.rows;
    for (Index i = rows.begin, j = 0; i < rows.end; ++i, ++j) {
      auto own = out.row(cluster_of_row[static_cast<std::size_t>(i)]);
      own.head(data_.X().cols()) += (d.d1[i] + w_bar[j] * d.d3[i] - d.w[i] * a_lambda[j]) * data_.X().row(i);
      if (data_.density->has_dispersion())
        own[own.size() - 1] += d.f_phi[i] + w_bar[j] * d.w_phi[i] + a_lambda[j] * d.d1_phi[i];
    }
  }

  /// The derivative in Lambda of factor k by clusters: that of each level goes to the cluster of its rows.
  std::vector<Matrix> lambda_bars(Index k, const Point& point, const Adjoint& adjoint, const Integers& cluster_of_row,
                                  Index clusters) const {
    const Factors& factors = data_.factors;
    const Index q = factors[k].effects();
    Integers cluster(static_cast<std::size_t>(factors[k].levels), 0);  // a level without rows adds nothing to any
    for (const Incidence& incidence : factors[k].incidences)
      for (std::size_t i = 0; i < cluster_of_row.size(); ++i)
        cluster[static_cast<std::size_t>(incidence.level[i])] = cluster_of_row[i];
    std::vector<Matrix> out(static_cast<std::size_t>(clusters), Matrix::Zero(q, q));
    const auto of_level = [&](Index h) -> Matrix& {
      return out[static_cast<std::size_t>(cluster[static_cast<std::size_t>(h)])];
    };
    for (Index h = 0; h < factors[k].levels; ++h) {
      const auto own = [&](const Vector& values) { return values.segment(factors.position(k, h), q); };
      of_level(h) += (own(sums_) + own(point.score)) * own(point.u).transpose();
      of_level(h) += own(point.score) * own(lambda_).transpose();
    }
    for_products_of_levels(factors, data_.pattern, k, point.products, adjoint.H_bar,
                           [&](Index h, const Matrix& product) { of_level(h) += 2.0 * product; });
    return out;
  }

  /// What an integral over beta adds: to each row's wbar, and the factors of Z'W X~ B^-1 V'.
  void set_border(const Point& point, const FixedEffects* fixed) {
    border_.resize(0);
    if (!fixed || !fixed->integrated()) return;
    const BorderedSystem& bordered = fixed->bordered();
    const Index p = data_.X().cols();
    Matrix scaled(data_.factors.size(), p), products = fixed->products();
    Vector moved;
    for (Index j = 0; j < p; ++j) {
      scaled.col(j) = data_.factors.scaled(bordered.V().col(j));
      multiply_blocks(data_.factors, data_.pattern, point.products, scaled.col(j), moved);
      products.col(j) -= moved;
    }
    left_ = bordered.times_root(products);
    right_ = bordered.times_root(bordered.V());
    border_.resize(data_.rows());
    for_chunks(data_, [&](Index, Range chunk) {
      const Range rows = data_.rows_of(chunk);
      Matrix eliminated = -data_.X().middleRows(rows.begin, rows.size());
      for (Index j = 0; j < p; ++j)
        for (Index k = 0; k < data_.factors.count(); ++k)
          add_row_products(data_.factors[k], rows, scaled.col(j).data() + data_.factors.start(k),
                           eliminated.col(j).data());
      border_.segment(rows.begin, rows.size()) = -0.5 * bordered.times_root(eliminated).rowwise().squaredNorm();
    });
  }

  /// One factor: a chunk has all that its levels need. The part of dl/dphi that goes through the weights and the mode.
  double by_chunks(const Point& point, const Adjoint& adjoint) {
    Vector parts(static_cast<Index>(data_.partition.chunks().size()));
    for_chunks(data_, [&](Index c, Range chunk) {
      Vector s;
      parts[c] = derivatives_bar(point, adjoint, chunk, s);
      add_level_sums(data_.factors[0], data_.rows_of(chunk), s.data(), lambda_.data());
      pull_to_u(data_, 0, chunk, lambda_);
      const Index q = data_.factors[0].effects(), at = chunk.begin * q, size = chunk.size() * q;
      if (adjoint.mode_bar.size() > 0) lambda_.segment(at, size) += adjoint.mode_bar.segment(at, size);
      for (Index g = chunk.begin; g < chunk.end; ++g) system_.solve_level(g, lambda_.data() + g * q);
      Eigen::Map<const Matrix> lambda(lambda_.data() + at, q, chunk.size());
      Eigen::Map<Matrix>(scaled_lambda_.data() + at, q, chunk.size()).noalias() =
          data_.factors.lambda(0).lazyProduct(lambda);
      parts[c] += residuals(point, adjoint, nullptr, c, s);
    });
    return parts.sum();
  }

  /// Crossed factors, or fixed effects in the inner iteration: all rows before lambda, and all again after it.
  double by_passes(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    beta_lambda_.setZero(data_.X().cols());
    double phi_bar = 0.0;
    Vector s;
    for (Range chunk : data_.partition.chunks()) {
      const Range rows = data_.rows_of(chunk);
      phi_bar += derivatives_bar(point, adjoint, chunk, s);
      for (Index k = 0; k < data_.factors.count(); ++k)
        add_level_sums(data_.factors[k], rows, s.data(), lambda_.data() + data_.factors.start(k));
      // at the joint mode X'd1 = 0, so that this is what reaches beta's mode beyond it
      if (fixed && adjoint.eta_bar.size() > 0) s += adjoint.eta_bar.segment(rows.begin, rows.size());
      if (fixed) beta_lambda_.noalias() += data_.X().middleRows(rows.begin, rows.size()).transpose() * s;
    }
    solve_lambda(adjoint, fixed);
    scaled_lambda_ = data_.factors.scaled(lambda_);
    for (std::size_t c = 0; c < data_.partition.chunks().size(); ++c) {
      derivatives_bar(point, adjoint, data_.partition.chunks()[c], s);
      phi_bar += residuals(point, adjoint, fixed, static_cast<Index>(c), s);
    }
    return phi_bar;
  }

  /// Lambda_k Hbar_kl Lambda_l': Hbar on the scale of b, so that wbar_i needs only the row of Z.
  void scale_blocks(const BlockMatrix& H_bar) {
    const Factors& factors = data_.factors;
    for (Index k = 0; k < factors.count(); ++k) {
      const Matrix& lambda = factors.lambda(k);
      if (lambda.size() == 1) {
        scaled_.diagonal_values(k) = lambda(0, 0) * lambda(0, 0) * H_bar.diagonal_values(k);
        continue;
      }
      for (Index h = 0; h < factors[k].levels; ++h)
        sandwich(lambda, H_bar.diagonal(k, h), lambda.transpose(), scaled_.diagonal(k, h));
    }
    for (Index c = 0; c < data_.pattern.count(); ++c) {
      const Crossing& x = data_.pattern[c];
      if (factors.lambda(x.first).size() == 1 && factors.lambda(x.second).size() == 1) {
        const double factor = factors.lambda(x.first)(0, 0) * factors.lambda(x.second)(0, 0);
        scaled_.crossing_values(c) = factor * H_bar.crossing_values(c);
        continue;
      }
      for (Index j = 0; j < x.blocks(); ++j)
        sandwich(factors.lambda(x.first), H_bar.crossing(c, j), factors.lambda(x.second).transpose(),
                 scaled_.crossing(c, j));
    }
  }

  /// On a chunk: s; the part of dl/dphi that goes through W, d3 and d4.
  double derivatives_bar(const Point& point, const Adjoint& adjoint, Range chunk, Vector& s) const {
    const Range rows = data_.rows_of(chunk);
    const auto own = [&](const Vector& values) { return values.segment(rows.begin, rows.size()); };
    weights_bar(chunk, s);
    double phi_bar = data_.density->has_dispersion() ? s.dot(own(point.rows.w_phi)) : 0.0;
    s.array() *= own(point.rows.d3).array();
    if (adjoint.d3_bar.size() > 0) {
      s.array() += own(adjoint.d3_bar).array() * own(point.rows.d4).array();
      if (data_.density->has_dispersion()) phi_bar += own(adjoint.d3_bar).dot(own(point.rows.d3_phi));
    }
    if (adjoint.d4_bar.size() > 0) {
      s.array() += own(adjoint.d4_bar).array() * own(point.rows.d5).array();
      if (data_.density->has_dispersion()) phi_bar += own(adjoint.d4_bar).dot(own(point.rows.d4_phi));
    }
    return phi_bar;
  }

  /// On a chunk: wbar_i
  void weights_bar(Range chunk, Vector& s) const {
    const Range rows = data_.rows_of(chunk);
    s.setZero(rows.size());
    for_meetings(data_, scaled_, [&](const Incidence& first, const Incidence& second, const Integers& block_of_row,
                                     const double* values, double times) {
      add_quadratic_forms(first, second, block_of_row, rows, values, times, s.data());
    });
    if (border_.size() > 0) s += border_.segment(rows.begin, rows.size());
  }

  /// lambda = H^-1 (ubar + A's), from Z's
  void solve_lambda(const Adjoint& adjoint, const FixedEffects* fixed) {
    pull_to_u(data_, lambda_);
    if (adjoint.mode_bar.size() > 0) lambda_ += adjoint.mode_bar;
    if (!fixed) return system_.solve(lambda_);
    fixed->solve(lambda_, beta_lambda_);
  }

  /// On a chunk: e = s - W A lambda in place of s, Z'e into sums_ and X'(etabar + e) into its part of dl/dbeta; the
  /// part of dl/dphi that goes through the mode.
  double residuals(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed, Index c, Vector& s) {
    const Range rows = data_.rows_of(data_.partition.chunks()[static_cast<std::size_t>(c)]);
    const auto X = data_.X().middleRows(rows.begin, rows.size());
    Vector a_lambda = Vector::Zero(rows.size());
    if (fixed) a_lambda.noalias() = X * beta_lambda_;
    for (Index k = 0; k < data_.factors.count(); ++k)
      add_row_products(data_.factors[k], rows, scaled_lambda_.data() + data_.factors.start(k), a_lambda.data());
    const double phi_bar =
        data_.density->has_dispersion() ? a_lambda.dot(point.rows.d1_phi.segment(rows.begin, rows.size())) : 0.0;
    s.array() -= point.rows.w.segment(rows.begin, rows.size()).array() * a_lambda.array();
    for (Index k = 0; k < data_.factors.count(); ++k)
      add_level_sums(data_.factors[k], rows, s.data(), sums_.data() + data_.factors.start(k));
    if (fixed) return phi_bar;
    const Vector& eta_bar = adjoint.eta_bar.size() > 0 ? adjoint.eta_bar : point.rows.d1;
    s += eta_bar.segment(rows.begin, rows.size());
    beta_parts_.col(c).noalias() = X.transpose() * s;
    return phi_bar;
  }

  Matrix lambda_bar(Index k, const Point& point, const Adjoint& adjoint) const {
    const Factors& factors = data_.factors;
    const Index q = factors[k].effects(), levels = factors[k].levels, at = factors.start(k);
    Eigen::Map<const Matrix> Ze(sums_.data() + at, q, levels), u(point.u.data() + at, q, levels),
        score(point.score.data() + at, q, levels), lambda(lambda_.data() + at, q, levels);
    Matrix out = adjoint.lambda_bar[k];
    out.noalias() += Ze * u.transpose();
    out.noalias() += score * lambda.transpose();
    out += 2.0 * sum_of_products(factors, data_.pattern, k, point.products, adjoint.H_bar);
    for (Index j = 0; border_.size() > 0 && j < left_.cols(); ++j) {
      Eigen::Map<const Matrix> left(left_.col(j).data() + at, q, levels), right(right_.col(j).data() + at, q, levels);
      out.noalias() += left * right.transpose();
    }
    return out;
  }

  const Data& data_;
  const BlockSystem& system_;
  BlockMatrix scaled_;
  Vector lambda_, scaled_lambda_, beta_lambda_, sums_;
  Vector border_;         ///< n: what an integral over beta adds to wbar; empty: nothing
  Matrix left_, right_;   ///< Z'W X~ T and V T, T T' = B^-1
  Matrix beta_parts_;     ///< X'(etabar + e), a column a chunk
};

}  // namespace glimmer

#endif
