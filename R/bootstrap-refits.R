# Estimates for many responses of one model: an engine that stays open, and a search from the estimates of the fit. What
# that search leaves in doubt is fitted in full.

#' A fit opened for many refits
#'
#' @param rows Logical: with `opened` in every case, as a linear model has it by its rows.
#' @return List: `refits` ([open_refits()]), `opened` ([open_profile()]; `NULL` where all refits are in full: a linear
#'   model, by cross products, and links that do not allow every linear predictor), `report` ([report_parameters()]).
#' @noRd
open_estimates <- function(fit, rows = FALSE) {
  estimates <- list(refits = open_refits(fit), report = report_parameters(fit))
  if ((rows || !is_linear(fit$family)) && fit$method != "joint") {
    opened <- open_profile(fit, estimates$refits$design)
    # nodes for each level, whatever its response: more than for that of the fit
    if (!is.null(fit$quadrature)) {
      given <- fit$quadrature[c("nodes", "wide")]
      opened$judged <- is.null(fit$quadrature$given)
      opened$rule <- if (opened$judged) finer_rule(opened$engine, given) else given
    }
    if (rows || !opened$engine$density[["bounded"]]) estimates$opened <- opened
  }
  estimates
}

#' What is reported of parameters: the rows of confint()
#'
#' @return Function of a parameter vector: named numeric; `NaN` for a correlation with an effect that does not vary.
#' @noRd
report_parameters <- function(fit) {
  structures <- lapply(fit$random, structure_of)
  entries <- lapply(seq_along(structures), function(t) structures[[t]]$reported(!boundary_effects(fit, t)))
  power <- family_traits(fit$family)$sigma_power
  labels <- names(profiled_quantities(fit))
  function(parameters) {
    covariances <- lapply(seq_along(structures), function(t) {
      root <- structures[[t]]$lambda(parameters[fit$index$theta[[t]]])
      sds <- root_sds(root)
      values <- tcrossprod(root) / tcrossprod(sds)
      diag(values) <- sds
      values[entries[[t]]]
    })
    stats::setNames(c(parameters[fit$index$beta], unlist(covariances), exp(power * parameters[fit$index$dispersion])),
                    labels)
  }
}

#' The estimates for a response
#'
#' @param estimates [open_estimates()]. @param response As of [check_response()].
#' @return List: `parameters` (named numeric), `log_likelihood`, `converged` (logical), `message` (character: what
#'   speaks against it, or the error that there was instead of estimates), `fit` (where there is one).
#' @noRd
estimate_response <- function(estimates, response, in_full = FALSE) {
  # of the rows that na.action left out simulate() has none
  response <- frame_response(response, estimates$refits$fit$frame)
  if (!in_full && !is.null(estimates$opened)) {
    quick <- attempt(search_response(estimates, response), function(e) NULL)
    if (!is.null(quick)) {
      return(quick)
    }
  }
  fit <- attempt(suppressWarnings(refit_response(estimates$refits, response)), identity)
  if (inherits(fit, "condition")) {
    parameters <- estimates$refits$fit$parameters
    return(list(parameters = replace(parameters, TRUE, NA_real_), log_likelihood = NA_real_, converged = FALSE,
                message = conditionMessage(fit)))
  }
  marked <- if (!fit$converged) join_items(fit$status$text[!fit$status$ok], 3L) else ""
  list(parameters = fit$parameters, log_likelihood = fit$log_likelihood, converged = fit$converged, message = marked,
       fit = fit)
}

# Nothing is held.
free_quantity <- list(hold = function(parameters, value) parameters,
                      pull = function(parameters, value, gradient) gradient)

# From the estimates of the fit; `NULL` where the maximum found is not beyond doubt.
search_response <- function(estimates, response) {
  opened <- estimates$opened
  fit <- opened$fit
  engine <- opened$engine
  fit$frame[[1L]] <- response
  design <- estimates$refits$design
  resolved <- resolve_response(fit$frame, fit$family)
  design[names(resolved)] <- resolved
  if (!identical(design$weights, estimates$refits$design$weights)) {
    return(NULL)
  }
  engine_set_response(engine, design)
  found <- maximise_holding(opened, free_quantity, NULL, list(opened$parameters, opened$parameters))
  if (!is_certain(opened, found)) {
    return(NULL)
  }
  # with what an evaluation has found itself, beta by REML
  parameters <- engine_evaluate(engine, found$parameters)$parameters
  list(parameters = change_coordinates(engine, normalise_signs(engine, parameters), "natural"),
       log_likelihood = found$value, converged = TRUE, message = "")
}

# A maximum inside, at which the gradient is zero, no farther than estimates go (in standard errors).
is_certain <- function(opened, found, farthest = 6) {
  if (!is.finite(found$value)) {
    return(FALSE)
  }
  result <- engine_evaluate(opened$engine, found$parameters, gradient = TRUE)
  gain <- sum(crossprod(opened$root, result$gradient)^2) / 2
  scale <- pmax(sqrt(rowSums(opened$root^2)), .Machine$double.xmin)
  moved <- max(abs(found$parameters - opened$parameters) / scale)
  state <- list(parameters = found$parameters, held = rep(FALSE, length(scale)))
  near <- isTRUE(gain < 1e-6) && isTRUE(moved < farthest)
  near && smallest_effect(opened$engine, state) > 0.1 && !is_suspect(opened$engine, state) &&
    is_accurate(opened, found$parameters)
}

# Whether the nodes that the fit's own response asked for do for this one, too.
is_accurate <- function(opened, parameters) {
  if (!isTRUE(opened$judged)) {
    return(TRUE)
  }
  engine <- opened$engine
  engine_pass(engine, parameters, 0L)
  own <- engine_pass_values(engine)
  engine_set_rule(engine, judging_rule(engine, opened$rule))
  judged <- engine_pass(engine, parameters, 0L)$status == "ok"
  error <- sum(abs(own - engine_pass_values(engine)))
  engine_set_rule(engine, opened$rule)
  judged && isTRUE(error < 1e-4)
}
