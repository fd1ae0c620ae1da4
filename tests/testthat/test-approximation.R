# Which approximation is meant, and which are refused.

test_that("what quadrature cannot do is refused, with what can", {
  data <- wide_data(1, 1)
  data$h <- rep(1:6, 50)
  error <- error_of(glmm(y ~ x + (1 | g) + (1 | h), data, binomial, method = "aghq"))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_setequal(error$factors, c("g", "h"))
  expect_match(conditionMessage(error), "method = \"laplace\"", fixed = TRUE)
  expect_s3_class(error_of(glmm(y ~ x + (1 | g) + (1 | h), data, binomial, nAGQ = 5)), "glimmer_error_quadrature")
  expect_match(glmm(y ~ x + (1 | g) + (1 | h), data, binomial)$method, "^laplace")
  error <- error_of(glmm(y ~ x + (x | g), data, binomial, nAGQ = 317))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_equal(error[c("nodes", "effects", "most")], list(nodes = 317, effects = 2L, most = 316))
  expect_match(conditionMessage(error), "316", fixed = TRUE)
  expect_match(conditionMessage(error), "asks for 100489 nodes", fixed = TRUE)
  error <- error_of(glmm(y ~ x + (1 | g), data, binomial, nAGQ = 100001))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_match(conditionMessage(error), "up to 100000 nodes", fixed = TRUE)
  crossed <- glmm(y ~ x + (1 | g) + (1 | h), data, binomial)
  error <- error_of(accuracy(crossed, nodes = 5))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_match(conditionMessage(error), "Use nodes 0 and 1", fixed = TRUE)
  error <- error_of(accuracy(glmm(y ~ x + (1 | g), data, binomial), nodes = 100001))
  expect_match(conditionMessage(error), "`nodes = 100001` asks for 100001 nodes", fixed = TRUE)
  error <- error_of(ranef(crossed, type = "mean"))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_match(conditionMessage(error), "Use type = \"mode\"", fixed = TRUE)
  expect_s3_class(error_of(glmm(y ~ x + (1 | g), data, binomial, method = "laplace", nAGQ = 5)),
                  "glimmer_error_argument")
  expect_identical(glmm(y ~ x + (1 | g), data, gaussian)$method, "exact")
})

test_that("approximations without a restricted likelihood are refused with the reason", {
  data <- front_data()
  refused(glmm(yb ~ x + (1 | g), data, binomial, REML = TRUE, nAGQ = 5), "argument", argument = "REML", method = "aghq")
  refused(glmm(yb ~ x + (1 | g), data, binomial, REML = TRUE, method = "joint"), "argument", argument = "REML")
  refused(glmm(yb ~ x + (1 | g), data, binomial, REML = NA), "argument", argument = "REML")
  expect_match(conditionMessage(error_of(glmm(yb ~ x + (1 | g), data, binomial, REML = TRUE, nAGQ = 5))), "couples")
  fit <- glmm(yb ~ x + (1 | g), data, binomial, REML = TRUE)
  expect_identical(fit$method, "laplace")
  expect_output(print(summary(fit)), "REML; there is no quadrature for that", fixed = TRUE)
})

test_that("a Gaussian response with identity link is fitted by REML unless that is refused", {
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy
  fit <- glmm(Reaction ~ Days + (Days | Subject), data)
  peer <- lme4::lmer(Reaction ~ Days + (Days | Subject), data)
  expect_true(fit$REML)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(peer)), tolerance = 1e-8)
  expect_equal(vcov(fit), as.matrix(vcov(peer)), tolerance = 1e-3, ignore_attr = TRUE)
  expect_equal(glance(fit)$logLik, as.numeric(logLik(peer)), tolerance = 1e-8)
  # nlme's REML criterion is another constant away
  line <- nlme::lme(Reaction ~ Days, data, ~ Days | Subject)
  expect_equal(sigma(fit), sigma(line), tolerance = 1e-4)
  for (given in list(quote(glmm(Reaction ~ Days + (1 | Subject), data, "gaussian", nAGQ = 5)),
                     quote(glmm(Reaction ~ Days + (1 | Subject), data, method = "joint")),
                     quote(glmm(Reaction ~ Days + (1 | Subject), data, REML = NULL)))) {
    expect_true(eval(given)$REML)
  }
  by_likelihood <- update(fit, REML = FALSE)
  expect_equal(as.numeric(logLik(by_likelihood)), as.numeric(logLik(lme4::refitML(peer))), tolerance = 1e-6)
  # as given, through updates and refits
  expect_false(update(by_likelihood, . ~ . - Days)$REML)
  expect_true(update(by_likelihood, REML = NULL)$REML)
  expect_true(refit(fit, simulate(fit, seed = 1)[[1L]])$REML)
  expect_false(refit(by_likelihood, simulate(fit, seed = 1)[[1L]])$REML)
  # another family, or another link
  expect_false(update(fit, family = gaussian("log"))$REML)
  expect_false(glmm(round(Reaction) ~ Days + (1 | Subject), data, poisson)$REML)
  refused(glmm(Reaction ~ Days + (1 | Subject), data, REML = "ML"), "argument", argument = "REML")
})
