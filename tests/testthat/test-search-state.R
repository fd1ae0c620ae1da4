# Of two states of a search the one that is kept.

# A state that arrived, or did not, or ran into a pole.
state_at <- function(value, gain = 1e-9, gradient = 0, status = "ok", stage = "laplace") {
  new_search_state(1, value, list(list(stage = stage)), gradient = gradient, status = status, gain = gain,
                   coordinates = list(centre = 1, transform = matrix(1), searched = 1L))
}

test_that("a search has arrived where hardly anything is to be gained, and nothing rises from the boundary", {
  control <- glmm_control()
  expect_true(has_arrived(state_at(-10), control))
  expect_false(has_arrived(state_at(-10, gain = 1e-5), control))
  expect_true(has_arrived(state_at(-10, gain = 1e-5), glmm_control(gain_limit = 1e-4)))
  expect_false(has_arrived(state_at(-10, gain = NA), control))
  expect_false(has_arrived(state_at(-10, status = "mode"), control))
  expect_false(has_arrived(c(state_at(-10), rises = TRUE), control))
})

test_that("the higher one is kept, but what arrived before what did not, and nothing that ends at a pole", {
  control <- glmm_control()
  kept <- function(earlier, later) better(earlier, later, control)$value
  expect_identical(kept(state_at(-10), state_at(-9)), -9)
  expect_identical(kept(state_at(-9), state_at(-10)), -9)
  # what has not arrived may be on its way to a pole
  expect_identical(kept(state_at(-10), state_at(-5, gain = 1)), -10)
  expect_identical(kept(state_at(-10, gain = 1), state_at(-10 - 1e-7)), -10 - 1e-7)
  expect_identical(kept(state_at(-10, gain = 1), state_at(-11)), -10)
  expect_true(is_pole(state_at(100, gain = NA, gradient = 1e9)))
  expect_identical(kept(state_at(-10, gain = 1), state_at(100, gain = NA, gradient = 1e9)), -10)
  expect_identical(kept(state_at(100, gain = NA, gradient = 1e9), state_at(-10, gain = 1)), -10)
})

test_that("what was tried is in the record of either, and with what it cost", {
  control <- glmm_control()
  expect_identical(better(state_at(-9), state_at(-10, stage = "simplex"), control)$record[[1L]]$stage, "simplex")
  engine <- list(notes = list2env(list(evaluations = 7L, gradients = 3L)))
  expect_identical(search_record("newton", engine, c(evaluations = 5L, gradients = 3L), -10, "two more")[[1L]],
                   list(stage = "newton", evaluations = 2L, gradients = 0L, value = -10, message = "two more"))
})
