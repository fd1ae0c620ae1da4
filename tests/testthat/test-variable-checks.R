# Variables and families that are broken are refused by name.

broken <- local({
  set.seed(1)
  data.frame(y = rnorm(60), x = rnorm(60), f = gl(3, 20, labels = c("a", "b", "c")), g = gl(10, 6),
             s = rbinom(60, 1, 0.5))
})
with_column <- function(name, value) replace(broken, name, list(value))

test_that("factors with repeated labels or codes beyond their levels are refused", {
  twice <- structure(as.integer(broken$f), levels = c("a", "a", "b"), class = "factor")
  refused(glmm(y ~ f + (1 | g), with_column("f", twice)), "variable", variable = "f", levels = "a")
  refused(glmm(y ~ x + (f | g), with_column("f", twice)), "variable", variable = "f", levels = "a")
  for (code in c(-3L, 0L, 77L)) {
    codes <- structure(replace(as.integer(broken$g), 5L, code), levels = letters[1:10], class = "factor")
    refused(glmm(y ~ x + (1 | g), with_column("g", codes)), "variable", variable = "g", rows = 5L)
    refused(glmm(y ~ g + (1 | f), with_column("g", codes)), "variable", variable = "g", rows = 5L)
  }
  without <- structure(as.integer(broken$f), class = "factor")
  refused(glmm(y ~ f + (1 | g), with_column("f", without)), "variable", variable = "f")
  fit <- glmm(y ~ f + (1 | g), broken)
  refused(predict(fit, with_column("f", twice)), "variable", variable = "f")
})

test_that("a missing level is not taken for the label as which it is printed", {
  both <- factor(rep(c("<NA>", NA, "b"), 20), exclude = NULL)
  refused(glmm(y ~ 1 + (1 | f), with_column("f", both)), "variable", variable = "f", levels = "<NA>")
  refused(glmm(y ~ f + (1 | g), with_column("f", both)), "variable", variable = "f", levels = "<NA>")
})

test_that("text that is not valid in its encoding is refused", {
  skip_if_not(l10n_info()[["UTF-8"]])
  text <- rep(c("fa\xe7ile", "b", "c"), 20)
  marked <- text
  Encoding(marked) <- "UTF-8"
  for (value in list(text, marked, factor(broken$f, labels = text[1:3]))) {
    refused(glmm(y ~ f + (1 | g), with_column("f", value)), "variable", variable = "f")
    refused(glmm(y ~ x + (1 | f), with_column("f", value)), "variable", variable = "f")
  }
  refused(glmm(y ~ . + (1 | g), stats::setNames(broken, c("y", text[1], "f", "g", "s"))), "variable", columns = 2L)
})

test_that("names that a model frame has for itself, or twice, are refused where the formula uses them", {
  for (name in c("(weights)", "(offset)")) {
    data <- stats::setNames(broken, c("y", name, "f", "g", "s"))
    x <- as.name(name)
    for (formula in list(bquote(y ~ .(x) + (1 | g)), bquote(y ~ f + (.(x) | g)), bquote(y ~ f + (1 | .(x))),
                         bquote(.(x) ~ f + (1 | g)), y ~ . + (1 | g))) {
      refused(glmm(formula, data), "variable", variable = name)
    }
    expect_s3_class(glmm(y ~ f + (1 | g), data), "glimmer")
  }
  refused(glmm(y ~ log(s + 1) + `log(s + 1)` + (1 | g), cbind(broken, "log(s + 1)" = 1)), "variable",
          variable = "log(s + 1)")
  data <- stats::setNames(broken, c("y", "(Intercept)", "f", "g", "s"))
  expect_equal(unname(fixef(glmm(y ~ `(Intercept)` + (1 | g), data))), unname(fixef(glmm(y ~ x + (1 | g), broken))))
})

test_that("families whose fields or functions are not those of their name are refused", {
  tampered <- function(given, ...) {
    fields <- list(...)
    for (name in names(fields)) given[name] <- fields[name]
    given
  }
  for (field in list(list(link = NULL), list(link = NA_character_), list(link = c("logit", "probit")),
                     list(family = NULL), list(link = 3))) {
    family <- do.call(tampered, c(list(binomial()), field))
    refused(glmm(s ~ x + (1 | g), broken, family), "family", field = names(field))
  }
  refused(glmm(s ~ x + (1 | g), broken, tampered(binomial(), linkinv = pnorm)), "family", field = "linkinv")
  refused(glmm(s ~ x + (1 | g), broken, tampered(binomial(), link = "probit")), "family", link = "probit")
  refused(glmm(s ~ x + (1 | g), broken, tampered(binomial(), variance = function(mu) mu)), "family", field = "variance")
  refused(glmm(s ~ x + (1 | g), broken, tampered(poisson(), family = "binomial")), "family", family = "binomial")
})

test_that("messages about several things are in the plural", {
  expect_message_of <- function(expression, text) {
    message <- conditionMessage(error_of(expression))
    expect_match(message, text, fixed = TRUE)
  }
  expect_message_of(glmm(y ~ v + (1 | g), broken), "Variable 'v', used in the fixed effects (`v`), is neither")
  expect_message_of(glmm(y ~ I(v * w) + (1 | g), broken), "Variables 'v' and 'w', used in")
  fit <- glmm(y ~ I(x * s) + (1 | g), broken)
  expect_message_of(predict(fit, broken["g"]), "Variables 'x' and 's' of the model are not in `newdata`")
  expect_message_of(drop1(fit, c("v", "w")), "'v' and 'w', which are no terms")
  expect_message_of(glmm(y ~ f + (1 | g), broken, contrasts = list(v = 1, w = 2)), "'v' and 'w', which are no factors")
  expect_message_of(glmm(y ~ f + (x | g) + (x | g), broken), "has the columns '(Intercept)' and 'x' twice")
})
