# The reference itself against numbers and functions that it does not use: fixtures, stats, lme4.
# The models of truth.csv that the reference can do quickly; the others wait for GLIMMER_SLOW_TESTS.
quick_models <- c("bacteria_logit", "bacteria_probit", "epil_pois1", "cbpp_logit", "salam_pois", "owls_pois", "resp1",
                  "arab_slope", "sleep_lmm_ml", "verbagg60_cross")
slow_models <- c("contra_probit", "verbagg_id", "epil_olre", "grouse_full", "insteval_bin")
scalar_models <- setdiff(c(quick_models, slow_models), c("arab_slope", "sleep_lmm_ml", "verbagg60_cross", "epil_olre",
                                                         "grouse_full", "insteval_bin", "verbagg_id"))
linear_models <- c("lmm_sleep", "lmm_dyestuff2", "lmm_pastes", "lmm_machines_vec", "lmm_oats", "lmm_oxide")

expect_truth <- function(name, method, value, at = c("max", "given")) {
  model <- truth_reference(name)
  rows <- truth_rows(method, name, at)
  for (i in seq_len(nrow(rows))) {
    parameters <- truth_parameters(rows[i, ])
    expect_identical(names(parameters), model$names)
    expect_lte(abs(as.numeric(value(model, parameters)) - rows$logLik[i]), 1e-10 * abs(rows$logLik[i]))
  }
}

test_that("stencils differentiate functions with known derivatives", {
  x <- c(-1.3, 0.2, 2.1)
  d <- row_derivatives(function(x, which) sin(x) + which, x, rep(4, 3))
  expect_equal(d$first, cos(x), tolerance = 1e-13)
  expect_equal(d$second, -sin(x), tolerance = 1e-12)
  x <- c(0.01, 0.5, 30)
  d <- row_derivatives(function(x, which) log(x), x, x)
  expect_equal(d$first * x, rep(1, 3), tolerance = 1e-12)
  expect_equal(d$second * x^2, rep(-1, 3), tolerance = 1e-11)
  f <- function(x) exp(x[1]) * sin(x[2]) + x[1] * x[2]^2
  x <- c(a = 0.3, b = 1.1)
  expect_equal(reference_gradient(f, x), c(a = exp(0.3) * sin(1.1) + 1.21, b = exp(0.3) * cos(1.1) + 0.66),
               tolerance = 1e-10)
  expect_equal(unname(reference_hessian(f, x)[, "a"]), c(exp(0.3) * sin(1.1), exp(0.3) * cos(1.1) + 2.2),
               tolerance = 1e-7)
})

test_that("log-densities agree with the densities of stats where these do not lose digits", {
  eta <- seq(-2, 2, length.out = 9)
  rows <- data.frame(y = 0:8, size = 8, weights = 1)
  for (link in c("logit", "probit", "cloglog", "cauchit")) {
    p <- stats::make.link(link)$linkinv(eta)
    expect_equal(reference_row_density("binomial", link, rows, eta), stats::dbinom(0:8, 8, p, log = TRUE),
                 tolerance = 1e-12)
  }
  p <- exp(-seq(0.1, 3, length.out = 9))
  expect_equal(reference_row_density("binomial", "log", rows, log(p)), stats::dbinom(0:8, 8, p, log = TRUE),
               tolerance = 1e-12)
  rows <- data.frame(y = c(0.3, 1, 4), size = 1, weights = c(0.5, 1, 2))
  mean <- c(0.6, 1.5, 3)
  expect_equal(reference_row_density("gaussian", "inverse", rows, 1 / mean, log(0.7)),
               stats::dnorm(rows$y, mean, 0.7 / sqrt(rows$weights), log = TRUE))
  expect_equal(reference_row_density("poisson", "sqrt", transform(rows, y = 0:2), sqrt(mean)),
               rows$weights * stats::dpois(0:2, mean, log = TRUE))
})

test_that("densities integrate to one and have the mean and variance that their parameters say", {
  density <- function(family, weight, phi, mean) {
    function(y) {
      rows <- list(y = y, size = rep(1, length(y)), weights = rep(weight, length(y)))
      exp(reference_row_density(family, "log", rows, rep(log(mean), length(y)), phi))
    }
  }
  moment <- function(f, power) stats::integrate(function(y) y^power * f(y), 0, Inf, rel.tol = 1e-10)$value
  for (family in c("Gamma", "inverse.gaussian")) {
    f <- density(family, 1.7, log(6), 1.4)
    expect_equal(moment(f, 0), 1, tolerance = 1e-8)
    expect_equal(moment(f, 1), 1.4, tolerance = 1e-8)
    power <- if (family == "Gamma") 2 else 3
    expect_equal(moment(f, 2) - 1.4^2, 1.4^power / (6 * 1.7), tolerance = 1e-7)
  }
  skip_if_not_installed("statmod")
  y <- c(0.2, 1, 3)
  expect_equal(density("inverse.gaussian", 1, log(6), 1.4)(y), statmod::dinvgauss(y, 1.4, 6))
})

test_that("binomial log-densities keep their digits in the tails", {
  rows <- data.frame(y = c(1, 0), size = 1, weights = 1)
  expect_equal(reference_row_density("binomial", "logit", rows, c(-800, 800)), c(-800, -800))
  expect_equal(reference_row_density("binomial", "probit", rows, c(-40, 40)),
               rep(-40^2 / 2 - log(40 * sqrt(2 * pi)) + log1p(-1 / 40^2 + 3 / 40^4 - 15 / 40^6), 2), tolerance = 1e-11)
  expect_equal(reference_row_density("binomial", "cloglog", rows, c(-50, 5)), c(-50, -exp(5)))
  expect_equal(reference_row_density("binomial", "cauchit", rows, c(-1e10, 1e10)), rep(-log(pi * 1e10), 2))
  expect_equal(reference_row_density("binomial", "log", rows, c(-50, -1e-12)), c(-50, log(1e-12)))
  expect_identical(reference_row_density("poisson", "identity", data.frame(y = 1, size = 1, weights = 1), -0.1), -Inf)
})

test_that("Laplace with the observed Hessian agrees with truth.csv", {
  for (name in quick_models) expect_truth(name, "laplace", reference_laplace)
})

test_that("Laplace agrees with truth.csv for large models", {
  skip_unless_slow()
  for (name in slow_models) expect_truth(name, "laplace", reference_laplace)
})

test_that("the exact log-likelihood agrees with truth.csv", {
  expect_truth("cbpp_logit", "exact", reference_exact)
  expect_truth("bacteria_probit", "exact", reference_exact, "given")
  skip_unless_slow()
  for (name in scalar_models) expect_truth(name, "exact", reference_exact)
})

test_that("Laplace agrees with grid.csv for every family and link, crossed with slopes", {
  rows <- grid_rows("laplace")
  # the grid has the families of stats
  links <- reference_links[vapply(names(reference_links), is_of_stats, NA)]
  expect_setequal(paste(rows$family, rows$link), paste(rep(names(links), lengths(links)), unlist(links)))
  for (i in seq_len(nrow(rows))) {
    case <- grid_case(rows[i, ])
    value <- as.numeric(reference_laplace(case$model, case$parameters))
    expect_lte(abs(value - rows$logLik[i]), 1e-11 * abs(rows$logLik[i]), label = case$name)
  }
})

test_that("the exact log-likelihood agrees with grid.csv for every family and link", {
  rows <- grid_rows("exact")
  for (i in seq_len(nrow(rows))) {
    case <- grid_case(rows[i, ])
    value <- reference_exact(case$model, case$parameters)
    expect_lte(abs(value - rows$logLik[i]), 1e-11 * abs(rows$logLik[i]), label = case$name)
  }
})

test_that("the trapezoid rule agrees with integrate(), group by group", {
  case <- random_model(2L, "poisson", "log", "scalar")
  groups <- reference_group_integrands(case$model, case$parameters)
  by_integrate <- vapply(groups, function(f) {
    top <- max(f(seq(-6, 6, 0.01)))
    top + log(stats::integrate(function(u) exp(f(u) - top), -12, 12, rel.tol = 1e-12, subdivisions = 1000L)$value)
  }, numeric(1))
  expect_equal(reference_exact(case$model, case$parameters), sum(by_integrate), tolerance = 1e-11)
})

test_that("the integral over two effects is that of integrate() over the one of integrate()", {
  case <- random_model(3L, "binomial", "logit", "slope")
  group <- reference_group_integrands(case$model, case$parameters)[[1L]]
  top <- group(cbind(0, 0))
  inner <- function(u1) {
    stats::integrate(function(u2) exp(group(cbind(u1, u2)) - top), -10, 10, rel.tol = 1e-11, subdivisions = 1000L)$value
  }
  outer <- stats::integrate(Vectorize(inner), -10, 10, rel.tol = 1e-10, subdivisions = 1000L)$value
  expect_equal(group_integral_of_two(group, 81L), top + log(outer), tolerance = 1e-11)
})

test_that("the normal closed form agrees with truth.csv, by maximum likelihood and restricted", {
  slow <- if (run_slow_tests()) "lmm_insteval"
  rows <- truth_rows(c("ML", "REML"), c(linear_models, slow))
  for (i in seq_len(nrow(rows))) {
    value <- reference_normal(truth_reference(rows$model[i]), absolute_parameters(rows[i, ]),
                              REML = rows$method[i] == "REML")
    expect_lte(abs(value - rows$logLik[i]), 1e-10 * abs(rows$logLik[i]), label = paste(rows$model[i], rows$method[i]))
  }
})

test_that("Laplace of a normal model is its closed form, restricted or not, for every structure", {
  for (structure in random_structures) {
    case <- random_model(3L, "gaussian", "identity", structure)
    expect_equal(as.numeric(reference_laplace(case$model, case$parameters)),
                 reference_normal(case$model, case$parameters), tolerance = 1e-12)
    expect_equal(reference_laplace_reml(case$model, case$parameters),
                 reference_normal(case$model, case$parameters, REML = TRUE), tolerance = 1e-12)
  }
})

test_that("the joint method of a normal model is its log-likelihood maximised over beta", {
  case <- random_model(2L, "gaussian", "identity", "slope")
  joint <- reference_joint(case$model, case$parameters)
  at_best <- replace(case$parameters, names(attr(joint, "beta")), attr(joint, "beta"))
  expect_equal(as.numeric(joint), reference_normal(case$model, at_best), tolerance = 1e-11)
  slope <- reference_gradient(function(p) reference_normal(case$model, p), at_best)
  expect_lt(max(abs(slope[names(attr(joint, "beta"))])), 1e-7)
})

test_that("the joint method agrees with lme4 at its own estimates (nAGQ = 0, canonical links)", {
  skip_if_not_installed("lme4")
  for (name in c("cbpp_logit", "epil_pois1")) {
    model <- truth_model(name)
    call <- as.call(list(quote(lme4::glmer), model$formula, quote(model$data), quote(model$family), nAGQ = 0L,
                         weights = if (!is.null(model$weights)) as.name(model$weights),
                         control = quote(lme4::glmerControl(tolPwrss = 1e-12))))
    fit <- eval(call)
    joint <- reference_joint(truth_reference(name), c(lme4::fixef(fit), lme4::getME(fit, "theta")))
    # lme4's search for the mode stops early: its value is a little lower.
    expect_equal(as.numeric(joint), as.numeric(stats::logLik(fit)), tolerance = 1e-8)
    expect_equal(attr(joint, "beta"), lme4::fixef(fit), tolerance = 1e-4)
  }
})

test_that("integer prior weights of the binomial and the Poisson replicate rows; weight zero leaves rows out", {
  for (family in c("binomial", "poisson")) {
    case <- random_model(4L, family, if (family == "poisson") "log" else "probit", "slope")
    data <- case$data
    data$prior <- rep_len(c(1, 2, 0, 3), nrow(data))
    weighted <- reference_from_formula(case$formula, data, case$family, "prior", case$offset)
    repeated <- reference_from_formula(case$formula, data[rep(seq_len(nrow(data)), data$prior), ], case$family, NULL,
                                       case$offset)
    expect_equal(reference_laplace(weighted, case$parameters), reference_laplace(repeated, case$parameters),
                 tolerance = 1e-12, ignore_attr = TRUE)
  }
})

test_that("a mean outside the family's range is refused, and the mode is found from any start", {
  case <- random_model(2L, "Gamma", "inverse", "slope")
  expect_error(reference_laplace(case$model, replace(case$parameters, 1L, -5)), "cannot start")
  value <- reference_laplace(case$model, case$parameters)
  again <- reference_laplace(case$model, case$parameters, start = attr(value, "mode") + 0.3)
  expect_equal(as.numeric(again), as.numeric(value), tolerance = 1e-12)
})

test_that("random models are feasible for every family, link and structure", {
  for (family in names(reference_links)) {
    for (link in reference_links[[family]]) {
      for (structure in random_structures) {
        case <- random_model(2L, family, link, structure)
        expect_true(is.finite(reference_laplace(case$model, case$parameters)))
        expect_identical(names(case$parameters), case$model$names)
      }
    }
  }
  before <- random_model(5L, "Gamma", "log", "crossed")
  set.seed(1)
  state <- .Random.seed
  expect_equal(random_model(5L, "Gamma", "log", "crossed")$data, before$data)
  expect_identical(.Random.seed, state)
})

test_that("the reference finds the maximiser and standard errors of truth.csv", {
  names <- "cbpp_logit"
  if (run_slow_tests()) names <- c(names, "bacteria_logit", "bacteria_probit")
  for (name in names) {
    row <- truth_rows("laplace", name, "max")
    model <- truth_reference(name)
    start <- truth_parameters(truth_rows("laplace", name, "given"))
    found <- reference_optimum(reference_laplace_function(model, start), start)
    truth <- truth_parameters(row)
    expect_lte(abs(found$value - row$logLik), 1e-9)
    expect_lte(max(abs(found$parameters - truth) / truth_standard_errors(row)), 1e-5)
    expect_equal(found$standard_errors, truth_standard_errors(row), tolerance = 1e-8)
  }
})
