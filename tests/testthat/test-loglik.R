# The log-likelihood at the estimates and elsewhere, against lme4 and truth.csv.

test_that("the log-likelihood by the other criterion is that of lme4", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::sleepstudy, w = rep(1:3, 60))
  for (REML in c(TRUE, FALSE)) {
    fit <- glmm(Reaction ~ Days + (Days | Subject), data, weights = w, REML = REML)
    peer <- lme4::lmer(Reaction ~ Days + (Days | Subject), data, REML, weights = w,
                       control = lme4::lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-12)))
    for (other in c(TRUE, FALSE)) {
      value <- logLik(fit, REML = other)
      expect_equal(as.numeric(value), as.numeric(logLik(peer, REML = other)), tolerance = 1e-8)
      expect_identical(attr(value, "REML"), other)
    }
  }
  data <- front_data()
  fit <- glmm(yb ~ x + (1 | g), data, binomial, REML = TRUE)
  expect_equal(as.numeric(logLik(fit, REML = FALSE)),
               as.numeric(logLik(update(fit, REML = FALSE, method = "laplace"), parameters = fit$parameters)))
  refused(logLik(update(fit, REML = FALSE), REML = TRUE), "argument", argument = "REML", method = "aghq")
  refused(logLik(fit, REML = "no"), "argument", argument = "REML")
})

test_that("logLik has its attributes, and is evaluated at given parameters in any order of their names", {
  fit <- truth_fit("cbpp_logit", method = "laplace")
  row <- truth_rows("laplace", "cbpp_logit", "given")
  given <- truth_parameters(row)
  at <- logLik(fit, parameters = given)
  expect_s3_class(at, "logLik")
  expect_identical(attributes(at)[c("df", "nobs", "method")], list(df = 5L, nobs = 56L, method = "laplace"))
  expect_equal(as.numeric(at), row$logLik, tolerance = 1e-8)
  expect_equal(logLik(fit, parameters = rev(given)), at)
  expect_equal(logLik(fit, parameters = unname(given)), at)
  names(given)[1L] <- "Intercept"
  error <- expect_error(logLik(fit, parameters = given), class = "glimmer_error_argument")
  expect_identical(error$unknown, "Intercept")
  expect_error(logLik(fit, parameters = 1:2), class = "glimmer_error_argument")
})

test_that("the log-likelihood at the estimates is that of the fit, also in another process's eyes", {
  fits <- list(truth_fit("bacteria_logit"), glmm(y ~ x + (1 | g), wide_data(1, 3), binomial),
               glmm(y ~ x + (x | g), wide_data(3, c(1.5, 1)), binomial), truth_fit("cbpp_logit", nAGQ = 7))
  for (fit in fits) {
    value <- as.numeric(logLik(fit))
    expect_lte(abs(as.numeric(logLik(fit, parameters = fit$parameters)) - value), 1e-8 * abs(value))
    again <- unserialize(serialize(fit, NULL))
    expect_lte(abs(as.numeric(logLik(again, parameters = fit$parameters)) - value), 1e-8 * abs(value))
  }
})
