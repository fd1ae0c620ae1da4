test_that("random terms have the grouping factors, columns and order of lme4", {
  skip_if_not_installed("lme4")
  d <- front_data()
  formulas <- list(yg ~ x + (1 | g), yg ~ x + (x | g), yg ~ f + (1 | f:g), yg ~ x + (1 | g) + (1 | h),
                   yg ~ x + (1 | f / h), yg ~ x + (x | f / h), yg ~ x + (0 + x | g))
  for (formula in formulas) {
    parts <- parse_formula(formula, d)
    peer <- lme4::lFormula(formula, d, control = lme4::lmerControl(check.nobs.vs.nRE = "ignore",
                                                                    check.nobs.vs.nlev = "ignore"))
    names_of <- vapply(parts$terms, function(term) term$group_name, "")
    expect_setequal(names_of, names(peer$reTrms$cnms))
    expect_equal(parts$fixed, lme4::nobars(formula), ignore_formula_env = TRUE)
  }
  nested <- parse_formula(y ~ x + (1 | a / b / c), NULL)
  bars <- vapply(lme4::findbars(y ~ x + (1 | a / b / c)), deparse1, "")
  expect_equal(vapply(nested$terms, function(term) deparse1(term$expression), ""), gsub("[()]", "", bars))
})

test_that("double bars and structures are told apart", {
  structures <- function(formula) vapply(parse_formula(formula, NULL)$terms, `[[`, "", "structure")
  expect_equal(structures(y ~ x + (x || g) + (1 | h)), c("independent", "unstructured"))
  expect_equal(structures(y ~ diag(f | g) + us(x | h)), c("diag", "unstructured"))
  expect_equal(structures(y ~ ar1(0 + t | g / h) + cs(0 + t | k)), c("ar1", "ar1", "cs"))
  labels <- vapply(parse_formula(y ~ ar1(0 + t | g) + (x || g) + us(1 | h), NULL)$terms, term_label, "")
  expect_equal(labels, c("ar1(0 + t | g)", "(x || g)", "(1 | h)"))
  expect_s3_class(error_of(parse_formula(y ~ toep(0 + t | g), NULL)), "glimmer_error_not_available")
  expect_match(conditionMessage(error_of(parse_formula(y ~ toep(0 + t | g), NULL))), "not there yet")
  expect_match(conditionMessage(error_of(parse_formula(y ~ cs(0 + t || g), NULL))), "double bar")
  expect_s3_class(error_of(parse_formula(y ~ x + nosuch(1 | g), NULL)), "glimmer_error_formula")
})

test_that("bars inside function calls and odd names are left alone", {
  parts <- parse_formula(y ~ I(a | b) + `b | c` + (I(a | b) | `my g` / `p:q`), NULL)
  expect_equal(parts$fixed, y ~ I(a | b) + `b | c`, ignore_formula_env = TRUE)
  expect_equal(vapply(parts$terms, `[[`, "", "group_name"), c("p:q:my g", "my g"))
  expect_equal(parts$terms[[1]]$left, ~ I(a | b), ignore_formula_env = TRUE)
  expect_setequal(all.vars(parts$frame), c("y", "a", "b", "b | c", "my g", "p:q"))
})

test_that("taking out the bars leaves the rest as written", {
  fixed <- function(formula) parse_formula(formula, NULL)$fixed
  expect_equal(fixed(y ~ (1 | g) - 1), y ~ -1, ignore_formula_env = TRUE)
  expect_equal(fixed(y ~ (1 | g)), y ~ 1, ignore_formula_env = TRUE)
  expect_equal(fixed(y ~ (1 | g) + 0 + x + ((1 | h))), y ~ 0 + x, ignore_formula_env = TRUE)
  expect_equal(fixed(log(y) ~ x + offset(log(o)) + (1 | g)), log(y) ~ x + offset(log(o)), ignore_formula_env = TRUE)
})

test_that("programmatic formulas are read", {
  d <- front_data()
  expected <- parse_formula(yg ~ x + (1 | g), d)
  given <- list("yg ~ x + (1 | g)", as.formula("yg ~ x + (1 | g)"), reformulate(c("x", "(1 | g)"), "yg"),
                bquote(yg ~ .(as.name("x")) + (1 | g)), terms(yg ~ x + (1 | g)))
  for (formula in given) {
    expect_equal(parse_formula(formula, d)$frame, expected$frame, ignore_formula_env = TRUE)
  }
})

test_that("a dot stands for the other variables of the data, as in terms()", {
  d <- front_data()[c("yg", "x", "z", "f", "g")]
  parts <- parse_formula(log(yg) ~ . - z + (x | g), d)
  peer <- terms(log(yg) ~ . - z, data = d[names(d) != "g"])
  expect_equal(attr(terms(parts$fixed), "term.labels"), attr(peer, "term.labels"))
  expect_false("." %in% all.vars(parts$formula))
  expect_s3_class(error_of(parse_formula(yg ~ . + (1 | g), NULL)), "glimmer_error_formula")
  expect_s3_class(error_of(parse_formula(yg ~ x + (. | g), d)), "glimmer_error_formula")
})

test_that("formulas that cannot be fitted are refused with a reason", {
  refused <- function(formula, pattern) {
    condition <- error_of(parse_formula(formula, NULL))
    expect_s3_class(condition, c("glimmer_error_formula", "glimmer_error"), exact = FALSE)
    expect_match(conditionMessage(condition), pattern, fixed = TRUE)
  }
  refused(y ~ x + 1 | g, "parentheses")
  refused(y ~ x || g, "parentheses")
  refused(y ~ x, "glm() or lm()")
  refused(~ x + (1 | g), "no response")
  refused(y ~ x * (1 | g), "x * (1 | g)")
  refused(y ~ x - (1 | g), "x - (1 | g)")
  refused(y ~ (1 | g):x, "(1 | g):x")
  refused(y ~ x + (1 | g | h), "1 | g | h")
  refused(y ~ x + (1 | 1), "no grouping variable")
  refused(y ~ x + (offset(o) | g), "offset")
  refused(1:3, "must be a formula")
})

test_that("beside a dot a covariance structure stays as it was written", {
  data <- expand.grid(f = factor(1:5), g = factor(1:25), r = 1:2)
  data$y <- with_seed(1, rnorm(25)[data$g] + rnorm(250))
  fit <- glmm(y ~ . + ar1(0 + f | g), data[c("y", "f", "g")])
  expect_identical(deparse1(formula(fit)), "y ~ f + ar1(0 + f | g)")
  expect_match(paste(capture.output(print(fit)), collapse = "\n"), "y ~ f + ar1(0 + f | g)", fixed = TRUE)
  expect_identical(deparse1(formula(update(fit, . ~ . - f))), "y ~ ar1(0 + f | g)")
  names <- list(y = 1, a = 1, `b c` = 1, g = 1, h = 1)
  expect_identical(deparse1(parse_formula(y ~ . + cs(0 + `b c` | g) + us(1 | g) + (a || h), names)$formula),
                   "y ~ a + `b c` + cs(0 + `b c` | g) + (1 | g) + (a || h)")
})

test_that("what `.` stands for has parentheses only where it needs them", {
  data <- front_data()[c("yg", "x", "g", "h", "w")]
  right <- function(formula) deparse1(parse_formula(formula, data, environment())$formula[[3L]])
  expect_identical(right(yg ~ . + (1 | g)), "x + h + w + (1 | g)")
  expect_identical(right(yg ~ log(w) + . - h + (1 | g)), "log(w) + x + h + w - h + (1 | g)")
  expect_identical(right(yg ~ x - . + (1 | g)), "x - (x + h + w) + (1 | g)")
  expect_identical(right(yg ~ (.)^2 + (1 | g)), "(x + h + w)^2 + (1 | g)")
  expect_identical(right(yg ~ (. - h)^2 + (1 | g)), "(x + h + w - h)^2 + (1 | g)")
  expect_identical(right(yg ~ x:. + (1 | g)), "x:(x + h + w) + (1 | g)")
  for (fixed in list(yg ~ ., yg ~ . - h, yg ~ x - ., yg ~ (. - h)^2, yg ~ x:., yg ~ -1 + (.):x)) {
    with_random <- fixed
    with_random[[3L]] <- call("+", fixed[[3L]], quote((1 | g)))
    parsed <- stats::terms(parse_formula(with_random, data, environment())$fixed)
    expected <- stats::terms(fixed, data = data[c("yg", "x", "h", "w")])
    expect_identical(attr(parsed, "term.labels"), attr(expected, "term.labels"))
    expect_identical(attr(parsed, "intercept"), attr(expected, "intercept"))
  }
})
