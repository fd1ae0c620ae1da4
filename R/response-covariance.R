# The marginal covariance V of a Gaussian response with identity link, seen through cross products: nothing here has
# a row and a column for each row of the data.

#' What the inverse of V does to the columns of X and Z
#'
#' V = W^-1 + Z Lambda P^-1 Lambda' Z', with W the prior weights over sigma^2, and P = I but for levels with a known
#' covariance ([prior_precision()]). With B = Z'WZ and H = Lambda'B Lambda + P,
#' M = Z'V^-1 Z is B - B Lambda H^-1 Lambda'B, and likewise with X on one side or on both. All this is in random effects
#' U^-1 b, whose columns Z U are nearly orthogonal ([factor_scaling()]): with covariates far from zero the user's own
#' have no digits left.
#'
#' @param fit Fit with Gaussian response and identity link.
#' @return List: `covariance` ((X'V^-1 X)^-1, in the basis of [find_basis()]; `NULL` where it is singular), `from`
#'   (p x p: beta in the user's columns is `from` times that in the basis), `N` (Z'V^-1 X), `B`, `lambda`, `root`
#'   (Cholesky factor of H), `rows` (number of rows), `layout` (by grouping factor: `start`, where its effects begin,
#'   from 0; `effects`; `levels`; `codes`, the level of each row; `scaling`, U; `known`, see [know_covariances()]),
#'   `directions` (see [variance_directions()]).
#' @noRd
response_covariance <- function(fit) {
  design <- fit_design(fit)
  basis <- find_basis(design)
  active <- active_positions(design$weights)
  root_weights <- sqrt(design$weights[active]) / sigma.glimmer(fit)
  x <- root_weights * active_rows(basis$design$X, active)
  layout <- effect_layout(fit, design, active)
  z <- root_weights * sparse_columns(design, layout, active)
  products <- list(B = Matrix::crossprod(z), zx = as.matrix(Matrix::crossprod(z, x)), xx = crossprod(x))
  lambda <- random_root(fit, layout)
  h <- Matrix::forceSymmetric(Matrix::crossprod(lambda, products$B %*% lambda) + prior_precision(fit$factors))
  system <- list(B = products$B, lambda = lambda, root = Matrix::Cholesky(h, LDL = FALSE), rows = length(active),
                 layout = layout, from = if (is.null(basis$from)) diag(ncol(x)) else basis$from)
  half <- eliminate_random(system, products$zx)
  information <- products$xx - crossprod(products$zx, half)
  # what is left of a column when the random effects have had theirs: below this, round-off
  known <- all(diag(information) > 1e-13 * diag(products$xx))
  inverse_root <- if (known) scaled_root((information + t(information)) / 2)
  c(system, list(N = as.matrix(products$zx - products$B %*% half), directions = variance_directions(fit, layout),
                 covariance = if (!is.null(inverse_root)) tcrossprod(inverse_root)))
}

# Lambda H^-1 Lambda' times a matrix.
eliminate_random <- function(system, k) {
  as.matrix(system$lambda %*% Matrix::solve(system$root, Matrix::crossprod(system$lambda, k)))
}

# M = Z'V^-1 Z times a matrix.
times_covariance <- function(system, k) {
  product <- system$B %*% k
  as.matrix(product - system$B %*% eliminate_random(system, product))
}

effect_layout <- function(fit, design, active) {
  start <- effect_starts(fit)
  lapply(seq_along(design$factors), function(k) {
    factor <- design$factors[[k]]
    scaling <- factor_scaling(fit, k, active_rows(factor$Z, active))
    list(start = start[k], effects = ncol(factor$Z), levels = length(factor$levels), scaling = scaling,
         codes = active_rows(factor$index, active) + 1L, known = factor$known)
  })
}

# U: lower triangular, term by term, with U U' the inverse of Z'Z over the number of rows.
factor_scaling <- function(fit, k, z) {
  scaling <- matrix(0, ncol(z), ncol(z))
  for (term in fit$random) {
    columns <- term$columns
    if (term$factor != k) next
    products <- crossprod(z[, columns, drop = FALSE]) / nrow(z)
    diag(products)[diag(products) == 0] <- 1
    scaling[columns, columns] <- error_root(products)
  }
  scaling
}

# Z: by grouping factor, within it by level, within that by effect.
sparse_columns <- function(design, layout, active) {
  do.call(cbind, Map(function(factor, own) {
    columns <- as.vector(outer((own$codes - 1L) * own$effects, seq_len(own$effects), `+`))
    Matrix::sparseMatrix(i = rep(seq_along(own$codes), own$effects), j = columns,
                         x = as.vector(active_rows(factor$Z, active) %*% own$scaling),
                         dims = c(length(own$codes), own$effects * own$levels))
  }, design$factors, layout))
}

random_root <- function(fit, layout) {
  Matrix::bdiag(lapply(seq_along(layout), function(k) {
    Matrix::kronecker(Matrix::Diagonal(layout[[k]]$levels), forwardsolve(layout[[k]]$scaling, factor_root(fit, k)))
  }))
}

#' The directions in which free parameters of the random effects U^-1 b move their covariance
#'
#' Of theta or what its structure has in its place, U^-1 L for L; at each level, or times the covariance that is known
#' between levels. Parameters held on the boundary have none: they are taken as known. Since L L' is homogeneous of
#' degree 2 in those with a scale, dV/d log sigma = 2 V - sum_i L_i dV/dL_i.
#'
#' @return List, one element a free parameter: `position` in the parameters, `value` (see [describe_structure()]),
#'   `factor`, `slope` (matrix effects x effects of the grouping factor).
#' @noRd
variance_directions <- function(fit, layout) {
  unlist(Map(function(term, at) {
    size <- length(fit$factors[[term$factor]]$columns)
    scaling <- layout[[term$factor]]$scaling[term$columns, term$columns, drop = FALSE]
    all <- structure_of(term)$directions(fit$parameters[at], scaling)
    found <- lapply(which(!fit$boundary[at]), function(m) {
      slope <- matrix(0, size, size)
      slope[term$columns, term$columns] <- all[[m]]$slope
      list(position = at[m], value = all[[m]]$value, factor = term$factor, slope = slope)
    })
    # V does not move, to the first order, with an entry of a column that is zero, or nothing beside the residuals
    Filter(function(direction) any(abs(direction$slope) > 1e-6 * sigma.glimmer(fit)), found)
  }, fit$random, fit$index$theta), recursive = FALSE)
}

# D_i times a matrix with a row for each random effect, where dV/dL_i = Z D_i Z'.
times_direction <- function(system, direction, k) {
  own <- system$layout[[direction$factor]]
  rows <- own$start + seq_len(own$effects * own$levels)
  product <- matrix(0, nrow(k), ncol(k))
  blocks <- matrix(k[rows, ], own$effects)
  product[rows, ] <- between_levels(own, direction$slope %*% blocks, ncol(k))
  product
}

# A matrix of effects x (levels, columns) times the covariance between the levels.
between_levels <- function(own, blocks, columns) {
  if (is.null(own$known)) {
    return(blocks)
  }
  cube <- aperm(array(blocks, c(own$effects, own$levels, columns)), c(2L, 1L, 3L))
  cube[] <- times_level_covariance(own$known, matrix(cube, own$levels))
  aperm(cube, c(2L, 1L, 3L))
}
