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

#' An engine whose parameters are in the coordinates of a search, which have no bounds; or in those of a fit
#'
#' @param engine Result of [engine_layout()]. @param terms The `terms` of its design. @param searched Logical.
#' @return The same with `structures` of these coordinates; `bent`, the positions among the terms of those whose theta
#'   is not that of the fit; and `shape`, the positions of the parameters that L of their term is not proportional to.
#' @noRd
with_coordinates <- function(engine, terms, searched) {
  engine$structures <- lapply(terms, structure_of, searched = searched)
  engine$bent <- which(!vapply(engine$structures, function(structure) is.null(structure$search_scale), NA))
  engine$shape <- setdiff(unlist(engine$index$theta), scaled_parameters(engine$structures, engine$index))
  engine$notes$point <- NULL
  engine
}

#' Parameters of a search as those of a fit, and the other way round
#'
#' @param engine Result of [with_coordinates()] with the coordinates of a search.
#' @param to "natural" or "searched".
#' @noRd
change_coordinates <- function(engine, parameters, to) {
  for (t in engine$bent) {
    at <- engine$index$theta[[t]]
    parameters[at] <- engine$structures[[t]]$search_scale[[to]](parameters[at])
  }
  parameters
}

#' The derivatives of a fit's parameters in those of a search, one by one
#' @param parameters Those of the search.
#' @noRd
coordinate_slopes <- function(engine, parameters) {
  by_structure(engine, parameters, rep(1, length(parameters)), "natural_slope")
}

# And the second derivatives.
coordinate_curvatures <- function(engine, parameters) {
  by_structure(engine, parameters, numeric(length(parameters)), "natural_curvature")
}

by_structure <- function(engine, parameters, values, verb) {
  for (t in engine$bent) {
    at <- engine$index$theta[[t]]
    values[at] <- engine$structures[[t]]$search_scale[[verb]](parameters[at])
  }
  values
}

#' The result of a search as of the parameters of a fit
#'
#' @param found Result of [maximise()]. @return The same with parameters, gradient and the transform of its coordinates.
#' @noRd
leave_search <- function(engine, found) {
  if (!length(engine$bent)) {
    return(found)
  }
  slopes <- coordinate_slopes(engine, found$parameters)
  found$parameters <- change_coordinates(engine, found$parameters, "natural")
  if (length(found$gradient)) found$gradient <- found$gradient / slopes
  if (length(found$coordinates)) {
    found$coordinates$transform <- slopes[found$coordinates$searched] * found$coordinates$transform
  }
  found
}

#' The parameters that a search moves; an evaluation finds the others
#' @noRd
searched_parameters <- function(engine, joint = FALSE) {
  all <- seq_along(engine$names)
  found <- c(if (joint || engine$inner != "given") engine$index$beta,
             if (engine$inner == "profiled") engine$index$dispersion)
  if (length(found)) all[-found] else all
}
