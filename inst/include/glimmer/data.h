// What a model is made of, and a point of it with everything that has been computed there.
#ifndef GLIMMER_DATA_H
#define GLIMMER_DATA_H

#include <memory>

#include "block_system.h"
#include "columns.h"
#include "density.h"
#include "equal_rows.h"
#include "interrupt.h"
#include "level_sums.h"
#include "parallel.h"
#include "pattern.h"
#include "factors.h"
#include "types.h"

namespace glimmer {

/// The data of a model, its rows sorted by the level of the first grouping factor, equal ones merged, and fixed from
/// then on (but for Lambda, which `factors` holds at the current theta).
struct Data {
  Responses responses;
  Column offset;
  FixedDesign design;
  Factors factors;
  std::unique_ptr<const Density> density;
  Integers places;            ///< where each of the caller's rows is; empty: in its own place
  double constant = 0.0;      ///< sum of the parts of the log-densities that depend on no parameter
  Pattern pattern;
  Positions first_row;        ///< rows first_row[g] .. first_row[g + 1] - 1 belong to level g of the first factor
  std::vector<Range> chunks;  ///< fixed ranges of levels of the first factor; sums run over them in order
  Interrupt interrupt;        ///< asked between chunks
  int threads = 1;            ///< for the rows, where there is one grouping factor: chunks then share nothing

  Data(Responses responses_, Column offset_, FixedDesign design_, Factors factors_,
       std::unique_ptr<const Density> density_, std::function<void()> ask = nullptr)
      : responses(std::move(responses_)), offset(std::move(offset_)), design(std::move(design_)),
        factors(std::move(factors_)), density(std::move(density_)), pattern(sorted(*this)) {
    interrupt.set(std::move(ask));
    find_chunks();
  }

  Eigen::Map<const Matrix> X() const { return design.X(); }
  Index rows() const { return offset.size(); }
  bool one_factor() const { return factors.count() == 1; }
  Range all_levels() const { return {0, factors[0].levels}; }
  Range rows_of(Range levels) const { return {first_row[levels.begin], first_row[levels.end]}; }

 private:
  static constexpr Index rows_in_chunk = 1024;

  /// Sorts the rows and merges equal ones, then builds the pattern, which refers to them by position.
  static Pattern sorted(Data& data) {
    check(data);
    for (Index i = 0; i < data.rows(); ++i) data.constant += data.density->constant(data.responses[i]);
    const Integers rows = data.factors.sorting_permutation();
    EqualRows equal(data.responses, data.offset, data.design, data.factors, *data.density);
    if (equal.find(rows)) {
      data.select(equal.kept());
      data.responses = equal.merged();
      data.places = equal.places();
    } else if (!data.factors.rows_are_sorted()) {
      data.select(rows);
      for (Column* column : {&data.responses.y, &data.responses.size, &data.responses.weight}) column->select(rows);
      data.places.resize(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) data.places[rows[i]] = static_cast<int>(i);
    }
    return Pattern(data.factors);
  }

  /// Keeps these rows of all but the responses.
  void select(const Integers& rows) {
    factors.select_rows(rows);
    design.select(rows);
    offset.select(rows);
  }

  static void check(const Data& data) {
    const Index n = data.X().rows();
    for (const Column* column : {&data.responses.y, &data.responses.size, &data.responses.weight, &data.offset})
      if (column->size() != n)
        throw std::invalid_argument("the rows of the response, the offset and X differ in number");
    if (data.factors.rows() != n) throw std::invalid_argument("the rows of X and Z differ in number");
    if (!data.responses.weight.positive()) throw std::invalid_argument("prior weights must be positive");
  }

  void find_chunks() {
    first_row.assign(static_cast<std::size_t>(factors[0].levels + 1), 0);
    for (int level : factors[0].level) ++first_row[level + 1];
    std::partial_sum(first_row.begin(), first_row.end(), first_row.begin());
    Index begin = 0;
    for (Index g = 0; g < factors[0].levels; ++g) {
      if (first_row[g + 1] - first_row[begin] < rows_in_chunk && g + 1 < factors[0].levels) continue;
      chunks.push_back({begin, g + 1});
      begin = g + 1;
    }
  }
};

/// A point (beta, u) of the model, and the rows there.
struct Point {
  Vector beta, u, b;      ///< b = Lambda u
  double phi = 0.0;
  Vector fixed, eta;      ///< X beta + offset; the whole linear predictor
  RowDerivatives rows;
  Vector log_densities;   ///< for each level of the first factor the sum of its rows' f
  BlockMatrix products;   ///< Z'WZ
  Vector score;           ///< Z'd1, one segment a level, laid out like u

  explicit Point(const Data& data)
      : beta(Vector::Zero(data.X().cols())), u(Vector::Zero(data.factors.size())), b(u),
        log_densities(data.factors[0].levels), products(data.factors, data.pattern), score(Vector::Zero(u.size())) {}

  /// Space for the rows, which are most of a point: at the first evaluation, when what the data came from may be gone.
  void reserve_rows(const Data& data, int order) {
    if (eta.size() == data.rows()) return;
    fixed.resize(data.rows());
    eta.resize(data.rows());
    rows.reserve(data.rows(), order, data.density->has_dispersion());
  }
};

/// Calls visit(chunk number, range of levels) for every chunk; side by side where chunks have nothing in common.
template <class Visit>
void for_chunks(const Data& data, Visit visit) {
  parallel_for(static_cast<Index>(data.chunks.size()), data.one_factor() ? data.threads : 1,
               [&](Index c) {
                 data.interrupt();
                 visit(c, data.chunks[static_cast<std::size_t>(c)]);
               });
}

/// The sum over chunks of what visit(range of levels) gives, added in the order of the chunks.
template <class Visit>
double sum_over_chunks(const Data& data, Visit visit) {
  Vector parts(static_cast<Index>(data.chunks.size()));
  for_chunks(data, [&](Index c, Range chunk) { parts[c] = visit(chunk); });
  return parts.sum();
}

/// The sum over chunks of what visit(range of levels, sum) adds to a matrix: by runs of chunks, whose number does not
/// depend on the threads, and which are added in order.
template <class Visit>
Matrix sum_of_matrices(const Data& data, Index rows, Index columns, Visit visit) {
  const Index chunks = static_cast<Index>(data.chunks.size()), runs = std::min<Index>(chunks, 32);
  std::vector<Matrix> parts(static_cast<std::size_t>(runs), Matrix::Zero(rows, columns));
  parallel_for(runs, data.one_factor() ? data.threads : 1, [&](Index run) {
    for (Index c = run * chunks / runs; c < (run + 1) * chunks / runs; ++c) {
      data.interrupt();
      visit(data.chunks[static_cast<std::size_t>(c)], parts[static_cast<std::size_t>(run)]);
    }
  });
  Matrix sum = Matrix::Zero(rows, columns);
  for (const Matrix& part : parts) sum += part;
  return sum;
}

/// X beta + offset on a range of rows
inline void fixed_predictor(const Data& data, Range rows, const Vector& beta, Vector& out) {
  auto segment = out.segment(rows.begin, rows.size());
  data.offset.copy(rows, segment.data());
  segment.noalias() += data.X().middleRows(rows.begin, rows.size()) * beta;
}

inline void fixed_predictor(const Data& data, const Vector& beta, Vector& out) {
  for_chunks(data, [&](Index, Range chunk) { fixed_predictor(data, data.rows_of(chunk), beta, out); });
}

/// X'v
inline Vector fixed_sums(const Data& data, const Vector& v) {
  Matrix parts(data.X().cols(), static_cast<Index>(data.chunks.size()));
  for_chunks(data, [&](Index c, Range chunk) {
    const Range rows = data.rows_of(chunk);
    const auto X = data.X().middleRows(rows.begin, rows.size());
    parts.col(c).noalias() = X.transpose() * v.segment(rows.begin, rows.size());
  });
  return parts.rowwise().sum();
}

/// eta = fixed + sum_k Z_k b_k on the rows of a range of levels of the first factor
inline void linear_predictor(const Data& data, Range levels, Point& point) {
  const Range rows = data.rows_of(levels);
  point.eta.segment(rows.begin, rows.size()) = point.fixed.segment(rows.begin, rows.size());
  for (Index k = 0; k < data.factors.count(); ++k)
    add_row_products(data.factors[k], rows, point.b.data() + data.factors.start(k),
                     point.eta.data() + rows.begin);
}

/// b = Lambda u for the levels of the first factor in a range, and for all levels of the others
inline void scale_effects(const Data& data, Range levels, Point& point) {
  for (Index k = 0; k < data.factors.count(); ++k) {
    const Index q = data.factors[k].effects();
    const Range range = k == 0 ? levels : Range{0, data.factors[k].levels};
    const Index start = data.factors.position(k, range.begin);
    Eigen::Map<const Matrix> u(point.u.data() + start, q, range.size());
    Eigen::Map<Matrix>(point.b.data() + start, q, range.size()).noalias() = data.factors.lambda(k).lazyProduct(u);
  }
}

/// point.score = Z'd1 from the rows of a range: set for the levels of the first factor in the range, added to for those
/// of other factors, which clear_shared() must have cleared before the first range.
inline void add_score(const Data& data, Range levels, Point& point) {
  const Index q = data.factors[0].effects();
  const Range rows = data.rows_of(levels);
  point.score.segment(data.factors.position(0, levels.begin), levels.size() * q).setZero();
  for (Index k = 0; k < data.factors.count(); ++k)
    add_level_sums(data.factors[k], rows, point.rows.d1.data() + rows.begin, point.score.data() + data.factors.start(k));
}

/// Z'WZ on its pattern, range by range like the score.
inline void add_products(const Data& data, Range levels, const Vector& w, BlockMatrix& out) {
  const Range rows = data.rows_of(levels);
  const Index q = data.factors[0].effects();
  out.diagonal_values(0).segment(levels.begin * q * q, levels.size() * q * q).setZero();
  for (Index k = 0; k < data.factors.count(); ++k)
    add_cross_products(data.factors[k], data.factors[k], data.factors[k].level, rows, w.data() + rows.begin,
                       out.diagonal_values(k).data());
  for (Index c = 0; c < data.pattern.count(); ++c) {
    const Crossing& x = data.pattern[c];
    add_cross_products(data.factors[x.first], data.factors[x.second], x.block_of_row, rows, w.data() + rows.begin,
                       out.crossing_values(c).data());
  }
}

/// Clears what several ranges add to: all but the first factor's own part.
inline void clear_shared(const Data& data, Vector& score) { score.tail(score.size() - data.factors[0].size()).setZero(); }

inline void clear_shared(const Data& data, BlockMatrix& products) {
  for (Index k = 1; k < data.factors.count(); ++k) products.diagonal_values(k).setZero();
  for (Index c = 0; c < data.pattern.count(); ++c) products.crossing_values(c).setZero();
}

/// Z'v, laid out like u, from all rows.
inline void level_sums(const Data& data, const Vector& v, Vector& sums) {
  sums.setZero(data.factors.size());
  for (Index k = 0; k < data.factors.count(); ++k)
    add_level_sums(data.factors[k], {0, data.rows()}, v.data(), sums.data() + data.factors.start(k));
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
