// The nodes of a level's rule: some of those of a product of axes, in runs along the first.
#ifndef GLIMMER_NODE_SET_H
#define GLIMMER_NODE_SET_H

#include "gauss_hermite.h"

namespace glimmer {

/// A rule on a line.
struct Axis {
  Vector x, log_weight;
  double farthest;   ///< the largest |x|
  bool symmetric;    ///< whether the places are their own mirror image
  double step = 0.0;  ///< of places that are multiples of it; 0 of others
  Index zero = 0;     ///< the place of 0 among multiples

  Axis(const LineRule& rule)  // NOLINT: a rule on a line is an axis
      : x(rule.x), log_weight(rule.log_weight), farthest(x.cwiseAbs().maxCoeff()),
        symmetric((x + x.reverse()).cwiseAbs().maxCoeff() == 0.0) {}

  /// The trapezoid rule at step times -below, ..., above.
  Axis(double step_, Index below, Index above) : Axis(multiples(step_, below, above)) {
    step = step_;
    zero = below;
  }

  Index size() const { return x.size(); }

 private:
  static LineRule multiples(double step, Index below, Index above) {
    const Index n = below + above + 1;
    LineRule rule{Vector(n), Vector::Constant(n, std::log(step))};
    for (Index k = 0; k < n; ++k) rule.x[k] = step * static_cast<double>(k - below);
    return rule;
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

  /// All nodes of a product of axes.
  explicit NodeSet(std::vector<Axis> axes_) : axes(std::move(axes_)) {
    Integers places(axes.size() - 1, 0);
    for (bool more = true; more;) {
      add_run(0, axes[0].size(), places.data());
      more = false;
      for (std::size_t j = 1; j < axes.size() && !more; ++j) {
        more = ++places[j - 1] < axes[j].size();
        if (!more) places[j - 1] = 0;
      }
    }
    finish();
  }

  NodeSet(const LineRule& rule, Index dimensions)
      : NodeSet(std::vector<Axis>(static_cast<std::size_t>(dimensions), Axis(rule))) {}

  /// Adds the nodes at some places of the first axis and one of each other axis. After the last, finish().
  void add_run(Index first, Index size, const int* places) {
    runs.push_back({nodes, first, size});
    others.insert(others.end(), places, places + axes.size() - 1);
    nodes += size;
  }

  void finish() {
    const Index q = static_cast<Index>(axes.size());
    const Index lanes = (nodes + lanes_together - 1) / lanes_together * lanes_together;
    x.resize(lanes, q);
    log_weight.setConstant(lanes, -infinity);
    const int* places = others.data();
    for (const Run& run : runs) {
      x.col(0).segment(run.lane, run.size) = axes[0].x.segment(run.first, run.size);
      log_weight.segment(run.lane, run.size) = axes[0].log_weight.segment(run.first, run.size);
      for (Index j = 1; j < q; ++j, ++places) {
        const Axis& axis = axes[static_cast<std::size_t>(j)];
        x.col(j).segment(run.lane, run.size).setConstant(axis.x[*places]);
        log_weight.segment(run.lane, run.size).array() += axis.log_weight[*places];
      }
    }
    for (Index lane = nodes; lane < lanes; ++lane) x.row(lane) = x.row(nodes - 1);
  }

  Index effects() const { return x.cols(); }
  Index lanes() const { return x.rows(); }
};

}  // namespace glimmer

#endif
