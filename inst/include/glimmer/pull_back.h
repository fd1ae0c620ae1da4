// The one pull-back: from the adjoints of an Integral to the gradient in the coefficients of all predictors and in
// Lambda. Of the predictors a, b, c, b and c are active:
//
//   wbar_bc = a_b' Hbar a_c ,  s_a = sum_bc wbar_bc d3_bca  (+ d3bar d4_a + d4bar d5_a) ,
//   lambda = H^-1 (ubar + sum_a A_a's_a) ,  e_a = s_a - sum_b W_ab A_b lambda
//   dl/dbeta_a = X_a'(etabar_a + e_a)
//   dl/dLambda = sum_a [ Z_a'e_a u^' + Z_a'd1_a lambda' ] + 2 sum_ab Z_a'W_ab A_b Hbar + Lambdabar
//
// With beta in the inner iteration (the joint method) lambda solves the system with beta in it, and the
// derivative in beta vanishes. Where beta is integrated out too (REML), A* = [A X] stands for A in wbar and in
// Z'WA Hbar, of which Lambda takes the columns of u. With V and B of the bordered system and X~_a = X - A_a V (X in the
// first predictor alone) this adds
//
//   to wbar_bc:  -x~_b' B^-1 x~_c / 2      to dl/dLambda:  Z'W X~ B^-1 V'
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
  std::vector<Vector> beta;  ///< by predictor
  Vector theta;
};

class PullBack {
 public:
  PullBack(const Data& data, const BlockSystem& system)
      : data_(data), system_(system), scaled_(data.factors, data.pattern), lambda_(data.factors.size()),
        scaled_lambda_(lambda_), sums_(lambda_), beta_parts_(data.predictors.size()) {}

  /// `fixed` is null, or the fixed effects that take part in the inner iteration.
  Gradient operator()(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    scale_blocks(adjoint.H_bar);
    set_border(point, fixed);
    lambda_.setZero();
    sums_.setZero();
    for (int a = 0; a < data_.predictor_count(); ++a)
      beta_parts_[static_cast<std::size_t>(a)].setZero(data_.predictor(a).X.columns(), chunk_count());
    if (data_.factors.separate_levels() && !fixed)
      by_chunks(point, adjoint);
    else
      by_passes(point, adjoint, fixed);
    Gradient out;
    for (int a = 0; a < data_.predictor_count(); ++a) out.beta.push_back(beta_gradient(a, adjoint));
    out.theta = Vector::Zero(data_.factors.theta_count());
    for (Index k = 0; k < data_.factors.count(); ++k)
      data_.factors.pull_back(k, lambda_bar(k, point, adjoint), out.theta);
    return out;
  }

  /// The gradient of the Laplace approximation by clusters of rows, a row a cluster: after the gradient at the same
  /// point, with beta given. No effect may belong to two clusters.
  Matrix scores(const Point& point, const Integers& cluster_of_row, Index clusters, const Adjoint& adjoint) const {
    const Index theta = data_.factors.theta_count();
    Matrix out = Matrix::Zero(data_.parameter_count(), clusters);
    for (const Range chunk : data_.partition.chunks()) add_row_scores(point, adjoint, chunk, cluster_of_row, out);
    for (Index k = 0; k < data_.factors.count(); ++k) {
      const std::vector<Matrix> own = lambda_bars(k, point, adjoint, cluster_of_row, clusters);
      for (Index c = 0; c < clusters; ++c) {
        Vector theta_bar = Vector::Zero(theta);
        data_.factors.pull_back(k, own[static_cast<std::size_t>(c)], theta_bar);
        out.col(c).segment(data_.X().columns(), theta) += theta_bar;
      }
    }
    return out.transpose();
  }

 private:
  Index chunk_count() const { return static_cast<Index>(data_.partition.chunks().size()); }

  /// X'(etabar + e) of predictor a, from all chunks.
  Vector beta_gradient(int a, const Adjoint& adjoint) const {
    Vector out = beta_parts_[static_cast<std::size_t>(a)].rowwise().sum();
    const Vector& total = adjoint.eta_bar[static_cast<std::size_t>(a)];
    if (data_.same_for_all(a) && total.size() == 1) data_.predictor(a).X.add_transposed({0, 1}, total.data(), out);
    return out;
  }

  /// Of a chunk what reaches the coefficients row by row: d1 + e.
  void add_row_scores(const Point& point, const Adjoint& adjoint, Range chunk, const Integers& cluster_of_row,
                      Matrix& out) const {
    const Range rows = data_.rows_of(chunk);
    const std::vector<Vector> w_bar = weights_bar(chunk), a_lambda = effects_of_lambda(rows, nullptr);
    for (int a = 0; a < data_.predictor_count(); ++a) {
      const Vector own = residual(a, point, rows, a_lambda, predictor_bar(a, point, adjoint, rows, w_bar)) +
                         point.d1(a).segment(rows.begin, rows.size());
      const Range place = data_.predictor(a).beta;
      for (Index i = rows.begin; i < rows.end; ++i)
        data_.predictor(a).X.add_transposed(
            {i, i + 1}, own.data() + (i - rows.begin),
            out.col(cluster_of_row[static_cast<std::size_t>(i)]).segment(place.begin, place.size()));
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
    border_.clear();
    if (!fixed || !fixed->integrated()) return;
    const BorderedSystem& bordered = fixed->bordered();
    const Index p = data_.X().columns();
    Matrix scaled(data_.factors.size(), p), products = fixed->products();
    Vector moved;
    for (Index j = 0; j < p; ++j) {
      scaled.col(j) = data_.factors.scaled(bordered.V().col(j));
      multiply_blocks(data_.factors, data_.pattern, point.products, scaled.col(j), moved);
      products.col(j) -= moved;
    }
    left_ = bordered.times_root(products);
    right_ = bordered.times_root(bordered.V());
    border_.resize(pair_place(0, data_.predictor_count()));
    for (int a : data_.active)
      for (int b : data_.active) border_[pair_place(a, b)].resize(data_.rows());
    for_chunks(data_, [&](Index, Range chunk) { set_border_of(data_.rows_of(chunk), scaled, bordered); });
  }

  /// -x~_b' B^-1 x~_c / 2, twice that where b and c differ; `scaled` is Lambda V.
  void set_border_of(Range rows, const Matrix& scaled, const BorderedSystem& bordered) {
    std::vector<Matrix> roots;
    for (int a : data_.active) {
      Matrix eliminated = Matrix::Zero(rows.size(), scaled.cols());
      if (a == 0) eliminated = -data_.X().copy(rows);
      for (Index j = 0; j < scaled.cols(); ++j)
        add_row_products(data_, a, rows, scaled.col(j).data(), eliminated.col(j).data());
      roots.push_back(bordered.times_root(eliminated));
    }
    for (std::size_t a = 0; a < roots.size(); ++a)
      for (std::size_t b = 0; b <= a; ++b)
        border_[pair_place(data_.active[a], data_.active[b])].segment(rows.begin, rows.size()) =
            (a == b ? -0.5 : -1.0) * roots[a].cwiseProduct(roots[b]).rowwise().sum();
  }

  /// One factor: a chunk has all that its levels need.
  void by_chunks(const Point& point, const Adjoint& adjoint) {
    for_chunks(data_, [&](Index c, Range chunk) {
      const Range rows = data_.rows_of(chunk);
      const std::vector<Vector> w_bar = weights_bar(chunk);
      for (int a : data_.active)
        add_level_sums(data_, a, rows, predictor_bar(a, point, adjoint, rows, w_bar).data(), lambda_.data());
      pull_to_u(data_, 0, chunk, lambda_);
      const Index q = data_.factors[0].effects(), at = chunk.begin * q, size = chunk.size() * q;
      if (adjoint.mode_bar.size() > 0) lambda_.segment(at, size) += adjoint.mode_bar.segment(at, size);
      for (Index g = chunk.begin; g < chunk.end; ++g) system_.solve_level(g, lambda_.data() + g * q);
      Eigen::Map<const Matrix> lambda(lambda_.data() + at, q, chunk.size());
      Eigen::Map<Matrix>(scaled_lambda_.data() + at, q, chunk.size()).noalias() =
          data_.factors.lambda(0).lazyProduct(lambda);
      add_residuals(point, adjoint, nullptr, c, w_bar);
    });
  }

  /// Crossed factors, or fixed effects in the inner iteration: all rows before lambda, and all again after it.
  void by_passes(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    beta_lambda_.setZero(data_.X().columns());
    for (Range chunk : data_.partition.chunks()) {
      const Range rows = data_.rows_of(chunk);
      const std::vector<Vector> w_bar = weights_bar(chunk);
      for (int a : data_.active) {
        Vector s = predictor_bar(a, point, adjoint, rows, w_bar);
        add_level_sums(data_, a, rows, s.data(), lambda_.data());
        if (!fixed || a > 0) continue;
        // at the joint mode X'd1 = 0, so that this is what reaches beta's mode beyond it
        if (adjoint.eta_bar[0].size() > 0) s += adjoint.eta_bar[0].segment(rows.begin, rows.size());
        data_.X().add_transposed(rows, s.data(), beta_lambda_);
      }
    }
    solve_lambda(adjoint, fixed);
    scaled_lambda_ = data_.factors.scaled(lambda_);
    for (Index c = 0; c < chunk_count(); ++c)
      add_residuals(point, adjoint, fixed, c, weights_bar(data_.partition.chunks()[static_cast<std::size_t>(c)]));
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

  /// s of a predictor on a range of rows.
  Vector predictor_bar(int a, const Point& point, const Adjoint& adjoint, Range rows,
                       const std::vector<Vector>& w_bar) const {
    const auto own = [&](const Vector& values) { return values.segment(rows.begin, rows.size()).array(); };
    Vector s = Vector::Zero(rows.size());
    for (int b : data_.active)
      for (int c : data_.active)
        if (c <= b) s.array() += w_bar[pair_place(b, c)].array() * own(point.d3(b, c, a));
    const std::size_t at = static_cast<std::size_t>(a);
    if (adjoint.d3_bar.size() > 0) s.array() += own(adjoint.d3_bar) * own(point.further.d4[at]);
    if (adjoint.d4_bar.size() > 0) s.array() += own(adjoint.d4_bar) * own(point.further.d5[at]);
    return s;
  }

  /// On a chunk: wbar by pair_place, both orders of a pair in one.
  std::vector<Vector> weights_bar(Range chunk) const {
    const Range rows = data_.rows_of(chunk);
    std::vector<Vector> w_bar(pair_place(0, data_.predictor_count()));
    for (int a : data_.active)
      for (int b : data_.active) w_bar[pair_place(a, b)].setZero(rows.size());
    for_meetings(data_, scaled_, [&](const Incidence& first, const Incidence& second, const Integers& block_of_row,
                                     const double* values, double times) {
      add_quadratic_forms(first, second, block_of_row, rows, values, times,
                          w_bar[pair_place(first.predictor, second.predictor)].data());
    });
    for (std::size_t place = 0; place < border_.size(); ++place)
      if (border_[place].size() > 0) w_bar[place] += border_[place].segment(rows.begin, rows.size());
    return w_bar;
  }

  /// A_b lambda of the active predictors on a range of rows, and X times beta's part of it.
  std::vector<Vector> effects_of_lambda(Range rows, const FixedEffects* fixed) const {
    std::vector<Vector> out(data_.predictors.size());
    for (int b : data_.active) {
      Vector& own = out[static_cast<std::size_t>(b)];
      own.setZero(rows.size());
      if (fixed && b == 0) data_.X().times(rows, beta_lambda_, own.data());
      add_row_products(data_, b, rows, scaled_lambda_.data(), own.data());
    }
    return out;
  }

  /// e = s - sum_b W_ab A_b lambda of a predictor on a range of rows.
  Vector residual(int a, const Point& point, Range rows, const std::vector<Vector>& a_lambda, Vector s) const {
    for (int b : data_.active)
      s.array() -= point.w(a, b).segment(rows.begin, rows.size()).array() *
                   a_lambda[static_cast<std::size_t>(b)].array();
    return s;
  }

  /// lambda = H^-1 (ubar + A's), from Z's
  void solve_lambda(const Adjoint& adjoint, const FixedEffects* fixed) {
    pull_to_u(data_, lambda_);
    if (adjoint.mode_bar.size() > 0) lambda_ += adjoint.mode_bar;
    if (!fixed) return system_.solve(lambda_);
    fixed->solve(lambda_, beta_lambda_);
  }

  /// On a chunk: Z'e into sums_, and X'(etabar + e) into its part of the derivative in beta.
  void add_residuals(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed, Index c,
                     const std::vector<Vector>& w_bar) {
    const Range rows = data_.rows_of(data_.partition.chunks()[static_cast<std::size_t>(c)]);
    const std::vector<Vector> a_lambda = effects_of_lambda(rows, fixed);
    for (int a = 0; a < data_.predictor_count(); ++a) {
      Vector e = residual(a, point, rows, a_lambda, predictor_bar(a, point, adjoint, rows, w_bar));
      if (data_.is_active(a)) add_level_sums(data_, a, rows, e.data(), sums_.data());
      if (fixed && a == 0) continue;
      const Vector& eta_bar = adjoint.eta_bar[static_cast<std::size_t>(a)];
      if (eta_bar.size() == 0)
        e += point.d1(a).segment(rows.begin, rows.size());
      else if (!data_.same_for_all(a))
        e += eta_bar.segment(rows.begin, rows.size());
      data_.predictor(a).X.add_transposed(rows, e.data(), beta_parts_[static_cast<std::size_t>(a)].col(c));
    }
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
    for (Index j = 0; !border_.empty() && j < left_.cols(); ++j) {
      Eigen::Map<const Matrix> left(left_.col(j).data() + at, q, levels), right(right_.col(j).data() + at, q, levels);
      out.noalias() += left * right.transpose();
    }
    return out;
  }

  const Data& data_;
  const BlockSystem& system_;
  BlockMatrix scaled_;
  Vector lambda_, scaled_lambda_, beta_lambda_, sums_;
  std::vector<Vector> border_;      ///< by pair_place, n: what an integral over beta adds to wbar; empty: nothing
  Matrix left_, right_;             ///< Z'W X~ T and V T, T T' = B^-1
  std::vector<Matrix> beta_parts_;  ///< by predictor: X'(etabar + e), a column a chunk
};

}  // namespace glimmer

#endif
