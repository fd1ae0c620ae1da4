# Overdispersion: whether counts vary by more than their distribution allows, given the random effects.

# Above this Pearson ratio and below this p value a fit is marked.
overdispersed <- list(ratio = 1.5, p = 1e-3)

#' @section overdispersion:
#' For families whose variance is determined by the mean (Poisson, binomial with several trials a row): the sum of
#' squared Pearson residuals given the random effects, divided by the residual degrees of freedom. It is marked above
#' 1.5 with a chi-squared tail probability below 0.001; with means so small, or groups that tell so little, that the
#' chi-squared distribution misleads, the tail is that of a distribution with the right mean and variance. A prior
#' weight counts as so many equal rows. There is no statement for 0/1 data, which cannot show it, and where a grouping
#' factor has a level for each row. A marked fit has standard errors that are too small, often by the root of the ratio.
#' What helps: a family with a parameter for it, as [nbinom2()] or [betabinomial()] (`vignette("counts")`); `(1 | row)`,
#' with `data$row <- seq_len(nrow(data))`; missing predictors, slopes or offsets; fewer zeros than there are, or more,
#' speak for another distribution.
#' @rdname glimmer_convergence
#' @name glimmer_convergence
NULL

#' The Pearson statistic of counts whose mean determines their variance
#'
#' A prior weight stands for as many equal rows where the responses are whole numbers.
#'
#' @param engine After an evaluation at the estimates. @param modes,moments As of [judge_approximation()].
#' @return List: `ratio` (the sum of squared Pearson residuals given the random effects at their modes, over the
#'   residual degrees of freedom), `p` (its chi-squared tail probability; where that is small that of [sparse_tail()],
#'   if it is larger), `family` (its name). `NULL` where there is nothing to see, see [counts_vary()].
#' @noRd
find_overdispersion <- function(engine, at, design, modes, moments) {
  family <- engine$family
  used <- active_positions(design$weights)
  if (is.null(family_traits(family)$kurtosis) || !counts_vary(design, used, family)) {
    return(NULL)
  }
  rows <- lapply(design[c("y", "size", "weights")], active_rows, used)
  if (length(fractions(rows$y))) rows$weights <- rows$weights / mean(rows$weights)
  freedom <- sum(rows$weights) - length(engine$names)
  if (freedom < 1) {
    return(NULL)
  }
  eta <- engine_linear_predictor(engine, at)
  statistic <- sum(squared_pearson(eta, rows, family))
  ratio <- statistic / freedom
  p <- stats::pchisq(statistic, freedom, lower.tail = FALSE)
  if (isTRUE(ratio > overdispersed$ratio && p < overdispersed$p)) {
    posterior <- posterior_predictor(eta, design, used, modes, moments)
    p <- max(p, sparse_tail(posterior, rows, freedom, family))
  }
  if (is.finite(ratio)) list(ratio = ratio, p = p, family = family$family)
}

#' Whether counts could show overdispersion: not where each is none or all of its trials, as 0/1 rows are, and not where
#' a factor has a level for each row, which takes it up
#' @noRd
counts_vary <- function(design, used, family) {
  single <- vapply(design$factors, function(factor) anyDuplicated(active_rows(factor$index, used)) == 0L, NA)
  between <- design$y > 0 & (!has_trials(family) | design$y < design$size)
  !any(single) && any(between[used])
}

squared_pearson <- function(eta, rows, family) {
  mean <- family$linkinv(eta)
  rows$weights * rows$size * (rows$y / rows$size - mean)^2 / variance_at(family, mean, size = rows$size)
}

#' The tail probability of the Pearson statistic where counts are few
#'
#' Where groups tell little of their effects, residuals from the modes are larger than from the effects themselves, and
#' where means are small their squares vary by far more than those of normal residuals. So the squares are averaged over
#' the linear predictor given the data, taken as normal: under the model that has the right expectation. Its variance is
#' at most that of the squares given the effects, 2 plus the excess kurtosis a row; the tail is that of the multiple of
#' a chi-squared variable with this mean and variance.
#'
#' @param posterior Result of [posterior_predictor()].
#' @return Number.
#' @noRd
sparse_tail <- function(posterior, rows, freedom, family) {
  nodes <- seq(-4, 4, by = 0.5)
  probabilities <- stats::dnorm(nodes) / sum(stats::dnorm(nodes))
  statistic <- spread <- numeric(length(posterior$mean))
  for (k in seq_along(nodes)) {
    eta <- posterior$mean + nodes[k] * posterior$sd
    kurtosis <- family_traits(family)$kurtosis(family$linkinv(eta), rows$size)
    statistic <- statistic + probabilities[k] * squared_pearson(eta, rows, family)
    spread <- spread + probabilities[k] * rows$weights * (2 + kurtosis)
  }
  # rows whose linear predictor the link does not allow somewhere
  lost <- !is.finite(statistic) | !is.finite(spread)
  statistic[lost] <- rows$weights[lost]
  spread[lost] <- 2 * rows$weights[lost]
  multiple <- sum(spread) / (2 * freedom)
  stats::pchisq(sum(statistic) / multiple, freedom / multiple, lower.tail = FALSE)
}

#' Mean and standard deviation of each row's linear predictor given the data and the parameters
#'
#' By quadrature those of the random effects, else from mode and curvature. What effects of different factors have in
#' common is left out.
#'
#' @param eta Numeric: with the effects at their modes.
#' @return List: `mean`, `sd`.
#' @noRd
posterior_predictor <- function(eta, design, used, modes, moments) {
  variance <- numeric(length(used))
  for (k in seq_along(design$factors)) {
    level <- active_rows(design$factors[[k]]$index, used) + 1L
    Z <- active_rows(design$factors[[k]]$Z, used)
    variances <- if (is.null(moments)) modes[[k]]$variances else moments[[k]]$variances
    if (!is.null(moments)) eta <- eta + rowSums(Z * (moments[[k]]$means - modes[[k]]$modes)[level, , drop = FALSE])
    for (i in seq_len(ncol(Z))) {
      for (j in seq_len(ncol(Z))) variance <- variance + Z[, i] * Z[, j] * variances[i, j, level]
    }
  }
  list(mean = unname(eta), sd = sqrt(pmax(variance, 0)))
}

#' The statement on overdispersion
#' @param found Element `overdispersion` of the result of [judge_approximation()].
#' @noRd
check_overdispersion <- function(found) {
  if (is.null(found)) {
    return(NULL)
  }
  ratio <- paste("Pearson ratio", format(found$ratio, digits = 3))
  limit <- overdispersed$ratio
  p <- paste0("p ", if (found$p < 1e-4) "below 1e-04" else format(found$p, digits = 2))
  marked <- found$ratio > limit && found$p < overdispersed$p
  text <- if (marked) {
    paste0("the response varies by more than the family '", found$family, "' allows (", ratio, ", limit ", limit,
           ", ", p, "): standard errors are too small. Fit the family ",
           paste(families_beyond(found$family), collapse = " or "),
           ", add a random effect with a level for each row, or look for missing predictors")
  } else if (found$ratio > limit) {
    paste0("no clear sign of overdispersion: ", ratio, ", which so few or so small counts can have (", p, ")")
  } else {
    paste0("no sign of overdispersion: ", ratio, " (given the random effects)")
  }
  new_check("overdispersion", found$ratio, limit, !marked, text)
}

# The ratio as a fit's status has it; `NULL` where there is none.
pearson_ratio <- function(status) {
  ratio <- status$value[status$check == "overdispersion"]
  if (length(ratio)) ratio
}
