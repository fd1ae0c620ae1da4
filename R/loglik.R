# The log-likelihood of a fit, at its estimates or elsewhere.

#' Log-likelihood, and what is counted with it
#'
#' `logLik()` gives the approximate log-likelihood of a fit, all constants included, so that it compares with those of
#' [stats::glm()] and of other packages; with `parameters` it gives it anywhere else. Of a fit by REML
#' it is the restricted log-likelihood, which depends on the units of the fixed effects' columns: it compares fits with
#' the same fixed effects only.
#'
#' @param object,fit Object of class `glimmer`.
#' @param parameters `NULL`, or numeric: the whole parameter vector, in the order and on the scale of
#'   `component(object, "parameters")`. With names, these must be the names of the parameters, in any order.
#' @param REML `NULL`, the criterion of the fit, or `TRUE` or `FALSE`: the restricted log-likelihood, or the
#'   log-likelihood; see Details.
#' @param scale Not used; there for the generic.
#' @param k Number: the penalty per parameter, 2 for AIC.
#' @param ... Not used.
#' @return `logLik()`: number of class `logLik` with attributes `df` (number of parameters: fixed effects, covariance
#'   parameters and dispersion, also those on the boundary), `nobs`, `method` (as in the fit, see
#'   [glimmer-class]) and `REML` (logical); `-Inf` where it cannot be evaluated at `parameters`. By REML the fixed
#'   effects among `parameters` are only where the search for them begins.
#'
#'   `nobs()`: number of rows with positive weight. For a binomial response rows count, not trials.
#'
#'   `df.residual()`: `nobs` less the number of parameters.
#'
#'   `deviance()`: the sum of squared deviance residuals given the conditional modes of the random effects, as 'lme4'
#'   has it for a GLMM. This is not -2 log-likelihood, which [summary()] calls so.
#'
#'   `extractAIC()`: numeric vector of the number of parameters and the criterion, -2 log-likelihood + k df; of a fit by
#'   REML that of the fit by maximum likelihood, which is made for it.
#' @details
#' `logLik(fit, REML = FALSE)` of a fit by REML is the log-likelihood at its estimates, which is below its maximum; in a
#' linear mixed model at its covariances relative to the residual variance, the latter at its maximum, as in 'lme4'. To
#' compare models, fit them by maximum likelihood, as [anova()][anova.glimmer] and [AIC()][AIC.glimmer] do.
#' @section Errors: `glimmer_error_argument` when `parameters` has another length, other names or missing values, and
#'   for the restricted log-likelihood of a fit by quadrature or the joint method.
#' @seealso [AIC.glimmer()], [anova.glimmer()]
#' @references
#' Skaug, H. J. and Fournier, D. A. (2006). Automatic approximation of the marginal likelihood in non-Gaussian
#' hierarchical models. *Computational Statistics and Data Analysis* 51, 699-709. \doi{10.1016/j.csda.2006.03.005}
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(logLik(fit))
#'   print(AIC(fit))
#'   # the profile of the standard deviation near its estimate, other parameters fixed
#'   estimate <- component(fit, "parameters")
#'   at <- function(sd) logLik(fit, parameters = replace(estimate, length(estimate), sd))
#'   print(vapply(c(1, 1.2, 1.4), at, 1))
#' }
#' @export
logLik.glimmer <- function(object, parameters = NULL, REML = NULL, ...) {
  check_dots(logLik.glimmer, ...)
  if (is.null(REML)) REML <- object$REML
  check_flag(REML, "REML")
  value <- object$log_likelihood
  if (!is.null(parameters)) {
    value <- with_memory_error(log_likelihood_at(object, order_parameters(object, parameters), REML))
  } else if (REML != object$REML) {
    value <- with_memory_error(log_likelihood_at(object, parameters_for(object, REML), REML))
  }
  structure(value, df = length(object$parameters), nobs = object$nobs, method = object$method,
            REML = REML, class = "logLik")
}

# The estimates, in a linear mixed model with the residual variance at its maximum by the other criterion.
parameters_for <- function(object, REML) {
  parameters <- object$parameters
  if (!is_linear(object$family)) {
    return(parameters)
  }
  divisor <- function(REML) object$nobs - if (REML) length(object$index$beta) else 0L
  ratio <- sqrt(divisor(object$REML) / divisor(REML))
  scaled <- scaled_parameters(lapply(object$random, structure_of), object$index)
  parameters[scaled] <- parameters[scaled] * ratio
  parameters[object$index$dispersion] <- parameters[object$index$dispersion] + log(ratio)
  parameters
}

# Named parameters are put in order; a name that is none of theirs is a mistake, whatever its position.
order_parameters <- function(object, parameters) {
  given <- names(parameters)
  known <- names(object$parameters)
  if (is.null(given) || any(!nzchar(given)) || length(parameters) != length(known)) {
    return(parameters)
  }
  if (!setequal(given, known)) {
    stop_glimmer("argument", paste0("`parameters` names ", format_items(setdiff(given, known)), ": the parameters are ",
                                    format_items(known, 20L), "."), argument = "parameters",
                 unknown = setdiff(given, known))
  }
  parameters[match(known, given)]
}

log_likelihood_at <- function(object, parameters, REML) {
  expected <- length(object$parameters)
  if (!is.numeric(parameters) || length(parameters) != expected || anyNA(parameters)) {
    stop_glimmer("argument", paste0("`parameters` must be ", expected, " numbers, in the order of ",
                                    "component(fit, \"parameters\")."), argument = "parameters", expected = expected)
  }
  design <- fit_design(object)
  if (REML) check_restricted(object$method)
  if (!REML) {
    engine <- to_order_of(object, new_engine(design, object$family))
    return(evaluate_by_rule(engine, parameters, object$quadrature, object$control))
  }
  # the determinant of the integral over the fixed effects asks for a well-conditioned basis
  basis <- find_basis(design, object$family)
  engine <- new_engine(basis$design, object$family, inner = "integrated")
  parameters <- enter_basis(basis, engine, parameters)
  leave_basis(basis, engine, new_search_state(parameters, engine_evaluate(engine, parameters)$value))$value
}

#' The log-likelihood at parameters, by the rule that a fit has, if it has one, and which is then set
#'
#' Where the nodes were chosen, the fit's own may be too few at other parameters.
#' @param rule The `quadrature` of the fit. @param finer As in [set_rule_at()].
#' @noRd
evaluate_by_rule <- function(engine, parameters, rule, control, finer = TRUE) {
  if (is.null(rule)) {
    return(engine_evaluate(engine, parameters)$value)
  }
  nodes <- if (is.null(rule$given)) NULL else rule$nodes[1L]
  limit <- quadrature_limits(engine, control)[["log_likelihood"]] / 2
  set_rule_at(engine, parameters, nodes, limit, finer)$value
}
