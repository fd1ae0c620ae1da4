# The covariance of a random term from its parameters: the lower triangle of L, column by column, with Cov(b) = L L'.

#' L of a term from its parameters
#'
#' @param theta Numeric: the lower triangle, column by column.
#' @return Square matrix.
#' @noRd
lower_triangle <- function(theta) {
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
  sqrt(rowSums(lower_triangle(theta)^2))
}

#' Parameters of a term from the lower triangle of a matrix, column by column
#' @noRd
lower_part <- function(matrix) {
  matrix[lower.tri(matrix, diag = TRUE)]
}

#' The lower triangle L with L L' a covariance that may be singular: zero columns for zero pivots
#' @noRd
lower_of_covariance <- function(covariance) {
  lower <- matrix(0, nrow(covariance), ncol(covariance))
  for (j in seq_len(ncol(covariance))) {
    rest <- covariance[, j] - drop(lower %*% lower[j, ])
    if (rest[j] <= max(1e-12 * covariance[j, j], 1e-20)) next
    rows <- j:nrow(covariance)
    lower[rows, j] <- rest[rows] / sqrt(rest[j])
  }
  lower
}
