# Rscript inst/benchmarks/lmm.R [--quick] [case ...]: glimmer's linear mixed models against lmer()'s, in one run; then
# the time of one evaluation at 1e5 and 1e6 rows. --quick takes smaller data and fewer runs (CI), names of cases take
# those alone.
#
# Times the call a user types, formula to fitted object with its covariance: medians as in laplace.R; a fit of more than
# 10 s is timed once. `minus_ours` is the peer's criterion (restricted or ordinary log-likelihood) less ours at each
# package's own optimum: both are exact, and the larger one is the better. The exit status is 1 when ours is below by
# more than 1e-6. sleepstudy's fits, of milliseconds, take turns.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))

quick <- "--quick" %in% commandArgs(TRUE)

# Rows in random order, as data come; `groups` levels with an intercept and a slope each.
simulated <- function(rows, groups, covariates = 2L) {
  set.seed(1)
  g <- factor(sample.int(groups, rows, replace = TRUE))
  x <- matrix(rnorm(rows * covariates), rows, dimnames = list(NULL, paste0("x", seq_len(covariates))))
  effects <- cbind(rnorm(groups), rnorm(groups, 0, 0.5))
  data.frame(g, x, y = 1 + drop(x %*% rep(0.2, covariates)) + effects[g, 1L] + effects[g, 2L] * x[, 1L] + rnorm(rows))
}

case_of <- function(formula, data, REML = TRUE) list(formula = formula, data = data, REML = REML)

cases <- list(
  sleepstudy = case_of(Reaction ~ Days + (Days | Subject), function() lme4::sleepstudy),
  sleepstudy_ML = case_of(Reaction ~ Days + (Days | Subject), function() lme4::sleepstudy, REML = FALSE),
  Machines = case_of(score ~ Machine + (0 + Machine | Worker), function() as.data.frame(nlme::Machines)),
  Penicillin = case_of(diameter ~ 1 + (1 | plate) + (1 | sample), function() lme4::Penicillin),
  InstEval = case_of(y ~ service + lectage + studage + (1 | s) + (1 | d) + (1 | dept), function() {
    data <- transform(lme4::InstEval, y = as.numeric(y))
    if (quick) droplevels(data[data$dept %in% c("1", "4", "10"), ]) else data
  }),
  slopes = case_of(y ~ x1 + x2 + (x1 | g), function() if (quick) simulated(2e4L, 1e3L) else simulated(1e6L, 2e4L))
)

fit_ours <- function(case) glmm(case$formula, case$data, REML = case$REML)
fit_peer <- function(case) lme4::lmer(case$formula, case$data, REML = case$REML)

compare <- function(case) {
  case$data <- case$data()
  ours <- function() fit_ours(case)
  peer <- function() fit_peer(case)
  if (nrow(case$data) < 500L) {
    results <- measure_in_turn(ours, peer, if (quick) 10L else 50L)
  } else {
    results <- lapply(list(ours, peer), measure, runs = if (quick) 2L else 5L, in_all = if (quick) 0.1 else 0.5,
                      once_above = if (quick) 0.2 else 10)
  }
  for (result in results) if (inherits(result$value, "error")) stop(result$value)
  ours <- results[[1L]]
  peer <- results[[2L]]
  error_of_se <- max(abs(sqrt(diag(as.matrix(vcov(peer$value)))) / sqrt(diag(vcov(ours$value))) - 1))
  data.frame(criterion = if (case$REML) "REML" else "ML", rows = nobs(ours$value), seconds = three_digits(ours$seconds),
             lmer = three_digits(peer$seconds), runs = ours$runs, ratio = three_digits(peer$seconds / ours$seconds),
             logLik = formatC(as.numeric(logLik(ours$value)), digits = 6L, format = "f"),
             minus_ours = as.numeric(logLik(peer$value)) - as.numeric(logLik(ours$value)), se_differ = error_of_se,
             evaluations = sum(component(ours$value, "search")$record$evaluations), warnings = length(peer$warnings))
}

# Seconds of one value with its gradient, the cross products being there; and of forming them.
evaluation_seconds <- function(rows, groups) {
  fit <- glmm(y ~ x1 + x2 + (x1 | g), simulated(rows, groups), REML = TRUE)
  internal <- asNamespace("glimmer")
  design <- internal$fit_design(fit)
  layout <- internal$engine_layout(design, fit$family, "profile", REML = TRUE)
  formed <- measure(function() internal$open_engine(layout, design, fit$family, NULL), runs = 5L)
  engine <- formed$value
  parameters <- component(fit, "parameters")
  theta <- unlist(component(fit, "index")$theta)
  shift <- 0
  evaluation <- measure(function() {
    shift <<- shift + 1e-4
    internal$engine_evaluate(engine, replace(parameters, theta, parameters[theta] + shift), gradient = TRUE)
  }, runs = 50L)
  data.frame(rows = rows, groups = groups, forming_ms = 1000 * formed$seconds,
             evaluation_ms = 1000 * evaluation$seconds)
}

options(width = 160)
began <- Sys.time()
asked <- grep("^--", commandArgs(TRUE), value = TRUE, invert = TRUE)
if (length(setdiff(asked, names(cases)))) stop("the cases are ", toString(names(cases)))
table <- do.call(rbind, lapply(if (length(asked)) asked else names(cases), function(name) {
  cbind(case = name, compare(cases[[name]]))
}))
cat("seconds of glmm() and lmer(), and their ratio\n")
shown <- table
for (column in c("minus_ours", "se_differ")) shown[[column]] <- formatC(shown[[column]], digits = 1L, format = "e")
print(shown, row.names = FALSE, right = TRUE)
if (!length(asked)) {
  cat("\none evaluation with its gradient, random intercept and slope (milliseconds)\n")
  sizes <- if (quick) c(1e4, 1e5) else c(1e5, 1e6)
  evaluations <- do.call(rbind, lapply(sizes, evaluation_seconds, groups = 2000L))
  evaluations[3:4] <- lapply(evaluations[3:4], three_digits)
  print(evaluations, row.names = FALSE, right = TRUE)
}
print_machine(c("glimmer", "lme4", "Matrix", "nloptr", "nlme"))
cat("in all ", three_digits(as.numeric(difftime(Sys.time(), began, units = "secs"))), " s",
    if (quick) " (--quick: smaller data, fewer runs)", "\n", sep = "")
below <- table$case[which(table$minus_ours > 1e-6)]
if (length(below)) {
  cat("log-likelihood below lmer()'s by more than 1e-6:", toString(below), "\n")
  quit(status = 1L)
}
