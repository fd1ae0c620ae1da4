// The conditional mode: Newton's method (PIRLS) with line search on
//   h(u) = sum_i f_i(eta_i) - u'u / 2 ,  gradient A'd1 - u ,  -Hessian H = A'WA + I .
//
// h is a sum over components (components.h). Each has its own direction, line search and end, by its own gradient and
// decrement only, and is left alone afterwards; with one grouping factor each level is a component. With beta in the
// search there is only one.
#ifndef GLIMMER_MODE_H
#define GLIMMER_MODE_H

#include <algorithm>

#include "components.h"
#include "data.h"
#include "fixed_effects.h"

namespace glimmer {

class Mode {
 public:
  Mode(const Data& data, BlockSystem& system)
      : data_(data), system_(system), components_(data.terms), h_(Vector::Zero(components_.count())), trial_(h_),
        noise_(h_), level_noise_(data.terms[0].levels), step_(h_), decrement_(h_), now_(h_), last_(h_),
        whole_(h_), curvature_(h_), length_(h_), ratio_(h_),
        state_(static_cast<std::size_t>(components_.count()), State::searching),
        start_(Vector::Zero(data.terms.size())), gradient_(start_), delta_(start_) {
    if (!data.density->log_concave()) fallback_.resize(data.rows());
  }

  /// Null, or the fixed effects that the next searches are to include; and the decrement after which one more step is
  /// the last: 1e-12 leaves round-off.
  void include(FixedEffects* fixed, double limit = decrement_limit) {
    fixed_ = fixed;
    limit_ = limit;
  }

  /// Maximises h over the effects of a range of levels of the first factor (all of them where factors cross or
  /// fixed effects are included), from point.u, or where that was too far off from zero. Leaves eta, and the rows to
  /// order 2, at the mode.
  Status find(Point& point, Range levels) {
    const Status status = search(point, levels);
    if (status == Status::ok || !data_.density->log_concave()) return status;  // not log-concave: it was from zero
    for_all_components(levels, [&](Index c) { state_[c] = State::searching; });
    for_elements(levels, [&](Index j, Index) { point.u[j] = 0.0; });
    return search(point, levels);
  }

  /// Whether a range of levels is at the mode, by the whole system as the caller has summed it up and factored it
  /// there: find() ends on what it expects of a last step. The limit is one of the decrement, in units of what h is
  /// summed from. If not (mode_not_found), go_on() finds the rest of the way.
  Status check(const Point& point, Range levels, double limit) {
    for_all_components(levels, [&](Index c) { state_[c] = State::searching; });
    if (!solve_directions(point, levels)) return Status::mode_not_found;
    for_all_components(levels, [&](Index c) {
      if (decrement_[c] <= limit * (1.0 + noise_[c])) state_[c] = State::done;
    });
    return none_searching(levels) ? Status::ok : Status::mode_not_found;
  }

  /// Goes on with the components that the last check() found wanting.
  Status go_on(Point& point, Range levels) { return none_searching(levels) ? Status::ok : climb(point, levels); }

 private:
  enum class State { searching, moved, done };

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
      if (none_searching(levels)) return Status::ok;
    }
    return Status::mode_not_found;
  }

  static constexpr int max_iterations = 200, max_halvings = 60;
  static constexpr int max_conjugate_iterations = 10, max_conjugate_steps = 40;
  static constexpr double decrement_limit = 1e-12, sufficient_increase = 1e-4;

  /// Evaluates h at the start. Where h can have several maxima the start is always u = 0, so that the mode is a
  /// function of the parameters; where it is not finite, a feasible u is looked for.
  Status start(Point& point, Range levels) {
    for_all_components(levels, [&](Index c) { state_[c] = State::searching; });
    if (!data_.density->log_concave()) for_elements(levels, [&](Index j, Index) { point.u[j] = 0.0; });
    if (fixed_) fixed_predictor(data_, point.beta, point.fixed);
    evaluate(point, levels, h_);
    if (all_finite(levels)) return Status::ok;
    for_elements(levels, [&](Index j, Index c) {
      if (!std::isfinite(h_[c])) point.u[j] = 0.0;
    });
    evaluate(point, levels, h_);
    if (all_finite(levels) || (!fixed_ && find_feasible(point, levels))) return Status::ok;
    return Status::infeasible;
  }

  /// Where X beta alone leaves the range of eta, u has to bring it back: Newton on -u'u / 2 - kappa |v|^2 / 2, v the
  /// distances of eta from a little inside its range, with kappa growing until every row is inside.
  bool find_feasible(Point& point, Range levels) {
    if (!std::isfinite(data_.density->lower_eta()) && !std::isfinite(data_.density->upper_eta())) return false;
    for_components(levels, [&](Index c) {
      if (std::isfinite(h_[c])) state_[c] = State::moved;
    });
    const double size = std::max(point.fixed.cwiseAbs().mean(), 1e-300);
    bool found = false;
    for (double kappa = 1.0 / (size * size), round = 0; round < 60 && !found; kappa *= 4.0, ++round) {
      for_runs(levels, [&](Range run) { penalise(point, data_.rows_of(run), kappa, 0.01 * size); });
      if (!directions(point, levels)) break;
      for_elements(levels, [&](Index j, Index) { point.u[j] += delta_[j]; });
      evaluate(point, levels, h_);
      found = all_finite(levels);
    }
    for_all_components(levels, [&](Index c) { state_[c] = State::searching; });
    return found;
  }

  void penalise(Point& point, Range rows, double kappa, double margin) const {
    const double lower = data_.density->lower_eta() + margin, upper = data_.density->upper_eta() - margin;
    for (Index i = rows.begin; i < rows.end; ++i) {
      const double distance = std::max(lower - point.eta[i], 0.0) - std::max(point.eta[i] - upper, 0.0);
      point.rows.d1[i] = kappa * distance;
      point.rows.w[i] = distance != 0.0 ? kappa : 0.0;
    }
  }

  bool all_finite(Range levels) const {
    bool finite = true;
    for_components(levels, [&](Index c) { finite = finite && std::isfinite(h_[c]); });
    return finite;
  }

  /// eta, the rows and h at point.u, for the components that are still searching.
  void evaluate(Point& point, Range levels, Vector& h) {
    scale_effects(data_, levels, point);
    for_components(levels, [&](Index c) { h[c] = noise_[c] = 0.0; });
    for_runs(levels, [&](Range run) {
      linear_predictor(data_, run, point);
      data_.density->evaluate_levels(data_.responses, data_.first_row, run, point.eta, point.phi, 2, point.rows,
                                     point.log_densities.data() + run.begin, level_noise_.data() + run.begin);
      for (Index g = run.begin; g < run.end; ++g) {
        const Index c = component(0, g);
        h[c] += point.log_densities[g];
        noise_[c] += level_noise_[g];
      }
    });
    for_elements(levels, [&](Index j, Index c) { h[c] -= 0.5 * point.u[j] * point.u[j]; });
  }

  /// Newton's direction H^-1 (A'd1 - u) and its decrement, for the components that are still searching.
  bool directions(Point& point, Range levels, bool conjugate = true) {
    if (conjugate && conjugate_directions(point, levels)) return true;
    return factor(point, levels) && solve_directions(point, levels);
  }

  bool solve_directions(const Point& point, Range levels) {
    set_gradient(point, levels);
    double beta_gain = 0.0;
    if (!system_.block_diagonal()) delta_.setZero();
    for_elements(levels, [&](Index j, Index) { delta_[j] = gradient_[j]; });
    if (fixed_) {
      beta_delta_ = fixed_sums(data_, point.rows.d1);
      const Vector beta_gradient = beta_delta_;
      fixed_->solve(delta_, beta_delta_);
      beta_gain = beta_gradient.dot(beta_delta_);
    } else if (system_.block_diagonal()) {
      for_levels(levels, [&](Index g) { system_.solve_level(g, delta_.data() + data_.terms.position(0, g)); });
    } else {
      system_.solve(delta_);
    }
    sum_by_component(levels, gradient_, delta_, decrement_);
    if (fixed_) decrement_[0] += beta_gain;
    bool finite = true;
    for_components(levels, [&](Index c) { finite = finite && std::isfinite(decrement_[c]); });
    return finite;
  }

  /// Where factors cross, and a factorization costs more than all else: H x = A'd1 - u by conjugate gradients, the
  /// factor of an earlier H as preconditioner (Golub and Van Loan 2013, section 11.5), in each component on its own:
  /// one with a small gradient would have no step beside one with a large one. What is left falls with the decrement,
  /// so that Newton's method keeps its order (Dembo, Eisenstat and Steihaug 1982, SIAM Journal on Numerical Analysis
  /// 19:400). False: to be factored after all.
  bool conjugate_directions(Point& point, Range levels) {
    if (fixed_ || system_.block_diagonal() || !system_.factored() || !data_.density->log_concave()) return false;
    sum_up(point, levels);
    set_gradient(point, levels);
    for_finished_elements([&](Index j) { gradient_[j] = 0.0; });
    delta_.setZero();
    residual_ = gradient_;
    search_ = gradient_;
    for_components(levels, [&](Index c) { decrement_[c] = 0.0; });
    for (int step = 0; step < max_conjugate_steps; ++step) {
      preconditioned_ = residual_;
      system_.solve(preconditioned_);
      if (!next_search(levels, step == 0)) return true;
      system_.multiply(point.products, search_, product_);
      if (!conjugate_step(levels)) return false;
    }
    return false;
  }

  /// The conjugate direction of each component, zero where little is left of the residual, by the preconditioner's
  /// norm, and another step would gain next to nothing: as much as the last one for what is left. False: so it is in
  /// all of them.
  bool next_search(Range levels, bool first) {
    sum_by_component(levels, residual_, preconditioned_, now_);
    bool more = false;
    for_components(levels, [&](Index c) {
      if (first) whole_[c] = now_[c];
      const double share = std::clamp(decrement_[c], 1e-16, 1e-4);
      const bool little = now_[c] <= share * whole_[c] && length_[c] * now_[c] <= share * decrement_[c];
      const bool open = first ? now_[c] != 0.0 : !little;
      ratio_[c] = first || !open ? 0.0 : now_[c] / last_[c];
      length_[c] = open ? 1.0 : 0.0;
      more = more || open;
    });
    for_elements(levels, [&](Index j, Index c) { search_[j] = preconditioned_[j] + ratio_[c] * search_[j]; });
    return more;
  }

  /// Goes as far along the conjugate directions as H says. False: that is nowhere.
  bool conjugate_step(Range levels) {
    sum_by_component(levels, search_, product_, curvature_);
    bool finite = true;
    for_components(levels, [&](Index c) {
      if (length_[c] == 0.0) return;
      length_[c] = now_[c] / curvature_[c];
      decrement_[c] += length_[c] * now_[c];
      last_[c] = now_[c];
      finite = finite && std::isfinite(length_[c]);
    });
    for_elements(levels, [&](Index j, Index c) {
      delta_[j] += length_[c] * search_[j];
      residual_[j] -= length_[c] * product_[j];
    });
    return finite;
  }

  void sum_by_component(Range levels, const Vector& a, const Vector& b, Vector& sums) const {
    for_components(levels, [&](Index c) { sums[c] = 0.0; });
    for_elements(levels, [&](Index j, Index c) { sums[c] += a[j] * b[j]; });
  }

  void set_gradient(const Point& point, Range levels) {
    set_gradient(point, 0, levels);
    for (Index k = 1; k < data_.terms.count(); ++k) set_gradient(point, k, {0, data_.terms[k].levels});
  }

  void set_gradient(const Point& point, Index k, Range levels) {
    const Index q = data_.terms[k].effects(), at = data_.terms.position(k, levels.begin), size = q * levels.size();
    Eigen::Map<const Matrix> score(point.score.data() + at, q, levels.size());
    Eigen::Map<Matrix> gradient(gradient_.data() + at, q, levels.size());
    gradient.noalias() = data_.terms.lambda(k).transpose().lazyProduct(score);
    gradient_.segment(at, size) -= point.u.segment(at, size);
  }

  /// Factors H with the observed weights; where it has no Cholesky factor (on the way to the mode h need not be
  /// concave), with the larger of observed and expected weight.
  bool factor(Point& point, Range levels) {
    sum_up(point, levels);
    if (system_.block_diagonal() && !fixed_) return factor_levels(point, levels);
    if (system_.factor(point.products) && (!fixed_ || fixed_->factor(point.rows.w))) return true;
    if (data_.density->log_concave()) return false;
    use_fallback_weights(point, levels);
    clear_shared(data_, point.products);
    add_products(data_, levels, fallback_, point.products);
    return system_.factor(point.products) && (!fixed_ || fixed_->factor(fallback_));
  }

  void sum_up(Point& point, Range levels) {
    clear_shared(data_, point.score);
    clear_shared(data_, point.products);
    for_runs(levels, [&](Range run) {
      add_score(data_, run, point);
      add_products(data_, run, point.rows.w, point.products);
    });
  }

  bool factor_levels(Point& point, Range levels) {
    bool all = true;
    for_levels(levels, [&](Index g) {
      if (system_.factor_level(point.products, g)) return;
      if (data_.density->log_concave()) {
        all = false;
        return;
      }
      use_fallback_weights(point, {g, g + 1});
      add_products(data_, {g, g + 1}, fallback_, point.products);
      all = all && system_.factor_level(point.products, g);
    });
    return all;
  }

  void use_fallback_weights(const Point& point, Range levels) {
    const Range rows = data_.rows_of(levels);
    data_.density->expected_weights(data_.responses, rows, point.eta, point.phi, fallback_);
    for (Index i = rows.begin; i < rows.end; ++i) fallback_[i] = std::max(fallback_[i], point.rows.w[i]);
  }

  /// Moves each component along its direction, halving its step until h has increased enough.
  bool line_search(Point& point, Range levels) {
    for_elements(levels, [&](Index j, Index) { start_[j] = point.u[j]; });
    if (fixed_) beta_start_ = point.beta;
    for_components(levels, [&](Index c) { step_[c] = 1.0; });
    for (int halving = 0; halving <= max_halvings; ++halving) {
      for_elements(levels, [&](Index j, Index c) { point.u[j] = start_[j] + step_[c] * delta_[j]; });
      if (fixed_) {
        point.beta = beta_start_ + step_[0] * beta_delta_;
        fixed_predictor(data_, point.beta, point.fixed);
      }
      evaluate(point, levels, trial_);
      for_components(levels, [&](Index c) { accept_or_halve(c); });
      if (!none_searching(levels)) continue;
      for_all_components(levels, [&](Index c) {
        if (state_[c] == State::moved) state_[c] = decrement_[c] < limit_ ? State::done : State::searching;
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
      state_[c] = State::moved;
    } else {
      step_[c] *= 0.5;
    }
  }

  /// Where h rises towards the edge of what the link allows, each step takes half of what is left, and then less.
  bool stuck_at_edge(Range levels) const {
    if (!std::isfinite(data_.density->lower_eta()) && !std::isfinite(data_.density->upper_eta())) return false;
    bool stuck = false;
    for_components(levels, [&](Index c) { stuck = stuck || step_[c] < 1e-6; });
    return stuck;
  }

  bool searching(Index c) const { return state_[c] == State::searching; }
  Index component(Index k, Index level) const { return fixed_ ? 0 : components_.of(k, level); }

  /// The components of a range of levels of the first factor, whatever their state.
  template <class Visit>
  void for_all_components(Range levels, Visit visit) const {
    Range range{0, fixed_ ? 1 : components_.count()};
    if (!fixed_ && system_.block_diagonal()) range = levels;
    for (Index c = range.begin; c < range.end; ++c) visit(c);
  }
  bool none_searching(Range levels) const {
    bool none = true;
    for_components(levels, [&](Index) { none = false; });
    return none;
  }

  // What is still searching: components; levels of the first factor; the longest runs of such levels; elements of u.
  template <class Visit>
  void for_components(Range levels, Visit visit) const {
    for_all_components(levels, [&](Index c) {
      if (searching(c)) visit(c);
    });
  }
  template <class Visit>
  void for_levels(Range levels, Visit visit) const {
    for (Index g = levels.begin; g < levels.end; ++g)
      if (searching(component(0, g))) visit(g);
  }
  template <class Visit>
  void for_runs(Range levels, Visit visit) const {
    for (Index g = levels.begin; g < levels.end;) {
      Index end = g;
      while (end < levels.end && searching(component(0, end))) ++end;
      if (end > g) visit(Range{g, end});
      g = end + 1;
    }
  }
  template <class Visit>
  void for_elements(Range levels, Visit visit) const {
    for (Index k = 0; k < data_.terms.count(); ++k) {
      const Index q = data_.terms[k].effects();
      const Range range = k == 0 ? levels : Range{0, data_.terms[k].levels};
      for (Index h = range.begin; h < range.end; ++h) {
        const Index c = component(k, h), at = data_.terms.position(k, h);
        if (searching(c))
          for (Index j = at; j < at + q; ++j) visit(j, c);
      }
    }
  }

  template <class Visit>
  void for_finished_elements(Visit visit) const {
    for (Index k = 0; k < data_.terms.count(); ++k) {
      const Index q = data_.terms[k].effects();
      for (Index h = 0; h < data_.terms[k].levels; ++h)
        if (!searching(component(k, h)))
          for (Index j = data_.terms.position(k, h), end = j + q; j < end; ++j) visit(j);
    }
  }

  const Data& data_;
  BlockSystem& system_;
  FixedEffects* fixed_ = nullptr;  ///< not null: beta is in the search and connects everything
  double limit_ = decrement_limit;
  Components components_;
  Vector h_, trial_, noise_, level_noise_, step_, decrement_;
  Vector now_, last_, whole_, curvature_, length_, ratio_;  ///< of conjugate gradients, a number a component
  std::vector<State> state_;
  Vector residual_, preconditioned_, search_, product_;
  Vector start_, gradient_, delta_, beta_start_, beta_delta_, fallback_;
};

}  // namespace glimmer

#endif
