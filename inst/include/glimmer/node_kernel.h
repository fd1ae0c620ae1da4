// What gives the log-densities of the rows of a level, and their derivatives, at the nodes of its rule. There is one
// for any density (density_kernel.h); densities that can do better have kernels of their own.
#ifndef GLIMMER_NODE_KERNEL_H
#define GLIMMER_NODE_KERNEL_H

#include <memory>

#include "data.h"
#include "node_set.h"

namespace glimmer {

/// The part of a linear predictor without random effects: that of a row is values[row * step].
struct FixedPart {
  const double* values = nullptr;
  Index step = 1;  ///< 0 where it is the same for all rows
};

/// Some rows of one level, and all nodes of its rule.
struct NodeTile {
  Range rows;                    ///< of the data
  std::vector<FixedPart> fixed;  ///< for each predictor: X beta + offset, from the tile's first row on
  const NodeSet* nodes = nullptr;
  const Matrix* lambda = nullptr;
  Vector centre;                 ///< u = centre + C x
  Matrix C;
  const double* u = nullptr;     ///< that of effect j in lane k is u[j * lanes + k]; finite in every lane

  Index lanes() const { return nodes->lanes(); }
};

/// What a kernel fills: all lanes, with finite numbers where there is no node. Lanes of a row lie next to each other.
struct NodeDerivatives {
  Vector f;                   ///< lanes: the sum over the tile's rows
  std::vector<Vector> d1, w;  ///< (row of the tile) * lanes + lane: df/d eta_a; -d2f by pair_place(a, b)

  /// Space for tiles of so many lanes, and rows times lanes.
  void reserve(Index lanes, Index cells, int order, int predictors) {
    if (f.size() < lanes) f.resize(lanes);
    d1.resize(order >= 1 ? static_cast<std::size_t>(predictors) : 0);
    w.resize(order >= 2 ? pair_place(0, predictors) : 0);
    for (std::vector<Vector>* all : {&d1, &w})
      for (Vector& own : *all)
        if (own.size() < cells) own.resize(cells);
  }
};

/// A kernel has space of its own: one for each thread.
class NodeKernel {
 public:
  virtual ~NodeKernel() = default;
  /// Fills the first lanes of f, and the first rows x lanes of d1 (order >= 1) and of w (order 2). Where f is minus
  /// infinity the derivatives of the row at that node are zero.
  virtual void evaluate(const NodeTile& tile, int order, NodeDerivatives& out) = 0;
};

}  // namespace glimmer

#endif
