test_that("a wrong number is an error that names the argument", {
  for (threads in list(0, 1.5, "a", NA, c(1, 2))) {
    expect_error(glmm_control(threads = threads), class = "glimmer_error_argument")
  }
})

test_that("every setting is checked, and comes back as given", {
  for (wrong in list(list(max_evaluations = 0), list(max_evaluations = 1.5), list(gain_limit = 0),
                     list(gain_limit = 2), list(verbose = 3), list(verbose = "yes"),
                     list(accuracy = 0), list(accuracy = 2))) {
    refused(do.call(glmm_control, wrong), "argument", argument = names(wrong))
  }
  control <- glmm_control(max_evaluations = 20, gain_limit = 1e-4, verbose = 1, threads = 1, accuracy = 1e-3)
  expect_identical(unclass(control), list(max_evaluations = 20, gain_limit = 1e-4, verbose = 1, threads = 1,
                                          accuracy = 1e-3))
  refused(glmm(yg ~ x + (1 | g), front_data(), control = list(verbose = 1)), "argument", argument = "control")
})

test_that("messages come from the level on that is asked for", {
  expect_message(tell(glmm_control(verbose = 1), 1, "a stage"), "^glimmer: a stage")
  expect_silent(tell(glmm_control(verbose = 1), 2, "an evaluation"))
  expect_silent(glmm(yg ~ x + (1 | g), front_data()))
})
