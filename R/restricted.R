# Fits by REML in comparisons. A restricted log-likelihood is the density of what the fixed effects leave of the data,
# so that those of different fixed effects are densities of different things.

#' Fits whose log-likelihoods compare, or an error that says why they do not
#'
#' @param fits Named list. @param refit Logical: replace fits by REML by those by maximum likelihood.
#' @return The fits, with attribute `refitted`, the names of those that were replaced.
#' @noRd
comparable_fits <- function(fits, refit) {
  restricted <- vapply(fits, function(fit) inherits(fit, "glimmer") && fit$REML, NA)
  if (!any(restricted)) {
    return(fits)
  }
  if (refit) {
    fits[restricted] <- lapply(fits[restricted], fit_by_likelihood)
    return(structure(fits, refitted = names(fits)[restricted]))
  }
  if (!all(restricted)) {
    stop_restricted(paste0("Some of the fits are by REML (", format_items(names(fits)[restricted]), "), others by ",
                           "maximum likelihood: these are different criteria."), names(fits))
  }
  columns <- lapply(fits, compared_columns)
  if (!all(vapply(columns[-1L], same_columns, NA, columns[[1L]]))) {
    stop_restricted(paste("The fits are by REML, with different fixed effects: such restricted log-likelihoods do not",
                          "compare."), names(fits))
  }
  fits
}

stop_restricted <- function(why, models) {
  stop_glimmer("comparison", paste(why, "Compare fits by maximum likelihood: with `refit = TRUE` they are made here,",
                                   "or fit with REML = FALSE."), models = models, argument = "refit")
}

# The columns of X, whose order does not matter, and with the response the rows.
compared_columns <- function(fit) {
  x <- model.matrix.glimmer(fit)
  named <- lapply(order(colnames(x)), function(j) x[, j])
  list(columns = c(stats::setNames(named, sort(colnames(x))), list(fit$frame[[1L]])), rows = row.names(fit$frame))
}

# Nor does the order of the rows.
same_columns <- function(first, other) {
  identical(names(first$columns), names(other$columns)) &&
    !is.null(find_rows(unname(first$columns), unname(other$columns), first$rows, other$rows))
}

#' The same model by maximum likelihood, from the model frame
#' @noRd
fit_by_likelihood <- function(fit) {
  if (!fit$REML) {
    return(fit)
  }
  design <- fit_design(fit)
  # where the method was left to the package it is, by maximum likelihood, perhaps another one
  method <- if (is.null(fit$call$method)) "auto" else fit$method
  approximation <- settle_method(new_approximation(method), design, fit$family)
  result <- fit_design_by(design, fit$family, approximation, fit$control, start = fit)
  warn_verdict(result$verdict, fit$frame)
  fit$call$REML <- FALSE
  new_fit(fit$call, list(formula = fit$formula), fit$frame, fit$family, design, result, approximation, fit$control)
}

refitted_text <- function(names) {
  if (length(names)) paste0("(fitted again by maximum likelihood: ", join_items(names, 10L), ")")
}
