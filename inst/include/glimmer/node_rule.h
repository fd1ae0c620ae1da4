// Where the nodes of a quadrature are, and sums in log space.
#ifndef GLIMMER_NODE_RULE_H
#define GLIMMER_NODE_RULE_H

#include <algorithm>
#include <cmath>

#include "types.h"

namespace glimmer {

/// Where each level has its nodes.
struct NodeRule {
  Integers nodes;          ///< how many for each effect; 0: the level is left out
  std::vector<char> wide;  ///< whether by the trapezoid rule around a centre
  Matrix centre;           ///< q x levels; of wide levels
  Matrix scale;            ///< q x q levels: C of wide levels

  NodeRule() = default;
  NodeRule(Integers nodes_, std::vector<char> wide_, Index q) : nodes(std::move(nodes_)), wide(std::move(wide_)) {
    const Index levels = static_cast<Index>(nodes.size());
    centre.setZero(q, levels);
    scale.setZero(q, q * levels);
  }

  bool is_wide(Index g) const { return wide[static_cast<std::size_t>(g)] != 0; }
  int nodes_of(Index g) const { return nodes[static_cast<std::size_t>(g)]; }

  bool any_wide() const { return std::any_of(wide.begin(), wide.end(), [](char is) { return is != 0; }); }
};

/// Mean (a column a level) and covariance (q columns a level) of u given the data.
struct Moments {
  Matrix mean, covariance;
};

/// A sum of exponentials, of which any number may come at a time, and none overflows.
class LogSum {
 public:
  void clear() {
    top_ = -infinity;
    total_ = 0.0;
  }

  /// Adds exp(logs), and leaves exp(logs - top) in `logs`, top the largest so far. What was summed up before with these
  /// weights is to be multiplied by what is given back.
  double add(Vector& logs) {
    const double top = std::max(top_, logs.maxCoeff());
    if (top == -infinity) {
      logs.setZero();
      return 1.0;
    }
    const double rescale = std::exp(top_ - top);
    logs = (logs.array() - top).exp();
    total_ = total_ * rescale + logs.sum();
    top_ = top;
    return rescale;
  }

  double total() const { return total_; }
  double log() const { return top_ + std::log(total_); }

 private:
  double top_ = -infinity, total_ = 0.0;
};

}  // namespace glimmer

#endif
