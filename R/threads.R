# How many threads a fit uses. Results do not depend on it: sums run over fixed chunks of rows in a fixed order.

process <- new.env(parent = emptyenv())

.onLoad <- function(libname, pkgname) {
  process$id <- Sys.getpid()
  process$worker <- any(grepl("workRSOCK|workMPI", commandArgs()))
}

#' The number of threads for a fit
#'
#' @param asked Whole number, or `NULL` for the default: two, no more than the cores and `OMP_THREAD_LIMIT` allow, or
#'   what `OMP_NUM_THREADS` says; one in the workers of 'parallel' and 'future', which share the cores already.
#' @return Integer; 1 in a forked process, which shares the cores with its parent, unless asked for.
#' @noRd
threads_to_use <- function(asked = NULL) {
  available <- min(engine_cores(), environment_count("OMP_THREAD_LIMIT", Inf))
  if (is.null(asked)) {
    asked <- if (is_worker()) 1 else environment_count("OMP_NUM_THREADS", 2)
  }
  as.integer(max(1, min(asked, available)))
}

is_worker <- function() {
  process$worker || !identical(process$id, Sys.getpid())
}

environment_count <- function(name, default) {
  text <- Sys.getenv(name)
  if (!nzchar(text)) {
    return(default)
  }
  value <- suppressWarnings(as.numeric(sub(",.*", "", text)))
  if (is.na(value) || value < 1) default else value
}
