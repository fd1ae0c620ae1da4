# Denominator degrees of freedom: which methods there are, and tests of linear combinations of the fixed effects.

#' Degrees of freedom and tests of linear combinations of the fixed effects
#'
#' `ddf()` tests each row of `L`, `test_contrasts()` all of them jointly, with denominator degrees of freedom by the
#' method asked for. [summary()], [anova()] and the methods for 'emmeans' use the same.
#'
#' @param object Object of class `glimmer`.
#' @param L Numeric matrix, a row for each combination and a column for each fixed effect in the order of [fixef()]; or
#'   a vector, which is one row. Where columns of the model matrix were left out as aliased it may have columns for
#'   these, too, in the order of `variable.names(object, full = TRUE)`; without them they count as 0. By default each
#'   fixed effect by itself, as the fit has it.
#' @param method Character, in any case of letters: one of
#'   \describe{
#'     \item{`"auto"`}{`"satterthwaite"` for a Gaussian response with identity link, `"none"` for others.}
#'     \item{`"satterthwaite"`}{Gaussian response with identity link only: the variance of a contrast is taken as a
#'       multiple of a chi-squared variable with the same first two moments, by the observed information on the variance
#'       parameters (Giesbrecht and Burns 1985). A joint test pools them as Fai and Cornelius (1996).}
#'     \item{`"kenward-roger"`}{Gaussian response with identity link, fitted by REML only: a covariance matrix adjusted
#'       for the estimation of the variances, and a scaled F statistic (Kenward and Roger 1997); see `information`.}
#'     \item{`"containment"`}{of a term A: the smallest rank that a random effect whose name contains A, as `(1 | A:b)`
#'       or `(A | b)` do, adds to the columns of X and the random effects before it, which are those of factors with
#'       fewer levels; where there is none, the number of rows less the rank of X and Z together. This is the default of
#'       PROC MIXED of SAS. It goes by names: a treatment given to whole levels of `g` with `(1 | g)` is not contained;
#'       use `"between-within"` there.}
#'     \item{`"between-within"`}{nested grouping factors only: a term belongs to the outermost factor within whose
#'       levels it is constant, or to the rows, and has the number of these levels (or rows) less that of the next
#'       factor outwards (for the outermost: 1, for the intercept) and less the coefficients that belong there
#'       (Schluchter and Elashoff 1990; Pinheiro and Bates 2000). The intercept has those of the outermost factor, as
#'       in SAS; 'nlme' gives it those of the rows.}
#'     \item{`"residual"`}{number of rows less rank of X.}
#'     \item{`"none"`}{infinite: normal and chi-squared tests.}
#'   }
#' @param information Character, for the method of Kenward and Roger only: how the covariance of the estimated variance
#'   parameters is had. `"expected"` is the inverse of their expected information, as in the paper and in 'pbkrtest';
#'   `"observed"` that of the observed one, minus the second derivatives of the restricted log-likelihood at the
#'   estimates, as in PROC MIXED of SAS (its default) and 'mmrm'. Both are right in large samples. Degrees of freedom
#'   differ by some tenths to some units, most in small and unbalanced data.
#' @param vcov. `NULL`, the covariance of the model, or another one of the fixed effects: a matrix, a function that
#'   gives it for the fit, or a `type` of [vcov()][vcov.glimmer] as `"CR1"`. Then `"auto"` is `"none"`, and the methods
#'   of Satterthwaite and of Kenward and Roger do not apply.
#' @return `ddf()`: data frame, a row for each row of `L`, with columns `estimate`, `std.error`, `df`, `statistic` (t,
#'   or z where `df` is infinite) and `p.value`.
#'
#'   `test_contrasts()`: data frame of one row with columns `statistic` (F), `num_df` (the rank of `L`), `den_df`,
#'   `p.value` and `scale`, the factor of Kenward and Roger in the statistic, otherwise 1.
#'
#'   Both have an attribute `method`. `NA`, with a warning, where a row of `L` is not estimable (the data do not
#'   determine it, as the mean of an empty cell); and where the Hessian of the fit is not positive definite or nearly
#'   flat, as with powers of a covariate far from zero (centre it).
#' @details
#' With `"containment"`, `"between-within"` and `"residual"` a row, or a joint test, has the smallest degrees of freedom
#' of the coefficients that it has in it, and the standard errors are those of [vcov.glimmer()].
#' For responses that are not Gaussian these are conventions that do well in balanced designs, not theory.
#'
#' Variance parameters on the boundary are taken as known there. The methods for Gaussian responses work on cross
#' products; that of Kenward and Roger takes time that grows with the square of the number of random effects that data
#' connect, and is refused where that is some minutes.
#' @section Errors: `glimmer_error_ddf` where the method does not apply to the fit; `glimmer_error_argument` for an
#'   unknown method, and for `L` of another size.
#'
#'   `glimmer_warning_ddf` where all but the estimates is `NA`, as the random effects hold all of the response but for
#'   round-off. `glimmer_warning_estimable` where rows of `L` are not estimable, in the fields `rows` and `columns`
#'   (those that were left out of the model matrix).
#' @references
#' Fai, A. H.-T. and Cornelius, P. L. (1996). Approximate F-tests of multiple degree of freedom hypotheses in
#' generalized least squares analyses of unbalanced split-plot experiments. *Journal of Statistical Computation and
#' Simulation* 54, 363-378. \doi{10.1080/00949659608811740}
#'
#' Giesbrecht, F. G. and Burns, J. C. (1985). Two-stage analysis based on a mixed model: large-sample asymptotic theory
#' and small-sample simulation results. *Biometrics* 41, 477-486. \doi{10.2307/2530872}
#'
#' Kenward, M. G. and Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum likelihood.
#' *Biometrics* 53, 983-997. \doi{10.2307/2533558}
#'
#' Pinheiro, J. C. and Bates, D. M. (2000). *Mixed-Effects Models in S and S-PLUS*, section 2.4. Springer.
#' \doi{10.1007/b98882}
#'
#' Schluchter, M. D. and Elashoff, J. T. (1990). Small-sample adjustments to tests with unbalanced repeated measures
#' assuming several covariance structures. *Journal of Statistical Computation and Simulation* 37, 69-87.
#' \doi{10.1080/00949659008811295}
#' @seealso [anova.glimmer()] for the terms of a model.
#' @examples
#' fit <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#' ddf(fit)
#' # the mean weight on day 10
#' ddf(fit, c(1, 10))
#' test_contrasts(fit, diag(2), method = "between-within")
#' @export
ddf <- function(object, L = NULL, method = "auto", information = c("expected", "observed"), vcov. = NULL) { # nolint
  check_fit(object)
  contrasts <- check_contrast_matrix(L, object)
  rule <- ddf_rule(object, method, information, "method", vcov.)
  table <- contrast_table(contrasts, fixef.glimmer(object), rule)
  table[attr(contrasts, "inestimable"), ] <- NA_real_
  structure(table, method = rule$method)
}

#' @rdname ddf
#' @export
test_contrasts <- function(object, L = NULL, method = "auto", information = c("expected", "observed"),
                           vcov. = NULL) { # nolint: object_name_linter.
  check_fit(object)
  contrasts <- check_contrast_matrix(L, object)
  rule <- ddf_rule(object, method, information, "method", vcov.)
  test <- contrast_test(contrasts, fixef.glimmer(object), rule)
  if (length(attr(contrasts, "inestimable"))) test[c("statistic", "df", "scale")] <- NA_real_
  structure(data.frame(statistic = test$statistic, num_df = test$numerator, den_df = test$df,
                       p.value = stats::pf(test$statistic, test$numerator, test$df, lower.tail = FALSE),
                       scale = test$scale), method = rule$method)
}

check_fit <- function(object) {
  if (!inherits(object, "glimmer")) {
    stop_glimmer("argument", "`object` must be a fit of class 'glimmer'.", argument = "object")
  }
  check_whole(object)
}

#' The rows of `L` in the columns that the fit has
#'
#' @return Matrix, with the attribute `inestimable`, positions of rows that the data do not determine.
#' @noRd
check_contrast_matrix <- function(contrasts, fit) {
  names <- names(fixef.glimmer(fit))
  if (is.null(contrasts)) {
    return(matrix(diag(length(names)), length(names), dimnames = list(names, names)))
  }
  if (!is.matrix(contrasts)) contrasts <- matrix(contrasts, 1L, dimnames = list(NULL, names(contrasts)))
  all <- stats::variable.names(fit, full = TRUE)
  width <- ncol(contrasts)
  if (!is.numeric(contrasts) || !width %in% lengths(list(names, all)) || !nrow(contrasts) ||
        !all(is.finite(contrasts))) {
    stop_glimmer("argument", paste0("`L` must have a column of finite numbers for each of the ", length(names),
                                    " fixed effects: ", format_items(names, 20L), "."), argument = "L")
  }
  with_all <- width == length(all)
  contrasts <- order_contrasts(contrasts, if (with_all) all else names)
  if (!length(fit$dropped)) {
    return(contrasts)
  }
  full <- matrix(0, nrow(contrasts), length(all))
  full[, if (with_all) seq_along(all) else fit$kept] <- contrasts
  structure(if (with_all) contrasts[, fit$kept, drop = FALSE] else contrasts,
            inestimable = inestimable_contrasts(fit, full, rownames(contrasts)))
}

# Columns in the order of the fixed effects, by name where they are named.
order_contrasts <- function(contrasts, names) {
  given <- colnames(contrasts)
  if (is.null(given) || identical(given, names)) {
    return(contrasts)
  }
  # columns called alike are told apart as those of the fit are
  colnames(contrasts) <- given <- make.unique(given)
  if (!setequal(given, names)) {
    stop_glimmer("argument", paste0("`L` names ", format_items(setdiff(given, names)), ": the fixed effects are ",
                                    format_items(names, 20L), "."), argument = "L", unknown = setdiff(given, names))
  }
  contrasts[, names, drop = FALSE]
}

#' What a method knows of a fit
#'
#' @param information As in [ddf()]. @param argument The name of the argument that has the method.
#' @param given `NULL`, or another covariance of the fixed effects, see [given_covariance()].
#' @return List: `method`; `covariance` of the fixed effects that it uses; and either `parts` (see
#'   [satterthwaite_parts()], [kenward_roger_parts()]) or `df`, numeric, one a fixed effect.
#' @noRd
ddf_rule <- function(fit, method, information = "expected", argument = "ddf", given = NULL) {
  method <- resolve_ddf(method, fit, argument, given)
  information <- resolve_information(information, method)
  covariance <- if (is.null(given)) vcov.glimmer(fit) else given_covariance(given, fit)
  by_coefficient <- switch(method,
    "none" = rep(Inf, ncol(covariance)),
    "residual" = rep(fit$nobs - ncol(covariance), ncol(covariance)),
    "containment" = containment_df(fit),
    "between-within" = between_within_df(fit))
  if (!is.null(by_coefficient)) {
    return(list(method = method, covariance = covariance, df = by_coefficient))
  }
  # what is built on a Hessian that is nearly flat has no digits
  flat <- any(fit$status$check == "flat" & !fit$status$ok)
  if (anyNA(covariance) || !ncol(covariance) || flat) {
    return(list(method = method, covariance = covariance, df = rep(NA_real_, ncol(covariance))))
  }
  system <- response_covariance(fit)
  if (is.null(system$covariance)) {
    warn_without_digits(method)
    return(list(method = method, covariance = covariance + NA, df = rep(NA_real_, ncol(covariance))))
  }
  parts <- if (method == "satterthwaite") satterthwaite_parts(fit, system) else
    kenward_roger_parts(fit, information, system)
  list(method = method, covariance = if (method == "satterthwaite") parts$covariance else parts$adjusted, parts = parts)
}

resolve_ddf <- function(method, fit, argument = "ddf", given = NULL) {
  choices <- c("auto", "satterthwaite", "kenward-roger", "containment", "between-within", "residual", "none")
  method <- match_choice(if (is.character(method)) tolower(method) else NA, choices, argument)
  linear <- isLMM.glimmer(fit)
  if (method == "auto") method <- if (linear && is.null(given)) "satterthwaite" else "none"
  if (!is.null(given) && method %in% c("satterthwaite", "kenward-roger")) {
    stop_glimmer("ddf", paste0("The method \"", method, "\" is about the model's own covariance: with `vcov.` there ",
                               "are \"containment\", \"between-within\", \"residual\" and \"none\"."), method = method)
  }
  if (!linear && method %in% c("satterthwaite", "kenward-roger")) {
    stop_glimmer("ddf", paste0("The method \"", method, "\" is for Gaussian responses with identity link: for this ",
                               "family there are \"containment\", \"between-within\", \"residual\" and \"none\"."),
                 method = method, family = fit$family$family)
  }
  if (method == "kenward-roger" && !fit$REML) {
    stop_glimmer("ddf", paste0("The method of Kenward and Roger is for fits by REML, and this is one by maximum ",
                               "likelihood: fit again with REML = TRUE, or use \"satterthwaite\"."), method = method)
  }
  method
}

# Groups that hold all of the response but for round-off.
warn_without_digits <- function(method) {
  warn_glimmer("ddf", paste0("Standard errors, degrees of freedom and tests of the fixed effects are NA: the random ",
                             "effects hold nearly all of the response, and next to them the residuals have no digits ",
                             "left. Look whether a group fixes the response (one value for all its rows): then use ",
                             "one row for each group."), method = method)
}

resolve_information <- function(information, method) {
  information <- match_choice(information, c("expected", "observed"), "information")
  if (information == "observed" && method != "kenward-roger") {
    stop_glimmer("ddf", paste0("`information = \"observed\"` is for the method of Kenward and Roger, and this is \"",
                               method, "\", which has no such choice: ask for \"kenward-roger\", or leave ",
                               "`information` out."), method = method, argument = "information")
  }
  information
}

# The method in words, as it stands above a table.
ddf_text <- function(method) {
  switch(method,
    "none" = "Wald z",
    "satterthwaite" = "t, Satterthwaite degrees of freedom",
    "kenward-roger" = "t, Kenward-Roger standard errors and degrees of freedom",
    paste0("t, ", method, " degrees of freedom"))
}

#' Degrees of freedom of each row
#'
#' Those of Kenward and Roger for a single contrast are Satterthwaite's, and the scale is 1.
#' @param rule Result of [ddf_rule()].
#' @noRd
contrast_df <- function(contrasts, rule) {
  if (!is.null(rule$parts)) {
    return(satterthwaite_df(contrasts, rule$parts))
  }
  apply(abs(contrasts), 1L, function(row) if (any(row > 0)) min(rule$df[row > 1e-10 * max(row)]) else NA_real_)
}

contrast_table <- function(contrasts, estimate, rule) {
  value <- drop(contrasts %*% estimate)
  variance <- rowSums((contrasts %*% rule$covariance) * contrasts)
  # round-off, where the random effects dwarf the residuals beyond the digits of numbers
  variance[which(variance < 0)] <- NA_real_
  se <- sqrt(variance)
  df <- ifelse(is.na(se), NA_real_, contrast_df(contrasts, rule))
  names <- rownames(contrasts)
  data.frame(estimate = unname(value), std.error = unname(se), df = unname(df), statistic = unname(value / se),
             p.value = unname(2 * stats::pt(-abs(value / se), df)),
             row.names = if (is.null(names)) seq_along(value) else make.unique(names))
}

#' Joint test of the rows
#'
#' @param df Denominator degrees of freedom for the methods that give them by coefficient; by default the smallest.
#' @return List: `statistic` (F), `numerator`, `df`, `scale`.
#' @noRd
contrast_test <- function(contrasts, estimate, rule, df = min(contrast_df(contrasts, rule))) {
  contrasts <- contrasts[rowSums(contrasts != 0) > 0L, , drop = FALSE]
  if (anyNA(rule$covariance) || !nrow(contrasts)) {
    return(list(statistic = NA_real_, numerator = nrow(contrasts), df = NA_real_, scale = NA_real_))
  }
  if (rule$method == "kenward-roger" && !is.null(rule$parts)) {
    return(kenward_roger_test(contrasts, estimate, rule$parts))
  }
  test <- if (!is.null(rule$parts)) {
    satterthwaite_test(contrasts, estimate, rule$parts)
  } else {
    axes <- uncorrelated_contrasts(contrasts, rule$covariance)
    list(statistic = mean(drop(axes$contrasts %*% estimate)^2 / axes$variances), numerator = nrow(axes$contrasts),
         df = df)
  }
  c(test, scale = 1)
}
