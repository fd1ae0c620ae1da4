# What a fit says of itself where no search arrives.

# The inverse Gaussian density with identity link is not log-concave: at some parameters a level's mode ceases to exist,
# and the Laplace approximation goes to infinity there.
pole_case <- function() any_model(17)

test_that("a fit that did not converge is a warning, whose fields are the statements and their numbers", {
  case <- pole_case()
  caught <- NULL
  fit <- withCallingHandlers(
    glmm(case$formula, case$data, case$family, weights = w, method = "laplace"), warning = function(condition) {
    caught <<- c(caught, list(condition))
    invokeRestart("muffleWarning")
  })
  expect_length(caught, 1L)
  expect_s3_class(caught[[1L]], c("glimmer_warning_convergence", "glimmer_warning", "warning", "condition"),
                  exact = TRUE)
  expect_null(conditionCall(caught[[1L]]))
  failed <- fit$status[fit$status$check %in% c("convergence", "hessian") & !fit$status$ok, ]
  expect_identical(caught[[1L]]$checks, failed$check)
  expect_identical(caught[[1L]]$values, failed$value)
  expect_identical(failed$check, c("convergence", "hessian"))
  expect_match(conditionMessage(caught[[1L]]), "The fit did not converge: the approximation has a pole here",
               fixed = TRUE)
  for (text in c(failed$text, "`start`")) expect_match(conditionMessage(caught[[1L]]), text, fixed = TRUE)
  expect_false(fit$converged)
  expect_true(all(is.na(vcov(fit))))
  expect_match(paste(capture.output(print(fit)), collapse = " "), "NOT CONVERGED", fixed = TRUE)
  expect_identical(glance(fit, status = TRUE)[c("converged", "gain", "condition")],
                   data.frame(converged = FALSE, gain = NA_real_, condition = failed$value[2L]))
})

test_that("it is right to warn: towards that point the reference's log-likelihood rises without end", {
  case <- pole_case()
  fit <- suppressWarnings(glmm(case$formula, case$data, case$family, weights = w, method = "laplace"))
  reference <- reference_from_formula(case$formula, case$data, case$family, "w")
  away <- engine_of(fit)$start - fit$parameters
  values <- vapply(10^-(3:6), function(share) {
    as.numeric(reference_laplace(reference, fit$parameters + share * away))
  }, 1)
  # like the logarithm of the distance
  expect_true(all(diff(values) > 0.5))
})

test_that("the gain is compared with the limit asked for", {
  found <- list(status = "ok", value = -1, gain = 1e-9, hessian = -diag(2), gradient = c(3e-5, 3e-5),
                coordinates = list(centre = c(0, 0), transform = diag(2), searched = 1:2), held = c(FALSE, FALSE))
  expect_true(check_gain(found, glmm_control(gain_limit = 2e-9))$ok)
  short <- check_gain(found, glmm_control(gain_limit = 5e-10))
  expect_false(short$ok)
  expect_identical(short[c("value", "limit")], list(value = 1e-9, limit = 5e-10))
  expect_match(short$text, "1e-09", fixed = TRUE)
  for (lost in list(list(status = "ok", gain = NA_real_), list(status = "mode not found", gain = 0))) {
    expect_false(check_gain(utils::modifyList(found, lost), glmm_control())$ok)
  }
})
