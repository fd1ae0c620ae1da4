# The maximum by quadrature: nodes chosen at the end of coarse passes, a rule of the user's nodes, other maxima.
clustered_counts <- function(seed, sd, groups = 30L, size = 8L) {
  with_seed(seed, {
    g <- gl(groups, size)
    x <- sin(seq_len(groups * size))
    data.frame(g, x, y = stats::rpois(groups * size, exp(0.5 + 0.3 * x + stats::rnorm(groups, 0, sd)[g])))
  })
}

test_that("the accuracy asked for is kept, with no more nodes than it takes", {
  data <- wide_data(1, 1.5)
  fits <- lapply(c(1e-2, 1e-5, 1e-8), function(accuracy) {
    glmm(y ~ x + (1 | g), data, binomial, control = glmm_control(accuracy = accuracy))
  })
  model <- reference_from_formula(y ~ x + (1 | g), data, stats::binomial())
  total <- vapply(fits, function(fit) sum(fit$quadrature$nodes), 1)
  expect_true(all(diff(total) > 0))
  for (k in 1:3) {
    fit <- fits[[k]]
    expect_lte(fit$quadrature$error$log_likelihood, c(1e-2, 1e-5, 1e-8)[k])
    # the value shown is that of the judging rule
    exact <- reference_exact(model, fit$parameters, nodes = 401L)
    expect_lte(abs(as.numeric(logLik(fit)) - exact), fit$quadrature$error$log_likelihood + 1e-9)
    expect_true(fit$converged)
    # what was asked for is not marked
    expect_true(all(fit$status$ok))
  }
  se <- sqrt(diag(vcov(fits[[3L]], full = TRUE)))
  expect_lte(max(abs(fits[[1L]]$parameters - fits[[3L]]$parameters) / se), 0.1)
  expect_lte(max(abs(fits[[2L]]$parameters - fits[[3L]]$parameters) / se), 1e-3)
  refused(glmm_control(accuracy = 0), "argument", argument = "accuracy")
})

test_that("by default the limit grows with the levels, and estimates move by less than .001 standard errors", {
  limits <- function(levels, accuracy = NULL) {
    quadrature_limits(list(nesting = list(levels = levels)), list(accuracy = accuracy))
  }
  expect_equal(limits(10L), c(log_likelihood = 1e-5, shift = 1e-3))
  expect_equal(limits(c(60L, 500L))[["log_likelihood"]], 5e-5)
  expect_equal(limits(1e6L)[["log_likelihood"]], 1e-4)
  expect_equal(limits(10L, 1e-8), c(log_likelihood = 1e-8, shift = 1e-4))
  expect_equal(limits(10L, 1)[["shift"]], 0.1)
})

test_that("a rule of the user's nodes rests where it is placed anew at modes and curvatures", {
  data <- wide_data(2, 2)
  for (k in c(2L, 3L, 5L, 9L)) {
    fit <- glmm(y ~ x + (1 | g), data, binomial, nAGQ = k)
    expect_true(fit$converged)
    engine <- engine_of(fit)
    place_rule(engine, fit$parameters, fit$quadrature[c("nodes", "wide")], at_modes = TRUE)
    pass <- engine_pass(engine, fit$parameters, 2L)
    expect_equal(pass$value, as.numeric(logLik(fit)), tolerance = 1e-10)
    expect_lte(abs(sum(pass$gradient * solve(-pass$hessian, pass$gradient))) / 2, 1e-8)
    expect_equal(as.numeric(logLik(fit, parameters = fit$parameters)), as.numeric(logLik(fit)), tolerance = 1e-10)
    # its maximum by differences of values, nodes moving along, is nearer than the error that it states
    moving <- function(p) as.numeric(logLik(fit, parameters = p))
    slope <- reference_gradient(moving, fit$parameters, levels = 2L)
    se <- sqrt(diag(vcov(fit, full = TRUE)))
    expect_lte(max(abs(vcov(fit, full = TRUE) %*% slope) / se), max(5 * fit$quadrature$error$shift, 1e-4))
  }
})

test_that("the same maximum from anywhere, and few passes to it", {
  data <- clustered_counts(3, 0.6)
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  se <- sqrt(diag(vcov(fit, full = TRUE)))
  for (start in list(c(0, 0, 0.01), c(3, -2, 5), c(-1, 1, 30))) {
    again <- glmm(y ~ x + (1 | g), data, poisson, start = start)
    expect_true(again$converged)
    expect_lte(max(abs(again$parameters - fit$parameters) / se), 2e-3)
  }
  record <- component(fit, "search")$record
  expect_lte(sum(record$evaluations), 30)
})

test_that("a maximum at zero variance does not hide a higher one", {
  # the log-likelihood has its maximum where the profile in the standard deviation has
  for (seed in 1:6) {
    data <- with_seed(seed, {
      g <- gl(8, 3)
      data.frame(g, y = stats::rbinom(24, 1, stats::plogis(-1 + stats::rnorm(8, 0, if (seed %% 2) 0.2 else 3)[g])))
    })
    fit <- suppressWarnings(glmm(y ~ 1 + (1 | g), data, binomial))
    model <- reference_from_formula(y ~ 1 + (1 | g), data, stats::binomial())
    profile <- vapply(c(0.01, 0.3, 0.6, 1, 1.5, 2.5, 4, 8), function(sd) {
      along <- function(beta) reference_exact(model, c(beta, sd), nodes = 201L)
      stats::optimize(along, c(-8, 4), maximum = TRUE)$objective
    }, 1)
    expect_gte(as.numeric(logLik(fit)), max(profile) - 1e-6)
  }
})

test_that("places of few nodes are compared with some slack, and the highest is kept", {
  fit <- glmm(y ~ x + (1 | g), clustered_counts(4, 0.6), poisson)
  engine <- engine_of(fit)
  at <- function(sd, value) new_search_state(replace(fit$parameters, 3L, sd), value)
  expect_true(is_same_place(engine, at(0.6, -10), at(0.61, -10.01)))
  expect_false(is_same_place(engine, at(0.6, -10), at(0.6, -10.3)))
  expect_false(is_same_place(engine, at(0.6, -10), at(1.2, -10.01)))
  # not asked where data are many and the maximum is inside
  first <- new_search_state(fit$parameters, as.numeric(logLik(fit)), list("record"), status = "ok",
                            held = rep(FALSE, 3L), hessian = -diag(3L))
  found <- look_elsewhere(engine, first, first$parameters, coarse_rule(engine), glmm_control())
  expect_identical(found, list(places = list(first), record = list("record"), moved = FALSE))
})

test_that("from the boundary a search goes on where the log-likelihood rises inside", {
  data <- clustered_counts(5, 0.6)
  fit <- glmm(y ~ x + (1 | g), data, poisson)
  engine <- engine_of(fit)
  stuck <- pass_state(engine, replace(fit$parameters, 3L, 0), held = c(FALSE, FALSE, TRUE))
  expect_false(is.null(leave_boundary(engine, stuck)))
  end <- climb_with_rule(engine, stuck, glmm_control())
  expect_false(any(end$held))
  expect_equal(end$value, as.numeric(logLik(fit)), tolerance = 1e-6)
})

test_that("means and covariances are those of the maximum, also where another was searched last", {
  fit <- glmm(y ~ x + (1 | g), clustered_counts(6, 0.7), poisson)
  engine <- engine_of(fit)
  best <- new_search_state(fit$parameters, rule = fit$quadrature[c("nodes", "wide")])
  engine_pass(engine, fit$parameters + 1, 0L)
  place_for_good(engine, best)
  expect_equal(engine_moments(engine, fit_design(fit))[[1L]]$means, fit$means$g, tolerance = 1e-6)
})

test_that("what has been found is kept where the budget ends beside it", {
  # by few nodes a level there are two maxima
  data <- with_seed(17, {
    g <- gl(6L, 3L)
    x <- stats::rnorm(18L)
    data.frame(g, x, y = exp(-1 + 0.5 * x + stats::rnorm(6L)[g]) + stats::rnorm(18L, 0, 0.5))
  })
  fit <- suppressWarnings(glmm(y ~ x + (1 | g), data, gaussian("log")))
  climb <- function(budget = Inf) {
    engine <- engine_of(fit)
    engine$notes$spent <- 0
    engine$notes$budget <- budget
    found <- with_replaced("is_suspect", function(engine, best) TRUE, {
      within_budget(maximise_by_quadrature(engine, new_search_state(engine$start), engine$start,
                                           new_approximation("aghq"), glmm_control()))
    })
    list(found = found, spent = engine$notes$spent, budget = engine$notes$budget)
  }
  # no place but the first
  first <- with_replaced("as_budget_allows", function(engine, search) NULL, climb())
  whole <- climb()
  expect_gt(whole$spent, first$spent)
  ends <- climb((first$spent + whole$spent) / 2)
  expect_false(is.null(ends$found))
  expect_gte(ends$found$value, first$found$value - 1e-8)
  # not lifted for what comes after, and over by no more than placing the rule for good takes
  expect_equal(ends$budget, (first$spent + whole$spent) / 2)
  expect_null(climb(1)$found)
})

test_that("a rule of the user's nodes that does not settle has a gain all the same", {
  skip_if_not_installed("HSAUR3")
  fit <- suppressWarnings(glmm(outcome ~ treatment * visit + (1 | patientID), HSAUR3::toenail, binomial, nAGQ = 7))
  expect_length(component(fit, "status")$value[1L], 1L)
  engine <- engine_of(fit)
  state <- settle_at_modes(engine, pass_state(engine, fit$parameters * 1.1), most = 1L)
  expect_length(state$gain, 1L)
  expect_false(has_arrived(state, glmm_control()))
})
