# The Hessian at the end of a search, against Richardson differences of the log-likelihood alone.

test_that("the Hessian is that of differences of the value, in any coordinates", {
  skip_if_not_installed("numDeriv")
  fit <- truth_fit("bacteria_logit", method = "laplace")
  engine <- engine_of(fit)
  at <- fit$parameters
  scale <- natural_transform(engine, at)
  coordinates <- precondition(engine, at, scale)
  value <- function(x) engine_evaluate(engine, place(coordinates, x, at))$value
  wanted <- numDeriv::hessian(value, numeric(length(at)), method.args = list(eps = 0.05))
  # central differences err by about 1e-7 of a curvature near 1, differences of values by more
  expect_equal(difference_hessian(engine, at, coordinates), wanted, tolerance = 1e-4, ignore_attr = TRUE)
  held <- replace(logical(length(at)), length(at), TRUE)
  free <- free_coordinates(coordinates, held)
  expect_equal(difference_hessian(engine, at, free), wanted[!held, !held], tolerance = 1e-4, ignore_attr = TRUE)
})

test_that("without coordinates there is a Hessian of size zero", {
  engine <- engine_of(truth_fit("bacteria_logit", method = "laplace"))
  none <- list(centre = numeric(), transform = matrix(0, 0L, 0L), searched = integer())
  expect_identical(difference_hessian(engine, numeric(), none), matrix(0, 0L, 0L))
})
