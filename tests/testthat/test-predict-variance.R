# Standard errors of prediction against the dense joint Hessian of the reference (numerical derivatives of the
# log-density), against glm() where the variance is zero, and against glmmTMB with the variance parameters fixed.

# Variances of x'beta + z'b from the inverse of the dense joint Hessian in (u, beta) at the modes.
reference_variances <- function(model, parameters, keep = NULL) {
  part <- reference_unpack(model, parameters)
  rows <- model
  rows$factors <- Map(function(factor, k) {
    dropped <- if (is.null(keep)) integer() else setdiff(seq_len(ncol(factor$Z)), keep[[k]])
    factor$Z[, dropped] <- 0
    factor
  }, rows$factors, seq_along(rows$factors))
  C <- cbind(reference_random_matrix(rows, part$lambdas), rows$X)
  unname(rowSums((C %*% solve(reference_curvature(model, parameters))) * C))
}

# The negative Hessian in (u, beta) of the joint log-density, at the mode of u.
reference_curvature <- function(model, parameters) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  mode <- attr(reference_laplace(model, parameters), "mode")
  penalty <- rep(c(1, 0), c(ncol(A), ncol(model$X)))
  reference_slope(model, model$offset, cbind(A, model$X), penalty, part$phi, c(mode, part$beta))$curvature
}

# A fit with given parameters whose modes come from the reference: what predict() reads, for models of any structure.
reference_fit <- function(case) {
  stages <- suppressWarnings(front_call(case))
  design <- stages$design
  part <- reference_unpack(case$model, case$parameters)
  mode <- attr(reference_laplace(case$model, case$parameters), "mode")
  ends <- cumsum(vapply(case$model$factors, function(factor) ncol(factor$Z) * length(factor$levels), 1))
  modes <- Map(function(factor, lambda, end) {
    size <- ncol(factor$Z) * length(factor$levels)
    t(lambda %*% matrix(mode[seq.int(end - size + 1, end)], ncol(factor$Z)))
  }, case$model$factors, part$lambdas, ends)
  groups <- vapply(design$factors, function(factor) factor$name, "")
  inverse <- solve(reference_curvature(case$model, case$parameters)[seq_along(mode), seq_along(mode)])
  variances <- Map(function(factor, lambda, end) {
    q <- ncol(factor$Z)
    blocks <- lapply(seq_along(factor$levels), function(level) {
      at <- end - q * length(factor$levels) + (level - 1L) * q + seq_len(q)
      lambda %*% inverse[at, at] %*% t(lambda)
    })
    array(unlist(blocks), c(q, q, length(blocks)))
  }, case$model$factors, part$lambdas, ends)
  # the same levels may be in another order
  order <- Map(function(reference, factor) {
    reference$index[match(seq_along(factor$levels) - 1L, factor$index)] + 1L
  }, case$model$factors, design$factors)
  modes <- Map(function(b, order, factor) {
    structure(b[order, , drop = FALSE], dimnames = list(factor$levels, colnames(factor$Z)))
  }, modes, order, design$factors)
  variances <- Map(function(variances, order) variances[, , order, drop = FALSE], variances, order)
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset, method = "laplace"))
  fit$parameters[] <- case$parameters
  fit$modes <- setNames(modes, groups)
  fit$mode_variances <- setNames(variances, groups)
  fit
}

front_call <- function(case) {
  call <- as.call(c(list(quote(front), formula = case$formula, data = case$data, family = case$family),
                    if (!is.null(case$weights)) list(weights = as.name(case$weights)),
                    if (!is.null(case$offset)) list(offset = as.name(case$offset))))
  stages <- eval(call)
  stages$call <- call
  stages
}

# Two groups alike in every respect: the variance is 0, and the fit is that of glm().
twin_groups <- function() {
  data <- expand.grid(x = 1:6, g = letters[1:8])
  data$count <- rep(c(2, 1, 3, 2, 5, 4), 8)
  data$trials <- rep(c(5, 8, 4, 9, 7, 6), 8)
  data$shift <- rep(c(0.1, -0.2, 0, 0.3, -0.1, 0.2), 8)
  data
}

test_that("with a variance of zero, predictions and standard errors are those of glm", {
  data <- twin_groups()
  fit <- glmm(count ~ x + offset(shift) + (1 | g), data, poisson)
  expect_true(fit$singular)
  peer <- glm(count ~ x + offset(shift), poisson, data, epsilon = 1e-14)
  new <- data.frame(x = c(2.5, 9), g = "c", shift = c(1, -1))
  for (type in c("link", "response")) {
    for (re_form in list(NULL, NA)) {
      mine <- predict(fit, new, type = type, re.form = re_form, se.fit = TRUE)
      expect_equal(mine, predict(peer, new, type = type, se.fit = TRUE), tolerance = 1e-6)
    }
  }
  expect_named(mine, c("fit", "se.fit", "residual.scale"))
})

test_that("standard errors are those of the dense joint Hessian", {
  cases <- list(random_model(1, "binomial", "logit", "scalar"), random_model(2, "poisson", "log", "slope"),
                random_model(3, "gaussian", "identity", "independent"),
                random_model(4, "gaussian", "identity", "two terms"))
  for (case in cases) {
    fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset))
    active <- fit_design(fit)$weights > 0
    se <- function(re_form) unname(predict(fit, re.form = re_form, se.fit = TRUE)$se.fit)[active]
    expect_equal(se(NULL)^2, reference_variances(case$model, fit$parameters), tolerance = 1e-7)
    # without random effects they are those of the coefficients, which have the variance parameters' uncertainty too
    x <- model.matrix(fit)[active, , drop = FALSE]
    expect_equal(se(NA)^2, rowSums((x %*% vcov(fit)) * x), tolerance = 1e-10, ignore_attr = TRUE)
    expect_equal(se(~ (1 | g))^2, reference_variances(case$model, fit$parameters, keep = list(1L)), tolerance = 1e-7)
  }
})

test_that("standard errors of models with several grouping factors are those of the dense joint Hessian", {
  for (structure in c("nested", "crossed", "crossed slopes")) {
    case <- random_model(5, "poisson", "log", structure)
    fit <- reference_fit(case)
    expect_gt(length(fit$factors), 1L)
    expect_equal(unname(predict(fit, se.fit = TRUE)$se.fit)^2, reference_variances(case$model, case$parameters),
                 tolerance = 1e-7)
  }
  some <- unname(predict(fit, re.form = ~ (z | h), se.fit = TRUE)$se.fit)^2
  expect_equal(some, reference_variances(case$model, case$parameters, keep = list(integer(), 1:2)), tolerance = 1e-7)
  new <- unname(predict(fit, case$data[7:9, ], se.fit = TRUE)$se.fit)
  expect_equal(new, unname(predict(fit, se.fit = TRUE)$se.fit)[7:9])
  rows <- fit_rows(fit, select_random(fit, NULL))
  covariance <- joint_information(fit)$covariance
  expect_equal(cross_covariance(fit, covariance, rows, 1:2, cells = 1), cross_covariance(fit, covariance, rows, 1:2))
})

test_that("fits with three crossed factors: standard errors by parts of the random effects, and of new combinations", {
  set.seed(31)
  d <- data.frame(g = sample(letters[1:9], 150, TRUE), h = sample(LETTERS[1:6], 150, TRUE),
                  k = sample(c("p", "q", "r", "s"), 150, TRUE), x = rnorm(150), s = runif(150, -0.2, 0.2))
  effects <- function(f, sd) rnorm(26, 0, sd)[as.integer(factor(f))]
  d$y <- rpois(150, exp(0.5 + 0.3 * d$x + d$s + effects(d$g, 0.7) + effects(d$h, 0.5) * (1 + d$x) + effects(d$k, 0.6)))
  formula <- y ~ x + offset(s) + (1 | g) + (x | h) + (1 | k)
  fit <- fit_glmm(formula, d, poisson())
  model <- reference_from_formula(formula, d, poisson())
  keeps <- list(list(1L, 1:2, 1L), list(1L, integer(), 1L), list(integer(), 1L, 1L), list(integer(), 1:2, integer()))
  forms <- list(NULL, ~ (1 | g) + (1 | k), ~ (1 | h) + (1 | k), ~ (x | h))
  for (case in seq_along(forms)) {
    expect_equal(unname(predict(fit, re.form = forms[[case]], se.fit = TRUE)$se.fit)^2,
                 reference_variances(model, fit$parameters, keeps[[case]]), tolerance = 1e-7)
  }
  # combinations of levels that no row has, in another order, with an offset that has no part in the variance
  seen <- paste(d$g, d$h, d$k)
  new <- expand.grid(g = c("c", "a", "unseen"), h = c("D", "B"), k = c("s", "p", "unseen"), x = c(-1, 2),
                     stringsAsFactors = FALSE)
  known <- new$g != "unseen" & new$k != "unseen"
  expect_false(all(with(new, paste(g, h, k))[known] %in% seen))
  new$s <- seq_along(new$g)
  mine <- predict(fit, new, se.fit = TRUE, allow.new.levels = TRUE)
  extended <- reference_from_formula(formula, rbind(d, transform(new[known, ], y = 0)[names(d)]), poisson())
  C <- cbind(reference_random_matrix(extended, reference_unpack(extended, fit$parameters)$lambdas), extended$X)
  C <- C[-seq_len(nrow(d)), ]
  expect_equal(unname(mine$se.fit[known])^2,
               unname(rowSums((C %*% solve(reference_curvature(model, fit$parameters))) * C)), tolerance = 1e-7)
  # a new level adds its variance to what the known ones leave
  lone <- with(new, g == "unseen" & k != "unseen")
  others <- predict(fit, transform(new[lone, ], g = "a"), re.form = ~ (x | h) + (1 | k), se.fit = TRUE)
  expect_equal(mine$fit[lone], others$fit)
  expect_equal(mine$se.fit[lone]^2, others$se.fit^2 + fit$parameters[["sd.g.(Intercept)"]]^2)
})

test_that("a singular covariance has standard errors", {
  case <- random_model(5, "poisson", "log", "crossed slopes")
  case$parameters[["L.g.x|x"]] <- 0
  expect_equal(unname(predict(reference_fit(case), se.fit = TRUE)$se.fit)^2,
               reference_variances(case$model, case$parameters), tolerance = 1e-7)
  d <- bad_input_data()
  fit <- glmm(yc ~ x + (x | g), d, poisson)
  expect_true(fit$singular)
  model <- reference_from_formula(yc ~ x + (x | g), d, poisson())
  expect_equal(unname(predict(fit, se.fit = TRUE)$se.fit)^2, reference_variances(model, fit$parameters),
               tolerance = 1e-7)
})

test_that("standard errors of a linear mixed model are those of glmmTMB with the variances fixed", {
  skip_if_not_installed("glmmTMB")
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  sds <- fit$parameters[c("sd.Subject.(Intercept)", "log_sigma")]
  peer <- glmmTMB::glmmTMB(Reaction ~ Days + (1 | Subject), lme4::sleepstudy,
                           start = list(theta = log(sds[[1L]]), betad = 2 * sds[[2L]]),
                           map = list(theta = factor(NA), betad = factor(NA)))
  new <- data.frame(Days = c(0, 3.5, 12), Subject = c("308", "372", "335"))
  mine <- predict(fit, new, se.fit = TRUE)
  theirs <- predict(peer, new, se.fit = TRUE)
  expect_equal(unname(mine$fit), as.numeric(theirs$fit), tolerance = 1e-5)
  expect_equal(unname(mine$se.fit), as.numeric(theirs$se.fit), tolerance = 1e-5)
  mine <- predict(fit, new, se.fit = TRUE, re.form = NA)
  theirs <- predict(peer, new, se.fit = TRUE, re.form = NA)
  expect_equal(unname(mine$se.fit), as.numeric(theirs$se.fit), tolerance = 1e-5)
  expect_equal(mine$residual.scale, exp(sds[[2L]]))
})

test_that("standard errors of population predictions are those of glmmTMB", {
  skip_if_not_installed("HSAUR3")
  data(toenail, package = "HSAUR3", envir = environment())
  fit <- glmm(outcome ~ treatment * time + (1 | patientID), toenail, binomial, method = "laplace")
  # glmmTMB 1.1.5, predict(re.form = NA, se.fit = TRUE), rows 1 to 4
  expect_equal(unname(predict(fit, toenail[1:4, ], re.form = NA, se.fit = TRUE)$se.fit),
               c(0.8427, 0.8544, 0.9087, 0.9352), tolerance = 1e-3)
})
