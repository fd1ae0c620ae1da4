# The layout of print(summary(fit)): title, status, criteria, random effects, fixed effects.

#' @rdname summary.glimmer
#' @method print summary.glimmer
#' @export
print.summary.glimmer <- function(x, digits = max(3, getOption("digits") - 3),
                                  signif.stars = getOption("show.signif.stars"), correlation = x$correlation, ...) {
  check_dots(print.summary.glimmer, ..., .others = names(formals(stats::printCoefmat)))
  check_digits(digits)
  check_flag(signif.stars, "signif.stars")
  check_flag(correlation, "correlation")
  print_title(x)
  cat("\n")
  print_status(x, x$evaluations)
  print_criteria(x$AICtab, x$error)
  print_random(x, digits)
  print_fixed(x, digits, signif.stars, ...)
  if (correlation) print_correlation(x$vcov, rownames(x$coefficients))
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
              Method = x$approximation,
              Data = paste0(data_text(x$call), ", ", rows_text(x$rows, x[c("trials", "events")])),
              Groups = paste(groups, collapse = ", "),
              Known = if (length(x$known)) join_items(x$known, 10L))
  for (name in names(fields)) {
    cat_wrapped(fields[[name]], exdent = 11L, prefix = paste0("  ", formatC(name, width = -9L)))
  }
}

is_rough <- function(x) {
  x$method == "joint"
}

# The log-likelihood's error counts twice in what is made of -2 times it.
print_criteria <- function(criteria, error) {
  likelihood <- format_within_error(criteria[["logLik"]], 1L, error)
  text <- c(format_within_error(criteria[1:4], 1L, 2 * error), format(criteria[5:6]))
  text[match("logLik", names(criteria))] <- likelihood
  cells <- matrix(text, 1L, dimnames = list("", names(criteria)))
  cat("\n")
  print(cells, quote = FALSE, right = TRUE)
}

print_random <- function(x, digits) {
  cat("\n")
  cat_wrapped(paste0("Random effects (", scale_text(x$family), "; Wald intervals on the log scale)"))
  print_cells(random_cells(x, digits))
  print_correlations(x$varcor, digits, correlation_limits(x))
  fixed <- paste0("Dispersion: fixed at 1 (", x$family$family, ")",
                  if (!is.null(x$pearson)) paste0("; Pearson ratio ", format(x$pearson, digits = 3),
                                                  " (given the random effects)"))
  dispersed <- length(family_traits(x$family)$constants) > 0L
  cat_wrapped(if (dispersed) dispersion_text(attr(x$varcor, "dispersion"), digits) else fixed)
}

# One a term: the interval of the first correlation that tells others, if there is one.
correlation_limits <- function(x) {
  counts <- vapply(x$varcor, function(term) sum(attr(term, "reported")), 1L)
  term <- rep(seq_along(counts), counts)
  own <- x$random[seq_along(term), ]
  vapply(seq_along(counts), function(t) {
    row <- own[term == t & own$kind == "cor", ]
    if (nrow(row) && !is.na(row$conf.low[1L])) format_intervals(row[1L, ]) else ""
  }, "")
}

# The table of standard deviations: those of the random effects, and the residual one where it is on their scale.
random_cells <- function(x, digits) {
  varcor <- x$varcor
  rows <- x$random[x$random$kind == "sd" | (x$random$kind == "sigma" & isLMM.glimmer(x)), ]
  residual <- any(rows$kind == "sigma")
  labels <- rbind(random_labels(attr(varcor, "groups"), lapply(varcor, sd_labels)), if (residual) c("Residual", ""))
  cells <- cbind(labels, format_sds(rows$estimate, rows$boundary, digits), format_intervals(rows),
                 format_sds(rows$estimate^2, rows$boundary, digits))
  colnames(cells)[1:5] <- c("Group", "Term", "Std.Dev.", paste0("[", format(100 * x$level), "% CI]"), "Variance")
  rownames(cells) <- rep("", nrow(cells))
  cells
}

format_intervals <- function(rows) {
  limit <- function(value) sub("[.]$", "", formatC(signif(value, 3L), digits = 3L, format = "fg", flag = "#"))
  between <- if (getOption("OutDec") == ",") "; " else ", "
  text <- paste0("[", limit(rows$conf.low), between, limit(rows$conf.high), "]")
  ifelse(is.na(rows$conf.low), "-", text)
}

print_fixed <- function(x, digits, signif.stars, ...) {
  cat("\n")
  cat_wrapped(paste0("Fixed effects (", paste(c(scale_text(x$family), ddf_text(x$ddf), x$covariance), collapse = ", "),
                     ")"))
  if (nrow(x$coefficients)) {
    # the degrees of freedom are no estimates: few digits
    table <- x$coefficients
    if ("df" %in% colnames(table)) table[, "df"] <- round(table[, "df"], 2L)
    plainly(stats::printCoefmat(table, digits = digits, signif.stars = signif.stars, P.values = TRUE,
                                has.Pvalue = TRUE, na.print = "-", cs.ind = 1:2,
                                tst.ind = ncol(table) - 1L, ...))
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

# Quotation marks of the legend of stars in ASCII.
plainly <- function(printed) {
  old <- options(useFancyQuotes = FALSE)
  on.exit(options(old))
  printed
}

print_correlation <- function(covariance, names) {
  if (nrow(covariance) < 2L || anyNA(covariance)) {
    return(invisible())
  }
  cells <- formatC(stats::cov2cor(covariance), digits = 2L, format = "f")
  cells[upper.tri(cells, diag = TRUE)] <- ""
  dimnames(cells) <- list(names, names)
  cat("\nCorrelation of the estimated fixed effects\n")
  print_lower(cells)
}
