# Predictions for 'ggeffects', which asks for them through insight::get_predicted().

#' What 'ggeffects' was asked for, where it is what asks
#'
#' It hands on the rows to predict for, with the first level of each grouping factor that is not asked for; whether
#' random effects count, and the level of the limits, it keeps to itself. Version 1 and 2 call these differently.
#'
#' @param frames The frames of the calls that lead here.
#' @return `NULL`, or list of `type`, `terms` (what to predict for, as text), `level` (`NA` for no limits) and
#'   `interval`.
#' @noRd
ggeffects_request <- function(frames) {
  if (!isNamespaceLoaded("ggeffects")) {
    return(NULL)
  }
  asks <- function(frame) {
    identical(parent.env(frame), asNamespace("ggeffects")) && exists("type", frame, inherits = FALSE) &&
      exists("data_grid", frame, inherits = FALSE)
  }
  for (frame in rev(Filter(asks, frames))) {
    level <- get0("ci_level", frame, inherits = FALSE, ifnotfound = get0("ci.lvl", frame, inherits = FALSE))
    return(list(type = get("type", frame), terms = get0("terms", frame, inherits = FALSE),
                level = if (length(level) == 1L) as.numeric(level) else NA_real_,
                interval = get0("interval", frame, inherits = FALSE)))
  }
}

predictions_for_ggeffects <- function(fit, rows, request) {
  fixed <- request$type %in% c("fe", "fixed")
  if (!fixed && !request$type %in% c("re", "random")) {
    stop_not_available("type", paste0("There are predictions for the fixed effects (`type = \"fixed\"`) and for ",
                                      "levels of the fit (`type = \"random\"`), not for type \"", request$type, "\"."))
  }
  if (!fixed) rows <- without_first_levels(fit, rows, request$terms)
  predicted <- stats::predict(fit, rows, re.form = if (fixed) NA, se.fit = TRUE, allow.new.levels = TRUE)
  eta <- unname(predicted$fit)
  limits <- matrix(NA_real_, length(eta), 2L)
  if (identical(request$interval, "prediction") || (!fixed && !identical(request$interval, "confidence"))) {
    warn_glimmer("not_available", "There are no prediction intervals of fits of class 'glimmer': they are NA.",
                 argument = "interval")
  } else if (!is.na(request$level)) {
    limits <- normal_interval(eta, unname(predicted$se.fit), request$level)
  }
  means <- function(eta) response_mean(fit$family, fit$family$linkinv(eta), constant_of(fit))
  # an inverse link may fall
  ends <- matrix(means(limits), ncol = 2L)
  data.frame(Predicted = means(eta), CI_low = pmin(ends[, 1L], ends[, 2L]),
             CI_high = pmax(ends[, 1L], ends[, 2L]))
}

# Grouping variables that were not asked for get a level that the fit does not know.
without_first_levels <- function(fit, rows, terms) {
  asked <- c(sub("[[:space:]]*[[].*$", "", terms), all.vars(fit$terms))
  grouping <- unlist(lapply(names(fit$modes), function(group) all.vars(str2lang(group))))
  for (variable in intersect(setdiff(grouping, asked), names(rows))) {
    rows[[variable]] <- factor("none of those in the fit")
  }
  rows
}
