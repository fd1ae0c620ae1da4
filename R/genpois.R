# The generalized Poisson family of Consul: counts that vary more or less than Poisson ones.

#' @rdname families.glimmer
#' @export
genpois <- function(link = "log") {
  new_family("genpois", link, variance = genpois_variance, dev.resids = genpois_deviances)
}

genpois_variance <- function(mu, phi) {
  mu * phi
}

genpois_deviances <- function(y, mu, wt, phi) {
  count_deviances(y, mu, wt, phi, genpois_log_density)
}

# theta = mu / sqrt(phi), lambda = 1 - 1 / sqrt(phi); zero where theta + lambda y is not positive.
genpois_log_density <- function(y, mean, size, constant) {
  theta <- mean / sqrt(constant)
  rate <- theta + (1 - 1 / sqrt(constant)) * y
  value <- log(theta) + (y - 1) * log(pmax(rate, 0)) - rate - lgamma(y + 1)
  replace(value, rate <= 0, -Inf)
}

#' Generalized Poisson draws
#'
#' With lambda >= 0 the number of all descendants of a Poisson number of ancestors, each of whom has a Poisson number of
#' children (Consul 1989). With lambda < 0 there are finitely many counts, whose probabilities, made to sum to 1, are
#' added up until they exceed an even draw.
#' @noRd
draw_genpois <- function(mean, phi) {
  if (phi < 1) {
    return(draw_underdispersed(mean, phi))
  }
  lambda <- 1 - 1 / sqrt(phi)
  total <- living <- stats::rpois(length(mean), mean / sqrt(phi))
  while (any(living > 0)) {
    living <- stats::rpois(length(mean), lambda * living)
    total <- total + living
  }
  whole_numbers(total)
}

draw_underdispersed <- function(mean, phi) {
  highest <- max(floor(mean / (1 - sqrt(phi))))
  probability <- function(y) exp(genpois_log_density(y, mean, 1, phi))
  all <- Reduce(function(sum, y) sum + probability(y), seq(0, highest), 0)
  left <- stats::runif(length(mean)) * all
  y <- rep(0, length(mean))
  for (k in seq(0, highest)) {
    left <- left - probability(k)
    y <- y + (left > 0)
  }
  # what rounding leaves over goes to the largest count
  whole_numbers(pmin(y, ceiling(mean / (1 - sqrt(phi))) - 1))
}

# From 1, the Poisson distribution, upwards: below it the largest counts may have no density at the start.
start_variance_ratio <- function(y, mean, weights) {
  ratio <- sum(weights * (y - mean)^2) / sum(weights * mean)
  if (is.finite(ratio)) min(max(ratio, 1), 50) else 1
}
