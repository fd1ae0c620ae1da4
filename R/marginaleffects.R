# Methods for 'marginaleffects': predictions as functions of the fixed effects.

#' Predictions and slopes by 'marginaleffects'
#'
#' Methods by which 'marginaleffects' takes a fit, once its class is named to that package:
#' `options(marginaleffects_model_classes = "glimmer")`. They are there when that package is loaded; `glimmer` does not
#' need it. Standard errors are those of the fixed effects, with the random effects held at their modes: they hold for
#' `re.form = NA`.
#'
#' @param model Object of class `glimmer`.
#' @param coefs Named numeric: fixed effects.
#' @param vcov `NULL` or `TRUE`, `FALSE`, or a covariance matrix of the fixed effects.
#' @param newdata,type,re.form As in [predict.glimmer()]; new levels of grouping factors have random effects 0.
#' @param ... Not used.
#' @return As in 'marginaleffects'.
#' @section Errors: `glimmer_error_not_available` for the name of a robust covariance matrix for independent rows.
#' @name marginaleffects.glimmer
#' @exportS3Method marginaleffects::get_coef
get_coef.glimmer <- function(model, ...) {
  check_dots(get_coef.glimmer, ...)
  fixef.glimmer(model)
}

#' @rdname marginaleffects.glimmer
#' @exportS3Method marginaleffects::set_coef
set_coef.glimmer <- function(model, coefs, ...) {
  check_dots(set_coef.glimmer, ...)
  known <- names(model$parameters)[model$index$beta]
  # by position where all are given: their names need not differ
  at <- if (length(coefs) == length(known)) seq_along(known) else match(names(coefs), known)
  model$parameters[model$index$beta[at]] <- unname(coefs)
  model
}

#' @rdname marginaleffects.glimmer
#' @exportS3Method marginaleffects::get_vcov
get_vcov.glimmer <- function(model, vcov = NULL, ...) {
  check_dots(get_vcov.glimmer, ...)
  if (isFALSE(vcov)) {
    return(NULL)
  }
  given_covariance(if (!isTRUE(vcov)) vcov, model)
}

#' @rdname marginaleffects.glimmer
#' @exportS3Method marginaleffects::get_predict
get_predict.glimmer <- function(model, newdata = stats::model.frame(model), type = "response", re.form = NULL, ...) {
  check_dots(get_predict.glimmer, ...)
  predicted <- stats::predict(model, newdata = newdata, type = type, re.form = re.form, allow.new.levels = TRUE)
  rows <- if (is.null(newdata$rowid)) seq_along(predicted) else newdata$rowid
  data.frame(rowid = rows, estimate = unname(predicted))
}

#' @exportS3Method marginaleffects::sanitize_model_specific
sanitize_model_specific.glimmer <- function(model, ...) {
  method_for_merMod("sanitize_model_specific", "marginaleffects")(model, ...)
}
