# Words and numbers in sentences: lists of names, counts, and lines as wide as the console.

#' List items in a sentence, the first few by name
#'
#' @param x Vector of names or values.
#' @param n Integer: how many are named.
#' @return Character: `"'a', 'b' and 3 more"`.
#' @noRd
format_items <- function(x, n = 5L) {
  join_items(paste0("'", x, "'"), n)
}

#' Name rows in a sentence
#'
#' @param rows Integer row numbers.
#' @param n Integer: how many are named.
#' @return Character: `"row 3"` or `"rows 3, 7 and 9"`.
#' @noRd
format_rows <- function(rows, n = 5L) {
  paste(agree(length(rows), "row", "rows"), join_items(rows, n))
}

# The words for one of something, or for another number of them.
agree <- function(number, one, several) {
  if (number == 1L) one else several
}

join_items <- function(x, n) {
  left <- length(x) - n
  if (left > 0L) {
    return(paste0(paste(x[seq_len(n)], collapse = ", "), " and ", left, " more"))
  }
  if (length(x) < 2L) {
    return(paste(x))
  }
  paste(paste(x[-length(x)], collapse = ", "), "and", x[length(x)])
}

# Whole numbers as they are: paste() would turn 100000 into 1e+05.
count_text <- function(x) {
  format(x, scientific = FALSE, trim = TRUE)
}

format_fixed <- function(x, decimals) {
  formatC(x, digits = decimals, format = "f")
}

# With no digit that the error leaves open; `NULL` or `NA`: an error that is not known.
format_within_error <- function(x, decimals, error) {
  told <- if (isTRUE(error > 0)) floor(-log10(error)) else decimals
  format_fixed(x, as.integer(min(decimals, max(told, 0))))
}

# Lines no wider than the console; the later lines of a paragraph are indented.
cat_wrapped <- function(text, indent = 0L, exdent = 2L, prefix = "") {
  if (length(text)) {
    lines <- strwrap(text, width = getOption("width") + 1L, indent = indent, exdent = exdent, initial = prefix)
    cat(lines, sep = "\n")
  }
}

# Each no wider than the console, its later lines indented.
wrap_lines <- function(lines) {
  unlist(lapply(lines, strwrap, width = getOption("width"), exdent = 2L))
}

format_error <- function(error, least) {
  if (error < least) paste("below", format(least)) else paste("about", format(signif(error, 1L)))
}
