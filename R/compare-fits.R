# A table of fits to the same data: information criteria, and what each likelihood is worth.

#' Compare fits
#'
#' Log-likelihoods, information criteria and the state of several fits to the same data, nested or not, the best by AIC
#' first.
#'
#' @param ... Objects of class `glimmer`, or of [stats::lm()] and [stats::glm()]; two or more. Names are shown.
#' @param refit `NULL`, fits are made again where they would not compare (and the heading says so): by maximum
#'   likelihood where they are by REML with different fixed effects, and by Laplace's approximation where some are by it
#'   and others by quadrature or to second order; `FALSE`: an error instead, or a warning.
#' @param x Result of `compare_fits()`.
#' @param digits Number of significant digits.
#' @return Data frame of class `comparison.glimmer`, a row a fit: `npar` (number of parameters), `logLik`, `AIC`,
#'   `AICc` (AIC + 2 k (k + 1) / (n - k - 1)), `BIC`, `delta` (AIC less the smallest), `weight` (Akaike weight),
#'   `method` (how the likelihood is had, in words), `error` (of the log-likelihood as far as it is stated, else `NA`; 0
#'   where it is exact), `verdict` (`"ok"`, or the checks that are marked). The number of rows n is that of
#'   [nobs()][nobs.glimmer].
#' @details
#' Differences of log-likelihoods mean something where both are of the same kind: a Laplace approximation can be off by
#' more than what a random effect brings. That is why, where a grouping factor has been added that quadrature cannot do,
#' both are compared by Laplace. These criteria count the parameters of the marginal likelihood: they compare what
#' models say of new groups. A variance on the boundary counts as a parameter.
#' @section Errors: `glimmer_error_comparison` when the data differ, or with `refit = FALSE` restricted likelihoods do
#'   not compare; `glimmer_error_argument` for what is no fit.
#' @references
#' Burnham, K. P. and Anderson, D. R. (2002). *Model Selection and Multimodel Inference*, chapter 2. Springer.
#' \doi{10.1007/b97636}
#'
#' Vaida, F. and Blanchard, S. (2005). Conditional Akaike information for mixed-effects models. *Biometrika* 92,
#' 351-370. \doi{10.1093/biomet/92.2.351}
#' @seealso [anova.glimmer()] for nested models, [AIC.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   few <- glmm(y ~ lbase * trt + (1 | subject), data = MASS::epil, family = poisson)
#'   more <- glmm(y ~ lbase * trt + lage + V4 + (1 | subject), data = MASS::epil, family = poisson)
#'   size <- glmm(y ~ lbase * trt + (1 | subject), data = MASS::epil, family = nbinom2())
#'   print(compare_fits(few, more, size))
#' }
#' @export
compare_fits <- function(..., refit = NULL) {
  if (!is.null(refit)) check_flag(refit, "refit")
  fits <- list(...)
  expressions <- as.list(substitute(list(...)))[-1L]
  is_fit <- vapply(fits, inherits, NA, c("glimmer", "lm"))
  if (!all(is_fit)) refuse_fit(fits, which(!is_fit)[1L], "compare_fits()")
  if (length(fits) < 2L) stop_glimmer("argument", "`compare_fits()` takes two fits or more.", argument = "...")
  shown <- model_names(NULL, expressions)
  given <- names(fits)
  if (!is.null(given)) shown[nzchar(given)] <- given[nzchar(given)]
  names(fits) <- make.unique(shown)
  check_same_data(fits)
  fits <- comparable_fits(fits, refit)
  notes <- refitted_text(attr(fits, "refitted"))
  if (!isFALSE(refit)) fits <- by_one_approximation(fits)
  notes <- c(notes, by_laplace_text(attr(fits, "by_laplace")))
  warn_approximations(fits)
  comparison_table(fits, notes)
}

by_laplace_text <- function(names) {
  if (length(names)) paste0("(fitted again by Laplace, to compare: ", join_items(names, 10L), ")")
}

#' Fits by quadrature, or to second order, fitted again by Laplace's approximation, where others are not by the same
#'
#' Exact likelihoods, and those by quadrature as long as all are, are left as they are.
#' @return The fits, with the attribute `by_laplace`, names of those that were replaced.
#' @noRd
by_one_approximation <- function(fits) {
  method <- vapply(fits, function(fit) if (inherits(fit, "glimmer")) fit$method else "exact", "")
  kinds <- c("aghq", "laplace2", "laplace")
  apart <- method %in% kinds[1:2] & length(intersect(method, kinds)) > 1L
  fits[apart] <- lapply(fits[apart], function(fit) {
    model <- model_of(fit, approximation = new_approximation("laplace"))
    model$call$method <- "laplace"
    suppressWarnings(fit_model(model, start = fit))
  })
  structure(fits, by_laplace = names(fits)[apart])
}

comparison_table <- function(fits, notes) {
  likelihoods <- lapply(fits, stats::logLik)
  value <- vapply(likelihoods, as.numeric, 1)
  npar <- vapply(likelihoods, attr, 1, "df")
  n <- vapply(fits, stats::nobs, 1)
  aic <- 2 * npar - 2 * value
  delta <- aic - min(aic)
  ours <- function(read, other) vapply(fits, function(fit) if (inherits(fit, "glimmer")) read(fit) else other, other)
  table <- data.frame(npar = npar, logLik = value, AIC = aic, AICc = aic + 2 * npar * (npar + 1) / (n - npar - 1),
                      BIC = npar * log(n) - 2 * value, delta = delta, weight = exp(-delta / 2) / sum(exp(-delta / 2)),
                      method = ours(function(fit) approximation_text(fit, short = TRUE), "exact likelihood (ML)"),
                      error = ours(stated_error, 0), verdict = ours(verdict_word, "ok"), row.names = names(fits))
  table <- table[order(table$AIC), ]
  structure(table, notes = notes, class = c("comparison.glimmer", "data.frame"))
}

verdict_word <- function(fit) {
  marked <- fit$status$check[!fit$status$ok]
  if (length(marked)) paste(unique(marked), collapse = ", ") else "ok"
}

#' @rdname compare_fits
#' @method print comparison.glimmer
#' @export
print.comparison.glimmer <- function(x, digits = max(4, getOption("digits") - 2), ...) {
  check_dots(print.comparison.glimmer, ...)
  check_digits(digits)
  cat_wrapped(attr(x, "notes"))
  numbers <- c("npar", "logLik", "AIC", "AICc", "BIC", "delta", "weight")
  if (!all(c(numbers, "method", "verdict") %in% names(x))) {
    print(as.data.frame(x), digits = digits)
    return(invisible(x))
  }
  decimals <- vapply(x[c("logLik", "AIC", "AICc", "BIC", "delta")], format_fixed, character(nrow(x)), 1L)
  cells <- cbind(npar = x$npar, matrix(decimals, nrow(x), dimnames = list(NULL, numbers[2:6])),
                 weight = format.pval(x$weight, 2L), verdict = x$verdict)
  rownames(cells) <- row.names(x)
  print(cells, quote = FALSE, right = TRUE)
  cat_wrapped(paste0("Likelihood: ", join_items(unique(x$method), 4L)))
  invisible(x)
}
