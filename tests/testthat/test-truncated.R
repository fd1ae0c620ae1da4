test_that("means, slopes and variances are those of the densities from 1 upwards", {
  y <- 1:3000
  for (mu in c(1e-6, 0.02, 0.7, 5)) {
    poisson <- exp(truncated_poisson_log_density(y, mu, 1, 1))
    mean <- sum(poisson * y)
    expect_equal(c(sum(poisson), mean), c(1, truncated_poisson_mean(mu)), tolerance = 1e-9)
    expect_equal(sum(poisson * (y - mean)^2), truncated_poisson_variance(mu), tolerance = 1e-7)
    counts <- exp(truncated_nbinom2_log_density(y, mu, 1, 1.4))
    mean <- sum(counts * y)
    expect_equal(c(sum(counts), mean), c(1, truncated_nbinom2_mean(mu, 1.4)), tolerance = 1e-9)
    expect_equal(sum(counts * (y - mean)^2), truncated_nbinom2_variance(mu, 1.4), tolerance = 1e-6)
    h <- 1e-4 * mu
    slope <- function(mean) (mean(mu + h) - mean(mu - h)) / (2 * h)
    expect_equal(truncated_poisson_slope(mu), slope(truncated_poisson_mean), tolerance = 1e-4)
    expect_equal(truncated_nbinom2_slope(mu, 1.4), slope(function(mu) truncated_nbinom2_mean(mu, 1.4)),
                 tolerance = 1e-4)
  }
})

test_that("draws have the densities, where zeros are nearly all as well", {
  set.seed(4)
  expect_gt(p_of_draws(draw_truncated_poisson(rep(0.7, 20000)), function(y) dpois(y, 0.7), from = 1), 1e-3)
  expect_gt(p_of_draws(draw_truncated_nbinom2(rep(2, 20000), 1.4), function(y) dnbinom(y, 1.4, mu = 2), from = 1), 1e-3)
  expect_identical(unique(as.numeric(draw_truncated_poisson(rep(1e-12, 50)))), 1)
})
