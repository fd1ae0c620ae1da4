# lme4's Z, dense, from our factors: level by level, effects within level.
full_z <- function(design, i) {
  group <- design$factors[[i]]
  q <- ncol(group$Z)
  z <- matrix(0, nrow(group$Z), q * length(group$levels))
  for (row in seq_len(nrow(z))) {
    z[row, group$index[row] * q + seq_len(q)] <- group$Z[row, ]
  }
  z
}

test_that("levels, index and Z are those of lme4", {
  skip_if_not_installed("lme4")
  d <- subset(front_data(), gn < 10)
  d$code <- d$gn * 1.5
  d$name <- as.character(d$g)
  formulas <- list(yp ~ x + (1 | g), yp ~ x + (x | g), yp ~ f + (0 + f | g), yp ~ x + (f * x | h), yp ~ (1 | f:h),
                   yp ~ (1 | code), yp ~ (x | name), yp ~ (1 | name:code), yp ~ (x | g:f))
  relaxed <- lme4::lmerControl(check.nobs.vs.nRE = "ignore", check.nobs.vs.nlev = "ignore")
  for (formula in formulas) {
    design <- front(formula, d, Gamma)$design
    peer <- lme4::lFormula(formula, d, control = relaxed)$reTrms
    expect_equal(design$factors[[1]]$levels, levels(peer$flist[[1]]))
    expect_equal(design$factors[[1]]$index, as.integer(peer$flist[[1]]) - 1L)
    expect_equal(colnames(design$factors[[1]]$Z), peer$cnms[[1]])
    expect_equal(full_z(design, 1), unname(t(as.matrix(peer$Zt))))
  }
})

test_that("terms on one grouping factor share it, in formula order", {
  d <- front_data()
  design <- front(yp ~ x + (1 | g) + (1 | h) + (0 + z | g), d, Gamma)$design
  expect_equal(vapply(design$factors, `[[`, "", "name"), c("g", "h"))
  expect_equal(colnames(design$factors[[1]]$Z), c("(Intercept)", "z"))
  expect_equal(design$factors[[1]]$blocks, c(1L, 1L))
  expect_equal(lapply(design$terms, `[[`, "columns"), list(1L, 1L, 2L))
  expect_equal(vapply(design$terms, `[[`, 1L, "factor"), c(1L, 2L, 1L))
  expect_equal(vapply(design$terms, `[[`, 1L, "block"), c(1L, 1L, 2L))
  swapped <- front(yp ~ x + (1 | g:f) + (0 + z | f:g), d, Gamma)$design
  expect_length(swapped$factors, 1)
})

test_that("a factor under a double bar has one block per column", {
  d <- front_data()
  design <- front(yg ~ f + (f || g), d)$design
  expect_equal(design$factors[[1]]$blocks, c(1L, 1L, 1L))
  expect_equal(vapply(design$terms, `[[`, "", "names"), colnames(model.matrix(~ f, d)))
  expect_equal(design$factors[[1]]$Z, model.matrix(~ f, d), ignore_attr = TRUE)
  both <- front(yg ~ x + (1 | g) + (0 + f || g), d)$design
  expect_equal(both$factors[[1]]$blocks, c(1L, 1L, 1L, 1L))
})

test_that("numbers, dates, logicals and missing levels group as in factor()", {
  d <- front_data()
  d$code <- c(0.1 + 0.2, 0.3)[1 + d$gn %% 2] + d$gn
  values <- list(d$gn, d$code, as.Date("2020-01-01") + d$gn, as.POSIXct("2020-01-01", tz = "UTC") + d$gn, d$x > 0,
                 factor(d$g, levels = rev(levels(d$g))))
  for (value in values) {
    found <- group_index(quote(v), list(v = value))
    expect_equal(found$levels, levels(factor(value)))
    expect_equal(found$index, as.integer(factor(value)) - 1L)
  }
  close <- group_index(quote(v), list(v = c(0.1 + 0.2, 0.3, 0.4)))
  expect_equal(close$levels, levels(factor(c(0.1 + 0.2, 0.3, 0.4))))
})

test_that("interactions of many levels are those of interaction()", {
  set.seed(2)
  d <- list(a = sample(300, 5000, TRUE), b = sample(letters, 5000, TRUE), c = factor(sample(5, 5000, TRUE)))
  found <- group_index(quote(a:b:c), d)
  peer <- interaction(d$a, d$b, d$c, sep = ":", lex.order = TRUE, drop = TRUE)
  expect_equal(found$levels[found$index + 1L], as.character(peer))
  expect_setequal(found$levels, levels(peer))
})

test_that("a million levels take seconds and memory in proportion", {
  skip_on_cran()
  n <- 1e6
  seconds <- system.time(found <- group_index(quote(id), list(id = seq_len(n))))[["elapsed"]]
  expect_equal(found$index, seq_len(n) - 1L)
  expect_lt(seconds, 20)
})

test_that("random terms that cannot be estimated are refused by name", {
  d <- front_data()
  d$one <- 1
  d$only <- factor("a")
  d$g2 <- factor(rep(1:60, 2))
  d$id <- seq_len(120)
  refused <- function(expression, class, field, value) {
    condition <- error_of(expression)
    expect_s3_class(condition, paste0("glimmer_error_", class))
    expect_equal(condition[[field]], value)
    for (item in value) expect_match(conditionMessage(condition), item, fixed = TRUE)
  }
  refused(front(yg ~ x + (1 | only), d), "grouping", "variable", "only")
  refused(front(yg ~ x + (1 + one | g), d), "rank", "term", "(1 + one | g)")
  refused(front(yg ~ x + (x + I(3 * x - 1) | g), d), "rank", "columns", "I(3 * x - 1)")
  refused(front(yg ~ x + (0 | g), d), "rank", "term", "(0 | g)")
  refused(front(yg ~ x + (1 | g) + (1 + x | g), d), "duplicated_term", "column", "(Intercept)")
  refused(front(yg ~ x + (1 | g) + (1 | g), d), "duplicated_term", "term", "(1 | g)")
  refused(front(yg ~ x + (1 | g) + (0 + one | g), d), "duplicated_term", "column", "one")
  refused(front(yg ~ x + (1 | g) + (0 + f | g), d), "duplicated_term", "term", c("(1 | g)", "(0 + f | g)"))
  refused(front(yg ~ x + (0 + x | g) + (0 + I(2 * x) | g), d), "duplicated_term", "column", "I(2 * x)")
  refused(front(yg ~ x + (x | g2), d), "replication", "term", "(x | g2)")
  refused(front(yg ~ x + (1 | id), d), "replication", "variable", "id")
  refused(front(yg ~ x + (1 | M), transform(d, M = I(cbind(x, z)))), "grouping", "variable", "M")
})

test_that("one level per row is a warning for 0/1 data and no matter for counts", {
  d <- front_data()
  d$id <- factor(seq_len(120))
  warning <- expect_warning(front(yb ~ x + (1 | id), d, binomial), class = "glimmer_warning_unidentified")
  expect_equal(warning$variable, "id")
  expect_silent(front(yc ~ x + (1 | id), d, poisson))
  expect_silent(front(yg ~ x + (1 | id), d, weights = w))
})

test_that("for effects in order of a number the error says that it is one, and what to write", {
  data <- expand.grid(f = 1:5, g = factor(1:25), r = 1:2)
  data$y <- with_seed(1, rnorm(25)[data$g] + rnorm(250))
  error <- error_of(glmm(y ~ 1 + ar1(0 + f | g), data))
  expect_s3_class(error, "glimmer_error_structure")
  expect_match(conditionMessage(error), "'f' is numeric. Write ar1(0 + factor(f) | g).", fixed = TRUE)
  expect_identical(error$variable, "f")
  expect_true(glmm(y ~ 1 + ar1(0 + factor(f) | g), data)$converged)
  data$`a level` <- factor(data$f)
  error <- error_of(glmm(y ~ 1 + ar1(`a level` | g), data))
  expect_match(conditionMessage(error), "without an intercept. Write ar1(0 + `a level` | g).", fixed = TRUE)
})
