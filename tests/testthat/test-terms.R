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

# Level 2 of `time` and the covariate `time2` make columns of one name, and so do levels of `a` and `b`, or of `u` and
# `v`; the capital letters and `z` are the same variables without that.
colliding <- local({
  set.seed(3)
  d <- data.frame(id = rep(1:30, each = 6), time = factor(rep(1:3, 60)), time2 = rnorm(180), x = rnorm(180))
  d$a <- factor(sample(c("0", "1", "1:b1"), 180, TRUE))
  d$b <- factor(sample(c("0", "2", "1:b2"), 180, TRUE), levels = c("0", "2", "1:b2"))
  d$u <- factor(rep(c("1:2", "1"), 90))
  d$v <- factor(rep(c("3", "2:3", "5"), each = 60))
  d[["u:v"]] <- rep(1:18, 10)
  effects <- matrix(rnorm(120), 30)[d$id, ]
  d$y <- effects[, 1] + effects[, 2] * (d$time == "2") + effects[, 3] * (d$time == "3") + effects[, 4] * d$time2 +
    3 * rnorm(6)[as.integer(d$u:d$v)] + rnorm(180)
  d$log_sigma <- d$x
  d$sigma <- as.integer(d$v)
  cbind(d, Time = factor(d$time, labels = c("p", "q", "r")), z = d$time2, A = factor(d$a, labels = c("p", "q", "r")),
        B = factor(d$b, labels = c("u", "v", "w")), U = factor(d$u, labels = c("m", "n")), V = as.integer(d$v),
        w = d[["u:v"]])
})
collisions <- list(
  slopes = list(y ~ time + time2 + (time + time2 | id), y ~ Time + z + (Time + z | id)),
  "double bar" = list(y ~ time + time2 + (time + time2 || id), y ~ Time + z + (Time + z || id)),
  "two terms" = list(y ~ time2 + (0 + time | id) + (0 + time2 | id), y ~ z + (0 + Time | id) + (0 + z | id)),
  "fixed and random" = list(y ~ time + (time2 | id), y ~ Time + (z | id)),
  interaction = list(y ~ a * b + (1 | id), y ~ A * B + (1 | id)),
  groups = list(y ~ x + (1 | u:v) + (1 | `u:v`), y ~ x + (1 | U:V) + (1 | w)),
  dispersion = list(y ~ log_sigma + sigma + (log_sigma | id), y ~ x + V + (x | id))
)

test_that("columns, effects and levels of one name are told apart: all is as after renaming", {
  row <- function(fit, data) {
    rows <- rownames(confint(fit))
    expect_identical(anyDuplicated(rows), 0L)
    do.call(rbind, lapply(rows, function(name) confint(fit, name)))
  }
  ask <- c(questions, list(
    parameters = function(fit, data) component(fit, "parameters"), fitted = function(fit, data) fitted(fit),
    vcov = function(fit, data) vcov(fit, full = TRUE), parm = row,
    ranef = function(fit, data) unlist(lapply(ranef(fit), as.matrix)),
    "given parameters" = function(fit, data) logLik(fit, parameters = rev(component(fit, "parameters"))),
    start = function(fit, data) logLik(update(fit, start = "previous")),
    "drawn and kept" = function(fit, data) {
      kept <- if ("time2" %in% all.vars(formula(fit))) ~ (0 + time2 | id) else ~ (0 + z | id)
      if (length(fixef(fit)) == 4L) simulate(fit, seed = 1, re.form = kept) else 0
    }))
  ask$refit <- function(fit, data) logLik(refit(fit, rev(data$y)))
  for (which in names(collisions)) {
    fits <- lapply(collisions[[which]], function(formula) suppressWarnings(glmm(formula, colliding, REML = FALSE)))
    pair <- list(odd = fits[[1L]], plain = fits[[2L]], data = colliding, other = colliding)
    for (question in names(ask)) {
      suppressWarnings(expect_same(pair, ask[[question]], paste(which, question), 5e-3))
    }
    expect_output(print(summary(fits[[1L]])), "Fixed effects")
    expect_output(print(ranef(fits[[1L]])), "(Intercept)|time")
  }
})

test_that("a random effect is added to the fixed effect of the same column, and to no other of that name", {
  fit <- glmm(y ~ time + (time2 | id), colliding)
  by_level <- coef(fit)$id
  expect_named(by_level, c("time2.1", "(Intercept)", "time2", "time3"))
  expect_equal(by_level$time2, rep(fixef(fit)[["time2"]], 30))
  expect_equal(by_level$time2.1, ranef(fit)$id$time2)
  # contrasts that sum to zero are not the indicators of the random term
  fit <- suppressWarnings(glmm(y ~ time + (0 + time | id), colliding, contrasts = list(time = "contr.sum")))
  fixed <- as.matrix(coef(fit)$id) %*% rbind(diag(3), c(1, 1, 1), c(1, 0, -1), c(0, 1, -1))
  new <- data.frame(id = rep(1:30, 3), time = factor(rep(1:3, each = 30)))
  expect_named(coef(fit)$id, c("time1.1", "time2.1", "time3", "(Intercept)", "time1", "time2"))
  expect_equal(as.vector(fixed), unname(predict(fit, new)))
})

test_that("an aliased column is left out, not another of its name", {
  d <- colliding
  d$time2 <- 2 * (d$time == "2")
  expect_warning(fit <- glmm(y ~ time + time2 + x + (1 | id), d), class = "glimmer_warning_aliased")
  plain <- glmm(y ~ time + x + (1 | id), d)
  expect_identical(component(fit, "dropped"), "time2.1")
  expect_equal(fixef(fit, add.dropped = TRUE), c(fixef(plain), time2.1 = NA)[c(1:3, 5, 4)], tolerance = 1e-5)
  expect_equal(predict(fit, d[1:9, ]), predict(plain, d[1:9, ]), tolerance = 1e-5)
  expect_identical(colnames(model.matrix(fit)), names(fixef(fit)))
})

test_that("a column that two terms share is still refused, under its name", {
  refused(glmm(y ~ x + (1 | id) + (x | id), colliding), "duplicated_term", column = "(Intercept)")
  refused(glmm(y ~ x + (0 + time2 | id) + (0 + z | id), colliding), "duplicated_term", column = "z")
})

test_that("contrasts whose columns are called alike are those of the fit, in its order", {
  fit <- glmm(y ~ time + time2 + (1 | id), colliding)
  rows <- diag(4)[3:4, ]
  expect_equal(ddf(fit, structure(rows, dimnames = list(NULL, c("(Intercept)", "time2", "time3", "time2")))),
               ddf(fit, rows))
})
