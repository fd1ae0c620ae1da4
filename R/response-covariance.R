# The marginal covariance V of a Gaussian response with identity link, seen through cross products: nothing here has
# a row and a column for each row of the data.

#' What the inverse of V does to the columns of X and Z
#'
#' V = W^-1 + Z Lambda P^-1 Lambda' Z', with W the prior weights over sigma^2, and P = I but for levels with a known
#' covariance. The core answers for Z'V^-1 X and Z'V^-1 Z. All this is in random effects U^-1 b, whose columns Z U are
#' nearly orthogonal ([factor_scaling()]): with covariates far from zero the user's own have no digits left.
#'
#' @param fit Fit with Gaussian response and identity link.
#' @return List: `covariance` ((X'V^-1 X)^-1, in the basis of [find_basis()]; `NULL` where it is singular), `from`
#'   (p x p: beta in the user's columns is `from` times that in the basis), `N` (Z'V^-1 X), `engine` and `at` (the model
#'   in the core, and its parameters), `rows` (number of rows), `layout` (by grouping factor: `start`, where its effects
#'   begin, from 0; `effects`; `levels`; `codes`, the level of each row; `scaling`, U; `known`, see
#'   [know_covariances()]), `directions` (see [variance_directions()]).
#' @noRd
response_covariance <- function(fit) {
  design <- fit_design(fit)
  active <- active_positions(design$weights)
  layout <- effect_layout(fit, design, active)
  basis <- find_basis(design, fit$family)
  engine <- scaled_engine(fit, basis$design, layout)
  at <- scaled_parameters_of(fit, layout)
  p <- ncol(design$X)
  system <- list(engine = engine, at = at, rows = length(active), layout = layout,
                 from = if (is.null(basis$from)) diag(p) else basis$from)
  if (engine_evaluate(engine, at)$status != "ok") {
    return(system)
  }
  information <- engine_fixed_information(engine, at)
  # what is left of a column when the random effects have had theirs: below this, round-off
  weights <- design$weights[active] / sigma.glimmer(fit)^2
  known <- all(diag(information) > 1e-13 * colSums(weights * active_rows(basis$design$X, active)^2))
  inverse_root <- if (known) scaled_root((information + t(information)) / 2)
  c(system, list(N = engine_cross_information(engine, at), directions = variance_directions(fit, layout),
                 covariance = if (!is.null(inverse_root)) tcrossprod(inverse_root)))
}

# The model of the effects U^-1 b: U^-1 L need not have the structure that L has.
scaled_engine <- function(fit, design, layout) {
  for (k in seq_along(layout)) design$factors[[k]]$Z <- design$factors[[k]]$Z %*% layout[[k]]$scaling
  design$terms <- lapply(design$terms, replace, "structure", "unstructured")
  new_engine(design, fit$family, fit$control$threads, inner = "joint")
}

# Its parameters; beta is found by an evaluation.
scaled_parameters_of <- function(fit, layout) {
  theta <- lapply(seq_along(fit$random), function(t) {
    lower_part(forwardsolve(term_scaling(fit$random[[t]], layout), term_root(fit, t)))
  })
  c(numeric(length(fit$index$beta)), unlist(theta), log(sigma.glimmer(fit)))
}

# The part of U that belongs to a random term.
term_scaling <- function(term, layout) {
  layout[[term$factor]]$scaling[term$columns, term$columns, drop = FALSE]
}

# Z'V^-1 Z times a matrix.
times_information <- function(system, k) {
  engine_times_information(system$engine, system$at, k)
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
    all <- structure_of(term)$directions(fit$parameters[at], term_scaling(term, layout))
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
