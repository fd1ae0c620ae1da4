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

# The rows of some clusters alone; levels without rows say nothing.
rows_of_clusters <- function(design, rows) {
  design$factors <- lapply(design$factors, function(factor) {
    factor[c("index", "Z")] <- list(factor$index[rows], factor$Z[rows, , drop = FALSE])
    factor
  })
  design$X <- design$X[rows, , drop = FALSE]
  replace(design, c("y", "size", "weights", "offset"), lapply(design[c("y", "size", "weights", "offset")], `[`, rows))
}

test_that("scores of clusters add up to the gradient, and are the derivatives of their own log-likelihoods", {
  for (family in list(poisson(), binomial("cloglog"), Gamma("log"))) {
    d <- nested_counts(family)
    stages <- front(y ~ x + (x | g) + (1 | h), d, family)
    engine <- new_engine(stages$design, stages$family)
    at <- with_seed(20, c(0.4, 0.2, 1.1, 0.3, 0.4, 0.6, if (family$family == "Gamma") 0.5))
    # five levels of g together, and each for itself
    for (cluster in list(as.integer(d$g), 1L + (as.integer(d$g) - 1L) %/% 5L)) {
      scores <- engine_scores(engine, at, cluster)
      expect_identical(dim(scores), c(max(cluster), length(at)))
      expect_identical(colnames(scores), engine$names)
      expect_equal(colSums(scores), engine_evaluate(engine, at, gradient = TRUE)$gradient, tolerance = 1e-10,
                   ignore_attr = TRUE)
      for (own in c(1L, max(cluster))) {
        alone <- new_engine(rows_of_clusters(stages$design, which(cluster == own)), stages$family)
        expected <- reference_gradient(function(x) engine_evaluate(alone, x)$value, at)
        expect_equal(unname(scores[own, ]), expected, tolerance = 1e-7)
      }
    }
    expect_error(engine_scores(engine, at, rep(1:2, 120)), "shared by rows of two clusters")
  }
})

test_that("scores of a linear mixed model are those of the normal density of each cluster", {
  d <- nested_counts(gaussian())
  d$y <- with_seed(21, 0.5 * d$x + rnorm(40)[d$g] + rnorm(240))
  d$w <- rep(c(1, 2, 0.5), 80)
  stages <- front(y ~ x + (x | g) + (1 | h), d, weights = w)
  engine <- new_engine(stages$design, stages$family)
  at <- c(0.1, 0.4, 0.9, 0.2, 0.3, 0.5, 0.1)
  scores <- engine_scores(engine, at, as.integer(d$g))
  for (g in c(1L, 17L)) {
    rows <- which(as.integer(d$g) == g)
    own <- d[rows, ]
    log_density <- function(p) {
      L <- matrix(c(p[3:4], 0, p[5]), 2)
      Z <- cbind(1, own$x)
      V <- Z %*% tcrossprod(L) %*% t(Z) + p[6]^2 * outer(own$h, own$h, `==`) + diag(exp(2 * p[7]) / own$w)
      r <- own$y - p[1] - p[2] * own$x
      -(length(r) * log(2 * pi) + determinant(V)$modulus[[1L]] + sum(r * solve(V, r))) / 2
    }
    expect_equal(unname(scores[g, ]), reference_gradient(log_density, at), tolerance = 1e-7)
  }
})

test_that("scores of structures are in the parameters of the fit", {
  d <- nested_counts(poisson())
  d$f <- factor(rep(1:3, 80))
  stages <- front(y ~ x + ar1(0 + f | g), d, poisson())
  engine <- new_engine(stages$design, stages$family)
  at <- c(0.2, 0.1, 0.8, 0.4)
  scores <- engine_scores(engine, at, as.integer(d$g))
  expect_equal(colSums(scores), engine_evaluate(engine, at, gradient = TRUE)$gradient, tolerance = 1e-10,
               ignore_attr = TRUE)
  searched <- with_coordinates(engine, stages$design$terms, searched = TRUE)
  there <- change_coordinates(searched, at, "searched")
  expect_equal(colSums(engine_scores(searched, there, as.integer(d$g))),
               reference_gradient(function(x) engine_evaluate(searched, x)$value, there), tolerance = 1e-7,
               ignore_attr = TRUE)
})

test_that("a response that is set has the evaluations of a new engine", {
  d <- nested_counts(poisson())
  other <- front(rev(y) ~ x + (x | g) + (1 | h), d, poisson())
  stages <- front(y ~ x + (x | g) + (1 | h), d, poisson())
  at <- c(0.4, 0.2, 1.1, 0.3, 0.4, 0.6)
  engine <- new_engine(stages$design, stages$family)
  before <- engine_evaluate(engine, at)$value
  engine_set_response(engine, other$design)
  expected <- engine_evaluate(new_engine(other$design, stages$family), at, gradient = TRUE)
  expect_false(isTRUE(all.equal(expected$value, before)))
  expect_equal(engine_evaluate(engine, at, gradient = TRUE), expected, tolerance = 1e-12)
})
