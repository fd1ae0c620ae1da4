# Singular covariances, the boundary of the parameters: held where the log-likelihood is no better inside, left where it
# rises from there. What they are a structure knows (covariance.R).

#' The same covariances with their parameters' signs as they should be
#' @noRd
normalise_signs <- function(engine, parameters) {
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    parameters[at] <- engine$structures[[t]]$normalise(parameters[at])
  }
  parameters
}

#' A state at the same covariances whose parameters' signs are as they should be
#' @param state With `gradient` and `coordinates`.
#' @noRd
with_normal_signs <- function(engine, state) {
  parameters <- normalise_signs(engine, state$parameters)
  if (!isTRUE(all.equal(abs(parameters), abs(state$parameters), tolerance = 1e-12))) {
    return(state)
  }
  sign <- ifelse(parameters * state$parameters < 0, -1, 1)
  state$parameters <- parameters
  state$gradient <- state$gradient * sign
  state$coordinates$centre <- state$coordinates$centre * sign
  state$coordinates$transform <- state$coordinates$transform * sign[state$coordinates$searched]
  state
}

#' A constant of the family at infinity, where the family is another one
#' @param parameters Character: the flat ones. @param condition,limit As of [check_flat()].
#' @return [new_check()], or `NULL` where it is another matter.
#' @noRd
limit_statement <- function(parameters, engine, condition, limit) {
  traits <- family_traits(engine$family)
  if (is.null(traits$limit_family) || !identical(parameters, constant_names(engine$family))) {
    return(NULL)
  }
  where <- if (traits$limit == 0) "' is 0. The " else "' is infinite. The "
  new_check("limit", condition, limit, FALSE,
            paste0("beside the random effects the response varies no more than the family ", traits$limit_family,
                   " allows: the likelihood is largest where '", names(traits$predictors)[-1L], where,
                   "estimates are those of that family"))
}

#' Hold zero standard deviations and perfect correlations, where the log-likelihood is no better inside
#'
#' A term's covariance becomes more and more singular, as long as the log-likelihood does not fall.
#'
#' @return A state, see [new_search_state()], with `held`.
#' @noRd
hold_boundary <- function(engine, parameters, value, joint = FALSE) {
  held <- rep(FALSE, length(parameters))
  found <- parameters
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    accepted <- TRUE
    for (singular in engine$structures[[t]]$truncations(parameters[at], engine$notes$error_root[[t]])) {
      if (singular$follows && !accepted) next
      candidate <- replace(parameters, at, singular$change(parameters[at]))
      truncated <- engine_evaluate(engine, candidate, joint = joint)
      accepted <- is.finite(truncated$value) && isTRUE(truncated$value >= value - max(1e-8, 1e-12 * abs(value)))
      if (!accepted) next
      parameters <- candidate
      found <- truncated$parameters
      value <- max(value, truncated$value)
      held[at] <- singular$held(parameters[at])
    }
  }
  new_search_state(found, held = held)
}

#' A better point inside, where the log-likelihood rises from the boundary
#'
#' @param best Result of [settle()].
#' @return Parameters inside, or `NULL` where all terms are at a maximum.
#' @noRd
leave_boundary <- function(engine, best) {
  inside <- NULL
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    if (!any(best$held[at])) next
    for (probe in engine$structures[[t]]$probes(best$parameters[at], engine$notes$error_root[[t]])) {
      result <- engine_evaluate(engine, replace(best$parameters, at, probe$theta), gradient = TRUE)
      theta <- if (result$status == "ok") probe$inwards(result$gradient[at])
      if (is.null(theta)) next
      if (is.null(inside)) inside <- best$parameters
      inside[at] <- theta
    }
  }
  inside
}
