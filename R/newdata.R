# Rows to predict for: X, Z and offset from a fit's own model frame or from new data, and which random terms count.

#' Rows to predict for
#'
#' @param fit Object of class `glimmer`.
#' @param newdata `NULL` for the rows of the fit, or a data frame.
#' @param wanted List by grouping factor of the positions of the columns of Z that are needed.
#' @param na_action Function or its name: what to do with missing values in `newdata`.
#' @return List of `X`; `offset`; `random`, a list by grouping factor, each `NULL` where no column is wanted, else a
#'   list of `Z` (columns not wanted are 0), `codes` (the level of each row, from 1 among those that occur),
#'   `position` (of these levels among those of the fit, `NA` for new ones) and `labels`; `names` of the rows;
#'   `without_value` (row numbers with missing values, or whose fixed part is not estimable); `na_action` for
#'   [stats::napredict()].
#' @noRd
prediction_rows <- function(fit, newdata, wanted, na_action = stats::na.pass) {
  if (is.null(newdata)) fit_rows(fit, wanted, na_action) else new_rows(fit, newdata, wanted, na_action)
}

fit_rows <- function(fit, wanted, na_action = NULL) {
  design <- fit_design(fit)
  factors <- stats::setNames(design$factors, names(fit$factors))
  random <- Map(function(factor, columns) {
    if (!length(columns)) {
      return(NULL)
    }
    list(Z = wanted_columns(factor$Z, columns), codes = factor$index + 1L, position = seq_along(factor$levels),
         labels = factor$levels)
  }, factors, wanted)
  left_out <- attr(fit$frame, "na.action")
  # as in 'lme4', na.exclude asked for here pads what na.omit left out of the fit
  padded <- identical(resolve_na_action(na_action, globalenv()), stats::na.exclude)
  if (padded && !is.null(left_out)) class(left_out) <- "exclude"
  list(X = design$X, offset = design$offset, random = random, names = row.names(fit$frame),
       without_value = inestimable_in_fit(fit, design), na_action = left_out)
}

wanted_columns <- function(z, columns) {
  z[, setdiff(seq_len(ncol(z)), columns)] <- 0
  z
}

new_rows <- function(fit, newdata, wanted, na_action) {
  newdata <- check_newdata(newdata)
  fixed <- stats::delete.response(fit$terms)
  random <- lapply(seq_along(wanted), function(k) {
    Filter(function(term) term$factor == k && any(term$columns %in% wanted[[k]]), fit$random)
  })
  names(random) <- names(fit$factors)
  groups <- unlist(lapply(random, function(terms) {
    if (length(terms)) group_components(terms[[1L]]$group_expression)
  }))
  predictors <- c(terms_variables(fixed), unlist(lapply(unlist(random, recursive = FALSE), function(term) {
    terms_variables(term$terms)
  })))
  variables <- new_variables(fit, unique(c(predictors, groups)), newdata, setdiff(groups, predictors))
  variables[["(offset)"]] <- new_argument(fit, "offset", newdata)
  frame <- apply_na_action(variables, row.names(newdata), na_action)
  model <- model_variables(frame, unique(predictors), fit)
  x <- matrix_of(fixed, model, fit$contrasts)
  # the columns as they were given, and in the terms of the formula where these are columns too
  shown <- newdata[match(row.names(frame), row.names(newdata)), , drop = FALSE]
  unknown <- inestimable_rows(fit, x, shown, row_labels(frame, seq_len(nrow(frame))))
  list(X = x[, fit$kept, drop = FALSE], offset = new_offset(frame, fixed),
       random = Map(function(terms, k) new_random(fit, terms, k, wanted[[k]], model, frame), random, seq_along(random)),
       names = row.names(frame), without_value = sort(unique(c(unlist(lapply(frame, missing_rows)), unknown))),
       na_action = attr(frame, "na.action"))
}

check_newdata <- function(newdata) {
  frame <- if (is.data.frame(newdata)) newdata else if (is.list(newdata) && !is.null(names(newdata))) {
    attempt(as.data.frame(newdata, optional = TRUE))
  }
  if (is.null(frame)) {
    stop_glimmer("newdata", paste0("`newdata` must be a data frame (got ", class(newdata)[1L], ")."),
                 argument = "newdata", class_found = class(newdata))
  }
  # as the names in formulas, where the locale cannot write a letter
  if (length(frame)) names(frame) <- enc2native(names(frame))
  frame
}

#' Evaluate variables of the model in new data
#'
#' `predvars` of the fit's terms hold what `poly()`, `ns()` and `scale()` learnt from the data of the fit.
#'
#' @param names Character: columns of the fit's model frame. @param groups Those among them that are grouping variables.
#' @return Named list.
#' @noRd
new_variables <- function(fit, names, newdata, groups = NULL) {
  terms <- attr(fit$frame, "terms")
  expressions <- as.list(attr(terms, "predvars"))[-1L]
  names(expressions) <- names(fit$frame)[seq_along(expressions)]
  env <- environment(fit$formula)
  values <- stats::setNames(lapply(names, function(name) {
    advice <- if (name %in% groups) " Only `re.form = NA` predicts without grouping variables."
    new_variable(expressions[[name]], name, newdata, env, advice)
  }), names)
  warn_other_rows(fit, values)
  values
}

new_variable <- function(expression, name, newdata, env, advice) {
  value <- attempt(eval(expression, newdata, env), identity)
  absent <- is_absent(expression, newdata)
  if (inherits(value, "error") || is.function(value) || absent) {
    missing <- if (absent) name else missing_variables(expression, newdata, env)
    if (length(missing)) {
      stop_glimmer("variable", paste0(agree(length(missing), "Variable ", "Variables "), format_items(missing),
                                      " of the model ", agree(length(missing), "is", "are"), " not in `newdata`.",
                                      advice),
                   variable = missing, argument = "newdata")
    }
    stop_glimmer("variable", paste0("Variable ", format_items(name), " of the model cannot be evaluated in ",
                                    "`newdata`: ", conditionMessage(value)), variable = name, argument = "newdata")
  }
  check_labels(value, name)
  if (!is.symbol(expression) || NROW(value) != nrow(newdata)) {
    check_follows_rows(value, expression, newdata, env, paste("Variable", format_items(name)), "variable",
                       variable = name)
  }
  value
}

# An object of that name elsewhere, such as the data of the fit, must not stand in for a column of newdata.
is_absent <- function(expression, newdata) {
  is.symbol(expression) && !as.character(expression) %in% names(newdata)
}

#' The weights or offset argument of the fit, evaluated in new data
#' @return Numeric, or `NULL` where the fit had no such argument.
#' @noRd
new_argument <- function(fit, argument, newdata) {
  if (is.null(fit$frame[[paste0("(", argument, ")")]])) {
    return(NULL)
  }
  expression <- fit$call[[argument]]
  shown <- paste0("The `", argument, "` argument of the fit", if (is.language(expression)) {
    paste0(", `", deparse1(expression), "`,")
  })
  env <- environment(fit$formula)
  value <- if (!is_absent(expression, newdata)) attempt(eval(expression, newdata, env))
  if (!is.numeric(value)) {
    advice <- if (argument == "offset") " Or write the offset in the formula, as offset(...)."
    stop_glimmer(argument, paste0(shown, " is needed for `newdata`, but cannot be evaluated there. Give `newdata` the ",
                                  "columns that it names.", advice), argument = argument,
                 expression = deparse1(expression))
  }
  check_follows_rows(value, expression, newdata, env, shown, argument)
  warn_other_rows(fit, stats::setNames(list(value), paste0("(", argument, ")")))
  value
}

apply_na_action <- function(variables, names, na_action) {
  frame <- structure(variables, class = "data.frame", row.names = names)
  na_action <- resolve_na_action(na_action, globalenv())
  if (is.null(na_action)) {
    return(frame)
  }
  attempt(na_action(frame), function(e) {
    incomplete <- vapply(variables, function(x) length(missing_rows(x)) > 0L, logical(1))
    if (!any(incomplete)) stop(e)
    name <- names(variables)[incomplete][1L]
    stop_missing(name, missing_rows(variables[[name]]), structure(variables, class = "data.frame", row.names = names),
                 "`na.action` refuses them in `newdata`.")
  })
}

# The predictors with the types and levels that they had in the fit, as a model frame.
model_variables <- function(frame, names, fit) {
  for (name in names) {
    frame[[name]] <- as_in_fit(frame[[name]], fit$frame[[name]], name)
  }
  # model.matrix() takes a data frame with this attribute as it is
  attr(frame, "terms") <- attr(fit$frame, "terms")
  frame
}

new_offset <- function(frame, fixed) {
  names <- c(terms_variables(fixed)[attr(fixed, "offset")], "(offset)")
  offsets <- lapply(intersect(names, names(frame)), function(name) {
    if (name != "(offset)") check_offset_type(frame[[name]], name)
    as.double(frame[[name]])
  })
  Reduce(`+`, offsets, numeric(nrow(frame)))
}

new_random <- function(fit, terms, k, columns, model, frame) {
  if (!length(terms)) {
    return(NULL)
  }
  z <- matrix(0, nrow(frame), length(fit$factors[[k]]$columns), dimnames = list(NULL, fit$factors[[k]]$columns))
  for (term in terms) {
    used <- term$columns %in% columns
    z[, term$columns[used]] <- matrix_of(term$terms, model, term$contrasts)[, term$positions[used]]
  }
  expression <- terms[[1L]]$group_expression
  groups <- group_index(expression, frame)
  position <- match_levels(expression, groups, frame, fit$factors[[k]]$levels, fit$frame)
  list(Z = z, codes = groups$index + 1L, position = position, labels = groups$levels)
}

#' Positions of the levels of new data among those of the fit
#'
#' Levels of `a:b` are compared by their parts: what is pasted together can look alike.
#' @noRd
match_levels <- function(expression, groups, frame, levels, fit_frame) {
  if (length(group_components(expression)) == 1L) {
    return(match(groups$levels, levels))
  }
  known <- group_index(expression, fit_frame)
  position <- match(level_parts(expression, groups, frame), level_parts(expression, known, fit_frame))
  # of levels without rows in the fit, which a known covariance has, there are names only
  further <- seq_along(levels) > length(known$levels)
  ifelse(is.na(position), match(groups$levels, ifelse(further, levels, NA), incomparables = NA), position)
}

level_parts <- function(expression, groups, frame) {
  first <- match(seq_along(groups$levels) - 1L, groups$index)
  parts <- lapply(group_components(expression), function(name) {
    part <- column_index(frame[[name]], name)
    part$levels[part$index[first] + 1L]
  })
  do.call(paste, c(parts, sep = "\r"))
}

#' Which columns of Z a `re.form` asks for
#'
#' @param re_form `NULL` (all), `NA` or `~0` (none), or a one-sided formula of random terms of the fit.
#' @return List by grouping factor of integer positions.
#' @noRd
select_random <- function(fit, re_form) {
  all <- lapply(fit$factors, function(factor) seq_along(factor$columns))
  if (is.null(re_form)) {
    return(all)
  }
  none <- lapply(all, function(columns) integer())
  if (is.atomic(re_form) && length(re_form) == 1L && is.na(re_form)) {
    return(none)
  }
  if (!inherits(re_form, "formula") || length(re_form) != 2L) {
    stop_re_form(paste0("`re.form` must be NULL (all random effects), NA or ~0 (none), or a one-sided formula of ",
                        "random terms of the fit."))
  }
  if (identical(re_form[[2L]], 0)) {
    return(none)
  }
  keys <- vapply(seq_along(all), function(k) {
    group_key(Filter(function(term) term$factor == k, fit$random)[[1L]]$group_expression)
  }, "")
  for (term in parse_re_form(re_form)) {
    k <- match(group_key(term$group), keys)
    if (is.na(k)) {
      stop_re_form(paste0("`re.form` has the grouping factor ", format_items(term$group_name), ", but the fit has ",
                          format_items(names(fit$factors)), "."), variable = term$group_name)
    }
    none[[k]] <- union(none[[k]], match_effects(term, fit, k))
  }
  none
}

stop_re_form <- function(message, ...) {
  stop_glimmer("re_form", message, argument = "re.form", ...)
}

parse_re_form <- function(re_form) {
  env <- if (is.null(environment(re_form))) globalenv() else environment(re_form)
  hiding <- hide_calls(re_form[[2L]], env)
  bars <- find_bars(hiding$expression)
  rest <- drop_bars(hiding$expression)
  if (!length(bars) || length(all.vars(rest))) {
    stop_re_form(paste0("`re.form` must hold random terms and nothing else, as in `~ (1 | g)`; got `",
                        deparse1(re_form), "`."))
  }
  unlist(lapply(bars, expand_bar, hiding = hiding, env = env), recursive = FALSE)
}

# The columns of a factor's Z that the left side of a term names.
match_effects <- function(term, fit, k) {
  left <- stats::terms(term$left)
  unknown <- setdiff(terms_variables(left), names(fit$frame))
  if (!length(unknown)) {
    contrasts <- unlist(lapply(fit$random, function(term) as.list(term$contrasts)), recursive = FALSE)
    asked <- matrix_of(frame_terms(left, fit$frame), fit$frame, contrasts[!duplicated(names(contrasts))])
    places <- match_columns(term_columns(left, asked), factor_columns(rebuild_random(fit$random, fit$frame), k))
    unknown <- colnames(asked)[is.na(places)]
  }
  if (length(unknown)) {
    stop_re_form(paste0("`re.form` has ", format_items(unknown), " for the grouping factor ",
                        format_items(term$group_name), ", but the fit has ",
                        format_items(fit$factors[[k]]$columns), "."),
                 variable = unknown, term = deparse1(term$expression))
  }
  places
}
