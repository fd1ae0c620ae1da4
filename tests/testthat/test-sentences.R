# Words and numbers in sentences.

test_that("items are listed, the first few by name", {
  expect_identical(format_items("a"), "'a'")
  expect_identical(format_items(c("a", "b", "c")), "'a', 'b' and 'c'")
  expect_identical(format_items(letters[1:7], 5L), "'a', 'b', 'c', 'd', 'e' and 2 more")
  expect_identical(format_rows(3), "row 3")
  expect_identical(format_rows(c(3, 7, 9)), "rows 3, 7 and 9")
})

test_that("counts are whole whatever their size", {
  expect_identical(count_text(c(100000, 1e6, 5)), c("100000", "1000000", "5"))
  expect_identical(format_fixed(2 / 3, 2L), "0.67")
})

test_that("lines keep to the width of the console", {
  old <- options(width = 40)
  on.exit(options(old))
  lines <- capture.output(cat_wrapped(strrep("word ", 30)))
  expect_true(all(nchar(lines) <= 40L))
  expect_identical(sum(lengths(gregexpr("word", lines))), 30L)
  expect_silent(cat_wrapped(NULL))
})

test_that("no digit is printed that the error leaves open", {
  expect_equal(format_within_error(-625.41595, 2L, 1e-5), "-625.42")
  expect_equal(format_within_error(-625.41595, 2L, 0.02), "-625.4")
  expect_equal(format_within_error(-625.41595, 1L, 4), "-625")
  expect_equal(format_within_error(-625.41595, 2L, NULL), "-625.42")
  expect_equal(format_within_error(-625.41595, 2L, NA), "-625.42")
})
