// R lists to the structs of the core, and back; nothing else.
#ifndef GLIMMER_CONVERT_H
#define GLIMMER_CONVERT_H

#include <RcppEigen.h>
#include <glimmer/model.h>

namespace glimmer {

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

inline Responses as_responses(const Rcpp::List& rows) {
  return {as_column(rows["y"]), as_column(rows["size"]), as_column(rows["weights"])};
}

/// Not a copy: the caller keeps the matrix alive.
inline FixedDesign as_design(SEXP x) {
  if (!Rf_isReal(x) || !Rf_isMatrix(x)) throw std::invalid_argument("X must be a matrix of double precision");
  return FixedDesign(REAL(x), Rf_nrows(x), Rf_ncols(x));
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

/// By factor, as the caller gave them: modes of b (effects x levels) and their covariances (effects x effects x
/// levels), from that of u in units of `unit`.
inline Rcpp::List as_effects(const Factors& factors, const Vector& b, const BlockMatrix& covariance, double unit) {
  Rcpp::List out(factors.count());
  for (Index k = 0; k < factors.count(); ++k) {
    const Index q = factors[k].effects(), levels = factors[k].levels;
    Rcpp::NumericMatrix modes(static_cast<int>(q), static_cast<int>(levels));
    std::copy_n(b.data() + factors.start(k), factors[k].size(), modes.begin());
    Rcpp::NumericVector variances(q * q * levels);
    variances.attr("dim") = Rcpp::IntegerVector::create(q, q, levels);
    for (Index h = 0; h < levels; ++h)
      Eigen::Map<Matrix>(variances.begin() + h * q * q, q, q) =
          unit * factors.lambda(k) * covariance.diagonal(k, h) * factors.lambda(k).transpose();
    out[factors.callers_position(k)] =
        Rcpp::List::create(Rcpp::Named("modes") = modes, Rcpp::Named("variances") = variances);
  }
  return out;
}

inline Rcpp::List as_list(const Evaluation& evaluation, const Vector& beta) {
  return Rcpp::List::create(Rcpp::Named("status") = describe(evaluation.status),
                            Rcpp::Named("value") = evaluation.value,
                            Rcpp::Named("gradient") = Rcpp::wrap(evaluation.gradient),
                            Rcpp::Named("beta") = Rcpp::wrap(beta));
}

}  // namespace glimmer

#endif
