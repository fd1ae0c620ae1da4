# Rscript inst/benchmarks/laplace.R [--quick]: glimmer's Laplace fits against glmmTMB's, in one run.
#
# Times the call a user types, formula to fitted object with its covariance, with the default control of each package:
# median of the runs after a warm-up. Both log-likelihoods are recomputed by glimmer at each package's estimates, so the
# last column says what the other's optimum is worth on the same scale.
library(glimmer)
quick <- "--quick" %in% commandArgs(TRUE)

simulated <- function(groups, rows_each = 20L, covariates = 9L) {
  set.seed(1)
  n <- groups * rows_each
  g <- factor(rep(seq_len(groups), each = rows_each))
  x <- matrix(rnorm(n * covariates), n, dimnames = list(NULL, paste0("x", seq_len(covariates))))
  eta <- -0.5 + drop(x %*% rep(0.2, covariates)) + rnorm(groups)[g] + rnorm(groups, 0, 0.5)[g] * x[, 1L]
  data.frame(g, x, y = rbinom(n, 1L, plogis(eta)))
}

slopes <- y ~ x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8 + x9 + (x1 | g)
cases <- list(
  cbpp = list(formula = cbind(incidence, size - incidence) ~ period + (1 | herd), data = lme4::cbpp,
              family = binomial(), runs = 5L),
  slopes = list(formula = slopes, data = simulated(if (quick) 500L else 5000L), family = binomial(),
                runs = if (quick) 3L else 1L)
)
if (!quick) {
  rating <- transform(lme4::InstEval, high = as.numeric(as.integer(y) >= 4))
  cases$InstEval <- list(formula = high ~ 1 + (1 | s) + (1 | d), data = rating, family = binomial(), runs = 1L)
}

seconds <- function(fit, runs) {
  if (runs > 1L) fit()
  median(vapply(seq_len(runs), function(i) system.time(fit(), gcFirst = TRUE)[["elapsed"]], 1))
}

# glmmTMB's estimates as a parameter vector of glimmer: L from the covariance matrices, term by term.
parameters_of <- function(peer, fit) {
  theta <- unlist(lapply(glmmTMB::VarCorr(peer)$cond, function(covariance) {
    lower <- t(chol(unclass(covariance)[seq_len(nrow(covariance)), seq_len(ncol(covariance)), drop = FALSE]))
    lower[lower.tri(lower, diag = TRUE)]
  }))
  setNames(c(glmmTMB::fixef(peer)$cond, theta), names(component(fit, "parameters")))
}

compare <- function(case) {
  ours <- function() glmm(case$formula, case$data, case$family, method = "laplace")
  theirs <- function() glmmTMB::glmmTMB(case$formula, case$data, case$family)
  fit <- ours()
  peer <- theirs()
  at_peer <- as.numeric(logLik(fit, parameters = parameters_of(peer, fit)))
  times <- c(seconds(ours, case$runs), seconds(theirs, case$runs))
  data.frame(glimmer_s = times[1L], glmmTMB_s = times[2L], ratio = times[2L] / times[1L],
             evaluations = sum(component(fit, "search")$record$evaluations), logLik = as.numeric(logLik(fit)),
             peer_minus_ours = at_peer - as.numeric(logLik(fit)))
}

options(width = 120, digits = 5)
table <- do.call(rbind, lapply(cases, compare))
print(table)
print(utils::sessionInfo())
