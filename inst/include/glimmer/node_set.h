// The nodes of a level's rule: some of those of a product of axes, in runs along the first.
#ifndef GLIMMER_NODE_SET_H
#define GLIMMER_NODE_SET_H

#include "node_grid.h"

namespace glimmer {

/// Places on a line.
struct Axis {
  Vector x;
  double farthest;       ///< the largest |x|
  bool symmetric;        ///< whether -x is there, in reverse, for every x
  double step = 0.0;     ///< of places that are multiples of it; 0 of others
  Index zero = 0;        ///< the place of 0 among multiples

  Axis(const Vector& places)  // NOLINT: a vector of places is an axis
      : x(places), farthest(x.cwiseAbs().maxCoeff()), symmetric((x + x.reverse()).cwiseAbs().maxCoeff() == 0.0) {}

  /// step times -below, ..., above
  Axis(double step_, Index below, Index above)
      : Axis(step_ * Vector::LinSpaced(below + above + 1, -static_cast<double>(below), static_cast<double>(above))) {
    step = step_;
    zero = below;
  }
};

/// Nodes x_k at which u_k = centre + C x_k, with weights: integral g(x) dx ~ sum_k exp(log_weight_k) g(x_k). A node has
/// a lane; there are a multiple of four lanes, and those without a node have log weight -infinity, and finite x.
struct NodeSet {
  /// Lanes that lie next to each other along the first axis.
  struct Run {
    Index lane, first, size;  ///< of its first node the lane, and the place on the first axis
  };

  static constexpr Index lanes_together = 4;

  std::vector<Axis> axes;
  std::vector<Run> runs;
  Integers others;           ///< for each run its places on all axes but the first
  Index nodes = 0;
  Matrix x;                  ///< lanes x axes: the coordinates of each node
  Vector log_weight;         ///< lanes

  NodeSet() = default;

  /// All nodes of the product of a rule with itself.
  NodeSet(const LineRule& rule, Index dimensions) {
    const NodeGrid grid(rule, dimensions);
    const Index n = rule.x.size();
    axes.assign(static_cast<std::size_t>(dimensions), Axis(rule.x));
    nodes = grid.size();
    for (Index lane = 0; lane < nodes; lane += n) {
      runs.push_back({lane, 0, n});
      for (Index j = 1, rest = lane / n; j < dimensions; ++j, rest /= n) others.push_back(static_cast<int>(rest % n));
    }
    const Index lanes = (nodes + lanes_together - 1) / lanes_together * lanes_together;
    x.resize(lanes, dimensions);
    x.topRows(nodes) = grid.x.transpose();
    x.bottomRows(lanes - nodes).rowwise() = grid.x.col(nodes - 1).transpose();
    log_weight.setConstant(lanes, -infinity);
    log_weight.head(nodes) = grid.log_weight;
  }

  Index effects() const { return x.cols(); }
  Index lanes() const { return x.rows(); }
};

}  // namespace glimmer

#endif
