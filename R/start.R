# Starting values: beta from one weighted least-squares step, moved to where the link allows every linear predictor,
# the dispersion from its residuals, and theta from a moment estimate of the variance of each effect, made uncorrelated.

#' Starting values of all parameters
#'
#' @param design,family The model.
#' @param engine Result of [engine_layout()].
#' @return Numeric: the whole parameter vector. The units of the standard deviations and the side of zero on which the
#'   linear predictors must be go to the engine's notes.
#' @noRd
find_start <- function(design, family, engine) {
  found <- start_values(part_of_rows(design), family)
  # a restricted link asks for a start that every row allows; and an effect may be in rows only that were left out
  if (found$working$side != 0 || !all(is.finite(unlist(found$moments)))) found <- start_values(design, family)
  working <- found$working
  moments <- found$moments
  parameters <- numeric(length(engine$names))
  parameters[engine$index$beta] <- working$beta
  parameters[engine$index$dispersion] <- working$log_dispersion
  for (t in seq_along(moments)) {
    parameters[engine$index$theta[[t]]] <- engine$structures[[t]]$of_root(moments[[t]]$lower)
  }
  set_level_information(engine, lapply(moments, `[[`, "information"))
  engine$notes$side <- working$side
  stats::setNames(parameters, engine$names)
}

start_values <- function(design, family) {
  working <- working_model(design, family)
  list(working = working, moments = lapply(design$terms, moment_root, design = design, working = working))
}

#' Some of very many rows, which are enough for a start
#'
#' Those of some levels where there are many, which tell more of their variance; else some of each level. They are
#' spread by the golden ratio: evenly, but in step with no pattern of the data.
#'
#' @return Design with these rows only, and `share`, how many of a level's rows it has, where that is not all; the
#'   design itself where there are not so many.
#' @noRd
part_of_rows <- function(design, rows = 1e5, levels = 2000) {
  active <- active_positions(design$weights)
  n <- length(active)
  if (n < 2 * rows) {
    return(design)
  }
  first <- design$factors[[1L]]
  whole <- length(design$factors) == 1L && length(first$levels) * rows / n >= levels
  place <- if (whole) active_rows(first$index, active) else seq_len(n)
  kept <- active[which((place * ((sqrt(5) - 1) / 2)) %% 1 < rows / n)]
  if (!whole) design$share <- length(kept) / n
  take <- function(parts, names) replace(parts, names, lapply(parts[names], active_rows, kept))
  design$factors <- lapply(design$factors, take, c("index", "Z"))
  take(design, c("X", "y", "size", "weights", "offset"))
}

check_start <- function(start, engine) {
  if (inherits(start, "glimmer")) start <- start$parameters
  usable <- is.numeric(start) && length(start) == length(engine$names) && all(is.finite(start))
  named_otherwise <- usable && !is.null(names(start)) && !identical(names(start), engine$names)
  if (!usable || named_otherwise) {
    what <- paste0("`start` must be a fit or ", length(engine$names), " finite numbers: ",
                   format_items(engine$names, 20L), ".")
    if (named_otherwise) what <- paste(what, other_names_text(names(start), engine$names))
    stop_glimmer("argument", what, argument = "start", expected = engine$names)
  }
  stats::setNames(as.double(start), engine$names)
}

# Numbers that would do but for their names.
other_names_text <- function(given, expected) {
  given[is.na(given)] <- ""
  unnamed <- sum(!nzchar(given))
  others <- setdiff(given[nzchar(given)], expected)
  reason <- if (unnamed) {
    paste0(unnamed, " of the ", length(given), " given ", agree(unnamed, "has", "have"), " no name")
  } else if (length(others)) {
    paste0(format_items(others), agree(length(others), " is", " are"), " none of these")
  } else {
    "they are in another order"
  }
  paste0("The names are the reason (", reason, "): give these names in this order, or none.")
}

# At a standard deviation of zero the gradient vanishes, so a search does not begin there.
inside_start <- function(engine, parameters) {
  parameters <- normalise_signs(engine, parameters)
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    parameters[at] <- engine$structures[[t]]$inside(parameters[at], engine$notes$error_root[[t]])
  }
  parameters
}

#' One weighted least-squares step from the data, as glm.fit() begins
#'
#' @return List: `beta`, `score` (d log-density / d eta at weight and dispersion of the start), `information`
#'   (its expected negative derivative), `log_dispersion`, `side` (see [allowed_side()]).
#' @noRd
working_model <- function(design, family) {
  used <- active_positions(design$weights)
  mu <- family_traits(family)$start_mean(design$y, design$size, used, family$link)
  eta <- family$linkfun(mu)
  slope <- family$mu.eta(eta)
  constant <- start_constant(design, family, rep(mean(design$y[used] / design$size[used]), length(used)), used)
  response <- design$y / design$size
  step <- step_of_mean(family, response, mu, constant, design$size)
  weights <- design$weights * design$size * slope^2 / step$variance
  step$residual[-used] <- 0
  working <- eta - design$offset + step$residual / slope
  beta <- least_squares(design$X, working, weights)
  side <- allowed_side(family, mu)
  if (side != 0) {
    x <- active_rows(design$X, used)
    beta <- keep_inside(beta, side * x, side * design$offset[used], side * eta[used])
  }
  fixed <- drop(design$X %*% beta)
  residual <- working - fixed
  eta <- fixed + design$offset
  dispersion <- start_dispersion(design, family, response, eta, side)
  constant <- start_constant(design, family, family$linkinv(eta[used]), used)
  list(beta = beta, score = weights * residual / dispersion, information = weights / dispersion,
       log_dispersion = c(parameter_of_dispersion(family, dispersion), log(constant)), side = side)
}

# How far responses are from their means, and the variance of that, on the scale of the parameter `mean`.
step_of_mean <- function(family, response, mean, constant, size) {
  if (!is.null(family_traits(family)$normal_scale)) {
    return(list(residual = on_scale_of_mean(family, response) - mean, variance = constant^2))
  }
  slope <- response_slope(family, mean, constant)
  list(residual = (response - response_mean(family, mean, constant)) / slope,
       variance = variance_at(family, mean, constant, size) / slope^2)
}

# A constant that is no dispersion, from the residuals about some means; of length 0 for other families.
start_constant <- function(design, family, mean, used) {
  if (needs_constant(family)) {
    family_traits(family)$start_constant(design$y[used], mean, design$weights[used], design$size[used])
  } else {
    numeric()
  }
}

# The mean deviance: the maximum likelihood of Gaussian and inverse Gaussian, near it for the Gamma. Not so small that
# it is round-off: the deviance from twice the response gives the unit.
start_dispersion <- function(design, family, response, eta, side) {
  if (!has_dispersion(family)) {
    return(1)
  }
  used <- active_positions(design$weights)
  if (any(side * eta[used] < 0)) {
    return(1)
  }
  deviance_from <- function(mu) mean(family$dev.resids(response[used], mu, design$weights[used]))
  dispersion <- max(deviance_from(family$linkinv(eta[used])), 1e-12 * deviance_from(2 * response[used]))
  if (is.finite(dispersion) && dispersion > 0) dispersion else 1
}

# Smaller random effects until each level's mode is where the link allows its linear predictors.
shrink_effects <- function(engine, parameters) {
  if (engine$notes$side == 0) {
    return(parameters)
  }
  scaled <- scaled_parameters(engine$structures, engine$index)
  smaller <- parameters
  for (halving in 1:10) {
    if (engine_evaluate(engine, smaller)$status == "ok") {
      return(smaller)
    }
    smaller[scaled] <- smaller[scaled] / 2
  }
  parameters
}

#' The sign that family and link demand of the linear predictor
#'
#' Restricted links of 'stats' allow one side of zero. The mean 1 / eta of a Gaussian response may have either sign, but
#' must not pass through zero: it keeps that of the start.
#' @param mu Numeric: means of the start.
#' @return 1, -1, or 0 where both are allowed.
#' @noRd
allowed_side <- function(family, mu) {
  range <- family_traits(family)$mean_range
  inside <- function(mean) mean >= range[1L] && mean <= range[2L]
  allowed <- vapply(c(1, -1), function(eta) family$valideta(eta) && inside(family$linkinv(eta)), NA)
  if (family$link == "inverse" && all(allowed)) sign(mu[1L]) else allowed[1L] - allowed[2L]
}

#' Coefficients with a positive linear predictor in every row
#'
#' The given ones where they do; else those furthest towards them from a point inside, with room left in every row.
#'
#' @param beta Numeric: the coefficients wanted. @param x,offset The linear predictor is `x %*% beta + offset`.
#' @param eta Numeric, positive: linear predictors near the data.
#' @return Coefficients; as good as can be where there is no point inside.
#' @noRd
keep_inside <- function(beta, x, offset, eta) {
  level <- mean(eta)
  wanted <- drop(x %*% beta) + offset
  if (all(wanted > 1e-3 * level)) {
    return(beta)
  }
  centre <- inner_point(x, offset, level)
  there <- drop(x %*% centre) + offset
  if (any(there <= 0)) {
    return(centre)
  }
  least <- 0.05 * there
  low <- wanted < least
  step <- if (any(low)) min(((there - least) / (there - wanted))[low]) else 1
  centre + step * (beta - centre)
}

#' Coefficients inside: an equal linear predictor, if the columns of `x` span it, else by searches for smaller margins
#'
#' @return Coefficients; where the margins run out, those closest to the first one.
#' @noRd
inner_point <- function(x, offset, level) {
  raised <- max(level - mean(offset), max(level, mean(abs(offset))) / 10 - min(offset))
  inside <- function(beta) all(x %*% beta + offset > 0)
  beta <- least_squares(x, rep(raised, nrow(x)), rep(1, nrow(x)))
  if (inside(beta)) {
    return(beta)
  }
  closest <- beta <- raise_rows(beta, x, offset, level)
  for (margin in level * 10^-(1:10)) {
    if (inside(beta)) {
      return(beta)
    }
    beta <- raise_rows(beta, x, offset, margin)
  }
  if (inside(beta)) beta else closest
}

# Newton's method on the sum of squares by which rows fall short of the margin: convex, and zero where none does.
raise_rows <- function(beta, x, offset, margin) {
  shortfall <- function(beta) pmax(margin - offset - drop(x %*% beta), 0)
  short <- shortfall(beta)
  for (iteration in 1:100) {
    if (max(short) < margin / 2) break
    step <- least_squares(x, short, as.numeric(short > 0))
    gain <- sum(short * drop(x %*% step))
    size <- 1
    while (sum(shortfall(beta + size * step)^2) > sum(short^2) - 0.5 * size * gain && size > 1e-8) size <- size / 2
    if (size <= 1e-8 || gain <= 1e-12 * sum(short^2)) break
    beta <- beta + size * step
    short <- shortfall(beta)
  }
  beta
}

#' Moment estimate of the covariance of a term's effects
#'
#' Of the effects U^-1 b, which a typical level tells apart ([error_root()]), as it must not matter where the
#' covariates have their zero. With s_h the score and I_h the information of a level's effect, E s_h^2 = I_h + sd^2
#' I_h^2; so sd^2 = sum(s^2 - I) / sum(I^2), kept between a tenth and ten times the typical standard error of a level's
#' effect, which falls with the root of the rows.
#' @param design Result of [part_of_rows()].
#' @return List: `lower` (L), `information` (that of a typical level).
#' @noRd
moment_root <- function(term, design, working) {
  index <- design$factors[[term$factor]]$index
  z <- design$factors[[term$factor]]$Z[, term$columns, drop = FALSE]
  share <- if (is.null(design$share)) 1 else design$share
  own <- effect_information(z, index, working$information)
  unit <- sqrt(share * colSums(own) / colSums(own^2))
  together <- weighted_products(z, working$information)
  information <- together / tcrossprod(sqrt(diag(together)) * unit)
  root <- error_root(information)
  z <- z %*% root
  own <- effect_information(z, index, working$information)
  squares <- colSums(own^2)
  unit <- sqrt(share * colSums(own) / squares)
  variance <- colSums(rowsum(z * working$score, index, reorder = FALSE)^2 - own) / squares
  sd <- pmin(pmax(sqrt(pmax(variance, 0)), unit / 10), unit * 10)
  # of what the parameters multiply, where levels have a known covariance
  unit <- level_variance(design$factors[[term$factor]])
  list(lower = root %*% diag(sd / sqrt(unit), length(sd)), information = information * unit)
}

# The information of each level on each effect given the others: a row a level.
effect_information <- function(z, index, information) {
  rowsum(z^2 * information, index, reorder = FALSE)
}
