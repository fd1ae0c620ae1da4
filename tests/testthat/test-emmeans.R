# emmeans: estimates, standard errors and degrees of freedom as for the fits of lmerTest and lme4.

# The numbers of two results, column by column.
expect_same_means <- function(ours, theirs, tolerance = 1e-3) {
  ours <- as.data.frame(ours)
  theirs <- as.data.frame(theirs)
  testthat::expect_identical(names(ours), names(theirs))
  for (name in names(ours)) testthat::expect_equal(ours[[name]], theirs[[name]], tolerance = tolerance, label = name)
}

test_that("means, contrasts, slopes and joint tests of an LMM", {
  skip_if_not_installed("emmeans")
  skip_if_not_installed("lmerTest")
  skip_if_not_installed("pbkrtest")
  case <- ddf_cases()$split_plot
  peer <- peer_fit(case, FALSE)
  fit <- glmm(case$formula, case$data, REML = FALSE)
  means <- function(model, ...) suppressMessages(emmeans::emmeans(model, ~ nitro | Variety, ...))
  expect_same_means(means(fit), means(peer, lmer.df = "satterthwaite"))
  expect_same_means(pairs(means(fit)), pairs(means(peer, lmer.df = "satterthwaite")))
  expect_same_means(emmeans::joint_tests(fit), emmeans::joint_tests(peer, lmer.df = "satterthwaite"))
  expect_output(print(pairs(means(fit))), "Degrees-of-freedom method: satterthwaite", fixed = TRUE)
  peer <- peer_fit(case, TRUE)
  fit <- glmm(case$formula, case$data)
  expect_same_means(means(fit, ddf = "kenward-roger"), means(peer, lmer.df = "kenward-roger"))
  data <- transform(ChickWeight, Diet = factor(Diet), w = rep_len(1:3, 578))
  fit <- glmm(weight ~ poly(Time, 2) * Diet + (1 | Chick), data, weights = w)
  peer <- lmerTest::lmer(weight ~ poly(Time, 2) * Diet + (1 | Chick), data, weights = w)
  expect_same_means(emmeans::emtrends(fit, ~ Diet, "Time"), emmeans::emtrends(peer, ~ Diet, "Time",
                                                                            lmer.df = "satterthwaite"))
})

test_that("a GLMM on the scale of the response, without its data", {
  skip_if_not_installed("emmeans")
  skip_if_not_installed("lme4")
  data <- lme4::cbpp
  formula <- cbind(incidence, size - incidence) ~ period + (1 | herd)
  fit <- glmm(formula, data, binomial, method = "laplace")
  rm(data)
  means <- as.data.frame(emmeans::emmeans(fit, "period", type = "response"))
  expect_equal(means$prob, unname(plogis(fixef(fit)[1L] + c(0, fixef(fit)[-1L]))))
  expect_equal(means$df, rep(Inf, 4))
  peer <- lme4::glmer(formula, lme4::cbpp, binomial)
  expect_same_means(means, emmeans::emmeans(peer, "period", type = "response"), tolerance = 0.01)
  expect_equal(as.data.frame(emmeans::emmeans(fit, "period", ddf = "between-within"))$df, rep(14, 4))
  expect_error(emmeans::emmeans(fit, "period", ddf = "satterthwaite"), "Gaussian")
  fixed <- emmeans::emmeans(fit, "period", vcov. = diag(4))
  expect_equal(as.data.frame(fixed)$SE, sqrt(c(1, 2, 2, 2)))
})

test_that("means that the data do not tell are not given", {
  skip_if_not_installed("emmeans")
  skip_if_not_installed("lmerTest")
  data <- subset(split_plot_data(), !(Variety == "Victory" & nitro == "0.6"))
  formula <- yield ~ nitro * Variety + (1 | Block / Variety)
  fit <- suppressWarnings(glmm(formula, data))
  peer <- suppressMessages(lmerTest::lmer(formula, data))
  ours <- as.data.frame(emmeans::emmeans(fit, ~ nitro * Variety))
  expect_identical(is.na(ours$emmean), rep(c(FALSE, TRUE), c(11, 1)))
  expect_same_means(ours, emmeans::emmeans(peer, ~ nitro * Variety, lmer.df = "satterthwaite"))
})
