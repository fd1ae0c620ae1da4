# Laplace's approximation to second order: its search, when it is to be trusted, and what it says of a fit by Laplace.

# S is the sum of the terms of second order in size, in log-likelihood units. Of S for each effect that the data inform:
# up to the first the estimates are as good as maximum likelihood to a tenth of a standard error, up to the second to a
# quarter, beyond it nobody knows. Estimates farther than `shift` standard errors from Laplace's are not trusted either.
second_order_limits <- c(trusted = 0.2, rough = 0.3, shift = 5)

#' @section second order:
#' Laplace's approximation leaves out terms whose largest ones are known (second order; Shun and McCullagh 1995). With
#' `method = "laplace2"` they are taken in, level by level, each level's part e as e / (1 + |e| / 0.3), without which
#' the log-likelihood would have no bound in the variances. What the status says of it rests on S, the sum of these
#' terms in size, and on the number of effects that the data inform, the sum over levels of tr(Q / (Q + 1)), with
#' Q = Lambda'Z'WZ Lambda of the level:
#'
#' - S for each informed effect up to 0.2: trusted, the estimates are those of maximum likelihood to about a tenth of a
#'   standard error;
#' - up to 0.3: rough, to about a quarter of a standard error;
#' - above, or with estimates more than 5 standard errors from Laplace's: not to be trusted; the status is marked.
#'
#' The error stated of the log-likelihood is 0.055 S (of S below 0.3: 0.1, or S if that is less). Limits and error were
#' calibrated on some 390 simulated sets with two crossed factors with logit links, from 20 x 20 to 60 x 60 levels and
#' standard deviations of 0.3 to 3.5, against maximum likelihood by importance sampling: at the limit of 0.2 it was
#' right in 172 of 175 sets. For other links, random slopes, and three factors they were taken over.
#'
#' @references
#' Shun, Z. and McCullagh, P. (1995). Laplace approximation of high dimensional integrals. *Journal of the Royal
#' Statistical Society B* 57, 749-760. \doi{10.1111/j.2517-6161.1995.tb02060.x}
#' @rdname glimmer_convergence
#' @name glimmer_convergence
NULL

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

#' What second order says of a fit
#'
#' @param found Result of [maximise()], in the parameters of the fit, with `second_order`: the sizes of
#'   [engine_second_order_size()], and `step`, in its coordinates: of a fit to second order from Laplace's estimates, of
#'   one by Laplace the step that second order asks for.
#' @return List: `size` (S), `informed`, `ratio` (S for each informed effect), `correction` (all terms), `damped` (as
#'   they are maximised), `shift` (named numeric: the steps of the parameters in their standard errors), `error`.
#' @noRd
second_order_facts <- function(found, engine, root) {
  known <- found$second_order
  if (is.null(known)) {
    return(NULL)
  }
  moving <- found$coordinates$searched
  shift <- stats::setNames(rep(NA_real_, length(engine$names)), engine$names)
  shift[moving] <- drop(found$coordinates$transform %*% known$step) / sqrt(rowSums(root[moving, , drop = FALSE]^2))
  complete_facts(known, shift)
}

complete_facts <- function(sizes, shift) {
  S <- sizes$size
  list(size = S, informed = sizes$informed, ratio = if (S > 0) S / sizes$informed else 0,
       correction = sizes$correction, damped = sizes$damped, shift = shift,
       error = if (S < 0.3) min(S, 0.1) else 0.055 * S)
}

# How far it is to be trusted: "trusted", "rough" or "not".
second_order_trust <- function(facts) {
  farthest <- largest_shift(facts)
  if (!isTRUE(facts$ratio <= second_order_limits[["rough"]] && abs(farthest) <= second_order_limits[["shift"]])) {
    return("not")
  }
  if (facts$ratio <= second_order_limits[["trusted"]]) "trusted" else "rough"
}

# With its name; 0 where no parameter moves.
largest_shift <- function(facts) {
  known <- facts$shift[!is.na(facts$shift)]
  if (length(known)) known[which.max(abs(known))] else 0
}

#' The statement on a fit to second order
#' @param facts Result of [second_order_facts()].
#' @noRd
check_second_order <- function(facts) {
  trust <- second_order_trust(facts)
  farthest <- largest_shift(facts)
  text <- switch(trust,
    trusted = paste0("Laplace to second order, trusted: estimates as good as maximum likelihood to about a tenth of a ",
                     "standard error, the error of the log-likelihood ", format_error(facts$error, 1e-6)),
    rough = paste0("Laplace to second order, rough: estimates as good as maximum likelihood to about a quarter of a ",
                   "standard error, the error of the log-likelihood ", format_error(facts$error, 1e-6)),
    paste0("not even Laplace's approximation to second order is to be trusted here, and nothing better is at hand: ",
           "standard deviations and fixed effects can be far off, and the log-likelihood by about ",
           format(signif(0.9 * facts$size, 1L)))
  )
  told <- paste0(" (its terms add up to S = ", format(facts$size, digits = 2L), ", for each effect that the data ",
                 "inform ", format(facts$ratio, digits = 2L), ", trusted up to ", second_order_limits[["trusted"]],
                 "; estimates up to ", format(abs(farthest[[1L]]), digits = 2L), " standard errors from Laplace's)")
  new_check("accuracy", facts$ratio, second_order_limits[["rough"]], trust != "not", paste0(text, told))
}

# In standard errors: by how much an estimate may be off before it is said to be doubtful.
shift_doubtful <- 0.1

#' The statement on a fit by Laplace's approximation that second order has looked at
#' @noRd
check_assessed <- function(facts) {
  trust <- second_order_trust(facts)
  farthest <- largest_shift(facts)
  text <- if (trust == "not") {
    paste0("Laplace's approximation is unreliable here: the terms that it leaves out add up to S = ",
           format(facts$size, digits = 2L), ", for each effect that the data inform ",
           format(facts$ratio, digits = 2L), " (second order is trusted up to ", second_order_limits[["trusted"]],
           "), and '", names(farthest), "' would move by ", format(abs(farthest[[1L]]), digits = 2L),
           " standard errors (trusted up to ", second_order_limits[["shift"]], "). Standard deviations and fixed ",
           "effects can be far off, and the log-likelihood by about ", format(signif(0.9 * facts$size, 1L)))
  } else {
    paste0("Laplace's approximation: to second order the log-likelihood is ", format(facts$damped, digits = 2L),
           " higher, and '", names(farthest), "' moves by ", format(abs(farthest[[1L]]), digits = 2L),
           " standard errors, more than any other estimate (S for each informed effect ",
           format(facts$ratio, digits = 2L), ")",
           if (abs(farthest) > shift_doubtful) ". Fit with method = \"laplace2\"")
  }
  ok <- trust != "not" && abs(farthest[[1L]]) <= shift_doubtful
  new_check("accuracy", abs(farthest[[1L]]), shift_doubtful, ok, text)
}
