# update() against fits from the start.

test_that("update changes the call and fits again", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  wide <- update(fit, . ~ . + z)
  expect_equal(wide$parameters, glmm(y ~ x + z + (1 | g), data, poisson)$parameters, tolerance = 1e-6)
  expect_equal(wide$call$formula, y ~ x + (1 | g) + z, ignore_attr = TRUE)
  expect_named(update(wide, . ~ . - (1 | g) + (x || g) - z)$factors$g$columns, NULL)
  expect_length(update(wide, . ~ . - (1 | g) + (x || g) - z)$random, 2L)
  half <- update(fit, subset = x > 0, method = "joint")
  expect_equal(half$method, "joint")
  expect_null(update(half, subset = NULL)$call$subset)
  expect_equal(update(half, subset = NULL, method = "aghq")$log_likelihood, fit$log_likelihood)
  expect_type(update(fit, . ~ z + (1 | g), evaluate = FALSE), "language")
})

test_that("update works where it is called: in functions, over lists, after its data went out of sight", {
  inside <- function() {
    local_data <- refit_data()
    factor <- 2
    glmm(y ~ I(x * factor) + (1 | g), local_data, poisson)
  }
  fit <- inside()
  data <- refit_data()
  data$u <- 2 * data$x
  peer <- glmm(y ~ u + z + (1 | g), data, poisson)
  expect_equal(update(fit, . ~ . + z, data = data)$log_likelihood, peer$log_likelihood, tolerance = 1e-10)
  error <- tryCatch(update(fit, . ~ . + z), error = identity)
  expect_s3_class(error, "glimmer_error_data")
  expect_match(conditionMessage(error), "local_data")
  over <- function() {
    other <- refit_data()
    other$new <- other$z
    one <- glmm(y ~ x + (1 | g), other, poisson)
    lapply(list(one), update, . ~ . + new)[[1L]]
  }
  expect_named(over()$parameters, c("(Intercept)", "x", "new", "sd.g.(Intercept)"))
  wrapper <- function(values) {
    weight <- rep(c(1, 2), 60)
    one <- glmm(y ~ x + (1 | g), values, poisson)
    update(one, weights = weight)
  }
  data$weight <- rep(c(1, 2), 60)
  expect_equal(wrapper(data)$parameters, glmm(y ~ x + (1 | g), data, poisson, weights = weight)$parameters)
})

test_that("update starts from the previous parameters where they match", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  half <- update(fit, data = data[1:80, ], start = "previous")
  peer <- glmm(y ~ x + (1 | g), data[1:80, ], poisson)
  expect_equal(half$log_likelihood, peer$log_likelihood, tolerance = 1e-10)
  expect_false("start" %in% names(half$call))
  expect_equal(update(fit, start = "previous", evaluate = FALSE)$start, quote(fit))
  expect_s3_class(tryCatch(update(fit, . ~ . + z, start = "previous"), error = identity), "glimmer_error_argument")
})

test_that("an argument that is not there is taken away without a fault", {
  data <- refit_data()
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_equal(fixef(update(fit, weights = NULL)), fixef(fit))
  expect_named(fixef(update(fit, . ~ . - x, offset = NULL, subset = NULL)), "(Intercept)")
  weighted <- update(fit, weights = rep(2, 120))
  expect_equal(fixef(update(weighted, weights = NULL, control = NULL)), fixef(fit), tolerance = 1e-6)
})

test_that("without the grouping factor that has a known covariance the error says how to take that away", {
  data <- expand.grid(id = factor(1:8), g = factor(1:5), r = 1:2)
  data$y <- with_seed(1, rnorm(8)[data$id] + rnorm(5)[data$g] + rnorm(80))
  K <- 0.5 + diag(0.5, 8) # nolint: object_name_linter.
  dimnames(K) <- list(1:8, 1:8)
  fit <- glmm(y ~ 1 + (1 | id), data, covariance = list(id = K))
  error <- error_of(update(fit, . ~ . - (1 | id) + (1 | g)))
  expect_s3_class(error, "glimmer_error_covariance")
  expect_match(conditionMessage(error), "Give `covariance = NULL`", fixed = TRUE)
  expect_equal(logLik(update(fit, . ~ . - (1 | id) + (1 | g), covariance = NULL)), logLik(glmm(y ~ 1 + (1 | g), data)))
  error <- error_of(glmm(y ~ 1 + (1 | id), data, covariance = list(id = K, other = K)))
  expect_match(conditionMessage(error), "Leave it out of the list", fixed = TRUE)
})

test_that("covariance structures stay as they were written", {
  changed <- function(formula, changes) deparse1(changed_formula(formula, changes))
  expect_identical(changed(y ~ x + ar1(0 + f | g), . ~ . - x), "y ~ ar1(0 + f | g)")
  expect_identical(changed(y ~ x + cs(0 + f | g) + (1 | h), . ~ . + z), "y ~ x + cs(0 + f | g) + (1 | h) + z")
})
