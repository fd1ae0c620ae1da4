# The search works in a basis of the columns of X that is well conditioned. Where the user's columns are (units do not
# count) it is theirs; else, as with a covariate far from zero beside an intercept, it is an orthonormal one:
# the coefficients of the user's columns would be huge and nearly cancel, and their round-off is the log-likelihood's.

#' A well-conditioned basis of the columns of X
#'
#' A Gaussian response with identity link that is far from zero is taken as its difference from a least-squares fit, and
#' beta as the difference from that fit's coefficients.
#'
#' @param design Result of [build_design()]. @param family Family object; `NULL` where the response does not matter.
#' @return List: `design` (with X in the basis), `shift` (of beta, in the basis; `NULL` for none), `to` (p x p:
#'   coefficients in the basis are `to %*% beta`), `from` (its inverse); both `NULL` where the basis is the user's.
#' @noRd
find_basis <- function(design, family = NULL, limit = 1e10) {
  linear <- !is.null(family) && is_linear(family)
  # with cross products of X for its rows more digits are lost
  basis <- orthonormal_basis(design, if (linear) sqrt(limit) / 10 else limit)
  if (linear) basis <- shift_response(basis)
  basis
}

shift_response <- function(basis, limit = 1e4) {
  design <- basis$design
  used <- design$weights > 0
  y <- design$y - design$offset
  if (!ncol(design$X)) {
    return(basis)
  }
  shift <- least_squares(design$X, y, as.numeric(used))
  residual <- y - drop(design$X %*% shift)
  # once more, as the first difference has lost the digits that the response has not
  shift <- shift + least_squares(design$X, residual, as.numeric(used))
  residual <- y - drop(design$X %*% shift)
  if (!all(is.finite(residual)) || max(abs(y[used])) < limit * sqrt(mean(residual[used]^2))) {
    return(basis)
  }
  basis$design$y <- residual
  basis$design$offset <- numeric(length(y))
  basis$shift <- shift
  basis
}

orthonormal_basis <- function(design, limit) {
  products <- crossprod(design$X)
  lengths <- sqrt(diag(products))
  if (!all(lengths > 0) || ncol(design$X) < 2L || !is.finite(sum(lengths))) {
    return(list(design = design))
  }
  cosines <- products / tcrossprod(lengths)
  if (all(is.finite(cosines)) && rcond_symmetric(cosines) > 1 / limit) {
    return(list(design = design))
  }
  unit <- rep(lengths, each = nrow(design$X))
  parts <- qr(design$X / unit, tol = 0)
  size <- sqrt(nrow(design$X))
  to <- qr.R(parts)[, order(parts$pivot), drop = FALSE] * rep(lengths, each = ncol(design$X)) / size
  from <- attempt(solve(to, tol = 0))
  if (is.null(from)) {
    return(list(design = design))
  }
  names <- dimnames(design$X)
  design$X[] <- qr.Q(parts) * size
  dimnames(design$X) <- names
  list(design = design, to = to, from = from)
}

#' Parameters, or a matrix with a row a parameter, in another basis
#'
#' @param change Element `to` or `from` of [find_basis()], or `NULL` for none.
#' @noRd
change_basis <- function(change, beta, parameters) {
  if (is.null(change)) {
    return(parameters)
  }
  if (is.matrix(parameters)) {
    parameters[beta, ] <- change %*% parameters[beta, , drop = FALSE]
  } else {
    parameters[beta] <- drop(change %*% parameters[beta])
  }
  parameters
}

# Parameters of the user in the basis.
enter_basis <- function(basis, engine, parameters) {
  beta <- engine$index$beta
  parameters <- change_basis(basis$to, beta, parameters)
  if (!is.null(basis$shift)) parameters[beta] <- parameters[beta] - basis$shift
  parameters
}

# The result of a search in the user's basis, with the coordinates in which its Hessian is given.
leave_basis <- function(basis, engine, found) {
  beta <- engine$index$beta
  if (!is.null(basis$shift)) found$parameters[beta] <- found$parameters[beta] + basis$shift
  if (is.null(basis$from)) {
    return(found)
  }
  # an integral over beta is in its units
  if (engine$REML) found$value <- found$value - determinant(basis$to)$modulus[[1L]]
  found$parameters <- change_basis(basis$from, beta, found$parameters)
  if (!is.null(found$fixed_root)) found$fixed_root <- basis$from %*% found$fixed_root
  if (length(found$gradient)) found$gradient <- change_basis(t(basis$to), beta, found$gradient)
  # beta comes first among the coordinates, and none of it is ever held; with the joint method it may not be among them
  if (length(found$coordinates) && all(beta %in% found$coordinates$searched)) {
    found$coordinates$transform <- change_basis(basis$from, beta, found$coordinates$transform)
  }
  found
}
