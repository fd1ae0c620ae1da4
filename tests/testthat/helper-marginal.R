# Proportions with a random slope, to differentiate averages of.
slopes_data <- function() {
  data <- data.frame(g = gl(12, 6), x = rep(c(-1, -0.5, 0, 0.5, 1, 1.5), 12))
  set.seed(4)
  eta <- 0.3 + 0.5 * data$x + rnorm(12, 0, 0.7)[data$g] + rnorm(12, 0, 0.4)[data$g] * data$x
  data$rate <- rbeta(72, 8 * plogis(eta), 8 * plogis(-eta))
  data
}
