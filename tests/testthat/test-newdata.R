# What newdata and re.form may be, and what predictions then are.

test_that("new levels are refused by name or predicted with the variance of their effects", {
  d <- bad_input_data()
  fit <- glmm(yg ~ x + (1 | g), d, gaussian, REML = FALSE)
  new <- transform(d[1:2, ], g = factor("new"))
  error <- error_of(predict(fit, newdata = new))
  expect_s3_class(error, "glimmer_error_levels")
  expect_match(conditionMessage(error), "'g'.*'new'")
  expect_equal(error[c("variable", "levels")], list(variable = "g", levels = "new"))
  # from lme4, as in bad_inputs.csv
  expect_equal(unname(predict(fit, newdata = new, allow.new.levels = TRUE)), c(0.02870411, 0.53156435),
               tolerance = 1e-5)

  fit <- glmm(yc ~ x + (z | g), d, poisson)
  new <- d[1:4, ]
  new$g <- c("g01", "new", "newer", NA)
  population <- predict(fit, new, re.form = NA, se.fit = TRUE)
  mixed <- predict(fit, new, allow.new.levels = TRUE, se.fit = TRUE)
  expect_equal(mixed$fit[2:3], population$fit[2:3])
  expect_equal(mixed$fit[1], predict(fit)[1])
  expect_true(is.na(mixed$fit[4]) && is.na(mixed$se.fit[4]))
  L <- matrix(c(fit$parameters[fit$index$theta[[1L]][1:2]], 0, fit$parameters[fit$index$theta[[1L]][3L]]), 2)
  z <- cbind(1, new$z[2:3])
  expect_equal(unname(mixed$se.fit[2:3]^2), unname(population$se.fit[2:3]^2) + rowSums((z %*% L)^2))
})

test_that("new data may lack what the prediction does not need", {
  # numbers from lme4, as in bad_inputs.csv
  d <- bad_input_data()
  fit <- glmm(yg ~ f + (1 | g), d)
  only <- transform(d[d$f == "b", ][1:2, ], f = factor("b"))
  expect_equal(predict(fit, newdata = only), predict(fit)[d$f == "b"][1:2])
  fit <- glmm(yg ~ x + (1 | g), d, REML = FALSE)
  expect_equal(unname(predict(fit, newdata = d[1:2, c("x", "g")])), c(0.08892724, 0.59178748), tolerance = 1e-5)
  missing <- transform(d[1:3, ], x = replace(x, 2, NA))
  expect_equal(predict(fit, newdata = missing), c("1" = 0.08892724, "2" = NA, "3" = -0.04091607), tolerance = 1e-5)
  expect_equal(unname(predict(fit, newdata = d[1:2, "x", drop = FALSE], re.form = NA)), c(0.02870411, 0.53156435),
               tolerance = 1e-5)
  fit <- glmm(yc ~ f + (1 | g), d, poisson)
  expect_length(predict(fit, d[0, ]), 0L)
  known <- predict(fit)[d$f == "c" & d$g == "g03"]
  expect_equal(unname(predict(fit, data.frame(f = "c", g = "g03"))), known[[1L]])
})

test_that("offsets are evaluated in new data", {
  d <- bad_input_data()
  both <- glmm(yc ~ x + offset(o) + offset(z / 10) + (1 | g), d, poisson, offset = w)
  total <- glmm(yc ~ x + offset(o + z / 10 + w) + (1 | g), d, poisson)
  new <- transform(d[5:9, ], o = o + 1, w = w / 2)
  expect_equal(predict(both, new), predict(total, new), tolerance = 1e-6)
  expect_equal(predict(both, new) - predict(both)[5:9], setNames(1 - d$w[5:9] / 2, 5:9))
  error <- error_of(predict(both, new[, setdiff(names(new), "w")]))
  expect_s3_class(error, "glimmer_error_offset")
  expect_match(conditionMessage(error), "`offset` argument.*`w`")
})

test_that("na.action is obeyed", {
  d <- bad_input_data()
  fit <- glmm(yg ~ x + (1 | g), d)
  new <- d[1:3, ]
  new$x[2] <- NA
  expect_named(predict(fit, new, na.action = na.omit), c("1", "3"))
  expect_equal(predict(fit, new, na.action = na.exclude), predict(fit, new))
  error <- error_of(predict(fit, new, na.action = na.fail))
  expect_s3_class(error, "glimmer_error_missing")
  expect_match(conditionMessage(error), "'x'.*row 2")
  d$x[5] <- NA
  padded <- glmm(yg ~ x + (1 | g), d, na.action = na.exclude)
  expect_length(predict(padded), 120L)
  expect_identical(which(is.na(predict(padded, se.fit = TRUE)$se.fit)), c("5" = 5L))
  expect_length(predict(glmm(yg ~ x + (1 | g), d)), 119L)
})

test_that("re.form takes the terms of the fit and nothing else", {
  d <- bad_input_data()
  fit <- glmm(yg ~ x + (x || g), d)
  expect_equal(predict(fit, re.form = ~ (x | g)), predict(fit))
  expect_equal(predict(fit, re.form = ~ (1 | g) + (0 + x | g)), predict(fit))
  slope <- predict(fit, re.form = ~ (0 + x | g)) - predict(fit, re.form = NA)
  expect_equal(unname(slope), d$x * unname(fit$modes$g[as.character(d$g), "x"]))
  for (wrong in list(~ (1 | h), ~ (z | g), ~ (nowhere | g), ~x, ~1, y ~ (1 | g), "g", TRUE, c(NA, NA))) {
    expect_s3_class(error_of(predict(fit, re.form = wrong)), "glimmer_error_re_form")
  }
})

test_that("levels of an interaction are compared by their parts", {
  d <- data.frame(a = rep(c("p", "p:q"), each = 12), b = rep(c("q:r", "r"), 12), x = seq(-1, 1, length.out = 24))
  d$y <- rep(c(1, 2, 5, 9), each = 6) + d$x + rep(c(0.1, -0.2, 0.3), 8)
  fit <- suppressWarnings(glmm(y ~ x + (1 | a:b), d))
  expect_equal(predict(fit, d[24:1, ]), predict(fit)[24:1])
})

test_that("known rows of new data have their fitted values, whatever else is in the new data", {
  skip_if_not_installed("lme4")
  cbpp <- transform(lme4::cbpp, "silly period" = period, check.names = FALSE)
  fit <- glmm(cbind(incidence, size - incidence) ~ `silly period` + (1 | herd), cbpp, binomial)
  every <- expand.grid("silly period" = unique(cbpp$period), herd = unique(cbpp$herd))
  expect_equal(predict(fit, every)[1], predict(fit)[1])
  fewer <- data.frame("silly period" = c("1", "3"), herd = factor("15", levels = c("15", "1")), check.names = FALSE)
  expect_equal(unname(predict(fit, fewer)[1]), unname(predict(fit)[cbpp$herd == "15" & cbpp$period == "1"]))
  more <- rbind(every, data.frame("silly period" = "1", herd = paste0("new", 1:50), check.names = FALSE))
  message <- conditionMessage(error_of(predict(fit, more)))
  expect_match(message, "'new1', 'new2'.*45 more")
  predicted <- predict(fit, more, allow.new.levels = TRUE)
  expect_equal(predicted[seq_len(nrow(every))], predict(fit, every))
  expect_equal(unname(tail(predicted, 50)), rep(fixef(fit)[[1]], 50))

  data("Pixel", package = "nlme", envir = environment())
  # Side is among the fixed effects, too
  fit <- suppressWarnings(glmm(pixel ~ day + I(day^2) + Side + (day | Dog) + (1 | Side / Dog), Pixel),
                          classes = "glimmer_warning_unidentified")
  rows <- c(77, 5, 102, 1)
  expect_equal(predict(fit, Pixel[rows, ]), fitted(fit)[rows])
  expect_equal(predict(fit, Pixel[rows, ], re.form = ~ (1 | Side / Dog)),
               predict(fit, re.form = ~ (1 | Side) + (1 | Side:Dog))[rows])
  expect_equal(predict(fit, Pixel[rows, ], re.form = ~ (1 | Dog:Side)), predict(fit, re.form = ~ (1 | Side:Dog))[rows])
})

test_that("one random term needs no parentheses in re.form", {
  skip_if_not_installed("lme4")
  fit <- glmm(strength ~ (1 | batch / cask), lme4::Pastes)
  expect_equal(predict(fit, re.form = ~ 1 | batch), predict(fit, re.form = ~ (1 | batch)))
  expect_equal(predict(fit, re.form = ~ 1 | batch / cask), predict(fit))
  # variables that only the other terms use may be missing
  expect_equal(predict(fit, lme4::Pastes[3:4, "batch", drop = FALSE], re.form = ~ 1 | batch),
               predict(fit, re.form = ~ (1 | batch))[3:4])
})

test_that("new data without a row that has a value give means as they give linear predictors", {
  bacteria <- MASS::bacteria
  suppressWarnings({
    fits <- list(glmm(y ~ trt + (1 | ID), bacteria, binomial), glmm(y ~ trt + (1 | ID), bacteria, binomial("cloglog")),
                 glmm(week ~ trt + (1 | ID), bacteria, poisson))
  })
  for (fit in fits) {
    for (new in list(data.frame(trt = "drug", ID = NA), data.frame(trt = NA, ID = "X01"), bacteria[0L, ])) {
      means <- predict(fit, new, type = "response", se.fit = TRUE)
      expect_identical(is.na(means$fit), is.na(predict(fit, new)))
      expect_length(means$se.fit, nrow(new))
      expect_identical(dim(simulate(fit, 2, newdata = new, re.form = NULL)), c(nrow(new), 2L))
      expect_identical(dim(simulate(fit, 2, newdata = new)), c(nrow(new), 2L))
      expect_identical(nrow(augment(fit, newdata = new)), nrow(new))
    }
  }
})
