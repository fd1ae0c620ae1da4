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

# The arguments in which a family of 'stats' counts trials: means are proportions, draws are successes.
trial_sizes <- function(traits, n) {
  if (traits$trials) rep(c(1, 7), length.out = n) else rep(1, n)
}

test_that("starting means are near the responses, and inside the range of every family and link", {
  for (traits in family_registry()) {
    size <- trial_sizes(traits, 6L)
    y <- c(0, 1, 0, 3, 1, 7)[seq_along(size)]
    if (any(traits$outside(y / size))) y <- y + 1e-6
    for (link in traits$links) {
      family <- getExportedValue("stats", traits$name)(link)
      responses <- list(y, if (traits$name == "gaussian") -y)
      for (response in responses[lengths(responses) > 0L]) {
        mean <- traits$start_mean(response, size, rep(TRUE, 6L), link)
        expect_true(all(is.finite(family$linkfun(mean))) && family$validmu(mean), label = paste(traits$name, link))
        # the log has no mean near a negative response
        if (link != "log" || sum(response) > 0) expect_gt(cor(mean, response / size), 0.8)
      }
    }
  }
})

test_that("draws have the variance sigma^2 V(mu) / w of the family in stats, with sigma from its parameter", {
  n <- 40000L
  set.seed(15)
  for (traits in family_registry()) {
    variance <- getExportedValue("stats", traits$name)()$variance
    phi <- 0.4
    sigma <- if (is.na(traits$dispersion)) 1 else exp(traits$sigma_power * phi)
    size <- trial_sizes(traits, n)
    weights <- if (is.na(traits$dispersion)) rep(1, n) else rep(c(1, 3), each = n / 2)
    standardised <- (traits$draw(rep(0.3, n), size, weights, exp(phi)) / size - 0.3) /
      sqrt(sigma^2 * variance(0.3) / (weights * size))
    expect_lt(abs(mean(standardised)) * sqrt(n), 4)
    for (w in unique(weights)) {
      squares <- standardised[weights == w]^2
      expect_lt(abs(mean(squares) - 1) * sqrt(length(squares)) / sd(squares), 4)
    }
    whole <- is.integer(traits$draw(rep(0.3, 2L), c(1, 1), c(1, 1), 1))
    expect_identical(whole, traits$counts, label = traits$name)
  }
})

test_that("links without a unit are those whose differences do not mind the unit of the response", {
  mean <- c(0.2, 0.5, 3)
  for (traits in family_registry()) {
    for (link in traits$links) {
      family <- getExportedValue("stats", traits$name)(link)
      # a proportion has no unit
      free <- traits$trials || isTRUE(all.equal(diff(family$linkfun(7 * mean)), diff(family$linkfun(mean))))
      expect_identical(is_unit_free(family), free, label = paste(traits$name, link))
    }
  }
})
