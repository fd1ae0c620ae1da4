# What single groups or rows do to the estimates: one step, or fits without them.

#' Influence of groups and rows
#'
#' How the estimates change without a group of rows, or without a row: by one step from the estimates, or by fitting
#' again.
#'
#' @param model Object of class `glimmer`; for the methods of `cooks.distance()` and the like also the result of
#'   `influence()`.
#' @param groups `NULL`, every row by itself; or the name of a grouping factor or variable of the model, each of whose
#'   levels is left out in turn (`"a:b"` for a grouping factor of that name).
#' @param exact Logical: fit again without each (from the estimates, in an engine that stays open), not by one step.
#' @param full Logical: distances of all parameters, not of the fixed effects alone.
#' @param x Result of `influence()`.
#' @param n Whole number: how many are printed, the most influential first.
#' @param digits Number of significant digits.
#' @param row.names,optional Not used; there for the generic.
#' @param ... For a fit: `groups` and `exact`. Otherwise not used.
#' @return `influence()`: object of class `influence.glimmer`, a list of `estimates` (matrix, a row for what is left
#'   out, a column a parameter, on the scale of `component(model, "parameters")`), `parameters` and `covariance` of the
#'   fit, `errors` (`NULL`, or with `exact` and by maximum likelihood a matrix as `estimates` of standard errors),
#'   `groups`, `sizes` (numbers of rows), `exact`, and `fixed` (how many of the parameters are fixed effects).
#'
#'   `cooks.distance()`: numeric vector with the names of the levels or rows, d'V^-1 d / p with d the change of the p
#'   fixed effects and V their covariance in the fit; with `full` of all parameters. `dfbeta()`: matrix, the estimates
#'   of the fit less those without the row or level; `dfbetas()` divides by standard errors, those of the fits without
#'   where they are there. `as.data.frame()`: distance and changes together. `hatvalues()`: numeric, one a row, the
#'   leverage given the variances: the diagonal of the matrix that takes responses (or working responses) to fitted
#'   values.
#' @details
#' One step is J^-1 g, with J the observed information of all parameters and g the gradient of the log-likelihood
#' without the group at the estimates, which is exact to first order in the group's share. Large influence is larger in
#' truth: look at `exact = TRUE` for what stands out. Where a fit without a group ends on the boundary, or its search is
#' in doubt, the model is fitted in full.
#'
#' By REML the fixed effects are those given the other parameters, found anew. The covariance in distances is that of
#' `vcov(model, full = TRUE)`; that of 'lme4' is the one of fits without the group, so that its distances are smaller.
#'
#' Leverages have the observed weights of the rows, minus the second derivative of their log-density in the linear
#' predictor.
#' @section Errors: `glimmer_error_argument` for a `groups` that is none; `glimmer_error_not_available` for fits by the
#'   joint method. `glimmer_warning_influence` for groups without which the fixed effects are not determined.
#' @references
#' Pregibon, D. (1981). Logistic regression diagnostics. *Annals of Statistics* 9, 705-724.
#' \doi{10.1214/aos/1176345513}
#'
#' Demidenko, E. and Stukel, T. A. (2005). Influence analysis for linear mixed-effects models. *Statistics in Medicine*
#' 24, 893-909. \doi{10.1002/sim.1974}
#' @seealso [bootstrap()], [residuals.glimmer()]
#' @examples
#' fit <- glmm(weight ~ Time + (1 | Chick), data = ChickWeight)
#' found <- influence(fit, groups = "Chick")
#' print(found)
#' head(dfbetas(found))
#' @importFrom stats influence
#' @method influence glimmer
#' @export
influence.glimmer <- function(model, groups = NULL, exact = FALSE, ...) {
  check_dots(influence.glimmer, ...)
  check_flag(exact, "exact")
  check_profiled(model)
  kept <- open_estimates(model, rows = TRUE)
  opened <- kept$opened
  design <- kept$refits$design
  sets <- rows_left_out(model, design, groups)
  needed <- sets_needed(design, sets)
  step <- start_progress(length(sets))
  found <- Map(function(set, is_needed) {
    on.exit(step())
    if (is_needed) without_estimates(model, exact) else estimates_without(opened, design, set, exact)
  }, sets, needed)
  estimates <- do.call(rbind, lapply(found, function(one) one$parameters))
  dimnames(estimates) <- list(names(sets), names(model$parameters))
  errors <- do.call(rbind, lapply(found, function(one) one$errors))
  if (!is.null(errors)) dimnames(errors) <- dimnames(estimates)
  structure(list(estimates = estimates, parameters = model$parameters, covariance = model$covariance, errors = errors,
                 groups = if (is.null(groups)) "rows" else groups, sizes = lengths(sets), exact = exact,
                 fixed = length(model$index$beta)), class = "influence.glimmer")
}

#' Which of the sets the fixed effects need: without them X has columns that others determine
#'
#' With Q an orthonormal basis of X and Q_s its rows of the set, X without these has full rank as long as I - Q_s'Q_s
#' has.
#' @return Logical, one a set, with a warning that names them.
#' @noRd
sets_needed <- function(design, sets) {
  counted <- which(design$weights > 0)
  Q <- matrix(0, nrow(design$X), ncol(design$X))
  Q[counted, ] <- qr.Q(qr(design$X[counted, , drop = FALSE]))
  needed <- vapply(sets, function(set) {
    own <- crossprod(Q[set, , drop = FALSE])
    ncol(Q) > 0L && max(eigen(own, symmetric = TRUE, only.values = TRUE)$values) > 1 - 1e-8
  }, NA)
  if (any(needed)) {
    warn_glimmer("influence", paste0("Without ", format_items(names(sets)[needed]), " the data do not determine the ",
                                     "fixed effects: there are no estimates without ", agree(sum(needed), "it", "them"),
                                     "."), groups = names(sets)[needed])
  }
  needed
}

without_estimates <- function(fit, exact) {
  none <- replace(fit$parameters, TRUE, NA_real_)
  list(parameters = none, errors = if (exact && !fit$REML) none)
}

#' The rows of each level, or each row
#' @return Named list of positions in the design.
#' @noRd
rows_left_out <- function(fit, design, groups) {
  active <- active_positions(design$weights)
  rows <- if (is.null(active)) seq_along(design$y) else active
  if (is.null(groups)) {
    return(stats::setNames(as.list(rows), row.names(fit$frame)[rows]))
  }
  known <- union(names(fit$factors), names(fit$frame)[-1L])
  if (!is.character(groups) || length(groups) != 1L || !groups %in% known) {
    refuse_choice(groups, known, "groups")
  }
  k <- match(groups, names(fit$factors))
  level <- if (!is.na(k)) {
    factor <- design$factors[[k]]
    factor(factor$levels[factor$index + 1L], factor$levels)
  } else {
    factor(fit$frame[[groups]])
  }
  sets <- split(rows, droplevels(level[rows]))
  if (length(sets) < 2L) {
    stop_glimmer("argument", paste0("`groups`: ", format_items(groups), " has one level only."), argument = "groups")
  }
  sets
}

#' Estimates without some rows
#'
#' @param opened [open_profile()]. @param set Positions in the design.
#' @return List: `parameters`, of the fit's kind, and where they are known `errors`.
#' @noRd
estimates_without <- function(opened, design, set, exact) {
  engine <- opened$engine
  engine_set_weights(engine, design, times = replace(rep(1, length(design$y)), set, 0))
  moved <- one_step(opened)
  if (!exact) {
    none <- replace(opened$fit$parameters, TRUE, NA_real_)
    return(list(parameters = if (is.null(moved)) none else change_coordinates(engine, moved, "natural")))
  }
  if (is.null(moved)) {
    return(fit_without_rows(opened$fit, design, set))
  }
  found <- maximise_holding(opened, free_quantity, NULL, list(moved, opened$parameters))
  if (!is_certain(opened, found, farthest = Inf)) {
    return(fit_without_rows(opened$fit, design, set))
  }
  result <- engine_evaluate(engine, found$parameters)
  parameters <- normalise_signs(engine, result$parameters)
  list(parameters = change_coordinates(engine, parameters, "natural"), errors = errors_at(opened, parameters))
}

# From the estimates of the fit by the log-likelihood as it is now; of REML with the fixed effects found there.
one_step <- function(opened) {
  if (!is.finite(place_profile(opened, opened$parameters))) {
    return(NULL)
  }
  result <- engine_evaluate(opened$engine, opened$parameters, gradient = TRUE)
  if (result$status != "ok") {
    return(NULL)
  }
  to <- opened$parameters + drop(opened$root %*% crossprod(opened$root, result$gradient))
  if (!opened$fit$REML) {
    return(to)
  }
  found <- engine_evaluate(opened$engine, to)
  if (found$status == "ok") found$parameters else to
}

# By differences of the gradient in the coordinates of the search, where the curvature is near one; by quadrature as a
# pass has it.
errors_at <- function(opened, parameters) {
  if (opened$fit$REML) {
    return(NULL)
  }
  root <- opened$root
  information <- if (is.null(opened$fit$quadrature)) {
    gradient_at <- function(x) {
      crossprod(root, engine_evaluate(opened$engine, parameters + drop(root %*% x), gradient = TRUE)$gradient)
    }
    columns <- lapply(seq_len(ncol(root)), function(j) {
      step <- replace(numeric(ncol(root)), j, 1e-3)
      (gradient_at(-step) - gradient_at(step)) / 2e-3
    })
    do.call(cbind, columns)
  } else {
    -crossprod(root, engine_pass(opened$engine, parameters, 2L)$hessian %*% root)
  }
  covariance <- attempt(root %*% solve((information + t(information)) / 2, t(root)), function(e) NULL)
  slopes <- coordinate_slopes(opened$engine, parameters)
  if (is.null(covariance)) rep(NA_real_, length(parameters)) else suppressWarnings(abs(slopes) * sqrt(diag(covariance)))
}

fit_without_rows <- function(fit, design, set) {
  design$weights[set] <- 0
  result <- attempt(suppressWarnings(maximise_model(model_of(fit, design), fit)), function(e) NULL)
  if (is.null(result)) {
    return(without_estimates(fit, exact = TRUE))
  }
  list(parameters = result$found$parameters,
       errors = if (!fit$REML) sqrt(diag(result$verdict$covariance)))
}

#' @rdname influence.glimmer
#' @importFrom stats cooks.distance
#' @method cooks.distance influence.glimmer
#' @export
cooks.distance.influence.glimmer <- function(model, full = FALSE, ...) {
  check_dots(cooks.distance.influence.glimmer, ...)
  check_flag(full, "full")
  own <- if (full) which(is.finite(diag(model$covariance))) else seq_len(model$fixed)
  change <- dfbeta.influence.glimmer(model, full = TRUE)[, own, drop = FALSE]
  covariance <- model$covariance[own, own, drop = FALSE]
  if (anyNA(covariance)) {
    return(replace(change[, 1L], TRUE, NA_real_))
  }
  rowSums((change %*% solve(covariance)) * change) / length(own)
}

#' @rdname influence.glimmer
#' @method cooks.distance glimmer
#' @export
cooks.distance.glimmer <- function(model, full = FALSE, ...) {
  cooks.distance.influence.glimmer(influence.glimmer(model, ...), full = full)
}

#' @rdname influence.glimmer
#' @importFrom stats dfbeta
#' @method dfbeta influence.glimmer
#' @export
dfbeta.influence.glimmer <- function(model, full = FALSE, ...) {
  check_dots(dfbeta.influence.glimmer, ...)
  check_flag(full, "full")
  change <- rep(model$parameters, each = nrow(model$estimates)) - model$estimates
  if (full) change else change[, seq_len(model$fixed), drop = FALSE]
}

#' @rdname influence.glimmer
#' @method dfbeta glimmer
#' @export
dfbeta.glimmer <- function(model, full = FALSE, ...) {
  dfbeta.influence.glimmer(influence.glimmer(model, ...), full = full)
}

#' @rdname influence.glimmer
#' @importFrom stats dfbetas
#' @method dfbetas influence.glimmer
#' @export
dfbetas.influence.glimmer <- function(model, full = FALSE, ...) {
  check_dots(dfbetas.influence.glimmer, ...)
  check_flag(full, "full")
  errors <- model$errors
  if (is.null(errors)) errors <- rep(sqrt(diag(model$covariance)), each = nrow(model$estimates))
  scaled <- dfbeta.influence.glimmer(model, full = TRUE) / errors
  if (full) scaled else scaled[, seq_len(model$fixed), drop = FALSE]
}

#' @rdname influence.glimmer
#' @method dfbetas glimmer
#' @export
dfbetas.glimmer <- function(model, full = FALSE, ...) {
  dfbetas.influence.glimmer(influence.glimmer(model, ...), full = full)
}

#' @rdname influence.glimmer
#' @method as.data.frame influence.glimmer
#' @export
as.data.frame.influence.glimmer <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(as.data.frame.influence.glimmer, ...)
  data.frame(group = rownames(x$estimates), rows = unname(x$sizes),
             cooks.distance = unname(cooks.distance.influence.glimmer(x)), dfbeta.influence.glimmer(x, full = TRUE),
             check.names = FALSE, row.names = NULL)
}

#' @rdname influence.glimmer
#' @method print influence.glimmer
#' @export
print.influence.glimmer <- function(x, n = 10L, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.influence.glimmer, ...)
  check_number(n, "n", 1, whole = TRUE)
  check_digits(digits)
  distance <- cooks.distance.influence.glimmer(x)
  shown <- utils::head(order(-distance), n)
  how <- if (x$exact) "fitted again without each" else "by one step; exact = TRUE fits again"
  what <- if (x$groups == "rows") "rows" else paste("levels of", x$groups)
  cat_wrapped(paste0("Influence of ", what, " (", how, "): Cook's distance, and changes of the fixed effects in ",
                     "standard errors"))
  table <- cbind("Cook's D" = distance, dfbetas.influence.glimmer(x))[shown, , drop = FALSE]
  print(table, digits = digits)
  left <- length(distance) - length(shown)
  if (left) cat_wrapped(paste0("and ", count_text(left), " with smaller distances"))
  invisible(x)
}

#' @rdname influence.glimmer
#' @importFrom stats hatvalues
#' @method hatvalues glimmer
#' @export
hatvalues.glimmer <- function(model, ...) {
  check_dots(hatvalues.glimmer, ...)
  rows <- fit_rows(model, select_random(model, NULL))
  design <- fit_design(model)
  phi <- if (length(constant_of(model))) log(constant_of(model)) else 0
  density <- engine_density(design[c("y", "size", "weights")], conditional_eta(model, design), phi, model$family)
  finish_rows(ifelse(design$weights > 0, density$w, 0) * prediction_variance(model, rows), rows)
}
