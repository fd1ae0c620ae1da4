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
        lambda_(data.terms.size()), sums_(data.terms.size()) {}

  /// `fixed` is null, or the fixed effects that take part in the inner iteration.
  Gradient operator()(const Point& point, const Adjoint& adjoint, const FixedEffects* fixed) {
    Gradient out;
    out.phi = adjoint.phi_bar;
    scale_blocks(adjoint.H_bar);
    weights_bar(point, out);
    solve_lambda(adjoint, fixed);
    residuals(point, fixed, out);
    out.beta = Vector::Zero(data_.X.cols());
    if (!fixed) out.beta.noalias() = data_.X.transpose() * (adjoint.eta_bar + e_);
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
        sandwich(terms.lambda(x.first), H_bar.crossing(c, j), terms.lambda(x.second).transpose(), scaled_.crossing(c, j));
    }
  }

  /// wbar_i into s_, then s_i = wbar_i d3_i; the part of dl/dphi that goes through W.
  void weights_bar(const Point& point, Gradient& out) {
    const Terms& terms = data_.terms;
    s_.setZero();
    for (Index k = 0; k < terms.count(); ++k)
      add_quadratic_forms(terms[k], terms[k], terms[k].level, scaled_.diagonal_values(k).data(), 1.0, s_);
    for (Index c = 0; c < data_.pattern.count(); ++c) {
      const Crossing& x = data_.pattern[c];
      add_quadratic_forms(terms[x.first], terms[x.second], x.block_of_row, scaled_.crossing_values(c).data(), 2.0, s_);
    }
    if (data_.density->has_dispersion()) out.phi += s_.dot(point.rows.w_phi);
    s_.array() *= point.rows.d3.array();
  }

  void solve_lambda(const Adjoint& adjoint, const FixedEffects* fixed) {
    level_sums(data_, s_, lambda_);
    pull_to_u(data_, lambda_);
    if (adjoint.mode_bar.size() > 0) lambda_ += adjoint.mode_bar;
    if (!fixed) return system_.solve(lambda_);
    beta_lambda_.noalias() = data_.X.transpose() * s_;
    fixed->solve(lambda_, beta_lambda_);
  }

  /// e = s - W A lambda; the part of dl/dphi that goes through the mode.
  void residuals(const Point& point, const FixedEffects* fixed, Gradient& out) {
    Vector a_lambda = fixed ? Vector(data_.X * beta_lambda_) : Vector::Zero(data_.rows());
    const Vector scaled = data_.terms.scaled(lambda_);
    for (Index k = 0; k < data_.terms.count(); ++k)
      add_row_products(data_.terms[k], {0, data_.rows()}, scaled.data() + data_.terms.start(k), a_lambda);
    if (data_.density->has_dispersion()) out.phi += a_lambda.dot(point.rows.d1_phi);
    e_ = s_ - point.rows.w.cwiseProduct(a_lambda);
    level_sums(data_, e_, sums_);
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
  Vector s_, e_, lambda_, beta_lambda_, sums_;
};

}  // namespace glimmer

#endif
