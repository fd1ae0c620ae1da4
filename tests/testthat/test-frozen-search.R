# Newton's steps with frozen rules: what a step may do, what judges it, and where it ends.
slopes_of <- function(seed, sds, groups = 20L, size = 6L, mean = 0.3) {
  with_seed(seed, {
    g <- gl(groups, size)
    x <- stats::rnorm(groups * size)
    b <- cbind(stats::rnorm(groups, 0, sds[1L]), stats::rnorm(groups, 0, sds[2L]))
    data.frame(g, x, y = stats::rpois(groups * size, exp(mean + 0.3 * x + b[g, 1L] + b[g, 2L] * x)))
  })
}

# The engine of a fit's model with few nodes placed at modes, and a state there.
begun <- function(formula, data, family, theta = NULL) {
  fit <- suppressWarnings(glmm(formula, data, family, method = "joint"))
  design <- fit_design(fit)
  engine <- with_coordinates(new_engine(design, fit$family), design$terms, searched = TRUE)
  parameters <- find_start(design, fit$family, engine)
  if (!is.null(theta)) parameters[unlist(engine$index$theta)] <- theta
  engine_set_rule(engine, coarse_rule(engine))
  expect_identical(engine_place_rule(engine, parameters), "ok")
  list(engine = engine, state = pass_state(engine, parameters))
}

# What the core leaves out of levels' values: the parts of the rows' log-densities without parameters.
level_constants <- function(design, family) {
  row <- switch(family$family, binomial = 0 * design$y, poisson = -lgamma(design$y + 1), Gamma = -log(design$y))
  as.vector(rowsum(row, design$factors[[1L]]$index))
}

test_that("one pass is the reference written from densities, at the same places", {
  for (family in list(binomial(), poisson(), Gamma("log"))) {
    data <- slopes_of(1, c(0.5, 0.4), groups = 6L, size = 4L)
    if (family$family == "binomial") data$y <- pmin(data$y, 1L)
    if (family$family == "Gamma") data$y <- data$y + 0.5
    for (formula in list(y ~ x + (1 | g), y ~ x + (x | g))) {
      run <- begun(formula, data, family)
      design <- fit_design(suppressWarnings(glmm(formula, data, family, method = "joint")))
      rule <- frozen_reference(reference_from_design(design, family))
      at <- run$state$parameters
      expect_identical(frozen_place_at_modes(rule, at), "ok")
      # Lambda = 0 as well, where the scale of b would be singular; and around means
      zero <- replace(at, unlist(run$engine$index$theta), 0)
      for (place in c("modes", "means")) {
        for (parameters in list(at, zero, at + 0.1)) {
          ours <- engine_pass(run$engine, parameters, 2L)
          theirs <- frozen_pass(rule, parameters, 2L)
          expect_equal(ours$value, theirs$value, tolerance = 1e-9)
          expect_equal(ours$gradient, theirs$gradient, tolerance = 1e-7, ignore_attr = TRUE)
          expect_equal(ours$hessian, theirs$hessian, tolerance = 1e-6, ignore_attr = TRUE)
        }
        engine_place_rule(run$engine)
        frozen_place_at_moments(rule)
      }
      other <- rep(c(7L, 0L, 3L), 2)
      ours <- engine_level_values(run$engine, at, list(nodes = other, wide = rep(FALSE, 6L)))
      expect_equal(sum(ours, na.rm = TRUE),
                   sum(frozen_values(rule, at, other, rep(FALSE, 6L)) - level_constants(design, family),
                       na.rm = TRUE), tolerance = 1e-8)
    }
  }
})

test_that("no step puts a standard deviation or a column of L on zero, or far away", {
  run <- begun(y ~ x + (x | g), slopes_of(2, c(0.6, 0.5)), poisson())
  unit <- diag(run$engine$notes$error_root[[1L]])
  size <- function(column) sqrt(sum((column / unit[seq_along(column) + 2L - length(column)])^2))
  from <- replace(run$state$parameters, 3:5, c(0.5, 0.2, 0.4))
  to <- keep_sizes(run$engine, from, replace(from, 3:5, c(0.001, 0.002, 0)))
  expect_equal(size(to[3:4]), size(from[3:4]) / 4)
  expect_equal(unname(to[4] / to[3]), 2)
  expect_equal(to[[5L]], 0.1)
  to <- keep_sizes(run$engine, from, replace(from, 3:5, c(-30, 50, 9)))
  expect_equal(size(to[3:4]), max(3 * size(from[3:4]), 0.1))
  expect_equal(to[[5L]], max(1.2, 0.1 * unit[2L]))
  # what is alone does not change its sign
  expect_equal(keep_sizes(run$engine, from, replace(from, 5L, -9))[[5L]], 0.1)
  # in a column that does not vanish an entry may
  expect_equal(keep_sizes(run$engine, from, replace(from, 3L, -0.1))[3:4], replace(from, 3L, -0.1)[3:4])
  expect_equal(keep_sizes(run$engine, from, from), from)
  # a step that is allowed is left as it is
  expect_equal(keep_sizes(run$engine, from, from + 1e-3), from + 1e-3)
})

test_that("the coordinates of a Hessian have its unit in beta, and hold what is held", {
  run <- begun(y ~ x + (x | g), slopes_of(2, c(0.6, 0.5)), poisson())
  step <- frozen_step(run$engine, run$state)
  expect_equal(step$hessian[1:2, 1:2], -diag(2), tolerance = 1e-8)
  held <- frozen_step(run$engine, replace(run$state, "held", list(c(FALSE, FALSE, FALSE, FALSE, TRUE))))
  expect_identical(held$coordinates$searched, 1:4)
  expect_identical(held$to[[5L]], run$state$parameters[[5L]])
})

test_that("a frozen rule is climbed to its own maximum", {
  run <- begun(y ~ x + (x | g), slopes_of(3, c(0.6, 0.5)), poisson())
  near <- move_with_rule(run$engine, run$state, glmm_control(), 1e-3)
  end <- settle_on_rule(run$engine, near)
  expect_lt(end$gain, 1e-12)
  # by differences of values alone
  slope <- reference_gradient(function(p) engine_pass(run$engine, p, 0L)$value, end$parameters)
  expect_lte(max(abs(slope)), 1e-5)
  for (direction in list(c(1, 0, 0, 0, 0), c(0, 0, 1, 0, 1), c(0, 1, 0, -1, 0))) {
    for (step in c(-0.01, 0.01)) {
      expect_lt(engine_pass(run$engine, end$parameters + step * direction, 0L)$value, end$value)
    }
  }
})

test_that("from small and large standard deviations the same maximum is reached, also in rich groups", {
  # forty counts a level: nodes in u go stale when a standard deviation moves fourfold
  data <- slopes_of(5, c(1.2, 0.7), groups = 15L, size = 40L, mean = 1)
  values <- vapply(list(c(0.05, 0, 0.05), c(0.3, 0, 0.3), c(5, 0, 5), c(1, 0.9, 0.01)), function(theta) {
    run <- begun(y ~ x + (x | g), data, poisson(), theta)
    end <- move_with_rule(run$engine, run$state, glmm_control(), 1e-3)
    expect_lt(end$gain, 1e-3)
    end$value
  }, 1)
  # what five nodes leave of the value, and the gain
  expect_lte(diff(range(values)), 1e-2)
})

test_that("a step is judged by the rule that its value came from", {
  run <- begun(y ~ x + (x | g), slopes_of(6, c(0.6, 0.5)), poisson())
  step <- frozen_step(run$engine, run$state)
  expect_identical(take_step(run$engine, run$state, step, at_modes = FALSE)$status, "ok")
  # around means: placed at modes the rule would have another value
  engine_pass(run$engine, run$state$parameters, 0L)
  engine_place_rule(run$engine)
  state <- pass_state(run$engine, run$state$parameters)
  # downhill it is halved away, and the rule has not moved
  step <- frozen_step(run$engine, state)
  step$to <- state$parameters - 3 * (step$to - state$parameters)
  step$gain <- 1
  with_replaced("largest_effect", function(...) 0, {
    expect_null(take_step(run$engine, state, step, at_modes = FALSE))
  })
  expect_identical(engine_pass(run$engine, state$parameters, 0L)$value, state$value)
})

test_that("where no step is found the state is that of the rule as it is then", {
  run <- begun(y ~ x + (x | g), slopes_of(6, c(0.6, 0.5)), poisson())
  engine_place_rule(run$engine)
  state <- pass_state(run$engine, run$state$parameters)
  gives_up <- function(engine, state, ...) {
    engine_place_rule(engine, state$parameters)
    NULL
  }
  end <- with_replaced("take_step", gives_up, move_with_rule(run$engine, state, glmm_control(), 1e-3))
  expect_true(end$stalled)
  expect_false(end$value == state$value)
  expect_identical(end$value, engine_pass(run$engine, end$parameters, 0L)$value)
})

test_that("what lies next to the boundary is held there, in the u scale where nothing is singular", {
  data <- slopes_of(7, c(0, 0))
  data$y <- rep(c(0, 1, 3, 1, 2, 0), 20) # all groups alike: no variance between them
  run <- begun(y ~ x + (1 | g), data, poisson())
  at <- stats::setNames(c(stats::coef(stats::glm(y ~ x, poisson, data)), 1e-3), run$engine$names)
  small <- pass_state(run$engine, at)
  held <- hold_small(run$engine, small)
  expect_identical(held$held, c(FALSE, FALSE, TRUE))
  expect_identical(held$parameters[[3L]], 0)
  # and with variance it is not
  run <- begun(y ~ x + (1 | g), slopes_of(7, c(1, 0)), poisson())
  small <- pass_state(run$engine, replace(run$state$parameters, 3L, 1e-3))
  expect_false(any(hold_small(run$engine, small)$held))
})

test_that("the smallest effect leaves out what is held", {
  run <- begun(y ~ x + (x | g), slopes_of(2, c(0.6, 0.5)), poisson())
  state <- replace(run$state, "parameters", list(replace(run$state$parameters, 3:5, c(0.5, 0.2, 0))))
  expect_lt(smallest_effect(run$engine, state), 1e-8)
  state$held <- c(FALSE, FALSE, FALSE, FALSE, TRUE)
  expect_gt(smallest_effect(run$engine, state), 0.1)
  state$parameters[3:5] <- 0
  state$held <- c(FALSE, FALSE, TRUE, TRUE, TRUE)
  expect_identical(smallest_effect(run$engine, state), Inf)
})

test_that("a search has run away where effects move the linear predictor by hundreds, wherever the zero of x is", {
  for (shift in c(0, 2000)) {
    data <- slopes_of(8, c(0.6, 0.5))
    data$x <- data$x + shift
    run <- begun(y ~ x + (x | g), data, poisson())
    # of intercept and slope at the zero of before
    at <- function(size) {
      L <- matrix(c(1, 0, -shift, 1), 2L) %*% diag(size, 2L)
      root <- t(chol(tcrossprod(L)))
      list(parameters = replace(run$state$parameters, 3:5, root[lower.tri(root, diag = TRUE)]))
    }
    expect_false(has_run_away(run$engine, at(20)))
    expect_true(has_run_away(run$engine, at(1000)))
  }
})

test_that("moments that are no covariance leave a level where it was", {
  run <- begun(y ~ x + (1 | g), slopes_of(9, c(0.6, 0)), poisson())
  at <- run$state$parameters
  before <- engine_pass(run$engine, at, 0L)$value
  # nothing is seen of u there
  engine_pass(run$engine, replace(at, 1L, NaN), 0L)
  engine_place_rule(run$engine)
  expect_identical(engine_pass(run$engine, at, 0L)$value, before)
})
