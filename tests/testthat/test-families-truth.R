# Families with one shape against numbers that come from elsewhere: shape_truth.csv (fixtures/README.md), and glmmTMB.
shape_models <- local({
  definitions <- new.env(parent = globalenv())
  sys.source(test_path("fixtures", "shape_models.R"), definitions)
  definitions$SHAPE_MODELS
})

shape_rows <- function(name, method) {
  rows <- read_fixture("shape_truth.csv")
  rows <- rows[rows$model == name & rows$method == method, ]
  stopifnot(setequal(rows$at, c("max", "given")))
  split(rows, rows$at)
}

shape_fit <- function(name, ...) {
  model <- shape_models[[name]]
  skip_if_not_installed(model$package)
  family <- if (is.null(model$link)) resolve_family(model$family) else reference_family(model$family, model$link)
  glmm(model$formula, model$data(), family, ...)
}

# Of a hurdle model the part for whether a count is 0, which has no random effects.
zero_part <- function(name, parameters) {
  model <- shape_models[[name]]
  if (is.null(model$zero)) {
    return(0)
  }
  data <- model$whole()
  coefficients <- parameters[startsWith(names(parameters), "zi:")]
  none <- plogis(drop(model.matrix(model$zero, data) %*% coefficients))
  sum(dbinom(data[[model$count]] == 0, 1, none, log = TRUE))
}

count_part <- function(x) x[!startsWith(names(x), "zi:")]

# At the boundary the entry that is zero has no standard error.
expect_shape_truth <- function(fit, name, rows) {
  given <- truth_parameters(rows$given)
  expect_identical(names(fit$parameters), names(count_part(given)))
  value <- as.numeric(logLik(fit, parameters = count_part(given))) + zero_part(name, given)
  expect_lte(abs(value - rows$given$logLik), 1e-8 * abs(rows$given$logLik))
  truth <- truth_parameters(rows$max)
  expect_lte(abs(as.numeric(logLik(fit)) + zero_part(name, truth) - rows$max$logLik), 1e-6)
  se <- count_part(truth_standard_errors(rows$max))
  inside <- !fit$boundary
  expect_identical(any(fit$boundary), startsWith(rows$max$note, "BOUNDARY"))
  expect_lte(max(abs(fit$parameters - count_part(truth)) / se), 1e-3)
  expect_lte(max(abs(sqrt(diag(vcov(fit, full = TRUE))) / se - 1)[inside]), 1e-4)
  expect_true(fit$converged)
}

estimated_models <- setdiff(names(shape_models), "fixed_size_epil")

for (name in estimated_models) {
  test_that(paste(name, "has log-likelihood, maximum and standard errors of independent numbers, Laplace"), {
    fit <- shape_fit(name, method = "laplace")
    expect_shape_truth(fit, name, shape_rows(name, "laplace"))
  })
}

shape_table <- read_fixture("shape_truth.csv")
exact_models <- intersect(estimated_models, shape_table$model[shape_table$method == "exact"])

for (name in exact_models) {
  test_that(paste(name, "has log-likelihood, maximum and standard errors of independent numbers, quadrature"), {
    fit <- shape_fit(name, nAGQ = 41)
    expect_shape_truth(fit, name, shape_rows(name, "exact"))
  })
  test_that(paste(name, "has by default the estimates of independent numbers"), {
    fit <- shape_fit(name)
    truth <- shape_rows(name, "exact")$max
    se <- count_part(truth_standard_errors(truth))
    expect_lte(max(abs(fit$parameters - count_part(truth_parameters(truth))) / se), 1e-3)
  })
}

test_that("by Laplace they have the log-likelihood that glmmTMB has at the same parameters", {
  skip_if_not_installed("glmmTMB")
  formulas <- list(
    Salamanders = count ~ mined + spp + (1 | site),
    Owls = SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest)
  )
  for (name in names(formulas)) {
    data <- get(utils::data(list = name, package = "glmmTMB", envir = environment()))
    for (family in c("nbinom1", "genpois", "truncated_nbinom2", "truncated_poisson")) {
      response <- all.vars(formulas[[name]])[1L]
      rows <- if (startsWith(family, "truncated")) data[data[[response]] > 0, ] else data
      rows <- droplevels(rows)
      theirs <- glmmTMB::glmmTMB(formulas[[name]], rows, family = getExportedValue("glmmTMB", family))
      fit <- suppressWarnings(glmm(formulas[[name]], rows, getExportedValue("glimmer", family), method = "laplace"))
      at <- unname(parameters_of_glmmtmb(theirs))[seq_along(fit$parameters)]
      value <- as.numeric(logLik(fit, parameters = at))
      expect_lte(abs(value - as.numeric(logLik(theirs))), 1e-8 * abs(value), label = paste(name, family))
      expect_gte(as.numeric(logLik(fit)), as.numeric(logLik(theirs)) - 1e-6, label = paste(name, family))
      # the conditional mean of what is observed
      expect_equal(unname(fitted(fit)), unname(predict(theirs, type = "response")), tolerance = 1e-3)
    }
  }
})

test_that("a size that is known is no parameter, as MASS has it: values, maximum and standard errors", {
  skip_if_not_installed("MASS")
  for (method in c("laplace", "exact")) {
    rows <- shape_rows("fixed_size_epil", method)
    model <- shape_models$fixed_size_epil
    size <- exp(truth_parameters(rows$max)[["log_size"]])
    families <- list(nbinom2(size = size), MASS::negative.binomial(size), MASS::neg.bin(size))
    fits <- lapply(families, function(family) {
      if (method == "laplace") glmm(model$formula, model$data(), family, method = "laplace") else
        glmm(model$formula, model$data(), family, nAGQ = 41)
    })
    free <- names(truth_parameters(rows$max)) != "log_size"
    for (fit in fits) {
      expect_identical(names(fit$parameters), names(truth_parameters(rows$max))[free])
      value <- as.numeric(logLik(fit, parameters = truth_parameters(rows$given)[free]))
      expect_lte(abs(value - rows$given$logLik), 1e-8 * abs(rows$given$logLik))
      expect_lte(abs(as.numeric(logLik(fit)) - rows$max$logLik), 1e-6)
      # that of what is known is not there
      se <- suppressWarnings(truth_standard_errors(rows$max))[free]
      expect_lte(max(abs(fit$parameters - truth_parameters(rows$max)[free]) / se), 1e-3)
      expect_lte(max(abs(sqrt(diag(vcov(fit, full = TRUE))) / se - 1)), 1e-4)
      expect_equal(sigma(fit), size)
    }
  }
})
