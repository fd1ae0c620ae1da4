# Terms added one at a time, against fits from the start.

test_that("terms are added to the data of the fit, by maximum likelihood", {
  data <- transform(truth_model("sleep_lmm_ml")$data, z = sin(1:180))
  fit <- glmm(Reaction ~ 1 + (1 | Subject), data, REML = FALSE)
  table <- add1(fit, ~ . + Days + z)
  with <- function(formula) glmm(formula, data, REML = FALSE)
  fits <- list(fit, with(Reaction ~ Days + (1 | Subject)), with(Reaction ~ z + (1 | Subject)))
  expect_equal(table$AIC, vapply(fits, AIC, 1), tolerance = 1e-8)
  expect_equal(table$LRT[-1L], anova(fits[[1L]], fits[[2L]])$Chisq[2L] - c(0, 2 * (logLik(fits[[2L]]) -
                                                                                   logLik(fits[[3L]]))),
               tolerance = 1e-6, ignore_attr = TRUE)
  expect_identical(row.names(table), c("<none>", "Days", "z"))
  restricted <- add1(glmm(Reaction ~ 1 + (1 | Subject), data, REML = TRUE), c("Days", "z"), test = "none")
  expect_equal(restricted$AIC, table$AIC, tolerance = 1e-8)
  expect_match(attr(restricted, "heading"), "maximum likelihood", all = FALSE)
  expect_identical(row.names(add1(fits[[2L]], ~ .^2 + z + z:Days)), c("<none>", "z"))
  chosen <- suppressWarnings(step(fit, scope = list(lower = ~ 1, upper = ~ Days + z), trace = 0))
  expect_named(fixef(chosen), c("(Intercept)", "Days"))
})

test_that("another object of the name of the data is not taken, and missing values are an error", {
  make <- function(data) glmm(Reaction ~ Days + (1 | Subject), data)
  data <- transform(truth_model("sleep_lmm_ml")$data, z = sin(1:180))
  fit <- make(data[1:90, ])
  expect_error(add1(fit, ~ . + z), "gives 180 rows, not 90", class = "glimmer_error_data")
  data <- data[1:90, ]
  expect_equal(add1(fit, ~ . + z)$Df[2L], 1)
  data$z[4] <- NA
  expect_error(add1(fit, ~ . + z), "89 rows, not 90", class = "glimmer_error_comparison")
  expect_error(add1(fit), class = "glimmer_error_argument")
  expect_error(add1(fit, ~ . + Days), class = "glimmer_error_argument")
})
