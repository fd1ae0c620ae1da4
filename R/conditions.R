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

# Of C++ it has a class, of R only its words, in the language of the session.
is_memory_error <- function(e) {
  words <- gettext("cannot allocate vector of size %0.1f Gb", "cannot allocate vector of size %0.1f Mb",
                   "cannot allocate vector of size %0.1f Kb", "cannot allocate memory block of size %0.1f Tb",
                   "memory exhausted (limit reached?)", "vector memory exhausted (limit reached?)", domain = "R")
  inherits(e, c("std::bad_alloc", "std::bad_array_new_length")) ||
    !inherits(e, "glimmer_error") && any(startsWith(conditionMessage(e), sub("%.*", "", words)))
}
