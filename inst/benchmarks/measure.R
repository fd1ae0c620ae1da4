# What the benchmarks share: times, warnings, memory, simulated data, other packages' estimates as parameters, tables,
# the machine.

# Other work on the machine spoils the times, most of all those of threads that wait for each other.
load_before <- if (file.exists("/proc/loadavg")) sub(" .*", "", readLines("/proc/loadavg")) else "not known"

# A call of `fit`, its seconds, and the warnings, which would clutter the tables: their number is a column there.
# (elapsed of system.time() has a resolution of 1 ms, too coarse for the smallest fits.)
run_once <- function(fit) {
  warnings <- character()
  began <- Sys.time()
  value <- withCallingHandlers(
    tryCatch(fit(), error = function(condition) condition),
    warning = function(condition) {
      warnings <<- c(warnings, conditionMessage(condition))
      invokeRestart("muffleWarning")
    },
    message = function(condition) invokeRestart("muffleMessage")
  )
  seconds <- as.numeric(difftime(Sys.time(), began, units = "secs"))
  list(value = value, seconds = seconds, warnings = warnings)
}

# The median of at least `runs` runs, and of as many as take `in_all` seconds together, after a warm-up. A fit of more
# than `once_above` seconds is timed once, without a warm-up. Garbage is collected before a run of more than 0.1 s; a
# collection costs more than a small fit itself, and their series meets those that are due.
measure <- function(fit, runs, in_all = 0.5, once_above = 60) {
  first <- run_once(fit)
  seconds <- first$seconds
  if (seconds <= once_above && !inherits(first$value, "error")) {
    seconds <- numeric()
    while (length(seconds) < runs || sum(seconds) < in_all) {
      if (first$seconds > 0.1) gc(verbose = FALSE)
      seconds <- c(seconds, run_once(fit)$seconds)
    }
  }
  list(value = first$value, seconds = stats::median(seconds), runs = length(seconds), warnings = first$warnings)
}

# The same of two fits of milliseconds that take turns: the clock of a machine can change by half between two series.
measure_in_turn <- function(first, second, runs) {
  fits <- list(first, second)
  values <- lapply(fits, run_once)
  seconds <- replicate(runs, vapply(fits, function(fit) run_once(fit)$seconds, 1))
  Map(function(result, seconds) {
    list(value = result$value, seconds = stats::median(seconds), runs = runs, warnings = result$warnings)
  }, values, asplit(seconds, 1L))
}

# Memory of this process in MB, from Linux's /proc (elsewhere NA): "VmRSS" is what it holds, "VmHWM" the most it held.
memory_mb <- function(field) {
  status <- "/proc/self/status"
  if (!file.exists(status)) {
    return(NA_real_)
  }
  line <- grep(paste0("^", field, ":"), readLines(status), value = TRUE)
  if (length(line) == 1L) as.numeric(gsub("[^0-9]", "", line)) / 1024 else NA_real_
}

# Linux starts the record of the most held anew when 5 is written there. Where that is not permitted the record is of
# the whole life of the process, which here was not more before a fit than after the data were read.
reset_peak <- function() {
  clear <- "/proc/self/clear_refs"
  if (file.exists(clear)) try(suppressWarnings(cat("5", file = clear)), silent = TRUE)
  invisible(NULL)
}

# Binary rows with a random slope of the first covariate.
simulated_slopes <- function(levels, rows_each = 20L, covariates = 9L) {
  set.seed(1)
  n <- levels * rows_each
  g <- factor(rep(seq_len(levels), each = rows_each))
  x <- matrix(rnorm(n * covariates), n, dimnames = list(NULL, paste0("x", seq_len(covariates))))
  eta <- -0.5 + drop(x %*% rep(0.2, covariates)) + rnorm(levels)[g] + rnorm(levels, 0, 0.5)[g] * x[, 1L]
  data.frame(g, x, y = rbinom(n, 1L, plogis(eta)))
}

# The lower triangular root of a covariance matrix, which may be singular: a column without variance left is zero.
semidefinite_root <- function(covariance) {
  size <- nrow(covariance)
  root <- matrix(0, size, size)
  rest <- covariance
  for (j in seq_len(size)) {
    below <- j:size
    if (rest[j, j] > 1e-15 * covariance[j, j]) root[below, j] <- rest[below, j] / sqrt(rest[j, j])
    rest <- rest - tcrossprod(root[, j])
  }
  root
}

# Fixed effects and covariances (a matrix a random term) as a parameter vector of `fit`, glimmer's: beta, then for each
# term the lower triangle of L, column by column; and `shape`, the logarithm of a family's. Terms and effects are found
# by their names, as their order is each package's own.
as_parameters <- function(fit, fixed, covariances, shape = NULL) {
  parameters <- component(fit, "parameters")
  index <- component(fit, "index")
  parameters[index$beta] <- fixed[names(parameters)[index$beta]]
  if (length(shape)) parameters[index$dispersion] <- shape
  random <- component(fit, "random")
  for (k in seq_along(random)) {
    covariance <- covariance_of(random[[k]], covariances)
    root <- semidefinite_root(covariance)
    parameters[index$theta[[k]]] <- root[lower.tri(root, diag = TRUE)]
  }
  unknown <- names(parameters)[is.na(parameters)]
  if (length(unknown)) stop("a peer does not estimate ", toString(unknown))
  parameters
}

covariance_of <- function(term, covariances) {
  same <- vapply(seq_along(covariances), function(k) {
    names(covariances)[k] == term$group && setequal(rownames(covariances[[k]]), term$names)
  }, NA)
  if (sum(same) != 1L) stop("not one term of a peer for (", toString(term$names), " | ", term$group, ")")
  covariances[[which(same)]][term$names, term$names, drop = FALSE]
}

# Versions, linear algebra, threads and hardware: without them a time says nothing. No paths of the machine, since the
# output is committed.
print_machine <- function(packages) {
  library_file <- function(path) if (nzchar(path)) basename(normalizePath(path, mustWork = FALSE)) else "not known"
  cat("\n", R.version.string, ", ", R.version$platform, "\n", sep = "")
  installed <- Filter(function(name) requireNamespace(name, quietly = TRUE), packages)
  versions <- vapply(installed, function(name) format(utils::packageVersion(name)), "")
  cat(strwrap(toString(paste(installed, versions)), width = 110), sep = "\n")
  cat("BLAS ", library_file(extSoftVersion()[["BLAS"]]), ", LAPACK ", library_file(La_library()), "\n", sep = "")
  variables <- c("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
  cat(paste0(variables, "=", Sys.getenv(variables, "(not set)"), collapse = ", "), "\n", sep = "")
  cat("threads of glimmer by default: ", glimmer:::threads_to_use(), "\n", sep = "")
  cat(processor(), ", ", parallel::detectCores(), " cores, ", Sys.info()[["sysname"]], "; load before: ", load_before,
      "\n", sep = "")
  cat(format(Sys.time(), "%Y-%m-%d %H:%M UTC", tz = "UTC"), "\n", sep = "")
}

processor <- function() {
  file <- "/proc/cpuinfo"
  model <- if (file.exists(file)) grep("^model name", readLines(file), value = TRUE) else character()
  if (length(model)) sub("^[^:]*: *", "", model[1L]) else R.version$arch
}

three_digits <- function(x) ifelse(is.na(x), "-", formatC(x, digits = 3L, format = "fg", flag = "#"))

# Seconds and ratios with three digits, differences of log-likelihoods in powers of ten.
print_table <- function(table) {
  for (column in intersect(c("seconds", "peer", "ratio", "one_thread_ratio", "times_glm"), names(table))) {
    table[[column]] <- three_digits(table[[column]])
  }
  for (column in intersect(c("minus_ours", "ours_minus_best"), names(table))) {
    table[[column]] <- formatC(table[[column]], digits = 1L, format = "e")
  }
  if (!is.null(table$value)) table$value <- formatC(table$value, digits = 6L, format = "f")
  names(table)[names(table) == "value"] <- "logLik"
  print(table, row.names = FALSE, right = TRUE)
}
