# The statement on Laplace's approximation: the quantity by its definition, and the data sets it was calibrated on.

statement <- function(fit) fit$status[fit$status$check == "accuracy", ]

test_that("the information of a typical level is the median of trace(Lambda'Z'WZ Lambda) / q", {
  fit <- truth_fit("cbpp_logit", method = "laplace")
  data <- truth_model("cbpp_logit")$data
  sd <- attr(VarCorr(fit)$herd, "stddev")
  p <- fitted(fit)
  by_herd <- tapply(data$size * p * (1 - p), data$herd, sum) * sd^2
  expect_equal(statement(fit)$value, median(by_herd), tolerance = 1e-6)
  expect_true(statement(fit)$ok)
})

test_that("two effects a level, and weights that are observed ones", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::sleepstudy, y = Reaction / 300)
  fit <- glmm(y ~ Days + (Days | Subject), data, Gamma("log"), method = "laplace")
  shape <- exp(fit$parameters[["log_shape"]])
  w <- shape * data$y / fitted(fit)
  sigma <- matrix(VarCorr(fit)$Subject, 2)
  traces <- vapply(split(seq_along(w), data$Subject), function(i) {
    Z <- cbind(1, data$Days[i])
    sum(diag(crossprod(Z, w[i] * Z) %*% sigma)) / 2
  }, 1)
  expect_equal(statement(fit)$value, median(traces), tolerance = 1e-6)
})

test_that("marked where Laplace is far off: toenail, guImmun, also by REML", {
  skip_if_not_installed("HSAUR3")
  toenail <- transform(HSAUR3::toenail, y = as.integer(outcome) - 1L)
  for (fit in list(glmm(y ~ treatment * visit + (1 | patientID), toenail, binomial, method = "laplace"),
                   glmm(y ~ treatment * visit + (1 | patientID), toenail, binomial, nAGQ = 1),
                   glmm(y ~ treatment * visit + (1 | patientID), toenail, binomial, REML = TRUE))) {
    expect_false(statement(fit)$ok)
    expect_match(statement(fit)$text, "patientID", fixed = TRUE)
  }
  expect_true(statement(glmm(y ~ treatment * visit + (1 | patientID), toenail, binomial))$ok)
  skip_if_not_installed("mlmRev")
  fit <- glmm(immun ~ kid2p + mom25p + ord + ethn + momEd + husEd + momWork + rural + pcInd81 + (1 | mom) + (1 | comm),
              mlmRev::guImmun, binomial, method = "laplace")
  expect_match(statement(fit)$text, "Fit by quadrature, the default for nested grouping factors$")
  expect_false(statement(fit)$ok)
  expect_match(statement(fit)$text, "'mom'", fixed = TRUE)
  expect_lt(statement(fit)$value, 0.5)
})

test_that("a mark says what is doubtful and what to do, which depends on what there is", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, binomial, method = "laplace")
  expect_match(statement(fit)$text, "can be far off: the rows of a typical level of 'ID' have 0.", fixed = TRUE)
  expect_match(statement(fit)$text, "Fit by quadrature, the default for one grouping factor$")
  expect_match(statement(update(fit, method = "auto", REML = TRUE))$text, "`REML = FALSE`", fixed = TRUE)
  crossed <- glmm(y ~ trt + (1 | ID) + (1 | week), MASS::bacteria, binomial, REML = TRUE)
  expect_match(statement(crossed)$text, "accuracy() of a fit with random effects of this factor alone", fixed = TRUE)
  crossed <- glmm(y ~ trt + (1 | ID) + (1 | week), MASS::bacteria, binomial, method = "laplace")
  expect_match(statement(crossed)$text, "Fit with method = \"laplace2\"$")
})

test_that("not marked where it is good: crossed items, districts; linear mixed models have no such statement", {
  skip_if_not_installed("lme4")
  fit <- glmm(r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), lme4::VerbAgg, binomial)
  expect_true(statement(fit)$ok)
  expect_match(paste(capture.output(print(fit)), collapse = " "), "Fit status: ok .*right to a tenth")
  expect_identical(nrow(statement(truth_fit("sleep_lmm_ml"))), 0L)
  skip_if_not_installed("mlmRev")
  fit <- glmm(use ~ age + I(age^2) + urban + livch + (urban | district), mlmRev::Contraception, binomial,
              method = "laplace")
  expect_true(statement(fit)$ok)
})

test_that("the sign does not depend on the unit of the response or of a covariate", {
  skip_if_not_installed("lme4")
  data <- transform(lme4::sleepstudy, hours = Days * 24)
  days <- statement(glmm(Reaction ~ Days + (Days | Subject), data, Gamma("identity"), method = "laplace"))
  hours <- statement(glmm(Reaction / 1000 ~ hours + (hours | Subject), data, Gamma("identity"), method = "laplace"))
  expect_equal(hours[c("value", "limit", "ok")], days[c("value", "limit", "ok")], tolerance = 1e-4)
})

test_that("the joint method is marked as rough", {
  found <- statement(truth_fit("bacteria_logit", method = "joint"))
  expect_false(found$ok)
  expect_match(found$text, "rough", fixed = TRUE)
})
