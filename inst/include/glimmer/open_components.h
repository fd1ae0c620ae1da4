// What of a search over components is still going on: components, levels, effects.
#ifndef GLIMMER_OPEN_COMPONENTS_H
#define GLIMMER_OPEN_COMPONENTS_H

#include <vector>

#include "connected_levels.h"
#include "factors.h"

namespace glimmer {

enum class Search { searching, moved, done };

/// Visitors are called for what is still searching, in a range of blocks, and in all levels of the factors that blocks
/// share, which then have to be the whole.
class OpenComponents {
 public:
  explicit OpenComponents(const Factors& factors)
      : factors_(factors), components_(factors),
        state_(static_cast<std::size_t>(components_.count()), Search::searching) {}

  /// Whether something else connects all of them to one.
  void join(bool joined) { joined_ = joined; }

  Index count() const { return components_.count(); }
  Index component(Index k, Index level) const { return joined_ ? 0 : components_.of(k, level); }
  /// That of a block: of a level of the eliminated factor; where there is none, blocks are components.
  Index of_block(Index g) const { return factors_.eliminated() == 1 ? component(0, g) : joined_ ? 0 : g; }
  Search& operator[](Index c) { return state_[static_cast<std::size_t>(c)]; }

  bool none(Range levels) const {
    bool none = true;
    for_components(levels, [&](Index) { none = false; });
    return none;
  }

  /// The components of a range of blocks, whatever their state.
  template <class Visit>
  void for_all_components(Range levels, Visit visit) const {
    Range range{0, joined_ ? 1 : components_.count()};
    if (!joined_ && factors_.separate_levels()) range = levels;
    for (Index c = range.begin; c < range.end; ++c) visit(c);
  }

  template <class Visit>
  void for_components(Range levels, Visit visit) const {
    for_all_components(levels, [&](Index c) {
      if (searching(c)) visit(c);
    });
  }

  /// Blocks.
  template <class Visit>
  void for_levels(Range levels, Visit visit) const {
    for (Index g = levels.begin; g < levels.end; ++g)
      if (searching(of_block(g))) visit(g);
  }

  /// The longest runs of such blocks.
  template <class Visit>
  void for_runs(Range levels, Visit visit) const {
    for (Index g = levels.begin; g < levels.end;) {
      Index end = g;
      while (end < levels.end && searching(of_block(end))) ++end;
      if (end > g) visit(Range{g, end});
      g = end + 1;
    }
  }

  /// Elements of u, with their component.
  template <class Visit>
  void for_elements(Range levels, Visit visit) const {
    for (Index k = 0; k < factors_.count(); ++k) {
      const Range range = k < factors_.eliminated() ? levels : Range{0, factors_[k].levels};
      for (Index h = range.begin; h < range.end; ++h) {
        const Index c = component(k, h), at = factors_.position(k, h), end = at + factors_[k].effects();
        if (searching(c))
          for (Index j = at; j < end; ++j) visit(j, c);
      }
    }
  }

  /// Elements of u in all other components.
  template <class Visit>
  void for_other_elements(Visit visit) const {
    for (Index k = 0; k < factors_.count(); ++k)
      for (Index h = 0; h < factors_[k].levels; ++h)
        if (!searching(component(k, h)))
          for (Index j = factors_.position(k, h), end = j + factors_[k].effects(); j < end; ++j) visit(j);
  }

  /// Scalar products by component.
  void sum_by_component(Range levels, const Vector& a, const Vector& b, Vector& sums) const {
    for_components(levels, [&](Index c) { sums[c] = 0.0; });
    for_elements(levels, [&](Index j, Index c) { sums[c] += a[j] * b[j]; });
  }

 private:
  bool searching(Index c) const { return state_[static_cast<std::size_t>(c)] == Search::searching; }

  const Factors& factors_;
  ConnectedLevels components_;
  std::vector<Search> state_;
  bool joined_ = false;
};

}  // namespace glimmer

#endif
