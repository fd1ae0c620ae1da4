# Signs and boundaries of L. The log-likelihood is even in each column of L, so its gradient vanishes where a column is
# zero, whether that is a maximum or not.

#' Flip columns of L so that its diagonal is not negative
#' @noRd
normalise_signs <- function(engine, parameters) {
  for (at in engine$index$theta) {
    lower <- lower_triangle(parameters[at])
    flip <- ifelse(diag(lower) < 0, -1, 1)
    parameters[at] <- (lower * rep(flip, each = nrow(lower)))[lower.tri(lower, diag = TRUE)]
  }
  parameters
}

#' Search again from inside where a one-dimensional term came to rest at zero without being a maximum there
#'
#' Next to zero the gradient is the curvature times the distance, so its sign a little way off tells which it is.
#'
#' @param best Result of [search_again()].
#' @noRd
leave_zero_sds <- function(engine, best, control) {
  parameters <- best$parameters
  rising <- FALSE
  for (t in which(lengths(engine$index$theta) == 1L)) {
    at <- engine$index$theta[[t]]
    unit <- engine$sd_unit[[t]]
    if (abs(parameters[at]) > 1e-3 * unit) next
    beside <- engine_evaluate(engine, replace(best$parameters, at, 1e-3 * unit), gradient = TRUE)
    if (beside$status == "ok" && beside$gradient[at] * 1e-3 * unit > 1e-10) {
      parameters[at] <- 0.3 * unit
      rising <- TRUE
    }
  }
  if (!rising) {
    return(best)
  }
  inside <- best
  inside$parameters <- parameters
  again <- search_again(engine, inside, control)
  if (isTRUE(again$value > best$value)) again else best
}

#' Hold at zero the standard deviations of one-dimensional terms that are no better elsewhere
#'
#' @return List: `parameters`, `held`.
#' @noRd
hold_zero_sds <- function(engine, parameters, value, joint = FALSE) {
  held <- rep(FALSE, length(parameters))
  for (t in which(lengths(engine$index$theta) == 1L)) {
    at <- engine$index$theta[[t]]
    if (parameters[at] > engine$sd_unit[[t]]) next
    candidate <- parameters
    candidate[at] <- 0
    at_zero <- engine_evaluate(engine, candidate, joint = joint)
    if (at_zero$value >= value - 1e-8) {
      parameters <- candidate
      parameters[engine$index$beta] <- at_zero$beta
      value <- max(value, at_zero$value)
      held[at] <- TRUE
    }
  }
  list(parameters = parameters, held = held)
}
