# Robust covariances of the estimates: from the scores of clusters, whose model for what is within them may be wrong.

#' The robust covariance of the estimates
#'
#' J^-1 M J^-1, M the sum over clusters of s_g s_g', s_g the gradient of the cluster's log-likelihood.
#'
#' @param type "HC0", "CR1" or "CR2". @param cluster,information As in [vcov.glimmer()].
#' @return Matrix of all parameters; or of the fixed effects alone, given the others: of a linear mixed model by REML,
#'   by CR2 or with the expected information.
#' @noRd
robust_covariance <- function(fit, type, cluster = NULL, information = "observed") {
  fixed_only <- check_robust(fit, type, information)
  design <- fit_design(fit)
  independent <- independent_clusters(design)
  if (max(independent) < 2L) stop_crossed(fit)
  group <- given_clusters(fit, design, independent, cluster)
  bread <- if (fixed_only) vcov.glimmer(fit) else fit$covariance
  scores <- if (type == "CR2") {
    adjusted_scores(fit, design, group, bread)
  } else {
    rowsum(scores_of(fit, design, independent), group[match(seq_len(max(independent)), independent)])
  }
  scores <- scores[, seq_len(ncol(bread)), drop = FALSE]
  warn_robust(fit, nrow(scores))
  # those on the boundary are fixed there, as in the model's own
  free <- which(is.finite(diag(bread)))
  half <- scores[, free, drop = FALSE] %*% bread[free, free, drop = FALSE]
  clusters <- nrow(scores)
  bread[free, free] <- (if (type == "CR1") clusters / (clusters - 1) else 1) * crossprod(half)
  bread
}

# Whether there is one of the fixed effects alone, if there is any.
check_robust <- function(fit, type, information) {
  without <- fit$method %in% c("joint", "laplace2") || length(known_groups(fit$factors))
  if (without || fit$REML && !is_linear(fit$family)) {
    why <- if (fit$method == "joint") {
      "the joint method has no likelihood"
    } else if (fit$method == "laplace2") {
      "the parts of the groups are not there yet to second order (fit with method = \"laplace\")"
    } else if (fit$REML) {
      "the restricted likelihood is no product over groups (fit with REML = FALSE)"
    } else {
      "related levels are no independent groups"
    }
    stop_not_available("type", paste0("There is no robust covariance matrix of this fit: ", why, "."))
  }
  special <- type == "CR2" || information == "expected"
  if (special && !is_linear(fit$family)) {
    what <- if (type == "CR2") "type = \"CR2\"" else "information = \"expected\""
    stop_glimmer("argument", paste0("`", what, "` is for a Gaussian response with identity link: for this family ",
                                    "there are \"HC0\" and \"CR1\", with the observed information."),
                 argument = sub(" .*", "", what))
  }
  special || fit$REML
}

# Where scores by cluster say little: there are hardly more clusters than coefficients, or the data do not bound some.
warn_robust <- function(fit, clusters) {
  count <- length(fit$index$beta)
  if (clusters <= count) {
    warn_glimmer("robust", paste0("A robust covariance of ", count, " fixed effects takes more than ", count,
                                  " groups of rows, and there are ", clusters, ": it is far too small."),
                 clusters = clusters)
  }
  separated <- !fit$status$ok & fit$status$check %in% c("separation", "flat", "hessian")
  if (any(separated)) {
    warn_glimmer("robust", paste0("A robust covariance means nothing where the data do not bound the estimates: ",
                                  join_items(fit$status$text[separated], 2L)), clusters = clusters)
  }
}

stop_crossed <- function(fit) {
  stop_not_available("type", paste0("There is no robust covariance matrix of this fit: the random effects (",
                                    format_items(names(fit$factors)), ") connect all of its rows, so that there are ",
                                    "no independent groups."))
}

#' The cluster of each row
#'
#' @param independent Result of [independent_clusters()]. @param cluster As in [vcov.glimmer()].
#' @return Integer, one a row with positive weight, from 1.
#' @noRd
given_clusters <- function(fit, design, independent, cluster) {
  if (is.null(cluster)) {
    return(independent)
  }
  if (inherits(cluster, "formula")) cluster <- all.vars(cluster)
  name <- "cluster"
  if (is.character(cluster) && length(cluster) == 1L) {
    name <- cluster
    cluster <- named_cluster(fit, design, cluster)
  }
  if (length(cluster) != nrow(fit$frame) || anyNA(cluster)) {
    stop_glimmer("argument", paste0("`cluster` must be the name of a grouping factor or of a variable of the model, ",
                                    "or have one value, not missing, for each of the ", nrow(fit$frame), " rows."),
                 argument = "cluster")
  }
  values <- active_rows(cluster, active_positions(design$weights))
  group <- match(values, unique(values))
  torn <- which(tapply(group, independent, function(own) length(unique(own))) > 1L)
  if (length(torn)) {
    active <- active_positions(design$weights)
    own <- which(independent == torn[1L])
    rows <- row_labels(fit$frame, if (is.null(active)) own else active[own])
    stop_glimmer("argument", paste0("`cluster`: ", if (name == "cluster") "groups" else format_items(name), " must ",
                                    "hold whole levels of the random effects, and these share random effects but are ",
                                    "in several groups: ", format_rows(rows), "."), argument = "cluster", rows = rows)
  }
  if (max(group) < 2L) {
    stop_glimmer("argument", "`cluster` must have two groups or more.", argument = "cluster")
  }
  group
}

named_cluster <- function(fit, design, name) {
  k <- match(name, names(fit$factors))
  if (!is.na(k)) design$factors[[k]]$index else fit$frame[[name]]
}

#' The scores of the fixed effects, residuals adjusted so that under the model their covariance is unbiased
#'
#' X_g'V_g^-1 A_g r_g with A_g = D'B^+1/2 D, D'D = V_g, B = D (V_g - X_g C X_g') D', C the covariance of the fixed
#' effects (Pustejovsky and Tipton 2018, Journal of Business and Economic Statistics 36:672, equation 10).
#' @noRd
adjusted_scores <- function(fit, design, group, covariance) {
  active <- active_positions(design$weights)
  X <- active_rows(design$X, active)
  residual <- active_rows(design$y - design$offset, active) - drop(X %*% fixef.glimmer(fit))
  rows <- split(seq_along(group), group)
  if (max(lengths(rows)) > 5000L) {
    stop_not_available("type", paste0("\"CR2\" takes matrices with a row and a column for each row of a group, and ",
                                      "the largest group has ", max(lengths(rows)), ": use \"CR1\"."))
  }
  roots <- lapply(seq_along(fit$factors), function(k) factor_root(fit, k))
  scores <- lapply(rows, function(own) {
    V <- rows_covariance(fit, design, active[own], roots)
    own_x <- X[own, , drop = FALSE]
    D <- chol(V)
    parts <- eigen(D %*% (V - own_x %*% tcrossprod(covariance, own_x)) %*% t(D), symmetric = TRUE)
    kept <- parts$values > 1e-10 * max(parts$values)
    half <- parts$vectors[, kept, drop = FALSE]
    adjusted <- crossprod(D, half %*% (crossprod(half, D %*% residual[own]) / sqrt(parts$values[kept])))
    drop(crossprod(own_x, backsolve(D, backsolve(D, adjusted, transpose = TRUE))))
  })
  do.call(rbind, scores)
}

# The covariance of the responses of some rows under the model.
rows_covariance <- function(fit, design, rows, roots) {
  V <- diag(sigma.glimmer(fit)^2 / design$weights[rows], length(rows))
  for (k in seq_along(roots)) {
    factor <- design$factors[[k]]
    level <- factor$index[rows]
    V <- V + tcrossprod(factor$Z[rows, , drop = FALSE] %*% roots[[k]]) * outer(level, level, "==")
  }
  V
}

stop_robust <- function(why) {
  stop_not_available("vcov", paste(why, "Robust covariance matrices by groups are there by vcov(fit, type = \"CR1\")."))
}

stop_rows <- function() {
  stop_robust(paste("The estimating functions of a mixed model are those of its groups, and formulae for models with",
                    "independent rows do not hold for it."))
}
