# Singular covariances: held where they are a maximum, left where they are not.
slopes_data <- function(effects, seed = 4, groups = 25, size = 8) {
  set.seed(seed)
  data <- data.frame(g = gl(groups, size), x = rep(seq(-1, 1, length.out = size), groups))
  b <- effects(groups)
  data$y <- stats::rpois(groups * size, exp(0.8 + 0.3 * data$x + b[data$g, 1L] + b[data$g, 2L] * data$x))
  data
}

test_that("the slope of the log-likelihood in Sigma is that of differences", {
  fit <- glmm(y ~ x + (x | g), slopes_data(function(n) cbind(rnorm(n, 0, 0.6), rnorm(n, 0, 0.5))), poisson)
  engine <- engine_of(fit)
  at <- fit$index$theta[[1L]]
  covariance <- matrix(c(0.4, 0.1, 0.1, 0.2), 2)
  value <- function(covariance) {
    engine_evaluate(engine, replace(fit$parameters, at, lower_part(t(chol(covariance)))))$value
  }
  lower <- t(chol(covariance))
  gradient <- engine_evaluate(engine, replace(fit$parameters, at, lower_part(lower)), gradient = TRUE)$gradient[at]
  slope <- covariance_slope(lower, lower_triangle(gradient))
  for (change in list(diag(c(1, 0)), diag(c(0, 1)), matrix(c(0, 1, 1, 0), 2))) {
    difference <- (value(covariance + 1e-5 * change) - value(covariance - 1e-5 * change)) / 2e-5
    expect_equal(sum(slope * change), difference, tolerance = 1e-6)
  }
})

test_that("a perfect correlation is held, named, and the rest is that of the model with one effect", {
  data <- slopes_data(function(n) outer(rnorm(n, 0, 0.7), c(1, 0.6)), seed = 6)
  fit <- glmm(y ~ x + (x | g), data, poisson)
  expect_true(fit$converged && fit$singular)
  expect_equal(unname(fit$boundary), c(FALSE, FALSE, FALSE, FALSE, TRUE))
  expect_match(fit$status$text[fit$status$check == "boundary"],
               "correlation of '(Intercept)' and 'x' within g", fixed = TRUE)
  # Sigma = l l': one random effect with the covariate 1 + ratio x
  ratio <- fit$parameters[[4L]] / fit$parameters[[3L]]
  data$slope <- 1 + ratio * data$x
  one <- glmm(y ~ x + (0 + slope | g), data, poisson)
  expect_equal(as.numeric(logLik(one)), as.numeric(logLik(fit)), tolerance = 1e-9)
  # and it is the maximum of those models
  other <- vapply(ratio + c(-0.05, 0.05), function(ratio) {
    data$slope <- 1 + ratio * data$x
    as.numeric(logLik(glmm(y ~ x + (0 + slope | g), data, poisson)))
  }, 1)
  expect_true(all(other < as.numeric(logLik(fit))))
  expect_true(is.na(vcov(fit, full = TRUE)[5, 5]) && !anyNA(vcov(fit, full = TRUE)[1:4, 1:4]))
})

test_that("a variance of zero in a vector term leaves the model without that effect", {
  data <- slopes_data(function(n) cbind(rnorm(n, 0, 0.7), 0), seed = 9)
  data$y <- ave(data$y, data$g, FUN = function(y) mean(y)) # no slope differs
  data$y <- round(data$y)
  fit <- glmm(y ~ x + (x | g), data, poisson)
  plain <- glmm(y ~ x + (1 | g), data, poisson)
  expect_true(fit$singular)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(plain)), tolerance = 1e-8)
  # also where that effect comes first, so that the first number of L is zero
  turned <- glmm(y ~ x + (0 + x + I(x^0) | g), data, poisson)
  expect_equal(as.numeric(logLik(turned)), as.numeric(logLik(plain)), tolerance = 1e-8)
  expect_true(turned$converged && fit$converged)
  # estimates may be a thousandth of a standard error apart, as their rules are
  expect_equal(vcov(turned), vcov(fit), tolerance = 5e-4, ignore_attr = TRUE)
  expect_equal(sum(turned$boundary), 1L)
  expect_match(turned$status$text[turned$status$check == "boundary"], "SD of g:x", fixed = TRUE)
})

test_that("a search that rests on the boundary is taken up again where the log-likelihood rises inside", {
  data <- slopes_data(function(n) cbind(rnorm(n, 0, 0.7), rnorm(n, 0, 0.6)))
  fit <- glmm(y ~ x + (x | g), data, poisson, method = "laplace")
  expect_false(fit$singular)
  engine <- engine_of(fit)
  # stuck at correlation 1, at no slope variance, at none at all
  stuck <- list(c(0.7, 0.6, 0), c(0.7, 0, 0), c(0, 0, 0), c(0, 0, 0.6))
  for (theta in stuck) {
    at <- replace(fit$parameters, fit$index$theta[[1L]], theta)
    held <- hold_boundary(engine, at, -Inf)
    best <- new_search_state(held$parameters, held = held$held)
    inside <- leave_boundary(engine, best)
    expect_false(is.null(inside))
    expect_gt(engine_evaluate(engine, inside)$value, engine_evaluate(engine, held$parameters)$value)
    from <- new_search_state(at)
    expect_equal(climb(engine, from, glmm_control())$value, as.numeric(logLik(fit)), tolerance = 1e-9)
  }
})

test_that("where all parameters are held the fit is that of glm(), by every method", {
  data <- data.frame(y = rep(c(1, 2, 3, 2), 10), g = gl(10, 4), x = rep(c(-1, 1), 20))
  none <- sum(stats::dpois(data$y, 2, log = TRUE))
  for (method in c("joint", "laplace", "aghq")) {
    fit <- glmm(y ~ 0 + (1 | g), data, poisson, offset = rep(log(2), 40), method = method)
    expect_true(fit$converged && fit$singular)
    expect_equal(as.numeric(logLik(fit)), none, tolerance = 1e-12)
    # "joint" holds the fixed effects at their joint mode
    plain <- stats::glm(y ~ x, poisson, data)
    fit <- glmm(y ~ x + (1 | g), data, poisson, method = method)
    expect_true(fit$converged && fit$singular)
    expect_equal(fixef(fit), stats::coef(plain), tolerance = 1e-6)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(plain)), tolerance = 1e-10)
  }
  expect_identical(glmm(y ~ 0 + (1 | g), data, poisson, offset = rep(log(2), 40))$quadrature$error$shift, 0)
})

test_that("signs of the columns of L do not matter", {
  data <- slopes_data(function(n) cbind(rnorm(n, 0, 0.7), rnorm(n, 0, 0.6)))
  fit <- glmm(y ~ x + (x | g), data, poisson)
  for (signs in list(c(-1, -1, 1), c(1, 1, -1), c(-1, -1, -1))) {
    start <- replace(fit$parameters, 3:5, signs * fit$parameters[3:5])
    again <- glmm(y ~ x + (x | g), data, poisson, start = start)
    expect_equal(again$parameters, fit$parameters, tolerance = 1e-5)
  }
})

test_that("signs of columns of L change with what belongs to them", {
  fit <- glmm(y ~ x + (x | g), slopes_data(function(n) cbind(rnorm(n, 0, 0.7), rnorm(n, 0, 0.6))), poisson)
  engine <- engine_of(fit)
  expect_gt(fit$parameters[[3L]], 0)
  flip <- c(1, 1, -1, -1, 1)
  turned <- list(parameters = fit$parameters * flip, gradient = 1:5 * flip,
                 coordinates = list(centre = fit$parameters * flip, transform = flip[2:5] * diag(1:4), searched = 2:5))
  found <- with_normal_signs(engine, turned)
  expect_equal(found$parameters, fit$parameters)
  expect_equal(unname(found$gradient), 1:5)
  expect_equal(place(found$coordinates, 1:4), flip * place(turned$coordinates, 1:4))
})
