# What there is to know of an engine outside the core: where its parameters are, what its terms are, and what is noted
# of evaluations.

#' What there is to know of an engine before the core has the data
#'
#' @param inner What an evaluation finds itself from the other parameters, in the words of the core: `"given"` beta the
#'   modes of the random effects; `"integrated"`: beta, too, which is integrated out (REML). Of a linear mixed model
#'   `"joint"` or `"profiled"`: beta (see `REML`); and with `"profiled"` the dispersion, so that only theta relative to
#'   it counts.
#' @param REML Logical: of a linear mixed model, whether beta is integrated out.
#' @return List: `inner`, `REML`, `family`, `index` (positions of beta, of each random term's theta, and of the
#'   dispersion in the parameter vector), `names` (of the parameters), `rows` (number of rows in the likelihood),
#'   `terms` (of each random term the `factor`, its `columns` there, and the `variance` of a level that its parameters
#'   multiply, see [level_variance()], the mean `products` of its columns, and [has_equal_levels()]), `structures` (of
#'   each random term, [structure_of()]), `bent` and `shape` (see [with_coordinates()]), `levels` (of each random term's
#'   factor, those in the data), `nesting` (see [nesting_of()]; of linear mixed models only where there is one factor),
#'   `reach` (largest absolute value of each column of X), `unit_free` (whether the linear predictor has no unit),
#'   `linear` (whether the mean is linear and the response
#'   Gaussian), `notes` (environment: `error_root`, list, one lower triangular matrix a random term, whose product with
#'   its transpose is the covariance of what a typical level alone tells of its effects, see [set_level_information()];
#'   `sd_unit`, list: their standard errors, each given the other effects, the units in which standard deviations are
#'   small or large; `side`, see [allowed_side()]; `evaluations` and `gradients`, counts; `by_quadrature`, whether a
#'   `rule` is set, and its `nodes`, of each level in all, and which are `wide`; `second_order`, whether Laplace's
#'   approximation is to second order; `spent` and `budget`, rows times nodes, see [spend()]; `point`, where the last
#'   evaluation was).
#' @noRd
engine_layout <- function(design, family, inner = "given", REML = inner == "integrated") {
  table <- parameter_table(design, family)
  engine <- list(inner = inner, REML = REML, family = family, index = parameter_index(table), names = table$name,
                 rows = length(active_positions(design$weights)),
                 terms = lapply(design$terms, function(term) {
                   factor <- design$factors[[term$factor]]
                   list(factor = term$factor, columns = term$columns, variance = level_variance(factor),
                        products = mean_products(factor$Z)[term$columns, term$columns, drop = FALSE],
                        equal_levels = has_equal_levels(factor))
                 }),
                 levels = vapply(design$terms, function(term) count_levels(design$factors[[term$factor]]), 1L),
                 nesting = if (length(design$factors) == 1L || !is_linear(family)) nesting_of(design),
                 reach = column_reach(design$X), unit_free = is_unit_free(family),
                 linear = is_linear(family), notes = new_notes())
  with_coordinates(engine, design$terms, searched = FALSE)
}

mean_products <- function(z) crossprod(z) / nrow(z)

# Whether the core has the cross products of a linear mixed model, not its rows.
by_cross_products <- function(engine) {
  engine$inner %in% c("profiled", "joint")
}

# The covariance blocks of factor k: structure, number of effects, and where its theta starts (from 0).
factor_blocks <- function(terms, k, index) {
  own <- which(vapply(terms, function(term) term$factor, 1L) == k)
  own <- own[order(vapply(terms[own], function(term) term$block, 1L))]
  list(structure = vapply(terms[own], function(term) term$structure, ""),
       effects = vapply(terms[own], function(term) length(term$names), 1L),
       theta = vapply(index$theta[own], function(at) at[1L], 1L) - length(index$beta) - 1L)
}

new_notes <- function() {
  list2env(list(evaluations = 0L, gradients = 0L, error_root = NULL, sd_unit = NULL, by_quadrature = FALSE,
                second_order = FALSE, rule = NULL, nodes = NULL, wide = NULL, spent = 0, budget = Inf),
           envir = new.env(parent = emptyenv()))
}

# How often the core has been asked so far.
engine_counts <- function(engine) {
  c(evaluations = engine$notes$evaluations, gradients = engine$notes$gradients)
}

#' Keep the information that a typical level has on its own effects
#' @param information List, one matrix a random term.
#' @noRd
set_level_information <- function(engine, information) {
  engine$notes$error_root <- lapply(information, error_root)
  engine$notes$sd_unit <- lapply(information, function(own) 1 / sqrt(diag(own)))
}

#' A root of the error covariance that belongs to an information matrix
#'
#' @return Lower triangular matrix U with U U' the inverse of the information, or, where that is singular or nearly so,
#'   of its diagonal.
#' @noRd
error_root <- function(information) {
  # the inverse of an upper triangular factor is lower triangular with rows and columns reversed
  back <- rev(seq_len(ncol(information)))
  root <- scaled_root(information[back, back, drop = FALSE])
  unit <- 1 / sqrt(diag(information))
  singular <- is.null(root) || !isTRUE(max(abs(root[back, back, drop = FALSE] / unit)) < 1e6)
  if (singular) diag(unit, length(unit)) else root[back, back, drop = FALSE]
}

#' Take what levels tell of their effects from the weights at given parameters
#'
#' Those of the start, from weights at the data, are far off where random effects dwarf the residuals.
#' @param from List with `parameters`. @return The same, with what an evaluation there has found of them.
#' @noRd
update_information <- function(engine, from) {
  result <- engine_evaluate(engine, from$parameters)
  if (result$status != "ok") {
    return(from)
  }
  # by quadrature there is a value also where there are no modes
  of_factors <- attempt(engine_level_information(engine, from$parameters), function(e) NULL)
  if (is.null(of_factors)) {
    return(from)
  }
  information <- lapply(engine$terms, function(term) {
    term$variance * of_factors[[term$factor]][term$columns, term$columns, drop = FALSE]
  })
  if (all(is.finite(unlist(information)))) set_level_information(engine, information)
  replace(from, "parameters", list(result$parameters))
}

#' Parameters as the core has them: those of the fit
#'
#' Of a linear mixed model the core divides all of theta by sigma; the `shape` is multiplied by it before.
#' @noRd
core_parameters <- function(engine, parameters) {
  parameters <- as.double(parameters)
  if (length(engine$shape) && length(parameters)) {
    parameters <- change_coordinates(engine, parameters, "natural")
    if (by_cross_products(engine)) {
      parameters[engine$shape] <- parameters[engine$shape] * exp(parameters[engine$index$dispersion])
    }
  }
  parameters
}

# What the core gives at [core_parameters()], with parameters and gradient as the engine has them.
from_core <- function(engine, parameters, result) {
  names(result$parameters) <- names(parameters)
  shape <- engine$shape
  if (!length(shape)) {
    return(result)
  }
  result$parameters[shape] <- parameters[shape]
  if (length(result$gradient)) {
    if (by_cross_products(engine)) {
      last <- engine$index$dispersion
      result$gradient[shape] <- exp(parameters[[last]]) * result$gradient[shape]
      along <- sum(change_coordinates(engine, parameters, "natural")[shape] * result$gradient[shape])
      result$gradient[last] <- result$gradient[last] + along
    }
    result$gradient <- coordinate_slopes(engine, parameters) * result$gradient
  }
  result
}
