# The verdict: did the search converge, is the Hessian positive definite, is anything on the boundary. Each
# statement carries the number that decided it.

#' Judge the result of a search
#'
#' @param found Result of [maximise()].
#' @return List: `converged`, `singular` (logical), `status` (data frame of `check`, `value`, `limit`, `ok`, `text`, a
#'   row a statement), `boundary` (logical, one a parameter), `covariance` (of all parameters; `NA` for those on the
#'   boundary), `separation`, `level_separation`, `identification` (what the checks of these names found).
#' @noRd
judge <- function(found, design, engine, method, control) {
  covariance <- parameter_covariance(found, engine, !found$held)
  boundary <- check_boundary(found, engine, design)
  separation <- check_separation(covariance, engine, design)
  levels <- check_level_separation(found$parameters, engine, design)
  flat <- if (all(separation$status$ok, levels$status$ok)) check_identification(found, engine)
  status <- rbind(check_gain(found, control), check_hessian(found), boundary, separation$status, levels$status,
                  flat$status, check_edge(found))
  list(converged = all(status$ok[1:2]), singular = !all(boundary$ok), status = status,
       boundary = stats::setNames(found$held, engine$names), covariance = covariance, separation = separation$found,
       level_separation = levels$found, identification = flat$found)
}

check_hessian <- function(found) {
  condition <- condition_number(found$hessian)
  ok <- is.finite(condition)
  text <- if (ok) {
    paste("Hessian positive definite, condition number", format(condition, digits = 3))
  } else if (is.na(condition)) {
    "Hessian could not be evaluated next to the estimates: standard errors are not available"
  } else {
    "Hessian not positive definite: standard errors are not available"
  }
  new_check("hessian", condition, Inf, ok, text)
}

#' Parameters that the data hardly determine: a direction in which the log-likelihood is nearly flat
#'
#' Asked only where the separation of the data is not the cause.
#' @return List: `status`; `found`, a list of `parameters` (character) and `condition`. `NULL` where there is none.
#' @noRd
check_identification <- function(found, engine, limit = 1e6) {
  condition <- condition_number(found$hessian)
  if (!is.finite(condition) || condition < limit) {
    return(NULL)
  }
  parts <- curvature(found$hessian)
  # in units of the parameters' own standard errors
  flattest <- abs(drop(found$coordinates$transform %*% parts$vectors[, which.min(parts$values)]))
  share <- flattest / pmax(sqrt(rowSums(found$coordinates$transform^2)), 1e-300)
  parameters <- engine$names[found$coordinates$searched][share > 0.1 * max(share)]
  text <- paste0("the data hardly determine ", format_items(parameters), ": the log-likelihood is nearly flat there ",
                 "(condition number ", format(condition, digits = 2), ")")
  list(status = new_check("identification", condition, limit, FALSE, text),
       found = list(parameters = parameters, condition = condition, text = text))
}

# Rows whose linear predictor is at the edge of what the link allows.
check_edge <- function(found) {
  if (is.null(found$edge)) {
    return(NULL)
  }
  new_check("edge", found$edge, 0, FALSE,
            paste0("maximum on the edge of what the link allows, in ", found$edge, " ",
                   ngettext(found$edge, "row", "rows"), ": standard errors hold for parameters that stay on it"))
}

new_check <- function(check, value, limit, ok, text) {
  data.frame(check = check, value = value, limit = limit, ok = ok, text = text)
}

check_gain <- function(found, control) {
  gain <- found$gain
  ok <- found$status == "ok" && !is.na(gain) && gain < control$gain_limit
  text <- if (found$status != "ok") {
    paste0("the log-likelihood cannot be evaluated at the last point (", found$status, ")")
  } else if (is_pole(found)) {
    "the Laplace approximation has a pole here: a conditional mode is about to vanish (the density is not log-concave)"
  } else if (is.na(gain)) {
    "no predicted gain: the Hessian is not positive definite"
  } else {
    paste0("predicted gain of a further step ", format_gain(gain), " log-likelihood units")
  }
  new_check("convergence", gain, control$gain_limit, ok, text)
}

# Below 1e-10 the gain is round-off, and its digits say nothing.
format_gain <- function(gain) {
  if (!is.na(gain) && gain < 1e-10) "below 1e-10" else format(gain, digits = 2)
}

#' One statement for each term whose covariance is singular, or one that none is
#' @noRd
check_boundary <- function(found, engine, design) {
  limit <- 1e-4
  measures <- lapply(seq_along(design$terms), function(t) {
    theta <- found$parameters[engine$index$theta[[t]]]
    boundary_measure(theta, engine$sd_unit[[t]], design$terms[[t]], limit)
  })
  values <- vapply(measures, function(measure) measure$value, 1)
  singular <- which(values <= limit)
  if (!length(singular)) {
    nearest <- measures[[which.min(values)]]
    return(new_check("boundary", min(values), limit, TRUE,
                     paste0("covariance of random effects in the interior, smallest ", nearest$what, " ",
                            format(nearest$shown, digits = 3))))
  }
  rows <- lapply(measures[singular], function(measure) {
    new_check("boundary", measure$value, limit, FALSE,
              paste0(measure$name, " is on the boundary (", measure$what, " ", format(measure$shown, digits = 3), ")"))
  })
  do.call(rbind, rows)
}

#' How near a random term is to a singular covariance, and what is then singular
#'
#' A standard deviation is measured in units of a level's own standard error, the correlations by the smallest singular
#' value of L with rows scaled to unit length (0: a perfect correlation).
#'
#' @return List: `value`, `shown`, `what`, `name`.
#' @noRd
boundary_measure <- function(theta, unit, term, limit) {
  lower <- lower_triangle(theta)
  sds <- term_sds(theta)
  relative <- sds / unit
  zero <- relative <= limit
  if (length(sds) == 1L || any(zero)) {
    least <- if (any(zero)) which(zero) else which.min(relative)
    return(list(value = min(relative), shown = min(sds), what = "SD",
                name = paste("SD of", paste0(term$group, ":", term$names[least], collapse = ", "))))
  }
  singular <- min(svd(lower / sds, nu = 0L, nv = 0L)$d)
  list(value = singular, shown = singular, what = "singular value of the correlation factor",
       name = correlation_name(lower / sds, term))
}

# With two effects the correlation itself; with more there may be several, and only their number is certain.
correlation_name <- function(lower, term) {
  if (nrow(lower) == 2L) {
    sign <- if (lower[2L, 1L] < 0) "-1" else "1"
    return(paste0("correlation of ", format_items(term$names), " within ", term$group, ", near ", sign, ","))
  }
  rank <- sum(svd(lower, nu = 0L, nv = 0L)$d > 1e-4)
  paste0("correlation within ", term$label, ", whose ", nrow(lower), " effects have rank ", rank, ",")
}

# Of the negative Hessian, flat directions counted as what differences of gradients can tell.
condition_number <- function(hessian) {
  if (!length(hessian)) {
    return(1)
  }
  if (!all(is.finite(hessian))) {
    return(NA_real_)
  }
  parts <- curvature(hessian)
  if (parts$definite) max(parts$values) / min(parts$values) else Inf
}

# Inverse observed information; the search's coordinates x have parameters = centre + transform x.
parameter_covariance <- function(found, engine, free) {
  covariance <- matrix(NA_real_, length(free), length(free), dimnames = list(engine$names, engine$names))
  if (!is.finite(condition_number(found$hessian)) || !length(found$hessian)) {
    return(covariance)
  }
  parts <- curvature(found$hessian)
  half <- found$coordinates$transform %*% (parts$vectors / rep(sqrt(parts$values), each = nrow(parts$vectors)))
  covariance[free, free] <- tcrossprod(half)
  covariance
}

#' Warn of a fit that is not to be trusted
#' @noRd
warn_verdict <- function(verdict, frame) {
  warn_separation(verdict$separation, verdict$level_separation, frame)
  if (!is.null(verdict$identification)) warn_identification(verdict$identification)
  if (verdict$converged) {
    return(invisible())
  }
  bad <- verdict$status[!verdict$status$ok & verdict$status$check %in% c("convergence", "hessian"), ]
  warn_glimmer("convergence", paste0("The fit did not converge: ", paste(bad$text, collapse = "; "), ". Do not rely ",
                                     "on its estimates and standard errors: simplify the model, look for ",
                                     "covariates that separate the response, or give other starting values by ",
                                     "`start`."),
               checks = bad$check, values = bad$value)
}

warn_identification <- function(flat) {
  warn_glimmer("identification", paste0("In this fit ", flat$text, ". Their estimates and standard errors mean ",
                                        "little: simplify the model."),
               parameters = flat$parameters, value = flat$condition)
}
