# Methods for 'emmeans': estimated marginal means, contrasts and slopes, with the degrees of freedom of ddf().

#' Estimated marginal means
#'
#' Methods for the generics by which 'emmeans' asks a model, so that `emmeans()`, `emtrends()`, `pairs()`, `contrast()`
#' and `joint_tests()` work with fits. They are there when that package is loaded; `glimmer` does not need it.
#'
#' @param object Object of class `glimmer`.
#' @param trms,xlev,grid As 'emmeans' hands them over.
#' @param data Data frame, or `NULL` for the data of the fit.
#' @param params Character: names in the formula that are no variables, see [emmeans::recover_data()].
#' @param ddf,information Character: the method of degrees of freedom, see [ddf()]; given to `emmeans()` and the like.
#' @param ... `recover_data()`: handed on. `emm_basis()`: `vcov.`, a covariance matrix of the fixed effects, or a
#'   function that gives it for the fit, is used instead of that of the method; the rest is not used.
#' @return As 'emmeans' expects: `recover_data()` the data; `emm_basis()` a list of `X`, `bhat`, `nbasis`, `V`, `dffun`,
#'   `dfargs` and `misc`. The means are those of a level with random effects 0.
#' @details
#' The variables are those of the model frame, so that the data need not be there any more, unless the formula
#' transforms them, as `poly(x, 2)` does. Then the data of the call are looked up, where 'emmeans' is called, and taken
#' if they make the model frame of the fit. `type = "response"` transforms back by the inverse link.
#' @examples
#' if (requireNamespace("emmeans", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#'   print(emmeans::emtrends(fit, "Diet", "Time"))
#'   print(emmeans::emmeans(fit, "Diet", at = list(Time = 21), ddf = "between-within"))
#' }
#' @name emmeans.glimmer
#' @exportS3Method emmeans::recover_data
recover_data.glimmer <- function(object, data = NULL, ..., params = "pi") {
  terms <- stats::delete.response(object$terms)
  if (is.null(data)) {
    data <- fit_variables(object, all.vars(terms), places_outside(sys.frames(), "emmeans"))
    if (is.character(data)) {
      # 'emmeans' stops with it
      return(paste(data, "Give the data of the fit as `data = `."))
    }
    params <- union(params, setdiff(all.vars(terms), names(data)))
  }
  emmeans::recover_data(object$call, terms, attr(object$frame, "na.action"), data = data, params = params,
                        frame = object$frame, ...)
}

#' @rdname emmeans.glimmer
#' @exportS3Method emmeans::emm_basis
emm_basis.glimmer <- function(object, trms, xlev, grid, ddf = "auto", information = c("expected", "observed"), ...) {
  # all that a user gives to a function of 'emmeans' arrives here, data frames column by column
  columns <- grep("^data[.]", names(list(...)), value = TRUE)
  check_dots(emm_basis.glimmer, ..., .others = c("vcov.", "misc", emmeans_arguments(), columns), .shown = "emmeans")
  given <- list(...)[["vcov."]]
  rule <- ddf_rule(object, ddf, information, given = if (is.character(given)) given)
  # variables that do not come from the grid are refused or warned of, as in predict()
  new_variables(object, terms_variables(trms), grid)
  frame <- stats::model.frame(trms, grid, na.action = stats::na.pass, xlev = object$xlevels)
  x <- stats::model.matrix(trms, frame, contrasts.arg = object$contrasts)
  if (is.function(given)) given <- given(object)
  covariance <- if (is.null(given) || is.character(given)) rule$covariance else as.matrix(given)
  list(X = x, bhat = unname(fixef.glimmer(object, add.dropped = TRUE)), nbasis = aliased_basis(object), V = covariance,
       dffun = structure(emmeans_df, mesg = if (rule$method != "none") rule$method),
       dfargs = list(of = contrast_df, rule = rule),
       misc = emmeans::.std.link.labels(object$family, list()))
}

# One contrast, or a matrix with a row each. 'emmeans' takes the environment of the function away.
emmeans_df <- function(k, dfargs) {
  dfargs$of(if (is.matrix(k)) k else matrix(k, 1L), dfargs$rule)
}

# Arguments of its functions, of its methods, and of its families of contrasts.
emmeans_arguments <- function() {
  namespace <- asNamespace("emmeans")
  names <- grep("^(ref_grid|emmeans|emtrends|joint_tests|emmip|contrast|regrid)$|[.](emmGrid|emmc)$", ls(namespace),
                value = TRUE)
  arguments <- unlist(lapply(names, function(name) names(formals(get(name, envir = namespace)))))
  internal <- c("...", "object", "model", "trms", "frame", "x", "y", "value")
  setdiff(unique(c(arguments, "collapse", "cross.reduce")), internal)
}
