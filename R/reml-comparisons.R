# Fits by REML in comparisons. A restricted log-likelihood is the density of what the fixed effects leave of the data,
# so that those of different fixed effects are densities of different things.

#' Fits whose log-likelihoods compare, or an error that says why they do not
#'
#' @param fits Named list. @param refit Replace fits by REML by those by maximum likelihood: `NULL`, where they do not
#'   compare otherwise; `TRUE` or `FALSE`, always or never.
#' @return The fits; where some were replaced with attributes `refitted`, their names, and `why`, a sentence.
#' @noRd
comparable_fits <- function(fits, refit = NULL) {
  restricted <- vapply(fits, is_restricted, NA)
  why <- why_restricted_differ(fits, restricted)
  if (!any(restricted) || (is.null(why) && !isTRUE(refit))) {
    return(fits)
  }
  if (isFALSE(refit)) {
    stop_restricted(paste(why, "Compare fits by maximum likelihood: with `refit = TRUE` they are made here, or fit",
                          "with REML = FALSE."), fits, argument = "refit")
  }
  foreign <- restricted & !vapply(fits, inherits, NA, "glimmer")
  if (any(foreign)) {
    stop_restricted(paste0(why, " Here a fit of another package (", format_items(names(fits)[foreign]), ") is not ",
                           "fitted again: fit it by maximum likelihood."), fits)
  }
  fits[restricted] <- lapply(fits[restricted], fit_by_likelihood)
  structure(fits, refitted = names(fits)[restricted], why = why)
}

# Whether a fit, also of another package, is by REML.
is_restricted <- function(fit) {
  if (inherits(fit, "merMod")) {
    return(lme4::isREML(fit))
  }
  if (!is.list(fit)) {
    return(FALSE)
  }
  isTRUE(fit[["REML"]]) || inherits(fit, c("lme", "gls")) && identical(fit$method, "REML") ||
    inherits(fit, "glmmTMB") && isTRUE(fit$modelInfo$REML)
}

#' @return `NULL` where the fits compare, otherwise a sentence.
#' @noRd
why_restricted_differ <- function(fits, restricted) {
  if (!all(restricted)) {
    return(paste0("Some of the fits are by REML (", format_items(names(fits)[restricted]), "), others by maximum ",
                  "likelihood: these are different criteria."))
  }
  columns <- lapply(fits, function(fit) {
    # of another package's fit as far as it tells
    attempt(compared_columns(fit))
  })
  if (!all(vapply(columns[-1L], same_columns, NA, columns[[1L]]))) {
    "The fits are by REML, with different fixed effects: such restricted log-likelihoods do not compare."
  }
}

stop_restricted <- function(why, fits, ...) {
  stop_glimmer("comparison", why, models = names(fits), ...)
}

# The columns of X, whose order does not matter, and with the response the rows.
compared_columns <- function(fit) {
  x <- stats::model.matrix(fit)
  frame <- stats::model.frame(fit)
  named <- lapply(order(colnames(x)), function(j) unname(x[, j]))
  list(columns = c(stats::setNames(named, sort(colnames(x))), list(frame[[1L]])), rows = row.names(frame))
}

# Nor does the order of the rows.
same_columns <- function(first, other) {
  identical(names(first$columns), names(other$columns)) &&
    !is.null(find_rows(unname(first$columns), unname(other$columns), first$rows, other$rows))
}

#' The same model by maximum likelihood, from the model frame
#' @param trace A message says so where it is TRUE or above 0.
#' @noRd
fit_by_likelihood <- function(fit, trace = FALSE) {
  if (!fit$REML) {
    return(fit)
  }
  if (trace > 0) message("glimmer: fits by REML are compared by maximum likelihood")
  design <- fit_design(fit)
  # where the method was left to the package it is, by maximum likelihood, perhaps another one
  method <- if (is.null(fit$call$method)) "auto" else fit$method
  model <- model_of(fit, design, settle_method(new_approximation(method), design, fit$family))
  model$call$REML <- FALSE
  fit_model(model, start = fit)
}

refitted_text <- function(names) {
  if (length(names)) paste0("(fitted again by maximum likelihood: ", join_items(names, 10L), ")")
}
