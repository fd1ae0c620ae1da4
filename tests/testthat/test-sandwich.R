# Robust covariance matrices are refused, whichever function asks.

test_that("no function of 'sandwich' gives a covariance matrix of a fit", {
  skip_if_not_installed("sandwich")
  fits <- client_fits()
  for (fit in fits[c("linear", "count")]) {
    for (call in expression(sandwich::estfun(fit), sandwich::bread(fit), sandwich::meat(fit), sandwich::sandwich(fit),
                            sandwich::vcovHC(fit), sandwich::vcovCL(fit), sandwich::vcovBS(fit, R = 2),
                            sandwich::vcovHAC(fit), sandwich::vcovOPG(fit), sandwich::NeweyWest(fit))) {
      expect_match(conditionMessage(error_of(eval(call))), "no robust covariance matrix", fixed = TRUE)
    }
  }
})

test_that("nor does 'clubSandwich', for itself or for others", {
  skip_if_not_installed("clubSandwich")
  fit <- client_fits()$linear
  calls <- expression(clubSandwich::vcovCR(fit, type = "CR2"), clubSandwich::coef_test(fit, vcov = "CR2"),
                      clubSandwich::conf_int(fit, vcov = "CR0"),
                      clubSandwich::Wald_test(fit, clubSandwich::constrain_zero(2), vcov = "CR2"))
  for (call in calls) expect_s3_class(error_of(eval(call)), "glimmer_error_not_available")
})
