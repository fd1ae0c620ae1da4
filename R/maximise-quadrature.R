# A maximum by quadrature: coarse passes to its neighbourhood, and a look for others; nodes chosen there from the data,
# fine passes, and a last one by the rule that judges. What a pass and a step are is in frozen-search.R.

#' Maximise the log-likelihood by quadrature
#'
#' @param from A state, see [new_search_state()]. @param own The package's own start.
#' @param approximation Result of [resolve_method()]. @param control Result of [glmm_control()].
#' @return As of [maximise()], with `rule` and `error`; or `NULL` where the budget was spent before.
#' @noRd
maximise_by_quadrature <- function(engine, from, own, approximation, control) {
  best <- climb_by_quadrature(engine, from, own, approximation$nodes, control)
  if (has_arrived(best, control)) {
    return(best)
  }
  tell(control, 1, "not arrived: other starts")
  starts <- if (identical(from$parameters, own)) other_starts(engine, own)[-1L] else list(own)
  for (start in starts) {
    other <- new_search_state(start, record = best$record)
    found <- as_budget_allows(engine, climb_by_quadrature(engine, other, own, approximation$nodes, control))
    if (is.null(found)) break
    best <- better(best, found, control)
    if (has_arrived(best, control)) break
  }
  place_for_good(engine, best)
  best
}

# From a start to a maximum; from several neighbourhoods, where the coarse passes have seen some, to the highest.
climb_by_quadrature <- function(engine, from, own, nodes, control) {
  coarse <- coarse_rule(engine, if (is.null(nodes)) Inf else nodes)
  first <- approach(engine, from$parameters, from$record, coarse, control)
  found <- look_elsewhere(engine, first, own, coarse, control)
  best <- climb_from(engine, found$places[[1L]], found$moved, found$record, coarse, nodes, control)
  others <- found$places[-1L]
  for (place in others) {
    # coarse values are no better than a unit or so
    if (isTRUE(place$value < best$value - 1)) next
    other <- as_budget_allows(engine, climb_from(engine, place, TRUE, best$record, coarse, nodes, control, best))
    if (is.null(other)) break
    best <- better(best, other, control)
  }
  if (length(others)) place_for_good(engine, best)
  best
}

# To the maximum near a place; no further than to see that it is that of `best`, or lower.
climb_from <- function(engine, place, moved, record, coarse, nodes, control, best = NULL) {
  if (moved) place <- return_to(engine, place, coarse)
  place$record <- record
  last <- if (is.null(nodes)) refine(engine, place, control, best) else recentre(engine, place, nodes, control)
  tell(control, 1, "quadrature: log-likelihood ", format(last$value, digits = 12), " at the end")
  last
}

# What is found beside something good; `NULL` where the budget is spent.
as_budget_allows <- function(engine, search) {
  if (is_spent(engine)) NULL else within_budget(search)
}

is_spent <- function(engine) engine$notes$spent > engine$notes$budget

# A state where the rule has been elsewhere since: its moments are those of another place.
return_to <- function(engine, place, coarse) {
  engine_set_rule(engine, coarse)
  engine_place_rule(engine, place$parameters)
  again <- pass_state(engine, place$parameters, place$held)
  if (!is_usable(again)) {
    return(place)
  }
  again$stalled <- place$stalled
  again
}

# The rule of a maximum that was not the last one searched, for the moments that the fit has from it.
place_for_good <- function(engine, best) {
  if (is.null(best$rule)) {
    return(invisible())
  }
  # whatever has been spent: without this the fit would be lost
  budget <- engine$notes$budget
  engine$notes$budget <- Inf
  on.exit(engine$notes$budget <- budget)
  engine_set_rule(engine, judging_rule(engine, best$rule))
  engine_place_rule(engine, best$parameters)
  engine_pass(engine, best$parameters, 0L)
}

#' Whether another maximum hides, by coarse passes from small, middling and large variances
#'
#' Asked where one is likely, see [is_suspect()].
#'
#' @param first State after coarse passes. @param own The package's own start.
#' @return List: `places` (states, the highest first), `record`, `moved` (whether the rule is where others were).
#' @noRd
look_elsewhere <- function(engine, first, own, coarse, control) {
  places <- list(first)
  record <- first$record
  suspect <- is_usable(first) && is_suspect(engine, first)
  if (suspect) {
    for (start in other_starts(engine, own)[-1L]) {
      found <- approach(engine, start, record, coarse, control, most = 20L)
      record <- found$record
      same <- vapply(places, function(place) is_same_place(engine, place, found), NA)
      if (found$status == "ok" && !any(same)) places <- c(places, list(found))
    }
  }
  values <- vapply(places, function(place) place$value, 1)
  list(places = places[order(-values)], record = record, moved = suspect)
}

is_same_place <- function(engine, one, other) {
  abs(one$value - other$value) < 0.05 && scale_change(engine, one$parameters, other$parameters) < 0.3
}

#' Coarse passes, to where nodes can be chosen
#'
#' @return State after a pass.
#' @noRd
approach <- function(engine, parameters, record, rule, control, most = 40L) {
  counts <- engine_counts(engine)
  engine_set_rule(engine, rule)
  parameters <- inside_start(engine, parameters)
  placed <- engine_place_rule(engine, parameters)
  state <- pass_state(engine, parameters)
  if (placed != "ok" && state$status == "ok") state$status <- placed
  for (round in 1:3) {
    if (!is_usable(state)) break
    state <- move_with_rule(engine, state, control, enough = 1e-2, most = most)
    inside <- rise_inside(engine, state)
    if (is.null(inside)) break
    engine_place_rule(engine, inside)
    state <- pass_state(engine, inside)
  }
  message <- paste0("few nodes a level, ", state$steps, agree(state$steps, " step", " steps"))
  state$record <- c(record, search_record("quadrature", engine, counts, state$value, message))
  tell(control, 1, "quadrature: log-likelihood ", format(state$value, digits = 12), ", ", message)
  state
}

#' Nodes chosen from the data, the maximum of the rule that they make, and its error
#'
#' @param state After coarse passes. @param best Another result; `NULL`: none.
#' @return As of [maximise()]; `best` where the maximum that is near is that or lower.
#' @noRd
refine <- function(engine, state, control, best = NULL, rounds = 6L) {
  limits <- quadrature_limits(engine, control)
  # half of it, as errors change on the way
  limit <- limits[["log_likelihood"]] / 2
  record <- state$record
  rule <- judged <- NULL
  before <- Inf
  if (is_usable(state)) {
    closely <- isTRUE(state$stalled) || !is.null(best)
    state <- go_near(engine, state, if (is.null(best)) 100 * limit else 0.05, control, closely)
  }
  if (!is.null(best) && (!is_usable(state) || is_no_better(engine, state, best))) {
    return(best)
  }
  for (round in seq_len(rounds)) {
    if (!is_usable(state)) break
    counts <- engine_counts(engine)
    chosen <- choose_nodes(engine, state$parameters, rule, limit)
    # nothing more to be had
    if (identical(chosen, rule)) break
    rule <- chosen
    engine_set_rule(engine, rule)
    tell_rule(engine, control)
    state <- climb_with_rule(engine, state, control)
    judged <- if (is_settled(state) || round == rounds) judge_rule(engine, state, rule)
    record <- c(record, search_record("newton", engine, counts, state$value, steps_message(state)))
    if (is.null(judged) && has_run_away(engine, state)) break
    if (is.null(judged)) next
    left <- max(unlist(judged$error) / limits)
    # or more nodes have not helped
    if (!isTRUE(left > 1 && left < before / 2) || !has_arrived(state, control)) break
    before <- left
    limit <- next_limit(limit, judged$error, limits)
  }
  state$record <- record
  if (is.null(rule) || !is_usable(state)) {
    return(without_maximum(engine, state))
  }
  by_finer_rule(engine, state, if (is.null(judged)) judge_rule(engine, state, rule) else judged, rule)
}

# What a rule may leave of the log-likelihood for both errors to be half of what they may be.
next_limit <- function(limit, error, limits) {
  limit * min(1, limits[["log_likelihood"]] / error$log_likelihood, limits[["shift"]] / error$shift, na.rm = TRUE) / 2
}

# Whether a place near to a maximum is near to one that is known, or cannot come up to it.
is_no_better <- function(engine, near, best) {
  isTRUE(near$value + 2 * near$gain + 0.1 < best$value) || is_same_place(engine, near, best)
}

# Whether nothing of size is left to gain by the rule; else its nodes were chosen too far away.
is_settled <- function(state) {
  isTRUE(state$gain < 1e-3)
}

# Where there is no pass to go on from: what a state needs to be judged.
without_maximum <- function(engine, state) {
  size <- length(state$parameters)
  state$coordinates <- list(centre = state$parameters, transform = natural_transform(engine, state$parameters),
                            searched = seq_len(size))
  state$hessian <- matrix(NA_real_, size, size)
  state$gradient <- rep(NA_real_, size)
  state$held <- rep(FALSE, size)
  state$gain <- NA_real_
  state$error <- list(log_likelihood = NA_real_, shift = NA_real_)
  state$rule <- coarse_rule(engine)
  state
}

#' Near to the maximum, to where the nodes are chosen: with more nodes where few did not lead there
#' @noRd
go_near <- function(engine, state, limit, control, closely) {
  if (closely) {
    engine_place_rule(engine)
    engine_set_rule(engine, choose_nodes(engine, state$parameters, limit = limit))
    better <- pass_state(engine, state$parameters, state$held)
    if (is_usable(better)) state <- move_with_rule(engine, better, control, enough = 1e-2, most = 20L)
  }
  state <- update_information(engine, state)
  engine_place_rule(engine)
  state
}

#' The maximum of a rule: placed anew until that changes little, then frozen for good
#' @noRd
climb_with_rule <- function(engine, state, control) {
  state <- pass_state(engine, state$parameters, state$held)
  for (round in 1:3) {
    if (!is_usable(state)) {
      return(state)
    }
    state <- move_with_rule(engine, state, control, enough = 1e-6)
    if (!is_settled(state)) {
      engine_place_rule(engine)
      return(state)
    }
    moved <- state$steps
    state <- settle_on_rule(engine, state)
    state$steps <- state$steps + moved
    inside <- rise_inside(engine, state)
    if (is.null(inside)) {
      return(state)
    }
    engine_place_rule(engine, inside)
    state <- pass_state(engine, inside)
  }
  state$rises <- TRUE
  state
}

#' The value, gradient and Hessian of the finer rule at the maximum, in coordinates, with the error of the rule
#' @noRd
by_finer_rule <- function(engine, state, judged, rule) {
  result <- if (judged$finer) judged$judge else state
  step <- frozen_step(engine, result)
  state$value <- result$value
  state$coordinates <- step$coordinates
  state$hessian <- step$hessian
  state$rule <- rule
  state$error <- judged$error
  state
}

#' The maximum of a rule with the user's number of nodes, placed at modes and curvatures
#' @noRd
recentre <- function(engine, state, nodes, control) {
  counts <- engine_counts(engine)
  rule <- uniform_rule(engine, nodes)
  record <- state$record
  engine_set_rule(engine, rule)
  if (is_usable(state)) state$status <- engine_place_rule(engine, state$parameters)
  if (is_usable(state)) state <- pass_state(engine, state$parameters, state$held)
  if (!is_usable(state)) {
    return(without_maximum(engine, state))
  }
  state <- move_with_rule(engine, state, control, 1e-3, at_modes = TRUE)
  state <- settle_at_modes(engine, state)
  state$record <- c(record, search_record("newton", engine, counts, state$value, steps_message(state)))
  value <- state$value
  state <- by_finer_rule(engine, state, judge_rule(engine, state, rule), rule)
  state$value <- value
  state
}

#' Where a rule that is placed anew at each step has a gradient of zero
#'
#' A rule placed anew has its maximum elsewhere, by as much as its error: the Hessian of the frozen rule lacks that. The
#' correction is learned from one step to the next (Broyden 1965, Mathematics of Computation 19:577).
#' @noRd
settle_at_modes <- function(engine, state, most = 30L) {
  coordinates <- hessian_coordinates(engine, state)
  moving <- coordinates$searched
  correction <- matrix(0, length(moving), length(moving))
  for (step in seq_len(most)) {
    if (!length(moving)) break
    curvature <- correction - crossprod(coordinates$transform, state$hessian[moving, moving, drop = FALSE] %*%
                                          coordinates$transform)
    gradient <- pull(coordinates, state$gradient)
    direction <- limit_length(attempt(solve(curvature, gradient), function(e) gradient))
    gain <- sum(direction * gradient) / 2
    # downwards by more than round-off: no maximum
    noise <- 1e-15 * (1 + abs(state$value))
    state$gain <- if (isTRUE(gain > -1e5 * noise)) max(gain, 0) else NA_real_
    if (isTRUE(abs(gain) < noise) || step == most) break
    to <- keep_sizes(engine, state$parameters, place(coordinates, direction, state$parameters))
    if (engine_place_rule(engine, to) != "ok") break
    moved <- pass_state(engine, to, state$held)
    if (!is_usable(moved)) {
      engine_place_rule(engine, state$parameters)
      break
    }
    taken <- solve(coordinates$transform, (to - state$parameters)[moving])
    missed <- gradient - pull(coordinates, moved$gradient) - curvature %*% taken
    correction <- correction + tcrossprod(missed, taken) / sum(taken^2)
    moved$steps <- state$steps + 1L
    state <- moved
  }
  if (!length(moving)) state$gain <- 0
  state
}

steps_message <- function(state) {
  paste("boundary, Hessian and", state$steps, agree(state$steps, "Newton step", "Newton steps"))
}

# What a pass will take: in a long fit most of the time goes there.
tell_rule <- function(engine, control) {
  nodes <- engine$notes$nodes
  tell(control, 1, "quadrature: ", paste(unique(count_text(range(nodes))), collapse = " to "), " nodes a level, ",
       count_text(round(row_nodes(engine, nodes))), " rows times nodes a pass")
}
