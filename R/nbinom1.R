# The negative binomial family whose variance is a multiple of the mean.

#' @rdname families.glimmer
#' @export
nbinom1 <- function(link = "log") {
  new_family("nbinom1", link, variance = nbinom1_variance, dev.resids = nbinom1_deviances)
}

nbinom1_variance <- function(mu, phi) {
  mu * (1 + phi)
}

nbinom1_deviances <- function(y, mu, wt, phi) {
  count_deviances(y, mu, wt, phi, nbinom1_log_density)
}

nbinom1_log_density <- function(y, mean, size, constant) {
  stats::dnbinom(y, size = mean / constant, mu = mean, log = TRUE)
}

# Deviances of counts by their log-density.
count_deviances <- function(y, mu, wt, constant, log_density) {
  deviances_by_density(y, mu, wt, 1, constant, function(...) suppressWarnings(log_density(...)),
                       nearest = function(y, size) log(y + 0.1), mean_at = exp)
}

draw_nbinom1 <- function(mean, phi) {
  whole_numbers(stats::rnbinom(length(mean), size = mean / phi, mu = mean))
}

# The phi at which squared residuals are on average what they should be, between 0.01 and 100.
start_overdispersion <- function(y, mean, weights) {
  excess <- sum(weights * ((y - mean)^2 - mean)) / sum(weights * mean)
  if (is.finite(excess)) min(max(excess, 0.01), 100) else 1
}
