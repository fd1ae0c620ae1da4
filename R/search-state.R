# Where a search stands: the one thing that searches take and give back, from the start to the verdict.

#' A state of the search
#'
#' @param parameters Numeric: the parameter vector.
#' @param value Number: the log-likelihood there, `-Inf` where it has not been asked for, or there is none.
#' @param record List of lists, one a search so far, see [search_record()].
#' @param ... Further fields, by name:
#'   - of the point: `gradient`, `status` (of the core);
#'   - of a search that ended there: `rough_gain` (g'g / 2 in its coordinates);
#'   - of Newton's steps: `coordinates` (of the free parameters), `hessian` (of the log-likelihood, in these
#'     coordinates), `held` (logical: parameters held on the boundary), `gain` (predicted gain of a further step),
#'     `steps` (their number), `fixed_root` (see [add_fixed_effects()]);
#'   - of quadrature: `rule`, `error` (see [judge_rule()]);
#'   - of second order: `second_order` (see [second_order_facts()]);
#'   - of the search along the edge of what a link allows: `edge` (number of rows on it), and on the way `pole` (whether
#'     it ended at one) and `barrier` (see [follow_barrier()]);
#'   - what speaks against it: `rises` (the log-likelihood still rises from the boundary), `poles` (some search ran into
#'     one, see [is_pole()]);
#'   - of the fit: `method` (where it is not the one asked for), `instead` (the log-likelihood that quadrature reached,
#'     where Laplace was taken instead; `NA` where the budget was spent before), and what the verdict says of family and
#'     approximation (see [judge_approximation()]).
#' @return List of these. A field that is not known is not there.
#' @noRd
new_search_state <- function(parameters, value = -Inf, record = NULL, ...) {
  list(parameters = parameters, value = value, record = record, ...)
}

# A row of the record, in a list: what the core has been asked since the counts were taken (gradients are evaluations
# too).
search_record <- function(stage, engine, counts, value, message) {
  asked <- engine_counts(engine) - counts
  list(list(stage = stage, evaluations = asked[["evaluations"]], gradients = asked[["gradients"]], value = value,
            message = message))
}

has_arrived <- function(best, control) {
  best$status == "ok" && isTRUE(best$gain < control$gain_limit) && is.null(best$rises)
}

# The one that arrived, if it is not lower than the other (a higher one that did not may be on its way to a pole or
# along a ridge); of two the higher one. The record is the later one's, which
# continues the earlier one's.
better <- function(earlier, later, control) {
  arrived <- c(has_arrived(earlier, control), has_arrived(later, control))
  slack <- if (arrived[2L] && !arrived[1L]) 1e-6 else 0
  higher <- is_pole(earlier) || !is_pole(later) && isTRUE(later$value >= earlier$value - slack)
  choice <- if (higher && (arrived[2L] || !arrived[1L])) later else earlier
  choice$record <- later$record
  choice
}

#' Whether a search ran into a pole of the Laplace approximation
#'
#' Where the density is not log-concave a mode can cease to be one as the parameters change. There H is singular, and
#' -log|R| and its gradient grow without bound: high, but no maximum.
#' @noRd
is_pole <- function(best) {
  best$status == "ok" && isTRUE(any(abs(pull(best$coordinates, best$gradient)) > 1e6))
}
