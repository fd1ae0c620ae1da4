#' The fitted object
#'
#' [glmm()] returns a list of class `glimmer` of plain data: no external pointer, no function over the data. Use the
#' methods, or [component()], rather than the fields.
#'
#' @name glimmer-class
#' @section Fields:
#' \describe{
#'   \item{`call`}{the call of [glmm()]; a formula, family or function given by value, as by [do.call()], without the
#'     frame in which it was made}
#'   \item{`formula`}{the formula as given, its environment reduced to the objects that it names}
#'   \item{`family`}{family object}
#'   \item{`frame`}{model frame: response, all variables, `(weights)`, `(offset)`; attributes `terms`, `na.action`
#'     and `other_rows` (logical, by column: whether a value depends on other rows than its own)}
#'   \item{`terms`, `xlevels`, `contrasts`}{of the fixed part, as [stats::lm()] keeps them}
#'   \item{`random`}{list, one element a random term: `group`, `factor`, `columns`, `names`, `block`, `structure`,
#'     and what rebuilds its columns for new data}
#'   \item{`factors`}{list by grouping factor: `name`, `levels`, `columns` (effects), `blocks`, and where the covariance
#'     between its levels is known `known`, a list: `precision` (its inverse, a sparse symmetric matrix, a row a level),
#'     `half_log_determinant` (of the precision, half its logarithm), `variance` (the mean of the levels' in the data;
#'     of a precision with more than 1000 that of 100 of them), `further` (how many levels are without rows: the last
#'     ones)}
#'   \item{`dropped`}{aliased columns left out of the model matrix}
#'   \item{`kept`, `relations`}{integer: positions of the columns kept among all; matrix: the columns left out (its
#'     columns) as combinations of those kept (its rows) in the data}
#'   \item{`parameters`}{named numeric: beta; per random term the lower triangle, column by column, of L with
#'     Cov(b) = L L' on the scale of the linear predictor, or with `diag()`, `cs()` and `ar1()` standard deviations and
#'     the correlation; last, where the family has one, its dispersion parameter:
#'     `log_sigma` (Gaussian, standard deviation sigma), `log_shape` (Gamma, variance mu^2 / shape), `log_lambda`
#'     (inverse Gaussian, variance mu^3 / lambda), `log_size`, `log_phi`, `log_sd`, `log_sdlog` (the parameter of
#'     [families.glimmer])}
#'   \item{`index`}{list: positions in `parameters` of `beta`, `theta` (a list, by random term), `dispersion`}
#'   \item{`covariance`}{matrix: inverse observed information of `parameters`; by REML C + J V J' for the
#'     fixed effects, V that of the other parameters, C given those, J their derivatives; `NA` for those on the
#'     boundary}
#'   \item{`covariance_root`, `fixed_root`}{matrices with a row a parameter, or a fixed effect: their products with
#'     their transposes are `covariance` and [vcov()][vcov.glimmer]}
#'   \item{`boundary`}{named logical: parameters held on the boundary}
#'   \item{`modes`}{list by grouping factor: levels x effects, conditional modes of b}
#'   \item{`mode_variances`}{list by grouping factor: effects x effects x levels, covariance of b given the data and
#'     the parameters}
#'   \item{`log_likelihood`}{number, all constants included; by REML the restricted one}
#'   \item{`nobs`}{number of rows with positive weight}
#'   \item{`method`}{the approximation of the likelihood: `"aghq"` (adaptive quadrature), `"laplace"`, `"laplace2"`
#'     (to second order), `"joint"`, or
#'     `"exact"` for a Gaussian response with identity link}
#'   \item{`nAGQ`}{nodes for each random effect of a level, for quadrature the largest number; 0 for the joint method, 1
#'     for Laplace and where the likelihood is exact}
#'   \item{`REML`}{logical: fitted by restricted maximum likelihood}
#'   \item{`quadrature`}{`NULL`, or list: `nodes` (integer, one a level of the grouping factors one after the other:
#'     nodes for each effect), `wide` (logical: by the trapezoid rule on axes of its own, not Gauss-Hermite), `error`
#'     (list of `log_likelihood`, the sum over levels, of nested factors the outermost, of absolute differences from the
#'     rule with more nodes, and `shift`, the change of an estimate in standard errors
#'     that they make), `given` (`NULL`, or the user's `nAGQ`)}
#'   \item{`second_order`}{`NULL`, or what Laplace's approximation to second order says, a list: `size` (S, the sum
#'     of its terms in size), `informed` (the effects that the data inform), `ratio` (of both), `correction` (the terms,
#'     with their signs), `damped` (the same as they are maximised), `shift` (named numeric, in standard errors of each:
#'     from the estimates of Laplace to those to second order), `error` (that of the log-likelihood); see
#'     [glimmer_convergence]}
#'   \item{`means`, `mean_variances`}{`NULL`, or by quadrature, as `modes` and `mode_variances`: mean and covariance of
#'     b given the data and the parameters}
#'   \item{`status`}{data frame: `check`, `value`, `limit`, `ok`, `text`; printed as sentences}
#'   \item{`converged`, `singular`}{logical}
#'   \item{`search`}{list: `record` (data frame of the stages of the search), `gradient`, `gain`}
#'   \item{`control`}{result of [glmm_control()]}
#'   \item{`frame_sums`}{numeric matrix: sums over the columns of `frame`, by which one that was changed is found}
#'   \item{`version`}{character: the version of the package}
#' }
#' @section Errors:
#' A fit is checked by every method: one that lacks a field, whose fields do not fit together, or whose model frame was
#' changed is a `glimmer_error_fit`.
#' @return Nothing: this page describes a class.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   component(fit, "status")
#' }
NULL

#' Assemble the fitted object
#'
#' @param model Result of [new_model()].
#' @param result Result of [maximise_model()].
#' @return Object of class `glimmer`.
#' @noRd
new_fit <- function(model, result) {
  design <- model$design
  approximation <- model$approximation
  found <- result$found
  verdict <- result$verdict
  if (!is.null(found$method)) approximation$method <- found$method
  groups <- vapply(design$factors, function(factor) factor$name, "")
  factors <- lapply(design$factors, function(factor) {
    list(name = factor$name, levels = factor$levels, columns = colnames(factor$Z), blocks = factor$blocks,
         known = factor$known)
  })
  structure(
    list(call = light_call(model$call, model$formula, model$family), formula = model$formula, family = model$family,
         frame = model$frame,
         terms = design$fixed$terms, xlevels = design$fixed$xlevels, contrasts = design$fixed$contrasts,
         random = design$terms,
         factors = stats::setNames(factors, groups), dropped = colnames(design$aliasing$relations),
         kept = design$aliasing$kept, relations = design$aliasing$relations,
         parameters = stats::setNames(found$parameters, result$names), index = result$index,
         covariance = verdict$covariance, covariance_root = verdict$covariance_root,
         fixed_root = verdict$fixed_root, boundary = verdict$boundary,
         modes = stats::setNames(lapply(result$modes, `[[`, "modes"), groups),
         mode_variances = stats::setNames(lapply(result$modes, `[[`, "variances"), groups),
         log_likelihood = found$value, nobs = length(active_positions(design$weights)),
         means = moments_of(result, "means", groups), mean_variances = moments_of(result, "variances", groups),
         method = approximation$method, nAGQ = largest_nodes(approximation, found$rule), REML = approximation$REML,
         quadrature = if (!is.null(found$rule)) c(found$rule, list(error = found$error, given = approximation$nodes)),
         second_order = verdict$second_order,
         status = verdict$status, converged = verdict$converged, singular = verdict$singular,
         search = list(record = table_of(found$record), gradient = known_gradient(found$gradient, result$names),
                       gain = found$gain),
         control = model$control, frame_sums = frame_sums(model$frame),
         version = this_version()),
    class = "glimmer"
  )
}

#' The call without the frames that arguments given by value, as do.call() does, hold on to
#' @noRd
light_call <- function(call, formula, family) {
  if (inherits(call$formula, "formula")) call$formula <- formula
  if (inherits(call$family, "family")) call$family <- family
  for (name in names(call)) {
    if (typeof(call[[name]]) == "closure") call[[name]] <- prune_function(call[[name]])
  }
  call
}

# By quadrature: of each grouping factor the means, or the variances, of its random effects.
moments_of <- function(result, name, groups) {
  if (!is.null(result$moments)) stats::setNames(lapply(result$moments, `[[`, name), groups)
}

# A point that cannot be evaluated has no gradient, or, where the basis was changed, a piece of one.
known_gradient <- function(gradient, names) {
  stats::setNames(if (length(gradient) == length(names)) gradient else rep(NA_real_, length(names)), names)
}

#' Read a field of a fit
#'
#' @param object Object of class `glimmer`.
#' @param name Name of one field, or several.
#' @return The field, or for several names a named list of them. The fields are described in [glimmer-class].
#' @section Errors: `glimmer_error_argument` for a name that is not a field.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   component(fit, "parameters")
#'   component(fit, c("converged", "singular"))
#' }
#' @export
component <- function(object, name) {
  if (!inherits(object, "glimmer")) {
    stop_glimmer("argument", "`object` must be a fit of class 'glimmer'.", argument = "object")
  }
  unknown <- setdiff(name, names(object))
  if (!is.character(name) || !length(name) || length(unknown)) {
    stop_glimmer("argument", paste0("`name` must name fields of the fit: ", format_items(names(object), 40L), "."),
                 argument = "name", unknown = unknown)
  }
  if (length(name) == 1L) object[[name]] else unclass(object)[name]
}
