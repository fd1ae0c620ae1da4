# Binary rows, few a level, with effects of these standard deviations.
wide_data <- function(seed, sds, levels = 60L, size = 5L) {
  withr_seed(seed)
  data <- data.frame(g = gl(levels, size), x = rep(seq(-1, 1, length.out = size), levels),
                     z = stats::rnorm(levels * size))
  b <- vapply(sds, function(sd) stats::rnorm(levels, 0, sd), numeric(levels))
  eta <- 0.4 - 0.5 * data$x + rowSums(b[data$g, , drop = FALSE] * cbind(1, data$x, data$z)[, seq_along(sds)])
  data$y <- stats::rbinom(levels * size, 1, stats::plogis(eta))
  data
}
