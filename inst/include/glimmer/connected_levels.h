// Which levels rows or a prior connect: components, over which h(u) is a sum.
#ifndef GLIMMER_CONNECTED_LEVELS_H
#define GLIMMER_CONNECTED_LEVELS_H

#include <numeric>

#include "factors.h"
#include "types.h"

namespace glimmer {

class ConnectedLevels {
 public:
  explicit ConnectedLevels(const Factors& factors) {
    Index nodes = 0;
    for (Index k = 0; k < factors.count(); ++k) {
      first_node_.push_back(nodes);
      nodes += factors[k].levels;
    }
    Positions parent(static_cast<std::size_t>(nodes));
    std::iota(parent.begin(), parent.end(), Index(0));
    for (Index k = 0; k < factors.count(); ++k) {
      for (const Incidence& incidence : factors[k].incidences) {
        if (&incidence == &factors[0].first()) continue;
        for (Index i = 0; i < factors.rows(); ++i)
          unite(parent, factors[0].first().level[i], first_node_[k] + incidence.level[i]);
      }
      for (const auto& pair : factors[k].prior->pairs())
        unite(parent, first_node_[k] + pair.first, first_node_[k] + pair.second);
    }
    number(parent);
  }

  Index count() const { return count_; }
  Index of(Index k, Index level) const { return component_[first_node_[k] + level]; }

 private:
  static Index root(Positions& parent, Index node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  }
  static void unite(Positions& parent, Index a, Index b) {
    const Index root_a = root(parent, a), root_b = root(parent, b);
    parent[std::max(root_a, root_b)] = std::min(root_a, root_b);
  }

  /// Numbers the components in the order of their first nodes: with one factor, component g is level g.
  void number(Positions& parent) {
    component_.assign(parent.size(), 0);
    for (std::size_t node = 0; node < parent.size(); ++node) {
      const Index top = root(parent, static_cast<Index>(node));
      component_[node] = top == static_cast<Index>(node) ? count_++ : component_[top];
    }
  }

  Positions first_node_, component_;
  Index count_ = 0;
};

}  // namespace glimmer

#endif
