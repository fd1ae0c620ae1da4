# What 'insight', 'performance', 'parameters' and 'ggeffects' read from a fit: what they read from the fits of 'lme4'.

test_that("'insight' finds the parts of the model, and their numbers", {
  skip_if_not_installed("insight")
  fits <- client_fits()
  for (find in c("find_random", "find_parameters", "find_predictors", "find_formula", "find_random_slopes",
                 "n_parameters", "get_parameters", "get_intercept")) {
    make <- getExportedValue("insight", find)
    expect_like_peer(fits, function(fit) {
      found <- make(fit)
      if (find == "find_formula") found <- vapply(unlist(found), deparse1, "")
      if (is.data.frame(found)) found[[2L]] else found
    }, 5e-3)
  }
  for (fit in fits[c("linear", "count")]) {
    expect_true(insight::is_mixed_model(fit))
    expect_true(insight::model_info(fit)$is_mixed)
    expect_equal(insight::get_statistic(fit)$Statistic, unname(coef(summary(fit))[, if (fit$REML) 4L else 3L]))
    expect_equal(as.numeric(insight::get_loglikelihood(fit)), as.numeric(logLik(fit)))
  }
  expect_identical(insight::get_df(fits$count), df.residual(fits$count))
  expect_equal(insight::get_df(fits$linear, type = "satterthwaite"), coef(summary(fits$linear))[, "df"],
               ignore_attr = TRUE)
  expect_like_peer(fits, function(fit) unlist(insight::get_variance(fit)[c("var.fixed", "var.random", "var.residual")]),
                   5e-3)
  null <- insight::null_model(fits$count)
  expect_equal(logLik(null), logLik(update(fits$count, . ~ . - spray)), tolerance = 1e-8, ignore_attr = TRUE)
})

test_that("the model matrix of new rows has the columns of the fit, whatever they are called", {
  skip_if_not_installed("insight")
  # level 2 of `time` and the covariate `time2`, which is aliased, are called alike
  data <- transform(subset(ChickWeight, Time < 6), time = factor(match(Time, c(0, 2, 4))), time2 = Time)
  fit <- suppressWarnings(glmm(weight ~ time + time2 + Diet + (1 | Chick), data))
  expect_length(component(fit, "dropped"), 1L)
  expect_equal(insight::get_modelmatrix(fit, data = data), insight::get_modelmatrix(fit), ignore_attr = TRUE)
})

test_that("predictions by 'insight' have or leave out the random effects, as they are asked", {
  skip_if_not_installed("insight")
  fits <- client_fits()
  rows <- data.frame(spray = factor(LETTERS[1:6]), block = factor("3", levels = 1:12))
  for (random in c(TRUE, FALSE)) {
    expect_like_peer(fits, function(fit) {
      as.numeric(insight::get_predicted(fit, data = rows, predict = "expectation", include_random = random))
    }, of = "count")
  }
})

test_that("measures and checks by 'performance' are those of the fits of 'lme4'", {
  skip_if_not_installed("performance")
  fits <- client_fits()
  expect_like_peer(fits, function(fit) as.numeric(unlist(performance::r2(fit))), 5e-3)
  expect_like_peer(fits, function(fit) unlist(performance::icc(fit))[1:2], 5e-3)
  expect_like_peer(fits, function(fit) performance::model_performance(fit, metrics = c("AIC", "BIC", "RMSE"))$AIC, 1e-4)
  flat <- transform(fits$data, Reaction = Days + ave(Reaction, Subject, FUN = function(y) y - mean(y)))
  flat <- glmm(Reaction ~ Days + (1 | Subject), flat)
  expect_true(performance::check_singularity(flat))
  expect_false(performance::check_singularity(fits$linear))
  expect_true(as.logical(performance::check_convergence(fits$count)))
})

test_that("tables by 'parameters' have the numbers of summary(), exponentiated only where that makes sense", {
  skip_if_not_installed("parameters")
  fit <- client_fits()$count
  table <- as.data.frame(parameters::model_parameters(fit, exponentiate = TRUE))
  fixed <- table$Effects == "fixed"
  expect_equal(table$Coefficient[fixed], unname(exp(fixef(fit))))
  expect_equal(table$CI_low[fixed], unname(exp(confint(fit, "beta_")[, 1L])))
  expect_equal(table$Coefficient[!fixed], unname(attr(VarCorr(fit)$block, "stddev")))
  expect_identical(table$Parameter[!fixed], "SD (Intercept)")
  doubled <- parameters::model_parameters(fit, effects = "fixed", vcov = 4 * vcov(fit))
  expect_equal(doubled$SE, unname(2 * sqrt(diag(vcov(fit)))))
  expect_s3_class(error_of(parameters::standard_error(fit, effects = "random")), "glimmer_error_not_available")
})

test_that("predictions by 'ggeffects' are those for a level with random effects 0, with limits", {
  skip_if_not_installed("ggeffects")
  fits <- client_fits()
  shown <- suppressMessages(as.data.frame(ggeffects::ggpredict(fits$count, "spray")))
  beta <- fixef(fits$count)
  eta <- beta[[1L]] + c(0, beta[-1L])
  x <- cbind(1, rbind(0, diag(5L)))
  se <- sqrt(rowSums((x %*% vcov(fits$count)) * x))
  expect_equal(shown$predicted, unname(exp(eta)))
  expect_equal(shown$conf.low, unname(exp(eta - qnorm(0.975) * se)))
  expect_equal(shown$conf.high, unname(exp(eta + qnorm(0.975) * se)))
})

test_that("log-likelihoods that are to be compared across responses warn where the formula transforms theirs", {
  skip_if_not_installed("performance")
  data <- lme4::sleepstudy
  for (formula in c(log(Reaction) ~ Days + (1 | Subject), sqrt(Reaction) ~ 1 + (Days | Subject),
                    I(1000 / Reaction) ~ Days + (1 | Subject))) {
    warned(performance::performance_aic(glmm(formula, data)), "response", response = deparse1(formula[[2L]]))
    expect_warning(performance::model_performance(glmm(formula, data), metrics = "AIC"),
                   class = "glimmer_warning_response")
  }
  expect_silent(performance::performance_aic(glmm(Reaction ~ Days + (1 | Subject), data)))
  expect_silent(performance::performance_aic(glmm(data$Reaction ~ Days + (1 | Subject), data)))
  expect_silent(performance::performance_aic(client_fits()$count))
})
