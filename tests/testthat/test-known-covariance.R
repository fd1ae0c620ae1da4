# Truth: see helper-known-covariance.R.

test_that("log-likelihood, maximum and standard errors are those of independent computations", {
  for (case in list(c("pois_carn_known", "laplace"), c("g_carn_known", "ML"), c("g_carn_known", "REML"))) {
    fit <- carnivore_fit(case[1L], case[2L])
    for (at in c("given", "max")) {
      row <- known_truth(case[1L], case[2L], at)
      if (!nrow(row)) next
      parameters <- known_parameters(row)
      expect_named(component(fit, "parameters"), names(parameters))
      expect_equal(c(logLik(fit, parameters = unname(parameters))), row$logLik, tolerance = 1e-8)
    }
    expect_lt(abs(c(logLik(fit)) - row$logLik), 1e-6)
    expect_true(fit$converged)
    expect_lt(max(abs(component(fit, "parameters") - parameters) / known_errors(row)), 1e-3)
    errors <- sqrt(diag(vcov(fit, full = TRUE)))
    # for a linear mixed model those of beta are given the variances, on both sides
    if (case[2L] != "laplace") errors[1:2] <- sqrt(diag(vcov(fit)))
    expect_equal(unname(errors), known_errors(row), tolerance = 1e-4)
  }
})

test_that("a linear mixed model has the likelihood, gradient and maximum of a dense matrix", {
  case <- known_case()
  for (REML in c(TRUE, FALSE)) {
    fit <- linear_known_fit(case, REML = REML)
    best <- component(fit, "parameters")
    expect_equal(c(logLik(fit)), dense_linear(case, best, REML), tolerance = 1e-10)
    if (REML) best[1:2] <- component(fit, "parameters")[1:2]
    other <- best + c(0.1, -0.2, 0.1, 0.05, 0.1, -0.1, 0.1)
    if (!REML) {
      expect_equal(c(logLik(fit, parameters = other)), dense_linear(case, other, REML), tolerance = 1e-10)
    }
    free <- if (REML) 3:7 else 1:7
    slope <- numDeriv::grad(function(p) dense_linear(case, replace(best, free, p), REML), best[free])
    expect_lt(max(abs(slope)), 1e-4)
  }
})

test_that("modes, their variances and standard errors of prediction are those of the dense mixed model equations", {
  case <- known_case()
  fit <- linear_known_fit(case)
  p <- component(fit, "parameters")
  X <- cbind(1, case$data$x)
  Z <- dense_z(case)
  G <- dense_prior(case, p)
  s2 <- exp(2 * p[[7]])
  equations <- rbind(cbind(crossprod(X), crossprod(X, Z)), cbind(crossprod(Z, X), crossprod(Z) + s2 * solve(G)))
  inverse <- s2 * solve(equations)
  modes <- solve(equations, c(crossprod(X, case$data$y), crossprod(Z, case$data$y)))
  id <- ranef(fit)$id
  expect_identical(sort(rownames(id)), sort(rownames(case$K)))
  expect_equal(c(t(as.matrix(id)[rownames(case$K), ])), modes[3:50], tolerance = 1e-7, ignore_attr = TRUE)
  given <- s2 * solve(crossprod(Z) + s2 * solve(G))
  variances <- attr(id, "postVar")
  for (level in c("v3", "v23")) {
    at <- 2 * (match(level, rownames(case$K)) - 1) + 1:2
    expect_equal(variances[, , match(level, rownames(id))], given[at, at], tolerance = 1e-6, ignore_attr = TRUE)
  }
  # v23 has no rows in the fit, its relatives have
  new <- data.frame(id = c("v1", "v23", "v7"), x = c(1, -0.5, 2), g = factor(c(2, 1, 5), levels = 1:5))
  predicted <- predict(fit, new, se.fit = TRUE)
  coefficients <- cbind(1, new$x, dense_z(case, new))
  expect_equal(unname(predicted$fit), drop(coefficients %*% modes), tolerance = 1e-7)
  expect_equal(unname(predicted$se.fit), sqrt(rowSums((coefficients %*% inverse) * coefficients)), tolerance = 1e-6)
  expect_error(predict(fit, transform(new, id = "w")), class = "glimmer_error")
  # a level of no known relation has the mean variance of the others
  own <- matrix(c(p[3:4], 0, p[5]), 2)
  typical <- mean(diag(case$K)[case$levels])
  for (one in list(new[1, ])) {
    unknown <- predict(fit, transform(one, id = "w"), se.fit = TRUE, allow.new.levels = TRUE)$se.fit
    coefficients <- cbind(1, one$x, dense_z(case, one))
    coefficients[3:50] <- 0
    expect_equal(unname(unknown)^2, drop(coefficients %*% inverse %*% t(coefficients)) +
                   typical * sum((c(1, one$x) %*% own)^2), tolerance = 1e-6)
  }
})

test_that("degrees of freedom and adjusted covariance are those of dense matrices", {
  case <- known_case()
  fit <- linear_known_fit(case)
  p <- component(fit, "parameters")
  dense <- dense_kenward_roger(case, p)
  found <- summary(fit, ddf = "kenward-roger")
  expect_equal(unname(found$coefficients[, "Std. Error"]), sqrt(diag(dense$adjusted)), tolerance = 1e-6)
  df <- function(A) {
    apply(diag(2), 1L, function(l) {
      gradient <- vapply(dense$R, function(R) drop(l %*% dense$C %*% R %*% dense$C %*% l), 1)
      2 * dense$C[l == 1, l == 1]^2 / drop(gradient %*% A %*% gradient)
    })
  }
  expect_equal(unname(found$coefficients[, "df"]), df(dense$A), tolerance = 1e-6)
  # Satterthwaite's: the observed information of REML in variances and covariances
  variances <- c(p[[3]]^2, p[[3]] * p[[4]], p[[4]]^2 + p[[5]]^2, p[[6]]^2, exp(2 * p[[7]]))
  from <- function(v) {
    replace(p, 3:7, c(sqrt(v[1]), v[2] / sqrt(v[1]), sqrt(v[3] - v[2]^2 / v[1]), sqrt(v[4]), log(v[5]) / 2))
  }
  restricted <- function(v) {
    q <- from(v)
    X <- cbind(1, case$data$x)
    V <- dense_z(case) %*% dense_prior(case, q) %*% t(dense_z(case)) + diag(80) * v[5]
    q[1:2] <- solve(crossprod(X, solve(V, X)), crossprod(X, solve(V, case$data$y)))
    dense_linear(case, q, TRUE)
  }
  observed <- -numDeriv::hessian(restricted, variances)
  expect_equal(unname(summary(fit, ddf = "satterthwaite")$coefficients[, "df"]), df(solve(observed)), tolerance = 1e-4)
})

test_that("Laplace's approximation is that of dense matrices, and so are its gradient and maximum", {
  case <- known_case()
  fit <- glmm(known_formula("count"), case$data, poisson, covariance = list(id = case$K))
  expect_identical(fit$method, "laplace")
  p <- component(fit, "parameters")
  other <- p + c(0.1, -0.2, 0.1, 0.1, 0.15, 0.1)
  expect_equal(c(logLik(fit, parameters = other)), dense_laplace(case, other), tolerance = 1e-10)
  expect_lt(max(abs(numDeriv::grad(function(q) dense_laplace(case, q), p))), 1e-4)
  expect_equal(unname(vcov(fit, full = TRUE)), solve(-numDeriv::hessian(function(q) dense_laplace(case, q), p)),
               tolerance = 1e-3)
  # standard errors of prediction given the variances
  X <- cbind(1, case$data$x)
  Z <- dense_z(case)
  weights <- fitted(fit)
  joint <- cbind(X, Z)
  prior <- as.matrix(Matrix::bdiag(matrix(0, 2, 2), solve(dense_prior(case, c(p, 0)))))
  inverse <- solve(crossprod(joint, weights * joint) + prior)
  expect_equal(unname(predict(fit, se.fit = TRUE)$se.fit), sqrt(rowSums((joint %*% inverse) * joint)),
               tolerance = 1e-6)
})

test_that("one factor alone has the variances of prediction of a precision that is not the identity", {
  case <- known_case()
  fit <- glmm(count ~ x + (1 | id), case$data, poisson, covariance = list(id = case$K))
  used <- rownames(case$K)
  Z <- outer(case$data$id, used, "==") + 0
  joint <- cbind(1, case$data$x, Z)
  prior <- as.matrix(Matrix::bdiag(matrix(0, 2, 2), solve(case$K) / component(fit, "parameters")[[3]]^2))
  inverse <- solve(crossprod(joint, fitted(fit) * joint) + prior)
  expect_equal(unname(predict(fit, se.fit = TRUE)$se.fit), sqrt(rowSums((joint %*% inverse) * joint)),
               tolerance = 1e-6)
})

test_that("the identity, another order, the inverse and a sparse matrix make no difference; a multiple the SD's", {
  case <- known_case()
  levels <- case$levels
  unit <- diag(20)
  dimnames(unit) <- list(levels, levels)
  plain <- glmm(known_formula("y"), case$data)
  expect_equal(component(linear_known_fit(case, unit), "parameters"), component(plain, "parameters"), tolerance = 1e-8)
  expect_equal(c(logLik(linear_known_fit(case, unit))), c(logLik(plain)), tolerance = 1e-10)
  counts <- function(...) glmm(known_formula("count"), case$data, poisson, ...)
  related <- counts(covariance = list(id = Matrix::Diagonal(20, names = levels)))
  expect_equal(component(related, "parameters"), component(counts(), "parameters"), tolerance = 1e-8)
  expect_equal(c(logLik(related)), c(logLik(counts())), tolerance = 1e-10)
  fit <- linear_known_fit(case)
  order <- sample(24)
  inverse <- solve(case$K)
  for (other in list(case$K[order, order], precision(inverse), precision(Matrix::Matrix(inverse, sparse = TRUE)),
                     Matrix::Matrix(case$K, sparse = TRUE), methods::as(case$K, "dpoMatrix"))) {
    same <- linear_known_fit(case, other)
    expect_equal(component(same, "parameters"), component(fit, "parameters"), tolerance = 1e-7)
    expect_equal(c(logLik(same)), c(logLik(fit)), tolerance = 1e-10)
    expect_equal(ranef(same)$id[rownames(case$K), ], ranef(fit)$id[rownames(case$K), ], tolerance = 1e-5,
                 ignore_attr = "postVar")
  }
  multiple <- linear_known_fit(case, 1e4 * case$K)
  expect_equal(component(multiple, "parameters")[1:2], component(fit, "parameters")[1:2], tolerance = 1e-6)
  expect_equal(100 * component(multiple, "parameters")[3:5], component(fit, "parameters")[3:5], tolerance = 1e-6)
  expect_equal(c(logLik(multiple)), c(logLik(fit)), tolerance = 1e-10)
  expect_equal(VarCorr(multiple)$id * 1e4, VarCorr(fit)$id, tolerance = 1e-5, ignore_attr = TRUE)
})

test_that("levels without rows change nothing but what is said of them", {
  case <- known_case()
  fit <- linear_known_fit(case)
  less <- linear_known_fit(case, case$K[case$levels, case$levels])
  expect_equal(c(logLik(less)), c(logLik(fit)), tolerance = 1e-10)
  expect_equal(component(less, "parameters"), component(fit, "parameters"), tolerance = 1e-6)
  expect_identical(lme4::ngrps(fit), lme4::ngrps(less))
  expect_identical(nrow(ranef(fit)$id), 24L)
  expect_identical(nrow(ranef(less)$id), 20L)
  # the mean of those without rows given the others
  G <- case$K[21:24, case$levels] %*% solve(case$K[case$levels, case$levels])
  expect_equal(as.matrix(ranef(fit)$id[21:24, ]), G %*% as.matrix(ranef(less)$id[case$levels, ]), tolerance = 1e-4,
               ignore_attr = TRUE)
  expect_output(print(fit), "covariance between the levels of 'id' (and 4 more without rows)", fixed = TRUE)
  expect_output(print(summary(less)), "Known +covariance between the levels of 'id'\n")
})

test_that("quadrature, which needs independent levels, is refused with the reason", {
  d <- carnivores()
  known <- list(sp = carnivore_relations(d))
  expect_error(glmm(li ~ lsw + (1 | sp), d, poisson, nAGQ = 5, covariance = known), "independent levels",
               class = "glimmer_error_quadrature")
  fit <- carnivore_fit("pois_carn_known")
  expect_error(accuracy(fit, nodes = c(1, 5)), class = "glimmer_error_quadrature")
  expect_error(ranef(fit, type = "mean"), class = "glimmer_error_quadrature")
  expect_identical(accuracy(fit)$method, c("joint", "laplace"))
})

test_that("draws of new effects have the covariance", {
  case <- known_case()
  fit <- linear_known_fit(case)
  known <- fit$factors$id$known
  found <- tcrossprod(correlate_levels(known, diag(24)))
  expect_equal(found, case$K[fit$factors$id$levels, fit$factors$id$levels], tolerance = 1e-10, ignore_attr = TRUE)
  new <- data.frame(id = c("v1", "v2", "v23"), x = 1, g = factor(c(1, 2, 3), levels = 1:5))
  draws <- as.matrix(simulate(fit, 4000, seed = 1, newdata = new))
  p <- component(fit, "parameters")
  Z <- dense_z(case, new)
  expected <- Z %*% dense_prior(case, p) %*% t(Z) + diag(3) * exp(2 * p[[7]])
  spread <- sqrt((expected^2 + tcrossprod(diag(expected))) / 4000)
  expect_lt(max(abs(stats::cov(t(draws)) - expected) / spread), 4)
  unknown <- simulate(fit, 4000, seed = 1, newdata = transform(new, id = "w")[1, ])
  variance <- mean(diag(case$K)[case$levels]) * sum((c(1, 1) %*% matrix(c(p[3:4], 0, p[5]), 2))^2) + p[[6]]^2 +
    exp(2 * p[[7]])
  expect_lt(abs(stats::var(unlist(unknown)) / variance - 1) / sqrt(2 / 4000), 4)
})

test_that("update(), refit(), drop1() and a copy read from a file keep the covariance", {
  case <- known_case()
  K <- case$K
  d <- case$data
  fit <- glmm(y ~ x + (1 | id), d, REML = FALSE, covariance = list(id = K))
  again <- update(fit, . ~ . - x)
  expect_equal(c(logLik(again)), c(logLik(glmm(y ~ 1 + (1 | id), d, REML = FALSE, covariance = list(id = K)))),
               tolerance = 1e-12)
  expect_equal(drop1(fit)["x", "AIC"], AIC(again), tolerance = 1e-8)
  # also where the matrix has gone, or another has its name
  within_function <- function(own) glmm(y ~ x + (1 | id), d, REML = FALSE, covariance = list(id = own))
  elsewhere <- within_function(K)
  expect_equal(c(logLik(update(elsewhere, . ~ . - x))), c(logLik(again)), tolerance = 1e-10)
  K <- 2 * K
  expect_equal(VarCorr(update(fit, . ~ . - x))$id, VarCorr(again)$id, tolerance = 1e-6)
  expect_equal(2 * VarCorr(update(fit, . ~ . - x, covariance = list(id = K)))$id, VarCorr(again)$id, tolerance = 1e-6,
               ignore_attr = TRUE)
  file <- tempfile()
  on.exit(unlink(file))
  saveRDS(fit, file)
  read <- readRDS(file)
  expect_equal(c(logLik(read, parameters = component(fit, "parameters"))), c(logLik(fit)), tolerance = 1e-12)
  expect_equal(component(refit(read, d$y), "parameters"), component(fit, "parameters"), tolerance = 1e-6)
  expect_identical(update(fit, covariance = NULL)$factors$id$known, NULL)
  edited <- fit
  edited$factors$id$known$precision <- edited$factors$id$known$precision[-1, -1]
  expect_error(summary(edited), class = "glimmer_error_fit")
})

test_that("the penalised residual sum of squares, of which the effects' own is a part, gives sigma", {
  case <- known_case()
  for (terms in list("(x | id) + (1 | g)", "(x || id)")) {
    formula <- stats::as.formula(paste("y ~ x +", terms), env = environment())
    fit <- glmm(formula, case$data, covariance = list(id = case$K))
    parts <- lme4::getME(fit, "devcomp")$cmp
    expect_equal(unname(parts["ussq"] + parts["drsum"]), 78 * sigma(fit)^2, tolerance = 1e-7)
  }
})

test_that("variances of others' measures are the mean over rows", {
  skip_if_not_installed("insight")
  case <- known_case()
  fit <- linear_known_fit(case)
  p <- component(fit, "parameters")
  Z <- dense_z(case)
  expected <- mean(diag(Z %*% dense_prior(case, p) %*% t(Z)))
  expect_equal(insight::get_variance(fit, component = "random")[[1L]], expected, tolerance = 1e-6)
})

test_that("what a covariance cannot be is refused, with the facts", {
  case <- known_case()
  K <- case$K
  d <- case$data
  refuse <- function(covariance, words, formula = y ~ x + (1 | id)) {
    expect_error(glmm(formula, d, covariance = covariance), words, class = "glimmer_error_covariance")
  }
  refuse(list(id = replace(K, 2, 9)), "not symmetric: entries that should be equal differ by up to")
  indefinite <- K - diag(24) * 0.7
  found <- refuse(list(id = indefinite), "its smallest eigenvalue is -")
  expect_equal(found$smallest_eigenvalue, min(eigen(indefinite)$values), tolerance = 1e-8)
  refuse(list(id = Matrix::Matrix(indefinite, sparse = TRUE)), "smallest eigenvalue")
  refuse(list(id = precision(indefinite)), "smallest eigenvalue")
  singular <- K
  singular[2, ] <- K[1, ]
  singular[, 2] <- singular[, 1]
  for (sparse in c(FALSE, TRUE)) {
    given <- if (sparse) Matrix::Matrix(singular, sparse = TRUE) else singular
    found <- refuse(list(id = given), "smallest eigenvalue")
    expect_lt(abs(found$smallest_eigenvalue), 1e-12)
  }
  near <- K
  near[2, ] <- near[, 2] <- K[1, ]
  near[2, 2] <- K[1, 1] * (1 + 1e-12)
  expect_gt(refuse(list(id = near), "in the digits that numbers have")$smallest_eigenvalue, 0)
  refuse(list(id = unname(K)), "names of the levels")
  refuse(list(id = structure(K, dimnames = list(rownames(K), rev(colnames(K))))), "names of the levels")
  twice <- structure(K, dimnames = rep(list(c("v2", rownames(K)[-1])), 2))
  refuse(list(id = twice), "has 'v2' twice")
  found <- refuse(list(id = K[-(3:4), -(3:4)]), "lacks 2 of the 20 levels in the data: 'v3' and 'v4'")
  expect_identical(found$levels, c("v3", "v4"))
  refuse(list(id = replace(K, 25, NA)), "missing or infinite values in row 'v1'")
  refuse(list(ID = K), "has 'ID', but the grouping factors of the formula are 'id'")
  refuse(list(id = K), "one random term on 'id', and the formula has 2", y ~ x + (1 | id) + (0 + x | id))
  refuse(list(id = "a"), "square matrix of numbers")
  refuse(list(id = K[, 1:3]), "square matrix of numbers")
  refuse(K, "must be a list of matrices")
  refuse(list(K), "must be a list of matrices")
  refuse(precision(K), "must be a list of matrices")
  expect_error(precision("a"), class = "glimmer_error_covariance")
  expect_identical(precision(precision(K)), precision(K))
})

test_that("the smallest eigenvalue of many levels is found to a few per cent", {
  n <- 60
  x <- diag(2.1, n)
  x[abs(row(x) - col(x)) == 1] <- -1.2
  exact <- 2.1 + 2.4 * cos(pi * n / (n + 1))
  expect_equal(smallest_eigenvalue(x), exact, tolerance = 1e-10)
  expect_equal(smallest_eigenvalue(x, most = 10L), exact, tolerance = 0.02)
})

test_that("terms with a structure have it at each level, and the covariance between levels", {
  case <- known_case()
  d <- transform(case$data, f = factor(rep(1:4, 20)))
  levels <- rownames(case$K)
  for (term in c("diag(x | id)", "cs(0 + f | id)", "ar1(0 + f | id)")) {
    formula <- stats::as.formula(paste("y ~ x +", term), env = environment())
    fit <- suppressWarnings(glmm(formula, d, REML = FALSE, covariance = list(id = case$K)), classes = "glimmer_warning")
    z <- stats::model.matrix(if (term == "diag(x | id)") ~ x else ~ 0 + f, d)
    Z <- matrix(0, 80, ncol(z) * 24)
    for (j in seq_len(ncol(z))) Z[cbind(1:80, (match(d$id, levels) - 1) * ncol(z) + j)] <- z[, j]
    covariance <- matrix(VarCorr(fit)$id, ncol(z))
    V <- Z %*% kronecker(case$K, covariance) %*% t(Z) + diag(80) * sigma(fit)^2
    r <- d$y - drop(cbind(1, d$x) %*% fixef(fit))
    expect_equal(c(logLik(fit)), -0.5 * (80 * log(2 * pi) + c(determinant(V)$modulus) + sum(r * solve(V, r))),
                 tolerance = 1e-8)
  }
})

test_that("terms with a variance a column, and a covariance on a:b, have the covariance, too", {
  case <- known_case()
  fit <- glmm(y ~ x + (x || id), case$data, REML = FALSE, covariance = list(id = case$K))
  p <- component(fit, "parameters")
  V <- dense_z(case) %*% dense_prior(case, c(p[1:3], 0, p[4], 0)) %*% t(dense_z(case)) + diag(80) * exp(2 * p[[5]])
  r <- case$data$y - p[[1]] - p[[2]] * case$data$x
  expect_equal(c(logLik(fit)), -0.5 * (80 * log(2 * pi) + c(determinant(V)$modulus) + sum(r * solve(V, r))),
               tolerance = 1e-10)
  d <- transform(case$data, a = substr(id, 1, 2), b = paste0("b", substr(id, 3, 3)))
  known <- case$K
  parts <- paste(substr(rownames(known), 1, 2), paste0("b", substr(rownames(known), 3, 3)), sep = ":")
  dimnames(known) <- list(parts, parts)
  single <- glmm(y ~ x + (1 | id), d, REML = FALSE, covariance = list(id = case$K))
  both <- glmm(y ~ x + (1 | a:b), d, REML = FALSE, covariance = list("a:b" = known))
  expect_equal(c(logLik(both)), c(logLik(single)), tolerance = 1e-10)
  new <- data.frame(id = c("v1", "v23", "v9"), x = 1)
  expect_equal(unname(predict(both, transform(new, a = substr(id, 1, 2), b = paste0("b", substr(id, 3, 3))))),
               unname(predict(single, new)), tolerance = 1e-6)
})

test_that("a level a row is no matter where levels are related, and is where they are not", {
  d <- carnivores()
  unit <- diag(60)
  dimnames(unit) <- list(d$sp, d$sp)
  expect_error(glmm(lbw ~ lsw + (1 | sp), d, covariance = list(sp = unit)), class = "glimmer_error_replication")
  fit <- glmm(lbw ~ lsw + (1 | sp) + (1 | copy), transform(d, copy = sp[c(1:59, 59)]),
              covariance = list(sp = carnivore_relations(d)))
  expect_true(fit$converged)
})

test_that("what is highest with a residual variance of 0 is refused, not passed over for a lower maximum", {
  # one row a level, the response drawn with the known covariance alone; at a variance of 0 is a lower maximum
  d <- with_seed(53, {
    n <- sample(c(6, 10, 15, 25), 1)
    traits <- matrix(rnorm(n * 3), n)
    list(K = exp(-as.matrix(dist(traits))), x = rnorm(n), share = runif(1), z = rnorm(n))
  })
  n <- length(d$x)
  data <- data.frame(species = paste0("s", seq_len(n)), x = d$x)
  data$y <- d$x + drop(t(chol(d$share * d$K + (1 - d$share) * diag(n))) %*% d$z)
  dimnames(d$K) <- list(data$species, data$species)
  refused(glmm(y ~ x + (1 | species), data, covariance = list(species = d$K)), "exact_fit", variable = "y")
  expect_error(glmm(y ~ x + (1 | species), data, covariance = list(species = d$K)), "goes with the known covariance")
})
