# Log-densities of one row, for every family and link of stats, written from the d*() functions of stats and the
# inverse links of stats::make.link(). Binomial tails are taken in log space, where an inverse link would saturate.

#' Families and links that the package promises: those of stats, then its own.
reference_links <- list(
  gaussian = c("identity", "log", "inverse"),
  binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
  poisson = c("log", "identity", "sqrt"),
  Gamma = c("inverse", "log", "identity"),
  inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"),
  nbinom2 = c("log", "sqrt", "identity")
)

#' The name of the dispersion parameter in the parameter vector, or none.
reference_dispersion <- function(family) {
  constants <- c(gaussian = "log_sigma", Gamma = "log_shape", inverse.gaussian = "log_lambda", nbinom2 = "log_size")
  constants[intersect(family, names(constants))]
}

#' Whether a family is one of stats.
is_of_stats <- function(family) {
  exists(family, asNamespace("stats"), inherits = FALSE)
}

#' The function that makes the family objects of a family: that of stats, or the package's own.
reference_maker <- function(family) {
  getExportedValue(if (is_of_stats(family)) "stats" else "glimmer", family)
}

#' The family object for a family and a link by name.
reference_family <- function(family, link) {
  do.call(reference_maker(family), list(link = link))
}

#' log p and log(1 - p) of a binomial family.
log_probabilities <- function(link, eta) {
  switch(link,
    logit = list(yes = stats::plogis(eta, log.p = TRUE), no = stats::plogis(-eta, log.p = TRUE)),
    probit = list(yes = stats::pnorm(eta, log.p = TRUE), no = stats::pnorm(-eta, log.p = TRUE)),
    cauchit = list(yes = stats::pcauchy(eta, log.p = TRUE), no = stats::pcauchy(-eta, log.p = TRUE)),
    cloglog = list(yes = log_one_minus_exp(-exp(eta)), no = -exp(eta)),
    log = list(yes = ifelse(eta <= 0, eta, NaN), no = log_one_minus_exp(eta))
  )
}

#' log(1 - exp(x)) for x < 0 without cancellation; not a number above zero.
log_one_minus_exp <- function(x) {
  near <- x > -log(2)
  result <- rep(NaN, length(x))
  below <- !is.na(x) & x <= 0
  result[below & near] <- log(-expm1(x[below & near]))
  result[below & !near] <- log1p(-exp(x[below & !near]))
  result
}

#' The mean of a row, not a number where the family does not allow it.
reference_mean <- function(family, link, eta) {
  allowed <- switch(link, sqrt = , "1/mu^2" = eta > 0, inverse = eta != 0, rep(TRUE, length(eta)))
  mean <- rep(NaN, length(eta))
  # exp() itself: the inverse link of stats stops at the machine epsilon.
  mean[allowed] <- if (link == "log") exp(eta) else stats::make.link(link)$linkinv(eta[allowed])
  if (family != "gaussian") mean[!is.na(mean) & mean <= 0] <- NaN
  mean
}

#' The log-density of the inverse Gaussian distribution with mean mu and variance mu^3 / lambda.
log_inverse_gaussian <- function(y, mean, lambda) {
  (log(lambda) - log(2 * pi) - 3 * log(y)) / 2 - lambda * (y - mean)^2 / (2 * mean^2 * y)
}

#' Log-densities with prior weights (meaning: gaussian N(mu, sigma^2 / w), Gamma shape k w, inverse Gaussian lambda w,
#' binomial, Poisson and negative binomial w times the log-density); minus infinity where the mean is not allowed.
#'
#' @param rows List (or data frame) of y, size, weights.
#' @param phi The log dispersion (log sigma, log shape, log lambda, log size); not used by binomial and Poisson.
reference_row_density <- function(family, link, rows, eta, phi = 0) {
  w <- rows$weights
  value <- if (family == "binomial") {
    log_p <- log_probabilities(link, eta)
    failures <- rows$size - rows$y
    w * (lchoose(rows$size, rows$y) + ifelse(rows$y > 0, rows$y * log_p$yes, 0) +
      ifelse(failures > 0, failures * log_p$no, 0))
  } else {
    mean <- reference_mean(family, link, eta)
    suppressWarnings(switch(family,
      gaussian = stats::dnorm(rows$y, mean, exp(phi) / sqrt(w), log = TRUE),
      poisson = w * stats::dpois(rows$y, mean, log = TRUE),
      Gamma = stats::dgamma(rows$y, shape = exp(phi) * w, scale = mean / (exp(phi) * w), log = TRUE),
      inverse.gaussian = log_inverse_gaussian(rows$y, mean, exp(phi) * w),
      nbinom2 = w * stats::dnbinom(rows$y, size = exp(phi), mu = mean, log = TRUE),
      stop("reference_row_density() does not know ", family)
    ))
  }
  value[is.nan(value)] <- -Inf
  value
}

#' How far the log-density of a row is analytic around eta: the distance to its nearest complex singularity,
#' bounded where it has none or far ones. Only the steps of the numerical derivatives depend on it.
analytic_radius <- function(family, link, eta) {
  radius <- switch(link,
    logit = sqrt(pi^2 + eta^2),
    probit = rep(2.5, length(eta)),
    cloglog = rep(1.4, length(eta)),
    cauchit = sqrt(1 + eta^2),
    # a negative binomial density has a pole where the mean is minus the size
    log = if (family == "binomial") abs(eta) else rep(if (family == "nbinom2") 3 else 4, length(eta)),
    identity = if (family == "gaussian") rep(4, length(eta)) else abs(eta),
    inverse = , sqrt = , "1/mu^2" = abs(eta)
  )
  pmin(radius, 4)
}
