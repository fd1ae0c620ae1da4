# Data, and fits at the estimates of another package, for the tests of degrees of freedom.

# Oats, and an unbalanced split plot: Oats without some of its rows.
oats_data <- function(rows = 1:72) {
  oats <- as.data.frame(nlme::Oats)
  oats$nitro <- factor(oats$nitro)
  oats$Block <- factor(oats$Block, ordered = FALSE)
  oats[rows, ]
}
split_plot_data <- function() oats_data(-c(1, 2, 7, 18, 23, 36, 37, 50, 64, 65, 66))

# The split plot of the documentation of PROC MIXED (SAS/STAT 9.1 and later, example "Split-Plot Design"; the data are
# from Stroup, W. W. (1989), in Applications of Mixed Models in Agriculture and Related Disciplines).
stroup_data <- function() {
  data.frame(Block = gl(4, 6), A = factor(rep(rep(1:3, each = 2), 4)), B = factor(rep(1:2, 12)),
             Y = c(56, 41, 50, 36, 39, 35, 30, 25, 36, 28, 33, 30, 32, 24, 31, 27, 15, 19, 30, 25, 35, 30, 17, 18))
}

# The models of the oracles: formula and data.
ddf_cases <- function() {
  machines <- as.data.frame(nlme::Machines)
  machines$Worker <- factor(machines$Worker, ordered = FALSE)
  list(sleepstudy = list(formula = Reaction ~ Days + (Days | Subject), data = lme4::sleepstudy),
       Pastes = list(formula = strength ~ 1 + (1 | batch / cask), data = lme4::Pastes),
       Oats = list(formula = yield ~ nitro * Variety + (1 | Block / Variety), data = oats_data()),
       Machines = list(formula = score ~ Machine + (1 | Worker / Machine), data = machines),
       split_plot = list(formula = yield ~ nitro * Variety + (1 | Block / Variety),
                         data = split_plot_data()))
}

peer_fit <- function(case, REML) {
  lmerTest::lmer(case$formula, case$data, REML = REML,
                 control = lme4::lmerControl(optCtrl = list(xtol_rel = 1e-12, ftol_abs = 1e-12)))
}

#' A fit with other parameters, as if it were that by REML; its covariance matrix is that given for L and log sigma.
fit_at <- function(fit, parameters, covariance = NULL) {
  fit$parameters[] <- parameters
  variance <- c(unlist(fit$index$theta), fit$index$dispersion)
  fit$covariance[] <- 0
  if (!is.null(covariance)) fit$covariance[variance, variance] <- covariance
  fit$REML <- TRUE
  fit
}

# With another covariance matrix of the fixed effects.
with_fixed_covariance <- function(fit, covariance) {
  fit$covariance[fit$index$beta, fit$index$beta] <- covariance
  fit$fixed_root <- if (anyNA(covariance)) covariance else t(chol(covariance))
  fit
}

relative_difference <- function(a, b) max(abs(a - b) / abs(b))

# Crossed factors, a slope, prior weights; and its matrices, dense. Its estimates do not matter.
crossed_fit <- function() {
  set.seed(11)
  data <- data.frame(g = factor(sample(7, 90, TRUE)), h = factor(sample(5, 90, TRUE)), x = rnorm(90),
                     w = runif(90, 0.5, 3))
  data$y <- data$x + rnorm(7)[data$g] + 0.5 * rnorm(7)[data$g] * data$x + rnorm(5)[data$h] + rnorm(90)
  fit <- glmm(y ~ x + h + (x | g) + (1 | h:g) + (1 | g:w2), transform(data, w2 = cut(w, 3)), weights = w)
  fit$boundary[] <- FALSE
  fit$parameters[unlist(fit$index$theta)] <- c(0.8, 0.3, 0.5, 0.6, 0.4)
  fit
}

crossed_x <- function(fit) unname(model.matrix(fit)[, , drop = FALSE])

# V from the terms one by one.
dense_covariance <- function(fit) {
  design <- fit_design(fit)
  total <- diag(exp(2 * fit$parameters[[fit$index$dispersion]]) / design$weights)
  for (t in seq_along(fit$random)) {
    term <- fit$random[[t]]
    factor <- design$factors[[term$factor]]
    size <- length(term$columns)
    lower <- matrix(0, size, size)
    lower[lower.tri(lower, diag = TRUE)] <- fit$parameters[fit$index$theta[[t]]]
    z <- factor$Z[, term$columns, drop = FALSE]
    total <- total + outer(factor$index, factor$index, `==`) * (z %*% tcrossprod(lower) %*% t(z))
  }
  total
}

#' The variance parameters with U^-1 L for L, in which the parts of the methods are (see response_covariance())
standardised_parameters <- function(fit) {
  layout <- response_covariance(fit)$layout
  lowers <- Map(function(term, at) {
    scaling <- layout[[term$factor]]$scaling[term$columns, term$columns, drop = FALSE]
    lower_part(solve(scaling, lower_triangle(fit$parameters[at])))
  }, fit$random, fit$index$theta)
  unname(c(unlist(lowers), fit$parameters[fit$index$dispersion]))
}

#' A fit with such parameters for its own
with_standardised <- function(fit, value) {
  layout <- response_covariance(fit)$layout
  used <- 0L
  for (t in seq_along(fit$random)) {
    term <- fit$random[[t]]
    at <- fit$index$theta[[t]]
    scaling <- layout[[term$factor]]$scaling[term$columns, term$columns, drop = FALSE]
    fit$parameters[at] <- lower_part(scaling %*% lower_triangle(value[used + seq_along(at)]))
    used <- used + length(at)
  }
  fit$parameters[fit$index$dispersion] <- value[used + 1L]
  fit
}
