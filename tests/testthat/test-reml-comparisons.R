# REML for every family, and comparisons of such fits.

# In this release of the tests: all families, links and structures of gradient_scope (test-gradient.R has the table).
restricted_links <- list(gaussian = c("identity", "log", "inverse"),
                         binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
                         poisson = c("log", "identity", "sqrt"), Gamma = c("inverse", "log", "identity"),
                         inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"))

check_restricted <- function(case) {
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset),
                          classes = "glimmer_warning")
  engine <- new_engine(fit_design(fit), fit$family, inner = "integrated")
  parameters <- case$parameters[engine$names]
  at <- function(parameters, gradient = FALSE) engine_evaluate(engine, parameters, gradient)
  here <- at(parameters, gradient = TRUE)
  expected <- reference_laplace_reml(case$model, case$parameters)
  expect_lte(abs(here$value - expected), 1e-9 * abs(expected))
  inner <- setdiff(seq_along(parameters), engine$index$beta)
  expect_identical(here$gradient[engine$index$beta], numeric(length(engine$index$beta)))
  numerical <- reference_gradient(function(x) at(replace(parameters, inner, x))$value, parameters[inner])
  expect_lte(max(abs(here$gradient[inner] - numerical)), 1e-6 * max(1, abs(here$gradient)))
  beta <- reference_joint(case$model, case$parameters)
  expect_equal(here$parameters[engine$index$beta], attr(beta, "beta"), tolerance = 1e-7)
}

for (family in names(restricted_links)) {
  for (link in restricted_links[[family]]) {
    test_that(paste("restricted log-likelihood and gradient:", family, link), {
      for (structure in c("scalar", "slope", "independent", "nested", "crossed", "crossed slopes", "two terms")) {
        check_restricted(random_model(2L, family, link, structure))
      }
    })
  }
}

restricted_peers <- list(
  bacteria = list(y ~ trt + I(week > 2) + (1 | ID), function() MASS::bacteria, binomial()),
  cbpp = list(cbind(incidence, size - incidence) ~ period + (1 | herd), function() lme4::cbpp, binomial()),
  grouseticks = list(TICKS ~ YEAR + height + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), function() {
    transform(lme4::grouseticks, height = as.numeric(scale(HEIGHT)))
  }, poisson()),
  Gamma = list(yp ~ x + f + (x | g), front_data, Gamma("log"))
)
for (name in names(restricted_peers)) {
  test_that(paste("restricted maximum and standard errors of glmmTMB:", name), {
    skip_if_not_installed("glmmTMB")
    skip_if_not_installed("lme4")
    case <- restricted_peers[[name]]
    data <- case[[2L]]()
    fit <- glmm(case[[1L]], data, case[[3L]], REML = TRUE)
    peer <- glmmTMB::glmmTMB(case[[1L]], data, case[[3L]], REML = TRUE)
    expect_true(fit$converged)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(peer)), tolerance = 1e-5 / abs(c(logLik(fit))))
    expect_equal(fixef(fit), glmmTMB::fixef(peer)$cond, tolerance = 1e-4)
    expect_equal(vcov(fit), vcov(peer)$cond, tolerance = 1e-3, ignore_attr = TRUE)
    expect_equal(as.numeric(logLik(fit, parameters = fit$parameters)), as.numeric(logLik(fit)), tolerance = 1e-10)
  })
}

test_that("another basis of the fixed effects shifts the restricted log-likelihood by its determinant", {
  data <- front_data()
  fit <- glmm(yb ~ x + z + (1 | g), data, binomial, REML = TRUE)
  other <- glmm(yb ~ I(x / 4) + I(z + 3 * x) + (1 | g), data, binomial, REML = TRUE)
  # X T with T of determinant 1/4
  expect_equal(as.numeric(logLik(other)), as.numeric(logLik(fit)) + log(4), tolerance = 1e-9)
  expect_equal(fit$parameters[["sd.g.(Intercept)"]], other$parameters[["sd.g.(Intercept)"]], tolerance = 1e-5)
  ill <- glmm(yp ~ I(x + 1e6) + (1 | g), data, Gamma("log"), REML = TRUE)
  well <- glmm(yp ~ x + (1 | g), data, Gamma("log"), REML = TRUE)
  expect_equal(as.numeric(logLik(ill)), as.numeric(logLik(well)), tolerance = 1e-8)
  expect_equal(as.numeric(logLik(ill, parameters = ill$parameters)), as.numeric(logLik(ill)), tolerance = 1e-8)
})

test_that("a variance of zero is held by REML, too", {
  data <- front_data()
  # as many successes in every group
  data$flat <- rep(0:1, length.out = nrow(data))
  fit <- glmm(flat ~ x + (1 | g), data, binomial, REML = TRUE)
  expect_true(fit$singular)
  expect_true(fit$converged)
  plain <- glm(flat ~ x, binomial, data, epsilon = 1e-14)
  # beta integrated out of a logistic regression
  information <- determinant(solve(vcov(plain)))$modulus[[1L]]
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(plain)) + log(2 * pi) - information / 2, tolerance = 1e-8)
  expect_equal(fixef(fit), coef(plain), tolerance = 1e-6)
  expect_equal(vcov(fit), vcov(plain), tolerance = 1e-6)
})

test_that("fits by REML compare where fixed effects are the same, and are fitted again where they differ", {
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy
  none <- glmm(Reaction ~ 1 + (1 | Subject), data)
  small <- glmm(Reaction ~ Days + (1 | Subject), data)
  large <- glmm(Reaction ~ Days + (Days | Subject), data)
  peers <- lapply(list(none, small, large), function(fit) lme4::lmer(formula(fit), data))
  expected <- anova(peers[[2L]], peers[[3L]], refit = FALSE)
  table <- anova(small, large)
  expect_equal(table$Chisq[2L], expected$Chisq[2L], tolerance = 1e-6)
  expect_match(attr(table, "heading"), "exact likelihood (REML)", fixed = TRUE, all = FALSE)
  by_likelihood <- suppressMessages(anova(peers[[1L]], peers[[2L]], peers[[3L]]))
  expect_equal(anova(small, large, refit = TRUE)$Chisq[2L], by_likelihood$Chisq[3L], tolerance = 1e-6)
  table <- anova(none, small, large)
  expect_equal(as.matrix(table[names(by_likelihood)]), as.matrix(by_likelihood), tolerance = 1e-5, ignore_attr = TRUE)
  expect_match(attr(table, "heading")[1L], "fitted again by maximum likelihood: none, small and large")
  # the same columns in other units
  far <- glmm(Reaction ~ I(Days - 4) + (1 | Subject), data)
  expect_equal(anova(far, large)$Chisq[2L], by_likelihood$Chisq[3L], tolerance = 1e-5)
  # beside fits by maximum likelihood
  expect_equal(anova(none, update(small, REML = FALSE))$Chisq[2L], by_likelihood$Chisq[2L], tolerance = 1e-6)
  line <- lm(Reaction ~ Days, data)
  expect_equal(anova(small, line)$logLik, c(logLik(line), by_likelihood$logLik[2L]), tolerance = 1e-8)
  refused(anova(none, small, refit = FALSE), "comparison", argument = "refit", models = c("none", "small"))
  expect_match(conditionMessage(error_of(anova(none, small, refit = FALSE))), "refit = TRUE", fixed = TRUE)
  refused(anova(update(small, REML = FALSE), small, refit = FALSE), "comparison", argument = "refit")
  expect_equal(drop1(small)$LRT[2L], by_likelihood$Chisq[2L], tolerance = 1e-6)
  expect_match(attr(drop1(small), "heading")[2L], "fitted again by maximum likelihood")
})

test_that("with few groups maximum likelihood is biased downwards, REML is not", {
  skip_unless_slow()
  withr_seed(20261122)
  groups <- 6L
  each <- 12L
  count <- 1000L
  g <- gl(groups, each)
  x <- rep(seq_len(groups) - mean(seq_len(groups)), each = each) / 2
  variances <- replicate(count, {
    # two fixed effects between the groups
    data <- data.frame(g, x, y = rnorm(groups)[g] + rnorm(groups * each))
    vapply(c(FALSE, TRUE), function(REML) VarCorr(glmm(y ~ x + (1 | g), data, REML = REML))$g[1L, 1L], 1)
  })
  distance <- (rowMeans(variances) - 1) / (apply(variances, 1L, sd) / sqrt(count))
  expect_lt(distance[1L], -3)
  expect_lt(abs(distance[2L]), 2)
  counts <- replicate(count, {
    data <- data.frame(g, x, y = rpois(groups * each, exp(1.5 + rnorm(groups)[g])))
    vapply(c(FALSE, TRUE), function(REML) VarCorr(glmm(y ~ x + (1 | g), data, poisson, REML = REML))$g[1L, 1L], 1)
  })
  distance <- (rowMeans(counts) - 1) / (apply(counts, 1L, sd) / sqrt(count))
  expect_lt(distance[1L], -3)
  expect_lt(abs(distance[2L]), 2)
})
