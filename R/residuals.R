# Fitted values, residuals and weights, row by row, from the parameters and modes that the fit holds.

#' Fitted values, residuals and weights
#'
#' @param object Object of class `glimmer`.
#' @param type Residuals: `"deviance"` (the default, as in [stats::glm()] and 'lme4'; 'glmmTMB' has
#'   `"response"`), `"pearson"`, `"response"` or `"working"`. Weights: `"prior"`, those of the model (for a binomial
#'   response the numbers of trials, times the prior weights), or `"working"`.
#' @param scaled Logical: divide by the square root of the dispersion.
#' @param ... Not used.
#'
#' @return Numeric vector with the names of the rows; where [stats::na.exclude()] left rows out, they are `NA`.
#'
#'   `fitted()` gives means given the random effects at their conditional modes: probabilities for a binomial response.
#'
#'   `residuals()`, with y the response (for a binomial one the proportion of successes), mu the fitted values, w the
#'   prior weights as of `weights()`, and V the variance function:
#'   \describe{
#'     \item{`"deviance"`}{sign(y - mu) times the square root of the row's deviance, w included}
#'     \item{`"pearson"`}{sqrt(w) (y - mu) / sqrt(V(mu))}
#'     \item{`"response"`}{y - mu}
#'     \item{`"working"`}{(y - mu) divided by d mu / d eta}
#'   }
#'   They are not divided by the dispersion unless `scaled = TRUE`.
#'
#'   `weights(type = "working")` gives w (d mu / d eta)^2 / V(mu), the weights of the linear predictor in iteratively
#'   reweighted least squares.
#'
#' @section Errors: `glimmer_error_argument` for a `type` that is not there.
#' @seealso [predict.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   head(fitted(fit))
#'   head(residuals(fit, "pearson"))
#'   # about 1 per row if the model is right
#'   sum(residuals(fit, "pearson")^2) / nobs(fit)
#' }
#' @name residuals.glimmer
NULL

#' @rdname residuals.glimmer
#' @importFrom stats fitted
#' @export
fitted.glimmer <- function(object, ...) {
  check_dots(fitted.glimmer, ...)
  mu <- object$family$linkinv(estimable_eta(object, fit_design(object)))
  pad_rows(response_mean(object$family, mu, constant_of(object)), object)
}

#' @rdname residuals.glimmer
#' @importFrom stats residuals
#' @export
residuals.glimmer <- function(object, type = c("deviance", "pearson", "response", "working"), scaled = FALSE, ...) {
  check_dots(residuals.glimmer, ...)
  type <- match_choice(type, c("deviance", "pearson", "response", "working"), "type")
  check_flag(scaled, "scaled")
  residual <- residual_of(row_parts(object), object, type)
  if (scaled) residual <- residual / residual_scale(object)
  pad_rows(residual, object)
}

# `part`: list from row_parts().
residual_of <- function(part, fit, type) {
  family <- fit$family
  constant <- constant_of(fit)
  difference <- part$y - response_mean(family, part$mu, constant)
  switch(type,
    deviance = ifelse(difference > 0, 1, -1) *
      sqrt(pmax(deviances_at(family, part$y, part$mu, part$weights, constant, part$size), 0)),
    pearson = difference * sqrt(part$weights) / sqrt(variance_at(family, part$mu, constant, part$size)),
    response = difference,
    working = difference / (family$mu.eta(part$eta) * response_slope(family, part$mu, constant))
  )
}

#' @rdname residuals.glimmer
#' @importFrom stats weights
#' @export
weights.glimmer <- function(object, type = c("prior", "working"), ...) {
  check_dots(weights.glimmer, ...)
  type <- match_choice(type, c("prior", "working"), "type")
  if (type == "prior") {
    response <- resolve_response(object$frame, object$family, warn = FALSE)
    return(pad_rows(response$weights * response$size, object))
  }
  part <- row_parts(object)
  constant <- constant_of(object)
  variance <- variance_at(object$family, part$mu, constant, part$size)
  slope <- object$family$mu.eta(part$eta) * response_slope(object$family, part$mu, constant)
  pad_rows(part$weights * slope^2 / variance, object)
}

pad_rows <- function(x, fit) {
  names(x) <- row.names(fit$frame)
  stats::naresid(attr(fit$frame, "na.action"), x)
}

# Rows of weight 0 may be in a cell without data.
estimable_eta <- function(fit, design) {
  eta <- conditional_eta(fit, design)
  eta[inestimable_in_fit(fit, design)] <- NA
  eta
}

# Response (a proportion where binomial), linear predictor, mean and prior weights of each row.
row_parts <- function(fit) {
  design <- fit_design(fit)
  eta <- estimable_eta(fit, design)
  list(y = observed_mean(fit, design), eta = eta, mu = fit$family$linkinv(eta), weights = design$weights * design$size,
       size = design$size)
}

# The response on the scale of the mean. Rows of weight 0 have no trials in the design: theirs is read as it is.
observed_mean <- function(fit, design) {
  y <- design$y / design$size
  empty <- which(design$size == 0)
  if (length(empty)) {
    response <- fit$frame[[1L]]
    y[empty] <- if (is.matrix(response)) 0 else if (is.factor(response)) as.integer(response)[empty] - 1 else
      as.double(response)[empty]
  }
  y
}
