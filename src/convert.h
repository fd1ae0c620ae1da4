// R lists to the structs of the core, and back; nothing else.
#ifndef GLIMMER_CONVERT_H
#define GLIMMER_CONVERT_H

#include <RcppEigen.h>
#include <glimmer/density.h>
#include <glimmer/objective.h>
#include <glimmer/predictor.h>

namespace glimmer {

/// A linear mixed model by cross products: as of cpp_model().
std::unique_ptr<Objective> make_product_model(const Rcpp::List& data);
/// Another response of it: data has y, times, and X once more.
void set_response_of_products(Objective& model, const Rcpp::List& data);

inline Vector as_vector(SEXP x) {
  const Rcpp::NumericVector values(x);
  return Eigen::Map<const Vector>(values.begin(), values.size());
}

inline Column as_column(SEXP x) {
  const Rcpp::NumericVector values(x);
  return Column(Eigen::Map<const Vector>(values.begin(), values.size()));
}

/// Lets R interrupt, or say that a time limit is reached: what R would do then it does when C++ has been left, which
/// this exception sees to.
inline void ask_r() {
  Rcpp::unwindProtect([](void*) -> SEXP {
    R_CheckUserInterrupt();
    return R_NilValue;
  }, nullptr);
}

/// `times` may be absent: every row counts once.
inline Responses as_responses(const Rcpp::List& rows) {
  Responses out(as_column(rows["y"]), as_column(rows["size"]), as_column(rows["weights"]));
  if (rows.containsElementNamed("times")) out.times = as_column(rows["times"]);
  return out;
}

/// Empty where it is absent.
inline Vector as_copies(const Rcpp::List& rows) {
  return rows.containsElementNamed("copies") ? as_vector(rows["copies"]) : Vector();
}

/// Not a copy: the caller keeps the matrix alive.
inline FixedDesign as_design(SEXP x) {
  if (!Rf_isReal(x) || !Rf_isMatrix(x)) throw std::invalid_argument("X must be a matrix of double precision");
  return FixedDesign(REAL(x), Rf_nrows(x), Rf_ncols(x));
}

/// offset and X of the mean, and `known`, where it is there: the second predictor.
inline std::vector<Predictor> as_predictors(const Rcpp::List& data) {
  std::vector<Predictor> out = only_predictor(as_column(data["offset"]), as_design(data["X"]));
  if (data.containsElementNamed("known"))
    out.push_back(known_predictor(out[0].offset.size(), Rcpp::as<double>(data["known"])));
  return out;
}

/// list(row, column, value, half_log_determinant): the lower triangle of a precision between levels, from 0
inline std::unique_ptr<const LevelPrior> as_precision(const Rcpp::List& given, Index levels) {
  const Rcpp::IntegerVector row = given["row"], column = given["column"];
  return std::make_unique<KnownPrecision>(levels, Integers(row.begin(), row.end()),
                                          Integers(column.begin(), column.end()), as_vector(given["value"]),
                                          Rcpp::as<double>(given["half_log_determinant"]));
}

/// factors: list(index, levels, Z, blocks = list(structure, effects, theta), and where it is known: precision)
inline Factors as_factors(const Rcpp::List& given) {
  std::vector<Factor> factors;
  for (R_xlen_t k = 0; k < given.size(); ++k) {
    const Rcpp::List own = given[k];
    Factor factor;
    factor.levels = Rcpp::as<int>(own["levels"]);
    const Rcpp::IntegerVector level = own["index"];
    const Rcpp::NumericMatrix Z = own["Z"];
    factor.incidences.push_back({Integers(level.begin(), level.end()),
                                 EffectRows(Eigen::Map<const Matrix>(Z.begin(), Z.nrow(), Z.ncol()))});
    if (own.containsElementNamed("precision")) factor.prior = as_precision(own["precision"], factor.levels);
    const Rcpp::List blocks = own["blocks"];
    const Rcpp::CharacterVector structure = blocks["structure"];
    const Rcpp::IntegerVector effects = blocks["effects"], theta = blocks["theta"];
    for (R_xlen_t b = 0; b < structure.size(); ++b)
      factor.covariance.add(Rcpp::as<std::string>(structure[b]), effects[b], theta[b]);
    factors.push_back(std::move(factor));
  }
  return Factors(std::move(factors));
}

inline Inner as_inner(const std::string& name) {
  if (name == "given") return Inner::given;
  if (name == "joint") return Inner::joint;
  if (name == "integrated") return Inner::integrated;
  if (name == "profiled") return Inner::profiled;
  throw std::invalid_argument("unknown inner search '" + name + "'");
}

inline Rcpp::List as_list(const std::vector<Matrix>& matrices) {
  Rcpp::List out;
  for (const Matrix& matrix : matrices) out.push_back(Rcpp::wrap(matrix));
  return out;
}

/// Square blocks side by side as an array.
inline Rcpp::NumericVector as_array(const Matrix& blocks) {
  const int q = static_cast<int>(blocks.rows()), count = q == 0 ? 0 : static_cast<int>(blocks.cols()) / q;
  Rcpp::NumericVector out(blocks.data(), blocks.data() + blocks.size());
  out.attr("dim") = Rcpp::IntegerVector::create(q, q, count);
  return out;
}

inline Rcpp::List as_list(const Effects& effects) {
  return Rcpp::List::create(Rcpp::Named("modes") = Rcpp::wrap(effects.modes),
                            Rcpp::Named("variances") = as_array(effects.covariances));
}

inline Rcpp::List as_list(const std::vector<Effects>& by_factor) {
  Rcpp::List out;
  for (const Effects& effects : by_factor) out.push_back(as_list(effects));
  return out;
}

inline Rcpp::List as_list(const Evaluation& evaluation) {
  return Rcpp::List::create(Rcpp::Named("status") = describe(evaluation.status),
                            Rcpp::Named("value") = evaluation.value,
                            Rcpp::Named("gradient") = Rcpp::wrap(evaluation.gradient),
                            Rcpp::Named("parameters") = Rcpp::wrap(evaluation.parameters));
}

}  // namespace glimmer

#endif
