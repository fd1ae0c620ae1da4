# The log-likelihood of nested scalar random effects, a sum within each sum: the trapezoid rule for a standard normal
# variable of each level, whatever is known of where its density is.

#' @param model [reference_model()] whose factors are nested and have one effect each. @param parameters As of it.
#' @param step Of the grid, from -8 to 8.
reference_nested <- function(model, parameters, step = 0.25) {
  part <- reference_unpack(model, parameters)
  grid <- seq(-8, 8, by = step)
  weight <- stats::dnorm(grid, log = TRUE) + log(step)
  inside_out <- order(-vapply(model$factors, function(factor) length(factor$levels), 1L))
  slopes <- Map(function(factor, lambda) drop(factor$Z %*% lambda), model$factors, part$lambdas)
  fixed <- model$offset + drop(model$X %*% part$beta)
  # of some rows, at each column of what outer factors add to their linear predictor
  integral <- function(which, depth, around) {
    if (depth == 0L) {
      density <- reference_log_density(model, fixed[which] + c(around), part$phi, rep(which, ncol(around)))
      return(colSums(matrix(density, length(which))))
    }
    factor <- inside_out[depth]
    values <- lapply(split(seq_along(which), model$factors[[factor]]$index[which], drop = TRUE), function(own) {
      slope <- slopes[[factor]][which[own]]
      each <- rep(seq_len(ncol(around)), each = length(grid))
      added <- around[own, each, drop = FALSE] + outer(slope, rep(grid, ncol(around)))
      terms <- weight + matrix(integral(which[own], depth - 1L, added), length(grid))
      top <- apply(terms, 2L, max)
      top + log(colSums(exp(terms - rep(top, each = length(grid)))))
    })
    Reduce(`+`, values)
  }
  n <- length(fixed)
  integral(seq_len(n), length(inside_out), matrix(0, n, 1L))
}
