# The package's value and gradient at random parameters of random models, against Richardson differences of its own
# value and of the reference's, and against the reference's value.
# Every family and link of the registry.
gradient_scope <- list(
  links = sapply(unique(vapply(family_registry(), `[[`, "", "name")), links_of, simplify = FALSE),
  structures = c("scalar", "slope", "independent", "nested", "crossed", "crossed slopes", "two terms")
)
gradient_seeds <- if (run_slow_tests()) 2:5 else 2L

expect_close_gradient <- function(gradient, numerical, label) {
  bound <- 1e-6 * max(1, max(abs(gradient)))
  expect_lte(max(abs(gradient - numerical)), bound, label = label)
}

# The fit only carries the model here: it need not be a good one.
carry <- function(case) {
  suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset, method = "laplace"),
                   classes = "glimmer_warning")
}

# Parameters with the signs of one column of every L reversed: the same likelihood, another point for the code.
flip_first_columns <- function(model, parameters) {
  first <- unlist(lapply(model$terms, function(term) {
    if (length(term$names) > 1L) term_parameter_names(term)[seq_along(term$names)]
  }))
  parameters[first] <- -parameters[first]
  parameters
}

check_gradient <- function(case, parameters) {
  fit <- carry(case)
  expect_setequal(names(fit$parameters), names(parameters))
  engine <- new_engine(fit_design(fit), fit$family)
  at <- function(parameters) engine_evaluate(engine, parameters[engine$names], gradient = TRUE)
  here <- at(parameters)
  gradient <- stats::setNames(here$gradient, engine$names)[names(parameters)]
  reference <- reference_laplace_function(case$model, parameters)
  expected <- reference(parameters)
  expect_lte(abs(here$value - expected), 1e-9 * abs(expected), label = "error of the value")
  expect_close_gradient(gradient, reference_gradient(function(p) at(p)$value, parameters), "difference from own value")
  expect_close_gradient(gradient, reference_gradient(reference, parameters, levels = 3L), "difference from reference")
}

for (family in names(gradient_scope$links)) {
  for (link in gradient_scope$links[[family]]) {
    for (structure in gradient_scope$structures) {
      test_that(paste("value and gradient:", family, link, structure), {
        for (seed in gradient_seeds) {
          case <- random_model(seed, family, link, structure)
          check_gradient(case, case$parameters)
        }
      })
    }
  }
}

test_that("value and gradient do not mind the sign of a column of L", {
  case <- random_model(4L, "poisson", "log", "slope")
  flipped <- flip_first_columns(case$model, case$parameters)
  expect_false(identical(flipped, case$parameters))
  expect_equal(as.numeric(reference_laplace(case$model, flipped)),
               as.numeric(reference_laplace(case$model, case$parameters)), tolerance = 1e-12)
  check_gradient(case, flipped)
})
