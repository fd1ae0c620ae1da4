test_that("above phi = 1 the probabilities add up to 1, and have mean and variance", {
  y <- 0:3000
  for (phi in c(1, 1.7, 4)) {
    density <- exp(genpois_log_density(y, 3, 1, phi))
    expect_equal(sum(density), 1, tolerance = 1e-9)
    expect_equal(sum(density * y), 3, tolerance = 1e-8)
    expect_equal(sum(density * (y - 3)^2), genpois_variance(3, phi), tolerance = 1e-7)
  }
  expect_equal(exp(genpois_log_density(0:20, 3, 1, 1)), dpois(0:20, 3))
})

test_that("draws have the probabilities, more and less variable than Poisson's", {
  set.seed(5)
  for (phi in c(1.7, 0.6)) {
    density <- function(y) exp(genpois_log_density(y, 3, 1, phi))
    expect_gt(p_of_draws(draw_genpois(rep(3, 20000), phi), density), 1e-3)
  }
})

test_that("the ratio to start from is between 1 and 50", {
  expect_identical(start_variance_ratio(c(3, 3), 3, c(1, 1)), 1)
  expect_equal(start_variance_ratio(c(0, 9), 3, c(1, 1)), 45 / 6)
  expect_identical(start_variance_ratio(c(0, 900), 3, c(1, 1)), 50)
})
