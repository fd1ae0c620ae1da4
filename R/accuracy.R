# How much the answer depends on the approximation of the likelihood: the model fitted by several of them.

#' How accurate is the answer?
#'
#' Fits the model of a fit again by the joint method, by Laplace and, where there is one grouping factor, or several
#' that are nested, by quadrature with more and more nodes, and shows what that changes.
#'
#' @param object Object of class `glimmer`.
#' @param nodes Whole numbers: nodes for each random effect of a level to fit with; 0 stands for the joint method, 1 for
#'   Laplace. By default 0, 1, 3, 5, 11, 23 and 47, as far as 100,000 nodes a level go, or 1,000 for each innermost one
#'   of nested factors; 0 and 1 with crossed ones.
#' @param x Result of `accuracy()`.
#' @param digits Whole number: significant digits.
#' @param ... For `plot()`: graphical parameters for [graphics::matplot()]; otherwise not used.
#' @return Data frame of class `accuracy.glimmer`, a row for each approximation, the last one for the fit given, or, if
#'   that is not by quadrature with chosen nodes and this is possible, for a fit that is (the reference).
#'   Columns: `method` (character), `nAGQ` (largest number of nodes for an effect), `logLik`, `difference` (from the
#'   reference's log-likelihood, each at its own maximum), `shift` (largest difference of an estimate from the
#'   reference's, in standard errors of the reference), `converged`, `reference` (logical; none is one where nothing is
#'   better than Laplace), `seconds`, and one column for each parameter, as in `component(fit, "parameters")`.
#'   Attributes: `standard_errors` (of the parameters), `error` (what the reference's quadrature says of its own),
#'   `second_order` (with several grouping factors, as `component(fit, "second_order")`).
#'
#'   `print()` and `plot()` return their argument invisibly.
#' @details
#' Each fit starts from the parameters of `object`. The plot shows, against the number of nodes, each estimate's
#' difference from the reference in standard errors: lines that are flat at zero from some number on say that it is
#' enough.
#'
#' With crossed grouping factors no quadrature is possible, and there is no reference: the difference between the joint
#' method and Laplace is then shown, and what Laplace's approximation to second order says (see [glimmer_convergence],
#' section "second order"): for a fit by Laplace what it adds to the log-likelihood, and the step of each estimate that
#' it asks for, in standard errors.
#' @section Errors: `glimmer_error_argument` for nodes that are no whole numbers; `glimmer_error_quadrature` for more
#'   than 1 with crossed grouping factors, for more than 100,000 a level, for linear mixed models, whose likelihood is
#'   exact, and for fits by REML.
#' @seealso [glmm()], section "The likelihood"; `vignette("accuracy", "glimmer")`, where it was built with the package.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   table <- accuracy(fit, nodes = c(1, 5, 11))
#'   print(table)
#'   plot(table)
#' }
#' @export
accuracy <- function(object, nodes = NULL, ...) {
  if (!inherits(object, "glimmer")) {
    stop_glimmer("argument", "`object` must be a fit of class 'glimmer'.", argument = "object")
  }
  check_dots(accuracy, ...)
  if (isLMM.glimmer(object) || object$REML) {
    why <- if (isLMM.glimmer(object)) "the likelihood is exact" else "for REML there is no quadrature"
    stop_glimmer("quadrature", paste0("There is nothing to compare: ", why, "."), argument = "object")
  }
  design <- fit_design(object)
  nodes <- nodes_to_try(nodes, design)
  by_quadrature <- allows_quadrature(design)
  done <- start_progress(length(nodes) + by_quadrature)
  rows <- lapply(nodes, function(k) {
    on.exit(done())
    accuracy_row(object, design, approximation_of_nodes(k))
  })
  if (by_quadrature) {
    reference <- reference_row(object, design)
    done()
    rows <- c(rows, list(reference))
  } else if (object$method == "laplace2") {
    rows <- c(rows, list(row_of_fit(object)))
  }
  table <- accuracy_table(rows, if (by_quadrature) length(rows) else NA_integer_, object)
  if (!by_quadrature && object$method %in% c("laplace", "laplace2")) {
    attr(table, "second_order") <- facts_of_fit(object, design)
  }
  table
}

#' What second order says of a fit: its own facts, or where it has none one evaluation at its estimates
#' @return As of [second_order_facts()]; `NULL` where there is no second order.
#' @noRd
facts_of_fit <- function(fit, design) {
  if (!is.null(fit$second_order)) {
    return(fit$second_order)
  }
  engine <- new_engine(design, fit$family, fit$control$threads)
  if (!is.null(engine_set_second_order(engine, TRUE))) {
    return(NULL)
  }
  result <- engine_evaluate(engine, fit$parameters, gradient = TRUE)
  if (result$status == "ok") {
    free <- !fit$boundary
    shift <- replace(fit$parameters, !free, NA_real_)
    covariance <- fit$covariance[free, free, drop = FALSE]
    shift[free] <- drop(covariance %*% result$gradient[free]) / sqrt(diag(covariance))
    complete_facts(engine_second_order_size(engine), shift)
  }
}

nodes_to_try <- function(nodes, design) {
  if (is.null(nodes)) {
    all <- c(0, 1, 3, 5, 11, 23, 47)
    nesting <- nesting_of(design)
    # nodes of nested levels are so many for each row
    most <- if (is.null(nesting)) 0 else if (length(nesting$order) == 1L) most_nodes else 1000
    return(all[all <= 1 | all^sum(nesting$effects) <= most])
  }
  if (!is.numeric(nodes) || !length(nodes) || anyNA(nodes) || any(nodes < 0 | nodes != round(nodes))) {
    stop_glimmer("argument", "`nodes` must be whole numbers, 0 or more.", argument = "nodes")
  }
  if (max(nodes) > 1) check_quadrature(max(nodes), design, "nodes 0 and 1", "nodes")
  sort(unique(nodes))
}

approximation_of_nodes <- function(k) {
  method <- method_of_nodes(k)
  new_approximation(method, if (method == "aghq") k)
}

# A row of the table, in a list; the fit's own numbers where it is the one asked for.
accuracy_row <- function(fit, design, approximation) {
  seconds <- system.time(result <- maximise_model(model_of(fit, design, approximation), start = fit))
  found <- result$found
  list(method = approximation$method, nodes = largest_nodes(approximation, found$rule), value = found$value,
       parameters = found$parameters, converged = result$verdict$converged, seconds = seconds[["elapsed"]],
       standard_errors = sqrt(diag(result$verdict$covariance)), error = found$error)
}

reference_row <- function(fit, design) {
  if (fit$method != "aghq" || !is.null(fit$quadrature$given)) {
    return(accuracy_row(fit, design, new_approximation("aghq")))
  }
  row_of_fit(fit)
}

row_of_fit <- function(fit) {
  list(method = fit$method, nodes = fit$nAGQ, value = fit$log_likelihood, parameters = fit$parameters,
       converged = fit$converged, seconds = NA_real_, standard_errors = sqrt(diag(fit$covariance)),
       error = fit$quadrature$error)
}

accuracy_table <- function(rows, reference, fit) {
  best <- rows[[if (is.na(reference)) length(rows) else reference]]
  parameters <- do.call(rbind, lapply(rows, `[[`, "parameters"))
  standardised <- abs(sweep(parameters, 2L, best$parameters)) / rep(best$standard_errors, each = nrow(parameters))
  field <- function(name, type) vapply(rows, `[[`, type, name)
  table <- data.frame(method = field("method", ""), nAGQ = as.integer(field("nodes", 1)), logLik = field("value", 1),
                      difference = field("value", 1) - best$value,
                      shift = apply(standardised, 1L, function(x) if (all(is.na(x))) NA else max(x, na.rm = TRUE)),
                      converged = field("converged", NA), reference = seq_along(rows) %in% reference,
                      seconds = field("seconds", 1))
  colnames(parameters) <- names(fit$parameters)
  table <- cbind(table, as.data.frame(parameters, optional = TRUE))
  structure(table, standard_errors = stats::setNames(best$standard_errors, colnames(parameters)), error = best$error,
            class = c("accuracy.glimmer", "data.frame"))
}

#' @rdname accuracy
#' @method print accuracy.glimmer
#' @export
print.accuracy.glimmer <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.accuracy.glimmer, ..., .others = names(formals(print.default)))
  check_digits(digits)
  if (!all(accuracy_columns %in% names(x))) {
    print(as.data.frame(x), digits = digits, ...)
    return(invisible(x))
  }
  label <- ifelse(x$method == "aghq", paste("quadrature", x$nAGQ), x$method)
  label[x$method == "laplace2"] <- "second order"
  label[x$reference] <- paste0("quadrature, chosen (up to ", x$nAGQ[x$reference], ")")
  cells <- cbind(format_fixed(x$logLik, 4L), formatC(x$difference, digits = 2L, format = "g"),
                 formatC(x$shift, digits = 2L, format = "g"), format(x$converged))
  dimnames(cells) <- list(label, c("logLik", "difference", "shift (SE)", "converged"))
  print(cells, quote = FALSE, right = TRUE)
  cat("\nEstimates\n")
  estimates <- as.matrix(as.data.frame(x)[-seq_along(accuracy_columns)])
  rownames(estimates) <- label
  print(t(estimates), digits = digits, ...)
  cat("\n")
  cat_wrapped(accuracy_words(x))
  facts <- attr(x, "second_order")
  if (!any(x$reference) && !is.null(facts)) {
    cat("\nFrom Laplace to second order, in standard errors\n")
    print(facts$shift, digits = 2L)
  }
  invisible(x)
}

accuracy_columns <- c("method", "nAGQ", "logLik", "difference", "shift", "converged", "reference", "seconds")

# What the table says, in a sentence or two.
accuracy_words <- function(x) {
  if (!any(x$reference)) {
    return(c("There is no quadrature to compare with here.", assessed_words(attr(x, "second_order"))))
  }
  error <- attr(x, "error")$log_likelihood
  laplace <- which(x$method == "laplace")
  c(if (!x$converged[x$reference]) "The reference did not converge: nothing can be concluded.",
    paste("The reference's own error is", if (is.null(error) || is.na(error)) "not known." else
      paste(format_error(error, 1e-6), "log-likelihood units.")),
    if (length(laplace)) {
      paste0("Laplace differs from it by ", formatC(abs(x$difference[laplace]), digits = 2L, format = "g"),
             " log-likelihood units and by up to ", formatC(x$shift[laplace], digits = 2L, format = "g"),
             " standard errors of an estimate.")
    })
}

# What second order says of Laplace.
assessed_words <- function(facts) {
  if (is.null(facts)) {
    return("The error of Laplace is not known.")
  }
  told <- paste0("The terms that Laplace leaves out add up to S = ", format(facts$size, digits = 2L), ", ",
                 format(facts$ratio, digits = 2L), " for each effect that the data inform. ")
  if (second_order_trust(facts) == "not") {
    return(paste0(told, "That is too much for second order: Laplace is unreliable here, its log-likelihood off by ",
                  "about ", format(signif(0.9 * facts$size, 1L)), "."))
  }
  farthest <- largest_shift(facts)
  paste0(told, "To second order the log-likelihood is ", format(facts$damped, digits = 2L),
         " higher, and the largest shift is that of '", names(farthest), "', ",
         format(abs(farthest[[1L]]), digits = 2L), " standard errors.")
}

#' @rdname accuracy
#' @method plot accuracy.glimmer
#' @export
plot.accuracy.glimmer <- function(x, ...) {
  check_dots(plot.accuracy.glimmer, ..., .others = c(names(formals(graphics::matplot)),
                                                     names(formals(graphics::plot.default)), names(graphics::par())))
  rows <- which(x$nAGQ > 0L & !x$reference)
  best <- if (any(x$reference)) which(x$reference) else nrow(x)
  estimates <- as.matrix(as.data.frame(x)[-seq_along(accuracy_columns)])
  shift <- sweep(sweep(estimates, 2L, estimates[best, ]), 2L, attr(x, "standard_errors"), "/")[rows, , drop = FALSE]
  shown <- which(colSums(is.finite(shift)) == nrow(shift))
  if (!length(rows) || !length(shown)) {
    stop_glimmer("argument", "There is nothing to plot: no fit by Laplace or quadrature beside the reference.",
                 argument = "x")
  }
  shift <- shift[, shown, drop = FALSE]
  colours <- grDevices::hcl.colors(ncol(shift), "Dark 3")
  defaults <- list(x = x$nAGQ[rows], y = shift, type = "b", pch = 1, lty = 1, log = "x", col = colours,
                   xlab = "nodes for each random effect (1: Laplace)",
                   ylab = "difference from the reference (standard errors)")
  given <- list(...)
  do.call(graphics::matplot, c(defaults[setdiff(names(defaults), names(given))], given))
  graphics::abline(h = 0, lty = 3)
  graphics::legend("topright", legend = colnames(shift), col = colours, lty = 1, pch = 1, bty = "n", cex = 0.8)
  invisible(x)
}
