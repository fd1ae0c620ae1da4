# Responses that leave nothing to estimate, named in the condition's fields.

test_that("a response at one limit of its family is refused by name", {
  d <- front_data()
  refused(glmm(yc ~ x + (1 | g), transform(d, yc = 0L), poisson), "constant_response", variable = "yc",
          direction = -1, rows_used = 120)
  refused(glmm(yb ~ x + (1 | g), transform(d, yb = 1), binomial), "constant_response", variable = "yb", direction = 1)
  refused(glmm(cbind(s, m - s) ~ 0 + f + (1 | g), transform(d, s = 0L), binomial), "constant_response",
          variable = "cbind(s, m - s)", direction = -1)
  # rows of weight zero do not make a variation
  refused(glmm(yc ~ x + (1 | g), transform(d, yc = replace(integer(120), 3, 5L), w = replace(rep(1, 120), 3, 0)),
               poisson, weights = w), "constant_response", rows_used = 119)
  expect_s3_class(glmm(yc ~ x + (1 | g), transform(d, yc = 2L), poisson), "glimmer")
})

test_that("a response that the model fits exactly is refused", {
  d <- front_data()
  d$b <- sin(d$gn)
  d$c <- cos(as.integer(d$h))
  refused(glmm(yg ~ x + (1 | g), transform(d, yg = 5)), "constant_response", variable = "yg", value = 5)
  refused(glmm(yp ~ 1 + (1 | g), transform(d, yp = 5), Gamma("log")), "constant_response", variable = "yp")
  refused(glmm(y ~ x + (1 | g), transform(d, y = 2 + 3 * x)), "exact_fit", variable = "y")
  refused(glmm(y ~ x + (1 | g), transform(d, y = 2 + 3 * x + o), offset = o), "exact_fit", variable = "y")
  with_groups <- list(transform(d, y = x / 3 + b), transform(d, y = 1e10 * (1 + b)), transform(d, y = 1e-10 * b),
                      transform(d, y = b * x + b))
  for (data in with_groups) refused(glmm(y ~ x + (x | g), data), "exact_fit", group = "g")
  refused(glmm(y ~ x + (1 | g) + (1 | h), transform(d, y = x + b + c)), "exact_fit", group = c("g", "h"))
  refused(glmm(y ~ x + (1 | g), transform(d, y = exp(x + b)), Gamma("log")), "exact_fit", variable = "y", group = "g")
  condition <- error_of(glmm(y ~ x + (1 | g), transform(d, y = 2 + 3 * x)))
  expect_lt(condition$value, condition$limit)
})

test_that("a response that is nearly fitted exactly is not refused", {
  d <- front_data()
  set.seed(4)
  noise <- stats::rnorm(120)
  for (data in list(transform(d, y = round(2 + x + sin(gn), 3)), transform(d, y = 1 + x + 1e-5 * noise),
                    transform(d, y = 1e8 + x + noise), transform(d, y = rep(c(1, 1, 1, 2), 30)))) {
    expect_s3_class(suppressWarnings(glmm(y ~ x + (1 | g), data)), "glimmer")
  }
  # the first levels without variation, the last with
  part <- transform(d, y = ifelse(gn < 12, sin(gn), noise))
  expect_s3_class(suppressWarnings(glmm(y ~ x + (1 | g), part)), "glimmer")
})

test_that("a response at an edge of what the link allows is refused where the model reaches it", {
  d <- front_data()
  refused(glmm(yb ~ x + (1 | g), transform(d, yb = 1), binomial("log")), "constant_response", value = 1,
          rows_used = 120)
  refused(glmm(yb ~ 0 + x + (1 | g), transform(d, yb = 1), binomial("log")), "constant_response", value = 1)
  refused(glmm(cbind(s, m - s) ~ x + offset(oo) + (1 | g), transform(d, s = m, oo = -0.3), binomial("log")),
          "constant_response", value = 1)
  for (link in c("identity", "sqrt")) {
    refused(glmm(yc ~ x + (1 | g), transform(d, yc = 0L), poisson(link)), "constant_response", variable = "yc",
            value = 0)
  }
  refused(glmm(yb ~ x + (1 | g), transform(d, yb = 0), binomial("log")), "constant_response", direction = -1)
  # an offset that no coefficients make up for keeps the means from the edge
  far <- transform(d, yb = 1, away = -abs(sin(seq_len(120))) - 0.1)
  expect_null(constant_edge(front(yb ~ x + offset(away) + (1 | g), far, binomial("log"))$design, binomial("log"),
                            1:120))
})

test_that("an exact fit by groups is refused with any number of levels", {
  for (levels in c(100, 300, 2000)) {
    set.seed(3)
    d <- data.frame(g = gl(levels, 10), x = stats::rnorm(10 * levels))
    a <- stats::rnorm(levels)[d$g]
    refused(glmm(y ~ x + (1 | g), transform(d, y = a)), "exact_fit", group = "g")
    refused(glmm(y ~ x + (1 | g), transform(d, y = 1e4 * a + x / 2)), "exact_fit", group = "g")
    refused(glmm(y ~ 1 + (x | g), transform(d, y = a + a^2 * x)), "exact_fit", group = "g")
  }
})

test_that("an exact fit by crossed groups is refused with many levels of both", {
  set.seed(3)
  d <- data.frame(g = gl(600, 10), h = factor(sample(300, 6000, TRUE)), x = stats::rnorm(6000))
  y <- stats::rnorm(600)[d$g] + stats::rnorm(300)[d$h] + d$x
  refused(glmm(y ~ x + (1 | g) + (1 | h), transform(d, y = y)), "exact_fit", group = c("g", "h"))
  # what other columns or one row out of 6000 leave
  left <- function(y, formula = y ~ x + (1 | g) + (1 | h)) {
    design <- front(formula, transform(d, y = y))$design
    left_by_groups(design, design$X, y, seq_along(y))
  }
  expect_gt(left(y + d$x^2), 1e-3)
  expect_gt(left(replace(y, 77, 0)), 1e-6)
})

test_that("what the groups leave is what lm() leaves", {
  set.seed(6)
  d <- data.frame(g = factor(sample(12, 200, TRUE)), h = factor(sample(7, 200, TRUE)), x = stats::rnorm(200))
  d$y <- stats::rnorm(200)
  parts <- list(list(y ~ x + (x | g), y ~ x + g * x), list(y ~ x + (1 | g) + (1 | h), y ~ x + g + h),
                list(y ~ x + (1 | g) + (x | h), y ~ x + g + h * x))
  for (part in parts) {
    design <- front(part[[1L]], d)$design
    factors <- lapply(design$factors, function(factor) list(index = factor$index + 1L, Z = unit_columns(factor$Z)))
    left <- left_by_columns(unit_columns(design$X), d$y, factors)
    residual <- sqrt(sum(stats::residuals(stats::lm(part[[2L]], d))^2) / sum(d$y^2))
    # the denominator also holds what the columns of X add up
    expect_lte(left, residual * (1 + 1e-4))
    expect_gt(left, residual / 2)
  }
})

test_that("residuals too small for the search are refused after it, small ones are not", {
  set.seed(3)
  d <- data.frame(g = gl(30, 10), x = stats::rnorm(300))
  exact <- stats::rnorm(30)[d$g] + d$x / 2
  noise <- stats::rnorm(300)
  for (size in c(1e-9, 1e-11)) {
    condition <- refused(suppressWarnings(glmm(y ~ x + (1 | g), transform(d, y = exact + size * noise))), "exact_fit",
                         variable = "y", group = "g")
    expect_lt(condition$value, condition$limit)
  }
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), transform(d, y = exact + 1e-7 * noise)))
  plain <- stats::lm(y ~ x + g, transform(d, y = exact + 1e-7 * noise))
  expect_equal(sigma(fit), summary(plain)$sigma, tolerance = 1e-3)
  # small beside the mean is not small
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), transform(d, y = 1e8 + x + noise)))
  expect_s3_class(fit, "glimmer")
  # undecided before the search: the same error, of the exact kind
  design <- front(y ~ x + (1 | g), transform(d, y = exact))$design
  condition <- error_of(check_exact_fit_after(c(0, 0.5, 1, log(1e-7)), design, gaussian()))
  expect_s3_class(condition, "glimmer_error_exact_fit")
  expect_lt(condition$value, 1e-14)
  expect_null(check_exact_fit_after(c(0, 0.5, 1, log(1e-3)), design, gaussian()))
})

test_that("where there are as many effects as rows a dispersion that goes to zero is refused, another one is not", {
  # a level a row, told from the residuals by the weights only: V = Z Z' sd_g^2 + I sd_hg^2 + sigma^2 / w
  model <- any_model(378)
  d <- model$data
  x <- stats::model.matrix(~ x + f, d)
  z <- stats::model.matrix(~ 0 + g, d)
  profile <- function(log_sd, sigma) {
    root <- chol(diag(exp(2 * log_sd[1L]) + sigma^2 / d$w) + exp(2 * log_sd[2L]) * tcrossprod(z))
    residual <- stats::lm.fit(backsolve(root, x, transpose = TRUE), backsolve(root, d$y, transpose = TRUE))$residuals
    -sum(log(diag(root))) - sum(residual^2) / 2
  }
  best <- vapply(10^-(1:4), function(sigma) {
    -stats::optim(c(-1, 0), function(at) -profile(at, sigma), control = list(reltol = 1e-12))$value
  }, 1)
  expect_true(all(diff(best) > 0))
  condition <- refused(suppressWarnings(glmm(model$formula, d, weights = w)), "exact_fit", variable = "y",
                       effects = 32)
  expect_lt(condition$value, condition$limit)
  # a likelihood without a bound, also by Laplace
  unbounded <- any_model(325)
  refused(suppressWarnings(glmm(unbounded$formula, unbounded$data, unbounded$family)), "exact_fit", effects = 12)
  refused(suppressWarnings(glmm(unbounded$formula, unbounded$data, unbounded$family, method = "laplace")), "exact_fit")
  # with weights that differ more the residuals are seen
  d <- with_seed(4, data.frame(g = factor(1:60), w = 10^runif(60, 0, 3), u = rnorm(60), e = rnorm(60)))
  d$y <- d$u + 3 * d$e / sqrt(d$w)
  fit <- glmm(y ~ 1 + (1 | g), d, weights = w)
  expect_true(fit$converged && sigma(fit) > 0.5)
})

test_that("columns of X that are zero on the rows that are looked at are left out, without a word", {
  # the part of the rows that is looked at first misses a level of `f`
  d <- with_seed(31, expand.grid(f = factor(1:5), g = factor(1:25), r = 1:2))
  d$y <- with_seed(32, rnorm(25)[d$g] + rnorm(250))
  expect_silent(fit <- glmm(y ~ f + (1 | g), d))
  x <- cbind(1, c(1, 1, 0, 0), 0, c(0, 1, 0, 1))
  z <- c(2, 3, 1, 5)
  expect_silent(found <- fit_columns(x, z))
  expect_equal(found$residual, unname(resid(lm(z ~ x[, c(2, 4)]))), tolerance = 1e-12)
  coefficients <- coef(lm(z ~ x[, c(2, 4)]))
  expect_equal(found$added, sum(abs(coefficients)), tolerance = 1e-10, ignore_attr = TRUE)
})
