# Methods for 'emmeans': estimated marginal means, contrasts and slopes, with the degrees of freedom of ddf().

#' Estimated marginal means
#'
#' Methods for the generics by which 'emmeans' asks a model, so that `emmeans()`, `emtrends()`, `pairs()`, `contrast()`
#' and `joint_tests()` work with fits. They are there when that package is loaded; `glimmer` does not need it.
#'
#' @param object Object of class `glimmer`.
#' @param trms,xlev,grid As 'emmeans' hands them over.
#' @param data Data frame, or `NULL` for the model frame of the fit.
#' @param ddf Character: the method of degrees of freedom, see [ddf()]; given to `emmeans()` and the like.
#' @param ... `recover_data()`: handed on. `emm_basis()`: `vcov.`, a covariance matrix of the fixed effects, or a
#'   function that gives it for the fit, is used instead of that of the method; the rest is not used.
#' @return As 'emmeans' expects: `recover_data()` the data; `emm_basis()` a list of `X`, `bhat`, `nbasis`, `V`, `dffun`,
#'   `dfargs` and `misc`. The means are those of a level with random effects 0.
#' @details
#' The variables are those of the model frame, so that the data need not be there any more, unless the formula
#' transforms them, as `poly(x, 2)` does. `type = "response"` transforms back by the inverse link.
#' @examples
#' if (requireNamespace("emmeans", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#'   print(emmeans::emtrends(fit, "Diet", "Time"))
#'   print(emmeans::emmeans(fit, "Diet", at = list(Time = 21), ddf = "between-within"))
#' }
#' @name emmeans.glimmer
#' @exportS3Method emmeans::recover_data
recover_data.glimmer <- function(object, data = NULL, ...) {
  call <- object$call
  terms <- stats::delete.response(object$terms)
  # the frame has variables as the formula transforms them
  if (is.null(data) && !all(all.vars(terms) %in% names(object$frame))) {
    found <- data_for_terms(object, all.vars(terms), sys.frames())
    if (!is.null(found)) call$data <- found
  }
  emmeans::recover_data(call, terms, attr(object$frame, "na.action"), data = data, frame = object$frame, ...)
}

# The data of the call: in the environment of the formula, or in the calls that lead here but for those of 'emmeans'.
data_for_terms <- function(fit, variables, frames) {
  inside <- list(asNamespace("emmeans"), topenv())
  foreign <- vapply(frames, function(frame) !any(vapply(inside, identical, logical(1), topenv(frame))), logical(1))
  for (candidate in c(list(environment(fit$formula)), rev(frames[foreign]), list(globalenv()))) {
    found <- tryCatch(eval(fit$call$data, candidate), error = function(e) NULL)
    if (is.data.frame(found) && nrow(found) >= nrow(fit$frame) && all(variables %in% names(found))) {
      return(found)
    }
  }
}

#' @rdname emmeans.glimmer
#' @exportS3Method emmeans::emm_basis
emm_basis.glimmer <- function(object, trms, xlev, grid, ddf = "auto", ...) {
  rule <- ddf_rule(object, ddf)
  frame <- stats::model.frame(trms, grid, na.action = stats::na.pass, xlev = object$xlevels)
  x <- stats::model.matrix(trms, frame, contrasts.arg = object$contrasts)
  given <- list(...)[["vcov."]]
  if (is.function(given)) given <- given(object)
  covariance <- if (is.null(given)) rule$covariance else as.matrix(given)
  list(X = x, bhat = unname(fixef.glimmer(object, add.dropped = TRUE)), nbasis = aliased_basis(object), V = covariance,
       dffun = structure(emmeans_df, mesg = if (rule$method != "none") rule$method),
       dfargs = list(of = contrast_df, rule = rule),
       misc = emmeans::.std.link.labels(object$family, list()))
}

# One contrast, or a matrix with a row each. 'emmeans' takes the environment of the function away.
emmeans_df <- function(k, dfargs) {
  dfargs$of(if (is.matrix(k)) k else matrix(k, 1L), dfargs$rule)
}
