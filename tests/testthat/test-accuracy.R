# The model by several approximations: the known values of each, and the words.

test_that("each row has the known log-likelihood of its approximation, and the truth is the reference", {
  table <- accuracy(truth_fit("bacteria_logit"), nodes = c(0, 1))
  laplace <- truth_rows("laplace", "bacteria_logit", "max")
  exact <- truth_rows("exact", "bacteria_logit", "max")
  expect_identical(table$method, c("joint", "laplace", "aghq"))
  expect_identical(table$reference, c(FALSE, FALSE, TRUE))
  expect_equal(table$logLik[2:3], c(laplace$logLik, exact$logLik), tolerance = 1e-6)
  expect_equal(table$difference[2L], laplace$logLik - exact$logLik, tolerance = 1e-3)
  estimates <- unlist(table[2L, names(truth_parameters(laplace))])
  expect_equal(estimates, truth_parameters(laplace), tolerance = 1e-4)
  shift <- abs(truth_parameters(laplace) - truth_parameters(exact)) / truth_standard_errors(exact)
  expect_equal(table$shift[2L], max(shift), tolerance = 1e-2)
  expect_match(paste(accuracy_words(table), collapse = " "), "Laplace differs from it by", fixed = TRUE)
})

test_that("without quadrature there is no reference, and that is said", {
  data <- front_data()
  table <- accuracy(glmm(yc ~ x + (1 | g) + (1 | h), data, poisson))
  expect_identical(table$method, c("joint", "laplace"))
  expect_false(any(table$reference))
  expect_output(print(table), "There is no quadrature to compare with")
  expect_output(print(table), "From Laplace to second order, in standard errors", fixed = TRUE)
  facts <- attr(table, "second_order")
  expect_identical(names(facts$shift), names(component(glmm(yc ~ x + (1 | g) + (1 | h), data, poisson), "parameters")))
  refused(accuracy(glmm(yc ~ x + (1 | g), data, poisson), nodes = -1), "argument", argument = "nodes")
})
