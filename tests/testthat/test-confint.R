# Wald intervals: closed forms on the known parameters, the intervals of nlme, and numerical derivatives.

test_that("fixed effects and a standard deviation: closed form", {
  row <- truth_rows("laplace", "cbpp_logit", "max")
  truth <- truth_parameters(row)
  se <- truth_standard_errors(row)
  intervals <- confint(truth_fit("cbpp_logit", method = "laplace"))
  expect_identical(rownames(intervals), c(names(truth)[1:4], "sd_(Intercept)|herd"))
  expect_identical(colnames(intervals), c("2.5 %", "97.5 %"))
  expect_equal(unname(intervals[1:4, ]), unname(cbind(truth - 1.959964 * se, truth + 1.959964 * se)[1:4, ]),
               tolerance = 1e-4)
  sd <- truth[["sd.herd.(Intercept)"]]
  ratio <- exp(1.959964 * se[["sd.herd.(Intercept)"]] / sd)
  expect_equal(unname(intervals[5, ]), c(sd / ratio, sd * ratio), tolerance = 1e-3)
})

test_that("covariance parameters agree with nlme, which transforms them likewise", {
  data <- truth_model("sleep_lmm_ml")$data
  peer <- nlme::intervals(nlme::lme(Reaction ~ Days, data, ~ Days | Subject, method = "ML"))
  ours <- confint(truth_fit("sleep_lmm_ml"))
  expect_identical(rownames(ours), c("(Intercept)", "Days", "sd_(Intercept)|Subject", "cor_Days.(Intercept)|Subject",
                                     "sd_Days|Subject", "sigma"))
  theirs <- as.matrix(peer$reStruct$Subject[c("lower", "upper")])[c(1, 3, 2), ]
  expect_equal(unname(ours[3:5, ]), unname(theirs), tolerance = 1e-2)
  expect_equal(unname(ours["sigma", ]), unname(peer$sigma[c("lower", "upper")]), tolerance = 1e-2, ignore_attr = TRUE)
})

test_that("standard errors of the transformed parameters: numerical derivatives", {
  skip_if_not_installed("numDeriv")
  fit <- truth_fit("sleep_lmm_ml")
  theta <- component(fit, "parameters")[3:5]
  transformed <- function(theta) {
    covariance <- tcrossprod(matrix(c(theta[1:2], 0, theta[3]), 2))
    c(log(covariance[1, 1]) / 2, atanh(cov2cor(covariance)[2, 1]), log(covariance[2, 2]) / 2)
  }
  jacobian <- numDeriv::jacobian(transformed, theta)
  se <- sqrt(diag(jacobian %*% vcov(fit, full = TRUE)[3:5, 3:5] %*% t(jacobian)))
  limits <- cbind(transformed(theta) - qnorm(0.95) * se, transformed(theta) + qnorm(0.95) * se)
  limits[c(1, 3), ] <- exp(limits[c(1, 3), ])
  limits[2, ] <- tanh(limits[2, ])
  expect_equal(unname(confint(fit, "theta_", level = 0.9)[1:3, ]), limits, tolerance = 1e-6)
})

test_that("parm chooses by name, position or set", {
  fit <- truth_fit("sleep_lmm_ml")
  all <- confint(fit)
  expect_identical(confint(fit, "beta_"), all[1:2, ])
  expect_identical(confint(fit, "theta_"), all[3:6, ])
  expect_identical(confint(fit, "sigma"), all[6, , drop = FALSE])
  expect_identical(confint(fit, c(6, 1)), all[c(6, 1), ])
  expect_identical(confint(fit, method = "wald"), all)
  error <- expect_error(confint(fit, c("Days", "days")), class = "glimmer_error_argument")
  expect_identical(error$unknown, "days")
  expect_error(confint(fit, 7), class = "glimmer_error_argument")
  expect_error(confint(fit, level = 95), class = "glimmer_error_argument")
  expect_error(confint(fit, method = "exact"), class = "glimmer_error_argument")
  expect_identical(colnames(confint(fit, level = 0.9)), c("5 %", "95 %"))
})

test_that("nothing is given for what is on the boundary", {
  data <- data.frame(y = rep(c(1, 2, 4, 3, 5), 6), x = rep(1:5, 6), g = gl(6, 5))
  fit <- glmm(y ~ 1 + (1 | g), data, REML = FALSE)
  scalar <- confint(fit)
  expect_true(all(is.na(scalar["sd_(Intercept)|g", ])))
  # with no variance between groups the fit is that of lm, by maximum likelihood
  # whose sigma^2 has variance 2 sigma^4 / n, that of a chi-squared variable of n degrees of freedom
  expect_equal(unname(scalar["(Intercept)", ]), 3 + c(-1, 1) * qt(0.975, 30) * sqrt(2 / 30), tolerance = 1e-6)
  expect_equal(unname(confint(fit, ddf = "none")["(Intercept)", ]),
               3 + c(-1, 1) * qnorm(0.975) * sqrt(2 / 30), tolerance = 1e-6)
  vector <- confint(glmm(y ~ x + (x | g), data))
  expect_true(all(is.na(vector[3:5, ])))
  expect_false(anyNA(vector[c(1, 2, 6), ]))
  expect_false(any(is.nan(vector)))
})
