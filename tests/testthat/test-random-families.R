# Random models of the families that 'stats' does not have, of every link, structure and scale, with seeds that were
# fixed before the first run: each is fitted with finite numbers and a verdict, or refused by an error of the package.
shape_seeds <- 7001L + seq_len(as.integer(Sys.getenv("GLIMMER_RANDOM_MODELS", "60"))) - 1L

outcome_of_shape <- function(seed, method) {
  model <- any_model(seed, shape_pairs())
  warned <- character()
  fit <- withCallingHandlers(
    tryCatch(glmm(model$formula, model$data, model$family, weights = w, method = method), error = identity),
    warning = function(condition) {
      warned <<- c(warned, class(condition)[1L])
      invokeRestart("muffleWarning")
    })
  fault <- if (!inherits(fit, "glimmer")) {
    if (!inherits(fit, "glimmer_error")) paste("raw error:", conditionMessage(fit))
  } else if (!is.finite(fit$log_likelihood) || !all(is.finite(fit$parameters))) {
    "not finite"
  } else if (!fit$converged && !"glimmer_warning_convergence" %in% warned) {
    "not converged, and no warning"
  } else if (fit$converged && anyNA(sqrt(diag(vcov(fit))))) {
    "converged without standard errors"
  }
  raw <- warned[!startsWith(warned, "glimmer_warning")]
  list(fault = if (length(c(fault, raw))) paste(model$description, c(fault, raw)) else character(),
       kind = if (!inherits(fit, "glimmer")) class(fit)[1L] else if (fit$converged) "converged" else "not converged")
}

test_that("random models by Laplace are fitted, or said not to be", {
  skip_unless_slow()
  outcomes <- lapply(shape_seeds, outcome_of_shape, method = "laplace")
  expect_identical(unlist(lapply(outcomes, `[[`, "fault")), character())
  kinds <- vapply(outcomes, `[[`, "", "kind")
  expect_gte(mean(kinds == "converged"), 0.85, label = paste(names(table(kinds)), table(kinds), collapse = ", "))
})

test_that("random models by default are fitted, or said not to be", {
  skip_unless_slow()
  outcomes <- lapply(shape_seeds[seq(1L, length(shape_seeds), by = 5L)], outcome_of_shape, method = "auto")
  expect_identical(unlist(lapply(outcomes, `[[`, "fault")), character())
})
