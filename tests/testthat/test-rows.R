# The same rows in another order, against positions that are known.

test_that("rows are found by their names, or by their values, or not at all", {
  columns <- list(y = c(3, 1, 2, 1), f = factor(c("a", "b", "a", "c")), m = cbind(1:4, 4:1))
  names <- c("p", "q", "r", "s")
  take <- function(rows) list(y = columns$y[rows], f = as.character(columns$f)[rows], m = columns$m[rows, ])
  expect_equal(find_rows(columns, take(1:4), names, names), structure(1:4, by = "order"))
  order <- c(3L, 1L, 4L, 2L)
  expect_equal(find_rows(columns, take(order), names, names[order]), structure(order(order), by = "names"))
  expect_equal(find_rows(columns, take(order), names, names), structure(order(order), by = "values"))
  expect_equal(find_rows(columns, take(order), names, 1:4), structure(order(order), by = "values"))
  expect_null(find_rows(columns, take(c(1, 2, 3, 3)), names, names))
  expect_null(find_rows(columns, take(1:3), names, names[1:3]))
  expect_null(find_rows(list(1:2), list(c("1", "2")), names[1:2], names[1:2]))
})

test_that("rounding in another order of the rows is no difference, and another number is one", {
  x <- sin(1:50)
  order <- rev(seq_along(x))
  shuffled <- stats::poly(x[order], 2)
  expect_equal(as.vector(find_rows(list(stats::poly(x, 2)), list(shuffled), 1:50, order)), order)
  expect_null(find_rows(list(x), list(replace(x, 7, x[7] + 1e-6)), 1:50, 1:50))
})
