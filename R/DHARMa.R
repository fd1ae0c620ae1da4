# Methods for 'DHARMa': simulated residuals, given the random effects or with new ones.

#' Simulated residuals by 'DHARMa'
#'
#' Methods by which `DHARMa::simulateResiduals()` takes a fit. They are there when that package is loaded; `glimmer`
#' does not need it.
#'
#' @param object Object of class `glimmer`.
#' @param nsim Whole number: how many responses are simulated.
#' @param simulateREs `"conditional"`: given the random effects at their modes; `"unconditional"`: with random effects
#'   drawn anew; `"user-specified"`: as `...` says.
#' @param type `"normal"`, or `"refit"`: responses for [refit.glimmer()].
#' @param ... With `"user-specified"` arguments of [simulate.glimmer()], such as `re.form`; else not used.
#' @return `getSimulations()`: with `"normal"` numeric matrix of a row for each row of the fit and a column for each
#'   simulation, for a binomial response successes; with `"refit"` the data frame of [simulate.glimmer()].
#'   `getFixedEffects()`: [fixef()]. `getData()`: the data of the fit, or its model frame where these are not found.
#' @name DHARMa.glimmer
#' @exportS3Method DHARMa::getSimulations
getSimulations.glimmer <- function(object, nsim = 1, # nolint: object_name_linter.
                                   simulateREs = c("conditional", "unconditional", "user-specified"), # nolint
                                   type = c("normal", "refit"), ...) {
  kinds <- c("conditional", "unconditional", "user-specified")
  kind <- match_choice(simulateREs, kinds, "simulateREs")
  type <- match_choice(type, c("normal", "refit"), "type")
  responses <- if (kind == "user-specified") {
    stats::simulate(object, nsim = nsim, ...)
  } else {
    check_dots(getSimulations.glimmer, ...)
    stats::simulate(object, nsim = nsim, re.form = if (kind == "unconditional") NA)
  }
  if (type == "refit") {
    return(responses)
  }
  size <- fit_design(object)$size
  simulated <- vapply(responses, simulated_counts, numeric(nrow(object$frame)), size = size)
  matrix(simulated, ncol = nsim, dimnames = list(row.names(object$frame), NULL))
}

# Successes where there are trials, and the response elsewhere.
simulated_counts <- function(response, size) {
  if (is.matrix(response)) {
    response[, 1L]
  } else if (is.factor(response)) {
    as.numeric(response) - 1
  } else {
    as.numeric(response) * size
  }
}

#' @exportS3Method DHARMa::getFixedEffects
getFixedEffects.glimmer <- function(object, ...) { # nolint: object_name_linter.
  check_dots(getFixedEffects.glimmer, ...)
  fixef.glimmer(object)
}
