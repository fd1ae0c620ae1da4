# Negative binomial responses against numbers that come from elsewhere: nbinom2_truth.csv (fixtures/README.md; the
# models of truth.csv are in test-truth.R and test-quadrature.R), glmmTMB, and the Poisson limit.
nbinom2_models <- list(
  nb2_epil_slope = list(package = "MASS", formula = y ~ lbase * trt + lage + V + (V | subject),
                        data = function(models) transform(models$p_epil(), V = Visit)),
  nb2_grouse_cross = list(package = "lme4", formula = TICKS ~ YEAR + h + (1 | BROOD) + (1 | LOCATION),
                          data = function(models) models$p_gr()),
  nb2_arab_slope = list(package = "lme4", formula = total.fruits ~ nut8 + amd + rack + (nut8 | gen),
                        data = function(models) models$p_arab())
)

nbinom2_data <- function(name) {
  skip_if_not_installed(nbinom2_models[[name]]$package)
  models <- new.env(parent = globalenv())
  sys.source(test_path("fixtures", "truth_models.R"), models)
  nbinom2_models[[name]]$data(models)
}

nbinom2_fit <- function(name, ...) {
  glmm(nbinom2_models[[name]]$formula, nbinom2_data(name), nbinom2, ...)
}

nbinom2_rows <- function(name, method) {
  rows <- read_fixture("nbinom2_truth.csv")
  rows <- rows[rows$model == name & rows$method == method, ]
  stopifnot(setequal(rows$at, c("max", "given")))
  split(rows, rows$at)
}

# At the boundary the entry that is zero has no standard error.
expect_nbinom2_truth <- function(fit, rows) {
  given <- truth_parameters(rows$given)
  expect_identical(names(fit$parameters), names(given))
  value <- as.numeric(logLik(fit, parameters = given))
  expect_lte(abs(value - rows$given$logLik), 1e-8 * abs(rows$given$logLik))
  truth <- truth_parameters(rows$max)
  se <- truth_standard_errors(rows$max)
  inside <- !fit$boundary
  expect_identical(any(fit$boundary), startsWith(rows$max$note, "BOUNDARY"))
  expect_lte(abs(as.numeric(logLik(fit)) - rows$max$logLik), 1e-6)
  expect_lte(max(abs(fit$parameters - truth) / se), 1e-3)
  expect_lte(max(abs(sqrt(diag(vcov(fit, full = TRUE))) / se - 1)[inside]), 1e-4)
  expect_true(fit$converged)
}

for (name in names(nbinom2_models)) {
  test_that(paste(name, "has log-likelihood, maximum and standard errors of independent numbers, Laplace"), {
    expect_silent(fit <- nbinom2_fit(name, method = "laplace"))
    expect_nbinom2_truth(fit, nbinom2_rows(name, "laplace"))
  })
}

for (name in c("nb2_epil_slope", "nb2_arab_slope")) {
  test_that(paste(name, "has log-likelihood, maximum and standard errors of independent numbers, quadrature"), {
    expect_silent(fit <- nbinom2_fit(name, nAGQ = 21))
    expect_nbinom2_truth(fit, nbinom2_rows(name, "exact"))
  })
  test_that(paste(name, "has by default the estimates of independent numbers"), {
    expect_silent(fit <- nbinom2_fit(name))
    truth <- nbinom2_rows(name, "exact")$max
    expect_lte(max(abs(fit$parameters - truth_parameters(truth)) / truth_standard_errors(truth)), 1e-3)
  })
}

test_that("by Laplace it has the log-likelihood that glmmTMB has at the same parameters", {
  skip_if_not_installed("glmmTMB")
  models <- list(
    Salamanders = count ~ mined + spp + (1 | site),
    Owls = SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest)
  )
  for (name in names(models)) {
    data <- get(utils::data(list = name, package = "glmmTMB", envir = environment()))
    theirs <- glmmTMB::glmmTMB(models[[name]], data, family = glmmTMB::nbinom2)
    fit <- glmm(models[[name]], data, nbinom2, method = "laplace")
    value <- as.numeric(logLik(fit, parameters = unname(parameters_of_glmmtmb(theirs))))
    expect_lte(abs(value - as.numeric(logLik(theirs))), 1e-8 * abs(value))
    expect_gte(as.numeric(logLik(fit)), as.numeric(logLik(theirs)) - 1e-8)
    expect_lte(max(abs(sqrt(diag(vcov(fit))) / sqrt(diag(stats::vcov(theirs)$cond)) - 1)), 1e-3)
  }
})

test_that("where the size is large the likelihood is that of the Poisson family, and its slope in the size vanishes", {
  data <- truth_model("epil_pois1")$data
  formula <- truth_model("epil_pois1")$formula
  poisson <- glmm(formula, data, poisson, method = "laplace")
  fit <- glmm(formula, data, nbinom2, method = "laplace")
  at <- function(log_size) as.numeric(logLik(fit, parameters = c(poisson$parameters, log_size = log_size)))
  limit <- as.numeric(logLik(poisson))
  expect_equal(at(40), limit, tolerance = 1e-13)
  # what is left falls as 1 / size
  expect_equal((at(14) - limit) / (at(12) - limit), exp(-2), tolerance = 1e-3)
})
