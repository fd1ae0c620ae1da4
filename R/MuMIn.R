# Methods for 'MuMIn', whose default ones lose the random effects of a formula.

#' @exportS3Method MuMIn::coeffs
coeffs.glimmer <- function(model) fixef.glimmer(model)

#' @exportS3Method MuMIn::makeArgs
makeArgs.glimmer <- function(obj, termNames, opt, ...) { # nolint: object_name_linter.
  arguments <- utils::getS3method("makeArgs", "default", envir = asNamespace("MuMIn"))(obj, termNames, opt, ...)
  arguments$formula[[3L]] <- call("+", arguments$formula[[3L]], formula.glimmer(obj, random.only = TRUE)[[3L]])
  arguments
}
