# Truth for known covariances: independent numbers for 60 species of carnivores, and dense matrices written here.

carnivores <- function() {
  d <- read_fixture("carnivora.csv")
  transform(d, li = round(LS), lsw = log(SW), lbw = log(BW), sp = Species)
}

# A quarter each for the same superfamily, family and genus, and a quarter on the diagonal.
carnivore_relations <- function(d) {
  same <- function(x) outer(x, x, "==") / 4
  K <- same(d$SuperFamily) + same(d$Family) + same(d$Genus)
  diag(K) <- 1
  dimnames(K) <- list(d$sp, d$sp)
  K
}

known_truth <- function(model, method, at) {
  rows <- read_fixture("known_covariance_truth.csv")
  rows[rows$model == model & rows$method == method & rows$at == at, ]
}

# On the scale of the package: the logarithm of sigma, and its standard error.
known_parameters <- function(row) {
  parameters <- truth_parameters(row)
  names <- sub("^sd.sp$", "sd.sp.(Intercept)", names(parameters))
  parameters[names == "sigma"] <- log(parameters[names == "sigma"])
  stats::setNames(parameters, sub("^sigma$", "log_sigma", names))
}

known_errors <- function(row) {
  se <- truth_standard_errors(row)
  if ("sigma" %in% names(se)) se[["sigma"]] <- se[["sigma"]] / truth_parameters(row)[["sigma"]]
  unname(se)
}

carnivore_fit <- function(model, method) {
  d <- carnivores()
  K <- carnivore_relations(d)
  if (model == "pois_carn_known") {
    return(glmm(li ~ lsw + (1 | sp), d, poisson, covariance = list(sp = K)))
  }
  glmm(lbw ~ lsw + (1 | sp), d, REML = method == "REML", covariance = list(sp = K))
}

# 20 levels in the data and 4 more, slopes, a second factor; with all that is asked of V and H as dense matrices.
known_case <- function() {
  set.seed(11)
  levels <- paste0("v", 1:24)
  root <- matrix(stats::rnorm(24 * 24), 24)
  K <- crossprod(root) / 24 + diag(seq(0.3, 1.2, length.out = 24))
  dimnames(K) <- list(levels, levels)
  d <- data.frame(id = sample(rep(levels[1:20], each = 4)), x = stats::rnorm(80), g = factor(rep(1:5, 16)))
  b <- t(chol(K)) %*% matrix(stats::rnorm(48), 24) %*% chol(matrix(c(0.8, 0.2, 0.2, 0.8), 2))
  rownames(b) <- levels
  eta <- 1 + 0.5 * d$x + b[d$id, 1] + d$x * b[d$id, 2] + stats::rnorm(5, sd = 0.4)[d$g]
  d$y <- eta + stats::rnorm(80, sd = 0.6)
  d$count <- stats::rpois(80, exp(0.5 + 0.6 * eta + c(-1, 0.5, 0, 1, -0.5)[d$g]))
  list(data = d, K = K, levels = sort(unique(d$id)))
}

# Z by level of the whole K, within it by effect; then the levels of g.
dense_z <- function(case, data = case$data, levels = rownames(case$K)) {
  z <- cbind(1, data$x)
  own <- matrix(0, nrow(data), 2 * length(levels))
  at <- 2 * (match(data$id, levels) - 1)
  for (j in 1:2) own[cbind(seq_len(nrow(data)), at + j)] <- z[, j]
  unname(cbind(own, stats::model.matrix(~ 0 + g, data)))
}

# The covariance of all random effects.
dense_prior <- function(case, parameters) {
  L <- matrix(c(parameters[3:4], 0, parameters[5]), 2)
  as.matrix(Matrix::bdiag(kronecker(case$K, tcrossprod(L)), diag(5) * parameters[[6]]^2))
}

dense_linear <- function(case, parameters, REML) {
  X <- cbind(1, case$data$x)
  V <- dense_z(case) %*% dense_prior(case, parameters) %*% t(dense_z(case)) + diag(80) * exp(2 * parameters[[7]])
  r <- case$data$y - drop(X %*% parameters[1:2])
  information <- crossprod(X, solve(V, X))
  value <- -0.5 * (80 * log(2 * pi) + determinant(V)$modulus + sum(r * solve(V, r)))
  if (REML) value <- value + 0.5 * (2 * log(2 * pi) - determinant(information)$modulus)
  c(value)
}

known_formula <- function(response) {
  stats::as.formula(paste(response, "~ x + (x | id) + (1 | g)"), env = globalenv())
}

linear_known_fit <- function(case, K = case$K, REML = TRUE) {
  glmm(known_formula("y"), case$data, REML = REML, covariance = list(id = K))
}

# Kenward and Roger (1997) with V linear in variances and covariances.
dense_kenward_roger <- function(case, p) {
  X <- cbind(1, case$data$x)
  Z <- dense_z(case)
  moves <- list(c(1, 0, 0, 0), c(0, 1, 1, 0), c(0, 0, 0, 1))
  slopes <- lapply(moves, function(move) {
    Z %*% as.matrix(Matrix::bdiag(kronecker(case$K, matrix(move, 2)), diag(5) * 0)) %*% t(Z)
  })
  slopes <- c(slopes, list(tcrossprod(stats::model.matrix(~ 0 + g, case$data)), diag(80)))
  V <- Z %*% dense_prior(case, p) %*% t(Z) + diag(80) * exp(2 * p[[7]])
  W <- solve(V)
  C <- solve(crossprod(X, W %*% X))
  P <- W - W %*% X %*% C %*% t(X) %*% W
  information <- outer(1:5, 1:5, Vectorize(function(i, j) sum(diag(P %*% slopes[[i]] %*% P %*% slopes[[j]])) / 2))
  A <- solve(information)
  R <- lapply(slopes, function(S) t(X) %*% W %*% S %*% W %*% X)
  total <- 0
  for (i in 1:5) {
    for (j in 1:5) {
      Q <- t(X) %*% W %*% slopes[[i]] %*% W %*% slopes[[j]] %*% W %*% X
      total <- total + A[i, j] * (Q - R[[i]] %*% C %*% R[[j]])
    }
  }
  list(adjusted = C + 2 * C %*% total %*% C, C = C, R = R, A = A)
}

# Laplace's approximation with dense matrices.
dense_laplace <- function(case, parameters) {
  X <- cbind(1, case$data$x)
  Z <- dense_z(case)
  G <- dense_prior(case, c(parameters, 0))
  P <- solve(G)
  b <- numeric(ncol(Z))
  fixed <- drop(X %*% parameters[1:2])
  for (step in 1:50) {
    mean <- exp(fixed + drop(Z %*% b))
    H <- crossprod(Z, mean * Z) + P
    b <- b + solve(H, crossprod(Z, case$data$count - mean) - P %*% b)
  }
  eta <- fixed + drop(Z %*% b)
  c(sum(stats::dpois(case$data$count, exp(eta), log = TRUE)) - drop(t(b) %*% P %*% b) / 2 -
      determinant(H)$modulus / 2 - determinant(G)$modulus / 2)
}
