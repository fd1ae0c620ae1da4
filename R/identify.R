# What a design can say before any search: variances that the data cannot tell apart, and responses that leave nothing
# to estimate.

#' Check that the variances of the random terms can be told apart
#' @noRd
check_terms <- function(design, family) {
  check_replication(design, family)
  check_same_groups(design)
  warn_spanned(design)
}

#' Refuse random effects that cannot be told from the residuals
#'
#' With equal weights, as many random effects as rows leave nothing for a Gaussian residual; for other families with a
#' dispersion one level per row does. For single 0/1 trials the variance of such effects is not identified, which is a
#' warning: the response has the distribution of one without them at another intercept.
#' @noRd
check_replication <- function(design, family) {
  active <- design$weights > 0
  rows <- sum(active)
  binary <- family$family == "binomial" && all(design$size[active] == 1)
  dispersed <- has_dispersion(family) && length(unique(design$weights[active])) == 1L
  if (!binary && !dispersed) {
    return(invisible())
  }
  for (term in design$terms) {
    levels <- number_used(design$factors[[term$factor]]$index[active])
    effects <- levels * length(term$names)
    if (dispersed && (levels == rows || (family$family == "gaussian" && effects >= rows))) {
      stop_glimmer("replication", paste0("The random term ", term$label, " has ", effects, " random effects (", levels,
                                         " levels of ", format_items(term$group), ") for ", rows, " rows: without ",
                                         "replication they cannot be told from the residuals. Leave the term out, ",
                                         "or make it simpler."),
                   term = term$label, variable = term$group, group = term$group, effects = effects, rows_used = rows)
    }
    if (binary && levels == rows) {
      warn_glimmer("unidentified", paste0("The grouping factor ", format_items(term$group), " has one level per row (",
                                          rows, "): the variance of ", term$label, " is not identified for a 0/1 ",
                                          "response. Leave the term out."),
                   term = term$label, variable = term$group, group = term$group, rows_used = rows)
    }
  }
}

# Number of levels that occur.
number_used <- function(index) {
  sum(tabulate(index + 1L) > 0L)
}

#' Refuse the same columns on two grouping factors that make the same groups
#'
#' Such are a factor and its copy under another name, or `a` and `a:b` where `b` is constant within `a`.
#' @noRd
check_same_groups <- function(design) {
  active <- which(design$weights > 0)
  for (j in seq_along(design$factors)[-1L]) {
    for (i in seq_len(j - 1L)) {
      if (!same_groups(design$factors[[i]]$index[active], design$factors[[j]]$index[active])) next
      for (first in terms_on(design, i)) {
        for (second in terms_on(design, j)) refuse_shared(first, second, design, active)
      }
    }
  }
}

terms_on <- function(design, i) {
  Filter(function(term) term$factor == i, design$terms)
}

same_groups <- function(a, b) {
  one_level_each <- function(of, within) {
    level <- integer(max(within) + 1L)
    level[within + 1L] <- of
    all(level[within + 1L] == of)
  }
  one_level_each(a, b) && one_level_each(b, a)
}

refuse_shared <- function(first, second, design, active) {
  z <- cbind(design$factors[[first$factor]]$Z[, first$columns, drop = FALSE],
             design$factors[[second$factor]]$Z[, second$columns, drop = FALSE])
  kept <- independent_columns(active_rows(z, active), seq_len(ncol(z)))
  if (length(kept) == ncol(z)) {
    return(invisible())
  }
  columns <- unique(colnames(z)[setdiff(seq_len(ncol(z)), kept)])
  groups <- c(first$group, second$group)
  stop_glimmer("duplicated_term", paste0("The grouping factors ", format_items(groups), " make the same groups, and ",
                                         "the random terms ", first$label, " and ", second$label, " have the column ",
                                         format_items(columns), " twice (by itself or as a combination of columns): ",
                                         "its variance cannot be divided. Keep one of the terms."),
               column = columns, term = c(first$label, second$label), variable = groups, group = groups)
}

#' Warn of a random effect whose levels are also in the fixed effects
#'
#' If the columns of Z for an effect, one a level, are combinations of those of X, any values of the effect can be had
#' by the fixed effects alone. The likelihood, a mean over the effect, is then at most its value at the best fixed
#' effects with variance zero, whatever the family.
#' @noRd
warn_spanned <- function(design) {
  active <- which(design$weights > 0)
  decomposition <- NULL
  for (term in design$terms) {
    index <- design$factors[[term$factor]]$index[active]
    if (number_used(index) > ncol(design$X)) next
    group <- factor(index)
    if (is.null(decomposition)) decomposition <- qr(unit_columns(active_rows(design$X, active)), tol = 0)
    indicators <- unname(stats::model.matrix(~ 0 + group))
    spanned <- vapply(term$columns, function(j) {
      z <- indicators * design$factors[[term$factor]]$Z[active, j]
      left <- sqrt(colSums(qr.resid(decomposition, z)^2) / colSums(z^2))
      max(left, 0, na.rm = TRUE) < 1e-8
    }, NA)
    if (any(spanned)) {
      warn_glimmer("unidentified", paste0("The fixed effects hold each of the ", nlevels(group), " levels of ",
                                          format_items(term$group), ": beside them the variance of ",
                                          format_items(term$names[spanned]), " in ", term$label, " is not identified, ",
                                          "and the likelihood is largest where it is 0. Leave ",
                                          format_items(term$group), " out of the fixed or of the random effects."),
                   term = term$label, variable = term$group, group = term$group, columns = term$names[spanned])
    }
  }
}

#' Check that the response leaves something to estimate
#'
#' A response without variation, at the limit of its family, takes the intercept to infinity; one that the model fits
#' exactly takes the dispersion to zero and the likelihood to infinity.
#' @noRd
check_variation <- function(design, family) {
  active <- which(design$weights > 0)
  check_limit(design, family, active)
  if (!has_dispersion(family)) {
    return(invisible())
  }
  z <- suppressWarnings(family$linkfun(design$y[active])) - design$offset[active]
  if (!all(is.finite(z))) {
    return(invisible())
  }
  x <- active_rows(design$X, active)
  left <- c(left_by_fixed(x, z), left_by_groups(design, x, z, active))
  if (any(left <= rounding_limit)) {
    stop_exact(design, active, min(left), by_fixed = left[1L] <= rounding_limit)
  }
}

check_limit <- function(design, family, active) {
  side <- limit_side(design, family)[active]
  at_limit <- length(side) && side[1L] != 0 && all(side == side[1L])
  if (!at_limit || !length(constant_columns(active_rows(design$X, active), attr(design$X, "assign")))) {
    return(invisible())
  }
  name <- names(design$frame)[1L]
  what <- if (family$family != "binomial") "0 or less" else if (side[1L] < 0) "0 successes" else "successes only"
  if (family$family == "poisson") what <- "0"
  stop_glimmer("constant_response", paste0("The response ", format_items(name), " is ", what, " in all ",
                                           count_text(length(active)), " rows: the likelihood rises for ever as the ",
                                           "intercept goes to ", if (side[1L] < 0) "-Inf" else "+Inf", ", and no ",
                                           "coefficient has a finite estimate."),
               variable = name, rows_used = length(active), direction = side[1L])
}

stop_exact <- function(design, active, left, by_fixed) {
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
  stop_glimmer("exact_fit", paste0("The ", by, " fit the response ", format_items(name), " exactly in all ", rows,
                                   " rows (relative residual ", format(left, digits = 2), ", rounding is ",
                                   format(rounding_limit, digits = 2), "): the residual variance goes to 0 and the ",
                                   "likelihood to infinity. Was the response computed from them?"),
               variable = name, group = groups, value = left, limit = rounding_limit, rows_used = length(active))
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
  if (ncol(x) == 0L) {
    return(if (all(z == 0)) 0 else 1)
  }
  decomposition <- qr(unit_columns(x))
  coefficients <- qr.coef(decomposition, z)
  # columns of length 1, so that this is the size of what was added up, and of its rounding
  size <- sqrt(sum(z^2)) + sum(abs(coefficients), na.rm = TRUE)
  if (size == 0) 0 else sqrt(sum(qr.resid(decomposition, z)^2)) / size
}

#' What a combination of the columns of X and Z leaves of a response
#'
#' Asked of the rows of a few levels, of more where they are fitted exactly, and at last of all; not asked where that
#' is much work (many crossed levels with few rows each).
#' @noRd
left_by_groups <- function(design, x, z, active) {
  factors <- lapply(design$factors, function(factor) {
    list(index = factor$index[active], Z = active_rows(factor$Z, active))
  })
  n <- length(z)
  first <- rows_of_large_levels(factors, 800L)
  for (size in unique(pmin(n, c(50L, 200L, 800L, n)))) {
    rows <- if (size == n) seq_len(n) else first[seq_len(size)]
    columns <- ncol(x) + sum(vapply(factors, function(factor) length(unique(factor$index[rows])) * ncol(factor$Z), 1))
    if (size - columns < 5 || size * columns^2 > 1e8) next
    left <- left_over(cbind(x[rows, , drop = FALSE], expand_levels(factors, rows)), z[rows])
    if (left > rounding_limit || size == n) {
      return(left)
    }
  }
  1
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

# Columns of Z, one a level and effect, for some rows.
expand_levels <- function(factors, rows) {
  do.call(cbind, lapply(factors, function(factor) {
    index <- factor$index[rows]
    indicators <- outer(index, unique(index), "==") + 0
    do.call(cbind, lapply(seq_len(ncol(factor$Z)), function(j) indicators * factor$Z[rows, j]))
  }))
}
