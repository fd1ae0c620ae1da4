# Laplace's approximation to second order: published estimates, differences, and what the status says of it.

salamanders <- function() transform(read_fixture("salamander.csv"), Male = factor(Male), Female = factor(Female))
mating <- Mate ~ 0 + Cross + (1 | Female) + (1 | Male)

random_sds <- function(fit) unname(vapply(VarCorr(fit), function(term) attr(term, "stddev")[[1L]], 1))

# Crossed binary data, `levels` of each of two factors, `rows` in all.
crossed_data <- function(seed, levels, rows, sds, intercept = 0) {
  set.seed(seed)
  data <- data.frame(g = factor(sample(levels, rows, TRUE)), h = factor(sample(levels, rows, TRUE)), x = rnorm(rows))
  effects <- rnorm(levels, sd = sds[1])[data$g] + rnorm(levels, sd = sds[2])[data$h]
  data$y <- rbinom(rows, 1, plogis(intercept + 0.5 * data$x + effects))
  data
}

test_that("salamander mating: the published maximum likelihood, where Laplace is far off", {
  fit <- glmm(mating, salamanders(), binomial, method = "laplace2")
  expect_identical(fit$method, "laplace2")
  expect_true(fit$converged)
  # Booth and Hobert (1999, JRSS B 61:265), by Monte Carlo EM: RR, RW, WR, WW, and variances of females and males
  expect_lt(max(abs(fixef(fit)[c("CrossRR", "CrossRW", "CrossWR", "CrossWW")] - c(1.03, 0.32, -1.95, 0.99))), 0.03)
  expect_lt(max(abs(random_sds(fit)^2 - c(1.40, 1.25))), 0.05)
  # an independent program in R, which maximised the same by a simplex
  expect_equal(random_sds(fit), c(1.173, 1.109), tolerance = 1e-3)
  facts <- component(fit, "second_order")
  expect_equal(facts$ratio, 0.055, tolerance = 0.02)
  statement <- fit$status[fit$status$check == "accuracy", ]
  expect_true(statement$ok)
  expect_equal(statement$value, facts$ratio)
  expect_match(statement$text, "trusted: estimates as good as maximum likelihood to about a tenth", fixed = TRUE)
  expect_output(print(fit), "second-order Laplace", fixed = TRUE)
  expect_output(print(fit), "estimates right to a tenth of a standard\\s+error")
  expect_output(print(summary(fit)), "Laplace approximation to second order", fixed = TRUE)
  expect_gt(max(abs(facts$shift)), 0.1)
})

test_that("bacteria: nearer to the exact SD than Laplace", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + I(week > 2) + (1 | ID), MASS::bacteria, binomial, method = "laplace2")
  expect_equal(random_sds(fit), 1.3043, tolerance = 0.01 / 1.3)
  expect_equal(random_sds(fit), 1.295, tolerance = 1e-3)
})

test_that("the maximum is one, and standard errors are from the curvature there", {
  fit <- glmm(y ~ x + (1 | g) + (1 | h), crossed_data(3, 20, 300, c(1, 0.7)), binomial, method = "laplace2")
  at <- component(fit, "parameters")
  expect_equal(c(logLik(fit, parameters = at)), fit$log_likelihood, tolerance = 1e-10)
  hessian <- reference_hessian(function(p) c(logLik(fit, parameters = p)), at)
  expect_equal(unname(vcov(fit, full = TRUE)), unname(solve(-hessian)), tolerance = 1e-3)
})

test_that("what is far from normal is refused by the status, with numbers", {
  skip_if_not_installed("HSAUR3")
  toenail <- transform(HSAUR3::toenail, y = as.integer(outcome) - 1L)
  fit <- suppressWarnings(glmm(y ~ treatment + visit + (1 | patientID), toenail, binomial, method = "laplace2"))
  facts <- component(fit, "second_order")
  expect_gt(facts$ratio, 0.3)
  statement <- fit$status[fit$status$check == "accuracy", ]
  expect_false(statement$ok)
  expect_match(statement$text, "not to be trusted here|not even", perl = TRUE)
})

test_that("other families and structures, slopes and shapes among them, and a zero variance", {
  data <- crossed_data(4, 12, 240, c(0.8, 0.5))
  data$count <- stats::rnbinom(240, mu = exp(0.3 + 0.4 * data$x + 0.4 * as.integer(data$g) %% 2), size = 2)
  fit <- glmm(count ~ x + (x | g) + (1 | h), data, nbinom2(), method = "laplace2")
  expect_true(fit$converged)
  expect_identical(names(component(fit, "second_order")$shift), names(component(fit, "parameters")))
  data$y <- rbinom(240, 1, plogis(0.5 * data$x))
  fit <- glmm(y ~ x + (1 | g) + (1 | h), data, binomial, method = "laplace2")
  expect_true(fit$converged)
})

test_that("where there is none it is refused; a Gaussian response is exact", {
  data <- crossed_data(5, 10, 200, c(0.8, 0.5))
  error <- error_of(glmm(y ~ x + (1 | g) + (1 | h), data, binomial, method = "laplace2", REML = TRUE))
  expect_s3_class(error, "glimmer_error_argument")
  expect_match(conditionMessage(error), "fixed effects", fixed = TRUE)
  expect_identical(glmm(x ~ 1 + (1 | g), data, method = "laplace2")$method, "exact")
})

test_that("a fit by Laplace says what second order would change, and the default goes on to it", {
  fit <- glmm(mating, salamanders(), binomial, method = "laplace")
  facts <- component(fit, "second_order")
  # importance sampling at these estimates: -207.708, standard error 0.004; all terms of second order: -207.60
  expect_lt(abs(fit$log_likelihood + facts$damped + 207.708), 0.055 * facts$size)
  expect_equal(fit$log_likelihood + facts$correction, -207.60, tolerance = 0.005 / 207)
  statement <- fit$status[fit$status$check == "accuracy", ]
  expect_false(statement$ok)
  expect_equal(statement$value, max(abs(facts$shift)))
  expect_match(statement$text, "to second order the log-likelihood is 1.6 higher", fixed = TRUE)
  better <- glmm(mating, salamanders(), binomial)
  expect_identical(better$method, "laplace2")
  asked <- glmm(mating, salamanders(), binomial, method = "laplace2")
  expect_equal(better$parameters, asked$parameters, tolerance = 1e-5)
  # one Newton step says nearly what the search finds
  expect_equal(facts$shift, asked$second_order$shift, tolerance = 0.05)
  expect_equal((asked$parameters - fit$parameters) / sqrt(diag(vcov(asked, full = TRUE))), asked$second_order$shift,
               tolerance = 1e-6)
})

test_that("where second order changes little, or is not to be trusted, the default stays with Laplace and says so", {
  data <- crossed_data(6, 20, 4000, c(0.5, 0.5))
  fit <- glmm(y ~ x + (1 | g) + (1 | h), data, binomial)
  expect_identical(fit$method, "laplace")
  statement <- fit$status[fit$status$check == "accuracy", ]
  expect_true(statement$ok)
  expect_lt(statement$value, 0.1)
  expect_output(print(fit), "estimates right to a tenth", fixed = TRUE)
  rare <- crossed_data(7, 60, 240, c(0.7, 3.5), intercept = -3)
  fit <- suppressWarnings(glmm(y ~ 1 + (1 | g) + (1 | h), rare, binomial))
  facts <- component(fit, "second_order")
  if (!is.null(facts) && fit$method == "laplace") expect_false(fit$status$ok[fit$status$check == "accuracy"])
})

test_that("a zero variance of Laplace is left where second order rises from it", {
  # of a hundred such sets those where Laplace's SD is zero
  found <- 0
  for (seed in 1:40) {
    data <- crossed_data(seed, 15, 90, c(1, 0.6))
    laplace <- suppressWarnings(glmm(y ~ 1 + (1 | g) + (1 | h), data, binomial, method = "laplace"))
    if (!laplace$singular) next
    fit <- suppressWarnings(glmm(y ~ 1 + (1 | g) + (1 | h), data, binomial, method = "laplace2"))
    expect_gte(fit$log_likelihood, c(logLik(fit, parameters = laplace$parameters)) - 1e-6)
    found <- found + 1
    if (found == 3) break
  }
  expect_gt(found, 0)
})
