# Rscript inst/benchmarks/laplace.R [--quick] [case ...]: glimmer's Laplace fits against glmer's and glmmTMB's, in one
# run; --quick takes smaller data and fewer runs (CI), names of cases take those alone.
#
# Times the call a user types, formula to fitted object with its covariance: the median of at least five runs after a
# warm-up, of more where they take less than half a second together. A fit of more than 60 s is timed once, without a
# warm-up (column `runs`). glmmTMB's call includes its covariance (sdreport) by default. glmer's includes it where it
# takes derivatives, as its default does below 1e5 rows; with calc.derivs = FALSE the observed information is never
# computed, and that call does less than the others.
#
# All log-likelihoods are recomputed by one function, glimmer's Laplace approximation, at each package's estimates:
# `minus_ours` says what another's optimum is worth on the same scale. The exit status is 1 when ours is below the best
# by more than 1e-6.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))

quick <- "--quick" %in% commandArgs(TRUE)
# --once-above=20: fits of more than so many seconds are timed once, without a warm-up
option <- grep("^--once-above=", commandArgs(TRUE), value = TRUE)
once_above <- if (length(option)) as.numeric(sub(".*=", "", option)) else 60
# --without=lme4: not this package (its glmer() takes some five minutes for InstEval, ten for the slopes)
without <- sub("^--without=", "", grep("^--without=", commandArgs(TRUE), value = TRUE))
time_fit <- function(fit) {
  if (quick) measure(fit, runs = 2L, in_all = 0.1, once_above = 0.2) else measure(fit, 5L, once_above = once_above)
}

# The quick runs take the rows of the first levels of a grouping factor.
first_levels <- function(data, group, number) {
  if (quick) droplevels(data[data[[group]] %in% levels(data[[group]])[seq_len(number)], ]) else data
}

describe <- function(formula, family, data, needs = "lme4", fixed = NULL) {
  list(formula = formula, family = family, data = data, needs = needs, fixed = fixed)
}

# `data` is a function, as a package of data may be missing; `fixed` is the formula of a glm() to compare with.
cases <- list(
  cbpp = describe(cbind(incidence, size - incidence) ~ period + (1 | herd), binomial(), function() lme4::cbpp,
                  fixed = cbind(incidence, size - incidence) ~ period),
  epil = describe(y ~ lbase * trt + lage + V4 + (1 | subject), poisson(), function() MASS::epil, "MASS"),
  toenail = describe(outcome ~ treatment * time + (1 | patientID), binomial(), function() {
    first_levels(HSAUR3::toenail, "patientID", 150L)
  }, "HSAUR3"),
  Contraception = describe(use ~ age + I(age^2) + urban + livch + (urban | district), binomial(),
                           function() mlmRev::Contraception, "mlmRev"),
  grouseticks = describe(TICKS ~ YEAR + height + (1 | BROOD) + (1 | INDEX) + (1 | LOCATION), poisson(), function() {
    transform(lme4::grouseticks, height = as.numeric(scale(HEIGHT)))
  }),
  VerbAgg = describe(r2 ~ Anger + Gender + btype + situ + (1 | id) + (1 | item), binomial(), function() {
    first_levels(lme4::VerbAgg, "id", 100L)
  }),
  slopes = describe(y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + (x1 | g), binomial(), function() {
    simulated_slopes(if (quick) 100L else 5000L)
  }, character()),
  InstEval = describe(high ~ 1 + (1 | s) + (1 | d), binomial(), function() {
    first_levels(transform(lme4::InstEval, high = as.numeric(as.integer(y) >= 4)), "d", 60L)
  })
)

fit_glimmer <- function(threads = NULL) {
  function(case) {
    glmm(case$formula, case$data, case$family, method = "laplace", control = glmm_control(threads = threads))
  }
}

fit_lme4 <- function(control) {
  function(case) lme4::glmer(case$formula, case$data, case$family, control = control())
}

fit_template <- function(threads) {
  function(case) {
    control <- glmmTMB::glmmTMBControl(parallel = threads)
    glmmTMB::glmmTMB(case$formula, case$data, case$family, control = control)
  }
}

exact_inside <- function() lme4::glmerControl(optimizer = "nloptwrap", calc.derivs = FALSE, tolPwrss = 1e-10)

contestants <- list(
  "glimmer" = list(fit = fit_glimmer(), needs = "glimmer"),
  "glimmer, 1 thread" = list(fit = fit_glimmer(1), needs = "glimmer"),
  "glmer" = list(fit = fit_lme4(function() lme4::glmerControl()), needs = "lme4"),
  "glmer, nloptwrap 1e-10" = list(fit = fit_lme4(exact_inside), needs = "lme4"),
  "glmmTMB, 1 thread" = list(fit = fit_template(1L), needs = "glmmTMB"),
  "glmmTMB, 2 threads" = list(fit = fit_template(2L), needs = "glmmTMB")
)

estimates <- function(theirs, fit) {
  switch(class(theirs)[1L],
    glimmer = component(theirs, "parameters"),
    glmmTMB = as_parameters(fit, glmmTMB::fixef(theirs)$cond, glmmTMB::VarCorr(theirs)$cond),
    glmerMod = as_parameters(fit, lme4::fixef(theirs), lme4::VarCorr(theirs))
  )
}

# What the optimiser says of itself; the doubts of a package about it are among the warnings.
has_converged <- function(fit) {
  switch(class(fit)[1L],
    glimmer = component(fit, "converged"),
    glmmTMB = fit$fit$convergence == 0L && isTRUE(fit$sdr$pdHess),
    glmerMod = fit@optinfo$conv$opt == 0L,
    glm = fit$converged,
    NA
  )
}

# One row of the table; `ours` is the result of the first contestant.
row_of <- function(name, result, ours) {
  parameters <- estimates(result$value, ours$value)
  value <- if (is.null(parameters)) NA_real_ else as.numeric(logLik(ours$value, parameters = parameters))
  record <- if (inherits(result$value, "glimmer")) component(result$value, "search")$record
  data.frame(package = name, seconds = result$seconds, runs = result$runs, ratio = result$seconds / ours$seconds,
             value = value, minus_ours = value - component(ours$value, "log_likelihood"),
             converged = has_converged(result$value), warnings = length(result$warnings),
             evaluations = if (is.null(record)) NA else sum(record$evaluations))
}

compare <- function(case) {
  case$data <- case$data()
  present <- Filter(function(one) !one$needs %in% without && requireNamespace(one$needs, quietly = TRUE), contestants)
  results <- lapply(present, function(one) time_fit(function() one$fit(case)))
  if (!is.null(case$fixed)) {
    fixed_part <- function() stats::glm(case$fixed, case$family, case$data)
    results[c("glimmer, in turn", "stats::glm, in turn")] <-
      measure_in_turn(function() present[[1L]]$fit(case), fixed_part, if (quick) 10L else 200L)
  }
  ours <- results[[1L]]
  if (inherits(ours$value, "error")) stop(ours$value)
  list(table = do.call(rbind, unname(Map(row_of, names(results), results, list(ours)))),
       words = unlist(Map(words_of, names(results), results), use.names = FALSE))
}

# The errors and warnings of a fit, one line each.
words_of <- function(name, result) {
  said <- c(if (inherits(result$value, "error")) paste("error:", conditionMessage(result$value)), result$warnings)
  if (length(said)) paste0(name, ": ", strtrim(gsub("[[:space:]]+", " ", unique(said)), 110L))
}

# Seconds of the fastest other package, log-likelihood of the best of them, and the glm where there is one.
summarise <- function(name, table) {
  peers <- table[!grepl("^glimmer|^stats", table$package) & !is.na(table$value), ]
  ours <- table[1L, ]
  in_turn <- table$seconds[grepl("in turn$", table$package)]
  fastest <- peers[which.min(peers$seconds), ]
  best <- if (nrow(peers)) max(peers$value) else NA_real_
  data.frame(case = name, seconds = ours$seconds, fastest_peer = c(fastest$package, "none")[1L],
             ratio = c(fastest$ratio, NA)[1L], one_thread_ratio = c(fastest$seconds, NA)[1L] / table$seconds[2L],
             ours_minus_best = ours$value - best, times_glm = c(in_turn, NA)[1L] / c(in_turn, NA, NA)[2L])
}

options(width = 140)
began <- Sys.time()
asked <- grep("^--", commandArgs(TRUE), value = TRUE, invert = TRUE)
if (length(setdiff(asked, names(cases)))) stop("the cases are ", toString(names(cases)))
for (needed in c("lme4", "glmmTMB")) {
  if (!requireNamespace(needed, quietly = TRUE)) cat(needed, "is not installed: its fits are left out\n")
}
summaries <- NULL
for (name in if (length(asked)) asked else names(cases)) {
  case <- cases[[name]]
  if (!all(vapply(case$needs, requireNamespace, NA, quietly = TRUE))) {
    cat("\n", name, ": skipped, its data are in ", toString(case$needs), ", which is not installed\n", sep = "")
    next
  }
  compared <- compare(case)
  cat("\n", name, ": ", deparse1(case$formula), ", ", case$family$family, "\n", sep = "")
  print_table(compared$table)
  if (length(compared$words)) cat(paste0("  ", compared$words), sep = "\n")
  summaries <- rbind(summaries, summarise(name, compared$table))
}
if (is.null(summaries)) stop("nothing could be compared")
cat("\nsummary (ratio: seconds of the fastest peer to ours by default; times_glm: ours to those of stats::glm)\n")
print_table(summaries)
print_machine(c("glimmer", "lme4", "glmmTMB", "TMB", "Matrix", "nloptr", "mlmRev", "HSAUR3", "MASS"))
cat("in all ", three_digits(as.numeric(difftime(Sys.time(), began, units = "secs"))), " s",
    if (quick) " (--quick: smaller data, fewer runs)", "\n", sep = "")
below <- summaries$case[which(summaries$ours_minus_best < -1e-6)]
if (length(below)) {
  cat("log-likelihood below the best by more than 1e-6:", toString(below), "\n")
  quit(status = 1L)
}
