# Rscript inst/benchmarks/families.R [--quick] [case ...]: glimmer's Laplace fits of families with a shape against
# glmmTMB's, in one run; --quick takes less data and fewer runs (CI), names of cases take those alone.
#
# Times are those of laplace.R: the call a user types, the median of at least five runs after a warm-up. The
# log-likelihood of glmmTMB's estimates is recomputed by glimmer's Laplace approximation: `minus_ours` says what its
# optimum is worth on the same scale. The exit status is 1 when ours is below it by more than 1e-6.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))
if (!requireNamespace("glmmTMB", quietly = TRUE)) {
  cat("glmmTMB is not installed: nothing to compare with\n")
  quit()
}

quick <- "--quick" %in% commandArgs(TRUE)
time_fit <- function(fit) {
  if (quick) measure(fit, runs = 2L, in_all = 0.1, once_above = 0.2) else measure(fit, 5L, once_above = 20)
}

# Responses of each family in groups of 50 rows, or of 20, from one linear predictor with a random intercept.
simulated <- function(rows, each = 50L) {
  set.seed(1)
  g <- gl(rows %/% each, each)
  x <- rnorm(rows)
  eta <- 0.3 * x + rnorm(nlevels(g), 0, 0.5)[g]
  p <- stats::plogis(eta)
  proportion <- stats::rbeta(rows, 8 * p, 8 * (1 - p))
  trials <- 1L + stats::rpois(rows, 8)
  data.frame(g, x, count = stats::rnbinom(rows, size = 2, mu = exp(1.5 + eta)), trials,
             proportion = pmin(pmax(proportion, 1e-6), 1 - 1e-6), successes = stats::rbinom(rows, trials, proportion),
             positive = exp(eta + rnorm(rows, 0, 0.7)))
}

describe <- function(formula, family, data, needs = character()) {
  list(formula = formula, family = family, data = data, needs = needs)
}

from_template <- function(name) {
  function() {
    utils::data(list = name, package = "glmmTMB", envir = environment())
    get(name)
  }
}
owls <- SiblingNegotiation ~ FoodTreatment * SexParent + offset(logBroodSize) + (1 | Nest)
salamanders <- count ~ mined + spp + (1 | site)
epil <- y ~ lbase * trt + lage + V4 + (1 | subject)
of_g <- function(response) stats::reformulate("x + (1 | g)", response)
small <- function() simulated(if (quick) 400L else 1200L, 20L)
large <- function() simulated(if (quick) 1e4 else 1e5)

# `family` is the name in both packages; `data` is a function.
cases <- list(
  epil_nbinom2 = describe(epil, "nbinom2", function() MASS::epil, "MASS"),
  epil_nbinom1 = describe(epil, "nbinom1", function() MASS::epil, "MASS"),
  Owls_nbinom2 = describe(owls, "nbinom2", from_template("Owls")),
  Owls_nbinom1 = describe(owls, "nbinom1", from_template("Owls")),
  Salamanders_nbinom2 = describe(salamanders, "nbinom2", from_template("Salamanders")),
  Salamanders_nbinom1 = describe(salamanders, "nbinom1", from_template("Salamanders")),
  Salamanders_genpois = describe(salamanders, "genpois", from_template("Salamanders")),
  Salamanders_truncated_nbinom2 = describe(salamanders, "truncated_nbinom2", function() {
    subset(from_template("Salamanders")(), count > 0)
  }),
  beta = describe(of_g("proportion"), "beta_family", small),
  betabinomial = describe(of_g("cbind(successes, trials - successes)"), "betabinomial", small),
  lognormal = describe(of_g("positive"), "lognormal", small),
  large_nbinom2 = describe(of_g("count"), "nbinom2", large),
  large_nbinom1 = describe(of_g("count"), "nbinom1", large),
  large_beta = describe(of_g("proportion"), "beta_family", large)
)

fit_glimmer <- function(threads = NULL) {
  function(case) {
    family <- getExportedValue("glimmer", case$family)
    glmm(case$formula, case$data, family, method = "laplace", control = glmm_control(threads = threads))
  }
}

fit_template <- function(threads) {
  function(case) {
    family <- getExportedValue("glmmTMB", case$family)
    glmmTMB::glmmTMB(case$formula, case$data, family, control = glmmTMB::glmmTMBControl(parallel = threads))
  }
}

contestants <- list("glimmer" = fit_glimmer(), "glimmer, 1 thread" = fit_glimmer(1),
                    "glmmTMB, 1 thread" = fit_template(1L), "glmmTMB, 2 threads" = fit_template(2L))

estimates <- function(theirs, fit) {
  if (inherits(theirs, "glimmer")) {
    return(component(theirs, "parameters"))
  }
  fixed <- glmmTMB::fixef(theirs)
  as_parameters(fit, fixed$cond, glmmTMB::VarCorr(theirs)$cond, fixed$disp)
}

# One row of the table; `ours` is the result of the first contestant.
row_of <- function(name, result, ours) {
  if (inherits(result$value, "error")) {
    return(data.frame(package = name, seconds = NA, runs = 0, ratio = NA, value = NA, minus_ours = NA,
                      warnings = length(result$warnings), evaluations = NA))
  }
  value <- as.numeric(logLik(ours$value, parameters = estimates(result$value, ours$value)))
  record <- if (inherits(result$value, "glimmer")) component(result$value, "search")$record
  data.frame(package = name, seconds = result$seconds, runs = result$runs, ratio = result$seconds / ours$seconds,
             value = value, minus_ours = value - component(ours$value, "log_likelihood"),
             warnings = length(result$warnings), evaluations = if (is.null(record)) NA else sum(record$evaluations))
}

compare <- function(case) {
  case$data <- case$data()
  results <- lapply(contestants, function(fit) time_fit(function() fit(case)))
  if (inherits(results[[1L]]$value, "error")) stop(results[[1L]]$value)
  do.call(rbind, unname(Map(row_of, names(results), results, results[1L])))
}

# Seconds of glmmTMB's faster fit, and the better of its log-likelihoods.
summarise <- function(name, table) {
  peers <- table[grepl("^glmmTMB", table$package), ]
  data.frame(case = name, seconds = table$seconds[1L], peer = min(peers$seconds, Inf, na.rm = TRUE),
             ratio = min(peers$ratio, Inf, na.rm = TRUE),
             one_thread_ratio = peers$seconds[1L] / table$seconds[2L],
             ours_minus_best = -max(peers$minus_ours, -Inf, na.rm = TRUE))
}

options(width = 140)
began <- Sys.time()
asked <- grep("^--", commandArgs(TRUE), value = TRUE, invert = TRUE)
if (length(setdiff(asked, names(cases)))) stop("the cases are ", toString(names(cases)))
summaries <- NULL
for (name in if (length(asked)) asked else names(cases)) {
  case <- cases[[name]]
  if (!all(vapply(case$needs, requireNamespace, NA, quietly = TRUE))) {
    cat("\n", name, ": skipped, its data are in ", toString(case$needs), ", which is not installed\n", sep = "")
    next
  }
  table <- compare(case)
  cat("\n", name, ": ", deparse1(case$formula), ", ", case$family, "\n", sep = "")
  print_table(table)
  summaries <- rbind(summaries, summarise(name, table))
}
cat("\nsummary (ratio: seconds of glmmTMB's faster fit to ours by default)\n")
print_table(summaries)
print_machine(c("glimmer", "glmmTMB", "TMB", "Matrix", "MASS"))
cat("in all ", three_digits(as.numeric(difftime(Sys.time(), began, units = "secs"))), " s",
    if (quick) " (--quick: less data, fewer runs)", "\n", sep = "")
below <- summaries$case[which(summaries$ours_minus_best < -1e-6)]
if (length(below)) {
  cat("log-likelihood below glmmTMB's by more than 1e-6:", toString(below), "\n")
  quit(status = 1L)
}
