test_that("a covariance of lower rank has a lower triangle whose last columns are zero", {
  roots <- list(c(1, 2, 3), c(0, 1, 2), cbind(c(1, 2, 3), c(0, 0, 1)), cbind(c(0, 1, 0), c(0, 1, 1)), matrix(0, 3, 0))
  for (root in roots) {
    root <- as.matrix(root)
    lower <- lower_of_root(root)
    expect_equal(tcrossprod(lower), tcrossprod(root))
    expect_true(all(lower[, seq_len(3) > ncol(root)] == 0))
    expect_true(all(lower[upper.tri(lower)] == 0))
  }
})
