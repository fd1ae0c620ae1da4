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
