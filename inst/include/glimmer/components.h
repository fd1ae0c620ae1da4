// The components of H: sets of effects that rows or a prior connect, with dense matrices over each, which second order
// asks for. The columns of different components are solved for at once, as they have nothing in common.
#ifndef GLIMMER_COMPONENTS_H
#define GLIMMER_COMPONENTS_H

#include "block_system.h"
#include "connected_levels.h"
#include "parallel.h"

namespace glimmer {

/// Levels whose effects belong together, factor by factor.
struct Component {
  struct Level {
    Index factor, level, start;  ///< start: the place of its first effect in the component
  };
  std::vector<Level> levels;
  Integers level_of_effect;  ///< which of these levels each effect belongs to
  Index size = 0;            ///< number of effects
};

class Components {
 public:
  explicit Components(const Factors& factors) : factors_(factors), connected_(factors) {
    components_.resize(static_cast<std::size_t>(connected_.count()));
    for (Index k = 0; k < factors.count(); ++k)
      for (Index h = 0; h < factors[k].levels; ++h) add_level(k, h);
    for (const Component& own : components_) width_ = std::max(width_, own.size);
  }

  Index count() const { return connected_.count(); }
  const Component& operator[](Index c) const { return components_[static_cast<std::size_t>(c)]; }
  /// The number of effects of the largest one.
  Index largest() const { return width_; }
  /// The component of a level, and the place of its first effect there.
  Index of(Index k, Index level) const { return connected_.of(k, level); }
  Index place(Index k, Index level) const { return place_[static_cast<std::size_t>(factors_.position(k, level))]; }

  /// H^-1 times a matrix of each component, in place: some columns at a time.
  void solve(const BlockSystem& system, std::vector<Matrix>& columns, int threads) const {
    constexpr Index share = 64;
    parallel_shares((width_ + share - 1) / share, 1, threads, [&](Index run) {
      const Index begin = run * share, count = std::min(share, width_ - begin);
      RowMatrix X = RowMatrix::Zero(factors_.size(), count);
      for (Index j = 0; j < count; ++j)
        for_column(columns, begin + j, [&](Index position, double& own) { X(position, j) = own; });
      system.solve(X);
      for (Index j = 0; j < count; ++j)
        for_column(columns, begin + j, [&](Index position, double& own) { own = X(position, j); });
    });
  }

  std::vector<Matrix> inverse(const BlockSystem& system, int threads) const {
    std::vector<Matrix> out;
    for (const Component& own : components_) out.push_back(Matrix::Identity(own.size, own.size));
    solve(system, out, threads);
    return out;
  }

  /// M Lambda, or M Lambda', of one component.
  Matrix times_lambda(Index c, Matrix M, bool transposed) const {
    for (const Component::Level& own : (*this)[c].levels) {
      const Matrix& lambda = factors_.lambda(own.factor);
      auto columns = M.middleCols(own.start, lambda.cols());
      if (lambda.size() == 1)
        columns *= lambda(0, 0);
      else if (transposed)
        columns = (columns * lambda.transpose()).eval();
      else
        columns = (columns * lambda).eval();
    }
    return M;
  }

 private:
  void add_level(Index k, Index h) {
    Component& own = components_[static_cast<std::size_t>(connected_.of(k, h))];
    for (Index e = 0; e < factors_[k].effects(); ++e) {
      place_.push_back(own.size + e);
      own.level_of_effect.push_back(static_cast<int>(own.levels.size()));
    }
    own.levels.push_back({k, h, own.size});
    own.size += factors_[k].effects();
  }

  /// Calls visit(position in u, entry) for the j-th column of each component's matrix.
  template <class Visit>
  void for_column(std::vector<Matrix>& columns, Index j, Visit visit) const {
    for (std::size_t c = 0; c < components_.size(); ++c) {
      if (j >= columns[c].cols()) continue;
      for (const Component::Level& own : components_[c].levels)
        for (Index e = 0; e < factors_[own.factor].effects(); ++e)
          visit(factors_.position(own.factor, own.level) + e, columns[c](own.start + e, j));
    }
  }

  const Factors& factors_;
  ConnectedLevels connected_;
  std::vector<Component> components_;
  Positions place_;  ///< laid out like u
  Index width_ = 0;
};

}  // namespace glimmer

#endif
