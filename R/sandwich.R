# Robust covariance matrices are not there: what 'sandwich' and 'clubSandwich' would compute is that of other models.

stop_robust <- function() {
  stop_not_available("vcov", paste(
    "There is no robust covariance matrix of a fit of class 'glimmer': the estimating functions of a mixed model are",
    "those of its groups, and formulae for models with independent rows do not hold. vcov(fit) is that of the model."
  ))
}

#' @exportS3Method sandwich::estfun
estfun.glimmer <- function(x, ...) stop_robust()

#' @exportS3Method sandwich::bread
bread.glimmer <- function(x, ...) stop_robust()

#' @exportS3Method sandwich::vcovHC
vcovHC.glimmer <- function(x, ...) stop_robust() # nolint: object_name_linter.

#' @exportS3Method sandwich::vcovBS
vcovBS.glimmer <- function(x, ...) stop_robust() # nolint: object_name_linter.

#' @exportS3Method sandwich::vcovHAC
vcovHAC.glimmer <- function(x, ...) stop_robust() # nolint: object_name_linter.

#' @exportS3Method clubSandwich::vcovCR
vcovCR.glimmer <- function(obj, ...) stop_robust() # nolint: object_name_linter.
