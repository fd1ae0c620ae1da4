# Z and Lambda for users, by their definition; and that nobody else needs them.

test_that("Z has the row of effects of each row's level, Lambda a root of the covariance", {
  data <- front_data()
  fit <- glmm(yg ~ x + (x | g) + (1 | h), data)
  fit <- fit_at(fit, c(fixef(fit), 1.2, 0.4, 0.5, 0.7, -0.1))
  design <- fit_design(fit)
  Z <- as.matrix(random_matrix(fit, design))
  expected <- cbind(model.matrix(~ 0 + g, data), model.matrix(~ 0 + g, data) * data$x)
  levels <- nlevels(data$g)
  order <- as.vector(rbind(seq_len(levels), levels + seq_len(levels)))
  expect_equal(unname(Z), unname(cbind(expected[, order], model.matrix(~ 0 + h, data))))
  expect_equal(unname(as.matrix(transposed(random_matrix(fit, design)))), unname(t(Z)))
  lambda <- t(as.matrix(transposed_factor(fit, design)))
  expect_equal(lambda[1:2, 1:2] * sigma(fit), matrix(c(1.2, 0.4, 0, 0.5), 2))
  expect_equal(diag(lambda)[2 * levels + seq_len(nlevels(data$h))] * sigma(fit), rep(0.7, nlevels(data$h)))
  expect_equal(sum(lambda != 0), 3 * levels + nlevels(data$h))
})

test_that("sparse matrices are only where users ask for them, or give them", {
  namespace <- asNamespace("glimmer")
  calls_matrix <- function(f) is.function(f) && "Matrix" %in% all.names(body(f))
  uses <- Filter(function(name) {
    object <- get(name, namespace)
    if (is.list(object)) any(vapply(object, calls_matrix, NA)) else calls_matrix(object)
  }, ls(namespace, all.names = TRUE))
  asked_for <- c("random_matrix", "transposed_factor", "transposed")
  covariance_of_levels <- c("check_level_matrix", "correlate_levels", "in_order", "inverse_columns",
                            "know_covariance", "level_variances", "lower_sparse", "refuse_indefinite",
                            "smallest_eigenvalue", "sparse_root", "times_level_covariance")
  expect_identical(setdiff(uses, c(asked_for, covariance_of_levels)), character())
})
