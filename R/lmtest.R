# Methods for 'lmtest': tests of coefficients, comparisons of fits. Its tests of linear models are refused.

#' Tests of coefficients and comparisons by 'lmtest'
#'
#' Methods by which `coeftest()`, `coefci()` and `waldtest()` of 'lmtest' take a fit. They are there when
#' that package is loaded; `glimmer` does not need it.
#'
#' @param x,object Object of class `glimmer`.
#' @param vcov.,vcov `NULL`, a covariance matrix of the fixed effects, or a function that gives it for a fit.
#' @param df `NULL` or number: degrees of freedom of t; `NULL` for the normal distribution.
#' @param save Logical: keep the fit as an attribute.
#' @param parm Names or positions of fixed effects.
#' @param level Number between 0 and 1: the confidence level.
#' @param test `"Chisq"`. F tests are those of [test_contrasts()].
#' @param name `NULL`, or a function that gives a fit's name.
#' @param ... `coeftest()`, `coefci()`: arguments of `vcov.` where that is a function. `waldtest()`: further
#'   fits, or what to leave out of the one before: names or numbers of terms, or a formula of the fixed effects. By
#'   default all fixed effects but the intercept; the random effects stay.
#' @return As in 'lmtest'.
#' @section Errors: `glimmer_error_not_available` from `bptest()`, `dwtest()`, `gqtest()`, `resettest()` and
#'   the other tests of linear models of 'lmtest': they would fit the fixed part by least squares and leave the random
#'   effects out.
#' @examples
#' if (requireNamespace("lmtest", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight, REML = FALSE)
#'   print(lmtest::coeftest(fit))
#' }
#' @name lmtest.glimmer
#' @exportS3Method lmtest::coeftest
coeftest.glimmer <- function(x, vcov. = NULL, df = NULL, ..., save = FALSE) { # nolint: object_name_linter.
  if (!is.function(vcov.)) check_dots(coeftest.glimmer, ...)
  check_flag(save, "save")
  table <- lmtest::coeftest(fixed_part(x, vcov., ...), df = df)
  if (save) attr(table, "object") <- x
  table
}

#' @rdname lmtest.glimmer
#' @exportS3Method lmtest::coefci
coefci.glimmer <- function(x, parm = NULL, level = 0.95, vcov. = NULL, df = NULL, ...) { # nolint: object_name_linter.
  if (!is.function(vcov.)) check_dots(coefci.glimmer, ...)
  check_level(level)
  lmtest::coefci(fixed_part(x, vcov., ...), parm = parm, level = level, df = df)
}

#' @rdname lmtest.glimmer
#' @exportS3Method lmtest::waldtest
waldtest.glimmer <- function(object, ..., vcov = NULL, test = c("Chisq", "F"), name = NULL) {
  check_dots(waldtest.glimmer, ..., .others = "")
  refuse_f_test(test, "test", "test_contrasts(fit, L)")
  covariance <- if (is.function(vcov)) function(part) given_covariance(vcov, part$fit) else vcov
  if (is.null(name)) {
    name <- function(part) deparse1(stats::formula(if (inherits(part, "glimmer_fixed")) part$fit else part))
  }
  parts <- lapply(list(object, ...), function(model) if (inherits(model, "glimmer")) fixed_part(model) else model)
  do.call(lmtest::waldtest, c(parts, list(vcov = covariance, name = name)))
}

#' Likelihood ratio tests by 'lmtest'
#'
#' `lmtest::lrtest()` takes fits of class `glimmer`, or one of them and changes to its formula. Where fits by REML have
#' different fixed effects, or are compared with fits by maximum likelihood, they are fitted again by maximum likelihood
#' first, and the heading says so. [anova()][anova.glimmer] is the same test, and checks that the data are the same
#' and that covariance structures are nested.
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
  check_dots(lrtest.glimmer, ..., .others = "")
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
