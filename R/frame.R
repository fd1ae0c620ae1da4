# From the formula's parts and the data to the model frame, with the checks that every model needs: the variables
# are there, have the same length, are finite, and leave rows to fit.

#' Build the model frame
#'
#' Weights, offset and subset are evaluated as [stats::lm()] does: in the data, then in the formula's environment.
#'
#' @param call The matched call of [glmm()].
#' @param parts Result of [parse_formula()].
#' @param env The caller of [glmm()].
#' @param data The evaluated data.
#' @return Model frame: response first, then all variables of the formula, `(weights)` and `(offset)`; attributes
#'   `terms` (with the pruned environment), `na.action` and `other_rows` (see [find_other_rows()]). Row
#'   names are those of the data.
#' @noRd
build_frame <- function(call, parts, env = parent.frame(), data = eval(call$data, env)) {
  check_data(data)
  call <- resolve_dots(call, env)
  lookup <- environment(parts$frame)
  extras <- frame_extras(call, data, lookup)
  check_variable_names(parts$frame)
  na_action <- find_na_action(call, env)
  check_dimensions(parts, data)
  frame <- warn_not_numbers(parts, data, extras, attempt({
    make_frame(parts$frame, data, extras, na_action)
  }, function(e) explain_frame_error(e, parts, data, extras, na_action)))
  check_rows(frame, parts, data, extras)
  check_types(frame)
  check_complete(frame)
  check_finite(frame)
  check_weights(frame[["(weights)"]], frame)
  frame <- factor_groups(frame, parts$terms)
  attr(frame, "other_rows") <- find_other_rows(frame, call, data, lookup)
  attr(attr(frame, "terms"), ".Environment") <- environment(parts$formula)
  frame
}

#' Replace `..1`, `..2` in a call by what was passed
#'
#' In a wrapper `function(...) glmm(...)` the matched call names its arguments so.
#'
#' @param call Matched call.
#' @param env Frame of the wrapper.
#' @return The call with the expressions that the wrapper was given.
#' @noRd
resolve_dots <- function(call, env) {
  dotted <- vapply(as.list(call), is_dotted, NA)
  if (any(dotted)) {
    passed <- as.list(eval(quote(substitute(list(...))), env))[-1L]
    call[dotted] <- passed[as.integer(substring(vapply(as.list(call)[dotted], as.character, ""), 3L))]
  }
  call
}

is_dotted <- function(x) {
  is.symbol(x) && startsWith(as.character(x), "..") && grepl("^[.][.][0-9]+$", x)
}

# Without the option of R there is none, and check_complete() refuses missing values.
find_na_action <- function(call, env) {
  if (!"na.action" %in% names(call)) {
    return(resolve_na_action(getOption("na.action"), env))
  }
  value <- attempt(eval(call$na.action, env), function(e) NA)
  resolve_na_action(value, env, deparse1(call$na.action))
}

#' The function that `na.action` is or names
#' @param shown What the user gave, for the message.
#' @noRd
resolve_na_action <- function(value, env, shown = deparse1(value)) {
  named <- is.character(value) && length(value) == 1L && !is.na(value) && nzchar(value)
  action <- if (named) get0(value, envir = env, mode = "function") else value
  if (is.null(value) || is.function(action)) {
    return(action)
  }
  stop_glimmer("argument", paste0("`na.action` must be a function such as na.omit, na.exclude or na.fail (got `", shown,
                                  "`)."), argument = "na.action")
}

make_frame <- function(formula, data, extras, na_action) {
  arguments <- c(list(formula = formula, data = data, na.action = spare_complete(na_action)), extras)
  frame <- do.call(stats::model.frame, arguments, quote = TRUE)
  for (position in seq_along(frame)) check_labels(.subset2(frame, position), names(frame)[position])
  drop_unused_levels(frame)
}

# The usual actions copy every variable even where no value is missing.
spare_complete <- function(na_action) {
  usual <- c(stats::na.omit, stats::na.exclude, stats::na.fail)
  if (!any(vapply(usual, identical, NA, na_action))) {
    return(na_action)
  }
  function(frame) if (any(vapply(frame, has_missing, NA))) na_action(frame) else frame
}

has_missing <- function(x) {
  if (is.object(x) && !is.factor(x)) any(is.na(x)) else anyNA(x)
}

# As stats::model.frame() does it, but the codes are only counted.
drop_unused_levels <- function(frame) {
  for (name in names(frame)) {
    x <- .subset2(frame, name)
    if (!is.factor(x) || all(tabulate(x, nlevels(x)) > 0L)) next
    if (!is.null(attr(x, "contrasts"))) {
      warning(gettextf("contrasts dropped from factor %s due to missing levels", name, domain = "R-stats"),
              call. = FALSE, domain = NA)
    }
    frame[[name]] <- x[, drop = TRUE]
  }
  frame
}

check_data <- function(data) {
  if (is.null(data) || is.data.frame(data) || is.environment(data)) {
    return(invisible())
  }
  if (!is.list(data)) {
    advice <- if (is.array(data)) ": convert it with as.data.frame()." else "."
    stop_glimmer("data", paste0("`data` must be a data frame (got ", class(data)[1L], ")", advice), argument = "data",
                 class_found = class(data))
  }
  if (is.null(names(data))) {
    stop_glimmer("data", "`data` is a list without names: name its variables, or use a data frame.", argument = "data")
  }
}

#' Subset, weights and offset of a call, those that were given
#' @noRd
frame_extras <- function(call, data, lookup) {
  extras <- lapply(list(subset = "subset", weights = "weights", offset = "offset"), function(argument) {
    eval_argument(call[[argument]], argument, data, lookup)
  })
  check_extras(extras, data)
  extras[!vapply(extras, is.null, logical(1))]
}

eval_argument <- function(expression, argument, data, env) {
  if (is.null(expression)) {
    return(NULL)
  }
  attempt(eval(expression, data, env), function(e) {
    missing <- missing_variables(expression, data, env)
    stop_glimmer(if (length(missing)) "variable" else argument,
                 paste0("`", argument, "` cannot be evaluated: ", conditionMessage(e), ". It is looked up in the ",
                        "data, then where the formula was made."),
                 argument = argument, variable = missing)
  })
}

# Type and length of weights, offset and subset, before model.frame() recycles or refuses them without a name.
check_extras <- function(extras, data) {
  n <- if (is.data.frame(data)) nrow(data)
  for (argument in c("weights", "offset")) {
    value <- extras[[argument]]
    if (is.null(value)) {
      next
    }
    if (!is.numeric(value) || is.factor(value) || NCOL(value) != 1L) {
      got <- if (is.numeric(value)) paste(NCOL(value), "columns") else class(value)[1L]
      named <- is.character(value) && length(value) == 1L && value %in% names(data)
      advice <- if (named) paste0(" Write the name of the variable without quotes: `", argument, " = ", value, "`.")
      stop_glimmer(argument, paste0("`", argument, "` must be numeric, one number per row (got ", got, ").", advice),
                   argument = argument, class_found = class(value))
    }
    check_length(length(value), n, argument)
  }
  check_subset(extras$subset, data, n)
}

check_subset <- function(subset, data, n) {
  if (is.null(subset)) {
    return(invisible())
  }
  if (is.character(subset)) {
    unknown <- if (!is.null(n)) setdiff(subset, row.names(data))
    if (length(unknown)) {
      stop_glimmer("subset", paste0("`subset` names rows that the data do not have: ", format_items(unknown), "."),
                   argument = "subset", rows = unknown)
    }
    return(invisible())
  }
  if (!is.logical(subset) && !(is.numeric(subset) && !is.factor(subset))) {
    stop_glimmer("subset", paste0("`subset` must be logical, or the numbers or names of rows (got ",
                                  class(subset)[1L], ")."), argument = "subset")
  }
  if (is.logical(subset)) {
    check_length(length(subset), n, "subset")
  } else {
    check_row_numbers(subset, n)
  }
}

check_row_numbers <- function(subset, n) {
  outside <- subset[which(abs(subset) > (if (is.null(n)) .Machine$integer.max else n))]
  if (length(outside)) {
    stop_glimmer("subset", paste0("`subset` asks for ", format_rows(outside), ", but the data have ", n, " rows."),
                 argument = "subset", rows = outside)
  }
  broken <- subset[which(subset != round(subset))]
  if (length(broken)) {
    stop_glimmer("subset", paste0("`subset` must be logical, or the numbers or names of rows: ",
                                  join_items(format(broken), 3L),
                                  agree(length(broken), " is no row number.", " are no row numbers.")),
                 argument = "subset", rows = broken)
  }
  if (any(subset < 0, na.rm = TRUE) && (anyNA(subset) || any(subset > 0))) {
    stop_glimmer("subset", paste0("`subset` has positive and negative (or missing) row numbers: give those to use, ",
                                  "or those to leave out."), argument = "subset")
  }
}

check_length <- function(length, n, argument) {
  if (!is.null(n) && length != n) {
    stop_glimmer(argument, paste0("`", argument, "` has length ", length, ", but the data have ", n, " rows: give ",
                                  "one value per row of the data (before `subset` and `na.action`)."),
                 argument = argument)
  }
}

check_rows <- function(frame, parts, data, extras) {
  n <- nrow(frame)
  if (n > 1L) {
    return(invisible())
  }
  omitted <- length(attr(frame, "na.action"))
  if (omitted > 0L) {
    whole <- make_frame(parts$frame, data, extras, stats::na.pass)
    counts <- vapply(whole, function(x) length(missing_rows(x)), integer(1))
    guilty <- if (any(counts == nrow(whole))) names(whole)[counts == nrow(whole)] else names(whole)[counts > 0L]
    explain_infinite(guilty, whole, data, environment(parts$frame))
    guilty <- argument_names(guilty)
    stop_glimmer("rows", paste0(n, " complete ", agree(n, "row", "rows"), " of ", nrow(whole), " left: ",
                                "there are missing values in ", format_items(guilty), "."), variable = guilty)
  }
  if (n == 0L && !is.null(extras$subset)) {
    stop_glimmer("rows", "0 rows after `subset`: no row of the data fulfils it.", argument = "subset")
  }
  group_names <- unique(vapply(parts$terms, function(term) term$group_name, ""))
  stop_glimmer("rows", paste0("The data have ", n, agree(n, " row", " rows"), ", so that each grouping factor (",
                              format_items(group_names), ") has at most 1 level: a mixed model needs several ",
                              "rows and groups."), argument = "data")
}

check_complete <- function(frame) {
  for (name in names(frame)) {
    rows <- missing_rows(.subset2(frame, name))
    if (length(rows)) {
      stop_missing(name, rows, frame, "`na.action` left them in the data: use na.omit or na.exclude.")
    }
  }
}

stop_missing <- function(name, rows, frame, advice) {
  rows <- row_labels(frame, rows)
  name <- argument_names(name)
  stop_glimmer("missing", paste0("missing values in object: ", format_items(name), " has missing values in ",
                                 format_rows(rows), ". ", advice), variable = name, rows = rows)
}

check_weights <- function(weights, frame) {
  if (is.null(weights)) {
    return(invisible())
  }
  negative <- which(weights < 0)
  if (length(negative)) {
    rows <- row_labels(frame, negative)
    stop_glimmer("weights", paste0("`weights` is negative in ", format_rows(rows), ": weights must be 0 or more."),
                 argument = "weights", rows = rows)
  }
  if (!any(weights > 0)) {
    stop_glimmer("weights", "`weights` is 0 in every row: there is nothing to fit.", argument = "weights")
  }
}

# Grouping variables of type character become factors, their levels in the order of the C locale: the same
# everywhere, and quick for millions of strings.
factor_groups <- function(frame, terms) {
  names <- unique(unlist(lapply(terms, function(term) group_components(term$group))))
  for (name in intersect(names, names(frame))) {
    if (is.character(frame[[name]])) {
      frame[[name]] <- factor(frame[[name]], levels = sort(unique(frame[[name]]), method = "radix"))
    }
  }
  frame
}
