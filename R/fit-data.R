# The data of a fit: found again where its call says, and known by the model frame that they make.

#' Find the data of a fit again
#'
#' A fit keeps its model frame, not its data, and an object of their name need not be the data. What `data` gives in one
#' place after the other is looked at, and the first that makes the model frame of the fit is the data of the fit.
#'
#' @param fit Object of class `glimmer`.
#' @param places List of environments, the nearest first.
#' @return List: `found` (logical), `data`, `place` (the environment), and where nothing was found `other`: in words,
#'   how what has the name of the data differs, or `NULL` if nothing has it.
#' @noRd
find_data <- function(fit, places) {
  expression <- fit$call$data
  seen <- list()
  other <- NULL
  for (place in places) {
    objects <- objects_there(fit$call, place)
    if (any(vapply(seen, identical, NA, objects))) next
    seen <- c(seen, list(objects))
    data <- attempt(eval(expression, place))
    if (is.null(data) && !is.null(expression)) next
    difference <- data_differs(fit, data, place)
    if (is.null(difference)) {
      return(list(found = TRUE, data = data, place = place))
    }
    if (is.null(other) && (is.null(data) || is.data.frame(data))) other <- difference
  }
  list(found = FALSE, other = other)
}

#' The frames of the calls that lead here, but for those of this package and another one, and the global environment
#' @noRd
places_outside <- function(frames, package) {
  inside <- vapply(frames, function(frame) is_within(frame, topenv()) || is_within(frame, asNamespace(package)), NA)
  c(rev(as.list(frames)[!inside]), list(globalenv()))
}

is_within <- function(frame, package) {
  identical(topenv(frame), package)
}

# What the arguments that are looked up by name mean in a place.
objects_there <- function(call, place) {
  names <- all.vars(as.call(c(quote(list), as.list(call[names(call) %in% c("data", "weights", "offset", "subset")]))))
  lapply(stats::setNames(nm = names), function(name) attempt(get0(name, envir = place)))
}

#' How data differ from those of a fit, in words
#' @param place Environment in which `weights`, `offset` and `subset` are looked up after the data.
#' @return Character, or `NULL` where they make the same model frame, perhaps with its rows in another order.
#' @noRd
data_differs <- function(fit, data, place) {
  frame <- attempt(suppressWarnings(frame_from(fit, data, place)))
  if (is.null(frame)) "does not have the variables of the fit" else differ_in_words(frame, fit$frame)
}

differ_in_words <- function(frame, known, any_order = TRUE) {
  if (nrow(frame) != nrow(known)) {
    return(paste("gives", nrow(frame), "rows, not", nrow(known)))
  }
  differs <- vapply(names(known), function(name) {
    is.null(frame[[name]]) || !equal_columns(plain_columns(frame[name]), plain_columns(known[name]))
  }, NA)
  sorted <- any_order && !is.null(find_rows(as.list(frame), as.list(known), row.names(frame), row.names(known)))
  if (any(differs) && !sorted) paste("has other values of", format_items(argument_names(names(known)[differs])))
}

#' The model frame that data make by the formula and the arguments of a fit
#' @param more Character: names of further variables.
#' @noRd
frame_from <- function(fit, data, place, more = NULL) {
  check_data(data)
  lookup <- evaluation_environment(environment(fit$formula), place)
  formula <- stats::formula(attr(fit$frame, "terms"))
  for (name in more) formula[[3L]] <- call("+", formula[[3L]], as.name(name))
  environment(formula) <- lookup
  na_action <- if (is.null(attr(fit$frame, "na.action"))) stats::na.fail else stats::na.omit
  if (!is.null(fit$call$na.action)) na_action <- find_na_action(fit$call, place)
  make_frame(formula, data, frame_extras(fit$call, data, lookup), na_action)
}

#' Variables of a fit as they are in its data, in the rows of the fit
#'
#' @param names Character: names of variables of the formula. @param places As of [find_data()].
#' @return Data frame, without those that are no variables of the data but found elsewhere and have no value for each
#'   row; or character: why there is none.
#' @noRd
fit_variables <- function(fit, names, places) {
  names <- setdiff(names, names_in(environment(fit$formula)))
  if (all(names %in% plain_variables(fit$frame))) {
    return(fit$frame[names])
  }
  found <- find_data(fit, places)
  if (!found$found) {
    return(not_found_text(fit, found$other))
  }
  rows <- nrow(found$data)
  constant <- function(name) {
    size <- NROW(get0(name, envir = found$place))
    is.null(.subset2(found$data, name)) && (size == 1L || (!is.null(rows) && size != rows))
  }
  names <- names[!vapply(names, constant, NA)]
  frame_from(fit, found$data, found$place, more = names)[names]
}

# Names of the columns of a model frame that are variables of the data as they are.
plain_variables <- function(frame) {
  variables <- as.list(attr(attr(frame, "terms"), "variables"))[-1L]
  names(frame)[seq_along(variables)][vapply(variables, is.symbol, NA)]
}

not_found_text <- function(fit, other) {
  paste0("The data of the fit", data_name(fit), ", are not found",
         if (!is.null(other)) paste0(": what is there now ", other), ".")
}

data_name <- function(fit) {
  if (is.language(fit$call$data)) paste0(", `", deparse1(fit$call$data), "`")
}

#' The model frame of a fit in place of its data, for a changed call
#'
#' It does where the changed formula asks for nothing but variables that are columns of it as they are in the data.
#'
#' @param call The changed call of [glmm()]. @param changed Character: names of the arguments that were changed.
#' @return List of `data` and the `call` to evaluate with them; or character, why it does not do.
#' @noRd
frame_as_data <- function(fit, call, changed) {
  frame <- fit$frame
  known <- plain_variables(frame)
  formula <- if (inherits(call$formula, "formula")) call$formula else stats::formula(fit)
  changed <- intersect(changed, c("weights", "offset", "subset"))
  old <- all.vars(stats::formula(attr(frame, "terms")))
  needed <- union(all.vars(formula), unlist(lapply(changed, function(argument) all.vars(call[[argument]]))))
  absent <- setdiff(needed, c(known, names_in(environment(fit$formula))))
  left_out <- attr(frame, "na.action")
  if (length(absent)) {
    return(paste("it does not have", format_items(absent), "as such"))
  }
  if ("subset" %in% changed && !is.null(fit$call$subset)) {
    return("it has the rows of `subset` only")
  }
  if (length(left_out) && !setequal(all.vars(formula), old)) {
    return("rows with missing values were left out of it, which another formula may use")
  }
  call$formula <- formula
  for (argument in setdiff(c("weights", "offset"), changed)) {
    if (!is.null(fit$call[[argument]])) call[[argument]] <- as.name(paste0("(", argument, ")"))
  }
  if (!"subset" %in% changed) call$subset <- NULL
  list(data = with_gaps(frame, left_out), call = call)
}

# Objects that a pruned environment holds: they were not in the data.
names_in <- function(env) {
  if (is_anchor(env)) character() else ls(env)
}

# Rows that were left out are there again, missing.
with_gaps <- function(frame, left_out) {
  if (!length(left_out)) {
    return(frame)
  }
  n <- nrow(frame) + length(left_out)
  position <- rep(NA_integer_, n)
  position[setdiff(seq_len(n), left_out)] <- seq_len(nrow(frame))
  names <- character(n)
  names[is.na(position)] <- names(left_out)
  names[!is.na(position)] <- row.names(frame)
  data <- lapply(frame, function(x) if (is.matrix(x)) x[position, , drop = FALSE] else x[position])
  structure(data, class = "data.frame", row.names = names)
}
