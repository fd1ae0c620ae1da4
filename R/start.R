# Starting values: beta from one weighted least-squares step, the dispersion from its residuals, and theta from a
# moment estimate of each effect's variance.

#' Starting values of all parameters
#'
#' @param design,family The model.
#' @param engine Result of [new_engine()], for the layout of the parameters.
#' @param start The user's: `NULL`, a numeric vector of all parameters, or a fit whose parameters are taken.
#' @return List: `parameters` (numeric, the whole vector), `sd_unit` (list, one element a random term: the typical
#'   standard error of one level's own effect, the unit in which a standard deviation is small or large).
#' @noRd
find_start <- function(design, family, engine, start = NULL) {
  working <- working_model(design, family)
  parameters <- numeric(length(engine$names))
  parameters[engine$index$beta] <- working$beta
  parameters[engine$index$dispersion] <- working$log_dispersion
  moments <- lapply(design$terms, moment_sds, design = design, working = working)
  for (t in seq_along(moments)) {
    sds <- moments[[t]]$sd
    parameters[engine$index$theta[[t]]] <- diag(sds, length(sds))[lower.tri(diag(length(sds)), diag = TRUE)]
  }
  if (!is.null(start)) parameters <- check_start(start, engine)
  list(parameters = stats::setNames(parameters, engine$names), sd_unit = lapply(moments, function(m) m$unit))
}

check_start <- function(start, engine) {
  if (inherits(start, "glimmer")) start <- start$parameters
  if (!is.numeric(start) || length(start) != length(engine$names) || !all(is.finite(start))) {
    stop_glimmer("argument", paste0("`start` must be a fit or ", length(engine$names), " finite numbers: ",
                                    format_items(engine$names, 20L), "."), argument = "start",
                 expected = engine$names)
  }
  stats::setNames(as.double(start), engine$names)
}

#' One weighted least-squares step from the data, as glm.fit() begins
#'
#' @return List: `beta`, `score` (d log-density / d eta at weight and dispersion of the start), `information`
#'   (its expected negative derivative), `log_dispersion`.
#' @noRd
working_model <- function(design, family) {
  mu <- start_mean(design, family)
  eta <- family$linkfun(mu)
  slope <- family$mu.eta(eta)
  weights <- design$weights * design$size * slope^2 / family$variance(mu)
  response <- if (family$family == "binomial") design$y / design$size else design$y
  working <- eta - design$offset + (response - mu) / slope
  beta <- least_squares(design$X, working, weights)
  residual <- working - drop(design$X %*% beta)
  used <- weights > 0
  dispersion <- if (has_dispersion(family)) sum((weights * residual^2)[used]) / sum(used) else 1
  dispersion <- if (dispersion > 0) dispersion else 1
  list(beta = beta, score = weights * residual / dispersion, information = weights / dispersion,
       log_dispersion = log_dispersion(family, dispersion))
}

# sigma^2 = dispersion for the Gaussian, 1 / dispersion = shape or lambda for the others
log_dispersion <- function(family, dispersion) {
  if (!has_dispersion(family)) {
    return(numeric())
  }
  if (family$family == "gaussian") log(dispersion) / 2 else -log(dispersion)
}

# A mean inside the family's range, near each response.
start_mean <- function(design, family) {
  switch(family$family,
         binomial = (design$y + 0.5) / (design$size + 1),
         poisson = design$y + 0.1,
         design$y)
}

# Coefficients of a weighted regression by normal equations with columns scaled to unit length.
least_squares <- function(x, y, weights) {
  root <- sqrt(weights)
  rx <- x * root
  lengths <- sqrt(colSums(rx^2))
  lengths[lengths == 0] <- 1
  rx <- rx / rep(lengths, each = nrow(rx))
  qr <- qr(rx)
  coefficients <- qr.coef(qr, y * root) / lengths
  coefficients[is.na(coefficients)] <- 0
  unname(coefficients)
}

#' Moment estimates of the standard deviations of a term's effects
#'
#' With U_h the score and I_h the information of a level's effect, E U_h^2 = I_h + sd^2 I_h^2; so
#' sd^2 = sum(U^2 - I) / sum(I^2), kept between a tenth and ten times the unit, the typical standard error of a
#' level's effect.
#' @return List: `sd`, `unit`, numeric, one element an effect.
#' @noRd
moment_sds <- function(term, design, working) {
  factor <- design$factors[[term$factor]]
  z <- factor$Z[, term$columns, drop = FALSE]
  sums <- rowsum(cbind(z * working$score, z^2 * working$information), factor$index, reorder = FALSE)
  effects <- seq_along(term$columns)
  score <- sums[, effects, drop = FALSE]
  information <- sums[, length(effects) + effects, drop = FALSE]
  unit <- sqrt(colSums(information) / colSums(information^2))
  variance <- colSums(score^2 - information) / colSums(information^2)
  list(sd = pmin(pmax(sqrt(pmax(variance, 0)), unit / 10), unit * 10), unit = unit)
}
