# Predictions against lme4 and glmmTMB. New data: test-newdata.R; standard errors: test-predict-variance.R.

test_that("predictions are those of lme4", {
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  sleep$late <- factor(ifelse(sleep$Days > 4, "late", "early"))
  formula <- Reaction ~ poly(Days, 2) + late + (scale(Days) | Subject)
  fit <- glmm(formula, sleep)
  peer <- lme4::lmer(formula, sleep)
  new <- sleep[c(3, 50, 177), c("Days", "Subject", "late")]
  new$Days <- new$Days + 0.5
  for (re_form in list(NULL, NA, ~0, ~ (1 | Subject), ~ (scale(Days) | Subject))) {
    expect_equal(predict(fit, re.form = re_form), predict(peer, re.form = re_form), tolerance = 1e-5)
    expect_equal(predict(fit, new, re.form = re_form), predict(peer, new, re.form = re_form), tolerance = 1e-5)
  }
})

test_that("binomial and Poisson predictions are those of lme4 on both scales", {
  skip_if_not_installed("lme4")
  cbpp <- lme4::cbpp
  control <- lme4::glmerControl(tolPwrss = 1e-10)
  formula <- cbind(incidence, size - incidence) ~ period + (1 | herd)
  fit <- glmm(formula, cbpp, family = binomial, method = "laplace")
  peer <- lme4::glmer(formula, cbpp, binomial, control = control)
  new <- data.frame(period = c("4", "2"), herd = c("15", "3"))
  for (type in c("link", "response")) {
    expect_equal(predict(fit, type = type), predict(peer, type = type), tolerance = 1e-4)
    expect_equal(predict(fit, new, type = type), predict(peer, new, type = type), tolerance = 1e-4)
    expect_equal(predict(fit, new, type = type, re.form = NA), predict(peer, new, type = type, re.form = NA),
                 tolerance = 1e-4)
  }
})

test_that("terms that learn from the data, contrasts and aliased columns are those of the fit", {
  d <- bad_input_data()
  d$twice <- 2 * d$x
  d$ordered <- factor(d$f, ordered = TRUE)
  d$late <- d$z > 0
  d$day <- as.Date("2020-01-01") + seq_len(nrow(d))
  fit <- suppressWarnings(glmm(yg ~ poly(x, 2) + splines::ns(z, df = 3) + scale(o) + ordered + f:x + twice + late +
                                 day + (scale(o) + f | g), d, contrasts = list(f = "contr.sum")))
  expect_gt(length(fit$dropped), 0L)
  expect_equal(predict(fit, d[11:13, ]), predict(fit)[11:13])
  expect_equal(predict(fit, d[11, ]), predict(fit)[11])
  expect_equal(predict(fit, d[11:13, ], se.fit = TRUE)$se.fit, predict(fit, se.fit = TRUE)$se.fit[11:13])
  plain <- as.data.frame(lapply(d[11:13, ], function(x) if (is.factor(x)) as.character(x) else x))
  expect_equal(unname(predict(fit, plain)), unname(predict(fit)[11:13]))
})

test_that("predictions follow the parameters that the object holds", {
  fit <- glmm(yc ~ x + (1 | g), bad_input_data(), poisson)
  moved <- fit
  moved$parameters[["x"]] <- fit$parameters[["x"]] + 1
  d <- bad_input_data()
  expect_equal(predict(moved) - predict(fit), setNames(d$x, seq_along(d$x)))
})

test_that("arguments that would change the result are not swallowed", {
  fit <- glmm(yc ~ x + (1 | g), bad_input_data(), poisson)
  for (call in list(quote(predict(fit, ReForm = NA)), quote(predict(fit, random.only = TRUE)),
                    quote(predict(fit, new_data = 1)), quote(predict(fit, type = "terms")),
                    quote(predict(fit, se.fit = NA)))) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_argument")
  }
  for (call in expression(predict(fit, mfx = 1), predict(fit, re_formula = NA), predict(fit, level = 0))) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_argument")
  }
})

# What users of lme4 rely on, from the behaviours that its own tests of these methods state.

test_that("matrices, characters, bases in random terms and a point in the formula are predicted from new data", {
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  sleep$X <- cbind(1, sleep$Days)
  fit <- glmm(Reaction ~ -1 + X + (poly(Days, 2) | Subject), sleep)
  plain <- glmm(Reaction ~ Days + (poly(Days, 2) | Subject), sleep)
  expect_equal(predict(fit, sleep[31:33, ]), predict(plain)[31:33], tolerance = 1e-5)
  expect_equal(predict(plain, sleep[7, ]), fitted(plain)[7])
  sleep$noise <- rep(c("yes", "no", "no"), 60)
  fit <- glmm(Reaction ~ Days + noise + (Days | Subject), sleep)
  expect_equal(predict(fit, model.frame(fit)[2:3, ])[2], predict(fit, model.frame(fit)[3, ]))
  data <- sleep[c("Reaction", "Days", "Subject")]
  expect_equal(predict(glmm(Reaction ~ . - Subject + (1 | Subject), data), data[9:12, ]),
               predict(glmm(Reaction ~ Days + (1 | Subject), data), data[9:12, ]))
})

test_that("missing values of the fit are not carried into predictions, and na.exclude pads them when asked", {
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  rownames(sleep) <- paste0("a", rownames(sleep))
  sleep$Days[1:3] <- NA
  fit <- glmm(Reaction ~ Days + (1 | Subject), sleep)
  expect_identical(names(predict(fit)), names(fitted(fit)))
  expect_identical(names(fitted(fit))[1:2], c("a4", "a5"))
  padded <- predict(fit, na.action = na.exclude)
  expect_length(padded, 180L)
  expect_identical(padded[!is.na(padded)], predict(fit))
  expect_identical(padded, predict(fit, na.action = "na.exclude"))
  expect_false(anyNA(predict(fit, lme4::sleepstudy)))
  expect_equal(nrow(simulate(fit, seed = 1)), 177L)
  expect_equal(nrow(simulate(fit, seed = 1, na.action = na.exclude)), 180L)
})

test_that("predictions are those of lme4 and glmmTMB: Poisson with several crossed and nested factors", {
  skip_if_not_installed("lme4")
  skip_if_not_installed("glmmTMB")
  ticks <- lme4::grouseticks
  formula <- TICKS ~ YEAR + scale(HEIGHT) + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION)
  fit <- glmm(formula, ticks, poisson, method = "laplace")
  peer <- glmmTMB::glmmTMB(formula, ticks, family = poisson)
  new <- ticks[c(10, 200, 380), c("YEAR", "HEIGHT", "BROOD", "INDEX", "LOCATION")]
  new$HEIGHT <- new$HEIGHT + 20
  expect_equal(unname(predict(fit, new)), as.numeric(predict(peer, new)), tolerance = 1e-3)
  expect_equal(unname(predict(fit, new, type = "response")), as.numeric(predict(peer, new, type = "response")),
               tolerance = 2e-3)
  # theirs have the uncertainty of the variances too
  mine <- unname(predict(fit, new, se.fit = TRUE)$se.fit)
  theirs <- as.numeric(predict(peer, new, se.fit = TRUE)$se.fit)
  expect_true(all(mine <= theirs * 1.001 & mine > 0.85 * theirs))
  new$BROOD <- "unseen"
  expect_equal(unname(predict(fit, new, allow.new.levels = TRUE)),
               as.numeric(predict(peer, new, allow.new.levels = TRUE)), tolerance = 1e-3)
  formula <- cbind(incidence, size - incidence) ~ splines::ns(as.numeric(period), 2) + (1 | herd)
  fit <- glmm(formula, lme4::cbpp, binomial, method = "laplace")
  peer <- lme4::glmer(formula, lme4::cbpp, binomial, control = lme4::glmerControl(tolPwrss = 1e-10))
  new <- data.frame(period = factor(c(2, 4), levels = 1:4), herd = c("2", "14"), incidence = 0, size = 1)
  expect_equal(predict(fit, new), predict(peer, new), tolerance = 1e-4)
})

test_that("a new level has the mean at effect zero, and no standard error that the range of the mean forbids", {
  set.seed(4)
  d <- data.frame(g = rep(1:60, each = 5), x = rnorm(300))
  d$y <- rbinom(300, 1, plogis(-1 + d$x + rnorm(60, 0, 4)[d$g]))
  new <- data.frame(g = c(99, 1), x = 0)
  for (link in c("logit", "probit", "cloglog")) {
    fit <- suppressWarnings(glmm(y ~ x + (1 | g), d, binomial(link), method = "laplace"))
    warning <- NULL
    p <- withCallingHandlers(predict(fit, new, type = "response", allow.new.levels = TRUE, se.fit = TRUE),
                             glimmer_warning_standard_error = function(w) {
                               warning <<- w
                               invokeRestart("muffleWarning")
                             })
    eta <- predict(fit, new, allow.new.levels = TRUE, se.fit = TRUE)
    expect_equal(p$fit[[1L]], binomial(link)$linkinv(fixef(fit)[[1L]]))
    # a quantity between 0 and 1 has a standard deviation of 1/2 at most
    expect_gt(eta$se.fit[[1L]] * binomial(link)$mu.eta(eta$fit[[1L]]), 0.5)
    expect_identical(is.na(p$se.fit), c("1" = TRUE, "2" = FALSE))
    expect_equal(warning$link_scale, eta$se.fit[[1L]])
    expect_identical(warning$rows, "1")
  }
})

test_that("means that the link does not allow are NA with a warning", {
  set.seed(5)
  d <- data.frame(x = runif(200), g = gl(20, 10))
  eta <- pmax(1 + d$x + rnorm(20, 0, 0.4)[d$g], 0.1)
  draws <- list(poisson = rpois(200, eta), poisson = rpois(200, eta^2), Gamma = rgamma(200, 5, 5 * eta),
                inverse.gaussian = draw_inverse_gaussian(1 / sqrt(eta), rep(5, 200)))
  links <- c("identity", "sqrt", "inverse", "1/mu^2")
  for (k in seq_along(draws)) {
    d$y <- draws[[k]]
    family <- make_family(names(draws)[k], links[k])
    fit <- suppressWarnings(glmm(y ~ x + (1 | g), d, family, method = "laplace"))
    new <- data.frame(x = c(0.5, -5), g = "1")
    expect_warning(p <- predict(fit, new, type = "response", se.fit = TRUE), class = "glimmer_warning_mean")
    expect_identical(unname(is.na(p$fit)), c(FALSE, TRUE))
    expect_identical(unname(is.na(p$se.fit)), c(FALSE, TRUE))
    expect_lt(predict(fit, new)[[2L]], 0)
    expect_equal(p$fit[[1L]], family$linkinv(predict(fit, new)[[1L]]))
    expect_warning(added <- augment(fit, newdata = new), class = "glimmer_warning_mean")
    expect_identical(is.na(added$.mu), c(FALSE, TRUE))
    # and so they cannot be drawn
    error <- error_of(simulate(fit, 50, seed = 1))
    expect_s3_class(error, "glimmer_error_mean")
    expect_true(length(error$rows) > 0 && all(error$linear_predictor < 0))
    expect_false(anyNA(simulate(fit, 5, seed = 1, re.form = NULL)))
    expect_s3_class(error_of(simulate(fit, newdata = new, re.form = NULL)), "glimmer_error_mean")
  }
})
