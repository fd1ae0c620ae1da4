# The coordinates of the searches: parameters = centre + transform x, in units in which the log-likelihood is close to a
# unit sphere.

#' Natural scale of the parameters
#'
#' For theta the units of its structure over the square root of twice the number of levels, the order of its standard
#' errors; 1 for beta, which precondition() treats as a whole.
#'
#' @return Matrix: the parameters move by it times x.
#' @noRd
natural_transform <- function(engine, parameters) {
  scale <- diag(length(parameters))
  for (t in seq_along(engine$structures)) {
    at <- engine$index$theta[[t]]
    units <- engine$structures[[t]]$units(parameters[at], engine$notes$error_root[[t]])
    scale[at, at] <- units / sqrt(2 * engine$levels[t])
  }
  dispersion <- engine$index$dispersion
  scale[dispersion, dispersion] <- 1 / sqrt(engine$rows)
  scale
}

#' Coordinates of the parameters that are not found by an evaluation
#'
#' Along that of a linear mixed model's dispersion the relative covariances stay as they are.
#' @noRd
joint_coordinates <- function(engine, centre, scale, joint = FALSE) {
  searched <- searched_parameters(engine, joint)
  dispersion <- engine$index$dispersion
  along <- engine$inner == "joint"
  if (along) searched <- c(dispersion, setdiff(searched, dispersion))
  transform <- scale[searched, searched, drop = FALSE]
  if (along) {
    scaled <- searched %in% scaled_parameters(engine$structures, engine$index)
    transform[scaled, 1L] <- centre[searched[scaled]] * transform[1L, 1L]
  }
  list(centre = centre, transform = transform, searched = searched)
}

#' Coordinates around a point: parameters = centre + transform x
#'
#' beta is transformed by the inverse root of its information with the random effects eliminated, so that the
#' Hessian in beta is near the identity.
#' @noRd
precondition <- function(engine, centre, scale) {
  if (engine$inner != "given") {
    return(joint_coordinates(engine, centre, scale))
  }
  transform <- scale
  beta <- engine$index$beta
  result <- engine_evaluate(engine, centre)
  if (length(beta) && result$status == "ok") {
    information <- engine_fixed_information(engine, centre)
    if (length(information)) {
      unit <- 1 / sqrt(diag(information))
      root <- attempt(chol(information * tcrossprod(unit)), function(e) diag(length(beta)))
      transform[beta, beta] <- unit * backsolve(root, diag(length(beta)))
    }
  }
  list(centre = centre, transform = transform, searched = seq_along(centre))
}

#' Coordinates without the parameters held at the boundary
#' @noRd
free_coordinates <- function(coordinates, held) {
  free <- which(!held[coordinates$searched])
  coordinates$searched <- coordinates$searched[free]
  coordinates$transform <- coordinates$transform[free, free, drop = FALSE]
  coordinates
}

# The parameter vector at x, and the derivative in x from that in the parameters.
place <- function(coordinates, x, at = coordinates$centre) {
  at[coordinates$searched] <- at[coordinates$searched] + drop(coordinates$transform %*% x)
  at
}

pull <- function(coordinates, gradient) {
  drop(crossprod(coordinates$transform, gradient[coordinates$searched]))
}
