// Compiled on its own: the linear mixed model.
#include "convert.h"

#include <glimmer/product_model.h>

std::unique_ptr<glimmer::Objective> glimmer::make_product_model(const Rcpp::List& data) {
  return std::make_unique<ProductModel>(as_responses(data), as_column(data["offset"]), as_design(data["X"]),
                                        as_factors(data["factors"]), Rcpp::as<bool>(data["restricted"]),
                                        Rcpp::as<int>(data["threads"]), ask_r);
}
