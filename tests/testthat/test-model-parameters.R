test_that("tables by 'parameters' have the numbers of summary(), exponentiated only where that makes sense", {
  skip_if_not_installed("parameters")
  fit <- client_fits()$count
  table <- as.data.frame(parameters::model_parameters(fit, exponentiate = TRUE))
  fixed <- table$Effects == "fixed"
  expect_equal(table$Coefficient[fixed], unname(exp(fixef(fit))))
  expect_equal(table$CI_low[fixed], unname(exp(confint(fit, "beta_")[, 1L])))
  expect_equal(table$Coefficient[!fixed], unname(attr(VarCorr(fit)$block, "stddev")))
  expect_identical(table$Parameter[!fixed], "SD (Intercept)")
  doubled <- parameters::model_parameters(fit, effects = "fixed", vcov = 4 * vcov(fit))
  expect_equal(doubled$SE, unname(2 * sqrt(diag(vcov(fit)))))
  expect_s3_class(error_of(parameters::standard_error(fit, effects = "random")), "glimmer_error_not_available")
})
