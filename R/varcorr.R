# Standard deviations and correlations of the random effects, and the table of them that summary(), confint() and
# tidy() share.

#' @importFrom nlme VarCorr
#' @export
nlme::VarCorr

#' Variances and correlations of the random effects
#'
#' @param x `VarCorr()`: object of class `glimmer`; otherwise the result of `VarCorr()`.
#' @param sigma Number: the standard deviations are multiplied by it.
#' @param row.names,optional Not used; there for the generic.
#' @param order `"cov.last"`: standard deviations before correlations; `"lower.tri"`: column by column of the lower
#'   triangle.
#' @param digits Whole number: significant digits of standard deviations and variances.
#' @param comp Character: the columns to print, `"Std.Dev."`, `"Variance"` or both.
#' @param ... Not used.
#' @return `VarCorr()`: list of class `VarCorr.glimmer` (and `VarCorr.merMod`, for packages that know that of 'lme4'),
#'   one covariance matrix a random term, on the scale of the linear predictor, named by the grouping factors (the
#'   second term of a factor `g` is called `g.1`); with a known covariance between levels ([glmm()]) that of a level
#'   whose variance is 1 there. Attributes of each matrix: `stddev`, `correlation` (`NA` with an
#'   effect of standard deviation 0), `boundary` (named logical: effects whose standard deviation is on the
#'   boundary, 0), `reported` (logical matrix: the standard deviations and correlations, in the lower triangle, that
#'   tell all others) and, where that is a single correlation by the term's structure, `rule` (character: how the others
#'   follow). Attributes of the list: `sc`, [sigma()]; `useSc`, whether that is the root of a dispersion; `groups`,
#'   the grouping factor of each term; and `dispersion`, named number, the family's constant where it is no standard
#'   deviation on the scale of the linear predictor (everywhere but with a Gaussian response and the identity link).
#'
#'   `as.data.frame()`: data frame with a row for each variance and covariance and columns `grp`, `var1`, `var2`
#'   (`NA` for a variance), `vcov` (variance or covariance) and `sdcor` (standard deviation or correlation); a row
#'   `Residual` at the end where the family has a dispersion parameter.
#'
#'   `format()`: character matrix of the table that `print()` shows. `print()` returns its argument invisibly. A
#'   standard deviation that all effects of a term share has one row; a correlation that tells all others is one number,
#'   and correlations that are zero by the term's structure are not shown. A standard deviation on the boundary
#'   is printed as `0 (boundary)`, an undefined correlation as `-`. A residual standard deviation is in the table where
#'   it is on the scale of the others; else the dispersion parameter stands below.
#' @examples
#' fit <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#' VarCorr(fit)
#' as.data.frame(VarCorr(fit))
#' @method VarCorr glimmer
#' @export
VarCorr.glimmer <- function(x, sigma = 1, ...) {
  check_dots(VarCorr.glimmer, ...)
  check_number(sigma, "sigma", 0)
  matrices <- lapply(seq_along(x$random), function(t) {
    lower <- sigma * term_root(x, t)
    effects <- x$random[[t]]$names
    covariance <- matrix(tcrossprod(lower), length(effects), dimnames = list(effects, effects))
    sds <- stats::setNames(root_sds(lower), effects)
    boundary <- stats::setNames(boundary_effects(x, t), effects)
    described <- structure_of(x$random[[t]])
    structure(covariance, stddev = sds, correlation = correlation_matrix(covariance, sds, boundary),
              boundary = boundary, reported = described$reported(!boundary), rule = described$rule)
  })
  groups <- vapply(x$random, function(term) term$group, "")
  structure(stats::setNames(matrices, make.unique(groups)), groups = groups, sc = sigma * sigma.glimmer(x),
            useSc = has_dispersion(x$family), dispersion = if (!isLMM.glimmer(x)) dispersion_value(x),
            class = c("VarCorr.glimmer", "VarCorr.merMod"))
}

#' Effects of a term whose standard deviation is on the boundary
#'
#' @return Logical, one element an effect.
#' @noRd
boundary_effects <- function(fit, t) {
  at <- fit$index$theta[[t]]
  structure_of(fit$random[[t]])$singular_effects(fit$parameters[at], fit$boundary[at], diag(fit$covariance)[at])
}

#' The dispersion parameter by its own name, with the variance of the family as a formula of it
#' @noRd
dispersion_value <- function(fit) {
  traits <- family_traits(fit$family)
  if (length(traits$constants)) {
    structure(constant_of(fit), names = names(traits$predictors)[-1L], variance = traits$variance_text,
              known = !is.null(fit$family$constant),
              limit = if ("limit" %in% fit$status$check) traits$limit)
  }
}

dispersion_text <- function(value, digits) {
  if (length(value)) {
    known <- if (isTRUE(attr(value, "known"))) " fixed at"
    limit <- attr(value, "limit")
    number <- if (is.null(limit)) format(c(value), digits = digits) else if (limit == 0) "0" else "infinite"
    paste0("Dispersion: ", names(value), known, " ", number, if (!is.null(limit)) ", its limit", " (variance ",
           attr(value, "variance"), ")")
  }
}

# NA for the correlations of an effect that does not vary.
correlation_matrix <- function(covariance, sds, boundary) {
  correlation <- covariance / tcrossprod(sds)
  correlation[boundary, ] <- NA_real_
  correlation[, boundary] <- NA_real_
  diag(correlation) <- 1
  correlation[] <- pmin(pmax(correlation, -1), 1)
  correlation
}

#' @rdname VarCorr.glimmer
#' @export
as.data.frame.VarCorr.glimmer <- function(x, row.names = NULL, optional = FALSE,
                                          order = c("cov.last", "lower.tri"), ...) {
  check_dots(as.data.frame.VarCorr.glimmer, ...)
  order <- match_choice(order, c("cov.last", "lower.tri"), "order")
  parts <- Map(function(covariance, group) {
    at <- lower_positions(nrow(covariance), order)
    single <- at[, 1L] == at[, 2L]
    effects <- rownames(covariance)
    sdcor <- attr(covariance, "correlation")[at]
    sdcor[single] <- attr(covariance, "stddev")[at[single, 1L]]
    data.frame(grp = group, var1 = effects[at[, 2L]], var2 = ifelse(single, NA_character_, effects[at[, 1L]]),
               vcov = covariance[at], sdcor = sdcor)
  }, lapply(x, identity), names(x))
  if (attr(x, "useSc")) {
    scale <- attr(x, "sc")
    parts <- c(parts, list(data.frame(grp = "Residual", var1 = NA_character_, var2 = NA_character_, vcov = scale^2,
                                      sdcor = scale)))
  }
  do.call(rbind, unname(parts))
}

# Row and column of the entries of a lower triangle, its diagonal first or column by column.
lower_positions <- function(size, order = "lower.tri") {
  at <- unname(which(lower.tri(diag(size), diag = TRUE), arr.ind = TRUE))
  if (order == "cov.last") at[order(at[, 1L] != at[, 2L]), , drop = FALSE] else at
}

#' @rdname VarCorr.glimmer
#' @method format VarCorr.glimmer
#' @export
format.VarCorr.glimmer <- function(x, digits = max(3, getOption("digits") - 2), comp = "Std.Dev.", ...) {
  check_dots(format.VarCorr.glimmer, ...)
  check_digits(digits)
  comp <- match_choices(comp, c("Variance", "Std.Dev."), "comp")
  cells <- sd_cells(x, digits, comp)
  correlations <- correlation_cells(x, max(2L, digits - 2L))
  cbind(cells, rbind(correlations, matrix("", nrow(cells) - nrow(correlations), ncol(correlations))))
}

# The table without the correlations.
sd_cells <- function(x, digits, comp) {
  told <- function(part) unlist(lapply(x, function(term) attr(term, part)[told_sds(term)]), use.names = FALSE)
  sds <- told("stddev")
  boundary <- told("boundary")
  labels <- random_labels(names(x), lapply(x, sd_labels))
  if (attr(x, "useSc") && is.null(attr(x, "dispersion"))) {
    sds <- c(sds, attr(x, "sc"))
    boundary <- c(boundary, FALSE)
    labels <- rbind(labels, c("Residual", ""))
  }
  columns <- list("Variance" = format_sds(sds^2, boundary, digits), "Std.Dev." = format_sds(sds, boundary, digits))
  cells <- cbind(labels, do.call(cbind, columns[comp]))
  colnames(cells)[1:2] <- c("Groups", "Name")
  rownames(cells) <- rep("", nrow(cells))
  cells
}

# Numbers to a common number of decimals; a standard deviation on the boundary says so.
format_sds <- function(values, boundary, digits) {
  text <- character(length(values))
  text[boundary] <- "0 (boundary)"
  text[!boundary] <- if (all(boundary)) character() else format(values[!boundary], digits = digits)
  text
}

# Effects of a matrix of VarCorr() whose standard deviations have a row, and what these are of.
told_sds <- function(term) {
  which(diag(attr(term, "reported")))
}

sd_labels <- function(term) {
  effects <- rownames(term)
  told <- told_sds(term)
  if (length(told) == length(effects)) effects else paste(effects[1L], "to", effects[length(effects)])
}

told_correlations <- function(term) {
  attr(term, "reported") & lower.tri(term)
}

# Grouping factor, on the first row of a term only, and effect.
random_labels <- function(groups, effects) {
  first <- unlist(lapply(effects, function(names) seq_along(names) == 1L), use.names = FALSE)
  groups <- rep(groups, lengths(effects))
  cbind(ifelse(first, groups, ""), unlist(effects, use.names = FALSE))
}

#' Correlations as the cells of a table: below the diagonal, one column an effect
#'
#' One that tells all others is in the first row of its term, "0.85 (rho)". The columns are called by their effects
#' where all terms with correlations have the same ones, and all of these.
#' @param varcor Result of [VarCorr.glimmer()].
#' @return Character matrix, one row a standard deviation; without columns where no term has correlations.
#' @noRd
correlation_cells <- function(varcor, digits) {
  parts <- lapply(varcor, function(term) {
    text <- correlation_texts(term, digits)
    if (is.null(attr(term, "rule"))) {
      return(text[, if (any(nzchar(text))) -ncol(text) else 0L, drop = FALSE])
    }
    matrix(c(paste(text[told_correlations(term)], "(rho)"), rep("", length(told_sds(term)) - 1L)))
  })
  width <- max(vapply(parts, ncol, 1L))
  cells <- lapply(parts, function(part) cbind(part, matrix("", nrow(part), width - ncol(part))))
  cells <- unname(do.call(rbind, unname(cells)))
  effects <- unique(lapply(parts[vapply(parts, ncol, 1L) > 0L], colnames))
  if (width > 0L) {
    names <- if (length(effects) == 1L && length(effects[[1L]])) effects[[1L]] else rep("", width)
    names[1L] <- if (nzchar(names[1L])) paste("Corr:", names[1L]) else "Corr"
    colnames(cells) <- names
  }
  cells
}

# The correlations of a term that tell all, as text in their places.
correlation_texts <- function(term, digits) {
  correlation <- attr(term, "correlation")
  text <- ifelse(is.na(correlation), "-", formatC(correlation, digits = digits, format = "f"))
  text[!told_correlations(term)] <- ""
  text
}

#' @rdname VarCorr.glimmer
#' @method print VarCorr.glimmer
#' @export
print.VarCorr.glimmer <- function(x, digits = max(3, getOption("digits") - 2), comp = "Std.Dev.", ...) {
  check_dots(print.VarCorr.glimmer, ...)
  check_digits(digits)
  comp <- match_choices(comp, c("Variance", "Std.Dev."), "comp")
  print_cells(sd_cells(x, digits, comp))
  print_correlations(x, digits)
  cat_wrapped(dispersion_text(attr(x, "dispersion"), digits))
  invisible(x)
}

# A character matrix whose first two columns are labels: these flush left, and again beside each part of a table that
# is wider than the console.
print_cells <- function(cells) {
  columns <- lapply(seq_len(ncol(cells)), function(j) {
    format(c(colnames(cells)[j], cells[, j]), justify = if (j <= 2L) "left" else "right")
  })
  labels <- paste("", columns[[1L]], columns[[2L]])
  part <- labels
  for (column in columns[-(1:2)]) {
    longer <- paste(part, column)
    if (nchar(longer[1L]) > getOption("width") && nchar(part[1L]) > nchar(labels[1L])) {
      cat(part, sep = "\n")
      longer <- paste(labels, column)
    }
    part <- longer
  }
  cat(part, sep = "\n")
}

#' The correlations of the effects of each term, a block a term; a line where one tells all others
#' @param varcor Result of [VarCorr.glimmer()].
#' @param limits Character: intervals of the correlations that tell all others, in the order of their terms.
#' @noRd
print_correlations <- function(varcor, digits, limits = rep("", length(varcor))) {
  digits <- max(2L, digits - 2L)
  for (t in which(vapply(varcor, function(term) any(told_correlations(term)), NA))) {
    term <- varcor[[t]]
    text <- correlation_texts(term, digits)
    group <- attr(varcor, "groups")[t]
    if (is.null(attr(term, "rule"))) {
      cat_wrapped(paste0(" Correlations within ", group))
      print_lower(text)
    } else {
      number <- text[told_correlations(term)]
      words <- c(number, limits[t], if (number != "-") attr(term, "rule"))
      cat_wrapped(paste0(" Correlation within ", group, ": ", paste(words[nzchar(words)], collapse = " ")))
    }
  }
}

# The part below the diagonal of a square matrix of texts.
print_lower <- function(text) {
  shown <- text[-1L, -ncol(text), drop = FALSE]
  cells <- cbind("", rownames(shown), shown)
  colnames(cells)[1:2] <- ""
  print_cells(cells)
}

#' Every standard deviation and correlation with its standard error
#'
#' By the delta method from the covariance of all parameters: standard deviations on the log scale, where
#' log sd_i = log(sum_k L_ik^2) / 2, and correlations on Fisher's z, atanh(r).
#'
#' @param fit Object of class `glimmer`.
#' @return Data frame: `kind` ("sd", "cor", "sigma" or "constant"), `group`, `var1`, `var2` (of a correlation: column
#'   and row of the lower triangle), `estimate`, `boundary` (logical), `transformed` (log or Fisher's z) and `se`, its
#'   standard error (`NA` on the boundary), `common` (logical: whether it is that of all effects of the term), `term`,
#'   `row` and `column` (its place: random term, and effects in the lower triangle). Column by column of the lower
#'   triangle, sigma last.
#' @noRd
covariance_table <- function(fit) {
  terms <- lapply(seq_along(fit$random), function(t) term_table(fit, t))
  do.call(rbind, c(terms, list(constant_row(fit))))
}

# A dispersion is the residual standard deviation; another constant stands by its own name.
constant_row <- function(fit) {
  at <- fit$index$dispersion
  if (!length(at)) {
    return(NULL)
  }
  traits <- family_traits(fit$family)
  names <- if (traits$dispersion) c("sigma", "Residual", "Observation") else
    c("constant", NA, names(traits$predictors)[-1L])
  scale <- sigma.glimmer(fit)
  # at its limit a constant has no standard error
  known <- if (any(fit$status$check == "limit")) NA else 1
  data.frame(kind = names[1L], group = names[2L], var1 = names[3L], var2 = NA_character_, estimate = scale,
             boundary = is.na(known), transformed = known * log(scale),
             se = known * abs(traits$sigma_power) * sqrt(fit$covariance[at, at]), common = FALSE,
             term = NA_integer_, row = NA_integer_, column = NA_integer_)
}

term_table <- function(fit, t) {
  term <- fit$random[[t]]
  at <- fit$index$theta[[t]]
  described <- structure_of(term)
  lower <- described$lambda(fit$parameters[at])
  covariance <- fit$covariance[at, at, drop = FALSE]
  boundary <- boundary_effects(fit, t)
  sds <- root_sds(lower)
  positions <- which(described$reported(!boundary), arr.ind = TRUE)
  rows <- lapply(seq_len(nrow(positions)), function(k) {
    i <- positions[k, 1L]
    j <- positions[k, 2L]
    undefined <- boundary[i] || boundary[j]
    entry <- if (i == j) sd_entry(lower, sds, i, undefined) else cor_entry(lower, sds, i, j, undefined)
    slope <- described$pull_back(fit$parameters[at], entry$slope)
    # parameters that do not enter have slope 0 but for round-off, and may have no variance
    enters <- which(abs(slope) > 1e-12 * max(abs(slope)))
    variance <- sum(slope[enters] * (covariance[enters, enters, drop = FALSE] %*% slope[enters]))
    data.frame(kind = if (i == j) "sd" else "cor", group = term$group, var1 = term$names[j],
               var2 = if (i == j) NA_character_ else term$names[i], estimate = entry$estimate,
               boundary = entry$boundary, transformed = entry$transformed,
               se = if (entry$boundary) NA_real_ else sqrt(variance),
               common = if (i == j) described$common else nrow(lower) > 2L && !is.null(described$rule),
               term = t, row = i, column = j)
  })
  do.call(rbind, rows)
}

# Logarithm of a standard deviation and its slope in the entries of L.
sd_entry <- function(lower, sds, i, boundary) {
  slope <- matrix(0, nrow(lower), ncol(lower))
  if (!boundary) slope[i, ] <- lower[i, ] / sds[i]^2
  list(estimate = sds[i], boundary = boundary, transformed = if (boundary) NA_real_ else log(sds[i]), slope = slope)
}

# Fisher's z of a correlation and its slope; undefined where an effect does not vary or the correlation is 1.
cor_entry <- function(lower, sds, i, j, undefined) {
  correlation <- if (undefined) NA_real_ else sum(lower[i, ] * lower[j, ]) / (sds[i] * sds[j])
  boundary <- undefined || 1 - abs(correlation) < 1e-8
  slope <- matrix(0, nrow(lower), ncol(lower))
  if (!boundary) {
    slope[i, ] <- lower[j, ] / (sds[i] * sds[j]) - correlation * lower[i, ] / sds[i]^2
    slope[j, ] <- lower[i, ] / (sds[i] * sds[j]) - correlation * lower[j, ] / sds[j]^2
    slope <- slope / (1 - correlation^2)
  }
  list(estimate = correlation, boundary = boundary, transformed = if (boundary) NA_real_ else atanh(correlation),
       slope = slope)
}
