# A component in the sense of the core is a level of `g` with all its `h`: some are far from their modes after a step of
# the parameters, and others near.
nested_counts <- function(family) {
  with_seed(16, {
    d <- data.frame(g = factor(rep(1:40, each = 6)), x = rnorm(240))
    d$h <- factor(paste(d$g, rep(1:3, 80)))
    eta <- 0.5 + 0.3 * d$x + rnorm(40, 0, 1.5)[d$g] + rnorm(40, 0, 0.5)[d$g] * d$x + rnorm(120)[d$h]
    d$y <- switch(family$family, poisson = rpois(240, exp(eta)), binomial = rbinom(240, 1, family$linkinv(eta)),
                  Gamma = rgamma(240, 2, 2 / exp(eta)))
    d
  })
}

test_that("the log-likelihood is a function of the parameters, wherever the search for the modes began", {
  for (family in list(poisson(), binomial(), binomial("cloglog"), Gamma("log"))) {
    d <- nested_counts(family)
    fit <- suppressWarnings(glmm(y ~ x + (x | g) + (1 | h), d, family))
    reference <- reference_from_formula(y ~ x + (x | g) + (1 | h), d, family)
    home <- component(fit, "parameters")
    unit <- sqrt(diag(vcov(fit, full = TRUE)))
    unit[is.na(unit)] <- 0.2
    engine <- engine_of(fit)
    expected <- reference_laplace(reference, home)
    with_seed(17, for (distance in c(0.5, 3, 20)) {
      back <- replicate(12, {
        engine_evaluate(engine, home + distance * unit * rnorm(length(home)))
        engine_evaluate(engine, home)$value
      })
      expect_lt(max(abs(back / expected - 1)), 1e-10, label = paste(family$family, family$link, distance))
      away <- home + min(distance, 3) * unit * rnorm(length(home))
      expect_equal(as.numeric(logLik(fit, parameters = away)), as.numeric(reference_laplace(reference, away)),
                   tolerance = 1e-10)
    })
  }
})

test_that("a time limit that is reached in the core is an error as in R, also in a linear mixed model", {
  limited <- function(seconds, expression) {
    on.exit(setTimeLimit())
    setTimeLimit(elapsed = seconds, transient = TRUE)
    conditionMessage(error_of(expression))
  }
  d <- with_seed(18, data.frame(g = factor(rep(1:20, 10)), x = rnorm(200), y = rbinom(200, 1, 0.4)))
  expect_match(limited(1, glmm(y ~ x + (x | g), d, binomial, nAGQ = 300)), "time limit")
  # An evaluation takes half a second and more: R itself looks at its limits at every sixth question only.
  n <- 3e4
  crossed <- with_seed(19, data.frame(a = factor(sample(3000, n, TRUE)), b = factor(sample(3000, n, TRUE)),
                                      y = rnorm(n)))
  stages <- front(y ~ 1 + (1 | a) + (1 | b), crossed)
  engine <- new_engine(stages$design, stages$family, inner = "profiled")
  expect_match(limited(0.03, engine_evaluate(engine, c(0, 1, 1, 0), gradient = TRUE)), "time limit")
  # nothing is left half done
  expect_identical(engine_evaluate(engine, c(0, 1, 1, 0))$status, "ok")
})
