# Containment: the published analysis of SAS, ranks by QR, and names.

test_that("the split plot of PROC MIXED: degrees of freedom and tests", {
  data <- stroup_data()
  for (formula in list(Y ~ A * B + (1 | Block) + (1 | A:Block), Y ~ A * B + (1 | Block / A))) {
    fit <- glmm(formula, data)
    # its estimates of the variances, by REML
    sds <- sqrt(c(Block = 62.3958, plot = 15.3819))
    order <- ifelse(vapply(fit$random, `[[`, "", "group") == "Block", "Block", "plot")
    fit <- fit_at(fit, c(fixef(fit), sds[order], log(9.3611) / 2))
    # tests use the covariance of the fit, which is that of REML
    fit <- with_fixed_covariance(fit, response_covariance(fit)$covariance)
    table <- anova(fit, type = "III", ddf = "containment")
    # SAS/STAT User's Guide, PROC MIXED, "Split-Plot Design": Type 3 Tests of Fixed Effects
    expect_equal(table$DenDF, c(6, 9, 9))
    expect_equal(round(table[["F value"]], 2), c(4.07, 19.39, 4.02))
    expect_equal(round(table[["Pr(>F)"]], 4), c(0.0764, 0.0017, 0.0566))
    expect_equal(ddf(fit, method = "containment")$df, c(3, 6, 6, 9, 9, 9))
  }
})

test_that("ranks that random effects add: against QR of dense matrices", {
  set.seed(3)
  data <- data.frame(g = factor(sample(12, 60, TRUE)), h = factor(sample(4, 60, TRUE)), x = 1000 + rnorm(60))
  # x does not vary in some levels, and one has a single row
  data$x[data$g %in% c("1", "2")] <- 1000
  data$g[data$g == "3"] <- "4"
  data$g[5] <- "3"
  data$g <- droplevels(data$g)
  data$y <- rnorm(60)
  fit <- suppressWarnings(glmm(y ~ x + h + (x | g) + (1 | h:g), data))
  design <- fit_design(fit)
  effects <- random_effects_by_name(fit, design)
  expect_identical(lapply(effects, `[[`, "variables"), list("g", c("x", "g"), c("h", "g")))
  indicators <- model.matrix(~ 0 + g, data)
  columns <- list(cbind(1, scale(data$x), model.matrix(~ h, data)[, -1L]), indicators,
                  indicators * drop(scale(data$x)), model.matrix(~ 0 + h:g, data))
  ranks <- vapply(seq_along(columns), function(k) qr(do.call(cbind, columns[seq_len(k)]), tol = 1e-9)$rank, 1L)
  expect_equal(added_ranks(design, effects), diff(c(0, ranks)))
  df <- diff(c(0, ranks))
  # the intercept is in all, x in x:g, h in h:g
  expect_equal(ddf(fit, method = "containment")$df, c(min(df[-1L]), df[3L], rep(df[4L], 3L)))
})

test_that("where no random effect has the name, rows less the rank; where one adds none, none are known", {
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, family = binomial)
  rank <- qr(model.matrix(~ trt + ID, MASS::bacteria))$rank
  expect_equal(ddf(fit, method = "containment")$df, c(50 - 3, 220 - rank, 220 - rank))
  # g takes all that differs between groups
  data <- data.frame(y = sin(1:40), a = gl(4, 10), g = gl(8, 5))
  fit <- suppressWarnings(glmm(y ~ g + (1 | a:g), transform(data, a = factor(as.integer(g) %% 4))))
  expect_true(all(is.na(ddf(fit, method = "containment")$df)))
  expect_true(all(is.na(ddf(fit, method = "containment")$p.value)))
})
