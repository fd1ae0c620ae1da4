// The linear mixed model, by cross products: Gaussian response, identity link. With Lambda relative to sigma,
// A* = [A X], H* = A*'WA* + P (P on the u part) and r^2 the penalised weighted residual sum of squares at the solution
// of the normal equations,
//
//   l = -[ log|H*| + nu log(2 pi sigma^2) + r^2 / sigma^2 - sum log w ] / 2
//   dl/dLambda = Z'We u' / sigma^2 - Z'WA* H*^-1 [, u columns]
//
// is the restricted log-likelihood (nu = n - p); with A for A* in the determinant and the second line, and nu = n, the
// log-likelihood, profiled over beta. It is largest at sigma^2 = r^2 / nu. Cross products of [Z X y] are formed once,
// so that an evaluation does not touch the rows. (Bates et al. 2015, Journal of Statistical Software 67(1).)
#ifndef GLIMMER_PRODUCT_MODEL_H
#define GLIMMER_PRODUCT_MODEL_H

#include "fixed_effects.h"
#include "objective.h"

namespace glimmer {

class ProductModel : public Objective {
 public:
  /// The caller's own design is not used beyond this. `ask` may throw to interrupt, now and in what follows.
  ProductModel(Responses responses, Column offset, FixedDesign design, Factors factors, bool restricted, int threads,
              std::function<void()> ask = nullptr)
      : data_(std::move(responses), only_predictor(std::move(offset), std::move(design)), std::move(factors),
              make_density("gaussian", "identity"), std::move(ask)),
        restricted_(restricted), beta_count_(data_.X().columns()),
        system_(data_.factors, data_.pattern, data_.interrupt), bordered_(system_),
        products_(data_.factors, data_.pattern), inverse_(products_) {
    data_.threads = threads;
    system_.set_threads(threads);
    form_products();
    sum_response();
    let_rows_go();
  }

  ProductModel(const ProductModel&) = delete;
  ProductModel& operator=(const ProductModel&) = delete;

  /// Another response of the caller's rows, their prior weights as they are, and how often each row counts; the design
  /// is read once more. The cross products of Z and X are formed anew where rows do not all count once.
  void set_response(Column y, Column times, FixedDesign design) {
    const Index n = data_.callers_rows;
    if (y.size() != n || times.size() != n || design.rows() != n || design.columns() != beta_count_)
      throw std::invalid_argument("the rows of the response and of X differ in number");
    if (!times.counts()) throw std::invalid_argument("how often a row counts must not be negative");
    const bool once = data_.responses.once();
    data_.responses.y = std::move(y), data_.responses.times = std::move(times);
    const Integers rows = data_.partition.callers_rows(n);
    for (auto column : {&Responses::y, &Responses::times}) (data_.responses.*column).select(rows);
    if (!std::is_sorted(rows.begin(), rows.end())) design.select(rows);
    data_.predictors[0].X = std::move(design);
    forget();
    if (once && data_.responses.once())
      has_rough_fit_ = factor_rough_fit();
    else
      form_products();
    sum_response();
    let_rows_go();
  }

  Index parameter_count() const override { return beta_count_ + factors().theta_count() + 1; }
  const Factors& factors() const override { return data_.factors; }
  using Objective::evaluate;

  /// The log-likelihood at theta and log sigma, with beta at its maximum or integrated out. With Inner::profiled only
  /// theta / sigma counts, and sigma is at its maximum too. The gradient is in theta and log sigma as given.
  Evaluation evaluate(const Vector& parameters, Inner inner, bool gradient) override {
    check_length(parameters);
    const bool profile = inner == Inner::profiled;
    const Index last = parameters.size() - 1;
    const double given = std::exp(parameters[last]);
    const Vector theta = parameters.segment(beta_count_, last - beta_count_) / given;
    Evaluation out;
    out.parameters = parameters;
    if (theta.size() != theta_.size() || theta != theta_) status_ = solve(theta);
    out.status = status_;
    found_.resize(0);
    if (status_ != Status::ok) return out;
    sigma_ = profile ? std::sqrt(residual_ / freedom()) : given;
    out.value = value();
    out.parameters << beta_, theta * sigma_, std::log(sigma_);
    if (!std::isfinite(out.value)) out.status = Status::not_positive_definite;
    found_ = out.parameters;
    given_ = parameters;
    if (gradient && out.status == Status::ok) {
      const Vector slope = slope_in_theta();
      out.gradient.resize(parameters.size());
      out.gradient << Vector::Zero(beta_count_), slope / given,
          residual_ / (sigma_ * sigma_) - freedom() - theta.dot(slope);
      if (!out.gradient.allFinite()) out.status = Status::gradient_not_finite;
    }
    return out;
  }

  std::vector<Effects> effects(const Vector& parameters, Inner inner) override {
    solve_at(parameters, inner);
    find_inverse();
    return effects_of(factors().scaled(u_), inverse_, sigma_ * sigma_);
  }

  /// X'V^-1 X
  Matrix fixed_information(const Vector& parameters, Inner inner) override {
    solve_at(parameters, inner);
    return bordered_.complement() / (sigma_ * sigma_);
  }

  std::vector<Matrix> fixed_shift(const Vector& parameters, Inner inner) override {
    solve_at(parameters, inner);
    return shift_of(bordered_.V());
  }

  Matrix times_covariance(const Vector& parameters, Inner inner, const Matrix& columns) override {
    solve_at(parameters, inner);
    return times_inverse(system_, sigma_ * sigma_, columns);
  }

  /// Z'V^-1 X, V the covariance of the response: rows as those of times_covariance().
  Matrix cross_information(const Vector& parameters, Inner inner) {
    solve_at(parameters, inner);
    Matrix out(column_errors_.rows(), column_errors_.cols());
    for (Index j = 0; j < out.cols(); ++j) out.col(j) = to_caller(column_errors_.col(j)) / (sigma_ * sigma_);
    return out;
  }

  /// Z'V^-1 Z = Z'W (Z - A H^-1 A'WZ) / sigma^2, times columns as those of times_covariance().
  Matrix times_information(const Vector& parameters, Inner inner, const Matrix& columns) {
    solve_at(parameters, inner);
    return by_column(columns, [&](const Vector& x) {
      Vector products;
      multiply_blocks(factors(), data_.pattern, products_, x, products);
      Vector u = factors().pulled(products);
      system_.solve(u);
      multiply_blocks(factors(), data_.pattern, products_, x - factors().scaled(u), products);
      return Vector(products / (sigma_ * sigma_));
    });
  }

  const BlockSystem& system() const { return system_; }

  /// The rank of Z, whose columns are 0 or of length 1: how many have a squared length beyond those before them.
  Index rank(double ridge = 1e-12, double limit = 1e-7) {
    forget();
    data_.factors.set_identity();
    BlockMatrix scaled = products_;
    scaled *= 1.0 / ridge;
    if (!system_.factor(scaled)) throw std::runtime_error("the rank of the random effects cannot be told");
    return (system_.pivots().array() * ridge > limit).count();
  }

  std::vector<Matrix> level_information(const Vector& parameters, Inner inner) override {
    solve_at(parameters, inner);
    return by_factor([&](Index k) {
      return Matrix(typical_information(factors()[k], k, products_, [](Index) { return 1.0; }) / (sigma_ * sigma_));
    });
  }

 private:
  /// For what is read there: at parameters as they were given to the last evaluation, or as it has found them.
  void solve_at(const Vector& parameters, Inner inner) {
    if (found_.size() > 0 && (parameters == found_ || parameters == given_)) return;
    if (evaluate(parameters, inner, false).status != Status::ok)
      throw std::runtime_error("the linear mixed model has no solution at these parameters");
  }

  /// Nothing of the last evaluation counts any more.
  void forget() {
    theta_.resize(0);
    found_.resize(0);
  }

  double freedom() const { return count_ - static_cast<double>(restricted_ ? beta_count_ : 0); }

  double value() const {
    constexpr double log_two_pi = 1.83787706640934548356;
    const double penalty = freedom() * (log_two_pi + 2.0 * std::log(sigma_)) + residual_ / (sigma_ * sigma_);
    return 0.5 * (log_weights_ - penalty) - log_determinant_;
  }

  /// The products of [Z X]. Of the columns of X also of what fits with hardly any penalty leave of them, and of the
  /// response of the residuals of such a fit: what is large and fitted well would otherwise cancel in r^2 and B.
  void form_products() {
    const std::vector<Vector> weights{row_weights()};
    const Vector times = data_.responses.times.values();
    count_ = times.sum();
    log_weights_ = (times.array() * data_.responses.weight.values().array().log()).sum();
    clear_shared(data_, products_);
    for_chunks(data_, [&](Index, Range chunk) { add_products(data_, chunk, weights, products_); });
    fixed_products_.setZero(factors().size(), beta_count_);
    information_ = fixed_products(data_, weights, fixed_products_);
    left_products_ = fixed_products_;
    left_information_ = information_;
    has_rough_fit_ = factor_rough_fit();
    column_centre_.setZero(factors().size(), beta_count_);
    if (!has_rough_fit_) return;
    column_centre_ = std::sqrt(rough_scale_) * bordered_.V();
    left_products_.setZero();
    left_information_ = fixed_products(data_, weights, left_products_, [&](Range rows, Matrix& X) {
      for (Index j = 0; j < beta_count_; ++j) subtract_effects(rows, column_centre_.col(j), X.col(j).data());
    });
  }

  /// The sums of the response; the system is that of the rough fit.
  void sum_response() {
    const Vector weights = row_weights();
    Vector response = data_.responses.y.values() - data_.predictors[0].offset.values();
    sum_response(weights, response);
    response_sums_ = residual_sums_;
    fixed_response_sums_ = fixed_residual_sums_;
    centre_.setZero(factors().size());
    fixed_centre_.setZero(beta_count_);
    if (!has_rough_fit_ || !find_centre()) return;
    for_chunks(data_, [&](Index, Range chunk) {
      const Range rows = data_.rows_of(chunk);
      data_.X().times(rows, -fixed_centre_, response.data() + rows.begin);
      subtract_effects(rows, centre_, response.data() + rows.begin);
    });
    sum_response(weights, response);
  }

  /// Prior weights times how often the rows count.
  Vector row_weights() const {
    return data_.responses.weight.values().cwiseProduct(data_.responses.times.values());
  }

  /// Of the rows only Z and the weights stay, for another response.
  void let_rows_go() {
    data_.responses.y = data_.responses.size = Column();
    data_.predictors[0].X = FixedDesign(nullptr, 0, beta_count_);
  }

  /// out_i -= z_i'b on a range of rows
  template <class Effects>
  void subtract_effects(Range rows, const Effects& b, double* out) const {
    const Vector opposite = -b;
    for (Index k = 0; k < factors().count(); ++k)
      add_row_products(factors()[k], rows, opposite.data() + factors().start(k), out);
  }

  /// The sums of a response, weighted, with Z, X and itself.
  void sum_response(const Vector& weights, const Vector& response) {
    const Vector weighted = weights.cwiseProduct(response);
    residual_square_ = weighted.dot(response);
    level_sums(data_, weighted, residual_sums_);
    fixed_residual_sums_ = fixed_sums(data_, weighted);
  }

  /// Factors the system of a fit with hardly any penalty. False: it cannot be had.
  bool factor_rough_fit() {
    constexpr double shrink = 1e8;
    rough_scale_ = shrink / least_information(factors(), products_);
    if (!std::isfinite(rough_scale_) || !(rough_scale_ > 0.0)) return false;
    data_.factors.set_identity();
    BlockMatrix scaled = products_;
    scaled *= rough_scale_;
    return system_.factor(scaled) && bordered_.factor(information_, std::sqrt(rough_scale_) * fixed_products_) &&
           bordered_.V().allFinite();
  }

  /// beta and b of the rough fit. False: they are not finite, and stay zero.
  bool find_centre() {
    const double root = std::sqrt(rough_scale_);
    Vector u = root * response_sums_, beta = fixed_response_sums_;
    bordered_.solve(u, beta);
    if (!u.allFinite() || !beta.allFinite()) return false;
    centre_ = root * u;
    fixed_centre_ = beta;
    return true;
  }

  /// beta, u, r^2 and the determinant at a relative theta.
  Status solve(const Vector& theta) {
    theta_.resize(0);
    if (!theta.allFinite()) return Status::infeasible;
    data_.factors.set_theta(theta);
    Matrix coupling = fixed_products_;
    pull_columns_to_u(data_, coupling);
    if (!system_.factor(products_)) return Status::not_positive_definite;
    bordered_.eliminate(coupling);
    if (!bordered_.factor_with(eliminated_information())) return Status::not_positive_definite;
    u_ = response_sums_;
    pull_to_u(data_, u_);
    beta_ = fixed_response_sums_;
    bordered_.solve(u_, beta_);
    shift_ = factors().scaled(u_) - centre_;
    fixed_shift_ = beta_ - fixed_centre_;
    find_residuals();
    refine();
    log_determinant_ = system_.log_determinant(data_.all_blocks()) + system_.log_determinant_rest() +
                       (restricted_ ? bordered_.log_determinant() : 0.0) - factors().half_log_precision();
    has_inverse_ = false;
    theta_ = theta;
    // where beta is lost to round-off so is r^2, which would be the smaller the better
    const double noise = 1e-14 * fixed_shift_.dot(information_ * fixed_shift_);
    return residual_ > noise && residual_ > 0.0 && std::isfinite(residual_) ? Status::ok
                                                                            : Status::not_positive_definite;
  }

  /// B = X~'WX~ + V'P V, X~ = X - A V, from the distance of Lambda V to the centre; and Z'WX~.
  Matrix eliminated_information() {
    const Matrix& V = bordered_.V();
    Matrix shifts(V.rows(), V.cols());
    column_errors_ = left_products_;
    Vector moved;
    for (Index j = 0; j < beta_count_; ++j) {
      data_.interrupt();
      shifts.col(j) = factors().scaled(V.col(j)) - column_centre_.col(j);
      multiply_blocks(factors(), data_.pattern, products_, shifts.col(j), moved);
      column_errors_.col(j) -= moved;
    }
    Matrix penalised = V;
    for (Index j = 0; j < beta_count_ && !factors().independent(); ++j)
      penalised.col(j) = factors().times_precision(V.col(j));
    const Matrix B = left_information_ + V.transpose() * penalised - left_products_.transpose() * shifts -
                     shifts.transpose() * column_errors_;
    return 0.5 * (B + B.transpose());
  }

  /// r^2 and Z'We, X'We, from the distance of beta and b to the centre.
  void find_residuals() {
    Vector moved;
    multiply_blocks(factors(), data_.pattern, products_, shift_, moved);
    errors_ = residual_sums_ - fixed_products_ * fixed_shift_ - moved;
    fixed_errors_ = fixed_residual_sums_ - information_ * fixed_shift_ - fixed_products_.transpose() * shift_;
    residual_ = residual_square_ - fixed_shift_.dot(fixed_residual_sums_ + fixed_errors_) -
                shift_.dot(residual_sums_ + errors_) + factors().penalty(u_);
  }

  /// Solves once more for what the solution has left: where effects dwarf the residuals, their distance to the centre
  /// has digits that they themselves have not.
  void refine() {
    Vector u = errors_, beta = fixed_errors_;
    pull_to_u(data_, u);
    Vector penalised;
    u -= factors().times_precision(u_, penalised);
    bordered_.solve(u, beta);
    u_ += u;
    beta_ += beta;
    shift_ += factors().scaled(u);
    fixed_shift_ += beta;
    find_residuals();
  }

  void find_inverse() {
    if (!has_inverse_) system_.inverse(inverse_);
    has_inverse_ = true;
  }

  /// The derivative in the relative theta, sigma fixed.
  Vector slope_in_theta() {
    find_inverse();
    Matrix left, right;
    if (restricted_) {  // Z'W X~ T and V T, T T' = B^-1
      left = bordered_.times_root(column_errors_);
      right = bordered_.times_root(bordered_.V());
    }
    Vector out = Vector::Zero(factors().theta_count());
    for (Index k = 0; k < factors().count(); ++k) {
      const Index q = factors()[k].effects(), levels = factors()[k].levels, at = factors().start(k);
      const auto by_level = [&](const double* values) { return Eigen::Map<const Matrix>(values + at, q, levels); };
      Matrix slope = by_level(errors_.data()) * by_level(u_.data()).transpose() / (sigma_ * sigma_);
      slope -= sum_of_products(factors(), data_.pattern, k, products_, inverse_);
      for (Index j = 0; j < left.cols(); ++j)
        slope.noalias() += by_level(left.col(j).data()) * by_level(right.col(j).data()).transpose();
      factors().pull_back(k, slope, out);
    }
    return out;
  }

  Data data_;  ///< after the cross products have been formed, what says which effects there are
  bool restricted_;
  Index beta_count_;
  BlockSystem system_;
  BorderedSystem bordered_;
  BlockMatrix products_;                        ///< Z'WZ
  Matrix fixed_products_, information_;         ///< Z'WX, X'WX
  Vector response_sums_, fixed_response_sums_;  ///< Z'Wy, X'Wy, y less the offset
  bool has_rough_fit_ = false;                  ///< whether there is a fit with hardly any penalty, and the
  double rough_scale_ = 0.0;                    ///< variance of the effects there, relative to sigma^2
  Matrix column_centre_;                        ///< K, the b of rough fits to the columns of X, and of X - Z K:
  Matrix left_products_, left_information_;     ///< the same as of X
  Vector centre_, fixed_centre_;                ///< b and beta of a rough fit, and of its residuals e:
  Vector residual_sums_, fixed_residual_sums_;  ///< Z'We, X'We,
  double residual_square_ = 0.0;                ///< e'We
  double log_weights_ = 0.0, count_ = 0.0;      ///< the rows' log prior weights and themselves, as often as they count
  // at the last theta
  Vector theta_, u_, beta_;
  Vector shift_, fixed_shift_;    ///< b and beta less the centre
  Matrix column_errors_;          ///< Z'WX~
  Vector errors_, fixed_errors_;  ///< Z'We, X'We, e the weighted residuals here
  double residual_ = 0.0, log_determinant_ = 0.0, sigma_ = 1.0;
  Vector given_, found_;  ///< the parameters of the last evaluation, if it succeeded
  Status status_ = Status::ok;
  BlockMatrix inverse_;
  bool has_inverse_ = false;
};

}  // namespace glimmer

#endif
