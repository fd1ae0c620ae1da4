# A known covariance between the levels of a grouping factor: how it is given, checked and matched to the levels, and
# what is asked of its inverse, by which the core and everything after the fit know it.

#' The inverse of a covariance
#'
#' Marks a matrix as the inverse of the covariance between the levels of a grouping factor, for `covariance` of
#' [glmm()]. The inverse of a pedigree's relationship matrix, or of the covariance of a phylogeny with its inner nodes,
#' is sparse where the covariance is not, and is then much faster.
#'
#' @param x Symmetric positive definite matrix with the names of the levels on rows and columns: a matrix, or one of
#'   'Matrix'; a sparse one stays sparse.
#' @return List of class `glimmer_precision`: the `matrix`.
#' @section Errors: `glimmer_error_covariance` where `x` is no matrix of numbers. All else is checked by [glmm()].
#' @examples
#' # rows of a field whose effects resemble those of their neighbours
#' rows <- levels(factor(OrchardSprays$rowpos))
#' inverse <- diag(c(1, rep(1.25, 6), 1)) / 0.75
#' inverse[abs(row(inverse) - col(inverse)) == 1] <- -0.5 / 0.75
#' dimnames(inverse) <- list(rows, rows)
#' glmm(decrease ~ treatment + (1 | rowpos) + (1 | colpos), data = OrchardSprays,
#'      covariance = list(rowpos = precision(inverse)))
#' @export
precision <- function(x) {
  if (inherits(x, "glimmer_precision")) {
    return(x)
  }
  if (!is_number_matrix(x)) {
    stop_covariance(paste0("`x` must be a matrix of numbers (got ", class(x)[1L], ")."), argument = "x")
  }
  structure(list(matrix = x), class = "glimmer_precision")
}

is_number_matrix <- function(x) {
  (is.matrix(x) && is.numeric(x)) || inherits(x, "dMatrix")
}

stop_covariance <- function(message, ..., argument = "covariance") {
  stop_glimmer("covariance", message, argument = argument, ...)
}

#' Refuse what is no list of matrices by grouping factor
#' @noRd
check_covariances <- function(covariance) {
  names <- names(covariance)
  named <- is.list(covariance) && length(names) == length(covariance) && all(nzchar(names)) && !anyDuplicated(names)
  if (length(covariance) && (!named || inherits(covariance, "glimmer_precision"))) {
    stop_covariance(paste0("`covariance` must be a list of matrices, each named once by its grouping factor, as in ",
                           "list(id = K)."))
  }
}

#' Give grouping factors the covariance that is known between their levels
#'
#' @param random Result of [build_random()]. @param covariance As in [glmm()].
#' @return The same; factors with a known covariance have further levels, those that no row has, behind their own, and
#'   an element `known`, a list:
#'
#'   `precision`: sparse symmetric matrix, the inverse of the covariance, a row a level;
#'   `half_log_determinant` of it; `variance`: a typical one of a level, see [typical_variance()]; `further`: how many
#'   levels are without rows.
#' @noRd
know_covariances <- function(random, covariance) {
  groups <- vapply(random$factors, function(factor) factor$name, "")
  unknown <- setdiff(names(covariance), groups)
  if (length(unknown)) {
    stop_covariance(paste0("`covariance` has ", format_items(unknown), ", but the grouping factors of the formula are ",
                           format_items(groups), ". ",
                           if (length(unknown) == length(covariance)) {
                             "Give `covariance = NULL` for levels that are independent, also to update()."
                           } else {
                             paste("Leave", agree(length(unknown), "it", "them"), "out of the list.")
                           }), variable = unknown, groups = groups)
  }
  for (name in names(covariance)) {
    k <- match(name, groups)
    check_one_term(random$terms, k, name)
    random$factors[[k]] <- know_covariance(random$factors[[k]], covariance[[name]])
  }
  random
}

# With two terms nobody can say which of them has the covariance: both, or is one for independent levels?
check_one_term <- function(terms, k, name) {
  own <- Filter(function(term) term$factor == k, terms)
  labels <- unique(vapply(own, function(term) term$label, ""))
  if (length(labels) > 1L) {
    stop_covariance(paste0("`covariance` is for one random term on ", format_items(name), ", and the formula has ",
                           length(labels), ": ", paste(labels, collapse = ", "), ". Join them, as in (x | ", name,
                           "), or give those with independent levels a copy of the variable under another name."),
                    variable = name, term = labels)
  }
}

know_covariance <- function(factor, given) {
  inverse <- inherits(given, "glimmer_precision")
  matrix <- if (inverse) given$matrix else given
  check_level_matrix(matrix, factor$name)
  names <- rownames(matrix)
  absent <- setdiff(factor$levels, names)
  if (length(absent)) {
    stop_covariance(paste0(matrix_text(factor$name), " lacks ", count_text(length(absent)), " of the ",
                           count_text(length(factor$levels)), " levels in the data: ", format_items(absent), "."),
                    variable = factor$name, levels = absent)
  }
  count <- length(factor$levels)
  order <- c(match(factor$levels, names), which(!names %in% factor$levels))
  factor$levels <- names[order]
  found <- invert_levels(in_order(matrix, order), inverse, factor)
  known <- list(precision = lower_sparse(found$precision), half_log_determinant = found$half_log_determinant)
  known$variance <- if (inverse) typical_variance(known, count) else mean(Matrix::diag(matrix)[order[seq_len(count)]])
  factor$known <- c(known, list(further = length(names) - count))
  factor
}

matrix_text <- function(name) {
  paste0("The matrix for ", format_items(name), " in `covariance`")
}

#' Refuse a matrix whose levels cannot be told, or that is not finite or symmetric
#' @noRd
check_level_matrix <- function(x, name) {
  refuse <- function(what, ...) stop_covariance(paste0(matrix_text(name), what), variable = name, ...)
  if (!is_number_matrix(x) || nrow(x) != ncol(x)) {
    refuse(" must be a square matrix of numbers, or the inverse of one as precision(P).")
  }
  if (is.null(rownames(x)) || !identical(rownames(x), colnames(x))) {
    refuse(" must have the names of the levels on its rows, and the same on its columns.")
  }
  repeated <- unique(rownames(x)[duplicated(rownames(x))])
  if (length(repeated)) refuse(paste0(" has ", format_items(repeated), " twice in its names."), levels = repeated)
  lost <- rownames(x)[!is.finite(Matrix::rowSums(x))]
  if (length(lost)) {
    refuse(paste0(" has missing or infinite values in ", agree(length(lost), "row ", "rows "), format_items(lost), "."),
           levels = lost)
  }
  difference <- max(abs(x - Matrix::t(x)))
  if (difference > 1e-8 * max(abs(x))) {
    refuse(paste0(" is not symmetric: entries that should be equal differ by up to ", format(difference, digits = 3),
                  "."), difference = difference)
  }
}

# The rows and columns in another order, exactly symmetric: a base matrix, or a sparse one of 'Matrix'.
in_order <- function(x, order) {
  x <- x[order, order, drop = FALSE]
  x <- (x + Matrix::t(x)) / 2
  if (inherits(x, "sparseMatrix")) lower_sparse(x) else unname(as.matrix(x))
}

# The lower triangle of a symmetric matrix, column by column.
lower_sparse <- function(x) {
  if (is.matrix(x)) x <- Matrix::Matrix(x, sparse = TRUE, doDiag = FALSE)
  x <- Matrix::forceSymmetric(methods::as(methods::as(x, "generalMatrix"), "CsparseMatrix"), "L")
  x@Dimnames <- list(NULL, NULL)
  x
}

#' The precision between levels from it or its inverse, and half the logarithm of its determinant
#'
#' @param x Result of [in_order()].
#' @noRd
invert_levels <- function(x, inverse, factor) {
  root <- if (is.matrix(x)) dense_root(x) else sparse_root(x)
  # a pivot is what of a level's variance the levels before leave: below this size the log-likelihood, whose error is
  # that of the inverse, has no six decimals
  if (is.null(root) || !isTRUE(min(root$pivots) > 1e-11)) {
    refuse_indefinite(x, inverse, factor)
  }
  half <- sum(log(root$diagonal))
  list(precision = if (inverse) x else root$solve(), half_log_determinant = if (inverse) half else -half)
}

dense_root <- function(x) {
  root <- attempt(chol.default(x))
  if (!is.null(root)) {
    list(diagonal = diag(root), pivots = diag(root)^2 / diag(x), solve = function() chol2inv(root))
  }
}

sparse_root <- function(x) {
  root <- suppressWarnings(attempt(Matrix::Cholesky(x, LDL = FALSE)))
  if (!is.null(root)) {
    diagonal <- Matrix::diag(Matrix::expand(root)$L)
    list(diagonal = diagonal, pivots = diagonal^2 / Matrix::diag(x)[root@perm + 1L],
         solve = function() Matrix::solve(root, Matrix::Diagonal(nrow(x))))
  }
}

refuse_indefinite <- function(x, inverse, factor) {
  value <- smallest_eigenvalue(x)
  stop_covariance(paste0(matrix_text(factor$name), " must be positive definite, and is not",
                         if (value > 0) " in the digits that numbers have", ": its smallest eigenvalue is ",
                         format(value, digits = 3), ", its largest diagonal entry ",
                         format(max(Matrix::diag(x)), digits = 3), ". Levels that are copies or combinations of ",
                         "others make it singular: join them, or add a small number to the diagonal."),
                  variable = factor$name, smallest_eigenvalue = value, inverse = inverse)
}

#' The smallest eigenvalue, of many levels to about a per cent
#'
#' There it is minus the number that must be added to the diagonal for a Cholesky factor to exist, found by halving.
#' @noRd
smallest_eigenvalue <- function(x, most = 2000L) {
  if (nrow(x) <= most) {
    return(min(eigen(as.matrix(x), symmetric = TRUE, only.values = TRUE)$values))
  }
  x <- lower_sparse(x)
  limits <- log(max(Matrix::rowSums(abs(x)))) + c(log(1e-16), 0)
  while (diff(limits) > 0.01) {
    middle <- mean(limits)
    shifted <- suppressWarnings(attempt(Matrix::Cholesky(x, LDL = FALSE, Imult = exp(middle))))
    limits[if (is.null(shifted)) 1L else 2L] <- middle
  }
  -exp(limits[2L])
}

#' A typical variance of a level: the unit of what the term's parameters multiply
#'
#' @param count How many levels the data have: the mean over them, or over 100 of more than 1000, evenly spread.
#' @noRd
typical_variance <- function(known, count) {
  mean(level_variances(known, if (count <= 1000L) seq_len(count) else round(seq(1, count, length.out = 100L))))
}

#' Variances of levels, the diagonal of the covariance
#' @param cells How many numbers to hold.
#' @noRd
level_variances <- function(known, levels, cells = 5e6) {
  root <- Matrix::Cholesky(known$precision, LDL = FALSE)
  size <- nrow(known$precision)
  chunks <- split(levels, (seq_along(levels) - 1L) %/% max(1, cells %/% size))
  unlist(lapply(unname(chunks), function(own) {
    as.matrix(inverse_columns(root, own))[cbind(own, seq_along(own))]
  }))
}

#' Known covariances of factors rebuilt from a fit
#' @param factors `factors` of the design. @param fitted `factors` of the fit.
#' @noRd
recall_covariances <- function(factors, fitted) {
  for (k in seq_along(fitted)) {
    if (!is.null(fitted[[k]]$known)) factors[[k]][c("levels", "known")] <- fitted[[k]][c("levels", "known")]
  }
  factors
}

#' The known covariances of a fit, as the argument of [glmm()] has them
#' @noRd
covariances_of <- function(fit) {
  known <- Filter(function(factor) !is.null(factor$known), fit$factors)
  lapply(known, function(factor) {
    x <- factor$known$precision
    x@Dimnames <- list(factor$levels, factor$levels)
    precision(x)
  })
}

#' Whether levels are no more alike than without a known covariance
#' @noRd
has_equal_levels <- function(factor) {
  precision <- factor$known$precision
  is.null(precision) || (length(precision@x) == nrow(precision) && is_constant(precision@x))
}

# How many levels the data have.
count_levels <- function(factor) {
  length(factor$levels) - max(factor$known$further, 0L)
}

# Names of the grouping factors with a known covariance.
known_groups <- function(factors) {
  known <- Filter(function(factor) !is.null(factor$known), factors)
  vapply(unname(known), function(factor) factor$name, "")
}

# A typical variance of the levels: 1 where they are independent.
level_variance <- function(factor) {
  if (is.null(factor$known)) 1 else factor$known$variance
}

# As the core has it: the lower triangle by its entries, from 0.
precision_entries <- function(known) {
  precision <- known$precision
  list(row = precision@i, column = rep.int(seq_len(ncol(precision)) - 1L, diff(precision@p)), value = precision@x,
       half_log_determinant = known$half_log_determinant)
}

#' The covariance between the levels of a factor times a matrix with a row a level
#' @noRd
times_level_covariance <- function(known, x) {
  if (is.null(known)) x else as.matrix(Matrix::solve(Matrix::Cholesky(known$precision, LDL = FALSE), x))
}

#' Independent numbers, a row a level, made to have the covariance between the levels
#' @noRd
correlate_levels <- function(known, x) {
  root <- Matrix::Cholesky(known$precision, LDL = FALSE)
  as.matrix(Matrix::solve(root, Matrix::solve(root, x, system = "Lt"), system = "Pt"))
}

#' In words, which levels have a known covariance
#' @return Character, one element a factor.
#' @noRd
known_text <- function(factors) {
  vapply(unname(Filter(function(factor) !is.null(factor$known), factors)), function(factor) {
    further <- factor$known$further
    paste0("covariance between the levels of '", factor$name, "'",
           if (further) paste0(" (and ", count_text(further), " more without rows)"))
  }, "")
}
