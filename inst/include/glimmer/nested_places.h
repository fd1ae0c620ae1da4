// Moments of u by the normal density at its modes, by which the rules of nested factors are placed first.
#ifndef GLIMMER_NESTED_PLACES_H
#define GLIMMER_NESTED_PLACES_H

#include "block_system.h"
#include "nested_rule.h"
#include "point.h"

namespace glimmer {

/// Those of a standard normal density, as levels without rows have them.
inline std::vector<LevelMoments> standard_moments(const Nesting& nesting) {
  std::vector<LevelMoments> out(static_cast<std::size_t>(nesting.depth()));
  for (Index l = 0; l < nesting.depth(); ++l) {
    LevelMoments& own = out[static_cast<std::size_t>(l)];
    const Index q = nesting.effects(l), levels = nesting.levels(l);
    own.mean.setZero(q, levels);
    own.covariance = Matrix::Identity(q, q).replicate(1, levels);
    own.with_outer.setZero(q, (nesting.joint_effects(l) - q) * levels);
  }
  return out;
}

/// The modes, and H^-1: `system` is factored with H there.
inline std::vector<LevelMoments> moments_at_modes(const Data& data, const Nesting& nesting, const Point& point,
                                                  BlockSystem& system) {
  std::vector<LevelMoments> out = standard_moments(nesting);
  BlockMatrix inverse(data.factors, data.pattern);
  system.inverse(inverse);
  for (Index l = 0; l < nesting.depth(); ++l) {
    LevelMoments& own = out[static_cast<std::size_t>(l)];
    const Index q = nesting.effects(l);
    for (Index g = 0; g < nesting.levels(l); ++g) {
      own.mean.col(g) = point.u.segment(data.factors.position(l, g), q);
      own.covariance.middleCols(q * g, q) = inverse.diagonal(l, g);
    }
  }
  for (Index c = 0; c < data.pattern.count(); ++c) {
    const Crossing& pairs = data.pattern[c];
    const Index l = pairs.first, outer = nesting.joint_effects(l) - nesting.effects(l);
    const Index first = nesting.joint_effects(l + 1) - nesting.joint_effects(pairs.second);
    Matrix& own = out[static_cast<std::size_t>(l)].with_outer;
    for (Index block = 0; block < pairs.blocks(); ++block)
      own.middleCols(outer * pairs.level_first[static_cast<std::size_t>(block)] + first,
                     nesting.effects(pairs.second)) = inverse.crossing(c, block);
  }
  return out;
}

}  // namespace glimmer

#endif
