test_that("every family and link is found, in each form", {
  expect_identical(sapply(family_names(), links_of, simplify = FALSE), reference_links)
  for (name in names(reference_links)) {
    maker <- reference_maker(name)
    expect_equal(resolve_family(name)$link, maker()$link)
    expect_equal(resolve_family(maker)$family, name)
    for (link in reference_links[[name]]) {
      expect_equal(resolve_family(maker(link))$link, link)
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
  all <- sub(", ([^,]*)$", " and \\1", toString(names(reference_links)))
  refused("gama", paste("There are", all))
  refused(gamma, paste("there are", all))
  refused(3, "must be a family")
  refused(gaussian(make.link("sqrt")), "identity, log and inverse")
  refused(poisson(make.link("inverse")), "log, identity and sqrt")
})

test_that("a misspelt link is not taken for an unknown family, and quasi families for a list of all families", {
  data <- data.frame(y = c(1, 4, 2, 5, 3, 7), g = gl(2, 3))
  for (call in expression(poisson("lgo"), Gamma("logg"), binomial(link = logitt))) {
    message <- conditionMessage(error_of(eval(bquote(glmm(y ~ 1 + (1 | g), data, .(call))))))
    expect_match(message, paste0("The links of ", call[[1L]], " are "), fixed = TRUE)
    expect_no_match(message, "Unknown family")
  }
  for (name in c("quasipoisson", "quasibinomial")) {
    expect_match(conditionMessage(error_of(resolve_family(name))),
                 paste("counts that vary by more than", sub("quasi", "", name), "allows add a random effect"))
  }
})

test_that("family objects made elsewhere are taken for what they are, and made anew", {
  for (traits in family_registry()) {
    for (link in traits$links) {
      given <- traits$make(link)
      environment(given$variance) <- new.env(parent = environment(given$variance))
      resolved <- resolve_family(given)
      expect_identical(environment(resolved$variance), environment(traits$make(link)$variance))
      expect_identical(c(resolved$family, resolved$link), c(traits$name, link))
      given$variance <- function(mu, ...) 2 + mu
      expect_match(conditionMessage(error_of(resolve_family(given))), "its `variance` differs|its 'variance' differs")
    }
  }
})

test_that("links whose density takes long are links of their family, and none is the canonical one of 'stats'", {
  for (traits in families) {
    some <- if (is_of_stats(traits$name)) traits$links[-1L] else traits$links
    expect_true(all(traits$dear %in% some), label = traits$name)
  }
  expect_true(is_dear(binomial("cauchit")))
  expect_false(is_dear(binomial()))
})
