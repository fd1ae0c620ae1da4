# Quadrature: how many nodes each level gets, from the data, and what error is left.
# A rule is a list: `nodes`, integer, one a level of the factors, one after the other: nodes for each effect; `wide`,
# logical: by the trapezoid rule instead of Gauss-Hermite, of one factor only; `nodes` is then their number in 60 units
# of the linear predictor, on axes of its own.

#' The error in the log-likelihood, and the shift of an estimate in standard errors, that a fit is content with
#'
#' More of the former where many levels add up to it.
#' @noRd
quadrature_limits <- function(engine, control) {
  if (is.null(control$accuracy)) {
    return(c(log_likelihood = min(max(1e-5, 1e-7 * max(engine$nesting$levels)), 1e-4), shift = 1e-3))
  }
  accuracy_limits(control$accuracy)
}

# What the user has asked for.
accuracy_limits <- function(accuracy) {
  c(log_likelihood = accuracy, shift = min(sqrt(accuracy), 0.1))
}

# Above these a fit is marked: its error is stated in every case.
quadrature_doubtful <- c(log_likelihood = 1e-3, shift = 1e-2)

# The same where a larger error has been asked for.
doubtful_errors <- function(control) {
  if (is.null(control$accuracy)) quadrature_doubtful else pmax(quadrature_doubtful, accuracy_limits(control$accuracy))
}

# Nodes for one level; and rows times nodes for all of them, half a second for an evaluation: what error is then left
# is stated.
most_nodes <- 1e5
most_row_nodes <- function(engine) max(2e7, 100 * engine$rows)

#' What a fit may spend on quadrature that the user has not asked for, in rows times nodes (see [spend()])
#'
#' Some ten seconds, and from some hundreds of rows on in proportion to them. Without it a few rows can take minutes:
#' many nodes for several effects.
#' @noRd
quadrature_budget <- function(engine) {
  4e8 / (if (is_dear(engine$family)) 2 else 1) + 1e6 * max(engine$rows - 400, 0)
}

#' What a level can be given, from cheap to dear: nodes for each effect and the rule
#'
#' Wide, flat integrands need Gauss-Hermite nodes in number like the square of their width, but of the trapezoid rule
#' only in proportion. What a level has is judged by the same rule with more nodes: of Gauss-Hermite twice as many (two
#' that are near may agree by accident); the trapezoid rule's error falls by a large factor from each to the next.
#'
#' @param q Number of effects of a level.
#' @param all Number of effects with those of the levels in which it lies.
#' @return Data frame: `nodes`, `wide`, `judge` (number of nodes).
#' @noRd
node_ladder <- function(q, all = q) {
  if (all > q) {
    return(nested_ladder(q, all))
  }
  few <- if (q <= 2L) c(5L, 7L, 9L, 11L, 15L, 23L) else c(3L, 5L, 7L, 9L, 11L, 15L)
  many <- c(31L, 47L, 63L, 79L, 95L, 143L, 215L, 323L, 485L, 727L, 1091L, 1637L)
  if (q > 2L) many <- c(23L, 31L, 39L)
  ladder <- data.frame(nodes = c(few, many), wide = rep(c(FALSE, TRUE), c(length(few), length(many))),
                       judge = c(2L * few + 1L, many[-1L], 2L * many[length(many)] + 1L))
  ladder[ladder$judge^q <= most_nodes, ]
}

# Under nesting each node of a level is one for every node around it: shorter steps, and Gauss-Hermite alone.
nested_ladder <- function(q, all) {
  nodes <- if (q == 1L) c(7L, 9L, 11L, 15L, 19L, 23L, 29L, 37L, 47L, 63L) else c(7L, 9L, 11L, 15L, 19L, 23L)
  nodes <- c(if (all > 3L) 3L, 5L, nodes)
  data.frame(nodes = nodes, wide = FALSE, judge = 2L * nodes + 1L)
}

# The rungs for the levels of factor k.
factor_ladder <- function(engine, k) {
  node_ladder(engine$nesting$effects[k], sum(engine$nesting$effects))
}

#' Whether quadrature can choose its nodes for so many effects
#' @param effects Integer, by factor.
#' @noRd
has_quadrature <- function(effects) {
  nrow(node_ladder(sum(effects))) > 1L
}

uniform_rule <- function(engine, nodes) {
  levels <- sum(engine$nesting$levels)
  list(nodes = rep(as.integer(nodes), levels), wide = rep(FALSE, levels))
}

# A few nodes for each level, for the way to the maximum.
coarse_rule <- function(engine, most = Inf) {
  uniform_rule(engine, min(most, factor_ladder(engine, 1L)$nodes[1L]))
}

# The rule that judges another one: with twice the nodes, eleven at least (of the trapezoid rule half as many again do),
# or where that is not possible with half of them. Under nesting half as many again are tried before.
judging_rule <- function(engine, rule) {
  fewest <- if (sum(engine$nesting$effects) <= 2L) 11L else 7L
  half_more <- (3L * rule$nodes) %/% 2L
  finer <- ifelse(rule$wide, half_more, pmax(2L * rule$nodes + 1L, fewest))
  possible <- function(nodes) joint_nodes(engine$nesting, nodes) <= most_nodes
  if (is_nested(engine) && !all(possible(finer))) finer <- half_more + 1L
  allowed <- possible(finer)
  if (is_nested(engine)) allowed[] <- all(allowed)
  rule$nodes <- as.integer(ifelse(allowed, finer, pmax((rule$nodes - 1L) %/% 2L, 1L)))
  rule
}

is_nested <- function(engine) length(engine$nesting$order) > 1L

#' Nodes for all levels, so that what their errors come to is small, at the places that are set
#'
#' Factor by factor, from the innermost on: a level's error is its mean over the nodes around it, as they are by then.
#'
#' @param rule A rule, from which no level goes down; or `NULL`.
#' @param limit Number: the error that is allowed in the log-likelihood.
#' @return The rule; under nesting one with other nodes may be set.
#' @noRd
choose_nodes <- function(engine, parameters, rule = NULL, limit) {
  if (is.null(rule)) rule <- coarse_rule(engine)
  factors <- engine$nesting$order
  for (k in factors) {
    if (is_nested(engine)) engine_set_rule(engine, rule)
    rule <- raise_nodes(engine, parameters, rule, k, limit / length(factors))
  }
  rule
}

#' Raise the nodes of the levels of a factor with the largest errors, until the others' sum is small
#'
#' @param k Position of the factor.
#' @return The rule.
#' @noRd
raise_nodes <- function(engine, parameters, rule, k, limit) {
  ladder <- factor_ladder(engine, k)
  own <- level_positions(engine$nesting, k)
  rung <- match(rule_code(rule)[own], rule_code(ladder))
  error <- numeric(length(own))
  known <- new.env(parent = emptyenv())
  open <- seq_along(own)
  while (length(open)) {
    error[open] <- level_errors(engine, parameters, ladder, rung, k, open, known)
    # a limit for single levels, so that those with the same error, as from the same data, are treated alike
    sorted <- sort(error)
    open <- which(error >= sorted[sum(cumsum(sorted) <= limit) + 1L] & rung < nrow(ladder))
    raised <- replace(rung, open, rung[open] + 1L)
    nodes <- joint_nodes(engine$nesting, replace(rule$nodes, own, ladder$nodes[raised]))
    if (row_nodes(engine, nodes) > most_row_nodes(engine) || max(nodes) > most_nodes) break
    rung <- raised
    rule$nodes[own] <- ladder$nodes[rung]
    rule$wide[own] <- ladder$wide[rung]
  }
  rule
}

# A whole number for each number of nodes and kind of rule.
rule_code <- function(rule) 2L * rule$nodes + rule$wide

# Absolute differences of the open levels' log-likelihoods from those of the finer rule.
level_errors <- function(engine, at, ladder, rung, k, open, known) {
  own <- ladder[rung[open], ]
  finer <- list(nodes = own$judge, wide = own$wide)
  difference <- abs(known_values(engine, at, finer, k, open, known) - known_values(engine, at, own, k, open, known))
  ifelse(is.na(difference), Inf, difference)
}

#' Values of levels by a rule, kept: what has judged one rung is often a rung itself
#'
#' @param rule A rule of the open levels of factor k. @param known Environment: by [rule_code()] the values of all its
#'   levels, `NaN` where they are not known yet.
#' @return Numeric, one an open level.
#' @noRd
known_values <- function(engine, at, rule, k, open, known) {
  names <- as.character(rule_code(rule))
  places <- split(seq_along(open), names)
  values <- rep(NaN, length(open))
  for (name in intersect(names(places), ls(known))) values[places[[name]]] <- known[[name]][open[places[[name]]]]
  ask <- which(is.na(values))
  if (length(ask)) {
    levels <- level_positions(engine$nesting, k)[open[ask]]
    none <- uniform_rule(engine, 0L)
    asked <- list(nodes = replace(none$nodes, levels, rule$nodes[ask]),
                  wide = replace(none$wide, levels, rule$wide[ask]))
    values[ask] <- engine_level_values(engine, at, asked)[levels]
  }
  for (name in names(places)) {
    if (is.null(known[[name]])) known[[name]] <- rep(NaN, engine$nesting$levels[k])
    known[[name]][open[places[[name]]]] <- values[places[[name]]]
  }
  values
}

#' What the finer rule says at a maximum: the error that is left, and value, gradient and Hessian without most of it
#'
#' @param best State at the maximum of a rule that is set and frozen. Afterwards the finer one is.
#' @return List: `error`, a list of `log_likelihood`, the sum over the (outermost) levels of absolute differences from
#'   the finer rule, and `shift`, the largest change of an estimate in standard errors that a Newton step on it
#'   predicts; `judge`, the state by the finer rule; `finer`, whether it is finer in all levels.
#' @noRd
judge_rule <- function(engine, best, rule) {
  judge <- judging_rule(engine, rule)
  engine_pass(engine, best$parameters, 0L)
  own <- engine_pass_values(engine)
  engine_set_rule(engine, judge)
  # of very many rows and nodes the Hessian is that of the rule, right to some 1e-5
  many <- row_nodes(engine, engine$notes$nodes) > 1e7
  fine <- pass_state(engine, best$parameters, best$held, order = if (many) 1L else 2L)
  if (many) fine$hessian <- best$hessian
  usable <- fine$status == "ok" && all(is.finite(fine$hessian))
  list(error = list(log_likelihood = sum(abs(own - engine_pass_values(engine))),
                    shift = if (usable) predicted_shift(engine, fine, best$gradient) else NA_real_),
       judge = fine, finer = usable && all(judge$nodes > rule$nodes))
}

# In coordinates x with parameters = centre + T x and Hessian -J: shift T J^-1 T'd, standard errors from T J^-1 T'.
predicted_shift <- function(engine, fine, gradient) {
  step <- frozen_step(engine, fine)
  moving <- step$coordinates$searched
  if (!length(moving)) {
    return(0)
  }
  shape <- hessian_shape(step$hessian)
  difference <- fine$gradient - gradient
  if (!isTRUE(is.finite(shape$condition)) || !all(is.finite(difference))) {
    return(NA_real_)
  }
  root <- step$coordinates$transform %*% (shape$vectors / rep(sqrt(shape$values), each = nrow(shape$vectors)))
  shift <- root %*% crossprod(root, difference[moving])
  max(abs(shift) / pmax(sqrt(rowSums(root^2)), 1e-300))
}

# The judging rule where that is finer, else the rule itself: where there is no room for more nodes it has fewer.
finer_rule <- function(engine, rule) {
  judge <- judging_rule(engine, rule)
  if (all(judge$nodes >= rule$nodes)) judge else rule
}

#' A rule at given parameters, and a pass by it there
#'
#' @param nodes Whole number: at modes and curvatures; or `NULL`: chosen by the data, around means.
#' @param limit Number: the error that is allowed in the log-likelihood.
#' @param finer Logical: whether the rule that judges the chosen one is then set.
#' @return As of [engine_pass()].
#' @noRd
set_rule_at <- function(engine, parameters, nodes = NULL, limit = 1e-5, finer = TRUE) {
  rule <- if (is.null(nodes)) coarse_rule(engine) else uniform_rule(engine, nodes)
  engine_set_rule(engine, rule)
  placed <- engine_place_rule(engine, parameters)
  if (placed != "ok") {
    return(list(status = placed, value = -Inf))
  }
  if (is.null(nodes)) {
    # around the means that a rule around the modes has found
    for (look in 1:2) {
      rule <- choose_nodes(engine, parameters, rule, limit)
      engine_set_rule(engine, rule)
      if (engine_pass(engine, parameters, 0L)$status == "ok") engine_place_rule(engine)
    }
    if (finer) engine_set_rule(engine, finer_rule(engine, rule))
  }
  engine_pass(engine, parameters, 0L)
}
