# The covariance of a Gaussian response, against the dense matrix itself.

test_that("what its inverse does to X and Z is what the dense inverse does", {
  data <- front_data()
  fit <- glmm(yg ~ x + (x | g) + (1 | h), data, weights = w)
  parts <- list(list(data$g, cbind(1, data$x), VarCorr(fit)$g), list(data$h, matrix(1, 120L), VarCorr(fit)$h))
  V <- diag(sigma(fit)^2 / data$w)
  for (part in parts) {
    covariance <- matrix(part[[3L]], ncol(part[[2L]]))
    V <- V + outer(part[[1L]], part[[1L]], `==`) * (part[[2L]] %*% covariance %*% t(part[[2L]]))
  }
  X <- model.matrix(fit)
  system <- response_covariance(fit)
  expect_equal(system$from %*% system$covariance %*% t(system$from), solve(t(X) %*% solve(V, X)), tolerance = 1e-8,
               ignore_attr = TRUE)
  # the random intercepts of the second factor: their columns of Z are indicators
  layout <- system$layout[[2L]]
  own <- layout$start + seq_len(layout$levels)
  Z <- model.matrix(~ 0 + h, data) * c(layout$scaling)
  found <- times_information(system, diag(nrow(system$N))[, own])[own, ]
  expect_equal(found, t(Z) %*% solve(V, Z), tolerance = 1e-8, ignore_attr = TRUE)
})
