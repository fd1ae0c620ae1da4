# Nested grouping factors, found in the data, and their quadrature against numbers that come from elsewhere: sums within
# sums over densities of R (helper-reference-nested.R), linear mixed models, a model of one factor, published ones.
two_factors <- y ~ x + (1 | outer) + (1 | inner)

# A fit whose error can be neglected.
exact_fit <- function(formula, data, family) {
  suppressWarnings(glmm(formula, data, family, control = glmm_control(accuracy = 1e-8)), classes = "glimmer_warning")
}

# 24 levels of `inner` in 6 of `outer`, whatever the names say; `region`: three of `outer` each.
nested_data <- function(rows = 72L, seed = 4) {
  inner <- rep_len(1:24, rows)
  with_seed(seed, data.frame(inner = factor(inner), outer = factor(letters[1L + inner %% 6]),
                             region = factor(inner %% 6 %% 2), x = rnorm(rows), offset = rnorm(rows, 0, 0.1)))
}

# With responses of a family, standard deviations .8 and .5 (halved where the mean is restricted or counts grow).
nested_responses <- function(family, seed = 5) {
  data <- nested_data(seed = seed)
  rows <- nrow(data)
  eta <- with_seed(seed, 0.3 * data$x + rnorm(24, 0, 0.6)[data$inner] + rnorm(6, 0, 0.5)[data$outer])
  mean <- family$linkinv(eta)
  data$y <- with_seed(seed + 1, switch(family$family,
    binomial = rbinom(rows, 1, mean), poisson = rpois(rows, mean), Gamma = rgamma(rows, 3, scale = mean / 3),
    inverse.gaussian = statmod::rinvgauss(rows, mean, shape = 3), gaussian = mean + rnorm(rows, 0, 0.4),
    beta = pmin(pmax(rbeta(rows, 5 * mean, 5 * (1 - mean)), 1e-3), 1 - 1e-3), lognormal = exp(log(mean) + rnorm(rows)),
    truncated_poisson = 1 + rpois(rows, mean), truncated_nbinom2 = 1 + rnbinom(rows, 1, mu = mean),
    rnbinom(rows, 2, mu = mean)))
  data
}

test_that("factors are nested where the data say so", {
  data <- nested_data()
  order_of <- function(formula, data, ...) {
    design <- front(formula, cbind(data, y = rep(0:1, length.out = nrow(data))), binomial(), ...)$design
    nesting <- nesting_of(design)
    if (!is.null(nesting)) vapply(design$factors[nesting$order], `[[`, "", "name")
  }
  expect_identical(order_of(two_factors, data), c("inner", "outer"))
  expect_identical(order_of(y ~ x + (x | inner) + (1 | region) + (1 | outer), data), c("inner", "outer", "region"))
  expect_identical(order_of(y ~ x + (1 | region / outer), data), c("outer:region", "region"))
  expect_identical(order_of(y ~ x + (1 | inner), data), "inner")
  # one row in another level
  crossed <- transform(data, outer = replace(outer, 1L, "a"))
  expect_null(order_of(two_factors, crossed))
  crossed$weight <- c(0, rep(1, nrow(data) - 1L))
  expect_identical(order_of(two_factors, crossed, weights = weight), c("inner", "outer"))
})

test_that("the tree of levels, and the nodes that a level has with those around it", {
  data <- nested_data()
  data$y <- rep(0:1, length.out = nrow(data))
  design <- front(y ~ x + (1 | outer) + (x | inner), data, binomial())$design
  nesting <- nesting_of(design)
  expect_identical(nesting$effects, c(1L, 2L))
  expect_identical(nesting$parents[[2L]], as.integer(data$outer[match(levels(data$inner), data$inner)]))
  expect_null(nesting$parents[[1L]])
  nodes <- c(2:7, rep(3L, 24L))
  expect_equal(joint_nodes(nesting, nodes), c(2:7, 9 * (2:7)[nesting$parents[[2L]]]))
})

test_that("every family: the log-likelihood by default is the double sum", {
  skip_if_not_installed("statmod")
  families <- list(binomial(), binomial("probit"), binomial("cloglog"), poisson(), Gamma("log"), nbinom2(), nbinom1(),
                   beta_family(), lognormal(), genpois(), truncated_poisson(), truncated_nbinom2(),
                   inverse.gaussian("log"), gaussian("log"))
  for (family in families) {
    data <- nested_responses(family)
    if (family$family == "gaussian") data$y <- pmax(data$y, 0.05)
    fit <- exact_fit(two_factors, data, family)
    reference <- reference_from_formula(two_factors, data, family)
    label <- paste(family$family, family$link)
    # where rows tell much of their level its density is narrow
    step <- if (family$family == "gaussian") 0.12 else 0.25
    expect_identical(fit$method, "aghq", label = label)
    at <- component(fit, "parameters")
    expected <- reference_nested(reference, at, step)
    expect_lt(abs(fit$log_likelihood - expected), 1e-7, label = paste(label, "off by"))
    expect_lt(abs(fit$log_likelihood - expected), 1.5 * fit$quadrature$error$log_likelihood + 1e-9,
              label = paste(label, "off by"))
    away <- at + c(0.1, -0.1, 0.2, 0.3, if (length(at) > 4L) 0.1)
    expect_equal(as.numeric(logLik(fit, parameters = away)),
                 reference_nested(reference, away, step), tolerance = 1e-7)
  }
})

test_that("three nested factors, one of them with a slope alone", {
  formula <- y ~ x + (1 | region) + (0 + x | outer) + (1 | inner)
  for (family in list(binomial(), poisson())) {
    data <- nested_responses(family, seed = 9)
    fit <- exact_fit(formula, data, family)
    reference <- reference_from_formula(formula, data, family)
    for (at in list(component(fit, "parameters"), c(0.2, 0.3, 0.5, 0.7, 0.9))) {
      expect_equal(as.numeric(logLik(fit, parameters = at)), reference_nested(reference, at, 0.35), tolerance = 1e-7)
    }
  }
})

test_that("the maximum is where the gradient of the double sum is nothing, the Hessian its own", {
  data <- nested_responses(poisson(), seed = 19)
  fit <- exact_fit(two_factors, data, poisson())
  reference <- reference_from_formula(two_factors, data, poisson())
  value <- function(p) reference_nested(reference, p, 0.4)
  at <- component(fit, "parameters")
  unit <- sqrt(diag(vcov(fit, full = TRUE)))
  expect_lt(max(abs(reference_gradient(value, at, 0.1 * unit, levels = 2L) * unit)), 1e-4)
  information <- -reference_hessian(value, at, 0.2 * unit, levels = 2L)
  expect_equal(vcov(fit, full = TRUE), solve(information), tolerance = 1e-4, ignore_attr = TRUE)
})

test_that("means and variances of random effects given the data are those of the double sum", {
  data <- nested_responses(binomial(), seed = 14)
  fit <- exact_fit(two_factors, data, binomial())
  at <- c(0.2, 0.4, 0.6, 0.9)
  engine <- engine_of(fit)
  set_rule_at(engine, at, limit = 1e-9)
  moments <- engine_moments(engine, fit_design(fit))
  reference <- reference_from_formula(two_factors, data, binomial())
  for (k in 1:2) {
    rows <- reference$factors[[k]]$index == 2L
    # shifting the mean of an effect's prior is shifting the linear predictor of its rows
    value <- function(shift) reference_nested(replace(reference, "offset", list(shift * rows)), at)
    variance <- at[2L + k]^2
    expect_equal(moments[[k]]$means[3L, 1L], variance * reference_gradient(value, 0), tolerance = 1e-6)
    expect_equal(moments[[k]]$variances[1L, 1L, 3L], variance + variance^2 * c(reference_hessian(value, 0)),
                 tolerance = 1e-5)
  }
})

test_that("a log-normal model is the linear mixed model of the logarithm", {
  skip_if_not_installed("nlme")
  data <- transform(nlme::Machines, Worker = factor(as.character(Worker)))
  fit <- exact_fit(score ~ Machine + (1 | Worker / Machine), data, lognormal("identity"))
  exact <- glmm(log(score) ~ Machine + (1 | Worker / Machine), data, REML = FALSE)
  expect_identical(fit$method, "aghq")
  expect_lt(abs(as.numeric(logLik(fit)) - as.numeric(logLik(exact)) + sum(log(data$score))), 1e-7)
  # of the same model in plain R
  expect_lt(abs(as.numeric(logLik(fit)) - -116.35723709004), 1e-7)
  expect_equal(coef(summary(fit))[, 1:2], coef(summary(exact))[, 1:2], tolerance = 1e-5, ignore_attr = TRUE)
  expect_equal(unlist(VarCorr(fit)), unlist(VarCorr(exact)), tolerance = 1e-5, ignore_attr = TRUE)
  both <- list(ranef(fit, type = "mean"), ranef(exact))
  expect_equal(both[[1L]]$Worker[[1L]], both[[2L]]$Worker[[1L]], tolerance = 1e-4)
})

test_that("a level in each level is one factor", {
  data <- nested_responses(binomial(), seed = 21)
  data$again <- factor(as.integer(data$outer) + 10L)
  one <- exact_fit(y ~ x + (x || outer), data, binomial())
  two <- exact_fit(y ~ x + (1 | outer) + (0 + x | again), data, binomial())
  expect_identical(two$method, "aghq")
  at <- c(0.1, 0.3, 0.8, 0.5)
  expect_equal(as.numeric(logLik(two, parameters = at)), as.numeric(logLik(one, parameters = at)), tolerance = 1e-9)
  expect_equal(two$log_likelihood, one$log_likelihood, tolerance = 1e-8)
})

test_that("guImmun by default: the integral, not Laplace", {
  skip_if_not_installed("mlmRev")
  formula <- immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | mom) + (1 | comm)
  fit <- glmm(formula, mlmRev::guImmun, binomial)
  # a sum over 120 x 80 nodes in plain R
  expect_lt(abs(fit$log_likelihood - -1323.952432099), 1.5 * fit$quadrature$error$log_likelihood)
  expect_lt(fit$quadrature$error$log_likelihood, 2e-4)
  sds <- as.data.frame(VarCorr(fit))$sdcor
  expect_lt(max(abs(sds - c(2.31715, 1.02493))), 1e-3)
  # Rodriguez and Goldman (2001)
  expect_lt(max(abs(sds - c(2.32, 1.02))), 0.01)
  expect_true(all(fit$status$ok))
  expect_match(capture.output(print(fit))[1L], "mom [0-9]+ to [0-9]+, comm [0-9]")
  printed <- function(fit) gsub(" +", " ", paste(capture.output(print(summary(fit))), collapse = " "))
  expect_match(printed(fit), "quadrature, mom .*, comm .* nodes a level")
  slope <- glmm(update(formula, . ~ . - (1 | comm) + (kid2p | comm)), mlmRev::guImmun, binomial)
  expect_lt(abs(slope$log_likelihood - -1319.27), 0.006)
  expect_lt(abs(attr(VarCorr(slope)$mom, "stddev") - 2.455), 0.002)
})

test_that("scores are those of the outermost levels, in the order of the clusters", {
  data <- nested_responses(poisson(), seed = 19)
  fit <- exact_fit(y ~ x + (1 | inner) + (1 | outer), data, poisson())
  scores <- cluster_scores(fit)
  cluster <- independent_clusters(fit_design(fit))
  for (k in c(1L, 4L)) {
    own <- data[cluster == k, ]
    expect_length(unique(own$outer), 1L)
    reference <- reference_from_formula(y ~ x + (1 | inner) + (1 | outer), own, poisson())
    value <- function(p) reference_nested(reference, p)
    expect_equal(scores[k, ], reference_gradient(value, fit$parameters), tolerance = 1e-6, ignore_attr = TRUE)
  }
})

test_that("what takes a fit works with nested quadrature", {
  data <- nested_responses(poisson(), seed = 30)
  fit <- glmm(two_factors, data, poisson)
  expect_named(fit$means, c("outer", "inner"))
  expect_identical(length(fit$quadrature$nodes), 30L)
  expect_identical(dim(ranef(fit, type = "mean")$inner), c(24L, 1L))
  expect_identical(update(fit, . ~ . - x)$method, "aghq")
  given <- glmm(two_factors, data, poisson, nAGQ = 9)
  expect_lt(abs(given$log_likelihood - fit$log_likelihood), 1e-3)
  expect_match(gsub(" +", " ", paste(capture.output(summary(given)), collapse = " ")), "outer 9, inner 9 nodes a level")
  expect_true(all(predict(fit, se.fit = TRUE)$se.fit > 0))
  expect_true(all(is.finite(confint(fit))))
  table <- accuracy(fit, nodes = c(1, 7))
  expect_identical(table$reference, c(FALSE, FALSE, TRUE))
  expect_lt(abs(table$difference[2L]), abs(table$difference[1L]))
  laplace <- glmm(two_factors, data, poisson, method = "laplace")
  # at its own estimates
  expect_equal(c(ranef(laplace, type = "mean")$outer[[1L]]), c(fit$means$outer), tolerance = 0.1)
})

test_that("crossed factors and too many effects or nodes are refused in words", {
  data <- transform(nested_responses(binomial()), crossed = factor(rep(1:7, length.out = 72)))
  error <- error_of(glmm(y ~ x + (1 | outer) + (1 | crossed), data, binomial, method = "aghq"))
  expect_s3_class(error, "glimmer_error_quadrature")
  expect_match(conditionMessage(error), "'outer' and 'crossed' are crossed", fixed = TRUE)
  error <- error_of(glmm(two_factors, data, binomial, nAGQ = 400))
  expect_match(conditionMessage(error), "up to 316 nodes", fixed = TRUE)
  expect_match(conditionMessage(error), "each level with those around it", fixed = TRUE)
})

test_that("levels none of whose rows count make no difference", {
  data <- nested_responses(poisson(), seed = 30)
  data$w <- as.numeric(data$inner != "3" & data$outer != "b")
  weighted <- glmm(two_factors, data, poisson, weights = w)
  without <- glmm(two_factors, droplevels(data[data$w > 0, ]), poisson)
  expect_identical(weighted$method, "aghq")
  expect_equal(weighted$log_likelihood, without$log_likelihood, tolerance = 1e-8)
  expect_equal(weighted$parameters, without$parameters, tolerance = 1e-5)
})

test_that("where nodes cost too much the fit is by Laplace, and says so", {
  data <- nested_responses(poisson(), seed = 30)
  fit <- with_replaced("quadrature_budget", function(engine) 1e4, glmm(two_factors, data, poisson))
  expect_identical(fit$method, "laplace")
  expect_match(fit$status$text[!fit$status$ok], "too many nodes", all = FALSE)
  # what was asked for takes its time
  asked <- with_replaced("quadrature_budget", function(engine) 1e4, glmm(two_factors, data, poisson, method = "aghq"))
  expect_identical(asked$method, "aghq")
})

test_that("more than can be judged by twice the nodes is judged by half as many again", {
  nesting <- list(order = 2:1, levels = c(1L, 2L), effects = c(2L, 1L), parents = list(NULL, c(1L, 1L)))
  engine <- list(nesting = nesting)
  rule <- list(nodes = c(15L, 47L, 5L), wide = rep(FALSE, 3L))
  expect_identical(judging_rule(engine, rule)$nodes, c(31L, 95L, 11L))
  rule$nodes[1L] <- 23L
  expect_identical(judging_rule(engine, rule)$nodes, c(35L, 71L, 8L))
  rule$nodes[1L] <- 45L
  expect_identical(judging_rule(engine, rule)$nodes, c(22L, 23L, 2L))
})
