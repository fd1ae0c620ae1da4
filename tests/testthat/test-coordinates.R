# Coordinates of the searches: parameters = centre + transform x.

coordinates_engine <- function() {
  d <- with_seed(5, data.frame(g = gl(12, 8), x = rnorm(96), y = rpois(96, 3)))
  engine_of(glmm(y ~ x + (x | g), d, poisson))
}

test_that("a derivative in the coordinates is that of the log-likelihood along them, also where some are held", {
  engine <- coordinates_engine()
  at <- replace(engine$start, 3:5, c(0.4, 0.1, 0.3))
  all <- precondition(engine, at, natural_transform(engine, at))
  for (coordinates in list(all, free_coordinates(all, c(FALSE, FALSE, FALSE, FALSE, TRUE)))) {
    size <- length(coordinates$searched)
    value <- function(x) engine_evaluate(engine, place(coordinates, x))$value
    slope <- pull(coordinates, engine_evaluate(engine, at, gradient = TRUE)$gradient)
    expect_equal(slope, reference_gradient(value, numeric(size)), tolerance = 1e-6)
    expect_identical(place(coordinates, rep(1, size))[[5L]] == at[[5L]], size == 4L)
  }
})

test_that("in the coordinates the fixed effects have a unit Hessian, and a unit is of the size of a standard error", {
  engine <- coordinates_engine()
  at <- engine$start
  coordinates <- precondition(engine, at, natural_transform(engine, at))
  engine_evaluate(engine, at)
  hessian <- crossprod(coordinates$transform[1:2, 1:2], engine_fixed_information(engine, at) %*%
                         coordinates$transform[1:2, 1:2])
  expect_equal(hessian, diag(2), tolerance = 1e-8)
  # of a covariance: its root over the square root of twice the number of levels
  error <- engine$notes$error_root[[1L]]
  root <- variation_root(matrix(c(2, 0.5, 0, 1), 2L), error)
  expect_equal(tcrossprod(root), tcrossprod(matrix(c(2, 0.5, 0, 1), 2L)) + 0.09 * tcrossprod(error), tolerance = 1e-10)
  expect_equal(natural_transform(engine, replace(at, 3:5, c(2, 0.5, 1)))[3:4, 3:4], root / sqrt(24), tolerance = 1e-10)
})
