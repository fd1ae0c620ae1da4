# Memory of fits to many rows.

#' Give back what is no longer used
#'
#' R collects when its own heap is full, which a few vectors of a million rows do not fill, and knows nothing of what
#' the core allocates beside it. To collect what is young takes some milliseconds.
#'
#' @param rows Number of rows of the data.
#' @param all Logical: also what has been in use for long, at some ten milliseconds.
#' @noRd
release_memory <- function(rows, all = FALSE) {
  if (rows >= 1e5) gc(full = all)
  invisible()
}
