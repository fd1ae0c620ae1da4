test_that("mean and variance are those of the response with the log link, of the logarithm with the identity", {
  moments <- function(density) {
    of <- function(power) {
      stats::integrate(function(z) exp((power + 1) * z) * density(exp(z)), -12, 12, rel.tol = 1e-10)$value
    }
    c(of(0), of(1), of(2) - of(1)^2)
  }
  by_mean <- moments(function(y) exp(lognormal_log_density(y, 2, 1, 1.3)))
  expect_equal(by_mean, c(1, 2, lognormal_variance_by_mean(2, 1.3)), tolerance = 1e-7)
  by_log <- moments(function(y) dlnorm(y, 0.4, 0.6))
  expect_equal(by_log[3], lognormal_variance(0.4, 0.6), tolerance = 1e-7)
})

test_that("draws by mean and standard deviation are lognormal", {
  set.seed(3)
  drawn <- draw_lognormal_by_mean(rep(2, 5000), 1.3)
  variance <- log(1 + (1.3 / 2)^2)
  expect_gt(stats::ks.test(drawn, "plnorm", log(2) - variance / 2, sqrt(variance))$p.value, 1e-3)
})

test_that("the deviation to start from is weighted, and never zero", {
  expect_equal(start_deviation(c(1, 4), c(2, 2), c(3, 1)), sqrt(7 / 4))
  expect_identical(start_deviation(c(1, 2), c(1, 2), c(1, 1)), 1)
})
