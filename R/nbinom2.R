# The negative binomial family whose variance is quadratic in the mean, which 'stats' does not have.

#' Negative binomial responses
#'
#' Counts that vary more than Poisson ones: with mean mu their variance is mu + mu^2 / size. `size` is estimated; as it
#' goes to infinity the distribution goes to the Poisson one.
#'
#' @param link The link of the mean: `"log"`, `"sqrt"` or `"identity"`.
#' @return Family object for [glmm()], of class `family`, under the name that it has in 'glmmTMB'. Its functions
#'   `variance` and `dev.resids` have `size` as last argument; in `family(fit)` that of the fit is the default.
#' @details [sigma()][sigma.glimmer] of a fit is `size`, as in 'glmmTMB'; the parameter is `log_size`. Prior weights
#'   multiply the log-density.
#' @seealso [glmm()]; `stats::dnbinom(y, size = size, mu = mu)` is the density.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ lbase * trt + lage + V4 + (1 | subject), data = MASS::epil, family = nbinom2)
#'   print(fit)
#'   sigma(fit)
#' }
#' @export
nbinom2 <- function(link = "log", size = NULL) {
  family <- new_family("nbinom2", link, variance = nbinom2_variance, dev.resids = nbinom2_deviances)
  if (is.null(size)) family else with_known_constant(family, check_constant(size))
}

nbinom2_variance <- function(mu, size) {
  mu + mu^2 / size
}

# In the second term large numbers nearly cancel where the size is large; at infinity it is y - mu.
nbinom2_deviances <- function(y, mu, wt, size) {
  excess <- if (is.finite(size)) (y + size) * log1p((y - mu) / (mu + size)) else y - mu
  2 * wt * (ifelse(y > 0, y * log(y / mu), 0) - excess)
}

draw_nbinom2 <- function(mean, size) {
  whole_numbers(stats::rnbinom(length(mean), size = size, mu = mean))
}

# Whole numbers of type integer, as those of rpois(), unless one is too large.
whole_numbers <- function(y) {
  if (all(y <= .Machine$integer.max)) as.integer(y) else y
}

# The size at which squared residuals are on average what they should be; between 0.01 and 100, where they say more.
start_size <- function(y, mean, weights) {
  excess <- sum(weights * ((y - mean)^2 - mean)) / sum(weights * mean^2)
  if (is.finite(excess)) 1 / min(max(excess, 0.01), 100) else 1
}
