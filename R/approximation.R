# Which approximation of the likelihood is meant: by `method`, `nAGQ` and `REML`, for a design, of a fit.

#' Which approximation is meant by `method`, `nAGQ` and `REML`
#'
#' @return Result of [new_approximation()], the method perhaps "auto".
#' @noRd
resolve_method <- function(method, nAGQ, REML, family) {
  methods <- c("auto", "laplace", "joint", "aghq", "laplace2")
  if (!is.character(method) || length(method) != 1L || !method %in% methods) {
    refuse_choice(method, methods, "method")
  }
  if (is.null(REML)) REML <- is_linear(family)
  check_flag(REML, "REML")
  habit <- method_of_nodes(nAGQ)
  if (!is.null(habit) && method != "auto" && method != habit) {
    stop_glimmer("argument", paste0("`nAGQ = ", nAGQ, "` stands for the method '", habit, "', but `method` is '",
                                    method, "'. Give one of them."), argument = "nAGQ")
  }
  if (!is.null(habit)) method <- habit
  new_approximation(method, if (method == "aghq") nAGQ, REML = REML)
}

#' What a fit is made by
#'
#' @param method Character. @param nodes `NULL`, or the user's number of nodes for each effect.
#' @param chosen Logical: whether the method stands for "auto". @param REML Logical.
#' @noRd
new_approximation <- function(method, nodes = NULL, chosen = FALSE, REML = FALSE) {
  list(method = method, nodes = nodes, chosen = chosen, REML = REML)
}

#' The method for a design: what "auto" means, and whether there can be quadrature
#'
#' @param approximation Result of [resolve_method()].
#' @return The same, its method not "auto"; `chosen`, whether it was.
#' @noRd
settle_method <- function(approximation, design, family) {
  if (is_linear(family)) {
    # whatever is asked for
    return(new_approximation("exact", REML = approximation$REML))
  }
  if (approximation$REML) check_restricted(approximation$method)
  if (approximation$method == "auto") {
    by_quadrature <- !approximation$REML && allows_quadrature(design)
    approximation$method <- if (by_quadrature) "aghq" else "laplace"
    approximation$chosen <- TRUE
  } else if (approximation$method == "aghq") {
    check_quadrature(approximation$nodes, design)
  }
  approximation
}

#' Whether there is quadrature, its nodes chosen by the data: for one factor, or nested ones, with independent levels
#' and few effects
#' @noRd
allows_quadrature <- function(design) {
  nesting <- nesting_of(design)
  !is.null(nesting) && has_quadrature(nesting$effects)
}

#' Refuse what quadrature cannot do
#'
#' @param instead Character: what to use where grouping factors are crossed, or there are too many effects.
#' @param argument Character: the argument that gave the nodes.
#' @noRd
check_quadrature <- function(nodes, design, instead = laplace_instead, argument = "nAGQ") {
  factors <- vapply(design$factors, function(factor) factor$name, "")
  related <- known_groups(design$factors)
  if (length(related)) {
    stop_glimmer("quadrature", paste0("Quadrature is for independent levels, as the likelihood is then a product over ",
                                      "them; those of ", format_items(related), " have a known covariance. Use ",
                                      instead, "."), factors = related)
  }
  nesting <- nesting_of(design)
  if (is.null(nesting)) {
    stop_glimmer("quadrature", paste0("Quadrature is for one grouping factor, or factors nested in each other, and ",
                                      format_items(factors), " are crossed. Use ", instead, "."), factors = factors)
  }
  effects <- sum(nesting$effects)
  # what lies in several levels at once has the effects of all of them
  each <- paste0(if (length(factors) == 1L) "each level of " else "each level with those around it, of ",
                 format_items(factors))
  if (is.null(nodes) && !has_quadrature(effects)) {
    stop_glimmer("quadrature", paste0("There are ", effects, " random effects for ", each, ": too many to choose the ",
                                      "number of nodes by the data. Leave out random effects, give the number of ",
                                      "nodes in the fit (`nAGQ`), or use ", instead, "."),
                 factors = factors, effects = effects)
  }
  if (!is.null(nodes) && nodes^effects > most_nodes) refuse_nodes(nodes, effects, each, instead, argument)
}

refuse_nodes <- function(nodes, effects, each, instead, argument) {
  most <- floor(most_nodes^(1 / effects) + 1e-9)
  if (most > 1) instead <- paste("up to", count_text(most), "nodes")
  if (most > 1 && has_quadrature(effects)) instead <- paste0(instead, ", or leave `", argument, "` out")
  stop_glimmer("quadrature", paste0("`", argument, " = ", count_text(nodes), "` asks for ",
                                    count_text(nodes^effects), " nodes for ", each, ", with ", effects, " random ",
                                    agree(effects, "effect", "effects"), ": at most ", count_text(most_nodes),
                                    " are possible. Use ", instead, "."),
               nodes = nodes, effects = effects, most = most)
}

laplace_instead <- paste("method = \"laplace\", which is less accurate: the status of the fit says how far it can be",
                         "trusted")

# The approximations that have a restricted likelihood.
check_restricted <- function(method) {
  why <- switch(method,
    aghq = paste("the integral over the fixed effects couples all groups, so that it is no product of integrals of few",
                 "dimensions, which quadrature needs"),
    laplace2 = "Laplace's approximation to second order takes the fixed effects at their estimates",
    joint = "the joint method takes the fixed effects at their mode, and integrates over the random effects only"
  )
  if (!is.null(why)) {
    stop_glimmer("argument", paste0("`REML = TRUE` integrates over the fixed effects, and is not there for the ",
                                    "method '", method, "': ", why, ". Use REML = FALSE, or ", laplace_instead, "."),
                 argument = "REML", method = method)
  }
}

method_of_nodes <- function(nAGQ) {
  if (is.null(nAGQ)) {
    return(NULL)
  }
  if (!is.numeric(nAGQ) || length(nAGQ) != 1L || is.na(nAGQ) || nAGQ < 0 || nAGQ != round(nAGQ)) {
    stop_glimmer("argument", "`nAGQ` must be a whole number: 0, 1, or the number of nodes.", argument = "nAGQ")
  }
  c("joint", "laplace", "aghq")[min(nAGQ, 2) + 1L]
}

#' The approximation that a fit was made by
#' @return As of [resolve_method()].
#' @noRd
approximation_of <- function(fit) {
  new_approximation(fit$method, fit$quadrature$given, REML = fit$REML)
}

largest_nodes <- function(approximation, rule) {
  switch(approximation$method, joint = 0L, aghq = max(rule$nodes), 1L)
}
