test_that("differences and ratios are those of averaged predictions", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt * week + (1 | ID), MASS::bacteria, binomial())
  table <- marginal(fit, contrast = list(trt = c("placebo", "drug")))
  at <- function(value) {
    mean(predict(fit, transform(MASS::bacteria, trt = factor(value, levels(trt))), type = "marginal"))
  }
  expect_equal(table$estimate[1:2], c(at("placebo"), at("drug")), tolerance = 1e-8)
  expect_equal(table$estimate[3:5], c(at("drug") - at("placebo"), at("drug") / at("placebo"),
                                      at("drug") / (1 - at("drug")) * (1 - at("placebo")) / at("placebo")))
  expect_identical(table$quantity, c("mean", "mean", "difference", "ratio", "odds ratio"))
  # standard errors by differences of the estimates in the parameters
  covariance <- vcov(fit, full = TRUE)
  slopes <- vapply(seq_along(fit$parameters), function(j) {
    moved <- function(by) {
      other <- fit
      other$parameters[j] <- other$parameters[j] + by
      data <- rows_with(other, NULL, NULL)
      average_contrasts(other, list(trt = c("placebo", "drug")), data, covariance, 0.95)$estimate
    }
    (moved(1e-5) - moved(-1e-5)) / 2e-5
  }, numeric(5))
  expect_equal(table$std.error, sqrt(rowSums((slopes %*% covariance) * slopes)), tolerance = 1e-5)
  at_week <- marginal(fit, contrast = list(trt = c("placebo", "drug")), at = list(week = 11))
  wanted <- predict(fit, data.frame(trt = c("placebo", "drug"), week = 11), type = "marginal")
  expect_equal(at_week$estimate[1:2], unname(wanted), tolerance = 1e-8)
  expect_output(print(at_week), "difference, drug against placebo")
  expect_true(all(table$conf.low[1:2] > 0 & table$conf.high[1:2] < 1))
})

test_that("the slope is the derivative of the averaged mean", {
  fit <- glmm(cbind(ncases, ncontrols) ~ x + (1 | agegp), transform(esoph, x = unclass(alcgp)), binomial())
  slope <- marginal(fit, contrast = "x")
  at <- function(by) mean(predict(fit, transform(esoph, x = unclass(alcgp) + by), type = "marginal"))
  expect_equal(slope$estimate, (at(1e-3) - at(-1e-3)) / 2e-3, tolerance = 1e-4)
  expect_identical(slope$quantity, "slope")
})

test_that("what cannot be contrasted is refused", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + log(week + 1) + (1 | ID), MASS::bacteria, binomial())
  for (contrast in list(list(trt = "drug"), list(nothing = 1:2), list(trt = c("drug", "cake")), "trt", "nothing", 3,
                        list(1:2), c("a", "b"), list(trt = c("drug", NA)))) {
    expect_error(marginal(fit, contrast = contrast), class = "glimmer_error_argument")
  }
  for (at in list(3, list(3), list(week = 1:2), list(nothing = 1), list(week = "a"))) {
    expect_error(marginal(fit, contrast = list(trt = c("placebo", "drug")), at = at), class = "glimmer_error_argument")
  }
  # the data are found, as the formula transforms a variable
  expect_equal(nrow(marginal(fit, contrast = list(week = c(0, 11)))), 5L)
})

test_that("a risk difference agrees with the bootstrap", {
  skip_unless_slow()
  skip_if_not_installed("HSAUR3")
  fit <- glmm(outcome ~ treatment * time + (1 | patientID), HSAUR3::toenail, binomial())
  values <- list(treatment = levels(HSAUR3::toenail$treatment))
  found <- marginal(fit, contrast = values, at = list(time = 12))
  difference <- function(fit) {
    marginal(fit, contrast = values, at = list(time = 12), newdata = HSAUR3::toenail)$estimate[3]
  }
  drawn <- bootstrap(fit, difference, nsim = 200, seed = 1)
  expect_lt(abs(sd(drawn$t) / found$std.error[3] - 1), 0.2)
})

test_that("data that have changed since the fit are not taken", {
  data <- data.frame(g = gl(12, 6), x = rep(1:6, 12), t = factor(rep(c("p", "q"), 36)))
  set.seed(6)
  data$k <- rpois(72, exp(0.3 * data$x / 3 + rnorm(12, 0, 0.4)[data$g]))
  fit <- glmm(k ~ poly(x, 2) + t + (1 | g), data, poisson(), method = "laplace")
  before <- marginal(fit, contrast = list(t = c("p", "q")))
  kept <- data
  data$x <- data$x * 10
  expect_error(marginal(fit, contrast = list(t = c("p", "q"))), class = "glimmer_error_variable")
  expect_equal(marginal(fit, contrast = list(t = c("p", "q")), newdata = kept)$estimate, before$estimate)
})

test_that("levels and offsets are those of the fit", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + week + (1 | ID), MASS::bacteria, binomial(), method = "laplace")
  new <- data.frame(trt = "drug", week = 1:3)
  values <- list(trt = c("placebo", "drug"))
  expect_equal(marginal(fit, contrast = values, newdata = new), marginal(fit, contrast = values, newdata = new["week"]))
  claims <- transform(MASS::Insurance, exposure = log(Holders))
  by_argument <- glmm(Claims ~ Group + (1 | District), claims, poisson(), offset = exposure, method = "laplace")
  in_formula <- glmm(Claims ~ Group + offset(exposure) + (1 | District), claims, poisson(), method = "laplace")
  values <- list(Group = c("<1l", ">2l"))
  expect_equal(marginal(by_argument, contrast = values)$estimate, marginal(in_formula, contrast = values)$estimate,
               tolerance = 1e-6)
})

test_that("averages that the link does not allow are NA, with a warning", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + (1 | subject), MASS::epil, poisson("sqrt"), method = "laplace")
  warning <- expect_warning(found <- predict(fit, type = "marginal"), class = "glimmer_warning_mean")
  expect_identical(length(warning$rows), sum(is.na(found)))
})
