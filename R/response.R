# The response in all the forms that users give it: y, the binomial size, and the prior weights that remain.

#' Read the response of a model frame
#'
#' @param frame Model frame of [build_frame()].
#' @param family Family of [resolve_family()].
#' @param warn Logical: whether to warn of counts that are not whole.
#' @return List of `y` (binomial: the number of successes), `size` (binomial trials, else 1) and `weights`, numeric,
#'   one per row. Rows of binomial data without trials get weight 0.
#' @noRd
resolve_response <- function(frame, family, warn = TRUE) {
  traits <- family_traits(family)
  weights <- frame[["(weights)"]]
  # one vector for all that is 1
  ones <- rep(1, nrow(frame))
  weights <- if (is.null(weights)) ones else as.double(weights)
  if (has_trials(family)) {
    return(binomial_response(frame, weights, ones, traits, warn))
  }
  y <- numeric_response(frame, traits)
  check_support(y, frame, traits)
  if (has_counts(family) && warn) {
    warn_fractions(frame, fractions(y), paste0("Responses of the family ", traits$name, " count ",
                                               "events: with other numbers the fit maximises a quasi-likelihood."))
  }
  list(y = y, size = ones, weights = weights)
}

# A plain vector of doubles, or an error that names the class.
numeric_response <- function(frame, traits) {
  y <- frame[[1L]]
  name <- names(frame)[1L]
  numeric <- (is.numeric(y) || is.logical(y) || inherits(y, "difftime")) && !is.factor(y)
  if (!numeric) {
    stop_glimmer("response", paste0("The response ", format_items(name), " has class ", format_items(class(y)[1L]),
                                    ": the family ", traits$name, " needs numbers (", traits$support, ").",
                                    response_advice(y)),
                 variable = name, class_found = class(y))
  }
  if (NCOL(y) != 1L) {
    stop_glimmer("response", paste0("The response ", format_items(name), " has ", NCOL(y), " columns: the family ",
                                    traits$name, " needs one",
                                    if (traits$response == "trials") ", or two: successes and failures", "."),
                 variable = name)
  }
  as.double(y)
}

response_advice <- function(y) {
  if (is.factor(y)) {
    " A factor with two levels can be the response of the family binomial."
  } else if (is.character(y)) {
    " Numbers that were read as text need as.numeric()."
  } else {
    " Convert it with as.numeric(), in the unit that is meant."
  }
}

check_support <- function(y, frame, traits) {
  # what a family allows is an interval
  rows <- if (any(traits$outside(c(min(y), max(y))))) which(traits$outside(y))
  if (!length(rows)) {
    return(check_positive(y, frame, traits))
  }
  name <- names(frame)[1L]
  labels <- row_labels(frame, rows)
  values <- unique(y[rows])
  stop_glimmer("response", paste0("The response ", format_items(name), " must be ", traits$support, " for the family ",
                                  traits$name, ", but is ", join_items(format(values), 3L), " in ",
                                  format_rows(labels), ".",
                                  if (traits$response == "trials") " Give counts as cbind(successes, failures)."),
               variable = name, rows = labels)
}

# The variance of a positive response is a power of its mean, which must not underflow.
check_positive <- function(y, frame, traits) {
  rows <- if (traits$outside(0)) which(y < 1e-150)
  if (length(rows)) {
    labels <- row_labels(frame, rows)
    stop_glimmer("magnitude", paste0("The response ", format_items(names(frame)[1L]), " is next to 0 (",
                                     format(min(y), digits = 2), ") in ", format_rows(labels), ": numbers below ",
                                     "1e-150 cannot be squared. Use another unit."),
                 variable = names(frame)[1L], rows = labels)
  }
}

binomial_response <- function(frame, weights, ones, traits, warn) {
  y <- frame[[1L]]
  if (is.factor(y) || is.character(y)) {
    y <- as.double(two_levels(y, names(frame)[1L]) != 1L)
  } else if (NCOL(y) == 2L) {
    return(count_response(frame, weights, warn))
  } else {
    y <- numeric_response(frame, traits)
    check_support(y, frame, traits)
  }
  successes <- if (identical(weights, ones)) y else y * weights
  broken <- fractions(successes)
  if (length(broken)) {
    # a proportion times trials is whole but for rounding
    whole <- round(successes[broken])
    exact <- abs(successes[broken] - whole) <= 1e-8 * pmax(1, weights[broken])
    successes[broken[exact]] <- whole[exact]
    broken <- broken[!exact]
  }
  if (warn) {
    warn_fractions(frame, broken, paste("With a proportion or 0/1 response, weights are the numbers of",
                                        "trials: give `weights = trials`."))
  }
  list(y = successes, size = weights, weights = if (all(weights > 0)) ones else as.double(weights > 0))
}

# Codes of a response with two levels: 1 failure, 2 success.
two_levels <- function(y, name) {
  if (is.character(y)) {
    stop_glimmer("response", paste0("The response ", format_items(name), " is of type character: make it a factor ",
                                    "whose first level is failure, or numbers 0 and 1."),
                 variable = name, class_found = "character")
  }
  if (nlevels(y) != 2L) {
    stop_glimmer("response", paste0("The response ", format_items(name), " has ", nlevels(y),
                                    agree(nlevels(y), " level (", " levels ("), format_items(levels(y)),
                                    "); binomial needs 2: the first is failure, the second is success."),
                 variable = name, levels = levels(y))
  }
  as.integer(y)
}

# Response cbind(successes, failures).
count_response <- function(frame, weights, warn) {
  y <- frame[[1L]]
  if (!is.numeric(y)) {
    stop_glimmer("response", paste0("The response ", format_items(names(frame)[1L]), " must hold numbers of successes ",
                                    "and failures (got ", typeof(y), ")."), variable = names(frame)[1L])
  }
  kinds <- c("successes", "failures")
  for (column in 1:2) {
    rows <- which(y[, column] < 0)
    if (length(rows)) {
      rows <- row_labels(frame, rows)
      labels <- count_labels(frame)
      stop_glimmer("response", paste0("The ", kinds[column], " ", format_items(labels[column]), " of the response ",
                                      format_items(names(frame)[1L]), " are negative in ", format_rows(rows), "."),
                   variable = names(frame)[1L], column = labels[column], rows = rows)
    }
  }
  successes <- as.double(y[, 1L])
  size <- successes + as.double(y[, 2L])
  if (warn) {
    warn_fractions(frame, fractions(successes, size),
                   "A binomial response counts successes and failures.")
  }
  weights[size == 0] <- 0
  list(y = successes, size = size, weights = weights)
}

count_labels <- function(frame) {
  response <- attr(attr(frame, "terms"), "variables")[[2L]]
  if (call_name(response) == "cbind" && length(response) == 3L) {
    return(vapply(as.list(response)[-1L], deparse1, ""))
  }
  labels <- colnames(frame[[1L]])
  if (is.null(labels)) c("column 1", "column 2") else labels
}

# Positions of numbers that are not whole, in one vector or the other.
fractions <- function(x, y = 0) {
  which(x != trunc(x) | y != trunc(y))
}

# Warn once of counts that are not whole.
warn_fractions <- function(frame, rows, advice) {
  if (!length(rows)) {
    return(invisible())
  }
  name <- names(frame)[1L]
  labels <- row_labels(frame, rows)
  warn_glimmer("noninteger", paste0("The response ", format_items(name), " gives counts that are not whole numbers in ",
                                    length(rows), " of ", nrow(frame), " rows (", format_rows(labels), "). ", advice),
               variable = name, rows = labels)
}
