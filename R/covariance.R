# Covariance structures: how the covariance of a random term's effects, L L', follows from its parameters theta. A
# structure is an object with verbs, and nobody else knows what theta holds. A new one is a function of its term,
# a line in `structures`, and a struct with its line in the core (covariance.h).

#' The structures, by the names that terms and the core have for them
#'
#' Functions of a random term (see [build_random()]) and of `searched`, see [structure_of()].
#' @noRd
structures <- list(
  unstructured = function(term, searched) unstructured(term$group, term$names),
  diag = function(term, searched) correlated(term$group, term$names, common = FALSE, NULL, searched),
  cs = function(term, searched) correlated(term$group, term$names, common = FALSE, compound_symmetry, searched),
  ar1 = function(term, searched) {
    correlated(term$group, term$names, common = TRUE, autoregressive, searched, ordered = TRUE)
  }
)

#' The covariance structure of a random term
#' @param term One of the `terms` of [build_random()].
#' @param searched Logical: whether theta is that of a search, in coordinates without bounds, not the parameters of the
#'   fit.
#' @return Result of [describe_structure()].
#' @noRd
structure_of <- function(term, searched = FALSE) {
  structures[[term$structure]](term, searched)
}

#' Describe a covariance structure of q effects
#'
#' `error` is always the lower triangular root of the covariance of what a typical level alone tells of its effects (see
#' [set_level_information()]): the unit in which effects are small or large.
#'
#' @param names Character: the names of theta.
#' @param lambda Function of theta: L, lower triangular, q x q.
#' @param pull_back Function of theta and of the derivative of a number in L, q x q: its derivative in theta.
#' @param scaled Logical, one a parameter: whether L is proportional to it; the others are without unit.
#' @param bounded Logical, one a parameter: whether a search keeps it from falling below zero.
#' @param pattern Logical, q x q: the entries of L that need not be zero.
#' @param ordered Logical: whether the effects have an order, as levels of a factor have.
#' @param reported Function of `varies` (logical, one an effect: whether its standard deviation is not zero): logical,
#'   q x q: the standard deviations and correlations that tell all, in the lower triangle.
#' @param common Logical: whether all effects, several, have one standard deviation.
#' @param correlation_range The ends of the range of its correlations.
#' @param rule `NULL`, or where one correlation tells all of them character: how, in words after it.
#' @param unreplicated Function of `together` (logical, q x q: whether a level has rows with both effects): whether the
#'   covariance can be told from that of residuals without a second row of any effect of a level.
#' @param one_level Logical: whether one level, if it has many of them, can tell the covariance, as of a series.
#' @param holds Function of a covariance matrix: whether it is one of the structure, which tells what is nested in it.
#' @param of_root Function of a lower triangular matrix: the theta whose L is that, or is near.
#' @param with_entry Function of theta, two effects i and j and a number: a theta near in which the standard deviation
#'   of i (if j is the same) or the correlation of i and j (j < i) is that. Made of operations that complex numbers
#'   have.
#' @param normalise Function of theta: the theta of the same covariance whose signs are as they should be.
#' @param inside Function of theta and `error`: a theta near it where the covariance is not singular.
#' @param units Function of theta and `error`: matrix, theta moves by it times what has standard errors of the order of
#'   the square root of 1 / (2 levels).
#' @param even_parts Function of `error`: list of lists of `at` (positions in theta of what the log-likelihood is even
#'   in, a standard deviation or a column of L) and `unit` (one a position).
#' @param truncations Function of theta and `error`: the singular covariances that may be meant, the least changed
#'   first; list of lists of `change` (function of theta: that of the singular covariance), `held` (function of this:
#'   logical, one a parameter, what then has no derivative) and `follows` (whether it is meant only if the one before
#'   is).
#' @param probes Function of a theta that is singular and `error`: where to look whether the log-likelihood rises from
#'   there; list of lists of `theta` and `inwards` (function of the gradient in theta there: a theta inside, or `NULL`).
#' @param singular_effects Function of theta, `held`, and the variances of theta: logical, one an effect, whether its
#'   standard deviation is zero.
#' @param directions Function of theta and a lower triangular matrix U: how U^-1 L L' U^-T moves with each parameter;
#'   list by parameter of `value` (the parameter, 0 if not `scaled`) and `slope` (q x q). The parameters may be
#'   others than theta.
#' @param direction_root Function of matrix with a row for each of theta, and U: the same for those parameters.
#' @param others Function of theta: list of theta with other correlations, from which a search may find another maximum.
#' @param search_scale `NULL` where a search has theta as the fit has it, or list of functions: `natural` (of theta in
#'   the search: that of the fit), `natural_slope` and `natural_curvature` (of the same: first and second derivative,
#'   element by element), `searched` (of the fit's theta: that of the search).
#' @return List of these and `sds`, function of theta: the standard deviations of the effects.
#' @noRd
describe_structure <- function(names, lambda, pull_back, scaled, bounded, pattern, reported, holds, of_root,
                               with_entry, normalise, inside, units, even_parts, truncations, probes,
                               singular_effects, directions, direction_root, others = function(theta) list(),
                               search_scale = NULL, ordered = FALSE, common = FALSE, correlation_range = c(-1, 1),
                               rule = NULL, one_level = FALSE, unreplicated = function(together) FALSE) {
  list(names = names, lambda = lambda, sds = function(theta) root_sds(lambda(theta)), pull_back = pull_back,
       scaled = scaled, bounded = bounded, pattern = pattern, reported = reported, holds = holds, of_root = of_root,
       with_entry = with_entry, normalise = normalise, inside = inside, units = units, even_parts = even_parts,
       truncations = truncations, probes = probes, singular_effects = singular_effects, directions = directions,
       direction_root = direction_root, others = others, search_scale = search_scale, ordered = ordered,
       common = common, correlation_range = correlation_range, rule = rule, one_level = one_level,
       unreplicated = unreplicated)
}

# Standard deviations of effects with covariance L L'; most terms have one effect.
root_sds <- function(root) {
  if (length(root) == 1L) abs(root[[1L]]) else sqrt(rowSums(root^2))
}

#' L of the t-th random term of a fit, on the scale of the linear predictor
#' @noRd
term_root <- function(fit, t) {
  structure_of(fit$random[[t]])$lambda(fit$parameters[fit$index$theta[[t]]])
}

# Lambda of the k-th grouping factor of a fit: the blocks of its terms.
factor_root <- function(fit, k) {
  q <- length(fit$factors[[k]]$columns)
  root <- matrix(0, q, q)
  for (t in which(vapply(fit$random, function(term) term$factor == k, logical(1)))) {
    columns <- fit$random[[t]]$columns
    root[columns, columns] <- term_root(fit, t)
  }
  root
}

#' L of the t-th random term of an engine
#' @noRd
engine_root <- function(engine, t, parameters) {
  engine$structures[[t]]$lambda(parameters[engine$index$theta[[t]]])
}

# Positions of the parameters that L of their term is proportional to.
scaled_parameters <- function(structures, index) {
  unlist(Map(function(structure, at) at[structure$scaled], structures, index$theta))
}

# The theta of a covariance that has no zero or equality but those of the structure.
typical_theta <- function(term) {
  q <- length(term$names)
  places <- diag(q)
  root <- ifelse(row(places) >= col(places), 1 / (row(places) + 2 * col(places)^2), 0) + diag(seq_len(q) / q, q)
  structure_of(term)$of_root(root)
}
