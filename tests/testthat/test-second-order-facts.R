test_that("trust follows the limits, each by itself", {
  facts <- function(size, informed, shift) {
    complete_facts(list(size = size, informed = informed, correction = 1, damped = 1), c(a = shift, b = NA))
  }
  expect_identical(second_order_trust(facts(2, 10, 1)), "trusted")
  expect_identical(second_order_trust(facts(2.5, 10, 1)), "rough")
  expect_identical(second_order_trust(facts(3.5, 10, 1)), "not")
  expect_identical(second_order_trust(facts(2, 10, -6)), "not")
  expect_identical(second_order_trust(facts(0, 0, 0)), "trusted")
})

test_that("the error stated is a share of the terms' size, at least a tenth of a unit or all of them", {
  error <- function(size) complete_facts(list(size = size, informed = 1, correction = 0, damped = 0), c(a = 0))$error
  expect_equal(error(10), 0.55)
  expect_equal(error(0.2), 0.1)
  expect_equal(error(0.04), 0.04)
})

test_that("the largest shift has the parameter's name, whatever its sign", {
  expect_identical(largest_shift(list(shift = c(a = 0.2, b = -0.3, c = NA))), c(b = -0.3))
  expect_identical(largest_shift(list(shift = c(a = NA_real_))), 0)
})

test_that("the statements are marked where they have to be", {
  facts <- function(size, shift) {
    complete_facts(list(size = size, informed = 10, correction = 1, damped = 1), c(a = shift))
  }
  expect_true(check_assessed(facts(1, 0.05))$ok)
  expect_false(check_assessed(facts(1, 0.2))$ok)
  expect_match(check_assessed(facts(1, 0.2))$text, "Fit with method = \"laplace2\"", fixed = TRUE)
  expect_match(check_assessed(facts(5, 0.2))$text, "unreliable")
  expect_true(check_second_order(facts(2.5, 0.2))$ok)
  expect_match(check_second_order(facts(2.5, 0.2))$text, "rough")
  expect_false(check_second_order(facts(5, 0.2))$ok)
})
