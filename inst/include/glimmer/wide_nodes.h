// Nodes for wide levels, in which the integrand is far from a normal density: a trapezoid rule whose axes and steps are
// those of the density of u given the data, cut where nothing is left of it.
#ifndef GLIMMER_WIDE_NODES_H
#define GLIMMER_WIDE_NODES_H

#include <algorithm>

#include "node_kernel.h"

namespace glimmer {

/// The nodes of a level, and where they are: u = centre + C x.
struct PlacedNodes {
  Vector centre;
  Matrix C;
  std::shared_ptr<const NodeSet> nodes;
};

/// Where the density of u given the data of a level is: its mean and a root of its covariance; nodes of a coarse rule,
/// a column each, at which it is not negligible, and the steps between these along the axes of that rule.
struct WideLook {
  Vector centre;
  Matrix C, seen, between;
};

/// With B B' the covariance of u given the data, turned so that sum_i (z_i'Lambda B)_j (z_i'Lambda B)_k = 0 for all
/// axes j and k, the steps are h_j = min(.9, h / max_i |(z_i'Lambda B)_j|): no row's eta changes by more than h from a
/// node to the next along an axis. The trapezoid rule's error falls like exp(-2 pi d / h), d the distance of the
/// integrand's singularities from the real line (Trefethen and Weideman 2014, SIAM Review 56:385): pi in eta for the
/// logit.
class WideNodes {
 public:
  /// `has_unit`: eta is in units of its own, and steps are in standard deviations alone.
  WideNodes(NodeKernel& kernel, const EffectRows& Z, bool has_unit = false)
      : kernel_(kernel), Z_(Z), has_unit_(has_unit) {}

  /// Looks for the density of a level, given its rows and a place to look at first.
  WideLook look(const NodeTile& level) {
    set_level(level);
    seen_.resize(effects(), 0);
    for (int looks = 0; looks < most_rounds && !look_again(); ++looks) {
    }
    return {tile_.centre, tile_.C, seen_, between_};
  }

  /// The nodes of a level in which the density has been found. `step`: the largest in eta.
  PlacedNodes find(const NodeTile& level, const WideLook& seen, double step) {
    set_level(level);
    tile_.centre = seen.centre;
    tile_.C = seen.C;
    seen_ = seen.seen;
    between_ = seen.between;
    set_axes(step);
    fit_box();
    return {tile_.centre, tile_.C, kept()};
  }

 private:
  static constexpr double coarse_step = 2.5;     ///< in eta, for moments
  static constexpr double unrefined = 2.0;       ///< in eta, with steps of `widest`
  static constexpr double widest = 0.9;          ///< in standard deviations: 5e-11 off for a normal density
  static constexpr double first_reach = 7.0;     ///< standard deviations; exp(-7^2 / 2) = 2e-11
  static constexpr double negligible = -23.026;  ///< log 1e-10, of the density relative to its largest
  static constexpr double most_nodes = 4e5;      ///< of a box
  static constexpr int most_rounds = 40;

  Index effects() const { return tile_.lambda->rows(); }

  void set_level(const NodeTile& level) {
    tile_ = level;
    tile_.nodes = nullptr;
    find_products();
  }

  /// Lambda'Z'Z Lambda
  void find_products() {
    const Index q = effects();
    Matrix products = Matrix::Zero(q, q);
    for (Index i = tile_.rows.begin; i < tile_.rows.end; ++i) {
      const Eigen::Map<const Vector> z(Z_.row(i), q);
      products.noalias() += z * z.transpose();
    }
    products_ = tile_.lambda->transpose() * products * *tile_.lambda;
  }

  /// Puts centre and C at mean and covariance of u given the data, as a coarse rule finds them. False where its steps
  /// were too long for that, and C has only become smaller.
  bool look_again() {
    set_axes(coarse_step);
    fit_box();
    Vector weights = (terms_.array() - terms_.maxCoeff()).exp();
    weights /= weights.sum();
    if (!weights.allFinite()) return true;  // there is no density here
    keep_seen();
    Matrix steps = box_.x * step_.cwiseInverse().asDiagonal();
    const Vector mean = steps.transpose() * weights;
    steps.rowwise() -= mean.transpose();
    Matrix covariance = steps.transpose() * weights.asDiagonal() * steps;
    const double narrowest = Eigen::SelfAdjointEigenSolver<Matrix>(covariance, Eigen::EigenvaluesOnly).eigenvalues()[0];
    const bool resolved = narrowest > 0.16;  // a step is at most 2.5 standard deviations in any direction
    if (!resolved) covariance.diagonal().array() += 0.02;
    tile_.centre += tile_.C * step_.cwiseProduct(mean);
    tile_.C = tile_.C * step_.asDiagonal() * Matrix(Eigen::LLT<Matrix>(covariance).matrixL());
    return resolved;
  }

  /// The nodes at which the density is not negligible, and the steps between them.
  void keep_seen() {
    const Eigen::Map<const Matrix> u(u_.data(), box_.lanes(), effects());
    const double limit = terms_.maxCoeff() + negligible;
    seen_.resize(effects(), (terms_.array() > limit).count());
    for (Index k = 0, to = 0; k < box_.nodes; ++k)
      if (terms_[k] > limit) seen_.col(to++) = u.row(k).transpose();
    between_ = tile_.C * step_.asDiagonal();
  }

  /// Turns the axes and finds the steps; runs are along the axis with the most of them.
  void set_axes(double step) {
    const Index q = effects();
    const Eigen::SelfAdjointEigenSolver<Matrix> turn(tile_.C.transpose() * products_ * tile_.C);
    if (turn.info() == Eigen::Success) tile_.C = tile_.C * turn.eigenvectors().rowwise().reverse();
    const Matrix scale = *tile_.lambda * tile_.C;
    Vector farthest = Vector::Zero(q);
    for (Index i = tile_.rows.begin; i < tile_.rows.end; ++i)
      farthest = farthest.cwiseMax((Eigen::Map<const Vector>(Z_.row(i), q).transpose() * scale).transpose().cwiseAbs());
    // finer in both, so that a finer rule is another one also where eta hardly varies
    if (has_unit_) farthest.setZero();
    step_ = (step / farthest.array()).min(widest * std::min(1.0, step / unrefined));
    set_ends();
  }

  /// Standard deviations at first; then what has been seen of the density, and a step more.
  void set_ends() {
    const Index q = effects();
    below_ = above_ = (first_reach / step_.array()).ceil();
    const Matrix inverse = tile_.C.inverse();
    if (seen_.cols() == 0 || !inverse.allFinite()) return;
    const Matrix x = inverse * (seen_.colwise() - tile_.centre);
    const Vector more = (inverse * between_).cwiseAbs().rowwise().sum();
    for (Index j = 0; j < q; ++j) {
      above_[j] = std::clamp(std::ceil((x.row(j).maxCoeff() + more[j]) / step_[j]), 1.0, most_nodes);
      below_[j] = std::clamp(std::ceil((more[j] - x.row(j).minCoeff()) / step_[j]), 1.0, most_nodes);
    }
  }

  /// Moves the ends of the box outwards until the density is negligible there. An end that cut a tail off would be an
  /// error that no finer rule in the same box could tell.
  void fit_box() {
    for (int round = 0; round < most_rounds; ++round) {
      while ((below_ + above_).array().unaryExpr([](double n) { return n + 1.0; }).prod() > most_nodes) coarsen();
      evaluate();
      if (!extend()) return;
    }
  }

  void coarsen() {
    constexpr double factor = 1.25;
    step_ *= factor;
    below_ = (below_ / factor).array().ceil();
    above_ = (above_ / factor).array().ceil();
  }

  /// The log of the integrand at all nodes of the box.
  void evaluate() {
    std::vector<Axis> axes;
    for (Index j = 0; j < effects(); ++j)
      axes.emplace_back(step_[j], static_cast<Index>(below_[j]), static_cast<Index>(above_[j]));
    box_ = NodeSet(axes);
    const Index lanes = box_.lanes();
    u_.resize(lanes * effects());
    Eigen::Map<Matrix> u(u_.data(), lanes, effects());
    u.noalias() = box_.x.lazyProduct(tile_.C.transpose());
    u.rowwise() += tile_.centre.transpose();
    tile_.nodes = &box_;
    tile_.u = u_.data();
    out_.reserve(lanes, 0, 0, 1);
    kernel_.evaluate(tile_, 0, out_);
    terms_ = out_.f.head(lanes) - 0.5 * u.rowwise().squaredNorm();
    terms_.tail(lanes - box_.nodes).setConstant(-infinity);
  }

  /// The ends at which the density is not negligible move out. Whether there are any.
  bool extend() {
    const double limit = terms_.maxCoeff() + negligible;
    bool any = false;
    std::vector<char> low(static_cast<std::size_t>(effects())), high(low);
    for_runs(limit, [&](const NodeSet::Run&, const int* others, Index first, Index last) {
      mark(0, first, low, high);
      mark(0, last, low, high);
      for (Index j = 1; j < effects(); ++j) mark(j, others[j - 1], low, high);
    });
    for (Index j = 0; j < effects(); ++j) {
      const double more = std::ceil(0.25 * (below_[j] + above_[j]));
      below_[j] += low[j] ? more : 0.0;
      above_[j] += high[j] ? more : 0.0;
      any = any || low[j] || high[j];
    }
    return any;
  }

  void mark(Index j, Index place, std::vector<char>& low, std::vector<char>& high) const {
    if (place == 0) low[j] = 1;
    if (place + 1 == box_.axes[j].size()) high[j] = 1;
  }

  /// Calls visit(run, its places on the other axes, first, last) for the runs in which the integrand is above a limit,
  /// from the first to the last such node.
  template <class Visit>
  void for_runs(double limit, Visit visit) const {
    const int* others = box_.others.data();
    for (const NodeSet::Run& run : box_.runs) {
      Index first = 0, last = run.size - 1;
      while (first < run.size && !(terms_[run.lane + first] > limit)) ++first;
      while (last > first && !(terms_[run.lane + last] > limit)) --last;
      if (first < run.size) visit(run, others, first, last);
      others += effects() - 1;
    }
  }

  /// What is left of the box; all of it where there is no density.
  std::shared_ptr<const NodeSet> kept() const {
    auto out = std::make_shared<NodeSet>();
    out->axes = box_.axes;
    for_runs(terms_.maxCoeff() + negligible, [&](const NodeSet::Run&, const int* others, Index first, Index last) {
      out->add_run(first, last - first + 1, others);
    });
    if (out->nodes == 0) return std::make_shared<NodeSet>(box_);
    out->finish();
    return out;
  }

  NodeKernel& kernel_;
  const EffectRows& Z_;
  bool has_unit_;
  NodeTile tile_;       ///< of the level, and the place as it is so far
  Matrix products_;
  Matrix seen_;         ///< where a look has found a density that is not negligible, a column a node
  Matrix between_;      ///< the steps along its axes
  Vector step_;           ///< of each axis, in standard deviations
  Vector below_, above_;  ///< how many steps there are on either side of the centre
  NodeSet box_;
  Vector u_, terms_;
  NodeDerivatives out_;
};

}  // namespace glimmer

#endif
