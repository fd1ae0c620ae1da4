# Arguments of methods: flags, numbers, choices, and what comes in `...`.

check_flag <- function(x, argument) {
  if (!isTRUE(x) && !isFALSE(x)) {
    stop_glimmer("argument", paste0("`", argument, "` must be TRUE or FALSE."), argument = argument)
  }
}

check_number <- function(x, argument, lowest = -Inf, highest = Inf, whole = FALSE) {
  number <- is.numeric(x) && length(x) == 1L && !is.na(x)
  if (!number || x < lowest || x > highest || (whole && x != round(x))) {
    range <- if (lowest > -Inf && highest < Inf) {
      paste(" between", lowest, "and", highest)
    } else if (lowest > -Inf) {
      paste(",", lowest, "or more")
    }
    stop_glimmer("argument", paste0("`", argument, "` must be one ", if (whole) "whole ", "number", range, "."),
                 argument = argument)
  }
}

# Significant digits, as many as format() takes.
check_digits <- function(digits) {
  check_number(digits, "digits", 1, 22, whole = TRUE)
}

check_level <- function(level, argument = "level") {
  if (!is.numeric(level) || length(level) != 1L || is.na(level) || level <= 0 || level >= 1) {
    stop_glimmer("argument", paste0("`", argument, "` must be a number between 0 and 1."), argument = argument)
  }
}

match_choice <- function(choice, choices, argument) {
  if (identical(choice, choices) || is.null(choice)) {
    return(choices[1L])
  }
  found <- if (is.character(choice) && length(choice) == 1L) pmatch(choice, choices)
  if (is.null(found) || is.na(found)) {
    stop_glimmer("argument", paste0("`", argument, "` must be one of ", format_items(choices), "."),
                 argument = argument, choices = choices)
  }
  choices[found]
}

match_choices <- function(choice, choices, argument) {
  if (identical(choice, choices)) {
    return(choices)
  }
  vapply(if (length(choice)) as.list(choice) else list(NA), match_choice, "", choices, argument)
}

#' Open a method, and refuse arguments in `...` that are meant to change the result
#'
#' Clients pass harmless extras, so only misspellings of a known argument and arguments of other packages' methods
#' are errors.
#'
#' @param .method The method. @param ... What it was given as `...`. @param .foreign Arguments that other packages have.
#' @noRd
check_dots <- function(.method, ..., .foreign = character()) {
  open_method(.method, parent.frame())
  plain <- function(x) tolower(gsub("[._]", "", x))
  known <- setdiff(names(formals(.method))[-1L], "...")
  given <- names(list(...))
  for (name in given[nzchar(given)]) {
    if (name %in% .foreign) {
      stop_glimmer("argument", paste0("The argument `", name, "` is not there: there are ", format_items(known, 20L),
                                      "."), argument = name)
    }
    distance <- drop(utils::adist(plain(name), plain(known)))
    if (length(known) && min(distance) <= (nchar(name) > 4L)) {
      stop_glimmer("argument", paste0("Unknown argument `", name, "`: did you mean `", known[which.min(distance)],
                                      "`?"), argument = name)
    }
  }
}
