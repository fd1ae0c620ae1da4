# The fixed effects of a fit as a model of their own: what packages ask that know models by coef() and vcov() alone.

#' A fit, seen by packages that want one vector of coefficients
#'
#' `coef()` of a fit gives coefficients by group. Where a default method of another package is right for the fixed
#' effects and their covariance matrix, it is given this object. Without residual degrees of freedom, so that such
#' methods use the normal and chi-squared distributions.
#'
#' @param fit Object of class `glimmer`.
#' @param covariance `NULL`, a covariance matrix of the fixed effects, or a function that gives it for the fit.
#' @param ... Further arguments of that function.
#' @noRd
fixed_part <- function(fit, covariance = NULL, ...) {
  structure(list(fit = fit, covariance = given_covariance(covariance, fit, ...)), class = "glimmer_fixed")
}

given_covariance <- function(covariance, fit, ...) {
  if (is.function(covariance)) covariance <- covariance(fit, ...)
  if (is.null(covariance)) covariance <- vcov.glimmer(fit)
  covariance <- as.matrix(covariance)
  p <- length(fit$index$beta)
  if (!is.numeric(covariance) || !identical(dim(covariance), c(p, p)) || anyNA(covariance)) {
    stop_glimmer("argument", paste0("A covariance matrix of the fixed effects must be ", p, " x ", p,
                                    ", without missing values."), argument = "vcov.")
  }
  covariance
}

#' @export
coef.glimmer_fixed <- function(object, ...) fixef.glimmer(object$fit)

#' @export
vcov.glimmer_fixed <- function(object, ...) object$covariance

#' @export
terms.glimmer_fixed <- function(x, ...) x$fit$terms

#' @export
formula.glimmer_fixed <- function(x, ...) formula.glimmer(x$fit, fixed.only = TRUE)

#' @export
family.glimmer_fixed <- function(object, ...) object$fit$family

#' @export
model.frame.glimmer_fixed <- function(formula, ...) formula$fit$frame

#' @export
model.matrix.glimmer_fixed <- function(object, ...) model.matrix.glimmer(object$fit)

#' @export
logLik.glimmer_fixed <- function(object, ...) logLik.glimmer(object$fit)

#' @export
nobs.glimmer_fixed <- function(object, ...) object$fit$nobs

#' @export
df.residual.glimmer_fixed <- function(object, ...) NULL

# With other fixed effects, the random ones as they are. 'lmtest' evaluates the result again, which changes nothing.
#' @export
update.glimmer_fixed <- function(object, formula., ...) { # nolint: object_name_linter.
  fixed <- stats::update.formula(formula.glimmer(object$fit, fixed.only = TRUE), formula.)
  random <- formula.glimmer(object$fit, random.only = TRUE)[[3L]]
  fixed[[3L]] <- call("+", fixed[[3L]], random)
  fixed_part(stats::update(object$fit, fixed))
}
