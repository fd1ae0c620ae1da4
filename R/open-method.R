# How every method begins: it opens the fit, and refuses arguments that it does not have.

#' What every method begins with
#'
#' The fit is whole, and until the method returns numbers become text as by default; not in methods that print, where
#' the options of the session are to count.
#'
#' @param method The method. @param frame Frame of its call.
#' @noRd
open_method <- function(method, frame) {
  arguments <- names(formals(method))
  object <- get(arguments[1L], envir = frame)
  if (inherits(object, "glimmer")) check_whole(object)
  if (!"digits" %in% arguments) use_usual_text(frame)
}

any_value <- function(value) TRUE

is_wald <- function(value) is.null(value) || identical(tolower(value), "wald")

#' What other packages pass along to methods that have no use for it, by method; nothing else gets through
#'
#' Each was seen in calls of the packages named. Where a value would ask for something else, only those that ask for
#' nothing get through.
#' @noRd
passed_along <- list(
  emm_basis.glimmer = list(mode = "link"), # ggeffects
  formula.glimmer = list(env = any_value), # stats, in as.formula
  get_df.glimmer = list(verbose = any_value, statistic = any_value), # insight, ggeffects
  get_predict.glimmer = list(mfx = any_value, internal_call = any_value, newparams = NULL, ndraws = NULL,
                             se.fit = NULL), # marginaleffects
  get_statistic.glimmer = list(verbose = any_value), # insight
  glance.glimmer = list(gof_map = any_value), # modelsummary
  is_converged.glimmer = list(tolerance = 0.001, verbose = any_value), # performance
  model_parameters.glimmer = list(verbose = any_value, ci_random = FALSE, # modelsummary; parameters and sjPlot
                                  component = any_value, bootstrap = FALSE, iterations = any_value,
                                  ci_method = is_wald, p_adjust = NULL, keep = NULL, drop = NULL),
  nobs.glimmer = list(use.fallback = any_value), # stats, MASS
  null_model.glimmer = list(verbose = any_value), # insight
  p_value.glimmer = list(component = any_value, verbose = any_value), # parameters
  predict.glimmer = list(random.only = FALSE), # insight
  refit.glimmer = list(control = any_value), # lme4, to make a bootstrap
  residuals.glimmer = list(verbose = any_value), # performance
  standard_error.glimmer = list(component = any_value, verbose = any_value), # parameters
  tidy.glimmer = list(parametric = any_value, vcov = NULL, coef_rename = any_value), # mice, modelsummary
  vcov.glimmer = list(complete = any_value) # stats, car, multcomp, effects
)

#' Open a method, and refuse what it was given in `...`: arguments that it does not have
#'
#' @param .method The method, by its name.
#' @param ... What it was given as `...`.
#' @param .others Character: further arguments that there are, as those of a function that `...` goes to; `""` for
#'   unnamed ones.
#' @param .shown `NULL`, or character: the function that the user called.
#' @noRd
check_dots <- function(.method, ..., .others = character(), .shown = NULL) {
  open_method(.method, parent.frame())
  given <- match.call(expand.dots = FALSE)$...
  name <- deparse1(substitute(.method))
  given <- if (is.null(names(given))) character(length(given)) else names(given)
  harmless <- passed_along[[name]]
  passed <- vapply(seq_along(given), function(k) {
    given[k] %in% names(harmless) && is_harmless(...elt(k), harmless[[given[k]]])
  }, NA)
  unknown <- setdiff(given[!passed], .others)
  if (length(unknown)) {
    known <- setdiff(c(names(formals(.method))[-1L], .others), c("...", ""))
    generic <- sub("([.](VarCorr|accuracy|coef|ranef|summary))?[.]glimmer$", "", name)
    stop_unknown(unknown[1L], setdiff(known, c("trms", "xlev", "grid")), if (is.null(.shown)) generic else .shown)
  }
}

is_harmless <- function(value, allowed) {
  if (is.function(allowed)) allowed(value) else identical(value, allowed)
}
