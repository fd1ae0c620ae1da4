// The linear mixed model by its cross products, compiled on its own: how it is made, and what only it can do.
#include "convert.h"

#include <glimmer/product_model.h>

using glimmer::ProductModel;

std::unique_ptr<glimmer::Objective> glimmer::make_product_model(const Rcpp::List& data) {
  return std::make_unique<ProductModel>(as_responses(data), as_column(data["offset"]), as_design(data["X"]),
                                        as_factors(data["factors"]), Rcpp::as<bool>(data["restricted"]),
                                        Rcpp::as<int>(data["threads"]), ask_r);
}

void glimmer::set_response_of_products(Objective& model, const Rcpp::List& data) {
  if (as_copies(data).size() > 0)
    throw std::invalid_argument("cross products know no clusters: a model of the rows is needed");
  const Responses responses = as_responses(data);
  dynamic_cast<ProductModel&>(model).set_response(responses.y, responses.times, as_design(data["X"]));
}

namespace {

ProductModel& as_product_model(SEXP model) {
  return dynamic_cast<ProductModel&>(*Rcpp::XPtr<glimmer::Objective>(model));
}

}  // namespace

//' Z'V^-1 X, V the covariance of the response
//'
//' @param model External pointer of cpp_model(): a linear mixed model by its cross products.
//' @param parameters,inner As of cpp_evaluate().
//' @return Numeric matrix, a row an effect: factors as given to cpp_model(), level by level.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_cross_information(SEXP model, Rcpp::NumericVector parameters, std::string inner) {
  return Rcpp::wrap(
      as_product_model(model).cross_information(glimmer::as_vector(parameters), glimmer::as_inner(inner)));
}

//' Z'V^-1 Z times columns
//'
//' @param model,parameters,inner As of cpp_cross_information().
//' @param columns Numeric matrix, a row an effect.
//' @return Numeric matrix of the same shape.
//' @noRd
// [[Rcpp::export(rng = false)]]
Rcpp::NumericMatrix cpp_times_information(SEXP model, Rcpp::NumericVector parameters, std::string inner,
                                          Rcpp::NumericMatrix columns) {
  const Eigen::Map<const glimmer::Matrix> given(columns.begin(), columns.nrow(), columns.ncol());
  return Rcpp::wrap(
      as_product_model(model).times_information(glimmer::as_vector(parameters), glimmer::as_inner(inner), given));
}

//' How many numbers the Cholesky factor of H has
//'
//' @param model As of cpp_cross_information().
//' @return Number.
//' @noRd
// [[Rcpp::export(rng = false)]]
double cpp_factor_entries(SEXP model) { return static_cast<double>(as_product_model(model).system().factor_entries()); }

//' The rank of the columns of random effects, 0 or of length 1
//'
//' @param model As of cpp_cross_information(), weights one.
//' @return Integer.
//' @noRd
// [[Rcpp::export(rng = false)]]
int cpp_rank(SEXP model) { return static_cast<int>(as_product_model(model).rank()); }
