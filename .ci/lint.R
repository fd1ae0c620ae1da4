# Rscript .ci/lint.R CHECKOUT: lintr with .lintr over the package and these scripts; a lint is a failure. The fixtures
# of the tests are left out: they are data and models handed over from elsewhere.
# (Use of undefined objects is R CMD check's to find.)
root <- commandArgs(trailingOnly = TRUE)[1]
setwd(root)
files <- c(list.files(c("R", "tests", "tests/testthat", "inst/benchmarks", ".ci"), "[.]R$", full.names = TRUE),
           ".ci/printout", ".ci/calls", ".ci/rooms")
lints <- unlist(lapply(setdiff(files, "R/RcppExports.R"), lintr::lint, cache = FALSE), recursive = FALSE)

# Names with capitals that are right: matrices of one letter, arguments and attributes of lme4 and R that glimmer
# shares, and methods, whose generics bear other packages' names (glimmer's own names stay in snake_case)
shared_names <- c("nAGQ", "REML", "condVar", ".Environment")
is_right <- function(lint) {
  range <- lint$ranges[[1]]
  name <- gsub("\"", "", substr(lint$line, range[1], range[2]))
  lint$linter == "object_name_linter" && (name %in% shared_names || grepl("^[A-Z][a-z]?$|[.]glimmer$", name))
}
lints <- Filter(Negate(is_right), lints)
for (lint in lints) print(lint)
cat(length(files), "files,", length(lints), "lints\n")
quit(status = if (length(lints) > 0 || length(files) == 0) 1 else 0)
