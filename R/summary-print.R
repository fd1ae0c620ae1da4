# The layout of print(summary(fit)): title, status, criteria, random effects, fixed effects.

#' @rdname summary.glimmer
#' @method print summary.glimmer
#' @export
print.summary.glimmer <- function(x, digits = max(3, getOption("digits") - 3),
                                  signif.stars = getOption("show.signif.stars"), correlation = x$correlation, ...) {
  check_digits(digits)
  check_flag(signif.stars, "signif.stars")
  check_flag(correlation, "correlation")
  print_title(x)
  print_status(x)
  print_criteria(x$AICtab)
  print_random(x, digits)
  print_fixed(x, digits, signif.stars, ...)
  if (correlation) print_correlation(x$vcov)
  invisible(x)
}

print_title <- function(x) {
  cat(if (isLMM.glimmer(x)) "Linear" else "Generalized linear",
      " mixed model, ", if (x$REML) "restricted ",
      if (is_rough(x)) "fixed effects at their joint mode" else "maximum likelihood", "\n", sep = "")
  sizes <- vapply(x$group_sizes, function(range) paste(count_text(unique(range)), collapse = " to "), "")
  groups <- paste0(names(x$ngrps), " ", count_text(x$ngrps), " (", sizes, ifelse(sizes == "1", " row", " rows"),
                   " each)")
  fields <- c(Formula = deparse1(x$formula), Family = paste0(x$family$family, " (", x$family$link, ")"),
              Method = x$approximation, Data = paste0(data_text(x$call), ", ", rows_text(x$rows, x$trials)),
              Groups = paste(groups, collapse = ", "))
  for (name in names(fields)) {
    cat_wrapped(fields[[name]], exdent = 11L, prefix = paste0("  ", formatC(name, width = -9L)))
  }
}

#' The checks of a fit, each with its mark: `[ok]`, `[!!]` where the numbers are not what they should be, `[! ]` where
#' they need care
#' @noRd
print_status <- function(x) {
  cat("\nFit status\n")
  for (k in seq_len(nrow(x$status))) {
    check <- x$status[k, ]
    mark <- if (check$ok) "[ok]" else if (check$check %in% c("convergence", "hessian")) "[!!]" else "[! ]"
    cat_wrapped(status_text(check, x$evaluations), exdent = 7L, prefix = paste0("  ", mark, " "))
  }
  if (is_rough(x)) {
    cat_wrapped(paste("ROUGH: fixed effects at their joint mode with the random effects, not at the maximum of the",
                      "likelihood. For results fit with the default method."), exdent = 7L, prefix = "  [! ] ")
  }
}

is_rough <- function(x) {
  x$method == "joint"
}

status_text <- function(check, evaluations) {
  switch(check$check,
    convergence = {
      limit <- paste0(" (limit ", format(check$limit), ")")
      if (check$ok) {
        paste0("converged: ", evaluations, " evaluations, ", check$text, limit)
      } else {
        paste0("NOT CONVERGED: ", check$text, limit, " after ", evaluations,
               " evaluations. The estimates below are not maximum likelihood estimates.")
      }
    },
    boundary = paste0(if (!check$ok) "SINGULAR: ", check$text,
                      if (!check$ok) ". Standard errors treat it as fixed there; no Wald interval is given for it."),
    check$text
  )
}

print_criteria <- function(criteria) {
  text <- c(format_fixed(criteria[1:4], 1L), format(criteria[5:6]))
  cells <- matrix(text, 1L, dimnames = list("", names(criteria)))
  cat("\n")
  print(cells, quote = FALSE, right = TRUE)
}

print_random <- function(x, digits) {
  cat("\n")
  cat_wrapped(paste0("Random effects (", scale_text(x$family), "; Wald intervals on the log scale)"))
  print_cells(random_cells(x, digits))
  fixed <- paste0("Dispersion: fixed at 1 (", x$family$family, ")",
                  if (!is.null(x$pearson)) paste0("; Pearson ratio ", format(x$pearson, digits = 3),
                                                  " (given the random effects)"))
  cat_wrapped(if (has_dispersion(x$family)) dispersion_text(attr(x$varcor, "dispersion"), digits) else fixed)
}

# The table of standard deviations: those of the random effects, and the residual one where it is on their scale.
random_cells <- function(x, digits) {
  varcor <- x$varcor
  rows <- x$random[x$random$kind == "sd" | (x$random$kind == "sigma" & isLMM.glimmer(x)), ]
  effects <- lapply(varcor, rownames)
  residual <- any(rows$kind == "sigma")
  first <- cumsum(c(1L, lengths(effects)))[seq_along(effects)]
  labels <- rbind(random_labels(rows$group[first], effects), if (residual) c("Residual", ""))
  correlations <- correlation_cells(lapply(varcor, attr, "correlation"), max(2L, digits - 2L))
  if (residual) correlations <- rbind(correlations, rep("", ncol(correlations)))
  cells <- cbind(labels, format_sds(rows$estimate, rows$boundary, digits), format_intervals(rows),
                 format_sds(rows$estimate^2, rows$boundary, digits), correlations)
  colnames(cells)[1:5] <- c("Group", "Term", "Std.Dev.", paste0("[", format(100 * x$level), "% CI]"), "Variance")
  rownames(cells) <- rep("", nrow(cells))
  cells
}

format_intervals <- function(rows) {
  limit <- function(value) sub("[.]$", "", formatC(signif(value, 3L), digits = 3L, format = "fg", flag = "#"))
  text <- paste0("[", limit(rows$conf.low), ", ", limit(rows$conf.high), "]")
  ifelse(is.na(rows$conf.low), "-", text)
}

print_fixed <- function(x, digits, signif.stars, ...) {
  cat("\n")
  cat_wrapped(paste0("Fixed effects (", scale_text(x$family), ", ", ddf_text(x$ddf), ")"))
  if (nrow(x$coefficients)) {
    # the degrees of freedom are no estimates: few digits
    stats::printCoefmat(x$coefficients, digits = digits, signif.stars = signif.stars, P.values = TRUE,
                        has.Pvalue = TRUE, na.print = "-", cs.ind = 1:2,
                        tst.ind = seq.int(3L, ncol(x$coefficients) - 1L), ...)
  } else {
    cat("none\n")
  }
  if (anyNA(x$coefficients[, "Std. Error"])) {
    cat_wrapped("Standard errors are not available: the Hessian is not positive definite.")
  }
  if (x$singular && x$ddf %in% c("satterthwaite", "kenward-roger")) {
    cat_wrapped("Degrees of freedom take what is on the boundary as known.")
  }
  cat_wrapped(dropped_text(x$dropped))
}

print_correlation <- function(covariance) {
  if (nrow(covariance) < 2L || anyNA(covariance)) {
    return(invisible())
  }
  cells <- format(round(stats::cov2cor(covariance), 2L), nsmall = 2L)
  cells[upper.tri(cells, diag = TRUE)] <- ""
  cat("\nCorrelation of the estimated fixed effects\n")
  print(cells[-1L, -ncol(cells), drop = FALSE], quote = FALSE, right = TRUE)
}
