# A reference of quadrature by frozen rules, slow and plain, level by level: for the core's pass and the search on it.
# One grouping factor; nodes u_k = m + C x_k stay where they are; all derivatives of densities are numerical.

#' A frozen rule of a reference model
#'
#' @param model [reference_model()] with one factor. @param derivatives Function of eta, phi, rows (positions): list of
#'   f, d1, w and, with a dispersion, f_phi, d1_phi, f_phiphi.
#' @return Environment: `model`, `derivatives`, and of each level `centre`, `root`, `nodes`, `wide`, `moments`.
frozen_reference <- function(model, derivatives = numerical_derivatives(model)) {
  levels <- length(model$factors[[1L]]$levels)
  list2env(list(model = model, derivatives = derivatives, nodes = rep(5L, levels), wide = rep(FALSE, levels),
                rows = split(seq_along(model$offset), factor(model$factors[[1L]]$index, seq_len(levels) - 1L)),
                centre = vector("list", levels), root = vector("list", levels), moments = vector("list", levels)))
}

numerical_derivatives <- function(model) {
  f <- function(eta, phi, rows) reference_log_density(model, eta, phi, rows)
  function(eta, phi, rows) {
    d <- row_derivatives(function(x, which) f(x, phi, rows[which]), eta,
                         analytic_radius(model$family, model$link, eta))
    out <- list(f = f(eta, phi, rows), d1 = d$first, w = -d$second)
    if (length(reference_dispersion(model$family))) {
      h <- 1e-3
      slope <- function(phi) {
        row_derivatives(function(x, which) f(x, phi, rows[which]), eta,
                        analytic_radius(model$family, model$link, eta))$first
      }
      by_phi <- row_derivatives(function(x, which) f(eta[which], x, rows[which]), rep(phi, length(eta)),
                                rep(2, length(eta)))
      out <- c(out, list(f_phi = by_phi$first, f_phiphi = by_phi$second,
                         d1_phi = (8 * (slope(phi + h) - slope(phi - h)) - slope(phi + 2 * h) +
                                     slope(phi - 2 * h)) / (12 * h)))
    }
    out
  }
}

# Nodes x and log weights for the integral of g(x) dx: Gauss-Hermite by the eigenvalues of its Jacobi matrix, or the
# trapezoid rule on ten standard deviations to either side.
frozen_axis <- function(nodes, wide) {
  if (wide) {
    x <- seq(-10, 10, length.out = nodes)
    return(list(x = x, log_weight = rep(log(x[2L] - x[1L]), nodes)))
  }
  jacobi <- diag(0, nodes)
  below <- cbind(seq_len(nodes)[-1L], seq_len(nodes - 1L))
  jacobi[below] <- jacobi[below[, 2:1, drop = FALSE]] <- sqrt(seq_len(nodes - 1L))
  parts <- eigen(jacobi, symmetric = TRUE)
  list(x = parts$values, log_weight = log(parts$vectors[1L, ]^2) + (log(2 * pi) + parts$values^2) / 2)
}

# Nodes (a row each) and log weights of a level, without the determinant of its root.
frozen_nodes <- function(q, nodes, wide) {
  axis <- frozen_axis(nodes, wide)
  grid <- as.matrix(expand.grid(rep(list(seq_len(nodes)), q)))
  list(x = matrix(axis$x[grid], ncol = q), log_weight = rowSums(matrix(axis$log_weight[grid], ncol = q)))
}

# Centres and roots from mode and curvature at the parameters.
frozen_place_at_modes <- function(rule, parameters) {
  part <- reference_unpack(rule$model, parameters)
  q <- ncol(rule$model$factors[[1L]]$Z)
  for (g in seq_along(rule$rows)) {
    rows <- rule$rows[[g]]
    A <- rule$model$factors[[1L]]$Z[rows, , drop = FALSE] %*% part$lambdas[[1L]]
    fixed <- rule$model$offset[rows] + drop(rule$model$X[rows, , drop = FALSE] %*% part$beta)
    at <- function(u) rule$derivatives(fixed + drop(A %*% u), part$phi, rows)
    u <- if (is.null(rule$centre[[g]])) numeric(q) else rule$centre[[g]]
    if (!is.finite(sum(at(u)$f))) u <- numeric(q)
    for (round in 1:100) {
      d <- at(u)
      H <- crossprod(A, d$w * A) + diag(q)
      if (inherits(try(chol(H), silent = TRUE), "try-error")) H <- crossprod(A, abs(d$w) * A) + diag(q)
      step <- solve(H, crossprod(A, d$d1) - u)
      value <- sum(d$f) - sum(u^2) / 2
      for (halving in 0:30) {
        to <- u + drop(step) / 2^halving
        there <- sum(at(to)$f) - sum(to^2) / 2
        if (is.finite(there) && there >= value - 1e-12 * (1 + abs(value))) break
      }
      u <- to
      if (sum(step^2) < 1e-20) break
    }
    H <- crossprod(A, at(u)$w * A) + diag(q)
    root <- try(chol(H), silent = TRUE)
    if (inherits(root, "try-error")) return("not_positive_definite")
    rule$centre[[g]] <- u
    rule$root[[g]] <- backsolve(root, diag(q))
  }
  "ok"
}

# From the moments of the last pass, where they are good.
frozen_place_at_moments <- function(rule) {
  for (g in seq_along(rule$rows)) {
    moments <- rule$moments[[g]]
    root <- tryCatch(t(chol(moments$covariance)), error = function(e) NULL)
    if (is.null(root) || !all(is.finite(c(root, moments$mean))) || any(diag(root) <= 0)) next
    rule$centre[[g]] <- moments$mean
    rule$root[[g]] <- root
  }
  "ok"
}

# One level's nodes and the logarithms of the terms of its sum, with the derivatives of its rows at the nodes.
frozen_level <- function(rule, part, g, nodes, wide) {
  rows <- rule$rows[[g]]
  q <- length(rule$centre[[g]])
  grid <- frozen_nodes(q, nodes, wide)
  u <- rep(rule$centre[[g]], each = nrow(grid$x)) + grid$x %*% t(rule$root[[g]])
  Z <- rule$model$factors[[1L]]$Z[rows, , drop = FALSE]
  X <- rule$model$X[rows, , drop = FALSE]
  eta <- rule$model$offset[rows] + drop(X %*% part$beta) + Z %*% part$lambdas[[1L]] %*% t(u)
  d <- rule$derivatives(as.vector(eta), part$phi, rep(rows, nrow(u)))
  d <- lapply(d, matrix, nrow = length(rows))
  terms <- grid$log_weight + log(abs(det(rule$root[[g]]))) - q / 2 * log(2 * pi) - rowSums(u^2) / 2 + colSums(d$f)
  largest <- max(terms)
  value <- if (is.finite(largest)) largest + log(sum(exp(terms - largest))) else largest
  list(value = value, share = exp(terms - value), u = u, d = d, X = X, Z = Z)
}

# Value, gradient and Hessian (Louis) at the parameters, the nodes where they are; the moments are kept.
frozen_pass <- function(rule, parameters, order) {
  part <- reference_unpack(rule$model, parameters)
  total <- list(value = 0, gradient = numeric(length(parameters)),
                hessian = matrix(0, length(parameters), length(parameters)))
  for (g in seq_along(rule$rows)) {
    level <- frozen_level(rule, part, g, rule$nodes[g], rule$wide[g])
    if (!is.finite(level$value)) {
      return(list(status = "not_finite", value = -Inf))
    }
    total$value <- total$value + level$value
    mean <- drop(crossprod(level$u, level$share))
    rule$moments[[g]] <- list(mean = mean,
                              covariance = crossprod(level$u, level$share * level$u) - tcrossprod(mean))
    if (order > 0L) {
      own <- louis(level, q = length(mean), phi = !is.null(level$d$f_phi))
      total$gradient <- total$gradient + own$gradient
      total$hessian <- total$hessian + own$hessian
    }
  }
  c(list(status = "ok"), total)
}

louis <- function(level, q, phi) {
  below <- which(lower.tri(diag(q), diag = TRUE), arr.ind = TRUE)
  scores <- NULL
  second <- 0
  for (k in which(level$share > 0)) {
    features <- cbind(level$X, level$Z[, below[, 1L], drop = FALSE] *
                        rep(level$u[k, below[, 2L]], each = nrow(level$Z)))
    score <- drop(crossprod(features, level$d$d1[, k]))
    curvature <- -crossprod(features, level$d$w[, k] * features)
    if (phi) {
      score <- c(score, sum(level$d$f_phi[, k]))
      mixed <- drop(crossprod(features, level$d$d1_phi[, k]))
      curvature <- rbind(cbind(curvature, mixed), c(mixed, sum(level$d$f_phiphi[, k])))
    }
    scores <- rbind(scores, score)
    second <- second + level$share[k] * curvature
  }
  share <- level$share[level$share > 0]
  gradient <- drop(crossprod(scores, share))
  list(gradient = gradient, hessian = second + crossprod(scores, share * scores) - tcrossprod(gradient))
}

# Levels' values with other nodes at the same places; not a number where there are none.
frozen_values <- function(rule, parameters, nodes, wide) {
  part <- reference_unpack(rule$model, parameters)
  vapply(seq_along(rule$rows), function(g) {
    if (nodes[g]) frozen_level(rule, part, g, nodes[g], wide[g])$value else NaN
  }, 1)
}
