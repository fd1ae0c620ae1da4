# What plot() draws, against residuals(), fitted(), ranef() and the functions of 'stats' for smooths and quantiles.

drawn_by <- function(...) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  withVisible(plot(...))
}

plot_data <- function() {
  set.seed(17)
  data <- data.frame(x = rnorm(160), g = rep(sprintf("g%02d", 1:20), 8), h = rep(letters[1:8], each = 20),
                     w = rep(c(0, 1, 2, 1), 40), trials = rep(c(4L, 7L), 80))
  eta <- data$x / 2 + rnorm(20, 0, 0.8)[as.integer(factor(data$g))] + rnorm(8, 0, 0.5)[as.integer(factor(data$h))]
  transform(data, gaussian = eta + rnorm(160), binary = rbinom(160, 1, plogis(eta)), count = rpois(160, exp(eta)),
            successes = rbinom(160, trials, plogis(eta)), time = rgamma(160, 3, exp(-eta)))
}

plot_fits <- function(data = plot_data()) {
  missing <- data
  missing$x[c(3, 70)] <- NA
  list(linear = glmm(gaussian ~ x + (x | g) + (1 | h), data),
       binary = glmm(binary ~ x + (1 | g), data, binomial),
       binomial = glmm(cbind(successes, trials - successes) ~ x + (1 | g) + (1 | h), data, binomial),
       count = glmm(count ~ x + (x || g), data, poisson),
       time = glmm(time ~ x + (1 | g), data, Gamma("log")),
       inverse = glmm(time ~ 1 + (1 | g), data, inverse.gaussian("log")),
       weighted = glmm(gaussian ~ x + (1 | g), data, weights = w),
       excluded = glmm(count ~ x + (1 | g), missing, poisson, weights = w, na.action = na.exclude))
}

test_that("fitted values and residuals of the rows with weight, with the row names of the data", {
  for (fit in plot_fits()) {
    for (type in c("pearson", "deviance")) {
      result <- drawn_by(fit, type = type)
      expect_false(result$visible)
      drawn <- result$value$residuals
      used <- which(weights(fit) > 0)
      expect_identical(drawn, data.frame(fitted = fitted(fit)[used], residual = residuals(fit, type)[used], rows = 1L))
      expect_identical(drawn_by(fit, which = "residuals", type = type)$value, result$value[c("residuals", "smooth")])
    }
    expect_identical(drawn_by(fit)$value$residuals$residual, unname(residuals(fit, "pearson")[used]))
  }
})

test_that("the smooth follows the mean, on the logarithmic axis of a log link, and is robust for a Gaussian response", {
  fits <- plot_fits()
  smooth <- function(fit) as.list(drawn_by(fit, which = 1)$value$smooth)
  expected <- function(fit, of, iter) {
    stats::setNames(stats::lowess(of(fitted(fit)), residuals(fit, "pearson"), iter = iter), c("fitted", "residual"))
  }
  expect_equal(smooth(fits$linear), expected(fits$linear, identity, 3L))
  expect_equal(smooth(fits$binary), expected(fits$binary, identity, 0L))
  for (name in c("count", "time")) {
    curve <- expected(fits[[name]], log, 0L)
    expect_equal(smooth(fits[[name]]), list(fitted = exp(curve$fitted), residual = curve$residual))
  }
})

test_that("random effects: a panel each, with their normal quantiles", {
  for (fit in plot_fits()) {
    drawn <- drawn_by(fit)$value$ranef
    known <- as.data.frame(ranef(fit, condVar = FALSE))
    expect_identical(drawn_by(fit, which = 2)$value, list(ranef = drawn))
    expect_equal(drawn[1:4], transform(known, term = as.character(term), grp = as.character(grp)), ignore_attr = TRUE)
    panels <- split(drawn, paste(drawn$grpvar, drawn$term))
    expect_length(panels, sum(lengths(ranef(fit))))
    for (panel in panels) {
      expect_identical(panel$quantile, stats::qqnorm(panel$condval, plot.it = FALSE)$x)
    }
  }
  fit <- plot_fits()$linear
  for (chosen in list("h", 2, c("h", "g"))) {
    drawn <- drawn_by(fit, whichel = chosen)$value$ranef
    expect_identical(unique(drawn$grpvar), names(ranef(fit, whichel = chosen)))
  }
})

test_that("effects that are all 0 are said to be, in their place", {
  data <- plot_data()
  data$flat <- residuals(lm(gaussian ~ g, data))
  fits <- list(glmm(flat ~ 1 + (1 | g), data), glmm(flat ~ 1 + (1 | g) + (1 | h), data),
               glmm(rep(c(3, 2, 5, 1), each = 40) ~ 1 + (1 | g), data, poisson),
               glmm(rep(c(0, 1, 1, 0), each = 40) ~ 1 + (1 | g), data, binomial))
  for (fit in fits) {
    expect_true(fit$singular)
    drawn <- drawn_by(fit, col = "red", which = "ranef")$value$ranef
    expect_identical(drawn$condval, as.data.frame(ranef(fit))$condval)
    expect_identical(is.na(drawn$quantile), drawn$grpvar == "g")
  }
  page <- tempfile(fileext = ".pdf")
  on.exit(unlink(page))
  grDevices::pdf(page, compress = FALSE, useKerning = FALSE)
  expect_silent(plot(fits[[1L]], which = "ranef", log = "y", ylim = c(1, 2)))
  grDevices::dev.off()
  expect_true(any(grepl("all effects are 0", readLines(page, warn = FALSE), useBytes = TRUE)))
})

test_that("many effects: the first eight, and a message that says how many there are", {
  data <- plot_data()
  data$k <- rep(1:16, 10)
  fit <- suppressWarnings(glmm(gaussian ~ x + (x + w + trials || g) + (x + w + trials || h) + (1 | k), data))
  expect_message(drawn <- drawn_by(fit)$value$ranef, "the first 8 of 9")
  known <- as.data.frame(ranef(fit))[c("grpvar", "term", "condval")]
  known <- transform(known, term = as.character(term))[seq_len(nrow(drawn)), ]
  expect_equal(drawn[c("grpvar", "term", "condval")], known, ignore_attr = TRUE)
  expect_identical(nrow(unique(drawn[c("grpvar", "term")])), 8L)
  expect_identical(nrow(drawn_by(fit, whichel = "k", which = "ranef")$value$ranef), 16L)
})

test_that("many rows: points that lie on one another once, none elsewhere left out, and the smooth of them all", {
  set.seed(3)
  x <- c(rnorm(30000), runif(90))
  y <- c(rnorm(30000), rep(50, 60), rep(-40, 30))
  points <- thin(x, y)
  expect_identical(sum(points$count), 30090L)
  expect_lt(length(points$shown), 10000L)
  # each point has a drawn one within a two-hundredth of the range
  drawn <- cbind(x, y)[points$shown, ]
  near <- function(k) any(abs(drawn[, 1] - x[k]) <= diff(range(x)) / 200 & abs(drawn[, 2] - y[k]) <= 90 / 200 + 0.1)
  expect_true(all(vapply(c(1:200, 30001:30090), near, NA)))
  expect_identical(thin(x[1:9999], y[1:9999]), list(shown = 1:9999, count = rep(1L, 9999)))
  expect_identical(thin(rep(1, 20000), rep(2, 20000)), list(shown = 1L, count = 20000L))
  x <- runif(30000, 1, 5)
  y <- sin(x) + rnorm(30000) / 2
  curve <- smooth_mean(x, y, robust = FALSE)
  expect_identical(nrow(curve), 1000L)
  all <- stats::lowess(x, y, iter = 0L)
  expect_equal(curve$residual, stats::approx(all, xout = curve$fitted)$y, tolerance = 0.01)
  expect_identical(shades(c(1, 10, 100)), grDevices::grey(c(0.7, 0.35, 0)))
})

test_that("graphical parameters are as before, and a page that is divided stays so", {
  fit <- plot_fits()$linear
  for (given in list(list(), list(cex = 1.3, mar = c(3, 3, 1, 1)), list(mfrow = c(2, 3)))) {
    grDevices::pdf(NULL)
    graphics::par(given)
    before <- graphics::par(c("mfrow", "mfcol", "mar", "mgp", "cex", "las", "pch", "col", "oma"))
    session <- options(scipen = 3)
    plot(fit, las = 1, col = "blue")
    expect_identical(graphics::par(names(before)), before)
    expect_identical(getOption("scipen"), 3)
    options(session)
    plot(fit, which = "residuals")
    expect_identical(graphics::par(names(before)), before)
    grDevices::dev.off()
  }
  expect_identical(page_layout(1L, c(7, 7)), c(1, 1), ignore_attr = TRUE)
  expect_equal(page_layout(2L, c(7, 7)), c(2, 1))
  expect_equal(page_layout(2L, c(9, 5)), c(1, 2))
  expect_equal(page_layout(3L, c(7, 7)), c(2, 2))
  for (panels in 1:9) expect_gte(prod(page_layout(panels, c(7, 7))), panels)
})

test_that("graphical parameters are taken, other arguments refused", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  taken <- list(pch = 3, col = "red", bg = "white", cex = 1.2, lwd = 2, las = 1, bty = "l", tck = -0.01, tcl = -0.3,
                fg = "grey", family = "serif", cex.axis = 0.8, col.lab = "blue", font.main = 3, main = "A", sub = "b",
                xlab = "x", ylab = "y", xlim = c(1, 30), ylim = c(-3, 3), log = "")
  expect_named(drawn_by(fit, which = "residuals")$value, c("residuals", "smooth"))
  for (name in names(taken)) expect_silent(do.call(drawn_by, c(list(fit), taken[name])))
  refused <- list(quote(plot(fit, wich = 1)), quote(plot(fit, Type = "pearson")), quote(plot(fit, pchh = 3)),
                  quote(plot(fit, xlabel = "a")), quote(plot(fit, colour = "red")), quote(plot(fit, ask = TRUE)),
                  quote(plot(fit, id.n = 3)), quote(plot(fit, which = 3)), quote(plot(fit, which = 0)),
                  quote(plot(fit, which = 1.5)), quote(plot(fit, which = NA)), quote(plot(fit, which = "qq")),
                  quote(plot(fit, which = character())), quote(plot(fit, which = numeric())),
                  quote(plot(fit, type = "working")), quote(plot(fit, whichel = "nobody")),
                  quote(plot(fit, whichel = TRUE)))
  for (call in refused) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_argument")
    expect_null(grDevices::dev.list())
  }
  expect_match(conditionMessage(error_of(plot(fit, wich = 1))), "`which`", fixed = TRUE)
})
