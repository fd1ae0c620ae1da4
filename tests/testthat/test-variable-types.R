test_that("types and levels of new data are checked by name", {
  d <- bad_input_data()
  fit <- glmm(yc ~ x + f + (1 | g), d, poisson)
  new <- d[1:3, ]
  error <- error_of(predict(fit, transform(new, f = c("a", "zz", "b"))))
  expect_s3_class(error, "glimmer_error_levels")
  expect_equal(error[c("variable", "levels")], list(variable = "f", levels = "zz"))
  expect_s3_class(error_of(predict(fit, transform(new, f = 1))), "glimmer_error_variable")
  expect_s3_class(error_of(predict(fit, transform(new, x = "1"))), "glimmer_error_variable")
  expect_match(conditionMessage(error_of(predict(fit, new[c("x", "f")]))), "'g'")
  expect_match(conditionMessage(error_of(predict(fit, new[c("g", "f")]))), "'x'")
  expect_s3_class(error_of(predict(fit, as.matrix(new["x"]))), "glimmer_error_newdata")
  # an object of the same name elsewhere does not stand in for a column
  x <- 1:3
  environment(fit$formula) <- environment()
  expect_match(conditionMessage(error_of(predict(fit, new[c("g", "f")]))), "'x'")
  expect_equal(predict(fit, transform(new, f = NA)), c("1" = NA_real_, "2" = NA, "3" = NA))
})

test_that("what becomes of a variable of new data is of the type that it had in the fit", {
  expect_identical(as_in_fit(c("b", NA), factor(c("a", "b")), "f"), factor(c("b", NA), levels = c("a", "b")))
  expect_identical(as_in_fit(TRUE, c(0, 1), "x"), 1)
  known <- as.difftime(c(1, 2), units = "hours")
  expect_equal(as_in_fit(as.difftime(90, units = "mins"), known, "t"), as.difftime(1.5, units = "hours"))
  expect_identical(as_in_fit(c(NA, NA), c(1.5, 2), "x"), c(NA_real_, NA_real_))
  refused(as_in_fit("c", factor(c("a", "b")), "f"), "levels", variable = "f", levels = "c")
  refused(as_in_fit("1", c(1, 2), "x"), "variable", variable = "x")
})
