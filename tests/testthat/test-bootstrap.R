cbpp_fit <- function(...) {
  glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), lme4::cbpp, binomial(), ...)
}

test_that("draws are reproducible, and leave the random numbers as they were", {
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  set.seed(5)
  before <- .Random.seed
  first <- bootstrap(fit, nsim = 12, seed = 1)
  expect_identical(.Random.seed, before)
  expect_identical(bootstrap(fit, nsim = 12, seed = 1)$t, first$t)
  expect_false(identical(bootstrap(fit, nsim = 12)$t, first$t))
  expect_identical(dim(first$t), c(12L, 5L))
  expect_named(first$t0, rownames(confint(fit)))
  # the responses are those of simulate()
  drawn <- simulate(fit, 12, seed = 1)
  again <- refit(fit, drawn$sim_7)
  expect_equal(first$t[7, 1:4], fixef(again), tolerance = 1e-4)
  expect_equal(first$logLik[7], c(logLik(again)), tolerance = 1e-7)
})

test_that("blocks are drawn one after the other", {
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  set.seed(1)
  whole <- fit_drawn(fit, NULL, 7, 5)
  set.seed(1)
  expect_equal(fit_drawn(fit, NULL, 7, 5, block = 3L), whole, tolerance = 1e-5)
})

test_that("a statistic of one's own has full fits", {
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  own <- bootstrap(fit, function(fit) c(odds = exp(fixef(fit)[["period2"]])), nsim = 8, seed = 1)
  all <- bootstrap(fit, nsim = 8, seed = 1)
  expect_equal(log(own$t[, "odds"]), all$t[, "period2"], tolerance = 1e-4)
  expect_error(bootstrap(fit, function(fit) "a", nsim = 3), class = "glimmer_error_argument")
  expect_error(bootstrap(fit, "fixef", nsim = 3), class = "glimmer_error_argument")
  expect_error(bootstrap(fit, nsim = 0), class = "glimmer_error_argument")
  expect_error(bootstrap(1), class = "glimmer_error_argument")
  expect_error(confint(own, type = "bca"), class = "glimmer_error_argument")
})

test_that("intervals are those of 'boot'", {
  skip_if_not_installed("lme4")
  skip_if_not_installed("boot")
  # (R + 1) times the tails are whole numbers
  drawn <- bootstrap(cbpp_fit(method = "laplace"), nsim = 199, seed = 1)
  expect_s3_class(drawn, "boot")
  theirs <- boot::boot.ci(drawn, conf = 0.9, type = c("perc", "basic", "norm"), index = 2)
  ours <- function(type) unname(confint(drawn, "period2", level = 0.9, type = type)[1L, ])
  expect_equal(ours("perc"), theirs$percent[4:5])
  expect_equal(ours("basic"), theirs$basic[4:5])
  expect_equal(ours("norm"), theirs$normal[2:3])
  # with the acceleration of theirs given by our influences
  scores <- cluster_scores(cbpp_fit(method = "laplace"))
  influence <- scores %*% vcov(cbpp_fit(method = "laplace"), full = TRUE)
  expect_equal(unname(drawn$skewness), unname(colSums(influence^3) / (6 * colSums(influence^2)^1.5)), tolerance = 1e-3)
  bca <- boot::boot.ci(drawn, conf = 0.9, type = "bca", index = 2, L = influence[, 2])$bca[4:5]
  expect_equal(ours("bca"), bca, tolerance = 0.05)
})

test_that("confint() draws, and fits that fail are counted", {
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  limits <- confint(fit, "theta_", method = "boot", nsim = 60, seed = 3)
  expect_identical(dimnames(limits), dimnames(confint(fit, "theta_")))
  expect_equal(limits, confint(bootstrap(fit, nsim = 60, seed = 3), "theta_"))
  drawn <- bootstrap(fit, nsim = 10, seed = 1)
  drawn$t[1:2, ] <- NA
  drawn$logLik[1:2] <- NA
  drawn$converged[1:3] <- FALSE
  expect_output(print(drawn), "2 of 10 fits ended with an error")
  expect_output(print(drawn), "1 of 10 fits did not converge")
  expect_named(as.data.frame(drawn), c(names(drawn$t0), "logLik", "converged", "message"))
  expect_false(anyNA(confint(drawn)))
})

test_that("by REML the fixed effects are those of each response", {
  fit <- glmm(cbind(ncases, ncontrols) ~ unclass(alcgp) + (1 | agegp), esoph, binomial(), REML = TRUE)
  drawn <- bootstrap(fit, nsim = 4, seed = 1)
  own <- bootstrap(fit, fixef, nsim = 4, seed = 1)
  expect_equal(drawn$t[, 1:2], own$t, tolerance = 1e-3, ignore_attr = TRUE)
  expect_gt(sd(drawn$t[, 2]), 0)
})

test_that("rows that na.exclude() left out stay out", {
  data <- transform(ChickWeight, weight = replace(weight, 3, NA))
  fit <- glmm(weight ~ Time + (1 | Chick), data, na.action = na.exclude)
  drawn <- bootstrap(fit, nsim = 3, seed = 1)
  expect_true(all(drawn$converged))
  plain <- glmm(weight ~ Time + (1 | Chick), data[-3, ])
  expect_equal(drawn$t, bootstrap(plain, nsim = 3, seed = 1)$t, tolerance = 1e-6)
})

test_that("a statistic that fails in one draw is missing there", {
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  calls <- 0
  drawn <- bootstrap(fit, function(fit) {
    calls <<- calls + 1
    if (calls == 3) stop("oops")
    fixef(fit)
  }, nsim = 4, seed = 1)
  expect_identical(which(is.na(drawn$t[, 1])), 2L)
  expect_match(drawn$message[2], "oops")
  expect_output(print(drawn), "In 1 of 4 draws some statistics are not there")
})

test_that("workers give the same", {
  skip_unless_slow()
  skip_if_not_installed("future.apply")
  skip_if_not_installed("lme4")
  fit <- cbpp_fit(method = "laplace")
  alone <- bootstrap(fit, nsim = 60, seed = 1)
  old <- future::plan("multisession", workers = 2L)
  on.exit(future::plan(old))
  expect_equal(bootstrap(fit, nsim = 60, seed = 1)$t, alone$t, tolerance = 1e-5)
})

test_that("the distribution of estimates is that of the model", {
  skip_unless_slow()
  # balanced Gaussian data: the variance of the mean is known, and so is that of the residual standard deviation
  data <- data.frame(g = gl(15, 4))
  set.seed(8)
  data$y <- 3 + rnorm(15)[data$g] + rnorm(60)
  fit <- glmm(y ~ 1 + (1 | g), data, REML = FALSE)
  drawn <- bootstrap(fit, nsim = 1500, seed = 2)
  expected <- sqrt(VarCorr(fit)$g[1] / 15 + sigma(fit)^2 / 60)
  expect_lt(abs(sd(drawn$t[, "(Intercept)"]) / expected - 1), 3 / sqrt(2 * 1500))
})
