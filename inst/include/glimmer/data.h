// What a model is made of, and a point of it with everything that has been computed there.
#ifndef GLIMMER_DATA_H
#define GLIMMER_DATA_H

#include <memory>

#include "block_system.h"
#include "density.h"
#include "pattern.h"
#include "terms.h"
#include "types.h"

namespace glimmer {

/// The data of a model, its rows sorted by the level of the first grouping factor, and fixed from then on
/// (but for Lambda, which `terms` holds at the current theta).
struct Data {
  Responses responses;
  Vector offset;
  Matrix X;
  Terms terms;
  std::unique_ptr<const Density> density;
  Pattern pattern;
  Integers first_row;         ///< rows first_row[g] .. first_row[g + 1] - 1 belong to level g of the first factor
  std::vector<Range> chunks;  ///< fixed ranges of levels of the first factor; sums run over them in order
  double constant = 0.0;      ///< sum of the parts of the log-densities that depend on no parameter

  Data(Responses responses_, Vector offset_, Matrix X_, Terms terms_, std::unique_ptr<const Density> density_)
      : responses(std::move(responses_)), offset(std::move(offset_)), X(std::move(X_)), terms(std::move(terms_)),
        density(std::move(density_)), pattern(sorted(*this)) {
    find_chunks();
    for (Index i = 0; i < rows(); ++i) constant += density->constant(responses[i]);
  }

  Index rows() const { return X.rows(); }
  Range all_levels() const { return {0, terms[0].levels}; }
  Range rows_of(Range levels) const { return {first_row[levels.begin], first_row[levels.end]}; }

 private:
  static constexpr Index rows_in_chunk = 1024;

  /// Sorts the rows, then builds the pattern, which refers to them by position.
  static Pattern sorted(Data& data) {
    const Integers permutation = data.terms.sorting_permutation();
    data.terms.permute_rows(permutation);
    Matrix X(data.X.rows(), data.X.cols());
    for (Index j = 0; j < X.cols(); ++j)
      for (Index i = 0; i < X.rows(); ++i) X(i, j) = data.X(permutation[i], j);
    data.X = std::move(X);
    for (Vector* column : {&data.responses.y, &data.responses.size, &data.responses.weight, &data.offset}) {
      Vector permuted(column->size());
      for (Index i = 0; i < permuted.size(); ++i) permuted[i] = (*column)[permutation[i]];
      *column = std::move(permuted);
    }
    return Pattern(data.terms);
  }

  void find_chunks() {
    first_row.assign(static_cast<std::size_t>(terms[0].levels + 1), 0);
    for (Index level : terms[0].level) ++first_row[level + 1];
    std::partial_sum(first_row.begin(), first_row.end(), first_row.begin());
    Index begin = 0;
    for (Index g = 0; g < terms[0].levels; ++g) {
      if (first_row[g + 1] - first_row[begin] < rows_in_chunk && g + 1 < terms[0].levels) continue;
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
  BlockMatrix products;   ///< Z'WZ
  Vector score;           ///< Z'd1, one segment a level, laid out like u

  explicit Point(const Data& data)
      : beta(Vector::Zero(data.X.cols())), u(Vector::Zero(data.terms.size())), b(u), fixed(data.offset),
        eta(data.offset), products(data.terms, data.pattern), score(Vector::Zero(u.size())) {
    rows.reserve(data.rows(), 3, data.density->has_dispersion());
  }
};

/// eta = fixed + sum_k Z_k b_k on the rows of a range of levels of the first factor
inline void linear_predictor(const Data& data, Range levels, Point& point) {
  const Range rows = data.rows_of(levels);
  point.eta.segment(rows.begin, rows.size()) = point.fixed.segment(rows.begin, rows.size());
  for (Index k = 0; k < data.terms.count(); ++k) {
    const Grouping& grouping = data.terms[k];
    const Index q = grouping.effects();
    const double* b = point.b.data() + data.terms.start(k);
    for (Index i = rows.begin; i < rows.end; ++i) {
      const double *z = grouping.Z.data() + i * q, *b_level = b + grouping.level[i] * q;
      double sum = 0.0;
      for (Index j = 0; j < q; ++j) sum += z[j] * b_level[j];
      point.eta[i] += sum;
    }
  }
}

/// b = Lambda u for the levels of the first factor in a range, and for all levels of the others
inline void scale_effects(const Data& data, Range levels, Point& point) {
  for (Index k = 0; k < data.terms.count(); ++k) {
    const Index q = data.terms[k].effects();
    const Range range = k == 0 ? levels : Range{0, data.terms[k].levels};
    const Index start = data.terms.position(k, range.begin);
    Eigen::Map<const Matrix> u(point.u.data() + start, q, range.size());
    Eigen::Map<Matrix>(point.b.data() + start, q, range.size()).noalias() = data.terms.lambda(k).lazyProduct(u);
  }
}

/// sums[level] += Z_k' v over the rows of a range of levels of the first factor
inline void add_by_level(const Data& data, Index k, Range levels, const Vector& v, Vector& sums) {
  const Range rows = data.rows_of(levels);
  const Grouping& grouping = data.terms[k];
  const Index q = grouping.effects();
  double* start = sums.data() + data.terms.start(k);
  for (Index i = rows.begin; i < rows.end; ++i) {
    const double* z = grouping.Z.data() + i * q;
    double* sum = start + grouping.level[i] * q;
    for (Index j = 0; j < q; ++j) sum[j] += z[j] * v[i];
  }
}

/// point.score = Z'd1 from the rows of a range; the levels of other factors are added to, as in cross_products().
inline void set_score(const Data& data, Range levels, Point& point) {
  const Index q = data.terms[0].effects();
  point.score.segment(data.terms.position(0, levels.begin), levels.size() * q).setZero();
  for (Index k = 0; k < data.terms.count(); ++k) add_by_level(data, k, levels, point.rows.d1, point.score);
}

/// Z'WZ on its pattern, from the rows of a range of levels of the first factor. The blocks of the first factor's
/// levels are set; those of other factors are added to, and must be zero before the first range.
inline void cross_products(const Data& data, Range levels, const Vector& w, BlockMatrix& out) {
  const Range rows = data.rows_of(levels);
  for (Index k = 0; k < data.terms.count(); ++k) {
    const Grouping& grouping = data.terms[k];
    const Index q = grouping.effects();
    Vector& values = out.diagonal_values(k);
    if (k == 0) values.segment(levels.begin * q * q, levels.size() * q * q).setZero();
    for (Index i = rows.begin; i < rows.end; ++i) {
      const double* z = grouping.Z.data() + i * q;
      double* block = values.data() + grouping.level[i] * q * q;
      for (Index b = 0; b < q; ++b)
        for (Index a = 0; a < q; ++a) block[b * q + a] += w[i] * z[a] * z[b];
    }
  }
  for (std::size_t c = 0; c < data.pattern.crossings().size(); ++c) {
    const Crossing& x = data.pattern.crossings()[c];
    const Grouping &first = data.terms[x.first], &second = data.terms[x.second];
    const Index p = first.effects(), q = second.effects();
    double* values = out.crossing_values(static_cast<Index>(c)).data();
    for (Index i = rows.begin; i < rows.end; ++i) {
      const double *za = first.Z.data() + i * p, *zb = second.Z.data() + i * q;
      double* block = values + x.block_of_row[i] * p * q;
      for (Index b = 0; b < q; ++b)
        for (Index a = 0; a < p; ++a) block[b * p + a] += w[i] * za[a] * zb[b];
    }
  }
}

/// Clears what cross_products() and add_by_level() add to across ranges: all but the first factor's own part.
inline void clear_shared(const Data& data, BlockMatrix& products, Vector& sums) {
  for (Index k = 1; k < data.terms.count(); ++k) products.diagonal_values(k).setZero();
  for (std::size_t c = 0; c < data.pattern.crossings().size(); ++c)
    products.crossing_values(static_cast<Index>(c)).setZero();
  sums.tail(sums.size() - data.terms[0].size()).setZero();
}

}  // namespace glimmer

#endif
