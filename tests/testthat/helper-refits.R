# Counts and binomial responses of twelve groups, for update() and refit().
refit_data <- function() {
  set.seed(21)
  data <- data.frame(x = rnorm(120), z = rnorm(120), g = rep(letters[1:12], each = 10), m = 8L)
  eta <- 0.3 + data$x / 2 + rnorm(12, 0, 0.7)[as.integer(factor(data$g))]
  data$y <- rpois(120, exp(eta))
  data$s <- rbinom(120, 8, plogis(eta))
  data
}
