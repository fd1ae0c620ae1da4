# Variables of new data with the types and levels that they had in the fit.

#' A predictor of new data with the type of the fit's
#'
#' @param x,known The variable in the new data and in the fit. @param name Its name.
#' @noRd
as_in_fit <- function(x, known, name) {
  if (is.factor(known) || is.character(known)) {
    return(known_levels(x, if (is.factor(known)) levels(known) else levels(as.factor(known)), name))
  }
  if (is.logical(x) && !is.logical(known)) {
    x[] <- as.double(x)
  }
  if (inherits(x, "difftime") && inherits(known, "difftime")) {
    units(x) <- units(known)
  }
  same <- same_kind(x, known)
  if (!same && !all(is.na(x))) {
    stop_type(name, class(known)[1L], if (is.complex(x)) "complex" else class(x)[1L])
  }
  if (NCOL(x) != NCOL(known)) {
    stop_glimmer("variable", paste0("Variable ", format_items(name), " has another number of columns in `newdata` (",
                                    NCOL(x), ") than in the fit (", NCOL(known), ")."),
                 variable = name, argument = "newdata")
  }
  if (same) x else known[rep(NA_integer_, length(x))]
}

# Numbers stand for numbers, dates for dates, logicals for logicals.
same_kind <- function(x, known) {
  special <- c("Date", "POSIXt", "difftime")
  dated <- intersect(class(known), special)
  if (length(dated)) {
    return(inherits(x, dated[1L]))
  }
  if (is.logical(known)) is.logical(x) else (is.numeric(x) || is.logical(x)) && !inherits(x, c("factor", special))
}

is_categorical <- function(x) {
  is.factor(x) || is.character(x)
}

known_levels <- function(x, levels, name) {
  if (!is_categorical(x) && !all(is.na(x))) {
    stop_type(name, paste0("factor with levels ", format_items(levels)), class(x)[1L])
  }
  x <- as.character(x)
  unknown <- setdiff(unique(x[!is.na(x)]), levels)
  if (length(unknown)) {
    stop_glimmer("levels", paste0("The factor ", format_items(name), " has ",
                                  agree(length(unknown), "a level", "levels"), " in `newdata` that the fit has ",
                                  "not seen: ", format_items(unknown), ". The fit knows ", format_items(levels), "."),
                 variable = name, levels = unknown, argument = "newdata")
  }
  factor(x, levels = levels, exclude = if (!anyNA(levels)) NA)
}

stop_type <- function(name, expected, found) {
  stop_glimmer("variable", paste0("Variable ", format_items(name), " is of class ", found, " in `newdata`, but was in ",
                                  "the fit: ", expected, "."), variable = name, argument = "newdata")
}
