# The checks of a fit in a printout: one line where all is well, in full what is marked.

#' Print the status of a fit
#'
#' `[!!]` stands where the numbers are not what they should be, `[! ]` where they need care.
#'
#' @param x A fit or its summary. @param evaluations Number.
#' @noRd
print_status <- function(x, evaluations) {
  marked <- x$status[!x$status$ok, ]
  # without a space, at which the line could be broken
  where <- "component(fit,\"status\")"
  if (!nrow(marked)) {
    cat_wrapped(paste0("Fit status: ok (", paste(ok_words(x), collapse = ", "), "); ", where))
    return(invisible())
  }
  cat_wrapped(paste0("Fit status: ", nrow(marked), " of ", nrow(x$status), " checks marked; all: ", where))
  for (k in seq_len(nrow(marked))) {
    mark <- if (marked$check[k] %in% c("convergence", "hessian")) "[!!]" else "[! ]"
    cat_wrapped(status_text(marked[k, ], evaluations), exdent = 7L, prefix = paste0("  ", mark, " "))
  }
}

# What is well, in a word each.
ok_words <- function(x) {
  error <- x$quadrature$error$log_likelihood
  c("converged", "interior",
    if (isLMM.glimmer(x)) "exact likelihood" else if (length(error)) {
      paste("accurate to", if (is.na(error)) "an unknown error" else format(signif(max(error, 1e-6), 1L)))
    } else {
      "Laplace without a sign of large error"
    })
}

#' A marked statement as it is printed: what it means for the numbers below
#' @noRd
status_text <- function(check, evaluations) {
  switch(check$check,
    convergence = paste0("NOT CONVERGED: ", check$text, " (limit ", format(check$limit), ") after ", evaluations,
                         " evaluations. The estimates below are not maximum likelihood estimates."),
    boundary = paste0("SINGULAR: ", check$text,
                      ". Standard errors treat it as fixed there; no Wald interval is given for it."),
    hessian = check$text,
    paste0(toupper(sub("^level_", "", check$check)), ": ", check$text)
  )
}
