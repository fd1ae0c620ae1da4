# Overdispersion: the ratio by other packages' residuals, and where there is a statement.

statement <- function(fit) fit$status[fit$status$check == "overdispersion", ]

# Counts with more variance than Poisson's, without random numbers: quantiles of a negative binomial, permuted.
spread_counts <- function(groups, rows, mean, size) {
  data <- data.frame(g = gl(groups, rows))
  quantiles <- (seq_len(groups * rows) * 37 %% (groups * rows + 1) + 0.5) %% (groups * rows) / (groups * rows)
  data$y <- if (is.finite(size)) qnbinom(quantiles, mu = mean, size = size) else qpois(quantiles, mean)
  data
}

test_that("Owls are marked, with the ratio that the residuals of others have", {
  skip_if_not_installed("glmmTMB")
  fit <- glmm(SiblingNegotiation ~ FoodTreatment * SexParent + offset(log(BroodSize)) + (1 | Nest), glmmTMB::Owls,
              poisson)
  found <- statement(fit)
  expect_false(found$ok)
  expect_identical(found$limit, 1.5)
  expect_match(found$text, "Fit the family nbinom2 or nbinom1, add a random effect with a level for each row",
               fixed = TRUE)
  peer <- glmmTMB::glmmTMB(SiblingNegotiation ~ FoodTreatment * SexParent + offset(log(BroodSize)) + (1 | Nest),
                           glmmTMB::Owls, family = poisson)
  expect_equal(found$value, sum(residuals(peer, "pearson")^2) / df.residual(peer), tolerance = 1e-3)
  expect_equal(found$value, sum(residuals(fit, "pearson")^2) / df.residual(fit), tolerance = 1e-8)
  expect_identical(summary(fit)$pearson, found$value)
  # with a level a row nothing is left to see
  data <- transform(glmmTMB::Owls, row = factor(seq_along(Nest)))
  fit <- glmm(SiblingNegotiation ~ FoodTreatment + (1 | Nest) + (1 | row), data, poisson)
  expect_identical(nrow(statement(fit)), 0L)
  expect_null(summary(fit)$pearson)
})

test_that("counts that vary too much are marked, whatever the family, the method and the link", {
  data <- spread_counts(20, 12, 4, 0.8)
  expect_false(statement(glmm(y ~ 1 + (1 | g), data, poisson))$ok)
  expect_false(statement(glmm(y ~ 1 + (1 | g), data, poisson, method = "laplace"))$ok)
  expect_false(statement(glmm(y ~ 1 + (1 | g), data, poisson, REML = TRUE))$ok)
  expect_false(statement(glmm(y ~ 1 + (1 | g), data, poisson, method = "joint"))$ok)
  expect_false(statement(glmm(y ~ 1 + (1 | g), data, poisson("sqrt")))$ok)
  data$size <- 30
  data$y <- pmin(data$y, 30)
  expect_false(statement(glmm(cbind(y, size - y) ~ 1 + (1 | g), data, binomial))$ok)
  expect_false(statement(glmm(y / size ~ 1 + (1 | g), data, binomial, weights = size))$ok)
})

test_that("none for 0/1 rows, however they are given, nor for families with a dispersion", {
  expect_identical(nrow(statement(truth_fit("bacteria_logit"))), 0L)
  expect_identical(nrow(statement(truth_fit("sleep_lmm_ml"))), 0L)
  outcomes <- transform(MASS::bacteria, y = as.integer(y == "y"))
  data <- aggregate(list(n = rep(1, 220)), outcomes[c("y", "ID", "trt")], sum)
  fit <- glmm(y ~ trt + (1 | ID), data, binomial, weights = n)
  expect_identical(nrow(statement(fit)), 0L)
  data <- data.frame(y = c(1.2, 0.4, 3, 2.2, 0.8, 1.1, 5, 0.3), g = gl(4, 2))
  expect_identical(nrow(statement(suppressWarnings(glmm(y ~ 1 + (1 | g), data, Gamma("log"))))), 0L)
})

test_that("weights stand for equal rows, rows of weight zero count for nothing, offsets are in the means", {
  data <- spread_counts(15, 8, 3, 1.5)
  data$w <- rep(c(1, 2, 3, 1), 30)
  data$exposure <- rep(1:4, each = 30)
  weighted <- statement(glmm(y ~ 1 + offset(log(exposure)) + (1 | g), data, poisson, weights = w))
  copies <- data[rep(seq_len(nrow(data)), data$w), ]
  expect_equal(weighted, statement(glmm(y ~ 1 + offset(log(exposure)) + (1 | g), copies, poisson)), tolerance = 1e-6)
  more <- rbind(data, transform(data[1:20, ], y = 500, w = 0))
  expect_equal(weighted, statement(glmm(y ~ 1 + offset(log(exposure)) + (1 | g), more, poisson, weights = w)),
               tolerance = 1e-6)
})

test_that("merged rows are told apart again", {
  # few distinct rows: the core keeps one of each kind
  data <- spread_counts(10, 40, 4, 0.8)
  data$x <- rep(0:1, 200)
  fit <- glmm(y ~ x + (1 | g), data[sample.int(400), ], poisson)
  expect_equal(statement(fit)$value, sum(residuals(fit, "pearson")^2) / df.residual(fit), tolerance = 1e-8)
})

test_that("good fits are not marked, also where counts are few and small", {
  expect_true(statement(glmm(y ~ 1 + (1 | g), spread_counts(20, 12, 4, Inf), poisson))$ok)
  # one event where the mean is 0.001: its squared residual alone is 1000
  rows <- list(y = c(1, rep(0, 99)), size = rep(1, 100), weights = rep(1, 100))
  posterior <- list(mean = rep(log(0.001), 100), sd = rep(0, 100))
  expect_gt(sum(squared_pearson(posterior$mean, rows, poisson())) / 98, 5)
  expect_gt(sparse_tail(posterior, rows, 98, poisson()), 1e-3)
  # without spread and with large means it is the chi-squared tail
  rows <- list(y = 1e4 + 100 * qnorm(ppoints(50)) * 2, size = rep(1, 50), weights = rep(1, 50))
  posterior <- list(mean = rep(log(1e4), 50), sd = rep(0, 50))
  x <- sum(squared_pearson(posterior$mean, rows, poisson()))
  expect_equal(sparse_tail(posterior, rows, 49, poisson()), pchisq(x, 49, lower.tail = FALSE), tolerance = 0.05)
  # the expectation over a log-normal mean in closed form: E (y - mu)^2 / mu = y^2 exp(-m + v/2) - 2 y + exp(m + v/2)
  rows <- list(y = c(0, 1, 3), size = rep(1, 3), weights = rep(1, 3))
  posterior <- list(mean = c(-1, 0, 1), sd = c(0.5, 0.7, 0.3))
  exact <- with(posterior, rows$y^2 * exp(-mean + sd^2 / 2) - 2 * rows$y + exp(mean + sd^2 / 2))
  multiple <- sum(2 + exp(-posterior$mean + posterior$sd^2 / 2)) / 4
  expect_equal(sparse_tail(posterior, rows, 2, poisson()),
               pchisq(sum(exact) / multiple, 2 / multiple, lower.tail = FALSE), tolerance = 1e-3)
})

test_that("simulated Poisson and binomial data are hardly ever marked", {
  skip_unless_slow()
  set.seed(7)
  marked <- replicate(200, {
    data <- data.frame(g = gl(60, 3), x = rnorm(180, 0, 1.5))
    data$y <- rpois(180, 0.03 * exp(data$x + rnorm(60)[data$g]))
    if (sum(data$y) < 5) FALSE else !statement(suppressWarnings(glmm(y ~ x + (1 | g), data, poisson)))$ok
  })
  expect_lte(sum(marked), 3)
})
