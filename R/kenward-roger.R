# The method of Kenward and Roger for a Gaussian response with identity link, fitted by REML.

#' What the method of Kenward and Roger needs of a fit
#'
#' With V_i = dV/d(variance parameter i) along [variance_directions()], R_i = X'V^-1 V_i V^-1 X,
#' Q_ij = X'V^-1 V_i V^-1 V_j V^-1 X and T_ij = tr(V^-1 V_i V^-1 V_j), the expected information of REML is
#' (T_ij - tr(C (2 Q_ij - R_i C R_j))) / 2, and with A its inverse the adjusted covariance of beta is
#' C + 2 C sum_ij A_ij (Q_ij - R_i C R_j) C. V is taken as linear along the directions, as it is in variances and
#' covariances.
#'
#' @param information `"expected"`, or `"observed"`: then A is the covariance that Satterthwaite's method has.
#' @return List: `covariance` (C), `adjusted`, `slopes` (C R_i C), all in the user's columns, and `variance` (A).
#' @noRd
kenward_roger_parts <- function(fit, information = "expected", system = response_covariance(fit)) {
  check_trace_size(system)
  covariance <- system$covariance
  products <- kenward_roger_products(system)
  count <- length(products$R)
  spread <- products$Q
  for (i in seq_len(count)) {
    for (j in seq_len(count)) {
      spread[[i]][[j]] <- products$Q[[i]][[j]] - products$R[[i]] %*% covariance %*% products$R[[j]]
    }
  }
  variance <- if (information == "expected") expected_variance(products, spread, covariance) else
    observed_variance(fit, system)
  total <- matrix(0, nrow(covariance), ncol(covariance))
  for (i in seq_len(count)) {
    for (j in seq_len(count)) total <- total + variance[i, j] * spread[[i]][[j]]
  }
  adjusted <- covariance + covariance %*% (total + t(total)) %*% covariance
  c(slopes_of(system), list(adjusted = system$from %*% adjusted %*% t(system$from), variance = variance))
}

#' The inverse of the expected information on the variance parameters
#' @noRd
expected_variance <- function(products, spread, covariance) {
  count <- length(products$R)
  information <- matrix(0, count, count)
  for (i in seq_len(count)) {
    for (j in seq_len(count)) {
      information[i, j] <- (products$T[i, j] - sum(covariance * (products$Q[[i]][[j]] + spread[[i]][[j]]))) / 2
    }
  }
  inverse_root <- scaled_root((information + t(information)) / 2)
  if (is.null(inverse_root)) information + NA else tcrossprod(inverse_root)
}

#' R, Q and T, those of log sigma by homogeneity: dV/d log sigma = 2 V - sum_i L_i V_i
#' @noRd
kenward_roger_products <- function(system) {
  values <- vapply(system$directions, `[[`, 1, "value")
  free <- seq_along(values)
  last <- length(values) + 1L
  moved <- lapply(system$directions, function(direction) times_direction(system, direction, system$N))
  seen <- lapply(moved, function(columns) times_information(system, columns))
  q <- lapply(moved, function(left) lapply(seen, function(right) crossprod(left, right)))
  r <- direction_products(system)
  traces <- marginal_traces(system)
  weighted <- function(matrices) Reduce(`+`, Map(`*`, values, matrices), 0)
  r[[last]] <- 2 * inverse_of(system$covariance) - weighted(r)
  q[[last]] <- list()
  for (i in free) {
    q[[i]][[last]] <- 2 * r[[i]] - weighted(q[[i]][free])
    q[[last]][[i]] <- t(q[[i]][[last]])
  }
  q[[last]][[last]] <- 2 * r[[last]] - weighted(q[[last]][free])
  pairs <- matrix(0, last, last)
  pairs[free, free] <- traces$pairs
  pairs[free, last] <- 2 * traces$single - drop(traces$pairs %*% values)
  pairs[last, free] <- pairs[free, last]
  pairs[last, last] <- 2 * (2 * system$rows - sum(values * traces$single)) - sum(values * pairs[free, last])
  list(R = r, Q = q, T = pairs)
}

# Inverse of a positive definite matrix whose rows may have very different units.
inverse_of <- function(matrix) {
  tcrossprod(scaled_root(matrix))
}

#' tr(V^-1 V_i) and tr(V^-1 V_i V^-1 V_j) of the directions
#'
#' With M = Z'V^-1 Z, tr(M D_i M D_j) is the sum over random effects e of (D_i M e)'(M D_j e). Effects of levels that
#' nothing connects do not meet in these products, so that one column holds an effect of each connected component.
#'
#' @param cells How many numbers a matrix of columns may hold.
#' @return List: `single` (vector), `pairs` (matrix).
#' @noRd
marginal_traces <- function(system, cells = 5e6) {
  count <- length(system$directions)
  single <- numeric(count)
  pairs <- matrix(0, count, count)
  order <- component_order(system)
  size <- nrow(system$N)
  for (chunk in split(seq_len(size), (order - 1) %/% max(1, cells %/% size))) {
    unit <- matrix(0, size, max(order[chunk]) - min(order[chunk]) + 1)
    unit[cbind(chunk, order[chunk] - min(order[chunk]) + 1)] <- 1
    seen <- times_information(system, unit)
    left <- lapply(system$directions, function(direction) times_direction(system, direction, seen))
    for (j in seq_len(count)) {
      moved <- times_direction(system, system$directions[[j]], unit)
      own <- which(colSums(abs(moved)) > 0)
      right <- times_information(system, moved[, own, drop = FALSE])
      single[j] <- single[j] + sum(unit[, own] * right)
      for (i in seq_len(count)) pairs[i, j] <- pairs[i, j] + sum(left[[i]][, own] * right)
    }
  }
  list(single = single, pairs = (pairs + t(pairs)) / 2)
}

#' The place of each random effect among those that data connect it with
#' @return Integer, from 1.
#' @noRd
component_order <- function(system) {
  component <- unlist(Map(function(label, own) rep(label, each = own$effects), connected_levels(system$layout),
                          system$layout))
  stats::ave(seq_along(component), component, FUN = seq_along)
}

#' A label for each level of each grouping factor, the same for levels that rows connect, or a known covariance
#'
#' @param layout See [response_covariance()].
#' @return List by grouping factor of integer vectors.
#' @noRd
connected_levels <- function(layout) {
  offsets <- cumsum(c(0L, vapply(layout, `[[`, 1L, "levels")))
  rows <- do.call(cbind, Map(function(own, offset) own$codes + offset, layout, offsets[seq_along(layout)]))
  rows <- rbind(cbind(rows, rows[, 1L]), related_levels(layout, offsets, ncol(rows) + 1L))
  label <- seq_len(offsets[length(offsets)])
  repeat {
    lowest <- do.call(pmin, lapply(seq_len(ncol(rows)), function(k) label[rows[, k]]))
    new <- label
    # of repeated positions the last, the lowest, stays
    order <- order(lowest, decreasing = TRUE)
    for (k in seq_len(ncol(rows))) new[rows[order, k]] <- pmin(new[rows[order, k]], lowest[order])
    new <- new[new]
    if (identical(new, label)) break
    label <- new
  }
  Map(function(own, offset) label[offset + seq_len(own$levels)], layout, offsets[seq_along(layout)])
}

# Pairs of levels that are not independent, as rows with as many columns as are wanted.
related_levels <- function(layout, offsets, columns) {
  do.call(rbind, Map(function(own, offset) {
    if (is.null(own$known)) {
      return(matrix(0L, 0L, columns))
    }
    entries <- precision_entries(own$known)
    cbind(entries$row, matrix(entries$column, length(entries$column), columns - 1L)) + offset + 1L
  }, layout, offsets[seq_along(layout)]))
}

# The traces take a solution for each effect of the largest component; beyond some minutes they are refused.
check_trace_size <- function(system, most = 5e11) {
  entries <- engine_factor_entries(system$engine)
  work <- 4 * as.double(entries) * max(component_order(system)) * (1 + length(system$directions))
  if (work > most) {
    stop_glimmer("ddf", paste0("The method of Kenward and Roger would take about ", format(work, digits = 2),
                               " operations for these ", nrow(system$N), " crossed random effects: use ",
                               "ddf = \"satterthwaite\"."), method = "kenward-roger", operations = work)
  }
}

#' F test of Kenward and Roger
#'
#' @param contrasts Matrix, a row each. @param parts Result of [kenward_roger_parts()].
#' @return List: `statistic` (F, scaled), `numerator` (rank), `df`, `scale`.
#' @references Kenward and Roger (1997), sections 4 and 5.
#' @noRd
kenward_roger_test <- function(contrasts, estimate, parts) {
  contrasts <- uncorrelated_contrasts(contrasts, parts$covariance)$contrasts
  rank <- nrow(contrasts)
  form <- inverse_of(contrasts %*% parts$covariance %*% t(contrasts))
  slopes <- lapply(parts$slopes, function(slope) form %*% contrasts %*% slope %*% t(contrasts))
  traces <- vapply(slopes, function(slope) sum(diag(slope)), 1)
  products <- vapply(slopes, function(left) vapply(slopes, function(right) sum(left * t(right)), 1), traces)
  moments <- kenward_roger_moments(sum(parts$variance * tcrossprod(traces)), sum(parts$variance * products), rank)
  found <- drop(contrasts %*% estimate)
  wald <- sum(found * solve(contrasts %*% parts$adjusted %*% t(contrasts), found))
  list(statistic = moments$scale * wald / rank, numerator = rank, df = moments$df, scale = moments$scale)
}

#' Degrees of freedom and scale that match the first two moments of the Wald statistic
#'
#' They are exact where the statistic is Hotelling's T^2 or an F statistic of analysis of variance.
#'
#' @param a1,a2 The sums A1 and A2 of the paper. @param rank Numerator degrees of freedom.
#' @noRd
kenward_roger_moments <- function(a1, a2, rank) {
  if (is.na(a1 + a2)) {
    return(list(df = NA_real_, scale = NA_real_))
  }
  if (a2 <= 1e-12) {
    return(list(df = Inf, scale = 1))
  }
  if (rank == 1L) {
    return(list(df = 2 / a2, scale = 1))
  }
  b <- (a1 + 6 * a2) / (2 * rank)
  g <- ((rank + 1) * a1 - (rank + 4) * a2) / ((rank + 2) * a2)
  v <- 1 + c(g, g - rank, g - rank - 2) / (3 * rank + 2 * (1 - g)) * b
  inverse_mean <- 1 - a2 / rank
  # both go to zero together where df is 2
  ratio <- if (max(abs(c(inverse_mean, v[2L]))) < 1e-14) 1 else inverse_mean / v[2L]
  df <- 4 + (rank + 2) / (ratio^2 * v[1L] / v[3L] - 1)
  list(df = df, scale = if (abs(df - 2) < 1e-2) 1 else df * inverse_mean / (df - 2))
}
