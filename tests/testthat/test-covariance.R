# Every structure of the registry: its verbs agree with each other, with differences, and with the core.
structure_cases <- function(searched = c(TRUE, FALSE)) {
  cases <- expand.grid(name = names(structures), q = 1:4, searched = searched, stringsAsFactors = FALSE)
  Map(function(name, q, searched) {
    structure <- structure_of(list(group = "g", names = letters[seq_len(q)], structure = name), searched)
    theta <- with_seed(10 * q, ifelse(structure$scaled, runif(length(structure$names), 0.4, 1.2), 0.3))
    list(label = paste(name, q, if (searched) "searched"), q = q, structure = structure, theta = theta)
  }, cases$name, cases$q, cases$searched)
}

error_of_size <- function(q) {
  lower <- matrix(0.2, q, q)
  lower[upper.tri(lower)] <- 0
  diag(lower) <- seq(0.3, 0.6, length.out = q)
  lower
}

covariance_at <- function(structure, theta) tcrossprod(structure$lambda(theta))

test_that("L is lower triangular, zero where the pattern says so, and its slope is that of differences", {
  for (case in structure_cases()) {
    structure <- case$structure
    root <- structure$lambda(case$theta)
    expect_identical(dim(root), c(case$q, case$q), label = case$label)
    expect_true(all(root[!structure$pattern] == 0) && all(root[upper.tri(root)] == 0), label = case$label)
    expect_equal(structure$sds(case$theta), sqrt(diag(tcrossprod(root))), label = case$label)
    bar <- with_seed(1, matrix(rnorm(case$q^2), case$q))
    expected <- reference_gradient(function(theta) sum(bar * structure$lambda(theta)), case$theta)
    expect_equal(structure$pull_back(case$theta, bar), expected, tolerance = 1e-8, label = case$label)
  }
})

test_that("there is a name and a property for each parameter", {
  for (case in structure_cases()) {
    structure <- case$structure
    expect_false(anyDuplicated(structure$names) > 0L, label = case$label)
    for (property in structure[c("scaled", "bounded")]) {
      expect_true(is.logical(property) && length(property) == length(structure$names), label = case$label)
    }
    larger <- ifelse(structure$scaled, 2, 1) * case$theta
    expect_equal(structure$lambda(larger), 2 * structure$lambda(case$theta), label = case$label)
  }
})

test_that("the standard deviations and correlations that tell all are as many as parameters, of effects that vary", {
  for (case in structure_cases()) {
    for (varies in list(rep(TRUE, case$q), seq_len(case$q) != 1L)) {
      reported <- case$structure$reported(varies)
      expect_false(any(reported[upper.tri(reported)]), label = case$label)
      expect_identical(sum(reported), length(case$theta), label = case$label)
      pairs <- which(reported & lower.tri(reported), arr.ind = TRUE)
      single <- !is.null(case$structure$rule)
      if (single) expect_identical(nrow(pairs), 1L, label = case$label)
      if (single && sum(varies) > 1L) expect_true(all(varies[pairs]), label = case$label)
    }
  }
})

test_that("signs do not change the covariance, and are normal after they are made so", {
  for (case in structure_cases()) {
    structure <- case$structure
    flipped <- ifelse(structure$scaled, -1, 1) * case$theta
    normal <- structure$normalise(flipped)
    expect_equal(covariance_at(structure, normal), covariance_at(structure, flipped), label = case$label)
    expect_equal(normal, structure$normalise(case$theta), label = case$label)
    expect_identical(structure$normalise(normal), normal, label = case$label)
  }
})

test_that("a root of the structure's own is met; of any other the covariance is of its size", {
  for (case in structure_cases()) {
    structure <- case$structure
    own <- structure$lambda(structure$of_root(structure$lambda(case$theta)))
    expect_equal(tcrossprod(own), covariance_at(structure, case$theta), label = case$label)
    error <- error_of_size(case$q)
    ratio <- sum(diag(covariance_at(structure, structure$of_root(error)))) / sum(diag(tcrossprod(error)))
    expect_equal(ratio, 1, tolerance = 1e-10, label = case$label)
  }
})

test_that("units are a regular matrix, and from a start inside the covariance is regular", {
  for (case in structure_cases(TRUE)) {
    structure <- case$structure
    error <- error_of_size(case$q)
    zero <- ifelse(structure$scaled, 0, case$theta)
    for (theta in list(case$theta, zero)) {
      units <- structure$units(theta, error)
      expect_identical(dim(units), rep(length(theta), 2L), label = case$label)
      expect_gt(abs(det(units)), 0, label = case$label)
      inside <- structure$inside(theta, error)
      expect_gt(min(eigen(covariance_at(structure, inside))$values), 0, label = case$label)
    }
  }
})

# Each singular covariance in turn, as if the log-likelihood never fell.
truncate_all <- function(structure, theta, error) {
  Reduce(function(last, singular) {
    now <- singular$change(last$theta)
    list(theta = now, held = singular$held(now))
  }, structure$truncations(theta, error), list(theta = theta), accumulate = TRUE)[-1L]
}

test_that("singular covariances that are held are singular, none less than the last, the last of them zero", {
  for (case in structure_cases(TRUE)) {
    structure <- case$structure
    error <- error_of_size(case$q)
    small <- ifelse(structure$scaled, 0.1, 1) * case$theta
    found <- truncate_all(structure, small, error)
    expect_gt(length(found), 0L, label = case$label)
    ranks <- vapply(found, function(singular) qr(covariance_at(structure, singular$theta), tol = 1e-8)$rank, 1L)
    expect_true(all(ranks < case$q) && !is.unsorted(rev(ranks)), label = case$label)
    expect_identical(ranks[length(ranks)], 0L, label = case$label)
    for (singular in found) {
      expect_true(any(singular$held) && length(singular$held) == length(small), label = case$label)
      zero <- sqrt(diag(covariance_at(structure, singular$theta))) < 1e-8
      variances <- ifelse(singular$held, NA, 0.1)
      expect_identical(structure$singular_effects(singular$theta, singular$held, variances), zero, label = case$label)
    }
    expect_true(all(found[[length(found)]]$held), label = case$label)
    large <- ifelse(structure$scaled, 100, 1) * case$theta
    expect_identical(structure$truncations(large, error), list(), label = case$label)
  }
})

test_that("probes find the way inside where the log-likelihood rises, and none where it falls", {
  for (case in structure_cases(TRUE)) {
    structure <- case$structure
    error <- error_of_size(case$q)
    target <- covariance_at(structure, case$theta)
    near <- function(theta) -sum((covariance_at(structure, theta) - target)^2)
    away <- function(theta) -sum(covariance_at(structure, theta) * diag(case$q))
    for (singular in truncate_all(structure, ifelse(structure$scaled, 0.01, 1) * case$theta, error)) {
      # the rest is not small
      theta <- ifelse(singular$held, singular$theta, case$theta)
      asked <- function(value) {
        unlist(lapply(structure$probes(theta, error), function(probe) {
          inside <- probe$inwards(reference_gradient(value, probe$theta, step = 1e-4))
          if (!is.null(inside)) value(inside) > value(theta)
        }))
      }
      expect_true(any(asked(near)), label = case$label)
      if (all(singular$held)) expect_null(asked(away), label = case$label)
    }
  }
})

test_that("directions are the slopes of the covariance in other units of the effects", {
  for (case in structure_cases()) {
    structure <- case$structure
    U <- error_of_size(case$q)
    inverse <- solve(U)
    directions <- structure$directions(case$theta, U)
    count <- length(case$theta)
    # chain rule: slopes by theta are those by the directions' parameters times the derivatives of these in theta
    change <- structure$direction_root(diag(count), U)
    slopes <- vapply(directions, function(direction) c(direction$slope), numeric(case$q^2))
    ours <- matrix(slopes, case$q^2) %*% change
    for (k in seq_len(case$q^2)) {
      entry <- function(theta) (inverse %*% covariance_at(structure, theta) %*% t(inverse))[k]
      expect_equal(ours[k, ], reference_gradient(entry, case$theta), tolerance = 1e-7, label = case$label)
    }
    values <- vapply(directions, `[[`, 1, "value")
    expect_equal(matrix(slopes %*% values, case$q), 2 * inverse %*% covariance_at(structure, case$theta) %*% t(inverse),
                 label = case$label)
  }
})

test_that("coordinates of a search and the parameters of a fit lead to each other, with their derivatives", {
  for (case in structure_cases(TRUE)) {
    structure <- case$structure
    scale <- structure$search_scale
    if (is.null(scale)) next
    natural <- structure_of(list(group = "g", names = letters[seq_len(case$q)], structure = sub(" .*", "", case$label)))
    theta <- scale$natural(case$theta)
    expect_equal(natural$lambda(theta), structure$lambda(case$theta), label = case$label)
    expect_equal(scale$searched(theta), case$theta, label = case$label)
    slopes <- vapply(seq_along(theta), function(k) {
      reference_gradient(function(x) scale$natural(replace(case$theta, k, x))[k], case$theta[k])
    }, 1)
    expect_equal(scale$natural_slope(case$theta), slopes, label = case$label)
  }
})

# A fit with each structure of four effects, and of residuals or none.
registry_fits <- function() {
  d <- with_seed(31, data.frame(g = gl(40, 12), f = gl(4, 3, 480), x = rnorm(480)))
  levels <- with_seed(32, matrix(rnorm(160), 40) %*% chol(0.7^abs(outer(1:4, 1:4, "-"))))
  eta <- 1 + 0.3 * d$x + 0.6 * levels[cbind(as.integer(d$g), as.integer(d$f))]
  d$y <- with_seed(33, rnorm(480, eta))
  d$n <- with_seed(34, rpois(480, exp(eta)))
  cases <- expand.grid(name = names(structures), response = c("y", "n"), stringsAsFactors = FALSE)
  Map(function(name, response) {
    term <- paste0(if (name != "unstructured") name, "(0 + f | g)")
    family <- if (response == "y") gaussian() else poisson()
    glmm(stats::as.formula(paste(response, "~ x +", term)), d, family, method = if (response == "y") "auto" else
      "laplace")
  }, cases$name, cases$response)
}

test_that("tables and printouts have each standard deviation once, and the one of VarCorr(), for every structure", {
  for (fit in registry_fits()) {
    label <- deparse1(formula(fit))
    parameters <- component(fit, "parameters")
    matrix <- VarCorr(fit)[[1L]]
    sds <- parameters[grep("^sd[.]", names(parameters))]
    own <- if (length(sds)) seq_along(sds) else 1:4
    if (length(sds)) expect_equal(unname(attr(matrix, "stddev")), unname(rep(sds, length.out = 4)), label = label)
    told <- c(unname(attr(matrix, "stddev"))[own], if (fit$family$family == "gaussian") sigma(fit))
    all <- summary(fit)
    rows <- all$random[all$random$kind != "cor", ]
    expect_equal(rows$estimate, told, label = label)
    tidied <- tidy(fit, "ran_pars", conf.int = TRUE)
    expect_equal(tidied$estimate[startsWith(tidied$term, "sd__")], told, label = label)
    variances <- tidy(fit, "ran_pars", scales = "vcov")
    expect_equal(variances$estimate[startsWith(variances$term, "var__")], told^2, label = label)
    limits <- confint(fit, "theta_")
    expect_equal(unname(limits), unname(as.matrix(all$random[c("conf.low", "conf.high")])), label = label)
    expect_equal(unname(limits), unname(as.matrix(tidied[c("conf.low", "conf.high")])), label = label)
    # as text: the same rows in the summary and in VarCorr()
    expect_equal(as.numeric(random_cells(all, 8)[, "Std.Dev."]), told, tolerance = 1e-6, label = label)
    expect_equal(as.numeric(format(VarCorr(fit), digits = 8)[, "Std.Dev."]), told, tolerance = 1e-6, label = label)
    shown <- capture.output(print(all, digits = 5))
    for (cell in random_cells(all, 5)[, 3L]) {
      expect_true(any(grepl(cell, shown, fixed = TRUE)), label = label)
    }
    # one row a parameter of the covariance
    counted <- length(fit$index$theta[[1L]]) + (fit$family$family == "gaussian")
    expect_identical(c(nrow(limits), nrow(all$random), nrow(tidied)), rep(counted, 3L), label = label)
  }
})

test_that("correlations that tell all are shown with their intervals; those that are zero by the structure are not", {
  for (fit in registry_fits()) {
    matrix <- VarCorr(fit)[[1L]]
    all <- summary(fit)
    name <- fit$random[[1L]]$structure
    shown <- capture.output(print(all, digits = 4))
    block <- grep("^ ?Correlation", shown, value = TRUE)
    own <- all$random[all$random$kind == "cor", ]
    expect_equal(own$estimate, attr(matrix, "correlation")[attr(matrix, "reported") & lower.tri(matrix)], label = name)
    expect_identical(ncol(format(VarCorr(fit))) - 3L, c(unstructured = 3L, diag = 0L, cs = 1L, ar1 = 1L)[[name]])
    expect_identical(length(block), if (name == "diag") 0L else 1L, label = name)
    if (name %in% c("cs", "ar1")) {
      expect_equal(own$estimate, component(fit, "parameters")[["rho.g"]], label = name)
      expect_match(block, paste(formatC(own$estimate, digits = 2, format = "f"), format_intervals(own)), fixed = TRUE)
      expect_match(capture.output(print(fit, digits = 4)), attr(matrix, "rule"), all = FALSE, fixed = TRUE)
    }
  }
})

test_that("the correlation that tells all is one of effects that vary", {
  d <- with_seed(41, data.frame(g = gl(40, 9), f = gl(3, 3, 360)))
  common <- with_seed(42, rnorm(40))
  own <- with_seed(43, matrix(rnorm(120), 40)) * 0.5 + common
  own[, 1L] <- 0
  d$y <- own[cbind(as.integer(d$g), as.integer(d$f))] + with_seed(44, rnorm(360))
  # the first effect: no differences between levels at all
  first <- d$f == "1"
  d$y[first] <- d$y[first] - ave(d$y[first], d$g[first])
  fit <- glmm(y ~ f + cs(0 + f | g), d)
  matrix <- VarCorr(fit)[[1L]]
  expect_identical(unname(attr(matrix, "boundary")), c(TRUE, FALSE, FALSE))
  rho <- component(fit, "parameters")[["rho.g"]]
  row <- tidy(fit, "ran_pars", conf.int = TRUE)
  row <- row[row$term == "cor__f2.f3", ]
  expect_equal(row$estimate, rho)
  expect_lt(row$conf.low, rho)
  expect_equal(unname(confint(fit)["rho|g", ]), c(row$conf.low, row$conf.high))
  expect_match(capture.output(print(fit)), paste(formatC(rho, digits = 2, format = "f"), "between any two"),
               all = FALSE, fixed = TRUE)
})

test_that("a correlation of effects that do not vary is a dash, and of no interval", {
  d <- with_seed(51, data.frame(g = gl(20, 6), f = gl(3, 2, 120), y = rnorm(120)))
  d$y <- d$y - ave(d$y, d$g, d$f)
  for (formula in c(y ~ 1 + ar1(0 + f | g), y ~ 1 + cs(0 + f | g))) {
    fit <- glmm(formula, d)
    expect_true(all(attr(VarCorr(fit)[[1L]], "boundary")))
    shown <- capture.output(print(fit), print(summary(fit)))
    expect_identical(trimws(grep("Correlation within", shown, value = TRUE)), rep("Correlation within g: -", 2L))
    expect_true(all(is.na(confint(fit, "theta_")[grepl("^(sd|cor)_", rownames(confint(fit, "theta_"))), ])))
  }
})

test_that("a structure holds its own covariances, also singular ones, and others only if it has them", {
  for (case in structure_cases(searched = FALSE)) {
    structure <- case$structure
    covariance <- covariance_at(structure, case$theta)
    expect_true(structure$holds(covariance), label = case$label)
    expect_true(structure$holds(covariance_at(structure, ifelse(structure$scaled, case$theta, 1))), label = case$label)
    expect_true(structure$holds(0 * covariance), label = case$label)
    root <- error_of_size(case$q)
    found <- covariance_at(structure, structure$of_root(root))
    other <- max(abs(found - tcrossprod(root))) > 1e-6
    expect_identical(structure$holds(tcrossprod(root)), !other, label = case$label)
  }
})
