# Extractors: numbers from truth.csv, from lme4, or in closed form.
cbpp_fit <- function(method = "laplace", ...) truth_fit("cbpp_logit", method = method, ...)
sleep_fit <- function() truth_fit("sleep_lmm_ml")

test_that("fixef, vcov and logLik give the known maximum", {
  for (name in c("cbpp_logit", "sleep_lmm_ml")) {
    fit <- truth_fit(name, method = "laplace")
    row <- truth_rows("laplace", name, "max")
    truth <- truth_parameters(row)
    se <- truth_standard_errors(row)
    beta <- names(fixef(fit))
    expect_identical(beta, names(truth)[seq_along(beta)])
    expect_lte(max(abs(fixef(fit) - truth[beta]) / se[beta]), 1e-3)
    expect_equal(sqrt(diag(vcov(fit))), se[beta], tolerance = 1e-4)
    expect_equal(sqrt(diag(vcov(fit, full = TRUE))), se, tolerance = 1e-4)
    expect_identical(dimnames(vcov(fit, full = TRUE)), list(names(truth), names(truth)))
    expect_equal(as.numeric(logLik(fit)), row$logLik, tolerance = 1e-8)
    expect_equal(AIC(fit), 2 * length(truth) - 2 * row$logLik, tolerance = 1e-8)
    expect_equal(BIC(fit), log(row$n) * length(truth) - 2 * row$logLik, tolerance = 1e-8)
    expect_equal(extractAIC(fit, k = 3), c(length(truth), 3 * length(truth) - 2 * row$logLik), tolerance = 1e-8)
    expect_identical(nobs(fit), row$n)
    expect_identical(df.residual(fit), row$n - length(truth))
  }
})

test_that("sigma is the residual standard deviation, or 1", {
  expect_equal(sigma(sleep_fit()), exp(truth_parameters(truth_rows("laplace", "sleep_lmm_ml", "max"))[["log_sigma"]]),
               tolerance = 1e-5)
  expect_identical(sigma(cbpp_fit()), 1)
})

test_that("deviance is that of lme4: squared deviance residuals given the random effects", {
  skip_if_not_installed("lme4")
  model <- truth_model("cbpp_logit")
  peer <- lme4::glmer(model$formula, model$data, binomial, weights = size,
                      control = lme4::glmerControl(tolPwrss = 1e-10))
  expect_equal(deviance(cbpp_fit()), deviance(peer), tolerance = 1e-4)
  counts <- fit_glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), model$data, model$family,
                     method = "laplace")
  expect_equal(deviance(counts), deviance(cbpp_fit()), tolerance = 1e-8)
})

test_that("coef adds the random effects to the fixed ones, in the shape of lme4", {
  skip_if_not_installed("lme4")
  data <- truth_model("sleep_lmm_ml")$data
  peer <- lme4::lmer(Reaction ~ 1 + (Days | Subject), data, REML = FALSE)
  ours <- coef(fit_glmm(Reaction ~ 1 + (Days | Subject), data, gaussian()))
  expect_identical(names(ours), "Subject")
  expect_identical(dimnames(ours$Subject), dimnames(coef(peer)$Subject))
  expect_equal(unclass(ours)$Subject, coef(peer)$Subject, tolerance = 1e-3, ignore_attr = TRUE)
  expect_s3_class(ours, "coef.mer")
  expect_output(print(ours), "$Subject", fixed = TRUE)
})

test_that("formula, terms and model frame have the parts asked for", {
  fit <- sleep_fit()
  expect_equal(formula(fit), Reaction ~ Days + (Days | Subject), ignore_formula_env = TRUE)
  expect_equal(formula(fit, fixed.only = TRUE), Reaction ~ Days, ignore_formula_env = TRUE)
  expect_equal(formula(fit, random.only = TRUE), Reaction ~ (Days | Subject), ignore_formula_env = TRUE)
  expect_error(formula(fit, fixed.only = TRUE, random.only = TRUE), class = "glimmer_error_argument")
  expect_identical(attr(terms(fit), "term.labels"), "Days")
  expect_true("Subject" %in% all.vars(terms(fit, fixed.only = FALSE)))
  expect_identical(names(model.frame(fit)), c("Reaction", "Days", "Subject"))
  expect_identical(names(model.frame(fit, fixed.only = TRUE)), c("Reaction", "Days"))
  expect_identical(names(model.frame(cbpp_fit(), fixed.only = TRUE)), c("prop", "period", "(weights)"))
  expect_identical(family(fit)$family, "gaussian")
})

test_that("model matrices are those of stats and of the reference", {
  fit <- sleep_fit()
  model <- truth_model("sleep_lmm_ml")
  expect_equal(model.matrix(fit), model.matrix(Reaction ~ Days, model$data))
  reference <- reference_from_formula(model$formula, model$data, model$family)
  Z <- model.matrix(fit, type = "random")
  expect_s4_class(Z, "dgCMatrix")
  expect_equal(unname(as.matrix(Z)), reference_random_matrix(reference, list(diag(2))))
  expect_identical(colnames(Z)[1:3], c("308", "308", "309"))
  factor <- fit_glmm(yb ~ trt + (1 | ID), truth_model("bacteria_logit")$data, binomial())
  expect_identical(attributes(model.matrix(factor))[c("assign", "contrasts")],
                   list(assign = c(0L, 1L, 1L), contrasts = list(trt = "contr.treatment")))
})

test_that("rows and columns left out are known", {
  data <- truth_model("sleep_lmm_ml")$data
  data$Reaction[c(2, 5)] <- NA
  data$unused <- 7
  data$weight <- rep(c(0, 1), c(10, nrow(data) - 10))
  expect_warning(fit <- glmm(Reaction ~ Days + unused + (1 | Subject), data, weights = weight),
                 class = "glimmer_warning_aliased")
  expect_identical(c(na.action(fit)), c(2L, 5L), ignore_attr = TRUE)
  expect_s3_class(na.action(fit), "omit")
  expect_identical(nobs(fit), 170L)
  expect_identical(case.names(fit), as.character(11:180))
  expect_identical(case.names(fit, full = TRUE), as.character((1:180)[-c(2, 5)]))
  expect_identical(variable.names(fit), c("(Intercept)", "Days"))
  expect_identical(variable.names(fit, full = TRUE), c("(Intercept)", "Days", "unused"))
  expect_identical(names(fixef(fit)), c("(Intercept)", "Days"))
  expect_identical(fixef(fit, add.dropped = TRUE), c(fixef(fit), unused = NA))
  expect_identical(colnames(model.matrix(fit)), c("(Intercept)", "Days"))
})
