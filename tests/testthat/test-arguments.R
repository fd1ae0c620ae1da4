# Choices, flags and extra arguments of methods: classed errors for mistakes, silence for what clients pass.

argument_fit <- function() {
  glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
}

test_that("a choice that is none is a classed error that lists the choices", {
  fit <- argument_fit()
  variances <- VarCorr(fit)
  wrong <- list(quote(model.matrix(fit, type = "randm")), quote(drop1(fit, test = "F")),
                quote(as.data.frame(variances, order = "upper")), quote(format(variances, comp = "SD")),
                quote(format(variances, comp = character())), quote(residuals(fit, "deviant")),
                quote(weights(fit, "posterior")), quote(predict(fit, type = "terms")))
  chosen <- list("fixed", "Chisq", "cov.last", "Std.Dev.", "Variance", "working", "prior", "link")
  for (case in seq_along(wrong)) {
    error <- error_of(eval(wrong[[case]]))
    expect_s3_class(error, "glimmer_error_argument")
    expect_match(conditionMessage(error), chosen[[case]], fixed = TRUE)
  }
  expect_identical(match_choice("de", c("deviance", "pearson"), "type"), "deviance")
  expect_identical(match_choices(c("b", "a"), c("a", "b", "c"), "x"), c("b", "a"))
})

test_that("near misses of an argument are errors that name it, and what clients add is ignored", {
  fit <- argument_fit()
  missed <- list(add.dropped = quote(fixef(fit, add_dropped = TRUE)), full = quote(vcov(fit, Full = TRUE)),
                 parameters = quote(logLik(fit, paramters = 1)), fixed.only = quote(formula(fit, fixedonly = TRUE)),
                 fixed.only = quote(terms(fit, fixed_only = FALSE)),
                 fixed.only = quote(model.frame(fit, fixed_only = TRUE)),
                 type = quote(model.matrix(fit, Type = "random")),
                 condVar = quote(ranef(fit, condvar = FALSE)), sigma = quote(VarCorr(fit, Sigma = 2)),
                 level = quote(summary(fit, levels = 0.9)), level = quote(confint(fit, Level = 0.9)),
                 conf.int = quote(tidy(fit, conf_int = TRUE)), newdata = quote(augment(fit, new_data = InsectSprays)),
                 trace = quote(drop1(fit, Trace = TRUE)), scaled = quote(residuals(fit, scale = TRUE, Scaled = TRUE)),
                 type = quote(weights(fit, Type = "working")), newresp = quote(refit(fit, newrep = 1)),
                 nsim = quote(simulate(fit, n_sim = 2)), re.form = quote(predict(fit, reform = NA)))
  for (k in seq_along(missed)) {
    error <- error_of(eval(missed[[k]]))
    expect_s3_class(error, "glimmer_error_argument")
    expect_match(conditionMessage(error), paste0("`", names(missed)[k], "`"), fixed = TRUE)
  }
  harmless <- list(complete = FALSE, parametric = TRUE, mfx = 1, REML = FALSE, component = "cond", verbose = FALSE)
  for (generic in list(fixef, vcov, logLik, formula, terms, model.matrix, ranef, VarCorr, summary, confint, tidy,
                       glance, predict, residuals, weights, coef, nobs, sigma, family, df.residual, deviance,
                       extractAIC)) {
    expect_equal(do.call(generic, c(list(fit), harmless)), generic(fit), ignore_attr = TRUE)
  }
})
