// A point of a model with everything that has been computed there.
#ifndef GLIMMER_POINT_H
#define GLIMMER_POINT_H

#include "data.h"

namespace glimmer {

/// A point (beta, u) of the model, and the rows there.
struct Point {
  Vector beta, u, b;      ///< b = Lambda u
  double phi = 0.0;
  Vector fixed, eta;      ///< X beta + offset; the whole linear predictor
  RowDerivatives rows;
  Vector log_densities;   ///< for each block the sum of its rows' f
  BlockMatrix products;   ///< Z'WZ
  Vector score;           ///< Z'd1, one segment a level, laid out like u

  explicit Point(const Data& data)
      : beta(Vector::Zero(data.X().cols())), u(Vector::Zero(data.factors.size())), b(u),
        log_densities(data.blocks()), products(data.factors, data.pattern), score(Vector::Zero(u.size())) {}

  /// Space for the rows, which are most of a point: at the first evaluation, when what the data came from may be gone.
  void reserve_rows(const Data& data, int order) {
    if (eta.size() == data.rows()) return;
    fixed.resize(data.rows());
    eta.resize(data.rows());
    rows.reserve(data.rows(), order, data.density->has_dispersion());
  }
};

}  // namespace glimmer

#endif
