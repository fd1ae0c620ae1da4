# The numbers of a summary.

test_that("the coefficients are estimate, standard error, z and p", {
  row <- truth_rows("laplace", "cbpp_logit", "max")
  truth <- truth_parameters(row)[1:4]
  se <- truth_standard_errors(row)[1:4]
  table <- coef(summary(truth_fit("cbpp_logit", method = "laplace")))
  expect_identical(colnames(table), c("Estimate", "Std. Error", "z value", "Pr(>|z|)"))
  expect_identical(rownames(table), names(truth))
  expect_equal(unname(table), unname(cbind(truth, se, truth / se, 2 * pnorm(-abs(truth / se)))), tolerance = 1e-3)
})

test_that("the criteria, the counts and the Pearson ratio", {
  row <- truth_rows("laplace", "cbpp_logit", "max")
  short <- summary(truth_fit("cbpp_logit", method = "laplace"))
  expect_equal(short$AICtab, c(AIC = 10 - 2 * row$logLik, BIC = 5 * log(56) - 2 * row$logLik, logLik = row$logLik,
                               "-2*log(L)" = -2 * row$logLik, params = 5, df.resid = 51), tolerance = 1e-8)
  data <- truth_model("cbpp_logit")$data
  expect_equal(short$trials, sum(data$size))
  expect_identical(short$ngrps, c(herd = 15L))
  expect_identical(short$group_sizes, list(range(table(data$herd))))
  skip_if_not_installed("lme4")
  peer <- lme4::glmer(prop ~ period + (1 | herd), data, binomial, weights = size)
  expect_equal(short$pearson, sum(residuals(peer, "pearson")^2) / 51, tolerance = 1e-3)
  expect_null(summary(truth_fit("bacteria_logit"))$pearson)
  expect_null(summary(truth_fit("sleep_lmm_ml"))$pearson)
})

test_that("the intervals of standard deviations are those of confint", {
  fit <- truth_fit("sleep_lmm_ml")
  random <- summary(fit, level = 0.9)$random
  expect_identical(random$kind, c("sd", "cor", "sd", "sigma"))
  expect_equal(unname(as.matrix(random[c("conf.low", "conf.high")])), unname(confint(fit, "theta_", level = 0.9)))
  expect_error(summary(fit, level = 2), class = "glimmer_error_argument")
})

test_that("correlations of random effects have their names at any width", {
  names <- c("(Intercept)", "a_long_name", "another_name", "the_last_name")
  correlation <- matrix(0.25, 4, 4, dimnames = list(names, names))
  matrix <- structure(correlation, correlation = correlation, reported = lower.tri(correlation, diag = TRUE))
  varcor <- structure(list(g = matrix), groups = "g")
  old <- options(width = 40)
  on.exit(options(old))
  shown <- capture.output(print_correlations(varcor, 4))
  expect_lte(max(nchar(shown)), 40)
  rows <- grepl("0.25", shown, fixed = TRUE)
  expect_gte(sum(rows), 3L)
  expect_true(all(grepl(paste(names[-1L], collapse = "|"), shown[rows])))
})

test_that("headings of anova and drop1 keep to the width", {
  data <- truth_model("sleep_lmm_ml")$data
  names(data) <- sub("Days", "number_of_days_without_enough_sleep", names(data))
  fit <- glmm(Reaction ~ number_of_days_without_enough_sleep + (1 | Subject), data)
  more <- glmm(Reaction ~ number_of_days_without_enough_sleep + (number_of_days_without_enough_sleep | Subject), data)
  old <- options(width = 60)
  on.exit(options(old))
  # the table of four columns is wider than a name of that length leaves room for
  shown <- capture.output(print(anova(fit, more)), print(drop1(fit)))
  headings <- grep("Models:|Reaction|Note|Likelihood|Single", shown, value = TRUE)
  expect_gte(length(headings), 4)
  expect_lte(max(nchar(headings)), 60)
})
