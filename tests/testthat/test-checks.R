# The rows of a status.

test_that("a table of rows is that of rbind()", {
  rows <- list(new_check("one", 1, 2, TRUE, "first"), new_check("two", NA_real_, 3.5, FALSE, "second"))
  by_rows <- table_of(list(list(a = 1, b = "x", c = NA), list(a = 2.5, b = "y", c = TRUE)))
  expect_identical(by_rows, rbind(data.frame(a = 1, b = "x", c = NA), data.frame(a = 2.5, b = "y", c = TRUE)))
  status <- do.call(rbind, lapply(rows, as.data.frame))
  expect_identical(status$check, c("one", "two"))
  expect_identical(status$ok, c(TRUE, FALSE))
})
