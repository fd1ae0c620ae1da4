# What a description of a family consists of, and the family objects that 'stats' does not have.

#' Describe a family
#'
#' @param name Its name. @param predictors List of its parameters, each with the links that the core has for it: `mean`,
#'   the first, has the formula of the model; a second is a constant, named as it is on its natural scale (with the
#'   link log the parameter of `sigma` is `log_sigma`).
#' @param response What a response is: `"number"`, `"count"` or `"trials"` (successes in trials).
#' @param support The responses that it can have, in words. @param outside Function of the response: `TRUE` where it
#'   is not allowed. @param mean_range The ends of the range of its mean.
#' @param start_mean Function of `y`, `size`, `used` (integer: the rows that count) and `link` (its name): a mean near
#'   each response, inside the range of family and link, to start from.
#' @param draw Function of `mean`, `size`, `weights` (vectors of one length) and `constant` (on its natural scale): a
#'   response drawn for each; successes where there are trials.
#' @param make Function of the name of a link: the family object as [stats::family()] describes it.
#' @param dispersion Logical: whether the constant is a dispersion as in 'stats': the variance of a response of weight 1
#'   is sigma^2 V(mean), whatever the mean. Otherwise the `variance` and `dev.resids` of the family object have it as
#'   their last argument, and `start_constant` is needed.
#' @param sigma_power Number: [sigma()] is the exponential of this times the parameter of the constant.
#' @param variance_text The variance as a formula of the constant, for printing.
#' @param response_mean,response_slope Functions of `mean` and `constant`: the mean of a response and its derivative in
#'   `mean`, where the parameter `mean` is not it.
#' @param limit_family The name of the family that an end of the range of the constant stands for; responses can be such
#'   that the likelihood is largest there. @param limit The constant there: `Inf` or 0.
#' @param inner_family The name of the family that a value of the constant inside its range stands for.
#' @param start_constant Function of `y`, `mean`, `weights` and `size`: a constant to start from.
#' @param exact_fits Logical: whether the likelihood has no bound where every response is its mean.
#' @param normal_scale Function of `y`: a scale on which a response is `mean` plus a normal residual, whose standard
#'   deviation is the constant; where that is not the response itself.
#' @param relative_deviation Function of `y` and `constant`: the standard deviation of responses beside their size, for
#'   families with such fits whose constant is no dispersion.
#' @param normal Logical: whether a response is its mean plus a normal residual, so that the model with the identity
#'   link is a linear mixed model.
#' @param kurtosis Function of `mean` and `size`: the excess kurtosis of a response, where its mean determines its
#'   variance.
#' @param unit_free Those of the links under which differences of the linear predictor do not depend on the unit of the
#'   response.
#' @param dear Those of the links under which a density takes about twice as long as elsewhere.
#' @param separable Those of the links whose linear predictor can go to infinity with the density of a row rising.
#' @param limits Function of `y`, `size` and `link`, one of these: 1 or -1 for each row, the side to which its density
#'   never falls, or 0.
#' @param limit_words Character: what is said of responses that are all at the lower and at the upper limit.
#' @param edge Function of `y`, `size` and `link`: the mean that all responses have, where it is the end of what the
#'   link allows and has a density; else `NULL`.
#' @param fitted_words What fitted values are, for the labels of plots.
#' @return List of these; `links` those of the mean, `constants` the names of the parameters that are constants.
#' @noRd
describe_family <- function(name, predictors, support, outside, start_mean, draw, response = "number",
                            mean_range = c(0, Inf), make = function(link) family_of_stats(name, link),
                            dispersion = FALSE, sigma_power = NA_real_, variance_text = NA_character_,
                            response_mean = NULL, response_slope = NULL, limit_family = NULL, limit = Inf,
                            inner_family = NULL, start_constant = NULL, exact_fits = dispersion,
                            normal_scale = NULL, relative_deviation = NULL, normal = FALSE,
                            kurtosis = NULL, unit_free = "log", dear = character(), separable = character(),
                            limits = NULL, limit_words = c(NA_character_, NA_character_),
                            edge = function(y, size, link) NULL, fitted_words = "fitted means") {
  force(name)
  constants <- predictors[-1L]
  list(name = name, links = predictors[[1L]], predictors = predictors,
       constants = if (length(constants)) paste(constants, names(constants), sep = "_") else character(),
       support = support, outside = outside, start_mean = start_mean, draw = draw, response = response,
       mean_range = mean_range, make = make, dispersion = dispersion, sigma_power = sigma_power,
       variance_text = variance_text, response_mean = response_mean, response_slope = response_slope,
       limit_family = limit_family, limit = limit, inner_family = inner_family, start_constant = start_constant,
       exact_fits = exact_fits, normal_scale = normal_scale, relative_deviation = relative_deviation,
       normal = normal, kurtosis = kurtosis, unit_free = unit_free, dear = dear,
       separable = separable, limits = limits, limit_words = limit_words, edge = edge, fitted_words = fitted_words)
}

family_of_stats <- function(name, link) {
  do.call(getExportedValue("stats", name), list(link))
}

#' A family object for a family that 'stats' does not have
#'
#' @param link Name of a link, or an object of class `link-glm`. @param variance,dev.resids As in [stats::family()],
#'   with the constant as last argument where they need it, and `size` before it where they need the number of trials.
#' @param validmu Function of means: whether they are in the range of the family.
#' @noRd
new_family <- function(name, link, variance, dev.resids, validmu = are_positive) {
  if (!inherits(link, "link-glm")) link <- stats::make.link(link)
  functions <- c("linkfun", "linkinv", "mu.eta", "valideta")
  structure(c(list(family = name, link = link$name), link[functions],
              list(variance = variance, dev.resids = dev.resids, validmu = validmu)), class = "family")
}

are_positive <- function(mu) {
  all(is.finite(mu)) && all(mu > 0)
}
