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

#' A formula's side with a sum for `.`, in parentheses only where it needs them
#' @noRd
replace_dot <- function(expression, sum) {
  is_dot <- function(x) identical(x, quote(.))
  if (is_dot(expression)) {
    return(if (is.call(sum)) call("(", sum) else sum)
  }
  if (!is.call(expression)) {
    return(expression)
  }
  if (is_sum(expression)) {
    parts <- lapply(split_sum(expression), function(part) {
      if (is_dot(part$operand) && part$sign != "-") {
        own <- split_sum(sum)
        own[[1L]]$sign <- part$sign
        return(own)
      }
      list(list(sign = part$sign, operand = replace_dot(part$operand, sum)))
    })
    return(join_sum(unlist(parts, recursive = FALSE)))
  }
  if (call_name(expression) == "(" && is_dot(expression[[2L]])) {
    return(call("(", sum))
  }
  as.call(c(expression[[1L]], lapply(as.list(expression)[-1L], replace_dot, sum)))
}

strip_parentheses <- function(expression) {
  while (call_name(expression) == "(") {
    expression <- expression[[2L]]
  }
  expression
}
