# The search's own basis of the columns of X: what a fit says does not depend on where the zero of a covariate is. The
# numbers are those of the same model in columns that are well conditioned, by the linear map between the two.

basis_data <- function() {
  with_seed(14, {
    # multiples of 2^-10: 1e8 can be added without rounding
    data <- data.frame(g = gl(15, 8), x = round(1024 * runif(120, -1, 1)) / 1024, year = rep(2003:2010, 15))
    eta <- 0.4 + 0.5 * data$x + 0.1 * (data$year - 2006) + rnorm(15, 0, 0.5)[data$g]
    data$count <- rpois(120, exp(eta))
    data$y <- eta + rnorm(120, 0, 0.3)
    data
  })
}

# Coefficients of (1, z, z^2, ...) with z = x + shift from those of (1, x, x^2, ...).
shift_map <- function(shift, degree) {
  outer(0:degree, 0:degree, function(row, column) {
    ifelse(column >= row, choose(column, row) * (-shift)^(column - row), 0)
  })
}

# The map of all parameters: the first coefficients move, the others stay.
whole_map <- function(map, size) {
  whole <- diag(size)
  whole[seq_len(nrow(map)), seq_len(nrow(map))] <- map
  whole
}

expect_same_model <- function(far, near, map) {
  expect_false(is.null(find_basis(fit_design(far))$from))
  expect_null(find_basis(fit_design(near))$from)
  expect_true(far$converged && near$converged)
  map <- whole_map(map, length(near$parameters))
  # of 1e8 + x rounding leaves eight digits of x
  expect_lt(abs(as.numeric(logLik(far)) - as.numeric(logLik(near))), 1e-5)
  # the tolerance of testthat is relative to the mean, which the intercept would fill: each parameter by itself
  expected <- drop(map %*% near$parameters)
  se <- sqrt(diag(map %*% vcov(near, full = TRUE) %*% t(map)))
  expect_lt(max(abs(far$parameters - expected) / se), 1e-4)
  expect_lt(max(abs(sqrt(diag(vcov(far, full = TRUE))) / se - 1)), 1e-4)
  scaled <- function(covariance) unname(covariance / tcrossprod(se))
  expect_equal(scaled(vcov(far, full = TRUE)), scaled(map %*% vcov(near, full = TRUE) %*% t(map)), tolerance = 1e-4)
  expect_equal(predict(far), predict(near), tolerance = 1e-5)
  expect_equal(predict(far, se.fit = TRUE, re.form = NA)$se.fit, predict(near, se.fit = TRUE, re.form = NA)$se.fit,
               tolerance = 1e-4)
  expect_equal(ranef(far, condVar = FALSE)$g, ranef(near, condVar = FALSE)$g, tolerance = 1e-4)
}

test_that("a covariate far from zero has the likelihood, estimates and standard errors of the same one near it", {
  data <- basis_data()
  data$z <- data$x + 1e8
  map <- shift_map(1e8, 1L)
  expect_same_model(glmm(count ~ z + (1 | g), data, poisson), glmm(count ~ x + (1 | g), data, poisson), map)
  expect_same_model(glmm(y ~ z + (1 | g), data), glmm(y ~ x + (1 | g), data), map)
  far <- glmm(count ~ z + (1 | g), data, poisson, method = "joint")
  near <- glmm(count ~ x + (1 | g), data, poisson, method = "joint")
  expect_lt(abs(as.numeric(logLik(far)) - as.numeric(logLik(near))), 1e-5)
  expect_equal(far$parameters[-1], near$parameters[-1], tolerance = 1e-5, ignore_attr = TRUE)
})

test_that("a polynomial in years is that in years since the middle one", {
  data <- basis_data()
  data$since <- data$year - 2006
  expect_same_model(glmm(count ~ year + I(year^2) + (1 | g), data, poisson),
                    glmm(count ~ since + I(since^2) + (1 | g), data, poisson), shift_map(2006, 2L))
  expect_same_model(glmm(y ~ year + I(year^2) + (1 | g), data), glmm(y ~ since + I(since^2) + (1 | g), data),
                    shift_map(2006, 2L))
})

test_that("parameters are those of the user's columns, as starts and as arguments of logLik", {
  data <- basis_data()
  data$z <- data$x + 1e8
  fit <- glmm(count ~ z + (1 | g), data, poisson)
  again <- glmm(count ~ z + (1 | g), data, poisson, start = fit)
  expect_equal(as.numeric(logLik(again)), as.numeric(logLik(fit)), tolerance = 1e-10)
  expect_equal(as.numeric(logLik(fit, parameters = fit$parameters)), as.numeric(logLik(fit)), tolerance = 1e-6)
  near <- glmm(count ~ x + (1 | g), data, poisson)
  moved <- replace(near$parameters, 2L, near$parameters[[2L]] + 0.1)
  expect_equal(as.numeric(logLik(fit, parameters = drop(whole_map(shift_map(1e8, 1L), 3L) %*% moved))),
               as.numeric(logLik(near, parameters = moved)), tolerance = 1e-6)
})

test_that("values and gradients in the basis are those of the user's columns", {
  data <- basis_data()
  data$z <- data$x + 30
  fit <- glmm(y ~ z + (1 | g), data)
  design <- fit_design(fit)
  expect_null(find_basis(design)$from)
  # where the user's columns still have digits, another basis can be asked for
  basis <- find_basis(design, limit = 10)
  expect_equal(basis$design$X %*% basis$to, design$X, tolerance = 1e-12, ignore_attr = TRUE)
  expect_equal(crossprod(basis$design$X) / nrow(design$X), diag(2), tolerance = 1e-12, ignore_attr = TRUE)
  expect_equal(basis$from %*% basis$to, diag(2), tolerance = 1e-9, ignore_attr = TRUE)
  beta <- fit$index$beta
  at <- fit$parameters + c(0.3, -0.01, 0.1, 0.2)
  inside <- change_basis(basis$to, beta, at)
  result <- engine_evaluate(new_engine(basis$design, fit$family), inside, gradient = TRUE)
  reference <- reference_laplace_function(reference_from_formula(y ~ z + (1 | g), data, gaussian()), at)
  expect_equal(result$value, as.numeric(reference(at)), tolerance = 1e-9)
  expect_equal(unname(change_basis(t(basis$to), beta, result$gradient)),
               unname(reference_gradient(reference, at, step = c(0.01, 0.001, 0.01, 0.01))), tolerance = 1e-6)
  expect_equal(change_basis(basis$from, beta, inside), at, tolerance = 1e-9)
  # a matrix has its rows changed, and no basis changes nothing
  expect_equal(change_basis(basis$to, beta, cbind(at, 2 * at)), cbind(inside, 2 * inside), ignore_attr = TRUE)
  expect_identical(change_basis(NULL, beta, at), at)
})

test_that("where no better basis is found the columns stay the user's", {
  design <- list(X = cbind(a = c(1, 2, 3), b = c(0, 0, 0)))
  expect_identical(find_basis(design), list(design = design))
  # units do not count
  design <- list(X = cbind(a = 1, b = 1e12 * c(-1, 0, 1, 0.5)))
  expect_identical(find_basis(design), list(design = design))
})

test_that("a point that cannot be evaluated has no gradient, in any basis", {
  names <- c("(Intercept)", "z", "sd.g.(Intercept)")
  expect_identical(known_gradient(numeric(), names), stats::setNames(rep(NA_real_, 3), names))
  changed <- change_basis(diag(2), 1:2, numeric())
  expect_identical(known_gradient(changed, names), stats::setNames(rep(NA_real_, 3), names))
  expect_identical(known_gradient(c(1, 2, 3), names), stats::setNames(c(1, 2, 3), names))
})
