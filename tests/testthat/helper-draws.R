# The p value of a chi-squared test of draws of whole numbers against their probabilities, from 0 (or `from`) upwards.
p_of_draws <- function(draws, probability, from = 0) {
  values <- from:(from + 200)
  p <- probability(values)
  few <- cumsum(p * length(draws) > 10) == sum(p * length(draws) > 10) | p * length(draws) < 5
  class <- ifelse(few, "rest", values)
  observed <- tapply(tabulate(draws - from + 1, length(values)), class, sum)
  expected <- tapply(p, class, sum)
  suppressWarnings(stats::chisq.test(observed, p = expected, rescale.p = TRUE))$p.value
}
