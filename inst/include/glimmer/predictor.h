// A linear predictor of the rows before random effects enter, X beta + offset: of the mean, and likewise of what else
// a density depends on.
#ifndef GLIMMER_PREDICTOR_H
#define GLIMMER_PREDICTOR_H

#include <algorithm>
#include <memory>

#include "columns.h"
#include "types.h"

namespace glimmer {

/// A model matrix by what is done with it. It is the caller's own, who keeps it alive, until rows are selected.
class FixedDesign {
 public:
  FixedDesign(const double* values, Index rows, Index columns) : values_(values), rows_(rows), columns_(columns) {}
  /// A copy.
  FixedDesign(const Matrix& X)  // NOLINT: a matrix is a design
      : own_(std::make_unique<Matrix>(X)), values_(own_->data()), rows_(X.rows()), columns_(X.cols()) {}

  /// One column, the same number in every row, of which no more than that number is kept.
  static FixedDesign constant(Index rows, double value) {
    FixedDesign out(Matrix::Constant(1, 1, value));
    out.rows_ = rows;
    out.constant_ = true;
    return out;
  }

  bool is_copy() const { return own_ != nullptr; }
  bool constant() const { return constant_; }
  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  double operator()(Index row, Index column) const { return values_[constant_ ? 0 : column * rows_ + row]; }

  /// Keeps one column with the same number in all rows as that number.
  void simplify() {
    if (columns_ != 1 || rows_ == 0 || constant_) return;
    if (std::all_of(values_, values_ + rows_, [this](double x) { return x == values_[0]; }))
      *this = constant(rows_, values_[0]);
  }

  /// out += X beta on a range of rows, out[0] that of the first one.
  void times(Range rows, const Vector& beta, double* out) const {
    Eigen::Map<Vector> sum(out, rows.size());
    if (constant_)
      sum.array() += values_[0] * beta[0];
    else
      sum.noalias() += part(rows) * beta;
  }

  /// sums += X'v on a range of rows, v[0] that of the first one.
  void add_transposed(Range rows, const double* v, Eigen::Ref<Vector> sums) const {
    const Eigen::Map<const Vector> own(v, rows.size());
    if (constant_)
      sums[0] += values_[0] * own.sum();
    else
      sums.noalias() += part(rows).transpose() * own;
  }

  /// One column on a range of rows.
  auto column(Index j, Range rows) const {
    const Index step = constant_ ? 0 : 1;
    return Eigen::Map<const Vector, 0, Eigen::InnerStride<>>(values_ + (constant_ ? 0 : j * rows_ + rows.begin),
                                                             rows.size(), Eigen::InnerStride<>(step));
  }

  /// A range of rows, for what needs their numbers.
  Matrix copy(Range rows) const {
    Matrix out(rows.size(), columns_);
    copy_to(rows, out);
    return out;
  }
  template <class Rows>
  void copy_to(Range rows, Rows&& out) const {
    if (constant_)
      out.setConstant(values_[0]);
    else
      out = part(rows);
  }

  void select(const Integers& rows) {
    const Index n = static_cast<Index>(rows.size());
    if (!constant_) {
      auto selected = std::make_unique<Matrix>(n, columns_);
      for (Index j = 0; j < columns_; ++j) {
        const double* from = values_ + j * rows_;
        for (Index i = 0; i < n; ++i) (*selected)(i, j) = from[rows[static_cast<std::size_t>(i)]];
      }
      own_ = std::move(selected);
      values_ = own_->data();
    }
    rows_ = n;
  }

 private:
  using Part = Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>;
  Part part(Range rows) const {
    return Part(values_ + rows.begin, rows.size(), columns_, Eigen::OuterStride<>(rows_));
  }

  std::unique_ptr<Matrix> own_;  ///< empty while the matrix is the caller's
  const double* values_;
  Index rows_, columns_;
  bool constant_ = false;
};

struct Predictor {
  FixedDesign X;
  Column offset;
  Range beta = {0, 0};  ///< the place of its coefficients in the parameter vector

  /// Whether X beta + offset is the same in every row.
  bool constant() const { return (X.constant() || X.columns() == 0) && offset.constant(); }

  /// out = X beta + offset on a range of rows
  void fixed_part(Range rows, const Vector& coefficients, double* out) const {
    offset.copy(rows, out);
    X.times(rows, coefficients, out);
  }

  /// Keeps these rows, in this order.
  void select(const Integers& rows) {
    X.select(rows);
    offset.select(rows);
  }
};

/// What is given where a density has no other predictor, or others that are the same for all rows.
inline std::vector<Predictor> only_predictor(Column offset, FixedDesign X) {
  std::vector<Predictor> out;
  out.push_back({std::move(X), std::move(offset)});
  return out;
}

/// The same number for all of so many rows.
inline Predictor constant_predictor(Index rows) {
  return {FixedDesign::constant(rows, 1.0), Column(Vector::Zero(rows))};
}

/// A number that is known, and has no coefficient.
inline Predictor known_predictor(Index rows, double value) {
  return {FixedDesign(Matrix(rows, 0)), Column(Vector::Constant(rows, value))};
}

}  // namespace glimmer

#endif
