# The fixed effects of a fit as a model: what stats' generics say of the fit's own numbers.

test_that("coefficients, covariance and the rest are those of the fixed effects", {
  data <- front_data()
  fit <- glmm(yc ~ x + f + (1 | g), data, poisson)
  part <- fixed_part(fit)
  expect_identical(coef(part), fixef(fit))
  expect_identical(vcov(part), vcov(fit))
  expect_identical(model.matrix(part), model.matrix(fit))
  expect_identical(nobs(part), 120L)
  expect_null(df.residual(part))
  expect_equal(formula(part), yc ~ x + f, ignore_attr = TRUE)
  expect_identical(vcov(fixed_part(fit, function(fit, k) k * vcov(fit), k = 2)), 2 * vcov(fit))
  refused(fixed_part(fit, diag(2)), "argument", argument = "vcov.")
})

test_that("an update changes the fixed effects and keeps the random ones", {
  data <- front_data()
  fit <- glmm(yc ~ x + f + (1 | g), data, poisson)
  smaller <- update(fixed_part(fit), . ~ . - f)
  expect_equal(smaller$fit$parameters, glmm(yc ~ x + (1 | g), data, poisson)$parameters, tolerance = 1e-6)
})
