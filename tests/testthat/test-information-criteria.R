# AIC and BIC, of one fit and of several: against lme4's and stats' own.
skip_if_not_installed("lme4")
data <- lme4::sleepstudy
data$half <- rep(1:2, 90)
ours <- list(null = glmm(Reaction ~ 1 + (Days | Subject), data),
             full = glmm(Reaction ~ Days + (Days | Subject), data),
             scalar = glmm(Reaction ~ Days + (1 | Subject), data))
peers <- lapply(ours, function(fit) {
  lme4::lmer(formula(fit), data, control = lme4::lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-12)))
})
by_likelihood <- lapply(peers, lme4::refitML)

test_that("of one fit they are those of the fit as it was made", {
  for (name in names(ours)) {
    expect_silent(value <- AIC(ours[[name]]))
    expect_equal(value, AIC(peers[[name]]), tolerance = 1e-7)
    expect_equal(AIC(ours[[name]], k = 3), AIC(peers[[name]], k = 3), tolerance = 1e-7)
    expect_equal(BIC(ours[[name]]), BIC(peers[[name]]), tolerance = 1e-7)
  }
})

test_that("fits by REML with different fixed effects are compared by maximum likelihood, and a message says so", {
  with(c(ours, theirs = by_likelihood), {
    message <- expect_message(table <- AIC(null, full, scalar), "different fixed effects.*null, full and scalar",
                              class = "glimmer_message_refitted")
    expect_identical(message$models, c("null", "full", "scalar"))
    expect_equal(table, AIC(theirs.null, theirs.full, theirs.scalar), tolerance = 1e-6, ignore_attr = "row.names")
    expect_identical(row.names(table), c("null", "full", "scalar"))
    expect_message(table <- AIC(null, full, k = 3), class = "glimmer_message")
    expect_equal(table$AIC, AIC(theirs.null, theirs.full, k = 3)$AIC, tolerance = 1e-6)
    expect_message(table <- BIC(full, null), "full and null")
    expect_equal(table, BIC(theirs.full, theirs.null), tolerance = 1e-6, ignore_attr = "row.names")
    # the same model in other units: the restricted likelihoods would differ, and both are by REML
    far <- glmm(Reaction ~ I(Days / 10) + (Days | Subject), data)
    expect_message(table <- AIC(full, far), class = "glimmer_message_refitted")
    expect_equal(table$AIC[1L], table$AIC[2L], tolerance = 1e-8)
  })
})

test_that("fits by REML with the same fixed effects compare as they are", {
  full <- ours$full
  scalar <- ours$scalar
  expect_silent(table <- AIC(scalar, full))
  expect_equal(table$AIC, AIC(peers$scalar, peers$full)$AIC, tolerance = 1e-7)
  # the order of the columns does not matter
  a <- glmm(Reaction ~ Days + half + (1 | Subject), data)
  b <- glmm(Reaction ~ half + Days + (1 | Subject), data)
  expect_silent(AIC(a, b))
  # also with lme4's
  peer <- peers$full
  expect_silent(table <- AIC(full, peer))
  expect_equal(table["full", ], table["peer", ], tolerance = 1e-7, ignore_attr = "row.names")
  expect_identical(row.names(AIC(full, full)), c("full", "full.1"))
  expect_identical(row.names(do.call(AIC, unname(ours["full"]))), NULL)
  expect_identical(row.names(do.call(BIC, unname(ours[2:3]))), c("model 1", "model 2"))
})

test_that("beside fits by maximum likelihood those by REML are fitted again, or it is an error", {
  full <- ours$full
  plain <- lm(Reaction ~ Days, data)
  message <- expect_message(table <- AIC(full, plain), "others by maximum likelihood.*again by .*: full")
  expect_identical(message$models, "full")
  expect_equal(table$AIC, c(AIC(by_likelihood$full), AIC(plain)), tolerance = 1e-6)
  expect_message(BIC(full, update(full, REML = FALSE)), class = "glimmer_message_refitted")
  for (peer in list(peers$null, nlme::lme(Reaction ~ 1, data, ~ Days | Subject))) {
    error <- refused(AIC(full, peer), "comparison", models = c("full", "peer"))
    expect_match(conditionMessage(error), "another package ('peer')", fixed = TRUE)
  }
  counts <- glmm(half ~ Days + (1 | Subject), data, poisson)
  expect_silent(table <- AIC(counts, glm(half ~ Days, poisson, data)))
  refused(AIC(full, 3), "argument", argument = "...")
  refused(AIC(full, k = "2"), "argument", argument = "k")
})

test_that("different numbers of rows are said to differ", {
  full <- update(ours$full, REML = FALSE)
  part <- update(full, subset = 1:170)
  warning <- expect_warning(table <- BIC(full, part), "180 and 170", class = "glimmer_warning_comparison")
  expect_identical(warning$rows, c(180L, 170L))
  expect_equal(table$BIC, c(BIC(full), BIC(part)))
})
