// H x = r by conjugate gradients, the Cholesky factor M of an earlier H as preconditioner (Golub and Van Loan 2013,
// section 11.5), in each component on its own: with one step length for all of them, a component with a small residual
// would have no step beside one with a large one. From x = 0, s = 0:
//   z = M^-1 r ,  s <- z + s (r'z) / (r'z before) ,  a = r'z / s'Hs ,  x <- x + a s ,  r <- r - a H s .
// The first r'x, which the sum of a r'z is, is the decrement of Newton's method.
#ifndef GLIMMER_CONJUGATE_GRADIENTS_H
#define GLIMMER_CONJUGATE_GRADIENTS_H

#include <algorithm>
#include <cmath>

#include "block_system.h"
#include "open_components.h"

namespace glimmer {

class ConjugateGradients {
 public:
  explicit ConjugateGradients(Index components)
      : now_(Vector::Zero(components)), last_(now_), whole_(now_), curvature_(now_), length_(now_), ratio_(now_) {}

  /// x for the right side r, which is zero in components that are not open, and their product in each component. What
  /// is left falls with the decrement, so that Newton's method keeps its order (Dembo, Eisenstat and Steihaug 1982,
  /// SIAM Journal on Numerical Analysis 19:400). False: not found in so many steps.
  bool solve(const BlockSystem& system, const BlockMatrix& products, const OpenComponents& open, Range levels,
             const Vector& r, Vector& x, Vector& decrement) {
    x.setZero();
    residual_ = search_ = r;
    open.for_components(levels, [&](Index c) { decrement[c] = 0.0; });
    for (int step = 0; step < max_steps; ++step) {
      preconditioned_ = residual_;
      system.solve(preconditioned_);
      if (!next_search(open, levels, decrement, step == 0)) return true;
      system.multiply(products, search_, product_);
      if (!go(open, levels, x, decrement)) return false;
    }
    return false;
  }

 private:
  static constexpr int max_steps = 40;

  /// The next direction of each component, zero where little is left of the residual, by the preconditioner's norm, and
  /// another step would gain next to nothing: as much as the last one for what is left. False: so it is in all of them.
  bool next_search(const OpenComponents& open, Range levels, const Vector& decrement, bool first) {
    open.sum_by_component(levels, residual_, preconditioned_, now_);
    bool more = false;
    open.for_components(levels, [&](Index c) {
      if (first) whole_[c] = now_[c];
      const double share = std::clamp(decrement[c], 1e-16, 1e-4);
      const bool little = now_[c] <= share * whole_[c] && length_[c] * now_[c] <= share * decrement[c];
      const bool goes_on = first ? now_[c] != 0.0 : !little;
      ratio_[c] = first || !goes_on ? 0.0 : now_[c] / last_[c];
      length_[c] = goes_on ? 1.0 : 0.0;
      more = more || goes_on;
    });
    open.for_elements(levels, [&](Index j, Index c) { search_[j] = preconditioned_[j] + ratio_[c] * search_[j]; });
    return more;
  }

  /// Goes as far along the directions as H says. False: that is nowhere.
  bool go(const OpenComponents& open, Range levels, Vector& x, Vector& decrement) {
    open.sum_by_component(levels, search_, product_, curvature_);
    bool finite = true;
    open.for_components(levels, [&](Index c) {
      if (length_[c] == 0.0) return;
      length_[c] = now_[c] / curvature_[c];
      decrement[c] += length_[c] * now_[c];
      last_[c] = now_[c];
      finite = finite && std::isfinite(length_[c]);
    });
    open.for_elements(levels, [&](Index j, Index c) {
      x[j] += length_[c] * search_[j];
      residual_[j] -= length_[c] * product_[j];
    });
    return finite;
  }

  Vector now_, last_, whole_, curvature_, length_, ratio_;  ///< a number a component
  Vector residual_, preconditioned_, search_, product_;
};

}  // namespace glimmer

#endif
