# Methods for generics of 'lme4', registered when that package is loaded: other packages ask a mixed model through
# them.

#' Ask a fit by the names of 'lme4'
#'
#' Methods for the generics `getME()`, `ngrps()`, `isLMM()`, `isGLMM()`, `isNLMM()`, `isREML()` and `isSingular()` of
#' 'lme4'. They are there when that package is loaded; `glimmer` does not need it.
#'
#' @param object,x Object of class `glimmer`.
#' @param name Character: what to give, one of the names below, several of them, or `"ALL"`.
#' @param tol Number: a fit is singular when the value of its check "boundary" is not above it (see [glimmer-class]).
#' @param ... Not used.
#' @details
#' The covariance parameters `theta` are those of 'lme4': the lower triangles of the Cholesky factors relative to
#' `sigma()`, which is 1 for families without a dispersion parameter. `Lambda`, `u` and `ldL2` follow from this. Random
#' terms are in the order of the formula ('lme4' sorts them by number of levels). With a known covariance between levels
#' ([glmm()]) `u` has it, and `ussq` is weighted by its inverse; `Lambda` is without it.
#'
#' | name | value |
#' |---|---|
#' | `X`, `Z`, `Zt` | model matrices of fixed (dense) and random effects (sparse), and the transpose of Z |
#' | `Ztlist` | by effect of a random term: its rows of Zt |
#' | `mmList` | by random term: the model matrix of the left side of its bar |
#' | `y`, `mu`, `offset` | response (binomial: proportion), its mean given the modes, offset; one number a row |
#' | `beta`, `fixef` | fixed effects, without and with names |
#' | `theta`, `lower` | covariance parameters relative to sigma; their lower bounds, 0 or `-Inf` |
#' | `b`, `u` | random effects at their conditional modes, and in units of the columns of Lambda: `b = Lambda u` |
#' | `Lambda`, `Lambdat`, `Lind` | relative covariance factor; its transpose; the `theta` of each entry |
#' | `Tlist` | by random term: the relative Cholesky factor |
#' | `flist`, `cnms` | grouping factors with attribute `assign`; names of the effects by random term |
#' | `Gp`, `Tp` | where each random term begins in `b` and in `theta`, from 0 |
#' | `n`, `N`, `p`, `q` | numbers of rows (twice), fixed effects, random effects |
#' | `k`, `n_rtrms`, `n_rfacs` | numbers of random terms (twice) and of grouping factors |
#' | `p_i`, `l_i`, `q_i`, `m_i`, `m` | by random term: effects, levels, random effects, covariance parameters |
#' | `sigma`, `is_REML`, `REML` | residual standard deviation; for a fit by REML `TRUE` and p, else `FALSE` and 0 |
#' | `devcomp` | list: `cmp` (`ussq`, `drsum`, `dev` or `REML`, `sigmaML`, `sigmaREML`), `dims` |
#' @return `getME()`: see the table; for several names a named list.
#'
#'   `ngrps()`: named integer, the number of levels that each grouping factor has in the data.
#'
#'   The others: `TRUE` or `FALSE`. A model is linear (`isLMM()`) with a Gaussian response and the identity link.
#' @section Errors: `glimmer_error_argument` for an unknown name.
#' @references
#' Bates, D., Maechler, M., Bolker, B. and Walker, S. (2015). Fitting linear mixed-effects models using lme4.
#' *Journal of Statistical Software* 67(1). \doi{10.18637/jss.v067.i01}
#' @examples
#' if (requireNamespace("lme4", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time + (Time | Chick), data = ChickWeight)
#'   print(lme4::getME(fit, "theta"))
#'   print(lme4::ngrps(fit))
#' }
#' @exportS3Method lme4::getME
getME.glimmer <- function(object, name, ...) {
  check_dots(getME.glimmer, ...)
  known <- names(me_parts)
  if (identical(name, "ALL")) name <- known
  unknown <- setdiff(name, known)
  if (!is.character(name) || !length(name) || length(unknown)) {
    stop_glimmer("argument", paste0("`name` asks for ", format_items(unknown), ": for a fit of class 'glimmer' there ",
                                    "are ", format_items(known, length(known)), "."),
                 argument = "name", unknown = unknown)
  }
  design <- fit_design(object)
  if (length(name) == 1L) {
    return(me_parts[[name]](object, design))
  }
  lapply(me_parts[stats::setNames(name, name)], function(part) part(object, design))
}

# One function of fit and design for each name.
me_parts <- list(
  X = function(fit, design) design$X,
  Z = function(fit, design) random_matrix(fit, design),
  Zt = function(fit, design) transposed(random_matrix(fit, design)),
  Ztlist = function(fit, design) effect_rows(fit, design),
  mmList = function(fit, design) {
    stats::setNames(lapply(design$terms, function(term) design$factors[[term$factor]]$Z[, term$columns, drop = FALSE]),
                    vapply(design$terms, function(term) term$label, ""))
  },
  y = function(fit, design) {
    stats::setNames(observed_mean(fit, design), row.names(fit$frame))
  },
  mu = function(fit, design) fit$family$linkinv(conditional_eta(fit, design)),
  u = function(fit, design) unlist(Map(spherical_modes, list(fit), design$terms, relative_factors(fit))),
  b = function(fit, design) unlist(lapply(design$terms, function(term) term_modes(fit, term))),
  Gp = function(fit, design) c(0L, cumsum(lengths_of(design)$random)),
  Tp = function(fit, design) c(0L, cumsum(lengths_of(design)$theta)),
  Lambda = function(fit, design) transposed(transposed_factor(fit, design)),
  Lambdat = function(fit, design) transposed_factor(fit, design),
  Lind = function(fit, design) factor_pattern(design)$theta,
  Tlist = function(fit, design) {
    stats::setNames(relative_factors(fit), vapply(design$terms, function(term) term$group, ""))
  },
  sigma = function(fit, design) sigma.glimmer(fit),
  flist = function(fit, design) grouping_factors(design),
  fixef = function(fit, design) fixef.glimmer(fit),
  beta = function(fit, design) unname(fixef.glimmer(fit)),
  theta = function(fit, design) relative_theta(fit),
  lower = function(fit, design) {
    unlist(lapply(design$terms, function(term) ifelse(diag(length(term$names)) == 1, 0, -Inf)[root_pattern(term)]))
  },
  REML = function(fit, design) restricted_columns(fit),
  is_REML = function(fit, design) fit$REML,
  n_rtrms = function(fit, design) length(design$terms),
  n_rfacs = function(fit, design) length(design$factors),
  N = function(fit, design) nrow(fit$frame),
  n = function(fit, design) nrow(fit$frame),
  p = function(fit, design) length(fit$index$beta),
  q = function(fit, design) sum(lengths_of(design)$random),
  p_i = function(fit, design) lengths_of(design)$effects,
  l_i = function(fit, design) lengths_of(design)$levels,
  q_i = function(fit, design) lengths_of(design)$random,
  k = function(fit, design) length(design$terms),
  m_i = function(fit, design) lengths_of(design)$theta,
  m = function(fit, design) sum(lengths_of(design)$theta),
  cnms = function(fit, design) {
    stats::setNames(lapply(design$terms, function(term) term$names),
                    vapply(design$terms, function(term) term$group, ""))
  },
  devcomp = function(fit, design) deviance_components(fit, design),
  offset = function(fit, design) design$offset
)

# By random term: numbers of effects, of levels, of random effects and of covariance parameters.
lengths_of <- function(design) {
  groups <- vapply(design$terms, function(term) term$group, "")
  effects <- vapply(design$terms, function(term) length(term$columns), 1L)
  levels <- vapply(design$terms, function(term) length(design$factors[[term$factor]]$levels), 1L)
  theta <- vapply(design$terms, function(term) sum(root_pattern(term)), 1L)
  lapply(list(effects = effects, levels = levels, random = effects * levels, theta = theta), stats::setNames, groups)
}

# Modes of a term: by level, within that by effect.
term_modes <- function(fit, term) {
  as.vector(t(fit$modes[[term$factor]][, term$columns, drop = FALSE]))
}

relative_factors <- function(fit) {
  scale <- residual_scale(fit)
  lapply(seq_along(fit$random), function(t) term_root(fit, t) / scale)
}

# What 'lme4' calls theta: the entries of the relative factor that need not be zero, column by column.
root_pattern <- function(term) {
  structure_of(term)$pattern
}

relative_theta <- function(fit) {
  entries <- Map(function(term, root) {
    pattern <- root_pattern(term)
    at <- which(pattern, arr.ind = TRUE)
    rows <- term$names[at[, 1L]]
    columns <- term$names[at[, 2L]]
    names <- paste(term$group, ifelse(at[, 1L] == at[, 2L], rows, paste(rows, columns, sep = ".")), sep = ".")
    stats::setNames(root[pattern], names)
  }, fit$random, relative_factors(fit))
  unlist(entries)
}

# u at the mode lies in the row space of the factor, so that the pseudo-inverse finds it also where that is singular.
spherical_modes <- function(fit, term, factor) {
  parts <- svd(factor)
  inverse <- ifelse(parts$d > 1e-10 * max(parts$d), 1 / parts$d, 0)
  modes <- fit$modes[[term$factor]][, term$columns, drop = FALSE]
  as.vector(t(modes %*% parts$u %*% (inverse * t(parts$v))))
}

# u'Pu at the mode: their sum of squares where all levels are independent.
spherical_squares <- function(fit, design) {
  sum(unlist(Map(function(term, factor) {
    u <- matrix(spherical_modes(fit, term, factor), ncol = length(term$names), byrow = TRUE)
    known <- design$factors[[term$factor]]$known
    u * if (is.null(known)) u else as.matrix(known$precision %*% u)
  }, design$terms, relative_factors(fit))))
}

grouping_factors <- function(design) {
  factors <- lapply(design$factors, function(factor) {
    factor(factor$levels[factor$index + 1L], levels = factor$levels)
  })
  structure(stats::setNames(factors, vapply(design$factors, function(factor) factor$name, "")),
            assign = vapply(design$terms, function(term) term$factor, 1L))
}

deviance_components <- function(fit, design) {
  u <- me_parts$u(fit, design)
  linear <- isLMM.glimmer(fit)
  sigma <- if (has_dispersion(fit$family)) sigma.glimmer(fit) else NA_real_
  n <- fit$nobs
  p <- length(fit$index$beta)
  # lme4's estimates of sigma by the two criteria differ in the divisor of the same sum of squares
  sigmas <- sigma * if (fit$REML && linear) c(sqrt((n - p) / n), 1) else c(1, sqrt(n / (n - p)))
  criterion <- stats::setNames(-2 * fit$log_likelihood, if (fit$REML) "REML" else "dev")
  list(cmp = c(ussq = spherical_squares(fit, design), drsum = deviance.glimmer(fit), criterion,
               sigmaML = sigmas[1L], if (linear) c(sigmaREML = sigmas[2L])),
       dims = c(N = nrow(fit$frame), n = nrow(fit$frame), p = length(fit$index$beta),
                nmp = nrow(fit$frame) - length(fit$index$beta), q = length(u),
                nth = sum(lengths_of(design)$theta), nAGQ = as.integer(fit$nAGQ),
                useSc = as.integer(has_dispersion(fit$family)), reTrms = length(fit$random),
                REML = restricted_columns(fit),
                GLMM = as.integer(!linear), NLMM = 0L))
}

# As 'lme4' counts it: the fixed effects that were integrated out, 0 for maximum likelihood.
restricted_columns <- function(fit) {
  if (fit$REML) length(fit$index$beta) else 0L
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::ngrps
ngrps.glimmer <- function(object, ...) {
  check_dots(ngrps.glimmer, ...)
  vapply(object$factors, count_levels, 1L)
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::isLMM
isLMM.glimmer <- function(x, ...) {
  check_dots(isLMM.glimmer, ...)
  is_linear(x$family)
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::isGLMM
isGLMM.glimmer <- function(x, ...) {
  check_dots(isGLMM.glimmer, ...)
  !isLMM.glimmer(x)
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::isNLMM
isNLMM.glimmer <- function(x, ...) {
  check_dots(isNLMM.glimmer, ...)
  FALSE
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::isREML
isREML.glimmer <- function(x, ...) {
  check_dots(isREML.glimmer, ...)
  x$REML
}

#' @rdname getME.glimmer
#' @exportS3Method lme4::isSingular
isSingular.glimmer <- function(x, tol = 1e-4, ...) {
  check_dots(isSingular.glimmer, ...)
  check_number(tol, "tol", 0)
  any(x$status$value[x$status$check == "boundary"] <= tol)
}
