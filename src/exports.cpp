// The exports: thin, one call of the core each. R/engine.R is their only caller.
#include "convert.h"

#include <thread>

using glimmer::Model;

namespace {

Model& as_model(SEXP pointer) { return *Rcpp::XPtr<Model>(pointer); }

/// A quadrature rule: nodes and wide, one number a level.
glimmer::NodeRule as_rule(const Model& m, const Rcpp::IntegerVector& nodes, const Rcpp::LogicalVector& wide) {
  return glimmer::NodeRule(glimmer::Integers(nodes.begin(), nodes.end()), std::vector<char>(wide.begin(), wide.end()),
                           m.data().factors[0].effects());
}

}  // namespace

//' A model of the core, kept behind an external pointer
//'
//' @param data List: y, size, weights, offset (numeric), X (an ordinary numeric matrix: it may be used as it is,
//'   without a copy), factors (list, see src/convert.h), family, link (character), threads (integer).
//' @return An external pointer.
//' @noRd
// [[Rcpp::export(rng = false)]]
SEXP cpp_model(Rcpp::List data) {
  auto model = std::make_unique<Model>(
      glimmer::as_responses(data), glimmer::as_column(data["offset"]), glimmer::as_design(data["X"]),
      glimmer::as_factors(data["factors"]),
      glimmer::make_density(Rcpp::as<std::string>(data["family"]), Rcpp::as<std::string>(data["link"])),
      glimmer::ask_r);
  model->set_threads(Rcpp::as<int>(data["threads"]));
  const SEXP borrowed = model->data().design.is_copy() ? R_NilValue : static_cast<SEXP>(data["X"]);
  return Rcpp::XPtr<Model>(model.release(), true, R_NilValue, borrowed);  // keeps X alive where it is not copied
}

//' Log-likelihood and gradient at a parameter vector
//'
//' @param model External pointer of cpp_model().
//' @param parameters Numeric: (beta, theta, phi).
//' @param gradient Logical.
//' @param fixed "given", "joint" (beta at its joint mode with the random effects) or "integrated" (REML).
//' @return List: status, value, gradient, beta.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_evaluate(SEXP model, Rcpp::NumericVector parameters, bool gradient, std::string fixed) {
  Model& m = as_model(model);
  const glimmer::Vector at = glimmer::as_vector(parameters);
  const glimmer::Evaluation evaluation = fixed == "given"   ? m.evaluate(at, gradient)
                                         : fixed == "joint" ? m.evaluate_joint(at, gradient)
                                                            : m.evaluate_integrated(at, gradient);
  return glimmer::as_list(evaluation, m.point().beta);
}

//' A beta near its joint mode with the random effects
//'
//' @param model External pointer of cpp_model().
//' @param parameters Numeric: (beta, theta, phi).
//' @return Numeric; empty where none is found.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_joint_start(SEXP model, Rcpp::NumericVector parameters) {
  return Rcpp::wrap(as_model(model).joint_start(glimmer::as_vector(parameters)));
}

//' A barrier before the edge of what the link allows, added to every value from now on
//'
//' @param model External pointer of cpp_model().
//' @param weight Number; zero: none.
//' @noRd
// [[Rcpp::export(rng = false)]]
void cpp_set_edge_barrier(SEXP model, double weight) { as_model(model).set_edge_barrier(weight); }

//' The quadrature rule of every evaluation from now on
//'
//' @param model External pointer of cpp_model().
//' @param nodes Integer, one a level of the only factor: nodes for each effect; of length 0: Laplace.
//' @param wide Logical, one a level: whether by the trapezoid rule, around mean and covariance at the last evaluation.
//' @noRd
// [[Rcpp::export(rng = false)]]
void cpp_set_rule(SEXP model, Rcpp::IntegerVector nodes, Rcpp::LogicalVector wide) {
  Model& m = as_model(model);
  if (nodes.size() == 0) return m.set_rule(nullptr);
  const glimmer::NodeRule rule = as_rule(m, nodes, wide);
  m.set_rule(&rule);
}

//' Each level's own log-likelihood, without the constants of its rows, at the last evaluation by some rule
//'
//' @param model External pointer of cpp_model().
//' @param nodes,wide As of cpp_set_rule(), nodes may be 0; of length 0: the rule that is set, its wide levels where
//'   they are.
//' @return Numeric, one a level; NaN where there are no nodes.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_level_values(SEXP model, Rcpp::IntegerVector nodes, Rcpp::LogicalVector wide) {
  Model& m = as_model(model);
  return Rcpp::wrap(nodes.size() == 0 ? m.level_values() : m.level_values(as_rule(m, nodes, wide)));
}

//' Mean and covariance of b given the data at the last evaluation by some rule
//'
//' @param model External pointer of cpp_model().
//' @param nodes,wide As of cpp_set_rule().
//' @return List: means (effects x levels), variances (effects x effects x levels).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_moments(SEXP model, Rcpp::IntegerVector nodes, Rcpp::LogicalVector wide) {
  Model& m = as_model(model);
  const glimmer::Moments moments = m.moments(as_rule(m, nodes, wide));
  const glimmer::Matrix& lambda = m.data().factors.lambda(0);
  const glimmer::Index q = lambda.rows(), levels = m.data().factors[0].levels;
  Rcpp::NumericVector variances(q * q * levels);
  variances.attr("dim") = Rcpp::IntegerVector::create(q, q, levels);
  for (glimmer::Index g = 0; g < levels; ++g)
    Eigen::Map<glimmer::Matrix>(variances.begin() + g * q * q, q, q) =
        lambda * moments.covariance.middleCols(q * g, q) * lambda.transpose();
  return Rcpp::List::create(Rcpp::Named("means") = Rcpp::wrap(glimmer::Matrix(lambda * moments.mean)),
                            Rcpp::Named("variances") = variances);
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
//' @return Logical: log_concave (in the linear predictor, for every response), restricted (not every linear predictor
//'   is allowed).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::LogicalVector cpp_density_facts(SEXP model) {
  const Model& m = as_model(model);
  return Rcpp::LogicalVector::create(Rcpp::Named("log_concave") = m.data().density->log_concave(),
                                     Rcpp::Named("restricted") = m.restricted());
}

//' The information that a typical level has on its own effects, at the last evaluation
//'
//' @param model External pointer of cpp_model().
//' @return List, one element a factor as given to cpp_model(): matrix, a row and a column an effect.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_level_information(SEXP model) {
  const Model& m = as_model(model);
  Rcpp::List out(m.data().factors.count());
  for (glimmer::Index k = 0; k < m.data().factors.count(); ++k)
    out[m.data().factors.callers_position(k)] = Rcpp::wrap(m.level_information(k));
  return out;
}

//' The information that each level has on its own effects, at the last evaluation: its block of Z'WZ
//'
//' @param model External pointer of cpp_model().
//' @return List, one element a factor as given to cpp_model(): numeric, effects x effects x levels.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_level_products(SEXP model) {
  const Model& m = as_model(model);
  Rcpp::List out(m.data().factors.count());
  for (glimmer::Index k = 0; k < m.data().factors.count(); ++k) {
    const int q = static_cast<int>(m.data().factors[k].effects());
    const int levels = static_cast<int>(m.data().factors[k].levels);
    const glimmer::Vector& values = m.point().products.diagonal_values(k);
    Rcpp::NumericVector blocks(values.data(), values.data() + values.size());
    blocks.attr("dim") = Rcpp::IntegerVector::create(q, q, levels);
    out[m.data().factors.callers_position(k)] = blocks;
  }
  return out;
}

//' The linear predictor at the last evaluation, the random effects at their conditional modes
//'
//' @param model External pointer of cpp_model().
//' @return Numeric, one a row as given to cpp_model().
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_linear_predictor(SEXP model) { return Rcpp::wrap(as_model(model).linear_predictor()); }

//' Distances of the linear predictors at the last evaluation from the edge of what the link allows
//'
//' @param model External pointer of cpp_model().
//' @return Numeric, one a row with positive weight, in the order of the core.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericVector cpp_edge_distances(SEXP model) { return Rcpp::wrap(as_model(model).edge_distances()); }

//' Conditional modes of b and their covariances at the last evaluation
//'
//' @param model External pointer of cpp_model().
//' @return List, one element a factor as given to cpp_model(): modes (effects x levels), variances
//'   (effects x effects x levels).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_modes(SEXP model) {
  Model& m = as_model(model);
  return glimmer::as_effects(m.data().factors, m.point().b, m.mode_covariance(), 1.0);
}

//' Information on beta at the last evaluation, the random effects eliminated
//'
//' @param model External pointer of cpp_model().
//' @return Numeric matrix, p x p.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_fixed_information(SEXP model) { return Rcpp::wrap(as_model(model).fixed_information()); }

//' The second derivative of the last value in beta
//'
//' @param model External pointer of cpp_model().
//' @return Numeric matrix, p x p; 0 x 0 where it is not known.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_fixed_hessian(SEXP model) { return Rcpp::wrap(as_model(model).fixed_hessian()); }

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
  const glimmer::Vector at = glimmer::as_vector(eta);
  glimmer::RowDerivatives out;
  out.reserve(all.size(), 5, density->has_dispersion());
  out.f.resize(all.size());
  density->evaluate(responses, all, at, phi, 5, out);
  for (glimmer::Index i = 0; i < all.size(); ++i) out.f[i] += density->constant(responses[i]);
  glimmer::Vector expected(all.size());
  density->expected_weights(responses, all, at, phi, expected);
  Rcpp::List list = Rcpp::List::create(
      Rcpp::Named("f") = Rcpp::wrap(out.f), Rcpp::Named("d1") = Rcpp::wrap(out.d1),
      Rcpp::Named("w") = Rcpp::wrap(out.w), Rcpp::Named("d3") = Rcpp::wrap(out.d3),
      Rcpp::Named("d4") = Rcpp::wrap(out.d4), Rcpp::Named("d5") = Rcpp::wrap(out.d5),
      Rcpp::Named("expected") = Rcpp::wrap(expected));
  if (!density->has_dispersion()) return list;
  list["f_phi"] = Rcpp::wrap(out.f_phi);
  list["d1_phi"] = Rcpp::wrap(out.d1_phi);
  list["w_phi"] = Rcpp::wrap(out.w_phi);
  list["d3_phi"] = Rcpp::wrap(out.d3_phi);
  list["d4_phi"] = Rcpp::wrap(out.d4_phi);
  return list;
}
