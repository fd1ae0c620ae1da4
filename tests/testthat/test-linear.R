# Linear mixed models: the engine of cross products against dense normal densities, and fits against other packages'.

# The log-likelihood at theta and sigma with beta at its maximum, or the restricted one.
reference_without_beta <- function(model, parameters, REML) {
  p <- ncol(model$X)
  if (REML || !p) {
    return(reference_normal(model, parameters, REML))
  }
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  root <- chol(tcrossprod(A) + diag(exp(2 * part$phi) / model$rows$weights))
  whiten <- function(x) backsolve(root, x, transpose = TRUE)
  parameters[seq_len(p)] <- qr.coef(qr(whiten(model$X)), whiten(model$rows$y - model$offset))
  reference_normal(model, parameters)
}

linear_structures <- c("scalar", "slope", "independent", "nested", "crossed", "crossed slopes", "two terms")
for (structure in linear_structures) {
  test_that(paste("value and gradient by cross products:", structure), {
    for (seed in if (run_slow_tests()) 2:9 else 2:3) {
      case <- random_model(seed, "gaussian", "identity", structure)
      fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset),
                              classes = "glimmer_warning")
      design <- fit_design(fit)
      for (REML in c(FALSE, TRUE)) {
        engine <- open_engine(engine_layout(design, fit$family, "joint", REML), design, fit$family, NULL)
        parameters <- case$parameters[engine$names]
        here <- engine_evaluate(engine, parameters, gradient = TRUE)
        reference <- function(x) reference_without_beta(case$model, x[names(case$parameters)], REML)
        expect_lte(abs(here$value - reference(parameters)), 1e-10 * abs(here$value))
        numerical <- reference_gradient(reference, parameters)
        expect_lte(max(abs(here$gradient - numerical)), 1e-6 * max(1, abs(here$gradient)))

        engine$inner <- "profiled"
        profiled <- engine_evaluate(engine, parameters, gradient = TRUE)
        expect_gte(profiled$value, here$value)
        expect_lte(abs(profiled$value - reference(profiled$parameters)), 1e-10 * abs(here$value))
        expect_lte(max(abs(profiled$gradient -
                             reference_gradient(function(x) engine_evaluate(engine, x)$value, parameters))),
                   1e-6 * max(1, abs(profiled$gradient)))
      }
    }
  })
}

# A fit and lmer()'s, searched to the end.
peer_of <- function(formula, data, REML) {
  control <- lme4::lmerControl(optCtrl = list(xtol_abs = 1e-12, ftol_abs = 1e-13), check.conv.singular = "ignore",
                               check.conv.grad = "ignore")
  suppressWarnings(suppressMessages(lme4::lmer(formula, data, REML, control)))
}

peer_data <- function() {
  withr_seed(11)
  n <- 400
  data <- data.frame(g = gl(20, 20), h = factor(sample(15, n, TRUE)), x = rnorm(n), z = runif(n), w = runif(n, 0.5, 3),
                     o = rnorm(n))
  effects <- cbind(rnorm(20), rnorm(20, 0, 0.5))
  data$y <- 1 + data$x + effects[data$g, 1] + effects[data$g, 2] * data$x + rnorm(15)[data$h] + data$o +
    rnorm(n) / sqrt(data$w)
  data$flat <- rnorm(n)
  data
}

peer_cases <- list(
  crossed = y ~ x + z + (x | g) + (1 | h), nested = y ~ x + (1 | g / h), independent = y ~ x + (x || g) + (1 | h),
  singular = flat ~ x + (x + z | g), "no fixed effects" = y ~ 0 + (x | g), quadratic = y ~ x + I(x^2) + z:x + (z | h)
)
for (name in names(peer_cases)) {
  test_that(paste("maximum, standard errors, modes and residual variance of lmer():", name), {
    skip_if_not_installed("lme4")
    data <- peer_data()
    for (REML in c(FALSE, TRUE)) {
      formula <- peer_cases[[name]]
      environment(formula) <- environment()
      fit <- glmm(formula, data, REML = REML)
      peer <- peer_of(formula, data, REML)
      expect_true(fit$converged)
      expect_gte(as.numeric(logLik(fit)) - as.numeric(logLik(peer)), -1e-7)
      expect_equal(attr(logLik(fit), "df"), attr(logLik(peer), "df"))
      # lmer() stops 0.1 below the maximum of the singular one
      if (name == "singular") next
      expect_lte(as.numeric(logLik(fit)) - as.numeric(logLik(peer)), 1e-4)
      expect_equal(fixef(fit), lme4::fixef(peer), tolerance = 1e-3, ignore_attr = TRUE)
      expect_equal(sigma(fit), sigma(peer), tolerance = 1e-3)
      expect_equal(vcov(fit), as.matrix(vcov(peer)), tolerance = 2e-3, ignore_attr = TRUE)
      for (group in names(ranef(fit))) {
        theirs <- as.matrix(lme4::ranef(peer)[[group]])
        expect_lte(max(abs(as.matrix(ranef(fit)[[group]])[rownames(theirs), ] - theirs)), 0.02)
      }
    }
  })
}

test_that("prior weights and an offset, as lmer() has them", {
  skip_if_not_installed("lme4")
  data <- peer_data()
  for (REML in c(FALSE, TRUE)) {
    fit <- glmm(y ~ x + z + (x | g) + (1 | h), data, weights = w, offset = o, REML = REML)
    peer <- lme4::lmer(y ~ x + z + (x | g) + (1 | h), data, REML, weights = w, offset = o)
    expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(peer)), tolerance = 1e-9)
    expect_equal(vcov(fit), as.matrix(vcov(peer)), tolerance = 1e-4, ignore_attr = TRUE)
    # the part of the value that the rows give, not the cross products
    expect_equal(as.numeric(logLik(fit, parameters = fit$parameters)), as.numeric(logLik(fit)), tolerance = 1e-12)
  }
})

test_that("standard errors given the variances are those of lmer(), those with their uncertainty of the reference", {
  data <- front_data()[c(1:7, 15:40, 58:66, 80:120), ]
  fit <- glmm(yg ~ x + f + (1 | g), data, REML = FALSE)
  model <- reference_from_formula(yg ~ x + f + (1 | g), data, gaussian())
  information <- -reference_hessian(function(x) reference_normal(model, x), fit$parameters)
  expect_equal(vcov(fit, full = TRUE), solve(information), tolerance = 1e-5, ignore_attr = TRUE)
  V <- tcrossprod(reference_random_matrix(model, reference_unpack(model, fit$parameters)$lambdas)) +
    diag(sigma(fit)^2, nrow(model$X))
  expect_equal(vcov(fit), solve(crossprod(model$X, solve(V, model$X))), tolerance = 1e-9, ignore_attr = TRUE)
})

test_that("by REML the covariance of variances is from the restricted log-likelihood", {
  data <- peer_data()
  fit <- glmm(y ~ x + z + (x | g), data, REML = TRUE)
  model <- reference_from_formula(y ~ x + z + (x | g), data, gaussian())
  beta <- fit$index$beta
  restricted <- function(x) reference_normal(model, c(fit$parameters[beta], x), REML = TRUE)
  information <- -reference_hessian(restricted, fit$parameters[-beta])
  expect_equal(vcov(fit, full = TRUE)[-beta, -beta], solve(information), tolerance = 1e-4, ignore_attr = TRUE)
  expect_equal(as.numeric(logLik(fit)), restricted(fit$parameters[-beta]), tolerance = 1e-11)
  expect_lte(max(abs(reference_gradient(restricted, fit$parameters[-beta]))), 1e-4)
})

test_that("a response far from zero, effects a thousand times the residuals, covariates in any unit", {
  data <- peer_data()
  for (REML in c(FALSE, TRUE)) {
    fit <- glmm(y ~ x + (x | g), data, REML = REML)
    far <- glmm(I(y + 1e7) ~ x + (x | g), data, REML = REML)
    expect_equal(as.numeric(logLik(far)), as.numeric(logLik(fit)), tolerance = 1e-10)
    expect_equal(vcov(far), vcov(fit), tolerance = 1e-6)
    unit <- glmm(y ~ I(1e6 * x) + (x | g), data, REML = REML)
    # the restricted log-likelihood is in units of the coefficients
    expect_equal(as.numeric(logLik(unit)), as.numeric(logLik(fit)) - if (REML) log(1e6) else 0, tolerance = 1e-10)
    centred <- glmm(y ~ I(x + 2000) + (x | g), data, REML = REML)
    expect_equal(as.numeric(logLik(centred)), as.numeric(logLik(fit)), tolerance = 1e-10)
    close <- transform(data, y = fitted(fit) + resid(fit) / 1000)
    fit <- glmm(y ~ x + (x | g), close, REML = REML)
    expect_true(fit$converged)
    expect_equal(as.numeric(logLik(fit, parameters = fit$parameters)), as.numeric(logLik(fit)), tolerance = 1e-9)
  }
})

test_that("the order of rows and of levels does not matter, and a start leads to the same fit", {
  data <- peer_data()
  for (REML in c(FALSE, TRUE)) {
    fit <- glmm(y ~ x + (x | g) + (1 | h), data, REML = REML)
    mixed <- data[sample(nrow(data)), ]
    mixed$g <- factor(mixed$g, levels = rev(levels(mixed$g)))
    other <- glmm(y ~ x + (x | g) + (1 | h), mixed, REML = REML)
    expect_equal(as.numeric(logLik(other)), as.numeric(logLik(fit)), tolerance = 1e-11)
    expect_equal(other$parameters, fit$parameters, tolerance = 1e-5)
    started <- glmm(y ~ x + (x | g) + (1 | h), data, REML = REML, start = fit)
    expect_equal(started$parameters, fit$parameters, tolerance = 1e-5)
    expect_lt(sum(started$search$record$evaluations), sum(fit$search$record$evaluations))
  }
})

test_that("the methods know a fit by REML", {
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = TRUE)
  peer <- lme4::lmer(Reaction ~ Days + (Days | Subject), lme4::sleepstudy)
  expect_true(lme4::isREML(fit))
  expect_true(attr(logLik(fit), "REML"))
  expect_equal(AIC(fit), AIC(peer), tolerance = 1e-8)
  expect_equal(BIC(fit), BIC(peer), tolerance = 1e-8)
  expect_equal(extractAIC(fit), extractAIC(peer), tolerance = 1e-8)
  expect_equal(lme4::getME(fit, "REML"), unname(lme4::getME(peer, "REML")))
  expect_equal(lme4::getME(fit, "theta"), lme4::getME(peer, "theta"), tolerance = 1e-4, ignore_attr = TRUE)
  components <- c("REML", "sigmaML", "sigmaREML")
  expect_equal(lme4::getME(fit, "devcomp")$cmp[components], lme4::getME(peer, "devcomp")$cmp[components],
               tolerance = 1e-5)
  expect_equal(attr(ranef(fit, condVar = TRUE)$Subject, "postVar"),
               attr(lme4::ranef(peer, condVar = TRUE)$Subject, "postVar"), tolerance = 1e-3, ignore_attr = TRUE)
  expect_output(print(fit), "exact likelihood (REML)", fixed = TRUE)
  expect_output(print(summary(fit)), "restricted maximum likelihood", fixed = TRUE)
  again <- refit(fit, lme4::sleepstudy$Reaction)
  expect_true(again$REML)
  expect_equal(as.numeric(logLik(again)), as.numeric(logLik(fit)), tolerance = 1e-10)
  by_likelihood <- update(fit, REML = FALSE)
  expect_equal(as.numeric(logLik(by_likelihood)), as.numeric(logLik(lme4::refitML(peer))), tolerance = 1e-8)
  expect_equal(dim(confint(fit)), c(6L, 2L))
  expect_equal(nrow(simulate(fit, seed = 1)), 180L)
})

test_that("without fixed effects REML is maximum likelihood", {
  data <- peer_data()
  fits <- lapply(c(FALSE, TRUE), function(REML) glmm(y ~ 0 + (1 | g), data, REML = REML))
  expect_equal(as.numeric(logLik(fits[[1L]])), as.numeric(logLik(fits[[2L]])))
  expect_equal(fits[[1L]]$parameters, fits[[2L]]$parameters)
})
