# The search along the edge of what a restricted link allows (a log-binomial mean of 1, an identity Poisson mean of 0):
# there the log-likelihood ends without falling off, and a search that only steps back from the edge stops short of the
# constrained maximum. A barrier whose weight goes to zero leads to it (Nocedal and Wright 2006, section 19.6).

#' Search for a maximum on the edge, where other searches have not arrived
#'
#' @param best As of [maximise()]. @param start Numeric: the parameters that the fit started from.
#' @return `best`, or the maximum on the edge, with `edge`: the number of rows on it.
#' @noRd
climb_edge <- function(engine, best, start, control) {
  if (!engine$density[["bounded"]] || engine$inner != "given") {
    return(best)
  }
  on.exit(engine_set_edge_barrier(engine, 0))
  # the domain need not be convex: from the start along the whole path and along its last part, and from where the
  # search ended
  paths <- list(follow_barrier(engine, start, edge_weights(1), control),
                follow_barrier(engine, start, edge_weights(4), control),
                follow_barrier(engine, step_inside(engine, best$parameters, start), edge_weights(4), control))
  best$record <- c(best$record, unlist(lapply(paths, `[[`, "record"), recursive = FALSE))
  best$value <- engine_evaluate(engine, best$parameters)$value
  # what ends at a pole is high, but no maximum
  at_pole <- vapply(paths, function(path) path$pole, NA)
  if (!all(at_pole)) paths <- paths[!at_pole]
  found <- paths[[which.max(vapply(paths, function(path) path$value, 1))]]
  if (!isTRUE(found$value >= best$value - 1e-6) && (found$pole || !is_pole(best))) {
    return(best)
  }
  # the barrier has cost about its weight for each row on the edge
  slack <- 100 * min(edge_weights(1)) * (1 + found$barrier$rows)
  held <- hold_boundary(engine, normalise_signs(engine, found$parameters), found$value - slack)
  if (found$barrier$rows == 0L) {
    engine_set_edge_barrier(engine, 0)
    return(settle(engine, new_search_state(found$parameters, found$value, best$record), control))
  }
  result <- settle_edge(engine, held, found$barrier)
  result$record <- c(best$record, result$record)
  result
}

edge_weights <- function(first) {
  c(10^-(first:4), edge_weight, 1e-6, 1e-7, 1e-8)
}

# The first point on the way to another one that has the log-likelihood and keeps a distance from the edge.
step_inside <- function(engine, parameters, towards) {
  for (share in c(0, 1e-4, 1e-3, 0.01, 0.1, 0.3)) {
    point <- (1 - share) * parameters + share * towards
    inside <- is.finite(engine_evaluate(engine, point)$value)
    if (inside && min(engine_edge_distances(engine, point)) > 1e-8) {
      return(point)
    }
  }
  towards
}

#' Maximise under one weight of the barrier after the other, each from the last one's maximiser
#'
#' @param weights Numeric, falling.
#' @return A state (its value that of the log-likelihood without barrier) with `pole` and `barrier`: `parameters` under
#'   the weight `edge_weight` and `rows`, the number of rows whose distance from the edge fell with the weight since.
#' @noRd
follow_barrier <- function(engine, parameters, weights, control) {
  control$max_evaluations <- min(control$max_evaluations, 300)
  counts <- engine_counts(engine)
  for (weight in weights) {
    engine_set_edge_barrier(engine, weight)
    for (round in 1:3) {
      before <- engine_evaluate(engine, parameters)$value
      coordinates <- edge_coordinates(engine, parameters, weight)
      found <- search(engine, parameters, coordinates, control)
      if (is.finite(found$value)) parameters <- found$parameters
      if (!isTRUE(found$value - before > weight / 10) || is_at_pole(engine, found)) break
    }
    if (weight >= edge_weight) {
      edge <- list(parameters = parameters, distances = distances_at(engine, parameters))
    }
    if (is_at_pole(engine, found)) break
  }
  fallen <- distances_at(engine, parameters) < 0.03 * edge$distances
  engine_set_edge_barrier(engine, 0)
  value <- engine_evaluate(engine, parameters)$value
  new_search_state(parameters, value, search_record("edge", engine, counts, value, found$record[[1L]]$message),
                   pole = is_at_pole(engine, found),
                   barrier = list(parameters = edge$parameters, rows = sum(fallen)))
}

# The weight under which the Hessian is taken: distances from the edge are still large against round-off.
edge_weight <- 1e-5

distances_at <- function(engine, parameters) {
  engine_evaluate(engine, parameters)
  engine_edge_distances(engine, parameters)
}

#' Coordinates in which the log-likelihood with a barrier is close to a unit sphere
#'
#' Across one edge the barrier's curvature is the square of its slope over its weight; the transform takes the inverse
#' root of that beside the identity.
#' @noRd
edge_coordinates <- function(engine, parameters, weight) {
  coordinates <- precondition(engine, parameters, natural_transform(engine, parameters))
  with_barrier <- engine_evaluate(engine, parameters, gradient = TRUE)$gradient
  engine_set_edge_barrier(engine, 0)
  without <- engine_evaluate(engine, parameters, gradient = TRUE)$gradient
  engine_set_edge_barrier(engine, weight)
  across <- pull(coordinates, with_barrier - without)
  if (length(across) && all(is.finite(across))) {
    size <- sum(across^2)
    # (I + G G' / weight)^(-1/2)
    shrink <- (1 - 1 / sqrt(1 + size / weight)) / max(size, 1e-300)
    coordinates$transform <- coordinates$transform %*% (diag(length(across)) - shrink * tcrossprod(across))
  }
  coordinates
}

#' Hessian and predicted gain under the barrier: those of the Lagrangian along the edge
#'
#' Across the edge the curvature grows like 1 / weight, so the inverse of this Hessian is, but for the weight, the
#' covariance of the parameters that stay on the edge.
#'
#' @param found Result of [hold_boundary()]. @param edge Element `barrier` of [follow_barrier()].
#' @return A state with `edge`, the number of rows on the edge.
#' @noRd
settle_edge <- function(engine, found, edge) {
  on.exit(engine_set_edge_barrier(engine, 0))
  counts <- engine_counts(engine)
  final <- evaluate_state(engine, found$parameters, joint = FALSE)
  # so near to the edge the mode can be lost to round-off
  if (!is.finite(final$value)) final <- evaluate_state(engine, replace(edge$parameters, found$held, 0), joint = FALSE)
  engine_set_edge_barrier(engine, edge_weight)
  parameters <- replace(edge$parameters, found$held, 0)
  state <- evaluate_state(engine, parameters, joint = FALSE)
  coordinates <- free_coordinates(edge_coordinates(engine, parameters, edge_weight), found$held)
  # several edges at once: each round whitens what the last one has seen of the curvature across them
  for (round in 1:5) {
    hessian <- edge_hessian(engine, parameters, coordinates)
    if (!all(is.finite(hessian)) || !length(hessian)) break
    parts <- curvature(hessian)
    if (round > 1L && parts$definite && max(parts$values) < 10 * min(parts$values)) break
    root <- parts$vectors / rep(sqrt(parts$values), each = nrow(parts$vectors))
    if (round < 5L) coordinates$transform <- coordinates$transform %*% root
  }
  newton <- newton_step(hessian, pull(coordinates, state$gradient))
  for (step in 1:5) {
    if (is.null(newton$direction) || isTRUE(newton$gain < 1e-8)) break
    moved <- try_step(engine, state, coordinates, newton$direction, joint = FALSE)
    if (!moved$improved) break
    state <- moved$state
    newton <- newton_step(hessian, pull(coordinates, state$gradient))
  }
  gain <- newton$gain
  new_search_state(final$parameters, final$value,
                   search_record("edge", engine, counts, final$value, "Hessian under the barrier"),
                   gradient = final$gradient, status = state$status, hessian = hessian, coordinates = coordinates,
                   held = found$held, gain = gain, edge = edge$rows)
}

# A unit of the coordinates is many times the distance from the edge: steps are a fraction of the latter.
edge_hessian <- function(engine, parameters, coordinates) {
  for (step in 1e-3 * sqrt(edge_weight) * 10^-(0:3)) {
    hessian <- difference_hessian(engine, parameters, coordinates, longest = step)
    if (all(is.finite(hessian))) break
  }
  hessian
}
