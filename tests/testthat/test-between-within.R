# Between-within degrees of freedom: against nlme, which uses the same rule, and by counting.

test_that("terms have the degrees of freedom of nlme", {
  orthodont <- as.data.frame(nlme::Orthodont)
  orthodont$Subject <- factor(orthodont$Subject, ordered = FALSE)
  cases <- list(
    list(distance ~ age * Sex + (1 | Subject), distance ~ age * Sex, ~ 1 | Subject, orthodont[-c(3, 10, 11, 50), ]),
    list(yield ~ nitro * Variety + (1 | Block / Variety), yield ~ nitro * Variety, ~ 1 | Block / Variety,
         split_plot_data()),
    list(Y ~ A * B + (1 | Block / A), Y ~ A * B, ~ 1 | Block / A, stroup_data()))
  for (case in cases) {
    fit <- glmm(case[[1L]], case[[4L]])
    peer <- nlme::lme(case[[2L]], case[[4L]], case[[3L]], method = "ML")
    expect_equal(anova(fit, ddf = "between-within")$DenDF, anova(peer)$denDF[-1L], ignore_attr = TRUE)
    # but for the intercept, which nlme counts among the innermost
    expect_equal(ddf(fit, method = "between-within")$df[-1L], unname(peer$fixDF$X[-1L]))
  }
})

test_that("for a binomial response: subjects less coefficients between them", {
  fit <- glmm(y ~ trt + I(week > 2) + (1 | ID), MASS::bacteria, family = binomial)
  table <- ddf(fit, method = "Between-Within")
  expect_equal(table$df, c(47, 47, 47, 220 - 50 - 1))
  z <- fixef(fit) / sqrt(diag(vcov(fit)))
  expect_equal(table$p.value, unname(2 * pt(-abs(z), table$df)))
  anova <- anova(fit, ddf = "between-within")
  expect_equal(anova$DenDF, c(47, 169))
  expect_equal(anova[["F value"]] * anova$NumDF, anova(fit)$Chisq)
  expect_equal(colnames(coef(summary(fit, ddf = "between-within"))),
               c("Estimate", "Std. Error", "df", "t value", "Pr(>|t|)"))
  expect_output(print(summary(fit, ddf = "between-within")), "logit scale, t, between-within degrees of freedom")
})

test_that("a model without an intercept, and one that leaves nothing", {
  fit <- glmm(y ~ 0 + trt + (1 | ID), MASS::bacteria, family = binomial)
  expect_equal(ddf(fit, method = "between-within")$df, rep(50 - 3, 3))
  data <- data.frame(y = sin(1:40), a = gl(4, 10), g = gl(4, 10))
  fit <- suppressWarnings(glmm(y ~ a + (1 | g), data))
  expect_equal(ddf(fit, method = "between-within")$df, rep(NA_real_, 4))
})

test_that("crossed factors are refused", {
  data <- data.frame(y = sin(1:60), g = gl(6, 10), h = gl(10, 1, 60))
  error <- refused(ddf(glmm(y ~ 1 + (1 | g) + (1 | h), data), method = "between-within"), "ddf")
  expect_setequal(error$groups, c("g", "h"))
})
