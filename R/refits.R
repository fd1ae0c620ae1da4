# Fitting the same model again, to another response or several, which share an engine.

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
#'   a matrix must have the trials that are its weights. Without it the response of the fit. Several responses are
#'   a list, or what [simulate()][simulate.glimmer] gives: the data are then handed to the core once for all of them.
#' @param ... Not used.
#'
#' @return A fit of class `glimmer`. Its `call` is that of `object`; the new response is in the model frame, which
#'   [update()][update.glimmer] then uses. For several responses a list of fits with their names; where a response
#'   is one that the family cannot have, or its fit ends with an error, the error (a condition) stands in its place.
#' @section Errors:
#' `glimmer_error_length`: a response of another length; `glimmer_error_missing` and `glimmer_error_nonfinite`: values
#' that are missing or not finite; `glimmer_error_response`: a response that the family cannot have.
#' @seealso [simulate.glimmer()], [update.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   sim <- simulate(fit, seed = 1)
#'   refit(fit, sim$sim_1)
#'   # standard errors by a (short) parametric bootstrap
#'   fits <- refit(fit, simulate(fit, 10, seed = 1))
#'   apply(vapply(fits, fixef, fixef(fit)), 1, sd)
#' }
#' @method refit glimmer
#' @export
#' @rawNamespace S3method(lme4::refit,glimmer)
refit.glimmer <- function(object, newresp, ...) {
  check_dots(refit.glimmer, ...)
  if (missing(newresp) || is.null(newresp)) newresp <- object$frame[[1L]]
  refits <- open_refits(object)
  if (!has_responses(newresp)) {
    return(refit_response(refits, check_response(newresp, object)))
  }
  responses <- lapply(newresp, check_response, object)
  lapply(responses, function(response) attempt(refit_response(refits, response), identity))
}

# Several: a list that is no data frame, which would be the data by mistake; but for that of simulate().
has_responses <- function(newresp) {
  if (is.data.frame(newresp)) length(newresp) > 1L && !is.null(attr(newresp, "seed")) else
    is.list(newresp) && !is.object(newresp)
}

#' A fit opened for refits
#'
#' @return List: `fit`, `design`, `kept` (the engine that they share, see [keep_engine()]).
#' @noRd
open_refits <- function(fit) {
  list(fit = fit, design = fit_design(fit), kept = keep_engine())
}

# To a response as check_response() gives it.
refit_response <- function(refits, response_column) {
  fit <- refits$fit
  fit$frame[[1L]] <- response_column
  response <- resolve_response(fit$frame, fit$family)
  design <- refits$design
  design$frame <- fit$frame
  design[names(response)] <- response
  model <- model_of(fit, design)
  model$kept <- refits$kept
  fit_model(model, start = refits$fit)
}

#' A new response as a column of the fit's model frame
#' @noRd
check_response <- function(newresp, fit) {
  if (is.data.frame(newresp) && length(newresp) == 1L) {
    newresp <- newresp[[1L]]
  }
  if (is.list(newresp) || is.null(newresp)) {
    stop_glimmer("response", paste0("`newresp` must be a vector, a factor, a matrix or a data frame with one column ",
                                    "(got ", class(newresp)[1L], "), or several of these in a list."),
                 argument = "newresp")
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
