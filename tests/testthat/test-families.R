# What a family knows, asked for every entry of the registry. Truth: density functions of stats, and for the inverse
# Gaussian its formula.
log_density <- list(
  gaussian = function(y, mean, size, constant) dnorm(y, mean, constant, log = TRUE),
  binomial = function(y, mean, size, constant) dbinom(y, size, mean, log = TRUE),
  poisson = function(y, mean, size, constant) dpois(y, mean, log = TRUE),
  Gamma = function(y, mean, size, constant) dgamma(y, shape = constant, scale = mean / constant, log = TRUE),
  inverse.gaussian = function(y, mean, size, constant) {
    log(constant / (2 * pi * y^3)) / 2 - constant * (y - mean)^2 / (2 * mean^2 * y)
  },
  nbinom2 = function(y, mean, size, constant) dnbinom(y, size = constant, mu = mean, log = TRUE),
  nbinom1 = function(y, mean, size, constant) dnbinom(y, size = mean / constant, mu = mean, log = TRUE),
  beta = function(y, mean, size, constant) dbeta(y, mean * constant, (1 - mean) * constant, log = TRUE),
  betabinomial = function(y, mean, size, constant) {
    value <- lchoose(size, y) + lbeta(y + mean * constant, size - y + (1 - mean) * constant) -
      lbeta(mean * constant, (1 - mean) * constant)
    ifelse(mean == 1 & y == size, 0, value)
  },
  lognormal = function(y, mean, size, constant) {
    variance <- log1p((constant / mean)^2)
    dlnorm(y, log(mean) - variance / 2, sqrt(variance), log = TRUE)
  },
  "lognormal identity" = function(y, mean, size, constant) dlnorm(y, mean, constant, log = TRUE),
  truncated_poisson = function(y, mean, size, constant) {
    ifelse(y > 0, dpois(y, mean, log = TRUE) - ppois(0, mean, lower.tail = FALSE, log.p = TRUE), -Inf)
  },
  truncated_nbinom2 = function(y, mean, size, constant) {
    ifelse(y > 0, dnbinom(y, size = constant, mu = mean, log = TRUE) -
             pnbinom(0, size = constant, mu = mean, lower.tail = FALSE, log.p = TRUE), -Inf)
  },
  # Consul's form
  genpois = function(y, mean, size, constant) {
    theta <- mean / sqrt(constant)
    rate <- theta + (1 - 1 / sqrt(constant)) * y
    ifelse(y == 0, -theta, log(theta) + (y - 1) * log(rate) - rate - lfactorial(y))
  }
)

# By the key of the registry.
key_of <- function(traits) {
  names(Filter(function(other) identical(other$name, traits$name) && identical(other$links, traits$links),
               family_registry()))
}

density_of <- function(traits) {
  density <- log_density[[key_of(traits)]]
  function(...) suppressWarnings(density(...))
}

test_that("every family has its density here", {
  expect_setequal(names(log_density), names(family_registry()))
})

# Responses of a family, with trials where it has them.
responses_of <- function(traits) {
  y <- if (traits$response != "number") c(0, 1, 4, 7) else if (traits$outside(1)) c(0.2, 0.7, 0.5, 0.05) else
    c(0.2, 0.7, 1, 2.5)
  if (traits$response == "count") y <- y + traits$outside(0)
  list(y = y, size = if (traits$response == "trials") c(3, 1, 6, 7) else rep(1, 4L))
}

constant_to_try <- function(traits) {
  if (length(traits$constants)) 1.7 else numeric()
}

# At the response, or where a search finds it: `density` is a function of the mean that gives all rows.
largest_density <- function(density, y, family) {
  if (is_of_stats(family$family) || family$family == "nbinom2") {
    return(density(y))
  }
  vapply(seq_along(y), function(i) {
    height <- function(eta) {
      value <- density(family$linkinv(eta))[i]
      if (is.finite(value)) value else -1e300
    }
    ends <- switch(family$link, identity = c(-20, 20), logit = c(-36, 36), c(-36, 12))
    max(optimise(height, ends / 3, maximum = TRUE, tol = 1e-9)$objective, vapply(ends, height, 0))
  }, 0)
}

test_that("deviances are twice what the log-density lacks of its largest, on the scale of the dispersion", {
  for (traits in family_registry()) {
    family <- traits$make(traits$links[1L])
    rows <- responses_of(traits)
    y <- rows$y / rows$size
    constant <- constant_to_try(traits)
    scale <- if (has_dispersion(family)) sigma_at(family, log(constant))^2 else 1
    density <- function(mean) density_of(traits)(rows$y, mean, rows$size, constant)
    for (mean in c(0.15, 0.6, 0.9)) {
      expect_equal(deviances_at(family, y, rep(mean, 4L), rows$size, constant, rows$size),
                   2 * scale * (largest_density(density, y, family) - density(mean)), tolerance = 1e-10,
                   label = traits$name)
    }
  }
})

test_that("the variance of a response is that of its density", {
  for (traits in family_registry()) {
    family <- traits$make(traits$links[1L])
    constant <- constant_to_try(traits)
    size <- if (has_trials(family)) 5 else 1
    for (mean in c(0.2, 0.8)) {
      density <- function(y) exp(density_of(traits)(y, mean, size, constant))
      centre <- response_mean(family, mean, constant)
      squares <- function(y) (y / size - centre)^2 * density(y)
      lower <- if (traits$outside(-1)) 0 else -Inf
      counts <- seq(traits$outside(0) + 0, if (has_trials(family)) size else 2000)
      upwards <- if (traits$outside(2)) 0 else integrate(squares, 1, Inf, rel.tol = 1e-10)$value
      variance <- if (has_counts(family)) sum(squares(counts)) else
        integrate(squares, lower, 1, rel.tol = 1e-10)$value + upwards
      scale <- if (has_dispersion(family)) sigma_at(family, log(constant))^2 else 1
      expect_equal(scale * variance_at(family, mean, constant, size) / size, variance, tolerance = 1e-7,
                   label = traits$name)
    }
  }
})

test_that("the excess kurtosis is that of the density", {
  for (traits in Filter(function(traits) !is.null(traits$kurtosis), family_registry())) {
    size <- if (traits$response == "trials") 5 else 1
    y <- seq(0, if (traits$response == "trials") size else 200)
    probability <- exp(density_of(traits)(y, 0.3, size))
    moment <- function(k) sum((y - 0.3 * size)^k * probability)
    expect_equal(traits$kurtosis(0.3, size), moment(4) / moment(2)^2 - 3, tolerance = 1e-10, label = traits$name)
  }
})

test_that("the limits of a response are where its density never falls, and only links that are named have one", {
  for (traits in family_registry()) {
    for (link in traits$links) {
      family <- traits$make(link)
      rows <- responses_of(traits)
      if (traits$name == "gaussian") rows$y <- c(-1, 0, 0.5, 2)
      density <- function(eta) {
        mean <- pmin(pmax(means_of(family, rep(eta, 4L)), traits$mean_range[1L]), traits$mean_range[2L])
        density_of(traits)(rows$y, mean, rows$size, constant_to_try(traits))
      }
      expect_identical(has_two_limits(family), counts_trials(traits$name))
      if (!can_separate(family)) next
      side <- traits$limits(rows$y, rows$size, link)
      # near enough for the inverse links of stats to be exact; heavy tails go slowly
      ends <- if (link == "cauchit") 1e5 else 3
      for (i in seq_along(side)) {
        low <- density(-ends)[i] - density(-ends / 2)[i]
        top <- if (link == "log" && has_trials(family)) -1e-12 else ends
        high <- density(top)[i] - density(top / 2)[i]
        expect_identical(low >= 0, side[i] == -1, label = paste(traits$name, link, "low", rows$y[i]))
        if (link != "log") expect_identical(high >= 0, side[i] == 1, label = paste(traits$name, link, "high"))
      }
    }
  }
})

test_that("the edge of a link is a mean at which all responses have a density, and beyond which there is none", {
  for (traits in family_registry()) {
    for (link in traits$links) {
      family <- traits$make(link)
      size <- if (has_trials(family)) c(1, 4) else c(1, 1)
      for (y in list(c(0, 0), size, c(0, 1))) {
        edge <- traits$edge(y, size, link)
        if (is.null(edge)) next
        expect_true(all(is.finite(density_of(traits)(y, edge, size, constant_to_try(traits)))))
        expect_equal(family$linkfun(edge), 0)
        inside <- if (edge > 0) edge - 0.01 else edge + 0.01
        expect_true(all(density_of(traits)(y, inside, size, constant_to_try(traits)) <
                          density_of(traits)(y, edge, size, constant_to_try(traits))))
      }
    }
  }
  expect_identical(families$binomial$edge(c(1, 4), c(1, 4), "log"), 1)
  expect_null(families$binomial$edge(c(1, 3), c(1, 4), "log"))
  expect_null(families$binomial$edge(c(1, 4), c(1, 4), "logit"))
  expect_identical(families$betabinomial$edge(c(1, 4), c(1, 4), "log"), 1)
  for (counts in families[c("poisson", "nbinom2", "nbinom1", "genpois")]) {
    for (link in c("identity", "sqrt")) expect_identical(counts$edge(c(0, 0), c(1, 1), link), 0)
    expect_null(counts$edge(c(0, 0), c(1, 1), "log"))
  }
})

test_that("where fits can be exact the density has no bound", {
  for (traits in family_registry()) {
    family <- traits$make(traits$links[1L])
    y <- responses_of(traits)$y[2L]
    size <- responses_of(traits)$size[2L]
    parameters <- seq(-40, 40, by = 10)
    largest <- max(vapply(parameters, function(parameter) {
      max(density_of(traits)(y, on_scale_of_mean(traits$make(traits$links[1L]), y / size), size, exp(parameter)))
    }, 0), na.rm = TRUE)
    expect_identical(largest > 8, has_exact_fits(family), label = traits$name)
  }
})

# The arguments in which a family of 'stats' counts trials: means are proportions, draws are successes.
trial_sizes <- function(traits, n) {
  if (traits$response == "trials") rep(c(1, 7), length.out = n) else rep(1, n)
}

test_that("starting means are near the responses, and inside the range of every family and link", {
  for (traits in family_registry()) {
    size <- trial_sizes(traits, 6L)
    y <- c(0, 1, 0, 3, 1, 7)[seq_along(size)]
    if (traits$outside(1)) y <- c(0.01, 0.2, 0.05, 0.9, 0.5, 0.99)
    if (any(traits$outside(y / size))) y <- y + if (traits$response == "count") 1 else 1e-6
    for (link in traits$links) {
      family <- traits$make(link)
      responses <- list(y, if (traits$name == "gaussian") -y)
      for (response in responses[lengths(responses) > 0L]) {
        mean <- traits$start_mean(response, size, rep(TRUE, 6L), link)
        expect_true(all(is.finite(family$linkfun(mean))) && family$validmu(mean), label = paste(traits$name, link))
        # the log has no mean near a negative response
        expected <- response_mean(family, mean, 0.1)
        if (link != "log" || sum(response) > 0) expect_gt(cor(expected, response / size), 0.8)
      }
    }
  }
})

test_that("draws have the variance of the family object, with sigma from its parameter", {
  n <- 40000L
  set.seed(15)
  for (traits in family_registry()) {
    family <- traits$make(traits$links[1L])
    phi <- if (length(traits$constants)) 0.4 else numeric()
    size <- trial_sizes(traits, n)
    weights <- if (traits$dispersion) rep(c(1, 3), each = n / 2) else rep(1, n)
    dispersion <- if (traits$dispersion) sigma_at(family, phi)^2 else 1
    standardised <- (traits$draw(rep(0.3, n), size, weights, exp(phi)) / size - response_mean(family, 0.3, exp(phi))) /
      sqrt(dispersion * variance_at(family, 0.3, exp(phi), size) / (weights * size))
    expect_lt(abs(mean(standardised)) * sqrt(n), 4)
    for (w in unique(weights)) {
      squares <- standardised[weights == w]^2
      expect_lt(abs(mean(squares) - 1) * sqrt(length(squares)) / sd(squares), 4)
    }
    whole <- is.integer(traits$draw(rep(0.3, 2L), c(1, 1), c(1, 1), 1))
    expect_identical(whole, has_counts(family), label = traits$name)
  }
})

test_that("links without a unit are those whose differences do not mind the unit of the response", {
  mean <- c(0.2, 0.5, 3)
  for (traits in family_registry()) {
    for (link in traits$links) {
      family <- traits$make(link)
      # a proportion has no unit
      free <- traits$mean_range[2L] == 1 ||
        isTRUE(all.equal(diff(family$linkfun(7 * mean)), diff(family$linkfun(mean))))
      expect_identical(is_unit_free(family), free, label = paste(traits$name, link))
    }
  }
})
