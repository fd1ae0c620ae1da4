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
#' @return List: `information` (S; missing where it is not positive definite); `shift`, a list by grouping factor of
#'   arrays effects x levels x columns of X, the derivative of -b in beta; `from`, see [find_basis()]; `covariance`, a
#'   function that multiplies the covariance of b given beta with a matrix.
#' @noRd
joint_information <- function(fit) {
  design <- fit_design(fit)
  basis <- find_basis(design)
  engine <- new_engine(basis$design, fit$family, fit$control$threads)
  at <- enter_basis(basis, engine, fit$parameters)
  p <- ncol(basis$design$X)
  found <- engine_evaluate(engine, at)$status == "ok"
  information <- if (found) engine_fixed_information(engine, at)
  known <- length(information) == p^2
  list(information = if (known) information else matrix(NA_real_, p, p), from = basis$from,
       shift = if (known) engine_fixed_shift(engine, at, design),
       covariance = function(columns) engine_times_covariance(engine, at, columns))
}

# Where the random effects of each grouping factor begin in u, from 0.
effect_starts <- function(fit) {
  sizes <- vapply(fit$factors, function(factor) length(factor$columns) * length(factor$levels), 1L)
  cumsum(sizes) - sizes
}

# Row by row the sum of z' shift; levels that the fit does not know give 0.
fixed_shift <- function(shift, rows) {
  total <- matrix(0, nrow(rows$X), ncol(rows$X))
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    codes <- random$position[random$codes]
    known <- which(!is.na(codes))
    for (j in seq_len(if (length(known)) ncol(random$Z) else 0L)) {
      own <- matrix(shift[[k]][j, , ], ncol = ncol(total))
      total[known, ] <- total[known, ] + random$Z[known, j] * own[codes[known], , drop = FALSE]
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
    total <- total + 2 * cross_covariance(fit, system$covariance, rows, pair)
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
#' By columns of their covariance, for the effects of each level that occurs of the factor with fewer of them: what that
#' costs does not depend on the number of rows.
#'
#' @param covariance As of [joint_information()]. @param pair Positions of the two factors. @param cells How many
#'   numbers to hold.
#' @noRd
cross_covariance <- function(fit, covariance, rows, pair, cells = 5e6) {
  level_of <- lapply(rows$random, function(random) random$position[random$codes])
  known <- which(!is.na(level_of[[pair[1L]]]) & !is.na(level_of[[pair[2L]]]))
  occurring <- lapply(level_of[pair], function(level) unique(level[known]))
  if (length(occurring[[1L]]) < length(occurring[[2L]])) {
    pair <- rev(pair)
    occurring <- rev(occurring)
  }
  many <- pair[1L]
  few <- pair[2L]
  z_many <- rows$random[[many]]$Z
  z_few <- rows$random[[few]]$Z
  start <- effect_starts(fit)
  effects <- ncol(z_few)
  size <- sum(lengths(fit$modes))
  order <- match(level_of[[few]], occurring[[2L]])
  at_once <- max(1, cells %/% (size * effects))
  total <- numeric(nrow(rows$X))
  for (chunk in split(known, (order[known] - 1L) %/% at_once)) {
    levels <- unique(level_of[[few]][chunk])
    columns <- start[few] + as.vector(outer(seq_len(effects), (levels - 1L) * effects, `+`))
    own <- covariance(identity_columns(size, columns))
    row <- start[many] + (level_of[[many]][chunk] - 1L) * ncol(z_many)
    column <- (match(level_of[[few]][chunk], levels) - 1L) * effects
    for (j in seq_len(ncol(z_many))) {
      for (k in seq_len(effects)) {
        entry <- own[cbind(row + j, column + k)]
        total[chunk] <- total[chunk] + z_many[chunk, j] * z_few[chunk, k] * entry
      }
    }
  }
  total
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
