# The barrier before the edge of what a restricted link allows: its value against the reference's mode, its gradient
# against differences of that value.

edge_families <- list(binomial = list(family = "binomial", link = "log", distance = function(eta) -eta),
                      poisson = list(family = "poisson", link = "identity", distance = function(eta) eta))

# Linear predictors at the reference's mode.
reference_predictor <- function(model, parameters) {
  part <- reference_unpack(model, parameters)
  mode <- attr(reference_laplace(model, parameters), "mode")
  model$offset + drop(model$X %*% part$beta + reference_random_matrix(model, part$lambdas) %*% mode)
}

# The intercept moved until the smallest distance from the edge is about a tenth of what it was.
near_edge <- function(model, parameters, distance) {
  eta <- reference_predictor(model, parameters)
  inward <- sign(distance(1))
  replace(parameters, 1L, parameters[[1L]] - inward * 0.9 * min(distance(eta)))
}

check_barrier <- function(case, traits, parameters, step) {
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset),
                          classes = "glimmer_warning")
  engine <- new_engine(fit_design(fit), fit$family)
  parameters <- parameters[engine$names]
  value <- function(at) engine_evaluate(engine, at)$value
  plain <- engine_evaluate(engine, parameters, gradient = TRUE)
  distances <- traits$distance(reference_predictor(case$model, parameters))
  expect_gt(min(distances), 0)
  for (weight in c(1e-1, 1e-3)) {
    engine_set_edge_barrier(engine, weight)
    result <- engine_evaluate(engine, parameters, gradient = TRUE)
    expect_equal(sort(engine_edge_distances(engine, parameters)), sort(unname(distances)), tolerance = 1e-8)
    expect_equal(result$value - plain$value, weight * sum(log(distances)), tolerance = 1e-7)
    numerical <- reference_gradient(value, parameters, step)
    bound <- 1e-6 * max(1, max(abs(result$gradient)))
    expect_lte(max(abs(result$gradient - numerical)), bound, label = paste("error of the gradient, weight", weight))
    # it is the barrier's part that is tested
    expect_gt(max(abs(result$gradient - plain$gradient)), 100 * bound)
  }
  engine_set_edge_barrier(engine, 0)
  # but for the round-off of a search for the mode that begins elsewhere
  expect_equal(engine_evaluate(engine, parameters, gradient = TRUE), plain, tolerance = 1e-12)
  again <- new_engine(fit_design(fit), fit$family)
  engine_set_edge_barrier(again, 0.1)
  engine_set_edge_barrier(again, 0)
  expect_identical(engine_evaluate(again, parameters, gradient = TRUE), plain)
}

for (traits in edge_families) {
  for (structure in c("scalar", "slope", "crossed", "crossed slopes")) {
    test_that(paste("value and gradient with the barrier:", traits$family, traits$link, structure), {
      case <- random_model(2L, traits$family, traits$link, structure)
      check_barrier(case, traits, case$parameters, 1e-2)
      check_barrier(case, traits, near_edge(case$model, case$parameters, traits$distance), 1e-3)
    })
  }
}

test_that("links that allow every linear predictor have no edge", {
  case <- random_model(2L, "poisson", "log", "scalar")
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset))
  engine <- new_engine(fit_design(fit), fit$family)
  plain <- engine_evaluate(engine, case$parameters, gradient = TRUE)
  expect_true(all(engine_edge_distances(engine, case$parameters) == Inf))
  again <- new_engine(fit_design(fit), fit$family)
  engine_set_edge_barrier(again, 0.1)
  expect_identical(engine_evaluate(again, case$parameters, gradient = TRUE), plain)
})
