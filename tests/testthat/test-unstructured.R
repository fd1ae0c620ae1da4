# Any covariance: the lower triangle of its root.
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

test_that("theta is the lower triangle column by column, and names say so", {
  structure <- unstructured("g", c("a", "b", "c"))
  expect_identical(structure$lambda(1:6 + 0), rbind(c(1, 0, 0), c(2, 4, 0), c(3, 5, 6)))
  expect_identical(structure$names, c("L.g.a|a", "L.g.b|a", "L.g.c|a", "L.g.b|b", "L.g.c|b", "L.g.c|c"))
  expect_identical(unstructured("g", "a")$names, "sd.g.a")
  expect_identical(structure$of_root(structure$lambda(1:6 + 0)), 1:6 + 0)
  expect_identical(structure$normalise(c(-1, 2, 3, 0, -5, 6)), c(1, -2, -3, 0, 5, 6))
})

test_that("only the standard deviation of a single effect is bounded", {
  expect_identical(unstructured("g", "a")$bounded, TRUE)
  expect_identical(unstructured("g", c("a", "b"))$bounded, rep(FALSE, 3))
})

test_that("ranks are lost along the principal directions in units of the errors", {
  error <- rbind(c(0.5, 0), c(0.2, 2))
  structure <- unstructured("g", c("a", "b"))
  # covariance of the errors' size times diag(9, .04): the second direction is below them, the first is not
  theta <- structure$of_root(error %*% diag(c(3, 0.2)))
  found <- structure$truncations(theta, error)
  expect_length(found, 1L)
  singular <- found[[1L]]$change(theta)
  expect_equal(tcrossprod(structure$lambda(singular)), 9 * tcrossprod(error[, 1L]))
  expect_identical(found[[1L]]$held(singular), c(FALSE, FALSE, TRUE))
  expect_length(structure$truncations(structure$of_root(0.5 * error), error), 2L)
  expect_identical(unstructured("g", "a")$truncations(2, matrix(1)), list())
})
