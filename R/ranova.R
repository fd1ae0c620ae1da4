# Tests of the random effects of one fit: likelihood ratios against the models in which a variance is zero.

#' Likelihood ratio tests of random effects
#'
#' Leaves each random term out in turn, or of a term with several effects each of its variables, and compares by the
#' likelihood ratio. A variance of zero is on the boundary of the model, so that the usual p value is too large: the
#' column `Pr(mixture)` has the one by the mixture of chi-squared distributions.
#'
#' @param fit Object of class `glimmer`.
#' @param reduce.terms Logical: whether of a term as `(x + z | g)` `x` and `z` are left out in turn; otherwise the whole
#'   term. The intercept is left out with the last of its variables only.
#' @param ... Not used.
#' @return Data frame of class `anova` (and `anova.glimmer`, for printing): a row for the fit and one for each model,
#'   with columns `npar` (number of parameters), `logLik`, `AIC`, `LRT` (twice the difference of log-likelihoods), `Df`
#'   (difference of numbers of parameters), `Pr(>Chisq)`, and `Pr(mixture)`: where one effect is left out, the equal
#'   mixture of chi-squared distributions with Df - 1 and Df degrees of freedom (with one variance, half of
#'   `Pr(>Chisq)`), `NA` where several are and for `ar1()`, whose correlation the smaller model does not have.
#' @details
#' 'lmerTest' has a function of the same name for its own fits: attached later it masks this one, which is then
#' `glimmer::ranova()`.
#'
#' The smaller models are not fitted from their formulas: they are the model of the fit with standard deviations held at
#' zero, by the same approximation, and by REML with the same fixed effects, so that restricted likelihoods compare. The
#' last random effect can be tested, too, against the model without any.
#' @section Errors: `glimmer_error_argument` for what is no fit; `glimmer_error_not_available` for a fit by the joint
#'   method. `glimmer_warning_comparison` where a model did not converge.
#' @references
#' Stram, D. O. and Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
#' *Biometrics* 50, 1171-1177. \doi{10.2307/2533455}
#' @seealso [anova.glimmer()] for two fits, [profile.glimmer()], [confint.glimmer()]
#' @examples
#' fit <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#' print(ranova(fit))
#' @export
ranova <- function(fit, reduce.terms = TRUE, ...) { # nolint: object_name_linter.
  check_fit(fit)
  check_dots(ranova, ...)
  check_flag(reduce.terms, "reduce.terms")
  check_profiled(fit)
  omissions <- unlist(lapply(seq_along(fit$random), omissions_of, fit, reduce.terms), recursive = FALSE)
  opened <- open_profile(fit)
  values <- vapply(omissions, function(omission) {
    maximise_holding(opened, zero_quantity(fit, omission), 0, rep(list(opened$parameters), 2L))$value
  }, 1)
  lost <- vapply(omissions, function(omission) omission$lost, 1L)
  labels <- vapply(omissions, function(omission) omission$label, "")
  if (!all(is.finite(values))) {
    warn_glimmer("comparison", paste0("No maximum was found without ", format_items(labels[!is.finite(values)]), "."),
                 models = labels[!is.finite(values)])
    values[!is.finite(values)] <- NA_real_
  }
  gain <- max(values, -Inf, na.rm = TRUE) - opened$value
  if (gain > 1e-3) warn_higher(gain)
  random_effect_table(fit, labels, c(opened$value, values), lost,
                      vapply(omissions, function(omission) omission$single, NA))
}

#' The effects of a term that can be left out
#'
#' @return List of lists: `label`, `term`, `effects` (positions in the term), `lost` (number of parameters less),
#'   `single` (whether one variance is then zero, and all else is as in the smaller model).
#' @noRd
omissions_of <- function(t, fit, reduce) {
  term <- fit$random[[t]]
  structure <- structure_of(term)
  count <- function(effects) {
    if (!length(effects)) 0L else length(structure_of(replace(term, "names", list(term$names[effects])))$names)
  }
  all <- seq_along(term$names)
  variables <- setdiff(unique(term$assign), 0L)
  parts <- if (reduce && length(all) > 1L && length(variables) && !structure$common) {
    stats::setNames(lapply(variables, function(variable) which(term$assign == variable)),
                    paste(attr(term$terms, "term.labels")[variables], "in", term$label))
  } else {
    # the terms of (x || g) have one label
    labels <- vapply(fit$random, function(other) other$label, "")
    shared <- sum(labels == term$label) > 1L
    stats::setNames(list(all), if (shared) paste(join_items(term$names, 3L), "in", term$label) else term$label)
  }
  Map(function(label, effects) {
    list(label = label, term = t, effects = effects, lost = count(all) - count(setdiff(all, effects)),
         single = length(effects) == 1L && !structure$common)
  }, names(parts), unname(parts))
}

# Standard deviations of effects held at zero.
zero_quantity <- function(fit, omission) {
  at <- fit$index$theta[[omission$term]]
  structure <- structure_of(fit$random[[omission$term]], searched = TRUE)
  theta_without <- function(theta) {
    for (effect in omission$effects) theta <- structure$with_entry(theta, effect, effect, 0)
    theta
  }
  held_entries(at, function(theta, value) theta_without(theta))
}

random_effect_table <- function(fit, labels, values, lost, single) {
  npar <- length(fit$parameters) - c(0L, lost)
  ratio <- pmax(0, 2 * (values[1L] - values))
  tail <- function(df) stats::pchisq(ratio, df, lower.tail = FALSE)
  df <- c(NA, lost)
  mixture <- ifelse(c(FALSE, single), (tail(pmax(df - 1, 0)) + tail(df)) / 2, NA_real_)
  table <- data.frame(npar = npar, logLik = values, AIC = 2 * npar - 2 * values, LRT = c(NA, ratio[-1L]), Df = df,
                      "Pr(>Chisq)" = tail(df), "Pr(mixture)" = mixture, row.names = c("<none>", make.unique(labels)),
                      check.names = FALSE)
  structure(table, heading = c("Likelihood ratio tests of random effects", wrap_lines(c(
    paste0("Likelihood: ", approximation_text(fit, short = TRUE)), deparse1(stats::formula(fit)),
    "Variances of zero are on the boundary: Pr(>Chisq) is too large, Pr(mixture) is right in large samples."))),
            class = c("anova.glimmer", "anova", "data.frame"))
}
