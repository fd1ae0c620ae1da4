# The layouts of the printouts.

# A fit whose record of the search does not depend on the machine, for the snapshots.
settled <- function(fit) {
  fit$status$value[1] <- 1e-12
  fit$status$text[1] <- "predicted gain of a further step 1e-12 log-likelihood units"
  fit$search$record$evaluations <- 10L
  fit
}

show_all <- function(fit) {
  print(fit, digits = 3)
  print(summary(fit), digits = 3, signif.stars = FALSE)
}

test_that("printouts: trials, slopes, Poisson", {
  skip_if_not_installed("lme4")
  cbpp <- truth_model("cbpp_logit")$data
  expect_snapshot(show_all(settled(glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), cbpp, binomial))))
  expect_snapshot(show_all(settled(glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy))))
  expect_snapshot(show_all(settled(truth_fit("salam_pois"))))
})

test_that("every statement that speaks against the fit is printed, whatever its check is called", {
  fit <- settled(truth_fit("bacteria_logit"))
  expect_match(capture.output(print(fit)), "^Fit status: ok [(]converged, interior, accurate to", all = FALSE)
  said <- list(separation = "one", level_separation = "two", edge = "three", "a new check" = "four")
  more <- Map(function(check, text) new_check(check, 1, 0, FALSE, text), names(said), said)
  fit$status <- do.call(rbind, c(list(fit$status), unname(more), list(new_check("fine", 1, 2, TRUE, "five"))))
  shown <- capture.output(print(fit), print(summary(fit)))
  for (text in c("SEPARATION: one", "SEPARATION: two", "EDGE: three", "A NEW CHECK: four")) {
    expect_identical(sum(grepl(text, shown, fixed = TRUE)), 2L)
  }
  expect_false(any(grepl("five|ok", shown)))
})

test_that("a good fit and one with three marks take one screen at 80 columns", {
  skip_if_not_installed("glmmTMB")
  local_width <- options(width = 80)
  on.exit(options(local_width))
  good <- glmm(SiblingNegotiation ~ FoodTreatment * SexParent + (1 | Nest), glmmTMB::Owls, poisson)
  good$status$ok <- TRUE
  expect_lte(length(capture.output(print(summary(good)))), 40)
  # overdispersed, a factor without variance, and a Laplace approximation that is no good
  data <- data.frame(g = gl(60, 4), one = rep(gl(4, 1), 60), x = rep(c(-1, 0, 0, 1), 60))
  data$y <- rep(c(0, 0, 0, 0, 0, 1, 40, 0, 0, 0, 3, 0, 0, 90, 0, 0), 15)
  marked <- glmm(y ~ x + (1 | g) + (1 | one), data, poisson)
  marked$status <- rbind(marked$status[marked$status$check != "accuracy", ],
                         check_laplace(data.frame(group = "g", information = 0.3, limit = 2),
                                       better_than_laplace(fit_design(marked))))
  expect_gte(sum(!marked$status$ok), 2L)
  expect_lte(length(capture.output(print(summary(marked)))), 40)
})

test_that("a maximum on the edge is in the printout", {
  # every response of one level is a success: with the log link its mean goes to 1
  data <- data.frame(g = gl(6, 10), x = rep(0:1, 30), y = c(rep(1, 10), rep(c(0, 1, 1, 0, 1, 0, 0, 1, 0, 1), 5)))
  fit <- glmm(y ~ x + (1 | g), data, binomial("log"))
  shown <- gsub(" +", " ", paste(capture.output(print(fit)), collapse = " "))
  expect_match(shown, "EDGE: maximum on the edge", fixed = TRUE)
})

test_that("printouts keep to the width, and are invisible and plain", {
  fits <- list(truth_fit("sleep_lmm_ml"), truth_fit("bacteria_logit", method = "laplace"),
               suppressWarnings(glmm(Reaction ~ Days + (Days + I(Days^2) + sin(Days) + cos(3 * Days) | Subject),
                                     truth_model("sleep_lmm_ml")$data)))
  old <- options(width = 80)
  on.exit(options(old))
  for (width in c(60, 80, 120)) {
    options(width = width, digits = if (width == 60) 4 else 7)
    for (fit in fits) {
      shown <- capture.output(result <- withVisible(print(fit)), again <- withVisible(print(summary(fit))),
                              print(VarCorr(fit), comp = c("Variance", "Std.Dev.")), print(anova(fit)))
      expect_false(result$visible)
      expect_false(again$visible)
      expect_s3_class(again$value, "summary.glimmer")
      expect_lte(max(nchar(shown)), width)
      expect_false(any(grepl("[^ -~]", shown)))
    }
  }
})

test_that("events are counted of 0/1 data, trials of others; degrees of freedom have two decimals at most", {
  fit <- truth_fit("bacteria_logit")
  expect_equal(summary(fit)$events, sum(fit$frame[[1L]] == 1))
  expect_match(capture.output(print(fit)), "220 rows, 177 events", all = FALSE, fixed = TRUE)
  expect_match(capture.output(print(truth_fit("cbpp_logit"))), "842 trials", all = FALSE, fixed = TRUE)
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy[-(1:7), ])
  for (table in list(summary(fit), anova(fit))) {
    shown <- capture.output(print(table, digits = 8))
    cells <- strsplit(trimws(sub("^Days", "", grep("^Days ", shown, value = TRUE))), " +")[[1L]]
    df <- cells[if (inherits(table, "anova")) 2L else 3L]
    expect_match(df, "^[0-9]+([.][0-9]{1,2})?$")
  }
})

test_that("printouts: rows and columns left out, and correlations asked for", {
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy
  data$Reaction[2] <- NA
  data$constant <- 1
  data$weight <- rep(c(0, 1), c(3, 177))
  fit <- suppressWarnings(glmm(Reaction ~ Days + constant + (1 | Subject), data, weights = weight))
  expect_snapshot(show_all(settled(fit)))
  expect_snapshot(print(summary(settled(fit), correlation = TRUE), digits = 3, signif.stars = TRUE))
})

test_that("printouts: boundary, joint method, no convergence, no standard errors", {
  data <- data.frame(y = rep(c(1, 2, 4, 3, 5), 6), x = rep(1:5, 6), g = gl(6, 5))
  expect_snapshot(show_all(settled(glmm(y ~ 1 + (1 | g), data))))
  expect_snapshot(show_all(settled(truth_fit("bacteria_logit", method = "joint"))))
  fit <- settled(truth_fit("bacteria_logit"))
  fit$converged <- FALSE
  fit$status[1:2, "ok"] <- FALSE
  fit$status$text[2] <- "Hessian not positive definite: standard errors are not available"
  fit$covariance[] <- NA
  fit$fixed_root[] <- NA
  expect_snapshot(show_all(fit))
  expect_false(any(grepl("NaN|NA", capture.output(show_all(fit)))))
})

test_that("printouts: no fixed effects, data by value, many rows", {
  data <- data.frame(y = c(-1, 0, 2, 3, -2, -4), g = gl(3, 2))
  fit <- do.call(glmm, list(y ~ 0 + (1 | g), data))
  shown <- capture.output(show_all(fit))
  expect_true(any(grepl("data given by value", shown, fixed = TRUE)))
  expect_true("none" %in% shown)
  expect_match(rows_text(c(used = 100000L, zero_weight = 0L, missing = 0L), list()), "100000 rows", fixed = TRUE)
})

test_that("log-likelihood and AIC are printed to what the error of the quadrature allows", {
  skip_if_not_installed("HSAUR3")
  fit <- suppressWarnings(glmm(outcome ~ treatment * time + (1 | patientID), HSAUR3::toenail, binomial, nAGQ = 15))
  error <- fit$quadrature$error$log_likelihood
  expect_gt(error, 0.05)
  expect_lt(error, 0.5)
  expect_output(print(fit), "logLik -625 \\(df 5\\), AIC 1260\n")
  expect_output(print(summary(fit)), " 1260 +1288 +-625 +1250 ")
})

test_that("so are those to second order", {
  skip_if_not_installed("lme4")
  set.seed(2)
  data <- data.frame(a = gl(12, 12), b = factor(rep(1:12, 12)), x = rnorm(144))
  data$y <- rbinom(144, 1, plogis(data$x + rnorm(12)[data$a] + rnorm(12)[data$b]))
  fit <- suppressWarnings(glmm(y ~ x + (1 | a) + (1 | b), data, binomial(), method = "laplace2"))
  error <- fit$second_order$error
  expect_gt(error, 0.01)
  shown <- regmatches(out <- paste(capture.output(print(fit)), collapse = " "), regexpr("logLik -[0-9.]+", out))
  decimals <- nchar(sub("^[^.]*[.]?", "", shown))
  expect_lte(error, 10^-decimals)
})
