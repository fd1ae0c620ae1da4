# Simulation of responses from a fit, in the form that the response has in the data.

#' Simulate responses from a fit
#'
#' @param object Object of class `glimmer`.
#' @param nsim Whole number: how many responses to simulate.
#' @param seed `NULL` to go on with the random number generator as it is, or a seed for [set.seed()]; the state of the
#'   generator is then restored.
#' @param re.form `NA` or `~0`, the default: new random effects are drawn for every simulation; `NULL`: all random
#'   effects are at their conditional modes; or a one-sided formula with the random terms that are, the others being
#'   drawn.
#' @param newdata Data frame to simulate for, or `NULL` for the rows of the fit. Grouping variables are needed, also for
#'   effects that are drawn. A binomial response of the form `cbind(successes, failures)` needs its variables for the
#'   numbers of trials (only their sums count), and prior weights need theirs.
#' @param allow.new.levels Logical: whether `newdata` may have levels that the fit has not seen in terms that `re.form`
#'   keeps. Their random effects are drawn.
#'   With a `covariance` between levels ([glmm()]) drawn effects have it, and those of levels that are not in it are
#'   independent, with the mean variance of the levels that are.
#' @param na.action What to do with missing values in `newdata`, as in [predict.glimmer()].
#' @param use.u The older word of 'lme4' for `re.form`, which its `bootMer()` still passes: `TRUE` stands for
#'   `re.form = NULL`, `FALSE` for `re.form = NA`. An error beside `re.form`.
#' @param ... Not used.
#'
#' @return Data frame with the columns `sim_1`, `sim_2`, ... and an attribute `seed`, the state of the generator before
#'   (or the seed, with an attribute `kind`). Each column has the form of the response in the fit: numbers, counts, a
#'   two-column matrix of successes and failures, a factor with the same levels, logical, 0/1, or a proportion where
#'   the trials are weights; so that `refit(object, sim[[1]])` fits the model to it.
#'
#' @section Distributions:
#' With mean mu and prior weight w: Gaussian with variance sigma^2 / w; Gamma with shape k w; inverse Gaussian with
#' lambda w (by the transformation with multiple roots of Michael, Schucany and Haas); binomial with the numbers of
#' trials of the response; Poisson; negative binomial. For counts a prior weight is a factor of the log-density and not
#' a property of the distribution, so it has no part in the draws. A row of weight 0 is drawn as if its weight were 1.
#'
#' @section Errors:
#' `glimmer_error_weights`: numbers of trials that are not whole, or several trials for a response that can hold one, or
#' weights that cannot be evaluated in `newdata`. `glimmer_error_mean`: the link restricts the mean (as identity,
#' square root, inverse and 1/mu^2 do where it must be positive, and log for a probability), and with the random effects
#' drawn, or in `newdata`, some row has a mean outside; in the fields `rows` and `simulation`. Otherwise
#' those of [predict.glimmer()].
#'
#' @references
#' Michael, J. R., Schucany, W. R. and Haas, R. W. (1976). Generating random variates using transformations with
#' multiple roots. *The American Statistician* 30, 88-90. \doi{10.1080/00031305.1976.10479147}
#'
#' @seealso [refit.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   sim <- simulate(fit, nsim = 3, seed = 1)
#'   # numbers of children with bacteria: the data, three simulations
#'   colSums(cbind(data = MASS::bacteria$y == "y", sim == "y"))
#'   fixef(refit(fit, sim$sim_1))
#' }
#' @importFrom stats simulate
#' @export
simulate.glimmer <- function(object, nsim = 1, seed = NULL, re.form = NA, newdata = NULL, allow.new.levels = FALSE,
                             na.action = stats::na.pass, use.u = NULL, ...) {
  check_dots(simulate.glimmer, ...)
  check_number(nsim, "nsim", 1, .Machine$integer.max, whole = TRUE)
  if (!is.null(seed)) check_number(seed, "seed", -.Machine$integer.max, .Machine$integer.max)
  check_flag(allow.new.levels, "allow.new.levels")
  if (!is.null(use.u)) re.form <- older_re_form(use.u, missing(re.form))
  kept <- select_random(object, re.form)
  rows <- prediction_rows(object, newdata, select_random(object, NULL), na.action)
  check_new_levels(conditioned_rows(rows, kept), allow.new.levels)
  units <- sampling_units(object, newdata, rows)
  state <- random_state(seed)
  on.exit(state$restore())
  simulations <- lapply(seq_len(nsim), function(i) {
    eta <- rows$offset + drop(rows$X %*% object$parameters[object$index$beta]) + drawn_part(object, rows, kept)
    mean <- drawn_means(object$family, eta, rows, i)
    y <- draw_response(object, unname(mean), units)
    stats::napredict(rows$na_action, as_response(y, units$size, object$frame[[1L]]))
  })
  names <- names(finish_rows(numeric(nrow(rows$X)), rows))
  structure(simulations, names = paste0("sim_", seq_len(nsim)), row.names = names, class = "data.frame",
            seed = state$state)
}

# `re.form` as `use.u` has it.
older_re_form <- function(use_u, alone) {
  check_flag(use_u, "use.u")
  if (!alone) {
    stop_glimmer("argument", "`use.u` and `re.form` say the same thing: give one of them.", argument = "use.u")
  }
  if (use_u) NULL else NA
}

#' Set the random number generator as [stats::simulate()] promises
#'
#' @return List: `state` (for the attribute `seed`) and `restore`, a function.
#' @noRd
random_state <- function(seed) {
  current <- function() get0(".Random.seed", envir = globalenv(), inherits = FALSE)
  if (is.null(seed)) {
    if (is.null(current())) stats::runif(1L)
    return(list(state = current(), restore = function() NULL))
  }
  before <- current()
  set.seed(seed)
  list(state = structure(seed, kind = as.list(RNGkind())),
       restore = function() {
         # where there was no state there is none again
         if (is.null(before)) rm(".Random.seed", envir = globalenv()) else
           assign(".Random.seed", before, envir = globalenv())
       })
}

# The rows as far as they are conditioned on: new levels matter only there.
conditioned_rows <- function(rows, kept) {
  rows$random[lengths(kept) == 0L] <- list(NULL)
  rows
}

#' Z b with b drawn, but for the kept columns of levels that the fit knows at the conditional modes
#' @noRd
drawn_part <- function(fit, rows, kept) {
  total <- 0
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    known <- which(!is.na(random$position))
    all_kept <- length(kept[[k]]) == ncol(random$Z) && length(known) == length(random$position)
    effects <- if (all_kept) modes_at(fit, k, random$position) else draw_effects(fit, k, random$position)
    if (!all_kept && length(kept[[k]])) {
      effects[known, kept[[k]]] <- fit$modes[[k]][random$position[known], kept[[k]]]
    }
    total <- total + random_part(random, effects)
  }
  total
}

# A mean that the family cannot have has no draws, and leaving its row out would change the distribution.
drawn_means <- function(family, eta, rows, simulation) {
  eta[rows$without_value] <- NA
  mean <- means_of(family, eta)
  lost <- which(is.na(mean) & !is.na(eta))
  if (length(lost)) {
    labels <- rows$names[lost]
    stop_glimmer("mean", paste0("Responses cannot be drawn for ", format_rows(labels), " (simulation ", simulation,
                                "): ", no_mean_text(family, eta[lost]), ". Random effects that are drawn from a ",
                                "normal distribution do not keep to that, nor do covariates beyond the data. Keep ",
                                "random effects at their modes (`re.form = NULL`), or fit with a link that allows ",
                                "every linear predictor."),
                 rows = labels, simulation = simulation, linear_predictor = unname(eta[lost]))
  }
  mean
}

draw_effects <- function(fit, k, position) {
  if (!is.null(fit$factors[[k]]$known)) {
    return(draw_related(fit, k, position))
  }
  levels <- length(position)
  root <- factor_root(fit, k)
  matrix(stats::rnorm(levels * nrow(root)), levels, nrow(root)) %*% t(root)
}

#' Effects drawn for levels of a factor with a known covariance
#'
#' All levels of the fit are drawn together; those that it does not know are independent, of a typical variance.
#' @param position Integer: the levels among those of the fit, `NA` for others.
#' @noRd
draw_related <- function(fit, k, position) {
  known <- fit$factors[[k]]$known
  root <- factor_root(fit, k)
  draws <- function(levels) matrix(stats::rnorm(levels * nrow(root)), levels, nrow(root))
  effects <- correlate_levels(known, draws(nrow(known$precision)))[position, , drop = FALSE]
  new <- which(is.na(position))
  if (length(new)) effects[new, ] <- sqrt(known$variance) * draws(length(new))
  effects %*% t(root)
}

#' Trials and prior weights of the rows to simulate
#'
#' @return List of `size` and `weights`, one number a row.
#' @noRd
sampling_units <- function(fit, newdata, rows) {
  if (is.null(newdata)) {
    response <- resolve_response(fit$frame, fit$family, warn = FALSE)
  } else {
    response <- new_units(fit, check_newdata(newdata), rows)
  }
  response$weights[which(response$weights == 0)] <- 1
  if (has_trials(fit$family)) {
    response$size <- whole_trials(response$size, fit$frame[[1L]], rows)
  }
  response[c("size", "weights")]
}

new_units <- function(fit, newdata, rows) {
  n <- nrow(newdata)
  weights <- new_argument(fit, "weights", newdata)
  if (is.null(weights)) weights <- rep(1, n)
  size <- rep(1, n)
  if (has_trials(fit$family)) {
    counts <- is.matrix(fit$frame[[1L]])
    size <- if (counts) rowSums(new_variables(fit, names(fit$frame)[1L], newdata)[[1L]]) else weights
    weights <- rep(1, n)
  }
  # na.omit() and na.exclude() have taken rows out
  left <- setdiff(seq_len(n), rows$na_action)
  list(size = as.double(size)[left], weights = as.double(weights)[left])
}

whole_trials <- function(size, response, rows) {
  if (is.matrix(response)) {
    wrong <- which(size != round(size))
    single <- FALSE
  } else {
    size[which(size == 0)] <- 1
    single <- is.factor(response) || is.logical(response)
    wrong <- which(if (single) size != 1 else size != round(size))
  }
  if (length(wrong)) {
    problem <- if (single) "1, for a response that holds one trial, in " else "whole in "
    stop_glimmer("weights", paste0("Binomial responses cannot be drawn: the weights stand for numbers of trials, but ",
                                   "are not ", problem, format_rows(rows$names[wrong]), "."),
                 argument = "weights", rows = rows$names[wrong])
  }
  size
}

#' Draw responses: counts of successes for the binomial
#' @noRd
draw_response <- function(fit, mean, units) {
  traits <- family_traits(fit$family)
  complete <- which(!is.na(mean) & !is.na(units$size) & !is.na(units$weights))
  y <- rep(if (has_counts(fit$family)) NA_integer_ else NA_real_, length(mean))
  y[complete] <- traits$draw(mean[complete], units$size[complete], units$weights[complete],
                             constant_of(fit))
  y
}

#' Draws in the form of the fit's response
#'
#' @param y Draws, successes for a binomial response. @param size Trials. @param template The response of the fit.
#' @noRd
as_response <- function(y, size, template) {
  if (is.matrix(template) && ncol(template) == 2L) {
    counts <- cbind(y, as.integer(size) - y)
    dimnames(counts) <- list(NULL, colnames(template))
    return(counts)
  }
  if (is.factor(template)) {
    return(factor(levels(template)[y + 1L], levels = levels(template), ordered = is.ordered(template)))
  }
  if (is.logical(template)) {
    return(y == 1L)
  }
  if (all(size == 1, na.rm = TRUE)) y else y / size
}
