# The entry: what is evaluated, and what its call becomes.

test_that("the call of a fit can be evaluated again, however glmm() was called", {
  data <- front_data()
  fits <- list(glmm(yg ~ x + (1 | g), data), do.call(glmm, list(yg ~ x + (1 | g), quote(data))),
               lapply(list(yg ~ x + (1 | g)), glmm, data = data)[[1L]], glimmer::glmm(yg ~ x + (1 | g), data))
  for (fit in fits) {
    expect_true(identical(fit$call[[1L]], quote(glmm)) || identical(fit$call[[1L]], quote(glimmer::glmm)))
    expect_equal(update(fit, . ~ . - x)$log_likelihood, glmm(yg ~ 1 + (1 | g), data)$log_likelihood)
  }
})

test_that("an argument that cannot be evaluated is named", {
  data <- front_data()
  refused(glmm(data = data), "argument", argument = "formula")
  refused(glmm(yg ~ x + (1 | g), nowhere), "argument", argument = "data")
  refused(glmm(yg ~ x + (1 | g), data, start = nowhere), "argument", argument = "start")
  refused(glmm(yb ~ x + (1 | g), data, binomial("lgit")), "argument", argument = "family")
})
