# Adaptive quadrature: how many nodes each level gets, from the data, and what error is left (DESIGN, "How many nodes").
# A rule is a list: `nodes`, integer, one a level: nodes for each effect; `wide`, logical: by the trapezoid rule around
# mean and covariance instead of Gauss-Hermite around mode and curvature.

# The error in the log-likelihood, and the shift of an estimate in standard errors, that a fit is content with: more of
# the former where many levels add up to it.
quadrature_limits <- function(engine) {
  c(log_likelihood = min(max(1e-5, 1e-7 * engine$levels[1L]), 1e-4), shift = 1e-3)
}

# Above these a fit is marked: its error is stated in every case.
quadrature_doubtful <- c(log_likelihood = 1e-3, shift = 1e-2)

# Nodes for one level; and rows times nodes for all of them, half a second for an evaluation: what error is then left
# is stated.
most_nodes <- 1e5
most_row_nodes <- function(engine) max(2e7, 100 * engine$rows)

#' What a fit may spend on quadrature that the user has not asked for, in rows times nodes (see [spend()])
#'
#' Some ten seconds, and from some hundreds of rows on in proportion to them: the random slopes of 294 patients
#' (toenail, 1908 rows) take 1.4e9, twenty seconds. Without it a few rows can take minutes: many nodes for several
#' effects, searches from many starts.
#' @noRd
quadrature_budget <- function(engine) {
  4e8 / (if (is_dear(engine$family)) 2 else 1) + 1e6 * max(engine$rows - 400, 0)
}

#' What searches from elsewhere may spend of it, where one has arrived: about as much as that one has
#' @noRd
budget_elsewhere <- function(engine) {
  notes <- engine$notes
  min(notes$budget, if (is.finite(notes$budget)) notes$spent + max(1e8, notes$spent))
}

#' What a level can be given, from cheap to dear: nodes for each effect and the rule
#'
#' Wide, flat integrands need Gauss-Hermite nodes in number like the square of their width, but of the trapezoid rule
#' only in proportion. What a level has is judged by the same rule with more nodes: of Gauss-Hermite twice as many (two
#' that are near may agree by accident); the trapezoid rule's error falls by a large factor from each to the next.
#'
#' @param q Number of effects of a level.
#' @return Data frame: `nodes`, `wide`, `judge` (number of nodes).
#' @noRd
node_ladder <- function(q) {
  few <- if (q <= 2L) c(5L, 7L, 11L, 15L, 23L) else c(3L, 5L, 7L, 9L, 11L, 15L)
  many <- c(31L, 47L, 63L, 79L, 95L, 143L, 215L, 323L, 485L, 727L, 1091L, 1637L)
  if (q > 2L) many <- c(23L, 31L, 39L)
  ladder <- data.frame(nodes = c(few, many), wide = rep(c(FALSE, TRUE), c(length(few), length(many))),
                       judge = c(2L * few + 1L, many[-1L], 2L * many[length(many)] + 1L))
  ladder[ladder$judge^q <= most_nodes, ]
}

#' Whether quadrature can choose its nodes for so many effects
#' @noRd
has_quadrature <- function(q) {
  nrow(node_ladder(q)) > 1L
}

uniform_rule <- function(engine, nodes) {
  levels <- engine$levels[1L]
  list(nodes = rep(as.integer(nodes), levels), wide = rep(FALSE, levels))
}

# The rule that judges another one: with twice the nodes, or where that is not possible with half of them.
judging_rule <- function(engine, rule) {
  finer <- 2L * rule$nodes + 1L
  rule$nodes <- as.integer(ifelse(finer^engine$effects <= most_nodes, finer, pmax((rule$nodes - 1L) %/% 2L, 1L)))
  rule
}

#' Raise the nodes of the levels with the largest errors at given parameters, until the others' sum is small enough
#'
#' Where a link cuts the integrand off and the most nodes are not enough, the value jumps as nodes cross the edge, by
#' about the error that they leave: it goes to the engine's notes as `noise`, and a search need not look for gains far
#' below it. (Elsewhere the value of a rule is smooth, whatever its error.)
#'
#' @param rule A rule, from which no level goes down; or `NULL`.
#' @param limit Number: the error that is allowed in the log-likelihood.
#' @return The rule.
#' @noRd
choose_nodes <- function(engine, parameters, rule = NULL, limit = quadrature_limits(engine)[["log_likelihood"]]) {
  ladder <- node_ladder(engine$effects)
  levels <- engine$levels[1L]
  rung <- if (is.null(rule)) rep(1L, levels) else match(paste(rule$nodes, rule$wide), paste(ladder$nodes, ladder$wide))
  error <- numeric(levels)
  # where there is no mode there is nothing to judge by, and the search steps back
  ok <- engine_evaluate(engine, parameters)$status == "ok"
  open <- if (ok) seq_len(levels)
  while (length(open)) {
    error[open] <- level_errors(engine, parameters, ladder, rung, open)
    # a limit for single levels, so that those with the same error, as from the same data, are treated alike
    sums <- cumsum(sort(error))
    open <- which(error >= sort(error)[sum(sums <= limit) + 1L] & rung < nrow(ladder))
    raised <- replace(rung, open, rung[open] + 1L)
    if (engine$rows * mean(ladder$nodes[raised]^engine$effects) > most_row_nodes(engine)) break
    rung <- raised
  }
  engine$notes$noise <- if (engine$density[["bounded"]] && sum(error) > limit) min(sum(error), 1) else 0
  list(nodes = ladder$nodes[rung], wide = ladder$wide[rung])
}

# Absolute differences of the levels' log-likelihoods from those of the finer rule.
level_errors <- function(engine, at, ladder, rung, open) {
  nodes <- replace(integer(length(rung)), open, ladder$nodes[rung[open]])
  rule <- list(nodes = nodes, wide = replace(logical(length(rung)), open, ladder$wide[rung[open]]))
  finer <- replace(rule, "nodes", list(replace(nodes, open, ladder$judge[rung[open]])))
  difference <- abs(engine_level_values(engine, at, finer) - engine_level_values(engine, at, rule))[open]
  ifelse(is.na(difference), Inf, difference)
}

#' Search under quadrature rules, until the one chosen at the end is the one that was used
#'
#' @param from A state, see [new_search_state()], with the `rule` to begin with, if any.
#' @param nodes `NULL`, or the user's number of nodes for each effect.
#' @param limit Number: see [choose_nodes()].
#' @return A state, with the engine set to its `rule`.
#' @noRd
search_by_quadrature <- function(engine, from, nodes, limit, control, rounds = 6L) {
  rule <- from$rule
  if (!is.null(nodes)) from <- search_coarsely(engine, from, nodes, control)
  # on the way a rule need not be better than the point that it is chosen at
  first <- if (is.null(rule)) 100 * limit else limit
  for (round in seq_len(rounds)) {
    allowed <- if (round == 1L) first else limit
    raised <- if (is.null(nodes)) choose_nodes(engine, from$parameters, rule, allowed) else uniform_rule(engine, nodes)
    same <- identical(raised, rule) && round > 1L
    if (same && !any(rule$wide)) break
    rule <- raised
    tell_rule(engine, rule, round, control)
    engine_set_rule(engine, rule, from$parameters)
    before <- engine_evaluate(engine, from$parameters)$value
    from <- search_again(engine, from, control)
    # what the most nodes leave is not mended by further rounds; or a box has moved with the parameters, and changes
    # nothing
    if (engine$notes$noise > 0 && round >= 3L) break
    if (!is.null(nodes) || same && isTRUE(from$value - before < limit / 100)) break
  }
  from$rule <- rule
  from
}

# What a round will take: in a long fit most of the time passes here.
tell_rule <- function(engine, rule, round, control) {
  nodes <- rule$nodes^engine$effects
  tell(control, 1, "quadrature, round ", round, ": ", paste(unique(count_text(range(nodes))), collapse = " to "),
       " nodes a level, ", count_text(round(engine$rows * mean(nodes))), " rows times nodes an evaluation")
}

# Many nodes for each of several effects: most of the way is gone with few, where that leads upwards.
search_coarsely <- function(engine, from, nodes, control, few = 5L) {
  if (nodes <= few || engine$effects == 1L) {
    return(from)
  }
  engine_set_rule(engine, uniform_rule(engine, few))
  coarse <- search_again(engine, from, control, rounds = 1L)
  engine_set_rule(engine, uniform_rule(engine, nodes))
  values <- vapply(list(from, coarse), function(at) engine_evaluate(engine, at$parameters)$value, 1)
  from$record <- coarse$record
  if (isTRUE(values[2L] > values[1L])) coarse else from
}

#' The error that is left at a maximum
#'
#' @param best As of [maximise()], with the engine set to `rule`.
#' @return List: `log_likelihood`, the sum over levels of absolute differences from the finer rule; `shift`, the largest
#'   change of an estimate in standard errors that a Newton step on the finer rule's log-likelihood predicts.
#' @noRd
quadrature_error <- function(engine, best, rule) {
  unknown <- list(log_likelihood = NA_real_, shift = NA_real_)
  coarse <- engine_evaluate(engine, best$parameters, gradient = TRUE)
  if (coarse$status != "ok") {
    return(unknown)
  }
  judge <- judging_rule(engine, rule)
  # of the rule as it is set: that its wide levels have been placed at another point is part of the error
  values <- abs(engine_level_values(engine, best$parameters, judge) - engine_level_values(engine, best$parameters))
  engine_set_rule(engine, judge, best$parameters)
  fine <- engine_evaluate(engine, best$parameters, gradient = TRUE)
  engine_set_rule(engine, rule, best$parameters)
  list(log_likelihood = sum(values), shift = predicted_shift(best, fine$gradient - coarse$gradient))
}

# In coordinates x with parameters = centre + T x and Hessian -J: shift T J^-1 T'd, standard errors from T J^-1 T'.
predicted_shift <- function(best, difference) {
  if (!length(best$coordinates$searched)) {
    return(0)
  }
  shape <- hessian_shape(best$hessian)
  if (!isTRUE(is.finite(shape$condition)) || !all(is.finite(difference))) {
    return(NA_real_)
  }
  root <- best$coordinates$transform %*% (shape$vectors / rep(sqrt(shape$values), each = nrow(shape$vectors)))
  shift <- root %*% crossprod(root, difference[best$coordinates$searched])
  max(abs(shift) / pmax(sqrt(rowSums(root^2)), 1e-300))
}
