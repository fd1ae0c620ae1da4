# How far Laplace's approximation can be trusted: a sign by what levels tell of their effects, not an error.

# A term is marked where the rows of a typical level have less than `information` on its effects, in units of that of
# the effects' own distribution, and leave a row's random part uncertain by more than `variance`, on a scale without
# unit. Between data sets where Laplace is right and where it is not, see ?glimmer_convergence.
laplace_doubtful <- c(information = 3, variance = 0.4)

#' @section accuracy of Laplace's approximation:
#' Its error is not known. What there is is a sign: for each random term the median over levels of
#' trace(Lambda'Z'WZ Lambda) / q at the estimates (W the observed weights, q the effects of a level), the information
#' that a level's rows have on its effects, in units of that of their own normal distribution. Where it is small, and
#' the effects are large, the conditional distribution that Laplace takes as normal is not; then standard deviations,
#' and with them fixed effects, are mostly
#' too small. The statement is marked below 3, or below s^2 / 0.4 - 1 where that is less: s^2, the variance of the
#' term's part of the linear predictor (in a row, on the scale of logs or logits; with other links in units of the
#' linear predictor's own size), is then left below 0.4 given the data, and little can go wrong. It was calibrated on
#' these data sets, and on about 80 simulated ones:
#'
#' | data | level | sign | limit | SD by Laplace | exact | |
#' | --- | --- | --- | --- | --- | --- | --- |
#' | `HSAUR3::toenail` | patient | 1.21 | 3 | 4.57 | 4.01 | marked |
#' | `mlmRev::guImmun` | mother | 0.31 | 2.2 | 1.13 | 2.32 | marked |
#' | | community | 1.15 | 0.3 | 0.72 | 1.02 | (with mothers) |
#' | `MASS::bacteria` | child | 0.72 | 2.9 | 1.24 | 1.30 | marked |
#' | `lme4::cbpp` | herd | 2.09 | 0.03 | 0.642 | 0.648 | |
#' | `mlmRev::Contraception` | district | 1.25 | 0 | 0.475 | 0.479 | |
#' | `lme4::VerbAgg` | person | 7.43 | 3 | 1.276 | 1.282 | |
#'
#' (Exact is by quadrature, for guImmun as published, too.) Of the simulated sets 18
#' had an SD off by 10 % or more: 12 of them were marked; of the others five had an SD below 0.5, and one the link
#' cloglog. Of those off by less than 3 % seven were marked. So it is a sign, not a proof. What helps: with one grouping
#' factor, or nested ones, quadrature, the default (`REML = FALSE`); with crossed ones there is none, and [accuracy()]
#' of a fit with the marked term alone shows how much is at stake.
#' @rdname glimmer_convergence
#' @name glimmer_convergence
NULL

#' What a typical level of each random term tells of its effects
#'
#' @return Data frame, a row a term: `group`, `information` (the median over levels of trace(Lambda' Z'WZ Lambda) / q;
#'   a prior has 1) and `limit` (what it takes: as the variance given the data is that of the prior over 1 +
#'   information, both conditions of `laplace_doubtful` in one).
#' @noRd
level_information <- function(engine, design, parameters) {
  products <- engine_level_products(engine, parameters)
  used <- active_positions(design$weights)
  # where the linear predictor has a unit its own typical size stands for one
  unit <- if (engine$unit_free) 1 else stats::median(abs(engine_linear_predictor(engine, parameters)))
  table_of(lapply(seq_along(design$terms), function(t) {
    term <- design$terms[[t]]
    factor <- design$factors[[term$factor]]
    covariance <- level_variance(factor) * tcrossprod(engine_root(engine, t, parameters))
    blocks <- products[[term$factor]][term$columns, term$columns, seq_len(count_levels(factor)), drop = FALSE]
    traces <- colSums(matrix(blocks, length(covariance)) * c(covariance)) / ncol(covariance)
    Z <- active_rows(factor$Z, used)[, term$columns, drop = FALSE]
    prior <- sum(crossprod(Z) * covariance) / nrow(Z) / unit^2
    list(group = term$group, information = stats::median(traces),
         limit = min(max(prior / laplace_doubtful[["variance"]] - 1, 0), laplace_doubtful[["information"]]))
  }))
}

#' What to do where Laplace's approximation is doubtful
#' @noRd
better_than_laplace <- function(design, approximation) {
  if (length(known_groups(design$factors))) {
    return("To see how much is at stake: accuracy() of a fit with independent levels (without `covariance`)")
  }
  if (allows_quadrature(design)) {
    by_default <- if (approximation$REML) " (`REML = FALSE`)"
    return(paste0("Fit by quadrature, the default for ", if (length(design$factors) == 1L) "one grouping factor" else
      "nested grouping factors", by_default))
  }
  "To see how much is at stake: accuracy() of a fit with random effects of this factor alone"
}

#' The statement on Laplace's approximation
#'
#' @param terms Result of [level_information()]. @param advice Result of [better_than_laplace()].
#' @noRd
check_laplace <- function(terms, advice) {
  least <- terms[which.min(terms$information - terms$limit), ]
  if (!nrow(least)) {
    return(new_check("accuracy", NA_real_, laplace_doubtful[["information"]], TRUE,
                     "Laplace's approximation, its error not known"))
  }
  ok <- least$information >= least$limit
  told <- paste0("the rows of a typical level of '", least$group, "' have ", format(least$information, digits = 2),
                 " times the information on its random effects that their own normal distribution has",
                 if (least$limit > 0) paste0(" (doubtful below ", format(least$limit, digits = 2), ")"))
  text <- if (ok) {
    paste0("Laplace's approximation, no sign that it is far off: ", told)
  } else {
    paste0("standard deviations and fixed effects by Laplace's approximation can be far off: ", told, ". ", advice)
  }
  new_check("accuracy", least$information, least$limit, ok, text)
}
