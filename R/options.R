# Options of the session that must not change numbers or names.

# How R turns numbers into text by default. Names of variables, columns and levels hold numbers: `I(x * 1e5)`,
# `factor(dose)`, a grouping factor of numbers.
usual_text <- list(scipen = 0L, OutDec = ".", digits = 7L)

#' Turn numbers into text as by default until a function returns, whatever the options of the session
#' @param frame Frame of that function.
#' @noRd
use_usual_text <- function(frame = parent.frame()) {
  current <- options()[names(usual_text)]
  if (!all(mapply(`==`, current, usual_text))) {
    options(usual_text)
    do.call(on.exit, list(as.call(c(quote(options), current)), add = TRUE), envir = frame)
  }
}
