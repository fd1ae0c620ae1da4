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
