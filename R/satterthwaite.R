# Satterthwaite's degrees of freedom for a Gaussian response with identity link.

#' What Satterthwaite's method needs of a fit
#'
#' With C = (X'V^-1 X)^-1 and D_i as in [times_direction()], dC/dL_i = C N'D_i N C, and by homogeneity
#' dC/d log sigma = 2 C - sum_i L_i dC/dL_i. The covariance of the variance parameters is that of the fit: the inverse
#' of the observed information, beta profiled out (ML) or integrated out (REML); L stands for U^-1 L here, see
#' [response_covariance()]. Parameters held on the boundary are taken as known. A row of degrees of freedom does not
#' depend on how the variance parameters are chosen.
#'
#' @return List: `covariance` (C, in the user's columns), `slopes` (list of matrices p x p, dC by variance parameter),
#'   `variance` (covariance matrix of the variance parameters).
#' @noRd
satterthwaite_parts <- function(fit, system = response_covariance(fit)) {
  c(slopes_of(system), list(variance = observed_variance(fit, system)))
}

# The inverse of the observed information on the variance parameters along the directions, and log sigma.
observed_variance <- function(fit, system) {
  free <- c(vapply(system$directions, `[[`, 1L, "position"), fit$index$dispersion)
  tcrossprod(standardised_root(fit, system$layout)[free, , drop = FALSE])
}

# The root of the parameters' covariance with those of variance_directions() for theta.
standardised_root <- function(fit, layout) {
  root <- fit$covariance_root
  for (t in seq_along(fit$random)) {
    term <- fit$random[[t]]
    at <- fit$index$theta[[t]]
    root[at, ] <- structure_of(term)$direction_root(root[at, , drop = FALSE], term_scaling(term, layout))
  }
  root
}

#' C and its derivatives
#' @noRd
slopes_of <- function(system) {
  covariance <- system$from %*% system$covariance %*% t(system$from)
  slopes <- lapply(direction_products(system), function(product) {
    half <- system$from %*% system$covariance
    half %*% product %*% t(half)
  })
  values <- vapply(system$directions, `[[`, 1, "value")
  last <- Reduce(`-`, Map(`*`, values, slopes), 2 * covariance)
  list(covariance = covariance, slopes = c(slopes, list(last)))
}

#' N'D_i N by direction, from the cross products of N within each grouping factor, over the covariance
#' between its levels
#' @noRd
direction_products <- function(system) {
  p <- ncol(system$N)
  pairs <- lapply(system$layout, function(own) {
    rows <- own$start + seq_len(own$effects * own$levels)
    by_level <- aperm(array(system$N[rows, ], c(own$effects, own$levels, p)), c(2L, 1L, 3L))
    by_level <- matrix(by_level, own$levels)
    array(crossprod(by_level, times_level_covariance(own$known, by_level)), c(own$effects, p, own$effects, p))
  })
  lapply(system$directions, function(direction) {
    slope <- direction$slope
    product <- matrix(0, p, p)
    for (at in which(slope != 0)) {
      product <- product + slope[at] * matrix(pairs[[direction$factor]][row(slope)[at], , col(slope)[at], ], p)
    }
    product
  })
}

#' Degrees of freedom of single contrasts: 2 (l'Cl)^2 / (g'Ag), g the gradient of l'Cl
#'
#' @param contrasts Matrix, a row each. @param parts Result of [satterthwaite_parts()].
#' @return Numeric; infinite where no variance parameter matters, `NA` where their covariance is not known.
#' @noRd
satterthwaite_df <- function(contrasts, parts) {
  value <- rowSums((contrasts %*% parts$covariance) * contrasts)
  gradient <- vapply(parts$slopes, function(slope) rowSums((contrasts %*% slope) * contrasts), numeric(nrow(contrasts)))
  gradient <- matrix(gradient, nrow(contrasts))
  2 * value^2 / rowSums((gradient %*% parts$variance) * gradient)
}

#' Denominator degrees of freedom of a joint test
#'
#' The contrasts are turned into uncorrelated ones; F is the mean of their t^2, and its distribution has the degrees of
#' freedom of the F variable with the same expectation.
#'
#' @param contrasts Matrix, a row each.
#' @return List: `statistic` (F), `numerator` (rank), `df`.
#' @noRd
satterthwaite_test <- function(contrasts, estimate, parts) {
  axes <- uncorrelated_contrasts(contrasts, parts$covariance)
  df <- satterthwaite_df(axes$contrasts, parts)
  list(statistic = mean(drop(axes$contrasts %*% estimate)^2 / axes$variances), numerator = nrow(axes$contrasts),
       df = pool_df(df))
}

#' Uncorrelated contrasts that span the same space
#'
#' In the units given, as other software has them, unless these hide that the contrasts are independent.
#' @return List: `contrasts` (matrix of full rank), `variances`.
#' @noRd
uncorrelated_contrasts <- function(contrasts, covariance) {
  axes <- principal_contrasts(contrasts, covariance)
  if (length(axes$variances) == nrow(contrasts)) {
    return(axes)
  }
  se <- sqrt(rowSums((contrasts %*% covariance) * contrasts))
  scaled <- principal_contrasts(contrasts / ifelse(se > 0, se, 1), covariance)
  if (length(scaled$variances) > length(axes$variances)) scaled else axes
}

principal_contrasts <- function(contrasts, covariance) {
  parts <- eigen(contrasts %*% covariance %*% t(contrasts), symmetric = TRUE)
  kept <- which(parts$values > max(0, parts$values[1L]) * sqrt(.Machine$double.eps))
  list(contrasts = crossprod(parts$vectors[, kept, drop = FALSE], contrasts), variances = parts$values[kept])
}

# An F variable with df degrees of freedom has expectation df / (df - 2), and none at or below 2.
pool_df <- function(df) {
  if (anyNA(df)) {
    return(NA_real_)
  }
  if (max(df) - min(df) < 1e-8 * max(df) || all(is.infinite(df))) {
    return(mean(df))
  }
  if (any(df <= 2)) {
    return(2)
  }
  excess <- sum(2 / (df - 2))
  2 + 2 * length(df) / excess
}
