# Fits with one term of the fixed effects more.

#' Add one term to the fixed effects at a time
#'
#' @param object Object of class `glimmer`.
#' @param scope Formula as for [stats::update.formula()], such as `~ . + x + z`, or character: the terms to add. Those
#'   that the model has already, and those whose main effects it does not have, are left out of a formula.
#' @param scale,test,k,trace As for [drop1()][drop1.glimmer].
#' @param ... Not used.
#' @return Data frame of class `anova`, a row for the fit (`<none>`) and one for each term added, with the columns of
#'   [drop1()][drop1.glimmer].
#' @details
#' The terms are evaluated in the data of the fit, which [update()][update.glimmer] finds. Fits by REML are compared by
#' maximum likelihood, as the heading says, and with `trace` a message.
#' @section Errors: `glimmer_error_argument` when `scope` has no term to add; `glimmer_error_comparison` when a term has
#'   missing values in rows of the fit; those of [update()][update.glimmer] where the data are not found.
#' @section Warnings: `glimmer_warning_comparison` when a fit did not converge.
#' @seealso [drop1()][drop1.glimmer], [stats::step()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(add1(fit, ~ . + week + I(week > 2)))
#' }
#' @importFrom stats add1
#' @export
add1.glimmer <- function(object, scope, scale = 0, test = c("Chisq", "none"), k = 2, trace = FALSE, ...) {
  check_dots(add1.glimmer, ...)
  test <- check_single_terms(test, k, trace)
  labels <- if (missing(scope)) character() else terms_to_add(scope, object)
  if (!length(labels)) {
    stop_glimmer("argument", "`scope` has no term to add: give a formula such as ~ . + x.", argument = "scope")
  }
  places <- places_of_call(object, parent.frame(), sys.frames()[seq_len(sys.parent())])
  restricted <- object$REML
  object <- fit_by_likelihood(object, trace)
  fits <- lapply(labels, function(label) {
    if (trace > 0) message("glimmer: with ", label)
    fit_with(object, label, places)
  })
  single_term_table(object, fits, labels, test, k, "Single term additions", restricted)
}

# As drop.scope() and add.scope() do, but without the random terms.
terms_to_add <- function(scope, object) {
  check_scope(scope)
  if (is.character(scope)) {
    return(scope)
  }
  fixed <- stats::formula(object$terms)
  upper <- stats::update.formula(fixed, scope)
  lost <- setdiff(attr(object$terms, "term.labels"), attr(stats::terms(upper), "term.labels"))
  if (length(lost)) {
    stop_glimmer("argument", paste0("`scope` is without ", format_items(lost), ", which the model has: write it as ",
                                    "`~ . + x`, where `.` stands for what is there."), argument = "scope", term = lost)
  }
  stats::add.scope(fixed, upper)
}

fit_with <- function(object, label, places) {
  call <- object$call
  call$formula <- changed_formula(stats::formula(object), stats::as.formula(paste(". ~ . +", label)))
  fit <- tryCatch({
    update_with(object, call, data_for_update(object, call, "formula", places), new.env(), places)
  }, glimmer_error_variable = function(e) {
    stop_glimmer("argument", paste0("`scope` has ", format_items(label), ", which cannot be added: ",
                                    conditionMessage(e)), argument = "scope", term = label)
  })
  if (fit$nobs != object$nobs) {
    stop_glimmer("comparison", paste0("With ", format_items(label), " there are ", fit$nobs, " rows, not ", object$nobs,
                                      ": it has missing values. Fit both to the same rows."), term = label)
  }
  list(log_likelihood = fit$log_likelihood, df = length(fit$parameters), converged = fit$converged)
}
