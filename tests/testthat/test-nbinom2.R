# Negative binomial responses through the verbs of a fit. (The likelihood: test-density.R and the truth tests.)

counts <- function(seed = 11, size = 1.5) {
  set.seed(seed)
  data <- data.frame(g = gl(20, 8), x = runif(160, -1, 1))
  data$y <- rnbinom(160, size = size, mu = exp(1.2 + 0.5 * data$x + rnorm(20, 0, 0.4)[data$g]))
  data
}

fitted_counts <- local({
  fit <- NULL
  function() {
    if (is.null(fit)) fit <<- glmm(y ~ x + (1 | g), counts(), nbinom2, method = "laplace")
    fit
  }
})

test_that("the family object is that of glmmTMB", {
  skip_if_not_installed("glmmTMB")
  own <- nbinom2()
  theirs <- glmmTMB::nbinom2()
  expect_identical(c(own$family, own$link), c(theirs$family, theirs$link))
  expect_equal(own$variance(c(0.3, 2), 1.7), theirs$variance(c(0.3, 2), 1.7))
  y <- c(0, 1, 9)
  expect_equal(own$dev.resids(y, c(0.3, 2, 4), c(1, 2, 1), 1.7), theirs$dev.resids(y, c(0.3, 2, 4), c(1, 2, 1), 1.7))
  expect_identical(resolve_family(theirs)$dev.resids, own$dev.resids)
  expect_identical(resolve_family("nbinom2")$link, "log")
})

test_that("deviances go to those of the Poisson family as the size does to infinity", {
  y <- c(0, 1, 9)
  mu <- c(0.3, 2, 4)
  expect_equal(nbinom2()$dev.resids(y, mu, 1, Inf), poisson()$dev.resids(y, mu, rep(1, 3)), tolerance = 1e-14)
  # the difference is of the order 1 / size
  expect_equal(nbinom2()$dev.resids(y, mu, 1, 1e12), poisson()$dev.resids(y, mu, rep(1, 3)), tolerance = 1e-11)
})

test_that("links are log, sqrt and identity, and others an error", {
  for (link in c("log", "sqrt", "identity")) expect_identical(nbinom2(link)$link, link)
  expect_identical(nbinom2(stats::make.link("sqrt"))$link, "sqrt")
  expect_error(resolve_family(nbinom2("inverse")), class = "glimmer_error_family")
  expect_true(nbinom2()$validmu(0.1) && !nbinom2()$validmu(c(1, 0)))
})

test_that("a fit has the estimates of glmmTMB", {
  skip_if_not_installed("glmmTMB")
  fit <- fitted_counts()
  theirs <- glmmTMB::glmmTMB(y ~ x + (1 | g), counts(), family = glmmTMB::nbinom2)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(theirs)), tolerance = 1e-8)
  expect_equal(fixef(fit), glmmTMB::fixef(theirs)$cond, tolerance = 1e-4)
  expect_equal(sigma(fit), sigma(theirs), tolerance = 1e-4)
  expect_equal(unname(fitted(fit)), unname(fitted(theirs)), tolerance = 1e-4)
  expect_equal(unname(residuals(fit, "pearson")), unname(residuals(theirs, "pearson")), tolerance = 1e-4)
})

test_that("verbs speak of the size", {
  fit <- fitted_counts()
  size <- exp(component(fit, "parameters")[["log_size"]])
  expect_identical(sigma(fit), size)
  expect_match(paste(capture.output(print(fit)), collapse = "\n"), "Dispersion: size .*mu \\+ mu\\^2 / size")
  expect_match(paste(capture.output(print(summary(fit))), collapse = "\n"), "Dispersion: size .*mu \\+ mu\\^2 / size")
  # from which 'insight' takes it
  expect_identical(attr(VarCorr(fit), "sc"), size)
  expect_false(attr(VarCorr(fit), "useSc"))
  expect_false("Residual" %in% as.data.frame(VarCorr(fit))$grp)
  own <- tidy(fit, "ran_pars", conf.int = TRUE)
  expect_identical(own$term, c("sd__(Intercept)", "size"))
  expect_equal(own$estimate[2L], size)
  expect_equal(own$std.error[2L], size * sqrt(vcov(fit, full = TRUE)["log_size", "log_size"]))
  expect_equal(unname(unlist(own[2L, c("conf.low", "conf.high")])), unname(confint(fit)["size", ]))
  expect_identical(tidy(fit, "ran_pars", scales = "vcov")$term, "var__(Intercept)")
  expect_identical(residuals(fit, "pearson", scaled = TRUE), residuals(fit, "pearson"))
  expect_identical(predict(fit, se.fit = TRUE)$residual.scale, 1)
})

test_that("insight finds the variance of the distribution, mu + mu^2 / size on the log scale", {
  skip_if_not_installed("insight")
  fit <- fitted_counts()
  own <- suppressWarnings(insight::get_variance(fit))
  mu <- exp(fixef(update(fit, . ~ (1 | g)))[["(Intercept)"]])
  expect_equal(own$var.distribution, log1p((mu + mu^2 / sigma(fit)) / mu^2), tolerance = 1e-10)
})

test_that("residuals, deviance and weights are those of the distribution at the fitted means", {
  fit <- fitted_counts()
  y <- counts()$y
  mu <- unname(fitted(fit))
  size <- sigma(fit)
  lost <- dnbinom(y, size = size, mu = y, log = TRUE) - dnbinom(y, size = size, mu = mu, log = TRUE)
  expect_equal(unname(residuals(fit)), sign(y - mu) * sqrt(2 * lost), tolerance = 1e-10)
  expect_equal(deviance(fit), 2 * sum(lost), tolerance = 1e-10)
  expect_equal(unname(residuals(fit, "pearson")), (y - mu) / sqrt(mu + mu^2 / size))
  expect_equal(unname(weights(fit, "working")), mu^2 / (mu + mu^2 / size))
  expect_equal(family(fit)$variance(mu), mu + mu^2 / size)
  expect_equal(family(fit)$dev.resids(y, mu, 1), 2 * lost, tolerance = 1e-8)
})

test_that("simulated counts are whole, have the variance, and refit", {
  fit <- fitted_counts()
  draws <- as.matrix(simulate(fit, 2000, seed = 2, re.form = NULL))
  expect_true(is.integer(draws))
  mu <- unname(fitted(fit))
  variance <- mu + mu^2 / sigma(fit)
  z <- rowMeans((draws - mu) / sqrt(variance))
  expect_lt(max(abs(z)) * sqrt(2000), 5)
  expect_equal(mean((draws - mu)^2 / variance), 1, tolerance = 0.02)
  again <- refit(fit, simulate(fit, 1, seed = 3, re.form = NULL)[[1L]])
  expect_true(again$converged)
  expect_lt(abs(log(sigma(again) / sigma(fit))), 4 * sqrt(vcov(fit, full = TRUE)["log_size", "log_size"]))
})

test_that("counts that vary no more than Poisson ones are said to, and fitted as those", {
  data <- counts()
  data$y <- qpois(0.3 + 0.4 * ppoints(160)[order(sin(1:160))], exp(1.2 + 0.5 * data$x))
  expect_silent(fit <- glmm(y ~ x + (1 | g), data, nbinom2, method = "laplace"))
  poisson <- glmm(y ~ x + (1 | g), data, poisson, method = "laplace")
  expect_true(component(fit, "converged"))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(poisson)), tolerance = 1e-8)
  expect_equal(fixef(fit), fixef(poisson), tolerance = 1e-6)
  expect_equal(vcov(fit), vcov(poisson), tolerance = 1e-5)
  status <- component(fit, "status")
  expect_match(status$text[status$check == "limit"],
               "^beside the random effects the response varies no more than the family poisson allows.*'size' is inf")
  expect_true(all(is.na(confint(fit)["size", ])))
  expect_no_error(capture.output(print(summary(fit))))
})

test_that("counts that are all 0, or of a level, are found as those of the Poisson family are", {
  data <- counts()
  expect_error(glmm(y ~ x + (1 | g), transform(data, y = 0), nbinom2), class = "glimmer_error_constant_response")
  data$a <- factor(ifelse(as.integer(data$g) %% 2 == 0, "a", "b"))
  data$y[data$a == "a"] <- 0
  expect_warning(fit <- glmm(y ~ a + (1 | g), data, nbinom2, method = "laplace"), class = "glimmer_warning_separation")
  expect_error(glmm(y ~ x + (1 | g), transform(data, y = y - 1), nbinom2), class = "glimmer_error_response")
  expect_warning(glmm(y ~ x + (1 | g), transform(counts(), y = y + 0.5), nbinom2, method = "laplace"),
                 class = "glimmer_warning_noninteger")
})

test_that("in tiny sets it is not below its limit, the Poisson distribution", {
  sets <- list(data.frame(y = c(0, 0, 5, 0, 0, 1, 1), x = c(-1.12, -0.8, -2.14, -1.89, 0.1, 1.26, -0.21),
                          g = c(1, 2, 3, 4, 3, 3, 2)),
               data.frame(y = c(0, 0, 5, 1, 0, 0, 0), x = c(-1.48, -0.51, 0.54, -0.49, 0.42, -0.11, 0.73),
                          g = c(1, 2, 3, 4, 1, 1, 1)),
               data.frame(y = c(0, 0, 0, 2, 1, 5, 1, 0), x = c(-0.87, 1, -1.12, -0.19, -0.39, 1.22, 1.61, -0.76),
                          g = c(1, 2, 2, 1, 2, 1, 2, 1)))
  formulas <- list(y ~ x + (x | g), y ~ x + (1 | g), y ~ x + (1 | g))
  for (k in seq_along(sets)) {
    values <- vapply(list(poisson(), nbinom2()), function(family) {
      as.numeric(logLik(suppressWarnings(glmm(formulas[[k]], sets[[k]], family, method = "laplace"))))
    }, 1)
    expect_gt(values[2L], values[1L] - 1e-6)
  }
})

test_that("a size that is known stays what it is, through the verbs of a fit", {
  data <- counts()
  fit <- glmm(y ~ x + (1 | g), data, nbinom2(size = 2), method = "laplace")
  expect_identical(names(fit$parameters), c("(Intercept)", "x", "sd.g.(Intercept)"))
  # the log-likelihood of the model with a free size at this size
  free <- fitted_counts()
  at <- c(fit$parameters, log_size = log(2))
  expect_equal(as.numeric(logLik(free, parameters = at)), as.numeric(logLik(fit)), tolerance = 1e-12)
  expect_identical(sigma(fit), 2)
  expect_match(paste(capture.output(print(summary(fit))), collapse = "\n"), "Dispersion: size fixed at 2 ")
  expect_equal(unname(residuals(fit, "pearson")),
               (data$y - unname(fitted(fit))) / sqrt(unname(fitted(fit)) + unname(fitted(fit))^2 / 2))
  expect_equal(family(fit)$variance(3), 3 + 9 / 2)
  expect_identical(tidy(fit, "ran_pars")$term, "sd__(Intercept)")
  again <- update(fit, . ~ 1 + (1 | g))
  expect_identical(again$family$constant, 2)
  expect_true(refit(fit, simulate(fit, 1, seed = 3)[[1L]])$converged)
  # within the model with a free size: a test with one degree of freedom, and no mixture
  table <- anova(fit, free)
  expect_equal(table[["Pr(>Chisq)"]][2L], pchisq(2 * (as.numeric(logLik(free)) - as.numeric(logLik(fit))), 1,
                                                lower.tail = FALSE))
  expect_false("Pr(mixture)" %in% names(table))
  for (size in list(-1, 0, Inf, "a", c(1, 2))) expect_error(nbinom2(size = size), class = "glimmer_error_family")
})
