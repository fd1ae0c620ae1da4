# Fits without one term: against lme4, and against fits of the smaller model.

test_that("drop1 agrees with lme4, and needs no data", {
  skip_if_not_installed("lme4")
  data <- truth_model("sleep_lmm_ml")$data
  data$z <- rep(c(1, 3, 2), 60)
  fit <- glmm(Reaction ~ Days + z + (1 | Subject), data)
  peer <- drop1(lme4::lmer(Reaction ~ Days + z + (1 | Subject), data, REML = FALSE), test = "Chisq")
  rm(data)
  ours <- drop1(fit)
  expect_s3_class(ours, "anova")
  expect_identical(names(ours), c("Df", "AIC", "LRT", "Pr(>Chi)"))
  expect_identical(rownames(ours), rownames(peer))
  expect_equal(unname(as.matrix(ours)), unname(as.matrix(peer)), tolerance = 1e-4)
  expect_identical(rownames(drop1(fit, ~ z)), c("<none>", "z"))
  expect_identical(names(drop1(fit, "z", test = "none")), c("Df", "AIC"))
  expect_equal(drop1(fit, k = 3)$AIC - ours$AIC, c(5, 4, 4))
  error <- expect_error(drop1(fit, "w"), class = "glimmer_error_argument")
  expect_identical(error$unknown, "w")
  expect_message(drop1(fit, "z", trace = TRUE), "without z")
})

test_that("terms that others contain stay, and each fit is that of its formula", {
  data <- truth_model("owls_pois")$data
  fit <- glmm(SiblingNegotiation ~ FoodTreatment * SexParent + poly(ArrivalTime, 2) + offset(logBroodSize) + (1 | Nest),
              data, poisson)
  table <- drop1(fit)
  expect_identical(rownames(table), c("<none>", "poly(ArrivalTime, 2)", "FoodTreatment:SexParent"))
  smaller <- list(SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest),
                  SiblingNegotiation ~ FoodTreatment + SexParent + poly(ArrivalTime, 2) + offset(logBroodSize) +
                    (1 | Nest))
  expected <- vapply(smaller, function(formula) AIC(glmm(formula, data, poisson)), 1)
  expect_equal(table$AIC, c(AIC(fit), expected), tolerance = 1e-8)
  expect_identical(table$Df, c(NA, 2L, 1L))
})

test_that("step leaves out terms", {
  data <- truth_model("sleep_lmm_ml")$data
  data$z <- rep(c(1, 3, 2), 60)
  environment <- list2env(list(data = data, glmm = glmm))
  stepped <- eval(quote(step(glmm(Reaction ~ Days + z + (1 | Subject), data), trace = 0)), environment, globalenv())
  expect_equal(formula(stepped), Reaction ~ Days + (1 | Subject), ignore_formula_env = TRUE)
  expect_named(fixef(stepped), c("(Intercept)", "Days"))
  # chosen by maximum likelihood, as a message says; what comes out is by REML, as what went in
  expect_true(stepped$REML)
  environment$fit <- stepped
  said <- capture_messages(shown <- capture.output(again <- eval(quote(step(fit)), environment, globalenv())))
  expect_match(said[1L], "compared by maximum likelihood", fixed = TRUE)
  expect_match(shown[1L], paste0("AIC=", round(AIC(update(stepped, REML = FALSE)), 2)), fixed = TRUE)
  expect_output(print(again), "Formula: Reaction ~ Days + (1 | Subject)", fixed = TRUE)
  expect_output(print(summary(again)), "Formula  Reaction ~ Days + (1 | Subject)", fixed = TRUE)
})

test_that("the search without a term starts at the estimate of the smaller model, the variances as they are", {
  data <- split_plot_data()
  fit <- glmm(yield ~ nitro + Variety + (1 | Block / Variety), data)
  design <- fit_design(fit)
  x <- model.matrix(~ nitro, data)
  inverse <- solve(dense_covariance(fit))
  expected <- solve(crossprod(x, inverse %*% x), crossprod(x, inverse %*% data$yield))
  start <- start_without(fit, design, structure(x, assign = c(0, 1, 1, 1)), terms(~ nitro))
  expect_equal(start[1:4], drop(expected), tolerance = 1e-3, ignore_attr = TRUE)
  expect_equal(start[5:7], unname(fit$parameters[-fit$index$beta]))
  # columns that are coded otherwise
  sums <- model.matrix(~ nitro + Variety, data, contrasts.arg = list(nitro = "contr.sum"))
  start <- start_without(fit, design, sums, terms(~ nitro + Variety))
  expect_equal(drop(sums %*% start[1:6]), drop(design$X %*% fixef(fit)), ignore_attr = TRUE)
})

test_that("a fit by REML is fitted again by maximum likelihood, and the table says so", {
  data <- split_plot_data()
  fit <- glmm(yield ~ nitro + Variety + (1 | Block / Variety), data)
  expected <- drop1(update(fit, REML = FALSE))
  table <- drop1(fit)
  expect_equal(table, expected, tolerance = 1e-6, ignore_attr = TRUE)
  expect_match(paste(attr(table, "heading"), collapse = " "), "fitted again by maximum likelihood", fixed = TRUE)
})
