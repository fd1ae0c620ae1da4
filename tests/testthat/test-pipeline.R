# From a design to a fit: the same path for glmm() and for what fits again.

test_that("the model of a fit, fitted again, is the fit", {
  data <- front_data()
  fits <- list(glmm(yc ~ x + (1 | g), data, poisson), glmm(yg ~ x + (x | g), data),
               glmm(yg ~ x + (x | g), data, REML = FALSE), glmm(yb ~ x + (1 | g) + (1 | h), data, binomial),
               glmm(yc ~ x + (1 | g), data, poisson, method = "joint"),
               glmm(yc ~ x + (1 | g), data, poisson, REML = TRUE), glmm(yc ~ x + (1 | g), data, poisson, nAGQ = 9))
  for (fit in fits) {
    again <- fit_model(model_of(fit), start = fit)
    expect_equal(again$log_likelihood, fit$log_likelihood, tolerance = 1e-8)
    expect_equal(again$parameters, fit$parameters, tolerance = 1e-4)
    same <- c("call", "formula", "family", "frame", "method", "nAGQ", "REML", "random", "factors", "index", "nobs")
    if (fit$method == "aghq" && is.null(fit$quadrature$given)) same <- setdiff(same, "nAGQ")
    expect_identical(unclass(again)[same], unclass(fit)[same])
  }
})

test_that("the columns of X are not kept while the core has them", {
  data <- front_data()
  model <- model_of(glmm(yc ~ x + (1 | g), data, poisson))
  expect_identical(dim(model$design$X), c(120L, 2L))
  maximise_model(model)
  expect_identical(dim(model$design$X), c(0L, 2L))
})
