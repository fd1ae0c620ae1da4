# Rscript .ci/lint.R CHECKOUT: lintr with .lintr over the package and these scripts; a lint is a failure.
# (Use of undefined objects is R CMD check's to find.)
root <- commandArgs(trailingOnly = TRUE)[1]
setwd(root)
files <- c(list.files(c("R", "tests"), "[.]R$", recursive = TRUE, full.names = TRUE),
           list.files("inst", "[.]R$", recursive = TRUE, full.names = TRUE),
           list.files(".ci", "[.]R$", full.names = TRUE), ".ci/printout")
lints <- unlist(lapply(setdiff(files, "R/RcppExports.R"), lintr::lint, cache = FALSE), recursive = FALSE)

# Names that statisticians and R itself write with capitals: one-letter matrices, and the arguments and functions of
# lme4, nlme and stats that glimmer shares
shared_names <- c("nAGQ", "REML", "condVar", "newData")
is_shared_name <- function(lint) {
  range <- lint$ranges[[1]]
  name <- substr(lint$line, range[1], range[2])
  lint$linter == "object_name_linter" && (name %in% shared_names || grepl("^[A-Z][a-z]?$", name))
}
lints <- Filter(Negate(is_shared_name), lints)
for (lint in lints) print(lint)
cat(length(files), "files,", length(lints), "lints\n")
quit(status = if (length(lints) > 0 || length(files) == 0) 1 else 0)
