# Degrees of freedom by containment: ranks of the columns of random effects.

#' Containment degrees of freedom of each fixed effect
#'
#' @return Numeric, one a fixed effect; `NA` where the random effect that contains its term adds no rank.
#' @noRd
containment_df <- function(fit) {
  design <- fit_design(fit)
  effects <- random_effects_by_name(fit, design)
  ranks <- added_ranks(design, effects)
  residual <- length(active_positions(design$weights)) - sum(ranks)
  incidence <- variables_by_term(fit$terms)
  of_term <- vapply(c(0L, seq_len(ncol(incidence))), function(k) {
    variables <- if (k > 0L) rownames(incidence)[incidence[, k]]
    contains <- vapply(effects, function(effect) all(variables %in% effect$variables), logical(1))
    if (any(contains)) min(ranks[-1L][contains]) else residual
  }, 1)
  of_term[of_term == 0] <- NA
  of_term[attr(design$X, "assign") + 1L]
}

#' The random effects one by one, each with the variables in its name: of (x | g) they are g and x:g
#'
#' @return List, one element an effect, those of factors with fewer levels first, so that an outer factor comes before
#'   those nested in it: `variables`, `factor`, `columns` (positions in its Z).
#' @noRd
random_effects_by_name <- function(fit, design) {
  levels <- vapply(design$terms, function(term) count_levels(design$factors[[term$factor]]), 1L)
  unlist(lapply(design$terms[order(levels)], function(term) {
    incidence <- variables_by_term(term$terms)
    lapply(unique(term$assign), function(k) {
      own <- if (k > 0L) rownames(incidence)[incidence[, k]]
      list(variables = c(own, group_components(term$group_expression)), factor = term$factor,
           columns = term$columns[term$assign == k])
    })
  }), recursive = FALSE)
}

#' Rank of X, and what each random effect in turn adds to it
#'
#' The columns of X, made orthonormal, are to the core effects of a factor of one level.
#' @noRd
added_ranks <- function(design, effects) {
  active <- active_positions(design$weights)
  columns <- qr.Q(qr(unit_columns(active_rows(design$X, active)), tol = 0))
  ranks <- ncol(columns)
  fixed <- if (ranks) list(list(index = integer(length(active)), levels = 1L, Z = columns))
  random <- lapply(design$factors, function(factor) {
    list(index = active_rows(factor$index, active), levels = length(factor$levels), Z = NULL)
  })
  for (effect in effects) {
    own <- random[[effect$factor]]
    for (j in effect$columns) {
      z <- active_rows(design$factors[[effect$factor]]$Z, active)[, j]
      own$Z <- cbind(own$Z, level_residuals(z, own$Z, own$index + 1L))
    }
    random[[effect$factor]] <- own
    ranks <- c(ranks, engine_rank(c(fixed, Filter(function(factor) length(factor$Z), random))))
  }
  diff(c(0, ranks))
}

# A column of Z with the earlier ones of its factor taken out level by level, in length 1 or, where nothing is left, 0.
level_residuals <- function(z, earlier, codes) {
  of_level <- function(x) stats::ave(x, codes, FUN = sum)
  before <- of_level(z^2)
  for (round in 1:2) {
    for (k in seq_len(NCOL(earlier))[!is.null(earlier)]) z <- z - earlier[, k] * of_level(earlier[, k] * z)
  }
  left <- of_level(z^2)
  ifelse(left > 1e-12 * before, z / sqrt(left), 0)
}
