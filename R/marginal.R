# Population-averaged answers: coefficients of averaged means, and contrasts of averages.

#' Population-averaged coefficients and contrasts
#'
#' A coefficient of a mixed model compares responses of one group, its random effects given. With another link than the
#' identity that is not what it does to the average over groups. `marginal()` averages the means over the random
#' effects, and describes these averages: by coefficients, as those that a GEE estimates, or by differences and ratios.
#'
#' @param fit Object of class `glimmer`.
#' @param definition `"ml"`: the coefficients of the generalized linear model with the family and link of the fit that
#'   is fitted to the averaged means, what a GEE with independent working correlation estimates; `"ls"`: by least
#'   squares of the averaged means on the scale of the link, as 'GLMMadaptive' has them. With the identity link and, for
#'   the probit link with a random intercept, with the probit link both are the same.
#' @param contrast `NULL`, or a named list of one variable with two values or more, as
#'   `list(treatment = c("placebo", "drug"))`: averaged means with all rows at the first value, at each other one, and
#'   their differences and ratios (G-computation, or standardisation). Or the name of a numeric variable: the average of
#'   the derivative of the mean in it.
#' @param at `NULL`, or a named list of values that other variables have in all rows, as `list(time = 12)`.
#' @param newdata `NULL`, the data of the fit, or a data frame over whose rows is averaged; weights play no part.
#' @param vcov. `NULL`, or another covariance of all parameters: a matrix, or `"HC0"` or `"CR1"`, see
#'   [vcov()][vcov.glimmer].
#' @param level Number between 0 and 1: the level of the limits of contrasts.
#' @param x,object Result of `marginal()`.
#' @param parm Names or positions of the coefficients wanted; without it, all.
#' @param digits Number of significant digits.
#' @param conf.int,conf.level Logical: with limits; number between 0 and 1: their level.
#' @param ... Not used.
#' @return Without `contrast` an object of class `marginal.glimmer`, a list of `coefficients` and `conditional` (named
#'   numeric), `vcov` (their matrix, by the delta method from the covariance of all parameters), `definition`, `means`
#'   (numeric, the averaged mean of each row) and `family`; with methods for `print()`, `coef()`, `vcov()`, `confint()`
#'   (by normal quantiles) and `tidy()`.
#'
#'   With `contrast` a data frame of class `marginal_contrast.glimmer`: `quantity` (`"mean"`, `"difference"`, `"ratio"`,
#'   for probabilities also `"odds ratio"`; or `"slope"`), `value` and `reference` (of the variable), `estimate`,
#'   `std.error`, `conf.low`, `conf.high` (of means on the scale of the link's kind: logit or logarithm; of ratios on
#'   that of the logarithm), `statistic` and `p.value` (that a difference is 0, a ratio 1).
#' @details
#' The averages are integrals to round-off (with the cauchit link to six digits) for any random effects, nested, crossed
#' or correlated: for one row only the variance of its linear predictor counts. Standard errors have the uncertainty of
#' the fixed effects, of the variances and of the family's constant; parameters on the boundary count as known.
#' Bootstrap: `bootstrap(fit, function(fit) coef(marginal(fit)))`.
#'
#' What is averaged over is a population of groups like those of the fit: each row's random effects are drawn anew. Of
#' the data of the fit the rows of weight 0 do not count. In `contrast` every other row counts once; coefficients weight
#' rows as the fit does, by prior weights and numbers of trials.
#' @section Errors: `glimmer_error_argument` for arguments that are none; `glimmer_error_variable` where variables of
#'   the model are not in `newdata`, or the data of the fit are not found and its variables are transformed in the
#'   formula; `glimmer_error_mean` where the link does not allow linear predictors that random effects lead to.
#' @references
#' Heagerty, P. J. and Zeger, S. L. (2000). Marginalized multilevel models and likelihood inference. *Statistical
#' Science* 15, 1-26. \doi{10.1214/ss/1009212671}
#'
#' Hedeker, D., du Toit, S. H. C., Demirtas, H. and Gibbons, R. D. (2018). A note on marginalization of regression
#' parameters from mixed models of binary outcomes. *Biometrics* 74, 354-361. \doi{10.1111/biom.12707}
#' @seealso [predict.glimmer()] (`type = "marginal"`), [bootstrap()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(marginal(fit))
#'   # risk difference and ratio over the weeks and children of the trial
#'   print(marginal(fit, contrast = list(trt = c("placebo", "drug"))))
#' }
#' @export
marginal <- function(fit, definition = c("ml", "ls"), contrast = NULL, at = NULL, newdata = NULL, vcov. = NULL, # nolint
                     level = 0.95, ...) {
  check_fit(fit)
  check_dots(marginal, ...)
  definition <- match_choice(definition, c("ml", "ls"), "definition")
  check_level(level)
  covariance <- known_covariance_of(fit, vcov.)
  if (is.null(contrast)) {
    rows <- averaging_rows(fit, if (!is.null(newdata) || !is.null(at)) rows_with(fit, newdata, at))
    return(marginal_coefficients(fit, rows, definition, covariance, weights = is.null(newdata) && is.null(at)))
  }
  average_contrasts(fit, check_marginal_contrast(contrast), rows_with(fit, newdata, at), covariance, level)
}

marginal_coefficients <- function(fit, rows, definition, covariance, weights) {
  averages <- averaged_means(fit, rows)
  if (anyNA(averages$mean)) stop_no_average(fit, rows, averages$mean)
  prior <- if (weights) fit_design(fit)[c("weights", "size")] else
    list(weights = rep(1, length(averages$mean)), size = rep(1, length(averages$mean)))
  # rows of weight 0 have no trials
  prior$size <- pmax(prior$size, 1)
  check_rank(rows, names(fixef.glimmer(fit)))
  found <- if (definition == "ml") {
    coefficients_by_likelihood(fit, rows, averages, prior)
  } else {
    coefficients_by_squares(fit, rows, averages)
  }
  names <- names(fixef.glimmer(fit))
  variance <- found$slopes %*% covariance %*% t(found$slopes)
  dimnames(variance) <- list(names, names)
  structure(list(coefficients = stats::setNames(found$coefficients, names), vcov = variance,
                 conditional = fixef.glimmer(fit), definition = definition,
                 means = stats::setNames(averages$mean, rows$names), family = fit$family),
            class = "marginal.glimmer")
}

check_rank <- function(rows, names) {
  aliased <- setdiff(seq_len(ncol(rows$X)), independent_columns(rows$X, seq_len(ncol(rows$X))))
  if (length(aliased)) {
    stop_glimmer("argument", paste0("`newdata` and `at`: in these rows the coefficients of ",
                                    format_items(names[aliased]), " cannot be told from others. `contrast` averages ",
                                    "means, and needs none."), argument = "newdata", columns = names[aliased])
  }
}

stop_no_average <- function(fit, rows, mean) {
  lost <- rows$names[is.na(mean)]
  stop_glimmer("mean", paste0("There is no average for ", format_rows(lost), ": the ", fit$family$link, " link does ",
                              "not allow all linear predictors that the random effects lead to."), rows = lost)
}

# The mean of a response at linear predictors, its derivative, and its variance.
response_at <- function(fit, eta, size, constant = constant_of(fit)) {
  mu <- fit$family$linkinv(eta)
  list(mean = response_mean(fit$family, mu, constant),
       slope = fit$family$mu.eta(eta) * response_slope(fit$family, mu, constant),
       variance = variance_at(fit$family, mu, constant, size))
}

# The linear predictors with these means of responses, by Newton's method: where the parameter of the family that has
# the link is the mean itself at once.
predictor_with_mean <- function(fit, mean) {
  eta <- fit$family$linkfun(mean)
  for (step in 1:100) {
    at <- response_at(fit, eta, 1)
    move <- (mean - at$mean) / at$slope
    eta <- eta + pmin(pmax(move, -1), 1)
    if (max(abs(move)) < 1e-12) break
  }
  eta
}

# Link scale, unweighted: (X'X)^-1 X'(g(m) - offset).
coefficients_by_squares <- function(fit, rows, averages) {
  eta <- predictor_with_mean(fit, averages$mean)
  solution <- qr(rows$X)
  slopes <- averages$slopes
  at <- fit$index$dispersion
  if (length(at)) {
    slopes[, at] <- slopes[, at] - constant_slope(fit, function(constant) response_at(fit, eta, 1, constant)$mean)
  }
  list(coefficients = unname(qr.coef(solution, eta - rows$offset)),
       slopes = qr.coef(solution, slopes / response_at(fit, eta, 1)$slope))
}

# The derivative of a function of the family's constant in its logarithm.
constant_slope <- function(fit, of) {
  constant <- constant_of(fit)
  (of(constant * exp(1e-4)) - of(constant * exp(-1e-4))) / 2e-4
}

#' The root b of sum_i x_i a_i (m_i - mu_i(b)) = 0, a = w mu' / V(mu), and its derivative in the parameters
#'
#' By the implicit function: with H = X' diag(a mu' - a'(m - mu)) X the derivative is H^-1 X' diag(a) dm; in the
#' family's constant that of the sum, with all that depends on it.
#' @param prior List of `weights` and `size`, one a row.
#' @noRd
coefficients_by_likelihood <- function(fit, rows, averages, prior) {
  X <- rows$X
  factor_at <- function(at) prior$weights * prior$size * at$slope / at$variance
  beta <- coefficients_by_squares(fit, rows, averages)$coefficients
  for (step in 1:100) {
    eta <- rows$offset + drop(X %*% beta)
    at <- response_at(fit, eta, prior$size)
    a <- factor_at(at)
    move <- solve(crossprod(X, a * at$slope * X), crossprod(X, a * (averages$mean - at$mean)))
    beta <- beta + drop(move)
    if (max(abs(X %*% move)) < 1e-12) break
  }
  moved <- function(by) factor_at(response_at(fit, eta + by, prior$size))
  bend <- (moved(1e-5) - moved(-1e-5)) / 2e-5
  information <- crossprod(X, (a * at$slope - bend * (averages$mean - at$mean)) * X)
  slopes <- crossprod(X, a * averages$slopes)
  constant <- fit$index$dispersion
  if (length(constant)) {
    slopes[, constant] <- slopes[, constant] + constant_slope(fit, function(constant) {
      own <- response_at(fit, eta, prior$size, constant)
      drop(crossprod(X, factor_at(own) * (averages$mean - own$mean)))
    })
  }
  list(coefficients = unname(beta), slopes = solve(information, slopes))
}

#' @rdname marginal
#' @method print marginal.glimmer
#' @export
print.marginal.glimmer <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.marginal.glimmer, ...)
  check_digits(digits)
  how <- if (x$definition == "ml") "of the GLM for the averaged means" else "by least squares on the scale of the link"
  cat_wrapped(paste0("Population-averaged coefficients (", scale_text(x$family), "), ", how))
  error <- sqrt(diag(x$vcov))
  z <- x$coefficients / error
  table <- cbind(Conditional = x$conditional, Marginal = x$coefficients, "Std. Error" = error, "z value" = z,
                 "Pr(>|z|)" = 2 * stats::pnorm(-abs(z)))
  stats::printCoefmat(table, digits = digits, cs.ind = 1:3, tst.ind = 4L)
  cat_wrapped(paste("Conditional: for one group, its random effects given. Marginal: for the average over groups, with",
                    "random effects drawn from the model; standard errors and tests are those of the marginal ones."))
  invisible(x)
}

#' @export
coef.marginal.glimmer <- function(object, ...) {
  check_dots(coef.marginal.glimmer, ...)
  object$coefficients
}

#' @export
vcov.marginal.glimmer <- function(object, ...) {
  check_dots(vcov.marginal.glimmer, ...)
  object$vcov
}

#' @rdname marginal
#' @method confint marginal.glimmer
#' @export
confint.marginal.glimmer <- function(object, parm, level = 0.95, ...) {
  check_dots(confint.marginal.glimmer, ...)
  check_level(level)
  limits <- normal_interval(object$coefficients, sqrt(diag(object$vcov)), level)
  dimnames(limits) <- list(names(object$coefficients), level_names(level))
  if (missing(parm)) limits else
    limits[choose_parameters(parm, rownames(limits), nrow(limits)), , drop = FALSE]
}

#' @rdname marginal
#' @method tidy marginal.glimmer
#' @export
tidy.marginal.glimmer <- function(x, conf.int = FALSE, conf.level = 0.95, ...) { # nolint: object_name_linter.
  check_dots(tidy.marginal.glimmer, ...)
  check_flag(conf.int, "conf.int")
  check_level(conf.level, "conf.level")
  error <- sqrt(diag(x$vcov))
  table <- data.frame(term = names(x$coefficients), estimate = x$coefficients, std.error = error,
                      statistic = x$coefficients / error, p.value = 2 * stats::pnorm(-abs(x$coefficients / error)),
                      row.names = NULL)
  if (!conf.int) {
    return(table)
  }
  limits <- confint.marginal.glimmer(x, level = conf.level)
  data.frame(table, conf.low = unname(limits[, 1L]), conf.high = unname(limits[, 2L]))
}
