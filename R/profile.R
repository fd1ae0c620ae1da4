# Profile likelihood: profile() of a fit, what it prints and draws, and intervals by it.

#' Profile log-likelihoods of the parameters
#'
#' For each value of a parameter the largest log-likelihood over all others. Where it falls by `qchisq(level, 1) / 2`
#' are the limits of an interval that, unlike a Wald interval, need not be symmetric on any scale.
#'
#' @param fitted Object of class `glimmer`, not of the joint method.
#' @param which Names or positions of the parameters: the rows of [confint()][confint.glimmer]; `"beta_"` for all fixed
#'   effects, `"theta_"` for all others. Without it, everything.
#' @param alphamax Number between 0 and 1: the profile goes as far as an interval of level `1 - alphamax` does.
#' @param points Whole number: how many values on each side of the estimate, about.
#' @param ... For `plot()`: graphical parameters, as of [plot()][plot.glimmer] of a fit; otherwise not used.
#' @param x,object Result of `profile()`.
#' @param row.names,optional Not used; there for the generic.
#' @param parm Names or positions of parameters that were profiled; without it, all.
#' @param level Number between 0 and 1: the confidence level, at most `1 - alphamax`.
#' @param levels Numbers between 0 and 1: the levels of intervals that are drawn.
#' @param digits Number of significant digits.
#' @param absolute Logical: draw the absolute value of zeta.
#' @return `profile()`: object of class `profile.glimmer`, a list by parameter of data frames with a row a value:
#'   `value` (of the parameter, as [confint()][confint.glimmer] has it), `zeta` (the root of twice what the value costs
#'   of the log-likelihood, negative below the estimate), `logLik`, and `parameters` (matrix: all parameters there, as
#'   in `component(fit, "parameters")`).
#'   `as.data.frame()`: data frame of `parameter`, `value`, `zeta` and `logLik`.
#'   `confint()`: numeric matrix as by [confint.glimmer()], between the values of the profile.
#'   `print()` and `plot()` return their argument invisibly.
#' @details
#' A parameter may end before its interval does: a standard deviation at 0, a correlation at -1 or 1, and what the data
#' do not bound at infinity. These ends are then the limits. Zeta is close to a straight line in the parameter where
#' a Wald interval would do.
#'
#' Of a fit by REML the standard deviations, correlations and the residual standard deviation are profiled by the
#' restricted log-likelihood; fixed effects have none, and are profiled by the fit by maximum likelihood, which is made
#' for it.
#'
#' By quadrature the nodes are chosen anew at each value, as at the estimates.
#' @section Errors: `glimmer_error_argument` for arguments that are none; `glimmer_error_not_available` for a fit by the
#'   joint method. `glimmer_warning_profile`, where a profile has found a log-likelihood above that of the fit.
#' @seealso [confint.glimmer()]
#' @references
#' Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using lme4. *Journal
#' of Statistical Software* 67(1), 1-48, section 5.1. \doi{10.18637/jss.v067.i01}
#' @examples
#' fit <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), data = esoph, family = binomial)
#' curves <- profile(fit, "theta_")
#' print(curves)
#' plot(curves)
#' confint(curves, level = 0.9)
#' @importFrom stats profile
#' @method profile glimmer
#' @export
profile.glimmer <- function(fitted, which, alphamax = 0.01, points = 8L, ...) {
  check_dots(profile.glimmer, ...)
  check_level(alphamax, "alphamax")
  check_number(points, "points", 2, whole = TRUE)
  farthest <- sqrt(stats::qchisq(1 - alphamax, 1))
  curves <- over_profiles(fitted, if (missing(which)) NULL else which, function(zeta, quantity) {
    follow_profile(zeta, quantity, farthest, farthest / points)
    structure(zeta$found(), ends = quantity$report(quantity$range), estimate = quantity$report(quantity$estimate))
  })
  structure(curves, alphamax = alphamax, title = profile_title(fitted),
            fixed = sum(names(curves) %in% names(fixef.glimmer(fitted))), class = c("profile.glimmer", "profile"))
}

profile_title <- function(fit) {
  fixed <- if (fit$REML) "; of fixed effects by maximum likelihood"
  paste0("Profile log-likelihoods by ", approximation_text(fit, short = TRUE), fixed)
}

#' Do something for each parameter wanted
#'
#' @param which As of [profile.glimmer()], `NULL` for all. @param argument What it is called.
#' @param visit Function of [zeta_of()] and of one of [profiled_quantities()].
#' @return List of results, by the names of the rows of [confint.glimmer()]; `NULL` of a correlation that is not there
#'   as an effect does not vary.
#' @noRd
over_profiles <- function(fit, which, visit, argument = "which") {
  check_profiled(fit)
  quantities <- profiled_quantities(fit)
  fixed <- vapply(quantities, function(quantity) quantity$fixed, NA)
  wanted <- seq_along(quantities)
  if (!is.null(which)) {
    chosen <- choose_parameters(which, names(quantities), sum(fixed), argument)
    wanted <- if (is.character(chosen)) match(chosen, names(quantities)) else chosen
  }
  step <- start_progress(length(wanted))
  visit_all <- function(fit, quantities) {
    if (!length(quantities)) {
      return(list())
    }
    opened <- open_profile(fit)
    lapply(quantities, function(quantity) {
      on.exit(step())
      if (!is.na(quantity$estimate)) visit_profile(opened, quantity, visit)
    })
  }
  # of fixed effects there is no restricted log-likelihood
  by_likelihood <- if (fit$REML) wanted[fixed[wanted]]
  found <- visit_all(fit, quantities[setdiff(wanted, by_likelihood)])
  if (length(by_likelihood)) {
    other <- fit_by_likelihood(fit)
    found <- c(found, visit_all(other, profiled_quantities(other)[by_likelihood]))
  }
  found[names(quantities)[wanted]]
}

check_profiled <- function(fit) {
  if (fit$method == "joint") {
    stop_not_available("method", paste("The joint method has no likelihood that could be searched again: fit by",
                                       "another method."))
  }
}

visit_profile <- function(opened, quantity, visit) {
  zeta <- zeta_of(opened, quantity)
  result <- visit(zeta, quantity)
  gain <- max(zeta$found()$logLik) - opened$value
  if (gain > 1e-3) warn_higher(gain)
  result
}

# A search from the fit, with something held, that ends above it.
warn_higher <- function(gain) {
  warn_glimmer("profile", paste0("A search has found a log-likelihood ", format(gain, digits = 2), " above that of ",
                                 "the fit, which then is no maximum: fit again from other starts, glmm(start = )."),
               gain = gain)
}

# Values on both sides, about `by` of zeta from one to the next, until it is past the farthest or the range ends.
follow_profile <- function(zeta, quantity, farthest, by) {
  for (side in c(-1, 1)) {
    end <- quantity$range[if (side < 0) 1L else 2L]
    at <- quantity$estimate
    reached <- 0
    step <- by * if (isTRUE(quantity$se > 0)) quantity$se else 1
    for (turn in 1:40) {
      if (abs(at - end) < 1e-8 || reached > farthest) break
      to <- if (side * (at + side * step - end) > 0) end else at + side * step
      now <- abs(zeta$evaluate(to))
      # a step no more than twice as long as the last one
      step <- if (is.finite(now)) abs(to - at) * min(by / max(now - reached, by / 2), 2) else 0
      at <- to
      reached <- now
    }
  }
}

#' @rdname profile.glimmer
#' @method confint profile.glimmer
#' @export
confint.profile.glimmer <- function(object, parm, level = 0.95, ...) {
  check_dots(confint.profile.glimmer, ...)
  check_level(level)
  if (level > 1 - attr(object, "alphamax")) {
    stop_glimmer("argument", paste0("`level` must be at most ", 1 - attr(object, "alphamax"), ", how far the profile ",
                                    "goes: profile(fit, alphamax = ", format(1 - level), ") goes farther."),
                 argument = "level")
  }
  if (!missing(parm)) object <- unclass(object)[choose_parameters(parm, names(object), attr(object, "fixed"))]
  to <- sqrt(stats::qchisq(level, 1))
  limit_table(lapply(object, function(curve) if (!is.null(curve)) curve_limits(curve, to)), level)
}

# Limits by parameter as confint() gives them; `NULL`: none.
limit_table <- function(limits, level) {
  table <- t(vapply(limits, function(own) if (is.null(own)) c(NA_real_, NA_real_) else own, numeric(2)))
  dimnames(table) <- list(names(limits), level_names(level))
  table
}

# Where zeta crosses a limit on either side, by a curve through its values; the end of the range where it does not.
curve_limits <- function(curve, to) {
  ends <- sort(attr(curve, "ends"))
  usable <- is.finite(curve$zeta) & !duplicated(curve$zeta)
  zeta <- curve$zeta[usable]
  value <- curve$value[usable]
  at <- function(limit, end) {
    if (abs(limit) > max(limit / to * zeta)) {
      return(end)
    }
    if (is.unsorted(zeta)) stats::approx(zeta, value, limit)$y else stats::spline(zeta, value, xout = limit)$y
  }
  c(at(-to, ends[1L]), at(to, ends[2L]))
}

#' @rdname profile.glimmer
#' @method as.data.frame profile.glimmer
#' @export
as.data.frame.profile.glimmer <- function(x, row.names = NULL, optional = FALSE, ...) {
  check_dots(as.data.frame.profile.glimmer, ...)
  rows <- Map(function(name, curve) {
    if (!is.null(curve)) data.frame(parameter = name, curve[c("value", "zeta", "logLik")], row.names = NULL)
  }, names(x), unclass(x))
  do.call(rbind, unname(rows))
}

#' @rdname profile.glimmer
#' @method print profile.glimmer
#' @export
print.profile.glimmer <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.profile.glimmer, ...)
  check_digits(digits)
  level <- min(0.95, 1 - attr(x, "alphamax"))
  limits <- confint.profile.glimmer(x, level = level)
  estimate <- vapply(x, function(curve) if (is.null(curve)) NA_real_ else attr(curve, "estimate"), 1)
  cat_wrapped(attr(x, "title"))
  print(format(cbind(Estimate = estimate, limits), digits = digits), quote = FALSE)
  cat_wrapped(ends_text(x, limits))
  invisible(x)
}

# Which limits are ends of the range, not where the log-likelihood has fallen.
ends_text <- function(x, limits) {
  ended <- vapply(seq_along(x), function(k) any(limits[k, ] %in% attr(x[[k]], "ends")), NA)
  if (any(ended)) {
    paste0("Not bounded by the data on one side or both: ", join_items(names(x)[ended], 10L),
           ", whose range ends before the log-likelihood has fallen far enough.")
  }
}

#' @rdname profile.glimmer
#' @method plot profile.glimmer
#' @export
plot.profile.glimmer <- function(x, levels = c(0.5, 0.8, 0.95), absolute = TRUE, ...) {
  check_dots(plot.profile.glimmer, ..., .others = graphical_parameters)
  check_flag(absolute, "absolute")
  if (!is.numeric(levels)) check_level(levels, "levels")
  for (level in levels) check_level(level, "levels")
  curves <- Filter(Negate(is.null), unclass(x))
  columns <- min(3L, ceiling(sqrt(length(curves))))
  if (all(graphics::par("mfrow") == 1L)) {
    old <- graphics::par(mfrow = c(min(3L, ceiling(length(curves) / columns)), columns), mar = c(4.1, 4.1, 1, 1))
    on.exit(graphics::par(old))
  }
  for (name in names(curves)) draw_profile(curves[[name]], name, levels, absolute, ...)
  invisible(x)
}

# Zeta against the value, and the intervals where they are read off.
draw_profile <- function(curve, name, levels, absolute, ...) {
  curve <- curve[is.finite(curve$zeta), ]
  height <- function(zeta) if (absolute) abs(zeta) else zeta
  graphics::plot(curve$value, height(curve$zeta), type = "n", xlab = name,
                 ylab = if (absolute) "|zeta|" else "zeta", ...)
  for (level in levels) {
    to <- sqrt(stats::qchisq(level, 1))
    limits <- curve_limits(curve, to)
    limits[!is.finite(limits)] <- range(curve$value)[!is.finite(limits)]
    graphics::segments(limits, c(0, 0), limits, height(c(-to, to)), col = "grey60")
    if (absolute) graphics::segments(limits[1L], to, limits[2L], to, col = "grey60")
  }
  fine <- if (!is.unsorted(curve$zeta) && nrow(curve) > 3L) stats::spline(curve$value, curve$zeta, n = 200L) else
    list(x = curve$value, y = curve$zeta)
  graphics::lines(fine$x, height(fine$y))
  graphics::points(curve$value, height(curve$zeta), pch = 16, cex = 0.5)
}
