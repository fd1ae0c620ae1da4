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
    cat_wrapped(status_text(marked[k, ], evaluations), exdent = 7L, prefix = status_prefix(marked[k, ]))
  }
}

status_prefix <- function(check) {
  mark <- if (check$ok) "[ok]" else if (check$check %in% c("convergence", "hessian")) "[!!]" else "[! ]"
  paste0("  ", mark, " ")
}

#' All checks of a fit, as sentences
#'
#' @param x Component `status` of a fit, or rows of it. @param ... Not used.
#' @noRd
#' @method print glimmer_status
#' @export
print.glimmer_status <- function(x, ...) {
  if (!all(c("check", "value", "limit", "ok", "text") %in% names(x))) {
    return(NextMethod())
  }
  for (k in seq_len(nrow(x))) {
    cat_wrapped(paste0(x$check[k], ": ", x$text[k]), exdent = 7L, prefix = status_prefix(x[k, ]))
  }
  if (nrow(x)) cat("Numbers: columns `value` and `limit`\n")
  invisible(x)
}

# What is well, in a word each.
ok_words <- function(x) {
  error <- x$quadrature$error$log_likelihood
  c("converged", "interior",
    if (is_linear(x$family)) "exact likelihood" else if (length(error)) {
      if (is.na(error)) "quadrature of unknown error" else paste("accurate to", format(signif(max(error, 1e-6), 1L)))
    } else if (!is.null(x$second_order)) {
      second_order_words(x$second_order)
    } else {
      "Laplace without a sign of large error"
    })
}

second_order_words <- function(facts) {
  share <- if (second_order_trust(facts) == "trusted") "a tenth" else "a quarter"
  paste("estimates right to", share, "of a standard error")
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
    separation = paste0("SEPARATION: ", check$text, ". The numbers below for what is not determined are arbitrary: ",
                        "merge levels or leave the term out; drop1() tests it all the same"),
    paste0(toupper(sub("^level_", "", check$check)), ": ", check$text)
  )
}
