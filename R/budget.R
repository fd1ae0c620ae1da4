# What quadrature that the user has not asked for may spend.

#' Quadrature within what is left of the budget
#' @return The value of the expression, or `NULL` where the budget has been spent before there was one.
#' @noRd
within_budget <- function(expression) {
  tryCatch(expression, glimmer_over_budget = function(e) NULL)
}

#' Take from the budget what a pass over the data by a rule costs
#'
#' A node costs a level what two or three of its rows do. What ends the search where the budget is spent is no error: an
#' optimiser, or whoever else catches these, lets it through.
#'
#' @param nodes Numeric, one a level of all factors: its nodes, with those of the levels in which it lies.
#' @noRd
spend <- function(engine, nodes) {
  notes <- engine$notes
  notes$spent <- notes$spent + row_nodes(engine, nodes) + 2 * sum(nodes)
  if (notes$spent > notes$budget) {
    stop(structure(class = c("glimmer_over_budget", "condition"), list(message = "budget spent", call = NULL)))
  }
}

#' Rows times the nodes at which each is evaluated
#' @param nodes As of [spend()].
#' @noRd
row_nodes <- function(engine, nodes) {
  engine$rows * mean(nodes[level_positions(engine$nesting, innermost(engine$nesting))])
}

# Nodes at which a level is needed that is asked for, or lies in one that is.
asked_nodes <- function(engine, nodes) {
  nesting <- engine$nesting
  if (length(nesting$order) == 1L) {
    return(as.numeric(nodes)^nesting$effects)
  }
  asked <- from_outside(nesting, nodes > 0L, `|`)
  asked * joint_nodes(nesting, ifelse(nodes > 0L, nodes, engine$notes$rule$nodes))
}
