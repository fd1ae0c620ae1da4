# The table of the parameters: names and order are those that the help of the class promises.
table_for <- function(formula, family) {
  d <- with_seed(3, data.frame(x = rnorm(24), z = rnorm(24), g = gl(4, 6), h = gl(3, 1, 24), y = rexp(24)))
  if (family$family == "binomial") d$y <- rep(0:1, 12)
  stages <- front(formula, d, family)
  parameter_table(stages$design, stages$family)
}

test_that("each parameter has a row: beta, the covariance parameters term by term, the constant", {
  table <- table_for(y ~ x + (x | g) + (1 | h), gaussian())
  expect_identical(table$name, c("(Intercept)", "x", "L.g.(Intercept)|(Intercept)", "L.g.x|(Intercept)", "L.g.x|x",
                                 "sd.h.(Intercept)", "log_sigma"))
  expect_identical(table$kind, rep(c("beta", "theta", "constant"), c(2, 4, 1)))
  expect_identical(table$predictor, rep(c("mean", "log_sigma"), c(6, 1)))
  expect_identical(table$term, c(NA, NA, 1L, 1L, 1L, 2L, NA))
  expect_identical(table$place, c(1L, 2L, 1L, 2L, 3L, 1L, 1L))
  expect_identical(parameter_index(table), list(beta = 1:2, theta = list(3:5, 6L), dispersion = 7L))
})

test_that("there may be no constant, no fixed effect, and a term of one column each", {
  table <- table_for(y ~ 0 + (x + z || g), binomial())
  expect_identical(table$name, c("sd.g.(Intercept)", "sd.g.x", "sd.g.z"))
  expect_identical(parameter_index(table), list(beta = integer(), theta = list(1L, 2L, 3L), dispersion = integer()))
})

test_that("the names of parameters are unique", {
  d <- with_seed(4, data.frame(log_sigma = rnorm(24), g = gl(4, 6), y = rnorm(24)))
  stages <- front(y ~ log_sigma + (1 | g), d)
  table <- parameter_table(stages$design, stages$family)
  expect_identical(table$name, c("(Intercept)", "log_sigma", "sd.g.(Intercept)", "log_sigma.1"))
})

test_that("a search moves what an evaluation does not find", {
  stages <- with_seed(5, front(y ~ x + (1 | g), data.frame(x = rnorm(24), g = gl(4, 6), y = rnorm(24))))
  moved <- function(inner, ...) {
    searched_parameters(engine_layout(stages$design, stages$family, inner), ...)
  }
  expect_identical(moved("given"), 1:4)
  expect_identical(moved("given", joint = TRUE), 3:4)
  expect_identical(moved("integrated"), 3:4)
  expect_identical(moved("joint"), 3:4)
  expect_identical(moved("profiled"), 3L)
})
