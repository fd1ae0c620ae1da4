# Variables that are not made row by row: found by evaluating them in some rows, and by what is known of each.

row_data <- function() {
  set.seed(1)
  d <- data.frame(x = rnorm(100), z = runif(100, 1, 3), e = runif(100, 1, 50), g = gl(10, 10),
                  f = factor(sample(letters[1:3], 100, TRUE)), day = as.Date("2020-01-01") + 1:100)
  d$y <- rnorm(100) + d$x + rnorm(10)[d$g]
  d$k <- rpois(100, d$e / 10)
  d
}

classes_of <- function(expression) {
  said <- character()
  withCallingHandlers(tryCatch(expression, error = function(e) said <<- c(said, class(e)[1L])), warning = function(w) {
    said <<- c(said, class(w)[1L])
    invokeRestart("muffleWarning")
  })
  said
}

test_that("variables that depend on other rows are found, and no others", {
  d <- row_data()
  ch <- as.character(d$f)
  shift <- 3
  degree <- 2
  knots <- c(-0.5, 0, 0.5)
  # as long as the data, and yet no variable
  table <- setNames(rnorm(100), 1:100)
  by_row <- alist(log(z), poly(x, degree), splines::ns(x, knots = knots), splines::bs(x, df = 5), stats::poly(x, 2),
                  scale(z), I(x^2), x * z, log(z + shift), table[as.character(g)], findInterval(z, sort(abs(table))),
                  cut(x, c(-Inf, 0, 1, Inf)), factor(g), interaction(g, f), relevel(f, "b"), as.numeric(f), toupper(ch),
                  poly(x, 3, raw = TRUE), ifelse(x > shift, 1, 0), cbind(x, z), ordered(ch), as.numeric(day),
                  I(day - as.Date("2020-01-01")), poly(x + 1e6, 2), factor(x > 0, labels = c("no", "yes")))
  not_by_row <- alist(as.numeric(scale(x)), scale(x)[, 1], base::scale(x), I(x - mean(x)), rank(x), I(x / max(x)),
                      cut(x, 3), cut(x, quantile(x)), ave(x, g), cumsum(x), rev(x), as.integer(factor(ch)),
                      poly(x, 2)[, 1], stats::poly(x, 2)[, 2], x > median(x), ecdf(x)(x), I(scale(x)^2), seq_along(x),
                      c(scale(x)), splines::ns(x, 3)[, 2], I((z - min(z)) / diff(range(z))), ifelse(x > 0, d$e, 0))
  for (data in list(d, d[sample(100), ], transform(d, row.names = paste0("r", 100:1)), as.list(d))) {
    for (expression in c(by_row, not_by_row)) {
      formula <- as.formula(call("~", quote(y), expression))
      frame <- model.frame(formula, data)
      found <- find_other_rows(frame, quote(glmm()), data, environment())
      expect_identical(found[1:2], c(FALSE, list(expression) %in% not_by_row), label = deparse1(expression))
    }
  }
})

test_that("rows are those of the data after subset and na.action", {
  d <- row_data()
  d$x[3] <- NA
  for (subset in list(quote(z > 1.5), quote(c(90:40, 1:5)), quote(g != "4"))) {
    fit <- eval(substitute(glmm(y ~ log(z) + rank(x) + (1 | g), d, subset = s, weights = z / mean(z), offset = log(e)),
                           list(s = subset)))
    expect_identical(attr(fit$frame, "other_rows"), c(FALSE, FALSE, TRUE, FALSE, TRUE, FALSE))
  }
  expect_identical(attr(refit(fit, fit$frame$y)$frame, "other_rows"), attr(fit$frame, "other_rows"))
  # all from the workspace
  fit <- with(d, glmm(y ~ I(x - mean(x, na.rm = TRUE)) + log(z) + (1 | g)))
  expect_identical(attr(fit$frame, "other_rows"), c(FALSE, TRUE, FALSE, FALSE))
})

test_that("predictions for new data warn of variables that depend on other rows", {
  d <- row_data()
  new <- d[3:7, ]
  fits <- list(glmm(y ~ as.numeric(scale(x)) + (1 | g), d), glmm(y ~ base::scale(x) + (1 | g), d),
               glmm(y ~ x + (rank(z) | g), d), glmm(y ~ x + offset(e / max(e)) + (1 | g), d),
               glmm(y ~ x + (1 | g), d, offset = e - mean(e)), suppressWarnings(glmm(y ~ x + (1 | as.integer(g)), d)))
  expected <- c("as.numeric(scale(x))", "base::scale(x)", "rank(z)", "offset(e/max(e))", "(offset)", NA)
  for (k in seq_along(fits)) {
    warning <- NULL
    withCallingHandlers(predict(fits[[k]], new), warning = function(w) {
      warning <<- w
      invokeRestart("muffleWarning")
    })
    if (is.na(expected[k])) {
      expect_null(warning)
    } else {
      expect_s3_class(warning, "glimmer_warning_other_rows")
      expect_identical(warning$variable, expected[k])
      expect_match(conditionMessage(warning), "as a column")
    }
    # in the rows of the fit nothing is wrong
    expect_silent(predicted <- predict(fits[[k]], d))
    expect_equal(predicted, predict(fits[[k]]))
  }
  # what is not asked for does not matter
  expect_silent(predict(fits[[3L]], new, re.form = NA))
  expect_identical(classes_of(augment(fits[[1L]], newdata = new)), "glimmer_warning_other_rows")
  expect_warning(simulate(fits[[1L]], newdata = new), class = "glimmer_warning_other_rows")
  weighted <- glmm(y ~ x + (1 | g), d, weights = z / mean(z))
  expect_warning(simulate(weighted, newdata = new), class = "glimmer_warning_other_rows")
  skip_if_not_installed("emmeans")
  expect_warning(emmeans::emmeans(glmm(y ~ I(x / max(x)) + (1 | g), d), ~ x, at = list(x = 1)),
                 class = "glimmer_warning_other_rows")
})

test_that("values from the workspace are refused, whatever the number of rows", {
  d <- row_data()
  outside <- d$x
  e <- d$e
  both <- cbind(a = d$x, b = d$z)
  new <- transform(d[order(-d$x), ], e = NULL)
  formulas <- list(y ~ d$x + (1 | g), y ~ d[["x"]] + (1 | g), y ~ x + offset(log(e)) + (1 | g), y ~ outside + (1 | g),
                   y ~ I(x * d$z) + (1 | g), y ~ I(x - outside) + (1 | g), y ~ ifelse(x > 0, outside, 0) + (1 | g),
                   y ~ both[, "a"] + (1 | g), y ~ with(d, x * z) + (1 | g), y ~ x:d$f + (1 | g), y ~ x + (1 | d$g),
                   y ~ x + (d$z | g), y ~ poly(d$z, 2) + (1 | g), y ~ I(d$x - mean(d$x)) + (1 | g))
  for (formula in formulas) {
    fit <- suppressWarnings(glmm(formula, d))
    for (rows in list(1:100, 1:7, 1L)) {
      # R itself may say first that lengths do not fit
      expect_identical(tail(classes_of(predict(fit, new[rows, ])), 1L), "glimmer_error_variable",
                       label = deparse1(formula))
    }
  }
  error <- error_of(predict(glmm(y ~ d$x + (1 | g), d), new))
  expect_identical(error[c("variable", "outside")], list(variable = "d$x", outside = "d"))
  for (call in list(quote(glmm(k ~ x + (1 | g), d, poisson, offset = log(d$e))),
                    quote(glmm(k ~ x + (1 | g), d, poisson, offset = e)),
                    quote(glmm(k ~ x + (1 | g), d, poisson, offset = log(get("e")))),
                    quote(do.call(glmm, list(k ~ x + (1 | g), d, poisson, offset = log(e)))))) {
    fit <- suppressWarnings(eval(call))
    environment(fit$formula) <- environment()
    expect_identical(classes_of(predict(fit, new)), "glimmer_error_offset")
    expect_identical(classes_of(simulate(fit, newdata = new)), "glimmer_error_offset")
  }
  expect_identical(classes_of(augment(glmm(y ~ d$x + (1 | g), d), newdata = new)), "glimmer_error_variable")
  weighted <- glmm(y ~ x + (1 | g), d, weights = d$e)
  environment(weighted$formula) <- environment()
  expect_identical(classes_of(simulate(weighted, newdata = new)), "glimmer_error_weights")
  # numbers of trials
  counts <- glmm(cbind(k, d$k + 1) ~ x + (1 | g), d, binomial)
  expect_identical(classes_of(simulate(counts, newdata = new)), "glimmer_error_variable")
  skip_if_not_installed("emmeans")
  expect_error(suppressMessages(emmeans::emmeans(glmm(y ~ d$x + z + (1 | g), d), ~ z, at = list(z = 1:2))))
})

test_that("constants and functions from the workspace are used", {
  d <- row_data()
  shift <- 3
  degree <- 2
  knots <- c(-0.5, 0, 0.5)
  effect <- setNames(runif(10), 1:10)
  centre <- function(x) x - mean(d$x)
  fit <- glmm(y ~ log(z + shift) + poly(x, degree) + splines::ns(z, knots = 2) + effect[as.character(g)] + centre(e) +
                offset(shift * x) + (scale(x) | g), d, offset = e / shift)
  for (rows in list(100:1, 3:5, 7L)) {
    expect_silent(predicted <- predict(fit, d[rows, ]))
    expect_equal(predicted, predict(fit)[rows])
  }
  skip_if_not_installed("emmeans")
  fit <- glmm(y ~ log(z + shift) + x + effect[as.integer(g)] + (1 | g), d)
  new <- data.frame(x = 1:2, z = mean(d$z), g = c("1", "2"))
  means <- emmeans::emmeans(fit, ~ x, at = list(x = 1:2, z = new$z[1L], g = "1"))
  expect_equal(as.data.frame(means)$emmean, unname(predict(fit, transform(new, g = "1"), re.form = NA)))
})
