# Links under which not every linear predictor has a mean: a search without derivatives, from starts of its own and
# free to try points outside, finds nothing above the optimum of the fit, also where that lies on the constraint. It
# searches the package's own log-likelihood, since the reference is too slow for it; the two are compared at its starts.
constrained_cases <- list(
  "log-binomial" = list(
    family = stats::binomial("log"),
    data = function() {
      with_seed(11, {
        g <- factor(rep(1:12, each = 15))
        x <- runif(180)
        # means up to 0.75 at x = 1
        data.frame(g, x, y = rbinom(180, 1, pmin(exp(-1.4 + 0.8 * x + rnorm(12, 0, 0.2)[g]), 0.75)))
      })
    }),
  "identity Poisson" = list(
    family = stats::poisson("identity"),
    data = function() {
      with_seed(12, {
        g <- factor(rep(1:10, each = 12))
        x <- runif(120)
        # means down to 0.4 at x = 0
        data.frame(g, x, y = rpois(120, pmax(0.8 + 4 * x + rnorm(10, 0, 0.2)[g], 0.4)))
      })
    }),
  "log-binomial on the edge" = list(
    family = stats::binomial("log"), edge = TRUE, inside = -0.1,
    data = function() {
      with_seed(2, {
        g <- factor(rep(1:12, each = 15))
        x <- runif(180)
        data.frame(g, x, y = rbinom(180, 1, pmin(exp(log(0.9) - 0.8 + 0.8 * x + rnorm(12, 0, 0.2)[g]), 1)))
      })
    }),
  "identity Poisson on the edge" = list(
    family = stats::poisson("identity"), edge = TRUE, inside = 0.1,
    data = function() {
      with_seed(21, {
        g <- factor(rep(1:12, each = 15))
        x <- runif(180)
        data.frame(g, x, y = rpois(180, pmax(0.05 + 2 * x + rnorm(12, 0, 0.2)[g], 0)))
      })
    }),
  "inverse Gamma" = list(
    family = stats::Gamma("inverse"),
    data = function() {
      with_seed(13, {
        g <- factor(rep(1:8, each = 10))
        x <- runif(80)
        data.frame(g, x, y = rgamma(80, 2, 2 * pmax(0.1 + x + rnorm(8, 0, 0.05)[g], 0.02)))
      })
    })
)

for (name in names(constrained_cases)) {
  test_that(paste("the optimum is the constrained one:", name), {
    skip_unless_slow()
    case <- constrained_cases[[name]]
    data <- case$data()
    fit <- glmm(y ~ x + (1 | g), data, case$family, method = "laplace")
    # starts away from the edge: smaller effects, and the intercept moved inside
    inside <- if (is.null(case$inside)) 0.05 else case$inside
    names <- names(fit$parameters)
    smaller <- replace(fit$parameters, 3L, 0.98 * fit$parameters[[3L]])
    far <- replace(fit$parameters, c(1L, 3L), fit$parameters[c(1L, 3L)] * c(1, 0.8) + c(inside, 0))
    value <- reference_laplace_function(reference_from_formula(y ~ x + (1 | g), data, case$family), far)
    for (at in list(far, smaller)) {
      expect_equal(as.numeric(logLik(fit, parameters = at)), as.numeric(value(at)), tolerance = 1e-9)
    }
    # Nelder and Mead's search needs no derivatives and takes -Inf outside the constraint as it comes
    objective <- function(parameters) {
      result <- -as.numeric(logLik(fit, parameters = stats::setNames(parameters, names)))
      if (is.finite(result)) result else 1e10
    }
    for (start in list(far, smaller)) {
      found <- list(par = start)
      for (round in 1:2) {
        found <- stats::optim(found$par, objective, control = list(maxit = 250, reltol = 1e-12))
      }
      expect_lte(-found$value - as.numeric(logLik(fit)), 1e-6)
    }
    expect_equal("edge" %in% fit$status$check, isTRUE(case$edge))
    expect_true(fit$converged)
  })
}
