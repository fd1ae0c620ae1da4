test_that("a deviance is twice what the log-density at the mean falls short of its largest value over all means", {
  y <- c(0, 1, 4, 17, 4)
  mu <- c(2, 2, 2, 2, 6)
  own <- nbinom1_deviances(y, mu, rep(1, 5), 1.5)
  largest <- vapply(y, function(y) {
    stats::optimize(function(z) dnbinom(y, size = exp(z) / 1.5, mu = exp(z), log = TRUE), c(-30, 5), maximum = TRUE,
                    tol = 1e-10)$objective
  }, 1)
  expect_equal(own, 2 * (largest - dnbinom(y, size = mu / 1.5, mu = mu, log = TRUE)), tolerance = 1e-7)
  # weights multiply
  expect_equal(nbinom1_deviances(y, mu, 1:5, 1.5), 1:5 * own, tolerance = 1e-9)
})

test_that("responses that differ in their last digits are told apart", {
  keys <- interaction_key(data.frame(y = c(0.1, 0.1, 0.1 + 2^-50), size = c(1, 1, 1)))
  expect_identical(duplicated(keys), c(FALSE, TRUE, FALSE))
})

test_that("the highest point is found far from where it is looked for", {
  height <- function(z) -(z - c(0, 7, -20))^2
  expect_equal(highest(height, c(0, 0, 0)), c(0, 0, 0), tolerance = 1e-6)
})
