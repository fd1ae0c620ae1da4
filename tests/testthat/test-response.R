test_that("binomial responses in every form are those of glm()", {
  d <- front_data()
  d$pr <- d$s / d$m
  d$yf <- factor(d$yb, labels = c("no", "yes"))
  d$yl <- d$yb == 1
  agrees <- function(stages, peer) {
    design <- stages$design
    expect_equal(design$y / design$size, unname(peer$y))
    expect_equal(design$size * design$weights, unname(peer$prior.weights))
  }
  agrees(front(yb ~ x + (1 | g), d, binomial), glm(yb ~ x, binomial, d))
  agrees(front(yf ~ x + (1 | g), d, binomial), glm(yf ~ x, binomial, d))
  agrees(front(yl ~ x + (1 | g), d, binomial), glm(yl ~ x, binomial, d))
  agrees(front(cbind(s, m - s) ~ x + (1 | g), d, binomial), glm(cbind(s, m - s) ~ x, binomial, d))
  agrees(front(cbind(s, m - s) ~ x + (1 | g), d, binomial, weights = w),
         suppressWarnings(glm(cbind(s, m - s) ~ x, binomial, d, weights = w)))
  agrees(front(pr ~ x + (1 | g), d, binomial, weights = m), glm(pr ~ x, binomial, d, weights = m))
})

test_that("a proportion with trials is the same as two columns, bit by bit", {
  d <- front_data()
  d$m <- rep(c(3L, 7L, 11L, 49L), 30)
  d$s <- pmin(d$s, d$m)
  d$pr <- d$s / d$m
  a <- front(pr ~ x + (1 | g), d, binomial, weights = m)$design
  b <- front(cbind(s, m - s) ~ x + (1 | g), d, binomial)$design
  expect_identical(a[c("y", "size", "weights")], b[c("y", "size", "weights")])
})

test_that("rows without trials or weight have weight 0", {
  d <- front_data()
  d$s[2] <- 0L
  d$m[2] <- 0L
  design <- front(cbind(s, m - s) ~ x + (1 | g), d, binomial)$design
  expect_equal(design$weights, replace(rep(1, 120), 2, 0))
  design <- front(yb ~ x + (1 | g), d, binomial, weights = as.numeric(x > 0))$design
  expect_equal(design$weights, as.numeric(d$x > 0))
})

test_that("counts stay doubles, and other responses keep their weights", {
  d <- front_data()
  d$big <- round(3e9 * exp(0.1 * d$x))
  design <- front(big ~ x + (1 | g), d, poisson, weights = w)$design
  expect_identical(design$y, d$big)
  expect_identical(design$weights, d$w)
  expect_identical(design$size, rep(1, 120))
})

test_that("responses outside the support are refused, with name and rows", {
  d <- front_data()
  refused <- function(expression, variable, rows) {
    condition <- error_of(expression)
    expect_s3_class(condition, "glimmer_error_response")
    expect_equal(condition$variable, variable)
    expect_equal(condition$rows, rows)
    expect_match(conditionMessage(condition), variable, fixed = TRUE)
    if (length(rows)) expect_match(conditionMessage(condition), format_rows(rows), fixed = TRUE)
  }
  for (row in c(2L, 77L)) {
    refused(front(yc ~ x + (1 | g), transform(d, yc = replace(yc, row, -1)), poisson), "yc", row)
    refused(front(yp ~ x + (1 | g), transform(d, yp = replace(yp, row, 0)), Gamma("log")), "yp", row)
    refused(front(yp ~ x + (1 | g), transform(d, yp = replace(yp, row, -2)), inverse.gaussian), "yp", row)
    refused(front(yb ~ x + (1 | g), transform(d, yb = replace(yb, row, 2)), binomial), "yb", row)
    refused(front(cbind(s, m - s) ~ x + (1 | g), transform(d, s = replace(s, row, -1L)), binomial),
            "cbind(s, m - s)", row)
    refused(front(cbind(s, m - s) ~ x + (1 | g), transform(d, s = replace(s, row, 12L)), binomial),
            "cbind(s, m - s)", row)
  }
  refused(front(f ~ x + (1 | g), d, binomial), "f", NULL)
  refused(front(f ~ x + (1 | g), d), "f", NULL)
  refused(front(g ~ x + (1 | h), transform(d, g = as.character(g)), binomial), "g", NULL)
  refused(front(day ~ x + (1 | g), transform(d, day = as.Date("2020-01-01") + gn)), "day", NULL)
  refused(front(cbind(yg, x) ~ z + (1 | g), d), "cbind(yg, x)", NULL)
  refused(front(cbind(s, m, x) ~ z + (1 | g), d, binomial), "cbind(s, m, x)", NULL)
  three <- error_of(front(f ~ x + (1 | g), d, binomial))
  expect_equal(three$levels, c("a", "b", "c"))
  failures <- error_of(front(cbind(s, m - s) ~ x + (1 | g), transform(d, s = replace(s, 2, 12L)), binomial))
  expect_equal(failures$column, "m - s")
})

test_that("counts that are not whole are one warning with the number of rows", {
  d <- front_data()
  d$pr <- d$s / d$m
  warned <- function(expression, count) {
    conditions <- list()
    withCallingHandlers(expression, warning = function(w) {
      conditions[[length(conditions) + 1L]] <<- w
      invokeRestart("muffleWarning")
    })
    expect_length(conditions, 1)
    expect_s3_class(conditions[[1]], "glimmer_warning_noninteger")
    expect_length(conditions[[1]]$rows, count)
    conditionMessage(conditions[[1]])
  }
  text <- warned(front(pr ~ x + (1 | g), d, binomial), sum(!d$s %in% c(0L, 10L)))
  expect_match(text, "'pr'", fixed = TRUE)
  expect_match(text, "weights = trials", fixed = TRUE)
  warned(front(yc + 0.5 ~ x + (1 | g), d, poisson), 120)
  warned(front(cbind(s + 0.5, m - s) ~ x + (1 | g), d, binomial), 120)
})
