# Arguments of glmm() itself.

test_that("misspelt and unknown arguments are named, with the right one or what there is instead", {
  data <- front_data()
  message <- function(expression) {
    condition <- error_of(expression)
    expect_s3_class(condition, "glimmer_error_argument")
    conditionMessage(condition)
  }
  fit <- function(...) glmm(yc ~ x + (1 | g), data, ...)
  expect_match(message(fit(famly = poisson)), "no argument `famly`.*did you mean `family`", ignore.case = TRUE)
  expect_match(message(fit(poisson, wieghts = w)), "`weights`")
  expect_match(message(fit(poisson, k = 3)), "no argument `k`[.] The arguments are")
  expect_match(message(fit(poisson, off.set = o)), "`offset`")
  expect_match(message(fit(poisson, naction = na.omit)), "`na.action`")
  expect_match(message(fit(poisson, reml = TRUE)), "`REML`")
  expect_match(message(fit(poisson, nagq = 5)), "`nAGQ`")
  expect_match(message(fit(poisson, contrats = list(f = "contr.sum"))), "`contrasts`")
  expect_match(message(fit(poisson, ziformula = ~ 1)), "not there yet.*glmmTMB")
  expect_match(message(fit(poisson, random = ~ 1 | g)), "\\(1 \\| g\\)")
  advice <- message(fit(poisson, verbose = TRUE))
  expect_s3_class(eval(str2lang(sub(".*`control = (.*)`[.]$", "\\1", advice))), "glimmer_control")
  expect_match(message(fit(poisson, rubbish = stop("not evaluated"))), "no argument `rubbish`.*'family'")
  expect_match(message(fit(poisson, NULL, NULL, NULL, na.omit, NULL, "auto", NULL, NULL, NULL, NULL, glmm_control(),
                           12)),
               "more arguments than it has.*12")
  # the start of a name is enough, as for any function
  expect_equal(fixef(fit(fam = poisson, meth = "laplace")), fixef(fit(family = poisson, method = "laplace")))
  expect_match(message(update(fit(poisson), wieght = w)), "`weights`")
})
