# Which linear functions of the fixed effects the data determine, where columns of the model matrix are aliased: those
# in which the columns left out are the combinations of the others that they are in the data.

# Positions of the columns left out, among all.
positions_left_out <- function(fit) {
  setdiff(seq_len(sum(dim(fit$relations))), fit$kept)
}

#' Which relations of the columns the rows do not keep
#'
#' @param x Matrix with all columns of the model matrix, aliased ones too; a row each linear function.
#' @return Logical matrix, a column for each column left out.
#' @noRd
broken_relations <- function(fit, x, tolerance = 1e-7) {
  kept <- x[, fit$kept, drop = FALSE]
  out <- x[, positions_left_out(fit), drop = FALSE]
  size <- abs(out) + abs(kept) %*% abs(fit$relations)
  broken <- abs(out - kept %*% fit$relations) > tolerance * size
  broken & !is.na(broken)
}

#' Rows of the model that are not estimable, with a warning that names their cells
#'
#' @param x Matrix with all columns of the model matrix. @param data Data frame that shows the values of the variables.
#' @param names Names of its rows. @param candidates Positions of the rows that may be.
#' @return Integer: positions.
#' @noRd
inestimable_rows <- function(fit, x, data, names, candidates = seq_len(nrow(x))) {
  if (!length(fit$dropped) || !length(candidates)) {
    return(integer())
  }
  broken <- broken_relations(fit, x[candidates, , drop = FALSE])
  rows <- candidates[rowSums(broken) > 0]
  if (length(rows)) {
    broken <- broken[rowSums(broken) > 0, , drop = FALSE]
    warn_inestimable(cells_of(fit, broken, data[rows, , drop = FALSE], attr(x, "assign")), names[rows],
                     fit$dropped[colSums(broken) > 0])
  }
  rows
}

# Of the rows of the fit only those of weight 0 may be.
inestimable_in_fit <- function(fit, design) {
  idle <- which(design$weights == 0)
  if (!length(fit$dropped) || !length(idle)) {
    return(integer())
  }
  x <- matrix_of(fit$terms, fit$frame, fit$contrasts)
  inestimable_rows(fit, x, fit$frame, row_labels(fit$frame, seq_len(nrow(x))), idle)
}

warn_inestimable <- function(cells, rows, columns) {
  count <- length(rows)
  warn_glimmer("estimable", paste0(agree(count, "The prediction of ", "The predictions of "), format_rows(rows),
                                   agree(count, " is", " are"), " not estimable and therefore NA: the data do not ",
                                   "determine the fixed effects for ", join_items(unique(cells), 5L), ". (They would ",
                                   "depend on which columns of the model matrix were left out: ",
                                   format_items(columns), ".)"),
               cells = unique(cells), rows = rows, columns = columns)
}

#' Rows of a contrast matrix with all columns that are not estimable, with a warning
#' @return Integer: positions.
#' @noRd
inestimable_contrasts <- function(fit, contrasts, names) {
  broken <- broken_relations(fit, contrasts)
  rows <- which(rowSums(broken) > 0)
  if (length(rows)) {
    columns <- fit$dropped[colSums(broken) > 0]
    count <- length(rows)
    labels <- format_rows(if (is.null(names)) rows else names[rows])
    warn_glimmer("estimable", paste0("In `L` ", labels, agree(count, " is", " are"),
                                     " not estimable and therefore NA: the data do not determine ",
                                     agree(count, "it", "them"), ", and numbers would depend on which columns of the ",
                                     "model matrix were left out (", format_items(columns), ")."),
                 rows = rows, columns = columns)
  }
  rows
}

#' The combinations of values for which rows are not estimable: of the variables in the relations that they break
#'
#' @param broken As of [broken_relations()], for these rows of `data`. @param assign The term of each column.
#' @return Character, one a row: `"a = '3', b = '2'"`.
#' @noRd
cells_of <- function(fit, broken, data, assign) {
  out <- positions_left_out(fit)
  has <- variables_by_term(fit$terms)
  shown <- lapply(as.list(attr(fit$terms, "variables"))[-1L], function(variable) {
    name <- variable_name(variable)
    if (name %in% names(data)) name else intersect(all.vars(variable), names(data))
  })
  variables <- lapply(seq_along(out), function(j) {
    terms <- unique(assign[c(out[j], fit$kept[fit$relations[, j] != 0])])
    unique(unlist(shown[rowSums(has[, terms[terms > 0], drop = FALSE]) > 0]))
  })
  vapply(seq_len(nrow(broken)), function(i) {
    names <- unique(unlist(variables[broken[i, ]]))
    paste(names, vapply(names, function(name) cell_value(data[[name]][i]), ""), sep = " = ", collapse = ", ")
  }, "")
}

cell_value <- function(value) {
  if (is.numeric(value)) format(value, digits = 7L) else paste0("'", as.character(value), "'")
}

#' The combinations of all columns of X, aliased ones too, that are zero in the data
#' @return Matrix with orthonormal columns, or the 1 x 1 `NA` by which 'emmeans' knows that there are none.
#' @noRd
aliased_basis <- function(fit) {
  if (!length(fit$dropped)) {
    return(matrix(NA))
  }
  basis <- matrix(0, sum(dim(fit$relations)), ncol(fit$relations))
  basis[fit$kept, ] <- fit$relations
  basis[positions_left_out(fit), ] <- -diag(ncol(basis))
  qr.Q(qr(basis))
}
