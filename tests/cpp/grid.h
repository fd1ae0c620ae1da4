// Products of rules on the line, for plain sums over nodes.
#ifndef GRID_H
#define GRID_H

#include <glimmer/gauss_hermite.h>

namespace grid {

using glimmer::Index;
using glimmer::LineRule;
using glimmer::Matrix;
using glimmer::Vector;

/// Equal steps from -reach to reach: converges geometrically where g is analytic and small at the ends (Trefethen and
/// Weideman 2014, SIAM Review 56:385).
inline LineRule trapezoid(Index n, double reach) {
  const double step = 2.0 * reach / static_cast<double>(n - 1);
  return {Vector::LinSpaced(n, -reach, reach), Vector::Constant(n, std::log(step))};
}

/// The product of a rule with itself, one axis a dimension: a column of x a node.
struct NodeGrid {
  Matrix x;
  Vector log_weight;

  NodeGrid(const LineRule& rule, Index dimensions) {
    const Index n = rule.x.size();
    Index count = 1;
    for (Index j = 0; j < dimensions; ++j) count *= n;
    x.resize(dimensions, count);
    log_weight.setZero(count);
    for (Index k = 0; k < count; ++k)
      for (Index j = 0, rest = k; j < dimensions; ++j, rest /= n) {
        x(j, k) = rule.x[rest % n];
        log_weight[k] += rule.log_weight[rest % n];
      }
  }

  Index size() const { return x.cols(); }
};

}  // namespace grid

#endif
