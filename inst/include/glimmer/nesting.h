// Which levels lie in which, where each factor's levels lie within those of the next: the tree of the integrals.
#ifndef GLIMMER_NESTING_H
#define GLIMMER_NESTING_H

#include <algorithm>
#include <numeric>

#include "data.h"

namespace glimmer {

/// Factors from the innermost, 0, to the outermost. Levels without rows, but the outermost ones, lie nowhere.
class Nesting {
 public:
  explicit Nesting(const Data& data) : data_(data) {
    const Factors& factors = data.factors;
    if (factors.eliminated() == 0) refuse();
    for (Index l = 0; l < factors.count(); ++l) {
      const Factor& own = factors[l];
      if (!own.separate_levels() || own.incidences.size() != 1 || own.first().predictor != 0) refuse();
      if (l + 1 < factors.count()) find_parents(own, factors[l + 1]);
    }
    join_rows();
  }

  Index depth() const { return data_.factors.count(); }
  Index outermost() const { return depth() - 1; }
  Index levels(Index l) const { return data_.factors[l].levels; }
  Index effects(Index l) const { return data_.factors[l].effects(); }
  /// Of factor l and those in which it lies.
  Index joint_effects(Index l) const {
    Index sum = 0;
    for (; l < depth(); ++l) sum += effects(l);
    return sum;
  }

  /// The level of factor l + 1 in which a level of factor l lies; -1: it has no rows.
  Index parent(Index l, Index level) const {
    return l == outermost() ? -1 : parent_[static_cast<std::size_t>(l)][static_cast<std::size_t>(level)];
  }
  bool is_somewhere(Index l, Index level) const { return l == outermost() || parent(l, level) >= 0; }

  /// Calls visit(level) for the levels of factor l - 1 in a level of factor l.
  template <class Visit>
  void for_children(Index l, Index level, Visit visit) const {
    const Children& own = children_[static_cast<std::size_t>(l - 1)];
    const std::size_t at = static_cast<std::size_t>(level);
    for (int i = own.start[at]; i < own.start[at + 1]; ++i) visit(Index{own.levels[static_cast<std::size_t>(i)]});
  }

  /// Calls visit(level) for the levels of factor 0 in a level of factor l.
  template <class Visit>
  void for_leaves(Index l, Index level, Visit visit) const {
    if (l == 0) return visit(level);
    for_children(l, level, [&](Index child) { for_leaves(l - 1, child, visit); });
  }

  /// The rows of a level of factor 0, which lie next to each other.
  Range rows_of(Index leaf) const { return data_.rows_of({leaf, leaf + 1}); }

  /// Whether there are rows in a level of factor l, but none of them counts.
  bool left_out(Index l, Index level) const {
    if (data_.responses.once()) return false;
    bool any = false, all = true;
    for_leaves(l, level, [&](Index leaf) {
      any = any || rows_of(leaf).size() > 0;
      all = all && data_.left_out(rows_of(leaf));
    });
    return any && all;
  }

  /// Z of all factors side by side, the innermost first.
  const EffectRows& Z() const { return depth() == 1 ? data_.factors[0].first().Z : joint_; }

 private:
  struct Children {
    Integers start, levels;  ///< those of level g: from start[g] on
  };

  [[noreturn]] static void refuse() {
    throw std::invalid_argument("quadrature needs one grouping factor, or factors each of which is nested in the next");
  }

  void find_parents(const Factor& inner, const Factor& outer) {
    Integers parent(static_cast<std::size_t>(inner.levels), -1);
    for (std::size_t i = 0; i < inner.first().level.size(); ++i) {
      int& own = parent[static_cast<std::size_t>(inner.first().level[i])];
      const int found = outer.first().level[i];
      if (own >= 0 && own != found) refuse();
      own = found;
    }
    Children children{Integers(static_cast<std::size_t>(outer.levels + 1), 0), {}};
    for (int p : parent)
      if (p >= 0) ++children.start[static_cast<std::size_t>(p) + 1];
    std::partial_sum(children.start.begin(), children.start.end(), children.start.begin());
    Integers next = children.start;
    children.levels.resize(static_cast<std::size_t>(children.start.back()));
    for (std::size_t g = 0; g < parent.size(); ++g)
      if (parent[g] >= 0)
        children.levels[static_cast<std::size_t>(next[static_cast<std::size_t>(parent[g])]++)] = static_cast<int>(g);
    parent_.push_back(std::move(parent));
    children_.push_back(std::move(children));
  }

  void join_rows() {
    if (depth() == 1) return;
    RowMatrix all(data_.rows(), joint_effects(0));
    Index first = 0;
    for (Index l = 0; l < depth(); first += effects(l++)) {
      const EffectRows& Z = data_.factors[l].first().Z;
      for (Index i = 0; i < all.rows(); ++i) std::copy_n(Z.row(i), effects(l), &all(i, first));
    }
    joint_ = EffectRows(all);
  }

  const Data& data_;
  std::vector<Integers> parent_;     ///< by factor but the outermost
  std::vector<Children> children_;   ///< of factor l + 1
  EffectRows joint_;
};

}  // namespace glimmer

#endif
