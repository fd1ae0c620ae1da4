# Checks of bad or odd input: what an expression signals and gives, and what is wrong with that, in words.

#' Evaluate an expression and keep what it signals
#'
#' @return List of `value` (`NULL` after an error), `error`, `warnings` and `messages` (lists of conditions).
outcome_of <- function(expression, env = parent.frame()) {
  warnings <- messages <- list()
  error <- NULL
  value <- withCallingHandlers(
    tryCatch(eval(expression, env), error = function(e) {
      error <<- e
      NULL
    }),
    warning = function(w) {
      warnings[[length(warnings) + 1L]] <<- w
      invokeRestart("muffleWarning")
    },
    message = function(m) {
      messages[[length(messages) + 1L]] <<- m
      invokeRestart("muffleMessage")
    }
  )
  list(value = value, error = error, warnings = warnings, messages = messages)
}

#' What a condition lacks
#'
#' @param class What must follow `glimmer_error_` or `glimmer_warning_`; `NA` for any class of the package.
#' @param says Texts that the message must hold.
#' @param facts Named list: fields that must be equal.
#' @return Character: problems in words, none when all is there.
condition_problems <- function(condition, class, says = character(), facts = list()) {
  if (is.null(condition)) {
    return("no condition was signalled")
  }
  message <- conditionMessage(condition)
  kind <- if (inherits(condition, "error")) "error" else "warning"
  wanted <- paste0("glimmer_", kind, if (!is.na(class)) paste0("_", class))
  silent <- says[!vapply(says, grepl, logical(1), x = message, fixed = TRUE)]
  facts <- facts[!vapply(names(facts), function(name) same_fact(condition[[name]], facts[[name]]), logical(1))]
  c(if (!inherits(condition, wanted)) paste0(kind, " of class ", class(condition)[1L], ", not ", wanted, ": ", message),
    sprintf("'%s' is not named in: %s", silent, message),
    sprintf("field %s is not %s in: %s", names(facts), vapply(facts, deparse1, ""), message))
}

same_fact <- function(found, wanted) isTRUE(all.equal(found, wanted, check.attributes = FALSE))

#' Check functions for a table of cases: each gives problems in words for what outcome_of() returned.
fails <- function(class, ..., says = character()) {
  facts <- list(...)
  structure(function(outcome) condition_problems(outcome$error, class, says, facts), kind = "error")
}

warns <- function(class, ..., says = character(), then = fits()) {
  facts <- list(...)
  structure(function(outcome) {
    number <- length(outcome$warnings)
    c(if (number != 1L) paste(number, "warnings instead of 1"),
      if (number) condition_problems(outcome$warnings[[1L]], class, says, facts),
      then(within_silence(outcome)))
  }, kind = "warn")
}

within_silence <- function(outcome) {
  outcome$warnings <- list()
  outcome
}

#' A fit without warning, of this log-likelihood and number of rows.
fits <- function(loglik = NULL, rows = 120, tolerance = 1e-4, check = function(fit) NULL) {
  structure(function(outcome) {
    heard <- signal_problems(outcome)
    if (is.null(outcome$value)) {
      return(heard)
    }
    found <- as.numeric(stats::logLik(outcome$value))
    c(heard,
      if (!inherits(outcome$value, "glimmer")) "no fit",
      if (!is.finite(found)) "log-likelihood not finite",
      if (!is.null(loglik) && !isTRUE(abs(found - loglik) < tolerance)) paste("log-likelihood", found, "not", loglik),
      if (stats::nobs(outcome$value) != rows) paste(stats::nobs(outcome$value), "rows, not", rows),
      check(outcome$value))
  }, kind = "ok")
}

#' A value without warning, for which `check` is true.
gives <- function(check) {
  structure(function(outcome) {
    c(signal_problems(outcome), if (is.null(outcome$error) && !isTRUE(check(outcome$value))) {
      paste("value", deparse1(outcome$value))
    })
  }, kind = "ok")
}

signal_problems <- function(outcome) {
  signals <- c(if (!is.null(outcome$error)) list(outcome$error), outcome$warnings)
  vapply(signals, function(condition) paste0(class(condition)[1L], ": ", conditionMessage(condition)), "")
}

#' The data of bad_inputs.csv.
bad_input_data <- function() {
  definitions <- new.env(parent = globalenv())
  sys.source(testthat::test_path("fixtures", "bad_inputs_data.R"), definitions)
  definitions$mk()
}
