# Contrasts of averages: what the mean of a population would be with a variable at one value and at another.

#' The data over whose rows is averaged, with some variables at given values
#' @return Data frame with the variables of the model.
#' @noRd
rows_with <- function(fit, newdata, at) {
  if (is.null(newdata)) {
    names <- all.vars(stats::delete.response(attr(fit$frame, "terms")))
    newdata <- fit_variables(fit, names, places_outside(sys.frames(), "glimmer"))
    if (is.character(newdata)) {
      stop_glimmer("variable", paste(newdata, "Give them as `newdata = `."), argument = "newdata")
    }
    design <- fit_design(fit)
    check_found(fit, newdata, design)
    counted <- design$weights > 0
    newdata <- newdata[counted, , drop = FALSE]
    # that of the argument, which may not be found in these rows alone
    attr(newdata, "offset") <- fit$frame[["(offset)"]][counted]
  }
  newdata <- with_any_group(fit, check_newdata(newdata))
  if (is.null(at)) {
    return(newdata)
  }
  if (!is.list(at) || is.null(names(at)) || any(lengths(at) != 1L)) {
    stop_glimmer("argument", "`at` must be a named list with one value for each variable.", argument = "at")
  }
  for (name in names(at)) newdata <- set_variable(fit, newdata, name, at[[name]], "at")
  newdata
}

# A basis as that of poly() can be the same in other data, which then mean something else.
check_found <- function(fit, data, design) {
  # which may not be found here
  fit$frame[["(offset)"]] <- NULL
  X <- prediction_rows(fit, with_any_group(fit, data), select_random(fit, NA))$X
  same <- identical(dim(X), dim(design$X)) && max(abs(X - design$X), 0) <= 1e-6 * max(abs(design$X), 1)
  if (!same) {
    stop_glimmer("variable", paste("The data of the fit have changed since: their variables no longer give its model",
                                   "matrix. Give the data as `newdata = `."), argument = "newdata")
  }
}

# The levels are those of the fit.
set_variable <- function(fit, data, name, value, argument) {
  own <- if (name %in% names(fit$frame)) fit$frame[[name]] else data[[name]]
  if (is.null(own)) {
    stop_glimmer("argument", paste0("`", argument, "` names ", format_items(name), ": the variables are ",
                                    format_items(names(data), 20L), "."), argument = argument, variable = name)
  }
  known <- if (is.factor(own)) levels(own) else if (is.character(own)) unique(own)
  can_be <- if (is.null(known)) is.numeric(value) || is.logical(value) else as.character(value) %in% known
  if (!can_be) {
    stop_glimmer("argument", paste0("`", argument, "`: ", format_items(name), " cannot be ", format_items(value), ".",
                                    if (!is.null(known)) paste0(" Its values are ", format_items(known, 20L), ".")),
                 argument = argument, variable = name)
  }
  data[[name]] <- if (is.factor(own)) {
    factor(rep(as.character(value), nrow(data)), levels = known, ordered = is.ordered(own))
  } else {
    rep(value, nrow(data))
  }
  data
}

check_marginal_contrast <- function(contrast) {
  slope <- is.character(contrast) && length(contrast) == 1L && !is.na(contrast)
  list_of_one <- is.list(contrast) && length(contrast) == 1L && !is.null(names(contrast))
  if (!slope && !(list_of_one && length(contrast[[1L]]) > 1L && !anyNA(contrast[[1L]]))) {
    stop_glimmer("argument", paste("`contrast` must be a list of one variable with two values or more, as",
                                   "list(treatment = c(\"placebo\", \"drug\")), or the name of a numeric variable."),
                 argument = "contrast")
  }
  contrast
}

average_contrasts <- function(fit, contrast, data, covariance, level) {
  if (is.character(contrast)) {
    return(contrast_frame(list(average_slope(fit, contrast, data, covariance)), level, contrast))
  }
  name <- names(contrast)
  values <- as.list(contrast[[1L]])
  averages <- lapply(values, function(value) average_at(fit, set_variable(fit, data, name, value, "contrast")))
  labels <- vapply(values, as.character, "")
  means <- Map(function(average, label) {
    describe_average("mean", label, NA_character_, average$mean, average$slopes, covariance, mean_scale(fit))
  }, averages, labels)
  pairs <- lapply(seq_along(values)[-1L], function(k) {
    compare_averages(averages[[k]], averages[[1L]], labels[c(k, 1L)], covariance, mean_scale(fit))
  })
  contrast_frame(c(means, unlist(pairs, recursive = FALSE)), level, name)
}

# The mean over rows, and its derivative in the parameters.
average_at <- function(fit, data) {
  rows <- averaging_rows(fit, data)
  averages <- averaged_means(fit, rows)
  if (anyNA(averages$mean)) stop_no_average(fit, rows, averages$mean)
  list(mean = mean(averages$mean), slopes = colMeans(averages$slopes))
}

# By differences over a hundredth of the variable's standard deviation to each side.
average_slope <- function(fit, name, data, covariance) {
  x <- data[[name]]
  if (!is.numeric(x)) {
    stop_glimmer("argument", paste0("`contrast`: ", format_items(name), " is no numeric variable of the model; give ",
                                    "values, as list(", name, " = c(a, b))."), argument = "contrast", variable = name)
  }
  step <- 0.01 * if (isTRUE(stats::sd(x) > 0)) stats::sd(x) else max(abs(x), 1)
  moved <- lapply(c(step, -step), function(by) average_at(fit, replace(data, name, list(x + by))))
  describe_average("slope", NA_character_, NA_character_, (moved[[1L]]$mean - moved[[2L]]$mean) / (2 * step),
                   (moved[[1L]]$slopes - moved[[2L]]$slopes) / (2 * step), covariance, "identity")
}

# The scale on which limits of a mean cannot leave its range.
mean_scale <- function(fit) {
  range <- family_traits(fit$family)$mean_range
  if (all(is.finite(range))) "logit" else if (is.finite(range[1L])) "log" else "identity"
}

compare_averages <- function(one, reference, labels, covariance, scale) {
  describe <- function(quantity, estimate, slopes, on) {
    describe_average(quantity, labels[1L], labels[2L], estimate, slopes, covariance, on)
  }
  ratio <- one$mean / reference$mean
  log_slopes <- one$slopes / one$mean - reference$slopes / reference$mean
  odds <- function(average) average$mean / (1 - average$mean)
  odds_slopes <- function(average) average$slopes / (average$mean * (1 - average$mean))
  c(list(describe("difference", one$mean - reference$mean, one$slopes - reference$slopes, "identity")),
    if (scale != "identity") list(describe("ratio", ratio, ratio * log_slopes, "log")),
    if (scale == "logit") {
      list(describe("odds ratio", odds(one) / odds(reference),
                    odds(one) / odds(reference) * (odds_slopes(one) - odds_slopes(reference)), "log"))
    })
}

#' @param on The scale of the limits: "identity", "log" or "logit".
#' @noRd
describe_average <- function(quantity, value, reference, estimate, slopes, covariance, on) {
  list(quantity = quantity, value = value, reference = reference, estimate = estimate,
       std.error = sqrt(sum(slopes * (covariance %*% slopes))), on = on)
}

contrast_frame <- function(described, level, variable) {
  field <- function(name, type) vapply(described, `[[`, type, name)
  table <- data.frame(quantity = field("quantity", ""), value = field("value", ""), reference = field("reference", ""),
                      estimate = field("estimate", 1), std.error = field("std.error", 1))
  on <- field("on", "")
  forward <- list(identity = identity, log = log, logit = stats::qlogis)
  back <- list(identity = identity, log = exp, logit = stats::plogis)
  slope <- c(identity = 1, log = NA, logit = NA)[on]
  slope[on == "log"] <- 1 / table$estimate[on == "log"]
  slope[on == "logit"] <- 1 / (table$estimate * (1 - table$estimate))[on == "logit"]
  transformed <- vapply(seq_along(on), function(k) forward[[on[k]]](table$estimate[k]), 1)
  limits <- normal_interval(transformed, slope * table$std.error, level)
  for (k in seq_along(on)) limits[k, ] <- back[[on[k]]](limits[k, ])
  tested <- table$quantity != "mean"
  table$conf.low <- limits[, 1L]
  table$conf.high <- limits[, 2L]
  table$statistic <- ifelse(tested, transformed / (slope * table$std.error), NA_real_)
  table$p.value <- 2 * stats::pnorm(-abs(table$statistic))
  structure(table, variable = variable, level = level, class = c("marginal_contrast.glimmer", "data.frame"))
}

#' @rdname marginal
#' @method print marginal_contrast.glimmer
#' @export
print.marginal_contrast.glimmer <- function(x, digits = max(3, getOption("digits") - 3), ...) {
  check_dots(print.marginal_contrast.glimmer, ...)
  check_digits(digits)
  variable <- attr(x, "variable")
  if (is.null(variable) || !all(c("quantity", "value", "reference", "estimate") %in% names(x))) {
    print(as.data.frame(x), digits = digits)
    return(invisible(x))
  }
  cat_wrapped(paste0("Averages over the rows and over the random effects, by ", variable, " (limits: ",
                     format(100 * attr(x, "level")), " %)"))
  label <- ifelse(is.na(x$value), x$quantity,
                  paste0(x$quantity, ", ", x$value, ifelse(is.na(x$reference), "", paste(" against", x$reference))))
  columns <- intersect(c("estimate", "std.error", "conf.low", "conf.high", "p.value"), names(x))
  cells <- vapply(columns, function(name) {
    if (name == "p.value") ifelse(is.na(x[[name]]), "", format.pval(x[[name]], max(2, digits - 3))) else
      formatC(x[[name]], digits = digits, format = "g")
  }, character(nrow(x)))
  print(matrix(cells, nrow(x), dimnames = list(label, columns)), quote = FALSE, right = TRUE)
  invisible(x)
}
