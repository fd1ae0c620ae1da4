# The gradient of the log-likelihood by independent clusters of rows.

#' The clusters of a design: the smallest sets of rows that share no random effect with others
#' @return Integer, one a row with positive weight, from 1.
#' @noRd
independent_clusters <- function(design) {
  rows <- active_positions(design$weights)
  levels <- lapply(design$factors, function(factor) active_rows(factor$index, rows))
  cluster <- levels[[1L]]
  # the smallest number among the rows of each level, until none changes any more
  repeat {
    before <- cluster
    for (own in levels) cluster <- unname(tapply(cluster, own, min))[match(own, sort(unique(own)))]
    if (identical(cluster, before)) break
  }
  match(cluster, sort(unique(cluster)))
}

#' The gradient of a fit's log-likelihood in its parameters, by independent clusters
#'
#' @param fit Object of class `glimmer`, by maximum likelihood.
#' @return Matrix, a row a cluster, a column a parameter; `NULL` where there is one cluster only, or the likelihood is
#'   no product over clusters: by REML, by the joint method, or where levels are related; or not known, to
#'   second order.
#' @noRd
cluster_scores <- function(fit) {
  if (fit$REML || fit$method %in% c("joint", "laplace2") || length(known_groups(fit$factors))) {
    return(NULL)
  }
  design <- fit_design(fit)
  cluster <- independent_clusters(design)
  if (max(cluster) > 1L) scores_of(fit, design, cluster)
}

#' The same of the log-likelihood at a fit's parameters, whatever they are estimated by
#' @param cluster Result of [independent_clusters()].
#' @noRd
scores_of <- function(fit, design, cluster) {
  engine <- new_engine(design, fit$family, fit$control$threads)
  if (is.null(fit$quadrature)) {
    return(engine_scores(engine, fit$parameters, cluster))
  }
  evaluate_by_rule(engine, fit$parameters, fit$quadrature, fit$control)
  by_level <- engine_level_scores(engine, fit$parameters)
  # in the order of the clusters, which may hold several of the outermost factor's levels
  rows <- active_positions(design$weights)
  level <- active_rows(design$factors[[outermost(engine$nesting)]]$index, rows) + 1L
  first <- match(seq_len(nrow(by_level)), level)
  used <- !is.na(first)
  rowsum(by_level[used, , drop = FALSE], cluster[first[used]])
}
