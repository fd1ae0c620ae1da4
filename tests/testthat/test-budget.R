# What quadrature may spend: rows times nodes, the nodes of all effects of a level.

test_that("each pass costs rows and levels times the nodes of a level, and what is too much ends without an error", {
  nesting <- list(order = 1L, levels = 2L, effects = 2L, parents = list(NULL))
  engine <- list(rows = 20, nesting = nesting, notes = list2env(list(spent = 0, budget = 1500)))
  spend(engine, c(9, 25))
  # a node of a level counts for two rows
  expect_identical(engine$notes$spent, (20 + 2 * 2) * mean(c(9, 25)))
  expect_identical(within_budget({
    spend(engine, c(25, 25))
    "there is room"
  }), "there is room")
  # an optimiser that catches errors does not catch this
  expect_null(within_budget(tryCatch(spend(engine, c(100, 100)), error = function(e) "caught")))
})
