# The checks that a fit's status is made of.

new_check <- function(check, value, limit, ok, text) {
  list(check = check, value = value, limit = limit, ok = ok, text = text)
}

#' A data frame from its rows, lists with the same names
#'
#' Made at once: data.frame() and rbind() take longer than a small fit.
#' @noRd
table_of <- function(rows) {
  fields <- names(rows[[1L]])
  columns <- lapply(fields, function(field) unlist(lapply(rows, `[[`, field), use.names = FALSE))
  structure(stats::setNames(columns, fields), class = "data.frame", row.names = seq_along(rows))
}
