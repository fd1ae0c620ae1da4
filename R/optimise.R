# The outer optimisation of what evaluations give: a quasi-Newton search (search.R), then Newton steps with the Hessian
# that the standard errors need anyway; zero variances and perfect correlations held (boundary.R); other starts and
# optimisers where that does not arrive.

#' A search and its Newton steps, and others where it has not arrived or may have missed a higher maximum
#' @noRd
find_best <- function(engine, from, own, control) {
  best <- climb(engine, from, control)
  if (!has_arrived(best, control)) {
    best <- climb_otherwise(engine, best, own, control)
  } else if (is_suspect(engine, best)) {
    best <- climb_others(engine, best, own, control)
  }
  best
}

#' Whether a maximum is likely to be a local one: a variance is zero or huge and data are few, or modes can jump
#'
#' Few rows, or little information in a level: with a standard error of a level's own effect above 1/2 on a scale
#' without unit (rare events in many groups) the Laplace approximation can have a maximum at zero and another inside.
#' The correlation of a structure has two maxima in about one of 20 sets of 12 to 24 random effects. Modes
#' jump where a density is not log-concave; that alone is no reason where every linear predictor is allowed: of 950
#' random models of such families (as in test-random-families.R) other starts led higher from 7, all with a variance
#' of zero.
#' @noRd
is_suspect <- function(engine, best) {
  if (!engine$density[["log_concave"]] && engine$density[["bounded"]]) {
    return(TRUE)
  }
  if (length(with_other_correlations(engine, best$parameters))) {
    return(TRUE)
  }
  few <- engine$rows < 1000L
  uninformed <- engine$unit_free && max(unlist(engine$notes$sd_unit)) > 0.5
  isTRUE(few && largest_effect(engine, best$parameters) > 20 || any(best$held) && (few || uninformed))
}

# The largest standard deviation of random effects along any direction, in units of a level's own error.
largest_effect <- function(engine, parameters) {
  max(vapply(seq_along(engine$structures), function(t) {
    relative <- forwardsolve(engine$notes$error_root[[t]], engine_root(engine, t, parameters))
    if (all(is.finite(relative))) max(svd(relative, 0L, 0L)$d) else Inf
  }, 1))
}

#' A search, and Newton steps at its end with what is at the boundary held there
#'
#' @param from A state, see [new_search_state()].
#' @param rounds Whole number: how often the search may begin again from inside the boundary.
#' @return As of [maximise()]; with `rises` when the log-likelihood still rises from the boundary at the end.
#' @noRd
climb <- function(engine, from, control, rounds = 4L) {
  for (round in seq_len(rounds)) {
    best <- settle(engine, search_again(engine, from, control), control)
    inside <- leave_boundary(engine, best)
    if (is.null(inside)) {
      return(best)
    }
    from <- new_search_state(inside, record = best$record)
  }
  best$rises <- TRUE
  best
}

#' What is tried when the first search has not arrived: other starts, the simplex, the edge of what the link allows
#'
#' @param best Result of [climb()]. @param start Numeric: the parameters that the fit started from.
#' @return As of [maximise()].
#' @noRd
climb_otherwise <- function(engine, best, start, control) {
  tell(control, 1, "not arrived: other starts and another optimiser")
  best <- climb_others(engine, best, start, control)
  if (has_arrived(best, control)) {
    return(best)
  }
  if (is.finite(best$value) && !isTRUE(best$poles)) {
    from <- search_simplex(engine, best, control)
    best <- better(best, settle(engine, from, control), control)
  }
  if (has_arrived(best, control)) best else climb_edge(engine, best, start, control)
}

# `poles` in the result: whether any search ran into one. The simplex, which takes the highest, would go there.
climb_others <- function(engine, best, start, control) {
  starts <- other_starts(engine, start)
  poles <- is_pole(best)
  # what has arrived has most often come from the package's own start
  for (other in if (has_arrived(best, control)) starts[-1L] else starts) {
    from <- new_search_state(other, engine_evaluate(engine, other)$value, best$record)
    if (!is.finite(from$value)) next
    if (has_arrived(best, control)) {
      # a search tells whether there is something higher; most often it ends at the same maximum
      from <- search_again(engine, from, control)
      best$record <- from$record
      if (!isTRUE(from$value > best$value + 1e-6)) next
    }
    units <- mget(c("error_root", "sd_unit"), envir = engine$notes)
    found <- climb(engine, from, control, rounds = 2L)
    poles <- poles || is_pole(found)
    if (has_arrived(best, control) && is_infinite(engine, found, units)) {
      list2env(units, envir = engine$notes)
      best$record <- found$record
      next
    }
    # where the likelihood is exact what is higher counts, also where its search has not arrived
    exact <- engine$linear && isTRUE(found$value > best$value + 1e-6)
    best <- if (exact) found else better(best, found, control)
  }
  best$poles <- poles
  best
}

# Whether a search has run away: what Laplace's approximation says of standard deviations without end is no maximum
# beside one that is there (where levels separate the response it can rise for ever, though the likelihood falls).
is_infinite <- function(engine, found, units, limit = 1e6) {
  sds <- unlist(lapply(seq_along(engine$structures), function(t) root_sds(engine_root(engine, t, found$parameters))))
  engine$unit_free && isTRUE(any(sds > limit * unlist(units$sd_unit)))
}

#' The package's own start, and its fixed effects with all variances small, middling and large; of structures also with
#' other correlations, and of a family with a limit near that
#'
#' @return List of parameter vectors.
#' @noRd
other_starts <- function(engine, start) {
  sizes <- lapply(c(0.3, 1, 4), function(size) {
    for (t in seq_along(engine$structures)) {
      start[engine$index$theta[[t]]] <- engine$structures[[t]]$of_root(size * engine$notes$error_root[[t]])
    }
    start
  })
  c(list(start), sizes, unlist(lapply(sizes, with_other_correlations, engine = engine), recursive = FALSE),
    if (!is.null(family_traits(engine$family)$limit_family)) lapply(sizes[2:3], near_limit, engine = engine))
}

# Where the family is nearly the one that it is at its limit.
near_limit <- function(engine, parameters) {
  at <- engine$index$dispersion
  towards <- if (family_traits(engine$family)$limit == 0) -1 else 1
  replace(parameters, at, parameters[at] + towards * log(100))
}

# Parameters with other correlations in all terms of few effects whose structure has them to offer.
with_other_correlations <- function(engine, parameters, few = 100) {
  offered <- Map(function(structure, at, levels) {
    if (levels * ncol(structure$pattern) < few) structure$others(parameters[at])
  }, engine$structures, engine$index$theta, engine$levels)
  lapply(seq_len(max(lengths(offered))), function(k) {
    for (t in which(lengths(offered) >= k)) parameters[engine$index$theta[[t]]] <- offered[[t]][[k]]
    parameters
  })
}

#' Hold what is on the boundary, and take Newton steps in the rest
#'
#' @param from Result of a search.
#' @return As of [maximise()].
#' @noRd
settle <- function(engine, from, control, joint = FALSE) {
  force(from)
  counts <- engine_counts(engine)
  if (all(is.finite(from$parameters))) from <- update_information(engine, from)
  found <- hold_boundary(engine, normalise_signs(engine, from$parameters), from$value, joint)
  scale <- natural_transform(engine, found$parameters)
  # the dispersion of a linear mixed model is a parameter from here on
  if (engine$inner == "profiled") engine$inner <- "joint"
  centre <- if (joint) joint_coordinates(engine, found$parameters, scale, joint) else
    precondition(engine, found$parameters, scale)
  best <- search_newton(engine, found, free_coordinates(centre, found$held), control, joint)
  if (engine$inner != "given") {
    best <- add_fixed_effects(engine, best)
  } else if (joint) {
    # theta and dispersion are best with beta at its joint mode; the standard errors are those of Laplace there
    all <- free_coordinates(precondition(engine, best$parameters, scale), found$held)
    best$hessian <- difference_hessian(engine, best$parameters, all)
    best$coordinates <- all
  }
  best$parameters <- normalise_signs(engine, best$parameters)
  message <- paste("boundary, Hessian and", best$steps, agree(best$steps, "Newton step", "Newton steps"))
  best$record <- c(from$record, search_record("newton", engine, counts, best$value, message))
  best
}

#' The fixed effects that evaluations have found, as parameters with a covariance
#'
#' With V the covariance of the other parameters, C that of beta given them, and J the derivative of beta in them, the
#' covariance of all is [C + J V J', J V; V J', V]; of a linear mixed model fitted by maximum likelihood it is the
#' inverse of the observed information. As coordinates: a Hessian of diagonal blocks, and J in the transform.
#'
#' @param best Result of [search_newton()].
#' @return The same with beta among its coordinates, and `fixed_root`, a root of C.
#' @noRd
add_fixed_effects <- function(engine, best) {
  beta <- engine$index$beta
  p <- length(beta)
  known <- best$status == "ok" && engine_evaluate(engine, best$parameters)$status == "ok"
  information <- if (known) engine_fixed_information(engine, best$parameters)
  root <- if (length(information) == p^2) scaled_root(information)
  best$fixed_root <- if (is.null(root)) matrix(NA_real_, p, p) else root
  inner <- best$coordinates
  size <- length(inner$searched)
  along <- attr(best$hessian, "beta")
  if (is.null(along)) along <- matrix(NA_real_, p, size)
  all <- seq_len(p + size)
  hessian <- transform <- matrix(0, p + size, p + size)
  hessian[all > p, all > p] <- best$hessian
  hessian[all <= p, all <= p] <- if (is.null(root)) NA_real_ else -diag(p)
  transform[all > p, all > p] <- inner$transform
  transform[all <= p, all <= p] <- best$fixed_root
  transform[all <= p, all > p] <- along
  searched <- c(beta, inner$searched)
  in_order <- order(searched)
  best$hessian <- hessian[in_order, in_order, drop = FALSE]
  best$coordinates <- list(centre = inner$centre, transform = transform[in_order, in_order, drop = FALSE],
                           searched = searched[in_order])
  best
}
