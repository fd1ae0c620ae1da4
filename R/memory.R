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

#' Say what can be done where memory is exhausted
#'
#' @param expression What asks for memory, of R or in the core.
#' @return Its value.
#' @noRd
with_memory_error <- function(expression) {
  withCallingHandlers(expression, error = function(e) {
    if (!is_memory_error(e)) return()
    stop_glimmer("memory", paste0("The memory of this machine is exhausted (", conditionMessage(e), "). Most is asked ",
                                  "for by the fixed effects, rows times columns, and where factors cross by a matrix ",
                                  "of the order of the levels of all but the largest. Make a factor with many levels ",
                                  "a random effect, leave out terms, fit part of the rows, or take a larger machine."),
                 parent = e)
  })
}
