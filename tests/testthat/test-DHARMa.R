# Methods for 'DHARMa', called by name, so that it need not be declared.

test_that("'DHARMa' simulates given the random effects or with new ones, as it is asked", {
  skip_if_not_installed("DHARMa")
  fit <- client_fits()$linear
  expect_identical(from("DHARMa", "getFixedEffects")(fit), fixef(fit))
  spread <- function(kind) {
    set.seed(1)
    mean(apply(from("DHARMa", "getSimulations")(fit, 2000, simulateREs = kind), 1L, sd))
  }
  expect_equal(spread("conditional"), sigma(fit), tolerance = 0.01)
  days <- cbind(1, model.frame(fit)$Days)
  marginal <- sqrt(rowSums((days %*% VarCorr(fit)$Subject) * days) + sigma(fit)^2)
  expect_equal(spread("unconditional"), mean(marginal), tolerance = 0.02)
  expect_s3_class(error_of(from("DHARMa", "getSimulations")(fit, 2, re.form = NA)), "glimmer_error_argument")
})
