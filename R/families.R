# Families: one object each, with everything that R asks of it. Adding a family begins with an entry here; the whole of
# it is in vignettes/extending.Rmd.

# Where a link has no value at zero, or changes steeply there, responses close to zero or on its other side count as a
# tenth of the typical one.
off_zero <- function(y, used, side = 1) {
  typical <- mean(abs(y[used]))
  side * pmax(side * y, if (typical > 0) typical / 10 else 1)
}

#' Inverse Gaussian draws by Michael, Schucany and Haas (1976)
#'
#' lambda (x - mu)^2 / (mu^2 x) is chi-squared with one degree of freedom. Of its two roots in x, whose product is
#' mu^2, the smaller is taken with probability mu / (mu + x). Written with the larger root: no cancellation.
#' @noRd
draw_inverse_gaussian <- function(mean, lambda) {
  n <- length(mean)
  half <- mean * stats::rnorm(n)^2 / (2 * lambda)
  ratio <- 1 + half + sqrt(half * (2 + half))
  smaller <- stats::runif(n) * (1 + ratio) <= ratio
  ifelse(smaller, mean / ratio, mean * ratio)
}

# Where the mean can only go to zero: responses that are not above it.
lower_limit <- function(y, size, link) {
  -as.double(y <= 0)
}

# Of counts without zeros the smallest is 1.
one_is_limit <- function(y) {
  -as.double(y <= 1)
}

limits_of_trials <- function(y, size, link) {
  # mu = exp(eta) stops at eta = 0: there all successes are an edge that is reached
  highest <- if (link == "log") 0 else y > 0 & y == size
  highest - as.double(y == 0)
}

# Counts may all be 0 with a mean of 0, which the log link does not reach.
edge_of_counts <- function(y, size, link) {
  if (link != "log" && all(y == 0)) 0
}

probability_links <- c("logit", "probit", "cloglog", "cauchit", "log")

# A family of counts from 0 on. The arguments are those of describe_family().
describe_counts <- function(name, predictors, ...) {
  describe_family(name, predictors, response = "count", support = "0 or more", outside = function(y) y < 0,
                  start_mean = function(y, size, used, link) y + 0.1, separable = "log", limits = lower_limit,
                  limit_words = c("0", NA), edge = edge_of_counts, ...)
}

# The families of 'stats' that have a likelihood, and those that the package adds.
families <- list(
  gaussian = describe_family(
    "gaussian", predictors = list(mean = c("identity", "log", "inverse"), sigma = "log"),
    support = "finite", outside = function(y) rep(FALSE, length(y)),
    start_mean = function(y, size, used, link) {
      negative <- link == "inverse" && sum(y[used]) < 0
      if (link == "identity") y else off_zero(y, used, side = if (negative) -1 else 1)
    },
    draw = function(mean, size, weights, constant) stats::rnorm(length(mean), mean, constant / sqrt(weights)),
    mean_range = c(-Inf, Inf), dispersion = TRUE, sigma_power = 1, variance_text = "sigma^2", normal = TRUE,
    separable = "log", limits = lower_limit, limit_words = c("0 or less", NA), fitted_words = "fitted values"
  ),
  binomial = describe_family(
    "binomial", predictors = list(mean = probability_links), response = "trials",
    support = "between 0 and 1", outside = function(y) y < 0 | y > 1,
    start_mean = function(y, size, used, link) (y + 0.5) / (size + 1),
    draw = function(mean, size, weights, constant) stats::rbinom(length(mean), size, mean),
    kurtosis = function(mean, size) (1 / (mean * (1 - mean)) - 6) / size,
    mean_range = c(0, 1), unit_free = probability_links,
    dear = c("probit", "cloglog", "cauchit"),
    separable = probability_links,
    limits = limits_of_trials,
    limit_words = c("0 successes", "successes only"),
    edge = function(y, size, link) if (link == "log" && all(y == size)) 1,
    fitted_words = "fitted probabilities"
  ),
  poisson = describe_counts(
    "poisson", predictors = list(mean = c("log", "identity", "sqrt")),
    draw = function(mean, size, weights, constant) stats::rpois(length(mean), mean),
    kurtosis = function(mean, size) 1 / mean
  ),
  Gamma = describe_family(
    "Gamma", predictors = list(mean = c("inverse", "log", "identity"), shape = "log"),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) off_zero(y, used),
    draw = function(mean, size, weights, constant) {
      shape <- constant * weights
      stats::rgamma(length(mean), shape = shape, scale = mean / shape)
    },
    dispersion = TRUE, sigma_power = -1 / 2, variance_text = "mu^2 / shape"
  ),
  inverse.gaussian = describe_family(
    "inverse.gaussian", predictors = list(mean = c("1/mu^2", "log", "inverse", "identity"), lambda = "log"),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) off_zero(y, used),
    draw = function(mean, size, weights, constant) draw_inverse_gaussian(mean, constant * weights),
    dispersion = TRUE, sigma_power = -1 / 2, variance_text = "mu^3 / lambda"
  ),
  nbinom2 = describe_counts(
    "nbinom2", predictors = list(mean = c("log", "sqrt", "identity"), size = "log"),
    make = function(link) nbinom2(link),
    draw = function(mean, size, weights, constant) draw_nbinom2(mean, constant),
    sigma_power = 1, variance_text = "mu + mu^2 / size", limit_family = "poisson",
    start_constant = function(y, mean, weights, size) start_size(y, mean, weights)
  ),
  nbinom1 = describe_counts(
    "nbinom1", predictors = list(mean = c("log", "sqrt", "identity"), phi = "log"),
    make = function(link) nbinom1(link),
    draw = function(mean, size, weights, constant) draw_nbinom1(mean, constant),
    sigma_power = 1, variance_text = "mu (1 + phi)", limit_family = "poisson", limit = 0,
    start_constant = function(y, mean, weights, size) start_overdispersion(y, mean, weights),
    dear = c("log", "sqrt", "identity")
  ),
  beta = describe_family(
    "beta", predictors = list(mean = probability_links, phi = "log"),
    make = function(link) beta_family(link),
    support = "between 0 and 1, but neither of them,", outside = function(y) y <= 0 | y >= 1,
    # away from the ends, where links lose their digits
    start_mean = function(y, size, used, link) 0.001 + 0.998 * y,
    draw = function(mean, size, weights, constant) draw_beta(mean, constant),
    mean_range = c(0, 1), sigma_power = 1, variance_text = "mu (1 - mu) / (1 + phi)",
    start_constant = function(y, mean, weights, size) start_precision(y, mean, weights),
    exact_fits = TRUE, relative_deviation = function(y, constant) 1 / sqrt(1 + constant),
    unit_free = probability_links,
    dear = probability_links, fitted_words = "fitted proportions"
  ),
  betabinomial = describe_family(
    "betabinomial", predictors = list(mean = probability_links, phi = "log"),
    response = "trials", make = function(link) betabinomial(link),
    support = "between 0 and 1", outside = function(y) y < 0 | y > 1,
    start_mean = function(y, size, used, link) (y + 0.5) / (size + 1),
    draw = function(mean, size, weights, constant) draw_betabinomial(mean, size, constant),
    mean_range = c(0, 1), sigma_power = 1, variance_text = "n mu (1 - mu) (phi + n) / (phi + 1), n trials",
    limit_family = "binomial",
    start_constant = function(y, mean, weights, size) start_betabinomial(y, mean, weights, size),
    unit_free = probability_links,
    dear = probability_links,
    separable = probability_links, limits = limits_of_trials,
    limit_words = c("0 successes", "successes only"),
    edge = function(y, size, link) if (link == "log" && all(y == size)) 1,
    fitted_words = "fitted probabilities"
  ),
  lognormal = describe_family(
    "lognormal", predictors = list(mean = "log", sd = "log"), make = function(link) lognormal(link),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) off_zero(y, used),
    draw = function(mean, size, weights, constant) draw_lognormal_by_mean(mean, constant),
    sigma_power = 1, variance_text = "sd^2", exact_fits = TRUE,
    relative_deviation = function(y, constant) constant / sqrt(mean(y^2)),
    start_constant = function(y, mean, weights, size) start_deviation(y, mean, weights)
  ),
  # under this link mean and constant are those of the logarithm
  "lognormal identity" = describe_family(
    "lognormal", predictors = list(mean = "identity", sdlog = "log"), make = function(link) lognormal(link),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) log(y),
    draw = function(mean, size, weights, constant) stats::rlnorm(length(mean), mean, constant),
    mean_range = c(-Inf, Inf), sigma_power = 1, variance_text = "sdlog^2, of the logarithm", exact_fits = TRUE,
    normal_scale = function(y) log(y), relative_deviation = function(y, constant) constant,
    response_mean = function(mean, constant) exp(mean + constant^2 / 2),
    response_slope = function(mean, constant) exp(mean + constant^2 / 2),
    start_constant = function(y, mean, weights, size) start_deviation(log(y), mean(log(y)), weights)
  ),
  truncated_poisson = describe_family(
    "truncated_poisson", predictors = list(mean = "log"), response = "count",
    make = function(link) truncated_poisson(link),
    support = "1 or more", outside = function(y) y < 1,
    start_mean = function(y, size, used, link) y - 0.5,
    draw = function(mean, size, weights, constant) draw_truncated_poisson(mean),
    response_mean = function(mean, constant) truncated_poisson_mean(mean),
    response_slope = function(mean, constant) truncated_poisson_slope(mean),
    separable = "log", limits = function(y, size, link) one_is_limit(y), limit_words = c("1", NA)
  ),
  truncated_nbinom2 = describe_family(
    "truncated_nbinom2", predictors = list(mean = "log", size = "log"), response = "count",
    make = function(link) truncated_nbinom2(link),
    support = "1 or more", outside = function(y) y < 1,
    start_mean = function(y, size, used, link) y - 0.5,
    draw = function(mean, size, weights, constant) draw_truncated_nbinom2(mean, constant),
    sigma_power = 1, variance_text = "mu + mu^2 / size, before the zeros are left out",
    response_mean = function(mean, constant) truncated_nbinom2_mean(mean, constant),
    response_slope = function(mean, constant) truncated_nbinom2_slope(mean, constant),
    limit_family = "truncated_poisson",
    start_constant = function(y, mean, weights, size) start_size(y, mean, weights), dear = "log",
    separable = "log", limits = function(y, size, link) one_is_limit(y), limit_words = c("1", NA)
  ),
  genpois = describe_counts(
    "genpois", predictors = list(mean = c("log", "sqrt", "identity"), phi = "log"),
    make = function(link) genpois(link),
    draw = function(mean, size, weights, constant) draw_genpois(mean, constant),
    sigma_power = 1, variance_text = "phi mu", inner_family = "poisson",
    # with phi below 1 the probabilities need not add up to 1
    exact_fits = TRUE, relative_deviation = function(y, constant) sqrt(constant / mean(y)),
    start_constant = function(y, mean, weights, size) start_variance_ratio(y, mean, weights)
  )
)

# The families of which one is the limit, by name.
families_beyond <- function(name) {
  names(Filter(function(traits) identical(traits$limit_family, name), families))
}
