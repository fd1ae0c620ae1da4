test_that("a missing variable is named, with its term", {
  d <- front_data()
  missing <- function(expression, variable, term) {
    condition <- error_of(expression)
    expect_s3_class(condition, "glimmer_error_variable")
    expect_equal(condition$variable, variable)
    expect_match(conditionMessage(condition), variable, fixed = TRUE)
    if (!is.null(term)) expect_match(condition$term, term, fixed = TRUE)
  }
  missing(front(yg ~ x + (1 | nosuch), d), "nosuch", "(1 | nosuch)")
  missing(front(yg ~ x + (log(nosuch) | g), d), "nosuch", "(log(nosuch) | g)")
  missing(front(yg ~ log(nosuch) + (1 | g), d), "nosuch", "log(nosuch)")
  missing(front(nosuch ~ x + (1 | g), d), "nosuch", "response")
  missing(front(yg ~ x + (1 | t), d), "t", "(1 | t)")
  missing(front(yg ~ x + (1 | g), d, weights = nosuch), "nosuch", NULL)
})

test_that("every non-finite value is found, by variable and row of the data", {
  d <- front_data()
  for (variable in c("yg", "x", "z", "gn", "w", "o", "yp")) {
    for (row in c(1L, 50L, 120L)) {
      bad <- d
      bad[[variable]][row] <- if (row == 50L) -Inf else Inf
      condition <- error_of(front(yg ~ x + M + offset(o) + (z | gn), within(bad, M <- cbind(a = yp, b = yp^2)),
                                  weights = w, subset = !(f == "a" & seq_along(f) < 40 & is.finite(x))))
      if (!is.null(condition)) {
        shown <- c(w = "weights", o = "offset(o)", yp = "M")[variable]
        expect_s3_class(condition, "glimmer_error")
        expect_equal(condition$variable, if (is.na(shown)) variable else unname(shown))
        expect_equal(condition$rows, row)
      } else {
        expect_true(bad$f[row] == "a" && row < 40L)
      }
    }
  }
  argument <- error_of(front(yg ~ x + (1 | g), d, offset = log(x > 0)))
  expect_equal(argument$argument, "offset")
  expect_equal(argument$rows, which(!d$x > 0))
})
