test_that("every family and link of stats that has a likelihood is found, in each form", {
  makers <- list(gaussian = gaussian, binomial = binomial, poisson = poisson, Gamma = Gamma,
                 inverse.gaussian = inverse.gaussian)
  expect_setequal(names(family_registry()), names(makers))
  for (name in names(makers)) {
    expect_equal(resolve_family(name)$link, makers[[name]]()$link)
    expect_equal(resolve_family(makers[[name]])$family, name)
    for (link in family_registry()[[name]]$links) {
      expect_equal(resolve_family(makers[[name]](link))$link, link)
    }
  }
})

test_that("other families and links are refused, and those that are there are listed", {
  refused <- function(family, pattern) {
    condition <- error_of(resolve_family(family))
    expect_s3_class(condition, "glimmer_error_family")
    expect_match(conditionMessage(condition), pattern, fixed = TRUE)
  }
  refused(quasipoisson, "no likelihood")
  refused("quasibinomial", "no likelihood")
  refused(quasi(), "no likelihood")
  refused("gama", "Gamma and inverse.gaussian")
  refused(gamma, "Gamma and inverse.gaussian")
  refused(3, "must be a family")
  refused(gaussian(make.link("sqrt")), "identity, log and inverse")
  refused(poisson(make.link("inverse")), "log, identity and sqrt")
})
