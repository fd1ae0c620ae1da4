# What 'sandwich' and 'clubSandwich' ask of a fit: the scores of its independent clusters; and what there is not.

#' @exportS3Method sandwich::estfun
estfun.glimmer <- function(x, ...) {
  if (check_robust(x, "HC0", "observed")) {
    stop_robust("Scores of all parameters are those of a fit by maximum likelihood.")
  }
  scores <- cluster_scores(x)
  if (is.null(scores)) stop_crossed(x)
  scores
}

#' @exportS3Method sandwich::bread
bread.glimmer <- function(x, ...) {
  nrow(estfun.glimmer(x)) * x$covariance
}

#' @exportS3Method sandwich::vcovHC
vcovHC.glimmer <- function(x, ...) stop_rows() # nolint: object_name_linter.

#' @exportS3Method sandwich::vcovBS
vcovBS.glimmer <- function(x, ...) stop_rows() # nolint: object_name_linter.

#' @exportS3Method sandwich::vcovHAC
vcovHAC.glimmer <- function(x, ...) stop_rows() # nolint: object_name_linter.

#' @exportS3Method clubSandwich::vcovCR
vcovCR.glimmer <- function(obj, ...) { # nolint: object_name_linter.
  stop_robust("'clubSandwich' does not know fits of this package: vcov(fit, type = \"CR2\") is what it would give.")
}
