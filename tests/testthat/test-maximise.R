# Each approximation has its search.

test_that("the joint method is the reference's joint mode at the same theta, and its optimum", {
  skip_if_not_installed("MASS")
  data <- transform(MASS::bacteria, yb = as.numeric(y == "y"), w2 = as.numeric(week > 2))
  fit <- glmm(yb ~ trt + w2 + (1 | ID), data, binomial, method = "joint")
  model <- reference_from_formula(yb ~ trt + w2 + (1 | ID), data, stats::binomial())
  profile <- function(sd) as.numeric(reference_joint(model, replace(fit$parameters, 5L, sd)))
  expect_equal(profile(fit$parameters[[5L]]), as.numeric(logLik(fit)), tolerance = 1e-9)
  best <- stats::optimize(profile, c(0.2, 4), maximum = TRUE, tol = 1e-6)
  expect_equal(best$objective, as.numeric(logLik(fit)), tolerance = 1e-9)
  expect_equal(best$maximum, fit$parameters[[5L]], tolerance = 1e-4)
})

test_that("the record says which searches a method has made", {
  skip_if_not_installed("MASS")
  stages <- function(...) unique(bacteria_fit(...)$search$record$stage)
  expect_true(all(c("quadrature", "newton") %in% stages()))
  expect_false("laplace" %in% stages())
  expect_true("laplace" %in% stages(method = "laplace"))
  expect_false(any(c("quadrature", "laplace2") %in% stages(method = "laplace")))
  expect_true(all(c("laplace", "laplace2") %in% stages(method = "laplace2")))
  expect_true("joint" %in% suppressWarnings(stages(method = "joint")))
})
