# Comparison of fits by likelihood ratios, and Wald tests of the terms of one fit.

#' Compare fits by likelihood ratio tests, or test the terms of a fit
#'
#' @param object Object of class `glimmer`.
#' @param ... Further fits to the same data, of class `glimmer` or of [stats::glm()] and [stats::lm()]. Other arguments
#'   are errors.
#' @param refit Replace fits by REML by those by maximum likelihood, made here from their model frames: `NULL`, the
#'   default, where their log-likelihoods do not compare (different fixed effects, or some by REML and some not); `TRUE`
#'   or `FALSE`, always or never.
#' @param model.names Character: names of the fits, in the order given; by default the expressions given.
#' @param type For one fit: `"I"`, `"II"` or `"III"`, or these as numbers.
#' @param test For one fit: `"F"`, `"Chisq"`, or `"auto"`, F tests where `ddf` gives denominator degrees of freedom.
#' @param ddf For one fit: the method of denominator degrees of freedom, see [ddf()]; `"auto"` is Satterthwaite's for
#'   a Gaussian response with identity link, and none for others.
#' @param information For one fit: of the method of Kenward and Roger, see [ddf()].
#' @param vcov. For one fit: `NULL`, or another covariance of the fixed effects than the model's, see [ddf()].
#' @return Data frame of class `anova` (and `anova.glimmer`, for printing, which returns it invisibly).
#'
#'   For several fits, one row each in the order of their numbers of parameters, with the columns of 'lme4': `npar`
#'   (number of parameters), `AIC`, `BIC`, `logLik`, `deviance` (-2 log-likelihood), `Chisq` (twice the difference of
#'   log-likelihoods from the row above), `Df` (difference of numbers of parameters) and `Pr(>Chisq)`. Where families or
#'   links differ from those of the row above, or the number of parameters does not, there is no test; nor where the
#'   covariance structures of the same random effects are not nested, as `ar1()` and `cs()` are not.
#'
#'   For one fit, one row for each term of the fixed effects with its Wald test: `NumDF`, `DenDF`, `F value` and
#'   `Pr(>F)`, or `Chisq`, `Df` and `Pr(>Chisq)`.
#' @details
#' The fits must be to the same rows with the same response and weights, in any order. That they are nested is checked
#' only as to families, links and covariance structures. They must use the same approximation, or the difference of
#' log-likelihoods is not that of the models: where some are by quadrature and others by Laplace's approximation, as
#' after a crossed factor has been added, those by quadrature are fitted again by Laplace's, as the heading says. Fits
#' by REML compare where their fixed effects are the same; otherwise they are fitted again by maximum likelihood, as the
#' heading says ('lme4' always does so), or with `refit = FALSE` there is an error.
#'
#' A random effect with variance zero is on the boundary of its model, so that p values of such comparisons are too
#' large. Where a fit adds one random effect to the one above, the column `Pr(mixture)` has the p value of the equal
#' mixture of chi-squared distributions with Df - 1 and Df degrees of freedom.
#'
#' Families with a parameter more are compared with those that they contain: [nbinom2()] and [nbinom1()] with Poisson,
#' [truncated_nbinom2()] with [truncated_poisson()], [betabinomial()] with binomial, where that parameter is at the end
#' of its range and counts as a variance of zero does (Self and Liang 1987, JASA 82:605); and [genpois()] with Poisson,
#' whose phi is 1 there, inside its range. Other families are not nested, which is a warning.
#'
#' Put a fit of [glmm()] first: where the first one is of [stats::glm()], its method leaves fits of other classes out
#' without a word.
#' @section Tests of the terms of one fit:
#' Type I tests a term beyond those before it in the formula.
#'
#' Type II tests a term beyond all others that do not contain it. For a Gaussian response with identity link this is as
#' in SAS and 'lmerTest': the hypothesis depends on X alone, and a term contains another if it has all its variables, at
#' least one more, and the same continuous ones. For other responses it is as in 'car': the Wald test in the model
#' without the terms that have all its variables and more.
#'
#' Type III tests a term beyond all others: that its coefficients are zero where factors are coded by contrasts that sum
#' to zero. It does not depend on the coding of the fit. A main effect in the presence of its interactions is the
#' average over the levels of the other factors, and at zero of a covariate.
#'
#' Where cells are empty or columns aliased, the hypothesis of type III are the estimable functions of the term, as in
#' SAS: those in which terms that do not contain it have no part, and which are orthogonal to those of the terms that
#' contain it alone. The average is then over the cells that have data, and the heading names those that have none. What
#' cannot be told from other terms has 0 degrees of freedom and no test, whatever the order of terms (in 'lmerTest' the
#' first of them is tested).
#'
#' Likelihood ratio tests of single terms are those of [drop1()][drop1.glimmer].
#' @section Errors: `glimmer_error_comparison` when responses, weights or rows differ, or with `refit = FALSE` fits by
#'   REML have different fixed effects or are compared with others; `glimmer_error_argument` when an argument is not a
#'   fit, or one of another package: the log-likelihoods of 'lme4', 'glmmTMB' and others are by other approximations,
#'   and partly on another scale; `glimmer_error_ddf` when `ddf` does not apply to the fit; `glimmer_error_contrasts`
#'   when tests of type III are not defined, as a factor has fewer contrasts than levels to compare.
#' @section Warnings: `glimmer_warning_comparison` when approximations or families differ, covariance structures are not
#'   nested, or a fit did not converge.
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
#' fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#' print(anova(fit, type = "III"))
#' @export
anova.glimmer <- function(object, ..., refit = NULL, model.names = NULL, type = "II", test = "auto",
                          ddf = "auto", information = c("expected", "observed"), vcov. = NULL) { # nolint
  check_dots(anova.glimmer, ..., .others = "")
  if (!is.null(refit)) check_flag(refit, "refit")
  type <- resolve_type(type)
  test <- match_choice(test, c("auto", "F", "Chisq"), "test")
  ddf <- resolve_ddf(ddf, object, given = vcov.)
  information <- resolve_information(information, ddf)
  fits <- list(object, ...)
  is_fit <- vapply(fits, inherits, NA, c("glimmer", "lm"))
  if (!all(is_fit)) refuse_fit(fits, which(!is_fit)[1L])
  if (length(fits) == 1L) {
    return(term_anova(object, type, test, ddf, information, vcov.))
  }
  if (!is.null(vcov.)) {
    stop_glimmer("argument", "`vcov.` is for the terms of one fit: fits are compared by likelihood ratio.",
                 argument = "vcov.")
  }
  if (test == "F") {
    stop_glimmer("argument", paste("`test = \"F\"` is for the terms of one fit: fits are compared by likelihood ratio,",
                                   "which is chi-squared."), argument = "test")
  }
  names(fits) <- model_names(model.names, as.list(substitute(list(object, ...)))[-1L])
  check_same_data(fits)
  fits <- comparable_fits(fits, refit)
  refitted <- attr(fits, "refitted")
  if (!isFALSE(refit)) fits <- by_one_approximation(fits)
  by_laplace <- attr(fits, "by_laplace")
  fits <- fits[order(vapply(fits, function(fit) attr(stats::logLik(fit), "df"), 1))]
  warn_comparison(fits)
  table <- likelihood_ratio_table(fits)
  attr(table, "heading") <- c(refitted_text(refitted), by_laplace_text(by_laplace), attr(table, "heading"))
  table
}

# Fits of other packages have log-likelihoods, but not of the same kind.
refuse_fit <- function(fits, position, caller = "anova()") {
  other <- fits[[position]]
  reason <- if (inherits(other, c("merMod", "glmmTMB", "lme", "MixMod"))) {
    paste0("is a fit of another package (class '", class(other)[1L], "'), whose log-likelihood comes from another ",
           "approximation, another criterion (REML) or a less precise search: a difference from it is not that ",
           "of the models. Fit both with glmm().")
  } else {
    "is not a fit of class 'glimmer', 'glm' or 'lm'."
  }
  stop_glimmer("argument", paste("Argument", position, "of", caller, reason), argument = "...",
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
  for (name in names(fits)[-1L]) {
    differs <- data_difference(responses[[1L]], responses[[name]])
    if (!is.null(differs)) {
      advice <- if (startsWith(differs, "has the same")) {
        "Fit both to data with the rows in the same order, or with row names that identify them."
      } else {
        paste("Missing values in a variable that only one of them uses are the usual cause: fit both to the same",
              "rows.")
      }
      stop_glimmer("comparison", paste0("The fits are not to the same data: ", format_items(name), " ", differs,
                                        " (compared with ", format_items(names(fits)[1L]), "). ", advice),
                   models = c(names(fits)[1L], name))
    }
  }
}

#' What the data of one fit have that those of another have not, in words
#'
#' The rows may be in another order. Which belong together is told by their names or, where the variables of one model
#' are all in the other one, by the values of what both use: then there is a data set that both are fits to.
#'
#' @param first,other Results of [response_of()].
#' @return Character, or `NULL` where the data are the same.
#' @noRd
data_difference <- function(first, other) {
  n <- length(first$y)
  if (length(other$y) != n) {
    return(paste("has", length(other$y), "rows, not", n))
  }
  if (any(other$rows %in% first$rows) && !setequal(other$rows, first$rows)) {
    return("uses other rows of the data")
  }
  find <- function(names) find_rows(first[names], other[names], first$rows, other$rows)
  by <- attr(find(c("y", "size", "weights")), "by")
  if (is.null(by)) {
    return(if (is.null(find(c("y", "size")))) "has another response" else "has other weights")
  }
  if (by == "values") {
    shared <- intersect(names(first$variables), names(other$variables))
    nested <- length(shared) == min(length(first$variables), length(other$variables))
    parts <- c("y", "size", "weights")
    whole <- find_rows(c(first[parts], first$variables[shared]), c(other[parts], other$variables[shared]),
                       first$rows, other$rows)
    if (!nested || is.null(whole)) {
      return("has the same responses in other rows, whose names do not tell which rows belong together")
    }
  }
  NULL
}

# Response, weights, row names, and the other variables.
response_of <- function(fit) {
  frame <- stats::model.frame(fit)
  others <- as.list(frame[-1L])
  c(resolve_response(frame, stats::family(fit), warn = FALSE),
    list(rows = row.names(frame), variables = others[!names(others) %in% c("(weights)", "(offset)")]))
}

# Likelihoods of different kinds.
warn_approximations <- function(fits) {
  ours <- fits[vapply(fits, inherits, logical(1), "glimmer")]
  methods <- vapply(ours, approximation_kind, "")
  if (length(unique(methods)) > 1L) {
    warn_glimmer("comparison", paste0("The fits use different approximations of the likelihood (",
                                      paste(names(ours), methods, sep = ": ", collapse = "; "),
                                      "): their differences are not those of the models."), models = names(ours),
                 methods = unique(methods))
  }
}

# What differs between fits, and makes the comparison doubtful.
warn_comparison <- function(fits) {
  warn_approximations(fits)
  ours <- fits[vapply(fits, inherits, logical(1), "glimmer")]
  failed <- names(ours)[!vapply(ours, function(fit) fit$converged, logical(1))]
  if (length(failed)) {
    warn_glimmer("comparison", paste0("Not converged: ", format_items(failed), ". The comparison cannot be trusted."),
                 models = failed)
  }
  families <- vapply(fits, family_text, "")
  apart <- vapply(seq_along(fits)[-1L], function(k) family_step(fits[[k - 1L]], fits[[k]]) == "apart", NA)
  if (any(apart)) {
    warn_glimmer("comparison", paste0("The fits have different families or links (", join_items(unique(families), 5L),
                                      "): such models are not nested, and there is no likelihood ratio test."),
                 models = names(fits), families = unique(families))
  }
  for (k in seq_along(fits)[-1L]) warn_structures(fits[k - 1:0])
}

# Only of two fits that there would be a test of else.
warn_structures <- function(pair) {
  npar <- vapply(pair, function(fit) attr(stats::logLik(fit), "df"), 1)
  terms <- if (diff(npar) > 0) terms_not_nested(pair[[1L]], pair[[2L]])
  if (length(terms)) {
    warn_glimmer("comparison", paste0("The fits ", paste(names(pair), collapse = " and "), " have covariance ",
                                      "structures of which neither includes the other (", join_items(terms, 5L),
                                      "): such models are not nested, and there is no likelihood ratio test."),
                 models = names(pair), terms = terms)
  }
}

#' How the family of a fit is related to that of a smaller one
#'
#' @return "same", "boundary" where the smaller one's is what a constant at an end of its range stands for, "inside"
#'   where it is what a value within stands for, else "apart".
#' @noRd
family_step <- function(smaller, larger) {
  small <- stats::family(smaller)
  large <- stats::family(larger)
  if (identical(family_text(smaller), family_text(larger)) && identical(small$constant, large$constant)) {
    return("same")
  }
  traits <- if (inherits(larger, "glimmer") && is.null(large$constant)) family_traits(large)
  if (small$link != large$link) {
    "apart"
  } else if (identical(small$family, traits$limit_family)) {
    "boundary"
  } else if (identical(small$family, traits$inner_family) || is_fixed_form(small, large)) {
    "inside"
  } else {
    "apart"
  }
}

# The same family, with its constant known in the smaller fit alone.
is_fixed_form <- function(small, large) {
  identical(small$family, large$family) && !is.null(small$constant) && is.null(large$constant)
}

family_text <- function(fit) {
  family <- stats::family(fit)
  paste0(family$family, "(", family$link, ")")
}

likelihood_ratio_table <- function(fits) {
  likelihoods <- lapply(fits, stats::logLik)
  npar <- vapply(likelihoods, attr, 1, "df")
  value <- vapply(likelihoods, as.numeric, 1)
  steps <- c("same", vapply(seq_along(fits)[-1L], function(k) family_step(fits[[k - 1L]], fits[[k]]), ""))
  nested <- vapply(seq_along(fits)[-1L], function(k) !length(terms_not_nested(fits[[k - 1L]], fits[[k]])), NA)
  tested <- c(FALSE, diff(npar) > 0 & steps[-1L] != "apart" & nested)
  df <- ifelse(tested, c(NA, diff(npar)), NA_real_)
  chisq <- ifelse(tested, pmax(0, c(NA, 2 * diff(value))), NA_real_)
  table <- data.frame(npar = npar, AIC = vapply(likelihoods, stats::AIC, 1), BIC = vapply(likelihoods, stats::BIC, 1),
                      logLik = value, deviance = -2 * value, Chisq = chisq, Df = df,
                      "Pr(>Chisq)" = stats::pchisq(chisq, df, lower.tail = FALSE), row.names = names(fits),
                      check.names = FALSE)
  # parameters that are at the end of their range in the smaller fit: variances, and the constant of the family
  added <- added_effects(fits) + (steps == "boundary")
  table <- with_mixture(table, added)
  structure(table, heading = c(wrap_lines(comparison_heading(fits)), boundary_notes(table, added, fits)),
            class = c("anova.glimmer", "anova", "data.frame"))
}

comparison_heading <- function(fits) {
  data <- vapply(fits, function(fit) data_text(fit$call), "")
  formulas <- vapply(fits, function(fit) deparse1(stats::formula(fit)), "")
  methods <- vapply(fits, function(fit) {
    if (inherits(fit, "glimmer")) approximation_text(fit, short = TRUE) else "exact likelihood (ML)"
  }, "")
  c(paste0("Data: ", join_items(unique(data), 3L)), paste0("Likelihood: ", join_items(unique(methods), 3L)),
    "Models:", paste0(names(fits), ": ", formulas))
}

#' How many random effects each fit has more than the one above
#' @noRd
added_effects <- function(fits) {
  effects <- vapply(fits, function(fit) {
    if (inherits(fit, "glimmer")) sum(vapply(fit$random, function(term) length(term$names), 1L)) else 0L
  }, 1L)
  c(0L, diff(effects))
}

# With the p value of the mixture in a column where a fit adds one random effect.
with_mixture <- function(table, added) {
  single <- added == 1L & !is.na(table$Chisq)
  if (any(single)) {
    tail <- function(df) stats::pchisq(table$Chisq, df, lower.tail = FALSE)
    table[["Pr(mixture)"]] <- ifelse(single, (tail(pmax(table$Df - 1, 0)) + tail(table$Df)) / 2, NA_real_)
  }
  table
}

boundary_notes <- function(table, added, fits) {
  notes <- vapply(which(added > 0L & !is.na(table$Chisq)), function(k) {
    words <- boundary_words(fits[[k - 1L]], fits[[k]])
    what <- if (family_step(fits[[k - 1L]], fits[[k]]) == "boundary") {
      constant_words(fits[[k - 1L]], fits[[k]], added[k] - 1L)
    } else if (is.null(words)) {
      paste("adds", agree(added[k], "a random effect", "random effects"),
            "to the model above, whose variance is 0 there,")
    } else {
      paste0("has random effects ", words, ",")
    }
    paste0("Note: ", rownames(table)[k], " ", what, " on the boundary: the p value is too large.",
           if (added[k] == 1L) paste0(" By the mixture of chi-squared distributions it is ",
                                      p_text(table[["Pr(mixture)"]][k]), "."))
  }, "")
  wrap_lines(notes)
}

constant_words <- function(smaller, larger, effects) {
  traits <- family_traits(larger$family)
  paste0("has the family ", traits$name, ", of which ", traits$limit_family, " is the limit where '",
         names(traits$predictors)[-1L], "' is ", if (traits$limit == 0) "0" else "infinite",
         if (effects > 0L) paste(", and adds", agree(effects, "a random effect", "random effects")), ",")
}

p_text <- function(p) {
  sub("^< ?", "below ", format.pval(p, 3L))
}

#' @rdname anova.glimmer
#' @param x Result of `anova()` or [drop1()][drop1.glimmer].
#' @param digits Number of significant digits.
#' @method print anova.glimmer
#' @export
print.anova.glimmer <- function(x, digits = max(getOption("digits") - 2L, 3L), ...) {
  check_dots(print.anova.glimmer, ..., .others = names(formals(stats::printCoefmat)))
  check_digits(digits)
  table <- x
  heading <- strwrap(attr(x, "heading"), width = getOption("width") + 1L, exdent = 2L)
  attr(table, "heading") <- NULL
  if (!is.null(table$DenDF)) table$DenDF <- round(table$DenDF, 2L)
  if (length(heading)) cat(heading, sep = "\n")
  class(table) <- setdiff(class(table), "anova.glimmer")
  plainly(print(table, digits = digits, ...))
  invisible(x)
}
