# From the model frame to the design: y, X, and for each grouping factor its index and its rows of Z.

#' Build the design
#'
#' @param parts Result of [parse_formula()].
#' @param frame Result of [build_frame()].
#' @param family Result of [resolve_family()].
#' @param contrasts Named list of contrasts, as in [stats::lm()].
#' @param covariance Named list: known covariances between levels, as in [glmm()].
#' @return List of `X`, `aliasing`, `y`, `size`, `weights`, `offset`, `factors`, `terms` and `fixed`, the last a list
#'   of what a fit keeps of its fixed part: `terms`, `xlevels`, `contrasts`, and `frame`. See [build_random()]
#'   and [know_covariances()] for `factors` and `terms`, [column_relations()] for `aliasing`.
#' @noRd
build_design <- function(parts, frame, family, contrasts = NULL, covariance = NULL) {
  if (!is.null(names(contrasts))) names(contrasts) <- enc2native(names(contrasts))
  check_contrasts(contrasts, frame)
  response <- resolve_response(frame, family)
  active <- active_positions(response$weights)
  fixed_terms <- frame_terms(stats::terms(parts$fixed), frame)
  check_levels(fixed_terms, frame)
  x <- matrix_of(fixed_terms, frame, contrasts)
  fixed <- list(terms = fixed_terms, xlevels = factor_levels(fixed_terms, frame), contrasts = attr(x, "contrasts"))
  counted <- active_rows(x, active)
  kept <- independent_columns(counted, attr(x, "assign"))
  check_size(length(kept), ncol(x), length(active), family)
  warn_aliased(colnames(x)[setdiff(seq_len(ncol(x)), kept)])
  random <- know_covariances(build_random(parts$terms, frame, contrasts, active), covariance)
  design <- assemble_design(keep_columns(x, kept), response, frame, random, fixed)
  design$aliasing <- column_relations(counted, kept)
  check_terms(design, family)
  design
}

#' Rebuild the design of a fit from its model frame
#'
#' @param fit Object of class `glimmer`.
#' @return The list of [build_design()], without warning again.
#' @noRd
fit_design <- function(fit) {
  x <- fixed_columns(fit, fit$frame, fit$kept)
  fixed <- list(terms = fit$terms, xlevels = fit$xlevels, contrasts = fit$contrasts)
  random <- rebuild_random(fit$random, fit$frame)
  random$factors <- recall_covariances(random$factors, fit$factors)
  design <- assemble_design(x, resolve_response(fit$frame, fit$family, warn = FALSE), fit$frame, random, fixed)
  design$aliasing <- fit[c("kept", "relations")]
  design
}

#' The model matrix of the fixed effects, without the columns that were dropped
#' @param fixed List of `terms` and `contrasts`.
#' @noRd
fixed_columns <- function(fixed, frame, kept) {
  keep_columns(matrix_of(fixed$terms, frame, fixed$contrasts), kept)
}

#' A design without the rows of X, the largest part of it, while the core has them; and with them again
#' @noRd
without_columns <- function(design) {
  design$X <- design$X[0L, , drop = FALSE]
  design
}

with_columns <- function(design) {
  if (nrow(design$X) < length(design$y)) design$X <- fixed_columns(design$fixed, design$frame, design$aliasing$kept)
  design
}

assemble_design <- function(x, response, frame, random, fixed) {
  offset <- stats::model.offset(frame)
  list(X = x, y = response$y, size = response$size, weights = response$weights,
       offset = if (is.null(offset)) numeric(nrow(frame)) else as.double(offset),
       factors = random$factors, terms = random$terms, fixed = fixed, frame = frame)
}

#' Give a terms object what the model frame knows of its variables
#'
#' `predvars` make `poly()`, `ns()` and `scale()` right in prediction; `dataClasses` tell the types. They are taken
#' over by name, which saves a model frame per term.
#' @noRd
frame_terms <- function(terms, frame) {
  all_terms <- attr(frame, "terms")
  variables <- terms_variables(terms)
  classes <- attr(all_terms, "dataClasses")
  known <- as.list(attr(all_terms, "predvars"))[-1L]
  positions <- match(variables, names(frame)[seq_along(known)])
  structure(terms, predvars = as.call(c(quote(list), known[positions])), dataClasses = classes[variables])
}

# As stats::.getXlevels(), without deparsing every variable again.
factor_levels <- function(terms, frame) {
  names <- predictor_names(terms)
  levels <- lapply(names, function(name) {
    x <- .subset2(frame, name)
    if (is.factor(x)) levels(x) else if (is.character(x)) levels(as.factor(x))
  })
  names(levels) <- names
  levels <- levels[!vapply(levels, is.null, logical(1))]
  if (length(levels)) levels
}

#' The model matrix of a terms object
#'
#' Columns that R calls alike, such as level 2 of a factor `time` and a covariate `time2`, are told apart by a number.
#' @noRd
matrix_of <- function(terms, frame, contrasts) {
  if (!length(attr(terms, "term.labels"))) {
    p <- attr(terms, "intercept")
    return(structure(matrix(1, nrow(frame), p, dimnames = list(row.names(frame), rep("(Intercept)", p))),
                     assign = integer(p)))
  }
  used <- contrasts[intersect(names(contrasts), predictor_names(terms))]
  x <- stats::model.matrix(terms, frame, contrasts.arg = if (length(used)) used)
  if (anyDuplicated(colnames(x))) colnames(x) <- make.unique(colnames(x))
  x
}

keep_columns <- function(x, kept) {
  if (length(kept) == ncol(x)) {
    return(x)
  }
  structure(x[, kept, drop = FALSE], assign = attr(x, "assign")[kept], contrasts = attr(x, "contrasts"))
}

#' Positions of the rows that count
#' @noRd
active_positions <- function(weights) {
  if (min(weights) > 0) seq_along(weights) else which(weights > 0)
}

#' These rows of a matrix, or elements of a vector; the same object where they are all
#' @noRd
active_rows <- function(x, active) {
  if (length(active) == NROW(x)) {
    return(x)
  }
  if (is.matrix(x)) x[active, , drop = FALSE] else x[active]
}

check_contrasts <- function(contrasts, frame) {
  if (!length(contrasts)) {
    return(invisible())
  }
  if (!is.list(contrasts) || is.null(names(contrasts)) || any(names(contrasts) == "")) {
    stop_glimmer("contrasts", "`contrasts` must be a list named by factors, as in list(f = \"contr.sum\").",
                 argument = "contrasts")
  }
  categorical <- vapply(frame, function(x) is.factor(x) || is.character(x) || is.logical(x), logical(1))
  unknown <- setdiff(names(contrasts), names(frame)[categorical])
  if (length(unknown)) {
    stop_glimmer("contrasts", paste0("`contrasts` names ", format_items(unknown), ", which ",
                                     agree(length(unknown), "is no factor", "are no factors"), " of the model."),
                 argument = "contrasts", variable = unknown)
  }
  for (name in names(contrasts)) {
    check_contrast(contrasts[[name]], frame[[name]], name)
  }
}

check_contrast <- function(contrast, x, name) {
  if (is.null(contrast)) {
    return(invisible())
  }
  levels <- levels(as.factor(x))
  coding <- attempt({
    if (is.character(contrast)) contrast <- match.fun(contrast)
    if (is.function(contrast)) contrast(levels) else contrast
  })
  numbers <- if (inherits(coding, "Matrix")) coding@x else coding
  if (!is.numeric(numbers) || NROW(coding) != length(levels) || !all(is.finite(numbers))) {
    stop_glimmer("contrasts", paste0("`contrasts` for the factor ", format_items(name), " must be a contrast function ",
                                     "or its name, such as \"contr.sum\", or a matrix of finite numbers with a row ",
                                     "for each of the ", length(levels), " levels (", format_items(levels), ")."),
                 argument = "contrasts", variable = name, levels = levels)
  }
}

# Factors of one level have no contrasts: name them before model.matrix() fails without a name.
check_levels <- function(terms, frame) {
  for (name in predictor_names(terms)) {
    x <- .subset2(frame, name)
    levels <- if (is.factor(x)) levels(x) else if (is.character(x)) unique(x) else next
    if (length(levels) < 2L) {
      stop_glimmer("levels", paste0("The factor ", format_items(name), " has 1 level (", format_items(levels), ") in ",
                                    "the rows used: it cannot be a predictor. Leave it out of the formula."),
                   variable = name, levels = levels)
    }
  }
}

warn_aliased <- function(columns) {
  if (!length(columns)) {
    return(invisible())
  }
  warn_glimmer("aliased", paste0(agree(length(columns), "The column ", "The columns "), format_items(columns),
                                 " of the fixed effects ", agree(length(columns), "is", "are"),
                                 " constant or a combination of other columns, and left out."), columns = columns)
}

check_size <- function(rank, columns, rows, family) {
  if (rank == rows && (columns > rows || has_exact_fits(family))) {
    stop_glimmer("size", paste0("The fixed effects have ", columns, " coefficients for ", rows, " rows: they fit ",
                                "every response exactly, and nothing is left for the random effects. Use fewer ",
                                "predictors."),
                 columns = columns, rows_used = rows)
  }
}
