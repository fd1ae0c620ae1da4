test_that("memory exhausted is an error that says what to do", {
  of_r <- error_of(with_memory_error(numeric(1e15)))
  expect_s3_class(of_r, "glimmer_error_memory")
  expect_match(conditionMessage(of_r), "a random effect")
  of_core <- structure(class = c("std::bad_alloc", "C++Error", "error", "condition"),
                       list(message = "std::bad_alloc", call = NULL))
  expect_s3_class(error_of(with_memory_error(stop(of_core))), "glimmer_error_memory")
  expect_s3_class(error_of(glmm(y ~ numeric(1e15) + (1 | g), data.frame(y = 1:4, g = c(1, 1, 2, 2)))),
                  "glimmer_error_memory")
  expect_identical(class(error_of(with_memory_error(stop("else")))), c("simpleError", "error", "condition"))
})
