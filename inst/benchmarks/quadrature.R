# Rscript inst/benchmarks/quadrature.R [--quick]: glimmer's quadrature against glmer's and GLMMadaptive's, and the
# default call against glmer's Laplace approximation, in one run. --quick leaves out the fits that take a peer more than
# some seconds (CI).
#
# Times the call a user types: the median of at least five runs after a warm-up; a peer's fit of more than 20 s is timed
# once. The log-likelihoods of a table are all by the first fit's rule, recomputed by glimmer at each package's
# estimates (glmer's own lacks constants for nAGQ > 1). The exit status is 1 when ours is below a peer's by more than
# 1e-5.
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
  if (any(table$logLik[-1L] > table$logLik[1L] + 1e-5, na.rm = TRUE)) below <- c(below, case$title)
  shown <- transform(table, seconds = three_digits(seconds), ratio = three_digits(ratio),
                     logLik = formatC(logLik, digits = 5L, format = "f"), our_error = formatC(our_error, digits = 1L))
  print(shown, row.names = FALSE)
}
print_machine(c("glimmer", "lme4", "GLMMadaptive", "mlmRev", "HSAUR3", "MASS"))
if (length(below)) {
  cat("log-likelihood below a peer's at the same rule:", toString(below), "\n")
  quit(status = 1L)
}
