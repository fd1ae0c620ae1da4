# The searches: the fit arrives also when the first optimiser does not.
counts <- function() {
  set.seed(5)
  data <- data.frame(g = gl(20, 10), x = sin(1:200))
  effects <- matrix(stats::rnorm(40, 0, c(0.6, 0.4)), 2)
  data$y <- stats::rpois(200, exp(0.4 + 0.5 * data$x + effects[1, data$g] + effects[2, data$g] * data$x))
  data
}

test_that("the fit arrives when the first optimiser is sabotaged", {
  data <- counts()
  formula <- y ~ x + (x | g)
  fit <- glmm(formula, data, poisson, method = "laplace")
  sabotages <- list(
    stays = function(objective, gradient, size, lower, limits) list(par = numeric(size), message = "stays"),
    wanders = function(objective, gradient, size, lower, limits) list(par = rep(3, size), message = "wanders"),
    "is lost" = function(objective, gradient, size, lower, limits) list(par = rep(NaN, size), message = "lost"),
    "stops early" = function(objective, gradient, size, lower, limits) {
      stats::nlminb(numeric(size), objective, gradient, lower = lower, control = list(iter.max = 1))
    })
  for (name in names(sabotages)) {
    again <- with_replaced("run_nlminb", sabotages[[name]], glmm(formula, data, poisson, method = "laplace"))
    expect_equal(as.numeric(logLik(again)), as.numeric(logLik(fit)), tolerance = 1e-7, info = name)
    expect_equal(again$parameters, fit$parameters, tolerance = 1e-4, info = name)
    expect_true(again$converged, info = name)
  }
})

test_that("an error of the optimiser is recorded, and another one used", {
  data <- counts()
  fit <- glmm(y ~ x + (1 | g), data, poisson, method = "laplace")
  again <- with_replaced("search_limits", function(...) stop("out of order"), {
    glmm(y ~ x + (1 | g), data, poisson, method = "laplace")
  })
  expect_match(component(again, "search")$record$message, "out of order", fixed = TRUE, all = FALSE)
  expect_equal(as.numeric(logLik(again)), as.numeric(logLik(fit)), tolerance = 1e-7)
})

test_that("the simplex alone finds the maximum", {
  data <- counts()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  engine <- engine_of(fit)
  from <- new_search_state(engine$start, engine_evaluate(engine, engine$start)$value)
  found <- search_simplex(engine, from, glmm_control())
  expect_equal(found$value, as.numeric(logLik(fit)), tolerance = 1e-7)
})

test_that("Newton's steps leave a saddle", {
  # log-likelihood x^2 - y^2 / 2 - x^4 at the saddle (0, 0), pushed a little
  hessian <- matrix(c(2, 0, 0, -1), 2)
  step <- newton_step(hessian, c(1e-3, 0))
  expect_gt(step$direction[1L], 0)
  expect_true(is.na(step$gain))
  expect_equal(newton_step(-diag(c(4, 2)), c(2, 2))$direction, c(0.5, 1))
  expect_equal(newton_step(-diag(c(4, 2)), c(2, 2))$gain, (2^2 / 4 + 2^2 / 2) / 2)
  # curvature within the noise of differences is flat, not a saddle
  expect_false(is.na(newton_step(-diag(c(1, -1e-9)), c(1e-5, 0))$gain))
})

test_that("the record of the search holds what was tried, and its counts", {
  fit <- glmm(y ~ x + (1 | g), counts(), poisson, method = "laplace")
  record <- component(fit, "search")$record
  expect_named(record, c("stage", "evaluations", "gradients", "value", "message"))
  expect_equal(record$stage, c("joint", "laplace", "newton"))
  expect_equal(record$value[3L], as.numeric(logLik(fit)))
  record <- component(glmm(y ~ x + (1 | g), counts(), poisson), "search")$record
  expect_equal(unique(record$stage), c("joint", "quadrature", "newton"))
})

test_that("units of covariates and response change nothing but the units of the answer", {
  data <- counts()
  data$z <- cos(1:200) + 0.3 * data$x
  base <- glmm(y ~ x + z + (1 | g), data, poisson)
  slope <- glmm(y ~ x + (x | g), data, poisson)
  for (unit in c(1e-10, 1e-6, 1e6, 1e10)) {
    scaled <- transform(data, x = x * unit)
    fit <- glmm(y ~ x + z + (1 | g), scaled, poisson)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(base)), tolerance = 1e-6 / 300)
    expect_equal(fixef(fit)[["x"]] * unit, fixef(base)[["x"]], tolerance = 1e-5)
    expect_equal(sqrt(vcov(fit)["x", "x"]) * unit, sqrt(vcov(base)["x", "x"]), tolerance = 1e-4)
    fit <- glmm(y ~ x + (x | g), scaled, poisson)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(slope)), tolerance = 1e-6 / 300)
    expect_equal(sqrt(VarCorr(fit)$g["x", "x"]) * unit, sqrt(VarCorr(slope)$g["x", "x"]), tolerance = 1e-4)
  }
})

test_that("a response in other units has the same log-likelihood after the Jacobian", {
  data <- counts()
  set.seed(8)
  data$y <- 1 + 0.5 * data$x + stats::rnorm(20, 0, 0.7)[data$g] + stats::rnorm(200)
  data$positive <- exp(data$y)
  for (unit in c(1e-10, 1e10)) {
    scaled <- transform(data, y = y * unit, positive = positive * unit)
    for (formula in list(y ~ x + (1 | g), y ~ x + (x | g))) {
      for (REML in c(FALSE, TRUE)) {
        rows <- 200 - if (REML) 2 else 0
        expect_equal(as.numeric(logLik(glmm(formula, scaled, REML = REML))) + rows * log(unit),
                     as.numeric(logLik(glmm(formula, data, REML = REML))), tolerance = 1e-6 / 300)
      }
    }
    for (family in list(stats::Gamma("log"), stats::Gamma("inverse"), stats::inverse.gaussian("log"))) {
      formula <- positive ~ x + (1 | g)
      expect_equal(as.numeric(logLik(glmm(formula, scaled, family))) + 200 * log(unit),
                   as.numeric(logLik(glmm(formula, data, family))), tolerance = 1e-6 / 300, info = family$link)
    }
  }
})
