test_that("cross products by blocks of rows are those of all rows", {
  withr_seed(9)
  x <- matrix(rnorm(70), 35)
  weights <- runif(35)
  expect_equal(weighted_products(x, weights, block = 10L), t(x) %*% diag(weights) %*% x)
})

test_that("a root is one of the inverse, whatever the units", {
  withr_seed(10)
  information <- crossprod(matrix(rnorm(40), 10) %*% diag(c(1, 1e6, 1e-6, 1)))
  root <- scaled_root(information)
  unit <- sqrt(diag(information))
  expect_equal(tcrossprod(root * unit), solve(information / tcrossprod(unit)), tolerance = 1e-10)
  expect_null(scaled_root(matrix(1, 2L, 2L) - diag(2)))
  expect_identical(dim(scaled_root(matrix(0, 0L, 0L))), c(0L, 0L))
})

test_that("least squares are those of lm.wfit(), near collinearity too", {
  withr_seed(11)
  x <- cbind(1, 1e4 + rnorm(30), rnorm(30))
  y <- rnorm(30)
  weights <- runif(30)
  expect_equal(least_squares(x, y, weights), unname(lm.wfit(x, y, weights)$coefficients), tolerance = 1e-6)
  near <- cbind(x, x[, 3L] + 1e-7 * rnorm(30))
  wanted <- lm.wfit(near, y, weights)$fitted.values
  expect_equal(drop(near %*% least_squares(near, y, weights)), wanted, tolerance = 1e-5)
})

test_that("columns left out are the combinations that lm() finds", {
  withr_seed(12)
  x <- cbind(a = 1, b = rnorm(20), c = rnorm(20))
  x <- cbind(x, d = x[, "b"] - 2 * x[, "c"], e = 3)
  kept <- independent_columns(x, 0:4)
  expect_identical(kept, 1:3)
  found <- column_relations(x, kept)$relations
  expect_equal(found, matrix(c(0, 1, -2, 3, 0, 0), 3L, dimnames = list(c("a", "b", "c"), c("d", "e"))))
})

test_that("columns reach as far as their largest value", {
  expect_identical(column_reach(cbind(c(-3, 1), c(0, 2))), c(3, 2))
})
