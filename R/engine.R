# The only door to the C++ core: all cpp_* calls are here.

#' Hand a design to the core
#'
#' @param design Result of [build_design()].
#' @param family Family object.
#' @param threads As in [glmm_control()].
#' @param inner As of [engine_layout()].
#' @return List of [engine_layout()] and [open_engine()].
#' @noRd
new_engine <- function(design, family, threads = NULL, inner = "given") {
  open_engine(engine_layout(design, family, inner), design, family, threads)
}

#' Hand the data to the core
#'
#' @param engine Result of [engine_layout()].
#' @return The same with `pointer` (external pointer, alive for this session only) and `density` (logical:
#'   `log_concave`, `bounded`: whether not every linear predictor is allowed).
#' @noRd
open_engine <- function(engine, design, family, threads) {
  rows <- active_positions(design$weights)
  factors <- lapply(seq_along(design$factors), function(k) {
    factor <- design$factors[[k]]
    list(index = active_rows(factor$index, rows), levels = length(factor$levels), Z = active_rows(factor$Z, rows),
         blocks = factor_blocks(design$terms, k, engine$index))
  })
  # an element that is not there, not one that is NULL: it says that levels are independent
  for (k in seq_along(factors)) {
    known <- design$factors[[k]]$known
    if (!is.null(known)) factors[[k]]$precision <- precision_entries(known)
  }
  vectors <- lapply(design[c("y", "size", "weights", "offset")], active_rows, rows)
  products <- by_cross_products(engine)
  data <- c(vectors, list(X = active_rows(design$X, rows), factors = factors, family = family$family,
                          link = family$link, threads = threads_to_use(threads), products = products,
                          restricted = engine$REML))
  # absent, where it is a parameter
  if (!is.null(family$constant)) data$known <- log(family$constant)
  engine$pointer <- cpp_model(data)
  engine$density <- if (products) c(log_concave = TRUE, bounded = FALSE) else cpp_density_facts(engine$pointer)
  engine
}

#' Another response in the rows that the core has
#'
#' @param engine Result of [open_engine()]. @param design With the new response, its rows and weights as they were.
#' @param offset That of the design with which the engine was opened: cross products keep theirs.
#' @param weights List of `times` and `copies` of [engine_set_weights()].
#' @noRd
engine_set_response <- function(engine, design, offset = design$offset, weights = NULL) {
  if (!identical(offset, design$offset)) design$y <- design$y - design$offset + offset
  rows <- active_positions(design$weights)
  data <- lapply(design[c("y", "size", "weights")], active_rows, rows)
  given <- Filter(length, weights)
  data <- c(data, lapply(given, function(own) active_rows(as.double(own), rows)))
  if (by_cross_products(engine)) data$X <- active_rows(design$X, rows)
  engine$notes$point <- NULL
  cpp_set_responses(engine$pointer, data)
}

#' How often rows and clusters count, until a response is set or other weights are
#'
#' @param engine,design,offset As of [engine_set_response()], the response as it was.
#' @param times Numeric, one a row of the design, not negative; `NULL`: once. The log-density of a row, with all of its
#'   constants, is multiplied, whatever a prior weight means to the family. Rows that count 0 times are left out, and so
#'   is a cluster of them.
#' @param copies Numeric likewise, the same in all rows of a cluster, which shares no random effects with others: the
#'   log-likelihood of the cluster is multiplied, as that of so many clusters with random effects of their own. By the
#'   Laplace approximation, beta given, and by frozen rules of quadrature; a linear mixed model has to be one of rows.
#' @noRd
engine_set_weights <- function(engine, design, times = NULL, copies = NULL, offset = design$offset) {
  engine_set_response(engine, design, offset, list(times = times, copies = copies))
}

#' Evaluate the approximate log-likelihood
#'
#' @param engine Result of [new_engine()].
#' @param parameters Numeric: the parameter vector.
#' @param gradient Logical.
#' @param joint Logical: take beta at its joint mode with the random effects, searched from the beta given.
#' @return List: `status` ("ok", or what failed), `value` (log-likelihood with all constants; `-Inf` on failure),
#'   `gradient`, `parameters` (those given, with what the evaluation found in its place).
#' @noRd
engine_evaluate <- function(engine, parameters, gradient = FALSE, joint = FALSE) {
  notes <- engine$notes
  if (notes$by_quadrature) {
    return(engine_pass(engine, parameters, order = if (gradient) 1L else 0L))
  }
  inner <- inner_search(engine, joint)
  # a gradient where the value has just been asked for shares its mode
  point <- list(parameters, inner)
  known <- identical(point, notes$point)
  if (!known) notes$evaluations <- notes$evaluations + 1L
  notes$point <- NULL
  notes$gradients <- notes$gradients + gradient
  result <- cpp_evaluate(engine$pointer, core_parameters(engine, parameters), inner, gradient)
  notes$point <- point
  from_core(engine, parameters, result)
}

#' A beta near its joint mode with the random effects, for a start; empty where none is found
#' @noRd
engine_joint_start <- function(engine, parameters) {
  engine$notes$point <- NULL
  engine$notes$evaluations <- engine$notes$evaluations + 1L
  cpp_joint_start(engine$pointer, core_parameters(engine, parameters))
}

#' Add a barrier before the edge of what the link allows to every value from now on; 0: none
#' @noRd
engine_set_edge_barrier <- function(engine, weight) {
  engine$notes$point <- NULL
  cpp_set_edge_barrier(engine$pointer, weight)
}

#' Centres and axes of every level's nodes, frozen from now on
#'
#' With nodes u = m + C x that stay where they are, the log-likelihood is a smooth function of the parameters, and one
#' pass gives its value, gradient and Hessian.
#'
#' @param parameters `NULL`: from means and covariances of u given the data by the last pass (levels without keep their
#'   place); or parameters: from modes and curvatures there.
#' @return Character: "ok", or what failed: then the places are as they were.
#' @noRd
engine_place_rule <- function(engine, parameters = NULL) {
  engine$notes$point <- NULL
  spend_on_wide(engine)
  cpp_rule_place(engine$pointer, if (is.null(parameters)) numeric() else core_parameters(engine, parameters))
}

#' The quadrature rule of every evaluation from now on
#'
#' @param rule `NULL` (Laplace), or a rule of all levels, see quadrature.R.
#' @noRd
engine_set_rule <- function(engine, rule) {
  engine$notes$point <- NULL
  engine$notes$by_quadrature <- !is.null(rule)
  engine$notes$rule <- rule
  engine$notes$nodes <- if (!is.null(rule)) {
    cpp_rule_nodes(engine$pointer, as.integer(rule$nodes), as.logical(rule$wide))
  }
  engine$notes$wide <- as.logical(rule$wide)
  spend_on_wide(engine)
}

# Wide levels are looked at several times, in boxes with more nodes than are kept.
spend_on_wide <- function(engine) {
  if (any(engine$notes$wide)) spend(engine, 10 * engine$notes$nodes * engine$notes$wide)
}

#' Evaluations by Laplace's approximation to second order from now on, or by Laplace's
#'
#' @param on Logical. @return `NULL`, or what stands against it, in words.
#' @noRd
engine_set_second_order <- function(engine, on) {
  engine$notes$point <- NULL
  failed <- attempt({
    cpp_set_second_order(engine$pointer, on)
    NULL
  }, conditionMessage)
  engine$notes$second_order <- on && is.null(failed)
  failed
}

#' About how many operations an evaluation with its gradient is
#' @return Numeric: `laplace`, and what `second_order` adds; `NULL` where there is none.
#' @noRd
engine_operations <- function(engine) {
  attempt(cpp_operations(engine$pointer))
}

#' What the last evaluation to second order found
#' @return List: `laplace` (the log-likelihood by that approximation), `correction` (the next terms of its expansion),
#'   `damped` (these as they are maximised), `size` (the same terms in size), `informed` (effects that the data inform).
#' @noRd
engine_second_order_size <- function(engine) {
  as.list(cpp_second_order_size(engine$pointer))
}

#' A pass over the data by the rule that is set
#'
#' @param order 0 for the value, 1 with the gradient, 2 with the Hessian.
#' @return As of [engine_evaluate()], with `hessian`.
#' @noRd
engine_pass <- function(engine, parameters, order) {
  notes <- engine$notes
  notes$evaluations <- notes$evaluations + 1L
  notes$gradients <- notes$gradients + (order > 0L)
  spend(engine, notes$nodes)
  result <- cpp_rule_pass(engine$pointer, core_parameters(engine, parameters), order)
  result$parameters <- parameters
  if (result$status != "ok") result$value <- -Inf
  if (order < 1L || !length(engine$bent)) {
    return(result)
  }
  # the parameters of a search bend some of the fit's
  slopes <- coordinate_slopes(engine, parameters)
  if (order > 1L) {
    bend <- coordinate_curvatures(engine, parameters) * result$gradient
    result$hessian <- slopes * result$hessian * rep(slopes, each = length(slopes)) + diag(bend, length(bend))
  }
  result$gradient <- slopes * result$gradient
  result
}

# What the core is to find itself.
inner_search <- function(engine, joint = FALSE) {
  if (joint) "joint" else engine$inner
}

#' Each level's own log-likelihood, without the constants of its rows, by some rule at the places that are set
#'
#' @param at Numeric: the parameters.
#' @param rule As of [engine_set_rule()]; levels with 0 nodes are left out.
#' @return Numeric, one a level, `NaN` where left out; of one within others its mean over their nodes of the rule set.
#' @noRd
engine_level_values <- function(engine, at, rule) {
  spend(engine, asked_nodes(engine, rule$nodes))
  cpp_rule_values(engine$pointer, core_parameters(engine, at), as.integer(rule$nodes), as.logical(rule$wide))
}

#' The same by the rule that is set, of each outermost level, as the last pass has found them
#' @noRd
engine_pass_values <- function(engine) cpp_rule_pass_values(engine$pointer)

#' Mean and covariance of the random effects given the data, by the last pass
#'
#' @return List, one element a factor: `means` (levels x effects), `variances` (effects x effects x levels).
#' @noRd
engine_moments <- function(engine, design) {
  Map(function(result, factor) stats::setNames(effects_by_level(result, factor), c("means", "variances")),
      cpp_rule_moments(engine$pointer), design$factors)
}

#' Distances of the linear predictors from the edge of what the link allows
#' @return Numeric, one a row with positive weight; infinite where the link allows everything.
#' @noRd
engine_edge_distances <- function(engine, at) {
  cpp_edge_distances(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

#' Conditional modes and covariances
#'
#' @param ok Logical: whether there are any; if not, all is `NA`.
#' @return List, one element a factor: `modes` (levels x effects), `variances` (effects x effects x levels).
#' @noRd
engine_modes <- function(engine, at, design, ok = TRUE) {
  results <- if (ok) {
    cpp_modes(engine$pointer, core_parameters(engine, at), inner_search(engine))
  } else {
    rep(list(list(modes = NA_real_, variances = NA_real_)), length(design$factors))
  }
  Map(effects_by_level, results, design$factors)
}

# Modes (effects x levels) and variances of a factor with the names of its levels and effects.
effects_by_level <- function(result, factor) {
  effects <- colnames(factor$Z)
  size <- length(effects)
  levels <- length(factor$levels)
  list(modes = matrix(t(result$modes), levels, size, dimnames = list(factor$levels, effects)),
       variances = array(result$variances, c(size, size, levels), list(effects, effects, factor$levels)))
}

#' Information on beta, the random effects eliminated
#' @noRd
engine_fixed_information <- function(engine, at) {
  cpp_fixed_information(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

#' The derivative of -b in beta, b at its mode
#' @return List, one element a factor: numeric, effects x levels x columns of X.
#' @noRd
engine_fixed_shift <- function(engine, at, design) {
  results <- cpp_fixed_shift(engine$pointer, core_parameters(engine, at), inner_search(engine))
  Map(function(result, factor) array(result, c(ncol(factor$Z), length(factor$levels), ncol(result))), results,
      design$factors)
}

#' The covariance of b given the data and the parameters, times columns
#' @param columns Numeric matrix, a row an effect: factor by factor, level by level.
#' @noRd
engine_times_covariance <- function(engine, at, columns) {
  cpp_times_covariance(engine$pointer, core_parameters(engine, at), inner_search(engine), columns)
}

#' Of a linear mixed model, Z'V^-1 X and Z'V^-1 Z times columns, V the covariance of the response
#' @param columns As of [engine_times_covariance()].
#' @noRd
engine_cross_information <- function(engine, at) {
  cpp_cross_information(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

engine_times_information <- function(engine, at, columns) {
  cpp_times_information(engine$pointer, core_parameters(engine, at), inner_search(engine), columns)
}

#' How many numbers the Cholesky factor of a linear mixed model has: half of the operations of a solution
#' @noRd
engine_factor_entries <- function(engine) {
  cpp_factor_entries(engine$pointer)
}

#' The gradient of the log-likelihood by clusters of rows
#'
#' By the Laplace approximation, beta given: of a linear mixed model, too, by its rows, where that is exact; its engine
#' is one with `inner = "given"`. By REML the log-likelihood is no sum over clusters, and these are the scores of the
#' one without it.
#' @param cluster Integer, one a row with positive weight, from 1. No level of a random effect may be in two.
#' @return Matrix, a row a cluster, a column a parameter.
#' @noRd
engine_scores <- function(engine, at, cluster) {
  scores <- cpp_scores(engine$pointer, core_parameters(engine, at), as.integer(cluster) - 1L, max(cluster))
  dimnames(scores) <- list(NULL, engine$names)
  scores * rep(coordinate_slopes(engine, at), each = nrow(scores))
}

#' The gradient of each level's log-likelihood, by the rule that is set
#' @return Matrix, a row a level of the outermost factor, a column a parameter.
#' @noRd
engine_level_scores <- function(engine, at) {
  scores <- cpp_rule_scores(engine$pointer, core_parameters(engine, at))
  dimnames(scores) <- list(NULL, engine$names)
  scores * rep(coordinate_slopes(engine, at), each = nrow(scores))
}

#' The rank of columns of random effects, which have the length 1 or 0
#' @param factors List by grouping factor of `index` (from 0), `levels` (their number) and `Z`.
#' @noRd
engine_rank <- function(factors) {
  rows <- length(factors[[1L]]$index)
  one <- rep(1, rows)
  factors <- Map(function(factor, before) {
    c(factor, list(blocks = list(structure = "diag", effects = ncol(factor$Z), theta = before)))
  }, factors, cumsum(c(0L, vapply(factors, function(factor) ncol(factor$Z), 1L)))[seq_along(factors)])
  cpp_rank(cpp_model(list(y = numeric(rows), size = one, weights = one, offset = numeric(rows), X = matrix(0, rows, 0L),
                          factors = factors, threads = 1L, products = TRUE, restricted = FALSE)))
}

#' Second derivative of the log-likelihood in beta; 0 x 0 where the core does not know it
#' @noRd
engine_fixed_hessian <- function(engine, at) {
  cpp_fixed_hessian(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

#' The information that each level has on its own effects
#' @return List, one element a factor: numeric, effects x effects x levels, the level's block of Z'WZ.
#' @noRd
engine_level_products <- function(engine, at) {
  cpp_level_products(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

#' The linear predictor, the random effects at their conditional modes
#' @return Numeric, one a row with positive weight, in the order of the data.
#' @noRd
engine_linear_predictor <- function(engine, at) {
  cpp_linear_predictor(engine$pointer, core_parameters(engine, at), inner_search(engine))
}

#' Log-density of rows and its derivatives
#'
#' @param rows List or data frame of `y`, `size`, `weights`.
#' @param eta Numeric. @param phi Number: log dispersion. @param family Family object.
#' @return List of numeric vectors: f, d1, w, d3, d4, d5, expected, and with a dispersion f_phi ... d4_phi.
#' @noRd
engine_density <- function(rows, eta, phi, family) {
  cpp_density(as.list(rows), as.double(eta), phi, family$family, family$link)
}

#' The cores that this process may use
#' @noRd
engine_cores <- function() {
  cpp_cores()
}

#' What a typical level of each factor tells of its effects; an error where there are no modes
#' @noRd
engine_level_information <- function(engine, at) {
  cpp_level_information(engine$pointer, core_parameters(engine, at), inner_search(engine))
}
