# The beta family for proportions, and the beta-binomial one for numbers of successes.

#' @rdname families.glimmer
#' @export
beta_family <- function(link = "logit") {
  new_family("beta", link, variance = beta_variance, dev.resids = beta_deviances, validmu = are_probabilities)
}

#' @rdname families.glimmer
#' @export
betabinomial <- function(link = "logit") {
  new_family("betabinomial", link, variance = betabinomial_variance, dev.resids = betabinomial_deviances,
             validmu = are_probabilities)
}

are_probabilities <- function(mu) {
  all(is.finite(mu)) && all(mu > 0) && all(mu < 1)
}

beta_variance <- function(mu, phi) {
  mu * (1 - mu) / (1 + phi)
}

# Of a proportion of one trial; that of more is divided by their number.
betabinomial_variance <- function(mu, size = 1, phi) {
  mu * (1 - mu) * (1 + (size - 1) / (1 + phi))
}

beta_deviances <- function(y, mu, wt, phi) {
  proportion_deviances(y, mu, wt, 1, phi, beta_log_density)
}

betabinomial_deviances <- function(y, mu, wt, size = wt, phi) {
  proportion_deviances(y, mu, wt, size, phi, betabinomial_log_density)
}

proportion_deviances <- function(y, mu, wt, size, phi, log_density) {
  deviances_by_density(y, mu, wt, size, phi, function(...) {
    value <- suppressWarnings(log_density(...))
    replace(value, is.nan(value), -Inf)
  }, nearest = function(y, size) stats::qlogis((y * size + 0.01) / (size + 0.02)), mean_at = stats::plogis)
}

beta_log_density <- function(y, mean, size, constant) {
  stats::dbeta(y, mean * constant, (1 - mean) * constant, log = TRUE)
}

betabinomial_log_density <- function(y, mean, size, constant) {
  successes <- y * size
  a <- mean * constant
  b <- (1 - mean) * constant
  lchoose(size, successes) + lbeta(successes + a, size - successes + b) - lbeta(a, b)
}

# Not 0 or 1, which a beta draw is by rounding.
draw_beta <- function(mean, phi) {
  y <- stats::rbeta(length(mean), mean * phi, (1 - mean) * phi)
  pmin(pmax(y, 1e-150), 1 - .Machine$double.eps / 2)
}

draw_betabinomial <- function(mean, size, phi) {
  stats::rbinom(length(mean), size, stats::rbeta(length(mean), mean * phi, (1 - mean) * phi))
}

# The precision at which squared residuals are on average what they should be.
start_precision <- function(y, mean, weights) {
  within_limits(sum(weights * mean * (1 - mean)) / sum(weights * (y - mean)^2) - 1)
}

start_betabinomial <- function(y, mean, weights, size) {
  squares <- size * (y / size - mean)^2 / (mean * (1 - mean))
  several <- weights * pmax(size - 1, 0)
  correlation <- sum((weights * (squares - 1))[size > 1]) / sum(several)
  within_limits(1 / correlation - 1, otherwise = 100)
}

within_limits <- function(precision, otherwise = 1) {
  if (!is.finite(precision)) 1 else if (precision <= 0) otherwise else min(max(precision, 0.5), 1000)
}
