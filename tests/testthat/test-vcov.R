# The model's own is in test-extract.R, robust ones in test-robust.R.

test_that("arguments of one kind of covariance are refused with the other", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  expect_error(vcov(fit, cluster = "block"), class = "glimmer_error_argument")
  expect_identical(vcov(fit, type = "model"), vcov(fit))
  expect_identical(dim(vcov(fit, full = TRUE, type = "CR1")), c(7L, 7L))
})

test_that("parameters on the boundary have no robust variance, the others are conditional on them", {
  set.seed(1)
  data <- data.frame(g = gl(20, 5), x = rnorm(100))
  data$y <- rbinom(100, 1, plogis(0.3 * data$x))
  fit <- glmm(y ~ x + (1 | g), data, binomial())
  robust <- vcov(fit, full = TRUE, type = "HC0")
  expect_true(all(is.na(robust[3, ])))
  # that of glm(), by clusters
  skip_if_not_installed("sandwich")
  plain <- glm(y ~ x, binomial(), data)
  expect_equal(robust[1:2, 1:2], sandwich::vcovCL(plain, data$g, type = "HC0", cadjust = FALSE), tolerance = 1e-5,
               ignore_attr = TRUE)
})
