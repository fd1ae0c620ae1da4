# tidy, glance, augment: columns and rows of broom.mixed, numbers from truth.csv and lme4.

test_that("tidy has the rows and columns of broom.mixed", {
  fit <- truth_fit("sleep_lmm_ml")
  table <- tidy(fit)
  # that of broom.mixed for a fit of lmerTest
  expect_identical(names(table), c("effect", "group", "term", "estimate", "std.error", "statistic", "df", "p.value"))
  expect_identical(table$effect, rep(c("fixed", "ran_pars"), c(2, 4)))
  expect_identical(table$term, c("(Intercept)", "Days", "sd__(Intercept)", "cor__(Intercept).Days", "sd__Days",
                                 "sd__Observation"))
  expect_identical(table$group, c(NA, NA, rep("Subject", 3), "Residual"))
  truth <- truth_parameters(truth_rows("laplace", "sleep_lmm_ml", "max"))
  L <- matrix(c(truth[3:4], 0, truth[5]), 2)
  expected <- c(truth[1:2], sqrt(diag(tcrossprod(L)))[1], cov2cor(tcrossprod(L))[1, 2], sqrt(diag(tcrossprod(L)))[2],
                exp(truth[6]))
  expect_equal(table$estimate, unname(expected), tolerance = 1e-5)
  expect_identical(names(tidy(fit, effects = "fixed", ddf = "none")),
                   c("effect", "term", "estimate", "std.error", "statistic", "p.value"))
  expect_identical(tidy(fit, effects = "fixed", parametric = TRUE)$term, c("(Intercept)", "Days"))
  expect_identical(tidy(fit, scales = "vcov")$term[3:6], c("var__(Intercept)", "cov__(Intercept).Days", "var__Days",
                                                           "var__Observation"))
  expect_equal(tidy(fit, "ran_pars", scales = "vcov")$estimate,
               unname(c(tcrossprod(L)[c(1, 2, 4)], exp(2 * truth[6]))), tolerance = 1e-4)
})

test_that("standard errors, limits and exponentiation", {
  fit <- truth_fit("cbpp_logit", method = "laplace")
  row <- truth_rows("laplace", "cbpp_logit", "max")
  truth <- truth_parameters(row)
  se <- truth_standard_errors(row)
  table <- tidy(fit, conf.int = TRUE)
  expect_equal(table$std.error, unname(se), tolerance = 1e-4)
  expect_equal(unname(as.matrix(table[c("conf.low", "conf.high")])), unname(confint(fit)))
  odds <- tidy(fit, effects = "fixed", exponentiate = TRUE, conf.int = TRUE)
  expect_equal(odds$estimate, unname(exp(truth[1:4])), tolerance = 1e-4)
  expect_equal(odds$std.error, unname(exp(truth[1:4]) * se[1:4]), tolerance = 1e-3)
  expect_equal(odds$statistic, unname(truth / se)[1:4], tolerance = 1e-3)
  expect_equal(odds$conf.low, unname(exp(truth - 1.959964 * se))[1:4], tolerance = 1e-3)
  expect_error(tidy(fit, effects = "random"), class = "glimmer_error_argument")
  expect_error(tidy(fit, scales = "x"), class = "glimmer_error_argument")
  expect_error(tidy(fit, conf.method = "boot"), class = "glimmer_error_argument")
})

test_that("values and coefficients of levels", {
  skip_if_not_installed("lme4")
  data <- truth_model("sleep_lmm_ml")$data
  peer <- lme4::lmer(Reaction ~ Days + (Days | Subject), data, REML = FALSE)
  fit <- truth_fit("sleep_lmm_ml")
  values <- tidy(fit, effects = "ran_vals", conf.int = TRUE)
  expected <- as.data.frame(lme4::ranef(peer))
  expect_identical(values$level, as.character(expected$grp))
  expect_equal(values[c("estimate", "std.error")], expected[c("condval", "condsd")], tolerance = 1e-3,
               ignore_attr = TRUE)
  expect_equal(values$conf.high, values$estimate + qnorm(0.975) * values$std.error)
  coefficients <- tidy(fit, effects = "ran_coefs")
  expect_equal(coefficients$estimate, unlist(coef(peer)$Subject, use.names = FALSE), tolerance = 1e-3)
})

test_that("glance is one row, and starts with the columns of broom.mixed", {
  row <- truth_rows("laplace", "cbpp_logit", "max")
  columns <- c("nobs", "sigma", "logLik", "AIC", "BIC", "deviance", "df.residual")
  expect_identical(names(glance(truth_fit("cbpp_logit", method = "laplace"))), columns)
  one <- glance(truth_fit("cbpp_logit", method = "laplace"), status = TRUE)
  expect_identical(names(one), c(columns, "converged", "singular", "method", "nAGQ", "gain", "condition"))
  expect_identical(nrow(one), 1L)
  expect_equal(unlist(one[c("nobs", "sigma", "logLik", "AIC", "df.residual")]),
               c(nobs = 56, sigma = 1, logLik = row$logLik, AIC = 10 - 2 * row$logLik, df.residual = 51),
               tolerance = 1e-8)
  expect_identical(one[c("converged", "singular", "method", "nAGQ")],
                   data.frame(converged = TRUE, singular = FALSE, method = "laplace", nAGQ = 1L))
})

test_that("glance has the numbers of the verdict, whatever else was checked", {
  fit <- truth_fit("cbpp_logit", method = "laplace")
  one <- glance(fit, status = TRUE)
  expect_identical(one$gain, fit$status$value[fit$status$check == "convergence"])
  expect_identical(one$condition, fit$status$value[fit$status$check == "hessian"])
  # g'J^-1 g / 2, which is round-off at the maximum
  gradient <- fit$search$gradient
  expect_lt(abs(one$gain - drop(gradient %*% vcov(fit, full = TRUE) %*% gradient) / 2), 1e-10)
  expect_gte(one$condition, 1)
  fit$status <- fit$status[rev(seq_len(nrow(fit$status))), ]
  expect_identical(glance(fit, status = TRUE), one)
})

test_that("augment adds predictions to the data", {
  skip_if_not_installed("lme4")
  data <- truth_model("cbpp_logit")$data
  peer <- lme4::glmer(prop ~ period + (1 | herd), data, binomial, weights = size,
                      control = lme4::glmerControl(tolPwrss = 1e-10))
  fit <- truth_fit("cbpp_logit", method = "laplace")
  table <- augment(fit)
  expect_identical(names(table), c(names(model.frame(fit)), ".fitted", ".resid", ".fixed", ".mu"))
  expect_equal(table$.fitted, unname(predict(peer)), tolerance = 1e-3)
  expect_equal(table$.fixed, unname(predict(peer, re.form = NA)), tolerance = 1e-3)
  expect_equal(table$.mu, unname(fitted(peer)), tolerance = 1e-3)
  expect_equal(table$.resid, unname(residuals(peer, "deviance")), tolerance = 1e-3)
  few <- augment(fit, newdata = data[3:5, ])
  expect_equal(few$.fitted, table$.fitted[3:5])
  expect_identical(nrow(augment(fit, data)), 56L)
  expect_error(augment(fit, data[1:3, ]), class = "glimmer_error_argument")
  data$incidence[4] <- NA
  padded <- glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), data, binomial, na.action = na.exclude)
  expect_identical(nrow(augment(padded)), 55L)
  expect_identical(which(is.na(augment(padded, data)$.fitted)), 4L)
})

test_that("augment() refuses data of other rows, or in another order", {
  data <- truth_model("sleep_lmm_ml")$data
  fit <- glmm(Reaction ~ Days + (1 | Subject), data)
  expect_equal(augment(fit, data)$.fitted, unname(predict(fit)))
  expect_error(augment(fit, data[180:1, ]), "'Reaction', 'Days' and 'Subject'", class = "glimmer_error_argument")
  expect_error(augment(fit, transform(data, Days = 0)), "'Days'", class = "glimmer_error_argument")
  data$Days[3] <- NA
  fit <- glmm(Reaction ~ Days + (1 | Subject), data, na.action = na.exclude)
  expect_equal(augment(fit, data)$.fitted, unname(predict(fit)))
  expect_equal(augment(fit, data[-3, ])$.fitted, unname(predict(fit)[-3]))
  expect_error(augment(fit, data[c(1:2, 4:100, 102, 101, 103:180), ]), class = "glimmer_error_argument")
})
