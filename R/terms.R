# Which variables, terms and columns belong together. The names of a model frame and the row names of
# attr(terms, "factors") differ where a name needs backticks, so that the correspondence is by position: the i-th
# variable of a terms object is the i-th row of its factors, and the k-th term the columns with k in attr(x, "assign").

#' The name that a variable has as a column of a model frame
#' @noRd
variable_name <- function(expression) {
  if (is.symbol(expression)) {
    return(as.character(expression))
  }
  paste(deparse(expression, width.cutoff = 500L, backtick = is.language(expression)), collapse = " ")
}

#' Names, as columns of a model frame, of all variables of a terms object: response, predictors and offsets
#' @noRd
terms_variables <- function(terms) {
  vapply(as.list(attr(terms, "variables"))[-1L], variable_name, "")
}

#' Which variables are in which terms
#'
#' @return Logical matrix: a row for each variable, called as in the model frame, and a column for each term.
#' @noRd
variables_by_term <- function(terms) {
  labels <- attr(terms, "term.labels")
  names <- terms_variables(terms)
  present <- if (length(labels)) attr(terms, "factors") > 0 else FALSE
  matrix(present, length(names), length(labels), dimnames = list(names, labels))
}

#' Names of the variables that are in a term: no response, no offset
#' @noRd
predictor_names <- function(terms) {
  incidence <- variables_by_term(terms)
  rownames(incidence)[rowSums(incidence) > 0]
}

#' The right side of a formula with some of the terms, and the intercept and offsets as they are
#'
#' From the variables themselves: a label read as text need not name them in another locale.
#' @param chosen Positions of terms.
#' @noRd
sum_of_terms <- function(terms, chosen) {
  variables <- as.list(attr(terms, "variables"))[-1L]
  incidence <- variables_by_term(terms)
  products <- lapply(chosen, function(k) {
    Reduce(function(a, b) call(":", a, b), variables[incidence[, k]])
  })
  Reduce(function(a, b) call("+", a, b), c(attr(terms, "intercept"), products, variables[attr(terms, "offset")]))
}

#' A terms object of the right side without one term
#' @noRd
terms_without <- function(terms, k) {
  kept <- setdiff(seq_along(attr(terms, "term.labels")), k)
  stats::terms(structure(call("~", sum_of_terms(terms, kept)), class = "formula"))
}

#' The columns of a model matrix, with what tells them from columns of other matrices
#'
#' @param x Result of [matrix_of()], or some of its columns. @param assign The term of each.
#' @return List: `values` (matrix), `variables` (list by column: names of the variables of its term).
#' @noRd
term_columns <- function(terms, x, assign = attr(x, "assign")) {
  incidence <- variables_by_term(terms)
  variables <- lapply(assign, function(k) if (k > 0L) sort(rownames(incidence)[incidence[, k]]) else character())
  list(values = x, variables = variables)
}

#' Find columns in another matrix: those of the same variables with the same values
#'
#' Names do not tell: level 2 of `time` and a covariate `time2` are called alike, and so are columns of a factor
#' in two codings.
#' @param columns,among Results of [term_columns()].
#' @return Integer, one a column: its position among the others, `NA` for none.
#' @noRd
match_columns <- function(columns, among) {
  vapply(seq_along(columns$variables), function(j) {
    candidates <- which(vapply(among$variables, identical, NA, columns$variables[[j]]))
    equal <- vapply(candidates, function(i) all(columns$values[, j] == among$values[, i]), NA)
    candidates[equal][1L]
  }, 1L)
}

# Columns such as "(weights)" are named after the argument that they come from.
argument_names <- function(names) {
  sub("^\\((weights|offset)\\)$", "\\1", names)
}

#' Names of the model frame's columns that make up a grouping factor
#' @noRd
group_components <- function(group) {
  group <- strip_parentheses(group)
  if (call_name(group) == ":") {
    return(c(group_components(group[[2L]]), group_components(group[[3L]])))
  }
  variable_name(group)
}
