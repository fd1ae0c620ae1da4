# Methods for 'insight', through which 'performance', 'parameters', 'ggeffects', 'sjPlot' and others read a fit.

#' What 'insight' reads from a fit
#'
#' Methods for the generics of 'insight', on which 'performance', 'parameters', 'ggeffects' and 'sjPlot' are built. They
#' are there when that package is loaded; `glimmer` does not need it. Where the method of 'insight' for fits of 'lme4'
#' asks for nothing but what a fit answers (`formula()`, `fixef()`, `VarCorr()`, `predict()`, ...), it is that method.
#'
#' 'insight' knows models by a list of classes that packages cannot extend, and this class is not in it yet: what
#' begins with `insight::is_model()`, as `parameters::ci()` does, refuses fits.
#' @param x,model Object of class `glimmer`.
#' @param type Character: for `get_df()` `"residual"`, `"model"` (their number of parameters), `"normal"` or `"wald"`,
#'   or a method of [ddf()].
#' @param REML `NULL`, or logical: the criterion that is wanted, see [logLik.glimmer()]. Without meaning for other
#'   responses than a Gaussian one with identity link.
#' @param data `NULL`, or data frame with the variables of the model.
#' @param check_response Logical: whether to warn where the formula transforms a Gaussian response, since the
#'   log-likelihood is that of the transformed one.
#' @param verbose,... As in 'insight'.
#' @return As in 'insight'.
#' @section Warnings: `glimmer_warning_response` under `check_response`.
#' @name insight.glimmer
#' @exportS3Method insight::find_formula
find_formula.glimmer <- function(x, ...) method_for_merMod("find_formula", "insight")(x, ...)

# The method of another package for fits of 'lme4'.
method_for_merMod <- function(generic, package) { # nolint: object_name_linter.
  utils::getS3method(generic, "merMod", envir = asNamespace(package))
}

#' @exportS3Method insight::is_mixed_model
is_mixed_model.glimmer <- function(x) TRUE

#' @exportS3Method insight::find_parameters
find_parameters.glimmer <- function(x, ...) method_for_merMod("find_parameters", "insight")(x, ...)

#' @exportS3Method insight::get_parameters
get_parameters.glimmer <- function(x, ...) method_for_merMod("get_parameters", "insight")(x, ...)

#' @exportS3Method insight::get_variance
get_variance.glimmer <- function(x, ...) {
  method_for_merMod("get_variance", "insight")(with_mean_variances(x), ...)
}

#' A fit whose random terms have the variance that is, with a known covariance between levels, the mean over the rows
#'
#' Others take the variance of z'b as z' Sigma z, where it is that times the level's own variance.
#' @noRd
with_mean_variances <- function(fit) {
  design <- if (length(known_groups(fit$factors))) fit_design(fit)
  for (t in seq_along(design$terms)) {
    factor <- design$factors[[design$terms[[t]]$factor]]
    if (is.null(factor$known)) next
    at <- fit$index$theta[[t]][structure_of(design$terms[[t]])$scaled]
    z <- factor$Z[, design$terms[[t]]$columns, drop = FALSE]
    squares <- rowSums((z %*% term_root(fit, t))^2)
    own <- level_variances(factor$known, seq_len(count_levels(factor)))[factor$index + 1L]
    if (sum(squares) > 0) fit$parameters[at] <- fit$parameters[at] * sqrt(sum(own * squares) / sum(squares))
  }
  fit
}

#' @exportS3Method insight::get_predicted
get_predicted.glimmer <- function(x, data = NULL, ...) {
  request <- ggeffects_request(sys.frames())
  if (!is.null(request)) {
    return(predictions_for_ggeffects(x, data, request))
  }
  utils::getS3method("get_predicted", "lmerMod", envir = asNamespace("insight"))(x, data = data, ...)
}

#' @rdname insight.glimmer
#' @exportS3Method insight::get_modelmatrix
get_modelmatrix.glimmer <- function(x, data = NULL, ...) {
  check_dots(get_modelmatrix.glimmer, ...)
  if (is.null(data)) {
    return(model.matrix.glimmer(x))
  }
  terms <- stats::delete.response(x$terms)
  frame <- stats::model.frame(terms, data, na.action = stats::na.pass, xlev = x$xlevels)
  fixed_columns(list(terms = terms, contrasts = x$contrasts), frame, x$kept)
}

#' @exportS3Method insight::find_statistic
find_statistic.glimmer <- function(x, ...) {
  check_dots(find_statistic.glimmer, ...)
  paste0(if (isLMM.glimmer(x)) "t" else "z", "-statistic")
}

#' @exportS3Method insight::get_statistic
get_statistic.glimmer <- function(x, ...) {
  check_dots(get_statistic.glimmer, ...)
  table <- tidy_fixed(x, 0.95, FALSE, "auto")
  structure(data.frame(Parameter = table$term, Statistic = table$statistic), statistic = find_statistic.glimmer(x))
}

#' @rdname insight.glimmer
#' @exportS3Method insight::get_df
get_df.glimmer <- function(x, type = "residual", ...) {
  check_dots(get_df.glimmer, ...)
  type <- tolower(type)
  linear <- isLMM.glimmer(x)
  methods <- c(satterthwaite = "satterthwaite", kenward = "kenward-roger", kr = "kenward-roger",
               "kenward-roger" = "kenward-roger", betwithin = "between-within", "between-within" = "between-within")
  if (type == "model") {
    length(x$parameters)
  } else if (type == "normal" || (type == "wald" && !linear)) {
    Inf
  } else if (type %in% c("residual", "analytical", "wald", "any")) {
    df.residual.glimmer(x)
  } else if (type %in% names(methods)) {
    tidy_fixed(x, 0.95, FALSE, methods[[type]])$df
  } else {
    stop_glimmer("argument", paste0("`type` must be one of ", format_items(c("residual", "model", "normal", "wald",
                                                                             names(methods)), 12L), "."),
                 argument = "type")
  }
}

#' @rdname insight.glimmer
#' @exportS3Method insight::get_loglikelihood
get_loglikelihood.glimmer <- function(x, REML = NULL, check_response = FALSE, # nolint: object_name_linter.
                                      verbose = TRUE, ...) {
  check_dots(get_loglikelihood.glimmer, ...)
  check_flag(check_response, "check_response")
  if (check_response && !isFALSE(verbose)) warn_transformed(x)
  logLik.glimmer(x, REML = if (isLMM.glimmer(x)) REML)
}

# Such callers add what a change of variables does to the density of a fit of 'lme4', and compare with other responses.
warn_transformed <- function(fit) {
  response <- fit$formula[[2L]]
  functions <- setdiff(all.names(response), c(all.vars(response), "$", "[[", "(", "I"))
  if (isLMM.glimmer(fit) && length(functions)) {
    warn_glimmer("response", paste0(
      "The log-likelihood, and what is made of it as AIC and BIC, is that of '", deparse1(response),
      "', as the formula has it: do not compare it with those of fits to a response on another scale."
    ), response = deparse1(response))
  }
}

#' @rdname insight.glimmer
#' @exportS3Method insight::null_model
null_model.glimmer <- function(model, ...) {
  check_dots(null_model.glimmer, ...)
  formula <- formula.glimmer(model, random.only = TRUE)
  variables <- as.list(attr(model$terms, "variables"))[-1L]
  for (k in attr(model$terms, "offset")) formula[[3L]] <- call("+", formula[[3L]], variables[[k]])
  stats::update(model, formula)
}

#' @exportS3Method insight::find_algorithm
find_algorithm.glimmer <- function(x, ...) {
  check_dots(find_algorithm.glimmer, ...)
  list(algorithm = if (x$REML) "REML" else "ML", optimizer = "nlminb")
}

#' @exportS3Method insight::is_converged
is_converged.glimmer <- function(x, ...) {
  check_dots(is_converged.glimmer, ...)
  structure(x$converged, gain = status_value(x, "convergence"))
}
