// Nodes of the wide levels of a frozen rule, found where u is, given the data, at some parameters.
#ifndef GLIMMER_WIDE_PLACES_H
#define GLIMMER_WIDE_PLACES_H

#include "frozen_point.h"
#include "frozen_rule.h"
#include "node_kernels.h"
#include "wide_nodes.h"

namespace glimmer {

/// Places the wide levels of a range where they have been seen; those that have not are looked for from where they are.
/// Where there is no density to be found they stay there.
inline void place_wide_levels(const Data& data, const FrozenPoint& point, Range levels, FrozenRule& rule,
                              std::vector<WideLook>& seen) {
  const std::unique_ptr<NodeKernel> kernel = make_node_kernel(data, data.factors[0].first().Z);
  // a link that allows a part of the line only has a unit: that of the response, or of its inverse
  const bool has_unit = std::isfinite(data.density->lower_eta(0)) || std::isfinite(data.density->upper_eta(0));
  WideNodes wide(*kernel, data.factors[0].first().Z, has_unit);
  NodeTile tile;
  tile.lambda = &point.lambda();
  tile.fixed.resize(static_cast<std::size_t>(point.predictors()));
  std::vector<Vector> fixed(tile.fixed.size());
  for (Index g = levels.begin; g < levels.end; ++g) {
    if (!rule.is_wide(g)) continue;
    data.interrupt();
    tile.rows = data.rows_of({g, g + 1});
    for (int a = 0; a < point.predictors(); ++a) {
      Vector& own = fixed[static_cast<std::size_t>(a)];
      own = point.fixed_part(a, {tile.rows});
      tile.fixed[static_cast<std::size_t>(a)] = {own.data(), a > 0 && own.size() == 1 ? 0 : 1};
    }
    tile.centre = rule.centre(g);
    tile.C = rule.scale(g);
    WideLook& own = seen[static_cast<std::size_t>(g)];
    if (own.centre.size() == 0) own = wide.look(tile);
    PlacedNodes found = wide.find(tile, own, rule.step(g));
    rule.place_wide(g, found.centre, found.C, std::move(found.nodes));
  }
}

}  // namespace glimmer

#endif
