# Matrices: roots, least squares, and which columns are independent. Columns may have any units.

#' Columns of full rank, the earlier ones preferred
#'
#' Neither the scale of a column nor its distance from zero counts: where the constant lies in the span of the
#' matrix (an intercept, or all the indicators of a factor), the other columns are centred first.
#'
#' @param x Numeric matrix.
#' @param assign Integer: the term that each column belongs to, 0 for the intercept.
#' @return Integer: positions of the columns kept.
#' @noRd
independent_columns <- function(x, assign) {
  p <- ncol(x)
  if (p == 0L || (p <= nrow(x) && well_conditioned(crossprod(x)))) {
    return(seq_len(p))
  }
  leading <- constant_columns(x, assign)
  others <- setdiff(seq_len(p), leading)
  unit <- unit_columns(x)
  # Of a column far from zero, rounding has eaten the digits: this much of it is noise once it is centred.
  noise <- numeric(p)
  if (length(leading)) {
    centred <- scale(unit[, others, drop = FALSE], scale = FALSE)
    left <- sqrt(colSums(centred^2))
    centred[, left < 1e-14] <- 0
    unit[, others] <- unit_columns(centred)
    noise[others] <- 16 * .Machine$double.eps / pmax(left, 1e-14)
  }
  tolerance <- if (length(leading)) 1e-8 else 1e-11
  others <- others[order(noise[others] > tolerance)]
  order <- c(leading, others)
  decomposition <- qr(unit[, order, drop = FALSE], tol = tolerance)
  kept <- decomposition$pivot[seq_len(decomposition$rank)]
  sizes <- abs(diag(decomposition$qr)[seq_along(kept)])
  sort(order[kept[sizes > noise[order][kept]]])
}

# Settles the usual case at the cost of the cross products: far from collinear even without centring.
well_conditioned <- function(products) {
  norms <- sqrt(products[seq.int(1L, length(products), by = NCOL(products) + 1L)])
  if (!all(is.finite(norms) & norms > 0)) {
    return(FALSE)
  }
  if (length(norms) == 1L) {
    return(TRUE)
  }
  root <- attempt(chol.default(products / tcrossprod(norms)))
  !is.null(root) && min(diag(root)) > 1e-3
}

# The columns of the first term whose sum is constant: the intercept or a full set of indicators.
constant_columns <- function(x, assign) {
  for (term in unique(assign)) {
    columns <- which(assign == term)
    sums <- rowSums(x[, columns, drop = FALSE])
    if (sums[1L] != 0 && all(sums == sums[1L])) {
      return(columns)
    }
  }
  integer()
}

unit_columns <- function(x) {
  largest <- apply(abs(x), 2L, max)
  x <- sweep(x, 2L, ifelse(largest > 0, largest, 1), "/")
  norms <- sqrt(colSums(x^2))
  sweep(x, 2L, ifelse(norms > 0, norms, 1), "/")
}

#' The columns left out as combinations of those kept
#'
#' @param x Matrix with all columns, of the rows that count. @param kept Result of [independent_columns()].
#' @return List: `kept`, and `relations`, a matrix with a row for each column kept and a column for each one left out.
#' @noRd
column_relations <- function(x, kept) {
  out <- setdiff(seq_len(ncol(x)), kept)
  relations <- combine_columns(x[, kept, drop = FALSE], x[, out, drop = FALSE])
  list(kept = kept, relations = matrix(relations, length(kept), dimnames = list(colnames(x)[kept], colnames(x)[out])))
}

#' Least squares coefficients of columns of any units, with zeros where there is nothing but round-off
#' @return Matrix B with to %*% B near from.
#' @noRd
combine_columns <- function(to, from) {
  if (!ncol(to) || !ncol(from)) {
    return(matrix(0, ncol(to), ncol(from)))
  }
  size <- sqrt(colSums(to^2))
  coefficients <- qr.coef(qr(to / rep(size, each = nrow(to)), tol = 0), from)
  limit <- 1e-10 * sqrt(colSums(from^2))
  coefficients[abs(coefficients) < rep(limit, each = ncol(to))] <- 0
  coefficients / size
}

# R with R R' = S^-1; columns of any scale.
scaled_root <- function(information) {
  if (!ncol(information)) {
    return(information)
  }
  # round-off may have left negative ones
  if (!isTRUE(all(diag(information) > 0))) {
    return(NULL)
  }
  unit <- 1 / sqrt(diag(information))
  root <- attempt(chol(information * tcrossprod(unit)))
  if (!is.null(root)) unit * backsolve(root, diag(ncol(root)))
}

# Coefficients of a weighted regression: by the normal equations, with columns scaled to unit length, where these are
# well conditioned (a start needs few digits), else by QR.
least_squares <- function(x, y, weights) {
  information <- weighted_products(x, weights)
  unit <- 1 / sqrt(diag(information))
  root <- attempt(chol(information * tcrossprod(unit)))
  if (is.null(root) || !all(is.finite(root)) || min(diag(root)) < 1e-5) {
    return(least_squares_by_qr(x * sqrt(weights), y * sqrt(weights)))
  }
  score <- unit * drop(crossprod(x, weights * y))
  unname(unit * backsolve(root, backsolve(root, score, transpose = TRUE)))
}

# X'WX, of many rows by blocks: no second matrix of the size of the first.
weighted_products <- function(x, weights, block = 100000L) {
  if (nrow(x) <= block) {
    return(crossprod(x, x * weights))
  }
  total <- matrix(0, ncol(x), ncol(x))
  for (first in seq.int(1L, nrow(x), by = block)) {
    rows <- seq.int(first, min(first + block - 1L, nrow(x)))
    part <- x[rows, , drop = FALSE]
    total <- total + crossprod(part, part * weights[rows])
    release_memory(nrow(x))
  }
  total
}

least_squares_by_qr <- function(x, y) {
  lengths <- sqrt(colSums(x^2))
  lengths[lengths == 0] <- 1
  coefficients <- qr.coef(qr(x / rep(lengths, each = nrow(x))), y) / lengths
  coefficients[is.na(coefficients)] <- 0
  unname(coefficients)
}

#' The largest absolute value in each column
#' @noRd
column_reach <- function(x, columns = seq_len(ncol(x))) {
  n <- nrow(x)
  vapply(columns, function(j) {
    release_memory(n)
    # as of a vector: x[, j] would name each number after its row
    column <- if (ncol(x) == 1L) x else x[seq.int(n * (j - 1) + 1, length.out = n)]
    max(max(column), -min(column))
  }, 1)
}

rcond_symmetric <- function(x) {
  values <- eigen(x, symmetric = TRUE, only.values = TRUE)$values
  min(values) / max(values)
}

# Columns of the inverse of a sparse matrix, by its Cholesky factor.
inverse_columns <- function(root, columns) {
  as.matrix(Matrix::solve(root, identity_columns(nrow(root), columns)))
}

# Columns of the identity matrix.
identity_columns <- function(size, columns) {
  unit <- matrix(0, size, length(columns))
  unit[cbind(columns, seq_along(columns))] <- 1
  unit
}
