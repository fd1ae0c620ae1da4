// An approximation of the integral over u: a value and its adjoints. Whatever the approximation, one pull-back
// (pull_back.h) takes the adjoints to the coefficients and Lambda; a new approximation is a new Integral.
#ifndef GLIMMER_INTEGRAL_H
#define GLIMMER_INTEGRAL_H

#include <cmath>

#include "row_passes.h"

namespace glimmer {

/// Derivatives of the approximate log-likelihood l, where mode and H are taken as free; see DESIGN, "Mathematics".
struct Adjoint {
  BlockMatrix H_bar;                ///< in H, on its pattern
  Vector mode_bar;                  ///< in the mode u^; empty: zero
  /// In each row's eta of each predictor, directly (not through the mode or H): n numbers; the sum of them alone, where
  /// the predictor is the same for all rows; empty: d1.
  std::vector<Vector> eta_bar;
  Vector d3_bar, d4_bar;            ///< n, in each row's d3 and d4 of the first predictor at the mode; empty: zero
  std::vector<Matrix> lambda_bar;   ///< in Lambda of each factor, directly

  explicit Adjoint(const Data& data) : H_bar(data.factors, data.pattern), eta_bar(data.predictors.size()) {
    for (Index k = 0; k < data.factors.count(); ++k)
      lambda_bar.push_back(Matrix::Zero(data.factors[k].effects(), data.factors[k].effects()));
  }
};

/// A log-likelihood, or why there is none.
struct Value {
  Status status;
  double value;

  explicit Value(double value_)
      : status(std::isfinite(value_) ? Status::ok : Status::value_not_finite), value(value_) {}
};

/// At a point that holds the mode, with rows, products and score there, and `system` factored with them.
class Integral {
 public:
  virtual ~Integral() = default;
  /// The order of the rows' derivatives in eta that the gradient needs: 3, with d3_bar 4, with d4_bar 5.
  virtual int order() const = 0;
  virtual Value value(const Point& point) = 0;
  /// Sets every part of `out`, whatever it held.
  virtual void adjoint(const Point& point, Adjoint& out) = 0;
  /// Whether FixedCurvature is the second derivative of the value in beta.
  virtual bool has_fixed_curvature() const { return false; }
};

}  // namespace glimmer

#endif
