test_that("X is stats::model.matrix() of the fixed effects, attributes included", {
  d <- front_data()
  d$f <- factor(d$f, ordered = TRUE)
  d$day <- as.Date("2020-01-01") + d$gn
  d$wait <- as.difftime(d$z^2, units = "mins")
  d$yes <- d$x > 0
  d$M <- cbind(a = d$z, b = d$z^3)
  d$`odd name` <- d$o
  formulas <- list(~ x, ~ f * x, ~ 0 + f, ~ poly(x, 2) + splines::ns(z, 3), ~ scale(x) + log(yp) + yes, ~ day + wait,
                   ~ M + `odd name`, ~ 1, ~ I(x^2) + x:yes - x)
  for (right in formulas) {
    formula <- eval(bquote(yg ~ .(right[[2]]) + (1 | g)))
    design <- front(formula, d)$design
    expect_equal(design$X, model.matrix(right, d), ignore_attr = "dimnames")
    expect_equal(colnames(design$X), colnames(model.matrix(right, d)))
    fixed <- lm(eval(bquote(yg ~ .(right[[2]]))), d)
    expect_equal(design$fixed$xlevels, if (length(fixed$xlevels)) fixed$xlevels)
    expect_equal(design$fixed$contrasts, fixed$contrasts)
    expect_equal(attr(design$fixed$terms, "predvars"), attr(terms(fixed), "predvars"))
    expect_equal(attr(design$fixed$terms, "dataClasses"), attr(terms(fixed), "dataClasses"))
  }
})

test_that("contrasts are used in X and in Z", {
  d <- front_data()
  sum_contrasts <- list(f = "contr.sum")
  design <- front(yg ~ f + (f | g), d, contrasts = sum_contrasts)$design
  expected <- model.matrix(~ f, d, contrasts.arg = sum_contrasts)
  expect_equal(design$X, expected)
  expect_equal(design$factors[[1]]$Z, expected, ignore_attr = TRUE)
  expect_s3_class(error_of(front(yg ~ x + (1 | g), d, contrasts = sum_contrasts)), "glimmer_error_contrasts")
})

test_that("offsets of formula and argument add up", {
  d <- front_data()
  design <- front(yc ~ x + offset(o) + offset(z) + (1 | g), d, poisson, offset = x)$design
  expect_equal(design$offset, d$o + d$z + d$x)
  expect_equal(front(yc ~ x + (1 | g), d, poisson)$design$offset, numeric(120))
})

test_that("aliased columns are dropped as in lm(), with a warning that names them", {
  d <- front_data()
  d$k <- 5
  d$twice <- 2 * d$x - d$z
  d$zero <- 0
  for (right in list(~ x + k, ~ x + z + twice, ~ twice + x + z + f, ~ k + x, ~ zero + x, ~ f + I(f == "b") + x)) {
    formula <- eval(bquote(yg ~ .(right[[2]]) + (1 | g)))
    coefficients <- coef(lm(eval(bquote(yg ~ .(right[[2]]))), d))
    warning <- expect_warning(design <- front(formula, d)$design, class = "glimmer_warning_aliased")
    expect_equal(colnames(design$X), names(coefficients)[!is.na(coefficients)])
    expect_equal(warning$columns, names(coefficients)[is.na(coefficients)])
    expect_equal(colnames(design$aliasing$relations), warning$columns)
    expect_equal(attr(design$X, "assign"), attr(model.matrix(right, d), "assign")[!is.na(coefficients)])
  }
})

test_that("scale and location make no column collinear", {
  d <- front_data()
  d$far <- d$x + 1e8
  d$huge <- d$x * 1e10
  d$tiny <- d$z * 1e-10
  for (formula in list(yg ~ far + (far | g), yg ~ huge + tiny + (huge | g), yg ~ 0 + f + far + (1 | g),
                       yg ~ 0 + far + f + (1 | g), yg ~ far + tiny + I(far * 1e5 + o) + (1 | g))) {
    design <- expect_silent(front(formula, d))$design
    expect_equal(ncol(design$aliasing$relations), 0L)
  }
  expect_warning(design <- front(yg ~ far + x + (1 | g), d)$design, class = "glimmer_warning_aliased")
  expect_equal(ncol(design$X), 2L)
})

test_that("rows of weight 0 do not identify a column", {
  d <- front_data()
  warning <- expect_warning(front(yg ~ f + x + (1 | g), d, weights = as.numeric(f != "c")),
                            class = "glimmer_warning_aliased")
  expect_equal(warning$columns, "fc")
})

test_that("more coefficients than rows, and factors with one level, are errors", {
  d <- front_data()
  wide <- cbind(d[1:20, ], X = I(matrix(rnorm(20 * 30), 20)))
  wide <- droplevels(wide)
  expect_s3_class(error_of(front(yc ~ X + (1 | g), wide, poisson)), "glimmer_error_size")
  d$k <- factor("only")
  condition <- error_of(front(yg ~ x + k + (1 | g), d))
  expect_s3_class(condition, "glimmer_error_levels")
  expect_equal(condition[c("variable", "levels")], list(variable = "k", levels = "only"))
  expect_equal(error_of(front(yg ~ x + (k | g), d))$variable, "k")
  expect_equal(error_of(front(yg ~ x + k + (1 | g), transform(d, k = "only")))$variable, "k")
})

test_that("fit_design() gives the design of the fit again, silently", {
  d <- front_data()
  d$k <- 1
  d$g <- as.character(d$g)
  d$x[5] <- NA
  expect_warning(stages <- front(yc ~ poly(z, 2) + f + k + offset(o) + (f || g) + (poly(z, 2) | h) + (1 | g:h), d,
                                 poisson, weights = w, contrasts = list(f = "contr.helmert")))
  expect_silent(again <- fit_design(front_fit(stages)))
  expect_equal(again, stages$design)
})

test_that("the columns of X can be left out and come again", {
  d <- front_data()
  d$twice <- 2 * d$x
  designs <- list(front(yg ~ f * x + (1 | g), d)$design, front(yg ~ 1 + (1 | g), d)$design,
                  suppressWarnings(front(yg ~ x + twice + f + (x | g), d, contrasts = list(f = "contr.sum")))$design)
  for (design in designs) {
    without <- without_columns(design)
    expect_equal(nrow(without$X), 0L)
    expect_identical(with_columns(without), design)
    expect_identical(with_columns(design), design)
  }
})
