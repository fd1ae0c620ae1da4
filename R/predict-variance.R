# Variance of prediction: from the covariance of beta and b given the variance parameters, without a matrix that has a
# row for each row of the data and a column for each random effect.

#' Variance of prediction of the linear predictor
#'
#' For a row with fixed effects x and random effects z, of which a = Lambda'z are the coefficients of u,
#' the variance is c' S^-1 c + a' H^-1 a with H = A'WA + I, S = X'W (X - A H^-1 A'WX) and c = x - X'WA H^-1 a. The
#' levels that the fit does not know add z' Sigma z, with a known covariance between levels times a typical variance of
#' its levels; the inverse of that covariance stands for I then. A row without a known level has the variance of x'beta
#' by vcov() instead of the first part.
#'
#' @param rows Result of [prediction_rows()].
#' @return Numeric, one number a row.
#' @noRd
prediction_variance <- function(fit, rows) {
  known <- has_known_level(rows)
  if (!any(known)) {
    return(fixed_variance(fit, rows) + new_level_variance(fit, rows))
  }
  variance <- joint_variance(fit, rows)
  if (!all(known)) variance[!known] <- (fixed_variance(fit, rows) + new_level_variance(fit, rows))[!known]
  variance
}

# From the joint covariance of beta and b.
joint_variance <- function(fit, rows) {
  system <- joint_information(fit)
  root <- scaled_root(system$information)
  if (is.null(root)) {
    warn_glimmer("standard_error", paste0("The information on the fixed effects is not positive definite: standard ",
                                          "errors of prediction are not available."))
    return(rep(NA_real_, nrow(rows$X)))
  }
  if (!is.null(system$from)) rows$X <- rows$X %*% system$from
  coefficients <- (rows$X - fixed_shift(system$shift, rows)) %*% root
  rowSums(coefficients^2) + random_variance(fit, system, rows) + new_level_variance(fit, rows)
}

# x'V x with V = vcov(fit), which has the uncertainty of the variance parameters in it but for linear mixed models.
fixed_variance <- function(fit, rows) {
  root <- fit$fixed_root
  if (anyNA(root)) {
    warn_glimmer("standard_error", paste0("The covariance of the fixed effects is not known: standard errors of ",
                                          "prediction are not available."))
    return(rep(NA_real_, nrow(rows$X)))
  }
  rowSums((rows$X %*% root)^2)
}

# Whether the fit knows the level of some grouping factor of the row.
has_known_level <- function(rows) {
  known <- rep(FALSE, nrow(rows$X))
  for (random in Filter(Negate(is.null), rows$random)) known <- known | !is.na(random$position[random$codes])
  known
}

#' The information on beta with the random effects eliminated, and what the random effects need
#'
#' In a well-conditioned basis of X where the user's columns are not one.
#' @return List: `information` (S); `shift`, a list by grouping factor of lists by column of Z of matrices level x
#'   column of X, the derivative of -b in beta; `from`, see [find_basis()]; and but for one factor with
#'   independent levels `root`, the Cholesky factor of H.
#' @noRd
joint_information <- function(fit) {
  design <- fit_design(fit)
  eta <- conditional_eta(fit, design)
  basis <- find_basis(design)
  active <- which(design$weights > 0)
  take <- function(x) if (is.matrix(x)) x[active, , drop = FALSE] else x[active]
  data <- lapply(design[c("y", "size", "weights")], take)
  phi <- unname(fit$parameters[fit$index$dispersion])
  weights <- engine_density(data, take(eta), if (length(phi)) phi else 0, fit$family)$w
  x <- take(basis$design$X)
  factors <- lapply(design$factors, function(factor) {
    levels <- length(factor$levels)
    list(Z = take(factor$Z), codes = take(factor$index) + 1L, levels = levels, position = seq_len(levels))
  })
  by_blocks <- length(factors) == 1L && is.null(fit$factors[[1L]]$known)
  solved <- if (by_blocks) block_shift(fit, x, weights, factors[[1L]]) else sparse_shift(fit, x, weights, factors)
  eliminated <- x - fixed_shift(solved$shift, list(X = x, random = factors))
  information <- crossprod(x, weights * eliminated)
  c(solved, list(information = (information + t(information)) / 2, from = basis$from))
}

# One grouping factor, its levels independent: the conditional covariances of b by level, as the fit holds them, are
# H^-1 in its blocks.
block_shift <- function(fit, x, weights, factor) {
  variances <- fit$mode_variances[[1L]]
  columns <- seq_len(ncol(factor$Z))
  products <- lapply(columns, function(j) level_sums(weights * factor$Z[, j] * x, factor$codes, factor$levels))
  list(shift = list(lapply(columns, function(j) {
    Reduce(`+`, lapply(columns, function(k) variances[j, k, ] * products[[k]]))
  })))
}

level_sums <- function(x, codes, levels) {
  sums <- matrix(0, levels, ncol(x))
  found <- rowsum(x, codes, reorder = FALSE)
  sums[as.integer(rownames(found)), ] <- found
  sums
}

# Otherwise H is sparse.
sparse_shift <- function(fit, x, weights, factors) {
  a <- sparse_effects(fit, factors, nrow(x))
  h <- Matrix::forceSymmetric(Matrix::crossprod(a, weights * a) + prior_precision(fit$factors))
  root <- Matrix::Cholesky(h, LDL = FALSE)
  spherical <- as.matrix(Matrix::solve(root, Matrix::crossprod(a, weights * x)))
  start <- effect_starts(fit)
  shift <- lapply(seq_along(factors), function(k) {
    lambda <- factor_root(fit, k)
    q <- ncol(lambda)
    own <- array(spherical[start[k] + seq_len(q * factors[[k]]$levels), ], c(q, factors[[k]]$levels, ncol(x)))
    lapply(seq_len(q), function(j) {
      Reduce(`+`, lapply(seq_len(q), function(m) lambda[j, m] * matrix(own[m, , ], ncol = ncol(x))))
    })
  })
  list(shift = shift, root = root)
}

# Where the random effects of each grouping factor begin in u, from 0.
effect_starts <- function(fit) {
  sizes <- vapply(fit$factors, function(factor) length(factor$columns) * length(factor$levels), 1L)
  cumsum(sizes) - sizes
}

#' A = Z Lambda as a sparse matrix, one column for each spherical random effect of the fit
#' @noRd
sparse_effects <- function(fit, factors, n) {
  do.call(cbind, lapply(seq_along(factors), function(k) {
    factor <- factors[[k]]
    q <- ncol(factor$Z)
    Matrix::sparseMatrix(i = rep(seq_len(n), q), j = as.vector(outer((factor$codes - 1L) * q, seq_len(q), `+`)),
                         x = as.vector(factor$Z %*% factor_root(fit, k)), dims = c(n, q * factor$levels))
  }))
}

# Row by row the sum of z' shift; levels that the fit does not know give 0.
fixed_shift <- function(shift, rows) {
  total <- matrix(0, nrow(rows$X), ncol(rows$X))
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    codes <- random$position[random$codes]
    known <- which(!is.na(codes))
    for (j in seq_along(if (length(known)) shift[[k]])) {
      total[known, ] <- total[known, ] + random$Z[known, j] * shift[[k]][[j]][codes[known], , drop = FALSE]
    }
  }
  total
}

#' Variance of z'b given beta, row by row
#'
#' Within a grouping factor from the conditional covariances that the fit holds, between two of them by
#' [cross_covariance()].
#' @noRd
random_variance <- function(fit, system, rows) {
  total <- numeric(nrow(rows$X))
  present <- which(!vapply(rows$random, is.null, logical(1)))
  for (k in present) {
    total <- total + factor_variance(fit$mode_variances[[k]], rows$random[[k]])
  }
  for (pair in if (length(present) > 1L) utils::combn(present, 2L, simplify = FALSE)) {
    total <- total + 2 * cross_covariance(fit, system$root, rows, pair)
  }
  total
}

factor_variance <- function(variances, random) {
  codes <- random$position[random$codes]
  variance <- numeric(nrow(random$Z))
  for (j in seq_len(ncol(random$Z))) {
    for (k in seq_len(ncol(random$Z))) {
      variance <- variance + random$Z[, j] * random$Z[, k] * variances[j, k, ][codes]
    }
  }
  variance[is.na(codes)] <- 0
  variance
}

#' Covariance of the parts z'b of two grouping factors given beta, row by row
#'
#' H is solved for the effects of each level that occurs of the factor with fewer of them: what that costs does not
#' depend on the number of rows.
#'
#' @param root Cholesky factor of H. @param pair Positions of the two factors. @param cells How many numbers to hold.
#' @noRd
cross_covariance <- function(fit, root, rows, pair, cells = 5e6) {
  level_of <- lapply(rows$random, function(random) random$position[random$codes])
  known <- which(!is.na(level_of[[pair[1L]]]) & !is.na(level_of[[pair[2L]]]))
  occurring <- lapply(level_of[pair], function(level) unique(level[known]))
  if (length(occurring[[1L]]) < length(occurring[[2L]])) {
    pair <- rev(pair)
    occurring <- rev(occurring)
  }
  many <- pair[1L]
  few <- pair[2L]
  a_many <- rows$random[[many]]$Z %*% factor_root(fit, many)
  a_few <- rows$random[[few]]$Z %*% factor_root(fit, few)
  start <- effect_starts(fit)
  effects <- ncol(a_few)
  order <- match(level_of[[few]], occurring[[2L]])
  at_once <- max(1, cells %/% (nrow(root) * effects))
  covariance <- numeric(nrow(rows$X))
  for (chunk in split(known, (order[known] - 1L) %/% at_once)) {
    levels <- unique(level_of[[few]][chunk])
    columns <- start[few] + as.vector(outer(seq_len(effects), (levels - 1L) * effects, `+`))
    inverse <- inverse_columns(root, columns)
    row <- start[many] + (level_of[[many]][chunk] - 1L) * ncol(a_many)
    column <- (match(level_of[[few]][chunk], levels) - 1L) * effects
    for (j in seq_len(ncol(a_many))) {
      for (k in seq_len(effects)) {
        entry <- inverse[cbind(row + j, column + k)]
        covariance[chunk] <- covariance[chunk] + a_many[chunk, j] * a_few[chunk, k] * entry
      }
    }
  }
  covariance
}

new_level_variance <- function(fit, rows) {
  variance <- numeric(nrow(rows$X))
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    new <- which(is.na(random$position[random$codes]))
    if (length(new)) {
      own <- rowSums((random$Z[new, , drop = FALSE] %*% factor_root(fit, k))^2)
      variance[new] <- variance[new] + own * level_variance(fit$factors[[k]])
    }
  }
  variance
}
