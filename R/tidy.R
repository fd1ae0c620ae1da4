# tidy(), glance() and augment(): fits as data frames.

#' @importFrom generics tidy
#' @export
generics::tidy

#' @importFrom generics glance
#' @export
generics::glance

#' @importFrom generics augment
#' @export
generics::augment

#' A fit as data frames
#'
#' Methods for the generics of 'generics', which 'broom' and many packages for tables share; arguments and columns are
#' those of 'broom.mixed'.
#'
#' @param x Object of class `glimmer`.
#' @param effects Character, one or more: `"fixed"` (fixed effects), `"ran_pars"` (standard deviations and
#'   correlations), `"ran_vals"` (random effects at their conditional modes), `"ran_coefs"` (coefficients by level).
#' @param conf.int Logical: with Wald confidence limits, as in [confint.glimmer()].
#' @param conf.level Number between 0 and 1: their level.
#' @param conf.method `"Wald"` or `"profile"`, see [confint.glimmer()]; the latter for fixed effects, standard
#'   deviations and correlations, and if `conf.int` asks for them.
#' @param ddf Character: the method of degrees of freedom of the fixed effects, see [ddf()]; `"auto"` is Satterthwaite's
#'   for a Gaussian response with identity link, and none for others.
#' @param exponentiate Logical: give exp of the fixed effects (odds ratios, rate ratios) and of their limits, and
#'   standard errors by the delta method.
#' @param scales Of the parameters of random effects: `NULL` or `"sdcor"` for standard deviations and correlations,
#'   `"vcov"` for variances and covariances (without standard errors and limits).
#' @param data Data frame to add columns to: the model frame, or the data of the fit, with a row for each row used (or,
#'   after `na.exclude`, for each row).
#' @param newdata Data frame to predict for; used instead of `data`.
#' @param status Logical: with the columns of the fit's verdict, which tables of fits should not show.
#' @param ... Not used.
#' @return Data frames.
#'
#'   `tidy()`: a row for each parameter; columns `effect`, `group` (not with `"fixed"` alone), `level` (with
#'   `"ran_vals"` or `"ran_coefs"`), `term` (for `"ran_pars"` `sd__(Intercept)`, `cor__(Intercept).x`,
#'   `sd__Observation`), `estimate`, `std.error`, `statistic` (t or z), `df` (only where there are degrees of freedom)
#'   and `p.value` (of fixed effects), and, if asked for, `conf.low` and `conf.high`. Values are on the scale of the
#'   linear predictor. The standard errors of `"ran_vals"` are conditional standard deviations, see [ranef.glimmer()].
#'   What does not apply is `NA`.
#'
#'   `glance()`: one row with `nobs`, `sigma`, `logLik`, `AIC`, `BIC`, `deviance`, `df.residual`; with
#'   `status = TRUE` also `converged`, `singular` (logical), `method` (character), `nAGQ`, and the numbers of the fit's
#'   verdict, see [glimmer_convergence]: `gain` (log-likelihood units that one more Newton step predicts) and
#'   `condition` (condition number of the observed information; infinite where that is not positive definite).
#'
#'   `augment()`: `data` with the columns `.fitted` and `.fixed`, the linear predictor with and without the random
#'   effects, and `.mu`, the mean with them; and `.resid`, the deviance residuals (not for `newdata`).
#' @section Errors: `glimmer_error_argument` for arguments out of their range, and when `data` has another number of
#'   rows than the fit, or other values of its variables.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(tidy(fit, conf.int = TRUE))
#'   print(tidy(fit, effects = "fixed", exponentiate = TRUE))
#'   print(glance(fit))
#' }
#' @method tidy glimmer
#' @export
tidy.glimmer <- function(x, effects = c("ran_pars", "fixed"), conf.int = FALSE, conf.level = 0.95,
                         conf.method = "Wald", exponentiate = FALSE, scales = NULL, ddf = "auto", ...) {
  check_dots(tidy.glimmer, ...)
  known <- c("fixed", "ran_pars", "ran_vals", "ran_coefs")
  if (!is.character(effects) || !length(effects) || !all(effects %in% known)) {
    stop_glimmer("argument", paste0("`effects` must be one or more of ", format_items(known), "."),
                 argument = "effects", unknown = setdiff(effects, known))
  }
  check_flag(conf.int, "conf.int")
  check_flag(exponentiate, "exponentiate")
  check_level(conf.level, "conf.level")
  profiled <- interval_method(conf.method, "conf.method", c("Wald", "profile")) == "profile" && conf.int
  limits_of <- function(set) if (profiled) profile_intervals(x, set, conf.level)
  parts <- list(fixed = function() tidy_fixed(x, conf.level, exponentiate, ddf, limits_of("beta_")),
                ran_pars = function() tidy_parameters(x, conf.level, scales, limits_of("theta_")),
                ran_vals = function() tidy_modes(x, conf.level),
                ran_coefs = function() tidy_coefficients(x))
  table <- do.call(rbind, lapply(parts[known[known %in% effects]], function(part) part()))
  row.names(table) <- NULL
  unused <- c(if (!conf.int) c("conf.low", "conf.high"), if (!any(is.finite(table$df))) "df",
              if (identical(unique(effects), "fixed")) "group",
              if (!any(c("ran_vals", "ran_coefs") %in% effects)) "level")
  table[setdiff(names(table), unused)]
}

tidy_rows <- function(effect, term, estimate, group = NA_character_, level = NA_character_, std.error = NA_real_,
                      statistic = NA_real_, df = NA_real_, p.value = NA_real_,
                      limits = matrix(NA_real_, length(term), 2L)) {
  n <- length(term)
  fill <- function(value) rep(unname(value), length.out = n)
  data.frame(effect = rep(effect, n), group = fill(group), level = fill(level), term = unname(term),
             estimate = unname(estimate), std.error = fill(std.error), statistic = fill(statistic),
             df = fill(df), p.value = fill(p.value), conf.low = unname(limits[, 1L]), conf.high = unname(limits[, 2L]))
}

# `limits`: other ones than Wald's.
tidy_fixed <- function(fit, level, exponentiate, ddf, limits = NULL) {
  table <- contrast_table(check_contrast_matrix(NULL, fit), fixef.glimmer(fit), ddf_rule(fit, ddf))
  estimate <- table$estimate
  se <- table$std.error
  if (is.null(limits)) limits <- t_interval(estimate, se, table$df, level)
  if (exponentiate) {
    estimate <- exp(estimate)
    se <- estimate * se
    limits <- exp(limits)
  }
  tidy_rows("fixed", rownames(table), estimate, std.error = se, statistic = table$statistic, df = table$df,
            p.value = table$p.value, limits = limits)
}

tidy_parameters <- function(fit, level, scales, limits = NULL) {
  if (!is.null(scales) && !identical(scales, "sdcor") && !identical(scales, "vcov")) {
    stop_glimmer("argument", "`scales` must be NULL, \"sdcor\" or \"vcov\".", argument = "scales")
  }
  table <- covariance_table(fit)
  correlation <- table$kind == "cor"
  pair <- ifelse(correlation, paste(table$var1, table$var2, sep = "."), table$var1)
  if (identical(scales, "vcov")) {
    # a constant that is no standard deviation has no variance
    own <- table$kind != "constant"
    varcor <- VarCorr.glimmer(fit)
    told <- lapply(varcor, function(covariance) lower_part(attr(covariance, "reported")))
    values <- as.data.frame(varcor, order = "lower.tri")$vcov
    values <- values[c(unlist(told), rep(TRUE, length(values) - sum(lengths(told))))]
    return(tidy_rows("ran_pars", paste0(ifelse(correlation, "cov__", "var__"), pair)[own], values,
                     group = table$group[own]))
  }
  # back from the log and Fisher's z by the delta method
  slope <- ifelse(correlation, 1 - table$estimate^2, table$estimate)
  prefix <- c(sd = "sd__", cor = "cor__", sigma = "sd__", constant = "")[table$kind]
  tidy_rows("ran_pars", paste0(prefix, pair), table$estimate, group = table$group,
            std.error = slope * table$se, limits = if (is.null(limits)) covariance_intervals(table, level) else limits)
}

tidy_modes <- function(fit, level) {
  table <- as.data.frame(ranef.glimmer(fit))
  tidy_rows("ran_vals", as.character(table$term), table$condval, group = table$grpvar, level = as.character(table$grp),
            std.error = table$condsd, limits = normal_interval(table$condval, table$condsd, level))
}

tidy_coefficients <- function(fit) {
  by_factor <- coef.glimmer(fit)
  do.call(rbind, Map(function(values, group) {
    tidy_rows("ran_coefs", rep(names(values), each = nrow(values)), unlist(values, use.names = FALSE), group = group,
              level = row.names(values))
  }, unclass(by_factor), names(by_factor)))
}

#' @rdname tidy.glimmer
#' @method glance glimmer
#' @export
glance.glimmer <- function(x, status = FALSE, ...) {
  check_dots(glance.glimmer, ...)
  check_flag(status, "status")
  criteria <- information_criteria(x)
  row <- data.frame(nobs = x$nobs, sigma = sigma.glimmer(x), logLik = criteria[["logLik"]], AIC = criteria[["AIC"]],
                    BIC = criteria[["BIC"]], deviance = deviance.glimmer(x), df.residual = df.residual.glimmer(x))
  if (!status) {
    return(row)
  }
  data.frame(row, converged = x$converged, singular = x$singular, method = x$method, nAGQ = x$nAGQ,
             gain = status_value(x, "convergence"), condition = status_value(x, "hessian"))
}

status_value <- function(fit, check) {
  fit$status$value[match(check, fit$status$check)]
}

#' @rdname tidy.glimmer
#' @method augment glimmer
#' @export
augment.glimmer <- function(x, data = stats::model.frame(x), newdata = NULL, ...) {
  check_dots(augment.glimmer, ...)
  if (!is.null(newdata)) {
    return(augment_new(x, newdata))
  }
  if (!is.data.frame(data)) {
    stop_glimmer("argument", paste0("`data` must be a data frame (got ", class(data)[1L], ")."), argument = "data")
  }
  check_rows_of_fit(data, x)
  columns <- list(.fitted = stats::predict(x), .resid = stats::residuals(x, type = "deviance"),
                  .fixed = stats::predict(x, re.form = NA), .mu = stats::predict(x, type = "response"))
  columns <- lapply(columns, function(column) match_rows(unname(c(column)), x, data))
  cbind(data, as.data.frame(columns))
}

#' Refuse data whose rows are not those of the fit, as far as they have its variables
#' @noRd
check_rows_of_fit <- function(data, fit) {
  left_out <- attr(fit$frame, "na.action")
  data <- as.data.frame(data)
  used <- if (length(left_out) && nrow(data) > nrow(fit$frame)) data[-left_out, , drop = FALSE] else data
  shared <- intersect(plain_variables(fit$frame), names(used))
  difference <- if (nrow(used) == nrow(fit$frame)) {
    differ_in_words(used[shared], fit$frame[shared], any_order = FALSE)
  }
  if (!is.null(difference)) {
    stop_glimmer("argument", paste0("`data` are not the data of the fit: what is given ", difference, ". Give its ",
                                    "rows in their order, or for other data `newdata`."), argument = "data")
  }
}

# The rows are made once, so that what is said of them is said once.
augment_new <- function(fit, newdata) {
  rows <- prediction_rows(fit, newdata, select_random(fit, NULL))
  check_new_levels(rows, FALSE)
  eta <- linear_predictor(fit, rows)
  fixed <- linear_predictor(fit, replace(rows, "random", list(NULL)))
  columns <- lapply(list(.fitted = eta, .fixed = fixed, .mu = predicted_means(fit, eta, rows)), finish_rows, rows)
  data.frame(newdata, columns, check.names = FALSE)
}

# Predictions and residuals are padded after na.exclude: take the padding out where the data do not have those rows.
match_rows <- function(values, fit, data) {
  left_out <- attr(fit$frame, "na.action")
  if (length(values) > nrow(fit$frame) && nrow(data) == nrow(fit$frame)) {
    values <- values[-left_out]
  }
  if (length(values) != nrow(data)) {
    stop_glimmer("argument", paste0("`data` has ", nrow(data), " rows, but the fit has ", length(values), ": give the ",
                                    "rows used, or fit with na.action = na.exclude."), argument = "data")
  }
  values
}
