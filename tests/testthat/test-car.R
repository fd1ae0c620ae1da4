# Methods for 'car': the numbers of its methods for 'lme4'.

test_that("tests, variance inflation and the delta method are those of the fits of 'lme4'", {
  skip_if_not_installed("car")
  fits <- client_fits()
  expect_like_peer(fits, function(fit) unlist(car::Anova(fit)), 5e-3)
  expect_like_peer(fits, function(fit) unlist(car::Anova(fit, type = 3)), 5e-3)
  expect_like_peer(fits, function(fit) unlist(car::Anova(fit, vcov. = as.matrix(vcov(fit)) * 4)), 5e-3)
  expect_like_peer(fits, car::vif, of = "linear")
  expect_like_peer(fits, function(fit) unlist(car::linearHypothesis(fit, "sprayB = sprayC")), 5e-3, "count")
  expect_like_peer(fits, function(fit) unlist(car::deltaMethod(fit, "exp(sprayB)")), 5e-3, "count")
  table <- car::Confint(fits$count)
  expect_identical(rownames(table), names(fixef(fits$count)))
  expect_equal(unname(table[, 1L]), unname(fixef(fits$count)))
  expect_equal(table[, 2:3], confint(fits$count, "beta_"))
})

test_that("what 'car' would compute wrong is refused", {
  skip_if_not_installed("car")
  fits <- client_fits()
  for (call in expression(car::Boot(fits$linear, R = 2), car::Anova(fits$linear, test.statistic = "F"),
                          car::linearHypothesis(fits$linear, "Days = 0", test = "F"))) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_not_available")
  }
  for (call in expression(car::Anova(fits$linear, vcov. = diag(2)), car::vif(fits$linear, rubbish = 1))) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_argument")
  }
})

test_that("a model without terms has a table without rows", {
  skip_if_not_installed("car")
  fit <- glmm(weight ~ 1 + (1 | Chick), data = ChickWeight)
  table <- car::Anova(fit)
  expect_s3_class(table, "anova")
  expect_identical(dim(table), c(0L, 3L))
  expect_output(print(table), "Response: weight")
  expect_identical(rownames(car::Anova(fit, type = "III")), "(Intercept)")
  expect_identical(nrow(car::Anova(glmm(weight ~ 0 + (1 | Chick), data = ChickWeight), type = 3)), 0L)
})
