// The exports: thin, one call of the core each. R/engine.R is their only caller.
#include "convert.h"

#include <glimmer/row_model.h>
#include <thread>

using glimmer::Objective;
using glimmer::RowModel;

namespace {

Objective& as_objective(SEXP model) { return *Rcpp::XPtr<Objective>(model); }

/// What only a model by its rows can do.
RowModel& as_row_model(SEXP model) {
  RowModel* rows = dynamic_cast<RowModel*>(&as_objective(model));
  if (!rows) throw std::invalid_argument("this model knows no rows");
  return *rows;
}

glimmer::Integers as_integers(const Rcpp::IntegerVector& x) { return {x.begin(), x.end()}; }
std::vector<char> as_flags(const Rcpp::LogicalVector& x) { return {x.begin(), x.end()}; }

}  // namespace

//' A model of the core, kept behind an external pointer
//'
//' @param data List: y, size, weights, offset (numeric), X (an ordinary numeric matrix: it may be used as it is,
//'   without a copy), factors (list, see src/convert.h), family, link (character), known (number, or absent: the second
//'   predictor, where it is no parameter), threads (integer); products (logical: a linear mixed model by its cross
//'   products, which has no use for family and link) and restricted (logical, of such a model: the restricted
//'   log-likelihood).
//' @return An external pointer, alive for this session only.
//' @noRd
// [[Rcpp::export(rng = false)]]
SEXP cpp_model(Rcpp::List data) {
  if (Rcpp::as<bool>(data["products"])) return Rcpp::XPtr<Objective>(glimmer::make_product_model(data).release(), true);
  auto model = std::make_unique<RowModel>(
      glimmer::as_responses(data), glimmer::as_predictors(data), glimmer::as_factors(data["factors"]),
      glimmer::make_density(Rcpp::as<std::string>(data["family"]), Rcpp::as<std::string>(data["link"])),
      glimmer::ask_r);
  model->set_threads(Rcpp::as<int>(data["threads"]));
  const SEXP borrowed = model->data().X().is_copy() ? R_NilValue : static_cast<SEXP>(data["X"]);
  return Rcpp::XPtr<Objective>(model.release(), true, R_NilValue, borrowed);  // keeps X alive where it is not copied
}

//' Other responses of the rows, and how often each row counts, where all else stays
//'
//' @param model External pointer of cpp_model().
//' @param data List: y, size, weights; times (or absent: once), which multiplies the log-density of a row, 0 leaves it
//'   out; copies (or absent: once), which multiplies the log-likelihood of a row's cluster; numeric. Of a model by its
//'   cross products also X as of cpp_model(), the weights stay, and copies are refused.
//' @noRd
// [[Rcpp::export(rng = false)]]
void cpp_set_responses(SEXP model, Rcpp::List data) {
  if (RowModel* rows = dynamic_cast<RowModel*>(&as_objective(model)))
    return rows->set_responses(glimmer::as_responses(data), glimmer::as_copies(data));
  glimmer::set_response_of_products(as_objective(model), data);
}

//' The gradient by clusters of rows
//'
//' @param model External pointer of cpp_model(), by its rows and by the Laplace approximation.
//' @param parameters As of cpp_evaluate().
//' @param cluster Integer, one a row as given to cpp_model(), from 0: its cluster. No effect may belong to two.
//' @param clusters Integer: how many there are.
//' @return Numeric matrix, a row a cluster, a column a parameter.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_scores(SEXP model, Rcpp::NumericVector parameters, Rcpp::IntegerVector cluster, int clusters) {
  return Rcpp::wrap(as_row_model(model).scores(glimmer::as_vector(parameters),
                                               glimmer::Integers(cluster.begin(), cluster.end()), clusters));
}

//' Log-likelihood and gradient at a parameter vector
//'
//' @param model External pointer of cpp_model().
//' @param parameters Numeric: beta, theta, and coefficients of the other predictors, as of the log dispersion.
//' @param inner What the evaluation finds itself: "given" (the modes of the random effects only), "joint" (beta at its
//'   joint mode with them), "integrated" (beta integrated out, REML), "profiled" (of a linear mixed model by its cross
//'   products: beta and the dispersion).
//' @param gradient Logical.
//' @return List: status, value, gradient, parameters (with what has been found).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_evaluate(SEXP model, Rcpp::NumericVector parameters, std::string inner, bool gradient) {
  return glimmer::as_list(
      as_objective(model).evaluate(glimmer::as_vector(parameters), glimmer::as_inner(inner), gradient));
}

//' A beta near its joint mode with the random effects
//'
//' @param model External pointer of cpp_model().
//' @param parameters As of cpp_evaluate().
//' @return Numeric; empty where none is found.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_joint_start(SEXP model, Rcpp::NumericVector parameters) {
  return Rcpp::wrap(as_row_model(model).joint_start(glimmer::as_vector(parameters)));
}

//' A barrier before the edge of what the link allows, added to every value from now on
//'
//' @param model External pointer of cpp_model().
//' @param weight Number; zero: none.
//' @noRd
// [[Rcpp::export(rng = false)]]
void cpp_set_edge_barrier(SEXP model, double weight) { as_row_model(model).set_edge_barrier(weight); }

//' Evaluations by Laplace's approximation to second order from now on, or by Laplace's
//'
//' @param model External pointer of cpp_model(), by its rows, with random effects in the first predictor alone.
//' @param on Logical.
//' @noRd
// [[Rcpp::export(rng = false)]]
void cpp_set_second_order(SEXP model, bool on) {
  RowModel& rows = as_row_model(model);
  if (on)
    rows.integrate_by(rows.second_order());
  else
    rows.integrate_by(rows.laplace());
}

//' About how many operations an evaluation with its gradient is
//'
//' @param model As of cpp_set_second_order().
//' @return Numeric: laplace (by that approximation), second_order (what the next order adds).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_operations(SEXP model) {
  RowModel& rows = as_row_model(model);
  return Rcpp::NumericVector::create(Rcpp::Named("laplace") = rows.operations(),
                                     Rcpp::Named("second_order") = rows.second_order().operations());
}

//' What the last evaluation to second order found
//'
//' @param model External pointer of cpp_model().
//' @return Numeric: laplace (that approximation of the log-likelihood), correction (the next terms), damped (the same
//'   as it is maximised), size (the sum of the terms in size), informed (how many effects the data inform).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_second_order_size(SEXP model) {
  const glimmer::SecondOrderSize& found = as_row_model(model).second_order().found();
  return Rcpp::NumericVector::create(Rcpp::Named("laplace") = found.laplace,
                                     Rcpp::Named("correction") = found.correction,
                                     Rcpp::Named("damped") = found.damped, Rcpp::Named("size") = found.size,
                                     Rcpp::Named("informed") = found.informed);
}

//' Place the frozen rule of each level, given which nodes do not move with the parameters
//'
//' @param model External pointer of cpp_model().
//' @param parameters As of cpp_evaluate(), at the modes for these and their curvature; of length 0: at mean and
//'   covariance of u as the last pass found them.
//' @return Character: the status; where it is not "ok" the rule stays where it was.
//' @noRd
// [[Rcpp::export(rng = false)]]
std::string cpp_rule_place(SEXP model, Rcpp::NumericVector parameters) {
  if (parameters.size() > 0) return glimmer::describe(as_row_model(model).place_rule(glimmer::as_vector(parameters)));
  as_row_model(model).rule().place_at_moments();
  return glimmer::describe(glimmer::Status::ok);
}

//' The nodes of the frozen rule of each level
//'
//' @param model External pointer of cpp_model().
//' @param nodes Integer, one a level of the factors one after the other: nodes for each effect; of wide levels in 60
//'   units of eta.
//' @param wide Logical, one a level: whether by the trapezoid rule on axes of its own, cut where no density is left;
//'   only of one factor.
//' @return Integer, one a level: how many nodes it has now in all, with those of the levels in which it lies.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::IntegerVector cpp_rule_nodes(SEXP model, Rcpp::IntegerVector nodes, Rcpp::LogicalVector wide) {
  return Rcpp::wrap(as_row_model(model).rule().set_nodes(as_integers(nodes), as_flags(wide)));
}

//' Log-likelihood by the frozen rule, and its derivatives
//'
//' @param model External pointer of cpp_model().
//' @param parameters As of cpp_evaluate().
//' @param order Integer: 0 (value), 1 (gradient), 2 (Hessian).
//' @return List: status, value, gradient, hessian (of length 0 where not asked for).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_rule_pass(SEXP model, Rcpp::NumericVector parameters, int order) {
  const glimmer::FrozenEvaluation found = as_row_model(model).rule().pass(glimmer::as_vector(parameters), order);
  return Rcpp::List::create(Rcpp::Named("status") = glimmer::describe(found.status), Rcpp::Named("value") = found.value,
                            Rcpp::Named("gradient") = found.gradient, Rcpp::Named("hessian") = found.hessian);
}

//' Each level's own log-likelihood, without the constants of its rows, by other nodes at the same places
//'
//' @param model External pointer of cpp_model().
//' @param parameters As of cpp_evaluate().
//' @param nodes,wide As of cpp_rule_nodes(), nodes may be 0.
//' @return Numeric, one a level; NaN where there are no nodes. Of a level that lies in others: the mean of its
//'   log-integral over their nodes.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_rule_values(SEXP model, Rcpp::NumericVector parameters, Rcpp::IntegerVector nodes,
                                    Rcpp::LogicalVector wide) {
  const glimmer::Vector at = glimmer::as_vector(parameters);
  return Rcpp::wrap(as_row_model(model).rule().level_values(at, as_integers(nodes), as_flags(wide)));
}

//' The same by the rule that is set, of each level of the outermost factor, as the last pass found it
//'
//' @param model External pointer of cpp_model().
//' @return Numeric, one a level; 0 where it has no rows.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_rule_pass_values(SEXP model) { return Rcpp::wrap(as_row_model(model).rule().pass_values()); }

//' Mean and covariance of b given the data, as the last pass found them
//'
//' @param model External pointer of cpp_model().
//' @return List, one element a factor: modes (here means: effects x levels), variances (effects x effects x levels).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_rule_moments(SEXP model) { return glimmer::as_list(as_row_model(model).rule().moments()); }

//' The gradient of the log-likelihood of each level of the (outermost) factor by the frozen rule
//'
//' @param model External pointer of cpp_model().
//' @param parameters As of cpp_evaluate().
//' @return Numeric matrix, a row a level, a column a parameter.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_rule_scores(SEXP model, Rcpp::NumericVector parameters) {
  return Rcpp::wrap(as_row_model(model).rule().level_gradients(glimmer::as_vector(parameters)));
}

//' The cores that this process may use
//'
//' @return Integer, at least 1.
//' @noRd
// [[Rcpp::export(rng = false)]]
int cpp_cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

//' What is known of a model's density
//'
//' @param model External pointer of cpp_model().
//' @return Logical: log_concave (in the linear predictor, for every response), bounded (not every linear predictor is
//'   allowed).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::LogicalVector cpp_density_facts(SEXP model) {
  const RowModel& m = as_row_model(model);
  return Rcpp::LogicalVector::create(Rcpp::Named("log_concave") = m.data().density->log_concave(),
                                     Rcpp::Named("bounded") = m.bounded());
}

//' The information that a typical level has on its own effects
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return List, one element a factor as given to cpp_model(): matrix, a row and a column an effect.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_level_information(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return glimmer::as_list(
      as_objective(model).level_information(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' The information that each level has on its own effects: its block of Z'WZ
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return List, one element a factor as given to cpp_model(): numeric, effects x effects x levels.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_level_products(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  Rcpp::List out;
  for (const glimmer::Matrix& blocks :
       as_row_model(model).level_products(glimmer::as_vector(parameters), glimmer::as_inner(inner)))
    out.push_back(glimmer::as_array(blocks));
  return out;
}

//' The linear predictor, the random effects at their conditional modes
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return Numeric, one a row as given to cpp_model().
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_linear_predictor(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return Rcpp::wrap(as_row_model(model).linear_predictor(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' Distances of the linear predictors from the edge of what the link allows
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return Numeric, one a row as given to cpp_model(); infinite where the link allows everything.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_edge_distances(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return Rcpp::wrap(as_row_model(model).edge_distances(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' Conditional modes of b and their covariances
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return List, one element a factor as given to cpp_model(): modes (effects x levels), variances
//'   (effects x effects x levels).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_modes(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return glimmer::as_list(as_objective(model).effects(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' Information on beta, the random effects eliminated
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return Numeric matrix, p x p.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_fixed_information(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return Rcpp::wrap(as_objective(model).fixed_information(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' The derivative of -b in beta, b at its mode
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return List, one element a factor as given to cpp_model(): matrix, a row an effect, level by level.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_fixed_shift(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return glimmer::as_list(as_objective(model).fixed_shift(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' The covariance of b given the data, times columns
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @param columns Numeric matrix, a row an effect: factors as given to cpp_model(), level by level.
//' @return Numeric matrix of the same shape.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_times_covariance(SEXP model, Rcpp::NumericVector parameters, std::string inner,
                                         Rcpp::NumericMatrix columns) {
  const Eigen::Map<const glimmer::Matrix> given(columns.begin(), columns.nrow(), columns.ncol());
  return Rcpp::wrap(
      as_objective(model).times_covariance(glimmer::as_vector(parameters), glimmer::as_inner(inner), given));
}

//' The second derivative of the value in beta
//'
//' @param model External pointer of cpp_model().
//' @param parameters,inner As of cpp_evaluate().
//' @return Numeric matrix, p x p; 0 x 0 where it is not known.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_fixed_hessian(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return Rcpp::wrap(as_row_model(model).fixed_hessian(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' Log-density of rows and its derivatives
//'
//' @param rows List: y, size, weights (numeric).
//' @param eta Numeric: linear predictor.
//' @param phi Number: log dispersion.
//' @param family,link Character.
//' @return List: f (with all constants), d1, w, d3, d4, d5, and where the family has a dispersion
//'   f_phi, d1_phi, w_phi, d3_phi, d4_phi; expected (weights).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_density(Rcpp::List rows, Rcpp::NumericVector eta, double phi, std::string family, std::string link) {
  const auto density = glimmer::make_density(family, link);
  const glimmer::Responses responses = glimmer::as_responses(rows);
  const glimmer::Range all{0, responses.y.size()};
  glimmer::Etas at(static_cast<std::size_t>(density->predictors()), glimmer::Vector::Constant(1, phi));
  at[0] = glimmer::as_vector(eta);
  glimmer::RowDerivatives out;
  out.reserve(all.size(), 5, density->predictors());
  out.f.resize(all.size());
  density->evaluate(responses, all, at, 5, out);
  for (glimmer::Index i = 0; i < all.size(); ++i) out.f[i] += density->constant(responses[i]);
  glimmer::Vector expected(all.size());
  density->expected_weights(responses, all, at, expected);
  Rcpp::List list = Rcpp::List::create(Rcpp::Named("f") = Rcpp::wrap(out.f),
                                       Rcpp::Named("expected") = Rcpp::wrap(expected));
  const char* const names[][5] = {{"d1", "w", "d3", "d4", "d5"}, {"f_phi", "d1_phi", "w_phi", "d3_phi", "d4_phi"}};
  for (std::size_t a = 0; a < at.size(); ++a)
    for (std::size_t k = 0; k < 5; ++k) {
      const glimmer::Vector& own = out.of_order(static_cast<int>(k) + 1)[a];
      list[names[a][k]] = Rcpp::wrap(a == 1 && k == 1 ? glimmer::Vector(-own) : own);  // w_01 = -d(d1) / dphi
    }
  return list;
}
