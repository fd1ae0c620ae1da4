# refit() against fits from the start.

test_that("refit is a fit to the new response", {
  data <- refit_data()
  fit <- glmm(y ~ x + offset(z / 5) + (1 | g), data, poisson, weights = m)
  data$other <- rev(data$y)
  peer <- glmm(other ~ x + offset(z / 5) + (1 | g), data, poisson, weights = m)
  again <- refit(fit, data$other)
  expect_equal(again$log_likelihood, peer$log_likelihood, tolerance = 1e-9)
  expect_equal(again$parameters, peer$parameters, tolerance = 1e-5)
  expect_equal(again$covariance, peer$covariance, tolerance = 1e-4)
  expect_equal(refit(fit, data["other"])$parameters, again$parameters)
  # within the errors of the nodes that each has chosen
  expect_equal(refit(fit)$log_likelihood, fit$log_likelihood, tolerance = 1e-8)
  expect_identical(again$call, fit$call)
  expect_equal(fitted(again), fitted(peer), tolerance = 1e-5)
  expect_identical(fit$frame$y, data$y)
})

test_that("refit keeps the settings", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson, method = "joint", control = glmm_control(gain_limit = 1e-5))
  again <- refit(fit, rev(data$y))
  expect_equal(again$method, "joint")
  expect_equal(again$control, fit$control)
})

test_that("a binomial response is taken in all its forms", {
  data <- refit_data()
  data$p <- data$s / data$m
  two <- glmm(cbind(s, m - s) ~ x + (1 | g), data, binomial)
  share <- glmm(p ~ x + (1 | g), data, binomial, weights = m)
  other <- rev(data$s)
  expected <- glmm(cbind(rev(s), m - rev(s)) ~ x + (1 | g), data, binomial)$log_likelihood
  matrix <- cbind(other, data$m - other)
  proportion <- other / data$m
  for (again in list(refit(two, matrix), refit(two, proportion), refit(share, proportion), refit(share, matrix))) {
    expect_equal(again$log_likelihood, expected, tolerance = 1e-9)
  }
  data$b <- as.integer(data$s > 4)
  single <- glmm(b ~ x + (1 | g), data, binomial)
  flipped <- 1 - data$b
  expected <- glmm(1 - b ~ x + (1 | g), data, binomial)$log_likelihood
  for (y in list(flipped, flipped == 1, factor(flipped, labels = c("no", "yes")), cbind(flipped, 1 - flipped))) {
    expect_equal(refit(single, y)$log_likelihood, expected, tolerance = 1e-9)
  }
})

test_that("refit starts anew from a covariance on the boundary", {
  data <- expand.grid(x = 1:6, g = letters[1:8])
  data$y <- rep(c(2, 1, 3, 2, 5, 4), 8)
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_true(fit$singular)
  data$spread <- data$y * rep(1:8, each = 6)
  expect_equal(refit(fit, data$spread)$log_likelihood, glmm(spread ~ x + (1 | g), data, poisson)$log_likelihood,
               tolerance = 1e-9)
})

test_that("rows that na.action left out may be there or not", {
  data <- refit_data()
  data$x[4] <- NA
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_equal(refit(fit, rev(data$y))$log_likelihood, refit(fit, rev(data$y)[-4])$log_likelihood)
})

test_that("responses that cannot be are refused by name", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  refused <- function(y) class(tryCatch(refit(fit, y), error = identity))[1L]
  expect_equal(refused(1:3), "glimmer_error_length")
  expect_equal(refused(replace(data$y, 2, NA)), "glimmer_error_missing")
  expect_equal(refused(replace(data$y, 2, Inf)), "glimmer_error_nonfinite")
  expect_equal(refused(-data$y), "glimmer_error_response")
  expect_equal(refused(data), "glimmer_error_response")
  expect_equal(refused(rep("a", 120)), "glimmer_error_response")
  data$p <- data$s / data$m
  fit <- glmm(p ~ x + (1 | g), data, binomial, weights = m)
  error <- tryCatch(refit(fit, cbind(data$s, 3)), error = identity)
  expect_s3_class(error, "glimmer_error_response")
  expect_match(conditionMessage(error), "trials")
  fit <- glmm(cbind(s, m - s) ~ x + (1 | g), data, binomial)
  expect_equal(refused(data$s), "glimmer_error_response")
})

test_that("lme4's generic finds the method", {
  skip_if_not_installed("lme4")
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_equal(lme4::refit(fit, rev(data$y))$parameters, refit(fit, rev(data$y))$parameters)
})

test_that("with both packages attached, in either order, refit finds the method of every fit", {
  skip_if_not_installed("lme4")
  library_paths <- paste0(".libPaths(", deparse1(.libPaths()), ")")
  code <- "data <- transform(InsectSprays, block = rep(1:12, 6))
    ours <- glmm(count ~ spray + (1 | block), data, poisson)
    theirs <- lmer(count ~ spray + (1 | block), data, REML = FALSE)
    y <- rev(data$count)
    found <- c(fixef(refit(ours, y)), fixef(refit(theirs, y)))
    direct <- c(fixef(glmm(y ~ spray + (1 | block), data, poisson)),
                fixef(lmer(y ~ spray + (1 | block), data, REML = FALSE)))
    cat(isTRUE(all.equal(found, direct, tolerance = 1e-5, check.attributes = FALSE)))"
  for (order in list(c("lme4", "glimmer"), c("glimmer", "lme4"))) {
    script <- tempfile(fileext = ".R")
    on.exit(unlink(script))
    attach <- paste0("suppressMessages(library(", order, "))")
    writeLines(c(library_paths, attach, code), script)
    shown <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", script), stdout = TRUE, stderr = FALSE)
    expect_identical(shown, "TRUE")
  }
})

test_that("refit takes a simulated response, and none for the response of the fit", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson, offset = rep(0, 120))
  expect_s3_class(refit(fit, simulate(fit, seed = 1)), "glimmer")
  again <- refit(fit)
  expect_equal(coef(again), coef(fit), tolerance = 1e-5)
  expect_equal(logLik(again), logLik(fit))
  data$x[4:5] <- NA
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_equal(fixef(refit(fit, data$y)), fixef(fit), tolerance = 1e-5)
  padded <- update(fit, na.action = na.exclude)
  expect_silent(refit(fit, simulate(padded, seed = 1)[[1L]]))
  expect_equal(family(update(fit, family = poisson("sqrt"), subset = y > 0))$link, "sqrt")
})

test_that("several responses share an engine, and have the fits of each alone", {
  data <- refit_data()
  data$h <- factor(rep(1:5, 24))
  fits <- list(glmm(y ~ x + offset(z / 5) + (1 | g), data, poisson),
               glmm(y ~ x + (1 | g) + (1 | h), data, poisson, REML = TRUE),
               glmm(cbind(s, m - s) ~ x + (1 | g), data, binomial, method = "laplace"),
               glmm(y + 0.1 ~ x + (1 | g), data, Gamma("identity"), nAGQ = 7),
               glmm(y ~ x + offset(z) + (x | g) + (1 | h), data, weights = m + (x > 0)),
               glmm(y ~ I(x + 1e6) + (1 | g), data, REML = FALSE))
  for (fit in fits) {
    response <- fit$frame[[1L]]
    last <- if (is.matrix(response)) response[120:1, ] else rev(response)
    responses <- list(a = last, b = response, c = last)
    several <- suppressWarnings(refit(fit, responses))
    alone <- suppressWarnings(lapply(responses, function(y) refit(fit, y)))
    expect_identical(several, alone, label = format(formula(fit)))
  }
})

test_that("several responses may be far from zero, have other numbers of trials, or be none that can be fitted", {
  data <- refit_data()
  linear <- glmm(y ~ x + offset(z) + (1 | g), data)
  responses <- list(near = rev(data$y), far = rev(data$y) + 1e7, near = rev(data$y), data$y + 1e7)
  # the core takes its own offset off again, which costs a digit
  expect_equal(refit(linear, responses), lapply(responses, function(y) refit(linear, y)), tolerance = 1e-8)
  counts <- glmm(cbind(s, m - s) ~ x + (1 | g), data, binomial)
  fewer <- cbind(data$s, c(0, data$m[-1]))
  fewer[1, ] <- 0
  responses <- list(fewer, cbind(rev(data$s), 8), cbind(data$s, 0), fewer)
  found <- refit(counts, responses)
  expect_identical(found[-3], lapply(responses[-3], function(y) refit(counts, y)))
  expect_s3_class(found[[3]], "glimmer_error_constant_response")
  simulated <- simulate(counts, 3, seed = 4)
  expect_identical(refit(counts, simulated), lapply(simulated, function(y) refit(counts, y)))
  expect_identical(refit(counts, list()), list())
})
