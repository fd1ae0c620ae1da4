# The verdict: did the search converge, is the Hessian positive definite, is anything on the boundary. Each
# statement carries the number that decided it.

#' Convergence: what a fit says of itself, and what to do
#'
#' Every fit judges itself, in `print()`, `summary()` and `component(fit, "status")`: a data frame with a row for each
#' statement, with columns `check` (its name below), `value` (the number that decided), `limit` (what it was compared
#' with), `ok` (logical) and `text` (the statement in words). `component(fit, "converged")` and `component(fit,
#' "singular")` sum up; `component(fit, "search")$record` lists every search that was made, with its numbers of
#' evaluations and the log-likelihood that it reached.
#'
#' @section convergence:
#' The gain in log-likelihood that one more Newton step predicts, g'J^-1 g / 2, with g the gradient and J the observed
#' information. It is below 1e-10 in an ordinary fit; the limit is `gain_limit` of [glmm_control()]. When the first
#' search does not arrive, Newton's method, other starts, a simplex and, for links that restrict the mean, a search
#' along the edge are tried unasked. If none arrives there is a warning `glimmer_warning_convergence`. What helps:
#' look at the other statements first, most often the data say nothing of some parameter; simplify the random effects;
#' give `start`, for example the fit of a smaller model's [fixef()]. "The approximation has a pole": with
#' links other than the canonical one a level's conditional mode can cease to exist as the parameters change, and the
#' approximation is not usable there; another link, or fewer random effects, avoid it.
#'
#' @section hessian:
#' The condition number of the observed information, in units in which it is near one in an ordinary fit. "Not
#' positive definite" means that the log-likelihood rises or is not defined next to the estimates; standard errors are
#' then `NA`.
#'
#' @section boundary:
#' The smallest standard deviation (in units of one level's own standard error) or, for terms with several effects,
#' the smallest singular value of the correlations' factor. A standard deviation of zero or a correlation of one is no
#' failure: the data show no more variance than chance gives, and the maximum of the likelihood is there. The fit is
#' called singular, the parameters concerned are held, their standard errors are `NA`, and those of the others are
#' conditional on it. The term may be left out, or kept if the design asks for it; tests of variances at zero need
#' other reference distributions.
#'
#' @section accuracy:
#' Of quadrature: the error that it has left, in log-likelihood units (the sum over levels of the absolute differences
#' from a rule with more nodes), and as the largest change of an estimate, in its standard errors, that this would
#' make. Chosen nodes keep these below 1e-5 (up to 1e-4 with many levels; `accuracy` of [glmm_control()]) and 0.001,
#' where 100,000 nodes a level are enough; above 1e-3 or 0.01, or what was asked for if that is more, the statement is
#' marked. With links that restrict the mean the integrand can be cut off, and quadrature find no maximum: the default
#' is then Laplace, and says so here, as
#' it does where the default has spent what it may on nodes (rows times nodes of all passes: 2e8 to 4e8, some ten
#' seconds, and 1e6 a row beyond 400; `method = "aghq"` has no such limit). What helps: leave out `nAGQ`, so that the
#' nodes are chosen; or fewer random effects. A warning `glimmer_warning_accuracy` is given where the error is above
#' 0.1 or 1.
#'
#' @section separation:
#' A coefficient whose likelihood rises for ever: within a group of rows every response is at its limit (all failures,
#' all successes, all counts zero). Decided exactly, by linear programming on X. The warning
#' `glimmer_warning_separation` has the columns, where they go, and the rows in its fields. The estimate shown is
#' where the search stopped and its standard error means nothing; the log-likelihood, and the other coefficients, are
#' right. Leave the column out, merge levels, or compare models by likelihood ratio. If all coefficients are concerned
#' the fit is an error, `glimmer_error_separation`. With a Gaussian response and the log link rows of responses at or
#' below 0 are found so; a group whose responses have both signs but a mean below 0 goes to -Inf as well, and is only
#' suspected, from standard errors.
#'
#' @section level_separation:
#' Within every level of a grouping factor the responses on which a random effect acts are all 0 or all 1, or are
#' separated by fixed effects, and the estimated standard deviation of the effect is large (warning
#' `glimmer_warning_separation`, with `term`, `group`, `effect`, `columns` and `certain`). The number is the standard
#' deviation. The likelihood then does not vanish as that grows, and the Laplace approximation is unreliable: its
#' maximum can be at a large standard deviation and that of the likelihood elsewhere, also at 0. For one random
#' intercept with an intercept alone (or the cells of a factor, constant within levels) it is proven that the
#' likelihood is largest at infinity: `certain` is `TRUE`, and the statement says that nothing bounds the standard
#' deviation. Such levels tell no more than one row of each: analyse these with [stats::glm()]. Otherwise compare with
#' the fit without the term.
#'
#' @section flat:
#' A direction in the parameters along which the log-likelihood is nearly flat, with the parameters that it moves
#' (warning `glimmer_warning_flat`). Their estimates are arbitrary along it. Simplify the model; centre
#' covariates that are far from zero.
#'
#' @section limit:
#' The likelihood is largest where the constant of the family is at an end of its range, infinite or 0, and the family
#' another one: counts ([nbinom2()], [nbinom1()], [truncated_nbinom2()]) that vary no more than Poisson ones beside the
#' random effects, as where these have a level for each row, or successes ([betabinomial()]) no more than binomial ones.
#' The estimates are those of the other family, which can be fitted instead. The number is the condition number of the
#' observed information.
#'
#' @section edge:
#' For links that restrict the mean (log-binomial, identity Poisson): the maximum lies where some rows' mean is at the
#' end of its range, 1 or 0. The number is that of such rows. The estimates are the constrained maximum; standard
#' errors hold for parameters that stay on the edge. A link that does not restrict the mean avoids it.
#'
#' @section Found before the search:
#' What the data and the formula say by themselves is no statement of the verdict but an error or a warning:
#'
#' - `glimmer_error_constant_response`: the response has one value in all rows, or is at its limit in all of them (all
#'   failures, all successes, all counts zero). There is nothing to estimate: look at how the response was made, and at
#'   `subset`.
#' - `glimmer_error_exact_fit`: fixed effects and groups fit the response exactly, so that the residual variance goes to
#'   0 and the likelihood to infinity. (After the search the same error says that what they leave is too little for the
#'   search to resolve, or that with as many random effects as rows it took the residual variance to 0; `value` and
#'   `limit` are fields.) Often the response was computed from the predictors, or is the same in all rows of a group:
#'   then analyse one row per group.
#' - `glimmer_error_replication`: a random term has as many effects as there are rows, or a level per row, beside a
#'   dispersion parameter that does the same. Leave the term out, or make it simpler. (Not so `ar1()` of a Gaussian
#'   response with a row for each time: correlations at two lags or more tell it from the residuals.)
#' - `glimmer_error_duplicated_term`: two grouping factors make the same groups and have a column in common. Keep one.
#' - `glimmer_warning_unidentified`: the variance of a random effect cannot be told from the data: its levels are also
#'   fixed effects, or each has a single 0/1 response. Leave one of the two out.
#' - `glimmer_warning_aliased`: columns of the fixed effects are constant or combinations of others, and left out. The
#'   fit is that of the remaining ones; `fixef(fit, add.dropped = TRUE)` shows them as `NA`.
#'
#' @references
#' Albert, A. and Anderson, J. A. (1984). On the existence of maximum likelihood estimates in logistic regression
#' models. *Biometrika* 71, 1-10. \doi{10.1093/biomet/71.1.1}
#'
#' Nocedal, J. and Wright, S. J. (2006). *Numerical Optimization*. Springer. \doi{10.1007/978-0-387-40065-5}
#' @seealso [glmm()], [glmm_control()], [component()]
#' @examples
#' if (requireNamespace("lme4", quietly = TRUE)) {
#'   fit <- glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), lme4::cbpp, binomial)
#'   component(fit, "status")
#'   component(fit, "search")$record
#' }
#' @name glimmer_convergence
NULL

#' Judge the result of a search
#'
#' @param found Result of [maximise()].
#' @return List: `converged`, `singular` (logical), `status` (data frame of `check`, `value`, `limit`, `ok`, `text`, a
#'   row a statement), `boundary` (logical, one a parameter), `covariance` (of all parameters; `NA` for those on the
#'   boundary), `covariance_root` (whose product with its transpose that is), `fixed_root` (the same of the fixed
#'   effects), `separation`,
#'   `level_separation`, `flat` (what the checks of these names found), `second_order` ([second_order_facts()]).
#' @noRd
judge <- function(found, design, engine, control) {
  shape <- hessian_shape(found$hessian)
  root <- covariance_root(found, engine, shape)
  covariance <- tcrossprod(root)
  facts <- second_order_facts(found, engine, root)
  separation <- check_separation(covariance, engine, design)
  levels <- check_level_separation(found$parameters, engine, design)
  flat <- if (is.null(levels$status) && !isFALSE(separation$status$ok)) check_flat(found, engine, shape)
  checks <- c(list(check_gain(found, control), check_hessian(shape)), check_boundary(found, engine, design),
              list(check_accuracy(found, control, facts), check_overdispersion(found$overdispersion),
                   separation$status),
              levels$status, list(flat$status, check_edge(found)))
  status <- table_of(checks[lengths(checks) > 0L])
  class(status) <- c("glimmer_status", "data.frame")
  list(converged = all(status$ok[1:2]), singular = !all(status$ok[status$check == "boundary"]), status = status,
       boundary = stats::setNames(found$held, engine$names), covariance = covariance, covariance_root = root,
       fixed_root = fixed_root(found, engine, root),
       separation = separation$found,
       level_separation = levels$found, flat = flat$found, second_order = facts)
}

check_hessian <- function(shape) {
  condition <- shape$condition
  ok <- is.finite(condition)
  text <- if (ok) {
    paste("Hessian positive definite, condition number", format(condition, digits = 3))
  } else if (is.na(condition)) {
    "Hessian could not be evaluated next to the estimates: standard errors are not available"
  } else {
    "Hessian not positive definite: standard errors are not available"
  }
  new_check("hessian", condition, Inf, ok, text)
}

#' Parameters that the data hardly determine: a direction in which the log-likelihood is nearly flat
#'
#' Asked only where the separation of the data is not the cause.
#' @return List: `status`; `found`, a list of `parameters` (character) and `condition`, `NULL` where no warning is
#'   due. `NULL` where there is none.
#' @noRd
check_flat <- function(found, engine, shape, limit = 1e6) {
  condition <- shape$condition
  if (!is.finite(condition) || condition < limit) {
    return(NULL)
  }
  # in units of the parameters' own standard errors
  flattest <- abs(drop(found$coordinates$transform %*% shape$vectors[, which.min(shape$values)]))
  share <- flattest / pmax(sqrt(rowSums(found$coordinates$transform^2)), 1e-300)
  parameters <- engine$names[found$coordinates$searched][share > 0.1 * max(share)]
  at_limit <- limit_statement(parameters, engine, condition, limit)
  if (!is.null(at_limit)) {
    return(list(status = at_limit))
  }
  text <- paste0("the data hardly determine ", format_items(parameters), ": the log-likelihood is nearly flat there ",
                 "(condition number ", format(condition, digits = 2), ")")
  list(status = new_check("flat", condition, limit, FALSE, text),
       found = if (!named_before(parameters, engine)) list(parameters = parameters, condition = condition, text = text))
}

# Terms with a level per row have been warned of before the search.
named_before <- function(parameters, engine) {
  warned <- engine$levels == engine$rows & vapply(engine$terms, `[[`, NA, "equal_levels")
  any(parameters %in% engine$names[unlist(engine$index$theta[warned])])
}

#' The error that quadrature has left, or what is known of that of other approximations
#' @param facts Result of [second_order_facts()].
#' @noRd
check_accuracy <- function(found, control, facts = NULL) {
  error <- unlist(found$error)
  if (!is.null(found$instead)) {
    why <- if (is.na(found$instead)) {
      "quadrature asks for too many nodes to end in seconds (method = \"aghq\" takes its time)"
    } else {
      paste0("quadrature does not settle, as the link cuts the integrand off (it reached ",
             format(found$instead, digits = 7L), ")")
    }
    return(new_check("accuracy", NA_real_, quadrature_doubtful[["log_likelihood"]], FALSE,
                     paste0(why, ": Laplace instead, whose error is not known")))
  }
  if (isTRUE(found$joint)) {
    return(new_check("accuracy", NA_real_, NA_real_, FALSE, rough_text))
  }
  if (!is.null(facts)) {
    return(if (is.null(found$information)) check_second_order(facts) else check_assessed(facts))
  }
  if (is.null(error)) {
    return(if (!is.null(found$information)) check_laplace(found$information, found$advice))
  }
  if (anyNA(error)) {
    return(new_check("accuracy", NA_real_, quadrature_doubtful[["log_likelihood"]], FALSE,
                     "the error of the quadrature could not be estimated"))
  }
  limits <- doubtful_errors(control)
  ratio <- error / limits[names(error)]
  worse <- which.max(ratio)
  new_check("accuracy", error[[worse]], limits[[names(error)[worse]]], all(ratio <= 1),
            paste0("quadrature error ", format_error(error[["log_likelihood"]], 1e-6), " log-likelihood units, ",
                   format_error(error[["shift"]], 1e-5), " standard errors in an estimate"))
}

rough_text <- paste("rough, as the fixed effects are at their joint mode with the random effects, not at the maximum",
                    "of the likelihood. For results fit with the default method")

# Where the error of quadrature could change what is concluded.
warn_accuracy <- function(status) {
  check <- status[status$check == "accuracy" & !status$ok, ]
  if (nrow(check) && !is.na(check$value) && check$value > 100 * check$limit) {
    warn_glimmer("accuracy", paste0("The likelihood is not accurate: ", check$text, ". Leave out `nAGQ`, so that the ",
                                    "nodes are chosen from the data; if it was, simplify the random effects, and look ",
                                    "for levels or covariates that separate the response."),
                 value = check$value, limit = check$limit)
  }
}

# Rows whose linear predictor is at the edge of what the link allows.
check_edge <- function(found) {
  if (is.null(found$edge)) {
    return(NULL)
  }
  new_check("edge", found$edge, 0, FALSE,
            paste0("maximum on the edge of what the link allows, in ", found$edge, " ",
                   agree(found$edge, "row", "rows"), ": standard errors hold for parameters that stay on it"))
}

check_gain <- function(found, control) {
  gain <- found$gain
  ok <- has_arrived(found, control)
  text <- if (found$status != "ok") {
    paste0("the log-likelihood cannot be evaluated at the last point (", found$status, ")")
  } else if (!is.null(found$rises)) {
    "the log-likelihood still rises from the boundary where the last search ended"
  } else if (is_pole(found)) {
    "the approximation has a pole here: a conditional mode is about to vanish (the density is not log-concave)"
  } else if (is.na(gain)) {
    "no predicted gain: the Hessian is not positive definite"
  } else {
    paste0("predicted gain of a further step ", format_gain(gain), " log-likelihood units")
  }
  new_check("convergence", gain, control$gain_limit, ok, text)
}

# Below 1e-10 the gain is round-off, and its digits say nothing.
format_gain <- function(gain) {
  if (!is.na(gain) && gain < 1e-10) "below 1e-10" else format(gain, digits = 2)
}

#' One statement for each term whose covariance is singular, or one that none is
#' @return List of [new_check()].
#' @noRd
check_boundary <- function(found, engine, design, limit = 1e-4) {
  if (!all(is.finite(c(found$parameters, unlist(engine$notes$sd_unit))))) {
    return(list(new_check("boundary", NA_real_, limit, TRUE, "covariance of random effects not known")))
  }
  measures <- lapply(seq_along(design$terms), function(t) {
    boundary_measure(engine_root(engine, t, found$parameters), engine$notes$sd_unit[[t]], design$terms[[t]], limit)
  })
  values <- vapply(measures, function(measure) measure$value, 1)
  singular <- which(vapply(engine$index$theta, function(at) any(found$held[at]), NA))
  if (!length(singular)) {
    nearest <- measures[[which.min(values)]]
    return(list(new_check("boundary", min(values), limit, TRUE,
                          paste0("covariance of random effects in the interior, smallest ", nearest$what, " ",
                                 format(nearest$shown, digits = 3)))))
  }
  lapply(measures[singular], function(measure) {
    new_check("boundary", measure$value, limit, FALSE,
              paste0(measure$name, " is on the boundary",
                     if (measure$what == "SD") paste0(" (SD ", format(measure$shown, digits = 3), ")")))
  })
}

#' How near a random term is to a singular covariance, and what is then singular
#'
#' A standard deviation is measured in units of a level's own standard error, the correlations by the smallest singular
#' value of L with rows scaled to unit length (0: a perfect correlation).
#'
#' @return List: `value`, `shown`, `what`, `name`.
#' @noRd
boundary_measure <- function(lower, unit, term, limit) {
  sds <- root_sds(lower)
  relative <- sds / unit
  relative[is.na(relative)] <- 0  # both below the smallest numbers
  zero <- relative <= limit
  if (length(sds) == 1L || any(zero)) {
    least <- if (any(zero)) which(zero) else which.min(relative)
    return(list(value = min(relative), shown = min(sds), what = "SD",
                name = paste("SD of", paste0(term$group, ":", term$names[least], collapse = ", "))))
  }
  singular <- min(svd(lower / sds, nu = 0L, nv = 0L)$d)
  list(value = singular, shown = singular, what = "singular value of the correlation factor",
       name = correlation_name(lower / sds, term))
}

# With two effects the correlation itself; with more there may be several, and only their number is certain.
correlation_name <- function(lower, term) {
  if (nrow(lower) == 2L) {
    sign <- if (lower[2L, 1L] < 0) "-1" else "1"
    return(paste0("correlation of ", format_items(term$names), " within ", term$group, ", near ", sign, ","))
  }
  rank <- sum(svd(lower, nu = 0L, nv = 0L)$d > 1e-4)
  paste0("correlation within ", term$label, ", whose ", nrow(lower), " effects have rank ", rank, ",")
}

#' A root of the inverse observed information
#'
#' The search's coordinates x have parameters = centre + transform x. Standard errors of a sum of parameters that nearly
#' cancel have digits left by the root where the covariance has none.
#'
#' @param shape Result of [hessian_shape()].
#' @return Matrix R, a row a parameter, a column a free one: the covariance is R R'. `NA` in the rows of held
#'   parameters, and everywhere where the Hessian is not negative definite.
#' @noRd
covariance_root <- function(found, engine, shape) {
  free <- !found$held
  root <- matrix(NA_real_, length(free), max(sum(free), 1L), dimnames = list(engine$names, NULL))
  if (!is.finite(shape$condition) || !length(found$hessian)) {
    return(root)
  }
  root[free, ] <- found$coordinates$transform %*%
    (shape$vectors / rep(sqrt(shape$values), each = nrow(shape$vectors)))
  root
}

# A root of what vcov() gives. Of a linear mixed model that is the covariance of beta given the variances, as is usual
# (those of other parameters and of beta are nearly independent); else the part of that of all parameters.
fixed_root <- function(found, engine, root) {
  beta <- engine$index$beta
  if (!engine$linear || is.null(found$fixed_root)) {
    return(root[beta, , drop = FALSE])
  }
  structure(found$fixed_root, dimnames = list(engine$names[beta], NULL))
}

#' Warn of a fit that is not to be trusted
#' @noRd
warn_verdict <- function(verdict, frame) {
  # of a maximum at infinity more than that need not be said
  if (is.null(verdict$separation) && is.null(verdict$level_separation)) warn_accuracy(verdict$status)
  warn_separation(verdict$separation, verdict$level_separation, frame)
  if (!is.null(verdict$flat)) warn_flat(verdict$flat)
  if (verdict$converged) {
    return(invisible())
  }
  bad <- verdict$status[!verdict$status$ok & verdict$status$check %in% c("convergence", "hessian"), ]
  warn_glimmer("convergence", paste0("The fit did not converge: ", paste(bad$text, collapse = "; "), ". Do not rely ",
                                     "on its estimates and standard errors: simplify the model, look for ",
                                     "covariates that separate the response, or give other starting values by ",
                                     "`start`."),
               checks = bad$check, values = bad$value)
}

warn_flat <- function(flat) {
  warn_glimmer("flat", paste0("In this fit ", flat$text, ". Their estimates and standard errors mean ",
                                        "little: simplify the model, or centre covariates that are far from 0."),
               parameters = flat$parameters, value = flat$condition)
}
