# Options of the session change neither numbers nor names.

with_options <- function(values, expression) {
  old <- options(values)
  on.exit(options(old))
  expression
}

numbered_data <- function() {
  data <- front_data()
  data$id <- rep(seq(1e5, 12e5, 1e5), each = 10)
  data$dose <- rep(c(0.5, 1e5, 2e5, 1e-5), 30)
  data
}

test_that("names of columns and levels that hold numbers are the same whatever scipen, OutDec and digits", {
  data <- numbered_data()
  formula <- yg ~ I(x * 100000) + factor(dose) + (1 + I(z * 0.5) | id)
  fit <- glmm(formula, data)
  new <- data[c(1, 15, 31), ]
  results <- function(fit) {
    list(predict(fit), predict(fit, new), predict(fit, new, re.form = ~ (I(z * 0.5) + 1 | id)), simulate(fit, seed = 1),
         fixef(fit), ranef(fit), as.data.frame(VarCorr(fit)), coef(fit), confint(fit), tidy(fit), anova(fit),
         drop1(fit), add1(fit, ~ . + I(z * 200000)), fixef(update(fit, . ~ . + I(z * 300000))), model.matrix(fit),
         attr(terms(fit), "term.labels"), variable.names(fit), augment(fit), logLik(refit(fit, data$yg + 1)))
  }
  expected <- results(fit)
  names <- names(component(fit, "parameters"))
  for (options in list(list(scipen = 100), list(scipen = -10), list(OutDec = ","), list(digits = 3))) {
    again <- with_options(options, glmm(formula, data))
    expect_identical(names(component(again, "parameters")), names)
    expect_identical(rownames(component(again, "modes")$id), rownames(component(fit, "modes")$id))
    expect_equal(with_options(options, results(fit)), expected)
    expect_equal(results(again), expected, tolerance = 1e-6)
  }
})

test_that("messages are the same, and the options are as they were afterwards, also after an error", {
  data <- numbered_data()
  fit <- glmm(yg ~ factor(dose) + (1 | id), data)
  messages <- function() {
    vapply(list(error_of(predict(fit, transform(data, dose = 7e5))),
                error_of(glmm(yg ~ x + (1 | id), data, subset = c(100000, 200000.5))),
                error_of(glmm(yc - 100000.5 ~ x + (1 | id), data, poisson))), conditionMessage, "")
  }
  expected <- messages()
  for (options in list(list(scipen = 100), list(OutDec = ","), list(digits = 3))) {
    with_options(options, {
      expect_identical(messages(), expected)
      expect_equal(getOption(names(options)), options[[1L]])
    })
  }
})
