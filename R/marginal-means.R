# Means of responses averaged over the random effects, row by row, and their derivatives in the parameters.

#' Averaged means
#'
#' For one row only the variance of its linear predictor counts, whatever the random effects: the mean is that of
#' g^-1(eta + s z) over a standard normal z, s^2 = z'Sigma z of the row's random effects. By the trapezoid rule, whose
#' error falls like exp(-2 pi d / h) with the step h, d the distance of the nearest pole (pi / s for the logit, 1 / s
#' for the cauchit; Trefethen and Weideman 2014, SIAM Review 56:385).
#'
#' @param fit Object of class `glimmer`. @param rows Result of [prediction_rows()] with all random effects.
#' @param with_slopes Logical: with the derivatives.
#' @return List: `mean` (one a row), and with slopes `slopes`, matrix, a row a row, a column a parameter.
#' @noRd
averaged_means <- function(fit, rows, with_slopes = TRUE) {
  eta <- rows$offset + drop(rows$X %*% fit$parameters[fit$index$beta])
  parts <- row_variances(fit, rows, with_slopes)
  sd <- sqrt(parts$variance)
  averages <- average_over_normal(fit, eta, sd)
  if (!with_slopes) {
    return(list(mean = averages$mean))
  }
  slopes <- matrix(0, length(eta), length(fit$parameters), dimnames = list(NULL, names(fit$parameters)))
  slopes[, fit$index$beta] <- averages$by_eta * rows$X
  # where no random effect enters a row its variance does not move
  by_variance <- ifelse(sd > 1e-8, averages$by_sd / (2 * sd), 0)
  at <- unlist(fit$index$theta)
  slopes[, at] <- by_variance * parts$slopes
  slopes[, fit$index$dispersion] <- averages$by_constant
  list(mean = averages$mean, slopes = slopes)
}

#' The variance of each row's random part, and its derivatives in theta
#' @return List: `variance`; `slopes`, a row a row, a column each of theta, term by term.
#' @noRd
row_variances <- function(fit, rows, slopes = TRUE) {
  variance <- numeric(nrow(rows$X))
  by_term <- lapply(seq_along(fit$random), function(t) {
    term <- fit$random[[t]]
    Z <- rows$random[[term$factor]]$Z[, term$columns, drop = FALSE]
    structure <- structure_of(term)
    theta <- fit$parameters[fit$index$theta[[t]]]
    root <- structure$lambda(theta)
    scale <- level_variance(fit$factors[[term$factor]])
    scaled <- Z %*% root
    variance <<- variance + scale * rowSums(scaled^2)
    if (!slopes) {
      return(NULL)
    }
    # by each entry of L, then of L by theta
    entries <- which(row(root) >= col(root), arr.ind = TRUE)
    by_entry <- 2 * scale * Z[, entries[, 1L], drop = FALSE] * scaled[, entries[, 2L], drop = FALSE]
    of_theta <- lapply(seq_len(nrow(entries)), function(k) {
      structure$pull_back(theta, replace(matrix(0, nrow(root), ncol(root)), entries[k, , drop = FALSE], 1))
    })
    by_entry %*% do.call(rbind, of_theta)
  })
  list(variance = variance, slopes = do.call(cbind, by_term))
}

#' Means of g^-1(eta + sd z), z standard normal, and their derivatives
#'
#' `NA` where the link does not allow all of them.
#' @return List of numeric vectors: `mean`, `by_eta`, `by_sd`, `by_constant` (in the logarithm of the family's
#'   constant).
#' @noRd
average_over_normal <- function(fit, eta, sd) {
  family <- fit$family
  constant <- constant_of(fit)
  widest <- max(sd, 0)
  step <- min(0.4, (if (family$link == "cauchit") 0.3 else 0.7) / widest)
  reach <- 8.5 + if (is.finite(family_traits(family)$mean_range[2L])) 0 else widest
  z <- seq(-ceiling(reach / step), ceiling(reach / step)) * step
  weight <- stats::dnorm(z) * step
  # rows with the same predictor and variance are one
  pair <- complex(real = eta, imaginary = sd)
  distinct <- !duplicated(pair)
  position <- match(pair, pair[distinct])
  blocks <- split(which(distinct), ceiling(seq_len(sum(distinct)) * length(z) / 2e6))
  parts <- lapply(blocks, function(own) {
    at <- eta[own] + outer(sd[own], z)
    mean <- matrix(family$linkinv(c(at)), length(own))
    slope <- matrix(family$mu.eta(c(at)), length(own)) * c(response_slope(family, mean, constant))
    mean_at <- function(constant) drop(matrix(response_mean(family, mean, constant), length(own)) %*% weight)
    moves <- !is.null(family_traits(family)$response_mean) && length(constant)
    by_constant <- if (moves) (mean_at(constant * exp(1e-4)) - mean_at(constant * exp(-1e-4))) / 2e-4 else 0
    cbind(mean_at(constant), drop(slope %*% weight), drop(slope %*% (weight * z)), by_constant)
  })
  found <- do.call(rbind, parts)[position, , drop = FALSE]
  range <- linear_range(family)
  found[eta - 8 * sd < range[1L] | eta + 8 * sd > range[2L], ] <- NA_real_
  list(mean = found[, 1L], by_eta = found[, 2L], by_sd = found[, 3L], by_constant = found[, 4L])
}

# Some rows of prediction_rows().
chosen_rows <- function(rows, at) {
  rows$X <- rows$X[at, , drop = FALSE]
  rows$offset <- rows$offset[at]
  for (k in seq_along(rows$random)) rows$random[[k]]$Z <- rows$random[[k]]$Z[at, , drop = FALSE]
  rows
}

# All rows of the fit, or of new data, with all of their random effects; groups need not be known.
averaging_rows <- function(fit, newdata = NULL) {
  given <- attr(newdata, "offset")
  if (!is.null(given)) fit$frame[["(offset)"]] <- NULL
  rows <- prediction_rows(fit, newdata, select_random(fit, NULL))
  if (!is.null(given)) rows$offset <- rows$offset + given
  if (length(rows$without_value)) {
    stop_glimmer("missing", paste0("There are missing values, or effects that the data do not determine, in ",
                                   format_rows(rows$names[rows$without_value]), "."),
                 rows = rows$names[rows$without_value])
  }
  rows
}

# Of all parameters; those on the boundary are known there.
known_covariance_of <- function(fit, given) {
  types <- setdiff(covariance_types, "CR2")
  covariance <- if (is.null(given)) {
    fit$covariance
  } else if (is.character(given)) {
    vcov.glimmer(fit, full = TRUE, type = match_choice(given, types, "vcov."))
  } else {
    given
  }
  size <- length(fit$parameters)
  if (!is.matrix(covariance) || !is.numeric(covariance) || !identical(dim(covariance), c(size, size))) {
    stop_glimmer("argument", paste0("`vcov.` must be a covariance matrix of all parameters, ", size, " x ", size,
                                    ", or one of ", format_items(types), "."), argument = "vcov.")
  }
  covariance[is.na(covariance) & outer(fit$boundary, fit$boundary, "|")] <- 0
  covariance
}

# Which group a row belongs to does not matter; the grouping variables may be absent.
with_any_group <- function(fit, newdata) {
  groups <- unique(unlist(lapply(fit$random, function(term) all.vars(term$group_expression))))
  for (name in setdiff(groups, names(newdata))) {
    if (name %in% names(fit$frame)) newdata[[name]] <- rep(fit$frame[[name]][1L], nrow(newdata))
  }
  newdata
}
