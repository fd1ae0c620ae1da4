# Tests of the terms of one fit: the hypotheses of types I and II, and the table.

#' Tests of all terms
#'
#' @param type Result of [resolve_type()]. @param test,ddf,information,covariance As in [anova.glimmer()].
#' @return Data frame of class `anova`.
#' @noRd
term_anova <- function(fit, type, test, ddf, information, covariance = NULL) {
  rule <- ddf_rule(fit, if (test == "Chisq") "none" else ddf, information, given = covariance)
  if (test == "auto") test <- if (rule$method == "none") "Chisq" else "F"
  contrasts <- term_contrasts(fit, type)
  assign <- attr(model.matrix.glimmer(fit), "assign")
  estimate <- fixef.glimmer(fit)
  tests <- Map(function(rows, k) {
    if (is.null(rule$df) || !nrow(rows) || !any(assign == k)) {
      contrast_test(rows, estimate, rule)
    } else {
      contrast_test(rows, estimate, rule, df = min(rule$df[assign == k]))
    }
  }, contrasts, seq_along(contrasts))
  structure(if (test == "F") f_table(tests) else chi_squared_table(tests),
            heading = wrap_lines(c(term_heading(type, test, rule$method), empty_cells_text(attr(contrasts, "empty")),
                                   paste0("Response: ", deparse1(fit$formula[[2L]])))),
            class = c("anova.glimmer", "anova", "data.frame"))
}

resolve_type <- function(type) {
  type <- match_choice(if (is.numeric(type)) as.character(type) else type, c("II", "III", "I", "1", "2", "3"), "type")
  c(I = "I", II = "II", III = "III", "1" = "I", "2" = "II", "3" = "III")[[type]]
}

term_heading <- function(type, test, method) {
  if (test == "Chisq") {
    return(paste("Wald chi-squared tests of type", type))
  }
  paste0("F tests of type ", type, " (", switch(method,
    "none" = "infinite",
    "satterthwaite" = "Satterthwaite",
    "kenward-roger" = "Kenward-Roger",
    method), " denominator degrees of freedom)")
}

empty_cells_text <- function(empty) {
  if (length(empty)) {
    paste0("No data for ", format_items(empty), ": the hypotheses are about what is left, by estimable functions.")
  }
}

f_table <- function(tests) {
  field <- function(name) vapply(tests, function(test) as.numeric(test[[name]]), 1)
  table <- data.frame(NumDF = field("numerator"), DenDF = field("df"), "F value" = field("statistic"),
                      check.names = FALSE, row.names = names(tests))
  table[["Pr(>F)"]] <- stats::pf(table[["F value"]], table$NumDF, table$DenDF, lower.tail = FALSE)
  table
}

chi_squared_table <- function(tests) {
  df <- vapply(tests, function(test) as.integer(test$numerator), 1L)
  chisq <- vapply(tests, `[[`, 1, "statistic") * df
  data.frame(Chisq = chisq, Df = df, "Pr(>Chisq)" = stats::pchisq(chisq, df, lower.tail = FALSE),
             row.names = names(tests), check.names = FALSE)
}

#' The hypothesis of each term
#'
#' @return List by term of matrices, a row a contrast of the fixed effects; without rows where nothing of the term can
#'   be told from the others. Of type III with an attribute `empty`, see [type_three_contrasts()].
#' @noRd
term_contrasts <- function(fit, type) {
  x <- model.matrix.glimmer(fit)
  labels <- attr(fit$terms, "term.labels")
  marginal <- if (type == "III") type_three_contrasts(fit, x)
  of_term <- if (type == "III") marginal$of_term else function(k) partial_contrasts(fit, x, k, type)
  contrasts <- lapply(seq_along(labels), function(k) unname(of_term(k)))
  structure(stats::setNames(contrasts, labels), empty = marginal$empty)
}

# Types I and II.
partial_contrasts <- function(fit, x, k, type) {
  own <- which(attr(x, "assign") == k)
  if (!length(own)) {
    return(matrix(0, 0L, ncol(x)))
  }
  above <- which(attr(x, "assign") %in% later_terms(fit, k, type))
  if (isLMM.glimmer(fit)) column_contrasts(fit, x, own, above) else wald_contrasts(fit, x, own, above)
}

#' The terms that a test does not take into account: those that come after it (type I), or contain it (type II)
#' @noRd
later_terms <- function(fit, k, type) {
  if (type == "I") {
    return(seq_along(attr(fit$terms, "term.labels"))[-seq_len(k)])
  }
  containing_terms(fit, k, if (isLMM.glimmer(fit)) continuous_variables(fit))
}

# Predictors that are no factors.
continuous_variables <- function(fit) {
  setdiff(predictor_names(fit$terms), names(fit$contrasts))
}

#' Terms that contain the term: all its variables, and more
#'
#' @param continuous Names of variables of which both must have the same, as SAS has it.
#' @noRd
containing_terms <- function(fit, k, continuous = character()) {
  has <- variables_by_term(fit$terms)
  among <- rownames(has) %in% continuous
  which(vapply(seq_len(ncol(has)), function(other) {
    all(has[has[, k], other]) && sum(has[, other]) > sum(has[, k]) && identical(has[among, k], has[among, other])
  }, logical(1)))
}

#' Types I and II as SAS and lmerTest have them: the rows of the term in the triangular factor of X, other terms first,
#' those not taken into account last
#'
#' @param own,above Positions of the columns of the term, and of those terms.
#' @noRd
column_contrasts <- function(fit, x, own, above) {
  if (!length(above)) {
    return(diag(ncol(x))[own, , drop = FALSE])
  }
  order <- c(setdiff(seq_len(ncol(x)), c(own, above)), own, above)
  # the hypotheses are those of the rows in the likelihood
  used <- active_rows(x, active_positions(resolve_response(fit$frame, fit$family, warn = FALSE)$weights))
  rows <- qr.R(qr(used[, order, drop = FALSE], tol = 0))[match(own, order), , drop = FALSE]
  rows <- rows / diag(rows[, match(own, order), drop = FALSE])
  rows[, match(seq_len(ncol(x)), order), drop = FALSE]
}

#' Types I and II as a Wald test in the model without the terms not taken into account: with V the covariance of beta,
#' the term's coefficients less V_ta V_aa^-1 times theirs
#' @noRd
wald_contrasts <- function(fit, x, own, above) {
  covariance <- vcov.glimmer(fit)
  rows <- diag(ncol(x))[own, , drop = FALSE]
  if (length(above) && !anyNA(covariance)) {
    unit <- 1 / sqrt(diag(covariance)[above])
    scaled <- covariance[above, above, drop = FALSE] * tcrossprod(unit)
    adjustment <- attempt(solve(scaled, unit * covariance[above, own, drop = FALSE]), function(e) NA_real_)
    rows[, above] <- -t(unit * adjustment)
  }
  rows
}
