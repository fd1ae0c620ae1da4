profile_truth <- function(model, method) {
  rows <- utils::read.csv(test_path("fixtures", "profile_truth.csv"))
  rows[rows$model == model & rows$method == method, ]
}

test_that("limits are those of brute force", {
  skip_if_not_installed("MASS")
  for (method in c("exact", "laplace")) {
    truth <- profile_truth("bacteria_logit", method)
    limits <- confint(bacteria_fit(method = if (method == "exact") "auto" else method), method = "profile")
    expect_equal(unname(limits), unname(as.matrix(truth[c("lower", "upper")])), tolerance = 1e-5)
  }
  skip_if_not_installed("lme4")
  truth <- as.matrix(profile_truth("sleep_lmm_ml", "exact")[c("lower", "upper")])
  truth[6, ] <- exp(truth[6, ])
  fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = FALSE)
  limits <- confint(fit, method = "profile")
  expect_identical(dimnames(limits), dimnames(confint(fit)))
  expect_equal(unname(limits), unname(truth[c(1, 2, 3, 5, 4, 6), ]), tolerance = 1e-6)
})

test_that("at a limit the log-likelihood has fallen by half of a quantile, and no other parameters do better", {
  fit <- glmm(score ~ Machine + cs(0 + Machine | Worker), as.data.frame(nlme::Machines), stats::Gamma("log"),
              method = "laplace")
  curves <- profile(fit, "theta_", alphamax = 0.05)
  limits <- confint(fit, "theta_", method = "profile")
  expect_identical(rownames(limits), names(curves))
  for (name in names(curves)) {
    curve <- curves[[name]]
    usable <- is.finite(curve$logLik)
    again <- vapply(which(usable), function(k) c(logLik(fit, parameters = curve$parameters[k, ])), 1)
    expect_equal(again, curve$logLik[usable], tolerance = 1e-9)
    expect_equal(curve$zeta^2 / 2, c(logLik(fit)) - curve$logLik, tolerance = 1e-6)
    expect_false(is.unsorted(curve$zeta))
    # downhill from there in all directions that leave the value as it is: a gradient in one direction alone
    middle <- which.min(abs(curve$zeta - 1))
    along <- component(fit, "parameters")
    slopes <- vapply(seq_along(along), function(j) {
      at <- curve$parameters[middle, ]
      step <- 1e-4 * max(abs(at[j]), 0.01)
      shifted <- function(by) c(logLik(fit, parameters = replace(at, j, at[j] + by)))
      (shifted(step) - shifted(-step)) / (2 * step)
    }, 1) * sqrt(diag(vcov(fit, full = TRUE)))
    expect_lt(sort(abs(slopes), decreasing = TRUE)[2L], 0.02 * max(abs(slopes)))
  }
})

test_that("correlations and standard deviations of vector effects are held at values as they are reported", {
  fit <- glmm(weight ~ Time + (Time | Chick), ChickWeight, REML = FALSE)
  curves <- profile(fit, "theta_", points = 3L)
  for (name in names(curves)[1:3]) {
    curve <- curves[[name]]
    for (k in seq_len(nrow(curve))) {
      root <- matrix(c(curve$parameters[k, 3:4], 0, curve$parameters[k, 5]), 2L)
      covariance <- tcrossprod(root)
      value <- c(sqrt(covariance[1, 1]), stats::cov2cor(covariance)[2, 1], sqrt(covariance[2, 2]))
      expect_equal(value[match(name, names(curves))], curve$value[k], tolerance = 1e-8)
    }
  }
  expect_equal(exp(unname(curves$sigma$parameters[, 6])), curves$sigma$value)
})

test_that("restricted likelihoods profile what they have, maximum likelihood the fixed effects", {
  data <- as.data.frame(nlme::Orthodont)
  fit <- glmm(distance ~ age + (1 | Subject), data, REML = TRUE)
  ml <- glmm(distance ~ age + (1 | Subject), data, REML = FALSE)
  expect_equal(confint(fit, "beta_", method = "profile"), confint(ml, "beta_", method = "profile"), tolerance = 1e-6)
  # balanced data: E(S^2) and the REML log-likelihood of sigma and sd in closed form
  n <- 4
  groups <- 27
  within <- stats::anova(stats::lm(distance ~ age + Subject, data))
  between <- within["Subject", "Sum Sq"]
  inside <- within["Residuals", "Sum Sq"]
  restricted <- function(sd, sigma) {
    total <- sigma^2 + n * sd^2
    -((groups - 1) * log(total) + between / total + (groups * (n - 1) - 1) * log(sigma^2) + inside / sigma^2) / 2
  }
  best <- function(sd) stats::optimize(function(sigma) restricted(sd, sigma), c(0.5, 4), maximum = TRUE, tol = 1e-10)
  top <- stats::optimize(function(sd) best(sd)$objective, c(0.5, 5), maximum = TRUE, tol = 1e-10)
  cost <- function(sd) 2 * (top$objective - best(sd)$objective) - stats::qchisq(0.9, 1)
  wanted <- c(stats::uniroot(cost, c(0.5, top$maximum), tol = 1e-9)$root,
              stats::uniroot(cost, c(top$maximum, 6), tol = 1e-9)$root)
  expect_equal(unname(confint(fit, 3, level = 0.9, method = "profile")[1L, ]), wanted, tolerance = 1e-5)
})

test_that("ranges that end are limits, and are named", {
  set.seed(1)
  data <- data.frame(g = gl(20, 5), x = rnorm(100))
  data$y <- rbinom(100, 1, plogis(0.3 * data$x))
  fit <- glmm(y ~ x + (1 | g), data, binomial())
  limits <- confint(fit, method = "profile")
  expect_identical(limits[[3, 1]], 0)
  # the largest log-likelihood over the other parameters, by optim(), has fallen by half of a quantile; with the
  # variance held at zero all along (glm()) the interval would be shorter
  for (side in 1:2) {
    best <- stats::optim(c(0.1, 0.5), function(other) {
      -c(logLik(fit, parameters = c(other[1], limits[[2, side]], abs(other[2]))))
    }, control = list(reltol = 1e-12))
    expect_equal(2 * (c(logLik(fit)) + best$value), stats::qchisq(0.95, 1), tolerance = 1e-3)
  }
  expect_output(print(profile(fit, "theta_")), "Not bounded by the data on one side or both: sd_[(]Intercept[)][|]g")
  # counts that do not vary more than Poisson's: no upper limit of the size
  counts <- data.frame(y = rpois(100, 3), g = gl(20, 5))
  fit <- suppressWarnings(glmm(y ~ 1 + (1 | g), counts, nbinom2(), method = "laplace"))
  limits <- confint(fit, "size", method = "profile")
  expect_identical(limits[[1, 2]], Inf)
  expect_true(is.finite(limits[[1, 1]]))
})

test_that("separated data have no limit on one side", {
  data <- data.frame(g = gl(10, 6), x = rep(0:1, 30), y = rep(c(0, 1, 1, 1, 0, 1), 10))
  data$y[data$x == 1] <- 1
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), data, binomial(), method = "laplace"))
  limits <- suppressWarnings(confint(fit, "x", method = "profile"))
  expect_identical(limits[[1, 2]], Inf)
  expect_gt(limits[[1, 1]], 1)
})

test_that("profiles are tables, intervals and pictures", {
  fit <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial())
  curves <- profile(fit)
  table <- as.data.frame(curves)
  expect_named(table, c("parameter", "value", "zeta", "logLik"))
  expect_identical(unique(table$parameter), rownames(confint(fit)))
  expect_equal(confint(curves, level = 0.9), confint(fit, level = 0.9, method = "profile"), tolerance = 1e-3)
  expect_identical(rownames(confint(curves, "(Intercept)")), "(Intercept)")
  error <- expect_error(confint(curves, level = 0.999), class = "glimmer_error_argument")
  expect_match(conditionMessage(error), "alphamax = 0.001", fixed = TRUE)
  expect_output(print(curves), "Profile log-likelihoods by quadrature")
  path <- tempfile(fileext = ".pdf")
  grDevices::pdf(path)
  expect_identical(plot(curves), curves)
  expect_silent(plot(curves, absolute = FALSE, levels = 0.9))
  grDevices::dev.off()
  unlink(path)
  expect_error(profile(fit, "nothing"), class = "glimmer_error_argument")
  expect_error(profile(fit, alphamax = 2), class = "glimmer_error_argument")
  joint <- suppressWarnings(glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), method = "joint"))
  expect_error(profile(joint), class = "glimmer_error_not_available")
})

test_that("tidy() takes them", {
  fit <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), method = "laplace")
  table <- tidy(fit, conf.int = TRUE, conf.method = "profile")
  limits <- confint(fit, method = "profile")
  expect_equal(table$conf.low, unname(limits[, 1L]))
  expect_equal(table$conf.high, unname(limits[, 2L]))
})

test_that("the correlation of cs() ends where its matrix does", {
  set.seed(9)
  data <- data.frame(g = gl(30, 8), f = factor(rep(rep(1:4, 2), 30)))
  effects <- matrix(rnorm(120), 30)
  effects <- effects - rowMeans(effects)
  data$y <- effects[cbind(as.integer(data$g), as.integer(data$f))] + rnorm(240, 0, 0.3)
  fit <- suppressWarnings(glmm(y ~ f + cs(0 + f | g), data, REML = FALSE))
  limits <- confint(fit, "rho|g", method = "profile")
  expect_equal(limits[[1, 1]], -1 / 3, tolerance = 1e-6)
  curves <- profile(fit, "rho|g")
  expect_equal(confint(curves)[[1, 1]], -1 / 3, tolerance = 1e-6)
  expect_output(print(curves), "-0.333")
})
