# Rscript .ci/check-notes.R LOG README.md: judges a log of R CMD check by its Status line, and its NOTEs by the table
# in .ci/README.md: every line of a NOTE has to hold one of the texts that the table gives for that check.
arguments <- commandArgs(trailingOnly = TRUE)
log <- readLines(arguments[1])
readme <- readLines(arguments[2])

# The table's rows: | `check` | `text`, `text` | explanation |
rows <- strsplit(grep("^\\| `", readme, value = TRUE), "|", fixed = TRUE)
quoted <- function(cell) strsplit(cell, "`", fixed = TRUE)[[1]][c(FALSE, TRUE)]
explained <- lapply(rows, function(row) quoted(row[3]))
names(explained) <- vapply(rows, function(row) quoted(row[2])[1], character(1))

starts <- c(grep("^\\* ", log), length(log) + 1)
unexplained_lines <- function(start) {
  check <- sub("^\\* checking (.*?) *\\.\\.\\..*$", "\\1", log[start], perl = TRUE)
  body <- log[seq_len(min(starts[starts > start]) - start - 1) + start]
  body <- body[nzchar(trimws(body))]
  known <- vapply(body, function(line) any(vapply(explained[[check]], grepl, NA, x = line, fixed = TRUE)), logical(1))
  if (check %in% names(explained)) body[!known] else paste("NOTE without a row:", check)
}

status <- grep("^Status: ", log, value = TRUE)
if (length(status) != 1) stop("R CMD check did not finish: it printed no Status line", call. = FALSE)
unexplained <- unlist(lapply(grep("\\.\\.\\. .*NOTE$", log), unexplained_lines))
for (line in unexplained) cat("not explained in .ci/README.md:", line, "\n")
good <- grepl("^Status: (OK|[0-9]+ NOTEs?)$", status) && length(unexplained) == 0
cat(status, if (good) "(every NOTE is explained)\n" else "\n")
quit(status = if (good) 0 else 1)
