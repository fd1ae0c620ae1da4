# Random effects: their conditional modes, or means.

#' @importFrom nlme ranef
#' @export
nlme::ranef

#' Random effects
#'
#' The conditional modes of the random effects, the values that maximise their density given the data at the
#' estimates of the parameters; or their conditional means.
#'
#' @param object Object of class `glimmer`.
#' @param condVar Logical: with the conditional covariance matrices.
#' @param drop Logical: give factors with one effect as named vectors instead of data frames.
#' @param whichel Character, names of grouping factors, or their positions: which to give.
#' @param type `"mode"`, or `"mean"`: the conditional expectation, by quadrature, which is possible with one grouping
#'   factor or nested ones. For a Gaussian response with identity link both are the same.
#' @param ... Not used.
#' @param x Result of `ranef()`.
#' @param digits `NULL`, or whole number: significant digits.
#' @param n Number: how many levels of each grouping factor are printed; `Inf` for all.
#' @param row.names,optional Not used; there for the generic.
#' @return `ranef()`: list of class `ranef.glimmer` (and `ranef.mer`, which makes the plots of 'lme4' work), one data
#'   frame a grouping factor, named by it: a row for each level, a column for each effect, on the scale of the
#'   linear predictor. With `condVar = TRUE` each has the attribute `postVar`, an array of effects x effects x levels.
#'
#'   `as.data.frame()`: data frame with a row for each effect and level, and the columns `grpvar` (character: grouping
#'   factor), `term` (factor: effect), `grp` (factor: level), `condval` (conditional mode) and, if the covariances are
#'   there, `condsd` (conditional standard deviation).
#'
#' @section Conditional variances:
#' They are the inverse curvature of the log-density of the random effects at the mode, with the parameters at their
#' estimates: the uncertainty of the parameters, that of the fixed effects included, is left out, as in 'lme4'. For a
#' Gaussian response with identity link the distribution is normal and this is its covariance matrix; otherwise that
#' is an approximation. With `type = "mean"` they are the covariances of the random effects given the data and the
#' parameters, by the same quadrature.
#' @section Errors: `glimmer_error_argument` when `whichel` names no grouping factor; `glimmer_error_quadrature` for
#'   means where there is no quadrature.
#' @references
#' Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using lme4.
#' *Journal of Statistical Software* 67(1). \doi{10.18637/jss.v067.i01}
#' @seealso [coef.glimmer()] for fixed and random effects together.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(head(ranef(fit)$ID))
#'   print(head(as.data.frame(ranef(fit))))
#' }
#' @method ranef glimmer
#' @export
ranef.glimmer <- function(object, condVar = TRUE, drop = FALSE, whichel = names(object$modes),
                          type = c("mode", "mean"), ...) {
  check_dots(ranef.glimmer, ...)
  check_flag(condVar, "condVar")
  check_flag(drop, "drop")
  chosen <- choose_factors(whichel, names(object$modes))
  effects <- conditional_effects(object, match_choice(type, c("mode", "mean"), "type"))
  by_factor <- lapply(chosen, function(name) {
    modes <- effects$values[[name]]
    variances <- if (condVar) effects$variances[[name]]
    if (drop && ncol(modes) == 1L) {
      return(structure(modes[, 1L], names = rownames(modes), effect = colnames(modes),
                       postVar = if (condVar) unname(variances[1L, 1L, ])))
    }
    structure(as.data.frame(modes, optional = TRUE), postVar = variances)
  })
  structure(stats::setNames(by_factor, chosen), class = c("ranef.glimmer", "ranef.mer"))
}

#' Modes or means of the random effects, and their covariances
#'
#' @return List: `values`, `variances`, as `modes` and `mode_variances` of the fit.
#' @noRd
conditional_effects <- function(fit, type) {
  if (type == "mode" || isLMM.glimmer(fit)) {
    return(list(values = fit$modes, variances = fit$mode_variances))
  }
  if (!is.null(fit$means)) {
    return(list(values = fit$means, variances = fit$mean_variances))
  }
  design <- fit_design(fit)
  check_quadrature(NULL, design, "type = \"mode\"")
  engine <- new_engine(design, fit$family, fit$control$threads)
  if (set_rule_at(engine, fit$parameters)$status != "ok") {
    stop_glimmer("quadrature", "The log-likelihood cannot be evaluated at the estimates: there are no means there.")
  }
  moments <- engine_moments(engine, design)
  list(values = stats::setNames(lapply(moments, `[[`, "means"), names(fit$modes)),
       variances = stats::setNames(lapply(moments, `[[`, "variances"), names(fit$modes)))
}

choose_factors <- function(whichel, known) {
  if (!is.character(whichel) && !is.numeric(whichel)) {
    stop_glimmer("argument", paste0("`whichel` must be names of grouping factors, or their positions: there are ",
                                    format_items(known), "."), argument = "whichel")
  }
  unknown <- setdiff(whichel, if (is.character(whichel)) known else seq_along(known))
  if (length(unknown)) {
    stop_glimmer("argument", paste0("`whichel` asks for ", format_items(unknown), ": the grouping factors are ",
                                    format_items(known), "."), argument = "whichel", unknown = unknown)
  }
  if (is.character(whichel)) whichel else known[whichel]
}

#' @rdname ranef.glimmer
#' @export
as.data.frame.ranef.glimmer <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(as.data.frame.ranef.glimmer, ...)
  effects <- unlist(lapply(x, function(modes) if (is.data.frame(modes)) names(modes) else attr(modes, "effect")))
  parts <- Map(function(modes, group) {
    variances <- attr(modes, "postVar")
    if (!is.data.frame(modes)) {
      modes <- stats::setNames(data.frame(c(modes), row.names = names(modes)), attr(modes, "effect"))
      if (!is.null(variances)) variances <- array(variances, c(1L, 1L, length(variances)))
    }
    levels <- nrow(modes)
    table <- data.frame(grpvar = group, term = factor(rep(names(modes), each = levels), levels = unique(effects)),
                        grp = rep(row.names(modes), times = length(modes)),
                        condval = unlist(modes, use.names = FALSE))
    if (!is.null(variances)) {
      sds <- lapply(seq_along(modes), function(k) sqrt(variances[k, k, ]))
      table$condsd <- unlist(sds, use.names = FALSE)
    }
    table
  }, x, names(x))
  result <- do.call(rbind, unname(parts))
  result$grp <- factor(result$grp, levels = unique(result$grp))
  result
}

#' @rdname ranef.glimmer
#' @method print ranef.glimmer
#' @export
print.ranef.glimmer <- function(x, digits = NULL, n = 6L, ...) {
  check_dots(print.ranef.glimmer, ..., .others = names(formals(print.data.frame)))
  if (!is.null(digits)) check_digits(digits)
  check_number(n, "n", 1)
  for (name in names(x)) {
    cat("$", name, "\n", sep = "")
    effects <- structure(x[[name]], postVar = NULL, effect = NULL)
    print(utils::head(effects, n), digits = digits, ...)
    left <- NROW(effects) - n
    if (left > 0) cat("... and ", left, agree(left, " more level", " more levels"), "\n", sep = "")
    cat("\n")
  }
  with_variances <- names(x)[vapply(x, function(modes) !is.null(attr(modes, "postVar")), logical(1))]
  if (length(with_variances)) {
    cat("with conditional variances for ", format_items(with_variances), "\n", sep = "")
  }
  invisible(x)
}
