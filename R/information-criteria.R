# AIC and BIC, of one fit and of several.

#' AIC and BIC of a fit, or of several
#'
#' Of one fit `AIC()` and `BIC()` are those of the fit as it was made, by REML the restricted log-likelihood's. Those of
#' several compare: where fits by REML have different fixed effects, or are compared with fits by maximum likelihood,
#' they are fitted again by maximum likelihood first, and a message says so.
#'
#' @param object Object of class `glimmer`.
#' @param ... Further fits, also of other classes with a method for [stats::logLik()].
#' @param k Number, 0 or more: the penalty per parameter, 2 for AIC.
#' @return For one fit a number, -2 log-likelihood + k df, where df is the number of parameters (fixed effects,
#'   covariance parameters and dispersion, also those on the boundary); for `BIC()` k is the logarithm of the number of
#'   rows with positive weight. For several a data frame with a row for each, named by its expression, and columns `df`
#'   and `AIC` or `BIC`.
#' @details
#' Log-likelihoods have all their constants, so that the criteria compare with those of [stats::lm()], [stats::glm()]
#' and, where the approximation of the likelihood is the same, of 'lme4' and 'glmmTMB'. Responses and weights must be
#' the same; that is not checked here (it is by [anova()][anova.glimmer]).
#' @section Errors: `glimmer_error_argument` for what has no log-likelihood, and a `k` that is no number;
#'   `glimmer_error_comparison` where a fit of another package is by REML and would have to be fitted again.
#' @section Messages: `glimmer_message_refitted`, with the names of the fits in its field `models`.
#' @section Warnings: `glimmer_warning_comparison` where numbers of rows differ; those of [glmm()] for a fit that is
#'   made again.
#' @seealso [logLik.glimmer()], [anova.glimmer()]
#' @examples
#' slope <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#' diet <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#' print(AIC(slope))
#' print(AIC(slope, diet))
#' print(BIC(slope, diet))
#' @importFrom stats AIC
#' @export
AIC.glimmer <- function(object, ..., k = 2) { # nolint: object_name_linter.
  check_number(k, "k", 0)
  if (...length() == 0L) {
    return(stats::AIC(logLik.glimmer(object), k = k))
  }
  likelihoods <- compared_likelihoods(list(object, ...), as.list(substitute(list(object, ...)))[-1L])
  data.frame(likelihoods["df"], AIC = -2 * likelihoods$value + k * likelihoods$df)
}

#' @rdname AIC.glimmer
#' @importFrom stats BIC
#' @export
BIC.glimmer <- function(object, ...) { # nolint: object_name_linter.
  if (...length() == 0L) {
    return(stats::BIC(logLik.glimmer(object)))
  }
  likelihoods <- compared_likelihoods(list(object, ...), as.list(substitute(list(object, ...)))[-1L])
  data.frame(likelihoods["df"], BIC = -2 * likelihoods$value + log(likelihoods$nobs) * likelihoods$df)
}

#' Log-likelihoods that compare, as far as REML goes
#'
#' @param fits List. @param expressions The expressions that they were given by.
#' @return Data frame: `value`, `df`, `nobs`, a row for each fit, with its name.
#' @noRd
compared_likelihoods <- function(fits, expressions) {
  names(fits) <- model_names(NULL, expressions)
  fits <- comparable_fits(fits)
  refitted <- attr(fits, "refitted")
  if (length(refitted)) {
    tell_glimmer("refitted", paste0(attr(fits, "why"), " Fitted again by maximum likelihood: ",
                                    join_items(refitted, 10L), "."), models = refitted)
  }
  rows <- lapply(names(fits), function(name) likelihood_of(fits[[name]], name))
  table <- data.frame(table_of(rows), row.names = names(fits))
  if (length(unique(table$nobs)) > 1L) {
    warn_glimmer("comparison", paste0("The models are not all fitted to the same number of observations (",
                                      join_items(table$nobs, 10L), "): the criteria do not compare."),
                 models = names(fits), rows = table$nobs)
  }
  table
}

likelihood_of <- function(fit, name) {
  value <- attempt(stats::logLik(fit), function(e) {
    stop_glimmer("argument", paste0(format_items(name), " has no log-likelihood to compare: ", conditionMessage(e)),
                 argument = "...", class_found = class(fit))
  })
  nobs <- attr(value, "nobs")
  list(value = as.numeric(value), df = attr(value, "df"), nobs = if (is.null(nobs)) stats::nobs(fit) else nobs)
}
