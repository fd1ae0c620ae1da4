# Residuals, fitted values and weights against lme4, and against glm where the variance is 0.

expect_like <- function(fit, peer, tolerance, working = TRUE) {
  expect_equal(fitted(fit), fitted(peer), tolerance = tolerance, ignore_attr = TRUE)
  for (type in c("deviance", "pearson", "response", "working")) {
    expect_equal(residuals(fit, type), residuals(peer, type), tolerance = tolerance, ignore_attr = TRUE, label = type)
  }
  expect_equal(residuals(fit), residuals(peer, "deviance"), tolerance = tolerance, ignore_attr = TRUE)
  expect_equal(weights(fit), weights(peer, "prior"), ignore_attr = TRUE)
  # lme4 has no working weights of linear models
  if (working) expect_equal(weights(fit, "working"), weights(peer, "working"), tolerance = tolerance,
                            ignore_attr = TRUE)
}

test_that("with a variance of zero, all is as in glm", {
  data <- expand.grid(x = 1:6, g = letters[1:8])
  data$count <- rep(c(2, 1, 3, 2, 5, 4), 8)
  data$trials <- rep(c(5, 8, 4, 9, 7, 6), 8)
  data$w <- rep(c(1, 2, 0.5, 1, 0, 3), 8)
  data$outcome <- factor(rep(c("no", "yes", "no", "yes", "yes", "no"), 8))
  peer <- function(...) eval(substitute(glm(..., data = data, epsilon = 1e-14)))
  fits <- list(
    list(glmm(count ~ x + (1 | g), data, poisson), peer(count ~ x, poisson)),
    list(glmm(count ~ x + (1 | g), data, poisson, weights = w), peer(count ~ x, poisson, weights = w)),
    list(glmm(count ~ x + (1 | g), data, weights = w), peer(count ~ x, gaussian, weights = w)),
    list(glmm(cbind(count, trials - count) ~ x + (1 | g), data, binomial),
         peer(cbind(count, trials - count) ~ x, binomial)),
    list(glmm(count / trials ~ x + (1 | g), data, binomial, weights = trials),
         peer(count / trials ~ x, binomial, weights = trials)),
    list(glmm(outcome ~ x + (1 | g), data, binomial), peer(outcome ~ x, binomial))
  )
  for (pair in fits) {
    expect_true(pair[[1L]]$singular)
    expect_like(pair[[1L]], pair[[2L]], 1e-6)
    expect_equal(weighted.residuals(pair[[1L]]), weighted.residuals(pair[[2L]]), tolerance = 1e-6)
  }
})

test_that("residuals and weights are those of lme4", {
  skip_if_not_installed("lme4")
  formula <- cbind(incidence, size - incidence) ~ period + (1 | herd)
  expect_like(glmm(formula, lme4::cbpp, family = binomial, method = "laplace"),
              lme4::glmer(formula, lme4::cbpp, binomial, control = lme4::glmerControl(tolPwrss = 1e-10)), 1e-4)
  sleep <- transform(lme4::sleepstudy, w = rep(c(1, 2, 0.5), 60))
  fit <- glmm(Reaction ~ Days + (Days | Subject), sleep, weights = w)
  peer <- lme4::lmer(Reaction ~ Days + (Days | Subject), sleep, weights = w)
  expect_like(fit, peer, 1e-4, working = FALSE)
  expect_equal(residuals(fit, "pearson", scaled = TRUE), residuals(peer, "pearson", scaled = TRUE), tolerance = 1e-4)
})

test_that("rows left out by na.exclude are NA, those by na.omit are not there", {
  skip_if_not_installed("MASS")
  data <- MASS::bacteria
  data$week[c(3, 10)] <- NA
  excluded <- glmm(y ~ week + (1 | ID), data, binomial, na.action = na.exclude)
  omitted <- glmm(y ~ week + (1 | ID), data, binomial)
  for (of in list(fitted, residuals, weights, function(fit) weights(fit, "working"))) {
    expect_length(of(excluded), 220L)
    expect_identical(unname(which(is.na(of(excluded)))), c(3L, 10L))
    expect_equal(of(excluded)[-c(3, 10)], of(omitted))
  }
})

test_that("rows of weight 0 and rows without trials have residuals", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::cbpp, none = replace(size, 7, 0), hits = replace(incidence, 7, 0))
  fit <- glmm(cbind(hits, none - hits) ~ period + (1 | herd), data, binomial)
  expect_true(all(is.finite(residuals(fit))))
  expect_equal(residuals(fit)[[7]], 0)
  expect_equal(nobs(fit), 55)
  share <- glmm(I(incidence / size) ~ period + (1 | herd), data, binomial, weights = none)
  expect_equal(residuals(share, "response")[[7]], data$incidence[7] / data$size[7] - fitted(share)[[7]])
})

test_that("a type that is not there is an error with the types that are", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  error <- tryCatch(residuals(fit, "partial"), error = identity)
  expect_s3_class(error, "glimmer_error_argument")
  expect_match(conditionMessage(error), "'deviance', 'pearson', 'response' and 'working'")
  expect_s3_class(tryCatch(weights(fit, "both"), error = identity), "glimmer_error_argument")
})

test_that("an unweighted linear mixed model has one kind of residual", {
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  fit <- glmm(Reaction ~ Days + (Days | Subject), sleep)
  for (type in c("response", "working", "pearson")) {
    expect_equal(residuals(fit, type), residuals(fit))
  }
  expect_equal(residuals(fit, scaled = TRUE), residuals(fit) / sigma(fit))
  expect_equal(unname(weights(fit)), rep(1, 180))
  expect_equal(unname(weights(fit, "working")), rep(1, 180))
  sleep$Reaction[1] <- NA
  fit <- glmm(Reaction ~ 1 + (1 | Subject), sleep, na.action = na.exclude)
  expect_equal(unname(weighted.residuals(fit)), unname(residuals(fit)))
  expect_true(is.na(weighted.residuals(fit)[1]))
  expect_length(weights(update(fit, na.action = na.omit)), 179L)
})

test_that("no deviance residual is NaN where a mean meets its response", {
  data <- data.frame(x = 1:5, n = 100, id = 1:5)
  fit <- glmm(cbind(x, n - x) ~ 1 + (1 | id), data, binomial)
  expect_true(all(is.finite(residuals(fit))))
})
