// A model, built once per fit: evaluate(parameters) = mode, then integral, then pull-back.
#ifndef GLIMMER_MODEL_H
#define GLIMMER_MODEL_H

#include <memory>

#include "edge_barrier.h"
#include "fixed_curvature.h"
#include "laplace.h"
#include "mode.h"
#include "pull_back.h"
#include "quadrature.h"

namespace glimmer {

/// The log-likelihood at a parameter vector (beta, theta, phi), all constants included, and its gradient.
struct Evaluation {
  Status status = Status::ok;
  double value = -infinity;
  Vector gradient;
};

class Model {
 public:
  /// Rows need positive prior weights. A design that is the caller's own must outlive the model. `ask` may throw to
  /// interrupt, now and in what follows.
  Model(Responses responses, Column offset, FixedDesign design, Factors factors, std::unique_ptr<const Density> density,
        std::function<void()> ask = nullptr)
      : data_(std::move(responses), std::move(offset), std::move(design), std::move(factors), std::move(density),
              std::move(ask)),
        system_(data_.factors, data_.pattern, data_.interrupt), fixed_(data_, system_, false),
        integrated_(data_, system_, true), mode_(data_, system_), laplace_(data_, system_),
        quadrature_(data_, system_), integral_(data_, laplace_), pull_back_(data_, system_),
        adjoint_(data_), point_(data_) {}

  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  Index beta_count() const { return data_.X().cols(); }
  Index theta_count() const { return data_.factors.theta_count(); }
  bool has_dispersion() const { return data_.density->has_dispersion(); }
  Index parameter_count() const { return beta_count() + theta_count() + (has_dispersion() ? 1 : 0); }

  /// The number of threads; results do not depend on it.
  void set_threads(int threads) {
    data_.threads = threads;
    system_.set_threads(threads);
  }

  /// Called from now on in place of the one given before.
  void set_interrupt(std::function<void()> ask) { data_.interrupt.set(std::move(ask)); }

  /// The weight of a barrier before the edge of what the link allows, added to every value from now on; zero: none.
  void set_edge_barrier(double mu) {
    integral_.set_weight(mu);
    last_parameters_.resize(0);
  }

  /// The quadrature rule from now on, its wide levels placed at the last evaluation; none: Laplace.
  void set_rule(const NodeRule* rule) {
    if (rule) quadrature_.set_rule(placed(*rule, 1));
    integral_.set_inner(rule ? static_cast<Integral&>(quadrature_) : laplace_);
    last_parameters_.resize(0);
  }

  /// Each level's own log-likelihood at the last evaluation by the rule that is set, its wide levels where they are.
  Vector level_values() { return quadrature_.sums().level_values(last_point(), quadrature_.rule()); }

  /// The same by another rule, which may leave levels out, its wide levels placed anew.
  Vector level_values(const NodeRule& rule) {
    const NodeRule here = placed(rule, 0);
    return quadrature_.sums().level_values(last_point(), here);
  }

  /// Mean and covariance of u given the data by a rule at the last evaluation.
  Moments moments(const NodeRule& rule) {
    const NodeRule here = placed(rule, 1);
    return quadrature_.sums().moments(last_point(), here);
  }

  /// The approximate log-likelihood at (beta, theta, phi). A gradient at the parameters of the last evaluation
  /// starts from the mode that this one left.
  Evaluation evaluate(const Vector& parameters, bool gradient) { return evaluate_with(nullptr, parameters, gradient); }

  /// The joint method: beta is taken at its joint mode with u, searched from the beta given. The derivative in beta
  /// is zero there.
  Evaluation evaluate_joint(const Vector& parameters, bool gradient) {
    return evaluate_with(&fixed_, parameters, gradient);
  }

  /// The restricted log-likelihood: beta is integrated out with a flat prior, by the Laplace approximation too.
  Evaluation evaluate_integrated(const Vector& parameters, bool gradient) {
    return evaluate_with(&integrated_, parameters, gradient);
  }

  /// A beta near its joint mode with u, for a start: searched until the gain left is of the order of a log-likelihood
  /// unit's hundredth. Empty where that fails.
  Vector joint_start(const Vector& parameters) {
    check_length(parameters);
    point_.reserve_rows(data_, integral_.order());
    last_parameters_.resize(0);
    set_parameters(parameters);
    third_order_ = false;
    mode_.include(&fixed_, 0.01);
    if (mode_.find(point_, data_.all_blocks()) == Status::ok) return point_.beta;
    failed();
    return Vector();
  }

  // What the last evaluation left, if its status was ok.
  const Data& data() const { return data_; }
  const Point& point() const { return point_; }

  /// The linear predictor of each of the caller's rows, u at its mode.
  Vector linear_predictor() const { return data_.partition.to_caller(point_.eta); }

  bool restricted() const { return integral_.restricted(); }

  /// Distance of each row's eta (in the order of data()) from the edge of what the link allows.
  Vector edge_distances() const { return integral_.distances(point_.eta); }

  /// The information that a typical level of the k-th factor has on its own effects.
  Matrix level_information(Index k) const { return typical_information(data_.factors[k], k, point_.products); }

  /// Conditional covariance of u given the parameters, on the pattern of H.
  BlockMatrix mode_covariance() {
    BlockMatrix out(data_.factors, data_.pattern);
    system_.inverse(out);
    return out;
  }

  /// Information on beta at the mode, the random effects eliminated: X'WX - X'WA H^-1 A'WX. Empty where it is not
  /// positive definite.
  Matrix fixed_information() { return fixed_.factor(point_.rows.w) ? fixed_.bordered().complement() : Matrix(); }

  /// The second derivative of the last value in beta. Empty where it is not known: crossed factors, a barrier.
  Matrix fixed_hessian() const {
    const bool at_mode = last_parameters_.size() > 0 && last_.status == Status::ok && !last_fixed_;
    const bool known = at_mode && integral_.has_fixed_curvature();
    return known ? FixedCurvature(data_, system_)(point_) : Matrix();
  }

 private:
  void check_length(const Vector& parameters) const {
    if (parameters.size() != parameter_count())
      throw std::invalid_argument("expected " + std::to_string(parameter_count()) + " parameters, got " +
                                  std::to_string(parameters.size()));
  }

  void check_rule(const NodeRule& rule, int fewest) const {
    if (!data_.factors.separate_levels()) throw std::invalid_argument("quadrature needs one grouping factor");
    const std::size_t levels = static_cast<std::size_t>(data_.factors[0].levels);
    if (rule.nodes.size() != levels || rule.wide.size() != levels)
      throw std::invalid_argument("a quadrature rule needs a number of nodes for every level");
    for (std::size_t g = 0; g < levels; ++g)
      if (rule.nodes[g] < fewest || (rule.wide[g] && rule.nodes[g] == 1))
        throw std::invalid_argument("a quadrature rule has too few nodes");
  }

  NodeRule placed(NodeRule rule, int fewest) {
    check_rule(rule, fewest);
    if (rule.any_wide()) quadrature_.place(last_point(), rule);
    return rule;
  }

  const Point& last_point() const {
    if (last_parameters_.size() == 0 || last_.status != Status::ok)
      throw std::logic_error("no evaluation to place nodes at");
    return point_;
  }

  void set_parameters(const Vector& parameters) {
    point_.beta = parameters.head(beta_count());
    data_.factors.set_theta(parameters.segment(beta_count(), theta_count()));
    point_.phi = has_dispersion() ? parameters[parameters.size() - 1] : 0.0;
  }

  /// Sets the parameters and X beta, and from a mode moves u along its derivative:
  /// du = H^-1 [dLambda' Z'd1 - A'W (X dbeta + Z dLambda u) + A'(d d1/dphi) dphi].
  /// Only a start: the mode is then searched to round-off. The part in phi is left out where the rows' derivatives in
  /// phi have not been evaluated.
  void predict_and_set(const Vector& parameters, bool at_mode) {
    if (!at_mode || !data_.density->log_concave()) {
      set_parameters(parameters);
      return fixed_predictor(data_, point_.beta, point_.fixed);
    }
    const Vector b = point_.b;
    const double phi = point_.phi;
    Vector direction = -scale_to_u(point_.score);
    set_parameters(parameters);
    direction += scale_to_u(point_.score);
    const Vector moved = data_.factors.scaled(point_.u) - b;  // dLambda u
    Vector sums = Vector::Zero(data_.factors.size());
    for_chunks(data_, [&](Index, Range chunk) {
      const Range rows = data_.rows_of(chunk);
      auto fixed = point_.fixed.segment(rows.begin, rows.size());
      Vector change = -fixed;
      fixed_predictor(data_, rows, point_.beta, point_.fixed);
      change += fixed;
      for (Index k = 0; k < data_.factors.count(); ++k)
        add_row_products(data_.factors[k], rows, moved.data() + data_.factors.start(k), change.data());
      change.array() *= -point_.rows.w.segment(rows.begin, rows.size()).array();
      if (has_dispersion() && third_order_)
        change += (point_.phi - phi) * point_.rows.d1_phi.segment(rows.begin, rows.size());
      for (Index k = 0; k < data_.factors.count(); ++k)
        add_level_sums(data_.factors[k], rows, change.data(), sums.data() + data_.factors.start(k));
    });
    direction += scale_to_u(sums);
    system_.solve(direction);
    if (direction.allFinite()) point_.u += direction;
  }

  /// Sets the parameters for a search over beta too, which goes on from the last joint mode where there is but one.
  void set_and_keep_mode(const Vector& parameters, bool at_joint_mode) {
    const Vector beta = point_.beta;
    set_parameters(parameters);
    const bool one_mode = data_.density->log_concave() && !integral_.restricted();
    if (at_joint_mode && one_mode && point_.beta.allFinite()) point_.beta = beta;
  }

  Vector scale_to_u(Vector x) const {
    pull_to_u(data_, x);
    return x;
  }

  Evaluation evaluate_with(FixedEffects* fixed, const Vector& parameters, bool gradient) {
    check_length(parameters);
    point_.reserve_rows(data_, integral_.order());
    if (last_fixed_ != fixed || last_parameters_.size() == 0 || parameters != last_parameters_) {
      const bool at_last = last_parameters_.size() > 0 && last_.status == Status::ok;
      const bool at_mode = at_last && !last_fixed_, at_joint_mode = at_last && last_fixed_;
      last_parameters_.resize(0);  // an interrupt leaves nothing to go on from
      if (fixed)
        set_and_keep_mode(parameters, at_joint_mode);
      else
        predict_and_set(parameters, at_mode);
      last_.status = find_mode(fixed);
      if (last_.status != Status::ok) return failed();
      evaluate_at_mode(fixed, gradient && integral_.one_pass());
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
    last_parameters_.resize(0);
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

  /// The value at the mode, with its adjoints if asked for.
  void evaluate_at_mode(FixedEffects* fixed, bool adjoint) {
    last_.value = (adjoint ? integral_.value_and_adjoint(point_, adjoint_) : integral_.value(point_)) + data_.constant;
    if (fixed && fixed->integrated()) last_.value += fixed->log_volume();
    adjoint_known_ = adjoint;
    if (!std::isfinite(last_.value)) last_.status = Status::value_not_finite;
  }

  Vector gradient_at(const FixedEffects* fixed) {
    for_chunks(data_, [&](Index, Range chunk) {
      data_.density->evaluate(data_.responses, data_.rows_of(chunk), point_.eta, point_.phi, integral_.order(),
                              point_.rows);
    });
    third_order_ = true;
    if (!adjoint_known_) integral_.adjoint(point_, adjoint_);
    adjoint_known_ = false;
    const Gradient parts = pull_back_(point_, adjoint_, fixed);
    Vector gradient(parameter_count());
    gradient << parts.beta, parts.theta, Vector::Constant(has_dispersion() ? 1 : 0, parts.phi);
    return gradient;
  }

  Data data_;
  BlockSystem system_;
  FixedEffects fixed_, integrated_;
  Mode mode_;
  Laplace laplace_;
  Quadrature quadrature_;
  EdgeBarrier integral_;  ///< one of these, with a barrier where one is asked for
  PullBack pull_back_;
  Adjoint adjoint_;
  Point point_;
  bool adjoint_known_ = false;
  bool third_order_ = false;  ///< whether the rows at the point have been evaluated to the order of the gradient
  Evaluation last_;
  Vector last_parameters_;
  const FixedEffects* last_fixed_ = nullptr;
};

}  // namespace glimmer

#endif
