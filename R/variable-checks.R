# What a variable of the model may be: its name, type and labels, and values that are finite.

#' Refuse names that a model frame cannot tell apart
#'
#' A frame keeps weights and offset under names of their own, and calls the column `log(x)` and the logarithm of `x`
#' alike.
#' @noRd
check_variable_names <- function(formula) {
  names <- terms_variables(stats::terms(formula))
  taken <- intersect(names, c("(weights)", "(offset)"))
  if (length(taken)) {
    stop_glimmer("variable", paste0("The formula has ", agree(length(taken), "a variable", "variables"), " called ",
                                    format_items(taken), ": so the weights and the offset are called in a model ",
                                    "frame. Rename ", agree(length(taken), "it.", "them.")), variable = taken)
  }
  repeated <- unique(names[duplicated(names)])
  if (length(repeated)) {
    stop_glimmer("variable", paste0("Two variables of the formula are called ", format_items(repeated), ", a column ",
                                    "and what is computed from others: rename the column."), variable = repeated)
  }
}

#' Refuse factors whose codes or labels are broken, and text that is not valid in its encoding
#' @noRd
check_labels <- function(x, name) {
  if (!is.factor(x) && !is.character(x)) {
    return(invisible())
  }
  if (is.factor(x)) check_codes(x, name)
  invalid <- which(!validEnc(if (is.factor(x)) as.character(levels(x)) else x))
  if (length(invalid)) {
    where <- if (is.factor(x)) paste("level", invalid[1L]) else format_rows(invalid)
    stop_glimmer("variable", paste0("Variable ", format_items(name), " has text that is not valid in its encoding (",
                                    where, "): convert it, as by iconv(x, \"latin1\", \"UTF-8\")."),
                 variable = name, rows = if (!is.factor(x)) invalid)
  }
}

check_codes <- function(x, name) {
  # as factors print a level that is missing
  levels <- replace(levels(x), is.na(levels(x)), "<NA>")
  codes <- unclass(x)
  repeated <- unique(levels[duplicated(levels)])
  broken <- which(codes < 1L | codes > length(levels) | codes != round(codes))
  if (!length(repeated) && !length(broken)) {
    return(invisible())
  }
  found <- if (length(repeated)) paste0("has the level ", format_items(repeated), " twice")
           else paste0("has codes beyond its ", length(levels), " levels in ", format_rows(broken))
  stop_glimmer("variable", paste0("The factor ", format_items(name), " is broken: it ", found, ". Make it again by ",
                                  "factor() from its values."),
               variable = name, levels = repeated, rows = if (!length(repeated)) broken)
}

#' Refuse variables of types that no model matrix can use
#'
#' All columns of the frame are looked at, whatever part they play; offsets must be numbers besides.
#' @noRd
check_types <- function(frame) {
  offsets <- attr(attr(frame, "terms"), "offset")
  for (position in seq_along(frame)) {
    x <- .subset2(frame, position)
    name <- names(frame)[position]
    check_type(x, name)
    if (position %in% offsets) {
      check_offset_type(x, name)
    }
  }
}

plain_type <- function(x) {
  is.atomic(x) && !is.complex(x) && !is.raw(x) && !inherits(x, "integer64") && length(dim(x)) < 3L
}

check_type <- function(x, name) {
  if (plain_type(x)) {
    return(invisible())
  }
  refused <- if (is.complex(x)) "complex" else class(x)[1L]
  stop_glimmer("variable", paste0("Variable ", format_items(name), " is of type '", refused, "': only real numbers, ",
                                  "logicals, factors and character strings can be used.",
                                  if (refused != "complex") " Convert it with as.numeric()."),
               variable = name, class_found = class(x))
}

check_offset_type <- function(x, name) {
  if (!(is.numeric(x) || is.logical(x)) || is.factor(x) || NCOL(x) != 1L) {
    got <- if (is.numeric(x)) paste(NCOL(x), "columns") else paste("class", class(x)[1L])
    stop_glimmer("offset", paste0("The offset `", name, "` must be numeric, one number per row (got ", got, ")."),
                 variable = name, class_found = class(x))
  }
}

#' Refuse infinite values by variable and row
#' @noRd
check_finite <- function(frame) {
  for (name in names(frame)) {
    x <- unclass(.subset2(frame, name))
    if (!is.double(x) || !length(x)) {
      next
    }
    # without a copy, as range() would make one
    largest <- max(-min(x), max(x))
    if (!is.finite(largest)) stop_infinite(name, which(rowSums(!is.finite(as.matrix(x))) > 0), frame)
    check_magnitude(x, largest, name, frame)
  }
}

# Squares of such numbers are 0 or infinite. Weights are not squared, so theirs may be any.
check_magnitude <- function(x, largest, name, frame) {
  if (name == "(weights)") {
    return(invisible())
  }
  limits <- c(1e-150, 1e150)
  if (largest > limits[2L]) {
    rows <- which(rowSums(abs(as.matrix(x)) > limits[2L]) > 0)
  } else if (largest > 0 && largest < limits[1L]) {
    rows <- seq_len(NROW(x))
  } else {
    return(invisible())
  }
  rows <- row_labels(frame, rows)
  stop_glimmer("magnitude", paste0("Variable ", format_items(argument_names(name)), " has the size ",
                                   format(largest, digits = 2), " (", format_rows(rows), "): numbers beyond ",
                                   limits[1L], " and ", limits[2L], " cannot be squared. Use another unit."),
               variable = argument_names(name), rows = rows)
}

stop_infinite <- function(name, infinite, frame) {
  x <- as.matrix(unclass(.subset2(frame, name)))[infinite, , drop = FALSE]
  values <- unique(x[!is.finite(x)])
  rows <- row_labels(frame, infinite)
  argument <- name %in% c("(weights)", "(offset)")
  name <- argument_names(name)
  advice <- if (startsWith(name, "offset")) " The logarithm of an exposure of 0 is -Inf: leave such rows out." else ""
  stop_glimmer("nonfinite", paste0(if (argument) "Argument " else "Variable ", format_items(name),
                                   " is not finite (", paste(values, collapse = ", "), ") in ", format_rows(rows),
                                   ": every value must be a finite number or NA.", advice),
               variable = name, rows = rows, argument = if (argument) name)
}

#' Name the variable and the rows where R only says "NaNs produced"
#'
#' A logarithm of a negative number is NaN, which `na.action` then drops: a loss of rows that the user should see.
#'
#' @param expression Makes the model frame.
#' @return Its value. The warnings of R that NaNs were produced become one of the package for each variable.
#' @noRd
warn_not_numbers <- function(parts, data, extras, expression) {
  said <- gettext("NaNs produced", domain = "R")
  heard <- FALSE
  value <- withCallingHandlers(expression, warning = function(w) {
    if (conditionMessage(w) == said) {
      heard <<- TRUE
      invokeRestart("muffleWarning")
    }
  })
  if (!heard) {
    return(value)
  }
  whole <- suppressWarnings(make_frame(parts$frame, data, extras, stats::na.pass))
  rows <- lapply(whole, function(x) if (is.double(x)) which(rowSums(is.nan(as.matrix(unclass(x)))) > 0))
  for (name in setdiff(names(whole)[lengths(rows) > 0], all.vars(parts$frame))) {
    labels <- row_labels(whole, rows[[name]])
    warn_glimmer("nan", paste0("Variable ", format_items(name), " is not a number (NaN) in ", length(labels), " of ",
                               nrow(whole), " rows (", format_rows(labels), "): they count as missing."),
                 variable = name, rows = labels)
  }
  value
}
