# Rscript .ci/testthat.R FOLDER [EARLIER.csv]: runs the tests of a folder, in a copy, against the installed glimmer;
# with the results of an earlier run, only the files in which that run skipped something. Prints what failed and what
# was skipped, and last `N passed, N failed, N skipped` (expectations; a skip is a test).
# GLIMMER_TEST_RESULTS=FILE.csv keeps one row a test.
folder <- commandArgs(trailingOnly = TRUE)[1]
earlier <- commandArgs(trailingOnly = TRUE)[2]
results_file <- Sys.getenv("GLIMMER_TEST_RESULTS")
copy <- tempfile("tests-")
dir.create(copy)
invisible(file.copy(folder, copy, recursive = TRUE, copy.mode = FALSE))
Sys.setenv(NOT_CRAN = "true", TESTTHAT_MAX_FAILS = "Inf")

# One row a test: the counts of its expectations, the reason when it was skipped
row_of <- function(test, position) {
  is_a <- function(class) vapply(test$results, inherits, logical(1), what = class)
  skips <- vapply(test$results[is_a("expectation_skip")], conditionMessage, character(1))
  data.frame(
    file = test$file, test = test$test, position = position, passed = sum(is_a("expectation_success")),
    failed = sum(is_a("expectation_failure") | is_a("expectation_error")), warnings = sum(is_a("expectation_warning")),
    skipped = length(skips), reason = sub("^Reason: ", "", paste(skips, collapse = "; ")), seconds = test$real
  )
}

# A regular expression for the names of the files to run, NULL for all
filter_for <- function(earlier) {
  if (is.na(earlier) || !file.exists(earlier)) return(NULL)
  rows <- utils::read.csv(earlier)
  files <- unique(rows$file[rows$skipped > 0])
  if (length(files) == 0) {
    cat("nothing was skipped in the earlier run\n")
    quit(status = 0)
  }
  paste0("^(", paste(gsub("^test-|[.][rR]$", "", files), collapse = "|"), ")$")
}

results <- testthat::test_dir(file.path(copy, basename(folder)), filter = filter_for(earlier), reporter = "check",
                              stop_on_failure = FALSE, package = "glimmer", load_package = "installed")
rows <- do.call(rbind, Map(row_of, results, seq_along(results)))
if (is.null(rows)) stop("no test was run", call. = FALSE)
if (nzchar(results_file)) utils::write.csv(rows, results_file, row.names = FALSE)

seconds <- sort(tapply(rows$seconds, rows$file, sum), decreasing = TRUE)
cat("\nThe slowest files, in seconds:\n")
writeLines(utils::head(sprintf("  %s %.1f", names(seconds), seconds), 8))
for (line in sprintf("skipped: %s: %s: %s\n", rows$file, rows$test, rows$reason)[rows$skipped > 0]) cat(line)
if (sum(rows$warnings) > 0) cat(sum(rows$warnings), "warnings\n")
cat(sprintf("%d passed, %d failed, %d skipped\n", sum(rows$passed), sum(rows$failed), sum(rows$skipped)))
quit(status = if (sum(rows$failed) > 0 || sum(rows$passed) == 0) 1 else 0)
