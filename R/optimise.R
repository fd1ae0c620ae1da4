# The outer search: stats::nlminb() with exact gradients in coordinates in which the log-likelihood is close to a
# unit sphere, from the joint mode; then Newton steps with the Hessian that the standard errors need anyway.

#' Maximise the approximate log-likelihood
#'
#' @param engine Result of [new_engine()].
#' @param start Numeric: the parameter vector to start from.
#' @param method "laplace" or "joint".
#' @param control Result of [glmm_control()].
#' @return List: `parameters`, `value`, `gradient`, `hessian` (of the log-likelihood; `NA` in the rows of parameters
#'   held at zero), `held` (logical), `gain` (predicted gain of a further Newton step), `status` of the core,
#'   `record` (data frame: stage, evaluations, gradients, value, message).
#' @noRd
maximise <- function(engine, start, method, control) {
  joint <- search_joint(engine, start, parameter_scale(engine, start), control)
  if (method == "joint") {
    return(finish_joint(engine, joint))
  }
  best <- search_again(engine, joint, control)
  if (!isTRUE(best$rough_gain < 1e-6)) best <- search_otherwise(engine, best, start, control)
  best <- leave_zero_sds(engine, best, control)
  found <- hold_zero_sds(engine, normalise_signs(engine, best$parameters), best$value)
  if (!is.null(best$edge)) {
    result <- polish_edge(engine, found, best$edge)
    result$record <- rbind(best$record, result$record)
    return(result)
  }
  coordinates <- precondition(engine, found$parameters, parameter_scale(engine, found$parameters))
  result <- polish(engine, found, free_coordinates(coordinates, found$held))
  result$record <- rbind(best$record, result$record)
  result
}

#' Search from where the last search ended, in new coordinates, until the gradient is small or nothing is gained
#'
#' Next to the edge of what a link allows, where no step may be taken across, a quasi-Newton search can end early.
#'
#' @param from Result of the last [search()].
#' @noRd
search_again <- function(engine, from, control, rounds = 6L) {
  record <- from$record
  for (round in seq_len(rounds)) {
    coordinates <- precondition(engine, from$parameters, parameter_scale(engine, from$parameters))
    best <- search(engine, from$parameters, coordinates, control)
    record <- rbind(record, best$record)
    # the Hessian is near the identity in these coordinates, so g'g / 2 is near the predicted gain
    stuck <- round > 1L && best$value < from$value + 1e-6
    if (!is.finite(best$value) || isTRUE(best$rough_gain < 1e-6) || stuck) break
    from <- best
  }
  best$record <- record
  best
}

# What is tried when the first search ends unfinished.
search_otherwise <- function(engine, best, start, control) {
  if (is.finite(best$value)) best <- search_simplex(engine, best, control)
  search_edge(engine, best, start, control)
}

#' The second optimiser: a simplex, which needs no gradient and takes -Inf outside what a link allows as it comes
#'
#' Nelder and Mead (1965), Computer Journal 7:308, restarted from its own result, as it can collapse.
#' @noRd
search_simplex <- function(engine, from, control, rounds = 4L) {
  record <- from$record
  for (round in seq_len(rounds)) {
    coordinates <- precondition(engine, from$parameters, parameter_scale(engine, from$parameters))
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
    record <- rbind(record, search_record("simplex", found$counts[[1L]], 0L, from$value + gained, "Nelder-Mead"))
    if (gained <= 0) break
    from$parameters <- place(coordinates, found$par)
    from$value <- from$value + gained
    if (gained < 1e-7) break
  }
  from$record <- record
  from
}

# The joint method stops where theta and dispersion are best with beta at its joint mode; its standard errors come
# from the Laplace Hessian there.
finish_joint <- function(engine, joint) {
  found <- hold_zero_sds(engine, normalise_signs(engine, joint$parameters), joint$value, joint = TRUE)
  scale <- parameter_scale(engine, found$parameters)
  own <- joint_coordinates(engine, found$parameters, scale)
  result <- polish(engine, found, free_coordinates(own, found$held), joint = TRUE)
  all <- free_coordinates(precondition(engine, result$parameters, scale), found$held)
  result$hessian <- difference_hessian(engine, result$parameters, all)
  result$coordinates <- all
  result$record <- rbind(joint$record, result$record)
  result
}

#' Natural scale of each parameter
#'
#' For theta the standard deviation of the effect over the square root of the number of levels, the order of its
#' standard error; 1 for beta, which precondition() treats as a whole.
#' @noRd
parameter_scale <- function(engine, parameters) {
  scale <- rep(1, length(parameters))
  for (t in seq_along(engine$index$theta)) {
    at <- engine$index$theta[[t]]
    sds <- term_sds(parameters[at])
    rows <- row(diag(length(sds)))[lower.tri(diag(length(sds)), diag = TRUE)]
    scale[at] <- pmax(sds, 0.3 * engine$sd_unit[[t]])[rows] / sqrt(2 * engine$levels[t])
  }
  scale[engine$index$dispersion] <- 1 / sqrt(engine$rows)
  scale
}

#' The joint method: theta and dispersion searched, beta at its joint mode with the random effects
#' @noRd
search_joint <- function(engine, start, scale, control) {
  search(engine, start, joint_coordinates(engine, start, scale), control, joint = TRUE)
}

joint_coordinates <- function(engine, centre, scale) {
  searched <- setdiff(seq_along(centre), engine$index$beta)
  list(centre = centre, transform = diag(scale[searched], length(searched)), searched = searched)
}

#' Coordinates around a point: parameters = centre + transform x
#'
#' beta is transformed by the inverse root of its information with the random effects eliminated, so that the
#' Hessian in beta is near the identity.
#' @noRd
precondition <- function(engine, centre, scale) {
  transform <- diag(scale, length(scale))
  beta <- engine$index$beta
  result <- engine_evaluate(engine, centre)
  if (length(beta) && result$status == "ok") {
    information <- engine_fixed_information(engine)
    if (length(information)) {
      unit <- 1 / sqrt(diag(information))
      root <- tryCatch(chol(information * tcrossprod(unit)), error = function(e) diag(length(beta)))
      transform[beta, beta] <- unit * backsolve(root, diag(length(beta)))
    }
  }
  list(centre = centre, transform = transform, searched = seq_along(centre))
}

#' Coordinates without the parameters held at zero
#' @noRd
free_coordinates <- function(coordinates, held) {
  free <- which(!held[coordinates$searched])
  coordinates$searched <- coordinates$searched[free]
  coordinates$transform <- coordinates$transform[free, free, drop = FALSE]
  coordinates
}

# The parameter vector at x, and the derivative in x from that in the parameters.
place <- function(coordinates, x, at = coordinates$centre) {
  at[coordinates$searched] <- at[coordinates$searched] + drop(coordinates$transform %*% x)
  at
}

pull <- function(coordinates, gradient) {
  drop(crossprod(coordinates$transform, gradient[coordinates$searched]))
}

#' One search by stats::nlminb()
#'
#' @param coordinates List: `centre`, `transform`, `searched` (which parameters move).
#' @param joint Logical: beta is not searched but at its joint mode.
#' @return List: `parameters`, `value`, `rough_gain` (g'g / 2 in these coordinates), `record`.
#' @noRd
search <- function(engine, start, coordinates, control, joint = FALSE) {
  stage <- if (joint) "joint" else "laplace"
  counts <- c(evaluations = 0L, gradients = 0L)
  evaluate <- function(x, gradient) {
    engine_evaluate(engine, place(coordinates, x, start), gradient = gradient, joint = joint)
  }
  begin <- evaluate(numeric(length(coordinates$searched)), TRUE)
  reference <- begin$value
  if (begin$status != "ok" || !all(is.finite(begin$gradient))) {
    return(list(parameters = start, value = reference,
                rough_gain = NA_real_,
                record = search_record(stage, 1L, 1L, reference, paste("no search from this start:", begin$status))))
  }
  objective <- function(x) {
    counts["evaluations"] <<- counts["evaluations"] + 1L
    value <- evaluate(x, FALSE)$value
    tell(control, 2, stage, ": log-likelihood ", format(value, digits = 12))
    # near 1 at the optimum, so that nlminb's relative tolerance is an absolute one
    if (is.finite(value)) reference - value + 1 else Inf
  }
  gradient <- function(x) {
    counts["gradients"] <<- counts["gradients"] + 1L
    result <- evaluate(x, TRUE)
    # nlminb() has no word for "not here": a zero gradient ends it where it is
    if (result$status == "ok") -pull(coordinates, result$gradient) else numeric(length(x))
  }
  limits <- list(eval.max = control$max_evaluations, iter.max = control$max_evaluations,
                 rel.tol = if (joint) 1e-6 else 1e-12, x.tol = 0, sing.tol = 1e-20)
  found <- stats::nlminb(numeric(length(coordinates$searched)), objective, gradient,
                         lower = lower_bounds(engine, coordinates), control = limits)
  result <- evaluate(found$par, TRUE)
  parameters <- place(coordinates, found$par, start)
  parameters[engine$index$beta] <- result$beta
  tell(control, 1, stage, ": log-likelihood ", format(result$value, digits = 12), " after ", counts["evaluations"],
       " evaluations (", found$message, ")")
  list(parameters = parameters, value = result$value,
       rough_gain = if (result$status == "ok") sum(pull(coordinates, result$gradient)^2) / 2 else NA_real_,
       record = search_record(stage, counts[["evaluations"]], counts[["gradients"]], result$value, found$message))
}

search_record <- function(stage, evaluations, gradients, value, message) {
  data.frame(stage = stage, evaluations = evaluations, gradients = gradients, value = value, message = message)
}

# Zero for the standard deviation of a one-dimensional term, in the coordinates of the search; a vector term has no
# bounds: the log-likelihood is even in each column of L, and L_jj >= 0 would make stationary points of its own.
lower_bounds <- function(engine, coordinates) {
  single <- unlist(engine$index$theta[lengths(engine$index$theta) == 1L])
  bounded <- match(single, coordinates$searched)
  lower <- rep(-Inf, length(coordinates$searched))
  mixed <- rowSums(coordinates$transform != 0)[bounded] > 1L
  lower[bounded] <- ifelse(mixed, -Inf, -coordinates$centre[single] / diag(coordinates$transform)[bounded])
  lower
}

#' Hessian by central differences of the exact gradient, and Newton steps with it
#'
#' @return See [maximise()].
#' @noRd
polish <- function(engine, found, coordinates, joint = FALSE, steps = 3L) {
  state <- evaluate_state(engine, found$parameters, joint)
  gradients <- 1L
  hessian <- matrix(NA_real_, length(coordinates$searched), length(coordinates$searched))
  gain <- NA_real_
  for (step in seq_len(steps)) {
    if (state$status != "ok") break
    hessian <- difference_hessian(engine, state$parameters, coordinates, joint)
    gradients <- gradients + 2L * ncol(hessian)
    newton <- newton_step(hessian, pull(coordinates, state$gradient))
    gain <- newton$gain
    if (is.na(gain) || gain < 1e-10 || step == steps) break
    moved <- try_step(engine, state, coordinates, newton$direction, joint)
    gradients <- gradients + moved$evaluations
    if (!moved$improved) break
    state <- moved$state
    gain <- newton_step(hessian, pull(coordinates, state$gradient))$gain
    # a short step leaves the Hessian as it is
    if (!is.na(gain) && gain < 1e-10 && sum(newton$direction^2) < 1e-8) break
  }
  list(parameters = state$parameters, value = state$value, gradient = state$gradient, status = state$status,
       hessian = hessian, coordinates = coordinates, held = found$held, gain = gain,
       record = search_record("newton", gradients, gradients, state$value, "Hessian and Newton steps"))
}

# An evaluation with the parameters that it belongs to.
evaluate_state <- function(engine, parameters, joint) {
  result <- engine_evaluate(engine, parameters, gradient = TRUE, joint = joint)
  parameters[engine$index$beta] <- result$beta
  c(result, list(parameters = parameters))
}

#' Hessian in the search's coordinates, where the curvature is near 1: with a step of 1e-3 central differences err
#' by about 1e-7 of it. Where a coefficient is hardly known (separated data) a unit is far, and the step is cut to what
#' moves the linear predictor little.
#' @noRd
difference_hessian <- function(engine, parameters, coordinates, joint = FALSE, longest = 1e-3) {
  size <- length(coordinates$searched)
  steps <- pmin(longest, 0.05 / predictor_reach(engine, coordinates))
  columns <- lapply(seq_len(size), function(j) {
    step <- steps[j]
    ends <- lapply(c(step, -step), function(length) {
      at <- place(coordinates, replace(numeric(size), j, length), parameters)
      result <- engine_evaluate(engine, at, gradient = TRUE, joint = joint)
      if (result$status == "ok") pull(coordinates, result$gradient) else rep(NA_real_, size)
    })
    (ends[[1L]] - ends[[2L]]) / (2 * step)
  })
  hessian <- matrix(unlist(columns), size, size)
  (hessian + t(hessian)) / 2
}

# How far a unit of each coordinate can move the linear predictor through beta; 0 where its scale has a unit, so that
# far has no meaning.
predictor_reach <- function(engine, coordinates) {
  if (!engine$unit_free) {
    return(numeric(length(coordinates$searched)))
  }
  reach <- numeric(length(engine$names))
  reach[engine$index$beta] <- engine$reach
  drop(reach[coordinates$searched] %*% abs(coordinates$transform))
}

# Newton's step of a maximisation and the gain it predicts; NA where -hessian is not positive definite.
newton_step <- function(hessian, gradient) {
  root <- if (all(is.finite(hessian))) tryCatch(chol(-hessian), error = function(e) NULL)
  if (is.null(root)) {
    return(list(gain = NA_real_))
  }
  direction <- backsolve(root, backsolve(root, gradient, transpose = TRUE))
  list(direction = direction, gain = sum(direction * gradient) / 2)
}

# A step, halved until the log-likelihood does not fall.
try_step <- function(engine, state, coordinates, direction, joint) {
  for (halving in 0:5) {
    moved <- evaluate_state(engine, place(coordinates, direction / 2^halving, state$parameters), joint)
    if (moved$status == "ok" && moved$value >= state$value - 1e-12 * (1 + abs(state$value))) {
      return(list(improved = TRUE, state = moved, evaluations = halving + 1L))
    }
  }
  list(improved = FALSE, evaluations = 6L)
}
