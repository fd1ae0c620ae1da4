test_that("the models without a random effect are those fitted without it", {
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy
  for (REML in c(TRUE, FALSE)) { # nolint: object_name_linter.
    fit <- glmm(Reaction ~ Days + (Days | Subject), data, REML = REML)
    table <- ranova(fit)
    expect_identical(rownames(table), c("<none>", "Days in (Days | Subject)"))
    small <- glmm(Reaction ~ Days + (1 | Subject), data, REML = REML)
    expect_equal(table$logLik, c(logLik(fit), logLik(small)), tolerance = 1e-9)
    expect_equal(table$AIC, c(AIC(logLik(fit)), AIC(logLik(small))), tolerance = 1e-8)
    for (column in c("Pr(>Chisq)", "Pr(mixture)")) {
      expect_equal(log(table[[column]][2]), log(anova(small, fit)[[column]][2]), tolerance = 1e-6)
    }
    whole <- ranova(fit, reduce.terms = FALSE)
    expect_equal(whole$logLik[2], c(logLik(lm(Reaction ~ Days, data), REML = REML)), tolerance = 1e-8)
    expect_identical(whole$Df[2], 3L)
    expect_true(is.na(whole[["Pr(mixture)"]][2]))
  }
  # shared truth/inference/inf_chibar.csv
  expect_equal(log(table[["Pr(mixture)"]][2]), log(3.96119530793501e-10), tolerance = 1e-5)
})

test_that("the last random effect is tested against the model without any, in every family", {
  skip_if_not_installed("MASS")
  table <- ranova(bacteria_fit())
  # by brute force: shared truth/inference/inf_chibar.csv
  expect_equal(table$LRT[2], 7.3826189180559, tolerance = 1e-5)
  expect_equal(table[["Pr(mixture)"]][2], 0.00329286002330144, tolerance = 1e-5)
  counts <- ranova(glmm(y ~ lbase * trt + (1 | subject), MASS::epil, nbinom2()))
  expect_equal(counts$logLik[2], c(logLik(MASS::glm.nb(y ~ lbase * trt, MASS::epil))), tolerance = 1e-6)
  expect_equal(log(counts[["Pr(mixture)"]][2]), log(counts[["Pr(>Chisq)"]][2] / 2), tolerance = 1e-12)
})

test_that("the smaller model is found where another variance of the fit is zero", {
  set.seed(3)
  data <- data.frame(school = gl(12, 10), class = gl(24, 5), x = rnorm(120))
  data$y <- data$x + 1.2 * rnorm(12)[data$school] + rnorm(120)
  # classes that differ less than chance
  data$y <- data$y - ave(data$y - data$x, data$class) + ave(data$y - data$x, data$school)
  for (REML in c(TRUE, FALSE)) { # nolint: object_name_linter.
    fit <- glmm(y ~ x + (1 | school / class), data, REML = REML)
    expect_true(fit$singular)
    table <- ranova(fit)
    without <- glmm(y ~ x + (1 | school:class), data, REML = REML)
    at <- match("(1 | school)", rownames(table))
    expect_equal(table$logLik[at], c(logLik(without)), tolerance = 1e-7)
    # and so by the profile of that standard deviation, at its end
    limits <- suppressWarnings(confint(fit, "theta_", method = "profile"))
    expect_false(anyNA(limits))
  }
})

test_that("terms, structures and factors as variables", {
  skip_if_not_installed("lme4")
  crossed <- ranova(glmm(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin))
  expect_identical(rownames(crossed), c("<none>", "(1 | plate)", "(1 | sample)"))
  without <- glmm(diameter ~ 1 + (1 | sample), lme4::Penicillin)
  expect_equal(crossed$logLik[2], c(logLik(without)), tolerance = 1e-8)
  data <- as.data.frame(nlme::Machines)
  vector <- ranova(glmm(score ~ Machine + (Machine | Worker), data))
  expect_identical(rownames(vector)[2], "Machine in (Machine | Worker)")
  expect_identical(vector$Df[2], 5L)
  expect_true(is.na(vector[["Pr(mixture)"]][2]))
  expect_equal(vector$logLik[2], c(logLik(glmm(score ~ Machine + (1 | Worker), data))), tolerance = 1e-8)
  diagonal <- ranova(glmm(score ~ Machine + diag(0 + Machine | Worker), data))
  expect_identical(diagonal$Df[2], 3L)
  series <- ranova(glmm(distance ~ age + (1 | Sex) + ar1(0 + factor(age) | Subject),
                        transform(as.data.frame(nlme::Orthodont), distance = distance + seq_along(distance) %% 3)))
  expect_identical(series$Df[3], 2L)
  expect_true(is.na(series[["Pr(mixture)"]][3]))
  expect_output(print(crossed), "Pr[(]mixture[)] is\\sright in large samples")
  expect_error(ranova(1), class = "glimmer_error_argument")
  joint <- suppressWarnings(glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), method = "joint"))
  expect_error(ranova(joint), class = "glimmer_error_not_available")
})

test_that("the mixture has its size under a variance of zero", {
  skip_unless_slow()
  set.seed(21)
  data <- data.frame(g = gl(40, 5))
  p <- replicate(400, {
    data$y <- rnorm(200)
    ranova(glmm(y ~ 1 + (1 | g), data, REML = TRUE))[["Pr(mixture)"]][2]
  })
  # three standard errors of a proportion around 5 %
  expect_lt(abs(mean(p < 0.05) - 0.05), 0.033)
})

test_that("the terms of (x || g) are told apart", {
  skip_if_not_installed("lme4")
  table <- ranova(glmm(Reaction ~ Days + (Days || Subject), lme4::sleepstudy))
  expect_identical(rownames(table)[2:3], c("(Intercept) in (Days || Subject)", "Days in (Days || Subject)"))
})
