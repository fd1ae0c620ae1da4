# Checks of a fit in printouts.

test_that("the component prints as sentences within the width, with a mark each, and is a data frame", {
  skip_if_not_installed("lme4")
  fit <- glmm(Yield ~ 1 + (1 | Batch), lme4::Dyestuff2)
  status <- component(fit, "status")
  for (width in c(60L, 80L, 120L)) {
    lines <- local({
      old <- options(width = width)
      on.exit(options(old))
      capture.output(print(status))
    })
    expect_lte(max(nchar(lines)), width)
    marks <- grep("^  \\[", lines, value = TRUE)
    expect_identical(substr(marks, 3L, 6L), ifelse(status$ok, "[ok]", "[! ]"))
  }
  expect_s3_class(status, "data.frame")
  expect_length(grep("^  \\[", capture.output(print(status[!status$ok, ]))), 1L)
  expect_match(capture.output(print(status[c("check", "value")]))[1L], "check +value")
})

test_that("a separated coefficient is said to have arbitrary numbers, and how it can be tested", {
  set.seed(2)
  data <- data.frame(g = gl(20, 6), x = rnorm(120))
  data$z <- as.integer(data$x > 1.2)
  data$y <- ifelse(data$z == 1, 1, rbinom(120, 1, 0.4))
  fit <- suppressWarnings(glmm(y ~ z + (1 | g), data, binomial, method = "laplace"))
  text <- paste(trimws(capture.output(print(fit))), collapse = " ")
  expect_match(text, "are arbitrary: merge levels or leave the term out; drop1() tests it", fixed = TRUE)
})

test_that("intervals keep apart from decimal commas", {
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  old <- options(OutDec = ",")
  on.exit(options(old))
  expect_match(capture.output(print(summary(fit))), "[0-9],[0-9]+; [0-9]+,[0-9]", all = FALSE)
})
