# Fits that were edited, cut or are of another version are refused by every method.

whole_fit <- function() {
  glmm(yc ~ x + f + (1 | g), front_data(), poisson)
}

test_that("a fit has the fields that are checked, and no others", {
  fit <- whole_fit()
  expect_setequal(names(fit), fit_fields)
  expect_true(all(names(fit_rules) %in% fit_fields))
  expect_silent(check_whole(fit))
  expect_silent(check_whole(refit(fit, rev(fit$frame$yc))))
  data <- transform(front_data(), t = as.character(f), d = as.Date("2020-01-01") + 1:120)
  expect_silent(check_whole(glmm(cbind(s, m - s) ~ poly(x, 2) + t + (d > 18300 | g), data, binomial, weights = w)))
})

test_that("every field that is missing or cut is found", {
  fit <- whole_fit()
  for (field in names(fit)) {
    condition <- error_of(fixef(fit[setdiff(names(fit), field)] |> structure(class = "glimmer")))
    expect_s3_class(condition, "glimmer_error_fit")
    expect_identical(condition$fields, field)
  }
  for (field in setdiff(names(fit_rules), c("call", "terms", "xlevels", "contrasts", "status", "formula",
                                      "second_order"))) {
    cut <- fit
    cut[field] <- list(if (is.data.frame(cut[[field]])) cut[[field]][-1L, ] else cut[[field]][-1L])
    expect_s3_class(error_of(check_whole(cut)), "glimmer_error_fit")
  }
  for (field in setdiff(names(fit_rules), c("xlevels", "contrasts", "quadrature", "means", "mean_variances"))) {
    cut <- fit
    cut[field] <- list("a")
    expect_s3_class(error_of(check_whole(cut)), "glimmer_error_fit")
  }
})

test_that("an edited model frame, and a tampered family, are found", {
  fit <- whole_fit()
  edits <- expression(
    fit$frame$yc[7] <- fit$frame$yc[7] + 1L,
    fit$frame$g[1:2] <- rev(levels(fit$frame$g))[1:2],
    fit$frame <- fit$frame[120:1, ],
    fit$frame$x <- NULL,
    fit$frame <- head(fit$frame, 50),
    fit$family$link <- NULL,
    fit$family$link <- "identity2",
    fit$family$family <- "nobody",
    fit$family$linkinv <- NULL,
    fit$modes$g <- fit$modes$g[-1, , drop = FALSE],
    fit$factors$g$levels <- "a",
    fit$index$beta <- 1L
  )
  for (edit in edits) {
    edited <- with(list(fit = fit), {
      eval(edit)
      fit
    })
    expect_s3_class(error_of(predict(edited)), "glimmer_error_fit")
  }
  old <- fit
  old$version <- "0.0.1"
  old$modes <- NULL
  expect_match(conditionMessage(error_of(summary(old))), "'modes'.*0.0.1.*again")
})

test_that("every method is closed to them", {
  fit <- whole_fit()
  fit$covariance <- NULL
  methods <- list(fixef, ranef, VarCorr, coef, vcov, logLik, nobs, df.residual, deviance, extractAIC, formula, terms,
                  model.frame, model.matrix, family, na.action, case.names, variable.names, sigma, fitted, residuals,
                  weights, predict, simulate, confint, anova, drop1, tidy, glance, augment, summary, update, refit, ddf,
                  accuracy, print, function(x) test_contrasts(x, diag(4)), function(x) add1(x, ~ . + z))
  for (k in seq_along(methods)) {
    expect_s3_class(error_of(capture.output(methods[[k]](fit))), "glimmer_error_fit")
  }
  skip_if_not_installed("lme4")
  for (method in list(lme4::isLMM, lme4::isGLMM, lme4::isREML, lme4::ngrps, function(x) lme4::getME(x, "beta"))) {
    expect_s3_class(error_of(method(fit)), "glimmer_error_fit")
  }
})
