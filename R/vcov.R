# The covariance of the estimates: the model's, or a robust one.

#' Covariance matrix of the estimates
#'
#' The inverse of the observed information of all parameters at the estimates: the negative second derivatives of the
#' approximate log-likelihood, covariance parameters included. Of a linear mixed model the covariance of the fixed
#' effects is the usual one given the variances, sigma^2 (X'V^-1 X)^-1. By REML the information is that of the
#' restricted log-likelihood on the other parameters; the fixed effects have their covariance given these, and except in
#' a linear mixed model what follows from the uncertainty of these, to first order.
#'
#' @param object Object of class `glimmer`.
#' @param full Logical: all parameters, not the fixed effects alone. (In recent versions of 'lme4' the same argument
#'   means fixed effects and random effects together; here, as in 'glmmTMB', it means all parameters.)
#' @param type `"model"`, or a robust covariance matrix by clusters of rows, right also where the model is wrong about
#'   what happens within these, see Details: `"HC0"`; `"CR1"`, that times G / (G - 1) for G clusters; `"CR2"`, adjusted
#'   so that it is unbiased if the model is right (Gaussian response with identity link).
#' @param cluster Of robust ones: `NULL`, the smallest groups of rows that share no random effects with others, for
#'   factors nested in each other the levels of the outermost one; or larger groups: the name of a grouping factor or
#'   variable of the model, a formula of it, or a vector with a value for each row of the model frame.
#' @param information `"observed"`, or, of robust ones for a Gaussian response with identity link, `"expected"`: that of
#'   the fixed effects alone, given the covariances, as PROC MIXED of SAS (EMPIRICAL) has it.
#' @param ... Not used; `complete`, which other packages pass, is ignored, since aliased columns are left out.
#' @return Numeric symmetric matrix with row and column names. With `full = FALSE` p x p, for the p fixed effects in
#'   the order of [fixef()], on the scale of the linear predictor. With `full = TRUE` for all parameters, in the order
#'   and on the scale of `component(object, "parameters")`: standard deviations and factors L as they are, dispersion
#'   as a logarithm; in it the fixed effects of a linear mixed model have the uncertainty of the variances, too. Rows
#'   and columns of parameters held on the boundary are `NA`, and the rest is conditional on them;
#'   everything is `NA` where the Hessian is not positive definite.
#' @details
#' The robust covariance is J^-1 M J^-1, with J the observed information of all parameters and M the sum over clusters
#' of s s', s the derivatives of the cluster's log-likelihood, the random effects integrated out, by the approximation
#' of the fit (White 1982; Liang and Zeger 1986). The estimates are those of the model, and what they estimate where it
#' is wrong is the nearest model of its kind. With few clusters (below 40 or so) it is too small; `"CR2"` (Pustejovsky
#' and Tipton 2018) much less so.
#'
#' Of a linear mixed model by REML, by `"CR2"` and with `information = "expected"` it is that of the fixed effects given
#' the covariances: (X'V^-1 X)^-1 takes the place of J^-1, and s = X'V^-1 (y - X beta).
#' 'sandwich' has the same from `estfun()` (a row a cluster, a column a parameter) and `bread()`: `sandwich::sandwich()`
#' is `"HC0"`, `sandwich::vcovCL()` `"CR1"`, of all parameters.
#' @section Warnings: `glimmer_warning_robust` with no more clusters than fixed effects, and where the status of the fit
#'   says that the data do not bound the estimates.
#' @section Errors: `glimmer_error_not_available` where there are no independent clusters (crossed factors, related
#'   levels), for the joint method and for REML of families other than Gaussian; `glimmer_error_argument` for a
#'   `cluster` that cuts through random effects, and for what the family does not have.
#' @references
#' Liang, K.-Y. and Zeger, S. L. (1986). Longitudinal data analysis using generalized linear models. *Biometrika* 73,
#' 13-22. \doi{10.1093/biomet/73.1.13}
#'
#' Pustejovsky, J. E. and Tipton, E. (2018). Small-sample methods for cluster-robust variance estimation and hypothesis
#' testing in fixed effects models. *Journal of Business and Economic Statistics* 36, 672-683.
#' \doi{10.1080/07350015.2016.1247004}
#'
#' White, H. (1982). Maximum likelihood estimation of misspecified models. *Econometrica* 50, 1-25.
#' \doi{10.2307/1912526}
#' @seealso [confint.glimmer()], [summary.glimmer()], [anova.glimmer()] (`vcov. = `), [component()].
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(sqrt(diag(vcov(fit, full = TRUE))))
#'   # by patients
#'   print(sqrt(diag(vcov(fit, type = "CR1"))))
#' }
#' @export
vcov.glimmer <- function(object, full = FALSE, type = c("model", "HC0", "CR1", "CR2"), cluster = NULL,
                         information = c("observed", "expected"), ...) {
  check_dots(vcov.glimmer, ...)
  check_flag(full, "full")
  type <- match_choice(type, c("model", "HC0", "CR1", "CR2"), "type")
  information <- match_choice(information, c("observed", "expected"), "information")
  if (type == "model") {
    if (information == "expected") {
      stop_glimmer("argument", "`information` is for robust covariances: give a `type`, as \"CR1\", too.",
                   argument = "information")
    }
    if (!is.null(cluster)) {
      stop_glimmer("argument", "`cluster` is for robust covariances: give a `type`, as \"CR1\", too.",
                   argument = "cluster")
    }
    return(if (full) object$covariance else tcrossprod(object$fixed_root))
  }
  robust <- robust_covariance(object, type, cluster, information)
  if (full && ncol(robust) < length(object$parameters)) {
    stop_glimmer("argument", paste0("`full = TRUE`: by REML, \"CR2\" and the expected information there is a robust ",
                                    "covariance matrix of the fixed effects alone."), argument = "full")
  }
  beta <- object$index$beta
  if (full) robust else robust[beta, beta, drop = FALSE]
}
