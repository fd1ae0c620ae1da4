# Variances and correlations: from the known parameters, and in the shape of lme4.
flat_fit <- function() {
  # responses without any difference between groups
  data <- data.frame(y = rep(c(1, 2, 4, 3, 5), 6), x = rep(1:5, 6), g = gl(6, 5))
  list(scalar = glmm(y ~ 1 + (1 | g), data), vector = glmm(y ~ x + (x | g), data))
}

test_that("standard deviations and correlations follow from L", {
  truth <- truth_parameters(truth_rows("laplace", "sleep_lmm_ml", "max"))
  L <- matrix(c(truth[3:4], 0, truth[5]), 2)
  ours <- VarCorr(truth_fit("sleep_lmm_ml"))
  expect_equal(unname(attr(ours$Subject, "stddev")), sqrt(diag(L %*% t(L))), tolerance = 1e-4)
  expect_equal(unname(attr(ours$Subject, "correlation")), cov2cor(L %*% t(L)), tolerance = 1e-4)
  expect_equal(matrix(ours$Subject, 2), L %*% t(L), tolerance = 1e-4)
  expect_equal(attr(ours, "sc"), exp(truth[["log_sigma"]]), tolerance = 1e-5)
  expect_true(attr(ours, "useSc"))
  doubled <- VarCorr(truth_fit("sleep_lmm_ml"), sigma = 2)
  expect_equal(attr(doubled$Subject, "stddev"), 2 * attr(ours$Subject, "stddev"))
})

test_that("the data frame is that of lme4, in both orders, and lme4's own method takes the object", {
  skip_if_not_installed("lme4")
  data <- truth_model("sleep_lmm_ml")$data
  for (formula in c(Reaction ~ Days + (Days | Subject), Reaction ~ Days + (Days || Subject))) {
    peer <- lme4::VarCorr(lme4::lmer(formula, data, REML = FALSE))
    ours <- VarCorr(fit_glmm(formula, data, gaussian()))
    expect_identical(names(ours), names(peer))
    for (order in c("cov.last", "lower.tri")) {
      expected <- as.data.frame(peer, order = order)
      expect_equal(as.data.frame(ours, order = order), expected, tolerance = 1e-2)
      theirs <- getS3method("as.data.frame", "VarCorr.merMod", envir = asNamespace("lme4"))
      expect_equal(theirs(ours, order = order), as.data.frame(ours, order = order))
    }
  }
  binary <- VarCorr(truth_fit("bacteria_logit"))
  expect_false(attr(binary, "useSc"))
  expect_false("Residual" %in% as.data.frame(binary)$grp)
})

test_that("what is on the boundary is marked, and its correlation undefined", {
  fits <- flat_fit()
  scalar <- VarCorr(fits$scalar)
  expect_identical(attr(scalar$g, "boundary"), c("(Intercept)" = TRUE))
  vector <- VarCorr(fits$vector)
  expect_identical(unname(attr(vector$g, "boundary")), c(TRUE, TRUE))
  expect_identical(attr(vector$g, "correlation")[2, 1], NA_real_)
  for (object in list(scalar, vector)) {
    shown <- capture.output(print(object, comp = c("Variance", "Std.Dev.")))
    expect_true(any(grepl("0 (boundary)", shown, fixed = TRUE)))
    expect_false(any(grepl("NaN|NA", shown)))
  }
  expect_identical(format(vector)[2, ncol(format(vector))], "-", ignore_attr = TRUE)
})

test_that("the printed table", {
  fit <- truth_fit("sleep_lmm_ml")
  expect_snapshot(print(VarCorr(fit), digits = 3))
  expect_snapshot(print(VarCorr(fit), digits = 3, comp = c("Variance", "Std.Dev.")))
  expect_snapshot(print(VarCorr(flat_fit()$vector), digits = 3))
  capture.output(result <- withVisible(print(VarCorr(fit))))
  expect_false(result$visible)
})

test_that("a dispersion that is no standard deviation on the link scale stands below the table, by its own name", {
  data <- transform(ChickWeight, share = weight / 100)
  fits <- list(shape = fit_glmm(share ~ Time + (1 | Chick), data, Gamma("log")),
               sigma = fit_glmm(share ~ Time + (1 | Chick), data, gaussian("log")),
               lambda = fit_glmm(share ~ Time + (1 | Chick), data, inverse.gaussian("log")))
  for (name in names(fits)) {
    fit <- fits[[name]]
    value <- exp(fit$parameters[[length(fit$parameters)]])
    expect_equal(attr(VarCorr(fit), "dispersion"), value, ignore_attr = TRUE)
    for (shown in list(capture.output(print(VarCorr(fit), digits = 4)), capture.output(print(fit, digits = 4)),
                       capture.output(print(summary(fit), digits = 4)))) {
      expect_false(any(grepl("Residual", shown)))
      expect_true(any(grepl(paste("Dispersion:", name, format(value, digits = 4)), shown, fixed = TRUE)))
    }
    # the shape of lme4
    expect_true(attr(VarCorr(fit), "useSc"))
    expect_equal(tail(as.data.frame(VarCorr(fit)), 1L)[c("grp", "sdcor")], list("Residual", sigma(fit)),
                 ignore_attr = TRUE)
  }
  expect_true(any(grepl("Residual", capture.output(print(truth_fit("sleep_lmm_ml"))))))
})
