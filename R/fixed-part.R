# The fixed effects of a fit as a model of their own: what packages ask that know models by coef() and vcov() alone.

#' A fit, seen by packages that want one vector of coefficients
#'
#' `coef()` of a fit gives coefficients by group. Where a default method of another package is right for the fixed
#' effects and their covariance matrix, it is given this object. Without residual degrees of freedom, so that such
#' methods use the normal and chi-squared distributions.
#'
#' @param fit Object of class `glimmer`.
#' @param covariance `NULL`, a covariance matrix of the fixed effects (or of all parameters), a function that gives it
#'   for the fit, a `type` of [vcov.glimmer()], or a formula of clusters.
#' @param ... Further arguments of that function.
#' @noRd
fixed_part <- function(fit, covariance = NULL, ...) {
  structure(list(fit = fit, covariance = given_covariance(covariance, fit, ...)), class = "glimmer_fixed")
}

given_covariance <- function(covariance, fit, ...) {
  if (is.function(covariance)) covariance <- covariance(fit, ...)
  if (is.null(covariance)) covariance <- vcov.glimmer(fit)
  if (is.character(covariance)) covariance <- named_covariance(fit, covariance)
  # as 'marginaleffects' and others mean it
  if (inherits(covariance, "formula")) covariance <- vcov.glimmer(fit, type = "CR1", cluster = covariance)
  covariance <- as.matrix(covariance)
  p <- length(fit$index$beta)
  # of all parameters
  if (p < nrow(covariance) && identical(dim(covariance), rep(length(fit$parameters), 2L))) {
    covariance <- covariance[fit$index$beta, fit$index$beta, drop = FALSE]
  }
  if (!is.numeric(covariance) || !identical(dim(covariance), c(p, p)) || anyNA(covariance)) {
    stop_glimmer("argument", paste0("`vcov.` must be a covariance matrix of the fixed effects, ", p, " x ", p,
                                    " without missing values, a function that gives it for the fit, or one of ",
                                    format_items(covariance_types), "."), argument = "vcov.")
  }
  covariance
}

covariance_types <- c("model", "HC0", "CR1", "CR2")

# By a type of vcov(); those that others have for independent rows are not there.
named_covariance <- function(fit, type) {
  if (isTRUE(type %in% covariance_types)) {
    return(vcov.glimmer(fit, type = type))
  }
  if (isTRUE(grepl("^HC[1-5]|^(HAC|NeweyWest|OPG|BS|robust|stata)", type))) stop_rows()
  refuse_choice(type, covariance_types, "vcov.")
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
