# The reference: log-likelihoods of generalised linear mixed models, slow and plain. The mode is found by Newton's
# method, or by optim() where the curvature is not that of a maximum; all derivatives are numerical (central stencils
# on the log-density of each row); all matrices are dense. It shares no code and no formula of a derivative with the
# package.

#' A model for the reference.
#'
#' @param factors,terms As in the design of the package: factors are lists of name, levels, index (from 0) and Z;
#'   terms are lists of group, factor (position), columns (positions in Z), names.
#' @param family,link Names. Rows of weight zero are left out.
reference_model <- function(y, size, weights, offset, X, factors, terms, family, link) {
  keep <- weights > 0
  model <- list(
    rows = list(y = as.numeric(y)[keep], size = as.numeric(size)[keep], weights = as.numeric(weights)[keep]),
    offset = offset[keep], X = X[keep, , drop = FALSE], terms = terms, family = family, link = link,
    factors = lapply(factors, function(factor) {
      list(name = factor$name, levels = factor$levels, index = factor$index[keep],
           Z = factor$Z[keep, , drop = FALSE])
    })
  )
  model$names <- c(colnames(X), unlist(lapply(terms, term_parameter_names)), unname(reference_dispersion(family, link)))
  model
}

#' A model for the reference from a design of the package.
reference_from_design <- function(design, family) {
  reference_model(design$y, design$size, design$weights, design$offset, design$X, design$factors, design$terms,
                  family$family, family$link)
}

#' Names of the parameters of a random term: the lower triangle of L, column by column.
term_parameter_names <- function(term) {
  effects <- term$names
  if (length(effects) == 1L) return(paste0("sd.", term$group, ".", effects))
  lower <- which(lower.tri(diag(length(effects)), diag = TRUE), arr.ind = TRUE)
  paste0("L.", term$group, ".", effects[lower[, 1L]], "|", effects[lower[, 2L]])
}

#' The parameter vector as beta, one Lambda for each factor (on its q columns), and phi.
reference_unpack <- function(model, parameters) {
  stopifnot(length(parameters) == length(model$names))
  p <- ncol(model$X)
  lambdas <- lapply(model$factors, function(factor) matrix(0, ncol(factor$Z), ncol(factor$Z)))
  used <- p
  for (term in model$terms) {
    q <- length(term$columns)
    block <- matrix(0, q, q)
    block[lower.tri(block, diag = TRUE)] <- parameters[used + seq_len(q * (q + 1) / 2)]
    lambdas[[term$factor]][term$columns, term$columns] <- block
    used <- used + q * (q + 1) / 2
  }
  list(beta = unname(parameters[seq_len(p)]), lambdas = lambdas,
       phi = if (used < length(parameters)) unname(parameters[used + 1L]) else 0)
}

#' A = Z Lambda, dense: one column for each spherical random effect, level by level within a factor.
reference_random_matrix <- function(model, lambdas) {
  do.call(cbind, Map(function(factor, lambda) {
    rows <- factor$Z %*% lambda
    q <- ncol(rows)
    A <- matrix(0, nrow(rows), q * length(factor$levels))
    for (k in seq_len(q)) A[cbind(seq_len(nrow(rows)), factor$index * q + k)] <- rows[, k]
    A
  }, model$factors, lambdas))
}

#' The log-density of each row of a model (or of chosen rows, repeats allowed).
reference_log_density <- function(model, eta, phi = 0, which = seq_along(eta)) {
  reference_row_density(model$family, model$link, lapply(model$rows, `[`, which), eta, phi)
}

#' First derivatives of the rows' log-densities in eta, and minus the second ones.
reference_row_derivatives <- function(model, eta, phi) {
  density <- function(x, which) reference_log_density(model, x, phi, which)
  d <- row_derivatives(density, eta, analytic_radius(model$family, model$link, eta))
  list(d1 = d$first, w = -d$second)
}

#' Maximise h(v) = sum of log-densities at eta = offset + M v, minus v'Pv / 2 with P diagonal (`penalty`).
#'
#' @return List of the mode, h at it, the curvature there and its Cholesky factor.
reference_mode <- function(model, offset, M, penalty, phi, start = NULL) {
  value <- function(v) sum(reference_log_density(model, offset + drop(M %*% v), phi)) - sum(penalty * v^2) / 2
  slope <- function(v) reference_slope(model, offset, M, penalty, phi, v)
  v <- if (is.null(start)) numeric(ncol(M)) else start
  if (!is.finite(value(v))) stop("the reference cannot start: the log-density is not finite")
  for (round in seq_len(200L)) {
    at <- slope(v)
    root <- tryCatch(chol(at$curvature), error = function(e) NULL)
    if (is.null(root)) {
      # Not concave here: climb by a method that does not need the curvature, then go on.
      v <- stats::optim(v, value, function(v) slope(v)$gradient, method = "BFGS",
                        control = list(fnscale = -1, maxit = 50, reltol = 1e-14))$par
      next
    }
    step <- backsolve(root, backsolve(root, at$gradient, transpose = TRUE))
    decrement <- sum(step * at$gradient)
    v <- v + step * if (decrement < 1e-18) 1 else step_length(value, v, step)
    if (decrement < 1e-18) break
  }
  if (is.null(root) || decrement > 1e-12) stop("the reference did not find the mode")
  # The last step is below rounding in h, yet not in the determinant: so the curvature is taken after it.
  curvature <- slope(v)$curvature
  list(mode = v, value = value(v), curvature = curvature, root = chol(curvature))
}

#' Gradient and negative Hessian of h: eta enters row by row, so they follow from the rows' derivatives.
reference_slope <- function(model, offset, M, penalty, phi, v) {
  rows <- reference_row_derivatives(model, offset + drop(M %*% v), phi)
  curvature <- crossprod(M, rows$w * M)
  diag(curvature) <- diag(curvature) + penalty
  list(gradient = drop(crossprod(M, rows$d1)) - penalty * v, curvature = curvature)
}

#' Halve a step until it does not lower the value (beyond rounding).
step_length <- function(value, v, step) {
  here <- value(v)
  length <- 1
  while (length > 1e-10) {
    there <- value(v + length * step)
    if (is.finite(there) && there >= here - 1e-12 * (1 + abs(here))) return(length)
    length <- length / 2
  }
  0
}

#' The Laplace approximation with the observed Hessian, at given parameters.
#'
#' @param start Optional: a mode to start from (speeds up numerical derivatives).
#' @return The log-likelihood, with attribute `mode`.
reference_laplace <- function(model, parameters, start = NULL) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  at <- reference_mode(model, model$offset + drop(model$X %*% part$beta), A, rep(1, ncol(A)), part$phi, start)
  structure(at$value - sum(log(diag(at$root))), mode = at$mode)
}

#' The joint method: beta and u maximised together at given covariance parameters and dispersion; the determinant is
#' that of the u block only.
#'
#' @param parameters The whole vector; its beta is only the place to start from.
reference_joint <- function(model, parameters) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  q <- ncol(A)
  p <- ncol(model$X)
  penalty <- rep(c(1, 0), c(q, p))
  at <- reference_mode(model, model$offset, cbind(A, model$X), penalty, part$phi, c(numeric(q), part$beta))
  block <- at$curvature[seq_len(q), seq_len(q), drop = FALSE]
  structure(at$value - sum(log(diag(chol(block)))), beta = stats::setNames(at$mode[q + seq_len(p)], colnames(model$X)),
            mode = at$mode[seq_len(q)])
}

#' Laplace with restricted maximum likelihood: beta is integrated with a flat prior.
reference_laplace_reml <- function(model, parameters) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  p <- ncol(model$X)
  penalty <- rep(c(1, 0), c(ncol(A), p))
  at <- reference_mode(model, model$offset, cbind(A, model$X), penalty, part$phi, c(numeric(ncol(A)), part$beta))
  at$value - sum(log(diag(at$root))) + p / 2 * log(2 * pi)
}

#' The exact log-likelihood of a model with one factor and one or two random effects for each level: the trapezoid
#' rule, whose error on a smooth integrand falls faster than any power of the step.
#'
#' @param nodes Number of points an effect over the region where the integrand matters.
reference_exact <- function(model, parameters, nodes = if (ncol(model$factors[[1L]]$Z) == 1L) 401L else 81L) {
  integral <- if (ncol(model$factors[[1L]]$Z) == 1L) group_integral else group_integral_of_two
  sum(vapply(reference_group_integrands(model, parameters), integral, numeric(1), nodes = nodes))
}

#' The logarithms of the groups' integrands, as functions of spherical random effects: a row a point, a column an
#' effect; or a vector where there is one.
reference_group_integrands <- function(model, parameters) {
  stopifnot(length(model$factors) == 1L)
  part <- reference_unpack(model, parameters)
  factor <- model$factors[[1L]]
  fixed <- model$offset + drop(model$X %*% part$beta)
  slopes <- factor$Z %*% part$lambdas[[1L]]
  lapply(split(seq_along(fixed), factor$index), function(rows) {
    function(u) {
      u <- as.matrix(u)
      eta <- fixed[rows] + tcrossprod(slopes[rows, , drop = FALSE], u)
      density <- reference_log_density(model, c(eta), part$phi, rep(rows, nrow(u)))
      colSums(matrix(density, length(rows))) + rowSums(stats::dnorm(u, log = TRUE))
    }
  })
}

#' The logarithm of the integral of exp(log_integrand): bracket the region that matters, then the trapezoid rule.
group_integral <- function(log_integrand, nodes) {
  grid <- seq(-40, 40, length.out = 401L)
  for (zoom in 1:4) {
    height <- log_integrand(grid)
    matters <- range(which(height > max(height) - 60))
    bounds <- grid[pmin(pmax(matters + c(-1L, 1L), 1L), length(grid))]
    grid <- seq(bounds[1L], bounds[2L], length.out = if (zoom < 4) 101L else nodes)
  }
  height <- log_integrand(grid)
  max(height) + log(sum(exp(height - max(height))) * (grid[2L] - grid[1L]))
}

#' The same for two effects, over the smallest box with the region that matters.
group_integral_of_two <- function(log_integrand, nodes) {
  grid <- data.frame(u1 = seq(-12, 12, length.out = 49L), u2 = seq(-12, 12, length.out = 49L))
  for (zoom in 1:3) {
    points <- expand.grid(grid)
    height <- log_integrand(points)
    matters <- points[height > max(height) - 45, ]
    grid <- as.data.frame(Map(function(axis, inside) {
      bounds <- range(inside) + c(-1, 1) * (axis[2L] - axis[1L])
      seq(bounds[1L], bounds[2L], length.out = if (zoom < 3) 49L else nodes)
    }, grid, matters))
  }
  height <- log_integrand(expand.grid(grid))
  max(height) + log(sum(exp(height - max(height)))) + sum(log(vapply(grid, function(axis) axis[2L] - axis[1L], 1)))
}

#' The log-likelihood of a linear mixed model in closed form: a dense multivariate normal density.
#'
#' @param REML Logical: the restricted one, with beta integrated with a flat prior.
reference_normal <- function(model, parameters, REML = FALSE) {
  part <- reference_unpack(model, parameters)
  A <- reference_random_matrix(model, part$lambdas)
  V <- tcrossprod(A) + diag(exp(2 * part$phi) / model$rows$weights)
  root <- chol(V)
  whiten <- function(x) backsolve(root, x, transpose = TRUE)
  residual <- whiten(model$rows$y - model$offset - drop(model$X %*% part$beta))
  value <- -length(residual) / 2 * log(2 * pi) - sum(log(diag(root))) - sum(residual^2) / 2
  if (!REML) return(value)
  X <- whiten(model$X)
  value + sum(qr.fitted(qr(X), residual)^2) / 2 + ncol(X) / 2 * log(2 * pi) -
    as.numeric(determinant(crossprod(X))$modulus) / 2
}

#' The Laplace log-likelihood as a function of the parameters that starts each search from the last mode.
reference_laplace_function <- function(model, parameters) {
  mode <- attr(reference_laplace(model, parameters), "mode")
  function(parameters) as.numeric(reference_laplace(model, parameters, mode))
}

#' The maximiser of a reference log-likelihood (small models only), with standard errors from a numerical Hessian.
#'
#' @param value Function of the parameters.
#' @param start Numeric: where to start; the result should not depend on it.
reference_optimum <- function(value, start) {
  objective <- function(x) {
    result <- tryCatch(-as.numeric(value(x)), error = function(e) Inf)
    if (is.finite(result)) result else Inf
  }
  gradient <- function(x) reference_gradient(objective, x, levels = 2L)
  found <- stats::nlminb(start, objective, gradient, control = list(eval.max = 500, iter.max = 300, rel.tol = 1e-13))
  x <- stats::setNames(found$par, names(start))
  rough <- reference_hessian(objective, x, levels = 1L)
  for (polish in 1:3) x <- x - solve(rough, reference_gradient(objective, x, levels = 3L))
  covariance <- solve(reference_hessian(objective, x, levels = 3L))
  list(parameters = x, value = -objective(x), covariance = covariance, standard_errors = sqrt(diag(covariance)),
       gradient = -reference_gradient(objective, x))
}
