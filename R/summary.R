# Summary of a fit, and how a fit prints: what was fitted and how well the search ended, before any number.

#' Summary of a fit
#'
#' @param object Object of class `glimmer`.
#' @param level Number between 0 and 1: the confidence level of the intervals of standard deviations.
#' @param ddf Character: the method of degrees of freedom of the tests of fixed effects, see [ddf()]; `"auto"` is
#'   Satterthwaite's for a Gaussian response with identity link, and none (z tests) for others.
#' @param information Character: of the method of Kenward and Roger, see [ddf()].
#' @param vcov. `NULL`, or another covariance of the fixed effects than the model's, see [ddf()]; `"CR1"`: robust.
#' @param x Result of `summary()`, or a fit.
#' @param digits Whole number: significant digits.
#' @param signif.stars Logical: stars beside the p values.
#' @param correlation Logical: print the correlations of the estimated fixed effects, too.
#' @param ... Not used.
#' @return `summary()`: list of class `summary.glimmer` with elements
#'   \describe{
#'     \item{`call`, `formula`, `family`, `method`, `nAGQ`, `REML`, `quadrature`, `second_order`, `nobs`, `status`,
#'       `converged`, `singular`, `dropped`}{as in the fit, see [glimmer-class]}
#'     \item{`approximation`}{character: the approximation in words}
#'     \item{`rows`}{named integer: `used`, `zero_weight`, `missing` (left out by `na.action`)}
#'     \item{`trials`, `events`}{number of binomial trials and of successes, `NULL` for other families}
#'     \item{`ngrps`, `group_sizes`}{by grouping factor: number of levels; smallest and largest number of rows}
#'     \item{`AICtab`}{named numeric: `AIC`, `BIC`, `logLik`, `-2*log(L)`, `params`, `df.resid`}
#'     \item{`varcor`}{result of [VarCorr()]}
#'     \item{`random`}{data frame of standard deviations and correlations: `kind` (`"sd"`, `"cor"`, `"sigma"`),
#'       `group`, `var1`, `var2`, `estimate`, `boundary`, `conf.low`, `conf.high`; the intervals are Wald, on the log
#'       scale for standard deviations and on Fisher's z for correlations, as in [confint.glimmer()]}
#'     \item{`sigma`}{number, see [sigma.glimmer()]}
#'     \item{`pearson`}{number or `NULL`: sum of squared Pearson residuals given the random effects, over the residual
#'       degrees of freedom, see [glimmer_convergence], section "overdispersion"}
#'     \item{`coefficients`}{numeric matrix, a row for each fixed effect: `Estimate`, `Std. Error`, `df`, `t value`,
#'       `Pr(>|t|)`, without degrees of freedom `Estimate`, `Std. Error`, `z value`, `Pr(>|z|)`, on the scale of the
#'       linear predictor; `coef(summary(fit))` gives it}
#'     \item{`error`}{number: the error of the log-likelihood, 0 where it is exact, `NA` where it is not stated}
#'     \item{`ddf`}{character: the method of degrees of freedom}
#'     \item{`covariance`}{`NULL`, or character: in words, the covariance of the fixed effects if it is not the model's}
#'     \item{`vcov`}{covariance matrix of the fixed effects}
#'     \item{`level`, `correlation`}{as given}
#'   }
#'
#'   The `print()` methods return their argument invisibly.
#' @details
#' The tests are Wald tests: for a Gaussian response with identity link of t with Satterthwaite's degrees of freedom,
#' for others with normal quantiles, which in small samples reject too often. Standard errors and degrees of freedom
#' treat parameters on the boundary as fixed there.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(summary(fit))
#'   print(coef(summary(fit)))
#' }
#' @method summary glimmer
#' @export
summary.glimmer <- function(object, level = 0.95, correlation = FALSE, ddf = "auto",
                            information = c("expected", "observed"), vcov. = NULL, ...) { # nolint: object_name_linter.
  check_dots(summary.glimmer, ...)
  check_level(level)
  check_flag(correlation, "correlation")
  rule <- ddf_rule(object, ddf, information, given = vcov.)
  random <- covariance_table(object)
  limits <- covariance_intervals(random, level)
  random <- data.frame(random[c("kind", "group", "var1", "var2", "estimate", "boundary")], conf.low = limits[, 1L],
                       conf.high = limits[, 2L], row.names = NULL)
  kept <- c("call", "formula", "family", "method", "nAGQ", "REML", "quadrature", "second_order", "nobs", "status",
            "converged", "singular", "dropped")
  counts <- count_trials(object)
  structure(
    c(replace(unclass(object)[kept], "formula", list(formula.glimmer(object))),
      list(approximation = approximation_text(object), evaluations = sum(object$search$record$evaluations),
           rows = count_rows(object), trials = counts$trials, events = counts$events, ngrps = ngrps.glimmer(object),
           group_sizes = group_sizes(object), known = known_text(object$factors), AICtab = information_criteria(object),
           error = stated_error(object), varcor = VarCorr.glimmer(object), random = random,
           sigma = sigma.glimmer(object),
           pearson = pearson_ratio(object$status), coefficients = coefficient_table(object, rule), ddf = rule$method,
           covariance = covariance_text(vcov.),
           vcov = rule$covariance, level = level, correlation = correlation)),
    class = "summary.glimmer"
  )
}

# What was given in place of the model's covariance.
covariance_text <- function(given) {
  if (is.character(given)) paste0("robust covariance (", given, ")") else if (!is.null(given)) "covariance as given"
}

#' Wald tests of the fixed effects
#' @param rule Result of [ddf_rule()].
#' @noRd
coefficient_table <- function(fit, rule) {
  estimate <- fixef.glimmer(fit)
  table <- as.matrix(contrast_table(check_contrast_matrix(NULL, fit), estimate, rule))
  rownames(table) <- names(estimate)
  kind <- if (rule$method == "none") "z" else "t"
  table <- table[, c("estimate", "std.error", if (kind == "t") "df", "statistic", "p.value"), drop = FALSE]
  colnames(table) <- c("Estimate", "Std. Error", if (kind == "t") "df", paste(kind, "value"),
                       paste0("Pr(>|", kind, "|)"))
  table
}

# Of the log-likelihood; `NA` where none is stated.
stated_error <- function(fit) {
  error <- if (fit$method == "laplace2") fit$second_order$error else fit$quadrature$error$log_likelihood
  if (fit$method == "exact") 0 else if (is.null(error)) NA_real_ else error
}

information_criteria <- function(fit) {
  likelihood <- logLik.glimmer(fit)
  c(AIC = stats::AIC(likelihood), BIC = stats::BIC(likelihood), logLik = c(likelihood),
    "-2*log(L)" = -2 * c(likelihood), params = attr(likelihood, "df"), df.resid = df.residual.glimmer(fit))
}

count_rows <- function(fit) {
  c(used = fit$nobs, zero_weight = nrow(fit$frame) - fit$nobs, missing = length(attr(fit$frame, "na.action")))
}

# Binomial trials and successes.
count_trials <- function(fit) {
  if (!has_trials(fit$family)) {
    return(NULL)
  }
  response <- resolve_response(fit$frame, fit$family, warn = FALSE)
  used <- response$weights > 0
  list(trials = sum(response$size[used]), events = sum(response$y[used]))
}

group_sizes <- function(fit) {
  lapply(stats::setNames(fit$random, NULL)[!duplicated(vapply(fit$random, `[[`, 1L, "factor"))], function(term) {
    range(tabulate(group_index(term$group_expression, fit$frame)$index + 1L))
  })
}

#' The approximation in words
#' @noRd
approximation_text <- function(fit, short = FALSE) {
  if (fit$method == "exact") {
    text <- if (short) "exact likelihood" else "exact likelihood (Gaussian response, identity link)"
    return(paste0(text, if (short) " (" else ", ", if (fit$REML) "REML" else "ML", if (short) ")"))
  }
  text <- switch(fit$method,
    laplace = if (short) "Laplace" else "Laplace approximation (adaptive Gauss-Hermite, k = 1 node)",
    laplace2 = if (short) "second-order Laplace" else "Laplace approximation to second order",
    aghq = quadrature_text(fit, short),
    joint = paste("joint mode", if (short) "(rough)" else "of fixed and random effects (rough; for a first look)"),
    fit$method
  )
  if (!fit$REML) {
    return(text)
  }
  paste0(text, if (short) " (REML)" else ", fixed effects integrated out too (REML; there is no quadrature for that)")
}

#' What two fits must have in common for their log-likelihoods to be compared
#'
#' Quadrature whose error is small is as good as exact, whatever its nodes.
#' @noRd
approximation_kind <- function(fit) {
  if (fit$method != "aghq") {
    return(approximation_text(fit))
  }
  accurate <- isTRUE(fit$quadrature$error$log_likelihood <= quadrature_doubtful[["log_likelihood"]])
  if (accurate) "quadrature" else approximation_text(fit, short = TRUE)
}

quadrature_text <- function(fit, short) {
  levels <- vapply(fit$modes, nrow, 1L)
  nodes <- split(fit$quadrature$nodes, factor(rep(names(levels), levels), names(levels)))
  count <- Map(function(nodes, modes) {
    paste0(unique(range(nodes)), if (ncol(modes) > 1L) paste0("^", ncol(modes)), collapse = " to ")
  }, nodes, fit$modes)
  if (length(levels) > 1L) count <- paste(names(levels), count)
  count <- paste(count, collapse = ", ")
  if (short) {
    error <- fit$quadrature$error$log_likelihood
    return(paste0("quadrature (", count, " nodes, error ", if (is.na(error)) "unknown" else format_error(error, 1e-6),
                  ")"))
  }
  wide <- sum(fit$quadrature$wide)
  paste0("adaptive Gauss-Hermite quadrature, ", count, " nodes a level",
         if (wide) paste0(" (", count_text(wide), " of ", count_text(length(fit$quadrature$wide)),
                          " levels: trapezoid rule around the mean)"),
         ", ", if (is.null(fit$quadrature$given)) "chosen from the data" else "as given")
}

# "logit scale", or where the link is the identity "response scale", which may be another one than the response has.
scale_text <- function(family) {
  if (family$link != "identity") {
    return(paste(family$link, "scale"))
  }
  if (is.null(family_traits(family)$normal_scale)) "response scale" else "scale of the logarithm of the response"
}

#' Print a fit
#'
#' @rdname summary.glimmer
#' @method print glimmer
#' @export
print.glimmer <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.glimmer, ...)
  check_digits(digits)
  cat_wrapped(paste0("<glmm> ", x$family$family, "(", x$family$link, "), ", approximation_text(x, short = TRUE)))
  cat_wrapped(paste0("Formula: ", deparse1(formula.glimmer(x))))
  cat_wrapped(paste0("Data: ", data_text(x$call), ", ", rows_text(count_rows(x), count_trials(x)), ", ",
                     join_items(paste(count_text(ngrps.glimmer(x)), "levels of", names(x$factors)), 10L)))
  known <- known_text(x$factors)
  if (length(known)) cat_wrapped(paste0("Known: ", join_items(known, 10L)))
  criteria <- information_criteria(x)
  error <- stated_error(x)
  cat_wrapped(paste0("logLik ", format_within_error(criteria[["logLik"]], 2L, error), " (df ", criteria[["params"]],
                     "), AIC ", format_within_error(criteria[["AIC"]], 1L, 2 * error)))
  print_status(x, sum(x$search$record$evaluations))
  cat("\nRandom effects (SD, ", scale_text(x$family), "):\n", sep = "")
  print(VarCorr.glimmer(x), digits = digits)
  cat("\nFixed effects (", scale_text(x$family), "):\n", sep = "")
  if (length(x$index$beta)) {
    print(format(fixef.glimmer(x), digits = digits), quote = FALSE, print.gap = 2L)
  } else {
    cat("none\n")
  }
  cat_wrapped(dropped_text(x$dropped))
  invisible(x)
}

# Of 0/1 data the successes are counted, of others the trials.
rows_text <- function(rows, counts) {
  single <- isTRUE(counts$trials == rows[["used"]])
  left_out <- c(if (rows[["missing"]] > 0L) paste(count_text(rows[["missing"]]), "dropped for missing values"),
                if (rows[["zero_weight"]] > 0L) paste(count_text(rows[["zero_weight"]]), "of weight 0 left out"))
  paste0(count_text(rows[["used"]]), " rows", if (length(left_out)) paste0(" (", paste(left_out, collapse = ", "), ")"),
         if (!is.null(counts$trials)) paste0(", ", if (single) paste(count_text(counts$events), "events") else
           paste(count_text(counts$trials), "trials")))
}

# The data argument as it was written, if that is short enough to be a name.
data_text <- function(call) {
  if (is.null(call$data)) {
    return("variables of the formula's environment")
  }
  text <- if (is.language(call$data)) deparse1(call$data) else ""
  if (nzchar(text) && nchar(text) <= 60L) text else "data given by value"
}

dropped_text <- function(dropped) {
  if (length(dropped)) paste0("Left out as constant or aliased: ", format_items(dropped, 10L))
}
