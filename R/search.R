# The searches: stats::nlminb() with exact gradients in coordinates in which the log-likelihood is close to a unit
# sphere; Newton's method with a Hessian by differences, which ends every search and can stand for it; the simplex.

#' The joint method: theta and dispersion searched, beta at its joint mode with the random effects
#' @noRd
search_joint <- function(engine, start, control) {
  coordinates <- joint_coordinates(engine, start, natural_transform(engine, start), joint = TRUE)
  search(engine, start, coordinates, control, joint = TRUE)
}

#' Beta near its joint mode with the random effects, for the covariances of the start
#' @noRd
joint_start <- function(engine, start) {
  counts <- engine_counts(engine)
  if (by_cross_products(engine)) {
    found <- engine_evaluate(engine, start)
    record <- search_record("joint", engine, counts, found$value, "fixed effects at their maximum")
    return(new_search_state(if (found$status == "ok") found$parameters else start, record = record))
  }
  beta <- engine_joint_start(engine, start)
  found <- length(beta) == length(engine$index$beta)
  if (found) start[engine$index$beta] <- beta
  message <- if (found) "beta near its joint mode" else "no joint mode found from the start"
  new_search_state(start, record = search_record("joint", engine, counts, NA_real_, message))
}

#' Search from where the last search ended, in new coordinates, until the gradient is small or nothing is gained
#'
#' Next to the edge of what a link allows, where no step may be taken across, a quasi-Newton search can end early.
#'
#' @param from A state, see [new_search_state()].
#' @noRd
search_again <- function(engine, from, control, rounds = 6L) {
  record <- from$record
  for (round in seq_len(rounds)) {
    coordinates <- precondition(engine, from$parameters, natural_transform(engine, from$parameters))
    best <- search(engine, from$parameters, coordinates, control)
    record <- c(record, best$record)
    # the Hessian is near the identity in these coordinates, so that g'g / 2 is near the predicted gain; of a large
    # value the last digits are left to the Newton steps that follow
    stuck <- round > 1L && best$value < from$value + 1e-6
    arrived <- isTRUE(best$rough_gain < max(1e-6, 1e-10 * abs(best$value)))
    if (!is.finite(best$value) || arrived || stuck || is_at_pole(engine, best)) break
    from <- best
  }
  best$record <- record
  best
}

# A search that has run into a pole (see is_pole()) creeps along it, higher and higher.
is_at_pole <- function(engine, found) {
  !engine$density[["log_concave"]] && isTRUE(found$rough_gain > 1e12)
}

#' One search by stats::nlminb()
#'
#' @param coordinates List: `centre`, `transform`, `searched` (which parameters move).
#' @param joint Logical: beta is not searched but at its joint mode.
#' @return A state, see [new_search_state()].
#' @noRd
search <- function(engine, start, coordinates, control, joint = FALSE) {
  stage <- if (joint) "joint" else search_stage(engine)
  size <- length(coordinates$searched)
  counts <- engine_counts(engine)
  evaluate <- function(x, gradient) {
    engine_evaluate(engine, place(coordinates, x, start), gradient = gradient, joint = joint)
  }
  begin <- evaluate(numeric(size), TRUE)
  if (begin$status != "ok" || !all(is.finite(begin$gradient))) {
    record <- search_record(stage, engine, counts, begin$value, paste("no search from this start:", begin$status))
    return(new_search_state(start, begin$value, record, rough_gain = NA_real_))
  }
  objective <- function(x) {
    value <- evaluate(x, FALSE)$value
    tell(control, 2, stage, ": log-likelihood ", format(value, digits = 12))
    # near 1 at the optimum, so that nlminb's relative tolerance is an absolute one
    if (is.finite(value)) begin$value - value + 1 else Inf
  }
  gradient <- function(x) {
    result <- evaluate(x, TRUE)
    # nlminb() has no word for "not here": a zero gradient ends it where it is
    if (result$status == "ok") -pull(coordinates, result$gradient) else numeric(length(x))
  }
  found <- run_nlminb(objective, gradient, size, lower_bounds(engine, coordinates),
                      search_limits(control, begin$value, joint))
  result <- if (all(is.finite(found$par))) evaluate(found$par, TRUE)
  # what it brought must not be worse than what it got
  if (is.null(result) || !isTRUE(result$value >= begin$value)) {
    found$par <- numeric(size)
    result <- evaluate(found$par, TRUE)
  }
  record <- search_record(stage, engine, counts, result$value, found$message)
  tell(control, 1, stage, ": log-likelihood ", format(result$value, digits = 12), " after ", record[[1L]]$evaluations,
       agree(record[[1L]]$evaluations, " evaluation (", " evaluations ("), found$message, ")")
  rough_gain <- if (result$status == "ok") sum(pull(coordinates, result$gradient)^2) / 2 else NA_real_
  new_search_state(result$parameters, result$value, record, rough_gain = rough_gain)
}

# What the log-likelihood of a search is called in its record.
search_stage <- function(engine) {
  if (by_cross_products(engine)) "exact" else if (engine$notes$second_order) "laplace2" else "laplace"
}

# An error of the optimiser is a search without result: there are others. One in an evaluation is not the optimiser's.
run_nlminb <- function(objective, gradient, size, lower, limits) {
  raised <- NULL
  watched <- function(evaluate) {
    function(x) withCallingHandlers(evaluate(x), error = function(e) raised <<- e)
  }
  failed <- function(e) {
    if (identical(e, raised)) stop(e)
    list(par = numeric(size), message = paste("error:", conditionMessage(e)))
  }
  attempt(stats::nlminb(numeric(size), watched(objective), watched(gradient), lower = lower, control = limits), failed)
}

# Newton's steps follow, which need only the neighbourhood; and no more is asked for than round-off leaves of the value.
search_limits <- function(control, value, joint) {
  gain <- max(if (joint) 1e-6 else 1e-9, 1e-13 * abs(value))
  list(eval.max = control$max_evaluations, iter.max = control$max_evaluations, rel.tol = gain, x.tol = 0,
       sing.tol = 1e-20)
}

# Zero for parameters that must not fall below it, in the coordinates of the search: a standard deviation of a term of
# one effect. L of a vector term has no bounds: the log-likelihood is even in each of its columns, and L_jj >= 0 would
# make stationary points of its own.
lower_bounds <- function(engine, coordinates) {
  single <- unlist(Map(function(structure, at) at[structure$bounded], engine$structures, engine$index$theta))
  bounded <- match(single, coordinates$searched)
  lower <- rep(-Inf, length(coordinates$searched))
  mixed <- rowSums(coordinates$transform != 0)[bounded] > 1L
  lower[bounded] <- ifelse(mixed, -Inf, -coordinates$centre[single] / diag(coordinates$transform)[bounded])
  lower
}

#' Newton's method with the Hessian by central differences of the exact gradient
#'
#' One step from where a search ended; many where that was not a maximum. A Hessian that is not negative definite is
#' replaced by the one with the absolute values of its eigenvalues, so that the step leads away from a saddle.
#'
#' @param found A state, with `held`.
#' @return A state, without a record.
#' @noRd
search_newton <- function(engine, found, coordinates, control, joint = FALSE, steps = 30L) {
  state <- evaluate_state(engine, found$parameters, joint)
  counts <- engine_counts(engine)
  steps_taken <- 0L
  hessian <- matrix(NA_real_, length(coordinates$searched), length(coordinates$searched))
  gain <- NA_real_
  for (step in seq_len(steps)) {
    if (state$status != "ok") break
    hessian <- difference_hessian(engine, state$parameters, coordinates, joint)
    parts <- if (length(hessian) && all(is.finite(hessian))) curvature(hessian)
    newton <- newton_step(hessian, pull(coordinates, state$gradient), parts)
    gain <- newton$gain
    spent <- asked_since(engine, counts) > control$max_evaluations
    if (is.null(newton$direction) || isTRUE(gain < 1e-16) || spent) break
    moved <- try_step(engine, state, coordinates, newton$direction, joint)
    if (!moved$improved) break
    state <- moved$state
    steps_taken <- step
    gain <- newton_step(hessian, pull(coordinates, state$gradient), parts)$gain
    # a short step leaves the Hessian as it is; the more so, the more levels there are (see difference_hessian())
    if (isTRUE(gain < 1e-10) && sum(newton$direction^2) < 1e-8 * max(1, min(engine$levels) / 4)) break
  }
  new_search_state(state$parameters, state$value, gradient = state$gradient, status = state$status, hessian = hessian,
                   coordinates = coordinates, held = found$held, gain = gain, steps = steps_taken)
}

asked_since <- function(engine, counts) {
  engine_counts(engine)[["evaluations"]] - counts[["evaluations"]]
}

# An evaluation with its gradient.
evaluate_state <- function(engine, parameters, joint) {
  engine_evaluate(engine, parameters, gradient = TRUE, joint = joint)
}

#' Newton's step of a maximisation and the gain that it predicts
#'
#' @param parts [curvature()] of the Hessian. @param longest See [limit_length()].
#' @return List: `direction` (`NULL` where the Hessian is not known), `gain` (`NA` where it is not negative definite).
#' @noRd
newton_step <- function(hessian, gradient, parts = curvature(hessian), longest = 10) {
  if (!length(gradient)) {
    return(list(direction = numeric(), gain = 0))
  }
  if (!all(is.finite(hessian))) {
    return(list(gain = NA_real_))
  }
  along <- drop(crossprod(parts$vectors, gradient)) / parts$values
  list(direction = limit_length(drop(parts$vectors %*% along), longest),
       gain = if (parts$definite) sum(along^2 * parts$values) / 2 else NA_real_)
}

#' Curvatures of the log-likelihood and their directions
#'
#' Central differences know a Hessian to about 1e-7 of its largest eigenvalue: a curvature within that of zero is flat
#' (a coefficient of separated data), and counts as that much. Where one is negative beyond it, absolute values lead
#' away from the saddle.
#'
#' @return List: `values` (positive), `vectors`, `definite` (logical).
#' @noRd
curvature <- function(hessian, noise = 1e-7) {
  parts <- eigen(-hessian, symmetric = TRUE)
  floor <- noise * max(abs(parts$values), 1e-300)
  definite <- min(parts$values) > -floor
  # as far as it goes a positive definite Hessian is taken at its word
  certain <- min(parts$values) > 1e-6 * floor
  list(values = if (certain) parts$values else pmax(abs(parts$values), floor), vectors = parts$vectors,
       definite = definite)
}

# A unit is about one standard error: further than ten the quadratic model says nothing.
limit_length <- function(direction, longest = 10) {
  direction * min(1, longest / sqrt(sum(direction^2)))
}

# A step, halved until the log-likelihood does not fall.
try_step <- function(engine, state, coordinates, direction, joint) {
  for (halving in 0:9) {
    moved <- evaluate_state(engine, place(coordinates, direction / 2^halving, state$parameters), joint)
    if (moved$status == "ok" && moved$value >= state$value - 1e-12 * (1 + abs(state$value))) {
      return(list(improved = TRUE, state = moved))
    }
  }
  list(improved = FALSE)
}

#' The simplex, which needs no gradient and takes -Inf outside what a link allows as it comes
#'
#' Nelder and Mead (1965), Computer Journal 7:308, restarted from its own result, as it can collapse. In one dimension
#' there is none.
#' @noRd
search_simplex <- function(engine, from, control, rounds = 4L) {
  if (length(searched_parameters(engine)) < 2L) {
    return(from)
  }
  record <- from$record
  for (round in seq_len(rounds)) {
    counts <- engine_counts(engine)
    coordinates <- precondition(engine, from$parameters, natural_transform(engine, from$parameters))
    objective <- function(x) {
      value <- engine_evaluate(engine, place(coordinates, x))$value
      # near 1 at the optimum, so that the relative tolerance is an absolute one
      if (is.finite(value)) from$value - value + 1 else 1e10
    }
    size <- length(coordinates$searched)
    found <- stats::optim(numeric(size), objective,
                          control = list(maxit = min(control$max_evaluations, 200 * size), reltol = 1e-9))
    gained <- 1 - found$value
    tell(control, 1, "simplex: gained ", format(gained, digits = 3), " after ", found$counts[[1L]], " evaluations")
    record <- c(record, search_record("simplex", engine, counts, from$value + gained, "Nelder-Mead"))
    if (gained <= 0) break
    from$parameters <- place(coordinates, found$par)
    from$value <- from$value + gained
    if (gained < 1e-7) break
  }
  from$record <- record
  from
}
