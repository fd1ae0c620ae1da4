// The conditional mode: Newton's method (PIRLS) with line search on
//   h(u) = sum_i f_i(eta_i) - u'Pu / 2 ,  gradient A'd1 - Pu ,  -Hessian H = A'WA + P .
//
// h is a sum over components (open_components.h). Each has its own direction, line search and end, by its own gradient
// and decrement only, and is left alone afterwards; with one grouping factor each level is a component. With beta in
// the search there is only one.
#ifndef GLIMMER_MODE_H
#define GLIMMER_MODE_H

#include <algorithm>

#include "conjugate_gradients.h"
#include "fixed_effects.h"
#include "open_components.h"

namespace glimmer {

class Mode {
 public:
  Mode(const Data& data, BlockSystem& system)
      : data_(data), system_(system), open_(data.factors), conjugate_(open_.count()), h_(Vector::Zero(open_.count())),
        trial_(h_), noise_(h_), level_noise_(data.blocks()), step_(h_), decrement_(h_),
        start_(Vector::Zero(data.factors.size())), gradient_(start_), delta_(start_) {
    if (data.log_concave()) return;
    fallback_.resize(pair_place(0, data.predictor_count()));
    for (int a : data.active)
      for (int b : data.active) fallback_[pair_place(a, b)].resize(data.rows());
  }

  /// Null, or the fixed effects that the next searches are to include; and the decrement after which one more step is
  /// the last: 1e-12 leaves round-off.
  void include(FixedEffects* fixed, double limit = decrement_limit) {
    fixed_ = fixed;
    open_.join(fixed != nullptr);
    limit_ = limit;
  }

  /// Maximises h over the effects of a range of blocks (all of them where blocks share effects or fixed effects
  /// are included), from point.u, or where that was too far off from zero. Leaves eta, and the rows to
  /// order 2, at the mode.
  Status find(Point& point, Range levels) {
    const Status status = search(point, levels);
    if (status == Status::ok || !data_.log_concave()) return status;  // not log-concave: it was from zero
    open_.for_all_components(levels, [&](Index c) { open_[c] = Search::searching; });
    open_.for_elements(levels, [&](Index j, Index) { point.u[j] = 0.0; });
    return search(point, levels);
  }

  /// Whether a range of levels is at the mode, by the whole system as the caller has summed it up and factored it
  /// there: find() ends on what it expects of a last step. The limit is one of the decrement, in units of what h is
  /// summed from. If not (mode_not_found), go_on() finds the rest of the way.
  Status check(const Point& point, Range levels, double limit) {
    open_.for_all_components(levels, [&](Index c) { open_[c] = Search::searching; });
    if (!solve_directions(point, levels)) return Status::mode_not_found;
    open_.for_all_components(levels, [&](Index c) {
      if (decrement_[c] <= limit * (1.0 + noise_[c])) open_[c] = Search::done;
    });
    return open_.none(levels) ? Status::ok : Status::mode_not_found;
  }

  /// Goes on with the components that the last check() found wanting.
  Status go_on(Point& point, Range levels) { return open_.none(levels) ? Status::ok : climb(point, levels); }

 private:
  Status search(Point& point, Range levels) {
    const Status status = start(point, levels);
    return status == Status::ok ? climb(point, levels) : status;
  }

  Status climb(Point& point, Range levels) {
    for (int iteration = 0; iteration < max_iterations; ++iteration) {
      data_.interrupt();
      const bool conjugate = iteration < max_conjugate_iterations;
      if (!directions(point, levels, conjugate) || !line_search(point, levels)) return Status::mode_not_found;
      if (iteration > 20 && stuck_at_edge(levels)) return Status::mode_not_found;
      if (open_.none(levels)) return Status::ok;
    }
    return Status::mode_not_found;
  }

  static constexpr int max_iterations = 200, max_halvings = 60;
  static constexpr int max_conjugate_iterations = 10;
  static constexpr double decrement_limit = 1e-12, sufficient_increase = 1e-4;

  /// Evaluates h at the start. Where h can have several maxima the start is always u = 0, so that the mode is a
  /// function of the parameters; where it is not finite, a feasible u is looked for.
  Status start(Point& point, Range levels) {
    open_.for_all_components(levels, [&](Index c) { open_[c] = Search::searching; });
    if (!data_.log_concave()) open_.for_elements(levels, [&](Index j, Index) { point.u[j] = 0.0; });
    if (fixed_) fixed_predictor(data_, 0, point);
    evaluate(point, levels, h_);
    if (all_finite(levels)) return Status::ok;
    open_.for_elements(levels, [&](Index j, Index c) {
      if (!std::isfinite(h_[c])) point.u[j] = 0.0;
    });
    evaluate(point, levels, h_);
    if (all_finite(levels) || (!fixed_ && find_feasible(point, levels))) return Status::ok;
    return Status::infeasible;
  }

  /// Where X beta alone leaves the range of eta, u has to bring it back: Newton on -u'Pu / 2 - kappa |v|^2 / 2, v the
  /// distances of eta from a little inside its range, with kappa growing until every row is inside.
  bool find_feasible(Point& point, Range levels) {
    if (!std::isfinite(data_.density->lower_eta(0)) && !std::isfinite(data_.density->upper_eta(0))) return false;
    open_.for_components(levels, [&](Index c) {
      if (std::isfinite(h_[c])) open_[c] = Search::moved;
    });
    const double size = std::max(point.fixed[0].cwiseAbs().mean(), 1e-300);
    bool found = false;
    for (double kappa = 1.0 / (size * size), round = 0; round < 60 && !found; kappa *= 4.0, ++round) {
      open_.for_runs(levels, [&](Range run) { penalise(point, data_.rows_of(run), kappa, 0.01 * size); });
      if (!directions(point, levels)) break;
      open_.for_elements(levels, [&](Index j, Index) { point.u[j] += delta_[j]; });
      evaluate(point, levels, h_);
      found = all_finite(levels);
    }
    open_.for_all_components(levels, [&](Index c) { open_[c] = Search::searching; });
    return found;
  }

  void penalise(Point& point, Range rows, double kappa, double margin) const {
    const double lower = data_.density->lower_eta(0) + margin, upper = data_.density->upper_eta(0) - margin;
    for (std::vector<Vector>* all : {&point.rows.d1, &point.rows.w})
      for (Vector& own : *all)
        if (own.size() > 0) own.segment(rows.begin, rows.size()).setZero();
    for (Index i = rows.begin; i < rows.end; ++i) {
      const double distance = std::max(lower - point.eta[0][i], 0.0) - std::max(point.eta[0][i] - upper, 0.0);
      point.rows.d1[0][i] = kappa * distance;
      point.rows.w[0][i] = distance != 0.0 ? kappa : 0.0;
    }
  }

  bool all_finite(Range levels) const {
    bool finite = true;
    open_.for_components(levels, [&](Index c) { finite = finite && std::isfinite(h_[c]); });
    return finite;
  }

  /// eta, the rows and h at point.u, for the components that are still searching.
  void evaluate(Point& point, Range levels, Vector& h) {
    scale_effects(data_, levels, point);
    open_.for_components(levels, [&](Index c) { h[c] = noise_[c] = 0.0; });
    open_.for_runs(levels, [&](Range run) {
      linear_predictor(data_, run, point);
      data_.density->evaluate_levels(data_.responses, data_.partition.first_row(), run, point.eta, 2, point.rows,
                                     point.log_densities.data() + run.begin,
                                     level_noise_.data() + run.begin);
      for (Index g = run.begin; g < run.end; ++g) {
        const Index c = open_.of_block(g);
        h[c] += point.log_densities[g];
        noise_[c] += level_noise_[g];
      }
    });
    const Vector& penalised = data_.factors.times_precision(point.u, penalised_);
    open_.for_elements(levels, [&](Index j, Index c) { h[c] -= 0.5 * point.u[j] * penalised[j]; });
  }

  /// Newton's direction H^-1 (A'd1 - P u) and its decrement, for the components that are still searching.
  bool directions(Point& point, Range levels, bool conjugate = true) {
    if (conjugate && conjugate_directions(point, levels)) return true;
    return factor(point, levels) && solve_directions(point, levels);
  }

  bool solve_directions(const Point& point, Range levels) {
    set_gradient(point, levels);
    double beta_gain = 0.0;
    if (!system_.block_diagonal()) delta_.setZero();
    open_.for_elements(levels, [&](Index j, Index) { delta_[j] = gradient_[j]; });
    if (fixed_) {
      beta_delta_ = fixed_sums(data_, point.rows.d1[0]);
      const Vector beta_gradient = beta_delta_;
      fixed_->solve(delta_, beta_delta_);
      beta_gain = beta_gradient.dot(beta_delta_);
    } else if (system_.block_diagonal()) {
      open_.for_levels(levels, [&](Index g) { system_.solve_level(g, delta_.data() + data_.factors.position(0, g)); });
    } else {
      system_.solve(delta_);
    }
    open_.sum_by_component(levels, gradient_, delta_, decrement_);
    if (fixed_) decrement_[0] += beta_gain;
    bool finite = true;
    open_.for_components(levels, [&](Index c) { finite = finite && std::isfinite(decrement_[c]); });
    return finite;
  }

  /// Where factors cross, and a factorization costs more than all else: by conjugate gradients, with the factor of an
  /// earlier H. False: to be factored after all.
  bool conjugate_directions(Point& point, Range levels) {
    if (fixed_ || system_.block_diagonal() || !system_.factored() || !data_.log_concave()) return false;
    sum_up(point, levels);
    set_gradient(point, levels);
    open_.for_other_elements([&](Index j) { gradient_[j] = 0.0; });
    return conjugate_.solve(system_, point.products, open_, levels, gradient_, delta_, decrement_);
  }

  void set_gradient(const Point& point, Range levels) {
    const Vector& penalised = data_.factors.times_precision(point.u, penalised_);
    for (Index k = 0; k < data_.factors.count(); ++k) set_gradient(point, penalised, k, data_.levels_of(k, levels));
  }

  void set_gradient(const Point& point, const Vector& penalised, Index k, Range levels) {
    const Index q = data_.factors[k].effects(), at = data_.factors.position(k, levels.begin), size = q * levels.size();
    Eigen::Map<const Matrix> score(point.score.data() + at, q, levels.size());
    Eigen::Map<Matrix> gradient(gradient_.data() + at, q, levels.size());
    gradient.noalias() = data_.factors.lambda(k).transpose().lazyProduct(score);
    gradient_.segment(at, size) -= penalised.segment(at, size);
  }

  /// Factors H with the observed weights; where it has no Cholesky factor (on the way to the mode h need not be
  /// concave), with those of use_fallback_weights().
  bool factor(Point& point, Range levels) {
    sum_up(point, levels);
    if (system_.block_diagonal() && !fixed_) return factor_levels(point, levels);
    if (system_.factor(point.products) && (!fixed_ || fixed_->factor(point.rows.w))) return true;
    if (data_.log_concave()) return false;
    use_fallback_weights(point, levels);
    clear_shared(data_, point.products);
    add_products(data_, levels, fallback_, point.products);
    return system_.factor(point.products) && (!fixed_ || fixed_->factor(fallback_));
  }

  void sum_up(Point& point, Range levels) {
    clear_shared(data_, point.score);
    clear_shared(data_, point.products);
    open_.for_runs(levels, [&](Range run) {
      add_score(data_, run, point);
      add_products(data_, run, point.rows.w, point.products);
    });
  }

  bool factor_levels(Point& point, Range levels) {
    bool all = true;
    open_.for_levels(levels, [&](Index g) {
      if (system_.factor_level(point.products, g)) return;
      if (data_.log_concave()) {
        all = false;
        return;
      }
      use_fallback_weights(point, {g, g + 1});
      add_products(data_, {g, g + 1}, fallback_, point.products);
      all = all && system_.factor_level(point.products, g);
    });
    return all;
  }

  /// The larger of observed and expected weight; of several active predictors the positive part of a row's W.
  void use_fallback_weights(const Point& point, Range levels) {
    const Range rows = data_.rows_of(levels);
    if (data_.active.size() > 1) {
      for (Index i = rows.begin; i < rows.end; ++i) use_positive_part(point.rows.w, i);
      return;
    }
    Vector& own = fallback_[0];
    data_.density->expected_weights(data_.responses, rows, point.eta, own);
    for (Index i = rows.begin; i < rows.end; ++i) own[i] = std::max(own[i], point.rows.w[0][i]);
  }

  void use_positive_part(const std::vector<Vector>& w, Index i) {
    const Index m = static_cast<Index>(data_.active.size());
    const auto place = [&](Index a, Index b) {
      return pair_place(data_.active[static_cast<std::size_t>(a)], data_.active[static_cast<std::size_t>(b)]);
    };
    Matrix W(m, m);
    for (Index a = 0; a < m; ++a)
      for (Index b = 0; b < m; ++b) W(a, b) = w[place(a, b)][i];
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(W);
    const Matrix& V = eigen.eigenvectors();
    const Matrix positive = V * eigen.eigenvalues().cwiseMax(0.0).asDiagonal() * V.transpose();
    for (Index a = 0; a < m; ++a)
      for (Index b = 0; b <= a; ++b) fallback_[place(a, b)][i] = positive(a, b);
  }

  /// Moves each component along its direction, halving its step until h has increased enough.
  bool line_search(Point& point, Range levels) {
    open_.for_elements(levels, [&](Index j, Index) { start_[j] = point.u[j]; });
    if (fixed_) beta_start_ = point.beta[0];
    open_.for_components(levels, [&](Index c) { step_[c] = 1.0; });
    for (int halving = 0; halving <= max_halvings; ++halving) {
      open_.for_elements(levels, [&](Index j, Index c) { point.u[j] = start_[j] + step_[c] * delta_[j]; });
      if (fixed_) {
        point.beta[0] = beta_start_ + step_[0] * beta_delta_;
        fixed_predictor(data_, 0, point);
      }
      evaluate(point, levels, trial_);
      open_.for_components(levels, [&](Index c) { accept_or_halve(c); });
      if (!open_.none(levels)) continue;
      open_.for_all_components(levels, [&](Index c) {
        if (open_[c] == Search::moved) open_[c] = decrement_[c] < limit_ ? Search::done : Search::searching;
      });
      return true;
    }
    return false;
  }

  /// The step after a decrement below decrement_limit is the last one, and taken whole: what it leaves is of the order
  /// of round-off, and so is what it gains, which h could not tell.
  void accept_or_halve(Index c) {
    const double round_off = 1e-13 * (1.0 + noise_[c]);
    const bool last = decrement_[c] < decrement_limit;
    const bool more = trial_[c] >= h_[c] + sufficient_increase * step_[c] * decrement_[c] - round_off;
    if (std::isfinite(trial_[c]) && (last || more)) {
      h_[c] = trial_[c];
      open_[c] = Search::moved;
    } else {
      step_[c] *= 0.5;
    }
  }

  /// Where h rises towards the edge of what the link allows, each step takes half of what is left, and then less.
  bool stuck_at_edge(Range levels) const {
    if (!std::isfinite(data_.density->lower_eta(0)) && !std::isfinite(data_.density->upper_eta(0))) return false;
    bool stuck = false;
    open_.for_components(levels, [&](Index c) { stuck = stuck || step_[c] < 1e-6; });
    return stuck;
  }

  const Data& data_;
  BlockSystem& system_;
  FixedEffects* fixed_ = nullptr;  ///< not null: beta is in the search and connects everything
  double limit_ = decrement_limit;
  OpenComponents open_;
  ConjugateGradients conjugate_;
  Vector h_, trial_, noise_, level_noise_, step_, decrement_;
  Vector start_, gradient_, delta_, penalised_, beta_start_, beta_delta_;
  std::vector<Vector> fallback_;  ///< weights by pair_place
};

}  // namespace glimmer

#endif
