# Why there is no model frame: which variable, in which term and rows, is at fault.

#' Say which variable made `model.frame()` fail
#'
#' @param error The condition that it signalled.
#' @return Never returns.
#' @noRd
explain_frame_error <- function(error, parts, data, extras, na_action) {
  if (inherits(error, "glimmer_error") || is_memory_error(error)) stop(error)
  lookup <- environment(parts$frame)
  variables <- as.list(attr(stats::terms(parts$frame), "variables"))[-1L]
  values <- lapply(variables, explain_variable, parts = parts, data = data, env = lookup)
  names(values) <- terms_variables(stats::terms(parts$frame))
  explain_lengths(c(values, extras[names(extras) != "subset"]), parts, data)
  whole <- attempt(make_frame(parts$frame, data, extras, stats::na.pass))
  for (name in names(whole)) {
    rows <- missing_rows(whole[[name]])
    if (length(rows)) {
      stop_missing(name, rows, whole, "`na.action` refuses them: remove these rows, or use na.omit or na.exclude.")
    }
  }
  stop_glimmer("frame", paste0("The model frame cannot be built: ", conditionMessage(error)))
}

explain_variable <- function(variable, parts, data, env) {
  name <- variable_name(variable)
  value <- attempt(eval(variable, data, env), identity)
  term <- term_using(parts, name, variable)
  missing <- if (inherits(value, "error") || is.function(value)) missing_variables(variable, data, env)
  if (length(missing)) {
    stop_glimmer("variable", paste0(agree(length(missing), "Variable ", "Variables "), format_items(missing),
                                    ", used in ", term, agree(length(missing), ", is", ", are"),
                                    " neither in the data nor where the formula was made."),
                 variable = missing, term = term)
  }
  if (inherits(value, "error")) {
    stop_evaluation(name, term, conditionMessage(value), all.vars(variable), data, env)
  }
  if (!is.atomic(value) || is.null(value) || length(dim(value)) > 2L) {
    stop_class(name, term, value)
  }
  value
}

stop_class <- function(name, term, value) {
  advice <- if (is.data.frame(value)) " Convert it with as.matrix()."
            else if (inherits(value, "POSIXlt")) " Convert it with as.POSIXct()."
  stop_glimmer("variable", paste0("Variable ", format_items(name), ", used in ", term, ", has class ",
                                  format_items(class(value)), ": it must be a vector, factor or matrix.", advice),
               variable = name, term = term, class_found = class(value))
}

# model.frame() takes an array of three dimensions for a vector.
check_dimensions <- function(parts, data) {
  # a glance at the data, so that small fits need no terms object
  used <- all.vars(parts$frame)
  if (all(used %in% names(data)) && !any(vapply(used, function(name) length(dim(data[[name]])) > 2L, NA))) {
    return(invisible())
  }
  for (variable in as.list(attr(stats::terms(parts$frame), "variables"))[-1L]) {
    value <- if (is.symbol(variable)) find_variable(as.character(variable), data, environment(parts$frame))
    if (length(dim(value)) > 2L) {
      stop_class(as.character(variable), term_using(parts, as.character(variable), variable), value)
    }
  }
}

# poly() and its like refuse missing and infinite values without saying where they are.
stop_evaluation <- function(name, term, reason, names, data, env) {
  message <- paste0("Variable ", format_items(name), ", used in ", term, ", cannot be evaluated: ", reason)
  for (used in names) {
    x <- find_variable(used, data, env)
    if (!is.null(x) && !is.function(x) && !plain_type(x)) {
      stop_glimmer("variable", paste0(message, ". ", format_items(used), " is of class ", format_items(class(x)), "."),
                   variable = used, term = term, class_found = class(x))
    }
  }
  culprit <- find_bad_rows(names, data, env, function(x) is.na(x) | is.infinite(x))
  if (is.null(culprit)) {
    stop_glimmer("variable", message, variable = name, term = term)
  }
  stop_glimmer("variable", paste0(message, ". ", format_items(culprit$variable), " is missing or not finite in ",
                                  format_rows(culprit$rows), "."),
               variable = culprit$variable, rows = culprit$rows, term = term)
}

explain_lengths <- function(values, parts, data) {
  lengths <- vapply(values, NROW, integer(1))
  n <- if (is.data.frame(data)) nrow(data) else lengths[[1L]]
  wrong <- which(lengths != n)
  if (length(wrong)) {
    name <- names(values)[wrong[1L]]
    first <- format_items(names(values)[1L])
    whole <- if (is.data.frame(data)) "the data have " else paste("the response", first, "has ")
    stop_glimmer("length", paste0("Variable ", format_items(name), " has length ", lengths[wrong[1L]], ", but ", whole,
                                  n, " rows."), variable = name)
  }
}

# Names that an expression uses as variables and that are not there, or are functions only.
missing_variables <- function(expression, data, env) {
  names <- all.vars(expression)
  found <- vapply(names, function(name) {
    value <- find_variable(name, data, env)
    !is.null(value) && !is.function(value)
  }, logical(1))
  names[!found]
}

find_variable <- function(name, data, env) {
  value <- if (is.environment(data)) get0(name, envir = data) else data[[name]]
  if (is.null(value)) get0(name, envir = env) else value
}

term_using <- function(parts, name, variable) {
  labels <- vapply(parts$terms, term_label, "")
  used <- vapply(parts$terms, function(term) {
    name %in% group_components(term$group) || name %in% predictor_names(stats::terms(term$left))
  }, logical(1))
  if (identical(variable, parts$fixed[[2L]])) {
    return("the response")
  }
  if (any(used)) labels[used][1L] else paste0("the fixed effects (`", name, "`)")
}

# One infinite value makes every value of scale(x) NaN: it is x that is at fault.
explain_infinite <- function(guilty, whole, data, env) {
  terms <- attr(whole, "terms")
  derived <- as.list(attr(terms, "variables"))[-1L][terms_variables(terms) %in% guilty]
  culprit <- find_bad_rows(unlist(lapply(derived, all.vars)), data, env, is.infinite)
  if (!is.null(culprit)) {
    stop_glimmer("nonfinite", paste0("Variable ", format_items(culprit$variable), " is not finite in ",
                                     format_rows(culprit$rows), ", which leaves no value in ", format_items(guilty),
                                     ": every value must be a finite number or NA."),
                 variable = culprit$variable, rows = culprit$rows)
  }
}

#' The first variable with bad values, for messages about what was made of it
#'
#' @param is_bad Function of a matrix.
#' @return List of `variable` and `rows` (labels), or `NULL`.
#' @noRd
find_bad_rows <- function(names, data, env, is_bad) {
  for (name in names) {
    x <- find_variable(name, data, env)
    rows <- if (is.atomic(x) && !is.null(x)) which(rowSums(is_bad(as.matrix(x))) > 0)
    if (length(rows)) {
      return(list(variable = name, rows = if (is.data.frame(data)) row_labels(data, rows) else rows))
    }
  }
}
