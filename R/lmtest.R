# Likelihood ratio tests by lmtest.

#' Likelihood ratio tests by 'lmtest'
#'
#' `lmtest::lrtest()` takes fits of class `glimmer`, or one of them and changes to its formula. Where fits by REML have
#' different fixed effects, or are compared with fits by maximum likelihood, they are fitted again by maximum likelihood
#' first, and the heading says so. [anova()][anova.glimmer] is the same test, and checks that the data are the same.
#'
#' @param object Object of class `glimmer`.
#' @param ... Further fits, or changes to the model before: a formula, or names or numbers of terms to leave out.
#' @param name Function of a fit that gives its name in the heading; by default its formula.
#' @return Data frame of class `anova`, see `lmtest::lrtest()`.
#' @section Errors: `glimmer_error_argument` for a `name` that is no function; `glimmer_error_comparison` where a fit of
#'   another package is by REML and would have to be fitted again.
#' @seealso [anova.glimmer()], [drop1.glimmer()]
#' @examples
#' if (requireNamespace("lmtest", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#'   print(lmtest::lrtest(fit, "Time:Diet"))
#' }
#' @exportS3Method lmtest::lrtest
lrtest.glimmer <- function(object, ..., name = NULL) {
  if (!is.null(name) && !is.function(name)) {
    stop_glimmer("argument", "`name` must be a function that gives the name of a fit.", argument = "name")
  }
  models <- list(object, ...)
  names(models) <- model_names(NULL, as.list(substitute(list(object, ...)))[-1L])
  changes <- vapply(models, function(model) is.numeric(model) || is.character(model) || inherits(model, "formula"), NA)
  # a change is made to the fit before
  fits <- comparable_fits(models[!changes], refit = if (any(changes)) TRUE)
  refitted <- attr(fits, "refitted")
  models[!changes] <- fits
  table <- do.call(lmtest::lrtest.default, c(unname(models), list(name = name)))
  heading <- attr(table, "heading")
  attr(table, "heading") <- c(heading[1L], if (length(refitted)) paste0(refitted_text(refitted), "\n"), heading[-1L])
  table
}
