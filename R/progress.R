# Progress of long loops, through 'progressr' where it is installed: the user decides whether and how it is shown.

#' A function to call after each step
#'
#' @param steps Number of steps.
#' @param frame The function whose end is the end of the loop.
#' @noRd
start_progress <- function(steps, frame = parent.frame()) {
  if (requireNamespace("progressr", quietly = TRUE)) {
    return(progressr::progressor(steps = steps, envir = frame))
  }
  function(...) invisible()
}
