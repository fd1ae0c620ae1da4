# Likelihood ratio tests by lmtest, against those of lme4's fits by maximum likelihood.
skip_if_not_installed("lmtest")
skip_if_not_installed("lme4")

test_that("fits by REML are fitted again by maximum likelihood where their fixed effects differ, as the heading says", {
  data <- lme4::sleepstudy
  none <- glmm(Reaction ~ 1 + (Days | Subject), data)
  full <- glmm(Reaction ~ Days + (Days | Subject), data)
  scalar <- glmm(Reaction ~ Days + (1 | Subject), data)
  peers <- lapply(list(none, full), function(fit) lme4::lmer(formula(fit), data, REML = FALSE))
  expected <- lmtest::lrtest(peers[[1L]], peers[[2L]])
  table <- lmtest::lrtest(none, full)
  expect_equal(as.matrix(table), as.matrix(expected), tolerance = 1e-5, ignore_attr = TRUE)
  expect_match(attr(table, "heading"), "fitted again by maximum likelihood: none and full", fixed = TRUE, all = FALSE)
  # by what is left out, and beside a fit by maximum likelihood
  changed <- list(lmtest::lrtest(full, 1), lmtest::lrtest(full, "Days"), lmtest::lrtest(full, . ~ . - Days),
                  lmtest::lrtest(full, update(none, REML = FALSE)))
  for (table in changed) expect_equal(table$Chisq[2L], expected$Chisq[2L], tolerance = 1e-5)
  # nothing is said where nothing was done
  table <- lmtest::lrtest(scalar, full)
  expect_equal(table$Chisq[2L], 2 * c(logLik(full) - logLik(scalar)))
  expect_false(any(grepl("again", attr(table, "heading"))))
  peer <- lme4::lmer(Reaction ~ 1 + (Days | Subject), data)
  refused(lmtest::lrtest(full, peer), "comparison", models = c("full", "peer"))
})

test_that("tests and limits of coefficients are Wald's, by the covariance matrix that is given", {
  skip_if_not_installed("lmtest")
  fit <- client_fits()$count
  table <- lmtest::coeftest(fit)
  expect_equal(table[, 1:4], coef(summary(fit)), ignore_attr = TRUE)
  expect_equal(lmtest::coefci(fit), confint(fit, "beta_"), ignore_attr = TRUE)
  expect_equal(lmtest::coeftest(fit, vcov. = 4 * vcov(fit))[, 2L], 2 * table[, 2L])
  expect_equal(lmtest::coefci(fit, vcov. = function(fit) 4 * vcov(fit), level = 0.9)[, 2L],
               fixef(fit) + 2 * qnorm(0.95) * sqrt(diag(vcov(fit))))
})

test_that("comparisons of fits are those of anova() and of test_contrasts()", {
  skip_if_not_installed("lmtest")
  fits <- client_fits()
  fit <- fits$count
  small <- update(fit, . ~ . - spray)
  comparison <- anova(small, fit)
  expect_equal(lmtest::lrtest(fit, small)[["Chisq"]][2L], comparison[["Chisq"]][2L])
  expect_equal(lmtest::lrtest(fit, "spray")[["Pr(>Chisq)"]][2L], comparison[["Pr(>Chisq)"]][2L], tolerance = 1e-6)
  wald <- drop(fixef(fit)[-1L] %*% solve(vcov(fit)[-1L, -1L], fixef(fit)[-1L]))
  expect_equal(lmtest::waldtest(fit, small)[["Chisq"]][2L], wald)
  expect_equal(lmtest::waldtest(fit, "spray")[["Chisq"]][2L], wald)
  expect_equal(lmtest::waldtest(fit, small, vcov = function(fit) 2 * vcov(fit))[["Chisq"]][2L], wald / 2)
  expect_s3_class(error_of(lmtest::waldtest(fit, small, test = "F")), "glimmer_error_not_available")
})

test_that("tests of linear models are refused, and the terms of a fit are there for all others", {
  skip_if_not_installed("lmtest")
  fit <- client_fits()$linear
  for (test in c("bptest", "dwtest", "bgtest", "gqtest", "hmctest", "harvtest", "raintest", "resettest", "reset")) {
    expect_s3_class(error_of(getExportedValue("lmtest", test)(fit)), "glimmer_error_not_available")
  }
  for (test in c("jtest", "coxtest", "encomptest", "petest")) {
    expect_s3_class(error_of(getExportedValue("lmtest", test)(fit, fit)), "glimmer_error_not_available")
  }
  expect_s3_class(terms(fit), "terms")
  expect_identical(names(model.frame(fit)), c("Reaction", "Days", "group", "Subject"))
})
