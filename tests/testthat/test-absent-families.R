# Families that are not there: named as what they are, with what to do meanwhile; misspelt ones with the right name.

test_that("families that are not there yet are recognised under their names in R's packages", {
  refused <- function(family, pattern, ...) {
    condition <- error_of(resolve_family(family, ...))
    expect_s3_class(condition, "glimmer_error_family")
    expect_match(conditionMessage(condition), paste0(pattern, ".*not there yet"), label = format(family))
    expect_match(conditionMessage(condition), "Meanwhile.*glmmTMB")
  }
  for (name in c("ordbeta", "ordered_beta", "xbetax")) refused(name, "beta with zeros and ones")
  for (name in c("cumulative", "ordinal", "propodds", "ocat", "clm")) refused(name, "ordered categories")
  for (name in c("multinomial", "multinom", "categorical")) refused(name, "multinomial")
  for (name in c("Tweedie", "tweedie", "tw")) refused(name, "Tweedie")
  for (name in c("zip", "ziplss", "zero_inflated_poisson", "hurdle_poisson")) refused(name, "zero-inflated")
  for (name in c("compois", "student", "t_family")) refused(name, "")
  refused(structure(list(family = "compois", link = "log"), class = "family"), "Conway-Maxwell-Poisson")
  expect_match(conditionMessage(error_of(resolve_family("quasipoisson"))), "no likelihood")
})

test_that("a family of a package that is not attached, or misspelt, is told from its name in the call", {
  data <- front_data()
  message <- function(expression) {
    condition <- error_of(expression)
    expect_s3_class(condition, "glimmer_error_family")
    conditionMessage(condition)
  }
  expect_match(message(glmm(yc ~ x + (1 | g), data, compois)), "Conway-Maxwell-Poisson.*not there yet.*genpois")
  expect_match(message(glmm(yc ~ x + (1 | g), data, tweedie(link = "log"))), "Tweedie")
  expect_match(message(glmm(yc ~ x + (1 | g), data, family = "possion")), "did you mean `poisson`")
  expect_match(message(glmm(yc ~ x + (1 | g), data, family = poison)), "did you mean `poisson`")
  expect_match(message(glmm(yb ~ x + (1 | g), data, family = "bernoulli")), "did you mean `binomial`")
  expect_match(message(glmm(yp ~ x + (1 | g), data, family = gamma)), "did you mean `Gamma`")
  expect_match(message(glmm(yp ~ x + (1 | g), data, family = "gamma")), "did you mean `Gamma`")
  expect_match(message(glmm(yp ~ x + (1 | g), data, family = "inverse.gausian")), "did you mean `inverse.gaussian`")
  wrapper <- function(...) glmm(yc ~ x + (1 | g), ...)
  expect_match(message(wrapper(data, family = tweedie())), "Tweedie")
  condition <- error_of(glmm(yc ~ x + (1 | g), data, family = nosuch))
  expect_s3_class(condition, "glimmer_error_argument")
  # a function of R that is no family
  expect_match(message(glmm(yp ~ x + (1 | g), data, family = beta)), "beta_family\\(\\)")
  others <- c(negbin = "nbinom2", nb = "nbinom2", betafamily = "beta", beta_binomial = "betabinomial",
              lnorm = "lognormal", ztpoisson = "truncated_poisson", generalized_poisson = "genpois")
  for (name in names(others)) {
    expect_match(message(glmm(yc ~ x + (1 | g), data, family = name)), paste0("did you mean `", others[[name]], "`"))
  }
  # what is advised is possible
  data$row <- factor(seq_len(nrow(data)))
  expect_true(glmm(yc ~ x + (1 | row), data, poisson)$converged)
  for (name in c("genpois", "nbinom2", "beta")) expect_s3_class(resolve_family(name), "family")
})
