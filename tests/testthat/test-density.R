# Log-densities of rows and their derivatives, for every family and link of the registry, against 2,000-bit numbers
# (fixtures/density.R, which shares nothing with the package) and against the d*() functions of stats.
density_truth <- read_fixture("density.csv")
derivative_names <- c("f", "d1", "w", "d3", "d4", "d5")

# The package's numbers for rows of the fixture: one family, one link.
own_density <- function(rows) {
  family <- reference_family(rows$family[1L], rows$link[1L])
  by_phi <- split(seq_len(nrow(rows)), rows$phi)
  own <- lapply(by_phi, function(at) {
    as.data.frame(glimmer:::engine_density(rows[at, c("y", "size", "weights")], rows$eta[at], rows$phi[at[1L]], family))
  })
  do.call(rbind, own)[order(unlist(by_phi)), ]
}

# Relative error, where the truth is close to a zero relative to a thousandth of the next derivatives (of f: to a
# hundredth of d1). Numbers below the range of double count as zero; where the log-density itself is beyond it, only
# that is compared.
density_error <- function(own, rows, name) {
  k <- match(name, derivative_names)
  neighbours <- abs(rows[derivative_names[if (k == 1L) c(2L, 2L) else pmin(c(k - 1L, k + 1L), 6L)]])
  if (k == 6L) neighbours[2L] <- neighbours[1L]
  scale <- pmax(abs(rows[[name]]), (if (k == 1L) 1e-2 else 1e-3) * do.call(pmin, unname(neighbours)), 1e-300)
  error <- abs(own[[name]] - rows[[name]]) / scale
  error[rows$f == -Inf | own[[name]] == rows[[name]]] <- 0
  error
}

# (d mu / d eta)^2 / variance, from the family object
expected_weight <- function(family, rows) {
  mu <- family$linkinv(rows$eta)
  # the identity link of the lognormal family is that of a normal variable
  if (family$family == "lognormal" && family$link == "identity") {
    return(rows$weights * exp(-2 * rows$phi))
  }
  scale <- switch(family$family, gaussian = exp(-2 * rows$phi), Gamma = , inverse.gaussian = exp(rows$phi), 1)
  slope <- family$mu.eta(rows$eta) * glimmer:::response_slope(family, mu, exp(rows$phi))
  rows$weights * rows$size * scale * slope^2 / glimmer:::variance_at(family, mu, exp(rows$phi), rows$size)
}

# Where stats calls eta or its mean invalid the log-density is minus infinity, and its derivatives are no NaN.
expect_outside <- function(family, rows) {
  row <- rows[nrow(rows), ]
  for (eta in c(-30, -0.3, 0, 0.3, 30)) {
    # validmu() of the inverse Gaussian allows everything
    valid <- family$valideta(eta) && family$validmu(family$linkinv(eta)) &&
      (family$family != "inverse.gaussian" || family$linkinv(eta) > 0)
    row$eta <- eta
    own <- own_density(row)
    expect_identical(own$f > -Inf, valid, label = paste("finite log-density at", eta))
    expect_false(anyNA(own))
  }
}

# Relative error of each number (testthat's own tolerance is one for their mean).
relative_error <- function(own, truth) {
  error <- abs(own - truth) / pmax(abs(truth), 1e-300)
  error[own == truth] <- 0
  error
}

# Of a dispersion each derivative in phi is a multiple of the one in eta beside it; of another constant it can be close
# to a zero, relative to a thousandth of that.
phi_error <- function(own, rows, derivative, dispersion) {
  beside <- if (dispersion || derivative == "f_phi") 0 else 1e-3 * abs(rows[[sub("_phi", "", derivative)]])
  error <- abs(own[[derivative]] - rows[[derivative]]) / pmax(abs(rows[[derivative]]), beside, 1e-300)
  error[own[[derivative]] == rows[[derivative]]] <- 0
  error
}

test_pair <- function(name, link) {
  rows <- density_truth[density_truth$family == name & density_truth$link == link, ]
  family <- reference_family(name, link)

  test_that(paste("density and derivatives:", name, link), {
    expect_gt(nrow(rows), 10L)
    own <- own_density(rows)
    expect_false(anyNA(own))
    expect_identical(own$f == -Inf, rows$f == -Inf)
    for (derivative in derivative_names) {
      expect_lte(max(density_error(own, rows, derivative)), 1e-11, label = paste("error of", derivative))
    }
  })

  test_that(paste("derivatives in the dispersion:", name, link), {
    own <- own_density(rows)
    in_phi <- c("f_phi", "d1_phi", "w_phi", "d3_phi", "d4_phi")
    if (!length(glimmer:::constant_names(family))) {
      expect_false(any(in_phi %in% names(own)))
    } else {
      finite <- rows$f > -Inf
      for (derivative in in_phi) {
        expect_lte(max(phi_error(own, rows, derivative, glimmer:::has_dispersion(family))[finite]), 1e-11,
                   label = paste("error of", derivative))
      }
    }
  })

  test_that(paste("density by stats, expected weight, and where it is zero:", name, link), {
    # stats clamps some inverse links and their derivatives further out, and loses half the digits of 1 - mu here
    near <- rows[abs(rows$eta) < 4, ]
    own <- own_density(near)
    expected <- vapply(seq_len(nrow(near)), function(i) {
      reference_row_density(name, link, near[i, ], near$eta[i], near$phi[i])
    }, 0)
    expect_lte(max(relative_error(own$f, expected)), 1e-11, label = "difference of f from stats")
    expect_lte(max(relative_error(own$expected, expected_weight(family, near))), 1e-8, label = "error of the weight")
    expect_outside(family, rows)
  })
}

for (traits in glimmer:::family_registry()) {
  for (link in traits$links) test_pair(traits$name, link)
}
