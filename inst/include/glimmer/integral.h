// An approximation of the integral over u: a value and its adjoints. Whatever the approximation, one pull-back
// (pull_back.h) takes the adjoints to beta, Lambda and phi; a new approximation is a new Integral.
#ifndef GLIMMER_INTEGRAL_H
#define GLIMMER_INTEGRAL_H

#include "row_passes.h"

namespace glimmer {

/// Derivatives of the approximate log-likelihood l, where mode and H are taken as free; see DESIGN, "Mathematics".
struct Adjoint {
  BlockMatrix H_bar;                ///< in H, on its pattern
  Vector mode_bar;                  ///< in the mode u^; empty: zero
  Vector eta_bar;                   ///< n, in each row's eta directly (not through the mode or H); empty: d1
  Vector d3_bar, d4_bar;            ///< n, in each row's d3 and d4 at the mode; empty: zero
  std::vector<Matrix> lambda_bar;   ///< in Lambda of each factor, directly
  double phi_bar = 0.0;             ///< in phi, directly

  explicit Adjoint(const Data& data) : H_bar(data.factors, data.pattern) {
    for (Index k = 0; k < data.factors.count(); ++k)
      lambda_bar.push_back(Matrix::Zero(data.factors[k].effects(), data.factors[k].effects()));
  }
};

/// At a point that holds the mode, with rows, products and score there, and `system` factored with them.
class Integral {
 public:
  virtual ~Integral() = default;
  /// The order of the rows' derivatives in eta that the gradient needs: 3, with d3_bar 4, with d4_bar 5.
  virtual int order() const = 0;
  virtual double value(const Point& point) = 0;
  /// Sets every part of `out`, whatever it held.
  virtual void adjoint(const Point& point, Adjoint& out) = 0;
  /// Both at once; worth it where one pass gives both.
  virtual bool one_pass() const { return false; }
  virtual double value_and_adjoint(const Point& point, Adjoint& out) {
    adjoint(point, out);
    return value(point);
  }
  /// Whether FixedCurvature is the second derivative of the value in beta.
  virtual bool has_fixed_curvature() const { return false; }
};

}  // namespace glimmer

#endif
