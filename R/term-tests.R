# Tests of the terms of one fit: the hypotheses of types II and III, and the table.

#' Tests of all terms
#'
#' @param type Result of [resolve_type()]. @param test,ddf As in [anova.glimmer()].
#' @return Data frame of class `anova`.
#' @noRd
term_anova <- function(fit, type, test, ddf) {
  rule <- ddf_rule(fit, if (test == "Chisq") "none" else ddf)
  if (test == "auto") test <- if (rule$method == "none") "Chisq" else "F"
  contrasts <- term_contrasts(fit, type)
  assign <- attr(model.matrix.glimmer(fit), "assign")
  estimate <- fixef.glimmer(fit)
  tests <- Map(function(rows, k) {
    if (is.null(rule$df) || !nrow(rows)) {
      contrast_test(rows, estimate, rule)
    } else {
      contrast_test(rows, estimate, rule, df = min(rule$df[assign == k]))
    }
  }, contrasts, seq_along(contrasts))
  structure(if (test == "F") f_table(tests) else chi_squared_table(tests),
            heading = c(term_heading(type, test, rule$method), paste0("Response: ", deparse1(fit$formula[[2L]]))),
            class = c("anova", "data.frame"))
}

resolve_type <- function(type) {
  type <- match_choice(if (is.numeric(type)) as.character(type) else type, c("II", "III", "2", "3"), "type")
  c(II = "II", III = "III", "2" = "II", "3" = "III")[[type]]
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
#' @return List by term of matrices, a row a contrast of the fixed effects; without rows where all columns of the term
#'   are aliased.
#' @noRd
term_contrasts <- function(fit, type) {
  x <- model.matrix.glimmer(fit)
  labels <- attr(fit$terms, "term.labels")
  build <- if (type == "III") {
    marginal_contrasts(fit, x)
  } else if (isLMM.glimmer(fit)) {
    function(k, own) column_contrasts(fit, x, k, own)
  } else {
    function(k, own) wald_contrasts(fit, x, k, own)
  }
  assign <- attr(x, "assign")
  contrasts <- lapply(seq_along(labels), function(k) {
    own <- which(assign == k)
    if (length(own)) build(k, own) else matrix(0, 0L, ncol(x))
  })
  stats::setNames(lapply(contrasts, `dimnames<-`, NULL), labels)
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

#' Type II as SAS and lmerTest have it: the rows of the term in the triangular factor of X, other terms first, those
#' that contain it last
#' @noRd
column_contrasts <- function(fit, x, k, own) {
  continuous <- setdiff(predictor_names(fit$terms), names(fit$contrasts))
  above <- which(attr(x, "assign") %in% containing_terms(fit, k, continuous))
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

#' Type II as a Wald test in the model without the terms that contain the term: with V the covariance of beta, the
#' term's coefficients less V_ta V_aa^-1 times theirs
#' @noRd
wald_contrasts <- function(fit, x, k, own) {
  covariance <- vcov.glimmer(fit)
  above <- which(attr(x, "assign") %in% containing_terms(fit, k))
  rows <- diag(ncol(x))[own, , drop = FALSE]
  if (length(above) && !anyNA(covariance)) {
    unit <- 1 / sqrt(diag(covariance)[above])
    scaled <- covariance[above, above, drop = FALSE] * tcrossprod(unit)
    adjustment <- tryCatch(solve(scaled, unit * covariance[above, own, drop = FALSE]), error = function(e) NA_real_)
    rows[, above] <- -t(unit * adjustment)
  }
  rows
}

#' Type III: the term's coefficients with every factor coded by contrasts that sum to zero
#'
#' Written as differences from the first level, so that the degrees of freedom do not depend on the coding either.
#' @return Function of the term and its columns.
#' @noRd
marginal_contrasts <- function(fit, x) {
  if (length(fit$dropped)) {
    stop_glimmer("aliased", paste0("Tests of type III are not defined with aliased columns (",
                                   format_items(fit$dropped), "): the hypotheses depend on which are left out. Use ",
                                   "type = \"II\"."),
                 columns = fit$dropped)
  }
  coded <- function(contrast) {
    matrix_of(fit$terms, fit$frame, stats::setNames(rep(list(contrast), length(fit$contrasts)), names(fit$contrasts)))
  }
  if (!length(fit$contrasts)) {
    return(function(k, own) diag(ncol(x))[own, , drop = FALSE])
  }
  centred <- coded("contr.sum")
  plain <- coded("contr.treatment")
  from_user <- coefficients_between(centred, x)
  from_plain <- coefficients_between(centred, plain)
  function(k, own) {
    rows <- which(attr(centred, "assign") == k)
    columns <- which(attr(plain, "assign") == k)
    contrasts <- solve(from_plain[rows, columns, drop = FALSE], from_user[rows, , drop = FALSE])
    contrasts[abs(contrasts) < 1e-10 * max(abs(contrasts))] <- 0
    contrasts
  }
}

# B with to %*% B = from, both spanning the same space.
coefficients_between <- function(to, from) {
  size <- sqrt(colSums(to^2))
  parts <- qr(to / rep(size, each = nrow(to)), tol = 0)
  coefficients <- qr.coef(parts, from) / size
  rest <- sqrt(colSums((from - to %*% coefficients)^2) / colSums(from^2))
  if (ncol(to) != ncol(from) || anyNA(coefficients) || any(rest > 1e-6)) {
    stop_glimmer("contrasts", paste0("Tests of type III need contrasts that span all differences between the levels ",
                                     "of each factor: these do not. Use type = \"II\"."), argument = "contrasts")
  }
  coefficients
}
