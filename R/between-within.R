# Between-within degrees of freedom: each term belongs to a level of nested grouping.

#' Between-within degrees of freedom of each fixed effect
#'
#' @return Numeric, one a fixed effect; `NA` where nothing is left.
#' @noRd
between_within_df <- function(fit) {
  design <- fit_design(fit)
  active <- active_positions(design$weights)
  groups <- nested_groups(design, active)
  x <- active_rows(design$X, active)
  assign <- attr(design$X, "assign")
  stratum <- vapply(unique(assign), function(term) max(column_strata(x[, assign == term, drop = FALSE], groups)), 1L)
  stratum <- stratum[match(assign, unique(assign))]
  intercept <- assign == 0L
  sizes <- c(any(intercept), vapply(groups, max, 1L), length(active))
  coefficients <- tabulate(stratum[!intercept], length(groups) + 1L)
  df <- diff(sizes) - coefficients
  ifelse(df > 0, df, NA_real_)[stratum]
}

#' Codes of the grouping factors, the outermost first; refused where they are not nested
#' @noRd
nested_groups <- function(design, active) {
  codes <- lapply(design$factors, function(factor) active_rows(factor$index, active) + 1L)
  codes <- lapply(codes, function(code) match(code, unique(code)))
  order <- order(vapply(codes, max, 1L))
  for (k in seq_along(order)[-1L]) {
    inner <- codes[[order[k]]]
    outer <- codes[[order[k - 1L]]]
    if (any(outer != outer[!duplicated(inner)][inner])) {
      names <- vapply(design$factors[order[c(k - 1L, k)]], `[[`, "", "name")
      stop_glimmer("ddf", paste0("Between-within degrees of freedom are for nested grouping factors, and ",
                                 format_items(names), " are crossed: use \"containment\"."), method = "between-within",
                   groups = names)
    }
  }
  codes[order]
}

# For each column the first grouping factor within whose levels it is constant, or one more than there are.
column_strata <- function(x, groups) {
  apply(x, 2L, function(column) {
    constant <- vapply(groups, function(codes) {
      first <- column[!duplicated(codes)][codes]
      all(abs(column - first) <= 1e-10 * max(abs(column)))
    }, logical(1))
    match(TRUE, constant, nomatch = length(groups) + 1L)
  })
}
