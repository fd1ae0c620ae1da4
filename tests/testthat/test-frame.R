test_that("the frame is that of stats::model.frame()", {
  d <- front_data()
  d$x[3] <- NA
  d$w[7] <- NA
  stages <- front(yc ~ poly(z, 2) + x + offset(o) + (x | g:h), d, poisson, weights = w, offset = z, subset = x > -1)
  peer <- model.frame(yc ~ poly(z, 2) + x + offset(o) + g + h, d, weights = w, offset = z, subset = x > -1,
                      drop.unused.levels = TRUE, na.action = na.omit)
  expect_setequal(names(stages$frame), names(peer))
  expect_equal(as.list(stages$frame)[names(peer)], as.list(peer), ignore_attr = TRUE)
  expect_equal(attr(stages$frame, "na.action"), attr(peer, "na.action"))
  expect_equal(row.names(stages$frame), row.names(peer))
  expect_equal(stages$design$offset, as.numeric(model.offset(peer)))
})

test_that("data may be a data frame of any kind, a list, an environment or nothing", {
  d <- front_data()
  expected <- front(yg ~ x + (1 | g), d)$design
  expect_equal(front(yg ~ x + (1 | g), as.list(d))$design, expected, ignore_attr = TRUE)
  expect_equal(front(yg ~ x + (1 | g), list2env(as.list(d)))$design$Z, expected$Z)
  with_locals <- (function() {
    yg <- d$yg
    x <- d$x
    g <- d$g
    front(yg ~ x + (1 | g))$design
  })()
  expect_equal(with_locals$X, expected$X)
  if (requireNamespace("tibble", quietly = TRUE)) {
    expect_equal(front(yg ~ x + (1 | g), tibble::as_tibble(d))$design$X, expected$X)
  }
  if (requireNamespace("data.table", quietly = TRUE)) {
    expect_equal(front(yg ~ x + (1 | g), data.table::as.data.table(d))$design$X, expected$X)
  }
})

test_that("variables called data and weights, and wrappers with dots, work", {
  d <- front_data()
  d$data <- d$x
  d$weights <- d$w
  expect_equal(front(yg ~ data + (1 | g), d, weights = weights)$design$weights, d$w)
  inner <- function(formula, data, ...) front(formula, data, ...)
  outer <- function(...) inner(...)
  wrapped <- outer(yg ~ x + (1 | g), d, weights = w, subset = x > 0)
  expect_equal(wrapped$design$weights, d$w[d$x > 0])
})

test_that("character grouping variables become factors, others stay", {
  d <- front_data()
  d$g <- as.character(d$g)
  d$f <- as.character(d$f)
  frame <- front(yg ~ f + (1 | g:h), d, weights = w)$frame
  expect_s3_class(frame$g, "factor")
  expect_type(frame$f, "character")
})

test_that("weights, offset and subset are checked", {
  d <- front_data()
  refused <- function(expression, class, pattern) {
    condition <- error_of(expression)
    expect_s3_class(condition, paste0("glimmer_error_", class))
    expect_match(conditionMessage(condition), pattern, fixed = TRUE)
  }
  refused(front(yg ~ x + (1 | g), d, weights = rep(1, 50)), "weights", "length 50, but the data have 120 rows")
  refused(front(yg ~ x + (1 | g), d, weights = rep("1", 120)), "weights", "must be numeric")
  refused(front(yg ~ x + (1 | g), d, weights = f), "weights", "must be numeric")
  refused(front(yg ~ x + (1 | g), d, weights = "w"), "weights", "without quotes: `weights = w`")
  refused(front(yg ~ x + (1 | g), d, weights = replace(w, 4, -1)), "weights", "row 4")
  refused(front(yg ~ x + (1 | g), d, weights = 0 * w), "weights", "0 in every row")
  refused(front(yg ~ x + (1 | g), d, offset = 1:7), "offset", "length 7")
  refused(front(yg ~ x + (1 | g), d, offset = f), "offset", "must be numeric")
  refused(front(yg ~ x + (1 | g), d, offset = cbind(x, z)), "offset", "2 columns")
  refused(front(yg ~ x + (1 | g), d, subset = x > 100), "rows", "0 rows after `subset`")
  refused(front(yg ~ x + (1 | g), d, subset = c(TRUE, FALSE)), "subset", "length 2")
  refused(front(yg ~ x + (1 | g), d, subset = 1:300), "subset", "121")
  refused(front(yg ~ x + (1 | g), as.matrix(d[c("yg", "x")])), "data", "got matrix")
  refused(front(yg ~ x + (1 | g), df), "data", "got function")
  refused(front(yg ~ d$x[1:7] + (1 | g), d), "length", "length 7")
})

test_that("missing values are named when they are not dropped, or when they take every row", {
  d <- front_data()
  d$x[c(3, 9)] <- NA
  for (action in list(na.fail, "na.pass", NULL)) {
    condition <- error_of(front(yg ~ x + (1 | g), d, na.action = action))
    expect_s3_class(condition, "glimmer_error_missing")
    expect_match(conditionMessage(condition), "missing values in object")
    expect_equal(condition$variable, "x")
    expect_equal(condition$rows, c(3L, 9L))
  }
  expect_s3_class(attr(front(yg ~ x + (1 | g), d, na.action = na.exclude)$frame, "na.action"), "exclude")
  d$z <- NA_real_
  none <- error_of(front(yg ~ x + z + (1 | g), d))
  expect_s3_class(none, "glimmer_error_rows")
  expect_equal(none$variable, "z")
  expect_match(conditionMessage(error_of(front(yg ~ (1 | g), d[1, ]))), "1 row")
})

test_that("rows with a missing group are dropped, NA as a level is kept", {
  d <- front_data()
  d$g[3] <- NA
  expect_equal(nrow(front(yg ~ x + (1 | g), d)$frame), 119L)
  d$g <- addNA(d$g)
  kept <- front(yg ~ x + (1 | g), d)
  expect_equal(nrow(kept$frame), 120L)
  expect_length(kept$design$factors[[1]]$levels, 13)
})

test_that("a frame without missing values is the same whatever the usual action, and another action is asked", {
  d <- front_data()
  peer <- model.frame(yg ~ x + g, d)
  for (action in list(na.omit, na.exclude, na.fail, "na.omit")) {
    frame <- front(yg ~ x + (1 | g), d, na.action = action)$frame
    expect_equal(as.list(frame), as.list(peer), ignore_attr = TRUE)
    expect_null(attr(frame, "na.action"))
    expect_equal(row.names(frame), row.names(peer))
  }
  first <- function(frame) frame[1:60, , drop = FALSE]
  expect_equal(nrow(front(yg ~ x + (1 | g), d, na.action = first)$frame), 60L)
})

test_that("levels that do not occur are dropped with their contrasts, as stats::model.frame() does", {
  d <- front_data()
  contrasts(d$f) <- "contr.sum"
  d <- d[d$f != "b", ]
  peer <- expect_warning(model.frame(yg ~ f, d, drop.unused.levels = TRUE))
  expect_warning(frame <- front(yg ~ f + (1 | g), d)$frame, conditionMessage(peer), fixed = TRUE)
  expect_equal(levels(frame$f), c("a", "c"))
})

with_na_action <- function(value, expression) {
  old <- options(na.action = value)
  on.exit(options(old))
  expression
}

test_that("the default of na.action is that of the options, by name or as a function", {
  d <- front_data()
  d$x[3] <- NA
  d$yg[7] <- NA
  for (action in list("na.exclude", na.exclude)) {
    fit <- with_na_action(action, glmm(yg ~ x + (1 | g), d))
    expect_s3_class(na.action(fit), "exclude")
    padded <- list(residuals(fit), residuals(fit, "pearson"), fitted(fit), predict(fit), weights(fit),
                   predict(fit, se.fit = TRUE)$se.fit, weights(fit, "working"), simulate(fit, seed = 1)[[1L]],
                   augment(fit, d)$.resid)
    for (values in padded) expect_identical(unname(which(is.na(values))), c(3L, 7L))
    expect_true(all(lengths(padded) == 120L))
    expect_identical(nobs(fit), 118L)
    expect_equal(fixef(refit(fit, d$yg)), fixef(fit), tolerance = 1e-6)
  }
  omitted <- with_na_action("na.omit", glmm(yg ~ x + (1 | g), d))
  expect_length(residuals(omitted), 118L)
  expect_equal(ranef(omitted), ranef(fit))
  # what is given wins
  expect_length(with_na_action("na.exclude", residuals(glmm(yg ~ x + (1 | g), d, na.action = na.omit))), 118L)
  expect_length(with_na_action("na.exclude", residuals(update(omitted, . ~ .))), 120L)
})

test_that("options that leave missing values in, or are none, are errors that name the rows", {
  d <- front_data()
  d$x[c(3, 9)] <- NA
  for (action in list("na.fail", na.fail, "na.pass", NULL)) {
    condition <- with_na_action(action, error_of(glmm(yg ~ x + (1 | g), d)))
    expect_s3_class(condition, "glimmer_error_missing")
    expect_equal(condition$rows, c(3L, 9L))
    expect_equal(nobs(with_na_action(action, glmm(yg ~ z + (1 | g), d))), 120L)
  }
  condition <- with_na_action("nothing", error_of(glmm(yg ~ x + (1 | g), d)))
  expect_s3_class(condition, "glimmer_error_argument")
  expect_match(conditionMessage(condition), "`na.action`.*nothing")
})
