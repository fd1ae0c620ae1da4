test_that("derivatives by an imaginary step have all digits", {
  of <- function(x) c(x[1]^2 * sin(x[2]), sqrt(sum(x^2)))
  at <- c(1.3, 0.7)
  expect_equal(jacobian(of, at), rbind(c(2 * 1.3 * sin(0.7), 1.3^2 * cos(0.7)), at / sqrt(sum(at^2))),
               tolerance = 1e-15, ignore_attr = TRUE)
})

test_that("entries of a covariance are held as they are reported, in every structure", {
  names <- c("a", "b", "c")
  terms <- list(list(structure = "unstructured", theta = c(1.1, 0.4, -0.3, 0.9, 0.2, 0.7)),
                list(structure = "diag", theta = c(1.1, 0.4, 0.3)),
                list(structure = "cs", theta = c(1.1, 0.4, 0.3, 0.2)), list(structure = "ar1", theta = c(1.1, 0.6)))
  for (term in terms) {
    structure <- structure_of(list(structure = term$structure, group = "g", names = names))
    entries <- which(structure$reported(rep(TRUE, 3L)), arr.ind = TRUE)
    for (k in seq_len(nrow(entries))) {
      i <- entries[k, 1L]
      j <- entries[k, 2L]
      covariance <- tcrossprod(structure$lambda(structure$with_entry(term$theta, i, j, 0.35)))
      value <- if (i == j) sqrt(covariance[i, i]) else stats::cov2cor(covariance)[i, j]
      expect_equal(value, 0.35, tolerance = 1e-12)
    }
  }
})

test_that("an effect that does not vary can be given a standard deviation", {
  expect_identical(triangle_with_entry(c(1, 0, 0), 2L, 2L, 0.5), c(1, 0, 0.5))
  expect_equal(triangle_with_entry(c(1, 2, 0), 2L, 1L, 0), c(1, 0, 2))
})
