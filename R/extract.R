# What a fit knows, under the names that users of 'stats' and 'lme4' know. The methods read the fields; none of them
# changes a fit or fits again.

#' @importFrom stats anova case.names coef confint deviance df.residual drop1 extractAIC family formula logLik
#' @importFrom stats model.frame model.matrix na.action nobs sigma terms variable.names vcov
NULL

#' @importFrom nlme fixef
#' @export
nlme::fixef

#' Fixed effects, and coefficients by group
#'
#' `fixef()` gives the estimates of the fixed effects; `coef()` adds the conditional modes of the random effects to
#' them, level by level.
#'
#' @param object Object of class `glimmer`.
#' @param add.dropped Logical: give the aliased columns, which were left out of the model, as `NA`.
#' @param x Result of `coef()`.
#' @param digits `NULL`, or whole number: significant digits.
#' @param ... Not used.
#' @return `fixef()`: named numeric vector on the scale of the linear predictor, one element a column of the model
#'   matrix (with `add.dropped = TRUE` also those left out, `NA`, in their places).
#'
#'   `coef()`: list of class `coef.glimmer`, one data frame a grouping factor, named by it: a row for each level, a
#'   column for each fixed effect, and before them a column for each random effect that has no fixed one (which counts
#'   as 0). All values are on the scale of the linear predictor. A random effect has a fixed one where the fixed effects
#'   have its column, of the same variables with the same values: a factor's indicators are not its `contr.sum`.
#' @details
#' Columns that R calls alike, such as level 2 of a factor `time` and a covariate `time2`, are told apart by a number
#' behind the name of the later one, `time2.1`, here and wherever their names stand.
#' @seealso [ranef()] for the random effects alone, [vcov.glimmer()] for the covariance matrix of the estimates.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(fixef(fit))
#'   print(head(coef(fit)$ID))
#' }
#' @method fixef glimmer
#' @export
fixef.glimmer <- function(object, add.dropped = FALSE, ...) {
  check_dots(fixef.glimmer, ...)
  check_flag(add.dropped, "add.dropped")
  beta <- object$parameters[object$index$beta]
  if (!add.dropped || !length(object$dropped)) {
    return(beta)
  }
  all <- rep(NA_real_, sum(dim(object$relations)))
  all[object$kept] <- beta
  stats::setNames(all, stats::variable.names(object, full = TRUE))
}

#' @rdname fixef.glimmer
#' @export
coef.glimmer <- function(object, ...) {
  check_dots(coef.glimmer, ...)
  fixed <- fixef.glimmer(object)
  places <- random_places(fit_design(object))
  names <- character(max(unlist(places)))
  for (k in seq_along(places)) names[places[[k]]] <- colnames(object$modes[[k]])
  alone <- names[seq_along(names) > length(fixed)]
  # those of random effects alone come first
  order <- c(length(fixed) + seq_along(alone), seq_along(fixed))
  all <- c(fixed, numeric(length(alone)))
  names <- make.unique(c(names(fixed), alone))
  by_factor <- Map(function(modes, at) {
    values <- matrix(all, nrow(modes), length(all), byrow = TRUE, dimnames = list(rownames(modes), names))
    values[, at] <- values[, at] + modes
    as.data.frame(values[, order, drop = FALSE], optional = TRUE)
  }, object$modes, places)
  structure(by_factor, class = c("coef.glimmer", "coef.mer"))
}

# By factor: where the columns of its random effects are among the fixed ones or, without a fixed one, behind them.
random_places <- function(design) {
  known <- term_columns(design$fixed$terms, design$X)
  places <- list()
  for (k in seq_along(design$factors)) {
    own <- factor_columns(design, k)
    at <- match_columns(own, known)
    new <- which(is.na(at))
    at[new] <- length(known$variables) + seq_along(new)
    known <- list(values = cbind(known$values, own$values[, new, drop = FALSE]),
                  variables = c(known$variables, own$variables[new]))
    places[[k]] <- at
  }
  places
}

#' @rdname fixef.glimmer
#' @method print coef.glimmer
#' @export
print.coef.glimmer <- function(x, digits = NULL, ...) {
  check_dots(print.coef.glimmer, ..., .others = names(formals(print.data.frame)))
  if (!is.null(digits)) check_digits(digits)
  print(unclass(x), digits = digits, ...)
  invisible(x)
}

#' @rdname logLik.glimmer
#' @export
nobs.glimmer <- function(object, ...) {
  check_dots(nobs.glimmer, ...)
  object$nobs
}

#' @rdname logLik.glimmer
#' @export
df.residual.glimmer <- function(object, ...) {
  check_dots(df.residual.glimmer, ...)
  object$nobs - length(object$parameters)
}

#' @rdname logLik.glimmer
#' @export
deviance.glimmer <- function(object, ...) {
  check_dots(deviance.glimmer, ...)
  rows <- conditional_rows(object)
  sum(deviances_at(object$family, rows$response, rows$mean, rows$weights, constant_of(object), rows$size))
}

#' Response, conditional mean and weight of every row that counts
#'
#' @param fit Object of class `glimmer`.
#' @param design Result of [fit_design()].
#' @return List of numeric vectors: `response` (binomial: the proportion), `mean` (given the conditional modes),
#'   `weights` (binomial: trials times prior weight). Rows of weight 0 are left out.
#' @noRd
conditional_rows <- function(fit, design = fit_design(fit)) {
  weights <- design$weights * design$size
  used <- weights > 0
  list(response = (design$y / design$size)[used], mean = fit$family$linkinv(conditional_eta(fit, design))[used],
       weights = weights[used], size = design$size[used])
}

#' Linear predictor with the random effects at their conditional modes
#' @noRd
conditional_eta <- function(fit, design) {
  eta <- drop(design$X %*% fit$parameters[fit$index$beta]) + design$offset
  for (k in seq_along(design$factors)) {
    factor <- design$factors[[k]]
    eta <- eta + rowSums(factor$Z * fit$modes[[k]][factor$index + 1L, , drop = FALSE])
  }
  unname(eta)
}

#' @rdname logLik.glimmer
#' @export
extractAIC.glimmer <- function(fit, scale = 0, k = 2, ...) {
  check_dots(extractAIC.glimmer, ...)
  check_number(k, "k", 0)
  fit <- fit_by_likelihood(fit)
  df <- length(fit$parameters)
  c(df, -2 * fit$log_likelihood + k * df)
}

#' Formula, terms, model frame and model matrices of a fit
#'
#' @param x,object,formula Object of class `glimmer`.
#' @param fixed.only Logical: only the fixed effects (with the response and offsets).
#' @param random.only Logical: only the random effects, with the response.
#' @param type `"fixed"`: X; `"random"`: Z, as a sparse matrix.
#' @param full Logical: also rows of weight 0 (`case.names()`), also aliased columns (`variable.names()`).
#' @param ... Not used.
#' @return `formula()`: the formula as it was given, random terms included, or one part of it.
#'
#'   `terms()`: terms object of the fixed effects, with `predvars` and `dataClasses`; with `fixed.only = FALSE` that of
#'   the model frame, which has all variables.
#'
#'   `model.frame()`: data frame of the rows used, response first, with columns `(weights)` and `(offset)` where these
#'   arguments were given and attributes `terms` and `na.action`; with `fixed.only = TRUE` without the variables that
#'   only random terms use.
#'
#'   `model.matrix()`: for `"fixed"` numeric n x p matrix of full column rank with attributes `assign` and `contrasts`;
#'   for `"random"` sparse matrix (class `dgCMatrix` of 'Matrix') of n rows, and for each random term in the order of
#'   the formula its levels, for each level its effects; column names are the levels.
#'
#'   `family()`: the family object.
#'
#'   `na.action()`: row numbers left out for missing values, of class `omit` or `exclude`, or `NULL`.
#'
#'   `case.names()`: names of the rows used. `variable.names()`: names of the columns of X.
#' @section Errors: `glimmer_error_argument` when both `fixed.only` and `random.only` are `TRUE`.
#' @seealso [getME()][getME.glimmer] for these matrices under the names of 'lme4'.
#' @examples
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(formula(fit))
#'   print(formula(fit, fixed.only = TRUE))
#'   print(head(model.matrix(fit)))
#'   print(dim(model.matrix(fit, type = "random")))
#' }
#' @export
formula.glimmer <- function(x, fixed.only = FALSE, random.only = FALSE, ...) {
  check_dots(formula.glimmer, ...)
  check_flag(fixed.only, "fixed.only")
  check_flag(random.only, "random.only")
  if (fixed.only && random.only) {
    stop_glimmer("argument", "`fixed.only` and `random.only` cannot both be TRUE.", argument = "random.only")
  }
  if (fixed.only) {
    return(stats::formula(x$terms))
  }
  formula <- stats::formula(x$formula)
  labels <- unique(vapply(x$random, function(term) term$label, ""))
  bars <- Reduce(function(a, b) call("+", a, b), lapply(labels, str2lang))
  if (random.only) {
    formula[[3L]] <- bars
  } else if (inherits(x$formula, "terms")) {
    # step() and MASS::stepAIC() overwrite the field by the terms of the fixed effects
    formula[[3L]] <- call("+", formula[[3L]], bars)
  }
  formula
}

#' @rdname formula.glimmer
#' @export
terms.glimmer <- function(x, fixed.only = TRUE, ...) {
  check_dots(terms.glimmer, ...)
  refuse_linear_tests(parent.frame())
  check_flag(fixed.only, "fixed.only")
  if (fixed.only) x$terms else attr(x$frame, "terms")
}

#' @rdname formula.glimmer
#' @export
model.frame.glimmer <- function(formula, fixed.only = FALSE, ...) {
  check_dots(model.frame.glimmer, ...)
  refuse_linear_tests(parent.frame())
  check_flag(fixed.only, "fixed.only")
  frame <- formula$frame
  if (!fixed.only) {
    return(frame)
  }
  columns <- intersect(c(terms_variables(formula$terms), "(weights)", "(offset)"), names(frame))
  structure(frame[columns], terms = formula$terms, na.action = attr(frame, "na.action"))
}

#' @rdname formula.glimmer
#' @export
model.matrix.glimmer <- function(object, type = c("fixed", "random"), ...) {
  check_dots(model.matrix.glimmer, ...)
  if (match_choice(type, c("fixed", "random"), "type") == "random") {
    return(random_matrix(object, fit_design(object)))
  }
  fixed_columns(object, object$frame, object$kept)
}

#' @rdname formula.glimmer
#' @export
family.glimmer <- function(object, ...) {
  check_dots(family.glimmer, ...)
  with_constant(object$family, constant_of(object))
}

#' @rdname formula.glimmer
#' @export
na.action.glimmer <- function(object, ...) {
  check_dots(na.action.glimmer, ...)
  attr(object$frame, "na.action")
}

#' @rdname formula.glimmer
#' @export
case.names.glimmer <- function(object, full = FALSE, ...) {
  check_dots(case.names.glimmer, ...)
  check_flag(full, "full")
  names <- row.names(object$frame)
  if (full) names else names[resolve_response(object$frame, object$family, warn = FALSE)$weights > 0]
}

#' @rdname formula.glimmer
#' @export
variable.names.glimmer <- function(object, full = FALSE, ...) {
  check_dots(variable.names.glimmer, ...)
  check_flag(full, "full")
  if (!full || !length(object$dropped)) {
    return(names(fixef.glimmer(object)))
  }
  colnames(matrix_of(object$terms, object$frame, object$contrasts))
}

#' Residual standard deviation
#'
#' @param object Object of class `glimmer`.
#' @param ... Not used.
#' @return One positive number, whose meaning depends on the family: the square root of the dispersion parameter of
#'   'stats' where there is one, else as in 'glmmTMB'.
#'
#'   | family | `sigma()` | variance of a response of weight 1 |
#'   |---|---|---|
#'   | gaussian | residual standard deviation | sigma^2 |
#'   | binomial, poisson | 1 | that of the distribution |
#'   | Gamma | 1 / sqrt(shape) | sigma^2 mu^2 |
#'   | inverse.gaussian | 1 / sqrt(lambda) | sigma^2 mu^3 |
#'   | nbinom2, nbinom1, genpois, truncated_nbinom2 | size, phi, phi, size | see [families.glimmer] |
#'   | beta, betabinomial | phi | mu (1 - mu) / (1 + sigma), see [families.glimmer] |
#'   | lognormal | standard deviation of the response (log link), of its logarithm (identity link) | sigma^2 |
#'   | truncated_poisson | 1 | that of the distribution |
#'
#'   It is the maximum likelihood estimate (its divisor is the number of rows), or by REML the restricted one.
#' @examples
#' fit <- glmm(weight ~ Time + (1 | Chick), data = ChickWeight)
#' sigma(fit)
#' @export
sigma.glimmer <- function(object, ...) {
  check_dots(sigma.glimmer, ...)
  sigma_at(object$family, unname(object$parameters[object$index$dispersion]))
}

# The root of the dispersion, as in 'stats': 1 where the family has none, or a constant that is none.
residual_scale <- function(fit) {
  if (has_dispersion(fit$family)) sigma.glimmer(fit) else 1
}

# The constant of the family at the estimate, on its natural scale; of length 0 where it has none.
constant_of <- function(fit) {
  if (is.null(fit$family$constant)) exp(unname(fit$parameters[fit$index$dispersion])) else fit$family$constant
}

#' Refuse functions that read a fit as a linear model with independent errors
#'
#' The tests of 'lmtest' are no generics: they take the terms and the model frame of what they are given, and fit by
#' least squares. No other function of that package asks a fit for these directly.
#'
#' @param caller The frame of the function that asks.
#' @noRd
refuse_linear_tests <- function(caller) {
  if (isNamespaceLoaded("lmtest") && identical(parent.env(caller), asNamespace("lmtest"))) {
    stop_not_available("formula", paste(
      "The tests of linear models in 'lmtest' fit the fixed part by least squares, with independent errors and without",
      "the random effects: they say nothing of this fit. Look at residuals(fit, \"pearson\") or at simulate(fit)."
    ))
  }
}
