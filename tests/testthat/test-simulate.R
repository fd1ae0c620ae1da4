# Simulated responses: moments against their closed forms within five Monte Carlo standard errors, forms, random
# number state.

# Means and variances of the rows over simulations, in Monte Carlo standard errors from what they should be.
moment_errors <- function(simulations, mean, variance) {
  draws <- as.matrix(simulations)
  n <- ncol(draws)
  found <- rowMeans(draws)
  squares <- (draws - mean)^2
  c(mean = max(abs(found - mean) / sqrt(variance / n)),
    variance = max(abs(rowMeans(squares) - variance) / (apply(squares, 1L, sd) / sqrt(n))))
}

test_that("a linear mixed model has its marginal and its conditional moments", {
  data <- data.frame(x = rep(c(-1, 0, 2, 0.5), 8), g = rep(letters[1:8], each = 4), w = rep(c(1, 4, 0.5, 2), 8))
  set.seed(11)
  data$y <- data$x + rnorm(8)[as.integer(factor(data$g))] * (1 + data$x) + rnorm(32) / sqrt(data$w)
  fit <- glmm(y ~ x + (x | g), data, weights = w)
  p <- fit$parameters
  residual <- exp(2 * p[["log_sigma"]]) / data$w
  L <- matrix(c(p[3], p[4], 0, p[5]), 2)
  random <- rowSums((cbind(1, data$x) %*% L)^2)
  marginal <- simulate(fit, 4000, seed = 1)
  expect_true(all(moment_errors(marginal, p[[1]] + p[[2]] * data$x, residual + random) < 5))
  # rows of a group share their effects
  draws <- as.matrix(marginal)
  shared <- drop(c(1, data$x[1]) %*% tcrossprod(L) %*% c(1, data$x[3]))
  products <- (draws[1, ] - mean(draws[1, ])) * (draws[3, ] - mean(draws[3, ]))
  expect_lt(abs(mean(products) - shared), 5 * sd(products) / sqrt(4000))
  expect_lt(abs(cor(draws[1, ], draws[5, ])), 5 / sqrt(4000))
  conditional <- simulate(fit, 4000, seed = 2, re.form = NULL)
  expect_true(all(moment_errors(conditional, unname(fitted(fit)), residual) < 5))
  some <- simulate(fit, 4000, seed = 3, re.form = ~ (1 | g))
  expect_true(all(moment_errors(some, unname(predict(fit, re.form = ~ (1 | g))),
                                residual + (data$x * sqrt(p[4]^2 + p[5]^2))^2) < 5))
})

test_that("counts have their moments", {
  data <- data.frame(x = rep(c(-1, 0, 1), 10), g = rep(letters[1:10], each = 3), trials = rep(c(5, 20, 1), 10))
  set.seed(12)
  data$count <- rpois(30, exp(0.5 + data$x / 2 + rnorm(10)[as.integer(factor(data$g))] / 2))
  fit <- glmm(count ~ x + (1 | g), data, poisson)
  eta <- fit$parameters[[1]] + fit$parameters[[2]] * data$x
  s2 <- fit$parameters[[3]]^2
  mean <- exp(eta + s2 / 2)
  expect_true(all(moment_errors(simulate(fit, 4000, seed = 1), mean, mean + mean^2 * (exp(s2) - 1)) < 5))
  data$hits <- pmin(data$count, data$trials)
  fit <- glmm(cbind(hits, trials - hits) ~ x + (1 | g), data, binomial)
  simulations <- simulate(fit, 4000, seed = 1, re.form = NULL)
  successes <- vapply(simulations, function(x) x[, 1L], numeric(30))
  p <- unname(fitted(fit))
  expect_true(all(moment_errors(successes, data$trials * p, data$trials * p * (1 - p)) < 5))
  # a marginal mean by integrating over the random effect
  simulations <- vapply(simulate(fit, 4000, seed = 2), function(x) x[2, 1L], numeric(1))
  sd <- fit$parameters[[3]]
  mean <- integrate(function(b) 20 * plogis(fit$parameters[[1]] + b) * dnorm(b, 0, sd), -10 * sd, 10 * sd)$value
  expect_lt(abs(mean(simulations) - mean), 5 * sd(simulations) / sqrt(4000))
})

test_that("draws of every family have their moments and distribution", {
  n <- 20000L
  mean <- rep(c(0.5, 3), each = n / 2)
  weights <- rep(c(1, 2), n / 2)
  first <- mean == 0.5 & weights == 2
  z_mean <- function(x, mean, variance) abs(mean(x) - mean) / sqrt(variance / length(x))
  set.seed(5)
  gamma <- family_registry()$Gamma$draw(mean, 1, weights, 3)[first]
  expect_lt(z_mean(gamma, 0.5, 0.25 / 6), 4)
  expect_gt(ks.test(gamma, pgamma, shape = 6, rate = 12)$p.value, 0.001)
  inverse <- family_registry()$inverse.gaussian$draw(mean, 1, weights, 0.7)
  distribution <- function(x, mu, lambda) {
    root <- sqrt(lambda / x)
    pnorm(root * (x / mu - 1)) + exp(2 * lambda / mu) * pnorm(-root * (x / mu + 1))
  }
  for (mu in c(0.5, 3)) {
    for (w in 1:2) {
      x <- inverse[mean == mu & weights == w]
      expect_lt(z_mean(x, mu, mu^3 / (0.7 * w)), 4)
      expect_gt(ks.test(x, distribution, mu = mu, lambda = 0.7 * w)$p.value, 0.001)
    }
  }
  expect_lt(z_mean(family_registry()$gaussian$draw(mean, 1, weights, 3)[first], 0.5, 9 / 2), 4)
  # far from its mean the inverse Gaussian stays positive and finite
  expect_true(all(is.finite(extreme <- draw_inverse_gaussian(rep(1e8, 1000), 1e-8)) & extreme > 0))
})

test_that("draws have the form of the response, and refit takes them without a warning", {
  set.seed(3)
  data <- data.frame(x = rnorm(90), g = rep(letters[1:9], each = 10), m = rep(c(4L, 9L), 45))
  eta <- 0.2 + data$x / 2 + rnorm(9)[as.integer(factor(data$g))]
  data$s <- rbinom(90, data$m, plogis(eta))
  data$b <- rbinom(90, 1, plogis(eta))
  data$f <- factor(data$b, labels = c("no", "yes"))
  data$l <- data$b == 1
  data$p <- data$s / data$m
  data$c <- rpois(90, exp(eta))
  data$y <- eta + rnorm(90)
  checks <- list(
    list(glmm(cbind(s, m - s) ~ x + (1 | g), data, binomial), function(y) all(rowSums(y) == data$m) && ncol(y) == 2),
    list(glmm(b ~ x + (1 | g), data, binomial), function(y) all(y %in% 0:1)),
    list(glmm(f ~ x + (1 | g), data, binomial), function(y) is.factor(y) && identical(levels(y), levels(data$f))),
    list(glmm(l ~ x + (1 | g), data, binomial), is.logical),
    list(glmm(p ~ x + (1 | g), data, binomial, weights = m),
         function(y) all(abs(y * data$m - round(y * data$m)) < 1e-8)),
    list(glmm(c ~ x + (1 | g), data, poisson), is.integer),
    list(glmm(log(exp(y)) ~ x + (1 | g), data), is.double)
  )
  for (check in checks) {
    simulations <- simulate(check[[1L]], 2, seed = 8)
    expect_s3_class(simulations, "data.frame")
    expect_named(simulations, c("sim_1", "sim_2"))
    for (y in simulations) {
      expect_true(check[[2L]](y))
      expect_silent(again <- refit(check[[1L]], y))
      expect_true(again$converged)
    }
  }
})

test_that("the seed is kept, and the state of the generator restored", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  set.seed(99)
  before <- .Random.seed
  first <- simulate(fit, 2, seed = 3)
  expect_identical(.Random.seed, before)
  expect_identical(first, simulate(fit, 2, seed = 3))
  expect_equal(attr(first, "seed"), structure(3, kind = as.list(RNGkind())))
  free <- simulate(fit)
  expect_identical(attr(free, "seed"), before)
  assign(".Random.seed", attr(free, "seed"), envir = globalenv())
  expect_identical(simulate(fit)$sim_1, free$sim_1)
  expect_false(identical(simulate(fit)$sim_1, free$sim_1))
})

test_that("no state of the generator appears where there was none", {
  had <- get0(".Random.seed", envir = globalenv(), inherits = FALSE)
  on.exit(if (!is.null(had)) assign(".Random.seed", had, envir = globalenv()))
  none <- function(expression) {
    suppressWarnings(rm(".Random.seed", envir = globalenv()))
    force(expression)
    expect_false(exists(".Random.seed", envir = globalenv(), inherits = FALSE))
  }
  data <- transform(InsectSprays, block = rep(1:12, 6), row = rep(1:9, 8))
  none(fit <- glmm(count ~ spray + (1 | block), data, poisson))
  none(suppressWarnings(glmm(count ~ spray + (1 | block) + (1 | row), data)))
  none(predict(fit, data[1:3, ], se.fit = TRUE))
  none(summary(fit))
  none(refit(fit, data$count))
  none(simulate(fit, seed = 1))
})

test_that("new data bring their own levels, trials and weights", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::cbpp, big = size * 10L)
  fit <- glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), data, family = binomial)
  new <- data.frame(period = c("1", "2", NA), herd = c("1", "unseen", "2"), incidence = 0, size = c(7, 100, 5))
  y <- simulate(fit, newdata = new, seed = 1)$sim_1
  expect_equal(rowSums(y), c(7, 100, NA), ignore_attr = TRUE)
  expect_s3_class(tryCatch(simulate(fit, newdata = new, re.form = NULL), error = identity), "glimmer_error_levels")
  kept <- simulate(fit, 500, newdata = new, re.form = NULL, allow.new.levels = TRUE, seed = 1)
  share <- vapply(kept, function(y) y[2, 1L] / 100, 1)
  # the level that is not known is drawn
  expect_gt(sd(share), 2 * sqrt(mean(share) * (1 - mean(share)) / 100))
  lacking <- new[c("period", "herd")]
  expect_s3_class(tryCatch(simulate(fit, newdata = lacking), error = identity), "glimmer_error_variable")
  expect_equal(nrow(simulate(fit, newdata = new, na.action = na.omit)), 2L)
  share <- glmm(I(incidence / size) ~ period + (1 | herd), data, binomial, weights = size)
  y <- simulate(share, newdata = new[1:2, ], seed = 1)$sim_1
  expect_equal(y * c(7, 100), round(y * c(7, 100)))
})

test_that("what cannot be drawn is refused", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::cbpp, w = size + 0.5)
  fit <- suppressWarnings(glmm(I(incidence / size) ~ period + (1 | herd), data, binomial, weights = w))
  error <- tryCatch(simulate(fit), error = identity)
  expect_s3_class(error, "glimmer_error_weights")
  for (nsim in list(0, 1.5, NA, "a")) {
    expect_s3_class(tryCatch(simulate(fit, nsim), error = identity), "glimmer_error_argument")
  }
  expect_s3_class(tryCatch(simulate(fit, newparams = list()), error = identity), "glimmer_error_argument")
})

test_that("rows left out by na.exclude are NA", {
  skip_if_not_installed("MASS")
  data <- MASS::bacteria
  data$week[3] <- NA
  fit <- glmm(y ~ week + (1 | ID), data, binomial, na.action = na.exclude)
  simulations <- simulate(fit, seed = 1)
  expect_equal(nrow(simulations), 220L)
  expect_identical(which(is.na(simulations$sim_1)), 3L)
  expect_silent(refit(fit, simulations$sim_1))
})

test_that("use.u is the older re.form", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  expect_identical(simulate(fit, 2, seed = 3, use.u = TRUE), simulate(fit, 2, seed = 3, re.form = NULL))
  expect_identical(simulate(fit, 2, seed = 3, use.u = FALSE), simulate(fit, 2, seed = 3))
  expect_false(identical(simulate(fit, seed = 3, use.u = TRUE), simulate(fit, seed = 3)))
  expect_s3_class(tryCatch(simulate(fit, use.u = TRUE, re.form = NULL), error = identity), "glimmer_error_argument")
  expect_s3_class(tryCatch(simulate(fit, use.u = "yes"), error = identity), "glimmer_error_argument")
})

test_that("bootMer of lme4 runs on a fit, and its spread is that of the estimates", {
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  for (arguments in list(list(), list(use.u = TRUE), list(re.form = NA))) {
    boot <- do.call(lme4::bootMer, c(list(fit, fixef, nsim = 3L, seed = 1), arguments))
    expect_equal(boot$t0, fixef(fit))
    expect_equal(unname(boot$t[1L, ]), unname(fixef(refit(fit, simulate(fit, 3L, seed = 1,
      re.form = if (isTRUE(arguments$use.u)) NULL else NA)[[1L]]))), tolerance = 1e-6)
  }
  # around the conditional modes the intercept moves less
  expect_lt(sd(lme4::bootMer(fit, fixef, nsim = 20L, seed = 1, use.u = TRUE)$t[, 1L]),
            sd(lme4::bootMer(fit, fixef, nsim = 20L, seed = 1)$t[, 1L]))
})

test_that("simulating for the data of the fit is simulating for the fit", {
  skip_if_not_installed("lme4")
  orthodont <- as.data.frame(nlme::Orthodont)
  fit <- glmm(distance ~ I(age - 11) + (I(age - 11) | Subject), orthodont)
  expect_equal(simulate(fit, newdata = orthodont, seed = 101), simulate(fit, seed = 101))
  fit <- glmm(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  expect_equal(nrow(simulate(fit, newdata = lme4::Penicillin[1:10, ])), 10L)
  expect_equal(nrow(simulate(fit, newdata = lme4::Penicillin[rep(1:144, 4), ])), 576L)
  # new subjects, some without a response
  sleep <- rbind(lme4::sleepstudy, lme4::sleepstudy)
  sleep$Subject <- factor(rep(1:36, each = 10))
  sleep$Reaction[sleep$Subject == 19] <- NA
  fit <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  expect_equal(dim(simulate(fit, newdata = sleep, allow.new.levels = TRUE)), c(360L, 1L))
  expect_equal(rownames(simulate(fit, newdata = sleep[c("4", "190"), ])), c("4", "190"))
  # aliased columns
  sleep <- transform(lme4::sleepstudy, twice = 2 * Days)
  fit <- suppressWarnings(glmm(Reaction ~ Days + twice + (1 | Subject), sleep))
  expect_equal(simulate(fit, newdata = sleep, seed = 4), simulate(fit, seed = 4))
})

test_that("a factor response keeps its levels where one of them is not drawn", {
  data <- data.frame(y = factor(rep(c("0", "1", rep("0", 98)), 4)), g = rep(letters[1:4], each = 100))
  fit <- suppressWarnings(glmm(y ~ 1 + (1 | g), data, binomial))
  drawn <- simulate(fit, newdata = data.frame(g = "a"), nsim = 3, seed = 1)
  expect_true(all(vapply(drawn, function(y) identical(levels(y), c("0", "1")), NA)))
  expect_true(all(drawn == "0"))
})

test_that("simulated data refit without warnings, every family and link", {
  set.seed(17)
  data <- data.frame(x = runif(240, -1, 1), g = rep(sprintf("g%02d", 1:20), 12))
  b <- rnorm(20)[as.integer(factor(data$g))]
  scales <- list(identity = c(8, 1, 0.6), log = c(1, 0.5, 0.4), inverse = c(1, 0.1, 0.08), "1/mu^2" = c(1, 0.1, 0.08),
                 sqrt = c(4, 0.5, 0.4), logit = c(0.3, 0.7, 0.8), probit = c(0.2, 0.5, 0.5),
                 cloglog = c(-0.3, 0.5, 0.5), cauchit = c(0.2, 0.6, 0.6))
  for (traits in family_registry()) {
    for (link in traits$links) {
      family <- traits$make(link)
      trials <- has_trials(family)
      scale <- if (traits$mean_range[2] == 1 && link == "log") c(-1.5, 0.2, 0.2) else scales[[link]]
      mean <- family$linkinv(scale[1] + scale[2] * data$x + scale[3] * b)
      y <- traits$draw(mean, rep(10, 240), rep(1, 240), if (traits$name == "gaussian") 0.3 else 20)
      data$y <- if (trials) y / 10 else y
      data$w <- if (trials) 10 else 1
      fit <- glmm(y ~ x + (1 | g), data, family, weights = w)
      # from the model as it was fitted: its own draws can be refitted, and are about it
      for (new in simulate(fit, 2, seed = 23, re.form = NULL)) {
        expect_silent(again <- refit(fit, new))
        expect_true(again$converged)
        distance <- abs(fixef(again) - fixef(fit)) / sqrt(diag(vcov(fit)))
        expect_lt(distance[["x"]], 4, label = paste(traits$name, link))
      }
    }
  }
})
