// A model by its rows, built once per fit: evaluate(parameters) = mode, then integral, then pull-back.
#ifndef GLIMMER_ROW_MODEL_H
#define GLIMMER_ROW_MODEL_H

#include <memory>

#include "edge_barrier.h"
#include "fixed_curvature.h"
#include "frozen_quadrature.h"
#include "laplace.h"
#include "mode.h"
#include "objective.h"
#include "pull_back.h"
#include "second_order.h"

namespace glimmer {

class RowModel : public Objective {
 public:
  /// Rows need positive prior weights. A design that is the caller's own must outlive the model. `ask` may throw to
  /// interrupt, now and in what follows.
  RowModel(Responses responses, std::vector<Predictor> predictors, Factors factors,
           std::unique_ptr<const Density> density, std::function<void()> ask = nullptr)
      : data_(std::move(responses), std::move(predictors), std::move(factors), std::move(density), std::move(ask)),
        system_(data_.factors, data_.pattern, data_.interrupt), fixed_(data_, system_, false),
        integrated_(data_, system_, true), mode_(data_, system_), laplace_(data_, system_),
        rule_(data_, system_), integral_(&laplace_), barrier_(data_),
        pull_back_(data_, system_), adjoint_(data_), point_(data_) {}

  RowModel(const RowModel&) = delete;
  RowModel& operator=(const RowModel&) = delete;

  /// Of the first predictor.
  Index beta_count() const { return data_.X().columns(); }
  Index theta_count() const { return data_.factors.theta_count(); }
  Index parameter_count() const override { return data_.parameter_count(); }

  /// The number of threads; results do not depend on it.
  void set_threads(int threads) {
    data_.threads = threads;
    system_.set_threads(threads);
  }

  /// Called from now on in place of the one given before.
  void set_interrupt(std::function<void()> ask) { data_.interrupt.set(std::move(ask)); }

  /// The weight of a barrier before the edge of what the link allows, added to every value from now on; zero: none.
  void set_edge_barrier(double mu) {
    barrier_.set_weight(mu);
    forget();
  }

  /// By another approximation than Laplace's from now on, which has to live as long as the model.
  void integrate_by(Integral& integral) {
    integral_ = &integral;
    forget();
  }
  Integral& laplace() { return laplace_; }

  /// About how many operations Laplace's value with its gradient is: the passes over the rows, and the factor.
  double operations() const {
    const double entries = static_cast<double>(system_.factor_entries());
    return 150.0 * static_cast<double>(data_.rows()) + entries * entries / static_cast<double>(data_.factors.size());
  }

  /// Laplace's approximation to second order, beta given; made when first asked for.
  SecondOrder& second_order() {
    if (!second_order_) second_order_ = std::make_unique<SecondOrder>(data_, system_, laplace_);
    return *second_order_;
  }

  /// Quadrature by frozen rules; its rule placed at the modes for some parameters.
  FrozenQuadrature& rule() { return rule_; }
  Status place_rule(const Vector& at) {
    return evaluate(at, Inner::given, false).status == Status::ok ? rule_.place_at_modes(point_, at) : last_.status;
  }

  using Objective::evaluate;

  /// A gradient at the parameters of the last evaluation starts from the mode that this one left. At a joint mode the
  /// derivative in beta is zero. With beta integrated out (the restricted log-likelihood) that is done by the Laplace
  /// approximation too.
  Evaluation evaluate(const Vector& parameters, Inner inner, bool gradient) override {
    if (data_.copies.size() > 0 && (inner != Inner::given || integral_ != &laplace_))
      throw std::invalid_argument("clusters have to count once but by Laplace, beta given, and by frozen rules");
    if (inner != Inner::given && integral_ == second_order_.get())
      throw std::invalid_argument("to second order the fixed effects have to be given");
    switch (inner) {
      case Inner::given: return evaluate_with(nullptr, parameters, gradient);
      case Inner::joint: return evaluate_with(&fixed_, parameters, gradient);
      case Inner::integrated: return evaluate_with(&integrated_, parameters, gradient);
      default: throw std::invalid_argument("the dispersion is not found by a model of rows");
    }
  }

  /// Other responses, sizes and weights of the caller's rows, how often each counts, and of each how often the
  /// log-likelihood of its cluster does: for refits, where all else stays. A frozen rule's places stay.
  void set_responses(const Responses& responses, const Vector& copies = Vector()) {
    data_.set_responses(responses, copies);
    point_.u.setZero();
    rule_.forget_data();
    forget();
  }

  /// The gradient by clusters of rows, a row a cluster: by the Laplace approximation, beta given. A cluster of each of
  /// the caller's rows, from 0. No effect may belong to two clusters.
  Matrix scores(const Vector& parameters, const Integers& cluster, Index clusters) {
    if (integral_ != &laplace_ || barrier_.active() || data_.copies.size() > 0)
      throw std::invalid_argument("scores of clusters are those of the Laplace approximation, each cluster once");
    const Integers cluster_of_row = data_.clusters_of_rows(cluster, clusters);
    if (evaluate(parameters, Inner::given, true).status != Status::ok)
      throw std::runtime_error(std::string("no scores at these parameters: ") + describe(last_.status));
    return pull_back_.scores(point_, cluster_of_row, clusters, adjoint_);
  }

  /// A beta near its joint mode with u, for a start: searched until the gain left is of the order of a log-likelihood
  /// unit's hundredth. Empty where that fails.
  Vector joint_start(const Vector& parameters) {
    check_length(parameters);
    point_.reserve_rows(data_, integral_->order());
    forget();
    set_parameters(parameters);
    third_order_ = false;
    mode_.include(&fixed_, 0.01);
    if (mode_.find(point_, data_.all_blocks()) == Status::ok) return point_.beta[0];
    failed();
    return Vector();
  }

  const Data& data() const { return data_; }
  const Factors& factors() const override { return data_.factors; }

  /// Whether the link does not allow every linear predictor.
  bool bounded() const { return barrier_.bounded(); }

  /// The mode, and the rows there.
  const Point& point_at(const Vector& parameters, Inner inner) {
    if (!is_at(parameters, inner) && evaluate(parameters, inner, false).status != Status::ok)
      throw std::runtime_error(std::string("no conditional modes at these parameters: ") + describe(last_.status));
    return point_;
  }

  std::vector<Effects> effects(const Vector& parameters, Inner inner) override {
    const Point& point = point_at(parameters, inner);
    BlockMatrix covariance(data_.factors, data_.pattern);
    system_.inverse(covariance);
    return effects_of(point.b, covariance, 1.0);
  }

  /// X'WX - X'WA H^-1 A'WX
  Matrix fixed_information(const Vector& parameters, Inner inner) override {
    if (data_.copies.size() > 0)
      throw std::invalid_argument("the information on the fixed effects is that of each cluster once");
    return fixed_.factor(point_at(parameters, inner).rows.w) ? fixed_.bordered().complement() : Matrix();
  }

  std::vector<Matrix> fixed_shift(const Vector& parameters, Inner inner) override {
    if (!fixed_.factor(point_at(parameters, inner).rows.w))
      throw std::runtime_error("the information on the fixed effects is not positive definite");
    return shift_of(fixed_.bordered().V());
  }

  Matrix times_covariance(const Vector& parameters, Inner inner, const Matrix& columns) override {
    point_at(parameters, inner);
    return times_inverse(system_, 1.0, columns);
  }

  std::vector<Matrix> level_information(const Vector& parameters, Inner inner) override {
    const Point& point = point_at(parameters, inner);
    return by_factor([&](Index k) {
      return typical_information(data_.factors[k], k, point.products, [&](Index h) {
        return data_.copies.size() == 0 ? 1.0 : data_.copies[data_.factors.position(k, h)];
      });
    });
  }

  /// The information that each level has on its own effects, its block of Z'WZ: effects x effects, level by level, by
  /// factor as the caller gave them.
  std::vector<Matrix> level_products(const Vector& parameters, Inner inner) {
    const Point& point = point_at(parameters, inner);
    return by_factor([&](Index k) {
      const Index q = data_.factors[k].effects();
      return Matrix(Eigen::Map<const Matrix>(point.products.diagonal_values(k).data(), q, q * data_.factors[k].levels));
    });
  }

  /// The linear predictor of each of the caller's rows, u at its mode.
  Vector linear_predictor(const Vector& parameters, Inner inner) {
    return data_.partition.to_caller(point_at(parameters, inner).eta[0]);
  }

  /// Distance of eta from the edge of what the link allows, for each of the caller's rows; where the modes cannot be
  /// found, of the eta where their search ended.
  Vector edge_distances(const Vector& parameters, Inner inner) {
    if (!is_at(parameters, inner)) evaluate(parameters, inner, false);
    return data_.partition.to_caller(barrier_.distances(point_.eta[0]));
  }

  /// The second derivative of the value in beta. Empty where it is not known: crossed factors, a barrier, or a beta
  /// that is found by the evaluation.
  Matrix fixed_hessian(const Vector& parameters, Inner inner) {
    const bool known = inner == Inner::given && integral_->has_fixed_curvature() && !barrier_.active();
    return known ? FixedCurvature(data_, system_)(point_at(parameters, inner)) : Matrix();
  }

 private:
  /// Nothing of the last evaluation counts any more.
  void forget() { last_parameters_.resize(0); }

  FixedEffects* fixed_of(Inner inner) {
    return inner == Inner::joint ? &fixed_ : inner == Inner::integrated ? &integrated_ : nullptr;
  }

  /// Whether the last evaluation was there: at parameters as they were given to it, or as it has found them.
  bool is_at(const Vector& parameters, Inner inner) {
    check_length(parameters);
    return last_parameters_.size() > 0 && last_.status == Status::ok && last_fixed_ == fixed_of(inner) &&
           (parameters == last_parameters_ || parameters == last_.parameters);
  }

  /// And the predictors from them, but for the first one.
  void set_parameters(const Vector& parameters) {
    data_.factors.set_theta(parameters.segment(beta_count(), theta_count()));
    for (int a = 0; a < data_.predictor_count(); ++a) {
      const Range place = data_.predictor(a).beta;
      point_.beta[static_cast<std::size_t>(a)] = parameters.segment(place.begin, place.size());
      if (a > 0) fixed_predictor(data_, a, point_);
    }
  }

  /// Sets the parameters and X beta, and from a mode, with random effects in the first predictor alone, moves u along
  /// its derivative: du = H^-1 [dLambda' Z'd1 - A'(W_00 (X dbeta + Z dLambda u) + sum_a W_0a deta_a)].
  /// Only a start: the mode is then searched to round-off. The other predictors are left out where the rows'
  /// derivatives in them have not been evaluated.
  void predict_and_set(const Vector& parameters, bool at_mode) {
    if (!at_mode || !data_.log_concave()) {
      set_parameters(parameters);
      return fixed_predictor(data_, 0, point_);
    }
    const Vector b = point_.b;
    const Etas before(point_.eta.begin() + 1, point_.eta.end());
    Vector direction = -scale_to_u(point_.score);
    set_parameters(parameters);
    direction += scale_to_u(point_.score);
    const Vector moved = data_.factors.scaled(point_.u) - b;  // dLambda u
    Vector sums = Vector::Zero(data_.factors.size());
    for_chunks(data_, [&](Index, Range chunk) {
      const Range rows = data_.rows_of(chunk);
      auto fixed = point_.fixed[0].segment(rows.begin, rows.size());
      Vector change = -fixed;
      data_.predictor(0).fixed_part(rows, point_.beta[0], fixed.data());
      change += fixed;
      add_row_products(data_, 0, rows, moved.data(), change.data());
      change.array() *= -point_.w(0, 0).segment(rows.begin, rows.size()).array();
      for (std::size_t a = 1; a < point_.eta.size() && third_order_; ++a)
        for (Index i = rows.begin; i < rows.end; ++i)
          change[i - rows.begin] -=
              point_.w(0, static_cast<int>(a))[i] * (eta_of(point_.eta[a], i) - eta_of(before[a - 1], i));
      add_level_sums(data_, 0, rows, change.data(), sums.data());
    });
    direction += scale_to_u(sums);
    system_.solve(direction);
    if (direction.allFinite()) point_.u += direction;
  }

  /// Sets the parameters for a search over beta too, which goes on from the last joint mode where there is but one.
  void set_and_keep_mode(const Vector& parameters, bool at_joint_mode) {
    const Vector beta = point_.beta[0];
    set_parameters(parameters);
    const bool one_mode = data_.log_concave() && !bounded();
    if (at_joint_mode && one_mode && point_.beta[0].allFinite()) point_.beta[0] = beta;
  }

  Vector scale_to_u(Vector x) const {
    pull_to_u(data_, x);
    return x;
  }

  Evaluation evaluate_with(FixedEffects* fixed, const Vector& parameters, bool gradient) {
    check_length(parameters);
    point_.reserve_rows(data_, integral_->order());
    if (last_fixed_ != fixed || last_parameters_.size() == 0 || parameters != last_parameters_) {
      const bool at_last = last_parameters_.size() > 0 && last_.status == Status::ok;
      const bool at_mode = at_last && !last_fixed_, at_joint_mode = at_last && last_fixed_;
      last_.parameters = parameters;
      forget();  // an interrupt leaves nothing to go on from
      if (fixed)
        set_and_keep_mode(parameters, at_joint_mode);
      else
        predict_and_set(parameters, at_mode);
      last_.status = find_mode(fixed);
      if (last_.status != Status::ok) return failed();
      last_.parameters.head(beta_count()) = point_.beta[0];
      evaluate_at_mode(fixed);
      last_parameters_ = parameters;
      last_fixed_ = fixed;
    }
    if (last_.status != Status::ok) return failed();
    Evaluation out = last_;
    if (gradient) out.gradient = gradient_at(fixed);
    if (!out.gradient.allFinite()) out.status = Status::gradient_not_finite;
    return out;
  }

  /// The mode, with H factored there: a search, and Newton's method with the whole system where it was not enough.
  Status find_mode(FixedEffects* fixed) {
    mode_.include(fixed);
    third_order_ = false;
    data_.interrupt();
    Status status = search_parts(fixed, [&](Range levels) { return mode_.find(point_, levels); });
    for (double limit : {1e-24, 1e-24, 1e-12}) {  // the last for where round-off leaves more
      if (status != Status::ok) return status;
      if (!factor_at_mode(fixed)) return Status::not_positive_definite;
      status = search_parts(fixed, [&](Range levels) { return mode_.check(point_, levels, limit); });
      if (status == Status::ok) return Status::ok;
      status = search_parts(fixed, [&](Range levels) { return mode_.go_on(point_, levels); });
    }
    return Status::mode_not_found;
  }

  /// Calls visit(levels) for what can be searched on its own, and gives the first status that is not ok.
  template <class Visit>
  Status search_parts(FixedEffects* fixed, Visit visit) {
    if (fixed || !system_.block_diagonal()) return visit(data_.all_blocks());
    std::vector<Status> statuses(data_.partition.chunks().size());
    for_chunks(data_, [&](Index c, Range chunk) { statuses[static_cast<std::size_t>(c)] = visit(chunk); });
    const auto failed = std::find_if(statuses.begin(), statuses.end(), [](Status s) { return s != Status::ok; });
    return failed == statuses.end() ? Status::ok : *failed;
  }

  /// The mode does not depend on where its search began, but after a failure the last point may be anywhere.
  Evaluation failed() {
    point_.u.setZero();
    forget();
    last_.value = -infinity;
    return last_;
  }

  /// H with the observed weights of the rows as they have been evaluated. False: not positive definite.
  bool factor_at_mode(FixedEffects* fixed) {
    clear_shared(data_, point_.score);
    clear_shared(data_, point_.products);
    const bool one = system_.block_diagonal();
    const double failures = sum_over_chunks(data_, [&](Range chunk) {
      add_score(data_, chunk, point_);
      add_products(data_, chunk, point_.rows.w, point_.products);
      return one && !system_.factor_levels(point_.products, chunk) ? 1.0 : 0.0;
    });
    if (one) system_.set_factored(failures == 0.0);
    return (one ? failures == 0.0 : system_.factor(point_.products)) && (!fixed || fixed->factor(point_.rows.w));
  }

  void evaluate_at_mode(FixedEffects* fixed) {
    const Value value = integral_->value(point_);
    last_.status = value.status;
    last_.value = value.value + barrier_.value(point_) + data_.constant;
    if (fixed && fixed->integrated()) last_.value += fixed->log_volume();
    if (last_.status == Status::ok && !std::isfinite(last_.value)) last_.status = Status::value_not_finite;
  }

  Vector gradient_at(const FixedEffects* fixed) {
    for_chunks(data_, [&](Index, Range chunk) {
      data_.density->evaluate(data_.responses, data_.rows_of(chunk), point_.eta, integral_->order(), point_.further);
    });
    third_order_ = true;
    integral_->adjoint(point_, adjoint_);
    barrier_.add_adjoint(point_, adjoint_);
    const Gradient parts = pull_back_(point_, adjoint_, fixed);
    Vector gradient(parameter_count());
    gradient.segment(beta_count(), theta_count()) = parts.theta;
    for (int a = 0; a < data_.predictor_count(); ++a) {
      const Range place = data_.predictor(a).beta;
      gradient.segment(place.begin, place.size()) = parts.beta[static_cast<std::size_t>(a)];
    }
    return gradient;
  }

  Data data_;
  BlockSystem system_;
  FixedEffects fixed_, integrated_;
  Mode mode_;
  Laplace laplace_;
  std::unique_ptr<SecondOrder> second_order_;
  FrozenQuadrature rule_;
  Integral* integral_;  ///< that in use
  EdgeBarrier barrier_;
  PullBack pull_back_;
  Adjoint adjoint_;
  Point point_;
  bool third_order_ = false;  ///< whether the rows at the point have been evaluated to the order of the gradient
  Evaluation last_;
  Vector last_parameters_;
  const FixedEffects* last_fixed_ = nullptr;
};

}  // namespace glimmer

#endif
