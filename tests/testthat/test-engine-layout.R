test_that("the error root of a term is a root of the inverse of the information, wherever that has one", {
  information <- with_seed(1, crossprod(matrix(rnorm(12), 4L)))
  root <- error_root(information)
  expect_equal(root[upper.tri(root)], numeric(3L))
  expect_equal(tcrossprod(root), solve(information), tolerance = 1e-12)
  # without a rank the diagonal has to do
  expect_equal(error_root(tcrossprod(c(1, 2))), diag(c(1, 1 / 2)))
})

test_that("what is noted counts evaluations, and begins anew with each engine", {
  fit <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  engine <- engine_of(fit)
  expect_equal(unname(engine_counts(engine)), c(0L, 0L))
  engine_evaluate(engine, component(fit, "parameters"), gradient = TRUE)
  expect_equal(unname(engine_counts(engine)), c(1L, 1L))
  expect_equal(unname(engine_counts(engine_of(fit))), c(0L, 0L))
  expect_length(engine$names, length(component(fit, "parameters")))
  expect_setequal(unlist(engine$index), seq_along(engine$names))
})
