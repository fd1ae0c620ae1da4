# Values of arguments: flags, numbers, choices, and the name that was meant by a misspelt one.

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
  if (is.null(found) || is.na(found)) refuse_choice(choice, choices, argument)
  choices[found]
}

refuse_choice <- function(choice, choices, argument) {
  near <- if (is.character(choice) && length(choice) == 1L && !is.na(choice)) nearest_name(choice, choices)
  stop_glimmer("argument", paste0("`", argument, "` must be one of ", format_items(choices), ".",
                                  if (length(near)) paste0(" Did you mean ", format_items(near), "?")),
               argument = argument, choices = choices, suggestion = near)
}

match_choices <- function(choice, choices, argument) {
  if (identical(choice, choices)) {
    return(choices)
  }
  vapply(if (length(choice)) as.list(choice) else list(NA), match_choice, "", choices, argument)
}

stop_unknown <- function(name, known, generic) {
  near <- nearest_name(name, known)
  stop_glimmer("argument", paste0(
    if (nzchar(name)) paste0("Unknown argument `", name, "`") else "An argument without a name, one too many",
    ": ", if (length(near)) paste0("did you mean `", near, "`? "), generic, "() has ",
    if (length(known)) format_items(known, 12L) else "no further arguments", "."
  ), argument = name, suggestion = near)
}

#' The name that was meant: one that is part of the given one or has it as a part, else one with few letters changed
#'   or swapped
#' @return Character, empty where none is near.
#' @noRd
nearest_name <- function(name, known) {
  plain <- function(x) tolower(gsub("[._]", "", x))
  if (!nzchar(name) || !length(known)) {
    return(character())
  }
  # two neighbours that changed places are one mistake
  letters <- strsplit(plain(name), "")[[1L]]
  swapped <- vapply(seq_along(letters)[-1L], function(k) {
    paste(replace(letters, c(k - 1L, k), letters[c(k, k - 1L)]), collapse = "")
  }, "")
  distance <- pmin(drop(utils::adist(plain(name), plain(known))),
                   apply(1 + utils::adist(c(swapped, plain(name)), plain(known)), 2L, min))
  part <- function(a, b) 2 * nchar(a) >= nchar(b) & mapply(grepl, a, b, MoreArgs = list(fixed = TRUE))
  close <- part(plain(known), plain(name)) | part(plain(name), plain(known)) | distance <= max(1, nchar(name) %/% 2L)
  known[close][which.min(distance[close])]
}
