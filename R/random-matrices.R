# The matrices Z and Lambda of a fit, for users who ask for them: nothing is computed from them, which the core does
# without.

#' Z as a sparse matrix: by term, within it by level, within that by effect
#' @noRd
random_matrix <- function(fit, design) {
  do.call(cbind, lapply(design$terms, function(term) {
    factor <- design$factors[[term$factor]]
    effects <- length(term$columns)
    z <- factor$Z[, term$columns, drop = FALSE]
    at <- which(z != 0, arr.ind = TRUE)
    Matrix::sparseMatrix(i = at[, 1L], j = factor$index[at[, 1L]] * effects + at[, 2L], x = z[at],
                         dims = c(nrow(z), effects * length(factor$levels)),
                         dimnames = list(row.names(fit$frame), rep(factor$levels, each = effects)))
  }))
}

# By effect of a random term: its rows of the transpose of Z.
effect_rows <- function(fit, design) {
  zt <- transposed(random_matrix(fit, design))
  sizes <- lengths_of(design)
  start <- cumsum(sizes$random) - sizes$random
  rows <- Map(function(term, start, effects, size) {
    stats::setNames(lapply(seq_len(effects), function(j) zt[start + seq.int(j, size, by = effects), , drop = FALSE]),
                    paste(term$group, term$names, sep = "."))
  }, design$terms, start, sizes$effects, sizes$random)
  unlist(unname(rows), recursive = FALSE)
}

#' Where each entry of the transposed covariance factor stands, and which theta it is
#' @noRd
factor_pattern <- function(design) {
  sizes <- lengths_of(design)
  blocks <- Map(function(term, effects, levels, first, theta) {
    pattern <- root_pattern(term)
    positions <- matrix(0L, effects, effects)
    positions[pattern] <- theta + seq_len(sum(pattern))
    upper <- which(t(pattern), arr.ind = TRUE)
    start <- first + effects * rep(seq_len(levels) - 1L, each = nrow(upper))
    list(i = start + upper[, 1L], j = start + upper[, 2L], theta = rep(t(positions)[upper], levels))
  }, design$terms, sizes$effects, sizes$levels, cumsum(sizes$random) - sizes$random, cumsum(sizes$theta) - sizes$theta)
  parts <- stats::setNames(c("i", "j", "theta"), c("i", "j", "theta"))
  lapply(parts, function(part) unlist(lapply(blocks, `[[`, part), use.names = FALSE))
}

transposed_factor <- function(fit, design) {
  pattern <- factor_pattern(design)
  size <- sum(lengths_of(design)$random)
  Matrix::sparseMatrix(i = pattern$i, j = pattern$j, x = unname(relative_theta(fit))[pattern$theta],
                       dims = c(size, size))
}

transposed <- function(x) {
  Matrix::t(x)
}
