test_that("'MuMIn' keeps the random effects of the models that it makes", {
  skip_if_not_installed("MuMIn")
  counts <- client_fits()$counts
  fit <- glmm(count ~ spray + (1 | block), counts, poisson, na.action = na.fail)
  expect_identical(from("MuMIn", "coeffs")(fit), fixef(fit))
  table <- suppressMessages(from("MuMIn", "dredge")(fit))
  expect_equal(sort(table$logLik), sort(c(logLik(fit), logLik(update(fit, . ~ . - spray)))), ignore_attr = TRUE)
})
