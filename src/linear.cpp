// The exports of the linear mixed model: thin, one call of the core each. R/engine.R is their only caller.
#include "convert.h"

#include <glimmer/linear_model.h>

using glimmer::LinearModel;

namespace {

LinearModel& as_linear(SEXP pointer) { return *Rcpp::XPtr<LinearModel>(pointer); }

}  // namespace

//' A linear mixed model of the core, kept behind an external pointer
//'
//' @param data As of cpp_model(), without family and link.
//' @param restricted Logical: the restricted log-likelihood.
//' @return An external pointer, alive for this session only.
//' @noRd
// [[Rcpp::export(rng = false)]]
SEXP cpp_linear_model(Rcpp::List data, bool restricted) {
  auto model = std::make_unique<LinearModel>(glimmer::as_responses(data), glimmer::as_column(data["offset"]),
                                             glimmer::as_design(data["X"]), glimmer::as_factors(data["factors"]),
                                             restricted, Rcpp::as<int>(data["threads"]), glimmer::ask_r);
  return Rcpp::XPtr<LinearModel>(model.release(), true);
}

//' Log-likelihood and gradient of a linear mixed model
//'
//' @param model External pointer of cpp_linear_model().
//' @param parameters Numeric: (beta, theta, phi), of which beta does not count.
//' @param profile Logical: take the residual standard deviation at its maximum, too; then theta relative to it counts.
//' @param gradient Logical.
//' @return List: status, value, gradient, parameters (which the value belongs to).
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_linear_evaluate(SEXP model, Rcpp::NumericVector parameters, bool profile, bool gradient) {
  const glimmer::LinearEvaluation out = as_linear(model).evaluate(glimmer::as_vector(parameters), profile, gradient);
  return Rcpp::List::create(Rcpp::Named("status") = describe(out.status), Rcpp::Named("value") = out.value,
                            Rcpp::Named("gradient") = Rcpp::wrap(out.gradient),
                            Rcpp::Named("parameters") = Rcpp::wrap(out.parameters));
}

//' Conditional modes of b and their covariances at the last evaluation
//'
//' @param model External pointer of cpp_linear_model().
//' @return As of cpp_modes().
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_linear_modes(SEXP model) {
  LinearModel& m = as_linear(model);
  return glimmer::as_effects(m.factors(), m.modes(), m.mode_covariance(), m.sigma() * m.sigma());
}

//' The information that a typical level has on its own effects, at the last evaluation
//'
//' @param model External pointer of cpp_linear_model().
//' @return As of cpp_level_information().
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::List cpp_linear_level_information(SEXP model) {
  const LinearModel& m = as_linear(model);
  Rcpp::List out(m.factors().count());
  for (glimmer::Index k = 0; k < m.factors().count(); ++k)
    out[m.factors().callers_position(k)] = Rcpp::wrap(m.level_information(k));
  return out;
}

//' Information on beta at the last evaluation, the random effects eliminated
//'
//' @param model External pointer of cpp_linear_model().
//' @return Numeric matrix, p x p.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_linear_fixed_information(SEXP model) {
  return Rcpp::wrap(as_linear(model).fixed_information());
}
