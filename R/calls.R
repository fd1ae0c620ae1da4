# The calls that a formula is made of: operators, bars, sums and parentheses.

call_name <- function(expression) {
  if (is.call(expression) && is.symbol(expression[[1L]])) as.character(expression[[1L]]) else ""
}

is_bar <- function(expression) {
  call_name(expression) %in% c("|", "||")
}

has_bar <- function(expression) {
  any(c("|", "||") %in% all.names(expression))
}

is_sum <- function(expression) {
  call_name(expression) %in% c("+", "-")
}

#' The operands of a sum, from left to right, and the sum of operands
#'
#' By a loop: a sum of hundreds of terms is a call as deep.
#' @return List of lists: `sign` ("" for a first operand without one) and `operand`.
#' @noRd
split_sum <- function(expression) {
  parts <- list()
  while (is_sum(expression)) {
    parts <- c(list(list(sign = call_name(expression), operand = expression[[length(expression)]])), parts)
    if (length(expression) == 2L) {
      return(parts)
    }
    expression <- expression[[2L]]
  }
  c(list(list(sign = "", operand = expression)), parts)
}

join_sum <- function(parts) {
  first <- parts[[1L]]
  sum <- if (first$sign == "-") call("-", first$operand) else first$operand
  for (part in parts[-1L]) sum <- call(part$sign, sum, part$operand)
  sum
}

strip_parentheses <- function(expression) {
  while (call_name(expression) == "(") {
    expression <- expression[[2L]]
  }
  expression
}
