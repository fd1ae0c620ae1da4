# Comparison of fits by likelihood ratios, and Wald tests of the terms of one fit.

#' Compare fits by likelihood ratio tests, or test the terms of a fit
#'
#' @param object Object of class `glimmer`.
#' @param ... Further fits to the same data, of class `glimmer` or of [stats::glm()] and [stats::lm()]. Other arguments
#'   must be named, and are ignored.
#' @param model.names Character: names of the fits, in the order given; by default the expressions given.
#' @return Data frame of class `anova`.
#'
#'   For several fits, one row each in the order of their numbers of parameters, with the columns of 'lme4': `npar`
#'   (number of parameters), `AIC`, `BIC`, `logLik`, `deviance` (-2 log-likelihood), `Chisq` (twice the difference of
#'   log-likelihoods from the row above), `Df` (difference of numbers of parameters) and `Pr(>Chisq)`. Where families or
#'   links differ from those of the row above, or the number of parameters does not, there is no test.
#'
#'   For one fit, one row for each term of the fixed effects, with `Chisq`, `Df` and `Pr(>Chisq)` of the Wald test of
#'   type II: the term beyond all others that do not contain it.
#' @details
#' The fits must be to the same rows with the same response and weights; that they are nested is not checked. They
#' must use the same approximation, or the difference of log-likelihoods is not that of the models.
#'
#' A random effect with variance zero is on the boundary of its model, so that p values of such comparisons are too
#' large. Where a fit adds one random effect to the one above, the heading gives the p value of the equal mixture of
#' chi-squared distributions with Df - 1 and Df degrees of freedom.
#' @section Errors: `glimmer_error_comparison` when responses, weights or rows differ; `glimmer_error_argument` when an
#'   argument is not a fit, or one of another package: the log-likelihoods of 'lme4', 'glmmTMB' and others are by other
#'   approximations, and partly on another scale.
#' @section Warnings: `glimmer_warning_comparison` when approximations or families differ, or a fit did not converge.
#' @references
#' Self, S. G. and Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and likelihood ratio
#' tests under nonstandard conditions. *Journal of the American Statistical Association* 82, 605-610.
#' \doi{10.1080/01621459.1987.10478472}
#'
#' Stram, D. O. and Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects model.
#' *Biometrics* 50, 1171-1177. \doi{10.2307/2533455}
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   small <- glmm(y ~ 1 + (1 | ID), data = MASS::bacteria, family = binomial)
#'   large <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(anova(small, large))
#'   print(anova(large))
#' }
#' @export
anova.glimmer <- function(object, ..., model.names = NULL) {
  check_dots(anova.glimmer, ...)
  others <- list(...)
  given <- c("", if (is.null(names(others))) character(length(others)) else names(others))
  fits <- c(list(object), others)
  is_fit <- vapply(fits, function(fit) inherits(fit, c("glimmer", "lm")), logical(1))
  if (any(!is_fit & !nzchar(given))) refuse_fit(fits, which(!is_fit & !nzchar(given))[1L])
  fits <- fits[is_fit]
  if (length(fits) == 1L) {
    return(wald_anova(object))
  }
  expressions <- as.list(substitute(list(object, ...)))[-1L][is_fit]
  names(fits) <- model_names(model.names, expressions)
  check_same_data(fits)
  fits <- fits[order(vapply(fits, function(fit) attr(stats::logLik(fit), "df"), 1))]
  warn_comparison(fits)
  likelihood_ratio_table(fits)
}

# Fits of other packages have log-likelihoods, but not of the same kind.
refuse_fit <- function(fits, position) {
  other <- fits[[position]]
  reason <- if (inherits(other, c("merMod", "glmmTMB", "lme", "MixMod"))) {
    paste0("is a fit of another package (class '", class(other)[1L], "'), whose log-likelihood comes from another ",
           "approximation, another criterion (REML) or a less precise search: a difference from it is not that ",
           "of the models. Fit both with glmm().")
  } else {
    "is not a fit of class 'glimmer', 'glm' or 'lm'."
  }
  stop_glimmer("argument", paste("Argument", position, "of anova()", reason), argument = "...",
               class_found = class(other))
}

model_names <- function(given, expressions) {
  if (!is.null(given)) {
    if (!is.character(given) || length(given) != length(expressions) || anyDuplicated(given)) {
      stop_glimmer("argument", paste0("`model.names` must be ", length(expressions), " different names."),
                   argument = "model.names")
    }
    return(given)
  }
  names <- vapply(unname(expressions), function(expression) {
    if (is.language(expression)) deparse1(expression) else ""
  }, "")
  # fits handed over by value, as do.call() does, have no short name
  unnamed <- !nzchar(names) | nchar(names) > 60L
  names[unnamed] <- paste("model", which(unnamed))
  make.unique(names)
}

check_same_data <- function(fits) {
  responses <- lapply(fits, response_of)
  first <- responses[[1L]]
  for (name in names(fits)[-1L]) {
    other <- responses[[name]]
    differs <- if (length(other$y) != length(first$y)) {
      paste("has", length(other$y), "rows, not", length(first$y))
    } else if (!identical(other$rows, first$rows)) {
      "uses other rows of the data"
    } else if (!identical(other[c("y", "size")], first[c("y", "size")])) {
      "has another response"
    } else if (!identical(other$weights, first$weights)) {
      "has other weights"
    }
    if (!is.null(differs)) {
      stop_glimmer("comparison", paste0("The fits are not to the same data: ", format_items(name), " ", differs,
                                        " (compared with ", format_items(names(fits)[1L]), "). Missing values in a ",
                                        "variable that only one of them uses are the usual cause: fit both to the ",
                                        "same rows."), models = c(names(fits)[1L], name))
    }
  }
}

response_of <- function(fit) {
  frame <- stats::model.frame(fit)
  c(resolve_response(frame, stats::family(fit), warn = FALSE), list(rows = row.names(frame)))
}

# What differs between fits, and makes the comparison doubtful.
warn_comparison <- function(fits) {
  ours <- fits[vapply(fits, inherits, logical(1), "glimmer")]
  methods <- vapply(ours, function(fit) paste(comparable_text(fit), if (fit$REML) "REML"), "")
  if (length(unique(methods)) > 1L) {
    warn_glimmer("comparison", paste0("The fits use different approximations of the likelihood (",
                                      paste(names(ours), methods, sep = ": ", collapse = "; "),
                                      "): their differences are not those of the models."), models = names(ours),
                 methods = unique(methods))
  }
  failed <- names(ours)[!vapply(ours, function(fit) fit$converged, logical(1))]
  if (length(failed)) {
    warn_glimmer("comparison", paste0("Not converged: ", format_items(failed), ". The comparison cannot be trusted."),
                 models = failed)
  }
  families <- vapply(fits, family_text, "")
  if (length(unique(families)) > 1L) {
    warn_glimmer("comparison", paste0("The fits have different families or links (", join_items(unique(families), 5L),
                                      "): such models are not nested, and there is no likelihood ratio test."),
                 models = names(fits), families = unique(families))
  }
}

# The approximation in words; whatever its nodes, quadrature without an error that counts is the likelihood itself.
comparable_text <- function(fit) {
  accurate <- fit$method == "aghq" && all(fit$status$ok[fit$status$check == "accuracy"])
  if (accurate) "adaptive Gauss-Hermite quadrature" else approximation_text(fit)
}

family_text <- function(fit) {
  family <- stats::family(fit)
  paste0(family$family, "(", family$link, ")")
}

likelihood_ratio_table <- function(fits) {
  likelihoods <- lapply(fits, stats::logLik)
  npar <- vapply(likelihoods, attr, 1, "df")
  value <- vapply(likelihoods, as.numeric, 1)
  families <- vapply(fits, family_text, "")
  tested <- c(FALSE, diff(npar) > 0 & families[-1L] == families[-length(families)])
  df <- ifelse(tested, c(NA, diff(npar)), NA_real_)
  chisq <- ifelse(tested, pmax(0, c(NA, 2 * diff(value))), NA_real_)
  table <- data.frame(npar = npar, AIC = vapply(likelihoods, stats::AIC, 1), BIC = vapply(likelihoods, stats::BIC, 1),
                      logLik = value, deviance = -2 * value, Chisq = chisq, Df = df,
                      "Pr(>Chisq)" = stats::pchisq(chisq, df, lower.tail = FALSE), row.names = names(fits),
                      check.names = FALSE)
  structure(table, heading = c(comparison_heading(fits), boundary_notes(fits, table)),
            class = c("anova", "data.frame"))
}

comparison_heading <- function(fits) {
  data <- vapply(fits, function(fit) data_text(fit$call), "")
  formulas <- vapply(fits, function(fit) deparse1(stats::formula(fit)), "")
  methods <- vapply(fits, function(fit) {
    if (inherits(fit, "glimmer")) approximation_text(fit, short = TRUE) else "exact likelihood"
  }, "")
  c(paste0("Data: ", join_items(unique(data), 3L)), paste0("Likelihood: ", join_items(unique(methods), 3L)),
    "Models:", paste0(names(fits), ": ", formulas))
}

#' The p value of a mixture where a fit adds one random effect to the one above
#' @noRd
boundary_notes <- function(fits, table) {
  effects <- vapply(fits, function(fit) {
    if (inherits(fit, "glimmer")) sum(vapply(fit$random, function(term) length(term$names), 1L)) else 0L
  }, 1L)
  added <- c(0L, diff(effects))
  notes <- character()
  for (k in which(added > 0L & !is.na(table$Chisq))) {
    note <- paste0("Note: ", rownames(table)[k], " adds ", if (added[k] == 1L) "a random effect" else "random effects",
                   " to the model above, whose variance is 0 there, on the boundary: the p value is too large.")
    if (added[k] == 1L) {
      mixture <- mean(stats::pchisq(table$Chisq[k], table$Df[k] - 1:0, lower.tail = FALSE))
      note <- paste(note, "By the mixture of chi-squared distributions it is", paste0(format.pval(mixture, 3L), "."))
    }
    notes <- c(notes, note)
  }
  strwrap(notes, width = getOption("width"), exdent = 2L)
}

#' Wald tests of type II
#'
#' With V the covariance of beta, R the coefficients of the terms that contain the term, and T those and the term's own,
#' the statistic is b_T' V_TT^-1 b_T - b_R' V_RR^-1 b_R.
#' @noRd
wald_anova <- function(fit) {
  beta <- fixef.glimmer(fit)
  covariance <- vcov.glimmer(fit)
  x <- model.matrix.glimmer(fit)
  assign <- attr(x, "assign")
  contains <- crossprod(attr(fit$terms, "factors") > 0)
  labels <- attr(fit$terms, "term.labels")
  statistic <- function(columns) {
    if (!length(columns)) 0 else wald_statistic(beta[columns], covariance[columns, columns, drop = FALSE])
  }
  chisq <- vapply(seq_along(labels), function(k) {
    above <- which(contains[k, ] == contains[k, k] & seq_along(labels) != k)
    statistic(which(assign %in% c(k, above))) - statistic(which(assign %in% above))
  }, 1)
  df <- vapply(seq_along(labels), function(k) sum(assign == k), 1L)
  chisq[df == 0L] <- NA
  table <- data.frame(Chisq = chisq, Df = df, "Pr(>Chisq)" = stats::pchisq(chisq, df, lower.tail = FALSE),
                      row.names = labels, check.names = FALSE)
  response <- deparse1(fit$formula[[2L]])
  structure(table, heading = c("Wald chi-squared tests of type II", paste0("Response: ", response)),
            class = c("anova", "data.frame"))
}

# b' V^-1 b, with V scaled to unit diagonal; NA where V is not known or singular.
wald_statistic <- function(estimate, covariance) {
  se <- sqrt(diag(covariance))
  root <- tryCatch(chol(covariance / tcrossprod(se)), error = function(e) NULL)
  if (is.null(root)) NA_real_ else sum(backsolve(root, estimate / se, transpose = TRUE)^2)
}
