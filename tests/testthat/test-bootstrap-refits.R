test_that("quick refits are the full ones", {
  skip_if_not_installed("MASS")
  for (method in c("auto", "laplace")) {
    fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, binomial(), method = method)
    responses <- simulate(fit, 20, seed = 2)
    estimates <- open_estimates(fit)
    errors <- sqrt(diag(vcov(fit, full = TRUE)))
    quick <- 0L
    for (response in responses) {
      found <- estimate_response(estimates, response)
      full <- estimate_response(estimates, response, in_full = TRUE)
      quick <- quick + is.null(found$fit)
      expect_lt(max(abs(found$parameters - full$parameters) / errors), 0.01)
      expect_lt(abs(found$log_likelihood - full$log_likelihood), 2e-5)
    }
    expect_gt(quick, 10L)
  }
})

test_that("a response that cannot be fitted is an error in its place", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + (1 | subject), MASS::epil, poisson(), method = "laplace")
  estimates <- open_estimates(fit)
  found <- estimate_response(estimates, rep(0, 236))
  expect_false(found$converged)
  expect_true(nzchar(found$message))
  # and the next one is not touched by it
  again <- estimate_response(estimates, MASS::epil$y)
  expect_equal(again$log_likelihood, c(logLik(fit)), tolerance = 1e-9)
})

test_that("parameters are reported as confint() has them", {
  fit <- glmm(weight ~ Time + (Time | Chick), ChickWeight, REML = FALSE)
  reported <- report_parameters(fit)(component(fit, "parameters"))
  expect_named(reported, rownames(confint(fit)))
  varcor <- VarCorr(fit)$Chick
  expect_equal(unname(reported), unname(c(fixef(fit), attr(varcor, "stddev")[1], attr(varcor, "correlation")[2, 1],
                                          attr(varcor, "stddev")[2], sigma(fit))))
})

test_that("a response that asks for more nodes than the fit's has a full fit", {
  set.seed(12)
  data <- data.frame(g = gl(30, 6), x = rnorm(180))
  data$y <- rbinom(180, 1, plogis(data$x + rnorm(30, 0, 3.8)[data$g]))
  fit <- glmm(y ~ x + (1 | g), data, binomial())
  estimates <- open_estimates(fit)
  for (response in simulate(fit, 12, seed = 4)) {
    found <- estimate_response(estimates, response)
    full <- estimate_response(estimates, response, in_full = TRUE)
    expect_lt(abs(found$log_likelihood - full$log_likelihood), 2e-4)
  }
})
