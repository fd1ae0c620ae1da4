// A rule of quadrature for each level of a factor, its nodes u = m + C x frozen: they do not move with the parameters
// until they are placed anew.
#ifndef GLIMMER_FROZEN_RULE_H
#define GLIMMER_FROZEN_RULE_H

#include <cmath>
#include <map>
#include <memory>

#include "node_set.h"

namespace glimmer {

/// Mean (a column a level) and covariance (q columns a level) of u given the data.
struct Moments {
  Matrix mean, covariance;
};

/// The Cholesky factor of a matrix in its place. False where it has none, but for round-off.
inline bool take_root(Matrix& C) {
  constexpr double round_off = 1e-12;
  for (Index j = 0; j < C.cols(); ++j) {
    const double pivot = C(j, j) - C.row(j).head(j).squaredNorm();
    if (!(pivot > round_off * C(j, j)) || !std::isfinite(pivot)) return false;
    C(j, j) = std::sqrt(pivot);
    for (Index i = j + 1; i < C.rows(); ++i) {
      C(i, j) = (C(i, j) - C.row(i).head(j).dot(C.row(j).head(j))) / C(j, j);
      C(j, i) = 0.0;
    }
  }
  return true;
}

class FrozenRule {
 public:
  FrozenRule(Index effects, Index levels)
      : centre_(Matrix::Zero(effects, levels)), scale_(Matrix::Identity(effects, effects).replicate(1, levels)),
        log_scale_(Vector::Zero(levels)), step_(Vector::Zero(levels)), nodes_(static_cast<std::size_t>(levels)) {}

  Index effects() const { return centre_.rows(); }
  Index levels() const { return centre_.cols(); }

  auto centre(Index g) const { return centre_.col(g); }
  auto scale(Index g) const { return scale_.middleCols(effects() * g, effects()); }
  double log_scale(Index g) const { return log_scale_[g]; }  ///< log|C|
  const NodeSet* nodes(Index g) const { return nodes_[static_cast<std::size_t>(g)].get(); }  ///< null: none

  /// How many a level without a rule of its own has for each effect; 0: none.
  int nodes_for_effect(Index g) const { return nodes(g) ? static_cast<int>(nodes(g)->axes[0].size()) : 0; }

  /// Whether a level has the nodes of a trapezoid rule; its largest step in eta.
  bool is_wide(Index g) const { return step_[g] > 0.0; }
  double step(Index g) const { return step_[g]; }
  bool any_wide() const { return (step_.array() > 0.0).any(); }

  /// C is triangular.
  template <class Centre, class Root>
  void place(Index g, const Centre& centre, const Root& C) {
    centre_.col(g) = centre;
    scale_.middleCols(effects() * g, effects()) = C;
    double log_scale = 0.0;
    for (Index j = 0; j < effects(); ++j) log_scale += std::log(std::abs(C(j, j)));
    log_scale_[g] = log_scale;
  }

  /// A level with nodes of its own; where these are nowhere it has a few at its old place.
  void place_wide(Index g, const Vector& centre, const Matrix& C, std::shared_ptr<const NodeSet> nodes) {
    const double determinant = std::abs(C.determinant());
    const bool good = determinant > 0.0 && std::isfinite(determinant) && centre.allFinite();
    nodes_[static_cast<std::size_t>(g)] = good ? std::move(nodes) : products_.at(nodes_without_place);
    if (!good) return;
    centre_.col(g) = centre;
    scale_.middleCols(effects() * g, effects()) = C;
    log_scale_[g] = std::log(determinant);
  }

  /// How many nodes each level has for each effect (0: the level is left out), and whether it is wide: the trapezoid
  /// rule has then so many in a stretch of the linear predictor that is as long as a wide posterior. Where wide levels
  /// have them is left open.
  void set_nodes(const Integers& nodes, const std::vector<char>& wide) {
    if (static_cast<Index>(nodes.size()) != levels() || static_cast<Index>(wide.size()) != levels())
      throw std::invalid_argument("a quadrature rule needs a number of nodes for every level");
    for (std::size_t g = 0; g < nodes.size(); ++g) {
      const bool is_wide = wide[g] != 0 && nodes[g] > 0;
      step_[static_cast<Index>(g)] = is_wide ? stretch / nodes[g] : 0.0;
      nodes_[g] = nodes[g] > 0 ? product(is_wide ? nodes_without_place : nodes[g]) : nullptr;
    }
  }

 private:
  static constexpr double stretch = 60.0;          ///< 19 standard deviations of 3.2
  static constexpr int nodes_without_place = 11;   ///< of wide levels, until they are placed

  std::shared_ptr<const NodeSet> product(int nodes) {
    std::shared_ptr<const NodeSet>& known = products_[nodes];
    if (!known) known = std::make_shared<NodeSet>(gauss_hermite(nodes), effects());
    return known;
  }

  Matrix centre_, scale_;  ///< q x levels; q x q levels
  Vector log_scale_, step_;
  std::vector<std::shared_ptr<const NodeSet>> nodes_;
  std::map<int, std::shared_ptr<const NodeSet>> products_;  ///< by number of nodes for an effect
};

}  // namespace glimmer

#endif
