# Signs and boundaries of L. The log-likelihood is even in each column of L, so its gradient vanishes where a column is
# zero, whether that is a maximum or not (DESIGN, "Bounds and boundaries").

#' Flip columns of L so that the first number in each is positive
#' @noRd
normalise_signs <- function(engine, parameters) {
  for (at in engine$index$theta) {
    if (length(at) == 1L) {
      parameters[at] <- abs(parameters[at])
      next
    }
    lower <- lower_triangle(parameters[at])
    flip <- apply(lower, 2L, function(column) if (any(column != 0)) sign(column[column != 0][1L]) else 1)
    parameters[at] <- lower_part(lower * rep(flip, each = nrow(lower)))
  }
  parameters
}

#' A constant of the family at infinity, where the family is another one
#' @param parameters Character: the flat ones. @param condition,limit As of [check_flat()].
#' @return [new_check()], or `NULL` where it is another matter.
#' @noRd
limit_statement <- function(parameters, engine, condition, limit) {
  traits <- family_traits(engine$family)
  if (is.null(traits$limit_family) || !identical(parameters, traits$constants)) {
    return(NULL)
  }
  new_check("limit", condition, limit, FALSE,
            paste0("the response varies no more than the family ", traits$limit_family, " allows: the likelihood is ",
                   "largest where '", names(traits$predictors)[-1L], "' is infinite. The estimates are those of that ",
                   "family"))
}

#' Hold zero standard deviations and perfect correlations, where the log-likelihood is no better inside
#'
#' A term's covariance loses its smallest principal directions, in units of a level's own errors, as long as the
#' log-likelihood does not fall. What is left, of rank r, is L L' with all but the first r columns
#' of L zero, and these are held.
#'
#' @return A state, see [new_search_state()], with `held`.
#' @noRd
hold_boundary <- function(engine, parameters, value, joint = FALSE) {
  held <- rep(FALSE, length(parameters))
  found <- parameters
  for (t in seq_along(engine$index$theta)) {
    at <- engine$index$theta[[t]]
    error <- engine$memory$error_root[[t]]
    scaled <- forwardsolve(error, lower_triangle(parameters[at]))
    # most terms are one standard deviation, and far from zero
    if (!all(is.finite(scaled)) || length(at) == 1L && abs(scaled) > 1) next
    parts <- svd(scaled)
    for (rank in rev(seq_len(nrow(error))) - 1L) {
      if (parts$d[rank + 1L] > 1) break
      kept <- seq_len(rank)
      root <- parts$u[, kept, drop = FALSE] * rep(parts$d[kept], each = nrow(error))
      lower <- lower_of_root(root)
      candidate <- replace(parameters, at, lower_part(error %*% lower))
      truncated <- engine_evaluate(engine, candidate, joint = joint)
      if (!is.finite(truncated$value) || !isTRUE(truncated$value >= value - max(1e-8, 1e-12 * abs(value)))) break
      parameters <- candidate
      found <- truncated$parameters
      value <- max(value, truncated$value)
      held[at] <- lower_part(col(lower)) > rank
    }
  }
  new_search_state(found, held = held)
}

#' A better point inside, where the log-likelihood rises from the boundary
#'
#' With Sigma the covariance of a term, S = dl/dSigma and N a basis of the null space of Sigma, the boundary is a
#' maximum only if N'SN has no positive eigenvalue. S comes from the gradient in L next to the boundary.
#'
#' @param best Result of [settle()].
#' @return Parameters inside, or `NULL` where all terms are at a maximum.
#' @noRd
leave_boundary <- function(engine, best) {
  inside <- NULL
  for (t in seq_along(engine$index$theta)) {
    at <- engine$index$theta[[t]]
    if (!any(best$held[at])) next
    error <- engine$memory$error_root[[t]]
    lower <- forwardsolve(error, lower_triangle(best$parameters[at]))
    null <- null_space(tcrossprod(lower))
    near <- lower_of_root(cbind(lower, 1e-3 * null))
    # beside effects so large, as where the dispersion goes to zero, round-off hides what is inside
    if (!isTRUE(min(abs(diag(near))) > 1e-12 * max(abs(near)))) next
    result <- engine_evaluate(engine, replace(best$parameters, at, lower_part(error %*% near)), gradient = TRUE)
    if (result$status != "ok") next
    slope <- covariance_slope(near, crossprod(error, lower_triangle(result$gradient[at])))
    rise <- eigen(crossprod(null, slope %*% null), symmetric = TRUE)
    if (rise$values[1L] > 1e-4) {
      direction <- drop(null %*% rise$vectors[, 1L])
      if (is.null(inside)) inside <- best$parameters
      inside[at] <- lower_part(error %*% lower_of_root(cbind(near, sqrt(0.1) * direction)))
    }
  }
  inside
}

null_space <- function(covariance) {
  parts <- eigen(covariance, symmetric = TRUE)
  parts$vectors[, parts$values <= 1e-10 * max(parts$values, 1), drop = FALSE]
}

#' dl/dSigma from dl/dL, Sigma = L L': with T = L'G symmetric in its lower triangle, 2 L' S L = T
#' @noRd
covariance_slope <- function(lower, gradient) {
  product <- crossprod(lower, gradient)
  product[upper.tri(product)] <- t(product)[upper.tri(product)]
  half <- backsolve(t(lower), product)
  t(backsolve(t(lower), t(half))) / 2
}
