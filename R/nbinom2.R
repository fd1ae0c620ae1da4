# The negative binomial family whose variance is quadratic in the mean, and the help page of all families that 'stats'
# does not have.

#' Families that 'stats' does not have
#'
#' Counts, proportions and positive responses whose variance has a parameter of its own, under the names that they have
#' in 'glmmTMB', with the same meaning.
#'
#' @param link The link of the mean, by name or as [stats::make.link()] makes it; see the table.
#' @param size `NULL`, or a number: the size is then known, and no parameter. `MASS::negative.binomial(theta)` is the
#'   same with the size theta.
#' @return Family object for [glmm()], of class `family`. Its functions `variance` and `dev.resids` have the parameter
#'   of the table as last argument; in `family(fit)` that of the fit is the default. The family of `beta_family()` is
#'   called `beta`.
#' @details
#'   | family | responses | parameter | variance of a response | limit |
#'   |---|---|---|---|---|
#'   | `nbinom2` | counts | size | mu + mu^2 / size | Poisson (size infinite) |
#'   | `nbinom1` | counts | phi | mu (1 + phi) | Poisson (phi 0) |
#'   | `genpois` | counts | phi | phi mu | (Poisson: phi 1) |
#'   | `truncated_poisson` | counts from 1 | | m (1 + mu - m) | |
#'   | `truncated_nbinom2` | counts from 1 | size | m (1 + mu + mu / size - m) | truncated Poisson |
#'   | `betabinomial` | successes in n trials | phi | n mu (1 - mu) (phi + n) / (phi + 1) | binomial |
#'   | `beta_family` | proportions | phi | mu (1 - mu) / (1 + phi) | |
#'   | `lognormal`, link log | positive | sd | sd^2 | |
#'   | `lognormal`, link identity | positive | sdlog | m^2 (exp(sdlog^2) - 1) | |
#'
#'   The links of counts are log, sqrt and identity (of those from 1 log), of proportions and successes logit, probit,
#'   cloglog, cauchit and log.
#'
#'   [sigma()][sigma.glimmer] of a fit is the parameter of the table, as in 'glmmTMB'; the fit has its logarithm, as
#'   `log_size` or `log_phi`. Prior weights multiply the log-density; a beta-binomial response has its trials as a
#'   binomial one has, see [glmm()].
#'
#'   mu is the mean of a response but in three families, where that is m: of counts from 1 mu is the mean of the whole
#'   distribution, and m = mu / P(y > 0); by the identity link of `lognormal` mu and sdlog are mean and standard
#'   deviation of the logarithm of the response, and m = exp(mu + sdlog^2 / 2). `predict(type = "response")`, `fitted()`
#'   and residuals are of m, the mean of what is observed. Beta responses with a = mu phi and b = (1 - mu) phi are those
#'   of [stats::dbeta()], and beta-binomial ones are binomial with such a probability; where each row is one trial they
#'   do not depend on phi, and are refused (`glimmer_error_replication`): that is a binomial response.
#'
#'   The generalized Poisson distribution is that of Consul and Jain (1973, Technometrics 15:791) with theta = mu /
#'   sqrt(phi) and lambda = 1 - 1 / sqrt(phi), as in 'glmmTMB', for any phi above 0. With phi below 1 responses
#'   vary less than Poisson ones; counts above mu / (1 - sqrt(phi)) then have no density, and the densities of
#'   those below do not quite add up to 1: within 0.001 of it where phi is above 0.5 and mu above 0.9, within 0.005
#'   where phi is above 0.25 and mu above 2. Where phi is below 0.25, for which Consul and Jain have no
#'   distribution, or mu is small, the sum can be anything (3.7 at phi 0.01 and mu 1), mu and phi mu are no longer
#'   mean and variance, and the likelihood may have no maximum. Such an estimate of phi says that the counts hardly
#'   vary, not by how much.
#'
#'   Where responses vary no more than those of the family in the last column the likelihood is largest at that limit:
#'   the fit says so and has its estimates; see [glimmer_convergence]. [anova()][anova.glimmer] compares a fit of either
#'   family with the other one. Deviance residuals compare the log-density with its largest over the means that a row
#'   can have, which need not be the one closest to the response.
#' @seealso [glmm()]; `vignette("counts")` for counts that vary too much.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ lbase * trt + lage + V4 + (1 | subject), data = MASS::epil, family = nbinom2)
#'   print(fit)
#'   sigma(fit)
#' }
#' if (requireNamespace("lme4", quietly = TRUE)) {
#'   glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), data = lme4::cbpp,
#'        family = betabinomial)
#' }
#' @name families.glimmer
#' @rdname families.glimmer
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
