# The exact test behind separation: which rows some change of the coefficients can push to the good side for ever
# without pushing any row to the bad one. Both answers come with their proof, so no tolerance on estimates or standard
# errors decides.
#
# Rows a_i (signed so that larger is better), the cone C = {delta : a_i'delta >= 0 for all i}. By the theorem of
# Stiemke (1915) exactly one is true: some delta in C has a_i'delta > 0 for some i; or there are multipliers
# lambda_i > 0 with sum lambda_i a_i = 0, the rows overlap. A Newton step of logistic regression of "all good" on the
# rows finds the one or the other: with lambda_i = 1 / (1 + exp(a_i'g)), w_i = lambda_i (1 - lambda_i) and
# d = (A'WA)^-1 A'lambda, the corrected multipliers lambda - W A d fulfil the equations exactly, so overlap is proven
# as soon as all (1 - lambda_i) a_i'd < 1. Where rows can be separated that never happens: g goes off along C, and its
# part orthogonal to the rows that stay behind is a direction that can be checked row by row.

#' Directions in which no row gets worse
#'
#' @param x Numeric matrix of full column rank. @param side Numeric, one a row: 1 where a larger linear predictor is
#'   better for ever, -1 where a smaller one is, 0 where neither is.
#' @return List: `separated` (logical, one a row: some direction in which no row gets worse makes this one better),
#'   `direction` (coefficients: makes every such row better and leaves all others as they are; zero without such rows),
#'   `free` (matrix, columns: a basis of all coefficients that leave the others as they are), `proven` (logical).
#' @noRd
prove_separation <- function(x, side) {
  nothing <- list(separated = logical(nrow(x)), direction = numeric(ncol(x)), free = matrix(0, ncol(x), 0L),
                  proven = TRUE)
  if (part_overlaps(x, side)) {
    return(nothing)
  }
  distinct <- collapse_rows(x, ifelse(rowSums(x != 0) == 0, 0, side))
  coordinates <- orthogonal_coordinates(distinct$x)
  fixed <- distinct$side == 0
  basis <- null_basis(unit_rows(coordinates$rows[fixed, , drop = FALSE]))
  separated <- logical(length(fixed))
  if (ncol(basis) == 0L) {
    return(nothing)
  }
  rows <- (coordinates$rows[!fixed, , drop = FALSE] * distinct$side[!fixed]) %*% basis
  lengths <- sqrt(rowSums(rows^2))
  live <- lengths > 1e-9 * sqrt(rowSums(coordinates$rows[!fixed, , drop = FALSE]^2))
  found <- grow_rows(rows[live, , drop = FALSE] / lengths[live])
  if (!any(found$separated)) {
    nothing$proven <- found$proven
    return(nothing)
  }
  separated[which(!fixed)[live]] <- found$separated
  back <- coordinates$back %*% basis
  list(separated = separated[distinct$group], direction = drop(back %*% found$direction),
       free = back %*% found$free, proven = found$proven)
}

#' Among very many rows the cheap proof: some of them overlap already
#' @noRd
part_overlaps <- function(x, side) {
  size <- 20L * ncol(x) + 200L
  if (nrow(x) < 4L * size) {
    return(FALSE)
  }
  part <- round(seq(1, nrow(x), length.out = size))
  some <- x[part, , drop = FALSE]
  if (!well_conditioned(crossprod(some))) {
    return(FALSE)
  }
  found <- prove_separation(some, side[part])
  found$proven && !any(found$separated)
}

#' Distinct rows; equal ones that pull to both sides pull to none
#'
#' @return List: `x`, `side` of the distinct rows, `group` (integer: the distinct row of each row).
#' @noRd
collapse_rows <- function(x, side) {
  scale <- column_reach(x)
  key <- drop(x %*% ((2 + cos(seq_len(ncol(x))^1.5)) / ifelse(scale > 0, scale, 1)))
  first <- which(!duplicated(key))
  group <- match(key, key[first])
  if (length(first) == nrow(x) || any(x != x[first[group], , drop = FALSE])) {
    return(list(x = unname(x), side = side, group = seq_len(nrow(x))))
  }
  lowest <- highest <- side[first]
  lowest[group[side < 1]] <- -1
  highest[group[side > -1]] <- 1
  neutral <- logical(length(first))
  neutral[group[side == 0]] <- TRUE
  list(x = unname(x[first, , drop = FALSE]), side = ifelse(neutral | lowest != highest, 0, highest), group = group)
}

#' Rows in coordinates in which the columns are orthogonal: the cone is the same, and scale and location are gone
#'
#' @return List: `rows`, `back` (matrix: coefficients from those in the new coordinates).
#' @noRd
orthogonal_coordinates <- function(x) {
  scale <- column_reach(x)
  unit <- x / rep(scale, each = nrow(x))
  products <- crossprod(unit)
  if (well_conditioned(products)) {
    back <- backsolve(chol(products), diag(ncol(x)))
    return(list(rows = unit %*% back, back = back / scale))
  }
  decomposition <- qr(unit, tol = 0)
  back <- matrix(0, ncol(x), ncol(x))
  back[decomposition$pivot, ] <- backsolve(qr.R(decomposition), diag(ncol(x)))
  rows <- qr.Q(decomposition)
  rows[rowSums(x != 0) == 0, ] <- 0
  list(rows = rows, back = back / scale)
}

unit_rows <- function(rows) {
  lengths <- sqrt(rowSums(rows^2))
  rows / ifelse(lengths > 0, lengths, 1)
}

#' A basis of the vectors orthogonal to all rows
#' @noRd
null_basis <- function(rows, tolerance = 1e-9) {
  k <- ncol(rows)
  if (nrow(rows) == 0L || k == 0L) {
    return(diag(k))
  }
  values <- eigen(crossprod(rows), symmetric = TRUE, only.values = TRUE)$values
  if (values[k] > 1e-6 * values[1L]) {
    return(matrix(0, k, 0L))
  }
  if (nrow(rows) > 2L * k) {
    decomposition <- qr(rows, tol = 0)
    rows <- qr.R(decomposition)[, order(decomposition$pivot), drop = FALSE]
  }
  parts <- svd(rows, nu = 0L, nv = k)
  sizes <- c(parts$d, numeric(k - length(parts$d)))
  parts$v[, sizes <= tolerance * sizes[1L], drop = FALSE]
}

#' Separable rows among many: solved on some of them, to which those are added that the answer gets wrong
#'
#' An overlap of some rows of full rank is one of all; a direction is right when it holds for all.
#'
#' @param rows Matrix of rows of length 1, of full column rank.
#' @return List: `separated`, `direction`, `free`, `proven`, as in [prove_separation()].
#' @noRd
grow_rows <- function(rows, tolerance = 1e-9) {
  n <- nrow(rows)
  batch <- max(200L, 10L * ncol(rows))
  working <- unique(round(seq(1, n, length.out = min(n, batch))))
  for (round in 1:200) {
    found <- peel_rows(rows[working, , drop = FALSE])
    if (length(working) == n || !found$proven) {
      break
    }
    if (ncol(found$free) == 0L) {
      return(list(separated = logical(n), direction = found$direction, free = found$free, proven = TRUE))
    }
    pushed <- drop(rows %*% found$direction)
    # not yet decided: no better by this direction, though others of the basis do move the row
    moved <- rowSums(abs(rows %*% found$free)) > tolerance
    wrong <- setdiff(which(moved & pushed <= tolerance), working)
    if (!length(wrong)) {
      return(list(separated = pushed > tolerance, direction = found$direction, free = found$free, proven = TRUE))
    }
    working <- c(working, wrong[order(pushed[wrong])][seq_len(min(batch, length(wrong)))])
  }
  separated <- logical(n)
  separated[working] <- found$separated
  list(separated = separated, direction = found$direction, free = found$free,
       proven = found$proven && length(working) == n)
}

#' Separable rows among few: separated ones are taken away until the rest is proven to overlap
#'
#' If delta separates some rows and leaves the rest as they are, and delta' does so within the rest, then a large
#' multiple of delta plus delta' separates both: nothing is lost by going on with the rest alone. At the end all
#' coefficients that leave the rest as it is are combinations of such directions.
#' @noRd
peel_rows <- function(rows) {
  separated <- logical(nrow(rows))
  direction <- numeric(ncol(rows))
  repeat {
    left <- which(!separated)
    span <- row_space(rows[left, , drop = FALSE])
    reduced <- rows[left, , drop = FALSE] %*% span
    live <- rowSums(reduced^2) > 1e-18
    if (!any(live)) break
    found <- split_rows(reduced[live, , drop = FALSE])
    if (!found$proven || !any(found$separated)) {
      return(list(separated = separated, direction = direction, proven = found$proven,
                  free = null_basis(rows[left, , drop = FALSE])))
    }
    separated[left[live][found$separated]] <- TRUE
    direction <- add_direction(direction, drop(span %*% found$direction), rows)
  }
  list(separated = separated, direction = direction, proven = TRUE,
       free = null_basis(rows[!separated, , drop = FALSE]))
}

# A basis of the combinations of rows.
row_space <- function(rows) {
  null <- null_basis(rows)
  if (ncol(null) == 0L) {
    return(diag(ncol(rows)))
  }
  null_basis(t(null))
}

# The new direction, and so much of the old one that the rows it separates stay separated.
add_direction <- function(old, new, rows) {
  new <- new / sqrt(sum(new^2))
  pushed <- drop(rows %*% old)
  back <- -drop(rows %*% new)
  undone <- pushed > 1e-9 & back > -pushed / 2
  total <- new + old * if (any(undone)) max(1, 2 * max((back / pushed)[undone])) else 1
  total / sqrt(sum(total^2))
}

#' One search for a proof: overlap of all rows, or a direction that separates some
#'
#' @return List: `proven`, `separated` (logical, one a row), `direction`.
#' @noRd
split_rows <- function(rows) {
  g <- numeric(ncol(rows))
  eta <- numeric(nrow(rows))
  loss <- function(eta) sum(log1p(exp(-abs(eta))) + pmax(-eta, 0))
  for (iteration in 1:100) {
    lambda <- stats::plogis(-eta)
    solved <- solve_scaled(crossprod(rows * sqrt(lambda * (1 - lambda))), crossprod(rows, lambda))
    if (is.null(solved)) break
    step <- solved$solution
    forward <- drop(rows %*% step)
    # what rounding leaves of the equations is for the rows of large multipliers, if those span the space
    if (solved$pivot > 1e-5 && max((1 - lambda) * forward) < 0.5) {
      return(list(proven = TRUE, separated = logical(nrow(rows))))
    }
    found <- check_directions(rows, list(step, g + step), iteration > 3L)
    if (!is.null(found)) {
      return(c(list(proven = TRUE), found))
    }
    size <- 1
    while (loss(eta + size * forward) > loss(eta) && size > 1e-6) size <- size / 2
    g <- g + size * step
    eta <- drop(rows %*% g)
  }
  list(proven = FALSE, separated = logical(nrow(rows)))
}

# Near the edge few rows have weight and the equations are nearly singular: then a shorter step, and no proof of
# overlap.
solve_scaled <- function(products, right) {
  unit <- 1 / sqrt(diag(products))
  if (!all(is.finite(unit))) {
    return(NULL)
  }
  scaled <- products * tcrossprod(unit)
  root <- attempt(chol(scaled))
  pivot <- if (is.null(root)) 0 else min(diag(root))
  if (is.null(root)) root <- attempt(chol(scaled + diag(1e-10, ncol(scaled))))
  if (is.null(root)) {
    return(NULL)
  }
  half <- backsolve(root, unit * right, transpose = TRUE)
  list(solution = drop(unit * backsolve(root, half)), pivot = pivot)
}

#' Is one of these directions, as it is or without what moves the rows that lag behind, one that separates?
#' @noRd
check_directions <- function(rows, directions, project) {
  for (direction in directions) {
    found <- check_direction(rows, direction)
    if (!is.null(found)) {
      return(found)
    }
  }
  if (!project) {
    return(NULL)
  }
  last <- directions[[length(directions)]]
  eta <- drop(rows %*% last)
  order <- order(eta, decreasing = TRUE)
  gaps <- -diff(eta[order])
  for (cut in utils::head(order(gaps, decreasing = TRUE), 4L)) {
    behind <- null_basis(rows[order[-seq_len(cut)], , drop = FALSE])
    if (ncol(behind) == 0L || gaps[cut] < 1) next
    found <- check_direction(rows, drop(behind %*% crossprod(behind, last)))
    if (!is.null(found)) {
      return(found)
    }
  }
  NULL
}

# Rows are of length 1, so that pushes compare with the length of the direction.
check_direction <- function(rows, direction, tolerance = 1e-9) {
  size <- sqrt(sum(direction^2))
  if (size == 0) {
    return(NULL)
  }
  pushed <- drop(rows %*% direction) / size
  ahead <- pushed > tolerance
  if (!any(ahead) || any(pushed < -1e-3 * tolerance)) {
    return(NULL)
  }
  list(separated = ahead, direction = direction / size)
}
