# effects::Effect(): the numbers that it has for the fits of 'lme4'.

test_that("effects and their standard errors are those of the fits of 'lme4', without the data", {
  skip_if_not_installed("effects")
  fits <- client_fits()
  numbers <- function(effect) c(effect$fit, effect$se)
  made <- local({
    frame <- fits$data
    glmm(Reaction ~ poly(Days, 2) + group + (1 | Subject), frame)
  })
  # 'effects' looks for the data of a fit of 'lme4' in the workspace, so that its numbers are made here
  x <- cbind(1, rbind(0, diag(5L)))
  count <- fits$count_peer
  expect_equal(numbers(effects::Effect("spray", fits$count)),
               c(x %*% lme4::fixef(count), sqrt(rowSums((x %*% as.matrix(vcov(count))) * x))), tolerance = 5e-3)
  peer <- fits$linear_peer
  contrast <- cbind(1, seq(0, 9, length.out = 5L), mean(fits$data$group == "b"), mean(fits$data$group == "c"))
  ours <- effects::Effect("Days", fits$linear, xlevels = list(Days = contrast[, 2L]))
  expect_equal(c(ours$fit), drop(contrast %*% lme4::fixef(peer)), tolerance = 1e-4)
  expect_equal(ours$se, sqrt(rowSums((contrast %*% as.matrix(vcov(peer))) * contrast)), tolerance = 1e-3,
               ignore_attr = TRUE)
  expect_identical(error_of(effects::Effect("Days", made))$argument, "mod")
})

test_that("effects of families with a shape are combinations of their fixed effects", {
  skip_if_not_installed("effects")
  data <- lme4::cbpp
  data$rate <- (data$incidence + 0.5) / (data$size + 1)
  fits <- list(glmm(incidence ~ period + (1 | herd), data, nbinom1, method = "laplace"),
               glmm(rate ~ period + (1 | herd), data, beta_family, method = "laplace"),
               glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), data, betabinomial, method = "laplace"))
  x <- cbind(1, rbind(0, diag(3L)))
  for (fit in fits) {
    effect <- effects::Effect("period", fit)
    expect_equal(c(effect$fit), drop(x %*% fixef(fit)), tolerance = 1e-6)
    expect_equal(effect$se, sqrt(rowSums((x %*% vcov(fit)) * x)), tolerance = 1e-6, ignore_attr = TRUE)
  }
})

test_that("columns of one name, which 'effects' would mix up, are refused", {
  skip_if_not_installed("effects")
  data <- transform(lme4::sleepstudy, time = factor(Days %% 3), cells = factor(Days %% 2, labels = c("a", "b")))
  data$time2 <- data$Days^2
  data$cellsb <- sqrt(data$Days)
  refusal <- function(predictor, formula) error_of(effects::Effect(predictor, glmm(formula, data)))
  expect_identical(refusal("time", Reaction ~ time + time2 + (1 | Subject))$columns, "time2")
  expect_identical(refusal("Days", Reaction ~ Days + cells * cellsb + (1 | Subject))$columns, "cellsb")
  expect_s3_class(refusal("cells", Reaction ~ cellsb + cells + (1 | Subject)), "glimmer_error_not_available")
})
