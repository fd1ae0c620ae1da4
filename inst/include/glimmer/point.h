// A point of a model with everything that has been computed there.
#ifndef GLIMMER_POINT_H
#define GLIMMER_POINT_H

#include "data.h"

namespace glimmer {

/// A point (beta, u) of the model, and the rows there.
struct Point {
  std::vector<Vector> beta;   ///< by predictor
  Vector u, b;                ///< b = Lambda u
  std::vector<Vector> fixed;  ///< X beta + offset of the active predictors
  Etas eta;                   ///< the whole linear predictors; of length 1 where one is the same for all rows
  RowDerivatives rows;        ///< to order 2 in the active predictors: what the search for the mode needs
  RowDerivatives further;     ///< what a gradient needs beside these
  Vector log_densities;       ///< for each block the sum of its rows' f
  BlockMatrix products;       ///< Z'WZ
  Vector score;               ///< Z'd1, one segment a level, laid out like u

  explicit Point(const Data& data)
      : u(Vector::Zero(data.factors.size())), b(u), fixed(data.predictors.size()), eta(data.predictors.size()),
        log_densities(data.blocks()), products(data.factors, data.pattern), score(Vector::Zero(u.size())) {
    for (const Predictor& predictor : data.predictors) beta.push_back(Vector::Zero(predictor.X.columns()));
  }

  /// Derivatives of the rows at the mode, in the predictors a, b, c: w and d3 with one at least of them active, w, and
  /// two, d3.
  const Vector& d1(int a) const { return of(rows.d1, further.d1, static_cast<std::size_t>(a)); }
  const Vector& w(int a, int b) const { return of(rows.w, further.w, pair_place(a, b)); }
  const Vector& d3(int a, int b, int c) const { return further.d3[triple_place(a, b, c)]; }

  /// Space for the rows, which are most of a point: at the first evaluation, when what the data came from may be gone.
  void reserve_rows(const Data& data, int order) {
    const Index n = data.rows();
    if (eta[0].size() == n && !further.of_order(order).empty()) return;
    const int m = data.predictor_count();
    rows.reserve(0, 2, m);
    further.reserve(0, order, m);
    for (int a = 0; a < m; ++a) {
      eta[static_cast<std::size_t>(a)].resize(data.same_for_all(a) ? 1 : n);
      if (data.is_active(a)) fixed[static_cast<std::size_t>(a)].resize(n);
      (data.is_active(a) ? rows : further).d1[static_cast<std::size_t>(a)].resize(n);
      for (int b : data.active) {
        (data.is_active(a) ? rows : further).w[pair_place(a, b)].resize(n);
        for (int c : data.active) further.d3[triple_place(a, b, c)].resize(n);
      }
      for (int k = 4; k <= order; ++k) further.of_order(k)[static_cast<std::size_t>(a)].resize(n);
    }
  }

 private:
  static const Vector& of(const std::vector<Vector>& first, const std::vector<Vector>& second, std::size_t place) {
    return first[place].size() > 0 ? first[place] : second[place];
  }
};

}  // namespace glimmer

#endif
