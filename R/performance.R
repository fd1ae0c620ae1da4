# Methods for 'performance', whose default ones are made for models without random effects.

#' Checks and measures of 'performance'
#'
#' Methods by which `r2()`, `check_singularity()`, `check_convergence()`, `check_overdispersion()` and
#' `model_performance()` of 'performance' take a fit. They are there when that package is loaded; `glimmer` does not
#' need it.
#'
#' @param x,model Object of class `glimmer`.
#' @param tolerance Number: a fit is singular where the standard deviation or correlation nearest to the boundary is
#'   within it (see `isSingular()` in [getME.glimmer()]).
#' @param ... As in 'performance' for fits of 'lme4'.
#' @return As in 'performance': `r2()` gives Nakagawa's marginal and conditional R2; `check_singularity()` and
#'   `check_convergence()` `TRUE` or `FALSE`, the latter with the predicted gain that decided it as attribute `gain`.
#' @name performance.glimmer
#' @exportS3Method performance::r2
r2.glimmer <- function(model, ...) performance::r2_nakagawa(model, ...)

#' @rdname performance.glimmer
#' @exportS3Method performance::check_singularity
check_singularity.glimmer <- function(x, tolerance = 1e-4, ...) {
  check_dots(check_singularity.glimmer, ...)
  isSingular.glimmer(x, tolerance)
}

#' @exportS3Method performance::check_convergence
check_convergence.glimmer <- function(x, ...) {
  check_dots(check_convergence.glimmer, ...)
  is_converged.glimmer(x)
}

#' @exportS3Method performance::check_overdispersion
check_overdispersion.glimmer <- function(x, ...) method_for_merMod("check_overdispersion", "performance")(x, ...)

#' @exportS3Method performance::model_performance
model_performance.glimmer <- function(model, ...) method_for_merMod("model_performance", "performance")(model, ...)
