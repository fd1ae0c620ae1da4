# Rscript inst/benchmarks/quadrature.R [--quick]: glimmer's quadrature against glmer's and GLMMadaptive's, the default
# call against glmer's Laplace approximation, and against glimmer's own with one thread and two, in one run. --quick
# leaves out the fits that take a peer more than some seconds, and takes smaller data (CI).
#
# Times the call a user types: the median of at least five runs after a warm-up; a peer's fit of more than 20 s is timed
# once. The log-likelihoods of a table are all by the first fit's rule, recomputed by glimmer at each package's
# estimates (glmer's own lacks constants for nAGQ > 1). The exit status is 1 when ours is below a peer's by more than
# 1e-5 and the error that it states.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))

quick <- "--quick" %in% commandArgs(TRUE)
runs <- if (quick) 2L else 5L

# A title, the calls by package, and how often faster than the first peer ours is asked to be.
describe <- function(title, needs, ours, peers, data) {
  list(title = title, needs = needs, ours = ours, peers = peers, data = data)
}

glmer_of <- function(formula, family, nAGQ) { # nolint: object_name_linter.
  function(data) lme4::glmer(formula, data, family, nAGQ = nAGQ)
}
glmm_of <- function(formula, family, ...) {
  function(data) glmm(formula, data, family, ...)
}

toenail <- outcome ~ treatment * time + (1 | patientID)
epil <- y ~ lbase * trt + lage + V4 + (1 | subject)
bacteria <- y ~ trt + I(week > 2) + (1 | ID)
contraception <- use ~ age + I(age^2) + urban + livch + (1 | district)

cases <- list(
  describe("toenail, 25 nodes", "HSAUR3", glmm_of(toenail, binomial(), nAGQ = 25),
           list("glmer, nAGQ = 25" = glmer_of(toenail, binomial(), 25L)), function() HSAUR3::toenail),
  describe("toenail with a random slope, 11 x 11 nodes", "HSAUR3",
           glmm_of(outcome ~ treatment * time + (time | patientID), binomial(), nAGQ = 11),
           list("GLMMadaptive, nAGQ = 11" = function(data) {
             GLMMadaptive::mixed_model(outcome ~ treatment * time, ~ time | patientID, data, binomial(), nAGQ = 11)
           }), function() HSAUR3::toenail),
  describe("toenail, the default call against glmer's Laplace", "HSAUR3", glmm_of(toenail, binomial()),
           list("glmer" = glmer_of(toenail, binomial(), 1L)), function() HSAUR3::toenail),
  describe("bacteria, likewise", "MASS", glmm_of(bacteria, binomial()),
           list("glmer" = glmer_of(bacteria, binomial(), 1L)), function() MASS::bacteria),
  describe("epil, likewise", "MASS", glmm_of(epil, poisson()),
           list("glmer" = glmer_of(epil, poisson(), 1L)), function() MASS::epil),
  describe("Contraception, likewise", "mlmRev", glmm_of(contraception, binomial()),
           list("glmer" = glmer_of(contraception, binomial(), 1L)), function() mlmRev::Contraception)
)

# Whole calls of the default method beside Laplace, and beside glm() where that says what the rows alone cost.
simulated_intercepts <- function(levels, rows_each = 20L) {
  set.seed(2)
  g <- rep(seq_len(levels), each = rows_each)
  x <- rnorm(levels * rows_each)
  data.frame(g, x, y = rbinom(length(x), 1L, plogis(-0.5 + 0.5 * x + rnorm(levels)[g])))
}
single_counts <- function(levels) {
  set.seed(3)
  x <- rnorm(levels)
  data.frame(g = seq_len(levels), x, y = rpois(levels, exp(0.5 + 0.3 * x)))
}
own_cases <- list(
  list(title = "100,000 binary rows, 5,000 levels, random slope, 11 columns", family = binomial(),
       formula = y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + (x1 | g),
       data = function() simulated_slopes(if (quick) 250L else 5000L)),
  list(title = "1,000,000 binary rows, 50,000 levels, random intercept", family = binomial(),
       formula = y ~ x + (1 | g), fixed = y ~ x, data = function() simulated_intercepts(if (quick) 1000L else 50000L)),
  list(title = "1,000,000 Poisson levels of one row", family = poisson(), formula = y ~ x + (1 | g),
       data = function() single_counts(if (quick) 5000L else 1000000L)),
  list(title = "toenail with a random slope", family = binomial(), needs = "HSAUR3",
       formula = outcome ~ treatment * time + (time | patientID), data = function() HSAUR3::toenail),
  list(title = "bacteria", family = binomial(), formula = bacteria, needs = "MASS", data = function() MASS::bacteria),
  list(title = "epil", family = poisson(), formula = epil, needs = "MASS", data = function() MASS::epil),
  list(title = "cbpp", family = binomial(), formula = cbind(incidence, size - incidence) ~ period + (1 | herd),
       needs = "lme4", data = function() lme4::cbpp)
)

# Median seconds of elapsed and of processor time.
time_call <- function(call) {
  first <- system.time(value <- call())
  many <- if (first[["elapsed"]] < 0.1) 20L else 1L
  times <- list(first)
  if (first[["elapsed"]] <= 20) {
    times <- replicate(runs, system.time(for (run in seq_len(many)) call()) / many, simplify = FALSE)
  }
  list(value = value, elapsed = median(vapply(times, `[[`, 1, "elapsed")),
       cpu = median(vapply(times, function(time) time[["user.self"]] + time[["sys.self"]], 1)))
}

compare_own <- function(case) {
  data <- case$data()
  fit <- function(threads, method) {
    function() {
      suppressWarnings(glmm(case$formula, data, case$family, method = method,
                            control = glmm_control(threads = threads)))
    }
  }
  calls <- list("quadrature, one thread" = fit(1L, "auto"), "quadrature, two threads" = fit(2L, "auto"),
                "Laplace, one thread" = fit(1L, "laplace"))
  if (!is.null(case$fixed)) calls[["stats::glm"]] <- function() glm(case$fixed, case$family, data)
  timed <- lapply(calls, time_call)
  error <- component(timed[[1L]]$value, "quadrature")$error
  data.frame(call = names(calls), elapsed = three_digits(vapply(timed, `[[`, 1, "elapsed")),
             cpu = three_digits(vapply(timed, `[[`, 1, "cpu")),
             logLik = formatC(vapply(timed, function(one) as.numeric(logLik(one$value)), 1), digits = 5L, format = "f"),
             error = c(rep(formatC(error$log_likelihood, digits = 1L), 2L), rep("-", length(calls) - 2L)),
             row.names = NULL)
}

# A peer's estimates under our own rule.
value_at <- function(ours, theirs) {
  parameters <- switch(class(theirs)[1L],
    glmerMod = as_parameters(ours, lme4::fixef(theirs), lme4::VarCorr(theirs)),
    MixMod = adaptive_parameters(ours, theirs)
  )
  as.numeric(logLik(ours, parameters = parameters))
}

adaptive_parameters <- function(ours, theirs) {
  parameters <- component(ours, "parameters")
  index <- component(ours, "index")
  root <- t(chol(theirs$D))
  parameters[index$beta] <- GLMMadaptive::fixef(theirs)
  parameters[unlist(index$theta)] <- root[lower.tri(root, diag = TRUE)]
  parameters
}

compare <- function(case) {
  data <- case$data()
  ours <- measure(function() case$ours(data), runs)
  if (inherits(ours$value, "error")) stop(ours$value)
  theirs <- lapply(case$peers, function(fit) measure(function() fit(data), runs, once_above = if (quick) 2 else 20))
  values <- vapply(theirs, function(one) {
    if (inherits(one$value, "error")) NA_real_ else value_at(ours$value, one$value)
  }, 1)
  seconds <- vapply(theirs, `[[`, 1, "seconds")
  error <- component(ours$value, "quadrature")$error
  data.frame(package = c("glimmer", names(theirs)), seconds = c(ours$seconds, seconds),
             ratio = c(1, seconds / ours$seconds), logLik = c(component(ours$value, "log_likelihood"), values),
             our_error = c(error$log_likelihood, rep(NA, length(theirs))), row.names = NULL)
}

options(width = 120)
below <- character()
for (case in cases) {
  packages <- c(case$needs, if (any(grepl("glmer", names(case$peers)))) "lme4" else "GLMMadaptive")
  absent <- packages[!vapply(packages, requireNamespace, NA, quietly = TRUE)]
  if (length(absent)) {
    cat("\n", case$title, ": skipped, needs ", toString(absent), "\n", sep = "")
    next
  }
  if (quick && "GLMMadaptive" %in% packages) next
  table <- compare(case)
  cat("\n", case$title, "\n", sep = "")
  # of given nodes the maximum is that of a rule that stays, which may be lower by as much as the rule's error
  room <- 1e-5 + table$our_error[1L]
  if (any(table$logLik[-1L] > table$logLik[1L] + room, na.rm = TRUE)) below <- c(below, case$title)
  shown <- transform(table, seconds = three_digits(seconds), ratio = three_digits(ratio),
                     logLik = formatC(logLik, digits = 5L, format = "f"), our_error = formatC(our_error, digits = 1L))
  print(shown, row.names = FALSE)
}
for (case in own_cases) {
  if (!is.null(case$needs) && !requireNamespace(case$needs, quietly = TRUE)) next
  cat("\n", case$title, if (quick) " (quick: fewer levels)", "\n", sep = "")
  print(compare_own(case), row.names = FALSE)
}
print_machine(c("glimmer", "lme4", "GLMMadaptive", "mlmRev", "HSAUR3", "MASS"))
if (length(below)) {
  cat("log-likelihood below a peer's at the same rule:", toString(below), "\n")
  quit(status = 1L)
}
