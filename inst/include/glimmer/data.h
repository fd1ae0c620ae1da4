// What a model is made of.
#ifndef GLIMMER_DATA_H
#define GLIMMER_DATA_H

#include <memory>

#include "columns.h"
#include "density.h"
#include "equal_rows.h"
#include "interrupt.h"
#include "partition.h"
#include "pattern.h"
#include "factors.h"
#include "types.h"

namespace glimmer {

/// The data of a model, its rows sorted by blocks, equal ones merged, and fixed from then on (but for Lambda, which
/// `factors` holds at the current theta).
struct Data {
  Responses responses;
  Column offset;
  FixedDesign design;
  Factors factors;
  std::unique_ptr<const Density> density;
  Index callers_rows = 0;  ///< before equal ones were merged
  double constant = 0.0;  ///< sum of the parts of the log-densities that depend on no parameter
  Partition partition;
  Pattern pattern;
  Interrupt interrupt;    ///< asked between chunks
  int threads = 1;        ///< for the rows, where levels are separate: chunks then share nothing

  Data(Responses responses_, Column offset_, FixedDesign design_, Factors factors_,
       std::unique_ptr<const Density> density_, std::function<void()> ask = nullptr)
      : responses(std::move(responses_)), offset(std::move(offset_)), design(std::move(design_)),
        factors(std::move(factors_)), density(std::move(density_)), partition(sorted(*this)), pattern(factors) {
    interrupt.set(std::move(ask));
  }

  Eigen::Map<const Matrix> X() const { return design.X(); }
  Index rows() const { return offset.size(); }
  Index blocks() const { return partition.blocks(); }
  Range all_blocks() const { return partition.all(); }
  Range rows_of(Range blocks) const { return partition.rows_of(blocks); }

  /// Other responses, sizes and weights of the caller's rows.
  void set_responses(const Responses& given) {
    const Index n = callers_rows;
    for (const Column* column : {&given.y, &given.size, &given.weight})
      if (column->size() != n) throw std::invalid_argument("the rows of the response and of X differ in number");
    if (!given.weight.positive()) throw std::invalid_argument("prior weights must be positive");
    constant = 0.0;
    Vector y(rows()), size(rows()), weight = Vector::Zero(rows());
    for (Index i = 0; i < n; ++i) {
      const Index at = partition.row_of(i);
      Observation own = given[i];
      constant += density->constant(own);
      if (weight[at] > 0.0) own = density->sum_of({y[at], size[at], weight[at]}, own);
      y[at] = own.y, size[at] = own.size, weight[at] = own.weight;
    }
    responses = {y, size, weight};
  }

  /// The levels of factor k that belong to a range of blocks: those of an eliminated factor; else all of them.
  Range levels_of(Index k, Range blocks) const {
    return k < factors.eliminated() ? blocks : Range{0, factors[k].levels};
  }

 private:
  /// Sorts the rows and merges equal ones.
  static Partition sorted(Data& data) {
    check(data);
    data.callers_rows = data.rows();
    for (Index i = 0; i < data.rows(); ++i) data.constant += data.density->constant(data.responses[i]);
    Partition out(data.factors);
    Integers rows = out.order(data.factors);
    EqualRows equal(data.responses, data.offset, data.design, data.factors, *data.density);
    if (equal.find(rows)) {
      rows = equal.kept();
      data.select(rows);
      data.responses = equal.merged();
      out.set_places(equal.places());
    } else if (!std::is_sorted(rows.begin(), rows.end())) {
      data.select(rows);
      for (Column* column : {&data.responses.y, &data.responses.size, &data.responses.weight}) column->select(rows);
      Integers places(rows.size());
      for (std::size_t i = 0; i < rows.size(); ++i) places[rows[i]] = static_cast<int>(i);
      out.set_places(std::move(places));
    }
    out.find_blocks(data.factors, rows);
    return out;
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
};

}  // namespace glimmer

#endif
