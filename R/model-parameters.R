# The method for 'parameters', which tables of 'modelsummary' and 'sjPlot' are made of.

#' Parameters of a fit by 'parameters'
#'
#' The method for `model_parameters()` of 'parameters': estimates, Wald limits and tests of the fixed effects, standard
#' deviations and correlations of the random effects, and the residual standard deviation. It is there when that package
#' is loaded; `glimmer` does not need it.
#'
#' @param model Object of class `glimmer`.
#' @param ci Number between 0 and 1: the level of the limits; `NULL` for none.
#' @param effects `"all"`, `"fixed"` or `"random"` (standard deviations and correlations).
#' @param exponentiate Logical: exp of the fixed effects and their limits, standard errors by the delta method.
#' @param ddf Character: the method of degrees of freedom, see [ddf()].
#' @param vcov `NULL`, or a covariance matrix of the fixed effects.
#' @param ... `verbose` and `ci_random`, which 'modelsummary' passes, are ignored.
#' @return Data frame of class `parameters_model`: columns `Parameter`, `Coefficient`, `SE`, `CI`, `CI_low`, `CI_high`,
#'   `t` or `z`, `df_error`, `p`, `Effects` and `Group`.
#' @name model_parameters.glimmer
#' @exportS3Method parameters::model_parameters
model_parameters.glimmer <- function(model, ci = 0.95, effects = c("all", "fixed", "random"), exponentiate = FALSE,
                                     ddf = "auto", vcov = NULL, ...) {
  check_dots(model_parameters.glimmer, ...)
  if (!is.null(ci)) check_level(ci, "ci")
  check_flag(exponentiate, "exponentiate")
  effects <- match_choice(effects, c("all", "fixed", "random"), "effects")
  level <- if (is.null(ci)) 0.95 else ci
  table <- rbind(if (effects != "random") fixed_parameters(model, level, exponentiate, ddf, vcov),
                 if (effects != "fixed") tidy_parameters(model, level, NULL))
  fixed <- table$effect == "fixed"
  statistic <- if (isLMM.glimmer(model)) "t" else "z"
  result <- data.frame(
    Parameter = c(table$term[fixed], if (effects != "fixed") parameter_labels(model)), Coefficient = table$estimate,
    SE = table$std.error, CI = level, CI_low = table$conf.low, CI_high = table$conf.high, statistic = table$statistic,
    df_error = ifelse(fixed & is.na(table$df), Inf, table$df), p = table$p.value,
    Effects = ifelse(fixed, "fixed", "random"), Group = ifelse(fixed, "", table$group)
  )
  names(result)[names(result) == "statistic"] <- statistic
  if (is.null(ci)) result[c("CI", "CI_low", "CI_high")] <- NULL
  structure(result, class = c("parameters_model", "see_parameters_model", "data.frame"), ci = ci,
            exponentiate = exponentiate, mixed_model = TRUE, ignore_group = FALSE, ran_pars = TRUE, effects = effects,
            coefficient_name = "Coefficient", test_statistic = paste0(statistic, "-statistic"), digits = 2,
            ci_digits = 2, p_digits = 3, footer_digits = 3, n_obs = model$nobs, model_class = class(model),
            verbose = FALSE, pretty_names = stats::setNames(result$Parameter, result$Parameter),
            model_formula = deparse1(formula.glimmer(model)))
}

fixed_parameters <- function(fit, level, exponentiate, ddf, covariance) {
  table <- tidy_fixed(fit, level, exponentiate, ddf)
  if (is.null(covariance)) {
    return(table)
  }
  scale <- if (exponentiate) table$estimate else 1
  estimate <- fixef.glimmer(fit)
  se <- sqrt(diag(given_covariance(covariance, fit)))
  limits <- normal_interval(estimate, se, level)
  table[c("std.error", "df", "statistic")] <- list(unname(se) * scale, NA_real_, unname(estimate / se))
  table$p.value <- 2 * stats::pnorm(-abs(table$statistic))
  table[c("conf.low", "conf.high")] <- if (exponentiate) exp(limits) else limits
  table
}

# Standard deviations and correlations as 'parameters' calls them: "SD (Intercept)", "Cor (Intercept~x)".
parameter_labels <- function(fit) {
  table <- covariance_table(fit)
  plain <- function(x) sub("^[(]Intercept[)]$", "Intercept", x)
  label <- ifelse(table$kind == "cor", paste0("Cor (", plain(table$var1), "~", plain(table$var2), ")"),
                  paste0("SD (", plain(table$var1), ")"))
  label[table$kind == "sigma"] <- "SD (Observations)"
  ifelse(table$kind == "constant", table$var1, label)
}

#' @exportS3Method parameters::standard_error
standard_error.glimmer <- function(model, effects = "fixed", ...) {
  check_dots(standard_error.glimmer, ...)
  if (!identical(effects, "fixed")) {
    stop_not_available("effects", paste("There are standard errors of the fixed effects here. Those of random effects",
                                        "are in as.data.frame(ranef(fit)), those of standard deviations in tidy(fit)."))
  }
  table <- tidy_fixed(model, 0.95, FALSE, "auto")
  data.frame(Parameter = table$term, SE = table$std.error)
}

#' @exportS3Method parameters::p_value
p_value.glimmer <- function(model, ...) {
  check_dots(p_value.glimmer, ...)
  table <- tidy_fixed(model, 0.95, FALSE, "auto")
  data.frame(Parameter = table$term, p = table$p.value)
}
