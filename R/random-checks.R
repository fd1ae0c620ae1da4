# What a design can say before any search: variances that the data cannot tell apart. (Responses that leave nothing to
# estimate: exact-fit.R.)

#' Check that the variances of the random terms can be told apart
#' @noRd
check_terms <- function(design, family) {
  check_replication(design, family)
  check_same_groups(design)
  warn_spanned(design)
}

has_single_trials <- function(design, family, active) {
  has_trials(family) && is_constant(active_rows(design$size, active), 1)
}

#' Refuse random effects that cannot be told from the residuals
#'
#' With equal weights, as many random effects as rows leave nothing for a Gaussian residual; for other families with a
#' dispersion one level per row does. For single 0/1 trials the variance of such effects is not identified, which is a
#' warning. Each response then depends on them through the mean probability over its effect alone. Where the linear
#' predictor is an intercept alone, another intercept has that probability without them; with the probit link, other
#' coefficients have (all divided by the root of 1 + variance); elsewhere only the shape of the link's curve, averaged
#' over the effect, could tell the variance. Some structures tell their effects from
#' residuals by correlations alone (`unreplicated` of [describe_structure()]). Where a known covariance makes levels
#' more or less alike, that tells their effects from the residuals.
#' @noRd
check_replication <- function(design, family) {
  active <- active_positions(design$weights)
  rows <- length(active)
  binary <- has_single_trials(design, family, active)
  dispersed <- has_exact_fits(family) && is_constant(active_rows(design$weights, active))
  if (!binary && !dispersed) {
    return(invisible())
  }
  for (term in Filter(function(term) has_equal_levels(design$factors[[term$factor]]), design$terms)) {
    levels <- number_used(active_rows(design$factors[[term$factor]]$index, active))
    effects <- levels * length(term$names)
    too_many <- is_normal(family) && effects >= rows && !told_unreplicated(term, design, active)
    if (dispersed && (levels == rows || too_many)) {
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

# Whether the structure of a term tells its effects from residuals, from pairs of effects within levels alone.
told_unreplicated <- function(term, design, active) {
  factor <- design$factors[[term$factor]]
  z <- active_rows(factor$Z[, term$columns, drop = FALSE], active)
  present <- rowsum((z != 0) + 0, active_rows(factor$index, active)) > 0
  structure_of(term)$unreplicated(crossprod(present) > 0)
}

is_constant <- function(x, value = x[1L]) {
  min(x) == value && max(x) == value
}

# Number of levels that occur.
number_used <- function(index) {
  sum(tabulate(index + 1L) > 0L)
}

#' Refuse the same columns on two grouping factors that make the same groups
#'
#' Such are a factor and its copy under another name, or `a` and `a:b` where `b` is constant within `a`; but not where
#' one has a known covariance between its levels.
#' @noRd
check_same_groups <- function(design) {
  active <- active_positions(design$weights)
  for (j in seq_along(design$factors)[-1L]) {
    for (i in seq_len(j - 1L)) {
      if (!all(vapply(design$factors[c(i, j)], has_equal_levels, NA))) next
      if (!same_groups(active_rows(design$factors[[i]]$index, active),
                       active_rows(design$factors[[j]]$index, active))) next
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
  z <- active_rows(z, active)
  kept <- independent_columns(z, seq_len(ncol(z)))
  index <- active_rows(design$factors[[first$factor]]$index, active)
  if (length(kept) == ncol(z) || tells_apart(first, second, z, index)) {
    return(invisible())
  }
  columns <- unique(colnames(z)[setdiff(seq_len(ncol(z)), kept)])
  groups <- c(first$group, second$group)
  stop_glimmer("duplicated_term", paste0("The grouping factors ", format_items(groups), " make the same groups, and ",
                                         "the random terms ", first$label, " and ", second$label, " have the ",
                                         agree(length(columns), "column ", "columns "), format_items(columns),
                                         " twice (by itself or as a combination of columns): ",
                                         agree(length(columns), "its variance", "their variances"),
                                         " cannot be divided. Keep one of the terms."),
               column = columns, term = c(first$label, second$label), variable = groups, group = groups)
}

#' Whether two terms on the same groups have covariances that can be told apart, though their columns cannot
#'
#' On independent columns of both, of which all are combinations by M, the effects have the covariance
#' M diag(L1 L1', L2 L2') M'. Its derivatives in all parameters must be independent, in what pairs of effects that a
#' level has together show of it. Where no level has two rows of an effect the residual variance is one parameter more.
#' So `(1 | g)` and `ar1(0 + f | g)` can be told apart, as correlations of the latter fall with the lag.
#'
#' @param z The columns of both. @param index The level of each row.
#' @noRd
tells_apart <- function(first, second, z, index) {
  columns <- list(seq_along(first$names), length(first$names) + seq_along(second$names))
  # those of the larger term before the other's
  ordered <- columns[order(-lengths(columns))]
  kept <- unlist(ordered)[independent_columns(z[, unlist(ordered)], rep(1:2, lengths(ordered)))]
  map <- combine_columns(z[, kept, drop = FALSE], z)
  slopes <- unlist(Map(function(term, own) {
    along <- structure_of(term)$directions(typical_theta(term), diag(length(own)))
    own <- map[, own, drop = FALSE]
    lapply(along, function(direction) own %*% direction$slope %*% t(own))
  }, list(first, second), columns), recursive = FALSE)
  rows <- rowsum((z[, kept, drop = FALSE] != 0) + 0, index)
  if (max(rows) <= 1) slopes <- c(slopes, list(diag(length(kept))))
  shown <- crossprod(rows > 0) > 0 & lower.tri(diag(length(kept)), diag = TRUE)
  slopes <- vapply(slopes, function(slope) slope[shown], numeric(sum(shown)))
  is.matrix(slopes) && qr(unit_columns(slopes), tol = 1e-8)$rank == ncol(slopes)
}

#' Warn of a random effect whose levels are also in the fixed effects
#'
#' If the columns of Z for an effect, one a level, are combinations of those of X, any values of the effect can be had
#' by the fixed effects alone. The likelihood, a mean over the effect, is then at most its value at the best fixed
#' effects with variance zero, whatever the family.
#' @noRd
warn_spanned <- function(design) {
  active <- active_positions(design$weights)
  decomposition <- NULL
  for (term in design$terms) {
    index <- active_rows(design$factors[[term$factor]]$index, active)
    if (number_used(index) > ncol(design$X)) next
    group <- factor(index)
    if (is.null(decomposition)) decomposition <- qr(unit_columns(active_rows(design$X, active)), tol = 0)
    indicators <- outer(as.integer(group), seq_len(nlevels(group)), `==`) + 0
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
