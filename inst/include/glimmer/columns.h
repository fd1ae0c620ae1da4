// The data's columns: kept once, and not at all where that can be helped.
#ifndef GLIMMER_COLUMNS_H
#define GLIMMER_COLUMNS_H

#include <algorithm>

#include "types.h"

namespace glimmer {

/// The rows of Z of one grouping factor, q numbers each; one row where all are the same, as those of an intercept.
class EffectRows {
 public:
  EffectRows() = default;
  template <class Derived>
  EffectRows(const Eigen::DenseBase<Derived>& Z) : rows_(Z.rows()) {  // NOLINT: a matrix is its rows
    bool same = rows_ > 0;
    for (Index j = 0; j < Z.cols() && same; ++j) same = (Z.derived().col(j).array() == Z.derived()(0, j)).all();
    values_ = Z.derived().topRows(same ? 1 : rows_);
    step_ = same ? 0 : Z.cols();
  }

  Index rows() const { return rows_; }
  Index effects() const { return values_.cols(); }
  const double* row(Index i) const { return values_.data() + i * step_; }
  Index step() const { return step_; }  ///< from one row to the next

  /// Room for rows of which all are the same where those of another are.
  void reserve_like(const EffectRows& other, Index rows) {
    rows_ = rows;
    step_ = other.step_;
    values_.resize(step_ == 0 ? other.values_.rows() : rows, other.effects());
    if (step_ == 0) values_ = other.values_;
  }

  /// Copies of a range of another's rows, one after the other, from row `at` on.
  void put(const EffectRows& from, Range rows, Index copies, Index at) {
    if (step_ == 0) return;
    for (Index copy = 0; copy < copies; ++copy)
      std::copy_n(from.row(rows.begin), rows.size() * step_, values_.data() + (at + copy * rows.size()) * step_);
  }

  /// Keeps these rows, in this order.
  void select(const Integers& rows) {
    rows_ = static_cast<Index>(rows.size());
    if (step_ == 0) return;
    RowMatrix selected(rows_, values_.cols());
    for (Index i = 0; i < rows_; ++i) selected.row(i) = values_.row(rows[static_cast<std::size_t>(i)]);
    values_ = std::move(selected);
  }

 private:
  RowMatrix values_;
  Index rows_ = 0, step_ = 0;
};

/// A number for every row; one number where all rows have the same.
class Column {
 public:
  Column() = default;
  template <class Derived>
  Column(const Eigen::DenseBase<Derived>& values) : rows_(values) {}  // NOLINT: a vector is a column

  Index size() const { return rows_.rows(); }
  bool constant() const { return rows_.step() == 0; }
  double operator[](Index i) const { return *rows_.row(i); }
  void select(const Integers& rows) { rows_.select(rows); }
  void reserve_like(const Column& other, Index rows) { rows_.reserve_like(other.rows_, rows); }
  void put(const Column& from, Range rows, Index copies, Index at) { rows_.put(from.rows_, rows, copies, at); }

  bool positive() const {
    return all_are([](double x) { return x > 0.0; });
  }
  /// Finite numbers that are not negative.
  bool counts() const {
    return all_are([](double x) { return x >= 0.0 && x < infinity; });
  }

  Vector values() const {
    Vector out(size());
    copy({0, size()}, out.data());
    return out;
  }

  /// out[0], out[1], ... = the numbers of a range of rows
  void copy(Range rows, double* out) const {
    if (constant())
      std::fill_n(out, rows.size(), *rows_.row(0));
    else
      std::copy_n(rows_.row(rows.begin), rows.size(), out);
  }

 private:
  template <class Property>
  bool all_are(Property property) const {
    bool all = true;
    for (Index i = 0; i < (constant() ? std::min<Index>(size(), 1) : size()); ++i) all = all && property((*this)[i]);
    return all;
  }

  EffectRows rows_;
};

}  // namespace glimmer

#endif
