# The method by which 'effects' takes a fit.

#' Effects by 'effects'
#'
#' The method for `Effect()` of 'effects', on which `allEffects()` and `predictorEffects()` are built: effects of the
#' fixed part, for a level with random effects 0. It is there when that package is loaded; `glimmer` does not need it.
#'
#' @param focal.predictors Character: names of predictors.
#' @param mod Object of class `glimmer`.
#' @param ... As in 'effects'.
#' @return As in 'effects'.
#' @section Errors: `glimmer_error_not_available` where columns of the model matrix have one name, as those of level 2
#'   of a factor `time` and of a covariate `time2`: 'effects' finds the coefficients by the names of the columns.
#'   `glimmer_error_data` where the data of the fit are not found.
#' @examples
#' if (requireNamespace("effects", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#'   print(effects::Effect(c("Time", "Diet"), fit))
#' }
#' @name Effect.glimmer
#' @exportS3Method effects::Effect
Effect.glimmer <- function(focal.predictors, mod, ...) { # nolint: object_name_linter.
  check_distinct_columns(mod)
  formula <- formula.glimmer(mod, fixed.only = TRUE)
  data <- fit_variables(mod, all.vars(formula[[3L]]), places_outside(sys.frames(), "effects"))
  if (is.character(data)) stop_glimmer("data", data, argument = "mod")
  # the response stands in the frame as the formula computes it
  formula[[2L]] <- as.name(names(mod$frame)[1L])
  data[[names(mod$frame)[1L]]] <- mod$frame[[1L]]
  call <- as.call(list(as.name("glm"), formula = formula, data = data, contrasts = mod$contrasts))
  effects::Effect.default(focal.predictors, mod, ..., sources = list(
    call = call, formula = formula, coefficients = fixef.glimmer(mod), vcov = vcov.glimmer(mod),
    family = family_for_effects(mod)
  ))
}

# 'effects' refuses a variance function of more than the mean; that of a fit knows its constant. And it has stats::glm()
# begin a fit of which it takes the form alone: with means and deviances that every family allows.
family_for_effects <- function(fit) {
  family <- family.glimmer(fit)
  if (needs_constant(family)) {
    variance <- family$variance
    family$variance <- function(mu) variance(mu)
    family$dev.resids <- function(y, mu, wt) numeric(length(y))
    family$initialize <- expression(n <- rep(1, nobs), y <- rep(0.5, nobs), mustart <- y)
  }
  family
}

# 'effects' finds the coefficients of a fit by the names of the columns of its own model matrix.
check_distinct_columns <- function(fit) {
  names <- colnames(stats::model.matrix(stats::delete.response(fit$terms), fit$frame, contrasts.arg = fit$contrasts))
  repeated <- unique(names[duplicated(names)])
  if (length(repeated)) {
    stop_glimmer("not_available", paste0(
      "'effects' finds columns of the model matrix by their names, and there are several ", format_items(repeated),
      ": give the factor or the covariate another name. `emmeans::emmeans()` takes them as they are."
    ), columns = repeated)
  }
}
