# Data and a shortcut for the tests of the front stages (formula, frame, response, design).

front_data <- function() {
  set.seed(1)
  n <- 120L
  g <- factor(rep(sprintf("g%02d", 1:12), each = 10))
  x <- rnorm(n)
  z <- rnorm(n)
  f <- factor(sample(c("a", "b", "c"), n, TRUE))
  eta <- 0.3 + 0.5 * x + rnorm(12, 0, 0.7)[as.integer(g)]
  data.frame(g = g, h = factor(rep(1:10, 12)), x = x, z = z, f = f, yg = eta + rnorm(n),
             yb = rbinom(n, 1, plogis(eta)), yc = rpois(n, exp(eta)), yp = rgamma(n, 3, 3 / exp(eta)), m = 10L,
             s = rbinom(n, 10, plogis(eta)), w = runif(n, 0.5, 2), o = runif(n), gn = as.integer(g))
}

# The arguments and stages of glmm() up to the design.
front <- function(formula, data, family = gaussian(), weights = NULL, offset = NULL, subset = NULL,
                  na.action = na.omit, contrasts = NULL) {
  call <- match.call()
  env <- parent.frame()
  if (missing(data)) data <- NULL
  family <- resolve_family(family)
  parts <- parse_formula(formula, data, env)
  frame <- build_frame(call, parts, env, data)
  list(parts = parts, frame = frame, family = family, design = build_design(parts, frame, family, contrasts))
}

#' The engine of a fit's model as the search has it, with the rule of the fit placed at the estimates, where it has one,
#' and `start`: the parameters that the search begins from.
engine_of <- function(fit) {
  design <- fit_design(fit)
  engine <- new_engine(design, fit$family)
  start <- find_start(design, fit$family, engine)
  start <- shrink_effects(engine, start)
  if (!is.null(fit$quadrature)) place_rule(engine, fit$parameters, fit$quadrature[c("nodes", "wide")])
  c(engine, list(start = start))
}

#' A rule set and placed at parameters: at modes and curvatures, or around the means that some nodes there find
place_rule <- function(engine, parameters, rule, at_modes = FALSE) {
  engine_set_rule(engine, uniform_rule(engine, if (sum(engine$nesting$effects) > 2L) 7L else 15L))
  stopifnot(engine_place_rule(engine, parameters) == "ok")
  for (round in if (!at_modes) 1:3) {
    if (round == 2L) engine_set_rule(engine, rule)
    engine_pass(engine, parameters, 0L)
    engine_place_rule(engine)
  }
  engine_set_rule(engine, rule)
}

# The error that an expression signals, with its fields.
error_of <- function(expression) {
  tryCatch({
    expression
    NULL
  }, error = identity)
}

# What fit_design() needs of a fit.
front_fit <- function(stages) {
  design <- stages$design
  list(frame = stages$frame, family = stages$family, terms = design$fixed$terms, xlevels = design$fixed$xlevels,
       contrasts = design$fixed$contrasts, random = design$terms, kept = design$aliasing$kept,
       relations = design$aliasing$relations)
}

# An error or a warning of the class, with these facts in its fields.
refused <- function(expression, class, ...) {
  condition <- error_of(expression)
  expect_s3_class(condition, paste0("glimmer_error_", class))
  facts <- list(...)
  for (field in names(facts)) expect_equal(condition[[field]], facts[[field]])
  condition
}

warned <- function(expression, class, ...) {
  condition <- tryCatch(expression, glimmer_warning = identity)
  expect_s3_class(condition, paste0("glimmer_warning_", class))
  facts <- list(...)
  for (field in names(facts)) expect_equal(condition[[field]], facts[[field]])
}
