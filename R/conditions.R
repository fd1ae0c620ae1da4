# Classed conditions: every error and warning of the package is signalled here, so that code can catch it
# by class and read the facts from its fields.

#' Signal an error of the package
#'
#' @param class Character: what follows `glimmer_error_` in the class of the condition.
#' @param message Character: what is wrong, what was expected, and what to do.
#' @param ... Named facts, kept as fields of the condition (`argument`, `variable`, `rows`, `levels`, `term`, ...).
#' @param call The call to show, or `NULL` for none.
#' @return Never returns.
#' @noRd
stop_glimmer <- function(class, message, ..., call = NULL) {
  stop(errorCondition(message, ..., class = c(paste0("glimmer_error_", class), "glimmer_error"), call = call))
}

# The error of what is planned, and not there yet.
stop_not_available <- function(argument, message, ...) {
  stop_glimmer("not_available", message, argument = argument, ...)
}

#' Signal a warning of the package
#'
#' The arguments are those of [stop_glimmer()]; the classes begin with `glimmer_warning`.
#'
#' @return `NULL`, invisibly.
#' @noRd
warn_glimmer <- function(class, message, ..., call = NULL) {
  warning(warningCondition(message, ..., class = c(paste0("glimmer_warning_", class), "glimmer_warning"),
                           call = call))
  invisible(NULL)
}

#' Say something to whoever called
#'
#' The arguments are those of [stop_glimmer()]; the classes begin with `glimmer_message`.
#'
#' @return `NULL`, invisibly.
#' @noRd
tell_glimmer <- function(class, message, ...) {
  message(structure(list(message = paste0(message, "\n"), call = NULL, ...),
                    class = c(paste0("glimmer_message_", class), "glimmer_message", "message", "condition")))
  invisible(NULL)
}

#' Try an expression that may fail
#'
#' That a time limit is reached, or memory exhausted, is no failure of the expression, and R says it only once: it gets
#' through.
#'
#' @param failed Function of the error.
#' @return The value of the expression, or that of `failed`.
#' @noRd
attempt <- function(expression, failed = function(e) NULL) {
  tryCatch(expression, error = function(e) if (is_time_limit(e) || is_memory_error(e)) stop(e) else failed(e))
}

# It has only its words, in the language of the session.
is_time_limit <- function(e) {
  conditionMessage(e) %in% gettext("reached elapsed time limit", "reached session elapsed time limit",
                                   "reached CPU time limit", "reached session CPU time limit", domain = "R")
}

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
