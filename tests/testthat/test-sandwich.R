# What 'sandwich' gets from a fit, and what is refused, whichever function asks.

test_that("'sandwich' has the same matrices", {
  skip_if_not_installed("sandwich")
  fit <- client_fits()$count
  expect_identical(nrow(sandwich::estfun(fit)), nrow(ranef(fit)[[1L]]))
  expect_equal(sandwich::sandwich(fit), vcov(fit, full = TRUE, type = "HC0"), tolerance = 1e-10)
  expect_equal(sandwich::vcovCL(fit), vcov(fit, full = TRUE, type = "CR1"), tolerance = 1e-10)
})

test_that("formulae for independent rows are refused", {
  skip_if_not_installed("sandwich")
  fit <- client_fits()$count
  for (call in expression(sandwich::vcovHC(fit), sandwich::vcovBS(fit, R = 2), sandwich::vcovHAC(fit),
                          sandwich::NeweyWest(fit))) {
    expect_match(conditionMessage(error_of(eval(call))), "vcov(fit, type = \"CR1\")", fixed = TRUE)
  }
  restricted <- glmm(weight ~ Time + (1 | Chick), ChickWeight, REML = TRUE)
  expect_s3_class(error_of(sandwich::estfun(restricted)), "glimmer_error_not_available")
})

test_that("'clubSandwich' is told where the same is, for itself or for others", {
  skip_if_not_installed("clubSandwich")
  fit <- client_fits()$linear
  calls <- expression(clubSandwich::vcovCR(fit, type = "CR2"), clubSandwich::coef_test(fit, vcov = "CR2"),
                      clubSandwich::conf_int(fit, vcov = "CR0"),
                      clubSandwich::Wald_test(fit, clubSandwich::constrain_zero(2), vcov = "CR2"))
  for (call in calls) expect_s3_class(error_of(eval(call)), "glimmer_error_not_available")
})
