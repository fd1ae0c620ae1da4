# Rows of data sets: their names, the ones with missing values, and which of two data sets are the same.

#' Find the rows of one data set in another
#'
#' Row names tell which rows belong together where both have the same ones and the values agree; otherwise the values
#' do, all together.
#'
#' @param columns,others Named lists of variables, of the same names.
#' @param rows,other_rows Character: the row names.
#' @return Integer: for each row its position in the other data set, with attribute `by`: `"order"`, `"names"` or
#'   `"values"`. `NULL` where the rows are not the same.
#' @noRd
find_rows <- function(columns, others, rows, other_rows) {
  columns <- plain_columns(columns)
  others <- plain_columns(others)
  n <- length(rows)
  if (n != length(other_rows) || !identical(lengths(columns), lengths(others))) {
    return(NULL)
  }
  if (identical(rows, other_rows) && equal_columns(columns, others)) {
    return(structure(seq_len(n), by = "order"))
  }
  position <- match(rows, other_rows)
  if (!anyNA(position) && equal_columns(columns, lapply(others, `[`, position))) {
    return(structure(position, by = "names"))
  }
  first <- sorted_rows(columns)
  second <- sorted_rows(others)
  position[first] <- second
  if (equal_columns(columns, lapply(others, `[`, position))) structure(position, by = "values")
}

# Numbers and strings, one vector a column of a matrix. A factor is its labels, as text of the same values is.
plain_columns <- function(columns) {
  unlist(lapply(columns, function(x) {
    x <- if (is.factor(x)) as.character(x) else unclass(x)
    if (is.logical(x) || is.integer(x)) storage.mode(x) <- "double"
    if (is.matrix(x)) lapply(seq_len(ncol(x)), function(j) as.vector(x[, j])) else list(as.vector(x))
  }), recursive = FALSE)
}

# What is made of a whole column, as poly() does, has other rounding errors in another order of the rows.
equal_columns <- function(columns, others) {
  length(columns) == length(others) && all(mapply(function(x, y) {
    identical(x, y) || (is.numeric(x) && is.numeric(y) && length(x) == length(y) && identical(is.na(x), is.na(y)) &&
                          isTRUE(max(0, abs(x - y), na.rm = TRUE) <= 1e-10 * max(0, abs(x), na.rm = TRUE)))
  }, columns, others))
}

sorted_rows <- function(columns) {
  keys <- lapply(unname(columns), function(x) if (is.numeric(x)) signif(x, 10L) else x)
  do.call(order, c(keys, list(method = "radix")))
}

missing_rows <- function(x) {
  if (!anyNA(x)) {
    return(integer())
  }
  if (is.matrix(x)) which(rowSums(is.na(x)) > 0) else which(is.na(x))
}

#' Row names of the data, as numbers where they are numbers
#' @noRd
row_labels <- function(frame, rows) {
  labels <- row.names(frame)[rows]
  if (all(grepl("^[0-9]{1,9}$", labels))) as.integer(labels) else labels
}
