# Rscript inst/benchmarks/scale.R [--quick]: a GLMM for the price of a GLM. 1,000,000 rows in 50,000 groups, ten
# covariates, a random intercept, binary and Poisson, rows in random order and sorted by group, one thread and two,
# against stats::glm() of the same fixed part in the same run; then 10,000,000 rows once. --quick: a twentieth of it.
#
# Times are medians of five after a warm-up; the 10,000,000 rows are fitted once, after the warm-up by a small fit that
# loads the code. Peak memory is the most that the process held (VmHWM) during the first fit of this size less what it
# held before (VmRSS), as a multiple of the size of the model matrix. Every package, family, order and number of threads
# has a process of its own, and the data are made in another one, so that neither adds to the peak.
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))

covariates <- 10L
rows_each <- 20L
fixed <- stats::reformulate(paste0("x", seq_len(covariates)), "y")
mixed <- stats::update(fixed, . ~ . + (1 | g))
matrix_mb <- function(rows) rows * (covariates + 1) * 8 / 2^20

simulated <- function(rows, family, seed = 1L) {
  set.seed(seed)
  groups <- rows / rows_each
  g <- rep(seq_len(groups), each = rows_each)
  x <- matrix(rnorm(rows * covariates), rows, dimnames = list(NULL, paste0("x", seq_len(covariates))))
  eta <- -0.5 + drop(x %*% rep(0.15, covariates)) + 0.7 * rnorm(groups)[g]
  y <- if (family == "binomial") rbinom(rows, 1L, plogis(eta)) else rpois(rows, exp(eta / 2))
  data.frame(g = factor(g), x, y)
}

# ---- what the other processes do: a task is a list in a file, and so is its result

# The same rows sorted by group and in random order; files without compression, since reading those needs no memory
# beyond that of the data.
task_make <- function(task) {
  data <- simulated(task$rows, task$family)
  if (!is.null(task$sorted)) saveRDS(data, task$sorted, compress = FALSE)
  data <- data[sample.int(task$rows), ]
  row.names(data) <- NULL
  saveRDS(data, task$random, compress = FALSE)
  TRUE
}

task_fit <- function(task) {
  call <- if (task$package == "glm") {
    function(data) stats::glm(fixed, task$family, data)
  } else {
    library(glimmer)
    function(data) glmm(mixed, data, task$family, method = "laplace", control = glmm_control(threads = task$threads))
  }
  call(simulated(1000L, task$family))
  data <- readRDS(task$data)
  gc(verbose = FALSE)
  reset_peak()
  before <- memory_mb("VmRSS")
  first <- run_once(function() call(data))
  peak <- memory_mb("VmHWM") - before
  if (inherits(first$value, "error")) stop(first$value)
  facts <- facts_of(first$value)
  seconds <- if (task$runs == 1L) first$seconds
  first$value <- NULL
  while (length(seconds) < task$runs) {
    gc(verbose = FALSE)
    seconds <- c(seconds, run_once(function() call(data))$seconds)
  }
  data.frame(seconds = stats::median(seconds), runs = length(seconds), peak_mb = peak, facts,
             warnings = length(first$warnings))
}

facts_of <- function(fit) {
  if (inherits(fit, "glm")) {
    data.frame(value = NA_real_, converged = fit$converged, evaluations = fit$iter)
  } else {
    data.frame(value = component(fit, "log_likelihood"), converged = component(fit, "converged"),
               evaluations = sum(component(fit, "search")$record$evaluations))
  }
}

perform <- function(file) {
  task <- readRDS(file)
  .libPaths(task$libraries)
  saveRDS(switch(task$kind, make = task_make(task), fit = task_fit(task)), task$result)
}

in_fresh_process <- function(...) {
  task <- list(..., libraries = .libPaths(), result = tempfile(fileext = ".rds"))
  file <- tempfile(fileext = ".rds")
  on.exit(unlink(c(file, task$result)))
  saveRDS(task, file)
  arguments <- c(shQuote(normalizePath(script)), "--task", shQuote(file))
  status <- system2(file.path(R.home("bin"), "Rscript"), arguments, stdout = FALSE)
  if (status != 0L) stop("the process for ", paste(task$kind, task$package), " failed with status ", status)
  readRDS(task$result)
}

# ---- the runs

# One row of a table; `threads` NULL means stats::glm().
run_fit <- function(data, rows, family, threads, runs) {
  package <- if (is.null(threads)) "glm" else "glimmer"
  result <- in_fresh_process(kind = "fit", package = package, family = family, threads = threads, data = data,
                             runs = runs)
  label <- if (is.null(threads)) "stats::glm, fixed part" else paste("glimmer,", threads, "threads")
  data.frame(package = sub("1 threads", "1 thread", label), result[c("seconds", "runs")],
             peak_mb = result$peak_mb, times_matrix = result$peak_mb / matrix_mb(rows),
             result[c("value", "converged", "warnings", "evaluations")])
}

# Both orders of the rows of one family, against glm() on the same data.
run_family <- function(rows, family, runs) {
  data <- c(random = tempfile(fileext = ".rds"), sorted = tempfile(fileext = ".rds"))
  on.exit(unlink(data))
  in_fresh_process(kind = "make", rows = rows, family = family, random = data[["random"]], sorted = data[["sorted"]])
  lapply(data, function(file) {
    table <- do.call(rbind, lapply(list(NULL, 1L, 2L), run_fit, data = file, rows = rows, family = family, runs = runs))
    data.frame(table[c("package", "seconds", "runs")], times_glm = table$seconds / table$seconds[1L], table[-(1:3)])
  })
}

# Ten times the rows, once; `smaller` is the table of run_family() for the same family and order.
run_large <- function(rows, family, smaller) {
  data <- tempfile(fileext = ".rds")
  on.exit(unlink(data))
  in_fresh_process(kind = "make", rows = rows, family = family, random = data)
  table <- do.call(rbind, lapply(1:2, run_fit, data = data, rows = rows, family = family, runs = 1L))
  before <- smaller$seconds[match(table$package, smaller$package)]
  data.frame(table[c("package", "seconds", "runs")], times_smaller = table$seconds / before, table[-(1:3)])
}

print_table <- function(heading, table) {
  shown <- intersect(c("seconds", "times_glm", "times_smaller", "peak_mb", "times_matrix"), names(table))
  table[shown] <- lapply(table[shown], three_digits)
  table$value <- formatC(table$value, digits = 6L, format = "f")
  names(table)[names(table) == "value"] <- "logLik"
  cat("\n", heading, "\n", sep = "")
  print(table, row.names = FALSE)
}

count <- function(number) formatC(number, format = "d", big.mark = ",")

main <- function(quick) {
  options(width = 140)
  began <- Sys.time()
  rows <- if (quick) 50000 else 1e6
  runs <- if (quick) 3L else 5L
  binary <- NULL
  for (family in c("binomial", "poisson")) {
    tables <- run_family(rows, family, runs)
    if (family == "binomial") binary <- tables$random
    for (order in names(tables)) {
      heading <- paste0(family, ", ", count(rows), " rows in ", count(rows / rows_each), " groups, ", covariates,
                        " covariates, random intercept; rows ", c(random = "in random order", sorted = "sorted")[order])
      print_table(heading, tables[[order]])
    }
  }
  heading <- paste0("binomial, ", count(10 * rows), " rows in ", count(10 * rows / rows_each),
                    " groups, once, rows in random order; times_smaller: seconds to those of ", count(rows), " rows")
  print_table(heading, run_large(10 * rows, "binomial", binary))
  cat("\ntimes_matrix: peak memory of a fit above that of the process with the data, to the size of the model matrix, ",
      three_digits(matrix_mb(rows)), " MB for ", count(rows), " rows\n", sep = "")
  print_machine(c("glimmer", "stats", "Matrix"))
  cat("in all ", three_digits(as.numeric(difftime(Sys.time(), began, units = "secs"))), " s",
      if (quick) " (--quick: a twentieth of the rows, fewer runs)", "\n", sep = "")
}

arguments <- commandArgs(TRUE)
if ("--task" %in% arguments) perform(arguments[match("--task", arguments) + 1L]) else main("--quick" %in% arguments)
