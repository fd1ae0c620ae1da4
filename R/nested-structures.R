# Whether the random effects of a model can have every covariance that those of a smaller one can have.

#' The random terms of two fits whose structures are not nested
#'
#' By grouping factor: the effects of the smaller model are combinations of those of the larger one, and the covariance
#' that these then have must be one that their structures hold. It is one covariance, without any zero or equality
#' that its own structure does not ask for: that tells of all others.
#'
#' @param smaller,larger Fits, in the order of their numbers of parameters.
#' @return Character: the terms as written; none where structures are nested, or effects are no combinations of those
#'   of the larger model, so that their structures do not compare.
#' @noRd
terms_not_nested <- function(smaller, larger) {
  unlist(lapply(shared_groups(smaller, larger), function(group) {
    if (!is.null(group$map) && !structures_hold(group$small, group$large, group$map)) {
      unique(vapply(c(group$small, group$large), function(term) term$label, ""))
    }
  }))
}

#' How the effects that a fit has more are on the boundary of its model in the smaller one, in words
#' @noRd
boundary_words <- function(smaller, larger) {
  maps <- lapply(shared_groups(smaller, larger), function(group) group$map)
  merged <- Filter(function(map) any(colSums(map != 0) > 1), Filter(Negate(is.null), maps))
  if (!length(merged)) {
    return(NULL)
  }
  equal <- vapply(merged, function(map) ncol(map) == 1L && all(map > 0), NA)
  if (all(equal)) "whose correlation is 1 in the model above" else "whose covariance is singular in the model above"
}

#' The grouping factors that two fits share
#'
#' @return List by grouping factor: `small` and `large`, the terms of the fits on it, and `map`, see [effects_map()].
#' @noRd
shared_groups <- function(smaller, larger) {
  if (!inherits(smaller, "glimmer") || !inherits(larger, "glimmer")) {
    return(list())
  }
  by_group <- function(fit) {
    split(fit$random, vapply(fit$random, function(term) group_key(term$group_expression), ""))
  }
  small <- by_group(smaller)
  large <- by_group(larger)
  frame <- stats::model.frame(larger)
  lapply(intersect(names(small), names(large)), function(group) {
    list(small = small[[group]], large = large[[group]], map = effects_map(small[[group]], large[[group]], frame))
  })
}

#' Effects of some terms as combinations of those of others
#'
#' @param small,large Lists of terms on one grouping factor. @param frame Model frame of the larger fit.
#' @return Matrix M, for each effect of `small` a column: Z of `small` is that of `large` times M; `NULL` if there is
#'   none.
#' @noRd
effects_map <- function(small, large, frame) {
  columns_of <- function(terms) {
    do.call(cbind, lapply(terms, function(term) {
      unname(matrix_of(term$terms, frame, term$contrasts)[, term$positions, drop = FALSE])
    }))
  }
  z_small <- attempt(columns_of(small))
  z_large <- columns_of(large)
  if (is.null(z_small)) {
    return(NULL)
  }
  size_small <- sqrt(colSums(z_small^2))
  size_large <- sqrt(colSums(z_large^2))
  decomposition <- qr(z_large / rep(size_large, each = nrow(z_large)))
  target <- z_small / rep(size_small, each = nrow(z_small))
  if (decomposition$rank < ncol(z_large) || max(abs(qr.resid(decomposition, target))) > 1e-8) {
    return(NULL)
  }
  # without round-off, which would be effects that vary a little
  map <- zapsmall(qr.coef(decomposition, target), 10L)
  map * rep(size_small, each = nrow(map)) / size_large
}

structures_hold <- function(small, large, map) {
  root <- map %*% typical_root_of(small)
  covariance <- tcrossprod(root)
  blocks <- rep(seq_along(large), vapply(large, function(term) length(term$names), 1L))
  sds <- root_sds(root)
  between <- outer(blocks, blocks, "!=") & abs(covariance) > 1e-8 * outer(sds, sds)
  !any(between) && all(vapply(seq_along(large), function(t) {
    own <- blocks == t
    structure_of(large[[t]])$holds(covariance[own, own, drop = FALSE])
  }, NA))
}

# Of independent terms: block diagonal.
typical_root_of <- function(terms) {
  roots <- lapply(terms, typical_root)
  last <- cumsum(vapply(roots, nrow, 1L))
  whole <- matrix(0, last[length(last)], last[length(last)])
  for (t in seq_along(roots)) {
    own <- seq.int(to = last[t], length.out = nrow(roots[[t]]))
    whole[own, own] <- roots[[t]]
  }
  whole
}

typical_root <- function(term) {
  structure_of(term)$lambda(typical_theta(term))
}
