# Prediction: X beta + Z b from the vectors that the fit holds, and its standard error from the joint information on
# beta and b.

#' Predict from a fit
#'
#' Predicted linear predictors or means, for the rows of the fit or for new data, with all, some or none of the random
#' effects at their conditional modes.
#'
#' @param object Object of class `glimmer`.
#' @param newdata Data frame with the variables of the model, or `NULL` for the rows of the fit. The response is not
#'   needed, nor are the grouping variables of terms that `re.form` leaves out. `poly()`, `ns()`, `scale()`, factor
#'   levels and contrasts are those of the fit. Offsets, in the formula or as argument of [glmm()], are evaluated in
#'   `newdata`. Constants and functions may come from where the formula was made, values by row may not.
#'   Rows for which the data do not determine the fixed part, as those of an empty cell (a combination of factor levels
#'   without data), are `NA`, with a warning that names them.
#' @param type `"link"`, the scale of the linear predictor (the default), or `"response"`, the mean: for a binomial
#'   response a probability. It is the mean at the random effects that count, the others being 0: for a level that the
#'   fit has not seen, or with `re.form = NA`, that of a level whose random effect is 0, as in 'lme4' and 'glmmTMB', and
#'   not the average over levels, which is another number unless the link is the identity. `"marginal"` is that average:
#'   the mean over random effects drawn from the model, see [marginal()]; the grouping variables are not needed in
#'   `newdata`.
#' @param re.form Which random effects count: `NULL`, all of them; `NA` or `~0`, none, the prediction for a group
#'   whose random effects are 0; or a one-sided formula with some of the random terms, such as `~ (1 | g)`, also for
#'   a fit with `(x | g)`.
#' @param se.fit Logical: standard errors too.
#' @param allow.new.levels Logical: whether levels of a grouping factor that the fit has not seen are allowed. Their
#'   random effects are predicted as 0, and their standard errors contain the variance of the random effects. Levels
#'   without rows in the fit that a known covariance has (see [glmm()]) are no such levels: what is predicted for them
#'   comes from those that are related to them.
#' @param na.action What to do with missing values in `newdata`: [stats::na.pass()], the default, gives `NA` for such
#'   rows. Without `newdata` the rows that were left out of the fit are `NA` if [stats::na.exclude()] left them out, or
#'   is given here.
#' @param ... Not used. Arguments of other packages' methods that would change the prediction are errors.
#'
#' @return Numeric vector with the names of the rows. With `se.fit = TRUE` a list of `fit`, that vector; `se.fit`, the
#'   standard errors on the same scale; `residual.scale`, the square root of the dispersion.
#'
#' @section Standard errors:
#' They are those of prediction: the standard deviation of x'beta + z'b at the estimates minus x'beta + z'b at the true
#' values, where b are the random effects that count. With W the observed weights and Sigma the covariance of all
#' random effects, the covariance of beta and b given the variance parameters is the inverse of
#' \preformatted{    X'WX    X'WZ
#'     Z'WX    Z'WZ + Sigma^-1}
#' It is computed without the inverse of Sigma, so that a singular fit has standard errors too. The uncertainty of the
#' variance parameters (and of the dispersion) is not in it. Without random effects (`re.form = NA`) the standard errors
#' are those of x'beta by [vcov()], which has that uncertainty. For `type = "response"` the standard errors are
#' multiplied by |d mean / d eta| (the delta method). Those of `type = "marginal"` are by the delta method, too, from
#' the covariance of all parameters. That is a good description only where they are small. Where the
#' range of the mean forbids the result it is `NA`, with a warning: more than 1/2 for a probability, or a standard error
#' that takes the linear predictor out of what the link allows. Limits that respect the range are those of the linear
#' predictor, transformed: see the example.
#'
#' @section Errors:
#' `glimmer_error_levels`: a level that the fit has not seen, in the fields `variable` and `levels`.
#' `glimmer_error_variable`: a variable is missing in `newdata` or has another type. `glimmer_error_re_form`:
#' `re.form` is not understood or not part of the model. `glimmer_error_offset`: the `offset` argument of the fit
#' cannot be evaluated in `newdata`.
#' Both also where values by row come from outside `newdata`, as those of `d$x` in the formula or of
#' `offset = log(d$e)` do, whatever the number of rows.
#' `glimmer_warning_estimable`: rows are not estimable, in the fields `rows`, `cells` (their values of the variables
#' that matter) and `columns` (those that were left out of the model matrix).
#' `glimmer_warning_other_rows`: the value of a variable depends on other rows than its own, as those of `rank(x)`,
#' `I(x - mean(x))` and `as.numeric(scale(x))` do, so that in other data it is another variable. It is found when the
#' model is fitted, by evaluating the variable in a few rows alone. Put such values into the data as a column.
#' `glimmer_warning_standard_error`: standard errors are `NA`, because the information is not positive definite, or
#' because the range of the mean forbids them (in the fields `rows` and `link_scale`, those of the linear predictor).
#' `glimmer_warning_mean`: means are `NA` because the link does not allow the linear predictor, as below 0 for counts
#' with the identity link, in the fields `rows` and `linear_predictor`.
#'
#' @references
#' Booth, J. G. and Hobert, J. P. (1998). Standard errors of prediction in generalized linear mixed models.
#' *Journal of the American Statistical Association* 93, 262-272. \doi{10.1080/01621459.1998.10474107}
#'
#' Henderson, C. R. (1975). Best linear unbiased estimation and prediction under a selection model.
#' *Biometrics* 31, 423-447. \doi{10.2307/2529430}
#'
#' @seealso [fitted.glimmer()], [simulate.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   new <- data.frame(trt = c("placebo", "drug"), ID = "X01")
#'   # for child X01
#'   predict(fit, new, type = "response", se.fit = TRUE)
#'   # for a child whose random effect is 0
#'   predict(fit, new, type = "response", re.form = NA)
#'   # 95 % limits of the probabilities
#'   p <- predict(fit, new, se.fit = TRUE)
#'   family(fit)$linkinv(p$fit + outer(p$se.fit, c(lower = -1.96, upper = 1.96)))
#' }
#' @importFrom stats predict
#' @export
predict.glimmer <- function(object, newdata = NULL, type = c("link", "response", "marginal"), re.form = NULL,
                            se.fit = FALSE, allow.new.levels = FALSE, na.action = stats::na.pass, ...) {
  check_dots(predict.glimmer, ...)
  type <- match_choice(type, c("link", "response", "marginal"), "type")
  check_flag(se.fit, "se.fit")
  check_flag(allow.new.levels, "allow.new.levels")
  if (type == "marginal") {
    return(predict_marginal(object, newdata, re.form, se.fit, na.action))
  }
  rows <- prediction_rows(object, newdata, select_random(object, re.form), na.action)
  check_new_levels(rows, allow.new.levels)
  eta <- linear_predictor(object, rows)
  fit <- if (type == "link") eta else predicted_means(object, eta, rows)
  result <- finish_rows(fit, rows)
  if (!se.fit) {
    return(result)
  }
  deviation <- sqrt(prediction_variance(object, rows))
  if (type == "response") deviation <- mean_deviation(object, eta, deviation, rows)
  list(fit = result, se.fit = finish_rows(deviation, rows), residual.scale = residual_scale(object))
}

# Averaged over the random effects; their standard errors have the uncertainty of all parameters.
predict_marginal <- function(fit, newdata, re_form, se_fit, na_action) {
  if (!is.null(re_form)) {
    stop_glimmer("re_form", "`type = \"marginal\"` averages over all random effects: leave `re.form` out.",
                 argument = "re.form")
  }
  if (!is.null(newdata)) newdata <- with_any_group(fit, check_newdata(newdata))
  rows <- prediction_rows(fit, newdata, select_random(fit, NULL), na_action)
  complete <- setdiff(seq_along(rows$names), rows$without_value)
  averages <- averaged_means(fit, chosen_rows(rows, complete), se_fit)
  mean <- replace(rep(NA_real_, length(rows$names)), complete, averages$mean)
  lost <- setdiff(which(is.na(mean)), rows$without_value)
  if (length(lost)) {
    warn_glimmer("mean", paste0("The averages of ", format_rows(rows$names[lost]), " are NA: the ", fit$family$link,
                                " link does not allow all linear predictors that the random effects lead to."),
                 rows = rows$names[lost])
  }
  if (!se_fit) {
    return(finish_rows(mean, rows))
  }
  covariance <- known_covariance_of(fit, NULL)
  error <- sqrt(rowSums((averages$slopes %*% covariance) * averages$slopes))
  error <- replace(rep(NA_real_, length(mean)), complete, error)
  list(fit = finish_rows(mean, rows), se.fit = finish_rows(error, rows), residual.scale = residual_scale(fit))
}

# NA with a warning where the link allows no such linear predictor.
predicted_means <- function(fit, eta, rows) {
  means <- means_of(fit$family, eta)
  lost <- setdiff(which(is.na(means) & !is.na(eta)), rows$without_value)
  if (length(lost)) {
    labels <- rows$names[lost]
    warn_glimmer("mean", paste0(agree(length(lost), "The mean of ", "The means of "), format_rows(labels),
                                agree(length(lost), " is", " are"), " NA: ", no_mean_text(fit$family, eta[lost]),
                                ". `type = \"link\"` gives linear predictors."),
                 rows = labels, linear_predictor = unname(eta[lost]))
  }
  response_mean(fit$family, means, constant_of(fit))
}

#' Standard errors of means by the delta method, NA with a warning where the range of the mean forbids them
#'
#' A quantity between two bounds has a standard deviation of half their distance at most. Where one standard error to a
#' side takes the linear predictor out of what the link allows, there is no straight line to speak of.
#'
#' @param deviation Standard errors of the linear predictors `eta`.
#' @noRd
mean_deviation <- function(fit, eta, deviation, rows) {
  # as in means_of(): 'stats' refuses a vector of length 0
  if (!length(eta)) {
    return(deviation)
  }
  family <- fit$family
  range <- family_traits(family)$mean_range
  result <- deviation * abs(family$mu.eta(eta) * response_slope(family, family$linkinv(eta), constant_of(fit)))
  beyond <- is.na(means_of(family, eta - deviation)) | is.na(means_of(family, eta + deviation))
  forbidden <- which(!is.na(deviation) & !is.na(means_of(family, eta)) & (beyond | result > diff(range) / 2))
  forbidden <- setdiff(forbidden, rows$without_value)
  result[union(forbidden, which(is.na(means_of(family, eta))))] <- NA
  if (length(forbidden)) {
    labels <- rows$names[forbidden]
    count <- length(forbidden)
    warn_glimmer("standard_error", paste0(
      agree(count, "The standard error of ", "The standard errors of "), format_rows(labels),
      agree(count, " is", " are"), " NA: on the scale of the linear predictor ",
      agree(count, "it is ", "the largest is "), format(max(deviation[forbidden]), digits = 3),
      ", too large for one on the scale of the mean, which lies between ", range[1L], " and ", range[2L],
      ". Transform limits instead: with p by `type = \"link\"`, ",
      "family(fit)$linkinv(p$fit - 1.96 * p$se.fit) is the lower 95 % limit."
    ), rows = labels, link_scale = unname(deviation[forbidden]))
  }
  result
}

# Offset, X beta and the wanted columns of Z at the conditional modes; effects of new levels are 0.
linear_predictor <- function(fit, rows) {
  eta <- rows$offset + drop(rows$X %*% fit$parameters[fit$index$beta])
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    if (!is.null(random)) eta <- eta + random_part(random, modes_at(fit, k, random$position))
  }
  eta
}

# Modes by level of the rows, 0 for levels that the fit does not know.
modes_at <- function(fit, k, position) {
  modes <- fit$modes[[k]][position, , drop = FALSE]
  modes[is.na(position), ] <- 0
  modes
}

random_part <- function(random, effects) {
  total <- 0
  for (j in seq_len(ncol(random$Z))) {
    total <- total + random$Z[, j] * effects[random$codes, j]
  }
  total
}

# Names, NA for rows without a value, and the rows that na.exclude() took out.
finish_rows <- function(x, rows) {
  x <- as.vector(x)
  x[rows$without_value] <- NA
  names(x) <- rows$names
  stats::napredict(rows$na_action, x)
}

check_new_levels <- function(rows, allowed) {
  if (allowed) {
    return(invisible())
  }
  for (group in names(rows$random)) {
    random <- rows$random[[group]]
    unknown <- random$labels[is.na(random$position)]
    if (length(unknown)) {
      stop_glimmer("levels", paste0("The grouping factor ", format_items(group), " has ",
                                    agree(length(unknown), "a level", "levels"), " in `newdata` that the fit ",
                                    "has not seen: ", format_items(unknown), ". `allow.new.levels = TRUE` predicts ",
                                    "with random effects of 0, `re.form = NA` without random effects."),
                   variable = group, levels = unknown, argument = "newdata")
    }
  }
}
