# R says once that a time limit is reached, as an error of whatever is evaluated at that time.
time_limit <- function(...) stop(gettext("reached elapsed time limit", domain = "R"), call. = FALSE)

test_that("an expression that fails is told from a session that has reached a limit", {
  expect_null(attempt(stop("no such thing")))
  expect_identical(attempt(stop("no such thing"), conditionMessage), "no such thing")
  expect_error(attempt(time_limit(), identity), "^reached elapsed time limit$")
  expect_error(attempt(stop(gettext("reached CPU time limit", domain = "R")), identity), "CPU time limit")
  expect_error(attempt(stop("cannot allocate vector of size 8.0 Gb"), identity), "8.0 Gb")
})

test_that("a time limit that is reached in what the user gives is neither swallowed nor blamed on it", {
  data <- data.frame(g = factor(rep(1:5, 4)), x = seq(0, 1, length.out = 20), y = sin(1:20))
  reached <- function(expression) {
    e <- tryCatch(expression, error = identity)
    expect_s3_class(e, "simpleError")
    expect_identical(conditionMessage(e), gettext("reached elapsed time limit", domain = "R"))
  }
  reached(glmm(y ~ x + (1 | g), time_limit()))
  reached(glmm(y ~ x + (1 | g), data, family = time_limit))
  reached(glmm(y ~ time_limit(x) + (1 | g), data))
  reached(glmm(time_limit(y) ~ x + (1 | g), data))
  reached(glmm(y ~ x + (1 | g), data, weights = time_limit(x)))
  reached(glmm(y ~ x + (1 | g), data, na.action = time_limit))
  reached(glmm(y ~ g + (1 | x), transform(data, x = factor(x > 0.5)), contrasts = list(g = time_limit)))
  fit <- glmm(y ~ x + (1 | g), data)
  reached(predict(fit, newdata = data, na.action = time_limit))
})
