# The search of a fit, by its approximation: from the joint mode by quadrature (maximise-quadrature.R), to second order
# (second-order.R), or as the evaluations are (optimise.R).

#' Maximise the approximate log-likelihood
#'
#' @param engine Result of [new_engine()].
#' @param start Numeric: the parameter vector to start from. @param own The package's own start.
#' @param approximation Result of [resolve_method()].
#' @param control Result of [glmm_control()].
#' @return Result of [new_search_state()].
#' @noRd
maximise <- function(engine, start, own, approximation, control) {
  if (approximation$method == "joint" && !by_cross_products(engine)) {
    return(settle(engine, search_joint(engine, start, control), control, joint = TRUE))
  }
  # the user's start is kept as it is
  as_it_is <- new_search_state(start)
  from <- if (identical(start, own)) joint_start(engine, start) else as_it_is
  if (approximation$method == "laplace2") {
    return(maximise_second_order(engine, from, own, control))
  }
  if (approximation$method == "laplace") {
    return(consider_second_order(engine, find_best(engine, from, own, control), approximation, control))
  }
  if (approximation$method != "aghq") {
    return(find_best(engine, from, own, control))
  }
  best <- quadrature_within_budget(engine, from, own, approximation, control)
  if (!approximation$chosen || !is.null(best) && !is_cut_off(engine, best, control, 100 * quadrature_doubtful)) {
    return(best)
  }
  # where a restricted link cuts the integrand off, the value of a rule jumps as nodes cross the edge; a maximum with a
  # stated error is still better than one with an unknown error
  tell(control, 1, "quadrature has not arrived: Laplace instead")
  laplace <- find_best(engine, new_search_state(own, record = best$record), own, control)
  laplace$method <- "laplace"
  laplace$instead <- if (is.null(best)) NA_real_ else best$value
  laplace
}

quadrature_within_budget <- function(engine, from, own, approximation, control) {
  notes <- engine$notes
  notes$spent <- 0
  if (approximation$chosen) notes$budget <- quadrature_budget(engine)
  on.exit({
    notes$budget <- Inf
    engine_set_rule(engine, NULL)
  })
  within_budget(with_normal_signs(engine, maximise_by_quadrature(engine, from, own, approximation, control)))
}

# A restricted link whose integrand ends with a jump: no maximum is found, or no accuracy.
is_cut_off <- function(engine, best, control, limits = quadrature_doubtful) {
  accurate <- isTRUE(all(unlist(best$error) <= limits))
  engine$density[["bounded"]] && !(accurate && has_arrived(best, control))
}
