# The hypotheses of type III by estimable functions, as SAS has them: they are there whatever cells are empty.

#' Type III: the estimable functions of a term beyond all terms that do not contain it
#'
#' With an indicator for each level of each factor, G = XM, and the function c'beta of the coefficients has l = M'c for
#' coefficients in these. The hypothesis of a term are the functions without coefficients in the columns of terms that
#' do not contain it, orthogonal to those among them that have coefficients in containing terms alone. Written as
#' differences from the first level where they may be, so that the degrees of freedom do not depend on the coding
#' either.
#'
#' @return List: `of_term`, a function of the term that gives a matrix with a row each; `empty`, names of columns of G
#'   without data.
#' @references SAS/STAT documentation, "The Four Types of Estimable Functions".
#' @noRd
type_three_contrasts <- function(fit, x) {
  active <- active_positions(resolve_response(fit$frame, fit$family, warn = FALSE)$weights)
  plain <- coded_matrix(fit, function(levels) "contr.treatment", active)
  plain <- keep_columns(plain, independent_columns(plain, attr(plain, "assign")))
  whole <- coded_matrix(fit, function(levels) diag_named(levels), active)
  from_user <- coefficients_between(plain, active_rows(x, active))
  functions <- list(coefficients = combine_columns(plain, whole), rows = attr(plain, "assign"),
                    columns = attr(whole, "assign"), row_size = sqrt(colSums(plain^2)),
                    column_size = sqrt(colSums(whole^2)))
  list(of_term = function(k) {
    contrasts <- estimable_functions(functions, k, containing_terms(fit, k, continuous_variables(fit))) %*% from_user
    contrasts[abs(contrasts) < 1e-10 * max(abs(contrasts), 0)] <- 0
    contrasts
  }, empty = colnames(whole)[functions$column_size == 0])
}

#' The model matrix of the rows that count, with every factor coded in the same way
#' @param coding Function of the levels that gives contrasts.
#' @noRd
coded_matrix <- function(fit, coding, active) {
  contrasts <- lapply(stats::setNames(names(fit$contrasts), names(fit$contrasts)), function(name) {
    coding(levels(as.factor(fit$frame[[name]])))
  })
  x <- matrix_of(fit$terms, fit$frame, contrasts)
  structure(active_rows(x, active), assign = attr(x, "assign"))
}

diag_named <- function(levels) {
  matrix(diag(length(levels)), length(levels), dimnames = list(levels, levels))
}

#' Coefficients, in the columns kept, of the functions that are the hypothesis of a term
#'
#' @param functions List: `coefficients` (M), `rows` and `columns` (the terms of its rows and columns), `row_size` and
#'   `column_size` (the lengths of the columns of X and G).
#' @param containing Positions of the terms that contain term k.
#' @return Matrix, a row each.
#' @noRd
estimable_functions <- function(functions, k, containing) {
  of <- function(terms) functions$coefficients[, functions$columns %in% terms, drop = FALSE]
  size <- functions$row_size
  units <- pmax(functions$column_size, .Machine$double.xmin)
  others <- !functions$columns %in% c(k, containing)
  scaled <- functions$coefficients[, others, drop = FALSE] * size / rep(units[others], each = length(size))
  allowed <- size * left_null_space(scaled)
  above <- allowed %*% left_null_space(crossprod(allowed, of(k)))
  rank <- ncol(allowed) - ncol(above)
  if (!rank) {
    return(matrix(0, 0L, length(size)))
  }
  if (ncol(above)) {
    shares <- combine_columns(crossprod(of(containing), above), crossprod(of(containing), allowed))
    allowed <- allowed - above %*% shares
  }
  allowed <- size * svd(allowed / size)$u[, seq_len(rank), drop = FALSE]
  # one of the coefficients of the term in each row, where these are enough
  coordinates <- rbind(allowed[functions$rows == k, , drop = FALSE], crossprod(of(k), allowed))
  chosen <- qr(t(coordinates))$pivot[seq_len(rank)]
  t(allowed %*% solve(coordinates[chosen, , drop = FALSE], tol = 0))
}

# Orthonormal vectors v with v'A = 0.
left_null_space <- function(a, tolerance = 1e-6) {
  if (!length(a)) {
    return(diag(nrow(a)))
  }
  parts <- svd(a, nu = nrow(a), nv = 0L)
  rank <- sum(parts$d > tolerance * max(parts$d))
  parts$u[, seq_len(nrow(a)) > rank, drop = FALSE]
}

# B with to %*% B = from, both spanning the same space.
coefficients_between <- function(to, from) {
  coefficients <- if (ncol(to) == ncol(from)) combine_columns(to, from) else NA_real_
  rest <- if (!anyNA(coefficients)) sqrt(colSums((from - to %*% coefficients)^2) / colSums(from^2))
  if (anyNA(coefficients) || any(rest > 1e-6)) {
    stop_glimmer("contrasts", paste0("Tests of type III need contrasts that span all differences between the levels ",
                                     "of each factor: these do not. Use type = \"II\"."), argument = "contrasts")
  }
  coefficients
}
