test_that("averages are integrals", {
  fit <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), method = "laplace")
  eta <- c(-3, 0.2, 4)
  for (link in c("logit", "probit", "cloglog", "cauchit")) {
    other <- fit
    other$family <- binomial(link)
    for (sd in c(0.1, 1, 4, 12)) {
      found <- average_over_normal(other, eta, rep(sd, 3))
      wanted <- vapply(eta, function(at) {
        # in pieces, as the step is steep
        ends <- sort(c(-9, -at / sd + c(-1, 0, 1) / sd, 9))
        ends <- ends[ends >= -9 & ends <= 9]
        sum(vapply(seq_along(ends)[-1L], function(k) {
          stats::integrate(function(z) other$family$linkinv(at + sd * z) * dnorm(z), ends[k - 1L], ends[k],
                           rel.tol = 1e-10, subdivisions = 500L)$value
        }, 1))
      }, 1)
      expect_equal(found$mean, wanted, tolerance = if (link == "cauchit") 1e-3 else 1e-7)
    }
  }
})

test_that("predictions are averages, with their standard errors", {
  skip_if_not_installed("MASS")
  truth <- read_fixture("marginal_means_truth.csv")
  data <- MASS::bacteria
  data$w2 <- as.integer(data$week > 2)
  for (link in c("logit", "probit")) {
    fit <- bacteria_fit(link)
    rows <- truth[truth$model == paste0("bacteria_", link), ]
    found <- predict(fit, type = "marginal", se.fit = TRUE)
    expect_equal(unname(found$fit[rows$row]), rows$prob_marginal, tolerance = 1e-5)
    expect_equal(unname(found$se.fit[rows$row]), rows$se, tolerance = 1e-4)
  }
  # without the grouping variable, and with missing values
  new <- data.frame(trt = c("placebo", "drug", NA), w2 = 1)
  same <- which(data$trt == "placebo" & data$w2 == 1)[1]
  expect_equal(predict(fit, new, type = "marginal")[[1]], found$fit[[same]])
  expect_identical(unname(is.na(predict(fit, new, type = "marginal", se.fit = TRUE)$se.fit)), c(FALSE, FALSE, TRUE))
  expect_error(predict(fit, type = "marginal", re.form = ~ (1 | ID)), class = "glimmer_error_re_form")
})

test_that("a link that does not allow all linear predictors has no average", {
  fit <- suppressWarnings(glmm(y ~ 1 + (1 | g), data.frame(y = c(3, 5, 9, 8, 2, 4, 6, 7, 3, 5), g = gl(5, 2)),
                               poisson("identity"), method = "laplace"))
  fit$parameters[[2]] <- 3
  expect_error(marginal(fit), class = "glimmer_error_mean")
})
