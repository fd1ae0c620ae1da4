# Data found again: update(), step() and emmeans() use the data of the fit, their model frame, or say what is missing.

sleep_data <- function() truth_model("sleep_lmm_ml")$data

halves <- function() {
  data <- sleep_data()
  split(data, as.integer(data$Subject) <= 9)
}

fits_of_halves <- function() {
  lapply(halves(), function(d) glmm(Reaction ~ Days + (1 | Subject), data = d))
}

test_that("another object of the name of the data is not taken", {
  fits <- fits_of_halves()
  expected <- lapply(halves(), function(half) glmm(Reaction ~ 1 + (1 | Subject), half))
  same <- function(found) expect_equal(lapply(found, logLik), lapply(expected, logLik), tolerance = 1e-8)
  same(lapply(fits, function(m) update(m, . ~ . - Days)))
  d <- sleep_data()
  same(suppressWarnings(lapply(fits, function(m) update(m, . ~ . - Days))))
  warning <- expect_warning(update(fits[[1L]], . ~ . - Days), "gives 180 rows, not 90", class = "glimmer_warning_data")
  expect_identical(warning$variable, "d")
  # the other half of the same size, and the same rows with another response
  d <- halves()[[2L]]
  same(suppressWarnings(list("FALSE" = update(fits[[1L]], . ~ . - Days), "TRUE" = update(fits[[2L]], . ~ . - Days))))
  d$Reaction <- rev(d$Reaction)
  expect_warning(update(fits[[2L]], . ~ . - Days), "other values of 'Reaction'", class = "glimmer_warning_data")
  # what cannot be data is not mentioned
  d <- 3
  expect_silent(update(fits[[1L]], . ~ . - Days))
})

test_that("data by an index, by the name of a loop, and as a call are those of the fit or are not used", {
  sets <- unname(halves())
  fits <- list()
  for (k in 1:2) fits[[k]] <- glmm(Reaction ~ Days + (1 | Subject), data = sets[[k]])
  subjects <- function(fit) levels(model.frame(fit)$Subject)
  expect_warning(first <- update(fits[[1L]], . ~ . - Days), class = "glimmer_warning_data")
  expect_identical(subjects(first), subjects(fits[[1L]]))
  expect_silent(second <- update(fits[[2L]], . ~ . - Days))
  expect_identical(subjects(second), subjects(fits[[2L]]))
  limit <- 4
  data <- sleep_data()
  part <- glmm(Reaction ~ Days + (1 | Subject), subset(data, Days > limit))
  limit <- 2
  expect_equal(nobs(suppressWarnings(update(part, REML = TRUE))), nobs(part))
  data$Days <- rev(data$Days)
  expect_equal(fixef(suppressWarnings(update(part, . ~ .))), fixef(part))
})

test_that("a change of the data is said, not taken silently, and what is given wins", {
  data <- sleep_data()
  fit <- glmm(Reaction ~ Days + (1 | Subject), data)
  data$Reaction[3] <- 700
  expect_warning(same <- update(fit, . ~ .), "'Reaction'", class = "glimmer_warning_data")
  expect_equal(logLik(same), logLik(fit))
  changed <- update(fit, data = data)
  expect_equal(logLik(changed), logLik(glmm(Reaction ~ Days + (1 | Subject), data)))
  # rows in another order and new variables are no change
  data <- sleep_data()[order(sin(1:180)), ]
  data$new <- cos(1:180)
  expect_silent(wider <- update(fit, . ~ . + new))
  expect_equal(logLik(wider), logLik(glmm(Reaction ~ Days + new + (1 | Subject), data)))
})

test_that("weights, offset and subset belong to the data", {
  data <- transform(sleep_data(), w = Days + 1, e = Days / 10)
  keep <- data$Days > 1
  fit <- glmm(Reaction ~ Days + (1 | Subject), data, weights = w, offset = e, subset = keep)
  wide <- glmm(Reaction ~ Days + (Days || Subject), data, weights = w, offset = e, subset = keep)
  expect_equal(logLik(update(fit, . ~ . - (1 | Subject) + (Days || Subject))), logLik(wide))
  data$w <- 1
  expect_warning(again <- update(fit, . ~ . - (1 | Subject) + (Days || Subject)), "'weights'",
                 class = "glimmer_warning_data")
  expect_equal(logLik(again), logLik(wide))
  expect_identical(again$call$weights, quote(w))
  expect_identical(again$call$subset, quote(keep))
  error <- expect_error(update(fit, subset = Days > 3), class = "glimmer_error_data")
  expect_match(conditionMessage(error), "`data`.*rows of `subset` only.*`data = `")
})

test_that("the model frame does where it has all variables, with the rows that were left out", {
  make <- function(formula) {
    local_data <- sleep_data()
    local_data$Days[5] <- NA
    glmm(formula, local_data, na.action = na.exclude)
  }
  fit <- make(Reaction ~ Days + (1 | Subject))
  again <- update(fit, . ~ . - (1 | Subject) + (Days | Subject))
  expect_length(residuals(again), 180L)
  expect_equal(names(which(is.na(residuals(again)))), row.names(sleep_data())[5L])
  expect_error(update(fit, . ~ . - Days), "missing values", class = "glimmer_error_data")
  expect_error(update(make(Reaction ~ log(Days + 1) + (1 | Subject)), . ~ . + (0 + log(Days + 1) | Subject)), "'Days'",
               class = "glimmer_error_data")
})

test_that("wrappers hand arguments on, and each is evaluated where it was written", {
  again <- function(fit, ...) update(fit, ...)
  twice <- function(fit, ...) again(fit, ...)
  inside <- function(wrapper) {
    fit <- glmm(Reaction ~ Days + (1 | Subject), sleep_data())
    late <- subset(sleep_data(), Days > 2)
    link <- gaussian("log")
    wrapper(fit, data = late, family = link, method = "laplace")
  }
  for (wrapper in list(again, twice)) {
    found <- inside(wrapper)
    expect_equal(nobs(found), 126L)
    expect_identical(family(found)$link, "log")
    expect_identical(found$call$data, quote(late))
    expect_identical(found$call$family, quote(link))
  }
  fits <- fits_of_halves()
  third <- sleep_data()[1:60, ]
  expect_equal(vapply(lapply(fits, update, data = third), nobs, 1L), c("FALSE" = 60L, "TRUE" = 60L))
  expect_equal(vapply(lapply(fits, again, subset = Days > 4), nobs, 1L), c("FALSE" = 45L, "TRUE" = 45L))
})

test_that("step() and MASS::dropterm() fit to the data of the fit", {
  make <- function(d) {
    d$z <- sin(seq_len(nrow(d)))
    glmm(Reaction ~ Days + z + (1 | Subject), data = d)
  }
  fit <- lapply(halves(), make)[[1L]]
  d <- transform(sleep_data(), z = cos(1:180))
  chosen <- suppressWarnings(step(fit, trace = 0))
  expect_equal(nobs(chosen), 90L)
  expect_named(fixef(chosen), c("(Intercept)", "Days"))
  expect_match(paste(capture.output(print(chosen)), collapse = " "), "90")
  skip_if_not_installed("MASS")
  expect_equal(suppressWarnings(MASS::dropterm(fit))$AIC, drop1(fit)$AIC, tolerance = 1e-6)
  expect_identical(update(fit, . ~ . - z, data = other, evaluate = FALSE)$data, quote(other))
})

test_that("fits by anonymous functions whose argument has the name of another argument, as purrr's have", {
  fits <- lapply(halves(), function(.x) glmm(Reaction ~ Days + (1 | Subject), data = .x))
  expect_equal(vapply(fits, function(.x) nobs(update(.x, . ~ . - Days)), 1L), c("FALSE" = 90L, "TRUE" = 90L))
  .x <- sleep_data()
  expect_equal(nobs(suppressWarnings(update(fits[[1L]], . ~ . - Days))), 90L)
})

test_that("emmeans() takes the data of the fit, or says that they are not there", {
  skip_if_not_installed("emmeans")
  fits <- lapply(halves(), function(d) glmm(Reaction ~ log(Days + 1) + (1 | Subject), data = d))
  d <- transform(sleep_data(), Days = Days + 5)
  expect_error(emmeans::emmeans(fits[[1L]], "Days"), "gives 180 rows, not 90")
  d <- transform(halves()[[1L]], Days = Days + 5)
  expect_error(emmeans::emmeans(fits[[1L]], "Days"), "other values of 'log\\(Days \\+ 1\\)'")
  d <- halves()[[1L]]
  expect_equal(as.data.frame(emmeans::emmeans(fits[[1L]], "Days"))$Days, 4.5)
  power <- 2
  both <- lapply(halves(), function(d) glmm(Reaction ~ Days + I(Days^power) + (1 | Subject), data = d))[[1L]]
  d <- transform(sleep_data(), Days = Days + 5)
  means <- as.data.frame(suppressMessages(emmeans::emmeans(both, "Days", at = list(Days = 3))))
  expect_equal(means$emmean, sum(fixef(both) * c(1, 3, 9)))
})
