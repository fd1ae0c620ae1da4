# Random slopes in calendar years and dates: moving a covariate's zero changes the intercept and its variance, and
# nothing else. That is exact, so that the shifted fits are checked against the one around zero.
slope_data <- function() {
  with_seed(3, {
    g <- gl(40, 10)
    x <- rep(0:9, 40)
    b <- matrix(rnorm(80), 40) %*% chol(matrix(c(1, 0.1, 0.1, 0.09), 2))
    eta <- b[g, 1] + b[g, 2] * x
    data.frame(g, x, y = 2 + 0.3 * x + eta + rnorm(400), z = rbinom(400, 1, plogis(-1 + 0.2 * x + eta)))
  })
}

# L around zero from L at x + shift: the intercept's row takes the slope's
at_zero <- function(fit, shift) {
  lower <- lower_triangle(fit$parameters[fit$index$theta[[1L]]])
  tcrossprod(matrix(c(1, 0, shift, 1), 2L) %*% lower)
}

evaluations <- function(fit) sum(fit$search$record$evaluations)

expect_same_fit <- function(moved, fit, shift, tolerance) {
  expect_lte(abs(as.numeric(logLik(moved)) - as.numeric(logLik(fit))), tolerance)
  expect_equal(fixef(moved)[["x"]], fixef(fit)[["x"]], tolerance = 1e-4)
  expect_equal(sqrt(vcov(moved)["x", "x"]), sqrt(vcov(fit)["x", "x"]), tolerance = 1e-4)
  expect_equal(at_zero(moved, shift), at_zero(fit, 0), tolerance = 2e-3)
  expect_equal(moved$status$check, fit$status$check)
  expect_true(all(moved$status$ok))
  expect_lte(evaluations(moved), 3 * evaluations(fit))
}

test_that("the zero of a covariate does not matter for random slopes: linear models", {
  data <- slope_data()
  for (REML in c(TRUE, FALSE)) {
    fit <- glmm(y ~ x + (x | g), data, REML = REML)
    for (shift in c(-2000, 2000, 2e4)) {
      expect_no_warning(moved <- glmm(y ~ x + (x | g), transform(data, x = x + shift), REML = REML))
      expect_same_fit(moved, fit, shift, 1e-6)
      expect_equal(coef(summary(moved))["x", "df"], coef(summary(fit))["x", "df"], tolerance = 1e-3)
    }
  }
})

test_that("the zero of a covariate does not matter for the method of Kenward and Roger", {
  data <- slope_data()
  data <- data[with_seed(4, sample.int(400L, 300L)), ]
  row <- function(shift) {
    fit <- glmm(y ~ x + (x | g), transform(data, x = x + shift), REML = TRUE)
    coef(summary(fit, ddf = "kenward-roger"))["x", ]
  }
  expect_equal(row(2000), row(0), tolerance = 1e-4)
  expect_equal(row(2e4), row(0), tolerance = 1e-3)
})

test_that("the zero of a covariate does not matter for random slopes: integrals", {
  data <- slope_data()
  for (method in c("auto", "laplace")) {
    fit <- glmm(z ~ x + (x | g), data, binomial, method = method)
    # the numbers of nodes of two searches may differ, and with them the error, which is below 1e-5
    for (shift in c(2000, 2e4)) {
      expect_no_warning(moved <- glmm(z ~ x + (x | g), transform(data, x = x + shift), binomial, method = method))
      expect_same_fit(moved, fit, shift, if (method == "auto") 2e-5 else 1e-6)
    }
  }
})

test_that("a singular covariance is one wherever the zero is", {
  data <- slope_data()
  one <- with_seed(5, rnorm(40)[data$g])
  noise <- with_seed(6, rnorm(400))
  # a slope alone, and one direction that dwarfs the residuals, in years and in Kelvin
  cases <- list(list(effect = 0.3 * one * data$x, shift = 2000), list(effect = 5 * one * (data$x - 3), shift = 273))
  for (case in cases) {
    data$y <- 2 + 0.3 * data$x + case$effect + noise
    fit <- glmm(y ~ x + (x | g), data)
    moved <- glmm(y ~ x + (x | g), transform(data, x = x + case$shift))
    expect_true(fit$singular)
    expect_identical(moved$singular, fit$singular)
    expect_lte(abs(as.numeric(logLik(moved)) - as.numeric(logLik(fit))), 1e-6)
  }
})

test_that("the information of a typical level is that of dense matrices", {
  data <- slope_data()[-(1:7), ]
  fit <- glmm(y ~ x + (x | g), data)
  engine <- engine_of(fit)
  by_level <- lapply(split(data$x, data$g), function(x) crossprod(cbind(1, x)) / sigma(fit)^2)
  weighted <- lapply(by_level, function(information) {
    root <- diag(sqrt(diag(information)))
    root %*% information %*% root
  })
  scale <- diag(1 / sqrt(diag(Reduce(`+`, by_level))))
  expected <- scale %*% Reduce(`+`, weighted) %*% scale
  update_information(engine, list(parameters = fit$parameters))
  expect_equal(tcrossprod(engine$notes$error_root[[1L]]), solve(expected), tolerance = 1e-8)
  root <- error_root(expected)
  expect_equal(tcrossprod(root), solve(expected), tolerance = 1e-10)
  expect_identical(root[1L, 2L], 0)
  # nothing to tell two effects apart: their own errors
  expect_identical(error_root(matrix(4, 2L, 2L)), diag(0.5, 2L))
})
