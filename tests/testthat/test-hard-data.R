# Hard but valid fits: the best log-likelihood that several packages, optimisers and starts have found, and the
# verdict that fits (fixtures/hard_truth.csv, see fixtures/README.md).
hard_cases <- new.env()
sys.source(test_path("fixtures", "hard_data.R"), hard_cases)
hard_truth <- utils::read.csv(test_path("fixtures", "hard_truth.csv"))

# What each fit has to say besides "converged": coefficients without finite estimate, singular covariance.
hard_verdicts <- list(
  H10_dlt = list(singular = "SD of patid"), H22_gamma_zero = list(singular = "SD of grp"),
  H13_mastitis = list(separated = "birth1990"),
  H15_polytom = list(separated = c("Lexemeharkita:PatientDirectQuote", "Lexememiettia:PatientInfinitive")),
  H27_sepobs = list(separated = "x2", singular = "SD of f"),
  H38_rare = list(singular = "correlation of '(Intercept)' and 'x' within g")
)

fit_hard <- function(id, ...) {
  case <- hard_cases$CASES[[id]]
  # the truth is by maximum likelihood
  arguments <- list(case$formula, case$data(), do.call(case$family, list(link = case$link)), REML = FALSE, ...)
  if (!is.null(case$weights)) arguments$weights <- as.name(case$weights)
  do.call(glmm, arguments)
}

skip_without_data <- function(id) {
  for (package in c("lme4", if (id == "H28_salam_sep") "glmmTMB")) skip_if_not_installed(package)
}

for (id in hard_truth$model) {
  test_that(paste("the best known log-likelihood, and its verdict:", id), {
    skip_without_data(id)
    verdict <- hard_verdicts[[id]]
    warned <- NULL
    fit <- withCallingHandlers(fit_hard(id, method = "laplace"), glimmer_warning = function(w) {
      warned <<- c(warned, list(w))
      invokeRestart("muffleWarning")
    })
    best <- hard_truth$logLik[hard_truth$model == id]
    expect_gte(as.numeric(logLik(fit)) - best, -1e-6 * max(1, abs(best) / 1e4))
    expect_true(fit$converged)
    expect_equal(fit$singular, !is.null(verdict$singular))
    if (!is.null(verdict$singular)) {
      text <- fit$status$text[fit$status$check == "boundary"]
      expect_match(text, verdict$singular, fixed = TRUE, all = FALSE)
    }
    expect_equal(vapply(warned, function(w) class(w)[1L], ""),
                 if (is.null(verdict$separated)) character() else "glimmer_warning_separation")
    if (!is.null(verdict$separated)) expect_true(all(verdict$separated %in% warned[[1L]]$columns))
  })
}

for (id in hard_truth$model) {
  test_that(paste("the default call has a verdict, and the log-likelihood that integration gives:", id), {
    skip_without_data(id)
    fit <- suppressWarnings(fit_hard(id), classes = "glimmer_warning")
    expect_true(fit$converged)
    expect_true(all(is.finite(fit$parameters)))
    case <- hard_cases$CASES[[id]]
    nested <- id %in% c("H08_trees", "H15_polytom")
    expect_equal(fit$method == "aghq", (length(fit$factors) == 1L || nested) && case$link != "identity")
    if (fit$method != "aghq") return()
    expect_true(fit$status$ok[fit$status$check == "accuracy"])
    reference <- reference_from_formula(case$formula, case$data(), fit$family, case$weights)
    exact <- if (nested) function(...) reference_nested(..., step = 0.1) else reference_exact
    expect_lte(abs(as.numeric(logLik(fit)) - exact(reference, fit$parameters)), 1e-4)
  })
}
