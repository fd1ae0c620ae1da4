# Numerical differentiation for the reference: central stencils of high order and Richardson's extrapolation.
# Nothing here, and nothing in the other helper-reference files, knows a derivative of a density in closed form.

#' The central stencil of order 2m: offsets (in steps) and the weights of the first and second derivative.
#'
#' They are the derivatives at zero of the Lagrange interpolation on -m, ..., m, in closed form.
central_stencil <- function(m) {
  k <- seq_len(m)
  signs <- (-1)^(k + 1)
  share <- exp(2 * lfactorial(m) - lfactorial(m - k) - lfactorial(m + k))
  first <- signs * share / k
  second <- 2 * signs * share / k^2
  list(
    offset = c(-rev(k), 0, k),
    first = c(-rev(first), 0, first),
    second = c(rev(second), -2 * sum(1 / k^2), second)
  )
}

#' First and second derivatives of a function of one variable, row by row.
#'
#' @param f Function of a numeric vector, giving one value for each element.
#' @param x Numeric vector: where.
#' @param radius Numeric vector: the distance from x to the nearest point where f stops being analytic. The stencil
#'   reaches over a third of it: with order 16 the truncation is then below rounding (about 1e-13 relative).
row_derivatives <- function(f, x, radius, m = 8L, reach = 0.35) {
  stencil <- central_stencil(m)
  step <- reach * radius / m
  points <- x + outer(step, stencil$offset)
  values <- matrix(f(as.vector(points), rep(seq_along(x), length(stencil$offset))), nrow = length(x))
  # Subtracting the middle value first keeps large constants (log factorials) out of the cancellation.
  values <- values - values[, m + 1L]
  list(first = drop(values %*% stencil$first) / step, second = drop(values %*% stencil$second) / step^2)
}

#' The gradient of a function of several variables by central differences with Richardson's extrapolation.
#'
#' Steps are `step`, `step / 2`, ...: each level removes one more even power of the step.
reference_gradient <- function(f, x, step = 0.01 * pmax(1, abs(x)), levels = 4L) {
  step <- rep_len(step, length(x))
  gradient <- vapply(seq_along(x), function(j) {
    table <- vapply(seq_len(levels), function(level) {
      h <- step[j] / 2^(level - 1)
      (f(replace(x, j, x[j] + h)) - f(replace(x, j, x[j] - h))) / (2 * h)
    }, numeric(1))
    richardson_limit(table)
  }, numeric(1))
  stats::setNames(gradient, names(x))
}

#' The limit of a sequence whose error is a series in even powers of a step that is halved each time.
richardson_limit <- function(table) {
  power <- 1
  while (length(table) > 1L) {
    table <- (4^power * table[-1L] - table[-length(table)]) / (4^power - 1)
    power <- power + 1
  }
  table
}

#' The Hessian of a function of several variables: Richardson differences of Richardson gradients, made symmetric.
reference_hessian <- function(f, x, step = 0.02 * pmax(1, abs(x)), levels = 2L) {
  step <- rep_len(step, length(x))
  rows <- vapply(seq_along(x), function(j) {
    shifted <- function(h) reference_gradient(f, replace(x, j, x[j] + h), step, levels)
    table <- lapply(seq_len(levels), function(level) {
      h <- step[j] / 2^(level - 1)
      (shifted(h) - shifted(-h)) / (2 * h)
    })
    apply(do.call(rbind, table), 2L, richardson_limit)
  }, numeric(length(x)))
  rows <- matrix(rows, nrow = length(x), dimnames = list(names(x), names(x)))
  (rows + t(rows)) / 2
}
