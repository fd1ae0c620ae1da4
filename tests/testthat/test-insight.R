# What 'insight' reads from a fit: what it reads from the fits of 'lme4'.

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
