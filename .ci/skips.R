# Rscript .ci/skips.R ALLOWED RESULTS.csv...: the tests that no run (fast or slow) has run, against the allowed list;
# last the counts over all runs, every test once.
arguments <- commandArgs(trailingOnly = TRUE)
allowed <- grep("^#|^\\s*$", readLines(arguments[1]), value = TRUE, invert = TRUE)
files <- Filter(file.exists, arguments[-1])
if (length(files) == 0) stop("there are no results of tests", call. = FALSE)

read_results <- function(file) {
  rows <- utils::read.csv(file, colClasses = c(reason = "character"))
  rows$occurrence <- stats::ave(seq_len(nrow(rows)), rows$file, rows$test, FUN = seq_along)
  rows
}

# Of a test that was run twice the later run counts
rows <- do.call(rbind, rev(lapply(files, read_results)))
rows <- rows[!duplicated(rows[c("file", "test", "occurrence")]), ]
skips <- rows[rows$skipped > 0, ]
skips <- sprintf("%s: %s: %s", skips$file, skips$test, skips$reason)
for (skip in skips) cat(if (skip %in% allowed) "skipped:" else "skipped, and not in .ci/skips-allowed:", skip, "\n")
for (line in setdiff(allowed, skips)) cat("in .ci/skips-allowed, but not skipped:", line, "\n")
cat(sprintf("%d passed, %d failed, %d skipped\n", sum(rows$passed), sum(rows$failed), sum(rows$skipped)))
quit(status = if (all(skips %in% allowed)) 0 else 1)
