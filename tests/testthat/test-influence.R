test_that("fits without a group are those of brute force", {
  skip_if_not_installed("MASS")
  truth <- read_fixture("influence_truth.csv")
  fit <- bacteria_fit()
  exact <- influence(fit, groups = "ID", exact = TRUE)
  all <- cooks.distance(exact)
  expect_named(all, levels(MASS::bacteria$ID))
  columns <- function(start) as.matrix(truth[startsWith(names(truth), start)])
  own <- truth$group
  expect_lt(max(abs(exact$estimates[own, ] - columns("est:"))), 1e-4)
  expect_identical(unname(exact$sizes[own]), truth$n_dropped)
  expect_equal(unname(all[own]), truth$cook_fixed, tolerance = 1e-3)
  expect_equal(unname(cooks.distance(exact, full = TRUE)[own]), truth$cook_full, tolerance = 1e-3)
  expect_lt(max(abs(dfbeta(exact, full = TRUE)[own, ] - columns("dfbeta:"))), 1e-4)
  expect_lt(max(abs(dfbetas(exact, full = TRUE)[own, ] - columns("dfbetas:"))), 1e-3)
  # one step ranks them alike
  step <- influence(fit, groups = "ID")
  expect_gt(cor(cooks.distance(step), all, method = "spearman"), 0.95)
  expect_output(print(exact), "X08 +0\\.07458")
  expect_output(print(step), "by one step")
})

test_that("one step ranks groups as exact fits do, in other families", {
  skip_if_not_installed("MASS")
  skip_if_not_installed("lme4")
  fits <- list(glmm(y ~ lbase * trt + lage + V4 + (1 | subject), MASS::epil, poisson()),
               glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = FALSE),
               glmm(y ~ lbase * trt + (1 | subject), MASS::epil, nbinom2(), method = "laplace"))
  for (fit in fits) {
    group <- names(fit$factors)
    exact <- cooks.distance(fit, groups = group, exact = TRUE)
    expect_gt(cor(cooks.distance(fit, groups = group), exact, method = "spearman"), 0.95)
  }
})

test_that("of linear mixed models they are those of 'lme4'", {
  skip_if_not_installed("lme4")
  for (REML in c(TRUE, FALSE)) { # nolint: object_name_linter.
    fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = REML)
    # evaluated again by influence()
    other <- eval(bquote(lme4::lmer(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = .(REML))))
    exact <- influence(fit, groups = "Subject", exact = TRUE)
    theirs <- influence(other, groups = "Subject")
    expect_lt(max(abs(exact$estimates[, 1:2] - theirs[["fixed.effects[-Subject]"]])), 0.01)
    expect_equal(hatvalues(fit), hatvalues(other), tolerance = 1e-4, ignore_attr = TRUE)
  }
})

test_that("leverages are the diagonal of the hat matrix", {
  skip_if_not_installed("MASS")
  leverages <- function(fit, weights) {
    x <- cbind(model.matrix(fit), model.matrix(~ 0 + ID, MASS::bacteria))
    penalty <- diag(c(rep(0, 3), rep(1 / VarCorr(fit)$ID[1], 50)))
    unname(weights * diag(x %*% solve(crossprod(x, weights * x) + penalty, t(x))))
  }
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, binomial(), method = "laplace")
  expect_equal(unname(hatvalues(fit)), leverages(fit, weights(fit, "working")), tolerance = 1e-8)
  # observed weights, where the link is not canonical, by second differences of the log-density
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, binomial("cloglog"), method = "laplace")
  eta <- predict(fit)
  y <- as.integer(MASS::bacteria$y) - 1
  density <- function(eta) dbinom(y, 1, fit$family$linkinv(eta), log = TRUE)
  observed <- -(density(eta + 1e-3) - 2 * density(eta) + density(eta - 1e-3)) / 1e-6
  expect_equal(unname(hatvalues(fit)), leverages(fit, observed), tolerance = 1e-4)
})

test_that("rows, crossed factors and other variables", {
  skip_if_not_installed("lme4")
  fit <- glmm(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin, REML = FALSE)
  step <- influence(fit, groups = "plate")
  exact <- influence(fit, groups = "plate", exact = TRUE)
  expect_identical(rownames(step$estimates), levels(lme4::Penicillin$plate))
  without <- glmm(diameter ~ 1 + (1 | plate) + (1 | sample), subset(lme4::Penicillin, plate != "a"), REML = FALSE)
  expect_equal(exact$estimates["a", 1], fixef(without), tolerance = 1e-5, ignore_attr = TRUE)
  rows <- influence(fit)
  expect_identical(length(cooks.distance(rows)), 144L)
  # without a diet there is no effect of it
  diets <- glmm(weight ~ Time + Diet + (1 | Chick), ChickWeight)
  for (exact in c(FALSE, TRUE)) {
    warning <- expect_warning(one <- influence(diets, groups = "Diet", exact = exact),
                              class = "glimmer_warning_influence")
    expect_identical(warning$groups, as.character(1:4))
    expect_true(all(is.na(one$estimates)))
  }
  expect_named(as.data.frame(rows), c("group", "rows", "cooks.distance", names(fit$parameters)))
  expect_error(influence(fit, groups = "nothing"), class = "glimmer_error_argument")
  joint <- suppressWarnings(glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), method = "joint"))
  expect_error(influence(joint), class = "glimmer_error_not_available")
})

test_that("a shifted group stands out", {
  set.seed(4)
  data <- data.frame(g = gl(40, 6), x = rnorm(240))
  data$y <- data$x + rnorm(40)[data$g] + rnorm(240) + 4 * (data$g == "7")
  distance <- cooks.distance(glmm(y ~ x + (1 | g), data, REML = FALSE), full = TRUE, groups = "g")
  expect_identical(names(which.max(distance)), "7")
})

test_that("missing values, weights of zero and levels of interactions keep their names", {
  data <- transform(ChickWeight, weight = replace(weight, c(3, 10), NA), w = replace(rep(1, 578), 20:21, 0))
  fit <- glmm(weight ~ Time + (1 | Diet:Chick), data, weights = w, na.action = na.exclude, REML = FALSE)
  rows <- influence(fit)
  expect_identical(rownames(rows$estimates), setdiff(row.names(data), c("3", "10", "20", "21")))
  expect_identical(length(hatvalues(fit)), 578L)
  expect_identical(which(is.na(hatvalues(fit))), c("3" = 3L, "10" = 10L))
  groups <- influence(fit, groups = "Diet:Chick")
  expect_identical(nrow(groups$estimates), 50L)
})
