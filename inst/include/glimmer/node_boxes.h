// Where wide levels have their nodes: for each a box, with axes from the covariance of u given the data, that goes as
// far as the density is not negligible. An end that cut a tail off would be an error that no number of nodes in the box
// could tell.
#ifndef GLIMMER_NODE_BOXES_H
#define GLIMMER_NODE_BOXES_H

#include <algorithm>

#include "node_sums.h"

namespace glimmer {

class NodeBoxes {
 public:
  explicit NodeBoxes(NodeSums& sums) : sums_(sums) {}

  /// Places the box of the wide levels where u is, given the data, at a point: first around the mode, and then, with
  /// axes from its covariance, around the mean; each as far as the density is not negligible.
  void place(const Point& point, NodeRule& rule) {
    NodeRule look = rule;
    for (Index g = 0; g < sums_.levels(); ++g) {
      if (!rule.is_wide(g)) continue;
      look.centre.col(g) = point.u.segment(g * sums_.effects(), sums_.effects());
      look.scale.middleCols(g * sums_.effects(), sums_.effects()) = far * sums_.inverse_root(g);
    }
    fit_boxes(point, rule, look);
    set_looks(rule, look);
    set_axes(sums_.moments(point, look), look);
    fit_boxes(point, rule, look);
    rule.centre = look.centre;
    rule.scale = look.scale;
  }

 private:
  static constexpr double far = 9.0;           ///< standard deviations to either side of a first box
  static constexpr double negligible = 1e-10;  ///< density relative to its largest
  static constexpr int most_looks = 12;

  /// A few nodes of the trapezoid rule for the wide levels, none for the others.
  void set_looks(const NodeRule& rule, NodeRule& look) const {
    const int few = sums_.effects() == 1 ? 41 : sums_.effects() == 2 ? 25 : 15;
    for (std::size_t g = 0; g < rule.nodes.size(); ++g) look.nodes[g] = rule.wide[g] ? few : 0;
  }

  /// A box of many standard deviations around the mean, where these are good.
  void set_axes(const Moments& moments, NodeRule& look) const {
    const Index q = sums_.effects();
    for (Index g = 0; g < sums_.levels(); ++g) {
      if (!look.is_wide(g)) continue;
      const Eigen::LLT<Matrix> root(moments.covariance.middleCols(q * g, q));
      const Matrix C = root.matrixL();
      const bool good = root.info() == Eigen::Success && C.allFinite() && C.diagonal().minCoeff() > 0.0;
      if (!good || !moments.mean.col(g).allFinite()) continue;
      look.centre.col(g) = moments.mean.col(g);
      look.scale.middleCols(q * g, q) = far * C;
    }
  }

  /// Moves the ends of the boxes outwards until the density is negligible there, and then in to where it is not.
  void fit_boxes(const Point& point, const NodeRule& rule, NodeRule& look) {
    set_looks(rule, look);
    const auto is_placed = [](int nodes) { return nodes == 0; };
    for (int round = 0; round < most_looks; ++round) {
      if (std::all_of(look.nodes.begin(), look.nodes.end(), is_placed)) return;
      sums_.prepare(look);
      NodeRule moved = look;
      sums_.for_ranges(sums_.ranges_of(look), [&](Index, Range range) {
        Profiles part(sums_.effects(), look, moved);
        sums_.for_levels(point, look, range, part);
      });
      look = std::move(moved);
    }
  }

  /// Along each axis of a box the largest density at each coordinate, and from these the box that is needed.
  struct Profiles {
    Index effects;
    const NodeRule& look;
    NodeRule& moved;
    Matrix profile;

    Profiles(Index effects_, const NodeRule& look_, NodeRule& moved_)
        : effects(effects_), look(look_), moved(moved_) {}
    int order() const { return 0; }
    void start() { profile.resize(0, 0); }

    void add(const NodeRows::Block& block, const NodeRows&, const Vector& weights, double rescale) {
      const Index n = look.nodes_of(block.level), q = effects;
      if (profile.size() == 0) profile.setZero(n, q);
      profile *= rescale;
      for (Index k = 0; k < block.count; ++k)
        for (Index j = 0, rest = block.first + k; j < q; ++j, rest /= n)
          profile(rest % n, j) = std::max(profile(rest % n, j), weights[k]);
    }

    /// An end that is not negligible goes out by half the box; where both are, the box is drawn in to one step more
    /// than what is not, and the level is done.
    void finish(Index g, const LogSum&) {
      const Index n = profile.rows(), q = profile.cols();
      const double step = 2.0 / static_cast<double>(n - 1);
      Vector middle(q), half(q);
      bool wider = false;
      for (Index j = 0; j < q; ++j) {
        const double limit = negligible * profile.col(j).maxCoeff();
        Index low = 0, high = n - 1;
        while (low < high && !(profile(low, j) > limit)) ++low;
        while (high > low && !(profile(high, j) > limit)) --high;
        const double down = low == 0 ? 1.0 : step, up = high == n - 1 ? 1.0 : step;
        wider = wider || low == 0 || high == n - 1;
        const double from = -1.0 + step * static_cast<double>(low) - down;
        const double to = -1.0 + step * static_cast<double>(high) + up;
        middle[j] = 0.5 * (from + to);
        half[j] = 0.5 * (to - from);
      }
      const Matrix C = look.scale.middleCols(q * g, q);
      moved.centre.col(g) = look.centre.col(g) + C * middle;
      moved.scale.middleCols(q * g, q) = C * half.asDiagonal();
      if (!wider) moved.nodes[static_cast<std::size_t>(g)] = 0;
    }
  };

  NodeSums& sums_;
};

}  // namespace glimmer

#endif
