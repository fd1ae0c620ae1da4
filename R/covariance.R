# Covariance structures: how the covariance of a random term's effects, L L', follows from its parameters theta. A
# structure is an object with verbs, and nobody else knows what theta holds. A new one is a function of its term,
# a line in `structures`, and a struct in the core (covariance.h).

#' The structures, by the names that terms and the core have for them
#'
#' Functions of a random term (see [build_random()]), which give what [describe_structure()] describes.
#' @noRd
structures <- list(
  unstructured = function(term) unstructured(term$group, term$names)
)

#' The covariance structure of a random term
#' @param term One of the `terms` of [build_random()]. @return Result of [describe_structure()].
#' @noRd
structure_of <- function(term) {
  structures[[term$structure]](term)
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
#' @param of_root Function of a lower triangular matrix: the theta whose L is that, or is near.
#' @param normalise Function of theta: the theta of the same covariance whose signs are as they should be.
#' @param inside Function of theta and `error`: a theta near it where the covariance is not singular.
#' @param units Function of theta and `error`: matrix, theta moves by it times what has standard errors of the order of
#'   the square root of 1 / (2 levels).
#' @param truncations Function of theta and `error`: the singular covariances that may be meant, the least changed
#'   first; list of lists of `theta` and `held` (logical, one a parameter: what then has no derivative).
#' @param probes Function of a theta that is singular and `error`: where to look whether the log-likelihood rises from
#'   there; list of lists of `theta` and `inwards` (function of the gradient in theta there: a theta inside, or `NULL`).
#' @param singular_effects Function of theta, `held`, and the variances of theta: logical, one an effect, whether its
#'   standard deviation is zero.
#' @param directions Function of theta and a lower triangular matrix U: how U^-1 L L' U^-T moves with each parameter;
#'   list by parameter of `value` (the parameter, 0 if not `scaled`) and `slope` (q x q). The parameters may be
#'   others than theta.
#' @param direction_root Function of matrix with a row for each of theta, and U: the same for those parameters.
#' @return List of these and `sds`, function of theta: the standard deviations of the effects.
#' @noRd
describe_structure <- function(names, lambda, pull_back, scaled, bounded, pattern, of_root, normalise, inside, units,
                               truncations, probes, singular_effects, directions, direction_root) {
  list(names = names, lambda = lambda, sds = function(theta) root_sds(lambda(theta)), pull_back = pull_back,
       scaled = scaled, bounded = bounded, pattern = pattern, of_root = of_root, normalise = normalise,
       inside = inside, units = units, truncations = truncations, probes = probes,
       singular_effects = singular_effects, directions = directions, direction_root = direction_root)
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
