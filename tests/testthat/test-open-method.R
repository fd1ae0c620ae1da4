test_that("every method refuses an argument that it does not have", {
  fit <- argument_fit()
  methods <- registered_methods()
  expect_gt(nrow(methods), 90L)
  objects <- list(VarCorr.glimmer = VarCorr(fit), ranef.glimmer = ranef(fit), coef.glimmer = coef(fit),
                  summary.glimmer = summary(fit), accuracy.glimmer = accuracy(fit, 1), anova.glimmer = anova(fit),
                  profile.glimmer = profile(fit, "theta_"), marginal.glimmer = marginal(fit),
                  marginal_contrast.glimmer = marginal(fit, contrast = list(spray = c("A", "B"))),
                  influence.glimmer = influence(fit, "block"), comparison.glimmer = compare_fits(fit, fit),
                  glimmer = fit)
  # methods for which a call without further arguments says nothing of these, with what they need
  needed <- list(getME.glimmer = list("beta"), set_coef.glimmer = list(fixef(fit)), get_modelmatrix.glimmer = list(),
                 linearHypothesis.glimmer = list("(Intercept) = 0"), deltaMethod.glimmer = list("sprayB"))
  # they hand what they are given on to a method of the package, or are refusals themselves
  handed_on <- c("recover_data", "emm_basis", "find_formula", "find_parameters", "get_parameters", "get_variance",
                 "get_predicted", "r2", "check_overdispersion", "model_performance", "makeArgs", "Effect",
                 "sanitize_model_specific")
  refusals <- c("estfun", "bread", "vcovHC", "vcovBS", "vcovHAC", "vcovCR", "Boot")
  methods <- methods[is.na(methods$package) | !methods$generic %in% c(handed_on, refusals), ]
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (k in seq_len(nrow(methods))) {
    name <- methods$name[k]
    method <- get(name, envir = asNamespace("glimmer"))
    call <- as.call(c(list(method, objects[[methods$class[k]]]), needed[[name]], list(rubbish = 1)))
    utils::capture.output(error <- error_of(eval(call)))
    if (is.null(error)) {
      fail(paste(name, "swallows an argument"))
      next
    }
    if ("..." %in% names(formals(method))) expect_s3_class(error, "glimmer_error_argument")
    # AIC() and BIC() take fits by any name
    said <- if (methods$generic[k] %in% c("AIC", "BIC")) "'model 2'" else "rubbish"
    expect_match(conditionMessage(error), said, fixed = TRUE, label = paste("the error of", name))
  }
})

test_that("what other packages pass along changes nothing, and nothing else gets through", {
  fit <- argument_fit()
  skip_if_not_installed("lme4")
  listed <- passed_along
  # those of methods for other packages are tried with these packages
  ours <- intersect(names(listed), registered_methods()$name[is.na(registered_methods()$package)])
  expect_gt(length(ours), 6L)
  for (name in ours) {
    method <- get(name, envir = asNamespace("glimmer"))
    for (argument in names(listed[[name]])) {
      allowed <- listed[[name]][[argument]]
      value <- if (is.function(allowed)) list("x") else list(allowed)
      call <- as.call(c(list(method, fit), stats::setNames(value, argument)))
      expect_equal(eval(call), method(fit), ignore_attr = TRUE, label = paste0(name, "(", argument, ")"))
      # the same argument is none of another method
      expect_s3_class(error_of(eval(as.call(c(list(df.residual, fit), stats::setNames(value, argument))))),
                      "glimmer_error_argument")
    }
  }
  # the calls that pass them
  expect_identical(as.formula(fit), formula(fit))
  expect_s3_class(stats::step(fit, trace = 0), "glimmer")
  expect_identical(dim(lme4::bootMer(fit, fixef, nsim = 1)$t), c(1L, 6L))
})
