# Progress through 'progressr', which shows it or not as the user wants.

test_that("each step is told to 'progressr', once", {
  skip_if_not_installed("progressr")
  steps <- 0
  loop <- function() {
    done <- start_progress(3)
    for (k in 1:3) done()
  }
  listen <- function(p) if (p$type == "update") steps <<- steps + p$amount
  withCallingHandlers(progressr::with_progress(loop(), progressr::handler_void(), enable = TRUE), progression = listen)
  expect_equal(steps, 3)
})

test_that("without anybody who listens a step changes nothing", {
  done <- start_progress(2)
  expect_silent(done())
})
