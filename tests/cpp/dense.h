// The model with dense matrices and nothing clever: the mode by a damped Newton method from zero, the Laplace value
// by its definition. Rows' densities come from the core (test_density.cpp tests them on their own).
#ifndef GLIMMER_TESTS_DENSE_H
#define GLIMMER_TESTS_DENSE_H

#include "problem.h"

namespace dense {

using problem::GivenFactor;
using problem::Index;
using problem::Matrix;
using problem::Problem;
using problem::Vector;

/// Lambda of a factor.
inline Matrix lambda_of(const GivenFactor& factor, const Vector& theta) {
  const Index q = factor.Z.cols();
  Matrix lambda = Matrix::Zero(q, q);
  Index effect = 0;
  for (std::size_t b = 0; b < factor.blocks.size(); ++b) {
    Index at = factor.theta[b];
    for (Index j = 0; j < factor.blocks[b]; ++j)
      for (Index i = j; i < factor.blocks[b]; ++i) lambda(effect + i, effect + j) = theta[at++];
    effect += factor.blocks[b];
  }
  return lambda;
}

inline Index effect_count(const Problem& p) {
  Index count = 0;
  for (const GivenFactor& factor : p.factors) count += factor.levels * factor.Z.cols();
  return count;
}

/// Z and Lambda; the effects stand factor by factor in the problem's order, level by level.
inline Matrix effects_matrix(const Problem& p) {
  Matrix Z = Matrix::Zero(p.rows(), effect_count(p));
  Index start = 0;
  for (const GivenFactor& factor : p.factors) {
    const Index q = factor.Z.cols();
    for (Index i = 0; i < p.rows(); ++i) {
      Z.block(i, start + factor.level[static_cast<std::size_t>(i)] * q, 1, q) += factor.Z.row(i);
      for (std::size_t m = 0; m < factor.further_level.size(); ++m)
        Z.block(i, start + factor.further_level[m][static_cast<std::size_t>(i)] * q, 1, q) +=
            factor.further_Z[m].row(i);
    }
    start += factor.levels * q;
  }
  return Z;
}
inline Matrix lambda_matrix(const Problem& p, const Vector& theta) {
  Matrix out = Matrix::Zero(effect_count(p), effect_count(p));
  Index start = 0;
  for (const GivenFactor& factor : p.factors) {
    const Matrix own = lambda_of(factor, theta);
    for (Index h = 0; h < factor.levels; ++h, start += own.rows())
      out.block(start, start, own.rows(), own.cols()) = own;
  }
  return out;
}

/// A = Z Lambda
inline Matrix random_effects_matrix(const Problem& p, const Vector& theta) {
  return effects_matrix(p) * lambda_matrix(p, theta);
}

/// P of u ~ N(0, P^-1), laid out like the columns of A.
inline Matrix prior_precision(const Problem& p) {
  Matrix P = Matrix::Identity(effect_count(p), effect_count(p));
  Index start = 0;
  for (const GivenFactor& factor : p.factors) {
    const Index q = factor.Z.cols();
    for (Index a = 0; a < factor.precision.rows(); ++a)
      for (Index b = 0; b < factor.precision.cols(); ++b)
        P.block(start + a * q, start + b * q, q, q) = factor.precision(a, b) * Matrix::Identity(q, q);
    start += factor.levels * q;
  }
  return P;
}

struct Rows {
  Vector f, d1, w;
};

inline Rows rows_at(const Problem& p, const Vector& eta, double phi) {
  const auto density = glimmer::make_density(p.family, p.link);
  const glimmer::Responses responses{p.y, p.size, p.weight};
  glimmer::RowDerivatives out;
  out.reserve(p.rows(), 2);
  out.f.resize(p.rows());
  glimmer::Etas etas(static_cast<std::size_t>(density->predictors()), Vector::Constant(1, phi));
  etas[0] = eta;
  density->evaluate(responses, {0, p.rows()}, etas, 2, out);
  for (Index i = 0; i < p.rows(); ++i) out.f[i] += density->constant(responses[i]);
  return {out.f, out.d1[0], out.w[0]};
}

struct Solution {
  Vector u, beta;
  double value = 0.0;  ///< Laplace
  bool converged = false;
};

/// What becomes of the fixed effects: they are given, at their joint mode with u, or integrated out there (REML).
enum class Fixed { given, joint, integrated };

/// The mode of h over u, or over (u, beta), and the Laplace value there.
inline Solution laplace(const Problem& p, Fixed fixed_effects) {
  const bool joint = fixed_effects != Fixed::given;
  const Matrix A = random_effects_matrix(p, p.theta());
  const Matrix P = prior_precision(p);
  const Index q = A.cols(), fixed = joint ? p.X.cols() : 0;
  Matrix B(p.rows(), q + fixed);
  B << A, p.X.leftCols(fixed);
  Vector v = Vector::Zero(q + fixed);
  v.tail(fixed) = p.beta().head(fixed);
  const Vector base = p.offset + (joint ? Vector(Vector::Zero(p.rows())) : Vector(p.X * p.beta()));
  const auto h_of = [&](const Vector& at) {
    return rows_at(p, base + B * at, p.phi()).f.sum() - 0.5 * at.head(q).dot(P * at.head(q));
  };
  Solution out;
  for (int iteration = 0; iteration < 500; ++iteration) {
    const Rows rows = rows_at(p, base + B * v, p.phi());
    Vector gradient = B.transpose() * rows.d1;
    gradient.head(q) -= P * v.head(q);
    Matrix H = B.transpose() * rows.w.asDiagonal() * B;
    H.topLeftCorner(q, q) += P;
    Eigen::LLT<Matrix> llt(H);
    for (double ridge = 1e-3; llt.info() != Eigen::Success && ridge < 1e9; ridge *= 10.0)
      llt.compute(H + ridge * Matrix::Identity(q + fixed, q + fixed));
    const Vector step = llt.solve(gradient);
    const double size = step.cwiseAbs().maxCoeff();
    if (size < 1e-5) {  // near the mode h is flat to round-off and says nothing; Newton converges quadratically
      v += step;
      out.converged = size < 1e-9;
      if (out.converged) break;
      continue;
    }
    double length = 1.0;
    const double h = h_of(v);
    while (length > 1e-10 && !(h_of(v + length * step) > h)) length *= 0.5;
    v += length * step;
  }
  const Rows rows = rows_at(p, base + B * v, p.phi());
  const Index size = fixed_effects == Fixed::integrated ? q + fixed : q;
  Matrix H = B.leftCols(size).transpose() * rows.w.asDiagonal() * B.leftCols(size);
  H.topLeftCorner(q, q) += P;
  const Eigen::LLT<Matrix> llt(H);
  out.converged = out.converged && llt.info() == Eigen::Success;
  out.u = v.head(q);
  out.beta = joint ? Vector(v.tail(fixed)) : p.beta();
  out.value = h_of(v) - llt.matrixLLT().diagonal().array().log().sum() + 0.5 * std::log(P.determinant()) +
              0.5 * static_cast<double>(size - q) * std::log(2.0 * std::acos(-1.0));
  return out;
}

}  // namespace dense

#endif
