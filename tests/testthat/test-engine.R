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
    fit <- suppressWarnings(glmm(y ~ x + (x | g) + (1 | h), d, family, method = "laplace"))
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
  # An evaluation takes half a second and more: R itself looks at its limits at every sixth question only.
  d <- with_seed(18, data.frame(g = factor(rep(1:60, 15)), x = rnorm(900), y = rbinom(900, 1, 0.4)))
  stages <- front(y ~ x + (x | g), d, binomial())
  engine <- new_engine(stages$design, stages$family, threads = 1L)
  at <- c(-0.4, 0, 0.5, 0, 0.5)
  expect_equal(engine_place_rule(engine, at), "ok")
  engine_set_rule(engine, uniform_rule(engine, 300L))
  expect_match(limited(0.03, engine_pass(engine, at, 2L)), "time limit")
  expect_identical(engine_pass(engine, at, 0L)$status, "ok")
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

test_that("scores by quadrature are the gradients of levels", {
  d <- nested_counts(poisson())
  for (case in list(list(y ~ x + (x | g), poisson()), list(y ~ x + (1 | g), nbinom2()))) {
    stages <- front(case[[1L]], d, case[[2L]])
    engine <- new_engine(stages$design, stages$family)
    at <- if (length(engine$index$dispersion)) c(0.3, 0.2, 0.9, 1) else c(0.3, 0.2, 0.9, 0.3, 0.5)
    rule <- uniform_rule(engine, 9L)
    engine_set_rule(engine, rule)
    expect_equal(engine_place_rule(engine, at), "ok")
    scores <- engine_level_scores(engine, at)
    expect_equal(colSums(scores), engine_pass(engine, at, 1L)$gradient, tolerance = 1e-10, ignore_attr = TRUE)
    level <- function(p) engine_level_values(engine, p, rule)[7L]
    expect_equal(scores[7L, ], reference_gradient(level, at, 1e-3), tolerance = 1e-6, ignore_attr = TRUE)
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

# The parameters where an engine's log-likelihood is largest, by Newton's method from a fit to nearly the same rows.
engine_maximum <- function(engine, at) {
  slope <- function(p) engine_evaluate(engine, p, gradient = TRUE)$gradient
  for (step in 1:8) {
    hessian <- vapply(seq_along(at), function(j) {
      h <- replace(numeric(length(at)), j, 1e-4)
      (slope(at + h) - slope(at - h)) / 2e-4
    }, at)
    at <- at - solve(hessian, slope(at))
  }
  at
}

# The fit to the rows without a cluster, and its parameters to the last digits.
fit_without <- function(cluster, formula, data, family, ...) {
  fit <- glmm(formula, droplevels(data[data$g != cluster, ]), family, ...)
  list(log_likelihood = fit$log_likelihood, parameters = engine_maximum(engine_of(fit), fit$parameters))
}

test_that("the fit without a cluster is that of the other rows: by the Laplace approximation", {
  data <- front_data()
  data$yn <- data$yc * rep(c(1, 2, 1, 3), 30)
  cases <- list(list(yc ~ x + (1 | g), poisson()), list(cbind(s, m - s) ~ f + (1 | g), binomial()),
                list(yp ~ x + (x | g), Gamma("log")), list(yn ~ x + (1 | g), nbinom2()))
  for (case in cases) {
    fit <- glmm(case[[1L]], data, case[[2L]], method = "laplace")
    design <- fit_design(fit)
    engine <- new_engine(design, fit$family)
    for (cluster in c("g01", "g07")) {
      engine_set_weights(engine, design, data$g != cluster)
      found <- engine_maximum(engine, fit$parameters)
      expected <- fit_without(cluster, case[[1L]], data, case[[2L]], method = "laplace")
      expect_equal(engine_evaluate(engine, found)$value, expected$log_likelihood, tolerance = 1e-9)
      expect_equal(found, expected$parameters, tolerance = 1e-6)
    }
  }
})

test_that("the fit without a cluster is that of the other rows: linear mixed models", {
  data <- front_data()
  for (REML in c(FALSE, TRUE)) {
    fit <- glmm(yg ~ x + (1 | g) + (1 | h), data, weights = w, offset = o, REML = REML)
    design <- fit_design(fit)
    engine <- open_engine(engine_layout(design, fit$family, "profiled", REML), design, fit$family, 1L)
    for (cluster in levels(data$g)[1:3]) {
      engine_set_weights(engine, design, data$g != cluster)
      found <- stats::nlminb(fit$parameters, function(p) -engine_evaluate(engine, p)$value,
                             function(p) -engine_evaluate(engine, p, gradient = TRUE)$gradient,
                             control = list(rel.tol = 1e-15, x.tol = 1e-12))$par
      found <- engine_evaluate(engine, found)
      expected <- glmm(yg ~ x + (1 | g) + (1 | h), droplevels(data[data$g != cluster, ]), weights = w, offset = o,
                       REML = REML, control = glmm_control(gain_limit = 1e-14))
      expect_equal(found$value, expected$log_likelihood, tolerance = 1e-10)
      expect_equal(found$parameters, expected$parameters, tolerance = 1e-6)
    }
    engine_set_response(engine, design)
    expect_equal(engine_evaluate(engine, fit$parameters)$value, fit$log_likelihood, tolerance = 1e-10)
  }
})

# Newton's method by a rule of so many nodes, placed at the modes before each step: the last pass, and its end.
newton_by_rule <- function(engine, at, nodes, steps = 8L) {
  engine_set_rule(engine, uniform_rule(engine, nodes))
  for (step in seq_len(steps)) {
    expect_equal(engine_place_rule(engine, at), "ok")
    pass <- engine_pass(engine, at, 2L)
    at <- at - solve(pass$hessian, pass$gradient)
  }
  list(value = pass$value, parameters = at)
}

test_that("the fit without a cluster is that of the other rows: by quadrature", {
  data <- front_data()
  fit <- glmm(yb ~ x + (1 | g), data, binomial, nAGQ = 15)
  design <- fit_design(fit)
  engine <- new_engine(design, fit$family)
  for (cluster in c("g02", "g12")) {
    expected <- glmm(yb ~ x + (1 | g), droplevels(data[data$g != cluster, ]), binomial, nAGQ = 15)
    engine_set_weights(engine, design, data$g != cluster)
    found <- newton_by_rule(engine, fit$parameters, 15L)
    expect_equal(found$value, expected$log_likelihood, tolerance = 1e-9)
    expect_equal(found$parameters, expected$parameters, tolerance = 1e-6)
  }
})

# The data with so many copies of each level of g, as levels of their own.
repeat_clusters <- function(data, copies) {
  drawn <- rep(names(copies), copies)
  do.call(rbind, Map(function(g, own) transform(data[data$g == g, ], g = own), drawn, make.unique(drawn)))
}

test_that("a fit to clusters that count so often is that of a bootstrap of them", {
  data <- front_data()
  copies <- stats::setNames(rep(c(2, 0, 1, 1, 3, 0), 2), levels(data$g))
  drawn <- repeat_clusters(data, copies)
  cases <- list(list(yc ~ x + (x | g), poisson(), method = "laplace"),
                list(cbind(s, m - s) ~ x + (1 | g / f), binomial(), method = "laplace"),
                list(yg ~ x + (1 | g), gaussian(), REML = FALSE))
  for (case in cases) {
    fit <- do.call(glmm, c(case[1L], list(drawn), case[-1L]))
    expected <- engine_maximum(engine_of(fit), fit$parameters)
    stages <- front(case[[1L]], data, case[[2L]])
    engine <- new_engine(stages$design, stages$family)
    engine_set_weights(engine, stages$design, copies = copies[data$g])
    found <- engine_maximum(engine, expected * 1.01)
    expect_equal(engine_evaluate(engine, found)$value, fit$log_likelihood, tolerance = 1e-9)
    expect_equal(found, expected, tolerance = 1e-6)
  }
  # by frozen rules
  fit <- glmm(yb ~ f + (1 | g), drawn, binomial, nAGQ = 15)
  stages <- front(yb ~ f + (1 | g), data, binomial())
  engine <- new_engine(stages$design, stages$family)
  engine_set_weights(engine, stages$design, copies = copies[data$g])
  found <- newton_by_rule(engine, fit$parameters, 15L)
  expect_equal(found$value, fit$log_likelihood, tolerance = 1e-9)
  expect_equal(found$parameters, fit$parameters, tolerance = 1e-6)
})

test_that("what counts in parts of a cluster, or of cross products, is refused", {
  data <- front_data()
  stages <- front(yg ~ x + (1 | g), data)
  engine <- new_engine(stages$design, stages$family)
  expect_error(engine_set_weights(engine, stages$design, copies = seq_len(120)), "count differently")
  engine <- new_engine(stages$design, stages$family, inner = "profiled")
  expect_error(engine_set_weights(engine, stages$design, copies = rep(2, 120)), "model of the rows")
})

test_that("rows that have no prior weight have no place among the numbers of times", {
  data <- front_data()
  data$w[c(3, 50)] <- 0
  stages <- front(yp ~ x + (1 | g), data, Gamma("log"), weights = w)
  at <- c(0.4, 0.2, 0.6, 0.3)
  times <- rep(c(0, 1, 2), 40)
  engine <- new_engine(stages$design, stages$family)
  engine_set_weights(engine, stages$design, times)
  copies <- front(yp ~ x + (1 | g), data[rep(seq_along(times), times), ], Gamma("log"), weights = w)
  expect_equal(engine_evaluate(engine, at, gradient = TRUE),
               engine_evaluate(new_engine(copies$design, copies$family), at, gradient = TRUE), tolerance = 1e-11)
  expect_error(engine_set_weights(engine, stages$design, -times), "not be negative")
})
