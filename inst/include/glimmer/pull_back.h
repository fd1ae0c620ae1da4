// The one pull-back: from the adjoints of an Integral to the gradient in beta, Lambda and phi.
//
//   wbar_i = a_i' Hbar a_i ,  s_i = wbar_i d3_i ,  lambda = H^-1 (ubar + A's) ,  e = s - W A lambda
//   dl/dbeta   = X'(etabar + e)
//   dl/dLambda = Z'e u^' + Z'd1 lambda' + 2 Z'WA Hbar + Lambdabar
//   dl/dphi    = phibar + sum wbar dw/dphi + sum (a_i'lambda) d(d1)/dphi
//
// With beta in the inner iteration (the joint method) lambda solves the system with beta in it, and the
// derivative in beta vanishes. (Wood 2011, JRSS B 73:3, and Skaug and Fournier 2006, CSDA 51:699, use the same
// implicit differentiation of the mode.)
#ifndef GLIMMER_PULL_BACK_H
#define GLIMMER_PULL_BACK_H

#include "fixed_effects.h"
#include "integral.h"

namespace glimmer {

struct Gradient {
  Vector beta, theta;
  double phi = 0.0;
};

class PullBack {
 public:
  PullBack(const Data& data, const BlockSystem& system)
      : data_(data), system_(system), scaled_(data.terms, data.pattern), s_(data.rows()), e_(data.rows()),
        a_lambda_(data.rows()),
        lambda_(data.terms.size()), sums_(data.terms.size()) {}

  /// `fixed` is null, or the fixed effects that take part in the inner iteration.
  Gradient operator()(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    Gradient out;
    out.phi = adjoint.phi_bar;
    scale_blocks(adjoint.H_bar);
    lambda_.setZero();
    const bool dispersion = data_.density->has_dispersion();
    const double through_w = sum_over_chunks(data_, [&](Range chunk) { return weights_bar(point, chunk); });
    solve_lambda(adjoint, fixed);
    if (fixed) a_lambda_ = data_.X * beta_lambda_;
    scaled_lambda_ = data_.terms.scaled(lambda_);
    sums_.setZero();
    const double through_mode = sum_over_chunks(data_, [&](Range chunk) { return residuals(point, fixed, chunk); });
    if (dispersion) out.phi += through_w + through_mode;
    out.beta = Vector::Zero(data_.X.cols());
    if (!fixed) out.beta = fixed_sums(data_, adjoint.eta_bar + e_);
    out.theta = Vector::Zero(data_.terms.theta_count());
    for (Index k = 0; k < data_.terms.count(); ++k)
      data_.terms.pull_back(k, lambda_bar(k, point, adjoint), out.theta);
    return out;
  }

 private:
  /// Lambda_k Hbar_kl Lambda_l': Hbar on the scale of b, so that wbar_i needs only the row of Z.
  void scale_blocks(const BlockMatrix& H_bar) {
    const Terms& terms = data_.terms;
    for (Index k = 0; k < terms.count(); ++k) {
      const Matrix& lambda = terms.lambda(k);
      for (Index h = 0; h < terms[k].levels; ++h)
        sandwich(lambda, H_bar.diagonal(k, h), lambda.transpose(), scaled_.diagonal(k, h));
    }
    for (Index c = 0; c < data_.pattern.count(); ++c) {
      const Crossing& x = data_.pattern[c];
      for (Index j = 0; j < x.blocks(); ++j)
        sandwich(terms.lambda(x.first), H_bar.crossing(c, j), terms.lambda(x.second).transpose(),
                 scaled_.crossing(c, j));
    }
  }

  /// On a chunk: wbar_i into s_, then s_i = wbar_i d3_i and Z's into lambda_; the part of dl/dphi that goes through W.
  double weights_bar(const Point& point, Range chunk) {
    const Terms& terms = data_.terms;
    const Range rows = data_.rows_of(chunk);
    auto s = s_.segment(rows.begin, rows.size());
    s.setZero();
    for (Index k = 0; k < terms.count(); ++k)
      add_quadratic_forms(terms[k], terms[k], terms[k].level, rows, scaled_.diagonal_values(k).data(), 1.0, s_);
    for (Index c = 0; c < data_.pattern.count(); ++c) {
      const Crossing& x = data_.pattern[c];
      add_quadratic_forms(terms[x.first], terms[x.second], x.block_of_row, rows, scaled_.crossing_values(c).data(), 2.0,
                          s_);
    }
    const double phi_bar =
        data_.density->has_dispersion() ? s.dot(point.rows.w_phi.segment(rows.begin, rows.size())) : 0.0;
    s.array() *= point.rows.d3.segment(rows.begin, rows.size()).array();
    for (Index k = 0; k < terms.count(); ++k) add_level_sums(terms[k], rows, s_, lambda_.data() + terms.start(k));
    return phi_bar;
  }

  /// lambda = H^-1 (ubar + A's), from Z's
  void solve_lambda(const Adjoint& adjoint, const FixedEffects* fixed) {
    pull_to_u(data_, lambda_);
    if (adjoint.mode_bar.size() > 0) lambda_ += adjoint.mode_bar;
    if (!fixed) return system_.solve(lambda_);
    beta_lambda_ = fixed_sums(data_, s_);
    fixed->solve(lambda_, beta_lambda_);
  }

  /// On a chunk: e = s - W A lambda, and Z'e into sums_; the part of dl/dphi that goes through the mode.
  double residuals(const Point& point, const FixedEffects* fixed, Range chunk) {
    const Range rows = data_.rows_of(chunk);
    auto a_lambda = a_lambda_.segment(rows.begin, rows.size());
    if (!fixed) a_lambda.setZero();
    for (Index k = 0; k < data_.terms.count(); ++k)
      add_row_products(data_.terms[k], rows, scaled_lambda_.data() + data_.terms.start(k), a_lambda_);
    const double phi_bar =
        data_.density->has_dispersion() ? a_lambda.dot(point.rows.d1_phi.segment(rows.begin, rows.size())) : 0.0;
    e_.segment(rows.begin, rows.size()) = s_.segment(rows.begin, rows.size()) -
                                          point.rows.w.segment(rows.begin, rows.size()).cwiseProduct(a_lambda);
    for (Index k = 0; k < data_.terms.count(); ++k)
      add_level_sums(data_.terms[k], rows, e_, sums_.data() + data_.terms.start(k));
    return phi_bar;
  }

  Matrix lambda_bar(Index k, const Point& point, const Adjoint& adjoint) const {
    const Terms& terms = data_.terms;
    const Index q = terms[k].effects(), levels = terms[k].levels, at = terms.start(k);
    Eigen::Map<const Matrix> Ze(sums_.data() + at, q, levels), u(point.u.data() + at, q, levels),
        score(point.score.data() + at, q, levels), lambda(lambda_.data() + at, q, levels);
    Matrix out = adjoint.lambda_bar[k];
    out.noalias() += Ze * u.transpose();
    out.noalias() += score * lambda.transpose();
    Matrix sum = Matrix::Zero(q, q), scaled(q, q);
    for (Index h = 0; h < levels; ++h) {
      scaled.noalias() = terms.lambda(k).lazyProduct(adjoint.H_bar.diagonal(k, h));
      sum.noalias() += point.products.diagonal(k, h).lazyProduct(scaled);
    }
    out += 2.0 * sum;
    for (Index c = 0; c < data_.pattern.count(); ++c) add_crossing(c, k, point, adjoint, out);
    return out;
  }

  /// The part of 2 Z'WA Hbar in which factor k meets another: 2 P_kl Lambda_l Hbar_lk
  void add_crossing(Index c, Index k, const Point& point, const Adjoint& adjoint, Matrix& out) const {
    const Crossing& x = data_.pattern[c];
    if (x.first != k && x.second != k) return;
    const Matrix& lambda = data_.terms.lambda(x.first == k ? x.second : x.first);
    Matrix scaled(lambda.rows(), out.cols()), sum = Matrix::Zero(out.rows(), out.cols());
    for (Index j = 0; j < x.blocks(); ++j) {
      const BlockMatrix::ConstBlock P = point.products.crossing(c, j), H_bar = adjoint.H_bar.crossing(c, j);
      if (x.first == k) {
        scaled.noalias() = lambda.lazyProduct(H_bar.transpose());
        sum.noalias() += P.lazyProduct(scaled);
      } else {
        scaled.noalias() = lambda.lazyProduct(H_bar);
        sum.noalias() += P.transpose().lazyProduct(scaled);
      }
    }
    out += 2.0 * sum;
  }

  const Data& data_;
  const BlockSystem& system_;
  BlockMatrix scaled_;
  Vector s_, e_, a_lambda_, lambda_, scaled_lambda_, beta_lambda_, sums_;
};

}  // namespace glimmer

#endif
