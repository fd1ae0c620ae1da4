# The Hessian at the end of a search: by differences of the exact gradient, and where it is known without them.

#' Hessian in the search's coordinates, where the curvature is near 1: with a step of 1e-3 central differences err
#' by about 1e-7 of it. With many levels the third derivative is small in these coordinates, of the order of one over
#' the root of their number, and differences to one side err by about 1e-5. Where a coefficient is hardly known
#' (separated data) a unit is far, and the step is cut to what moves the linear predictor little.
#' @noRd
difference_hessian <- function(engine, parameters, coordinates, joint = FALSE, longest = 1e-3) {
  size <- length(coordinates$searched)
  if (!size) {
    return(matrix(0, 0L, 0L))
  }
  steps <- pmin(longest, 0.05 / predictor_reach(engine, coordinates))
  known <- known_curvature(engine, parameters, coordinates)
  beta <- if (engine$inner != "given") engine$index$beta
  # with what evaluations have found of beta
  gradient_at <- function(x) {
    result <- engine_evaluate(engine, place(coordinates, x, parameters), gradient = TRUE, joint = joint)
    if (result$status != "ok") {
      return(rep(NA_real_, size + length(beta)))
    }
    c(pull(coordinates, result$gradient), result$parameters[beta])
  }
  centre <- if (min(engine$levels) >= 1000L && longest == 1e-3) gradient_at(numeric(size))
  columns <- lapply(seq_len(size), function(j) {
    if (j <= ncol(known)) {
      return(c(known[, j], rep(NA_real_, size - ncol(known)), numeric(length(beta))))
    }
    step <- steps[j]
    above <- gradient_at(replace(numeric(size), j, step))
    if (!is.null(centre)) {
      return((above - centre) / step)
    }
    (above - gradient_at(replace(numeric(size), j, -step))) / (2 * step)
  })
  slopes <- matrix(as.numeric(unlist(columns)), size + length(beta), size)
  hessian <- slopes[seq_len(size), , drop = FALSE]
  first <- seq_len(ncol(known))
  hessian[-first, first] <- t(hessian[first, -first])
  structure((hessian + t(hessian)) / 2,
            beta = if (engine$inner != "given") slopes[size + seq_along(beta), , drop = FALSE])
}

# The block of the first coordinates where it is known: that of beta from the core, or, with a Gaussian response and the
# identity link, as the information on beta; that of a linear mixed model's dispersion, at the maximum.
known_curvature <- function(engine, parameters, coordinates) {
  beta <- engine$index$beta
  none <- matrix(0, 0L, 0L)
  if (engine$inner == "joint") {
    freedom <- engine$rows - if (engine$REML) length(beta) else 0L
    return(matrix(-2 * freedom * coordinates$transform[1L, 1L]^2))
  }
  if (engine$inner != "given" || !length(beta) || !identical(coordinates$searched[seq_along(beta)], beta)) {
    return(none)
  }
  if (engine_evaluate(engine, parameters)$status != "ok") {
    return(none)
  }
  hessian <- engine_fixed_hessian(engine, parameters)
  if (!length(hessian) && engine$linear) hessian <- -engine_fixed_information(engine, parameters)
  if (!length(hessian) || !all(is.finite(hessian))) {
    return(none)
  }
  transform <- coordinates$transform[beta, beta, drop = FALSE]
  crossprod(transform, hessian %*% transform)
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

#' Curvatures and condition number of the negative Hessian
#'
#' Flat directions count as what differences of gradients can tell.
#'
#' @return List of [curvature()], and `condition`: infinite where it is not definite, `NA` where it is not known.
#' @noRd
hessian_shape <- function(hessian) {
  if (!length(hessian)) {
    return(list(condition = 1))
  }
  if (!all(is.finite(hessian))) {
    return(list(condition = NA_real_))
  }
  parts <- curvature(hessian)
  c(parts, condition = if (parts$definite) max(parts$values) / min(parts$values) else Inf)
}
