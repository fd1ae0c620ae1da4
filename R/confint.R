# Confidence intervals.

#' Confidence intervals of the parameters
#'
#' Wald intervals: symmetric on the scale where the estimate is nearest to normal, and transformed back. Or intervals by
#' profile likelihood, which need no such scale.
#'
#' @param object Object of class `glimmer`.
#' @param parm Names or positions of the rows wanted; `"beta_"` for all fixed effects, `"theta_"` for all others.
#'   Without it, everything.
#' @param level Number between 0 and 1: the confidence level.
#' @param ddf Character: the method of degrees of freedom of the intervals of fixed effects, see [ddf()]; `"auto"` is
#'   Satterthwaite's for a Gaussian response with identity link, as in [summary()], and none (normal quantiles) for
#'   others. Intervals by `lme4::confint.merMod(method = "Wald")` are those of `ddf = "none"`.
#' @param method `"Wald"`, `"profile"` or `"boot"` (parametric bootstrap), in any case of letters.
#' @param nsim,seed,boot.type Of `"boot"`: how many responses are drawn, the seed, and the type of interval, see
#'   [bootstrap()].
#' @param vcov. Of Wald intervals of fixed effects: `NULL`, or another covariance than the model's, see [ddf()].
#' @param ... Not used.
#' @return Numeric matrix with two columns, the limits, named by their probabilities (`"2.5 %"`, `"97.5 %"`), and a row
#'   for each fixed effect, then for each standard deviation and correlation of the random effects
#'   (`sd_(Intercept)|g`, `cor_x.(Intercept)|g`; `sd|g` and `rho|g` where a structure has one for all effects of a term)
#'   and for [sigma()][sigma.glimmer], where the family has it: `sigma`, or the parameter of [families.glimmer]. Fixed
#'   effects, standard deviations and correlations are on the scale of the linear predictor.
#'   `NA` for what is on the boundary, where Wald intervals do not hold, and where the Hessian is not positive definite.
#' @details
#' Fixed effects: estimate +- q se, q the quantile of t or of the normal distribution, so that an interval excludes 0
#' where the test in [summary()] rejects. Standard deviations, `sigma` and `size`: on the log scale. Correlations: on
#' Fisher's z scale, atanh(r); these with normal quantiles. Standard errors of the transformed parameters come from
#' those of L (see [vcov.glimmer()]) by the delta method.
#'
#' By profile likelihood the limits are where the largest log-likelihood over all other parameters has fallen by
#' `qchisq(level, 1) / 2`. On the boundary they hold as far as the chi-square distribution does; where a parameter ends
#' before (a standard deviation at 0, a correlation at -1 or 1, what the data do not bound at infinity) that is the
#' limit. Of a fit by REML those of fixed effects are by maximum likelihood, the others by the restricted likelihood.
#' [profile()][profile.glimmer] gives and draws whole curves.
#'
#' By the bootstrap see [bootstrap()], which also keeps what was drawn.
#' @section Errors: `glimmer_error_argument` for a `parm`, `level` or `method` that is none;
#'   `glimmer_error_not_available` for profiles of a fit by the joint method.
#' @seealso [profile.glimmer()], [bootstrap()], [vcov.glimmer()], [tidy.glimmer()]
#' @references
#' Pinheiro, J. C. and Bates, D. M. (2000). *Mixed-Effects Models in S and S-PLUS*, section 2.4. Springer.
#' \doi{10.1007/b98882}
#' @examples
#' fit <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#' confint(fit)
#' confint(fit, "theta_", level = 0.9)
#' confint(fit, "theta_", method = "profile")
#' @export
confint.glimmer <- function(object, parm, level = 0.95, method = c("Wald", "profile", "boot"), ddf = "auto",
                            nsim = 1000L, seed = NULL, boot.type = c("perc", "basic", "norm", "bca"),
                            vcov. = NULL, ...) { # nolint: object_name_linter.
  check_dots(confint.glimmer, ...)
  method <- interval_method(method)
  check_level(level)
  check_draws(nsim, seed)
  boot.type <- match_choice(boot.type, c("perc", "basic", "norm", "bca"), "boot.type") # nolint: object_name_linter.
  if (method != "wald" && !is.null(vcov.)) {
    stop_glimmer("argument", "`vcov.` is for Wald intervals (method = \"Wald\").", argument = "vcov.")
  }
  if (method == "profile") {
    return(profile_intervals(object, if (missing(parm)) NULL else parm, level))
  }
  intervals <- if (method == "wald") {
    wald_intervals(object, level, ddf, vcov.)
  } else {
    confint.glimmer_bootstrap(bootstrap(object, nsim = nsim, seed = seed), level = level, type = boot.type)
  }
  if (missing(parm)) {
    return(intervals)
  }
  intervals[choose_parameters(parm, rownames(intervals), length(object$index$beta)), , drop = FALSE]
}

# In any case of letters.
interval_method <- function(method, argument = "method", known = c("Wald", "profile", "boot")) {
  chosen <- if (is.character(method)) match(tolower(method[1L]), tolower(known))
  if (length(chosen) != 1L || is.na(chosen)) refuse_choice(method, known, argument)
  tolower(known[chosen])
}

# The limits themselves, not by a curve between other values as confint(profile()) has them.
profile_intervals <- function(fit, which, level) {
  to <- sqrt(stats::qchisq(level, 1))
  limits <- over_profiles(fit, which, function(zeta, quantity) {
    sort(quantity$report(c(profile_limit(zeta, quantity, -to), profile_limit(zeta, quantity, to))))
  }, "parm")
  limit_table(limits, level)
}

wald_intervals <- function(fit, level, ddf, covariance = NULL) {
  tests <- contrast_table(check_contrast_matrix(NULL, fit), fixef.glimmer(fit),
                          ddf_rule(fit, ddf, given = covariance))
  fixed <- t_interval(tests$estimate, tests$std.error, tests$df, level)
  table <- covariance_table(fit)
  random <- covariance_intervals(table, level)
  intervals <- rbind(fixed, random)
  rownames(intervals) <- make.unique(c(names(fixef.glimmer(fit)), interval_names(table)))
  colnames(intervals) <- level_names(level)
  intervals
}

level_names <- function(level) {
  tails <- c((1 - level) / 2, (1 + level) / 2)
  paste(format(100 * tails, trim = TRUE, scientific = FALSE, digits = 3), "%")
}

normal_interval <- function(estimate, se, level) {
  t_interval(estimate, se, rep(Inf, length(estimate)), level)
}

t_interval <- function(estimate, se, df, level) {
  half <- stats::qt((1 + level) / 2, df) * se
  cbind(estimate - half, estimate + half)
}

#' Wald intervals of standard deviations and correlations, transformed back
#'
#' @param table Result of [covariance_table()].
#' @noRd
covariance_intervals <- function(table, level) {
  limits <- normal_interval(table$transformed, table$se, level)
  correlation <- table$kind == "cor"
  limits[correlation, ] <- tanh(limits[correlation, ])
  limits[!correlation, ] <- exp(limits[!correlation, ])
  limits
}

interval_names <- function(table) {
  second <- ifelse(table$kind == "cor", paste0(table$var2, "."), "")
  names <- paste0(table$kind, "_", second, table$var1, "|", table$group)
  common <- paste0(ifelse(table$kind == "cor", "rho", "sd"), "|", table$group)
  names[table$common] <- common[table$common]
  single <- table$kind %in% c("sigma", "constant")
  names[single] <- ifelse(table$kind == "sigma", "sigma", table$var1)[single]
  names
}

#' Rows that `parm` means
#' @noRd
choose_parameters <- function(parm, names, fixed, argument = "parm") {
  if (is.character(parm)) {
    sets <- list(beta_ = names[seq_len(fixed)], theta_ = names[setdiff(seq_along(names), seq_len(fixed))])
    parm <- unlist(lapply(parm, function(name) if (name %in% names(sets)) sets[[name]] else name))
    unknown <- setdiff(parm, names)
  } else {
    unknown <- setdiff(parm, seq_along(names))
  }
  if (!(is.character(parm) || is.numeric(parm)) || length(unknown)) {
    stop_glimmer("argument", paste0("`", argument, "` asks for ", format_items(unknown), ": there are ",
                                    format_items(names, 20L), "."), argument = argument, unknown = unknown)
  }
  parm
}
