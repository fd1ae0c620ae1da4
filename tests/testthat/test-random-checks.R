# What a design says before any search, named in the condition's fields.

test_that("one level per row is refused where a dispersion takes its place, and fine for counts and trials", {
  d <- front_data()
  d$id <- seq_len(120)
  refused(glmm(yg ~ x + (1 | id), d), "replication", group = "id", term = "(1 | id)", effects = 120, rows_used = 120)
  refused(glmm(yp ~ x + (1 | id), d, Gamma("log")), "replication", group = "id", term = "(1 | id)")
  refused(glmm(yp ~ x + (1 | id), d, inverse.gaussian("log")), "replication", group = "id")
  refused(glmm(yg ~ x + (x | pair), transform(d, pair = rep(1:60, 2))), "replication", group = "pair", effects = 120)
  warned(glmm(yb ~ x + (1 | id), d, binomial), "unidentified", group = "id", term = "(1 | id)", rows_used = 120)
  expect_silent(glmm(yc ~ x + (1 | id), d, poisson))
  expect_silent(glmm(cbind(s, m - s) ~ x + (1 | id), d, binomial))
})

test_that("a beta-binomial response of single trials is refused, and its binomial fit is what it would be", {
  d <- front_data()
  refused(glmm(yb ~ x + (1 | g), d, betabinomial), "replication", rows_used = 120)
  refused(glmm(cbind(yb, 1 - yb) ~ x + (1 | g), d, betabinomial), "replication", rows_used = 120)
  # rows of weight 0 do not count; one of two trials is enough
  two <- transform(d, s = replace(yb, 1L, 2), m = replace(rep(1, 120), 1L, 2), w = replace(rep(1, 120), 1L, 0))
  refused(glmm(cbind(s, m - s) ~ x + (1 | g), two, betabinomial, weights = w), "replication", rows_used = 119)
  expect_s3_class(suppressWarnings(glmm(cbind(s, m - s) ~ x + (1 | g), two, betabinomial, method = "laplace")),
                  "glimmer")
})

test_that("two factors that make the same groups share no column", {
  d <- front_data()
  d$copy <- letters[13L - d$gn]
  d$site <- rep(c("n", "s"), each = 60)
  refused(glmm(yg ~ x + (1 | g) + (1 | copy), d), "duplicated_term", group = c("g", "copy"),
          term = c("(1 | g)", "(1 | copy)"), column = "(Intercept)")
  # `site` is constant within `g`
  refused(glmm(yg ~ x + (1 | g) + (x | site:g), d), "duplicated_term", group = c("g", "site:g"))
  refused(glmm(yg ~ x + (0 + x | g) + (0 + I(2 * x) | copy), d), "duplicated_term", column = "I(2 * x)")
  design <- front(yg ~ x + (1 | g) + (0 + x | copy), d)$design
  expect_length(design$terms, 2L)
  expect_length(front(yg ~ x + (1 | site / h), d)$design$terms, 2L)
})

test_that("a grouping factor that is also a fixed effect is named", {
  d <- front_data()
  d$two <- rep(c("n", "s"), 60)
  warned(glmm(yg ~ g + (1 | g), d), "unidentified", group = "g", term = "(1 | g)", columns = "(Intercept)")
  warned(glmm(yg ~ two + x + (1 | two) + (1 | g), d), "unidentified", group = "two", term = "(1 | two)")
  warned(glmm(yc ~ g + (x | g), d, poisson), "unidentified", group = "g", columns = "(Intercept)")
  warned(glmm(yg ~ 0 + g:x + (0 + x | g), d), "unidentified", columns = "x")
  # the fixed effect is coarser, or its slope is another
  expect_silent(front(yg ~ two + (1 | g) + (1 | two:g), d))
  expect_silent(front(yg ~ g + (0 + x | g), d))
  # the likelihood is largest at zero, as the warning says
  suppressWarnings(fit <- glmm(yg ~ g + (1 | g), d, REML = FALSE))
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(stats::lm(yg ~ g, d))), tolerance = 1e-10)
})

test_that("constant and aliased columns, factors of one level, and groups of one level are named", {
  d <- front_data()
  warned(glmm(yg ~ x + k + (1 | g), transform(d, k = 5)), "aliased", columns = "k")
  warned(glmm(yg ~ x + I(2 * x - 1) + (1 | g), d), "aliased", columns = "I(2 * x - 1)")
  refused(glmm(yg ~ x + k + (1 | g), transform(d, k = factor("a"))), "levels", variable = "k", levels = "a")
  refused(glmm(yg ~ x + (1 | g), transform(d, g = factor("a"))), "grouping", group = "g", levels = "a")
  refused(glmm(yg ~ x + (1 + one | g), transform(d, one = 1)), "rank", term = "(1 + one | g)", columns = "one")
  refused(glmm(yg ~ 1 + (1 | g), d[1, ]), "rows")
  refused(glmm(yg ~ poly(x, 7) + (1 | h), d[1:8, ]), "size", columns = 8L, rows_used = 8L)
})

# One row for each level and time, with ar1() effects of sd 2 and residuals of 1; `kept`, the share of the rows.
unreplicated_data <- function(times, rho, kept = 1) {
  d <- expand.grid(g = factor(1:30), f = factor(seq_len(times)))
  lag <- abs(outer(seq_len(times), seq_len(times), "-"))
  effects <- with_seed(31, matrix(rnorm(30 * times), 30)) %*% chol(4 * rho^lag)
  d$x <- with_seed(32, rnorm(nrow(d)))
  d$y <- 1 + d$x / 2 + c(effects) + with_seed(33, rnorm(nrow(d)))
  d[with_seed(34, runif(nrow(d))) < kept, ]
}

test_that("ar1() is told from the residuals without replication, as in glmmTMB and nlme; others are refused", {
  skip_if_not_installed("glmmTMB")
  for (case in list(c(8, 0.7, 1), c(8, 0.7, 0.6), c(8, -0.6, 1))) {
    d <- unreplicated_data(case[1L], case[2L], case[3L])
    for (REML in c(FALSE, TRUE)) {
      fit <- glmm(y ~ x + ar1(0 + f | g), d, REML = REML)
      peer <- glmmTMB::glmmTMB(y ~ x + ar1(0 + f | g), d, REML = REML)
      expect_true(fit$converged && !fit$singular)
      expect_lt(abs(as.numeric(logLik(fit)) - as.numeric(logLik(peer))), 1e-5)
      expect_equal(sigma(fit), sigma(peer), tolerance = 1e-3)
    }
  }
  for (formula in c(y ~ x + (0 + f | g), y ~ x + diag(0 + f | g), y ~ x + cs(0 + f | g))) {
    refused(glmm(formula, d), "replication", group = "g", effects = 240, rows_used = 240)
  }
  # one lag: a smaller correlation is the same as larger residuals
  refused(glmm(y ~ x + ar1(0 + f | g), unreplicated_data(2, 0.7)), "replication", group = "g", effects = 60)
  pairs <- subset(d, f %in% 1:4 & (f %in% 1:2) == (as.integer(g) %% 2L == 0L))
  refused(glmm(y ~ x + ar1(0 + f | g), pairs), "replication", group = "g", effects = 120, rows_used = 60)
  # a correlation that falls exponentially with the distance, and a nugget
  skip_if_not_installed("nlme")
  skip_if_not_installed("lme4")
  d <- transform(lme4::sleepstudy, Day = factor(Days))
  fit <- glmm(Reaction ~ Days + ar1(0 + Day | Subject), d, REML = FALSE)
  peer <- nlme::gls(Reaction ~ Days, d, nlme::corExp(form = ~ Days | Subject, nugget = TRUE), method = "ML")
  expect_lt(abs(as.numeric(logLik(fit)) - as.numeric(logLik(peer))), 1e-5)
})

test_that("terms with common columns are told apart by the structure of their covariances, or refused", {
  d <- expand.grid(f = factor(1:5), g = factor(1:30), r = 1:2)
  d <- with_seed(31, transform(d, x = rnorm(300), y = rnorm(300) + rnorm(30)[g]))
  three <- droplevels(d[d$f %in% 1:3, ])
  two <- droplevels(d[d$f %in% 1:2, ])
  once <- function(data) data[data$r == 1, ]
  told <- function(formula, data) {
    parts <- parse_formula(formula, data, environment())
    frame <- build_frame(quote(glmm()), parts, environment(), data)
    is.null(error_of(build_random(parts$terms, frame, NULL, seq_len(nrow(data)))))
  }
  # sigma_1^2 + sigma_2^2 rho^lag: the variance and the covariances at two lags
  expect_true(told(y ~ x + (1 | g) + ar1(0 + f | g), three))
  expect_false(told(y ~ x + (1 | g) + ar1(0 + f | g), two))
  # the variance of the residuals asks for a lag more
  expect_false(told(y ~ x + (1 | g) + ar1(0 + f | g), once(three)))
  expect_true(told(y ~ x + (1 | g) + ar1(0 + f | g), once(d)))
  # covariances are all the same number; variances are their own
  expect_true(told(y ~ x + (1 | g) + diag(0 + f | g), two))
  expect_false(told(y ~ x + cs(0 + f | g) + diag(0 + f | g), d))
  expect_true(told(y ~ x + cs(0 + f | g) + ar1(0 + f | g), d))
  expect_false(told(y ~ x + (1 | g) + (0 + f | g), d))
  expect_false(told(y ~ x + (x | g) + diag(x | g), d))
  expect_false(told(y ~ x + ar1(0 + f | g) + ar1(0 + f | g), d))
  d$copy <- factor(paste("copy", d$g))
  expect_s3_class(error_of(glmm(y ~ x + (1 | copy) + (0 + f | g), d)), "glimmer_error_duplicated_term")
})

test_that("an intercept beside a series, and one long series: against glmmTMB, whose likelihood is the same", {
  skip_if_not_installed("glmmTMB")
  d <- expand.grid(f = factor(1:6), g = factor(1:20), r = 1:2)
  L <- t(chol(0.6^abs(outer(1:6, 1:6, "-"))))
  d <- with_seed(32, {
    u <- L %*% matrix(rnorm(120), 6)
    transform(d, y = rnorm(20)[g] + u[cbind(as.integer(f), as.integer(g))] + rnorm(240, 0, 0.7))
  })
  series <- with_seed(33, data.frame(t = factor(1:80), g = factor(1), x = rnorm(80)))
  series$y <- with_seed(34, as.numeric(stats::arima.sim(list(ar = 0.8), 80)) + 0.5 * rnorm(80))
  series$count <- with_seed(35, rpois(80, exp(series$y / 3)))
  against_peer <- function(formula, data, family) {
    ours <- glmm(formula, data, family, REML = FALSE, method = if (is_linear(family)) "auto" else "laplace")
    peer <- glmmTMB::glmmTMB(formula, data, family)
    expect_true(component(ours, "converged"))
    expect_equal(as.numeric(logLik(ours)), as.numeric(logLik(peer)), tolerance = 1e-6)
    expect_equal(unname(fixef(ours)), unname(glmmTMB::fixef(peer)$cond), tolerance = 1e-3)
  }
  against_peer(y ~ 1 + (1 | g) + ar1(0 + f | g), d, gaussian())
  against_peer(y ~ x + ar1(0 + t | g), series, gaussian())
  against_peer(count ~ x + ar1(0 + t | g), series, poisson())
  expect_s3_class(error_of(glmm(y ~ x + (1 | g), series)), "glimmer_error_grouping")
  expect_s3_class(error_of(glmm(y ~ x + cs(0 + t | g), series)), "glimmer_error_grouping")
  fit <- glmm(y ~ x + ar1(0 + t | g), series)
  expect_identical(names(suppressWarnings(refit(fit, simulate(fit, 2, seed = 1)))), c("sim_1", "sim_2"))
  expect_output(print(summary(fit)), "Correlation within g")
  expect_true(all(is.finite(predict(fit, se.fit = TRUE)$se.fit)))
})
