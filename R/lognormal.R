# The lognormal family: the mean of the logarithm of the response by the identity link, that of the response by the log.

#' @rdname families.glimmer
#' @export
lognormal <- function(link = "log") {
  by_log <- identical(link, "identity") || inherits(link, "link-glm") && link$name == "identity"
  new_family("lognormal", link, variance = if (by_log) lognormal_variance else lognormal_variance_by_mean,
             dev.resids = if (by_log) lognormal_deviances else lognormal_deviances_by_mean,
             validmu = if (by_log) are_finite else are_positive)
}

are_finite <- function(mu) {
  all(is.finite(mu))
}

# The variance of the response, exp(2 mu + sdlog^2) (exp(sdlog^2) - 1).
lognormal_variance <- function(mu, sdlog) {
  exp(2 * mu + sdlog^2) * expm1(sdlog^2)
}

lognormal_variance_by_mean <- function(mu, sd) {
  rep_len(sd^2, length(mu))
}

lognormal_deviances <- function(y, mu, wt, sdlog) {
  wt * ((log(y) - mu) / sdlog)^2
}

lognormal_deviances_by_mean <- function(y, mu, wt, sd) {
  deviances_by_density(y, mu, wt, 1, sd, lognormal_log_density, nearest = function(y, size) log(y), mean_at = exp)
}

# By mean and standard deviation of the response.
lognormal_log_density <- function(y, mean, size, constant) {
  variance <- log1p((constant / mean)^2)
  stats::dlnorm(y, log(mean) - variance / 2, sqrt(variance), log = TRUE)
}

draw_lognormal_by_mean <- function(mean, sd) {
  variance <- log1p((sd / mean)^2)
  stats::rlnorm(length(mean), log(mean) - variance / 2, sqrt(variance))
}

start_deviation <- function(y, mean, weights) {
  deviation <- sqrt(sum(weights * (y - mean)^2) / sum(weights))
  if (is.finite(deviation) && deviation > 0) deviation else 1
}
