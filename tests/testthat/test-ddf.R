# ddf() and test_contrasts(): rows, methods and refusals.

test_that("rows, columns and the joint test of one row", {
  fit <- truth_fit("sleep_lmm_ml")
  table <- ddf(fit)
  expect_identical(names(table), c("estimate", "std.error", "df", "statistic", "p.value"))
  expect_identical(rownames(table), c("(Intercept)", "Days"))
  expect_identical(attr(table, "method"), "satterthwaite")
  expect_equal(table$estimate, unname(fixef(fit)))
  expect_equal(table$p.value, 2 * pt(-abs(table$estimate / table$std.error), table$df))
  row <- ddf(fit, c(1, 5))
  expect_equal(row$estimate, sum(fixef(fit) * c(1, 5)))
  joint <- test_contrasts(fit, c(1, 5))
  expect_equal(joint$statistic, row$statistic^2)
  expect_equal(joint$den_df, row$df)
  expect_equal(joint$p.value, row$p.value)
  # a row twice says nothing new
  expect_equal(test_contrasts(fit, rbind(c(1, 5), 2 * c(1, 5)))[1:4], joint[1:4])
})

test_that("methods by coefficient, and the default by family", {
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, family = binomial)
  expect_identical(attr(ddf(fit), "method"), "none")
  expect_equal(ddf(fit)$df, rep(Inf, 3))
  expect_equal(ddf(fit)$p.value, unname(coef(summary(fit))[, "Pr(>|z|)"]))
  expect_equal(ddf(fit, method = "residual")$df, rep(217, 3))
  wald <- drop(fixef(fit)[2:3] %*% solve(vcov(fit)[2:3, 2:3], fixef(fit)[2:3]))
  joint <- test_contrasts(fit, diag(3)[2:3, ])
  expect_equal(joint$p.value, pchisq(wald, 2, lower.tail = FALSE))
  expect_equal(joint$statistic, wald / 2)
  # 47 between subjects, 169 within
  both <- glmm(y ~ trt + week + (1 | ID), MASS::bacteria, family = binomial)
  expect_equal(ddf(both, rbind(c(0, 1, 0, 0), c(0, 0, 0, 1), c(0, 1, 0, 1)), "between-within")$df, c(47, 169, 47))
})

test_that("without a positive definite Hessian nothing is known", {
  fit <- truth_fit("sleep_lmm_ml")
  fit$covariance[] <- NA_real_
  fit <- with_fixed_covariance(fit, matrix(NA_real_, 2, 2))
  expect_true(all(is.na(ddf(fit)[c("std.error", "df", "p.value")])))
  expect_true(is.na(test_contrasts(fit)$p.value))
  expect_true(all(is.na(anova(fit)[["Pr(>F)"]])))
})

test_that("what does not apply is refused", {
  fit <- truth_fit("sleep_lmm_ml")
  counts <- glmm(y ~ trt + (1 | subject), MASS::epil, family = poisson)
  refused(ddf(counts, method = "satterthwaite"), "ddf", method = "satterthwaite", family = "poisson")
  refused(anova(counts, ddf = "kenward-roger"), "ddf")
  refused(ddf(fit, method = "bootstrap"), "argument", argument = "method")
  refused(summary(fit, ddf = "bootstrap"), "argument", argument = "ddf")
  refused(ddf(fit, method = 3), "argument")
  refused(ddf(fit, 1:3), "argument", argument = "L")
  refused(ddf(fit, c(1, NA)), "argument", argument = "L")
  refused(ddf(lm(dist ~ speed, cars)), "argument", argument = "object")
})

test_that("summary, tidy and confint show the same", {
  fit <- truth_fit("sleep_lmm_ml")
  table <- ddf(fit)
  expect_equal(unname(coef(summary(fit))), unname(as.matrix(table)))
  rows <- tidy(fit, effects = "fixed", conf.int = TRUE)
  expect_equal(as.list(rows[names(table)]), as.list(table), ignore_attr = TRUE)
  limits <- table$estimate + outer(table$std.error * qt(0.975, table$df), c(-1, 1))
  expect_equal(unname(confint(fit, "beta_")), limits)
  expect_equal(unname(as.matrix(rows[c("conf.low", "conf.high")])), limits)
  expect_equal(unname(confint(fit, "beta_", ddf = "none")),
               table$estimate + outer(unname(sqrt(diag(vcov(fit)))) * qnorm(0.975), c(-1, 1)))
  expect_identical(colnames(coef(summary(fit, ddf = "none"))), c("Estimate", "Std. Error", "z value", "Pr(>|z|)"))
})

test_that("groups that hold the response but for round-off give NA and advice, not an error", {
  set.seed(2)
  data <- data.frame(site = rep(1:8, each = 30), t = rep(1:60, each = 4), x = rnorm(240))
  data$y <- rnorm(60)[data$t] + 1e-7 * rnorm(240)
  data$sloped <- rnorm(60)[data$t] + rnorm(60)[data$t] * data$x + 1e-7 * rnorm(240)
  for (case in list(list(y ~ x + (1 | site / t), TRUE), list(y ~ x + (1 | site / t), FALSE),
                    list(sloped ~ x + (x | t), TRUE))) {
    fit <- suppressWarnings(glmm(case[[1L]], data, REML = case[[2L]]))
    expect_warning(table <- coef(summary(fit)), "fixes the response", class = "glimmer_warning_ddf")
    expect_identical(table[, "Estimate"], fixef(fit))
    expect_true(all(is.na(table[, -1L])))
    expect_output(suppressWarnings(print(summary(fit))))
    expect_true(is.na(suppressWarnings(anova(fit))[["F value"]]))
    expect_true(all(is.na(suppressWarnings(tidy(fit, effects = "fixed"))$p.value)))
    expect_true(is.na(suppressWarnings(test_contrasts(fit))$statistic))
    if (case[[2L]]) expect_true(is.na(suppressWarnings(anova(fit, ddf = "kenward-roger"))[["F value"]]))
  }
})
