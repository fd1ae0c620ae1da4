# Satterthwaite's degrees of freedom: against lmerTest, against its numbers kept here, and in closed form.

test_that("degrees of freedom and F are those of lmerTest, by ML and by REML", {
  skip_if_not_installed("lmerTest")
  for (case in ddf_cases()) {
    for (restricted in c(FALSE, TRUE)) {
      peer <- peer_fit(case, restricted)
      fit <- glmm(case$formula, case$data, REML = restricted)
      ours <- ddf(fit, method = "satterthwaite")
      theirs <- coef(summary(peer, ddf = "Satterthwaite"))
      expect_lt(relative_difference(ours$std.error, theirs[, "Std. Error"]), 1e-4)
      expect_lt(relative_difference(ours$df, theirs[, "df"]), 1e-3)
      if (nrow(theirs) == 1L) next
      contrasts <- diag(nrow(theirs))[-1L, , drop = FALSE]
      joint <- test_contrasts(fit, contrasts)
      expected <- lmerTest::contestMD(peer, contrasts)
      expect_lt(relative_difference(c(joint$statistic, joint$den_df), c(expected[["F value"]], expected$DenDF)), 1e-3)
      expect_identical(joint$num_df, nrow(contrasts))
    }
  }
})

test_that("an unbalanced split plot, by ML", {
  fit <- glmm(yield ~ nitro * Variety + (1 | Block / Variety), split_plot_data(), REML = FALSE)
  # lmerTest 3.1-3, coef(summary(lmer(..., REML = FALSE))), xtol_rel = 1e-12
  se <- c(8.757644, 8.180676, 7.855336, 7.395516, 9.708437, 10.501121, 10.727274, 10.767704, 10.434268, 12.00709,
          11.235134, 11.275749)
  df <- c(22.59495, 42.10164, 43.44085, 42.45427, 30.34556, 36.70208, 41.79722, 42.74647, 42.25278, 42.65257, 42.96936,
          43.18405)
  expect_lt(relative_difference(ddf(fit)$std.error, se), 1e-4)
  expect_lt(relative_difference(ddf(fit)$df, df), 1e-3)
})

test_that("with sleepstudy the degrees of freedom by ML are the number of subjects", {
  # balanced, a random slope: each estimate is the mean of those of 18 subjects
  fit <- truth_fit("sleep_lmm_ml", REML = FALSE)
  expect_equal(ddf(fit)$df, c(18, 18), tolerance = 1e-4)
})

test_that("derivatives of the covariance of beta, crossed factors and weights: against differences of the matrix", {
  skip_if_not_installed("numDeriv")
  fit <- crossed_fit()
  parts <- satterthwaite_parts(fit)
  expect_equal(unname(parts$covariance), solve(crossprod(crossed_x(fit), solve(dense_covariance(fit), crossed_x(fit)))),
               tolerance = 1e-9, ignore_attr = TRUE)
  jacobian <- numDeriv::jacobian(function(value) {
    fit <- with_standardised(fit, value)
    solve(crossprod(crossed_x(fit), solve(dense_covariance(fit), crossed_x(fit))))
  }, standardised_parameters(fit))
  expect_equal(vapply(parts$slopes, as.vector, jacobian[, 1L]), jacobian, tolerance = 1e-6, ignore_attr = TRUE)
})

test_that("columns far from zero and in other units: the same degrees of freedom", {
  data <- split_plot_data()
  data$x <- seq_len(nrow(data)) %% 7
  data$far <- 1e6 + 1e-3 * data$x
  near <- glmm(yield ~ x + (1 | Block / Variety), data)
  far <- glmm(yield ~ far + (1 | Block / Variety), data)
  expect_equal(ddf(far)$df[2L], ddf(near)$df[2L], tolerance = 1e-4)
  expect_equal(ddf(far)$statistic[2L], ddf(near)$statistic[2L], tolerance = 1e-5)
  small <- transform(data, tiny = 1e-9 * x)
  fit <- glmm(yield ~ tiny + (1 | Block / Variety), small)
  expect_equal(test_contrasts(fit)$num_df, 2L)
  expect_equal(test_contrasts(fit)$statistic, test_contrasts(near)$statistic, tolerance = 1e-6)
})

test_that("variances on the boundary are taken as known", {
  data <- data.frame(y = rep(c(1, 2, 4, 3, 5), 6), x = rep(1:5, 6), g = gl(6, 5))
  # that of lm by maximum likelihood: sigma^2 has the variance of a chi-squared variable of n degrees of freedom
  fit <- glmm(y ~ x + (1 | g), data, REML = FALSE)
  expect_true(any(fit$boundary))
  expect_equal(ddf(fit)$df, c(30, 30), tolerance = 1e-6)
  expect_equal(test_contrasts(fit, c(0, 1))$den_df, 30, tolerance = 1e-6)
  vector <- glmm(y ~ x + (x | g), data, REML = FALSE)
  expect_equal(ddf(vector)$df, c(30, 30), tolerance = 1e-6)
  # by REML that of lm as everybody knows it, of n - 2
  expect_equal(ddf(glmm(y ~ x + (1 | g), data))$df, c(28, 28), tolerance = 1e-6)
})

test_that("a correlation on the boundary is taken as known, as in lmerTest", {
  set.seed(5)
  data <- data.frame(g = gl(10, 8), x = rnorm(80))
  data$y <- data$x + rnorm(10)[data$g] * (1 + 0.5 * data$x) + rnorm(80)
  fit <- glmm(y ~ x + (x | g), data, REML = FALSE)
  expect_identical(names(which(fit$boundary)), "L.g.x|x")
  # lmerTest 3.1-3, coef(summary(lmer(y ~ x + (x | g), data, REML = FALSE)))
  expect_equal(ddf(fit)$df, c(10.095828, 9.140948), tolerance = 1e-4)
  expect_equal(ddf(fit)$std.error, c(0.3677790, 0.2714759), tolerance = 1e-5)
  expect_output(print(summary(fit)), "Degrees of freedom take what is on the boundary as known", fixed = TRUE)
  fit$REML <- TRUE
  expect_true(all(is.finite(ddf(fit, method = "kenward-roger")$df)))
})

test_that("degrees of freedom of a joint test", {
  # E F of independent t^2: the mean of df / (df - 2)
  expect_equal(pool_df(c(4, 12)), 2 * 3.2 / (3.2 - 2))
  expect_identical(pool_df(c(7, 7)), 7)
  expect_identical(pool_df(c(1.5, 9)), 2)
  expect_identical(pool_df(c(NA, 9)), NA_real_)
  expect_identical(pool_df(c(Inf, Inf)), Inf)
})
