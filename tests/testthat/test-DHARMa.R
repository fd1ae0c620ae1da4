# Methods for packages that Debian does not have: called by name, so that they need not be declared.

from <- function(package, name) getExportedValue(package, name)

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

test_that("'MuMIn' keeps the random effects of the models that it makes", {
  skip_if_not_installed("MuMIn")
  counts <- client_fits()$counts
  fit <- glmm(count ~ spray + (1 | block), counts, poisson, na.action = na.fail)
  expect_identical(from("MuMIn", "coeffs")(fit), fixef(fit))
  table <- suppressMessages(from("MuMIn", "dredge")(fit))
  expect_equal(sort(table$logLik), sort(c(logLik(fit), logLik(update(fit, . ~ . - spray)))), ignore_attr = TRUE)
})

test_that("'marginaleffects' has the standard errors of the fixed effects", {
  skip_if_not_installed("marginaleffects")
  fit <- client_fits()$count
  shifted <- from("marginaleffects", "set_coef")(fit, fixef(fit) + 1)
  expect_equal(predict(shifted, re.form = NA), predict(fit, re.form = NA) + drop(model.matrix(fit) %*% rep(1, 6L)),
               ignore_attr = TRUE)
  expect_identical(from("marginaleffects", "get_vcov")(fit), vcov(fit))
  expect_s3_class(error_of(from("marginaleffects", "get_vcov")(fit, vcov = "HC0")), "glimmer_error_not_available")
})
