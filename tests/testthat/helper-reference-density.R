# Log-densities of one row, for every family and link of stats, written from the d*() functions of stats and the
# inverse links of stats::make.link(). Binomial tails are taken in log space, where an inverse link would saturate.

#' Families and links that the package promises: those of stats, then its own.
reference_links <- list(
  gaussian = c("identity", "log", "inverse"),
  binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
  poisson = c("log", "identity", "sqrt"),
  Gamma = c("inverse", "log", "identity"),
  inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"),
  nbinom2 = c("log", "sqrt", "identity"),
  nbinom1 = c("log", "sqrt", "identity"),
  beta = c("logit", "probit", "cloglog", "cauchit", "log"),
  betabinomial = c("logit", "probit", "cloglog", "cauchit", "log"),
  lognormal = c("log", "identity"),
  truncated_poisson = "log",
  truncated_nbinom2 = "log",
  genpois = c("log", "sqrt", "identity")
)

#' The name of the dispersion parameter in the parameter vector, or none.
reference_dispersion <- function(family, link = "") {
  constants <- c(gaussian = "log_sigma", Gamma = "log_shape", inverse.gaussian = "log_lambda", nbinom2 = "log_size",
                 nbinom1 = "log_phi", beta = "log_phi", betabinomial = "log_phi", genpois = "log_phi",
                 lognormal = if (link == "identity") "log_sdlog" else "log_sd", truncated_nbinom2 = "log_size")
  constants[intersect(family, names(constants))]
}

#' Whether the mean of a family is a probability.
has_probability <- function(family) family %in% c("binomial", "beta", "betabinomial")

#' Whether the responses of a family are successes in trials.
counts_trials <- function(family) family %in% c("binomial", "betabinomial")

#' Whether a family is one of stats.
is_of_stats <- function(family) {
  exists(family, asNamespace("stats"), inherits = FALSE) && family != "beta"
}

#' The function that makes the family objects of a family: that of stats, or the package's own.
reference_maker <- function(family) {
  # the name of the family beta is that of a function of R
  getExportedValue(if (is_of_stats(family)) "stats" else "glimmer", if (family == "beta") "beta_family" else family)
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
  if (!family %in% c("gaussian", "lognormal")) mean[!is.na(mean) & mean <= 0] <- NaN
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
  value <- if (family %in% c("beta", "betabinomial")) {
    log_p <- log_probabilities(link, eta)
    w * suppressWarnings(reference_beta_density(family, rows, exp(log_p$yes), exp(log_p$no), exp(phi)))
  } else if (family == "binomial") {
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
      nbinom1 = w * stats::dnbinom(rows$y, size = mean / exp(phi), mu = mean, log = TRUE),
      truncated_poisson = w * (stats::dpois(rows$y, mean, log = TRUE) - log(-expm1(-mean))),
      truncated_nbinom2 = w * (stats::dnbinom(rows$y, size = exp(phi), mu = mean, log = TRUE) -
                                 log(-expm1(-exp(phi) * log1p(mean / exp(phi))))),
      genpois = w * reference_genpois_density(rows$y, mean, exp(phi)),
      lognormal = w * reference_lognormal_density(link, rows$y, mean, exp(phi)),
      stop("reference_row_density() does not know ", family)
    ))
  }
  value[is.nan(value)] <- -Inf
  value
}

#' Beta responses and beta-binomial successes, from both shares of the precision.
reference_beta_density <- function(family, rows, yes, no, precision) {
  if (family == "beta") {
    return(stats::dbeta(rows$y, yes * precision, no * precision, log = TRUE))
  }
  # with every trial alike as a product, whose factors are close to 1 where the other share is small
  other <- ifelse(rows$y == 0, yes, no)
  own <- ifelse(rows$y == 0, no, yes)
  alike <- Reduce(`+`, lapply(seq_len(max(rows$size)) - 1, function(j) {
    factor <- ifelse(other < own, log1p(-other * precision / (precision + j)),
                     log((own * precision + j) / (precision + j)))
    ifelse(j < rows$size, factor, 0)
  }))
  ifelse(rows$y == 0 | rows$y == rows$size, alike,
         lchoose(rows$size, rows$y) + lbeta(rows$y + yes * precision, rows$size - rows$y + no * precision) -
           lbeta(yes * precision, no * precision))
}

#' The generalized Poisson distribution with variance alpha mu (Consul's theta and lambda).
reference_genpois_density <- function(y, mean, alpha) {
  theta <- mean / sqrt(alpha)
  rate <- theta + (1 - 1 / sqrt(alpha)) * y
  ifelse(rate > 0, log(theta) + (y - 1) * log(rate) - rate - lgamma(y + 1), -Inf)
}

#' By the mean of the logarithm and its standard deviation, or by those of the response.
reference_lognormal_density <- function(link, y, mean, deviation) {
  if (link == "identity") {
    return(stats::dlnorm(y, mean, deviation, log = TRUE))
  }
  variance <- log(1 + (deviation / mean)^2)
  stats::dlnorm(y, log(mean) - variance / 2, sqrt(variance), log = TRUE)
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
    log = if (has_probability(family)) abs(eta) else
      rep(if (family %in% c("gaussian", "poisson", "Gamma", "inverse.gaussian")) 4 else 3, length(eta)),
    identity = if (family %in% c("gaussian", "lognormal")) rep(4, length(eta)) else abs(eta),
    inverse = , sqrt = , "1/mu^2" = abs(eta)
  )
  pmin(radius, 4)
}
