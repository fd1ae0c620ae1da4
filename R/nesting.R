# How grouping factors lie in each other: the tree along which quadrature integrates.

#' Factors each of which lies within the next
#'
#' @param design List with `factors` and `weights`, as of [build_design()].
#' @return `NULL` where the factors are no such chain in the data, or levels have a known covariance; else list:
#'   `order`, positions of the factors from the innermost to the outermost; by factor, as the design has them, `levels`
#'   and `effects` (integer), and `parents` (list: of each level that of the next factor in which it lies, `NA` where it
#'   has no rows; `NULL` for the outermost factor).
#' @noRd
nesting_of <- function(design) {
  factors <- design$factors
  if (length(known_groups(factors))) {
    return(NULL)
  }
  levels <- vapply(factors, function(factor) length(factor$levels), 1L, USE.NAMES = FALSE)
  # as the core does
  order <- order(-levels)
  parents <- vector("list", length(factors))
  for (at in seq_along(order)[-1L]) {
    inner <- order[at - 1L]
    found <- parent_levels(factors[[inner]], factors[[order[at]]], active_positions(design$weights))
    if (is.null(found)) {
      return(NULL)
    }
    parents[[inner]] <- found
  }
  effects <- vapply(factors, function(factor) ncol(factor$Z), 1L, USE.NAMES = FALSE)
  list(order = order, levels = levels, effects = effects, parents = parents)
}

# Of each level of a factor that of another in which its rows are; `NULL` where they are in several.
parent_levels <- function(inner, outer, rows) {
  level <- active_rows(inner$index, rows) + 1L
  parent <- rep(NA_integer_, length(inner$levels))
  parent[level] <- active_rows(outer$index, rows) + 1L
  if (all(parent[level] == active_rows(outer$index, rows) + 1L)) parent
}

innermost <- function(nesting) nesting$order[1L]

outermost <- function(nesting) nesting$order[length(nesting$order)]

# Where the levels of factor k are among those of all factors, one after the other.
level_positions <- function(nesting, k) {
  sum(nesting$levels[seq_len(k - 1L)]) + seq_len(nesting$levels[k])
}

#' Nodes of levels together with those of the levels in which they lie
#'
#' @param nodes Numeric, one a level of all factors, one after the other: nodes for each effect.
#' @return Numeric, one a level: the nodes at which its integrand is needed.
#' @noRd
joint_nodes <- function(nesting, nodes) {
  joint <- as.numeric(nodes)^rep(nesting$effects, nesting$levels)
  from_outside(nesting, joint, `*`)
}

#' Go from the outermost factor inwards: combine what a level has with what the level has in which it lies
#'
#' @param values One a level of all factors, one after the other. @param combine Function of two vectors.
#' @noRd
from_outside <- function(nesting, values, combine) {
  for (at in rev(seq_along(nesting$order))[-1L]) {
    own <- level_positions(nesting, nesting$order[at])
    around <- level_positions(nesting, nesting$order[at + 1L])[nesting$parents[[nesting$order[at]]]]
    somewhere <- !is.na(around)
    values[own[somewhere]] <- combine(values[own[somewhere]], values[around[somewhere]])
  }
  values
}
