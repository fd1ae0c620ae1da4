test_that("'marginaleffects' has the standard errors of the fixed effects", {
  skip_if_not_installed("marginaleffects")
  fit <- client_fits()$count
  shifted <- from("marginaleffects", "set_coef")(fit, fixef(fit) + 1)
  expect_equal(predict(shifted, re.form = NA), predict(fit, re.form = NA) + drop(model.matrix(fit) %*% rep(1, 6L)),
               ignore_attr = TRUE)
  expect_identical(from("marginaleffects", "get_vcov")(fit), vcov(fit))
  expect_s3_class(error_of(from("marginaleffects", "get_vcov")(fit, vcov = "HC0")), "glimmer_error_not_available")
})
