// Products with matrices on the pattern of H: P = Z'WZ times a vector, and what the derivative of a log-determinant in
// Lambda is made of.
#ifndef GLIMMER_BLOCK_PRODUCTS_H
#define GLIMMER_BLOCK_PRODUCTS_H

#include "pattern.h"
#include "factors.h"

namespace glimmer {

/// The part of P x that one crossing adds.
inline void add_crossing_product(const Factors& factors, const Crossing& x, Index c, const BlockMatrix& P,
                                 const Vector& b, Vector& out) {
  const Index p = factors[x.first].effects(), q = factors[x.second].effects();
  if (p == 1 && q == 1) {
    const double *b_first = b.data() + factors.start(x.first), *b_second = b.data() + factors.start(x.second);
    double *out_first = out.data() + factors.start(x.first), *out_second = out.data() + factors.start(x.second);
    const double* values = P.crossing(c, 0).data();
    for (Index j = 0; j < x.blocks(); ++j) {
      out_first[x.level_first[j]] += values[j] * b_second[x.level_second[j]];
      out_second[x.level_second[j]] += values[j] * b_first[x.level_first[j]];
    }
    return;
  }
  for (Index j = 0; j < x.blocks(); ++j) {
    const Index first = factors.position(x.first, x.level_first[j]);
    const Index second = factors.position(x.second, x.level_second[j]);
    const BlockMatrix::ConstBlock block = P.crossing(c, j);
    out.segment(first, p).noalias() += block.lazyProduct(b.segment(second, q));
    out.segment(second, q).noalias() += block.transpose().lazyProduct(b.segment(first, p));
  }
}

/// out = P b, both laid out like u.
inline void multiply_blocks(const Factors& factors, const Pattern& pattern, const BlockMatrix& P, const Vector& b,
                            Vector& out) {
  out.setZero(b.size());
  for (Index k = 0; k < factors.count(); ++k) {
    const Index q = factors[k].effects();
    for (Index h = 0, at = factors.start(k); h < factors[k].levels; ++h, at += q)
      out.segment(at, q).noalias() += P.diagonal(k, h).lazyProduct(b.segment(at, q));
  }
  for (Index c = 0; c < pattern.count(); ++c) add_crossing_product(factors, pattern[c], c, P, b, out);
}

/// The smallest mean, over levels, of the diagonal of Z'WZ that belongs to one effect; zeros do not count.
inline double least_information(const Factors& factors, const BlockMatrix& products) {
  double least = infinity;
  for (Index k = 0; k < factors.count(); ++k) {
    const Index q = factors[k].effects();
    Eigen::Map<const Matrix> blocks(products.diagonal_values(k).data(), q * q, factors[k].levels);
    for (Index e = 0; e < q; ++e) {
      const double mean = blocks.row(e * (q + 1)).mean();
      if (mean > 0.0) least = std::min(least, mean);
    }
  }
  return least;
}

/// The sum over the levels of factor k of the blocks P_kk Lambda_k G_kk.
inline Matrix sum_within(const Factors& factors, Index k, const BlockMatrix& P, const BlockMatrix& G) {
  const Matrix& lambda = factors.lambda(k);
  if (lambda.size() == 1)
    return Matrix::Constant(1, 1, lambda(0, 0) * P.diagonal_values(k).dot(G.diagonal_values(k)));
  Matrix sum = Matrix::Zero(lambda.rows(), lambda.cols()), scaled(lambda.rows(), lambda.cols());
  for (Index h = 0; h < factors[k].levels; ++h) {
    scaled.noalias() = lambda.lazyProduct(G.diagonal(k, h));
    sum.noalias() += P.diagonal(k, h).lazyProduct(scaled);
  }
  return sum;
}

/// The sum over the blocks of a crossing of factor k with a factor l: P_kl Lambda_l G_lk. Within a factor each block
/// counts as it is and transposed.
inline Matrix sum_of_crossing(const Factors& factors, const Crossing& x, Index c, Index k, const BlockMatrix& P,
                              const BlockMatrix& G) {
  const Matrix& lambda = factors.lambda(x.first == k ? x.second : x.first);
  const Index q = factors[k].effects();
  if (lambda.size() == 1 && q == 1)
    return Matrix::Constant(1, 1, (x.first == x.second ? 2.0 : 1.0) * lambda(0, 0) *
                                      P.crossing_values(c).dot(G.crossing_values(c)));
  Matrix scaled(lambda.rows(), q), sum = Matrix::Zero(q, q);
  for (Index j = 0; j < x.blocks(); ++j) {
    const BlockMatrix::ConstBlock block = P.crossing(c, j), other = G.crossing(c, j);
    if (x.first == k) {
      scaled.noalias() = lambda.lazyProduct(other.transpose());
      sum.noalias() += block.lazyProduct(scaled);
    }
    if (x.second == k) {
      scaled.noalias() = lambda.lazyProduct(other);
      sum.noalias() += block.transpose().lazyProduct(scaled);
    }
  }
  return sum;
}

/// The blocks of factor k of Z'WA G, summed over its levels, P = Z'WZ: sum_l P_kl Lambda_l G_lk.
inline Matrix sum_of_products(const Factors& factors, const Pattern& pattern, Index k, const BlockMatrix& P,
                              const BlockMatrix& G) {
  Matrix sum = sum_within(factors, k, P, G);
  for (Index c = 0; c < pattern.count(); ++c)
    if (pattern[c].first == k || pattern[c].second == k) sum += sum_of_crossing(factors, pattern[c], c, k, P, G);
  return sum;
}

/// The same by level: calls visit(level, matrix) for what is to be added up to the level's own block of P A G.
template <class Visit>
void for_products_of_levels(const Factors& factors, const Pattern& pattern, Index k, const BlockMatrix& P,
                            const BlockMatrix& G, Visit visit) {
  for (Index h = 0; h < factors[k].levels; ++h)
    visit(h, Matrix(P.diagonal(k, h) * factors.lambda(k) * G.diagonal(k, h)));
  for (Index c = 0; c < pattern.count(); ++c) {
    const Crossing& x = pattern[c];
    for (Index j = 0; j < x.blocks(); ++j) {
      const std::size_t at = static_cast<std::size_t>(j);
      const BlockMatrix::ConstBlock block = P.crossing(c, j), other = G.crossing(c, j);
      if (x.first == k) visit(x.level_first[at], Matrix(block * factors.lambda(x.second) * other.transpose()));
      if (x.second == k) visit(x.level_second[at], Matrix(block.transpose() * factors.lambda(x.first) * other));
    }
  }
}

/// Whether a symmetric matrix can be an information matrix: no negative variance, no correlation above 1.
inline bool is_information(const Matrix& information) {
  if (information.diagonal().minCoeff() < 0.0) return false;
  const Vector root = information.diagonal().cwiseSqrt();
  return (information.cwiseAbs() - (1.0 + 1e-12) * root * root.transpose()).maxCoeff() <= 0.0;
}

/// The information that a typical level of factor k has on its own effects, from the blocks P_h of Z'WZ: with D_h the
/// roots of the diagonal of P_h, sum D_h P_h D_h over levels, its rows and columns divided by the roots of the diagonal
/// of sum P_h; of one effect sum P_h^2 / sum P_h. Levels with negative information, as observed weights can give, are
/// left out; where all are, the absolute values of the diagonals count. A level counts copies_of(h) times.
template <class Copies>
Matrix typical_information(const Factor& factor, Index k, const BlockMatrix& P, Copies copies_of) {
  Matrix squares = Matrix::Zero(factor.effects(), factor.effects());
  Vector sums = Vector::Zero(factor.effects());
  const auto add = [&](const Matrix& information, double copies) {
    const Vector root = information.diagonal().cwiseSqrt();
    squares += copies * (root.asDiagonal() * information * root.asDiagonal());
    sums += copies * information.diagonal();
  };
  for (Index h = 0; h < factor.levels; ++h)
    if (const Matrix information = P.diagonal(k, h); is_information(information)) add(information, copies_of(h));
  if (!(sums.array() > 0.0).all())
    for (Index h = 0; h < factor.levels; ++h)
      add(Vector(P.diagonal(k, h).diagonal().cwiseAbs()).asDiagonal(), copies_of(h));
  const Vector scale = sums.cwiseSqrt().cwiseInverse();
  return scale.asDiagonal() * squares * scale.asDiagonal();
}

}  // namespace glimmer

#endif
