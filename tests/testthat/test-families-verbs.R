# Families with one shape through the verbs of a fit. (Their likelihood: test-density.R, test-families-truth.R; the
# negative binomial family nbinom2: test-nbinom2.R.)

shape_data <- function(family, seed = 11) {
  set.seed(seed)
  data <- data.frame(g = gl(20, 8), x = runif(160, -1, 1), n = rep(4:11, 20))
  effects <- rnorm(20, 0, 0.4)[data$g]
  mu <- exp(1.2 + 0.5 * data$x + effects)
  p <- plogis(0.2 + 0.5 * data$x + effects)
  data$y <- switch(family,
    nbinom1 = rnbinom(160, size = mu / 1.5, mu = mu),
    beta = rbeta(160, 7 * p, 7 * (1 - p)),
    betabinomial = rbinom(160, data$n, rbeta(160, 4 * p, 4 * (1 - p))),
    lognormal = rlnorm(160, log(mu), 0.5),
    truncated_poisson = qpois(runif(160, ppois(0, mu), 1), mu),
    truncated_nbinom2 = qnbinom(runif(160, pnbinom(0, 1.5, mu = mu), 1), 1.5, mu = mu),
    genpois = rnbinom(160, size = mu / 0.8, mu = mu))
  data
}

shape_formula <- function(family) {
  if (family == "betabinomial") cbind(y, n - y) ~ x + (1 | g) else y ~ x + (1 | g)
}

shape_names <- c("nbinom1", "beta", "betabinomial", "lognormal", "truncated_poisson", "truncated_nbinom2", "genpois")

fitted_shapes <- local({
  fits <- list()
  function(family) {
    if (is.null(fits[[family]])) {
      fits[[family]] <<- glmm(shape_formula(family), shape_data(family), resolve_family(family), method = "laplace")
    }
    fits[[family]]
  }
})

# Mean and variance of the response at the fitted values, from the density by sums or integrals.
moments_of <- function(family, fit, rows) {
  mu <- unname(family(fit)$linkinv(predict(fit, type = "link")))[rows]
  constant <- sigma(fit)
  n <- shape_data(family)$n[rows]
  values <- switch(family, beta = (seq_len(20000) - 0.5) / 20000, betabinomial = NULL,
                   lognormal = exp(seq(-9, 9, length.out = 20001)), 0:1500)
  parts <- vapply(seq_along(rows), function(i) {
    y <- if (family == "betabinomial") 0:n[i] else values
    variance <- log1p((constant / mu[i])^2)
    density <- switch(family,
      nbinom1 = dnbinom(y, size = mu[i] / constant, mu = mu[i]),
      beta = dbeta(y, mu[i] * constant, (1 - mu[i]) * constant),
      betabinomial = exp(lchoose(n[i], y) + lbeta(y + mu[i] * constant, n[i] - y + (1 - mu[i]) * constant) -
                           lbeta(mu[i] * constant, (1 - mu[i]) * constant)),
      lognormal = dlnorm(y, log(mu[i]) - variance / 2, sqrt(variance)) * y,
      truncated_poisson = dpois(y, mu[i]) * (y > 0),
      truncated_nbinom2 = dnbinom(y, size = constant, mu = mu[i]) * (y > 0),
      genpois = exp(reference_genpois_density(y, mu[i], constant)))
    density <- density / sum(density)
    if (family == "betabinomial") y <- y / n[i]
    c(sum(density * y), sum(density * y^2) - sum(density * y)^2)
  }, numeric(2))
  list(mean = parts[1L, ], variance = parts[2L, ])
}

for (family in shape_names) {
  test_that(paste("fitted values, residuals and draws have the moments of the density:", family), {
    fit <- fitted_shapes(family)
    expect_true(fit$converged)
    rows <- c(1L, 33L, 70L, 151L)
    truth <- moments_of(family, fit, rows)
    expect_equal(unname(fitted(fit))[rows], truth$mean, tolerance = 1e-5)
    expect_equal(unname(predict(fit, type = "response"))[rows], truth$mean, tolerance = 1e-5)
    data <- shape_data(family)
    y <- if (family == "betabinomial") data$y / data$n else data$y
    expect_equal(unname(residuals(fit, "response"))[rows], (y[rows] - truth$mean), tolerance = 1e-4)
    expect_equal(unname(residuals(fit, "pearson"))[rows], (y[rows] - truth$mean) / sqrt(truth$variance *
      if (family == "betabinomial") data$n[rows] else 1) * if (family == "betabinomial") sqrt(data$n[rows]) else 1,
      tolerance = 1e-4)
    expect_true(all(is.finite(residuals(fit))))
    expect_equal(deviance(fit), sum(residuals(fit)^2), tolerance = 1e-10)
    draws <- as.matrix(as.data.frame(lapply(simulate(fit, 400, seed = 2, re.form = NULL), function(draw) {
      if (is.matrix(draw)) draw[, 1L] / rowSums(draw) else draw
    })))[rows, ]
    z <- (rowMeans(draws) - truth$mean) / sqrt(truth$variance / 400)
    expect_lt(max(abs(z)), 5)
    expect_lt(max(abs(apply(draws, 1L, var) / truth$variance - 1)), 0.6)
    again <- refit(fit, simulate(fit, 1, seed = 3, re.form = NULL)[[1L]])
    expect_true(again$converged)
  })

  test_that(paste("the standard error of a mean is that of the mean of the response:", family), {
    fit <- fitted_shapes(family)
    at <- predict(fit, se.fit = TRUE)
    means <- predict(fit, type = "response", se.fit = TRUE)
    h <- 1e-5
    shifted <- function(eta) response_mean(fit$family, fit$family$linkinv(eta), constant_of(fit))
    slope <- (shifted(at$fit + h) - shifted(at$fit - h)) / (2 * h)
    expect_equal(unname(means$se.fit), unname(at$se.fit * slope), tolerance = 1e-6)
  })

  test_that(paste("summary, tidy rows and intervals name the parameter:", family), {
    fit <- fitted_shapes(family)
    printed <- paste(capture.output(print(summary(fit))), collapse = "\n")
    expect_no_error(capture.output(print(fit)))
    if (family == "truncated_poisson") {
      expect_identical(sigma(fit), 1)
      expect_match(printed, "Dispersion: fixed at 1")
      return(invisible())
    }
    name <- sub("log_", "", family_traits(fit$family)$constants)
    parameter <- paste0("log_", name)
    expect_identical(sigma(fit), exp(component(fit, "parameters")[[parameter]]))
    expect_match(printed, paste0("Dispersion: ", name))
    own <- tidy(fit, "ran_pars", conf.int = TRUE)
    expect_identical(own$term[2L], name)
    expect_equal(own$std.error[2L], sigma(fit) * sqrt(vcov(fit, full = TRUE)[parameter, parameter]))
    expect_equal(unname(confint(fit)[name, ]), sigma(fit) * exp(c(-1, 1) * qnorm(0.975) *
                   sqrt(vcov(fit, full = TRUE)[parameter, parameter])), tolerance = 1e-6)
    expect_identical(residual_scale(fit), 1)
  })
}

test_that("deviance residuals are zero at the mean that fits a row best, and grow away from it", {
  density <- function(mean) dnbinom(3, size = mean / 0.7, mu = mean, log = TRUE)
  best <- optimise(density, c(0.1, 30), maximum = TRUE, tol = 1e-10)
  expect_lt(abs(nbinom1()$dev.resids(3, best$maximum, 1, 0.7)), 1e-12)
  expect_equal(nbinom1()$dev.resids(3, 8, 2, 0.7), 4 * (best$objective - density(8)), tolerance = 1e-12)
  expect_equal(nbinom1()$dev.resids(c(0, 0), c(2, 2), 1, 0.7),
               -2 * dnbinom(0, size = 2 / 0.7, mu = c(2, 2), log = TRUE))
})

test_that("prior weights multiply the log-density, also where the trials are given apart", {
  for (family in shape_names) {
    data <- shape_data(family)
    data$w <- rep(1:2, 80)
    twice <- data[rep(seq_len(160), data$w), ]
    weighted <- glmm(shape_formula(family), data, resolve_family(family), weights = w, method = "laplace")
    repeated <- glmm(shape_formula(family), twice, resolve_family(family), method = "laplace")
    expect_equal(as.numeric(logLik(weighted)), as.numeric(logLik(repeated)), tolerance = 1e-9, label = family)
    expect_equal(weighted$parameters, repeated$parameters, tolerance = 1e-4, label = family)
  }
  data <- shape_data("betabinomial")
  by_weights <- glmm(y / n ~ x + (1 | g), data, betabinomial, weights = n, method = "laplace")
  expect_equal(as.numeric(logLik(by_weights)), as.numeric(logLik(fitted_shapes("betabinomial"))), tolerance = 1e-12)
})

test_that("responses that vary no more than the limit allows are said to, and fitted as those", {
  data <- shape_data("nbinom1")
  even <- ppoints(160)[order(sin(1:160))]
  data$y <- qpois(0.3 + 0.4 * even, exp(1.2 + 0.5 * data$x))
  data$s <- qbinom(0.3 + 0.4 * even, data$n, plogis(0.5 * data$x))
  data$t <- pmax(data$y, 1)
  pairs <- list(list(y ~ x + (1 | g), "nbinom1", "poisson", "'phi' is 0"),
                list(cbind(s, n - s) ~ x + (1 | g), "betabinomial", "binomial", "'phi' is infinite"),
                list(t ~ x + (1 | g), "truncated_nbinom2", "truncated_poisson", "'size' is infinite"))
  for (pair in pairs) {
    expect_silent(fit <- glmm(pair[[1L]], data, resolve_family(pair[[2L]]), method = "laplace"))
    limit <- glmm(pair[[1L]], data, resolve_family(pair[[3L]]), method = "laplace")
    expect_true(component(fit, "converged"))
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(limit)), tolerance = 1e-7, label = pair[[2L]])
    expect_equal(fixef(fit), fixef(limit), tolerance = 1e-4)
    status <- component(fit, "status")
    expect_match(status$text[status$check == "limit"], paste0("family ", pair[[3L]], " allows.*", pair[[4L]]))
    name <- sub("log_", "", family_traits(fit$family)$constants)
    expect_true(all(is.na(confint(fit)[name, ])))
    number <- if (pair[[2L]] == "nbinom1") "0" else "infinite"
    expect_match(paste(capture.output(print(fit)), collapse = " "), paste0(name, " ", number, ", its limit"))
  }
})

test_that("anova() tests a family against the one at its limit by the mixture", {
  data <- shape_data("nbinom1")
  small <- glmm(y ~ x + (1 | g), data, poisson, method = "laplace")
  for (family in list(nbinom1, nbinom2)) {
    large <- glmm(y ~ x + (1 | g), data, family, method = "laplace")
    expect_silent(table <- anova(small, large))
    statistic <- 2 * (as.numeric(logLik(large)) - as.numeric(logLik(small)))
    expect_equal(table$Chisq[2L], statistic)
    expect_equal(table[["Pr(mixture)"]][2L], pchisq(statistic, 1, lower.tail = FALSE) / 2)
    expect_match(paste(attr(table, "heading"), collapse = " "), "of which poisson is the limit where .* boundary")
  }
  # inside the range of the parameter: no mixture
  inside <- anova(small, glmm(y ~ x + (1 | g), data, genpois, method = "laplace"))
  expect_false("Pr(mixture)" %in% names(inside))
  expect_equal(inside[["Pr(>Chisq)"]][2L], pchisq(inside$Chisq[2L], 1, lower.tail = FALSE))
  # two degrees of freedom, one of them at the boundary
  wider <- anova(glmm(y ~ 1 + (1 | g), data, poisson, method = "laplace"),
                 glmm(y ~ x + (1 | g), data, nbinom1, method = "laplace"))
  expect_equal(wider[["Pr(mixture)"]][2L],
               (pchisq(wider$Chisq[2L], 1, lower.tail = FALSE) + pchisq(wider$Chisq[2L], 2, lower.tail = FALSE)) / 2)
  trials <- shape_data("betabinomial")
  binomial <- glmm(cbind(y, n - y) ~ x + (1 | g), trials, binomial, method = "laplace")
  expect_silent(table <- anova(binomial, fitted_shapes("betabinomial")))
  expect_true(is.finite(table[["Pr(mixture)"]][2L]))
  expect_warning(anova(glmm(y ~ x + (1 | g), data, nbinom1, method = "laplace"),
                       glmm(y ~ x + (1 | g), data, nbinom2, method = "laplace")), class = "glimmer_warning_comparison")
})

test_that("responses outside a family, all at a limit, or fitted exactly are refused by class", {
  refused <- function(class, family, y, formula = y ~ x + (1 | g)) {
    data <- shape_data("beta")
    data$y <- rep_len(y, 160)
    expect_error(glmm(formula, data, resolve_family(family), method = "laplace"),
                 class = paste0("glimmer_error_", class), label = family)
  }
  for (family in c("nbinom1", "genpois")) {
    refused("response", family, c(2, -1, 4))
    refused("constant_response", family, 0)
  }
  for (y in list(c(0.2, 0), c(0.3, 1), c(0.3, 1.2))) refused("response", "beta", y)
  for (family in c("truncated_poisson", "truncated_nbinom2")) {
    refused("response", family, c(3, 0, 2))
    refused("constant_response", family, 1)
  }
  refused("response", "lognormal", c(2, 0, 1))
  refused("constant_response", "betabinomial", 0, cbind(y, n - y) ~ x + (1 | g))
  refused("constant_response", "betabinomial", 1, y ~ x + (1 | g))
  for (family in c("beta", "lognormal")) refused("constant_response", family, 0.5)
  data <- shape_data("beta")
  data$exact <- plogis(0.4 * data$x + rep(rnorm(20), each = 8))
  expect_error(glmm(exact ~ x + (1 | g), data, beta_family, method = "laplace"), class = "glimmer_error_exact_fit")
  expect_error(glmm(exp(x) ~ x + (1 | g), data, lognormal, method = "laplace"), class = "glimmer_error_exact_fit")
  data$row <- factor(seq_len(160))
  expect_error(glmm(y ~ x + (1 | row), data, beta_family, method = "laplace"), class = "glimmer_error_replication")
  for (family in c("nbinom1", "genpois", "truncated_nbinom2", "truncated_poisson")) {
    expect_warning(glmm(y ~ x + (1 | g), transform(shape_data(family), y = y + 0.5), resolve_family(family),
                        method = "laplace"), class = "glimmer_warning_noninteger")
  }
})

test_that("separated predictors are found as those of the Poisson and binomial families are", {
  for (family in c("nbinom1", "genpois", "truncated_poisson", "truncated_nbinom2", "betabinomial")) {
    data <- shape_data(family)
    data$a <- factor(ifelse(as.integer(data$g) %% 2 == 0, "a", "b"))
    data$y[data$a == "a"] <- as.numeric(startsWith(family, "truncated"))
    formula <- if (family == "betabinomial") cbind(y, n - y) ~ a + (1 | g) else y ~ a + (1 | g)
    expect_warning(glmm(formula, data, resolve_family(family), method = "laplace"),
                   class = "glimmer_warning_separation", label = family)
  }
})

test_that("effects are said to be on the scale that they are on", {
  printed <- function(fit) paste(capture.output(print(fit)), collapse = "\n")
  expect_match(printed(fitted_shapes("lognormal")), "Fixed effects (log scale)", fixed = TRUE)
  by_identity <- glmm(y ~ x + (1 | g), shape_data("lognormal"), lognormal("identity"), method = "laplace")
  expect_match(printed(by_identity), "Fixed effects (scale of the logarithm of the response)", fixed = TRUE)
  expect_match(printed(summary(by_identity)), "Random effects (scale of the logarithm of the response;", fixed = TRUE)
})

test_that("objects and functions of glmmTMB are taken for what they are called", {
  skip_if_not_installed("glmmTMB")
  for (family in setdiff(shape_names, c("lognormal", "beta"))) {
    theirs <- getExportedValue("glmmTMB", family)
    expect_identical(resolve_family(theirs())[c("family", "link")], resolve_family(family)[c("family", "link")])
  }
  expect_identical(resolve_family(glmmTMB::beta_family("probit"))$link, "probit")
  expect_equal(nbinom1()$variance(c(0.3, 2), 1.7), glmmTMB::nbinom1()$variance(c(0.3, 2), 1.7))
  expect_equal(truncated_nbinom2()$variance(c(0.3, 2), 1.7), glmmTMB::truncated_nbinom2()$variance(c(0.3, 2), 1.7))
  expect_equal(truncated_poisson()$variance(c(0.3, 2)), glmmTMB::truncated_poisson()$variance(c(0.3, 2)))
})
