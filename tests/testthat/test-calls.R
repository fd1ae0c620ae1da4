# Sums of hundreds of terms, written one by one.

test_that("a formula may have hundreds of terms, of every kind", {
  n <- 400L
  data <- as.data.frame(matrix(1, 2L, n))
  names <- names(data)
  sums <- c(fixed = paste("y ~", paste(names, collapse = " + "), "+ (1 | g)"),
            last = paste("y ~ (1 | g) +", paste(names, collapse = " + ")),
            calls = paste("y ~ (1 | g) +", paste0("log(", names, ")", collapse = " + ")),
            minus = paste("y ~ . -", paste(names[-1L], collapse = " - "), "+ (1 | g)"))
  for (sum in sums) {
    parts <- parse_formula(as.formula(sum), cbind(data, y = 1, g = 1))
    expect_length(attr(terms(parts$fixed), "term.labels"), if (sum == sums[["minus"]]) 1L else n)
    expect_length(parts$terms, 1L)
  }
  random <- parse_formula(as.formula(paste("y ~ 1 +", paste0("(0 + ", names, " | g)", collapse = " + "))), data)
  expect_length(random$terms, n)
  expect_length(parse_formula(as.formula(paste("y ~ 1 + (", paste(names, collapse = " + "), "|| g)")), data)$terms, 1L)
})

test_that("a sum is split and joined as it was", {
  for (sum in expression(a + b - c, -a + b, a, (a + b) + c - 1)) expect_identical(join_sum(split_sum(sum)), sum)
  hidden <- parse_formula(y ~ .hidden1 + log(x) + (log(z) | g))
  expect_identical(attr(terms(hidden$fixed), "term.labels"), c(".hidden1", "log(x)"))
})
