# The package against numbers that come from no mixed-model package (fixtures/README.md).
# What is in scope now; later issues extend these tables.
truth_scope <- c("bacteria_logit", "cbpp_logit", "epil_pois1", "salam_pois", "owls_pois", "arab_slope", "verbagg_id",
                 "sleep_lmm_ml", "resp1", "epil_olre", "grouse_full", "verbagg60_cross", "insteval_bin",
                 "bacteria_probit", "contra_probit", "epil_nb", "salam_nb", "grouse_nb")
linear_scope <- c("lmm_sleep", "lmm_machines_vec", "lmm_pastes", "lmm_insteval", "lmm_oats", "lmm_oxide",
                  "lmm_dyestuff2")
grid_scope <- list(gaussian = c("identity", "log", "inverse"),
                   binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
                   poisson = c("log", "identity", "sqrt"), Gamma = c("inverse", "log", "identity"),
                   inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"))
crossed_in_scope <- TRUE

# One fit for each model, shared by the tests of this file.
fits <- new.env()
fit_once <- function(name) {
  if (is.null(fits[[name]])) {
    fits[[name]] <- suppressWarnings(truth_fit(name, method = "laplace"), classes = "glimmer_warning")
  }
  fits[[name]]
}

for (name in truth_scope) {
  test_that(paste(name, "fits without a word"), {
    expect_silent(fits[[name]] <- truth_fit(name, method = "laplace"))
  })

  test_that(paste(name, "has the log-likelihood of truth.csv at given parameters"), {
    fit <- fit_once(name)
    row <- truth_rows("laplace", name, "given")
    parameters <- truth_parameters(row)
    expect_identical(names(fit$parameters), names(parameters))
    value <- as.numeric(logLik(fit, parameters = parameters))
    expect_lte(abs(value - row$logLik), 1e-8 * abs(row$logLik))
  })

  test_that(paste(name, "reaches the maximum, estimates and standard errors of truth.csv"), {
    fit <- fit_once(name)
    row <- truth_rows("laplace", name, "max")
    truth <- truth_parameters(row)
    se <- truth_standard_errors(row)
    expect_lte(abs(as.numeric(logLik(fit)) - row$logLik), 1e-6)
    expect_lte(max(abs(fit$parameters - truth) / se), 1e-3)
    expect_lte(max(abs(sqrt(diag(vcov(fit, full = TRUE))) / se - 1)), 1e-4)
    expect_true(fit$converged)
    expect_equal(nobs(fit), row$n)
    expect_equal(attr(logLik(fit), "df"), length(truth))
  })
}

for (name in linear_scope) {
  for (criterion in c("ML", "REML")) {
    test_that(paste(name, "has log-likelihood, maximum and standard errors of the linear mixed model,", criterion), {
      fit <- suppressWarnings(truth_fit(name, REML = criterion == "REML"), classes = "glimmer_warning")
      row <- truth_rows(criterion, name)
      truth <- absolute_parameters(row)
      expect_identical(names(fit$parameters), names(truth))
      value <- as.numeric(logLik(fit, parameters = truth))
      expect_lte(abs(value - row$logLik), 1e-8 * abs(row$logLik))
      expect_lte(abs(as.numeric(logLik(fit)) - row$logLik), 1e-7)
      expect_true(fit$converged)
      random <- setdiff(seq_along(truth), c(fit$index$beta, fit$index$dispersion))
      expect_lte(max(abs(fit$parameters[random] - truth[random]) / max(abs(truth[random]), sigma(fit))), 1e-5)
      expect_equal(sigma(fit), exp(truth[["log_sigma"]]), tolerance = 1e-5)
      se <- truth_standard_errors(row)
      expect_lte(max(abs(fixef(fit) - truth[names(se)]) / se), 1e-3)
      expect_lte(max(abs(sqrt(diag(vcov(fit))) / se - 1)), 1e-4)
    })
  }
}

for (family in names(grid_scope)) {
  for (link in grid_scope[[family]]) {
    test_that(paste("one factor at the parameters of the grid:", family, link), {
      # The grid's rows for one factor are exact, so Laplace is compared with the reference there (where it is exact
      # itself, with the grid too).
      row <- grid_rows("exact", family, link)
      case <- grid_case(row)
      value <- loglik_at(case$formula, case$data, case$family, case$weights, case$offset, case$parameters,
                         method = "laplace")
      expected <- as.numeric(reference_laplace(case$model, case$parameters))
      expect_lte(abs(value - expected), 1e-8 * abs(expected))
      if (family == "gaussian" && link == "identity") expect_lte(abs(value - row$logLik), 1e-8 * abs(row$logLik))
    })

    test_that(paste("a slope at the parameters of the grid:", family, link), {
      row <- grid_rows("laplace", family, link)
      case <- grid_case(row)
      formula <- stats::update(case$formula, . ~ x + z + (x | a))
      parameters <- case$parameters[!startsWith(names(case$parameters), "sd.b.")]
      model <- reference_from_formula(formula, case$data, case$family, case$weights, case$offset)
      value <- loglik_at(formula, case$data, case$family, case$weights, case$offset, parameters, method = "laplace")
      expected <- as.numeric(reference_laplace(model, parameters))
      expect_lte(abs(value - expected), 1e-8 * abs(expected))
    })

    test_that(paste("crossed factors with slopes at the parameters of the grid:", family, link), {
      skip_if_not(crossed_in_scope, "crossed factors are not in scope yet")
      row <- grid_rows("laplace", family, link)
      case <- grid_case(row)
      value <- loglik_at(case$formula, case$data, case$family, case$weights, case$offset, case$parameters)
      expect_lte(abs(value - row$logLik), 1e-8 * abs(row$logLik))
    })
  }
}
