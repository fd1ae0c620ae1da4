# Counts of at least one: the Poisson and negative binomial families without zeros.

#' @rdname families.glimmer
#' @export
truncated_poisson <- function(link = "log") {
  new_family("truncated_poisson", link, variance = truncated_poisson_variance,
             dev.resids = truncated_poisson_deviances)
}

#' @rdname families.glimmer
#' @export
truncated_nbinom2 <- function(link = "log") {
  new_family("truncated_nbinom2", link, variance = truncated_nbinom2_variance,
             dev.resids = truncated_nbinom2_deviances)
}

# m = mu / P(y > 0), and its derivative in mu, the variance over mu. Below 1e-3 1 + mu - m by its series.
truncated_poisson_mean <- function(mu) {
  ifelse(mu > 0, mu / -expm1(-mu), 1)
}

truncated_poisson_slope <- function(mu) {
  mean <- truncated_poisson_mean(mu)
  ifelse(mu < 1e-3, 0.5 + mu / 6, mean * (1 + mu - mean) / mu)
}

truncated_poisson_variance <- function(mu) {
  mu * truncated_poisson_slope(mu)
}

truncated_poisson_deviances <- function(y, mu, wt) {
  count_deviances(y, mu, wt, 1, truncated_poisson_log_density)
}

truncated_poisson_log_density <- function(y, mean, size, constant) {
  stats::dpois(y, mean, log = TRUE) - log(-expm1(-mean))
}

# P(y > 0) of the whole distribution.
nbinom2_positive <- function(mu, size) {
  -expm1(-size * log1p(mu / size))
}

truncated_nbinom2_mean <- function(mu, size) {
  ifelse(mu > 0, mu / nbinom2_positive(mu, size), 1)
}

truncated_nbinom2_slope <- function(mu, size) {
  positive <- nbinom2_positive(mu, size)
  ifelse(mu > 0, (1 - truncated_nbinom2_mean(mu, size) * (1 - positive) / (1 + mu / size)) / positive,
         (1 + 1 / size) / 2)
}

truncated_nbinom2_variance <- function(mu, size) {
  mean <- truncated_nbinom2_mean(mu, size)
  pmax(mean * (1 + mu * (1 + 1 / size) - mean), 0)
}

truncated_nbinom2_deviances <- function(y, mu, wt, size) {
  count_deviances(y, mu, wt, size, truncated_nbinom2_log_density)
}

truncated_nbinom2_log_density <- function(y, mean, size, constant) {
  stats::dnbinom(y, size = constant, mu = mean, log = TRUE) - log(nbinom2_positive(mean, constant))
}

# The count whose upper tail is a share of that of 0, drawn evenly.
draw_truncated_poisson <- function(mean) {
  tail <- log(stats::runif(length(mean))) + log(-expm1(-mean))
  whole_numbers(pmax(stats::qpois(tail, mean, lower.tail = FALSE, log.p = TRUE), 1))
}

draw_truncated_nbinom2 <- function(mean, size) {
  tail <- log(stats::runif(length(mean))) + log(nbinom2_positive(mean, size))
  whole_numbers(pmax(stats::qnbinom(tail, size = size, mu = mean, lower.tail = FALSE, log.p = TRUE), 1))
}
