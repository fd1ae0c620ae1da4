# Responses that leave nothing to estimate: without variation, or fitted exactly. Asked before the search; where that
# cannot decide, what the search found may.

#' Check that the response leaves something to estimate
#'
#' A response without variation, at the limit of its family, takes the intercept to infinity; one that the model fits
#' exactly takes the dispersion to zero and the likelihood to infinity.
#' @noRd
check_variation <- function(design, family) {
  active <- active_positions(design$weights)
  check_limit(design, family, active)
  check_trials(design, family, active)
  z <- wanted_predictor(design, family, active)
  if (is.null(z)) {
    return(invisible())
  }
  x <- active_rows(design$X, active)
  left <- c(left_by_fixed(x, z), left_by_groups(design, x, z, active))
  if (any(left <= rounding_limit)) {
    stop_exact(design, active, min(left), by_fixed = left[1L] <= rounding_limit)
  }
}

#' Refuse a variance between trials of a row where each row is one trial
#'
#' A beta-binomial response of one trial is a binomial one, whatever the precision is.
#' @noRd
check_trials <- function(design, family, active) {
  if (needs_constant(family) && has_single_trials(design, family, active)) {
    rows <- length(active)
    stop_glimmer("replication", paste0("The response is a single trial in each of the ", rows, " rows: a ",
                                       family$family, " response of one trial is a ",
                                       family_traits(family)$limit_family, " one, whatever '",
                                       names(family_traits(family)$predictors)[-1L], "' is, which cannot be ",
                                       "estimated. Fit the family ", family_traits(family)$limit_family,
                                       ", or give cbind(successes, failures) of rows of several trials."),
                 rows_used = rows)
  }
}

# What X beta + Z b would have to be to fit the response exactly; NULL where it cannot, or where that is no matter.
wanted_predictor <- function(design, family, active) {
  if (!has_exact_fits(family)) {
    return(NULL)
  }
  mean <- on_scale_of_mean(family, active_rows(design$y, active))
  z <- suppressWarnings(family$linkfun(mean)) - active_rows(design$offset, active)
  if (all(is.finite(z))) z
}

#' Refuse a dispersion that the search took to round-off
#'
#' It does where [check_variation()] has left a response undecided that the model fits exactly, and where what is left
#' of a response is too little for the search: it compares log-likelihoods, whose rounding is that of squares. (With a
#' residual standard deviation of 1e-9 beside effects of size 1 it ended at 1e-8.) Where the columns are as many as the
#' rows they fit every response; then the likelihood can rise for ever, or to a limit, as the dispersion goes to zero,
#' and where on this way a search stops is an accident.
#'
#' @param parameters Numeric: the parameters found, the dispersion last.
#' @param whole The design with its columns, evaluated only where the dispersion is suspicious.
#' @noRd
check_exact_fit_after <- function(parameters, design, family, whole = design) {
  if (!has_exact_fits(family)) {
    return(invisible())
  }
  active <- active_positions(design$weights)
  last <- parameters[[length(parameters)]]
  y <- active_rows(design$y, active)
  weights <- active_rows(design$weights, active)
  if (has_dispersion(family)) {
    sigma <- sigma_at(family, last)
    # the sigma at which residuals are as large as the response
    size <- sqrt(mean(weights * y^2 / variance_at(family, y)))
    refuse_saturated(sigma, y, weights, design, family, active)
  } else {
    sigma <- family_traits(family)$relative_deviation(y, exp(last))
    size <- 1
  }
  if (!isTRUE(sigma <= 1e-5 * size)) {
    return(invisible())
  }
  z <- wanted_predictor(design, family, active)
  x <- active_rows(whole$X, active)
  left <- if (is.null(z)) 1 else left_by_groups(design, x, z, active, whole = TRUE)
  if (left <= rounding_limit) {
    stop_exact(design, active, left, by_fixed = FALSE)
  }
  if (is_linear(family) && ncol(x) > 0L) {
    # a part of the response that the fixed effects take away, as its mean, counts for less
    size <- sqrt(size * sqrt(mean(weights * fit_columns(unit_columns(x), z)$residual^2)))
  }
  if (sigma <= search_limit * size) {
    stop_exact(design, active, sigma / size, by_fixed = FALSE, limit = search_limit)
  }
}

search_limit <- sqrt(.Machine$double.eps)

# As many columns as rows, and a dispersion of nothing beside the variation of the response.
refuse_saturated <- function(sigma, y, weights, design, family, active, limit = 1e-4) {
  effects <- vapply(design$factors, function(factor) length(factor$levels) * ncol(factor$Z), 1)
  if (sum(effects) + ncol(design$X) < length(active)) {
    return(invisible())
  }
  centre <- sum(weights * y) / sum(weights)
  size <- sqrt(mean(weights * (y - centre)^2 / variance_at(family, centre)))
  if (isTRUE(sigma <= limit * size)) {
    stop_exact(design, active, sigma / size, by_fixed = FALSE, limit = limit, effects = sum(effects))
  }
}

check_limit <- function(design, family, active) {
  edge <- constant_edge(design, family, active)
  side <- common_side(design, family, active)
  at_limit <- side != 0 && length(constant_columns(active_rows(design$X, active), attr(design$X, "assign")))
  if (is.null(edge) && !at_limit) {
    return(invisible())
  }
  name <- names(design$frame)[1L]
  high <- if (is.null(edge)) side > 0 else edge > 0
  what <- family_traits(family)$limit_words[1L + high]
  why <- if (is.null(edge)) {
    paste0("the likelihood rises for ever as the intercept goes to ", if (high) "+Inf" else "-Inf", ", and no ",
           "coefficient has a finite estimate.")
  } else {
    paste0("the likelihood is largest where every mean is ", edge, " and no group differs, at the edge of what the ",
           "link '", family$link, "' allows: there is nothing to estimate.")
  }
  stop_glimmer("constant_response", paste0("The response ", format_items(name), " is ", what, " in all ",
                                           count_text(length(active)), " rows: ", why),
               variable = name, rows_used = length(active), direction = if (is.null(edge)) side, value = edge)
}

# The limit that all responses are at: 1 or -1, or 0 where there is none. Most often the first few differ.
common_side <- function(design, family, active) {
  for (rows in list(active[seq_len(min(100L, length(active)))], active)) {
    side <- limit_side(design, family, rows)
    if (is.null(side) || any(side != side[1L])) {
      return(0)
    }
  }
  side[1L]
}

#' The mean that all responses have, where it is an edge of what the link allows and the model can have it in all rows
#'
#' The linear predictor is 0 there, so that no intercept is needed, but coefficients that make up for the offset are.
#'
#' @return Number, or `NULL`.
#' @noRd
constant_edge <- function(design, family, active) {
  edge <- family_traits(family)$edge(design$y[active], design$size[active], family$link)
  offset <- design$offset[active]
  if (!is.null(edge) && left_by_fixed(active_rows(design$X, active), -offset) <= rounding_limit) edge
}

stop_exact <- function(design, active, left, by_fixed, limit = rounding_limit, effects = NULL) {
  name <- names(design$frame)[1L]
  values <- unique(design$y[active])
  rows <- count_text(length(active))
  if (length(values) == 1L) {
    stop_glimmer("constant_response", paste0("The response ", format_items(name), " is ", format(values), " in all ",
                                             rows, " rows: without variation there is nothing to estimate."),
                 variable = name, value = values, rows_used = length(active))
  }
  by <- if (by_fixed) "fixed effects" else "fixed effects and the groups"
  groups <- if (!by_fixed) vapply(design$factors, function(factor) factor$name, "")
  how <- if (limit == rounding_limit) {
    c(" exactly in all ", "relative residual ", "rounding is ",
      "the residual variance goes to 0 and the likelihood to infinity. Was the response computed from them?")
  } else if (!is.null(effects)) {
    c(" too closely in all ", "relative residual standard deviation ", "taken for 0 below ",
      saturated_words(effects, any(vapply(design$factors, function(factor) !is.null(factor$known), NA))))
  } else {
    c(" too closely in all ", "relative residual standard deviation ", "the search resolves ",
      "all estimates would be round-off. Was the response computed from them?")
  }
  stop_glimmer("exact_fit", paste0("The ", by, " fit the response ", format_items(name), how[1L], rows, " rows (",
                                   how[2L], format(left, digits = 2), ", ", how[3L], format(limit, digits = 2), "): ",
                                   how[4L]),
               variable = name, group = groups, value = left, limit = limit, rows_used = length(active),
               effects = effects)
}

# With levels that a known covariance connects, as by a phylogeny, a residual variance of 0 is a model of its own, and
# has a likelihood.
saturated_words <- function(effects, known) {
  if (known) {
    return(paste("the likelihood rises as the residual variance goes to 0: all that the fixed effects leave goes with",
                 "the known covariance. A model without a residual variance cannot be fitted here; other packages fit",
                 "it, as nlme::gls() with that correlation."))
  }
  paste("with", count_text(effects), "random effects the likelihood rises as the residual variance goes to 0, and has",
        "no maximum. Leave out random effects, or fixed ones.")
}

#' What a combination of the columns of X leaves of a response
#'
#' Asked first of some of the rows: what does not fit there does not fit.
#'
#' @return Number: the residual in proportion to what was added up; below `rounding_limit` it is an exact fit.
#' @noRd
left_by_fixed <- function(x, z) {
  some <- 10L * ncol(x) + 50L
  if (length(z) > 2L * some) {
    part <- round(seq(1, length(z), length.out = some))
    left <- left_over(x[part, , drop = FALSE], z[part])
    if (left > rounding_limit) {
      return(left)
    }
  }
  left_over(x, z)
}

rounding_limit <- 64 * .Machine$double.eps

left_over <- function(x, z) {
  size <- sqrt(sum(z^2))
  if (ncol(x) == 0L || size == 0) {
    return(as.numeric(size > 0))
  }
  fitted <- fit_columns(unit_columns(x), z)
  sqrt(sum(fitted$residual^2)) / (size + fitted$added)
}

#' Least squares on columns; those that earlier ones nearly make up are left out
#'
#' @param lengths Numeric: the lengths of the columns of which `x` is a part.
#' @return List: `residual`, `added` (the size of what was added up, and with it of its rounding), `basis`
#'   (orthonormal).
#' @noRd
fit_columns <- function(x, z, lengths = rep(1, ncol(x))) {
  left <- sqrt(colSums(x^2))
  kept <- left > 1e-10
  if (!any(kept)) {
    return(list(residual = z, added = 0, basis = matrix(0, length(z), 0L)))
  }
  shares <- (lengths / left)[kept]
  x <- x[, kept, drop = FALSE] / rep(left[kept], each = nrow(x))
  decomposition <- qr(x)
  added <- 0
  # subtracted row by row, and twice: with many rows Householder reflections leave more rounding than there is in z
  for (pass in 1:2) {
    coefficients <- qr.coef(decomposition, z)
    coefficients[is.na(coefficients)] <- 0
    added <- added + sum(abs(coefficients) * shares)
    z <- z - drop(x %*% coefficients)
  }
  list(residual = z, added = added, basis = qr.Q(decomposition)[, seq_len(decomposition$rank), drop = FALSE])
}

#' What a combination of the columns of X and Z leaves of a response
#'
#' Asked of the rows of a few levels, of more where they are fitted exactly, and at last of all. Not asked where there
#' are about as many columns as rows: those fit every response, and the likelihood, a mean over the random effects,
#' need not be infinite for it. More than 20000 rows of crossed factors, of which no part of 800 decides, are not asked
#' either but left to [check_exact_fit_after()], for speed. The factor with the most columns is projected out level by
#' level, and X after it (Frisch and Waugh 1933); with one factor that is the answer. Others are left to
#' [left_by_others()].
#'
#' @param whole Logical: whether to ask of all rows, however many, where no part has decided.
#' @return As of [left_by_fixed()]; 1 where it is not decided.
#' @noRd
left_by_groups <- function(design, x, z, active, whole = FALSE) {
  factors <- lapply(design$factors, function(factor) {
    list(index = active_rows(factor$index, active), Z = active_rows(factor$Z, active))
  })
  n <- length(z)
  first <- rows_of_large_levels(factors, 800L)
  whole <- whole || length(factors) == 1L || n <= 2e4
  for (size in unique(pmin(n, c(50L, 200L, 800L, n)))) {
    rows <- if (size == n) seq_len(n) else first[seq_len(size)]
    some <- lapply(factors, function(factor) {
      index <- factor$index[rows]
      list(index = match(index, unique(index)), Z = unit_columns(factor$Z[rows, , drop = FALSE]))
    })
    columns <- vapply(some, function(factor) max(factor$index) * ncol(factor$Z), 1)
    if (size - ncol(x) - sum(columns) < 5 || (size == n && !whole)) next
    left <- left_by_columns(unit_columns(x[rows, , drop = FALSE]), z[rows], some[order(columns, decreasing = TRUE)])
    if (left > rounding_limit || size == n) {
      return(left)
    }
    whole <- TRUE
  }
  1
}

left_by_columns <- function(x, z, factors) {
  size <- sqrt(sum(z^2))
  if (size == 0) {
    return(0)
  }
  basis <- level_basis(factors[[1L]])
  within <- function(m) project_within(m, basis, factors[[1L]]$index)
  fitted <- fit_columns(within(x), drop(within(as.matrix(z))), lengths = rep(1, ncol(x)))
  residual <- fitted$residual
  size <- size + fitted$added
  if (length(factors) > 1L && sqrt(sum(residual^2)) > rounding_limit * size) {
    project <- function(r) {
      r <- within(as.matrix(r))
      drop(r - fitted$basis %*% crossprod(fitted$basis, r))
    }
    residual <- left_by_others(residual, factors[-1L], project, enough = rounding_limit * size)
  }
  sqrt(sum(residual^2)) / size
}

#' Columns of Z made orthogonal within each level, of length 1 there, or 0 where earlier ones make them up
#' @noRd
level_basis <- function(factor) {
  index <- factor$index
  basis <- matrix(0, length(index), 0L)
  for (j in seq_len(ncol(factor$Z))) {
    column <- factor$Z[, j, drop = FALSE]
    left <- project_within(column, basis, index)
    squares <- rowsum(left^2, index)
    fresh <- squares > 1e-16 * rowsum(column^2, index) & squares > 0
    basis <- cbind(basis, left * ifelse(fresh, 1 / sqrt(squares), 0)[index])
  }
  basis
}

# Twice: the second time takes away what rounding left.
project_within <- function(m, basis, index) {
  for (pass in 1:2) {
    for (j in seq_len(ncol(basis))) {
      m <- m - basis[, j] * rowsum(basis[, j] * m, index)[index, , drop = FALSE]
    }
  }
  m
}

#' What the columns of further factors leave of a residual: conjugate gradients on the normal equations
#'
#' @param residual Numeric: with the first factor and X projected out. @param project Function that does that.
#' @param enough Number: the length of a residual that is an exact fit.
#' @return The residual: not longer than `enough`, which is an exact fit for certain, or where the steps ran out or
#'   gained nothing.
#' @noRd
left_by_others <- function(residual, factors, project, enough) {
  levels <- vapply(factors, function(factor) max(factor$index), 1)
  times <- function(v) {
    rows <- Map(function(factor, v) rowSums(factor$Z * v[factor$index, , drop = FALSE]), factors, v)
    project(Reduce(`+`, rows))
  }
  transposed <- function(r) lapply(factors, function(factor) rowsum(factor$Z * r, factor$index))
  lengths <- lapply(factors, function(factor) 1 / pmax(sqrt(rowsum(factor$Z^2, factor$index)), 1e-10))
  scaled <- function(v) Map(`*`, v, lengths)
  inner <- function(v) sum(vapply(v, function(part) sum(part^2), 1))
  gradient <- scaled(transposed(residual))
  direction <- gradient
  square <- inner(gradient)
  for (step in seq_len(2L * sum(levels) + 50L)) {
    if (sqrt(sum(residual^2)) <= enough || sqrt(square) <= 1e-4 * sqrt(sum(residual^2)) || step > 1000L) break
    image <- times(scaled(direction))
    shorter <- residual - image * (square / sum(image^2))
    # in exact arithmetic it is: what is left is round-off
    if (!isTRUE(sum(shorter^2) < sum(residual^2))) break
    residual <- shorter
    gradient <- scaled(transposed(residual))
    last <- square
    square <- inner(gradient)
    direction <- Map(function(g, d) g + d * (square / last), gradient, direction)
  }
  residual
}

# Rows of the largest levels of the factor with the fewest: there the fewest columns come with the most rows.
rows_of_large_levels <- function(factors, number) {
  sizes <- lapply(factors, function(factor) tabulate(factor$index + 1L))
  fewest <- which.min(lengths(sizes))
  largest <- order(sizes[[fewest]], decreasing = TRUE)
  enough <- sum(cumsum(sizes[[fewest]][largest]) < number) + 1L
  place <- match(factors[[fewest]]$index + 1L, largest[seq_len(min(enough, length(largest)))])
  rows <- which(!is.na(place))
  rows[order(place[rows])]
}
