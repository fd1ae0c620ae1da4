# Data as users have them, against lme4, glm() and lm() where these are right.

user_data <- function() {
  d <- front_data()
  d$day <- as.Date("2020-01-01") + round(20 * d$x)
  d$time <- as.POSIXct("2020-01-01", tz = "UTC") + 1e5 * d$x
  d$wait <- as.difftime(60 * d$x, units = "mins")
  d$late <- d$z > 0
  d$text <- as.character(d$f)
  d$ordered <- factor(d$f, ordered = TRUE)
  d$known <- addNA(factor(ifelse(d$f == "c", NA, as.character(d$f))))
  d
}

# The fit of lme4 to the same call.
lme4_fit <- function(formula, data, ...) {
  arguments <- c(list(formula, quote(data)), as.list(substitute(list(...)))[-1L])
  # lme4 warns of the scale of dates
  suppressWarnings(suppressMessages(eval(as.call(c(quote(lme4::lmer), arguments)), list(data = data), parent.frame())))
}

# Log-likelihood, coefficients, fitted values and predictions for new data are those of lme4.
expect_as_lme4 <- function(fit, peer, new) {
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(peer)), tolerance = 1e-6)
  expect_equal(nlme::fixef(fit), lme4::fixef(peer), tolerance = 1e-3)
  expect_equal(nobs(fit), nobs(peer))
  expect_equal(fitted(fit), fitted(peer), tolerance = 5e-3)
  expect_equal(predict(fit, new), predict(peer, new), tolerance = 5e-3)
}

test_that("transformed, categorical and dated variables are those of lme4, in new data too", {
  skip_if_not_installed("lme4")
  d <- user_data()
  # Rows in another order, so that what is learnt from the data matters
  new <- d[c(99, 3, 50), ]
  formulas <- list(
    yg ~ log(yp) + I(x^2) + (1 | g), log(yp) ~ x + (1 | g), yg ~ poly(x, 2) + (1 | g),
    yg ~ splines::ns(x, 3) + (1 | g), yg ~ splines::bs(x, df = 4) + (1 | g), yg ~ scale(x) + (scale(x) | g),
    yg ~ poly(x, 2, raw = TRUE) + (1 | g), yg ~ cut(x, c(-5, -1, 0, 1, 5)) + (1 | g), yg ~ relevel(f, "b") + (1 | g),
    yg ~ x + offset(log1p(o)) + (1 | g), yg ~ day + (1 | g), yg ~ time + (1 | g), yg ~ wait + (1 | g),
    yg ~ late + (1 | g), yg ~ text + (1 | g), yg ~ ordered * x + (1 | g), yg ~ known + (1 | g),
    yg ~ x + (1 | text) + (1 | g), yg ~ 0 + f + (1 | g), yg ~ x:f + (1 | g),
    yg ~ (x + z + f)^2 + (1 | g), yg ~ as.matrix(cbind(x, z)) + (1 | g)
  )
  for (formula in formulas) {
    expect_as_lme4(glmm(formula, d), lme4_fit(formula, d), new)
  }
  # lme4 has no calls as grouping factors
  called <- glmm(yg ~ x + (1 | as.character(gn)) + (1 | cut(z, c(-9, -1, 0, 1, 9))), d)
  d$cut <- cut(d$z, c(-9, -1, 0, 1, 9))
  expect_as_lme4(called, lme4_fit(yg ~ x + (1 | g) + (1 | cut), d), d[c(99, 3, 50), ])
})

test_that("tibbles, data.tables, lists, environments and no data give the same fit", {
  d <- user_data()
  fit <- glmm(yg ~ poly(x, 2) + text + (1 | g), d)
  same <- function(other, rows = d[3:5, ]) {
    expect_equal(other$parameters, fit$parameters)
    expect_equal(unname(predict(other, rows)), unname(fitted(fit)[3:5]))
  }
  same(glmm(yg ~ poly(x, 2) + text + (1 | g), as.list(d)))
  same(glmm(yg ~ poly(x, 2) + text + (1 | g), list2env(as.list(d))))
  same(with(d, glmm(yg ~ poly(x, 2) + text + (1 | g))))
  skip_if_not_installed("tibble")
  skip_if_not_installed("data.table")
  tibble <- tibble::as_tibble(d)
  same(glmm(yg ~ poly(x, 2) + text + (1 | g), tibble), tibble[3:5, ])
  table <- data.table::as.data.table(d)
  same(glmm(yg ~ poly(x, 2) + text + (1 | g), table), table[3:5, ])
})

test_that("columns with a class or dimensions of their own are the vectors they hold", {
  d <- user_data()
  fit <- glmm(yg ~ x + (1 | g), d)
  columns <- list(x = I(d$x), x = scale(d$x, FALSE, FALSE), x = ts(d$x), x = array(d$x, 120L),
                  x = structure(d$x, class = "haven_labelled"), yg = scale(d$yg, FALSE, FALSE), yg = ts(d$yg),
                  yg = array(d$yg, 120L), yg = stats::setNames(d$yg, rep(letters[1:20], 6)), g = I(as.character(d$g)),
                  g = array(as.character(d$g), 120L), g = d$gn, g = as.Date("2020-01-01") + d$gn,
                  g = structure(d$gn, class = "haven_labelled"), g = factor(d$g, ordered = TRUE), g = d$gn / 10)
  for (i in seq_along(columns)) {
    changed <- d
    changed[[names(columns)[i]]] <- columns[[i]]
    other <- glmm(yg ~ x + (1 | g), changed)
    expect_equal(other$parameters, fit$parameters)
    expect_equal(unname(predict(other, changed[c(1, 60, 100), ])), unname(fitted(fit)[c(1, 60, 100)]))
  }
})

test_that("a difference of times may have another unit in new data", {
  d <- user_data()
  fit <- glmm(yg ~ wait + (1 | g), d)
  hours <- d[1:4, ]
  units(hours$wait) <- "hours"
  expect_equal(predict(fit, hours), fitted(fit)[1:4])
})

test_that("subset and na.action are those of lme4", {
  skip_if_not_installed("lme4")
  d <- user_data()
  expect_as_lme4(glmm(yg ~ x + (1 | g), d, subset = x > 0 & f != "a"),
                 lme4_fit(yg ~ x + (1 | g), d, subset = x > 0 & f != "a"), d[1:3, ])
  d$x[c(3, 9)] <- NA
  d$yg[20] <- NA
  d$g[40] <- NA
  expect_as_lme4(glmm(yg ~ x + (1 | g), d), lme4_fit(yg ~ x + (1 | g), d), d[4:6, ])
  padded <- glmm(yg ~ x + (1 | g), d, na.action = na.exclude)
  peer <- lme4_fit(yg ~ x + (1 | g), d, na.action = na.exclude)
  expect_as_lme4(padded, peer, d[4:6, ])
  expect_identical(which(is.na(residuals(padded))), which(is.na(residuals(peer))))
  expect_identical(unname(which(is.na(fitted(padded)))), c(3L, 9L, 20L, 40L))
  # as in glm(), which lme4 does not do
  expect_length(weights(padded), 120L)
  expect_equal(nrow(simulate(padded, seed = 1)), nrow(simulate(peer, seed = 1)))
  condition <- error_of(glmm(yg ~ x + (1 | g), d, na.action = na.fail))
  expect_s3_class(condition, "glimmer_error_missing")
  expect_equal(condition[c("variable", "rows")], list(variable = "yg", rows = 20L))
})

test_that("contrasts by argument, attribute and option are those of lm()", {
  d <- user_data()
  names_of <- function(fit) names(nlme::fixef(fit))
  peer <- function(...) colnames(stats::model.matrix(yg ~ f + x, d, ...))
  expect_identical(names_of(glmm(yg ~ f + x + (1 | g), d, contrasts = list(f = "contr.sum"))),
                   peer(contrasts.arg = list(f = "contr.sum")))
  expect_identical(names_of(glmm(yg ~ f + x + (1 | g), d, contrasts = list(f = contr.helmert(3)))),
                   peer(contrasts.arg = list(f = contr.helmert(3))))
  fit <- glmm(yg ~ f + x + (1 | g), d, contrasts = list())
  expect_identical(names_of(fit), peer())
  contrasts(d$f) <- contr.sum(3)
  expect_identical(names_of(glmm(yg ~ f + x + (1 | g), d)), peer())
  contrasts(d$f) <- NULL
  old <- options(contrasts = c("contr.sum", "contr.poly"))
  summed <- glmm(yg ~ f + x + (1 | g), d)
  options(old)
  expect_equal(predict(summed, d[1:5, ]), fitted(fit)[1:5], tolerance = 1e-6)
  expect_identical(names_of(summed), c("(Intercept)", "f1", "f2", "x"))
})

test_that("missing values may be a level, beside a level called NA", {
  skip_if_not_installed("lme4")
  d <- user_data()
  d$k <- addNA(factor(ifelse(d$gn == 1, NA, ifelse(d$gn == 2, "NA", d$gn))))
  fit <- glmm(yg ~ x + (1 | k), d)
  peer <- lme4_fit(yg ~ x + (1 | g), d)
  expect_equal(as.numeric(logLik(fit)), as.numeric(logLik(peer)), tolerance = 1e-8)
  expect_equal(predict(fit, d[1:20, ]), predict(peer, d[1:20, ]), tolerance = 1e-3)
  expect_true(all(c("NA", "<NA>") %in% row.names(nlme::ranef(fit)$k)))
})

test_that("names may be odd or not ASCII, in every part of the model", {
  d <- user_data()
  odd <- stats::setNames(d[c("yg", "x", "z", "f", "g", "w", "o", "s", "m")],
                         c("my y", "x 1", "gr\u00f6\u00dfe", "if", "my g", "w t", "a:b", "n|s", "n m"))
  size <- as.name("gr\u00f6\u00dfe")
  formula <- `my y` ~ `x 1` * `if` + log(size^2) + offset(`a:b`) + (`x 1` | `my g`) + (1 | `my g`:`if`)
  formula <- stats::as.formula(do.call(substitute, list(formula, list(size = size))))
  fit <- suppressWarnings(glmm(formula, odd, weights = `w t`))
  plain <- suppressWarnings(glmm(yg ~ x * f + log(z^2) + offset(o) + (x | g) + (1 | g:f), d, weights = w))
  expect_equal(unname(fit$parameters), unname(plain$parameters))
  expect_equal(predict(fit, odd[3:5, ]), predict(plain, d[3:5, ]))
  expect_identical(names(nlme::ranef(fit)), c("my g", "my g:if"))
  expect_equal(formula(fit), formula, ignore_formula_env = TRUE)
  smaller <- update(fit, . ~ . - (1 | `my g`:`if`))
  expect_equal(smaller$log_likelihood, update(plain, . ~ . - (1 | g:f))$log_likelihood, tolerance = 1e-8)
  expect_identical(rownames(drop1(smaller)), c("<none>", "log(gr\u00f6\u00dfe^2)", "`x 1`:`if`"))
  expect_output(print(summary(fit)), "`x 1`")
  counts <- glmm(cbind(`n|s`, `n m` - `n|s`) ~ `x 1` + (1 | `my g`), odd, binomial)
  expect_equal(counts$log_likelihood, glmm(cbind(s, m - s) ~ x + (1 | g), d, binomial)$log_likelihood)
  condition <- error_of(glmm(`my y` ~ `x 1` + (1 | `my h`), odd))
  expect_equal(condition[c("variable", "term")], list(variable = "my h", term = "(1 | `my h`)"))
})

test_that("variables may have the names of arguments and functions", {
  d <- user_data()
  named <- stats::setNames(d[c("yg", "x", "z", "g", "w", "o", "f")],
                           c("formula", "data", "c", "family", "weights", "offset", "pi"))
  fit <- glmm(formula ~ data + c + pi + (1 | family), named, weights = weights, offset = offset)
  plain <- glmm(yg ~ x + z + f + (1 | g), d, weights = w, offset = o)
  expect_equal(unname(fit$parameters), unname(plain$parameters))
  expect_equal(predict(fit, named[1:3, ]), predict(plain, d[1:3, ]))
  expect_equal(update(fit, . ~ . - c)$log_likelihood, update(plain, . ~ . - z)$log_likelihood)
})

test_that("formulas, data and arguments may come from programs", {
  d <- user_data()
  value <- glmm(yg ~ x + (1 | g), d, weights = w, subset = z > -1)$log_likelihood
  by_text <- function(y, x, group, data) {
    glmm(reformulate(c(x, sprintf("(1 | %s)", group)), y), data = data, weights = w, subset = z > -1)
  }
  expect_equal(by_text("yg", "x", "g", d)$log_likelihood, value)
  call <- bquote(glmm(yg ~ .(as.name("x")) + (1 | g), d, weights = w, subset = z > .(-1)))
  expect_equal(eval(call)$log_likelihood, value)
  wrapper <- function(formula, data, ...) glmm(formula, data, ...)
  expect_equal(wrapper(yg ~ x + (1 | g), d, weights = w, subset = z > -1)$log_likelihood, value)
  local_weights <- function(data) {
    mine <- data$w
    limit <- -1
    glmm(yg ~ x + (1 | g), data, weights = mine, subset = z > limit)
  }
  expect_equal(local_weights(d)$log_likelihood, value)
  # Calls made by lapply() and do.call() can be evaluated again
  fits <- lapply(list(yg ~ x + (1 | g), yg ~ z + (1 | g)), glmm, data = d)
  expect_equal(update(fits[[2]], . ~ . + x)$log_likelihood, glmm(yg ~ z + x + (1 | g), d)$log_likelihood)
  called <- do.call(glmm, list(yg ~ x + (1 | g), quote(d)))
  expect_equal(update(called, . ~ . + z)$log_likelihood, glmm(yg ~ x + z + (1 | g), d)$log_likelihood)
})

test_that("the response among the predictors is left out with one warning, as lm() does with two", {
  d <- user_data()
  outcome <- outcome_of(quote(glmm(yg ~ yg + x + (1 | g), d)))
  expect_length(outcome$warnings, 1L)
  expect_s3_class(outcome$warnings[[1L]], "glimmer_warning_response")
  expect_equal(outcome$warnings[[1L]]$variable, "yg")
  peer <- suppressWarnings(stats::lm(yg ~ yg + x, d))
  expect_identical(names(nlme::fixef(outcome$value)), names(stats::coef(peer)))
  expect_equal(outcome$value$log_likelihood, glmm(yg ~ x + (1 | g), d)$log_likelihood)
  expect_warning(itself <- glmm(x ~ x + (1 | g), d), class = "glimmer_warning_response")
  expect_equal(itself$log_likelihood, glmm(x ~ 1 + (1 | g), d)$log_likelihood)
  expect_equal(predict(itself, d[1:3, "g", drop = FALSE]), fitted(itself)[1:3])
})

test_that("NaN made by a transformation is one warning that names variable and rows", {
  d <- user_data()
  outcome <- outcome_of(quote(glmm(yg ~ log(x) + (1 | g), d)))
  expect_length(outcome$warnings, 1L)
  expect_s3_class(outcome$warnings[[1L]], "glimmer_warning_nan")
  expect_equal(outcome$warnings[[1L]][c("variable", "rows")], list(variable = "log(x)", rows = which(d$x < 0)))
  expect_equal(nobs(outcome$value), nobs(suppressWarnings(stats::lm(yg ~ log(x), d))))
})

test_that("numbers whose squares cannot be computed are refused by name", {
  d <- user_data()
  for (variable in c("x", "yp")) {
    for (scale in c(1e-200, 1e200)) {
      changed <- d
      changed[[variable]] <- scale * changed[[variable]]
      condition <- error_of(glmm(yp ~ x + (1 | g), changed, Gamma("log")))
      expect_s3_class(condition, "glimmer_error_magnitude")
      expect_equal(condition$variable, variable)
    }
  }
  d$yp[7] <- 1e-200
  condition <- error_of(glmm(yp ~ x + (1 | g), d, Gamma("log")))
  expect_equal(condition[c("variable", "rows")], list(variable = "yp", rows = 7L))
})
