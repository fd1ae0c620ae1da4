# Quadrature against integrals and maxima that come from elsewhere: truth.csv and grid.csv (fixtures/README.md), the
# trapezoid rule of the reference, stats::integrate(), statmod, lme4 and published numbers.
quadrature_scope <- c("bacteria_logit", "bacteria_probit", "epil_pois1", "cbpp_logit", "contra_probit", "salam_pois",
                      "owls_pois", "arab_slope", "verbagg_id", "epil_nb", "salam_nb", "grouse_nb")

# Many nodes, where Gauss-Hermite has converged.
many_nodes <- function(model) if (model == "arab_slope") 41L else 101L

quadrature_pairs <- list(gaussian = c("identity", "log", "inverse"),
                         binomial = c("logit", "probit", "cloglog", "cauchit", "log"),
                         poisson = c("log", "identity", "sqrt"), Gamma = c("inverse", "log", "identity"),
                         inverse.gaussian = c("1/mu^2", "log", "inverse", "identity"))

# The same rule for all levels.
rule_of <- function(engine, nodes, wide = FALSE) {
  levels <- engine$levels[1L]
  list(nodes = rep(as.integer(nodes), levels), wide = rep(wide, levels))
}

# The engine of a random model, without a fit to it; `case` needs formula, data, family, weights, offset.
engine_of_case <- function(case) {
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset, method = "joint"),
                          classes = "glimmer_warning")
  new_engine(fit_design(fit), fit$family)
}

# The log-likelihood at parameters by a rule that is placed there: Gauss-Hermite at modes and curvatures.
value_by <- function(engine, parameters, nodes, wide = FALSE) {
  place_rule(engine, parameters, rule_of(engine, nodes, wide), at_modes = !wide)
  engine_pass(engine, parameters, 0L)$value
}

skip_without_toenail <- function() skip_if_not_installed("HSAUR3")

toenail <- function() {
  data <- get(utils::data(list = "toenail", package = "HSAUR3", envir = environment()))
  data$severe <- as.numeric(data$outcome == "moderate or severe")
  data$treated <- as.numeric(data$treatment == "terbinafine")
  data
}

for (name in quadrature_scope) {
  test_that(paste(name, "with many nodes: log-likelihood, maximum and standard errors of truth.csv"), {
    fit <- truth_fit(name, nAGQ = many_nodes(name))
    given <- truth_rows("exact", name, "given")
    value <- as.numeric(logLik(fit, parameters = truth_parameters(given)))
    expect_lte(abs(value - given$logLik), max(1e-8 * abs(given$logLik), given$tol_logLik))
    row <- truth_rows("exact", name, "max")
    truth <- truth_parameters(row)
    se <- truth_standard_errors(row)
    expect_identical(names(fit$parameters), names(truth))
    expect_lte(abs(as.numeric(logLik(fit)) - row$logLik), max(1e-6, row$tol_logLik))
    expect_lte(max(abs(fit$parameters - truth) / se), 1e-3)
    expect_lte(max(abs(sqrt(diag(vcov(fit, full = TRUE))) / se - 1)), 1e-4)
    expect_true(fit$converged)
  })

  test_that(paste(name, "by default: as exact as it says"), {
    expect_silent(fit <- truth_fit(name))
    expect_identical(fit$method, "aghq")
    row <- truth_rows("exact", name, "max")
    off <- abs(as.numeric(logLik(fit)) - row$logLik)
    shift <- max(abs(fit$parameters - truth_parameters(row)) / truth_standard_errors(row))
    error <- fit$quadrature$error
    expect_lte(off, max(1e-3, error$log_likelihood))
    expect_lte(shift, max(1e-2, error$shift))
    # what is reported is no less than the truth, but for what the reference and the search leave
    expect_lte(off, 3 * error$log_likelihood + 1e-6)
    expect_lte(shift, 3 * error$shift + 1e-4)
    expect_true(fit$converged)
    expect_true(fit$status$ok[fit$status$check == "accuracy"])
  })
}

for (family in names(quadrature_pairs)) {
  for (link in quadrature_pairs[[family]]) {
    test_that(paste("the exact log-likelihood of the grid:", family, link), {
      row <- grid_rows("exact", family, link)
      case <- grid_case(row)
      engine <- engine_of_case(case)
      tolerance <- 1e-8 * abs(row$logLik)
      if (family == "gaussian" && link == "identity") {
        expect_lte(abs(value_by(engine, case$parameters, 1L) - row$logLik), tolerance)
      }
      values <- c(value_by(engine, case$parameters, 101L), value_by(engine, case$parameters, 95L, wide = TRUE))
      expect_lte(min(abs(values - row$logLik)), tolerance)
      expect_lte(max(abs(values - row$logLik)), 1e-5)
    })

    for (structure in c("scalar", "slope", "two terms")) {
      test_that(paste("gradient and Hessian of a frozen rule:", family, link, structure), {
        case <- random_model(2L, family, link, structure)
        engine <- engine_of_case(case)
        parameters <- case$parameters[engine$names]
        three <- structure == "two terms"
        for (rule in list(list(2L, FALSE), list(5L, FALSE), list(if (three) 9L else 21L, TRUE))) {
          place_rule(engine, parameters, rule_of(engine, rule[[1L]], rule[[2L]]), at_modes = !rule[[2L]])
          pass <- engine_pass(engine, parameters, 2L)
          label <- paste(rule[[1L]], "nodes", if (rule[[2L]]) "in a box")
          numerical <- reference_gradient(function(p) engine_pass(engine, p, 0L)$value, parameters, 1e-3, levels = 3L)
          expect_lte(max(abs(pass$gradient - numerical)), 1e-6 * max(1, abs(numerical)),
                     label = paste("error of the gradient,", label))
          differences <- vapply(seq_along(parameters), function(j) {
            slope <- function(x) engine_pass(engine, replace(parameters, j, x), 1L)$gradient
            step <- 3e-4 * max(1, abs(parameters[j]))
            table <- lapply(step / 2^(0:2), function(h) (slope(parameters[j] + h) - slope(parameters[j] - h)) / (2 * h))
            apply(do.call(rbind, table), 2L, richardson_limit)
          }, parameters)
          expect_lte(max(abs(pass$hessian - differences)), 1e-6 * max(1, abs(differences)),
                     label = paste("error of the Hessian,", label))
        }
      })
    }

    test_that(paste("one node at the mode is Laplace:", family, link), {
      for (structure in c("scalar", "slope", "two terms")) {
        case <- random_model(3L, family, link, structure)
        engine <- engine_of_case(case)
        parameters <- case$parameters[engine$names]
        laplace <- engine_evaluate(engine, parameters)$value
        expect_lte(abs(value_by(engine, parameters, 1L) - laplace), 1e-12 * abs(laplace))
      }
    })
  }
}

test_that("more nodes come nearer to the integral", {
  for (family in c("binomial", "poisson", "Gamma")) {
    case <- random_model(5L, family, c(binomial = "logit", poisson = "log", Gamma = "log")[[family]], "scalar")
    case$parameters[["sd.g.(Intercept)"]] <- 1.5
    engine <- engine_of_case(case)
    parameters <- case$parameters[engine$names]
    exact <- reference_exact(case$model, case$parameters)
    errors <- vapply(c(1L, 5L, 11L, 23L, 47L), function(k) abs(value_by(engine, parameters, k) - exact), 1)
    # until round-off
    expect_true(all(errors[-1L] < pmax(errors[-5L], 1e-9)),
                label = paste(c("errors:", signif(errors, 2)), collapse = " "))
    expect_lte(errors[5L], 1e-9 * abs(exact))
    wide <- vapply(c(15L, 31L, 63L), function(k) abs(value_by(engine, parameters, k, wide = TRUE) - exact), 1)
    expect_lt(wide[2L], max(wide[1L], 1e-9 * abs(exact)))
    expect_lte(wide[3L], 1e-9 * abs(exact))
  }
})

test_that("nodes and weights are those of statmod", {
  skip_if_not_installed("statmod")
  # one row, y = 0 of a Poisson variable with log link: the levels' integral is a sum over nodes, written out
  data <- data.frame(y = c(0, 3), g = gl(2, 1))
  for (k in c(2L, 9L, 40L)) {
    rule <- statmod::gauss.quad.prob(k, "normal")
    for (sd in c(0.3, 1.4)) {
      engine <- engine_of_case(list(formula = y ~ 1 + (1 | g), data = data, family = stats::poisson()))
      expected <- sum(vapply(data$y, function(y) {
        h <- function(u) stats::dpois(y, exp(0.4 + sd * u), log = TRUE) + stats::dnorm(u, log = TRUE)
        slope <- function(u) sd * (y - exp(0.4 + sd * u)) - u
        mode <- stats::uniroot(slope, c(-10, 10), tol = 1e-14)$root
        scale <- 1 / sqrt(1 + sd^2 * exp(0.4 + sd * mode))
        log(sum(rule$weights * exp(h(mode + scale * rule$nodes) - stats::dnorm(rule$nodes, log = TRUE)))) + log(scale)
      }, 1))
      expect_equal(value_by(engine, c(0.4, sd), k), expected, tolerance = 1e-11)
    }
  }
})

test_that("a second effect that does nothing leaves the model with one effect", {
  case <- random_model(4L, "poisson", "log", "scalar")
  case$data$none <- 0
  one <- engine_of_case(case)
  beta <- case$parameters[1:3]
  case$formula <- y ~ x + z + (1 | g) + (0 + x | g)
  two <- engine_of_case(case)
  for (rule in list(list(7L, FALSE), list(41L, TRUE))) {
    expected <- value_by(one, c(beta, 0.7), rule[[1L]], rule[[2L]])
    expect_equal(value_by(two, c(beta, 0.7, 0), rule[[1L]], rule[[2L]]), expected, tolerance = 1e-11)
  }
  # a column of Z without a number in it: refused by the design, so put into it afterwards
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, case$weights, case$offset, method = "joint"),
                          classes = "glimmer_warning")
  design <- fit_design(fit)
  design$factors[[1L]]$Z[, 2L] <- 0
  empty <- new_engine(design, fit$family)
  expect_equal(value_by(empty, c(beta, 0.7, 0.9), 7L), value_by(one, c(beta, 0.7), 7L), tolerance = 1e-11)
})

# A small binomial model, the log-integrand of each level as a function, and its parameters.
small_binomial <- function() {
  data <- data.frame(g = gl(4, 3), x = c(-1, 0, 1), y = c(0, 0, 1, 1, 1, 1, 0, 1, 0, 0, 0, 0))
  parameters <- c(0.3, 0.8, 1.7)
  integrand <- function(level) {
    rows <- data[data$g == level, ]
    function(u) {
      vapply(u, function(u) prod(stats::dbinom(rows$y, 1, stats::plogis(0.3 + 0.8 * rows$x + 1.7 * u))), 1) *
        stats::dnorm(u)
    }
  }
  list(formula = y ~ x + (1 | g), data = data, family = stats::binomial(), parameters = parameters,
       integrands = lapply(levels(data$g), integrand))
}

integral <- function(f) stats::integrate(f, -Inf, Inf, rel.tol = 1e-12)$value

test_that("levels' values, means and variances are integrals", {
  case <- small_binomial()
  engine <- engine_of_case(case)
  totals <- vapply(case$integrands, integral, 1)
  mean <- vapply(case$integrands, function(f) integral(function(u) u * f(u)), 1) / totals
  square <- vapply(case$integrands, function(f) integral(function(u) u^2 * f(u)), 1) / totals
  fit <- suppressWarnings(fit_glmm(case$formula, case$data, case$family, method = "joint"))
  for (rule in list(rule_of(engine, 61L), rule_of(engine, 61L, wide = TRUE))) {
    place_rule(engine, case$parameters, rule)
    expect_equal(engine_level_values(engine, case$parameters, rule), log(totals), tolerance = 1e-9)
    engine_pass(engine, case$parameters, 0L)
    moments <- engine_moments(engine, fit_design(fit))[[1L]]
    expect_equal(moments$means[, 1L], 1.7 * mean, tolerance = 1e-7, ignore_attr = TRUE)
    expect_equal(moments$variances[1, 1, ], 1.7^2 * (square - mean^2), tolerance = 1e-7, ignore_attr = TRUE)
  }
  rule <- rule_of(engine, 61L)
  rule$nodes[c(1L, 3L)] <- 0L
  some <- engine_level_values(engine, case$parameters, rule)
  expect_identical(is.nan(some), c(TRUE, FALSE, TRUE, FALSE))
  expect_equal(some[c(2L, 4L)], log(totals[c(2L, 4L)]), tolerance = 1e-9)
})

test_that("a fit keeps the means and variances that integration gives", {
  data <- truth_model("bacteria_logit")$data
  fit <- glmm(yb ~ trt + w2 + (1 | ID), data, binomial)
  model <- reference_from_formula(yb ~ trt + w2 + (1 | ID), data, stats::binomial())
  integrands <- reference_group_integrands(model, fit$parameters)
  sd <- fit$parameters[["sd.ID.(Intercept)"]]
  for (k in c(1L, 17L, 50L)) {
    f <- function(u) exp(integrands[[k]](u) - integrands[[k]](0))
    mean <- integral(function(u) u * f(u)) / integral(f)
    variance <- integral(function(u) (u - mean)^2 * f(u)) / integral(f)
    level <- model$factors[[1L]]$levels[k]
    expect_equal(fit$means$ID[level, 1L], sd * mean, tolerance = 1e-4, ignore_attr = TRUE)
    expect_equal(fit$mean_variances$ID[1, 1, level], sd^2 * variance, tolerance = 1e-4, ignore_attr = TRUE)
  }
  expect_identical(dimnames(fit$means$ID), dimnames(fit$modes$ID))
  expect_identical(dimnames(fit$mean_variances$ID), dimnames(fit$mode_variances$ID))
  laplace <- glmm(yb ~ trt + w2 + (1 | ID), data, binomial, method = "laplace")
  expect_null(laplace$means)
  expect_null(laplace$quadrature)
})

# Reported against true error in the log-likelihood, level by level absolute; the truth by very many nodes.
expect_honest <- function(fit, nodes, wide, factor) {
  engine <- engine_of(fit)
  given <- !is.null(fit$quadrature$given)
  place_rule(engine, fit$parameters, fit$quadrature[c("nodes", "wide")], at_modes = given)
  own <- engine_level_values(engine, fit$parameters, fit$quadrature[c("nodes", "wide")])
  place_rule(engine, fit$parameters, rule_of(engine, nodes, wide))
  truth <- engine_level_values(engine, fit$parameters, rule_of(engine, nodes, wide))
  true <- sum(abs(own - truth))
  reported <- fit$quadrature$error$log_likelihood
  expect_lte(true, factor * reported + 1e-9)
  expect_lte(reported, factor * true + 1e-6)
  if (!given) expect_lte(true, 1e-4)
}

test_that("the reported error is the true one, in size", {
  for (seed in 1:2) {
    for (sd in c(1, 3)) {
      expect_honest(glmm(y ~ x + (1 | g), wide_data(seed, sd), binomial), 401L, TRUE, 3)
    }
    expect_honest(glmm(y ~ x + (1 | g), wide_data(seed, 3), binomial, nAGQ = 15), 401L, TRUE, 10)
  }
  expect_honest(glmm(y ~ x + (x | g), wide_data(3, c(1.5, 1)), binomial), 201L, TRUE, 10)
})

test_that("the reported error is the true one, in size: more data, three effects", {
  skip_unless_slow()
  for (seed in 4:6) {
    for (sds in list(c(1, 1), c(3, 2))) {
      expect_honest(glmm(y ~ x + (x | g), wide_data(seed, sds, size = 8L), binomial), 201L, TRUE, 10)
    }
  }
  fit <- glmm(y ~ x + (x + z | g), wide_data(7, c(1, 0.8, 0.8), size = 10L), binomial)
  expect_honest(fit, 45L, TRUE, 10)
})

test_that("the nodes asked for are used, and their error is reported", {
  data <- wide_data(1, 3)
  model <- reference_from_formula(y ~ x + (1 | g), data, stats::binomial())
  for (k in c(2, 5, 9)) {
    fit <- glmm(y ~ x + (1 | g), data, binomial, nAGQ = k)
    expect_identical(fit$quadrature$nodes, rep(as.integer(k), 60L))
    expect_identical(fit$nAGQ, as.integer(k))
    expect_equal(fit$quadrature$given, k)
    true <- abs(as.numeric(logLik(fit)) - reference_exact(model, fit$parameters))
    # signed errors of levels cancel in part
    expect_lte(true, 2 * fit$quadrature$error$log_likelihood)
    expect_identical(fit$status$ok[fit$status$check == "accuracy"],
                     fit$quadrature$error$log_likelihood <= 1e-3 && fit$quadrature$error$shift <= 1e-2)
  }
  fit <- glmm(y ~ x + (1 | g), data, binomial, nAGQ = 2)
  shown <- gsub("\\s+", " ", paste(capture.output(print(fit), print(summary(fit))), collapse = " "))
  expect_match(shown, "quadrature (2 nodes, error about 7)", fixed = TRUE)
  expect_match(shown, "2 nodes a level, as given", fixed = TRUE)
  expect_match(shown, "quadrature error about", fixed = TRUE)
})

test_that("print and summary say how many nodes, and the error that is left", {
  fit <- truth_fit("cbpp_logit")
  nodes <- fit$quadrature$nodes
  shown <- gsub("\\s+", " ", paste(capture.output(print(summary(fit))), collapse = " "))
  expect_match(shown, "quadrature, [0-9to ]+ nodes a level, chosen from the data")
  expect_match(shown, as.character(max(nodes)), fixed = TRUE)
  expect_match(shown, "accurate to [0-9.e-]+[)]")
  expect_identical(attr(logLik(fit), "method"), "aghq")
  expect_match(paste(capture.output(print(fit)), collapse = " "),
               "quadrature \\([0-9to ]+ nodes, error about [0-9.e-]+\\)")
})

test_that("update and refit keep the method", {
  data <- truth_model("cbpp_logit")$data
  fit <- glmm(prop ~ period + (1 | herd), data, binomial, weights = size, nAGQ = 7)
  again <- update(fit, . ~ . - period)
  expect_identical(again$quadrature$nodes, rep(7L, 15L))
  same <- refit(fit)
  expect_identical(same$quadrature$nodes, rep(7L, 15L))
  expect_equal(same$log_likelihood, fit$log_likelihood, tolerance = 1e-10)
  laplace <- glmm(prop ~ period + (1 | herd), data, binomial, weights = size, method = "laplace")
  expect_identical(refit(laplace)$method, "laplace")
  expect_equal(refit(laplace)$log_likelihood, laplace$log_likelihood, tolerance = 1e-10)
  chosen <- refit(glmm(prop ~ period + (1 | herd), data, binomial, weights = size))
  expect_identical(chosen$method, "aghq")
  expect_null(chosen$quadrature$given)
  expect_identical(update(fit, nAGQ = NULL, method = "laplace")$method, "laplace")
})

test_that("large counts in many groups neither overflow nor underflow", {
  withr_seed(11)
  groups <- 20000L
  data <- data.frame(g = rep(seq_len(groups), each = 3L), x = rep(c(-1, 0, 1), groups))
  data$y <- stats::rpois(3L * groups, exp(8 + 0.1 * data$x + stats::rnorm(groups, 0, 1)[data$g]))
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  expect_true(fit$converged)
  expect_true(all(is.finite(fit$means[[1L]])) && all(is.finite(vcov(fit, full = TRUE))))
  expect_lte(max(abs(fit$parameters - c(8, 0.1, 1)) / sqrt(diag(vcov(fit, full = TRUE)))), 4)
  # the integral over a level's effect, of those with the smallest and the largest sum
  model <- reference_from_formula(y ~ x + (1 | g), data[data$g <= 200, ], stats::poisson())
  few <- glmm(y ~ x + (1 | g), data[data$g <= 200, ], poisson)
  expect_lte(abs(as.numeric(logLik(few)) - reference_exact(model, few$parameters, nodes = 2001L)), 1e-4)
})

test_that("estimates of a canonical scalar model are those of lme4 with 25 nodes", {
  skip_if_not_installed("lme4")
  data <- truth_model("bacteria_logit")$data
  control <- lme4::glmerControl(tolPwrss = 1e-10, optimizer = "nloptwrap",
                                optCtrl = list(xtol_abs = 1e-9, ftol_abs = 1e-12, maxeval = 1e5))
  peer <- lme4::glmer(yb ~ trt + w2 + (1 | ID), data, stats::binomial(), nAGQ = 25, control = control)
  fit <- glmm(yb ~ trt + w2 + (1 | ID), data, binomial, nAGQ = 25)
  se <- sqrt(diag(vcov(fit, full = TRUE)))
  expect_lte(max(abs(fit$parameters - c(lme4::fixef(peer), lme4::getME(peer, "theta"))) / se), 1e-3)
})

test_that("toenail by default: the exact maximum", {
  skip_without_toenail()
  expect_silent(fit <- glmm(severe ~ treated * time + (1 | patientID), toenail(), binomial))
  # DESIGN: adaptive Gauss-Hermite with 100 nodes and a trapezoid rule agree on these
  expect_lte(abs(as.numeric(logLik(fit)) + 625.3975), 1e-3)
  se <- sqrt(diag(vcov(fit, full = TRUE)))
  truth <- c(-1.618286, -0.160772, -0.391002, -0.136790, 4.00659)
  expect_lte(max(abs(fit$parameters - truth) / se), 1e-2)
  expect_lte(fit$quadrature$error$log_likelihood, 1e-3)
  expect_true(any(fit$quadrature$wide))
  model <- reference_from_formula(severe ~ treated * time + (1 | patientID), toenail(), stats::binomial())
  exact <- reference_exact(model, fit$parameters, nodes = 201L)
  expect_lte(abs(as.numeric(logLik(fit)) - exact), 3 * fit$quadrature$error$log_likelihood + 1e-6)
})

test_that("toenail with a random slope by default: the exact maximum", {
  skip_unless_slow()
  skip_without_toenail()
  fit <- glmm(severe ~ treated * time + (time | patientID), toenail(), binomial)
  expect_lte(abs(as.numeric(logLik(fit)) + 549.1623), 1e-3)
  expect_true(fit$converged)
})

test_that("where a link cuts the integrand off and quadrature does not settle, the fit says so", {
  # families of two with narrow likelihoods near the edge: Laplace has poles here
  d <- with_seed(1, {
    g <- factor(rep(1:100, each = 2))
    x <- runif(200)
    mean <- pmax(2 + 0.5 * x + 1.4 * rnorm(100)[g], 0.05)
    data.frame(g, x, y = rgamma(200, 2, 2 / mean))
  })
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), d, Gamma("identity")))
  accuracy <- fit$status[fit$status$check == "accuracy", ]
  expect_false(accuracy$ok)
  if (fit$method == "laplace") {
    expect_match(accuracy$text, "the link cuts the integrand off (it reached", fixed = TRUE)
  } else {
    expect_gt(fit$quadrature$error$log_likelihood, 1e-3)
  }
})

test_that("what the default spends on quadrature has a limit, and the status says that it was reached", {
  # enough for the random slopes of toenail (1.4e9 in the test above), some seconds for few rows
  budget <- function(rows, link) quadrature_budget(list(rows = rows, family = binomial(link)))
  expect_gt(budget(1908, "probit"), 1.6e9)
  expect_gt(budget(1908, "logit"), budget(1908, "probit"))
  expect_lte(budget(300, "logit"), 4e8)
  expect_lte(budget(300, "cauchit"), 2e8)
  d <- with_seed(31, data.frame(g = factor(rep(1:10, each = 6)), x = runif(60), y = rbinom(60, 1, 0.4)))
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), d, binomial("cauchit"), method = "aghq"))
  engine <- engine_of(fit)
  own <- engine$start
  engine$notes$spent <- 0
  engine_pass(engine, own, 0L)
  # a node of a level counts for two rows
  expect_equal(engine$notes$spent, (60 + 2 * 10) * mean(engine$notes$nodes))
  narrow <- !fit$quadrature$wide
  expect_identical(engine$notes$nodes[narrow], fit$quadrature$nodes[narrow])
  engine$notes$budget <- 60
  from <- new_search_state(own)
  expect_null(within_budget(maximise_by_quadrature(engine, from, own, new_approximation("aghq"), glmm_control())))
  check <- check_accuracy(list(instead = NA_real_), glmm_control())
  expect_match(check$text, "too many nodes")
  expect_false(check$ok)
})
