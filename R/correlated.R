# Covariance structures of standard deviations and one correlation: diag(), cs(), ar1(). A structure of this kind is
# its correlation matrix, as a function of rho; all else follows.

#' Standard deviations times a correlation matrix that has at most one parameter
#'
#' L = diag(|sd|) C with C C' the correlation matrix. The parameters are the standard deviations, one for all effects or
#' one each, and rho; a search has an angle for rho, rho = middle + half width x sin(angle), in which the log-likelihood
#' is even around both ends of the range, as it is in a standard deviation around zero. Signs of standard deviations do
#' not count: with several of them a negative one would be another correlation matrix.
#'
#' @param group,effects Names of the grouping factor and of the effects.
#' @param common Logical: whether there is one standard deviation for all effects.
#' @param correlation `NULL` for none, or list: `range` (of rho; function of q), `root` (C; function of rho and q),
#'   `slope` (dC/drho, likewise), `typical` (rho near a correlation matrix; function of the matrix), `series` (whether
#'   all follows from effects one after the other), `rule` and `unreplicated` (see [describe_structure()]).
#' @param searched Logical: whether theta is that of a search. @param ordered See [describe_structure()].
#' @return Result of [describe_structure()].
#' @noRd
correlated <- function(group, effects, common, correlation, searched, ordered = FALSE) {
  q <- length(effects)
  if (q == 1L) correlation <- NULL
  sd_names <- if (common) paste("sd", group, sep = ".") else paste("sd", group, effects, sep = ".")
  sd_at <- seq_along(sd_names)
  shape <- correlation_coordinate(correlation, q, length(sd_at) + 1L, searched)
  sds_of <- function(theta) rep_len(abs(theta[sd_at]), q)
  unit_sds <- function(error) if (common) sqrt(mean(error^2) * q) else root_sds(error)
  slopes <- function(theta) correlated_slopes(theta, sds_of(theta), shape, common)
  held <- function(theta) c(theta[sd_at] == 0, if (shape$count) shape$at_end(theta) || sum(sds_of(theta) > 0) < 2L)
  describe_structure(
    names = c(sd_names, if (shape$count) paste("rho", group, sep = ".")),
    lambda = function(theta) sds_of(theta) * shape$root(theta),
    pull_back = function(theta, lambda_bar) vapply(slopes(theta), function(slope) sum(slope * lambda_bar), 1),
    scaled = rep(c(TRUE, FALSE), c(length(sd_at), shape$count)),
    bounded = rep(c(TRUE, FALSE), c(length(sd_at), shape$count)),
    pattern = if (shape$count) lower.tri(diag(q), diag = TRUE) else diag(q) == 1,
    reported = function(varies) first_entries(varies, common, shape$count > 0L),
    holds = function(covariance) holds_correlated(covariance, common, correlation),
    of_root = function(root) {
      sds <- root_sds(root)
      c(if (common) sqrt(mean(sds^2)) else sds, if (shape$count) shape$near(tcrossprod(root / sds)))
    },
    with_entry = function(theta, i, j, value) {
      if (i == j) replace(theta, if (common) 1L else i, value) else shape$with_rho(theta, value)
    },
    normalise = function(theta) c(abs(theta[sd_at]), if (shape$count) shape$normal(theta)),
    inside = function(theta, error) {
      c(pmax(abs(theta[sd_at]), 0.1 * unit_sds(error)), if (shape$count) shape$inside(theta))
    },
    units = function(theta, error) {
      diag(c(sqrt(theta[sd_at]^2 + 0.09 * unit_sds(error)^2), rep(1, shape$count)), length(sd_at) + shape$count)
    },
    even_parts = function(error) Map(list, at = sd_at, unit = rep_len(unit_sds(error), length(sd_at))),
    truncations = function(theta, error) {
      lower_rank <- if (shape$count) shape$truncation(theta, forwardsolve(error, sds_of(theta) * shape$root(theta)))
      lapply(c(lower_rank, without_sds(abs(theta[sd_at]) / unit_sds(error))), function(change) {
        list(change = change, held = held, follows = FALSE)
      })
    },
    probes = function(theta, error) {
      at_sds <- sd_probes(theta, sd_at, unit_sds(error), shape)
      c(at_sds, if (shape$count && !all(theta[sd_at] == 0)) shape$probes(theta))
    },
    singular_effects = function(theta, held, variances) rep_len(held[sd_at], q),
    directions = function(theta, U) {
      values <- c(theta[sd_at], numeric(shape$count))
      covariance_slopes(sds_of(theta) * shape$root(theta), slopes(theta), values, U)
    },
    direction_root = function(root, U) root, others = shape$others,
    search_scale = if (searched && shape$count) shape[search_verbs],
    ordered = ordered, common = common && q > 1L,
    correlation_range = if (shape$count) correlation$range(q) else c(-1, 1), rule = correlation$rule,
    one_level = tells_alone(correlation, q),
    unreplicated = if (is.null(correlation)) function(together) FALSE else correlation$unreplicated
  )
}

# How U^-1 L L' U^-T moves with each parameter, from the derivatives of L.
covariance_slopes <- function(root, slopes, values, U) {
  scaled <- forwardsolve(U, root)
  Map(function(slope, value) {
    half <- tcrossprod(forwardsolve(U, slope), scaled)
    list(value = value, slope = half + t(half))
  }, slopes, values)
}

# A series with more effects than there are parameters, one of them of the residuals.
tells_alone <- function(correlation, q) {
  isTRUE(correlation$series) && q > 3L
}

# Whether a covariance has equal standard deviations, if they are common, and the correlations of a rho.
holds_correlated <- function(covariance, common, correlation) {
  sds <- sqrt(diag(covariance))
  if (common && max(sds) - min(sds) > 1e-8 * max(sds)) {
    return(FALSE)
  }
  varies <- sds > 0
  q <- sum(varies)
  if (q < 2L) {
    return(TRUE)
  }
  correlations <- covariance[varies, varies] / outer(sds[varies], sds[varies])
  root <- if (is.null(correlation)) {
    diag(q)
  } else {
    range <- correlation$range(q)
    correlation$root(min(max(correlation$typical(correlations), range[1L]), range[2L]), q)
  }
  max(abs(tcrossprod(root) - correlations)) < 1e-6
}

search_verbs <- c("natural", "natural_slope", "natural_curvature", "searched")

# The derivatives of L in each parameter.
correlated_slopes <- function(theta, sds, shape, common) {
  root <- shape$root(theta)
  signs <- ifelse(theta[seq_len(if (common) 1L else length(sds))] < 0, -1, 1)
  by_sd <- if (common) list(signs * root) else lapply(seq_along(sds), function(i) {
    slope <- matrix(0, nrow(root), ncol(root))
    slope[i, ] <- signs[i] * root[i, ]
    slope
  })
  c(by_sd, if (shape$count) list(sds * shape$slope(theta)))
}

# Of the entries of the covariance matrix those that tell all: one standard deviation if it is common, one correlation,
# of two effects that vary if there are two.
first_entries <- function(varies, common, correlated) {
  q <- length(varies)
  entries <- matrix(FALSE, q, q)
  diag(entries) <- !common | seq_len(q) == 1L
  pair <- if (sum(varies) > 1L) which(varies)[1:2] else 1:2
  if (correlated) entries[pair[2L], pair[1L]] <- TRUE
  entries
}

# One standard deviation less, the smallest first, of those that are not larger than errors.
without_sds <- function(relative) {
  small <- order(relative)[sort(relative) <= 1]
  lapply(small, function(i) function(theta) replace(theta, i, 0))
}

#' Where to look whether the log-likelihood rises with a standard deviation that is zero
#'
#' In units of the errors, as with [missing_directions()]. Where all are zero there is no rho yet: with none at all, and
#' with that given.
#' @noRd
sd_probes <- function(theta, sd_at, unit, shape) {
  starts <- list(theta)
  if (shape$count && all(theta[sd_at] == 0)) starts <- list(shape$without(theta), theta)
  probes <- lapply(starts, function(from) {
    lapply(which(from[sd_at] == 0), function(i) {
      inwards <- function(gradient) {
        if (gradient[i] * unit[i] / 2e-3 > 1e-4) replace(from, i, sqrt(0.1) * unit[i])
      }
      list(theta = replace(from, i, 1e-3 * unit[i]), inwards = inwards)
    })
  })
  unlist(probes, recursive = FALSE)
}

#' The coordinate of a correlation: rho itself, or in a search an angle
#'
#' @param at Integer: its place in theta.
#' @return List: `count` (0 where there is none), and functions of theta.
#' @noRd
correlation_coordinate <- function(correlation, q, at, searched) {
  if (is.null(correlation)) {
    return(list(count = 0L, root = function(theta) diag(q), others = function(theta) list()))
  }
  range <- correlation$range(q)
  middle <- mean(range)
  half <- diff(range) / 2
  bend <- function(angle) middle + half * sin(angle)
  unbend <- function(rho) asin(pmin(pmax((rho - middle) / half, -1), 1))
  rho_of <- function(theta) if (searched) bend(theta[at]) else theta[at]
  slope_of <- function(theta) if (searched) half * cos(theta[at]) else 1
  from_rho <- function(rho) if (searched) unbend(rho) else rho
  nearest_end <- function(theta) if (rho_of(theta) > middle) pi / 2 else -pi / 2
  list(
    count = 1L,
    root = function(theta) correlation$root(rho_of(theta), q),
    slope = function(theta) slope_of(theta) * correlation$slope(rho_of(theta), q),
    near = function(matrix) {
      from_rho(pmin(pmax(correlation$typical(matrix), middle - 0.99 * half), middle + 0.99 * half))
    },
    with_rho = function(theta, rho) replace(theta, at, from_rho(rho)),
    without = function(theta) replace(theta, at, from_rho(0)),
    others = function(theta) lapply(middle + c(-0.96, 0, 0.96) * half, function(rho) replace(theta, at, from_rho(rho))),
    normal = function(theta) if (searched) asin(sin(theta[at])) else theta[at],
    inside = function(theta) pmin(pmax(asin(sin(theta[at])), 0.1 - pi / 2), pi / 2 - 0.1),
    at_end = function(theta) abs(cos(theta[at])) < 1e-8,
    truncation = function(theta, scaled) {
      if (all(is.finite(scaled)) && min(svd(scaled, 0L, 0L)$d) <= 1) {
        list(function(theta) replace(theta, at, nearest_end(theta)))
      }
    },
    probes = function(theta) {
      end <- nearest_end(theta)
      inwards <- function(gradient) {
        if (-sign(end) * gradient[at] / 2e-3 > 1e-4) replace(theta, at, end - sign(end) * sqrt(0.1))
      }
      if (abs(cos(theta[at])) < 1e-8) list(list(theta = replace(theta, at, end - sign(end) * 1e-3), inwards = inwards))
    },
    natural = function(theta) replace(theta, at, bend(theta[at])),
    natural_slope = function(theta) replace(rep(1, length(theta)), at, half * cos(theta[at])),
    natural_curvature = function(theta) replace(numeric(length(theta)), at, -half * sin(theta[at])),
    searched = function(theta) replace(theta, at, unbend(theta[at]))
  )
}

# All effects correlated alike. The entries of a column of C below its diagonal are equal.
compound_symmetry <- list(
  range = function(q) c(-1 / (q - 1), 1),
  root = function(rho, q) symmetric_root(rho, q)$root,
  slope = function(rho, q) symmetric_root(rho, q)$slope,
  typical = function(correlations) mean(correlations[lower.tri(correlations)]),
  rule = "between any two",
  # with equal standard deviations a smaller rho is the same as larger residuals
  unreplicated = function(together) FALSE
)

symmetric_root <- function(rho, q) {
  root <- slope <- matrix(0, q, q)
  used <- used_slope <- 0
  for (j in seq_len(q)) {
    on <- sqrt(max(1 - used, 0))
    on_slope <- if (on > 0) -used_slope / (2 * on) else 0
    below <- if (on > 0) (rho - used) / on else 0
    below_slope <- if (on > 0) (1 - used_slope - below * on_slope) / on else 0
    lower <- seq_len(q) > j
    root[j, j] <- on
    root[lower, j] <- below
    slope[j, j] <- on_slope
    slope[lower, j] <- below_slope
    used <- used + below^2
    used_slope <- used_slope + 2 * below * below_slope
  }
  list(root = root, slope = slope)
}

# Correlations rho^|i - j| of effects in order: C has rho^(i - j), times sqrt(1 - rho^2) but in the first column.
autoregressive <- list(
  range = function(q) c(-1, 1),
  root = function(rho, q) {
    lag <- row(diag(q)) - col(diag(q))
    ifelse(lag >= 0, rho^pmax(lag, 0), 0) * rep(c(1, rep(sqrt(1 - rho^2), q - 1L)), each = q)
  },
  slope = function(rho, q) {
    lag <- row(diag(q)) - col(diag(q))
    rest <- sqrt(1 - rho^2)
    power_slope <- ifelse(lag > 0, lag * rho^pmax(lag - 1, 0), 0)
    power <- ifelse(lag >= 0, rho^pmax(lag, 0), 0)
    first <- col(lag) == 1L
    ifelse(first, power_slope, power_slope * rest - if (rest > 0) power * rho / rest else 0)
  },
  typical = function(correlations) mean(correlations[row(correlations) - col(correlations) == 1L]),
  rule = "to the power of the lag",
  series = TRUE,
  # sd^2 rho^lag at two lags are sd and rho; the variance of a row then leaves that of the residual
  unreplicated = function(together) {
    lags <- abs(row(together) - col(together))[together]
    length(unique(lags[lags > 0L])) > 1L
  }
)
