#' glimmer: Generalized Linear Mixed Models, Correct by Default
#'
#' Fits linear and generalized linear mixed models by maximum likelihood and REML. [glmm()] takes a formula and a data
#' frame; every fit says which approximation it used, whether it converged, and the number that decided it.
#'
#' @keywords internal
#' @importFrom Rcpp evalCpp
#' @importFrom stats gaussian na.omit
#' @useDynLib glimmer, .registration = TRUE
"_PACKAGE"
