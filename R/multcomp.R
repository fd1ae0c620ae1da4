# The method by which multcomp::glht() takes a fit.

#' Multiple comparisons by 'multcomp'
#'
#' The method that gives `glht()` of 'multcomp' the fixed effects of a fit and their covariance matrix. It is there when
#' that package is loaded; `glimmer` does not need it.
#'
#' @param model Object of class `glimmer`.
#' @param coef. Function that gives the fixed effects of the fit, or these.
#' @param vcov. Function that gives their covariance matrix, or this.
#' @param df Number: degrees of freedom; `NULL` or 0 for the normal distribution.
#' @param ... Not used.
#' @return List of class `modelparm`, as 'multcomp' expects it: `coef`, `vcov`, `df`, `estimable`.
#' @examples
#' if (requireNamespace("multcomp", quietly = TRUE)) {
#'   fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
#'   print(multcomp::glht(fit, multcomp::mcp(spray = "Tukey")))
#' }
#' @name modelparm.glimmer
#' @exportS3Method multcomp::modelparm
modelparm.glimmer <- function(model, coef. = fixef.glimmer, vcov. = NULL, df = NULL, ...) { # nolint
  check_dots(modelparm.glimmer, ...)
  df <- if (is.null(df)) 0 else df
  check_number(df, "df", 0)
  beta <- if (is.function(coef.)) coef.(model) else coef.
  structure(list(coef = beta, vcov = given_covariance(vcov., model), df = df,
                 estimable = rep(TRUE, length(beta))), class = "modelparm")
}
