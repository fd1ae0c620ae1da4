# Rscript .ci/cran.R missing PACKAGE...   prints those that are not installed, one a line
# Rscript .ci/cran.R install PACKAGE...   installs those from CRAN, and stops unless each can be loaded afterwards
# Rscript .ci/cran.R library              prints the library that is installed into (made if need be)
# Rscript .ci/cran.R unlisted DESCRIPTION LIST   stops when DESCRIPTION names a package that the list lacks
arguments <- commandArgs(trailingOnly = TRUE)
task <- arguments[1]
packages <- unique(arguments[-1])

is_missing <- function(package) !nzchar(system.file(package = package))

# The first library if it can be written to, else the user's own
own_library <- function() {
  first <- .libPaths()[1]
  if (file.access(first, mode = 2) == 0) return(first)
  user <- path.expand(strsplit(Sys.getenv("R_LIBS_USER"), .Platform$path.sep, fixed = TRUE)[[1]][1])
  dir.create(user, recursive = TRUE, showWarnings = FALSE)
  if (file.access(user, mode = 2) != 0) stop("no library can be written to: neither ", first, " nor ", user)
  user
}

choose_mirror <- function() {
  if (identical(unname(getOption("repos")["CRAN"]), "@CRAN@")) {
    utils::chooseCRANmirror(graphics = FALSE, ind = 1, local.only = TRUE)
  }
}

# Only what is missing and what that needs: nothing that is there already is updated
install_missing <- function(packages) {
  absent <- Filter(is_missing, packages)
  if (length(absent) == 0) return(invisible())
  cat("Installing from CRAN:", absent, "\n")
  choose_mirror()
  lib <- own_library()
  .libPaths(c(lib, .libPaths()))
  logs <- tempfile("logs-")
  dir.create(logs)
  # testthat needs fs, which looks for libuv on the system unless it is told to build the copy that it holds (by cmake)
  if (!nzchar(Sys.getenv("USE_BUNDLED_LIBUV"))) Sys.setenv(USE_BUNDLED_LIBUV = "1")
  utils::install.packages(absent, lib = lib, dependencies = NA, Ncpus = 2, keep_outputs = logs, quiet = TRUE)
  failed <- Filter(function(package) !requireNamespace(package, quietly = TRUE), absent)
  if (length(failed) == 0) return(invisible())
  for (log in list.files(logs, full.names = TRUE)) {
    lines <- readLines(log)
    if (any(grepl("^ERROR", lines))) writeLines(utils::tail(lines, 20))
  }
  if (!nzchar(Sys.which("cmake"))) cat("There is no cmake here: fs, which testthat needs, is built with it.\n")
  stop("not installed: ", toString(failed), call. = FALSE)
}

# R CMD check fails when a suggested package is not installed, so all that DESCRIPTION names have to be in the list
stop_for_unlisted <- function(description, list) {
  named <- read.dcf(description, c("Imports", "LinkingTo", "Suggests"))
  named <- sub("[[:space:]]*[(].*", "", trimws(unlist(strsplit(named[!is.na(named)], ","))))
  listed <- utils::read.table(list, col.names = c("apt", "cran", "purpose"))$cran
  base <- rownames(utils::installed.packages(priority = "base"))
  unlisted <- setdiff(named, c(listed, base))
  if (length(unlisted) > 0) stop("in DESCRIPTION, not in .ci/packages: ", toString(unlisted), call. = FALSE)
}

switch(task,
  missing = writeLines(Filter(is_missing, packages)),
  install = install_missing(packages),
  library = cat(own_library(), "\n", sep = ""),
  unlisted = stop_for_unlisted(packages[1], packages[2]),
  stop("unknown task: ", task)
)
