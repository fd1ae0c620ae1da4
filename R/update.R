# Fitting again: with a changed call, or to another response.

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
#' The formula keeps the objects that it needed when `object` was fitted; the other arguments are evaluated again. They
#' are looked up where `update()` is called, or, if the data are not there, in the functions that led to that call.
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
    call$formula <- stats::update.formula(stats::formula(object), formula.)
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
evaluated_arguments <- c("data", "family", "contrasts", "method", "nAGQ", "REML", "start", "control")

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

#' @importFrom generics refit
#' @export
generics::refit

#' The generic of 'generics', handed on to that of 'lme4'
#'
#' Both packages have a generic `refit()`, and the one attached last masks the other. A method for fits of class
#' `glimmer` is registered with both. For the fits of 'lme4' and 'glmmTMB', which know the latter only, this makes
#' `refit()` work when `glimmer` is attached last.
#' @rawNamespace S3method(refit, merMod, refit_by_lme4)
#' @rawNamespace S3method(refit, glmmTMB, refit_by_lme4)
#' @noRd
refit_by_lme4 <- function(object, ...) {
  lme4::refit(object, ...)
}

#' Fit the same model to another response
#'
#' The model matrices, weights, offset and settings are those of the fit, and the search starts from its parameters.
#' With 'lme4' attached too, `refit()` takes the fits of both packages, whichever was attached last.
#'
#' @param object Object of class `glimmer`.
#' @param newresp The new response, one value for each row of the fit (or of its data, with the rows that `na.action`
#'   left out): a vector, a data frame with one column, a two-level factor, or a two-column matrix of successes and
#'   failures. For a binomial fit to counts a vector is taken as proportions of the same trials; for one to proportions
#'   a matrix must have the trials that are its weights. Without it the response of the fit.
#' @param ... Not used.
#'
#' @return A fit of class `glimmer`. Its `call` is that of `object`; the new response is in the model frame, which
#'   [update()][update.glimmer] then uses.
#' @section Errors:
#' `glimmer_error_length`: a response of another length; `glimmer_error_missing` and `glimmer_error_nonfinite`: values
#' that are missing or not finite; `glimmer_error_response`: a response that the family cannot have.
#' @seealso [simulate.glimmer()], [update.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   sim <- simulate(fit, seed = 1)
#'   refit(fit, sim$sim_1)
#' }
#' @method refit glimmer
#' @export
#' @rawNamespace S3method(lme4::refit,glimmer)
refit.glimmer <- function(object, newresp, ...) {
  check_dots(refit.glimmer, ...)
  fit <- object
  if (!missing(newresp) && !is.null(newresp)) {
    fit$frame[[1L]] <- check_response(newresp, object)
  }
  response <- resolve_response(fit$frame, fit$family)
  design <- fit_design(fit)
  design[names(response)] <- response
  fit_model(model_of(fit, design), start = object)
}

#' A new response as a column of the fit's model frame
#' @noRd
check_response <- function(newresp, fit) {
  if (is.data.frame(newresp) && length(newresp) == 1L) {
    newresp <- newresp[[1L]]
  }
  if (is.list(newresp) || is.null(newresp)) {
    stop_glimmer("response", paste0("`newresp` must be a vector, a factor, a matrix or a data frame with one column ",
                                    "(got ", class(newresp)[1L], ")."), argument = "newresp")
  }
  newresp <- frame_response(newresp, fit$frame)
  missing <- missing_rows(newresp)
  if (length(missing)) {
    stop_missing("newresp", missing, fit$frame, "A response is needed for every row of the fit.")
  }
  check_type(newresp, "newresp")
  check_finite(response_frame(newresp, fit))
  if (has_trials(fit$family)) match_trials(newresp, fit) else newresp
}

response_frame <- function(newresp, fit) {
  structure(list(newresp = newresp), class = "data.frame", row.names = row.names(fit$frame))
}

# One value for each row of the frame; rows that na.action left out are skipped.
frame_response <- function(newresp, frame) {
  omitted <- attr(frame, "na.action")
  n <- nrow(frame)
  if (length(omitted) && NROW(newresp) == n + length(omitted)) {
    newresp <- if (is.matrix(newresp)) newresp[-omitted, , drop = FALSE] else newresp[-omitted]
  }
  if (NROW(newresp) != n) {
    stop_glimmer("length", paste0("`newresp` has ", NROW(newresp), " values, but the fit has ", n, " rows",
                                  if (length(omitted)) paste0(" (", n + length(omitted), " with those left out)"), "."),
                 argument = "newresp")
  }
  newresp
}

# Successes and failures where the fit has them, proportions where it has those.
match_trials <- function(newresp, fit) {
  response <- fit$frame[[1L]]
  wanted <- is.matrix(response) && ncol(response) == 2L
  given <- is.matrix(newresp) && ncol(newresp) == 2L
  if (given == wanted) newresp else if (wanted) as_counts(newresp, response, fit) else as_proportions(newresp, fit)
}

as_counts <- function(newresp, response, fit) {
  proportion <- if (is.factor(newresp)) two_levels(newresp, "newresp") - 1 else as.double(newresp)
  check_support(proportion, response_frame(proportion, fit), family_traits(fit$family))
  size <- rowSums(response)
  successes <- proportion * size
  whole <- round(successes)
  near <- abs(successes - whole) <= 1e-8 * pmax(1, size)
  successes[near] <- whole[near]
  structure(cbind(successes, size - successes), dimnames = list(NULL, colnames(response)))
}

as_proportions <- function(newresp, fit) {
  size <- rowSums(newresp)
  trials <- fit$frame[["(weights)"]]
  if (is.null(trials)) trials <- rep(1, length(size))
  wrong <- which(size != trials)
  if (length(wrong)) {
    rows <- row_labels(fit$frame, wrong)
    stop_glimmer("response", paste0("`newresp` has other numbers of trials than the fit in ", format_rows(rows), ": ",
                                    "the response of the fit is a proportion, and its weights are the trials."),
                 argument = "newresp", rows = rows)
  }
  ifelse(size > 0, newresp[, 1L] / size, 0)
}
