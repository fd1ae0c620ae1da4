# The exact test of separation against truth by construction and against a linear program solved by another package.

# Designs of four kinds (normal columns; factors with and without interactions; small integers without an intercept;
# indicators of all levels) with responses of three: 0/1, trials, counts.
random_rows <- function(seed) {
  set.seed(seed)
  n <- sample(c(6, 10, 15, 25, 40), 1)
  data <- data.frame(f = factor(c(1, 2, sample(4, n - 2, TRUE))), h = factor(c(2, 1, sample(3, n - 2, TRUE))),
                     z = stats::rnorm(n), k = sample(4, n, TRUE))
  x <- switch(sample(4, 1), cbind(1, matrix(stats::rnorm(n * sample(3, 1)), n)),
              stats::model.matrix(if (seed %% 2) ~ f * h else ~ f + h + z, data),
              matrix(sample(-2:2, n * 2, TRUE), n), stats::model.matrix(~ 0 + f + k, data))
  x <- x[, independent_columns(x, seq_len(ncol(x))), drop = FALSE]
  eta <- drop(x %*% stats::rnorm(ncol(x))) * sample(c(0.5, 2, 8), 1)
  trials <- sample(3, 1)
  y <- stats::rbinom(n, trials, stats::plogis(eta))
  side <- ifelse(y == 0, -1, ifelse(y == trials, 1, 0))
  list(x = x, side = if (seed %% 3) side else ifelse(stats::rpois(n, exp(pmin(eta, 3))) == 0, -1, 0))
}

expect_direction <- function(found, x, side) {
  pushed <- drop(x %*% found$direction) * ifelse(side == 0, 1, side)
  pushed <- pushed / max(abs(pushed))
  testthat::expect_true(all(pushed[found$separated] > 1e-9))
  testthat::expect_true(all(abs(pushed[!found$separated]) < 1e-9))
}

test_that("the separated rows are those of a linear program, each verdict proven", {
  skip_if_not_installed("lpSolve")
  kinds <- c(overlap = 0, quasi = 0, complete = 0)
  for (seed in 1:200) {
    case <- random_rows(seed)
    found <- prove_separation(case$x, case$side)
    expect_true(found$proven, label = paste("proof of case", seed))
    expect_identical(found$separated, rows_by_program(case$x, case$side), label = paste("case", seed))
    kind <- if (!any(found$separated)) 1L else if (ncol(found$free) < ncol(case$x)) 2L else 3L
    if (kind > 1L) expect_direction(found, case$x, case$side)
    kinds[kind] <- kinds[kind] + 1
  }
  expect_true(all(kinds > 25))
})

test_that("rows with positive multipliers that cancel overlap, however they are scaled", {
  for (seed in 1:50) {
    set.seed(seed)
    p <- sample(5, 1)
    # the last row is minus a positive combination of the others: a proof of overlap in itself
    a <- matrix(stats::rnorm(3 * p * p), 3 * p, p)
    a <- rbind(a, -colSums(a * stats::rexp(3 * p)))
    side <- sample(c(-1, 1), nrow(a), TRUE)
    found <- prove_separation(a * side * rep(10^stats::runif(p, -8, 8), each = nrow(a)), side)
    expect_true(found$proven)
    expect_false(any(found$separated))
    expect_equal(ncol(found$free), 0L)
  }
})

test_that("a planted direction is found, and the coefficients that it takes along", {
  for (seed in 1:50) {
    set.seed(seed)
    n <- 60
    x <- cbind(1, matrix(stats::rnorm(n * 3), n), rep(0:1, c(n - 6, 6)))
    # overlap in the first 54 rows: each with both responses; the last six are all at their upper limit
    x <- rbind(x, x[1:54, ])
    side <- c(rep(1, 54), rep(1, 6), rep(-1, 54))
    order <- sample(nrow(x))
    found <- prove_separation(x[order, ], side[order])
    expect_true(found$proven)
    expect_identical(sort(order[found$separated]), 55:60)
    expect_equal(found$direction / found$direction[5], c(0, 0, 0, 0, 1), tolerance = 1e-9)
    expect_gt(found$direction[5], 0)
  }
})

test_that("a narrow gap is separation, a narrow overlap is none", {
  x <- cbind(1, c(seq(0, 0.5 - 1e-7, length.out = 30), seq(0.5, 1, length.out = 30)))
  side <- rep(c(-1, 1), each = 30)
  complete <- prove_separation(x, side)
  expect_true(complete$proven)
  expect_true(all(complete$separated))
  expect_direction(complete, x, side)
  crossed <- prove_separation(x, replace(side, 30:31, c(1, -1)))
  expect_true(crossed$proven)
  expect_false(any(crossed$separated))
  # a tie at the edge leaves the two rows there behind
  tied <- prove_separation(rbind(x, c(1, 0.5)), c(side, -1))
  expect_identical(which(!tied$separated), c(31L, 61L))
  far <- x + cbind(0, rep(1e6, 60))
  expect_true(all(prove_separation(far, side)$separated))
})

test_that("many rows are decided from few of them, and quickly", {
  skip_on_cran()
  set.seed(1)
  n <- 1e5
  x <- cbind(1, matrix(stats::rnorm(n * 9), n))
  eta <- drop(x %*% c(-1, rep(0.5, 9)))
  y <- stats::rbinom(n, 1, stats::plogis(eta))
  expect_lt(system.time(found <- prove_separation(x, 2 * y - 1))[["elapsed"]], 0.5)
  expect_false(any(found$separated))
  expect_true(all(prove_separation(x, sign(eta))$separated))
  # one failure in the middle of the successes
  middle <- colMeans(x[eta > 0, ])
  expect_false(any(prove_separation(rbind(x, middle), c(sign(eta), -1))$separated))
  x[, 10] <- rep(0:1, c(n - 3, 3))
  y[n - 0:2] <- 1
  found <- prove_separation(x, 2 * y - 1)
  expect_identical(which(found$separated), as.integer(n - 2:0))
})
