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
