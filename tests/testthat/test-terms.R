# Names of variables play no part: a model with names that need backticks is the model with plain ones.

plain <- c("a", "b", "x", "g", "y", "w", "o")
factorial <- local({
  set.seed(1)
  d <- data.frame(a = gl(2, 1, 60), b = gl(3, 2, 60)[sample(60)], x = rnorm(60), g = gl(10, 6), w = runif(60, 0.5, 2),
                  o = rnorm(60))
  d$y <- d$x + as.integer(d$b) + 2 * rnorm(10)[d$g] + d$o + rnorm(60)
  d
})
odd_names <- list(spaces = c("if", "b b", "my x", "1st", "Yield (t/ha)", "we ight", "o-ff"),
                  operators = c("a:b", "b|g", "log(x)", "g/h", "~", "-1", "(w)"),
                  quotes = c("a'", "b\"", "x\\", "g`", "y'", "w w", "o`o"),
                  letters = c("\u00e9", "\u00fc b", "\u03b2", "\u0434", "y\u00e4", "\u00e6", "\u00f8"))

renamed <- function(data, names) stats::setNames(data, replace(names(data), match(plain, names(data)), names))

# A formula, or another expression, with other names.
with_names <- function(expression, names) {
  eval(call("substitute", expression, stats::setNames(lapply(names, as.name), plain)))
}

fit_pair <- function(call, names, data = factorial, other = renamed(data, names)) {
  list(plain = suppressWarnings(eval(call, list(data = data))),
       odd = suppressWarnings(eval(with_names(call, names), list(data = other))), data = data, other = other)
}

expect_same <- function(pair, what, label, tolerance = 1e-6) {
  numbers <- function(x) unlist(lapply(if (is.list(x)) unclass(x) else list(x), as.numeric), use.names = FALSE)
  expect_equal(numbers(what(pair$odd, pair$other)), numbers(what(pair$plain, pair$data)), tolerance = tolerance,
               label = label)
}

questions <- list(
  "fixed effects" = function(fit, data) fixef(fit), "type II" = function(fit, data) anova(fit, type = "II"),
  "type II, chi-squared" = function(fit, data) anova(fit, type = "II", test = "Chisq"),
  "type III" = function(fit, data) anova(fit, type = "III"), drop1 = function(fit, data) drop1(fit),
  containment = function(fit, data) ddf(fit, method = "containment"),
  prediction = function(fit, data) predict(fit, data[4:12, ]),
  intervals = function(fit, data) predict(fit, data[4:12, ], se.fit = TRUE)$se.fit,
  simulation = function(fit, data) simulate(fit, newdata = data[4:12, ], seed = 1),
  refit = function(fit, data) fixef(refit(fit, seq_len(60) %% 7)),
  update = function(fit, data) fixef(update(fit, . ~ .)),
  coefficients = function(fit, data) unlist(lapply(coef(fit), as.matrix)),
  VarCorr = function(fit, data) as.data.frame(VarCorr(fit))$vcov
)

test_that("tests, predictions and refits do not depend on how the variables are called", {
  for (set in names(odd_names)) {
    pair <- fit_pair(quote(glmm(y ~ a * b + x + (1 | g), data)), odd_names[[set]])
    for (question in names(questions)) expect_same(pair, questions[[question]], paste(set, question))
  }
})

test_that("nor do contrasts, given by the argument, the column or the option", {
  names <- odd_names$spaces
  ask <- questions[c("fixed effects", "type III", "drop1", "prediction", "refit")]
  call <- quote(glmm(y ~ a * b + x + (1 | g), data))
  coded <- factorial
  contrasts(coded$b) <- "contr.helmert"
  pairs <- list(argument = list(plain = glmm(y ~ a * b + x + (1 | g), factorial, contrasts = list(b = "contr.sum")),
                                odd = glmm(`Yield (t/ha)` ~ `if` * `b b` + `my x` + (1 | `1st`),
                                           renamed(factorial, names), contrasts = list("b b" = "contr.sum")),
                                data = factorial, other = renamed(factorial, names)),
                column = fit_pair(call, names, coded))
  # the coding of the new data plays no part
  pairs$column[c("data", "other")] <- pairs$argument[c("data", "other")]
  old <- options(contrasts = c("contr.sum", "contr.poly"))
  on.exit(options(old))
  pairs$option <- fit_pair(call, names)
  options(old)
  for (way in names(pairs)) {
    for (question in names(ask)) expect_same(pairs[[way]], ask[[question]], paste(way, question))
    if (requireNamespace("emmeans", quietly = TRUE)) {
      means <- lapply(list(pairs[[way]]$plain, pairs[[way]]$odd), function(fit) {
        summary(emmeans::emmeans(fit, names(fit$xlevels)[2L]))$emmean
      })
      expect_equal(means[[2L]], means[[1L]], tolerance = 1e-6, label = paste(way, "means"))
    }
  }
})

test_that("nor do slopes, nested and crossed groups, offsets, weights and transformed variables", {
  coded <- factorial
  contrasts(coded$b) <- "contr.sum"
  calls <- alist(slope = glmm(y ~ a + (x | g), data), "double bar" = glmm(y ~ a + (x || g), data),
                 factor = glmm(y ~ a + (b | g), data), nested = glmm(y ~ x + (1 | g / b), data),
                 transformed = glmm(log(y + 30) ~ poly(x, 2) + a:I(x^2) + offset(o) + (1 | g), data),
                 arguments = glmm(y ~ b + (1 | g), data, weights = w, offset = o))
  ask <- questions[c("fixed effects", "type II", "drop1", "containment", "prediction", "coefficients", "VarCorr")]
  for (which in names(calls)) {
    pair <- fit_pair(calls[[which]], odd_names$operators, coded)
    pair$data <- factorial
    pair$other <- renamed(factorial, odd_names$operators)
    for (question in names(ask)) expect_same(pair, ask[[question]], paste(which, question), 1e-4)
  }
})

test_that("in a locale that cannot write a name, R's spelling of it is found in the data", {
  names <- odd_names$letters
  old <- Sys.getlocale("LC_CTYPE")
  on.exit(Sys.setlocale("LC_CTYPE", old))
  suppressWarnings(Sys.setlocale("LC_CTYPE", "C"))
  pair <- fit_pair(quote(glmm(y ~ a * b + x + (1 | g), data)), names)
  # R warns of each letter that it cannot write
  suppressWarnings(for (question in names(questions)) expect_same(pair, questions[[question]], question))
  other <- renamed(factorial, names)
  formula <- suppressWarnings(with_names(quote(y ~ . - w - o + (1 | g)), names))
  contrasts <- stats::setNames(list("contr.sum"), names[2L])
  odd <- suppressWarnings(glmm(formula, other, contrasts = contrasts))
  expect_same(list(odd = odd, plain = glmm(y ~ a + b + x + (1 | g), factorial, contrasts = list(b = "contr.sum"))),
              questions[["fixed effects"]], "dot and contrasts")
})

test_that("a response among the predictors is left out whatever its name", {
  other <- renamed(factorial, odd_names$spaces)
  expect_warning(fit <- glmm(`Yield (t/ha)` ~ `Yield (t/ha)`:`my x` + `my x` + (1 | `1st`), other),
                 class = "glimmer_warning_response")
  expect_equal(unname(fixef(fit)), unname(fixef(glmm(y ~ x + (1 | g), factorial))))
  expect_error(glmm(`Yield (t/ha)` ~ `my x` + (`Yield (t/ha)` | `1st`), other), class = "glimmer_error_formula")
})
