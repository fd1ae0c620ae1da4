# The parameters of a model: one row a parameter, in the order of component(fit, "parameters"). What else needs their
# names or positions takes them from here.

#' The table of the parameters
#'
#' @param design Result of [build_design()], of which only the names of columns and effects count.
#' @param family Family object.
#' @return Data frame, a row a parameter: `name`; `kind` ("beta", "theta" or "constant", the dispersion); `predictor`
#'   (what the parameter is a part of: "mean", or of a constant its own name); `term` (position of the random term, `NA`
#'   but for theta); `place` (position within beta, the term's theta, or the constants).
#' @noRd
parameter_table <- function(design, family) {
  fixed <- colnames(design$X)
  theta <- lapply(design$terms, function(term) structure_of(term)$names)
  constants <- unname(constant_names(family))
  counts <- c(beta = length(fixed), theta = sum(lengths(theta)), constant = length(constants))
  columns <- list(
    name = make.unique(c(fixed, unlist(theta), constants)),
    kind = rep(names(counts), counts),
    predictor = c(rep("mean", counts[["beta"]] + counts[["theta"]]), constants),
    term = c(rep(NA_integer_, length(fixed)), rep(seq_along(theta), lengths(theta)),
             rep(NA_integer_, length(constants))),
    place = c(seq_along(fixed), sequence(lengths(theta)), seq_along(constants)))
  # as data.frame() would make it, which takes longer than all the rest
  structure(columns, class = "data.frame", row.names = .set_row_names(length(columns$name)))
}

#' Positions of the parameters
#'
#' @param table Result of [parameter_table()].
#' @return List: `beta`, `theta` (list, one element a random term), `dispersion` (empty where there is none).
#' @noRd
parameter_index <- function(table) {
  theta <- which(table$kind == "theta")
  list(beta = which(table$kind == "beta"), theta = unname(split(theta, table$term[theta])),
       dispersion = which(table$kind == "constant"))
}

#' The parameters that a search moves; an evaluation finds the others
#' @noRd
searched_parameters <- function(engine, joint = FALSE) {
  all <- seq_along(engine$names)
  found <- c(if (joint || engine$inside != "modes") engine$index$beta,
             if (engine$inside == "profile") engine$index$dispersion)
  if (length(found)) all[-found] else all
}
