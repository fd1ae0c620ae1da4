# Prediction: X beta + Z b from the vectors that the fit holds, and its standard error from the joint information on
# beta and b.

#' Predict from a fit
#'
#' Predicted linear predictors or means, for the rows of the fit or for new data, with all, some or none of the random
#' effects at their conditional modes.
#'
#' @param object Object of class `glimmer`.
#' @param newdata Data frame with the variables of the model, or `NULL` for the rows of the fit. The response is not
#'   needed, nor are the grouping variables of terms that `re.form` leaves out. `poly()`, `ns()`, `scale()`, factor
#'   levels and contrasts are those of the fit. Offsets, in the formula or as argument of [glmm()], are evaluated in
#'   `newdata`.
#' @param type `"link"`, the scale of the linear predictor (the default), or `"response"`, the mean: for a binomial
#'   response a probability.
#' @param re.form Which random effects count: `NULL`, all of them; `NA` or `~0`, none, the prediction for a group
#'   whose random effects are 0; or a one-sided formula with some of the random terms, such as `~ (1 | g)`, also for
#'   a fit with `(x | g)`.
#' @param se.fit Logical: standard errors too.
#' @param allow.new.levels Logical: whether levels of a grouping factor that the fit has not seen are allowed. Their
#'   random effects are predicted as 0, and their standard errors contain the variance of the random effects.
#' @param na.action What to do with missing values in `newdata`: [stats::na.pass()], the default, gives `NA` for such
#'   rows. Without `newdata` the rows that [stats::na.exclude()] left out of the fit are `NA`.
#' @param ... Not used. Arguments of other packages' methods that would change the prediction are errors.
#'
#' @return Numeric vector with the names of the rows. With `se.fit = TRUE` a list of `fit`, that vector; `se.fit`, the
#'   standard errors on the same scale; `residual.scale`, the square root of the dispersion.
#'
#' @section Standard errors:
#' They are those of prediction: the standard deviation of x'beta + z'b at the estimates minus x'beta + z'b at the true
#' values, where b are the random effects that count. With W the observed weights and Sigma the covariance of all
#' random effects, the covariance of beta and b given the variance parameters is the inverse of
#' \preformatted{    X'WX    X'WZ
#'     Z'WX    Z'WZ + Sigma^-1}
#' It is computed without the inverse of Sigma, so that a singular fit has standard errors too. The uncertainty of the
#' variance parameters (and of the dispersion) is not in it; `vcov()` has it, as far as the fixed effects are
#' concerned. For `type = "response"` the standard errors are multiplied by |d mean / d eta| (the delta method).
#'
#' @section Errors:
#' `glimmer_error_levels`: a level that the fit has not seen, in the fields `variable` and `levels`.
#' `glimmer_error_variable`: a variable is missing in `newdata` or has another type. `glimmer_error_re_form`:
#' `re.form` is not understood or not part of the model. `glimmer_error_offset`: the `offset` argument of the fit
#' cannot be evaluated in `newdata`.
#' `glimmer_warning_standard_error`: the information is not positive definite, standard errors are `NA`.
#'
#' @references
#' Booth, J. G. and Hobert, J. P. (1998). Standard errors of prediction in generalized linear mixed models.
#' *Journal of the American Statistical Association* 93, 262-272. \doi{10.1080/01621459.1998.10474107}
#'
#' Henderson, C. R. (1975). Best linear unbiased estimation and prediction under a selection model.
#' *Biometrics* 31, 423-447. \doi{10.2307/2529430}
#'
#' @seealso [fitted.glimmer()], [simulate.glimmer()]
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   new <- data.frame(trt = c("placebo", "drug"), ID = "X01")
#'   # for child X01
#'   predict(fit, new, type = "response", se.fit = TRUE)
#'   # for a child whose random effect is 0
#'   predict(fit, new, type = "response", re.form = NA)
#' }
#' @importFrom stats predict
#' @export
predict.glimmer <- function(object, newdata = NULL, type = c("link", "response"), re.form = NULL, se.fit = FALSE,
                            allow.new.levels = FALSE, na.action = stats::na.pass, ...) {
  check_dots(names(list(...)), names(formals(predict.glimmer)), c("random.only", "newparams", "interval"))
  type <- match_choice(type, c("link", "response"), "type")
  check_flag(se.fit, "se.fit")
  check_flag(allow.new.levels, "allow.new.levels")
  rows <- prediction_rows(object, newdata, select_random(object, re.form), na.action)
  check_new_levels(rows, allow.new.levels)
  eta <- linear_predictor(object, rows)
  fit <- if (type == "link") eta else object$family$linkinv(eta)
  result <- finish_rows(fit, rows)
  if (!se.fit) {
    return(result)
  }
  deviation <- sqrt(prediction_variance(object, rows))
  if (type == "response") deviation <- deviation * abs(object$family$mu.eta(eta))
  list(fit = result, se.fit = finish_rows(deviation, rows), residual.scale = sigma.glimmer(object))
}

# Offset, X beta and the wanted columns of Z at the conditional modes; effects of new levels are 0.
linear_predictor <- function(fit, rows) {
  eta <- rows$offset + drop(rows$X %*% fit$parameters[fit$index$beta])
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    if (!is.null(random)) eta <- eta + random_part(random, modes_at(fit, k, random$position))
  }
  eta
}

# Modes by level of the rows, 0 for levels that the fit does not know.
modes_at <- function(fit, k, position) {
  modes <- fit$modes[[k]][position, , drop = FALSE]
  modes[is.na(position), ] <- 0
  modes
}

random_part <- function(random, effects) {
  total <- 0
  for (j in seq_len(ncol(random$Z))) {
    total <- total + random$Z[, j] * effects[random$codes, j]
  }
  total
}

# Names, NA for incomplete rows, and the rows that na.exclude() took out.
finish_rows <- function(x, rows) {
  x <- as.vector(x)
  x[rows$incomplete] <- NA
  names(x) <- rows$names
  stats::napredict(rows$na_action, x)
}

check_new_levels <- function(rows, allowed) {
  if (allowed) {
    return(invisible())
  }
  for (group in names(rows$random)) {
    random <- rows$random[[group]]
    unknown <- random$labels[is.na(random$position)]
    if (length(unknown)) {
      stop_glimmer("levels", paste0("The grouping factor ", format_items(group), " has ",
                                    if (length(unknown) == 1L) "a level" else "levels", " in `newdata` that the fit ",
                                    "has not seen: ", format_items(unknown), ". `allow.new.levels = TRUE` predicts ",
                                    "with random effects of 0, `re.form = NA` without random effects."),
                   variable = group, levels = unknown, argument = "newdata")
    }
  }
}

#' Variance of prediction of the linear predictor
#'
#' For a row with fixed effects x and random effects z, of which a = Lambda'z are the coefficients of u,
#' the variance is c' S^-1 c + a' H^-1 a with H = A'WA + I, S = X'W (X - A H^-1 A'WX) and c = x - X'WA H^-1 a. The
#' levels that the fit does not know add z' Sigma z.
#'
#' @param rows Result of [prediction_rows()].
#' @return Numeric, one number a row.
#' @noRd
prediction_variance <- function(fit, rows) {
  system <- joint_information(fit)
  random <- if (length(fit$factors) == 1L) block_variance(fit, system, rows) else sparse_variance(fit, system, rows)
  root <- scaled_root(system$information)
  if (is.null(root)) {
    warn_glimmer("standard_error", paste0("The information on the fixed effects is not positive definite: standard ",
                                          "errors of prediction are not available."))
    return(rep(NA_real_, nrow(rows$X)))
  }
  coefficients <- (rows$X - random$shift) %*% root
  rowSums(coefficients^2) + random$variance + new_level_variance(fit, rows)
}

# R with R R' = S^-1; columns of any scale.
scaled_root <- function(information) {
  if (!ncol(information)) {
    return(information)
  }
  unit <- 1 / sqrt(diag(information))
  root <- tryCatch(chol(information * tcrossprod(unit)), error = function(e) NULL)
  if (!is.null(root)) unit * backsolve(root, diag(ncol(root)))
}

#' The information on beta with the random effects eliminated, and what the random effects need
#'
#' @return List: `information` (S), and for one factor `B`, a list by column of Z of matrices level x column of X (the
#'   derivative of -b in beta), otherwise `root` (Cholesky factor of H) and `B` (H^-1 A'WX).
#' @noRd
joint_information <- function(fit) {
  design <- fit_design(fit)
  eta <- conditional_eta(fit, design)
  active <- which(design$weights > 0)
  take <- function(x) if (is.matrix(x)) x[active, , drop = FALSE] else x[active]
  data <- lapply(design[c("y", "size", "weights")], take)
  phi <- unname(fit$parameters[fit$index$dispersion])
  weights <- engine_density(data, take(eta), if (length(phi)) phi else 0, fit$family)$w
  x <- take(design$X)
  factors <- lapply(design$factors, function(factor) {
    list(Z = take(factor$Z), codes = take(factor$index) + 1L, levels = length(factor$levels))
  })
  if (length(factors) == 1L) block_information(fit, x, weights, factors[[1L]]) else
    sparse_information(fit, x, weights, factors)
}

# One grouping factor: the conditional covariances of b by level, as the fit holds them, are H^-1 in its blocks.
block_information <- function(fit, x, weights, factor) {
  variances <- fit$mode_variances[[1L]]
  columns <- seq_len(ncol(factor$Z))
  products <- lapply(columns, function(j) level_sums(weights * factor$Z[, j] * x, factor$codes, factor$levels))
  shift <- lapply(columns, function(j) {
    Reduce(`+`, lapply(columns, function(k) variances[j, k, ] * products[[k]]))
  })
  eliminated <- x - shift_at(shift, factor$Z, factor$codes)
  information <- crossprod(x, weights * eliminated)
  list(information = (information + t(information)) / 2, B = shift)
}

level_sums <- function(x, codes, levels) {
  sums <- matrix(0, levels, ncol(x))
  found <- rowsum(x, codes, reorder = FALSE)
  sums[as.integer(rownames(found)), ] <- found
  sums
}

# Row by row B'z; NA codes (new levels) give 0.
shift_at <- function(shift, z, codes) {
  known <- which(!is.na(codes))
  result <- matrix(0, nrow(z), ncol(shift[[1L]]))
  for (j in seq_along(shift)) {
    result[known, ] <- result[known, ] + z[known, j] * shift[[j]][codes[known], , drop = FALSE]
  }
  result
}

block_variance <- function(fit, system, rows) {
  random <- rows$random[[1L]]
  if (is.null(random)) {
    return(list(shift = 0, variance = 0))
  }
  codes <- random$position[random$codes]
  variance <- numeric(nrow(random$Z))
  for (j in seq_len(ncol(random$Z))) {
    for (k in seq_len(ncol(random$Z))) {
      variance <- variance + random$Z[, j] * random$Z[, k] * fit$mode_variances[[1L]][j, k, ][codes]
    }
  }
  variance[is.na(codes)] <- 0
  list(shift = shift_at(system$B, random$Z, codes), variance = variance)
}

# Several grouping factors: H is sparse.
sparse_information <- function(fit, x, weights, factors) {
  random <- lapply(factors, function(factor) c(factor, list(position = seq_len(factor$levels))))
  a <- sparse_effects(fit, random, nrow(x))
  h <- Matrix::forceSymmetric(Matrix::crossprod(a, weights * a) + Matrix::Diagonal(ncol(a)))
  root <- Matrix::Cholesky(h, LDL = FALSE)
  shift <- as.matrix(Matrix::solve(root, Matrix::crossprod(a, weights * x)))
  information <- crossprod(x, weights * (x - as.matrix(a %*% shift)))
  list(information = (information + t(information)) / 2, B = shift, root = root)
}

#' A = Z Lambda as a sparse matrix, one column for each spherical random effect of the fit
#' @noRd
sparse_effects <- function(fit, random, n) {
  parts <- Map(function(part, k) {
    q <- length(fit$factors[[k]]$columns)
    size <- q * length(fit$factors[[k]]$levels)
    if (is.null(part)) {
      return(Matrix::sparseMatrix(i = integer(), j = integer(), x = numeric(), dims = c(n, size)))
    }
    a <- part$Z %*% factor_root(fit, k)
    codes <- part$position[part$codes]
    known <- which(!is.na(codes))
    Matrix::sparseMatrix(i = rep(known, q), j = as.vector(outer((codes[known] - 1L) * q, seq_len(q), `+`)),
                         x = as.vector(a[known, ]), dims = c(n, size))
  }, random, seq_along(random))
  do.call(cbind, unname(parts))
}

sparse_variance <- function(fit, system, rows, chunk = 1000L) {
  a <- sparse_effects(fit, rows$random, nrow(rows$X))
  a[is.na(a)] <- 0
  chunks <- split(seq_len(nrow(a)), (seq_len(nrow(a)) - 1L) %/% chunk)
  variance <- lapply(chunks, function(i) {
    half <- Matrix::solve(system$root, Matrix::solve(system$root, Matrix::t(a[i, , drop = FALSE]), "P"), "L")
    Matrix::colSums(half^2)
  })
  list(shift = as.matrix(a %*% system$B), variance = unlist(variance, use.names = FALSE))
}

# Lambda of a grouping factor, on the scale of the linear predictor.
factor_root <- function(fit, k) {
  q <- length(fit$factors[[k]]$columns)
  root <- matrix(0, q, q)
  for (t in which(vapply(fit$random, function(term) term$factor == k, logical(1)))) {
    columns <- fit$random[[t]]$columns
    root[columns, columns] <- lower_triangle(fit$parameters[fit$index$theta[[t]]])
  }
  root
}

new_level_variance <- function(fit, rows) {
  variance <- numeric(nrow(rows$X))
  for (k in seq_along(rows$random)) {
    random <- rows$random[[k]]
    new <- which(is.na(random$position[random$codes]))
    if (length(new)) {
      variance[new] <- variance[new] + rowSums((random$Z[new, , drop = FALSE] %*% factor_root(fit, k))^2)
    }
  }
  variance
}

# Arguments

match_choice <- function(choice, choices, argument) {
  if (identical(choice, choices) || is.null(choice)) {
    return(choices[1L])
  }
  found <- if (is.character(choice) && length(choice) == 1L) pmatch(choice, choices)
  if (is.null(found) || is.na(found)) {
    stop_glimmer("argument", paste0("`", argument, "` must be one of ", format_items(choices), "."),
                 argument = argument, choices = choices)
  }
  choices[found]
}

#' Refuse arguments in `...` that are meant to change the result
#'
#' Clients pass harmless extras, so only misspellings of a known argument and arguments of other packages' methods
#' are errors.
#'
#' @param given Names in `...`. @param known Names of the arguments. @param foreign Arguments that other packages have.
#' @noRd
check_dots <- function(given, known, foreign = character()) {
  plain <- function(x) tolower(gsub("[._]", "", x))
  known <- setdiff(known, c("object", "..."))
  for (name in given[nzchar(given)]) {
    if (name %in% foreign) {
      stop_glimmer("argument", paste0("The argument `", name, "` is not there: there are ", format_items(known, 20L),
                                      "."), argument = name)
    }
    distance <- drop(utils::adist(plain(name), plain(known)))
    if (min(distance) <= (nchar(name) > 4L)) {
      stop_glimmer("argument", paste0("Unknown argument `", name, "`: did you mean `", known[which.min(distance)],
                                      "`?"), argument = name)
    }
  }
}
