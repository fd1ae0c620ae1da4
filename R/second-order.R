# Laplace's approximation to second order: its search, and one evaluation at a maximum of Laplace's. What the numbers
# say: second-order-facts.R.

#' Maximise to second order, from the maximum of Laplace's approximation
#'
#' @param from,own As of [find_best()].
#' @return As of [maximise()], with `second_order` (see [second_order_facts()]).
#' @noRd
maximise_second_order <- function(engine, from, own, control) {
  improve_laplace(engine, find_best(engine, from, own, control), control)
}

#' @param laplace The maximum of Laplace's approximation, a state of [settle()].
#' @noRd
improve_laplace <- function(engine, laplace, control) {
  force(laplace)
  on.exit(engine_set_second_order(engine, FALSE))
  refuse_second_order(engine_set_second_order(engine, TRUE))
  tell(control, 1, "Laplace's approximation to second order")
  best <- climb(engine, new_search_state(laplace$parameters, record = laplace$record), control)
  if (any(laplace$held)) {
    # zero is a stationary point to second order too
    from <- new_search_state(lift_boundary(engine, laplace), record = best$record)
    best <- better(best, climb(engine, from, control), control)
  }
  engine_evaluate(engine, best$parameters)
  size <- engine_second_order_size(engine)
  best$second_order <- c(size[c("size", "informed", "correction", "damped")],
                         list(step = step_between(best, laplace$parameters, best$parameters)))
  best
}

#' What second order says of a maximum of Laplace's approximation, and its own maximum where that is elsewhere
#'
#' For crossed grouping factors, where that costs less than the search did.
#'
#' @param laplace Result of [find_best()].
#' @return The same with `second_order`; or, where the method was chosen by us, second order is trusted and an estimate
#'   moves by more than a tenth of a standard error, the result of [improve_laplace()].
#' @noRd
consider_second_order <- function(engine, laplace, approximation, control) {
  if (!can_be_assessed(engine, laplace, control) || !costs_little(engine)) {
    return(laplace)
  }
  laplace <- assess_laplace(engine, laplace)
  if (!approximation$chosen || !asks_for_second_order(engine, laplace)) {
    return(laplace)
  }
  best <- improve_laplace(engine, laplace, control)
  if (!has_arrived(best, control) || second_order_trust(facts_in_search(engine, best)) != "trusted") {
    laplace$record <- best$record
    return(laplace)
  }
  best$method <- "laplace2"
  best
}

can_be_assessed <- function(engine, laplace, control) {
  # of nested factors there is quadrature
  crossed <- is.null(engine$nesting) && length(unique(vapply(engine$terms, `[[`, 1L, "factor"))) > 1L
  crossed && engine$inner == "given" && !engine$linear && !engine$density[["bounded"]] && has_arrived(laplace, control)
}

costs_little <- function(engine) {
  operations <- engine_operations(engine)
  !is.null(operations) && operations[["second_order"]] < operations[["laplace"]] * sum(engine_counts(engine)) / 2
}

# One evaluation there, and Newton's step that it asks for.
assess_laplace <- function(engine, laplace) {
  on.exit(engine_set_second_order(engine, FALSE))
  if (!is.null(engine_set_second_order(engine, TRUE))) {
    return(laplace)
  }
  result <- engine_evaluate(engine, laplace$parameters, gradient = TRUE)
  if (result$status == "ok") {
    step <- newton_step(laplace$hessian, pull(laplace$coordinates, result$gradient), longest = Inf)$direction
    size <- engine_second_order_size(engine)
    laplace$second_order <- c(size[c("size", "informed", "correction", "damped")], list(step = step))
  }
  laplace
}

facts_in_search <- function(engine, found) {
  second_order_facts(found, engine, covariance_root(found, engine, hessian_shape(found$hessian)))
}

asks_for_second_order <- function(engine, laplace) {
  facts <- facts_in_search(engine, laplace)
  !is.null(facts) && second_order_trust(facts) == "trusted" && abs(largest_shift(facts)) > shift_doubtful
}

refuse_second_order <- function(why) {
  if (!is.null(why)) {
    stop_glimmer("method", paste0("There is no second order for this model: ", why, ". Use method = \"laplace\"."),
                 argument = "method")
  }
}

#' An engine whose evaluations are to second order where the fit is
#' @noRd
to_order_of <- function(fit, engine) {
  if (fit$method == "laplace2") refuse_second_order(engine_set_second_order(engine, TRUE))
  engine
}

#' Parameters off the boundary: terms that are held there have an SD of 0.3 more in all of their effects
#' @noRd
lift_boundary <- function(engine, best, sd = 0.3) {
  parameters <- best$parameters
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    if (!any(best$held[at])) next
    unit <- if (engine$unit_free) diag(nrow(engine$notes$error_root[[t]])) else engine$notes$error_root[[t]]
    covariance <- tcrossprod(engine_root(engine, t, parameters)) + sd^2 * tcrossprod(unit)
    parameters[at] <- engine$structures[[t]]$of_root(t(chol(covariance)))
  }
  parameters
}

# From parameters to others, in the coordinates of a state.
step_between <- function(state, from, to) {
  moving <- state$coordinates$searched
  if (!length(moving)) {
    return(numeric())
  }
  attempt(solve(state$coordinates$transform, (to - from)[moving]), function(e) rep(NA_real_, length(moving)))
}
