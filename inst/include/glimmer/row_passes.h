// Passes over the rows, block by block and chunk by chunk: X beta, Z b, and the sums X'v, Z'v, Z'WZ.
#ifndef GLIMMER_ROW_PASSES_H
#define GLIMMER_ROW_PASSES_H

#include "level_sums.h"
#include "parallel.h"
#include "point.h"

namespace glimmer {

/// Calls visit(chunk number, range of blocks) for every chunk; side by side where chunks have nothing in common.
template <class Visit>
void for_chunks(const Data& data, Visit visit) {
  parallel_for(static_cast<Index>(data.partition.chunks().size()), data.factors.separate_levels() ? data.threads : 1,
               [&](Index c) {
                 data.interrupt();
                 visit(c, data.partition.chunks()[static_cast<std::size_t>(c)]);
               });
}

/// The sum over chunks of what visit(range of blocks) gives, added in the order of the chunks.
template <class Visit>
double sum_over_chunks(const Data& data, Visit visit) {
  Vector parts(static_cast<Index>(data.partition.chunks().size()));
  for_chunks(data, [&](Index c, Range chunk) { parts[c] = visit(chunk); });
  return parts.sum();
}

/// The sum over chunks of what visit(range of blocks, sum) adds to a matrix: by runs of chunks, whose number does not
/// depend on the threads, and which are added in order.
template <class Visit>
Matrix sum_of_matrices(const Data& data, Index rows, Index columns, Visit visit) {
  const Index chunks = static_cast<Index>(data.partition.chunks().size()), runs = std::min<Index>(chunks, 32);
  std::vector<Matrix> parts(static_cast<std::size_t>(runs), Matrix::Zero(rows, columns));
  parallel_for(runs, data.factors.separate_levels() ? data.threads : 1, [&](Index run) {
    for (Index c = run * chunks / runs; c < (run + 1) * chunks / runs; ++c) {
      data.interrupt();
      visit(data.partition.chunks()[static_cast<std::size_t>(c)], parts[static_cast<std::size_t>(run)]);
    }
  });
  Matrix sum = Matrix::Zero(rows, columns);
  for (const Matrix& part : parts) sum += part;
  return sum;
}

/// out += Z b on a range of rows, Z of the effects that enter predictor a, b laid out like u.
inline void add_row_products(const Data& data, int a, Range rows, const double* b, double* out) {
  for (Index k = 0; k < data.factors.count(); ++k)
    for (const Incidence& incidence : data.factors[k].incidences)
      if (incidence.predictor == a) add_row_products(incidence, rows, b + data.factors.start(k), out);
}

/// sums += Z'v on a range of rows, Z of the effects that enter predictor a, sums laid out like u.
inline void add_level_sums(const Data& data, int a, Range rows, const double* v, double* sums) {
  for (Index k = 0; k < data.factors.count(); ++k)
    for (const Incidence& incidence : data.factors[k].incidences)
      if (incidence.predictor == a) add_level_sums(incidence, rows, v, sums + data.factors.start(k));
}

/// X beta + offset of predictor a: as what stands beside its random effects, or as the predictor itself.
inline void fixed_predictor(const Data& data, int a, Point& point) {
  const std::size_t at = static_cast<std::size_t>(a);
  Vector& out = data.is_active(a) ? point.fixed[at] : point.eta[at];
  if (data.same_for_all(a)) return data.predictor(a).fixed_part({0, 1}, point.beta[at], out.data());
  for_chunks(data, [&](Index, Range chunk) {
    const Range rows = data.rows_of(chunk);
    data.predictor(a).fixed_part(rows, point.beta[at], out.data() + rows.begin);
  });
}

/// X'v, X of the first predictor
inline Vector fixed_sums(const Data& data, const Vector& v) {
  Matrix parts = Matrix::Zero(data.X().columns(), static_cast<Index>(data.partition.chunks().size()));
  for_chunks(data, [&](Index c, Range chunk) {
    const Range rows = data.rows_of(chunk);
    data.X().add_transposed(rows, v.data() + rows.begin, parts.col(c));
  });
  return parts.rowwise().sum();
}

/// eta = fixed + sum_k Z_k b_k of the active predictors on the rows of a range of blocks
inline void linear_predictor(const Data& data, Range blocks, Point& point) {
  const Range rows = data.rows_of(blocks);
  for (int a : data.active) {
    const std::size_t at = static_cast<std::size_t>(a);
    point.eta[at].segment(rows.begin, rows.size()) = point.fixed[at].segment(rows.begin, rows.size());
    add_row_products(data, a, rows, point.b.data(), point.eta[at].data() + rows.begin);
  }
}

/// b = Lambda u for the levels of a range of blocks, where they are levels of a factor, and for all of other factors
inline void scale_effects(const Data& data, Range blocks, Point& point) {
  for (Index k = 0; k < data.factors.count(); ++k) {
    const Index q = data.factors[k].effects();
    const Range levels = data.levels_of(k, blocks);
    const Index start = data.factors.position(k, levels.begin);
    Eigen::Map<const Matrix> u(point.u.data() + start, q, levels.size());
    Eigen::Map<Matrix>(point.b.data() + start, q, levels.size()).noalias() = data.factors.lambda(k).lazyProduct(u);
  }
}

/// point.score = Z'd1 from the rows of a range of blocks: set for the levels of an eliminated factor in the range,
/// added to for those of other factors, which clear_shared() must have cleared before the first range.
inline void add_score(const Data& data, Range blocks, Point& point) {
  const Factors& factors = data.factors;
  const Range rows = data.rows_of(blocks);
  if (factors.eliminated() == 1) {
    const Index q = factors[0].effects();
    point.score.segment(factors.position(0, blocks.begin), blocks.size() * q).setZero();
  }
  for (int a : data.active) add_level_sums(data, a, rows, point.d1(a).data() + rows.begin, point.score.data());
}

/// Calls visit(first incidence, second, their block in each row, values of these blocks, how often each counts) for
/// what a symmetric matrix on the pattern of H has of the rows.
template <class Blocks, class Visit>
void for_meetings(const Data& data, Blocks& matrix, Visit visit) {
  for (Index k = 0; k < data.factors.count(); ++k) {
    const std::vector<Incidence>& own = data.factors[k].incidences;
    auto* const values = matrix.diagonal_values(k).data();
    for (const Incidence& incidence : own) visit(incidence, incidence, incidence.level, values, 1.0);
    for (const Meeting& m : data.pattern.shared(k))
      visit(own[static_cast<std::size_t>(m.first)], own[static_cast<std::size_t>(m.second)], m.block_of_row, values,
            1.0);
  }
  for (Index c = 0; c < data.pattern.count(); ++c) {
    const Crossing& x = data.pattern[c];
    const auto &first = data.factors[x.first].incidences, &second = data.factors[x.second].incidences;
    for (const Meeting& m : x.meetings)
      visit(first[static_cast<std::size_t>(m.first)], second[static_cast<std::size_t>(m.second)], m.block_of_row,
            matrix.crossing_values(c).data(), 2.0);
  }
}

/// Z'WZ on its pattern, range by range like the score, W by pair_place.
inline void add_products(const Data& data, Range blocks, const std::vector<Vector>& w, BlockMatrix& out) {
  const Range rows = data.rows_of(blocks);
  if (data.factors.eliminated() == 1) {
    const Index q = data.factors[0].effects();
    out.diagonal_values(0).segment(blocks.begin * q * q, blocks.size() * q * q).setZero();
  }
  for_meetings(data, out, [&](const Incidence& first, const Incidence& second, const Integers& block_of_row,
                              double* values, double) {
    const Vector& own = w[pair_place(first.predictor, second.predictor)];
    add_cross_products(first, second, block_of_row, rows, own.data() + rows.begin, values);
  });
}

/// Clears what several ranges add to: all but the part of an eliminated factor.
inline void clear_shared(const Data& data, Vector& score) {
  score.tail(score.size() - (data.factors.eliminated() == 1 ? data.factors[0].size() : 0)).setZero();
}

inline void clear_shared(const Data& data, BlockMatrix& products) {
  for (Index k = data.factors.eliminated(); k < data.factors.count(); ++k) products.diagonal_values(k).setZero();
  for (Index c = 0; c < data.pattern.count(); ++c) products.crossing_values(c).setZero();
}

/// Z'v, laid out like u, from all rows, Z of the effects that enter the first predictor.
inline void level_sums(const Data& data, const Vector& v, Vector& sums) {
  sums.setZero(data.factors.size());
  add_level_sums(data, 0, {0, data.rows()}, v.data(), sums.data());
}

/// Lambda' x in place for a range of levels of one factor.
inline void pull_to_u(const Data& data, Index k, Range levels, Vector& x) {
  const Index q = data.factors[k].effects();
  Eigen::Map<Matrix> segment(x.data() + data.factors.position(k, levels.begin), q, levels.size());
  if (q == 1)
    segment *= data.factors.lambda(k)(0, 0);
  else
    segment = (data.factors.lambda(k).transpose() * segment).eval();
}

/// Lambda' x in place, x laid out like u: from the scale of b to that of u.
inline void pull_to_u(const Data& data, Vector& x) {
  for (Index k = 0; k < data.factors.count(); ++k) pull_to_u(data, k, {0, data.factors[k].levels}, x);
}

}  // namespace glimmer

#endif
