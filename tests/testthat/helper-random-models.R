# Random models of every family, link, structure and scale, and an independent search for their maxima.

any_structures <- c(scalar = "(1 | g)", slope = "(x | g)", independent = "(x || g)", nested = "(1 | g/h)",
                    crossed = "(1 | g) + (1 | k)", crossed_slopes = "(x | g) + (1 | k)",
                    two_terms = "(1 | g) + (0 + x + z | g)", factor_slopes = "(f | g)")

any_pairs <- function() {
  pairs <- list(gaussian = c("identity", "log", "inverse"),
                binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
                poisson = c("log", "identity", "sqrt"), Gamma = c("inverse", "log", "identity"),
                inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"))
  data.frame(family = rep(names(pairs), lengths(pairs)), link = unlist(pairs, use.names = FALSE))
}

#' Those of the families that 'stats' does not have.
shape_pairs <- function() {
  links <- reference_links[!vapply(names(reference_links), is_of_stats, NA)]
  data.frame(family = rep(names(links), lengths(links)), link = unlist(links, use.names = FALSE))
}

#' @return List: formula, data, family, weights (name or NULL), description.
any_model <- function(seed, pairs = any_pairs()) {
  with_seed(seed, {
    pair <- pairs[1L + seed %% nrow(pairs), ]
    family <- reference_family(pair$family, pair$link)
    structure <- sample(names(any_structures), 1L)
    groups <- sample(c(4L, 8L, 15L, 40L), 1L)
    size <- sample(c(3L, 6L, 15L), 1L)
    n <- groups * size
    scale <- 10^sample(c(-4, 0, 0, 0, 4), 1L)
    data <- data.frame(g = factor(rep(seq_len(groups), each = size)), h = factor(rep(1:3, length.out = n)),
                       k = factor(sample(5L, n, TRUE)), f = factor(sample(c("a", "b", "c"), n, TRUE)),
                       x = runif(n), z = rnorm(n))
    eta <- any_predictor(data, pair, groups)
    data <- any_response(data, pair, family, eta)
    data$x <- data$x * scale
    if (pair$family == "gaussian" && pair$link == "identity") data$y <- data$y * 10^sample(c(-5, 0, 5), 1L)
    fixed <- sample(c("1", "x", "x + z", "x + f"), 1L)
    data$w <- if (sample(4L, 1L) == 1L) runif(n, 0.5, 2) else 1
    response <- if (counts_trials(pair$family)) "cbind(y, m - y)" else "y"
    list(formula = stats::as.formula(paste(response, "~", fixed, "+", any_structures[[structure]])), data = data,
         family = family, description = paste(seed, pair$family, pair$link, structure, fixed, groups, size, scale))
  })
}

# Predictors where the link allows them, with effects from none to large.
any_predictor <- function(data, pair, groups) {
  sd <- sample(c(0, 0.1, 0.5, 1.5), 1L)
  effects <- rnorm(groups, 0, sd)[data$g] + rnorm(5L, 0, sample(c(0, 0.3), 1L))[data$k] +
    data$x * rnorm(groups, 0, sample(c(0, 0.5), 1L))[data$g]
  restricted <- pair$link %in% c("inverse", "1/mu^2", "sqrt") ||
    (pair$link == "identity" && !pair$family %in% c("gaussian", "lognormal"))
  if (pair$link == "log" && has_probability(pair$family)) {
    return(pmin(-1.2 + 0.5 * data$x + 0.2 * effects, -0.05))
  }
  if (restricted) pmax(1 + 0.8 * data$x + 0.2 * effects, 0.1) else 0.2 + 0.8 * data$x - 0.3 * data$z + effects
}

any_response <- function(data, pair, family, eta) {
  n <- nrow(data)
  mu <- family$linkinv(eta)
  # a beta-binomial response of single trials is refused
  data$m <- if (sample(2L, 1L) == 1L && pair$family != "betabinomial") 1L else sample(10L, n, TRUE)
  data$y <- switch(pair$family,
    gaussian = mu + rnorm(n, 0, 0.3),
    binomial = rbinom(n, data$m, mu),
    poisson = rpois(n, pmin(mu, 1e5)),
    Gamma = pmax(rgamma(n, 3, 3 / mu), 1e-8),
    inverse.gaussian = pmax(random_inverse_gaussian(n, mu, 4), 1e-8),
    any_shaped_response(pair, pmin(mu, 1e5), data$m))
  data
}

# With a parameter of the variance from close to the limit of the family to far from it.
any_shaped_response <- function(pair, mu, trials) {
  n <- length(mu)
  constant <- sample(c(0.05, 0.5, 2, 10, 500), 1L)
  positive <- function(draw) pmax(draw(), 1)
  switch(pair$family,
    nbinom2 = rnbinom(n, size = constant, mu = mu),
    nbinom1 = rnbinom(n, size = mu / constant, mu = mu),
    genpois = if (constant < 1) rbinom(n, 20L, pmin(mu / 20, 0.9)) else rnbinom(n, size = mu / constant, mu = mu),
    beta = pmin(pmax(rbeta(n, mu * constant, (1 - mu) * constant), 1e-6), 1 - 1e-6),
    betabinomial = rbinom(n, trials, rbeta(n, mu * constant, (1 - mu) * constant)),
    lognormal = exp((if (pair$link == "identity") mu else log(mu)) + rnorm(n, 0, min(constant, 3))),
    truncated_poisson = positive(function() rpois(n, mu)),
    truncated_nbinom2 = positive(function() rnbinom(n, size = constant, mu = mu)))
}

#' The highest log-likelihood that searches without derivatives find from starts of their own
#'
#' Where the density is not log-concave the Laplace approximation has poles, at parameters where a mode ceases to be
#' one and log|H| goes to minus infinity: what a search finds there is no maximum.
#'
#' @param value,gradient Functions of the parameter vector. @param starts List. @param unit Numeric: scale of each
#'   parameter.
independent_maximum <- function(value, gradient, starts, unit) {
  best <- -Inf
  for (start in starts) {
    if (!is.finite(value(start))) next
    objective <- function(x) {
      result <- value(start + unit * x)
      if (is.finite(result)) -result else 1e10
    }
    found <- list(par = numeric(length(start)))
    for (round in 1:3) {
      found <- stats::optim(found$par, objective, method = "Nelder-Mead", control = list(maxit = 600, reltol = 1e-11))
      smooth <- try(stats::optim(found$par, objective, method = "BFGS",
                                 control = list(maxit = 100, reltol = 1e-12, ndeps = rep(1e-4, length(start)))), TRUE)
      if (!inherits(smooth, "try-error") && smooth$value <= found$value) found <- smooth
    }
    slope <- gradient(start + unit * found$par) * unit
    if (-found$value > best && length(slope) && all(is.finite(slope)) && max(abs(slope)) < 100) best <- -found$value
  }
  best
}

#' A model fitted by default: the fit or a condition that refuses it, and the CPU seconds that it took.
fit_any_model <- function(model, data = model$data, start = NULL) {
  before <- proc.time()[["user.self"]]
  fit <- tryCatch(suppressWarnings(glmm(model$formula, data, model$family, weights = w, start = start),
                                   classes = "glimmer_warning"), error = identity)
  list(fit = fit, seconds = proc.time()[["user.self"]] - before)
}

# The data with rows in another order, and with the levels of grouping factors in another order under other names.
permute_rows <- function(data, seed) data[with_seed(seed, sample(nrow(data))), ]

relabel_levels <- function(data, seed) {
  with_seed(seed, for (name in c("g", "h", "k")) {
    other <- paste0("level ", 10L + sample(nlevels(data[[name]])))
    data[[name]] <- factor(other[data[[name]]])
  })
  data
}

#' What is wrong with two fits of the same data: "" where nothing is
#'
#' The same: both refused alike, both not converged, or the same maximum within what the fits state as their error.
difference_of_fits <- function(fit, other) {
  kind <- function(fit) {
    if (!inherits(fit, "glimmer")) class(fit)[1L] else if (fit$converged) "converged" else "not converged"
  }
  kinds <- c(kind(fit), kind(other))
  if (kinds[1L] != kinds[2L]) {
    return(paste(kinds, collapse = " / "))
  }
  if (kinds[1L] != "converged") {
    return("")
  }
  # where a link cuts the integrand off one start may lead to Laplace, which the fit says
  if (fit$method != other$method && !all(fit$status$ok, other$status$ok)) {
    return("")
  }
  stated <- function(name) sum(fit$quadrature$error[[name]], other$quadrature$error[[name]])
  apart <- abs(fit$log_likelihood - other$log_likelihood)
  if (!isTRUE(apart <= 1e-6 + stated("log_likelihood"))) {
    return(paste("log-likelihoods", format(apart), "apart"))
  }
  shift <- abs(fit$parameters - other$parameters) / sqrt(diag(fit$covariance))
  # a flat likelihood has no estimates to compare
  flat <- any(c("flat", "separation", "level_separation") %in% fit$status$check[!fit$status$ok])
  if (flat || !any(is.finite(shift)) || max(shift, na.rm = TRUE) <= 0.01 + stated("shift")) "" else
    paste("estimates", format(max(shift, na.rm = TRUE)), "standard errors apart")
}

#' Faults of a random model's default fits: of the data, permuted, relabelled, and from its own estimates
#' @return List: `text` (a fault each), `seconds` (of the slowest), `kind` of the first.
unstable_answers <- function(seed) {
  model <- any_model(seed)
  first <- fit_any_model(model)
  others <- list(permuted = fit_any_model(model, permute_rows(model$data, 9000L + seed)),
                 relabelled = fit_any_model(model, relabel_levels(model$data, 9000L + seed)))
  fit <- first$fit
  fitted <- inherits(fit, "glimmer")
  if (fitted) others$own <- fit_any_model(model, start = fit$parameters)
  differences <- vapply(others, function(other) difference_of_fits(fit, other$fit), "")
  faults <- paste(model$description, names(differences), differences)[nzchar(differences)]
  if (!fitted && !inherits(fit, "glimmer_error")) faults <- c(faults, paste(model$description, conditionMessage(fit)))
  at_own <- if (fitted) as.numeric(logLik(fit, parameters = fit$parameters)) else 0
  # by quadrature with nodes that are placed there anew
  room <- if (fitted) 1e-8 * (1 + abs(fit$log_likelihood)) + sum(fit$quadrature$error$log_likelihood)
  unequal <- fitted && !isTRUE(abs(at_own - fit$log_likelihood) <= room)
  if (unequal) faults <- c(faults, paste(model$description, "its own log-likelihood is", at_own))
  list(text = faults, seconds = max(first$seconds, vapply(others, function(other) other$seconds, 1)),
       kind = if (!fitted) "refused" else if (fit$converged) "converged" else "not converged")
}
