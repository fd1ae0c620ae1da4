# Fitting again with a changed call.

#' Fit again with a changed call
#'
#' @param object Object of class `glimmer`.
#' @param formula. Changes to the formula, as in [stats::update.formula()], where `.` stands for what is there:
#'   `. ~ . + z`, `. ~ . - (1 | g)`.
#' @param ... Arguments of [glmm()] to change or add by name; `NULL` takes one away. `start = "previous"` starts from
#'   the parameters of `object`, if the new model has the same ones.
#' @param evaluate Logical: whether to fit, or only to return the call.
#'
#' @details
#' The formula keeps the objects that it needed when `object` was fitted, and the fit its `covariance`; the other
#' arguments are evaluated again. They are looked up where `update()` is called, or, if the data are not there, in the
#' functions that led to that call.
#'
#' A fit does not keep its data, and what has their name may be something else by now: a loop or a function reuses
#' names, and data are edited. Data count as those of the fit if they make its model frame (in any order of the rows,
#' and with any further variables). Otherwise the model frame itself is used, where the changed model asks for nothing
#' but variables that it has untransformed, with a warning if something else of that name is there; or there is an
#' error. To fit to other data, also to the same ones after a change, give `data = `: data that are given are always
#' used as they are.
#'
#' @return A fit of class `glimmer`, whose `call` is the changed one (without `start = "previous"`); or that call,
#'   unevaluated, with the data by value where their name would give other ones.
#' @section Errors:
#' `glimmer_error_argument` for a `start` that does not match; `glimmer_error_data` where the data of the fit are not
#' found and its model frame does not do; and those of [glmm()].
#' @section Warnings:
#' `glimmer_warning_data` where the model frame was used since what has the name of the data is something else.
#' @seealso [refit.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   update(fit, . ~ . + week)
#'   update(fit, data = subset(MASS::bacteria, week > 0), start = "previous")
#' }
#' @importFrom stats update
#' @export
update.glimmer <- function(object, formula., ..., evaluate = TRUE) { # nolint: object_name_linter.
  check_dots(update.glimmer, ..., .others = names(formals(glmm)))
  caller <- parent.frame()
  changes <- match.call(expand.dots = FALSE)$...
  if (length(changes)) changes <- as.list(resolve_dots(as.call(c(quote(list), changes)), caller))[-1L]
  check_flag(evaluate, "evaluate")
  call <- object$call
  if (!missing(formula.)) {
    check_changes(formula.)
    call$formula <- changed_formula(stats::formula(object), formula.)
  } else if (!("." %in% all.vars(call$formula))) {
    # with the objects that it needed then
    call$formula <- stats::formula(object)
  }
  for (name in names(changes)) {
    # what is not there cannot be taken away
    if (!is.null(changes[[name]]) || name %in% names(call)) call[[name]] <- changes[[name]]
  }
  places <- places_of_call(object, caller, sys.frames()[seq_len(sys.parent())])
  if (!evaluate) {
    if (identical(call$start, "previous")) call$start <- substitute(object)
    return(if ("data" %in% names(changes)) call else call_with_data(object, call, names(changes), places))
  }
  values <- new.env(parent = caller)
  for (name in intersect(names(changes), evaluated_arguments)) {
    if (is.language(changes[[name]])) delay_argument(values, name, match(name, names(changes)), ...)
  }
  source <- if (!"data" %in% names(changes)) data_for_update(object, call, names(changes), places)
  update_with(object, call, source, values, places)
}

# Where the data of a fit may be: where a method was called, in the calls that led there, or with the formula.
places_of_call <- function(object, caller, frames) {
  c(list(caller), rev(as.list(frames)), list(environment(object$formula)))
}

# The arguments of glmm() that are evaluated as those of any function are; the others are looked up in the data.
evaluated_arguments <- c("data", "family", "contrasts", "method", "nAGQ", "REML", "covariance", "start", "control")

# As a promise an argument is evaluated where it was written, whatever wrappers call it.
delay_argument <- function(env, name, position, ...) {
  force(position)
  delayedAssign(given_name(name), ...elt(position), assign.env = env)
}

# A name that no variable of a model has.
given_name <- function(argument) {
  paste0(".given_", argument)
}

#' Evaluate a changed call
#'
#' @param call The changed call. @param source Result of [data_for_update()], or `NULL` where `data` were given.
#' @param values Environment: arguments under their [given_name()]. @param places As of [find_data()].
#' @noRd
update_with <- function(object, call, source, values, places) {
  shown <- call
  if (!is.null(source)) {
    call <- source$call
    if (!is.null(source$data)) assign(given_name("data"), source$data, envir = values)
    places <- c(list(source$place), places)
  }
  previous <- identical(call$start, "previous")
  if (previous) assign(given_name("start"), object, envir = values)
  kept <- !is.null(call$covariance) && identical(call$covariance, object$call$covariance)
  if (kept && !exists(given_name("covariance"), envir = values, inherits = FALSE)) {
    # that of the fit, whatever has the name of its matrix by now
    assign(given_name("covariance"), covariances_of(object), envir = values)
  }
  for (name in evaluated_arguments) {
    if (exists(given_name(name), envir = values, inherits = FALSE)) call[[name]] <- as.name(given_name(name))
  }
  parent.env(values) <- place_with(setdiff(all.vars(call), ls(values, all.names = TRUE)), object, values, places)
  result <- eval(call, values)
  altered <- Filter(function(name) !identical(call[[name]], shown[[name]]), union(names(call), names(shown)))
  for (name in setdiff(altered, c("", "formula"))) {
    result$call[[name]] <- shown[[name]]
  }
  if (previous) result$call$start <- NULL
  result
}

# The first place in which all variables are that are neither in the data nor with the formula.
place_with <- function(names, object, values, places) {
  data <- attempt(get0(given_name("data"), envir = values, inherits = FALSE))
  names <- setdiff(names, c(names(data), names_in(environment(object$formula))))
  for (place in places) {
    if (all(vapply(names, exists, NA, envir = place))) {
      return(place)
    }
  }
  places[[1L]]
}

#' The data to fit a changed call to: those of the fit where they are found, otherwise its model frame
#'
#' @param changed Names of the changed arguments. @param places As of [find_data()].
#' @return List of `data`, `place` and the `call` to evaluate with them.
#' @noRd
data_for_update <- function(object, call, changed, places) {
  found <- find_data(object, places)
  if (found$found) {
    return(list(data = found$data, place = found$place, call = call))
  }
  instead <- frame_as_data(object, call, changed)
  if (is.character(instead)) {
    stop_glimmer("data", paste0(not_found_text(object, found$other), " The model frame of the fit does not do ",
                                "instead: ", instead, ". Give `data = ` again."),
                 argument = "data", variable = deparse1(object$call$data))
  }
  if (!is.null(found$other)) {
    warn_glimmer("data", paste0(not_found_text(object, found$other), " The model frame of the fit is used instead. To ",
                                "fit to other data, give `data = `."),
                 argument = "data", variable = deparse1(object$call$data))
  }
  list(data = instead$data, place = places[[1L]], call = instead$call)
}

#' A call for others to evaluate, with the data by value where their name would give other data
#'
#' step() evaluates it where it was called itself, MASS::dropterm() in the environment of the formula, in which the data
#' of a function are not found any more.
#' @noRd
call_with_data <- function(object, call, changed, places) {
  if (!is.language(call$data)) {
    return(call)
  }
  value_in <- function(place) attempt(eval(call$data, place))
  is_other <- function(place) !is.null(data_differs(object, value_in(place), place))
  has_value <- function(place) !is.null(value_in(place))
  with_formula <- environment(object$formula)
  by_program <- isNamespace(topenv(places[[1L]])) && !is_within(places[[1L]], topenv())
  nearest <- Find(has_value, places)
  wrong <- if (has_value(with_formula)) is_other(with_formula) else by_program && !is.null(nearest)
  if (wrong || (!is.null(nearest) && is_other(nearest))) {
    source <- data_for_update(object, call, changed, places)
    call <- source$call
    call$data <- source$data
  }
  call
}

# stats::update.formula() puts covariance structures in parentheses, for the bar in them.
changed_formula <- function(formula, changes) {
  changed <- stats::update.formula(formula, changes)
  changed[[length(changed)]] <- bare_structures(changed[[length(changed)]])
  changed
}

bare_structures <- function(expression) {
  if (is_sum(expression)) {
    return(join_sum(lapply(split_sum(expression), function(part) {
      list(sign = part$sign, operand = bare_structures(part$operand))
    })))
  }
  inner <- strip_parentheses(expression)
  if (call_name(inner) %in% c("us", names(structures))) inner else expression
}

# A formula, or one as text.
check_changes <- function(changes) {
  parsed <- if (is.character(changes) && length(changes) == 1L) {
    attempt(stats::as.formula(changes))
  } else {
    changes
  }
  if (!inherits(parsed, "formula")) {
    stop_glimmer("argument", "`formula.` must be a formula, such as . ~ . + x.", argument = "formula.")
  }
}
