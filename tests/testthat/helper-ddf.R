# Data, and fits at the estimates of another package, for the tests of degrees of freedom.

# The models of the oracles: formula and data. The split plot of Oats is made unbalanced by leaving out rows.
ddf_cases <- function() {
  oats <- as.data.frame(nlme::Oats)
  oats$nitro <- factor(oats$nitro)
  oats$Block <- factor(oats$Block, ordered = FALSE)
  machines <- as.data.frame(nlme::Machines)
  machines$Worker <- factor(machines$Worker, ordered = FALSE)
  list(sleepstudy = list(formula = Reaction ~ Days + (Days | Subject), data = lme4::sleepstudy),
       Pastes = list(formula = strength ~ 1 + (1 | batch / cask), data = lme4::Pastes),
       Oats = list(formula = yield ~ nitro * Variety + (1 | Block / Variety), data = oats),
       Machines = list(formula = score ~ Machine + (1 | Worker / Machine), data = machines),
       split_plot = list(formula = yield ~ nitro * Variety + (1 | Block / Variety),
                         data = oats[-c(1, 2, 7, 18, 23, 36, 37, 50, 64, 65, 66), ]))
}

#' A fit as glimmer would have it at the estimates of an lmerTest fit, with the latter's covariance matrix of the
#' variance parameters.
fit_at_peer <- function(formula, data, peer) {
  fit <- glmm(formula, data)
  sd <- stats::sigma(peer)
  cnms <- names(lme4::getME(peer, "cnms"))
  sizes <- lengths(lme4::getME(peer, "cnms"))
  theta <- split(lme4::getME(peer, "theta"), rep(seq_along(cnms), sizes * (sizes + 1) / 2))
  # "b:a" of lme4 may be "a:b" here
  key <- function(name) vapply(strsplit(sub("[.][0-9]+$", "", name), ":"), function(x) paste(sort(x), collapse = ":"), "")
  groups <- key(vapply(fit$random, `[[`, "", "group"))
  order <- order(order(ave(seq_along(groups), groups)), match(groups, key(cnms)))
  order <- match(paste(groups, ave(seq_along(groups), groups, FUN = seq_along)),
                 paste(key(cnms), ave(seq_along(cnms), key(cnms), FUN = seq_along)))
  theta <- theta[order]
  at <- unlist(fit$index$theta)
  fit$parameters[fit$index$beta] <- lme4::fixef(peer)
  fit$parameters[at] <- unlist(theta) * sd
  fit$parameters[fit$index$dispersion] <- log(sd)
  # from (theta, sigma) to (theta sigma, log sigma), and the order of the terms
  place <- split(seq_len(length(at)), rep(seq_along(cnms), sizes * (sizes + 1) / 2))
  jacobian <- rbind(cbind(sd * diag(length(at)), lme4::getME(peer, "theta")), c(rep(0, length(at)), 1 / sd))
  free <- c(unlist(place[order]), length(at) + 1L)
  covariance <- (jacobian %*% peer@vcov_varpar %*% t(jacobian))[free, free]
  positions <- c(at, fit$index$dispersion)
  fit$covariance[] <- 0
  fit$covariance[positions, positions] <- covariance
  fit$covariance[fit$index$beta, fit$index$beta] <- as.matrix(stats::vcov(peer))
  fit$boundary[] <- FALSE
  fit$REML <- lme4::isREML(peer)
  fit
}
