# Whether a variable of the model is made row by row. A variable that looks at other rows (a rank, a mean that is taken
# off) or at an object with a value for each row of the fit is another variable in new data.

#' Which variables of a fit depend on other rows than their own
#'
#' Each expression, with what `poly()`, `ns()` and `scale()` have learnt, is evaluated in a few rows of the data alone,
#' and compared with the model frame. What cannot be evaluated there is not judged.
#'
#' @param frame Model frame. @param call The matched call of [glmm()]. @param data,env The data, and where variables
#'   are looked up that are not in them.
#' @return Logical, one for each column of the frame; `FALSE` for the response.
#' @noRd
find_other_rows <- function(frame, call, data, env) {
  terms <- attr(frame, "terms")
  expressions <- as.list(attr(terms, "predvars"))[-1L]
  arguments <- argument_names(names(frame)[-seq_along(expressions)])
  expressions <- c(expressions, lapply(arguments, function(argument) call[[argument]]))
  judged <- vapply(expressions, is.call, NA)
  judged[attr(terms, "response")] <- FALSE
  position <- if (any(judged)) row_positions(frame, data)
  n <- if (is.data.frame(data)) nrow(data) else NROW(find_variable(all.vars(terms)[1L], data, env))
  judged[judged] <- vapply(which(judged), function(k) {
    known <- .subset2(frame, k)
    evaluate <- row_evaluator(expressions[[k]], data, env, n)
    unit <- column_units(known)
    for (rows in probe_rows(known)) {
      value <- if (!anyNA(position(rows))) evaluate(position(rows))
      if (!is.null(value) && !same_values(value, known, rows, unit)) {
        return(TRUE)
      }
    }
    FALSE
  }, NA)
  judged
}

# Function that gives the positions in the data of rows of the frame.
row_positions <- function(frame, data) {
  labels <- attr(frame, "row.names")
  numbered <- is.integer(labels) && (!is.data.frame(data) || .row_names_info(data) < 0L)
  function(rows) if (numbered) labels[rows] else match(labels[rows], attr(data, "row.names"))
}

# Rows that tell: alone, the first, the last, those of the extremes; some together; and those of small values.
probe_rows <- function(x) {
  n <- NROW(x)
  if (is.matrix(x)) x <- x[, 1L]
  x <- if (is.character(x)) seq_len(n) else as.double(unclass(x))
  alone <- unique(c(1L, n, which.min(x), which.max(x)))
  small <- which(x <= mean(x))
  unique(c(alone, list(unique(round(seq(1, n, length.out = 7)))), list(small[seq_len(min(length(small), 500L))])))
}

#' Evaluate an expression in some rows of the data
#'
#' Objects outside the data that have a value a row are cut down only where the result does not have the rows otherwise:
#' a table that happens to have that length may be looked up by value.
#'
#' @param n Number of rows of the data.
#' @return Function of positions in the data: the value, or `NULL` where there is none for these rows.
#' @noRd
row_evaluator <- function(expression, data, env, n) {
  names <- all.vars(expression)
  objects <- stats::setNames(lapply(names, find_variable, data = data, env = env), names)
  by_row <- !vapply(objects, is.function, NA) & vapply(objects, NROW, 1L) == n
  inside <- if (is.environment(data)) vapply(names, exists, NA, envir = data, inherits = FALSE) else
    names %in% names(data)
  if (is.environment(data)) env <- data
  function(rows) {
    for (cut in unique(list(by_row & inside, by_row))) {
      value <- attempt(suppressWarnings(eval(expression, lapply(objects[cut], take_rows, rows), env)))
      if (!is.null(value) && NROW(value) == length(rows)) {
        return(value)
      }
    }
  }
}

take_rows <- function(x, rows) {
  if (length(dim(x)) == 2L) x[rows, , drop = FALSE] else x[rows]
}

#' Whether a value is that of a variable in some of its rows
#'
#' Factors by their labels, numbers up to round-off.
#'
#' @param unit Result of [column_units()].
#' @noRd
same_values <- function(value, known, rows, unit = column_units(known)) {
  value <- tryCatch(as_in_fit(value, known, "value"), glimmer_error = function(e) NULL)
  if (is.null(value)) {
    return(FALSE)
  }
  expected <- take_rows(known, rows)
  if (is_categorical(known)) {
    return(identical(as.character(value), as.character(expected)))
  }
  difference <- abs(as.double(unclass(value)) - as.double(unclass(expected)))
  isTRUE(all(difference <= 1e-8 * rep(unit, each = length(rows)) | is.na(value) & is.na(expected)))
}

# The largest number in each column, for judging round-off.
column_units <- function(x) {
  if (is_categorical(x)) {
    return(NULL)
  }
  x <- unclass(x)
  if (is.matrix(x)) apply(abs(x), 2L, max, na.rm = TRUE) else max(abs(as.double(x)), na.rm = TRUE)
}

#' Refuse a variable whose values do not come from the rows of new data
#'
#' Such a variable has the same values whatever rows it is evaluated in: in some of them it has too many, or others.
#'
#' @param value Its value in `newdata`. @param shown What it is, for the message.
#' @param class,... Class and fields of the error.
#' @noRd
check_follows_rows <- function(value, expression, newdata, env, shown, class, ...) {
  n <- nrow(newdata)
  outside <- setdiff(object_names(expression), names(newdata))
  if (NROW(value) == n && (n == 0L || follows_rows(value, expression, newdata, env, length(outside) > 0L))) {
    return(invisible())
  }
  source <- if (length(outside)) paste0("takes values from ", format_items(outside), ", outside `newdata`") else
    "has values that do not come from `newdata`"
  size <- if (NROW(value) != n) paste0(" (", NROW(value), " for ", n, agree(n, " row", " rows"), ")")
  stop_glimmer(class, paste0(shown, " ", source, size, ": they belong to the rows of the fit. Fit with them as a ",
                             "column of the data, and give `newdata` that column."), argument = "newdata",
               outside = outside, ...)
}

follows_rows <- function(value, expression, newdata, env, compare) {
  n <- nrow(newdata)
  rows <- if (n == 1L) c(1L, 1L) else seq.int(if (compare) 2L else max(2L, n - 9L), n)
  again <- attempt(suppressWarnings(eval(expression, newdata[rows, , drop = FALSE], env)))
  is.null(again) || (NROW(again) == length(rows) && (!compare || same_values(again, value, rows)))
}

# Names that an expression uses as objects: `x` in d$x is none.
object_names <- function(expression) {
  if (!is.call(expression)) {
    return(all.vars(expression))
  }
  arguments <- as.list(expression)[-1L]
  if (call_name(expression) %in% c("$", "@")) arguments <- arguments[1L]
  # the second argument of x[, 1] is the empty symbol
  empty <- vapply(arguments, identical, NA, substitute())
  unique(unlist(lapply(arguments[!empty], object_names)))
}

#' Warn of variables that in new data are not those of the fit
#'
#' @param values List by column of the model frame of their values in new data.
#' @noRd
warn_other_rows <- function(fit, values) {
  flagged <- names(fit$frame)[which(attr(fit$frame, "other_rows"))]
  doubtful <- Filter(function(name) {
    known <- fit$frame[[name]]
    NROW(known) != NROW(values[[name]]) || !same_values(values[[name]], known, seq_len(NROW(known)))
  }, intersect(flagged, names(values)))
  if (length(doubtful)) {
    shown <- format_items(argument_names(doubtful))
    warn_glimmer("other_rows", paste0("The value of ", shown, " in a row depends on the other rows of the data, so ",
                                      "that in `newdata` it is not what it was in the fit, and predictions are wrong ",
                                      "unless these are the same rows. Put the computed values into the data as a ",
                                      "column, fit with that column, and give it in `newdata`."),
                 variable = doubtful, argument = "newdata")
  }
}
