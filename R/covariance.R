# The covariance of a random term from its parameters: the lower triangle of L, column by column, with Cov(b) = L L'.

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

#' Standard deviations of the effects of a term
#'
#' @param theta As in [lower_triangle()].
#' @return Numeric, one number an effect.
#' @noRd
term_sds <- function(theta) {
  if (length(theta) == 1L) abs(theta) else sqrt(rowSums(lower_triangle(theta)^2))
}

#' Parameters of a term from the lower triangle of a matrix, column by column
#' @noRd
lower_part <- function(matrix) {
  if (length(matrix) == 1L) matrix[[1L]] else matrix[lower.tri(matrix, diag = TRUE)]
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

#' Names of a random term's parameters
#' @noRd
theta_names <- function(term) {
  if (length(term$names) == 1L) {
    return(paste("sd", term$group, term$names, sep = "."))
  }
  lower <- which(lower.tri(diag(length(term$names)), diag = TRUE), arr.ind = TRUE)
  paste0("L.", term$group, ".", term$names[lower[, 1L]], "|", term$names[lower[, 2L]])
}
