# Rscript inst/benchmarks/likelihood.R [--quick]: the log-likelihoods that the default calls of glimmer, glmer and
# glmmTMB report for one model, and what they are at the estimates of each. --quick leaves out the fit of half a minute.
#
# `reported` is logLik() of the fit. `exact` is the log-likelihood at the fit's estimates by a rule that shares nothing
# with the packages: the trapezoid rule over a fixed grid of the random effects, in plain R; `coarser`, the same by
# steps half as large again, says how exact that is. No times: these numbers do not depend on the load of the machine.
# The exit status is 1 when what glimmer reports differs from `exact` by more than 1e-3.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))

cases <- list(
  list(title = "toenail with a random intercept", formula = outcome ~ treatment * time + (1 | patientID)),
  list(title = "toenail with a random slope", formula = outcome ~ treatment * time + (time | patientID))
)
if ("--quick" %in% commandArgs(TRUE)) cases <- cases[1L]

# The log-likelihood of a binary logit model with one grouping factor at given parameters, by the trapezoid rule in the
# standardised effects u of a group, from -9 to 9: on the whole line it converges faster than any power of its step.
by_trapezoid <- function(fit, parameters, step) {
  index <- component(fit, "index")
  term <- component(fit, "random")[[1L]]
  size <- length(term$names)
  root <- matrix(0, size, size)
  root[lower.tri(root, diag = TRUE)] <- parameters[index$theta[[1L]]]
  points <- as.matrix(expand.grid(rep(list(seq(-9, 9, by = step)), size)))
  log_weights <- rowSums(dnorm(points, log = TRUE)) + size * log(step)
  points <- points[log_weights > -45, , drop = FALSE]
  log_weights <- log_weights[log_weights > -45]
  effects <- points %*% t(root)
  frame <- model.frame(fit)
  fixed <- drop(model.matrix(fit) %*% parameters[index$beta])
  Z <- model.matrix(fit)[, term$names, drop = FALSE]
  sign <- 2 * (as.integer(model.response(frame)) - 1) - 1
  sum(vapply(split(seq_along(fixed), frame[[term$group]], drop = TRUE), function(rows) {
    density <- log_weights
    for (row in rows) {
      density <- density - log1p(exp(-sign[row] * (fixed[row] + drop(effects %*% Z[row, ]))))
    }
    top <- max(density)
    top + log(sum(exp(density - top)))
  }, 1))
}

packages <- list(
  glimmer = function(formula, data) glmm(formula, data, binomial),
  lme4 = function(formula, data) lme4::glmer(formula, data, binomial),
  glmmTMB = function(formula, data) glmmTMB::glmmTMB(formula, data, binomial)
)

as_parameters_of <- function(name, value, ours) {
  switch(name,
    glimmer = component(ours, "parameters"),
    lme4 = as_parameters(ours, lme4::fixef(value), lme4::VarCorr(value)),
    glmmTMB = as_parameters(ours, glmmTMB::fixef(value)$cond, glmmTMB::VarCorr(value)$cond)
  )
}

compare <- function(case, data) {
  fits <- lapply(packages, function(fit) run_once(function() fit(case$formula, data)))
  failed <- Filter(function(fit) inherits(fit$value, "error"), fits)
  if (length(failed)) stop(failed[[1L]]$value)
  ours <- fits$glimmer$value
  lines <- Map(function(name, fit) {
    parameters <- as_parameters_of(name, fit$value, ours)
    sd <- abs(parameters[component(ours, "index")$theta[[1L]][1L]])
    data.frame(package = name, reported = as.numeric(logLik(fit$value)), exact = by_trapezoid(ours, parameters, 0.04),
               coarser = by_trapezoid(ours, parameters, 0.06), intercept = parameters[1L], sd = sd,
               warnings = length(fit$warnings), row.names = NULL)
  }, names(fits), fits)
  list(ours = ours, table = do.call(rbind, unname(lines)), warnings = lapply(fits, `[[`, "warnings"))
}

options(width = 120)
absent <- Filter(function(name) !requireNamespace(name, quietly = TRUE), c("HSAUR3", "lme4", "glmmTMB"))
if (length(absent)) {
  cat("skipped, needs", toString(absent), "\n")
  quit(status = 0L)
}
apart <- character()
for (case in cases) {
  result <- compare(case, HSAUR3::toenail)
  cat("\n", case$title, ": ", deparse1(case$formula), ", binomial; 'sd' is that of the intercepts\n", sep = "")
  shown <- result$table
  for (name in c("reported", "exact", "coarser")) shown[[name]] <- formatC(shown[[name]], digits = 4L, format = "f")
  for (name in c("intercept", "sd")) shown[[name]] <- three_digits(shown[[name]])
  print(shown, row.names = FALSE)
  for (name in names(result$warnings)) {
    for (text in result$warnings[[name]]) cat("  ", name, ": ", strtrim(gsub("\n", " ", text), 110), "\n", sep = "")
  }
  status <- component(result$ours, "status")
  cat(paste0("  glimmer [", ifelse(status$ok, "ok", "!!"), "] ", status$text, "\n"), sep = "")
  if (abs(result$table$reported[1L] - result$table$exact[1L]) > 1e-3) apart <- c(apart, case$title)
}
print_machine(c("glimmer", "lme4", "glmmTMB", "HSAUR3"))
if (length(apart)) {
  cat("log-likelihood differs from the trapezoid rule's:", toString(apart), "\n")
  quit(status = 1L)
}
