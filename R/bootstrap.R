# The parametric bootstrap: responses drawn from a fit, the model fitted to each, and intervals by the estimates.

#' Parametric bootstrap
#'
#' Draws responses from the fitted model, random effects included, fits the model to each, and keeps a statistic of each
#' fit. It asks neither for normality of the estimates nor for many groups, only that the model holds.
#'
#' @param fit Object of class `glimmer`.
#' @param statistic `NULL`, all parameters as [confint()][confint.glimmer] has them; or a function of a fit that gives a
#'   numeric vector, always of the same length.
#' @param nsim Whole number: how many responses.
#' @param seed `NULL`, or a whole number: the seed of the random numbers, afterwards as they were before.
#' @param x,object Result of `bootstrap()`.
#' @param parm Names or positions of the statistics wanted; without it, all.
#' @param level Number between 0 and 1: the confidence level.
#' @param type `"perc"`: quantiles of the estimates; `"basic"`: these reflected at the estimate; `"norm"`: the estimate
#'   less its bias, with normal quantiles of the standard error; `"bca"`: quantiles corrected for bias and skewness (for
#'   `statistic = NULL`, with one grouping factor or factors nested in one).
#' @param digits Number of significant digits.
#' @param row.names,optional Not used; there for the generic.
#' @param ... Not used.
#' @return Object of class `glimmer_bootstrap` (and `boot`, for `boot::boot.ci()` and `plot()` of 'boot'), a list of
#'   \describe{
#'     \item{`t0`}{named numeric: the statistic of the fit}
#'     \item{`t`}{matrix, a row a response, a column a statistic; rows of `NA` where the fit ended with an error}
#'     \item{`R`}{whole number: `nsim`}
#'     \item{`logLik`}{numeric, one a response: the log-likelihood of its fit}
#'     \item{`converged`}{logical, one a response: whether its fit did}
#'     \item{`message`}{character, one a response: what speaks against its fit, or the error; `""` where nothing does}
#'     \item{`seed`}{state of the random number generator before the first draw, as [simulate()][simulate.glimmer] has
#'       it}
#'     \item{`call`, `statistic`, `sim`, `data`}{what 'boot' asks for}
#'     \item{`fixed`, `skewness`}{how many of the first are fixed effects; for `"bca"` the acceleration of each
#'       parameter, or `NULL`}
#'   }
#'   `confint()`: numeric matrix with a row a statistic. `as.data.frame()`: `t` with `logLik`, `converged` and
#'   `message`. `print()` returns its argument invisibly.
#' @details
#' Estimates are searched from those of the fit, in an engine that stays open; where such a search does not end at a
#' maximum beyond doubt (a standard deviation near 0, separated responses) the model is fitted in full. A `statistic` of
#' your own has full fits only. Fits that did not converge are kept, marked in `converged`; intervals use all that have
#' estimates.
#'
#' The bias of an estimate is printed as the mean of the bootstrap estimates less the estimate. The bootstrap draws from
#' the estimates, as if they were the truth: with few groups variances are estimated too small, and so are intervals.
#'
#' If a plan of 'future' with several workers is set (`future::plan()`) and 'future.apply' is installed the responses
#' are shared out among these; the responses are drawn before, so that results are the same with any plan. Progress is
#' shown through 'progressr', if a handler of that is set.
#' @section Errors: `glimmer_error_argument` for arguments that are none, a `statistic` that does not give numbers of
#'   one length, and `"bca"` where it is not there.
#' @references
#' Davison, A. C. and Hinkley, D. V. (1997). *Bootstrap Methods and their Application*, chapters 2, 5. Cambridge
#' University Press. \doi{10.1017/CBO9780511802843}
#'
#' Efron, B. (1987). Better bootstrap confidence intervals. *Journal of the American Statistical Association* 82,
#' 171-185. \doi{10.1080/01621459.1987.10478410}
#' @seealso [confint.glimmer()], [profile.glimmer()], [simulate.glimmer()], [refit.glimmer()]
#' @examples
#' fit <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), data = esoph, family = binomial)
#' drawn <- bootstrap(fit, nsim = 50, seed = 1)
#' print(drawn)
#' confint(drawn)
#' # the odds of a case in a new, typical age group
#' confint(bootstrap(fit, function(fit) exp(fixef(fit)), nsim = 20, seed = 1))
#' @export
bootstrap <- function(fit, statistic = NULL, nsim = 1000L, seed = NULL, ...) {
  check_fit(fit)
  check_dots(bootstrap, ...)
  check_draws(nsim, seed)
  if (!is.null(statistic) && !is.function(statistic)) {
    stop_glimmer("argument", "`statistic` must be NULL or a function of a fit.", argument = "statistic")
  }
  at_fit <- if (is.null(statistic)) report_parameters(fit)(fit$parameters) else check_statistic(statistic(fit))
  state <- random_state(seed)
  on.exit(state$restore())
  results <- fit_drawn(fit, statistic, nsim, length(at_fit))
  values <- do.call(rbind, lapply(results, function(one) one$statistic))
  dimnames(values) <- list(NULL, names(at_fit))
  structure(
    list(t0 = at_fit, t = values, R = as.integer(nsim), logLik = vapply(results, function(one) one$log_likelihood, 1),
         converged = vapply(results, function(one) one$converged, NA),
         message = vapply(results, function(one) one$message, ""), seed = state$state, call = match.call(),
         statistic = statistic, sim = "parametric", data = NULL,
         fixed = if (is.null(statistic)) length(fit$index$beta) else 0L,
         skewness = if (is.null(statistic)) accelerations(fit)),
    class = c("glimmer_bootstrap", "boot")
  )
}

check_draws <- function(nsim, seed) {
  check_number(nsim, "nsim", 2, .Machine$integer.max, whole = TRUE)
  if (!is.null(seed)) check_number(seed, "seed", -.Machine$integer.max, .Machine$integer.max)
}

check_statistic <- function(value, length = NULL) {
  if (!is.numeric(value) || !length(value) || !is.null(length) && length(value) != length) {
    stop_glimmer("argument", paste0("`statistic` must give ", if (is.null(length)) "a numeric vector" else
      paste(length, "numbers, as of the fit itself"), " (got ", class(value)[1L], " of length ", length(value), ")."),
      argument = "statistic")
  }
  value
}

# In blocks, so that not all responses are there at once.
fit_drawn <- function(fit, statistic, nsim, size, block = 200L) {
  step <- start_progress(nsim)
  spread <- share_out()
  estimates <- if (is.null(spread)) open_estimates(fit)
  results <- list()
  while (length(results) < nsim) {
    responses <- unclass(simulate.glimmer(fit, min(block, nsim - length(results))))
    found <- if (is.null(spread)) {
      lapply(responses, fit_one, estimates, statistic, size, step)
    } else {
      unlist(spread(split(responses, ceiling(seq_along(responses) / 25)), function(own) {
        estimates <- open_estimates(fit)
        lapply(own, fit_one, estimates, statistic, size, step)
      }), recursive = FALSE)
    }
    results <- c(results, unname(found))
  }
  results
}

# future_lapply() where a plan of several workers is set; or `NULL`.
share_out <- function() {
  if (!requireNamespace("future.apply", quietly = TRUE) || future::nbrOfWorkers() < 2L) {
    return(NULL)
  }
  function(x, f) unname(future.apply::future_lapply(x, f, future.seed = NULL, future.packages = "glimmer"))
}

fit_one <- function(response, estimates, statistic, size, step) {
  on.exit(step())
  found <- estimate_response(estimates, response, in_full = !is.null(statistic))
  found$statistic <- if (is.null(statistic)) {
    estimates$report(found$parameters)
  } else if (is.null(found$fit)) {
    rep(NA_real_, size)
  } else {
    attempt(check_statistic(statistic(found$fit), size), identity)
  }
  if (inherits(found$statistic, "condition")) {
    found$message <- paste("statistic:", conditionMessage(found$statistic))
    found$statistic <- rep(NA_real_, size)
  }
  found[c("statistic", "log_likelihood", "converged", "message")]
}

#' Acceleration of each reported parameter: the skewness of its influence by clusters
#'
#' The influence of a cluster is J^-1 s_g, s_g its part of the gradient (Efron 1987, section 7; Davison and Hinkley
#' 1997, equation 5.23).
#' @return Named numeric; `NULL` where the log-likelihood is no sum over clusters.
#' @noRd
accelerations <- function(fit) {
  scores <- attempt(cluster_scores(fit), function(e) NULL)
  covariance <- fit$covariance
  if (is.null(scores) || !all(is.finite(covariance))) {
    return(NULL)
  }
  report <- report_parameters(fit)
  centre <- report(fit$parameters)
  # by small steps along each influence, so that it need not be known how a reported one depends on the others
  influence <- scores %*% covariance
  steps <- 1e-4 * sqrt(diag(covariance)) / pmax(apply(abs(influence), 2L, max), .Machine$double.xmin)
  scale <- min(steps)
  moved <- apply(influence, 1L, function(own) (report(fit$parameters + scale * own) - centre) / scale)
  moved <- matrix(moved, length(centre))
  stats::setNames(rowSums(moved^3) / (6 * rowSums(moved^2)^1.5), names(centre))
}

#' @rdname bootstrap
#' @method confint glimmer_bootstrap
#' @export
confint.glimmer_bootstrap <- function(object, parm, level = 0.95, type = c("perc", "basic", "norm", "bca"), ...) {
  check_dots(confint.glimmer_bootstrap, ...)
  check_level(level)
  type <- match_choice(type, c("perc", "basic", "norm", "bca"), "type")
  wanted <- if (missing(parm)) seq_along(object$t0) else choose_statistics(parm, object)
  if (type == "bca" && is.null(object$skewness)) {
    stop_glimmer("argument", paste("`type = \"bca\"` is there for the parameters of fits by maximum likelihood with",
                                   "independent groups (`statistic = NULL`) and no parameter on the boundary; use",
                                   "\"perc\", \"basic\" or \"norm\"."), argument = "type")
  }
  limits <- lapply(wanted, function(k) {
    drawn <- object$t[is.finite(object$t[, k]), k]
    bootstrap_limits(object$t0[[k]], drawn, level, type, object$skewness[k])
  })
  names(limits) <- if (is.null(names(object$t0))) wanted else names(object$t0)[wanted]
  limit_table(limits, level)
}

choose_statistics <- function(parm, object) {
  names <- names(object$t0)
  if (is.null(names)) names <- as.character(seq_along(object$t0))
  chosen <- choose_parameters(parm, names, object$fixed)
  if (is.character(chosen)) match(chosen, names) else chosen
}

# Davison and Hinkley (1997), equations 5.5, 5.6, 5.18 and 5.21.
bootstrap_limits <- function(estimate, drawn, level, type, skewness) {
  tails <- c((1 - level) / 2, (1 + level) / 2)
  if (length(drawn) < 2L || is.na(estimate)) {
    return(c(NA_real_, NA_real_))
  }
  switch(type,
    perc = bootstrap_quantile(drawn, tails),
    basic = 2 * estimate - bootstrap_quantile(drawn, rev(tails)),
    norm = 2 * estimate - mean(drawn) + stats::qnorm(tails) * stats::sd(drawn),
    bca = {
      # draws that are equal to the estimate, as at a boundary, count half
      below <- mean(drawn < estimate) + mean(drawn == estimate) / 2
      shift <- stats::qnorm(below)
      z <- shift + stats::qnorm(tails)
      corrected <- stats::pnorm(shift + z / (1 - skewness * z))
      if (is.finite(shift)) bootstrap_quantile(drawn, corrected) else c(NA_real_, NA_real_)
    })
}

# The (R + 1) p-th smallest of R, by a line between two.
bootstrap_quantile <- function(drawn, p) {
  unname(stats::quantile(drawn, p, type = 6L))
}

#' @rdname bootstrap
#' @method as.data.frame glimmer_bootstrap
#' @export
as.data.frame.glimmer_bootstrap <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(as.data.frame.glimmer_bootstrap, ...)
  data.frame(x$t, logLik = x$logLik, converged = x$converged, message = x$message, check.names = FALSE)
}

#' @rdname bootstrap
#' @method print glimmer_bootstrap
#' @export
print.glimmer_bootstrap <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.glimmer_bootstrap, ...)
  check_digits(digits)
  cat_wrapped(paste0("Parametric bootstrap, ", count_text(x$R), " responses drawn from the fit"))
  bias <- colMeans(x$t, na.rm = TRUE) - x$t0
  moments <- cbind(Estimate = x$t0, Bias = replace(bias, is.nan(bias), NA_real_),
                   "Std. Error" = apply(x$t, 2L, stats::sd, na.rm = TRUE), confint.glimmer_bootstrap(x))
  print(format(moments, digits = digits), quote = FALSE)
  cat_wrapped(failures_text(x))
  invisible(x)
}

failures_text <- function(x) {
  failed <- sum(is.na(x$logLik))
  doubtful <- sum(!x$converged) - failed
  lost <- sum(!stats::complete.cases(x$t) & !is.na(x$logLik))
  c(if (lost) paste0("In ", count_text(lost), " of ", count_text(x$R), " draws some statistics are not there: see ",
                     "$message."),
    if (failed) paste0(count_text(failed), " of ", count_text(x$R), " fits ended with an error: see $message."),
    if (doubtful) paste0(count_text(doubtful), " of ", count_text(x$R), " fits did not converge, and are used as they ",
                         "are: see $converged and $message."))
}
