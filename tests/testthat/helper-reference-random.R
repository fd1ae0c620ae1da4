# Small random models for the tests of values and gradients: data, formula, and feasible parameters.

#' Random structures that random_model() knows.
random_structures <- c("scalar", "slope", "independent", "nested", "crossed", "crossed slopes", "two terms")

#' The right-hand side of a random model.
random_formula <- function(response, structure) {
  random <- switch(structure,
    scalar = "(1 | g)",
    slope = "(x | g)",
    independent = "(x || g)",
    nested = "(1 | g/k)",
    crossed = "(1 | g) + (1 | h)",
    "crossed slopes" = "(x | g) + (z | h)",
    "two terms" = "(x | g) + (0 + z | g)",
    stop("unknown structure: ", structure)
  )
  stats::as.formula(paste(response, "~ x + z +", random), env = globalenv())
}

#' Fixed effects well inside the region that family and link allow, and the scale of the random effects there.
random_scale <- function(family, link) {
  if (link %in% c("inverse", "1/mu^2")) return(list(beta = c(0.9, 0.05, -0.08), sd = 0.1))
  if (has_probability(family)) {
    return(if (link == "log") list(beta = c(-1.3, 0.1, -0.1), sd = 0.12) else list(beta = c(0.2, 0.5, -0.4), sd = 0.6))
  }
  if (link == "identity" && !family %in% c("gaussian", "lognormal")) return(list(beta = c(6, 0.4, -0.5), sd = 0.5))
  if (link == "sqrt") return(list(beta = c(2.5, 0.2, -0.2), sd = 0.25))
  list(beta = c(0.8, 0.3, -0.2), sd = 0.5)
}

#' A small random model.
#'
#' @return List of data, formula, family (object), weights and offset (names of columns or NULL), structure, the
#'   reference model, and a named parameter vector near the one that made the data, yet not its maximiser.
random_model <- function(seed, family, link, structure, n = 72L) {
  withr_seed(seed)
  scale <- random_scale(family, link)
  data <- data.frame(x = stats::runif(n, -1, 1), z = stats::runif(n, -1, 1),
                     g = factor(rep_len(sprintf("g%d", 1:6), n)), h = factor(sample(sprintf("h%d", 1:5), n, TRUE)),
                     k = factor(sample(c("p", "q"), n, TRUE)), prior = stats::runif(n, 0.5, 2),
                     shift = stats::runif(n, -0.1, 0.1) * scale$sd, size = 1L + stats::rpois(n, 4))
  if (seed %% 3L == 0L) data$prior[sample(n, 2L)] <- 0
  names <- random_columns(seed, family)
  data$y <- rep_len(c(0.4, 0.6), n)
  blank <- reference_from_formula(random_formula("y", structure), data, stats::gaussian(), NULL, names$offset)
  blank$family <- family
  blank$link <- link
  blank$names <- c(setdiff(blank$names, "log_sigma"), unname(reference_dispersion(family, link)))
  parameters <- random_parameters(blank, scale)
  data <- random_response(blank, parameters, data, family)
  formula <- random_formula(names$response, structure)
  object <- reference_family(family, link)
  list(data = data, formula = formula, family = object, weights = names$weights, offset = names$offset,
       structure = structure,
       model = reference_from_formula(formula, data, object, names$weights, names$offset),
       parameters = parameters + 0.1 * scale$sd * stats::runif(length(parameters), -1, 1))
}

#' Set the seed for the calling function only.
withr_seed <- function(seed, frame = parent.frame()) {
  old <- get0(".Random.seed", globalenv(), inherits = FALSE)
  restore <- if (is.null(old)) quote(rm(".Random.seed", envir = globalenv())) else
    bquote(assign(".Random.seed", .(old), envir = globalenv()))
  do.call(on.exit, list(restore, add = TRUE), envir = frame)
  set.seed(seed, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")
}

#' The value of an expression under a seed, with the generators that R has by default.
with_seed <- function(seed, code) {
  withr_seed(seed)
  code
}

#' Which columns a random model uses. Odd seeds have prior weights (binomial: a proportion with its trials as weights),
#' seeds 2, 6, 10, ... of the binomial two columns with prior weights; every other pair of seeds has an offset.
random_columns <- function(seed, family) {
  odd <- seed %% 2L == 1L
  response <- if (!counts_trials(family)) "y" else if (odd) "proportion" else "cbind(y, size - y)"
  trials <- counts_trials(family)
  weights <- if (trials && odd) "size" else if (odd || (trials && seed %% 4L == 2L)) "prior"
  list(response = response, weights = weights, offset = if (seed %% 4L >= 2L) "shift" else NULL)
}

#' Parameters of a random model: full covariance blocks with a positive diagonal.
random_parameters <- function(model, scale) {
  covariance <- unlist(lapply(model$terms, function(term) {
    q <- length(term$columns)
    L <- matrix(0, q, q)
    L[lower.tri(L)] <- stats::runif(q * (q - 1) / 2, -0.5, 0.5)
    diag(L) <- stats::runif(q, 0.5, 1.2)
    scale$sd * L[lower.tri(L, diag = TRUE)]
  }))
  dispersion <- c(gaussian = log(0.6), Gamma = log(4), inverse.gaussian = log(8), nbinom2 = log(3),
                  nbinom1 = log(0.8), beta = log(6), betabinomial = log(5), lognormal = log(0.5),
                  truncated_nbinom2 = log(3), genpois = log(1.6))[model$family]
  # on the scale of the response; with less of it the random effects have several conditional modes
  if (model$family == "lognormal" && model$link == "log") dispersion <- log(3)
  stats::setNames(c(scale$beta, covariance, dispersion[!is.na(dispersion)]), model$names)
}

#' Simulate a response: the random effects are drawn within 1.5 standard deviations, so that the mean stays allowed.
random_response <- function(model, parameters, data, family) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  u <- pmin(pmax(stats::rnorm(ncol(A)), -1.5), 1.5)
  eta <- model$offset + drop(model$X %*% part$beta + A %*% u)
  mean <- if (has_probability(family)) exp(log_probabilities(model$link, eta)$yes) else
    reference_mean(family, model$link, eta)
  n <- length(mean)
  data$y <- switch(family,
    gaussian = stats::rnorm(n, mean, exp(part$phi)),
    binomial = stats::rbinom(n, data$size, mean),
    poisson = stats::rpois(n, mean),
    Gamma = stats::rgamma(n, exp(part$phi), scale = mean / exp(part$phi)),
    inverse.gaussian = random_inverse_gaussian(n, mean, exp(part$phi)),
    nbinom2 = stats::rnbinom(n, size = exp(part$phi), mu = mean),
    nbinom1 = stats::rnbinom(n, size = mean / exp(part$phi), mu = mean),
    beta = pmin(pmax(stats::rbeta(n, mean * exp(part$phi), (1 - mean) * exp(part$phi)), 1e-3), 1 - 1e-3),
    betabinomial = stats::rbinom(n, data$size, stats::rbeta(n, mean * exp(part$phi), (1 - mean) * exp(part$phi))),
    lognormal = stats::rlnorm(n, if (model$link == "identity") mean else log(mean), 0.5),
    truncated_poisson = pmax(stats::rpois(n, mean), 1),
    truncated_nbinom2 = pmax(stats::rnbinom(n, size = exp(part$phi), mu = mean), 1),
    genpois = stats::rnbinom(n, size = mean / 0.6, mu = mean),
    stop("random_response() does not know ", family)
  )
  if (counts_trials(family)) data$proportion <- data$y / data$size
  data
}

#' Inverse Gaussian numbers by the method of Michael, Schucany and Haas (1976).
random_inverse_gaussian <- function(n, mean, lambda) {
  v <- stats::rnorm(n)^2
  x <- mean + mean^2 * v / (2 * lambda) - mean / (2 * lambda) * sqrt(4 * mean * lambda * v + mean^2 * v^2)
  ifelse(stats::runif(n) <= mean / (mean + x), x, mean^2 / x)
}
