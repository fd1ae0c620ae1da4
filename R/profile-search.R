# The profile log-likelihood: the largest with one quantity held, a fixed effect, a standard deviation, a correlation or
# the family's constant. All other parameters move; the search is that of the fit, with exact gradients.

#' What can be profiled: the rows of confint()
#'
#' @param fit Object of class `glimmer`.
#' @return List by row of [confint.glimmer()] of lists: `estimate` (by REML of fixed effects that of the fit), `se` (on
#'   the scale of `estimate`; `NA` on the boundary), `range` (what the quantity can be), `report` (function: from that
#'   scale to the one that users see), `fixed` (logical: a fixed effect), `hold` (function of the parameters of a search
#'   and a value: parameters in which the quantity has that value), `pull` (function of these two and of a gradient at
#'   what `hold` gives: the gradient in what it was given).
#' @noRd
profiled_quantities <- function(fit) {
  table <- covariance_table(fit)
  fixed <- lapply(fit$index$beta, function(at) {
    parameter_quantity(at, fit$parameters[[at]], sqrt(fit$covariance[at, at]), fixed = TRUE)
  })
  others <- lapply(seq_len(nrow(table)), function(k) {
    row <- table[k, ]
    if (is.na(row$term)) constant_quantity(fit, row) else entry_quantity(fit, row)
  })
  stats::setNames(c(fixed, others), make.unique(c(names(fixef.glimmer(fit)), interval_names(table))))
}

# A single parameter.
parameter_quantity <- function(at, estimate, se, report = identity, fixed = FALSE) {
  list(estimate = estimate, se = se, range = c(-Inf, Inf), report = report, fixed = fixed,
       hold = function(parameters, value) replace(parameters, at, value),
       pull = function(parameters, value, gradient) replace(gradient, at, 0))
}

# Profiled as its logarithm.
constant_quantity <- function(fit, row) {
  at <- fit$index$dispersion
  power <- family_traits(fit$family)$sigma_power
  se <- if (row$boundary) NA_real_ else sqrt(fit$covariance[at, at])
  parameter_quantity(at, fit$parameters[[at]], se, function(x) exp(power * x))
}

# Of what theta at these places says: `theta_with` is a function of theta and a value.
held_entries <- function(at, theta_with) {
  list(hold = function(parameters, value) replace(parameters, at, theta_with(parameters[at], value)),
       pull = function(parameters, value, gradient) {
         slopes <- jacobian(function(theta) theta_with(theta, value), parameters[at])
         replace(gradient, at, drop(crossprod(slopes, gradient[at])))
       })
}

entry_quantity <- function(fit, row) {
  at <- fit$index$theta[[row$term]]
  structure <- structure_of(fit$random[[row$term]], searched = TRUE)
  correlation <- row$kind == "cor"
  slope <- if (correlation) 1 - row$estimate^2 else row$estimate
  theta_with <- function(theta, value) structure$with_entry(theta, row$row, row$column, value)
  range <- if (correlation) structure$correlation_range else c(0, Inf)
  c(list(estimate = row$estimate, se = slope * row$se, range = range,
         report = identity, fixed = FALSE), held_entries(at, theta_with))
}

#' A fit opened for profiles
#'
#' @param design Result of [fit_design()].
#' @return List: `fit`, `engine`, `parameters` (of a search, see [with_coordinates()]) and `value` of the maximum,
#'   `root` (matrix R with R R' near the covariance of the parameters, in which searches move; rows of what an
#'   evaluation finds are zero), and if the nodes of a quadrature are not to be chosen at each place, `rule`.
#' @noRd
open_profile <- function(fit, design = fit_design(fit)) {
  layout <- engine_layout(design, fit$family, if (fit$REML) "integrated" else "given")
  layout <- with_coordinates(layout, design$terms, searched = TRUE)
  engine <- to_order_of(fit, open_engine(layout, design, fit$family, fit$control$threads))
  parameters <- change_coordinates(engine, fit$parameters, "searched")
  opened <- list(fit = fit, engine = engine, parameters = parameters)
  update_information(engine, list(parameters = parameters))
  opened$value <- place_profile(opened, parameters)
  root <- fit$covariance_root / coordinate_slopes(engine, parameters)
  # what has no standard error moves in units of its own
  open <- which(!is.finite(rowSums(root)) | rowSums(root^2) == 0)
  root[open, ] <- 0
  opened$root <- cbind(root, natural_transform(engine, parameters)[, open, drop = FALSE])
  if (fit$REML) opened$root[fit$index$beta, ] <- 0
  opened
}

# The value at parameters; by quadrature with nodes placed there, which then stay.
place_profile <- function(opened, parameters) {
  if (!is.null(opened$rule)) {
    return(place_given_rule(opened$engine, opened$rule, parameters)$value)
  }
  evaluate_by_rule(opened$engine, parameters, opened$fit$quadrature, opened$fit$control, finer = FALSE)
}

# Around the means that the rule has found at the modes.
place_given_rule <- function(engine, rule, parameters) {
  engine_set_rule(engine, rule)
  if (engine_place_rule(engine, parameters) != "ok") {
    return(list(status = "mode_not_found", value = -Inf))
  }
  if (engine_pass(engine, parameters, 0L)$status == "ok") engine_place_rule(engine)
  engine_pass(engine, parameters, 0L)
}

#' The largest log-likelihood with a quantity held at a value
#'
#' Where an effect does not vary the gradient in its column of L vanishes, maximum or not: searches begin inside, and
#' one that ends next to the boundary is followed by another from farther inside.
#'
#' @param starts List of parameters near, the first one that has a value is taken.
#' @return List: `value` (`-Inf` where there is none), `parameters`.
#' @noRd
maximise_holding <- function(opened, quantity, value, starts) {
  best <- maximise_from(opened, quantity, value, lapply(starts, move_inside, opened))
  if (!is.finite(best$value) || smallest_effect_at(opened, best$parameters) > 0.1) {
    return(best)
  }
  again <- maximise_from(opened, quantity, value, rep(list(move_inside(best$parameters, opened, 10)), 2L))
  if (again$value > best$value) again else best
}

# No standard deviation, along any direction of its term, below a tenth of so many units of a level's own error.
move_inside <- function(parameters, opened, units = 1) {
  engine <- opened$engine
  parameters <- normalise_signs(engine, parameters)
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    parameters[at] <- engine$structures[[t]]$inside(parameters[at], units * engine$notes$error_root[[t]])
  }
  parameters
}

smallest_effect_at <- function(opened, parameters) {
  smallest_effect(opened$engine, list(parameters = parameters, held = rep(FALSE, length(parameters))))
}

maximise_from <- function(opened, quantity, value, starts) {
  best <- list(value = -Inf, parameters = starts[[1L]])
  # by quadrature the places follow, until the maximum of the frozen rule moves no more
  for (round in seq_len(if (is.null(opened$fit$quadrature)) 1L else 4L)) {
    begin <- place_profile(opened, quantity$hold(best$parameters, value))
    if (!is.finite(begin) && round == 1L) {
      best$parameters <- starts[[2L]]
      begin <- place_profile(opened, quantity$hold(best$parameters, value))
    }
    if (!is.finite(begin)) break
    before <- best$value
    best <- search_holding(opened, quantity, value, best$parameters, begin)
    if (abs(best$value - before) < 1e-6) break
  }
  best$parameters <- quantity$hold(best$parameters, value)
  best
}

# One search by stats::nlminb(), in coordinates in which the log-likelihood is close to a unit sphere. Nearly every
# value is followed by its gradient, so that both are asked for at once.
search_holding <- function(opened, quantity, value, start, begin) {
  place <- function(x) start + drop(opened$root %*% x)
  last <- NULL
  evaluate <- function(x) {
    if (!identical(x, last$x)) {
      last <<- c(engine_evaluate(opened$engine, quantity$hold(place(x), value), gradient = TRUE), list(x = x))
    }
    last
  }
  objective <- function(x) {
    found <- evaluate(x)$value
    if (is.finite(found)) begin - found + 1 else Inf
  }
  gradient <- function(x) {
    result <- evaluate(x)
    if (result$status != "ok") {
      return(numeric(length(x)))
    }
    -drop(crossprod(opened$root, quantity$pull(place(x), value, result$gradient)))
  }
  size <- ncol(opened$root)
  limits <- list(eval.max = 200L, iter.max = 100L, rel.tol = max(1e-9, 1e-13 * abs(begin)), x.tol = 0, sing.tol = 1e-20)
  found <- run_nlminb(objective, gradient, size, rep(-Inf, size), limits)
  list(value = begin + 1 - objective(found$par), parameters = place(found$par))
}

#' The derivative of a function of real numbers that complex ones can be put into
#'
#' By a step along the imaginary axis, which loses no digits (Squire and Trapp 1998, SIAM Review 40:110).
#' @return Matrix, a column an argument.
#' @noRd
jacobian <- function(of, at) {
  step <- 1e-20
  columns <- lapply(seq_along(at), function(j) {
    Im(of(replace(at + 0i, j, complex(real = at[j], imaginary = step)))) / step
  })
  do.call(cbind, columns)
}

#' The signed root of twice what a value of a quantity costs of the log-likelihood, zeta
#'
#' @param opened [open_profile()]. @param quantity One of [profiled_quantities()].
#' @return List of two functions: `evaluate`, of a value, which remembers what it has found; and `found`, which gives
#'   that as a data frame of `value` (as reported), `zeta` and `logLik`, and `parameters` (as of the fit), a matrix, a
#'   row a value; without those at which there is no log-likelihood.
#' @noRd
zeta_of <- function(opened, quantity) {
  values <- c(quantity$estimate)
  points <- list(list(value = opened$value, parameters = opened$parameters))
  evaluate <- function(value) {
    known <- match(value, values)
    if (is.na(known)) {
      point <- maximise_holding(opened, quantity, value, starts_at(values, points, value))
      values <<- c(values, value)
      points <<- c(points, list(point))
      known <- length(values)
    }
    zeta_at(value, points[[known]]$value)
  }
  zeta_at <- function(value, log_likelihood) {
    sign(value - quantity$estimate) * sqrt(2 * pmax(opened$value - log_likelihood, 0))
  }
  list(evaluate = evaluate, found = function() {
    log_likelihood <- vapply(points, function(point) point$value, 1)
    reported <- quantity$report(values)
    parameters <- lapply(points, function(point) change_coordinates(opened$engine, point$parameters, "natural"))
    out <- data.frame(value = reported, zeta = sign(reported - reported[1L]) * abs(zeta_at(values, log_likelihood)),
                      logLik = log_likelihood)
    out$parameters <- do.call(rbind, parameters)
    out <- out[order(reported), ][is.finite(log_likelihood[order(reported)]), ]
    row.names(out) <- NULL
    out
  })
}

# Parameters at a value by a line through those at the two nearest values, and those at the nearest.
starts_at <- function(values, points, value) {
  usable <- vapply(points, function(point) is.finite(point$value), NA)
  values <- values[usable]
  points <- points[usable]
  nearest <- order(abs(values - value))[seq_len(min(2L, length(values)))]
  parameters <- lapply(points[nearest], function(point) point$parameters)
  if (length(nearest) < 2L) {
    return(parameters[c(1L, 1L)])
  }
  slope <- (parameters[[1L]] - parameters[[2L]]) / diff(values[nearest[2:1]])
  list(parameters[[1L]] + slope * (value - values[nearest[1L]]), parameters[[1L]])
}

#' The value of a quantity at which zeta reaches a limit
#'
#' @param zeta Result of [zeta_of()]. @param to Number: the limit, negative for the lower one.
#' @return Number; the end of the range where zeta does not reach the limit on the way there.
#' @noRd
profile_limit <- function(zeta, quantity, to) {
  side <- sign(to)
  end <- quantity$range[if (side < 0) 1L else 2L]
  cost <- function(value) min(abs(zeta$evaluate(value)), 10 * abs(to)) - abs(to)
  if (abs(quantity$estimate - end) < 1e-8) {
    return(end)
  }
  unit <- if (isTRUE(quantity$se > 0)) quantity$se else 1
  if (is.finite(end)) {
    outside <- end
    if (cost(end) <= 0) {
      return(end)
    }
  } else {
    outside <- Find(function(value) cost(value) > 0, quantity$estimate + side * abs(to) * unit * 2^(0:5) * 1.1)
    if (is.null(outside)) {
      return(end)
    }
  }
  stats::uniroot(cost, sort(c(quantity$estimate, outside)), tol = 1e-5 * unit)$root
}
