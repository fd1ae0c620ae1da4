# The covariance structure of (x | g): any covariance. Its parameters are the lower triangle of L, column by column.

#' Any covariance of the effects
#'
#' The log-likelihood is even in each column of L (DESIGN, "Bounds and boundaries"), so that a zero on the diagonal is
#' no boundary; a term of one effect is searched from zero upwards.
#'
#' @param group,effects Names of the grouping factor and of the effects.
#' @return Result of [describe_structure()].
#' @noRd
unstructured <- function(group, effects) {
  q <- length(effects)
  below <- if (q == 1L) matrix(TRUE) else lower.tri(diag(q), diag = TRUE)
  column <- col(below)[below]
  describe_structure(
    names = triangle_names(group, effects),
    lambda = lower_triangle,
    pull_back = function(theta, lambda_bar) lambda_bar[below],
    scaled = rep(TRUE, length(column)), bounded = rep(q == 1L, length(column)), pattern = below,
    reported = function(varies) below,
    holds = function(covariance) TRUE,
    of_root = lower_part,
    with_entry = triangle_with_entry,
    normalise = normalise_triangle,
    inside = function(theta, error) {
      relative <- forwardsolve(error, lower_triangle(theta))
      diag(relative) <- pmax(diag(relative), 0.1)
      lower_part(error %*% relative)
    },
    units = function(theta, error) triangle_units(variation_root(lower_triangle(theta), error), column),
    even_parts = function(error) {
      lapply(seq_len(q), function(j) list(at = which(column == j), unit = diag(error)[j:q]))
    },
    truncations = function(theta, error) lower_ranks(lower_triangle(theta), error),
    probes = function(theta, error) missing_directions(lower_triangle(theta), error),
    singular_effects = function(theta, held, variances) zero_rows(lower_triangle(theta), held, variances),
    directions = function(theta, U) triangle_directions(forwardsolve(U, lower_triangle(theta))),
    direction_root = function(root, U) {
      for (j in seq_len(q)) {
        own <- j:q
        root[column == j, ] <- forwardsolve(U[own, own, drop = FALSE], root[column == j, , drop = FALSE])
      }
      root
    }
  )
}

#' L of a term from its parameters
#'
#' @param theta Numeric: the lower triangle, column by column.
#' @return Square matrix.
#' @noRd
lower_triangle <- function(theta) {
  # by far the most frequent case
  if (length(theta) == 1L) {
    return(matrix(theta))
  }
  q <- (sqrt(8 * length(theta) + 1) - 1) / 2
  lower <- matrix(0, q, q)
  lower[lower.tri(lower, diag = TRUE)] <- theta
  lower
}

#' Parameters of a term from the lower triangle of a matrix, column by column
#' @noRd
lower_part <- function(matrix) {
  if (length(matrix) == 1L) matrix[[1L]] else matrix[lower.tri(matrix, diag = TRUE)]
}

# Row i of L longer or shorter; or, for a correlation with effect j, turned in the plane that it spans with row j.
triangle_with_entry <- function(theta, i, j, value) {
  lower <- lower_triangle(theta)
  row <- lower[i, ]
  if (i == j) {
    lower[i, ] <- value * unit_vector(row, i)
    return(lower_part(lower))
  }
  along <- unit_vector(lower[j, ], j)
  across <- row - along * sum(along * row)
  lower[i, ] <- sqrt(sum(row^2)) * (value * along + sqrt(1 - value^2) * unit_vector(across, i))
  lower_part(lower)
}

# Of length one; of nothing the i-th axis.
unit_vector <- function(x, i) {
  size <- sqrt(sum(x^2))
  if (Mod(size) == 0) as.numeric(seq_along(x) == i) else x / size
}

triangle_names <- function(group, effects) {
  if (length(effects) == 1L) {
    return(paste("sd", group, effects, sep = "."))
  }
  lower <- which(lower.tri(diag(length(effects)), diag = TRUE), arr.ind = TRUE)
  paste0("L.", group, ".", effects[lower[, 1L]], "|", effects[lower[, 2L]])
}

#' The lower triangle L with L L' = B B', B with fewer columns than rows: the last columns of L are zero
#'
#' The rows of B in an orthonormal basis of their own, built row by row. All of rank r near B B' are L L' with L of
#' this shape, so that nothing but the rank is lost by leaving the last columns at zero.
#' @noRd
lower_of_root <- function(root) {
  lower <- matrix(0, nrow(root), nrow(root))
  basis <- matrix(0, ncol(root), 0L)
  for (i in seq_len(nrow(root))) {
    along <- drop(crossprod(basis, root[i, ]))
    rest <- root[i, ] - drop(basis %*% along)
    size <- sqrt(sum(rest^2))
    if (ncol(basis) < ncol(root) && size > 1e-10 * max(abs(root))) {
      basis <- cbind(basis, rest / size)
      along <- c(along, size)
    }
    lower[i, seq_along(along)] <- along
  }
  lower
}

# Columns of L flipped so that the first number in each is positive.
normalise_triangle <- function(theta) {
  if (length(theta) == 1L) {
    return(abs(theta))
  }
  lower <- lower_triangle(theta)
  flip <- apply(lower, 2L, function(column) if (any(column != 0)) sign(column[column != 0][1L]) else 1)
  lower_part(lower * rep(flip, each = nrow(lower)))
}

#' The units of L's entries: for a root R of what a level's effects vary by, dL = R dK
#'
#' Then it does not matter where the covariates have their zero.
#' @noRd
triangle_units <- function(root, column) {
  units <- matrix(0, length(column), length(column))
  for (j in seq_len(ncol(root))) {
    own <- column == j
    units[own, own] <- root[j:nrow(root), j:nrow(root)]
  }
  units
}

# Lower triangular R that says how far a level's effects vary: R R' is their covariance, L L', and .09 of their errors'.
variation_root <- function(lower, error) {
  relative <- forwardsolve(error, lower)
  if (length(relative) == 1L || !all(is.finite(relative))) {
    return(error * max(abs(relative), 0.3))
  }
  error %*% lower_of_root(cbind(relative, diag(0.3, nrow(error))))
}

#' L without its smallest principal directions, in units of a level's own errors, one less at a time
#'
#' What is left, of rank r, is L L' with all but the first r columns of L zero, and these are held.
#' @noRd
lower_ranks <- function(lower, error) {
  scaled <- forwardsolve(error, lower)
  # most terms are one standard deviation, and far from zero
  if (!all(is.finite(scaled)) || length(lower) == 1L && abs(scaled) > 1) {
    return(list())
  }
  parts <- svd(scaled)
  ranks <- rev(seq_len(nrow(error))) - 1L
  lapply(ranks[parts$d[ranks + 1L] <= 1], function(rank) {
    kept <- seq_len(rank)
    lower <- lower_of_root(parts$u[, kept, drop = FALSE] * rep(parts$d[kept], each = nrow(error)))
    theta <- lower_part(error %*% lower)
    held <- lower_part(col(lower)) > rank
    list(change = function(last) theta, held = function(theta) held, follows = TRUE)
  })
}

#' Whether the log-likelihood rises from a singular covariance, asked in all missing directions at once
#'
#' With Sigma the covariance, S = dl/dSigma and N a basis of the null space of Sigma, the boundary is a maximum only if
#' N'SN has no positive eigenvalue. S comes from the gradient in L next to the boundary.
#' @noRd
missing_directions <- function(lower, error) {
  lower <- forwardsolve(error, lower)
  null <- null_space(tcrossprod(lower))
  near <- lower_of_root(cbind(lower, 1e-3 * null))
  # beside effects so large, as where the dispersion goes to zero, round-off hides what is inside
  if (!isTRUE(min(abs(diag(near))) > 1e-12 * max(abs(near)))) {
    return(list())
  }
  inwards <- function(gradient) {
    slope <- covariance_slope(near, crossprod(error, lower_triangle(gradient)))
    rise <- eigen(crossprod(null, slope %*% null), symmetric = TRUE)
    if (rise$values[1L] > 1e-4) {
      direction <- drop(null %*% rise$vectors[, 1L])
      lower_part(error %*% lower_of_root(cbind(near, sqrt(0.1) * direction)))
    }
  }
  list(list(theta = lower_part(error %*% near), inwards = inwards))
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

#' Effects whose standard deviation is zero
#'
#' One effect: where it is held. Of several in a singular covariance those smaller than 1e-4 of the standard errors of
#' their row of L, so that they are zero but for rounding.
#' @noRd
zero_rows <- function(lower, held, variances) {
  sds <- root_sds(lower)
  if (length(sds) == 1L || !any(held)) {
    return(rep(any(held), length(sds)))
  }
  unit <- sqrt(apply(lower_triangle(variances), 1L, max))
  unit[is.na(unit)] <- 0
  sds <= 1e-4 * unit
}

# With l_k the k-th column of L, d(L L')/dL_jk = e_j l_k' + l_k e_j'.
triangle_directions <- function(lower) {
  places <- which(lower.tri(lower, diag = TRUE), arr.ind = TRUE)
  lapply(seq_len(nrow(places)), function(m) {
    half <- matrix(0, nrow(lower), ncol(lower))
    half[places[m, 1L], ] <- lower[, places[m, 2L]]
    list(value = lower[places[m, , drop = FALSE]], slope = half + t(half))
  })
}
