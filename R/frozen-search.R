# The search by quadrature: Newton's method with rules whose nodes are frozen in u. One pass over the data gives value,
# gradient, the exact Hessian of the rule (Louis 1982, JRSS B 44:226) and the moments that place the next rule.

#' A state after a pass at parameters, by the rule as it is
#' @return State, see [new_search_state()], with `hessian` in the parameters if the order is 2.
#' @noRd
pass_state <- function(engine, parameters, held = rep(FALSE, length(parameters)), order = 2L) {
  pass <- engine_pass(engine, parameters, order)
  new_search_state(parameters, pass$value, gradient = pass$gradient, hessian = pass$hessian, status = pass$status,
                   held = held, steps = 0L)
}

#' Coordinates in which the Hessian of a pass is near the identity in beta, and of order one elsewhere
#' @noRd
hessian_coordinates <- function(engine, state) {
  transform <- natural_transform(engine, state$parameters)
  beta <- engine$index$beta
  if (length(beta)) {
    information <- -state$hessian[beta, beta, drop = FALSE]
    unit <- 1 / sqrt(pmax(abs(diag(information)), .Machine$double.xmin))
    root <- attempt(chol(information * tcrossprod(unit)), function(e) diag(length(beta)))
    transform[beta, beta] <- unit * backsolve(root, diag(length(beta)))
  }
  free_coordinates(list(centre = state$parameters, transform = transform, searched = seq_along(state$parameters)),
                   state$held)
}

#' Newton's step from a state, no further than the quadratic model can be trusted
#'
#' @return List: `to` (parameters), `gain` (half the decrement; of a Hessian that is not negative definite with the
#'   absolute values of its eigenvalues), `definite`, `coordinates` and `hessian` in them.
#' @noRd
frozen_step <- function(engine, state) {
  coordinates <- hessian_coordinates(engine, state)
  moving <- coordinates$searched
  transform <- coordinates$transform
  hessian <- crossprod(transform, state$hessian[moving, moving, drop = FALSE] %*% transform)
  parts <- if (length(moving)) curvature(hessian) else list(definite = TRUE)
  gradient <- pull(coordinates, state$gradient)
  # of the order of the linear predictor
  newton <- newton_step(hessian, gradient, parts, longest = max(10, sqrt(engine$rows)))
  gain <- if (length(moving)) sum(crossprod(parts$vectors, gradient)^2 / parts$values) / 2 else 0
  list(to = keep_sizes(engine, state$parameters, place(coordinates, newton$direction)), gain = gain,
       definite = parts$definite, coordinates = coordinates, hessian = hessian)
}

#' A step on which no standard deviation (or column of L) falls or grows by more than a factor
#'
#' None may come to lie on zero, where its gradient vanishes: most of the steps that would are from where the quadratic
#' model does not hold. A correlation's angle moves by half at most.
#' @noRd
keep_sizes <- function(engine, from, to) {
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    for (part in engine$structures[[t]]$even_parts(engine$notes$error_root[[t]])) {
      own <- at[part$at]
      to[own] <- keep_size(from[own], to[own], part$unit)
    }
    angle <- intersect(at, engine$shape)
    to[angle] <- pmin(pmax(to[angle], from[angle] - 0.5), from[angle] + 0.5)
  }
  to
}

# No less than a quarter, no more than three times as large, or a tenth of a unit; a single number keeps its sign.
keep_size <- function(from, to, unit) {
  before <- sqrt(sum((from / unit)^2))
  if (length(from) == 1L && from * to < 0) to <- 0
  after <- sqrt(sum((to / unit)^2))
  if (after == 0) {
    return(from / 4)
  }
  to * min(max(after, before / 4), max(3 * before, 0.1)) / after
}

#' How far scales move on a step: the largest change of a standard deviation, relative or in its unit
#' @noRd
scale_change <- function(engine, from, to) {
  changes <- vapply(seq_along(engine$structures), function(t) {
    before <- root_sds(engine_root(engine, t, from))
    after <- root_sds(engine_root(engine, t, to))
    max(abs(after - before) / pmax(before, 0.3 * engine$notes$sd_unit[[t]]))
  }, 1)
  if (length(changes)) max(changes) else 0
}

#' Steps of Newton's method, the rule placed anew after each
#'
#' A step is judged by the same frozen rule as the value that it started from: another rule's value differs by more
#' than the step may gain. Steps that promise little are not judged: the next pass is. Where promised gains do not
#' become smaller any more, and are not kept, or twice a rule placed anew says that a step has led down, the rule is too
#' inaccurate, and further steps lead nowhere.
#'
#' @param state Result of [pass_state()]. @param enough Number: the gain below which the places need not move any more.
#' @param at_modes Logical: places always from modes and curvatures.
#' @return The last state, with `gain` (of the next step), `steps` (their number), and `stalled` (logical).
#' @noRd
move_with_rule <- function(engine, state, control, enough, most = 40L, at_modes = FALSE) {
  last <- rise <- Inf
  falls <- 0L
  for (steps in 0:most) {
    state <- hold_small(engine, state)
    step <- frozen_step(engine, state)
    state$gain <- if (step$definite) step$gain else NA_real_
    stalled <- falls > 1L || last < 1 && step$gain > last / 2 && rise < last / 2
    if (isTRUE(state$gain < enough) || stalled || steps == most || has_run_away(engine, state)) break
    moved <- take_step(engine, state, step, at_modes)
    if (is.null(moved)) {
      state <- replace(by_rule_now(engine, state), "gain", list(state$gain))
      break
    }
    tell(control, 2, "quadrature: log-likelihood ", format(moved$value, digits = 12))
    last <- step$gain
    rise <- moved$value - state$value
    falls <- falls + (rise < 0)
    state <- moved
  }
  state$steps <- steps
  state$stalled <- !isTRUE(state$gain < enough)
  state
}

# Whether standard deviations go on without end, as where levels separate the response: a linear predictor that has no
# unit varies by hundreds, the root of the mean of z'LL'z.
has_run_away <- function(engine, state) {
  engine$unit_free && any(vapply(seq_along(engine$structures), function(t) {
    L <- engine_root(engine, t, state$parameters)
    sum(engine$terms[[t]]$products * tcrossprod(L)) > 300^2
  }, NA))
}

# Whether there is a state to go on from.
is_usable <- function(state) {
  state$status == "ok" && all(is.finite(state$hessian))
}

#' One step, halved until it leads upwards and there can be a pass at its end
#'
#' Where levels tell much of their effects, these hardly move with the standard deviations, but nodes in u do: then the
#' frozen rule does not reach far, and modes are searched again.
#'
#' @return State; `NULL` where there is none.
#' @noRd
take_step <- function(engine, state, step, at_modes) {
  informed <- step$gain > 1e-3 && isTRUE(largest_effect(engine, state$parameters) > 2)
  for (halving in 0:7) {
    to <- state$parameters + (step$to - state$parameters) / 2^halving
    upwards <- step$gain < 0.1 || is_upwards(state, engine_pass(engine, to, 0L))
    far <- at_modes || informed || step$gain > 0.5 || scale_change(engine, state$parameters, to) > 0.1
    if (!upwards && !informed) next
    # where modes are not found means and covariances have to do
    if (!far || engine_place_rule(engine, to) != "ok") engine_place_rule(engine)
    moved <- pass_state(engine, to, state$held)
    if (is_usable(moved) && (upwards || moved$value > state$value)) {
      return(moved)
    }
    engine_place_rule(engine, state$parameters)
    state <- by_rule_now(engine, state)
  }
  NULL
}

# A state by the rule as it is now, where that has been elsewhere: the value of another rule is not to be compared.
by_rule_now <- function(engine, state) {
  again <- pass_state(engine, state$parameters, state$held)
  if (is_usable(again)) again else state
}

# Relative: among many levels the last digits of the modes move the sum by more than an absolute tolerance would allow.
is_upwards <- function(state, pass) {
  pass$status == "ok" && isTRUE(pass$value >= state$value - 1e-9 * (1 + abs(state$value)))
}

#' What is next to the boundary held there, where the log-likelihood is no better inside
#' @noRd
hold_small <- function(engine, state) {
  if (smallest_effect(engine, state) > 0.1) {
    return(state)
  }
  on_boundary <- hold_boundary(engine, state$parameters, state$value)
  if (identical(on_boundary$held, state$held)) {
    return(state)
  }
  engine_place_rule(engine, on_boundary$parameters)
  held <- pass_state(engine, on_boundary$parameters, on_boundary$held)
  if (is_usable(held)) {
    return(held)
  }
  engine_place_rule(engine, state$parameters)
  by_rule_now(engine, state)
}

#' A better point inside, where the log-likelihood by the rule as it is rises from the boundary
#'
#' The nearer the better: what is gained grows with the square of the distance and is lost with its fourth power.
#' @return Parameters inside, or `NULL` where all terms are at a maximum.
#' @noRd
rise_inside <- function(engine, state) {
  inside <- if (any(state$held)) leave_boundary(engine, state)
  if (is.null(inside)) {
    return(NULL)
  }
  for (halving in 0:7) {
    to <- state$parameters + (inside - state$parameters) / 2^halving
    pass <- engine_pass(engine, to, 0L)
    if (pass$status == "ok" && isTRUE(pass$value > state$value + 1e-9 * (1 + abs(state$value)))) {
      return(to)
    }
  }
  NULL
}

# The smallest standard deviation along any direction of a term that is not held, in units of a level's own error.
smallest_effect <- function(engine, state) {
  min(Inf, vapply(seq_along(engine$structures), function(t) {
    relative <- forwardsolve(engine$notes$error_root[[t]], engine_root(engine, t, state$parameters))
    if (!all(is.finite(relative))) return(Inf)
    sizes <- svd(relative, 0L, 0L)$d
    held <- any(state$held[engine$index$theta[[t]]])
    if (!held) min(sizes) else if (any(sizes > 1e-8)) min(sizes[sizes > 1e-8]) else Inf
  }, 1))
}

#' Newton's method on the rule as it is, frozen for good, to round-off
#' @return The last state, with `gain` and `steps`.
#' @noRd
settle_on_rule <- function(engine, state, most = 30L) {
  steps <- 0L
  repeat {
    step <- frozen_step(engine, state)
    state$gain <- if (step$definite) step$gain else NA_real_
    if (isTRUE(state$gain < 1e-14) || steps >= most) break
    # a short step leaves the Hessian as it is
    short <- isTRUE(state$gain < 1e-7)
    moved <- NULL
    for (halving in 0:7) {
      to <- state$parameters + (step$to - state$parameters) / 2^halving
      moved <- pass_state(engine, to, state$held, order = if (short) 1L else 2L)
      if (is_upwards(state, moved)) break
      moved <- NULL
    }
    if (is.null(moved)) break
    if (short) moved$hessian <- state$hessian
    state <- moved
    steps <- steps + 1L
  }
  state$steps <- steps
  state
}
