# The verdict: did the search converge, is the Hessian positive definite, is anything on the boundary. Each
# statement carries the number that decided it.

#' Judge the result of a search
#'
#' @param found Result of [maximise()].
#' @return List: `converged`, `singular` (logical), `status` (data frame of `check`, `value`, `limit`, `ok`, `text`),
#'   `boundary` (logical, one a parameter), `covariance` (of all parameters; `NA` for those on the boundary),
#'   `separation`, `level_separation` (what [check_separation()] and [check_level_separation()] found).
#' @noRd
judge <- function(found, design, engine, method, control) {
  checks <- list(check_gain(found, control), check_hessian(-found$hessian),
                 check_boundary(nearest_boundary(found$parameters, engine, design)))
  covariance <- parameter_covariance(found, engine, !found$held)
  separation <- check_separation(covariance, engine, design)
  levels <- check_level_separation(found$parameters, engine, design)
  status <- do.call(rbind, c(checks, list(separation$status, levels$status)))
  list(converged = all(status$ok[1:2]), singular = !status$ok[3], status = status,
       boundary = stats::setNames(found$held, engine$names),
       covariance = covariance, separation = separation$found, level_separation = levels$found)
}

check_hessian <- function(information, limit = 1e10) {
  condition <- condition_number(information)
  ok <- is.finite(condition) && condition < limit
  text <- if (ok) {
    paste("Hessian positive definite, condition number", format(condition, digits = 3))
  } else if (is.na(condition)) {
    "Hessian could not be evaluated next to the estimates: standard errors are not available"
  } else if (is.finite(condition)) {
    paste("Hessian nearly singular, condition number", format(condition, digits = 3))
  } else {
    "Hessian not positive definite: standard errors are not available"
  }
  new_check("hessian", condition, limit, ok, text)
}

new_check <- function(check, value, limit, ok, text) {
  data.frame(check = check, value = value, limit = limit, ok = ok, text = text)
}

check_gain <- function(found, control) {
  gain <- found$gain
  ok <- found$status == "ok" && !is.na(gain) && gain < control$gain_limit
  text <- if (found$status != "ok") {
    paste0("the log-likelihood cannot be evaluated at the last point (", found$status, ")")
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

check_boundary <- function(ratio) {
  limit <- 1e-4
  ok <- ratio$value > limit
  text <- if (ok) {
    paste0("covariance of random effects in the interior, smallest ", ratio$what, " ", format(ratio$shown, digits = 3))
  } else {
    paste0(ratio$name, " is on the boundary (", ratio$what, " ", format(ratio$shown, digits = 3), ")")
  }
  new_check("boundary", ratio$value, limit, ok, text)
}

#' The random term nearest to a singular covariance
#'
#' A one-dimensional term is measured by its standard deviation in units of a level's own standard error, a vector
#' term by the smallest singular value of its L with rows scaled to unit length (0: a perfect correlation).
#' @noRd
nearest_boundary <- function(parameters, engine, design) {
  ratios <- lapply(seq_along(design$terms), function(t) {
    term <- design$terms[[t]]
    theta <- parameters[engine$index$theta[[t]]]
    lower <- lower_triangle(theta)
    sds <- term_sds(theta)
    relative <- sds / engine$sd_unit[[t]]
    if (length(sds) == 1L || min(relative) <= 1e-4) {
      least <- which.min(relative)
      return(list(value = relative[[least]], shown = sds[[least]], what = "SD",
                  name = paste0("SD of ", term$group, ":", term$names[least])))
    }
    singular <- min(svd(lower / sds, nu = 0L, nv = 0L)$d)
    list(value = singular, shown = singular, what = "singular value of the correlation factor",
         name = paste0("correlation within ", term$label))
  })
  ratios[[which.min(vapply(ratios, function(ratio) ratio$value, 1))]]
}

condition_number <- function(information) {
  if (!length(information)) {
    return(1)
  }
  if (!all(is.finite(information))) {
    return(NA_real_)
  }
  values <- eigen(information, symmetric = TRUE, only.values = TRUE)$values
  if (min(values) <= 0) Inf else max(values) / min(values)
}

# Inverse observed information; the search's coordinates x have parameters = centre + transform x.
parameter_covariance <- function(found, engine, free) {
  covariance <- matrix(NA_real_, length(free), length(free), dimnames = list(engine$names, engine$names))
  root <- if (all(is.finite(found$hessian))) tryCatch(chol(-found$hessian), error = function(e) NULL)
  if (is.null(root)) {
    return(covariance)
  }
  half <- backsolve(root, t(found$coordinates$transform), transpose = TRUE)
  covariance[free, free] <- crossprod(half)
  covariance
}

#' Warn of a fit that is not to be trusted
#' @noRd
warn_verdict <- function(verdict, frame) {
  warn_separation(verdict$separation, verdict$level_separation, frame)
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
