# Verdicts on separated data: the column, level, direction and term in the condition's fields.

separation_of <- function(expression) {
  caught <- NULL
  withCallingHandlers(expression, glimmer_warning_separation = function(w) {
    caught <<- c(caught, list(w))
    invokeRestart("muffleWarning")
  }, glimmer_warning_convergence = function(w) invokeRestart("muffleWarning"))
  caught
}

separated_data <- function() {
  data <- front_data()
  data$yb[data$f == "c"] <- 1
  data
}

test_that("a level without failures is named, with its column and direction", {
  data <- separated_data()
  for (link in c("logit", "probit", "cloglog", "cauchit")) {
    caught <- separation_of(suppressMessages(fit <- glmm(yb ~ x + f + (1 | g), data, binomial(link))))
    expect_length(caught, 1L)
    expect_identical(caught[[1L]]$columns, "fc", label = link)
    expect_gt(caught[[1L]]$direction[["fc"]], 0)
    expect_identical(caught[[1L]]$variable, "f")
    expect_identical(caught[[1L]]$levels, "c")
    expect_identical(caught[[1L]]$rows, which(data$f == "c"))
    expect_false(caught[[1L]]$complete)
    expect_match(conditionMessage(caught[[1L]]), "'fc' (+Inf)", fixed = TRUE)
    status <- component(fit, "status")
    expect_identical(status$value[status$check == "separation"], as.double(sum(data$f == "c")))
  }
})

test_that("on random models the verdict is that of a linear program, no warning missed and none too many", {
  skip_on_cran()
  skip_if_not_installed("lpSolve")
  kinds <- c(none = 0, warning = 0, error = 0)
  for (seed in 1:60) {
    set.seed(seed)
    groups <- sample(c(5, 10, 20), 1)
    n <- groups * sample(2:6, 1)
    data <- data.frame(g = rep_len(seq_len(groups), n), x = stats::rnorm(n),
                       f = factor(c("a", "b", sample(letters[1:4], n - 2, TRUE))))
    eta <- sample(c(0.5, 3), 1) * data$x + stats::rnorm(4, 0, 1.5)[data$f] + stats::rnorm(groups)[data$g]
    family <- list(binomial(), binomial("probit"), binomial("cloglog"), poisson())[[seed %% 4 + 1]]
    counts <- family$family == "poisson"
    data$y <- if (counts) stats::rpois(n, exp(pmin(eta - 1.5, 3))) else stats::rbinom(n, 1, stats::plogis(eta))
    separated <- rows_by_program(stats::model.matrix(~ x + f, data),
                                 ifelse(data$y == 0, -1, if (counts) 0 else 1))
    rows <- tryCatch({
      caught <- suppressWarnings(separation_of(glmm(y ~ x + f + (1 | g), data, family)))
      fixed <- Filter(function(w) is.null(w$term), caught)
      if (length(fixed)) fixed[[1L]]$rows
    }, glimmer_error_separation = function(e) structure(e$rows, complete = TRUE),
    glimmer_error_constant_response = function(e) structure(seq_len(n), complete = TRUE))
    expect_identical(as.integer(rows), which(separated), label = paste("rows of model", seed))
    kind <- if (is.null(rows)) 1L else if (is.null(attr(rows, "complete"))) 2L else 3L
    kinds[kind] <- kinds[kind] + 1
  }
  expect_true(all(kinds > 2))
})

test_that("a column of a single row is named", {
  # the data of a test of glmer() in 'lme4', with a seed of its own
  set.seed(101)
  data <- data.frame(y = stats::rbinom(1000, 1, 0.5), x = stats::runif(1000), f = rep(1:20, each = 50),
                     x2 = rep(0:1, c(999, 1)))
  caught <- separation_of(glmm(y ~ x + x2 + (1 | f), data, binomial))
  expect_identical(caught[[1L]]$columns, "x2")
  expect_identical(caught[[1L]]$rows, 1000L)
  expect_identical(sign(caught[[1L]]$direction[["x2"]]), 2 * data$y[1000] - 1)
})

test_that("the log-likelihood of separated data is that of the rows that overlap", {
  data <- separated_data()
  suppressWarnings(fit <- glmm(yb ~ x + f + (1 | g), data, binomial))
  rest <- glmm(yb ~ x + f + (1 | g), subset(data, f != "c"), binomial)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(rest)), tolerance = 1e-6)
})

test_that("with the separated level as reference all columns of the factor and the intercept go", {
  data <- separated_data()
  data$f <- stats::relevel(data$f, "c")
  caught <- separation_of(glmm(yb ~ x + f + (1 | g), data, binomial))
  expect_setequal(caught[[1L]]$columns, c("(Intercept)", "fa", "fb"))
  expect_identical(sign(caught[[1L]]$direction[c("(Intercept)", "fa", "fb")]),
                   c("(Intercept)" = 1, fa = -1, fb = -1))
  expect_identical(caught[[1L]]$levels, "c")
})

test_that("cells of an interaction, counts of zero and trials all successful are named", {
  data <- front_data()
  data$k <- rep(c("u", "v"), 60)
  cell <- data$f == "b" & data$k == "v"
  data$yc[cell] <- 0
  caught <- separation_of(glmm(yc ~ f * k + (1 | g), data, poisson))
  expect_identical(caught[[1L]]$columns, "fb:kv")
  expect_lt(caught[[1L]]$direction[["fb:kv"]], 0)
  expect_setequal(caught[[1L]]$variable, c("f", "k"))
  expect_identical(caught[[1L]]$levels, "b:v")
  data$s[cell] <- 10L
  caught <- separation_of(glmm(cbind(s, m - s) ~ f * k + offset(o) + (1 | g), data, binomial))
  expect_identical(caught[[1L]]$columns, "fb:kv")
  expect_gt(caught[[1L]]$direction[["fb:kv"]], 0)
})

test_that("a row of weight zero does not hide separation, and does not make it", {
  data <- separated_data()
  data$w <- 1
  data$yb[which(data$f == "c")[1L]] <- 0
  data$w[which(data$f == "c")[1L]] <- 0
  caught <- separation_of(glmm(yb ~ x + f + (1 | g), data, binomial, weights = w))
  expect_identical(caught[[1L]]$columns, "fc")
  expect_identical(caught[[1L]]$rows, which(data$f == "c")[-1L])
  data <- front_data()
  expect_null(separation_of(glmm(yb ~ x + f + (1 | g), data, binomial)))
})

test_that("large standard errors without separation are none", {
  data <- front_data()
  data$year <- 2000 + data$gn / 10 # the intercept is far from the data
  expect_null(separation_of(fit <- glmm(yb ~ year + (1 | g), data, binomial)))
  status <- component(fit, "status")
  expect_true(status$ok[status$check == "separation"])
  expect_match(status$text[status$check == "separation"], "rows overlap", fixed = TRUE)
  expect_false("separation" %in% component(glmm(yg ~ x + (1 | g), data), "status")$check)
})

test_that("complete separation is an error that names all columns", {
  data <- front_data()
  data$yb <- as.integer(data$x > 0.1)
  condition <- error_of(glmm(yb ~ x + z + (1 | g), data, binomial))
  expect_s3_class(condition, "glimmer_error_separation")
  expect_true(all(c("(Intercept)", "x") %in% condition$columns))
  expect_gt(condition$direction[["x"]], 0)
  expect_true(condition$complete)
  expect_length(condition$rows, 120L)
  # no intercept, counts of zero with an x of one sign
  condition <- error_of(glmm(yc ~ 0 + size + (1 | g), transform(data, size = exp(x), yc = 0L), poisson))
  expect_s3_class(condition, "glimmer_error_separation")
  expect_identical(condition$columns, "size")
  # of both signs they overlap, and balanced ones put the maximum at zero
  fit <- suppressWarnings(glmm(yc ~ 0 + sides + (1 | g), transform(data, sides = rep(c(-1, 1), 60), yc = 0L), poisson))
  expect_equal(unname(fixef(fit)), 0, tolerance = 1e-4)
})

test_that("levels all 0 or all 1 are named with their term", {
  data <- front_data()
  data$yb <- as.integer(data$gn %% 2 == 0)
  caught <- separation_of(glmm(yb ~ x + (1 | g), data, binomial))
  expect_length(caught, 1L)
  expect_identical(caught[[1L]]$group, "g")
  expect_identical(caught[[1L]]$term, "(1 | g)")
  expect_identical(caught[[1L]]$columns, character())
  expect_gt(caught[[1L]]$value, 20)
  expect_identical(caught[[1L]]$effect, "(Intercept)")
  # a covariate: what bounds the standard deviation is not known
  expect_false(caught[[1L]]$certain)
  expect_no_match(conditionMessage(caught[[1L]]), "nothing bounds", fixed = TRUE)
  for (formula in c(yb ~ 1 + (1 | g), yb ~ 1 + offset(o / o) + (1 | g), yb ~ parity + (1 | g))) {
    caught <- separation_of(glmm(formula, transform(data, parity = factor(gn %% 3 == 0)), binomial))
    expect_true(caught[[1L]]$certain)
    expect_match(conditionMessage(caught[[1L]]), "nothing bounds the SD of (1 | g)", fixed = TRUE)
  }
  for (formula in c(yb ~ f + (1 | g), yb ~ offset(o) + (1 | g), yb ~ 1 + (1 | g) + (1 | h))) {
    expect_false(separation_of(suppressMessages(glmm(formula, data, binomial)))[[1L]]$certain)
  }
  # one mixed level bounds the standard deviation, large as it is
  data$yb[5] <- 1 - data$yb[5]
  expect_null(separation_of(fit <- glmm(yb ~ x + (1 | g), data, binomial)))
  expect_gt(sqrt(component(fit, "parameters")[["sd.g.(Intercept)"]]^2), 5)
})

test_that("fixed effects that separate within levels are named with the term", {
  set.seed(3)
  data <- data.frame(g = gl(40, 6), time = rep(1:6, 40), x = rep(stats::rnorm(40), each = 6))
  data$y <- as.integer(data$time > rep(sample(1:5, 40, TRUE), each = 6))
  caught <- separation_of(glmm(y ~ time + x + (1 | g), data, binomial))
  expect_length(caught, 1L)
  expect_identical(caught[[1L]]$group, "g")
  expect_identical(caught[[1L]]$columns, "time")
  expect_gt(caught[[1L]]$direction[["time"]], 0)
  side <- 2 * data$y - 1
  expect_false(caught[[1L]]$certain)
  design <- front(y ~ time + x + (1 | g), data, stats::binomial())$design
  term <- design$terms[[1L]]
  expect_identical(find_level_separation(design, term, 1L, side)$columns, "time")
  # one level where it goes down, or one with equal times, and nothing is separated
  expect_null(find_level_separation(design, term, 1L, replace(side, 1:6, rep(c(1, -1), each = 3))))
  design$X[2L, ] <- design$X[1L, ]
  expect_null(find_level_separation(design, term, 1L, replace(side, 1:2, c(-1, 1))))
})

# The log-likelihood of levels of `m` equal rows, by quadrature over the random intercept.
exact_pure <- function(eta, sd, high, m, link) {
  u <- seq(-8, 8, length.out = 801)
  weights <- stats::dnorm(u) * 0.02
  # both links are symmetric
  own <- stats::make.link(link)$linkinv(as.vector(outer(eta, sd * u, `+`) * ifelse(high, 1, -1)))
  sum(log(drop(matrix(own, length(eta))^m %*% weights)))
}

test_that("the likelihood of pure levels is largest at infinity with an intercept alone, elsewhere not always", {
  set.seed(2)
  high <- stats::rbinom(40, 1, 0.3) == 1
  m <- sample(1:4, 40, TRUE)
  limit <- sum(log(ifelse(high, mean(high), 1 - mean(high))))
  for (link in c("logit", "cauchit")) {
    for (sd in c(0.1, 1, 5, 20)) {
      best <- stats::optimize(function(eta) exact_pure(rep(eta, 40), sd, high, m, link), c(-40, 10), maximum = TRUE)
      expect_lt(best$objective, limit)
    }
  }
  # outliers that heavy tails forgive: the likelihood is above its limit at a standard deviation near 0
  set.seed(2)
  x <- c(stats::rnorm(146), 12, -12, 9, -9)
  high <- c(stats::rbinom(150, 1, stats::plogis(1.5 * x))[1:146], 0, 1, 0, 1) == 1
  m <- c(rep(2, 6), rep(1, 134), rep(2, 10))
  m[141:150] <- 1
  near_zero <- stats::optim(c(0, 1), function(b) -exact_pure(b[1L] + b[2L] * x, 0.01, high, m, "cauchit"))
  limit <- as.numeric(logLik(stats::glm(high ~ x, family = stats::binomial("probit"))))
  expect_gt(-near_zero$value, limit + 10)
  data <- data.frame(g = factor(rep(1:150, m)), x = rep(x, m), y = as.integer(rep(high, m)))
  # the maximum is found there, and nothing is said
  expect_length(separation_of(glmm(y ~ x + (1 | g), data, binomial("cauchit"))), 0L)
  data <- data.frame(g = gl(40, 4), x = sin(1:160), y = rep(c(1, 0, 0, 1), 10)[gl(40, 4)])
  caught <- separation_of(glmm(y ~ x + (1 | g), data, binomial))
  expect_length(caught, 1L)
  expect_false(caught[[1L]]$certain)
  expect_match(conditionMessage(caught[[1L]]), "does not vanish", fixed = TRUE)
})

test_that("effects of a factor, and slopes, whose responses are all 0 or all 1 within levels are named", {
  set.seed(4)
  data <- data.frame(g = gl(30, 6), f = factor(rep(c("a", "b"), 90)))
  data$y <- stats::rbinom(30, 1, 0.5)[data$g]
  # quadrature says the same, but takes a minute to find that the maximum is at infinity
  caught <- separation_of(glmm(y ~ 1 + (0 + f | g), data, binomial, method = "laplace"))
  expect_setequal(vapply(caught, function(w) w$effect, ""), c("fa", "fb"))
  expect_false(any(vapply(caught, function(w) w$certain, NA)))
  # of the cells of b a mixed one
  side <- 2 * data$y - 1
  design <- front(y ~ 1 + (0 + f | g), data, stats::binomial())$design
  side[2L] <- -side[2L]
  expect_identical(find_level_separation(design, design$terms[[1L]], 1L, side)$levels, 30L)
  expect_null(find_level_separation(design, design$terms[[1L]], 2L, side))
  # signs that follow those of a slope's column; rows at zero do not count
  data$z <- rep(c(-2, -1, 0, 0, 1, 3), 30)
  design <- front(y ~ 1 + (0 + z | g), data, stats::binomial())$design
  side <- ifelse(data$z == 0, 0, sign(data$z) * rep(c(1, -1), each = 6))
  expect_identical(find_level_separation(design, design$terms[[1L]], 1L, side)$columns, character())
  expect_null(find_level_separation(design, design$terms[[1L]], 1L, replace(side, 1L, 1)))
})

test_that("a Gaussian mean that the log link takes to 0 is suspected, and one far from the origin is not", {
  set.seed(4)
  data <- data.frame(g = gl(30, 6), t = rep(0:1, 90))
  positive <- exp(stats::rnorm(180))
  low <- ifelse(stats::runif(180) < 0.2, 0.5, -1) * abs(stats::rnorm(180))
  data$y <- ifelse(data$t == 1, low, positive)
  expect_lt(mean(data$y[data$t == 1]), 0)
  caught <- separation_of(fit <- glmm(y ~ t + (1 | g), data, gaussian("log")))
  expect_identical(caught[[1L]]$columns, "t")
  expect_match(conditionMessage(caught[[1L]]), "hardly determine the coefficient of 't'", fixed = TRUE)
  status <- component(fit, "status")
  expect_false(status$ok[status$check == "separation"])
  # all of them below 0: decided
  caught <- separation_of(glmm(y ~ t + (1 | g), transform(data, y = ifelse(t == 1, -abs(y), y)), gaussian("log")))
  expect_identical(caught[[1L]]$direction[["t"]], -1)
  far <- transform(data, y = exp(1 + t / 2) + stats::rnorm(180, 0, 0.3), year = 2000 + t + stats::rnorm(180))
  expect_null(separation_of(fit <- glmm(y ~ year + (1 | g), far, gaussian("log"))))
  status <- component(fit, "status")
  expect_true(status$ok[status$check == "separation"])
})

test_that("refit() warns and refuses as glmm() does", {
  data <- separated_data()
  fit <- glmm(yb ~ x + f + (1 | g), front_data(), binomial)
  caught <- separation_of(refit(fit, data$yb))
  expect_identical(caught[[1L]]$columns, "fc")
  expect_s3_class(error_of(refit(fit, as.integer(data$x > 0.1))), "glimmer_error_separation")
  expect_s3_class(error_of(refit(fit, rep(0, 120))), "glimmer_error_constant_response")
})
