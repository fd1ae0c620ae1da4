# Access to the fixtures (see fixtures/README.md) and the two doors through which tests reach the package's likelihood.

#' Heavy tests run only where they are asked for.
skip_unless_slow <- function() {
  testthat::skip_if_not(run_slow_tests(), "GLIMMER_SLOW_TESTS is not true")
}

run_slow_tests <- function() identical(Sys.getenv("GLIMMER_SLOW_TESTS"), "true")

#' A fixture as a data frame of text and numbers.
read_fixture <- function(name) {
  utils::read.csv(testthat::test_path("fixtures", name), stringsAsFactors = FALSE, check.names = FALSE)
}

#' Rows of truth.csv by method ("exact", "laplace", "ML", "REML"), models and `at` ("max", "given").
truth_rows <- function(method = NULL, models = NULL, at = NULL) {
  rows <- read_fixture("truth.csv")
  keep <- rep(TRUE, nrow(rows))
  if (!is.null(method)) keep <- keep & rows$method %in% method
  if (!is.null(models)) keep <- keep & rows$model %in% models
  if (!is.null(at)) keep <- keep & rows$at %in% at
  rows <- rows[keep, , drop = FALSE]
  if (!nrow(rows)) stop("truth.csv has no such row: the test would test nothing")
  rows
}

#' Numbers or names separated by semicolons.
split_numbers <- function(text) as.numeric(strsplit(as.character(text), ";", fixed = TRUE)[[1L]])
split_names <- function(text) strsplit(text, ";", fixed = TRUE)[[1L]]

#' The named parameter vector of a row of truth.csv, and its standard errors.
truth_parameters <- function(row) stats::setNames(split_numbers(row$par), split_names(row$par_names))
truth_standard_errors <- function(row) {
  se <- split_numbers(row$se)
  stats::setNames(se, split_names(row$par_names)[seq_along(se)])
}

#' A model of truth.csv: data, formula, family object, name of the column of trials. Skips where its data package is
#' not installed.
truth_model <- function(name) {
  definitions <- new.env(parent = globalenv())
  sys.source(testthat::test_path("fixtures", "truth_models.R"), definitions)
  model <- definitions$MODELS[[name]]
  testthat::skip_if_not_installed(sub("::.*", "", truth_rows(models = name)$data[1L]))
  formula <- model$formula
  environment(formula) <- globalenv()
  list(name = name, data = model$data(), formula = formula, family = reference_family(model$family, model$link),
       weights = model$weights, offset = NULL)
}

#' The reference for a model of truth.csv.
truth_reference <- function(name) {
  model <- truth_model(name)
  reference_from_formula(model$formula, model$data, model$family, model$weights)
}

#' The fit of the package to a model of truth.csv.
truth_fit <- function(name, ...) {
  model <- truth_model(name)
  fit_glmm(model$formula, model$data, model$family, model$weights, ...)
}

#' Rows of grid.csv by method ("laplace", "exact"), family and link.
grid_rows <- function(method = NULL, family = NULL, link = NULL) {
  rows <- read_fixture("grid.csv")
  keep <- rep(TRUE, nrow(rows))
  if (!is.null(method)) keep <- keep & rows$method %in% method
  if (!is.null(family)) keep <- keep & rows$family %in% family
  if (!is.null(link)) keep <- keep & rows$link %in% link
  rows <- rows[keep, , drop = FALSE]
  if (!nrow(rows)) stop("grid.csv has no such row: the test would test nothing")
  rows
}

#' A row of grid.csv as data, formula, family object, names of the columns of weights and offset, and parameters.
grid_case <- function(row) {
  dispersed <- length(reference_dispersion(row$family)) > 0L
  data <- read_fixture("grid_data.csv")
  data$a <- factor(data$a)
  data$b <- factor(data$b)
  formula <- stats::as.formula(row$formula, env = globalenv())
  case <- list(name = paste(row$family, row$link, row$method), data = data, formula = formula,
               family = reference_family(row$family, row$link),
               weights = if (nzchar(row$weights)) row$weights, offset = if (nzchar(row$offset)) row$offset)
  case$model <- reference_from_formula(formula, data, case$family, case$weights, case$offset)
  values <- c(split_numbers(row$beta), split_numbers(row$L), if (dispersed) log(row$dispersion))
  case$parameters <- stats::setNames(values, case$model$names)
  case
}

#' Fit by the package, with weights and offset given by the names of columns (a call evaluates them in the data); by
#' maximum likelihood unless something else is asked for.
fit_glmm <- function(formula, data, family, weights = NULL, offset = NULL, REML = FALSE, ...) {
  call <- as.call(c(list(quote(glimmer::glmm), formula = formula, data = quote(data), family = quote(family)),
                    if (!is.null(weights)) list(weights = as.name(weights)),
                    if (!is.null(offset)) list(offset = as.name(offset)), list(REML = REML, ...)))
  eval(call)
}

#' The package's log-likelihood at given parameters, by the method of a fit with these arguments.
loglik_at <- function(formula, data, family, weights = NULL, offset = NULL, parameters, ...) {
  fit <- suppressWarnings(fit_glmm(formula, data, family, weights, offset, ...), classes = "glimmer_warning")
  as.numeric(stats::logLik(fit, parameters = parameters))
}

#' Parameters of a linear mixed model's row of truth.csv (relative to sigma, sigma last) on the scale of the package.
absolute_parameters <- function(row) {
  parameters <- truth_parameters(row)
  last <- length(parameters)
  sigma <- parameters[[last]]
  relative <- startsWith(names(parameters), "rel.")
  parameters[relative] <- parameters[relative] * sigma
  parameters[last] <- log(sigma)
  names(parameters) <- c(sub("^rel\\.", "", names(parameters)[-last]), "log_sigma")
  parameters
}

# The parameters of a fit of glmmTMB with one random intercept, on the scale of the package.
parameters_of_glmmtmb <- function(fit) {
  c(glmmTMB::fixef(fit)$cond, exp(fit$fit$par[["theta"]]), log(stats::sigma(fit)))
}
