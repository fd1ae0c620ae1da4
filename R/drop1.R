# Fits without one term of the fixed effects.

#' Leave out one term of the fixed effects at a time
#'
#' @param object Object of class `glimmer`.
#' @param scope Formula, or character: the terms to leave out; by default those that no other term contains.
#' @param scale Not used; there for the generic.
#' @param test `"Chisq"` for likelihood ratio tests, or `"none"`.
#' @param k Number: the penalty per parameter of the criterion, 2 for AIC.
#' @param trace Logical, or a number above 0 as [stats::step()] has it: a message for each fit.
#' @param ... Not used.
#' @return Data frame of class `anova` (and `anova.glimmer`), a row for the fit (`<none>`) and one for each term left
#'   out, with columns `Df` (parameters less), `AIC` (the criterion) and, with `test = "Chisq"`, `LRT` (twice the
#'   difference of log-likelihoods) and `Pr(>Chi)`.
#' @details
#' The models are fitted to the rows of the fit, as they are in its model frame: nothing is evaluated again. Each search
#' starts from the estimates of the fit. Restricted likelihoods of models with different fixed effects cannot be
#' compared, so that for a fit by REML, the default of linear mixed models, all models, that of the fit too, are fitted
#' by maximum likelihood, as the heading says, and with `trace` a message.
#' [stats::step()] and `MASS::stepAIC()` use this method, and then fit by the call, which needs the data: they choose by
#' maximum likelihood, and what they return is by REML if the fit that they began with was.
#' @section Errors: `glimmer_error_argument` when `scope` has a term that is not in the model.
#' @section Warnings: `glimmer_warning_comparison` when a fit did not converge.
#' @seealso [anova.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + I(week > 2) + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(drop1(fit))
#' }
#' @export
drop1.glimmer <- function(object, scope, scale = 0, test = c("Chisq", "none"), k = 2, trace = FALSE, ...) {
  check_dots(drop1.glimmer, ...)
  test <- check_single_terms(test, k, trace)
  labels <- if (missing(scope)) stats::drop.scope(object) else scope_labels(scope, object)
  restricted <- object$REML
  object <- fit_by_likelihood(object, trace)
  design <- fit_design(object)
  fits <- lapply(labels, function(label) {
    if (trace > 0) message("glimmer: without ", label)
    fit_without(object, label, design)
  })
  single_term_table(object, fits, labels, test, k, "Single term deletions", restricted)
}

# The arguments of drop1() and add1(); of these the test.
check_single_terms <- function(test, k, trace) {
  check_number(k, "k", 0)
  # step() gives a number
  if (is.numeric(trace)) check_number(trace, "trace") else check_flag(trace, "trace")
  match_choice(test, c("Chisq", "none"), "test")
}

check_scope <- function(scope) {
  if (!is.character(scope) && !inherits(scope, "formula")) {
    stop_glimmer("argument", paste0("`scope` must be a formula or names of terms (got ", class(scope)[1L], ")."),
                 argument = "scope")
  }
}

#' The table of fits with one term less, or one more
#'
#' @param fits List of lists: `log_likelihood`, `df` (number of parameters), `converged`. @param labels Their terms.
#' @param title Character. @param restricted Logical: whether the fit was by REML, and is not any more.
#' @noRd
single_term_table <- function(object, fits, labels, test, k, title, restricted) {
  failed <- labels[!vapply(fits, function(fit) fit$converged, logical(1))]
  if (length(failed)) {
    warn_glimmer("comparison", paste0("Fits that differ in ", format_items(failed), " did not converge."),
                 models = failed)
  }
  own <- length(object$parameters)
  df <- vapply(fits, function(fit) fit$df, 1L)
  value <- c(object$log_likelihood, vapply(fits, function(fit) fit$log_likelihood, 1))
  table <- data.frame(Df = c(NA, abs(df - own)), AIC = -2 * value + k * c(own, df), row.names = c("<none>", labels))
  if (test == "Chisq") {
    table$LRT <- c(NA, pmax(0, sign(df - own) * 2 * (value[-1L] - value[1L])))
    table[["Pr(>Chi)"]] <- ifelse(table$Df > 0, stats::pchisq(table$LRT, table$Df, lower.tail = FALSE), NA)
  }
  structure(table, heading = c(title, if (restricted) "(fitted again by maximum likelihood)",
                               "\nModel:", wrap_lines(deparse1(stats::formula(object)))),
            class = c("anova.glimmer", "anova", "data.frame"))
}

scope_labels <- function(scope, object) {
  check_scope(scope)
  labels <- scope
  if (!is.character(scope)) {
    labels <- attr(stats::terms(stats::update.formula(object$terms, scope)), "term.labels")
  }
  unknown <- setdiff(labels, attr(object$terms, "term.labels"))
  if (length(unknown)) {
    stop_glimmer("argument", paste0("`scope` has ", format_items(unknown), ", which ",
                                  agree(length(unknown), "is no term", "are no terms"), " of the fixed effects: there ",
                                  "are ", format_items(attr(object$terms, "term.labels"), 20L), "."),
                 argument = "scope", unknown = unknown)
  }
  labels
}

#' Fit the model without one term, from the model frame and the estimates of the fit
#'
#' @param design Result of [fit_design()].
#' @return List: `log_likelihood`, `df` (number of parameters), `converged`.
#' @noRd
fit_without <- function(fit, label, design = fit_design(fit)) {
  terms <- terms_without(fit$terms, match(label, attr(fit$terms, "term.labels")))
  x <- matrix_of(frame_terms(terms, fit$frame), fit$frame, fit$contrasts)
  x <- keep_columns(x, independent_columns(active_rows(x, which(design$weights > 0)), attr(x, "assign")))
  start <- start_without(fit, design, x, terms)
  design$X <- x
  result <- maximise_model(model_of(fit, design), start)
  list(log_likelihood = result$found$value, df = length(result$found$parameters),
       converged = result$verdict$converged)
}

#' Where the search without some columns of X starts
#'
#' At the variance parameters of the fit, and for beta where its quadratic log-likelihood is largest without the
#' columns; where the columns left are coded otherwise, at the least squares approximation of the fixed part.
#' @noRd
start_without <- function(fit, design, x, terms) {
  beta <- fit$parameters[fit$index$beta]
  kept <- match_columns(term_columns(terms, x), term_columns(fit$terms, design$X))
  same <- !anyNA(kept)
  covariance <- fit$covariance[fit$index$beta, fit$index$beta, drop = FALSE]
  if (same && !anyNA(covariance)) {
    left_out <- setdiff(seq_along(beta), kept)
    step <- attempt(solve(covariance[left_out, left_out], beta[left_out], tol = 0))
    if (length(step)) beta <- beta - drop(covariance[, left_out, drop = FALSE] %*% step)
    beta <- beta[kept]
  } else {
    beta <- qr.coef(qr(x), drop(design$X %*% beta))
  }
  start <- unname(c(beta, fit$parameters[-fit$index$beta]))
  if (all(is.finite(start))) start
}
