test_that("variance and density are those of a negative binomial distribution of size mu / phi", {
  y <- 0:2000
  density <- exp(nbinom1_log_density(y, 3, 1, 1.5))
  expect_equal(sum(density), 1)
  expect_equal(sum(density * (y - 3)^2), nbinom1_variance(3, 1.5))
  expect_equal(density[1:5], dnbinom(0:4, size = 2, prob = 2 / 5))
})

test_that("draws have the density", {
  set.seed(1)
  expect_gt(p_of_draws(draw_nbinom1(rep(3, 20000), 1.5), function(y) dnbinom(y, size = 2, mu = 3)), 1e-3)
})

test_that("the parameter to start from is that of the moments, within bounds", {
  y <- c(0, 1, 4, 7, 3)
  expect_equal(start_overdispersion(y, 3, rep(1, 5)), (sum((y - 3)^2) - 15) / 15)
  expect_identical(start_overdispersion(rep(3, 5), 3, rep(1, 5)), 0.01)
})
