test_that("variances are those of the densities", {
  moment <- function(power) {
    stats::integrate(function(y) y^power * exp(beta_log_density(y, 0.3, 1, 5)), 0, 1, rel.tol = 1e-10)$value
  }
  expect_equal(moment(0), 1, tolerance = 1e-8)
  expect_equal(moment(2) - moment(1)^2, beta_variance(0.3, 5), tolerance = 1e-8)
  y <- 0:12
  density <- exp(betabinomial_log_density(y / 12, 0.3, 12, 5))
  expect_equal(sum(density), 1)
  expect_equal(sum(density * (y / 12 - 0.3)^2) * 12, betabinomial_variance(0.3, 12, 5))
})

test_that("draws are beta and beta-binomial, and never at the ends", {
  set.seed(2)
  expect_gt(suppressWarnings(stats::ks.test(draw_beta(rep(0.3, 5000), 5), "pbeta", 1.5, 3.5))$p.value, 1e-3)
  tiny <- draw_beta(rep(0.001, 2000), 0.1)
  expect_true(all(tiny > 0 & tiny < 1))
  density <- function(y) ifelse(y > 12, 0, exp(lchoose(12, y) + lbeta(y + 1.5, 15.5 - y) - lbeta(1.5, 3.5)))
  drawn <- draw_betabinomial(rep(0.3, 20000), 12, 5)
  expect_gt(p_of_draws(drawn, function(y) suppressWarnings(density(y))), 1e-3)
})

test_that("only probabilities are means", {
  expect_true(are_probabilities(c(0.2, 0.9)))
  for (mu in list(0, 1, NA_real_, c(0.5, 2))) expect_false(are_probabilities(mu))
})
