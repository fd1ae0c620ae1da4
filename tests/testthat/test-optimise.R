# The search: what it does at zero variances, from bad starts, and when it may not finish.
clustered <- function(sd, seed = 3) {
  data <- data.frame(g = factor(rep(1:30, each = 8)), x = sin(1:240))
  set.seed(seed)
  data$y <- stats::rpois(240, exp(0.5 + 0.3 * data$x + stats::rnorm(30, 0, sd)[data$g]))
  data
}

test_that("a start at zero, or with the wrong sign, reaches the same maximum", {
  data <- clustered(0.6)
  # quadrature may choose other nodes on another way: then its error of 1e-5 is the difference
  for (method in c("laplace", "aghq")) {
    fit <- glmm(y ~ x + (1 | g), data, poisson, method = method)
    for (sd in c(0, -0.6, 30)) {
      start <- replace(fit$parameters, 3L, sd)
      again <- glmm(y ~ x + (1 | g), data, poisson, method = method, start = start)
      expect_lte(abs(as.numeric(logLik(again)) - as.numeric(logLik(fit))), if (method == "aghq") 2e-5 else 1e-8)
      expect_false(again$singular)
    }
  }
})

test_that("a search that came to rest at zero is taken up again where that is no maximum", {
  data <- clustered(0.6)
  fit <- glmm(y ~ x + (1 | g), data, poisson, method = "laplace")
  engine <- engine_of(fit)
  at_zero <- replace(fit$parameters, 3L, 0)
  stuck <- new_search_state(at_zero, engine_evaluate(engine, at_zero)$value)
  expect_true(settle(engine, stuck, glmm_control())$held[3L])
  moved <- climb(engine, stuck, glmm_control())
  expect_equal(moved$value, as.numeric(logLik(fit)), tolerance = 1e-10)
})

test_that("no variance between groups is a boundary fit, and the rest is that of glm()", {
  data <- clustered(0)
  data$y <- rep(c(1, 2, 3, 2), 60) # every group has the same counts
  fit <- glmm(y ~ 1 + (1 | g), data, poisson)
  plain <- stats::glm(y ~ 1, poisson, data)
  expect_true(fit$singular)
  expect_true(fit$converged)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(plain)), tolerance = 1e-10)
  expect_equal(unname(fixef(fit)), unname(stats::coef(plain)), tolerance = 1e-6)
  expect_equal(sqrt(vcov(fit)[1, 1]), sqrt(vcov(plain)[1, 1]), tolerance = 1e-4)
  expect_true(is.na(vcov(fit, full = TRUE)[2, 2]))
})

test_that("separated data are found, and their standard errors are not small", {
  data <- data.frame(g = gl(10, 20), z = rep(0:1, 100))
  set.seed(1)
  data$y <- ifelse(data$z == 1, 1, stats::rbinom(200, 1, 0.6))
  caught <- tryCatch(glmm(y ~ z + (1 | g), data, binomial), glimmer_warning_separation = identity)
  expect_s3_class(caught, "glimmer_warning_separation")
  expect_match(conditionMessage(caught), "'z'", fixed = TRUE)
  fit <- suppressWarnings(glmm(y ~ z + (1 | g), data, binomial))
  expect_gt(sqrt(vcov(fit)["z", "z"]), 100)
})

test_that("a response without residual variation is refused by name", {
  data <- data.frame(g = gl(10, 6), x = sin(1:60))
  data$eta <- 0.5 * data$x + as.integer(data$g)
  expect_s3_class(error_of(glmm(eta ~ x + (1 | g), data)), "glimmer_error_exact_fit")
  expect_s3_class(error_of(glmm(eta - eta ~ 1 + (1 | g), data)), "glimmer_error_constant_response")
})

test_that("of two maxima, at zero and inside, the higher one is found where events are rare", {
  # 11 events in 1,500 rows; glmmTMB 1.1.5 finds -64.47419 with a standard deviation of 0.959, at zero it is -64.58024
  withr_seed(37)
  d <- data.frame(g = sample(60, 1500, TRUE), z = stats::rnorm(1500))
  d$r <- stats::rbinom(1500, 1, stats::plogis(-5.5 + stats::rnorm(60)[d$g]))
  fit <- glmm(r ~ z + (1 | g), d, binomial, method = "laplace")
  expect_equal(as.numeric(logLik(fit)), -64.47419, tolerance = 1e-7)
  # the exact log-likelihood falls from zero on, as integration tells
  fit <- glmm(r ~ z + (1 | g), d, binomial)
  expect_true(fit$singular)
  expect_equal(as.numeric(logLik(fit)), -64.58024, tolerance = 1e-7)
  model <- reference_from_formula(r ~ z + (1 | g), d, binomial())
  inside <- vapply(c(0.2, 0.6, 1), function(sd) reference_exact(model, replace(fit$parameters, 3L, sd)), 1)
  expect_true(all(inside < as.numeric(logLik(fit))))
})
