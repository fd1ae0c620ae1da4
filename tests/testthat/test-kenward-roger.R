# The method of Kenward and Roger: against pbkrtest, against its numbers kept here, where it is exact, and by formulas
# with dense matrices.

test_that("standard errors, degrees of freedom and scaled F are those of pbkrtest", {
  skip_if_not_installed("lmerTest")
  skip_if_not_installed("pbkrtest")
  for (case in ddf_cases()) {
    peer <- peer_fit(case, TRUE)
    fit <- glmm(case$formula, case$data)
    ours <- ddf(fit, method = "kenward-roger")
    adjusted <- as.matrix(pbkrtest::vcovAdj(peer))
    df <- vapply(seq_len(nrow(adjusted)), function(j) {
      pbkrtest::Lb_ddf(as.numeric(seq_len(nrow(adjusted)) == j), vcov(peer), pbkrtest::vcovAdj(peer))
    }, 1)
    expect_lt(relative_difference(ours$std.error, sqrt(diag(adjusted))), 1e-3)
    expect_lt(relative_difference(ours$df, df), 1e-3)
    if (nrow(adjusted) == 1L) next
    contrasts <- diag(nrow(adjusted))[-1L, , drop = FALSE]
    joint <- test_contrasts(fit, contrasts, method = "Kenward-Roger")
    expected <- pbkrtest::KRmodcomp(peer, contrasts)$test["Ftest", ]
    expect_lt(relative_difference(c(joint$statistic, joint$den_df, joint$scale),
                                  c(expected$stat, expected$ddf, expected$F.scaling)), 1e-3)
  }
})

# The unbalanced split plot at its REML estimates (lme4 1.1-31).
split_plot_at_reml <- function() {
  fit <- glmm(yield ~ nitro * Variety + (1 | Block / Variety), split_plot_data())
  beta <- c(74.90026848, 23.54395199, 35.28178272, 49.93306485, 11.76639819, -5.717009839, -1.710618657, -3.463373392,
            -7.781260548, -5.191034912, 6.368291971, -0.9988311338)
  fit_at(fit, c(beta, 11.89428076, 13.73281908, log(13.49882646)))
}

test_that("an unbalanced split plot", {
  fit <- split_plot_at_reml()
  # pbkrtest 0.5.2 by lmerTest 3.1-3, coef(summary(..., ddf = "Kenward-Roger"))
  se <- c(9.697353, 9.208073, 8.872407, 8.330526, 10.796094, 11.728694, 12.063501, 12.139751, 11.747561, 13.537173,
          12.682382, 12.735542)
  df <- c(19.95691, 34.62248, 35.66921, 34.89458, 25.79662, 30.83386, 34.38131, 35.12618, 34.73858, 35.05823, 35.30353,
          35.47241)
  ours <- ddf(fit, method = "kenward-roger")
  expect_lt(relative_difference(ours$std.error, se), 1e-5)
  expect_lt(relative_difference(ours$df, df), 1e-5)
})

test_that("it is exact in a balanced split plot: the F tests of the analysis of variance", {
  data <- stroup_data()
  strata <- summary(aov(Y ~ A * B + Error(Block / A), data))
  blocks <- strata[["Error: Block"]][[1L]]
  plots <- strata[["Error: Block:A"]][[1L]]
  within <- strata[["Error: Within"]][[1L]]
  squares <- c(blocks["Residuals", "Mean Sq"], plots["Residuals", "Mean Sq"], within["Residuals", "Mean Sq"])
  # REML estimates from the mean squares: six rows a block, two a plot
  variances <- c(squares[1L] - squares[2L], squares[2L] - squares[3L]) / c(6, 2)
  # the estimates of PROC MIXED, which prints four decimals
  expect_equal(c(variances, squares[3L]), c(62.3958, 15.3819, 9.3611), tolerance = 1e-5)
  fit <- glmm(Y ~ A * B + (1 | Block) + (1 | Block:A), data)
  fit <- fit_at(fit, c(fixef(fit), sqrt(variances), log(squares[3L]) / 2))
  table <- anova(fit, type = "III", ddf = "kenward-roger")
  expected <- rbind(plots[1L, ], within[1:2, ])
  expect_equal(table[["F value"]], expected[["F value"]], tolerance = 1e-8)
  expect_equal(table$NumDF, expected$Df)
  expect_equal(table$DenDF, c(6, 9, 9), tolerance = 1e-8)
  expect_equal(table[["Pr(>F)"]], expected[["Pr(>F)"]], tolerance = 1e-8)
})

test_that("without variances of random effects it is the F test of lm", {
  data <- data.frame(y = rep(c(1, 2, 4, 3, 5), 6), x = rep(1:5, 6), f = gl(3, 10), g = gl(6, 5))
  line <- lm(y ~ x + f, data)
  fit <- glmm(y ~ x + f + (1 | g), data)
  fit <- fit_at(fit, c(coef(line), 0, log(sigma(line))))
  expect_true(any(fit$boundary))
  ours <- ddf(fit, method = "kenward-roger")
  expect_equal(ours$std.error, unname(coef(summary(line))[, "Std. Error"]), tolerance = 1e-8)
  expect_equal(ours$df, rep(26, 4), tolerance = 1e-8)
  joint <- test_contrasts(fit, diag(4)[-1L, ], method = "kenward-roger")
  expect_equal(joint$statistic, summary(line)$fstatistic[["value"]], tolerance = 1e-8)
  expect_equal(c(joint$num_df, joint$den_df, joint$scale), c(3, 26, 1), tolerance = 1e-8)
})

test_that("crossed factors, a slope and weights: the paper's formulas with dense matrices", {
  skip_if_not_installed("numDeriv")
  fit <- crossed_fit()
  fit$REML <- TRUE
  x <- crossed_x(fit)
  inverse <- solve(dense_covariance(fit))
  at <- standardised_parameters(fit)
  slopes <- numDeriv::jacobian(function(value) {
    as.vector(dense_covariance(with_standardised(fit, value)))
  }, at)
  slopes <- lapply(seq_along(at), function(i) matrix(slopes[, i], nrow(x)))
  covariance <- solve(crossprod(x, inverse %*% x))
  projection <- inverse - inverse %*% x %*% covariance %*% t(x) %*% inverse
  information <- outer(seq_along(slopes), seq_along(slopes), Vectorize(function(i, j) {
    sum(diag(projection %*% slopes[[i]] %*% projection %*% slopes[[j]])) / 2
  }))
  weights <- solve(information)
  total <- 0
  for (i in seq_along(slopes)) {
    for (j in seq_along(slopes)) {
      middle <- slopes[[i]] %*% (inverse - inverse %*% x %*% covariance %*% t(x) %*% inverse) %*% slopes[[j]]
      total <- total + weights[i, j] * crossprod(x, inverse %*% middle %*% inverse %*% x)
    }
  }
  parts <- kenward_roger_parts(fit)
  expect_equal(parts$variance, weights, tolerance = 1e-6, ignore_attr = TRUE)
  expect_equal(parts$adjusted, covariance + 2 * covariance %*% total %*% covariance, tolerance = 1e-6,
               ignore_attr = TRUE)
  # in pieces of a few columns the same
  system <- response_covariance(fit)
  expect_equal(marginal_traces(system, cells = 3 * nrow(system$N)), marginal_traces(system), tolerance = 1e-12)
})

test_that("levels that rows connect are found, in chains too", {
  chain <- list(list(start = 0, effects = 1L, levels = 6L, codes = c(1:6, 6L, 5L)),
                list(start = 6, effects = 2L, levels = 6L, codes = c(1:6, 5L, 4L)))
  labels <- connected_levels(chain)
  numbers <- lapply(labels, function(x) match(x, unique(unlist(labels))))
  expect_identical(numbers, rep(list(c(1L, 2L, 3L, 4L, 4L, 4L)), 2))
  expect_identical(component_order(list(layout = chain)), c(1L, 1L, 1L, 1L, 2L, 3L, 2:3, 2:3, 2:3, 4:5, 6:9))
})

test_that("fits by maximum likelihood and other families are refused, and too many crossed random effects", {
  fit <- glmm(weight ~ Time + (1 | Chick), data = ChickWeight, REML = FALSE)
  refused(ddf(fit, method = "kenward-roger"), "ddf", method = "kenward-roger")
  refused(summary(fit, ddf = "kenward-roger"), "ddf")
  refused(check_trace_size(response_covariance(fit), most = 10), "ddf", method = "kenward-roger")
})

# Compound symmetry in trial data, see fixtures/README.md.
fev_data <- function() {
  data <- utils::read.csv(test_path("fixtures", "fev.csv"), stringsAsFactors = TRUE)
  transform(data, subject = factor(subject), visit = factor(visit))
}

test_that("a random intercept is SAS's compound symmetry", {
  # PROC MIXED, type=cs, as the tests of mmrm 0.3.19 have it (intercept alone; standard error and variances to four
  # digits)
  restricted <- glmm(fev1 ~ 1 + (1 | subject), fev_data(), REML = TRUE)
  expect_equal(-2 * c(logLik(restricted)), 3917.98183508, tolerance = 5e-9)
  expect_equal(c(fixef(restricted), use.names = FALSE), 42.2896, tolerance = 1e-5)
  expect_equal(sqrt(vcov(restricted)[[1L]]), 0.4285, tolerance = 2e-4)
  expect_equal(sum(as.data.frame(VarCorr(restricted))$vcov), 86.8968, tolerance = 5e-5)
  expect_equal(-2 * c(logLik(glmm(fev1 ~ 1 + (1 | subject), fev_data(), REML = FALSE))), 3918.12214544,
               tolerance = 5e-9)
})

test_that("with observed information it is the method of SAS, with expected that of pbkrtest", {
  fit <- glmm(fev1 ~ arm + (1 | subject), fev_data(), REML = TRUE)
  # PROC MIXED, type=cs and ddfm=kr(linear), as the tests of mmrm 0.3.19 have it; pbkrtest 0.5.2
  observed <- ddf(fit, c(0, 1), "kenward-roger", information = "observed")
  expect_equal(c(observed$estimate, observed$std.error, observed$df), c(4.196636, 0.7964696053595, 177.038485931223),
               tolerance = 1e-6)
  expected <- ddf(fit, c(0, 1), "kenward-roger")
  expect_equal(c(expected$estimate, expected$df), c(4.196636, 175.9364), tolerance = 1e-6)
  expect_identical(ddf(fit, c(0, 1), "kenward-roger", "expected"), expected)
  # the same everywhere
  test <- test_contrasts(fit, c(0, 1), "kenward-roger", information = "observed")
  expect_equal(c(test$statistic, test$den_df), c(observed$statistic^2, observed$df))
  table <- anova(fit, ddf = "kenward-roger", information = "observed")
  expect_equal(table$DenDF, observed$df)
  expect_equal(table[["F value"]], test$statistic)
  table <- coef(summary(fit, ddf = "kenward-roger", information = "observed"))
  expect_equal(table[2L, c("Std. Error", "df")], c("Std. Error" = observed$std.error, df = observed$df))
})

test_that("degrees of freedom of single contrasts by observed information are Satterthwaite's", {
  fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = TRUE)
  observed <- ddf(fit, method = "kenward-roger", information = "observed")
  expect_equal(observed$df, ddf(fit, method = "satterthwaite")$df, tolerance = 1e-6)
  # where the data are balanced the standard errors need no adjustment, whatever the information
  expect_equal(observed$std.error, unname(sqrt(diag(vcov(fit)))), tolerance = 1e-6)
  split <- glmm(yield ~ nitro * Variety + (1 | Block / Variety), split_plot_data(), REML = TRUE)
  observed <- ddf(split, method = "kenward-roger", information = "observed")
  expect_equal(observed$df, ddf(split)$df, tolerance = 1e-6)
  expect_true(all(observed$std.error > sqrt(diag(vcov(split)))))
  for (method in c("satterthwaite", "none")) {
    refused(ddf(split, method = method, information = "observed"), "ddf", argument = "information")
  }
  refused(ddf(split, method = "kenward-roger", information = "both"), "argument", argument = "information")
})
