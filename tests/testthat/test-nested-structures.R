# Which covariance structures are nested: by their definitions.
by_level <- local({
  data <- expand.grid(f = factor(1:5), g = factor(1:25), r = 1:2)
  data$y <- with_seed(1, rnorm(25)[data$g] + rnorm(250))
  data$x <- with_seed(2, rnorm(250))
  data
})

# The random terms alone, as a fit keeps them.
terms_of <- function(formula, data = by_level) {
  parts <- parse_formula(formula, data)
  frame <- stats::model.frame(stats::terms(parts$frame), data)
  list(terms = build_random(parts$terms, frame, NULL, seq_len(nrow(frame)))$terms, frame = frame)
}

holds <- function(small, large, data = by_level) {
  whole <- terms_of(large, data)
  small <- terms_of(small, data)$terms
  structures_hold(small, whole$terms, effects_map(small, whole$terms, whole$frame))
}

test_that("structures of three and more effects are nested as their definitions say", {
  nested <- rbind(unstructured = c(TRUE, FALSE, FALSE, FALSE), diag = c(TRUE, TRUE, TRUE, FALSE),
                  cs = c(TRUE, FALSE, TRUE, FALSE), ar1 = c(TRUE, FALSE, FALSE, TRUE))
  colnames(nested) <- c("us", "diag", "cs", "ar1")
  rownames(nested)[1L] <- "us"
  formula_of <- function(structure) stats::as.formula(paste0("y ~ 1 + ", structure, "(0 + f | g)"))
  for (small in rownames(nested)) {
    for (large in colnames(nested)) {
      expect_identical(holds(formula_of(small), formula_of(large)), nested[small, large],
                       label = paste(small, "in", large))
    }
  }
})

test_that("of two effects any correlation is that of cs(), and with equal standard deviations that of ar1()", {
  pair <- droplevels(subset(by_level, f %in% 1:2))
  expect_true(holds(y ~ 1 + us(0 + f | g), y ~ 1 + cs(0 + f | g), pair))
  expect_true(holds(y ~ 1 + ar1(0 + f | g), y ~ 1 + cs(0 + f | g), pair))
  expect_false(holds(y ~ 1 + cs(0 + f | g), y ~ 1 + ar1(0 + f | g), pair))
  expect_false(holds(y ~ 1 + diag(0 + f | g), y ~ 1 + ar1(0 + f | g), pair))
})

test_that("a common effect is one with correlations of 1, and no independent ones", {
  expect_true(holds(y ~ 1 + (1 | g), y ~ 1 + cs(0 + f | g)))
  expect_true(holds(y ~ 1 + (1 | g), y ~ 1 + ar1(0 + f | g)))
  expect_true(holds(y ~ 1 + (1 | g), y ~ 1 + us(0 + f | g)))
  expect_false(holds(y ~ 1 + (1 | g), y ~ 1 + diag(0 + f | g)))
  expect_true(holds(y ~ 1 + (1 | g), y ~ 1 + diag(f | g)))
})

test_that("terms on a factor are independent of each other", {
  expect_true(holds(y ~ 1 + (x || g), y ~ 1 + (x | g)))
  expect_false(holds(y ~ 1 + (x | g), y ~ 1 + (x || g)))
  expect_true(holds(y ~ 1 + (1 | g) + (0 + x | g), y ~ 1 + diag(x | g)))
})

test_that("effects that are no combinations of those of the larger model do not compare", {
  whole <- terms_of(y ~ 1 + (0 + x | g))
  expect_null(effects_map(terms_of(y ~ 1 + (1 | g))$terms, whole$terms, whole$frame))
  # a variable that the larger model does not have
  expect_null(effects_map(whole$terms, terms_of(y ~ 1 + (1 | g))$terms, terms_of(y ~ 1 + (1 | g))$frame))
})
