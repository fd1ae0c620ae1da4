#' Fit a generalized linear mixed model
#'
#' @param formula Two-sided formula in the syntax of 'lme4': fixed effects, and random terms in parentheses,
#'   `(1 | g)`, `(x | g)`, `(x || g)`. Under `||` every column of the term's model matrix, also those of a factor,
#'   has a variance of its own and no correlations. Covariance structures are as in 'glmmTMB': `diag(x | g)` (no
#'   correlations), `cs(0 + f | g)` (a standard deviation for each effect, one correlation), `ar1(0 + f | g)` (one
#'   standard deviation, correlation rho^lag between the levels of the factor `f` in order). Of a Gaussian response
#'   these need several rows for some of the effects of a level, to tell effects from residuals; `ar1()` needs none, if
#'   there are levels with rows at two lags.
#' @param data Data frame (also a tibble or data.table), named list or environment; see section "Data". Without it
#'   variables are looked up in the formula's environment.
#' @param family Family object, function or name: `gaussian` (links identity, log, inverse), `binomial` (logit, probit,
#'   cloglog, cauchit, log), `poisson` (log, identity, sqrt), `Gamma` (inverse, log, identity), `inverse.gaussian`
#'   (1/mu^2, log, inverse, identity); negative binomial, beta, beta-binomial, lognormal, truncated and generalized
#'   Poisson families with the links of [families.glimmer].
#' @param weights Prior weights, one number a row, zero or more; see section "Weights".
#' @param offset Number a row, on the scale of the linear predictor, added to the `offset()` terms of the formula.
#' @param subset Logical, or row numbers: the rows to use.
#' @param na.action What to do with missing values: [stats::na.omit()] leaves out their rows, [stats::na.exclude()] also
#'   but gives `NA` for them in residuals, fitted values, predictions and simulations, [stats::na.fail()] is an error.
#'   A function or its name; by default that of `options("na.action")`, which is `"na.omit"` unless it was set.
#' @param contrasts Named list of contrasts, as in [stats::lm()].
#' @param method The approximation of the likelihood: `"aghq"`, adaptive quadrature, for one grouping factor or nested
#'   ones; `"laplace"`; `"laplace2"`, Laplace to second order, for any structure; or `"joint"`, which takes the fixed
#'   effects at their joint mode with the random effects (fast and rough: for a first look). `"auto"`, the default, is
#'   quadrature where there is one grouping factor with up to four random effects, or nested ones that have up to four
#'   in all, with as many nodes as the data ask for; Laplace otherwise, and to second order where that is seen to
#'   matter; see section "The likelihood".
#' @param nAGQ The habit of 'lme4': 0 stands for `"joint"`, 1 for `"laplace"`, more for quadrature with that many nodes
#'   for each random effect of a level. `NULL`, the default, lets the data choose. An error when it disagrees with
#'   `method`.
#' @param REML Logical: restricted maximum likelihood, for every family, or maximum likelihood. `NULL`, the default, is
#'   REML for a Gaussian response with identity link, as in 'lme4', 'nlme' and SAS, and maximum likelihood for others;
#'   see section "REML".
#' @param covariance `NULL`, or a list of matrices named by grouping factors, as in `list(id = K)`: the known
#'   covariances between the levels of these factors, or their inverses marked by [precision()]; see section "Known
#'   covariances".
#' @param start Starting values: `NULL`, a numeric vector of all parameters, or a fit of class `glimmer` whose
#'   parameters are taken.
#' @param control Result of [glmm_control()].
#' @param ... Nothing: an argument that is none of these is an error, which suggests the one that was meant.
#'
#' @return An object of class `glimmer`, a list of plain data; see [glimmer-class] for its fields and
#'   [component()] for reading them.
#'
#' @section Data:
#' Variables of the formula, `weights`, `offset` and `subset` are looked up in `data`, then where the formula was made.
#' A grouping factor may be a factor, character, number, logical or date; levels that do not occur are dropped, and so
#' are those of factors among the predictors. Rows with missing values (`NA` or `NaN`) in any variable, weight or offset
#' go to `na.action`; where a transformation makes `NaN`, as the logarithm of a negative number does, a warning names
#' the rows. A factor for which `NA` is a level ([addNA()]) keeps it, as level `"<NA>"` of a grouping factor. Infinite
#' values are errors, and so are numbers below 1e-150 or above 1e150 whose squares cannot be computed. A response among
#' the predictors is left out with a warning. `.` stands for the variables of `data` that are neither in the response
#' nor grouping factors.
#'
#' @section Weights:
#' With prior weight w a Gaussian row is N(mu, sigma^2 / w), a Gamma row has shape k w, and an inverse Gaussian row
#' lambda w. A binomial or beta-binomial response may be 0/1, logical or a two-level factor (the first level is
#' failure), or a proportion with the trials as weights; of `cbind(success, failure)`, of counts and of the families in
#' [families.glimmer] w multiplies the log-density. A row of weight 0 counts neither for the likelihood nor for
#' `nobs()`.
#'
#' @section The likelihood:
#' Random effects are b = Lambda u with u standard normal, and u is integrated out. The Laplace approximation takes the
#' log-density of the data and u at its mode in u, and the determinant of its observed Hessian there. For a Gaussian
#' response with identity link that is exact. All constants are included, so that `logLik()` and `AIC()` compare with
#' those of [stats::glm()] and of other packages, whatever the approximation.
#'
#' With one grouping factor the integral over each level's effects is by adaptive quadrature: Gauss-Hermite, or where
#' the integrand is wide and flat the trapezoid rule, around mean and covariance of the effects given the data. The
#' nodes stay where they are while a step of the search is judged, so that one pass over the data gives value, gradient
#' and exact Hessian, and are placed anew between steps, until there is nothing left to gain. Their number is chosen
#' level by level: as few as keep the sum of the levels' errors, each judged by a rule with more nodes, below 1e-5 in
#' the log-likelihood (up to 1e-4 with many levels; see `accuracy` in [glmm_control()]), and the change that this would
#' make in an estimate below 0.001 standard errors. Log-likelihood and standard errors are those of the rule with more
#' nodes (standard errors of very many rows those of the rule itself). What error is left is printed, also for a number
#' of nodes given by `nAGQ`, and marked above 1e-3 and 0.01. Nodes of a given number are around mode and curvature, as
#' in other packages, at the estimates; these are where the rule, placed there and kept, has its maximum, which differs
#' by about the rule's error, of few nodes for skewed integrands by more, from the maximum that a search finds whose
#' nodes move along with it ('lme4'). More than 100,000 nodes a level are refused. Where a link restricts the mean and
#' cuts the integrand off, so that no maximum is found by quadrature, or where this would take too long (beyond some ten
#' seconds for some hundreds of rows, and in proportion for more), `"auto"` is Laplace, and the status marks the fit;
#' `method = "aghq"` takes its time. [accuracy()] compares approximations.
#'
#' With nested grouping factors, each of which lies within the next in the data, whether the formula says `(1 | a / b)`
#' or `(1 | a) + (1 | b)`, the integral over the effects of a level is taken at each node of the level around it. The
#' nodes of an inner level move with those around it in proportion to the regression of its effects on theirs, and the
#' rest is as with one factor: one pass gives value, gradient and exact Hessian, each level of each factor has as many
#' nodes as its own error asks for, and the error stated is the sum over the outermost levels of the differences from a
#' rule with about twice the nodes in all of them. There is no trapezoid rule, and the effects of all factors together
#' count for what is possible. With crossed factors there is no quadrature.
#'
#' With crossed factors Laplace's approximation can be far off, where the rows of a level tell little of its effects.
#' `method = "laplace2"` takes in the next terms of its expansion, and says how far that is to be trusted (section
#' "second order" of [glimmer_convergence]): where it is, the estimates are those of maximum likelihood to about a tenth
#' of a standard error. Standard errors are from the curvature of what is maximised.
#' After each fit by Laplace, second order is evaluated at its estimates where that costs less than the fit did, and the
#' status says what it would change. `"auto"` goes on to second order where an estimate would move by more than a tenth
#' of a standard error, and second order is trusted.
#'
#' @section Linear mixed models:
#' With a Gaussian response and the identity link the search is over the covariances relative to the residual variance;
#' fixed effects and residual variance have their maximum in closed form, and the rows are summed up once, so that an
#' evaluation does not depend on their number. The fit is by REML unless `REML = FALSE` is given, and the likelihood is
#' exact either way: `method` makes no difference. Standard errors of the fixed effects are those given the variances,
#' as in 'lme4' and SAS.
#'
#' @section REML:
#' By REML the fixed effects are integrated out with a flat prior, and what is left is maximised over covariances and
#' dispersion. In a linear mixed model this is restricted maximum likelihood, exactly, and the default. For other
#' families, with `REML = TRUE`, fixed and random effects are integrated out together, by the Laplace approximation.
#' Estimates of variances are then less biased downwards where there are few groups. The fixed effects reported are
#' their joint mode with the random effects. This integral is no product over groups, so that there is none by
#' quadrature: `method = "auto"` then uses Laplace. The search along the edge of what a link allows (see
#' [glimmer_convergence]) is not made by REML.
#'
#' The restricted log-likelihood is that of what the fixed effects leave of the data. It depends on the units of the
#' covariates, and compares fits with the same fixed effects only. Where fixed effects differ, [anova()][anova.glimmer],
#' [AIC()][AIC.glimmer] and [BIC()][AIC.glimmer] of several fits fit again by maximum likelihood and say so;
#' [drop1()][drop1.glimmer] and [stats::step()] always do. `AIC(fit)` and `logLik(fit)` are of the fit as it was made,
#' and so is what functions of other packages compute from them.
#'
#' @section Known covariances:
#' With `covariance = list(id = K)` the levels of `id` are not independent: the covariance of the effects of `(x | id)`
#' is that of one level, Sigma, which is estimated, times K, that of relatives in a pedigree, of species in a phylogeny,
#' or of places. K, symmetric and positive definite, is taken as it is, and not rescaled: the standard deviations
#' reported are those of a level whose variance in K is 1. Rows and columns are matched to levels by their names. Levels
#' that are in K but in no row, as ancestors are, have effects, too: [ranef()][ranef.glimmer()] gives and
#' [predict()][predict.glimmer()] uses them. K may be a matrix or one of 'Matrix'; its inverse, as `precision(P)`, is
#' best where it is sparse.
#'
#' There may be one random term on such a factor. The likelihood is no product over its levels, so that there is no
#' quadrature: `method = "auto"` is Laplace then, or exact for a linear mixed model.
#'
#' @section Errors:
#' Errors have the class `glimmer_error` and one that says what is wrong, for example `glimmer_error_variable` or
#' `glimmer_error_not_available`; the facts are in the fields of the condition. What makes the answer
#' doubtful is a warning of class `glimmer_warning`.
#'
#' @references
#' Breslow, N. E. and Clayton, D. G. (1993). Approximate inference in generalized linear mixed models.
#' *Journal of the American Statistical Association* 88, 9-25. \doi{10.1080/01621459.1993.10594284}
#'
#' Liu, Q. and Pierce, D. A. (1994). A note on Gauss-Hermite quadrature. *Biometrika* 81, 624-629.
#' \doi{10.1093/biomet/81.3.624}
#'
#' Patterson, H. D. and Thompson, R. (1971). Recovery of inter-block information when block sizes are unequal.
#' *Biometrika* 58, 545-554. \doi{10.1093/biomet/58.3.545}
#'
#' Pinheiro, J. C. and Bates, D. M. (1995). Approximations to the log-likelihood function in the nonlinear
#' mixed-effects model. *Journal of Computational and Graphical Statistics* 4, 12-35.
#' \doi{10.1080/10618600.1995.10474663}
#'
#' Skaug, H. J. and Fournier, D. A. (2006). Automatic approximation of the marginal likelihood in non-Gaussian
#' hierarchical models. *Computational Statistics and Data Analysis* 51, 699-709. \doi{10.1016/j.csda.2006.03.005}
#'
#' @examples
#' # A linear mixed model, by REML: weights of chicks, each with a line of its own
#' fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#' summary(fit)
#'
#' # Crossed grouping factors: rows and columns of a Latin square
#' glmm(decrease ~ treatment + (1 | rowpos) + (1 | colpos), data = OrchardSprays)
#'
#' # Nested ones: machines within workers
#' glmm(score ~ Machine + (1 | Worker / Machine), data = nlme::Machines)
#'
#' # 0/1 data: bacteria in children with otitis media, after drug or placebo
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   fit <- glmm(y ~ trt + I(week > 2) + (1 | ID), data = MASS::bacteria, family = binomial)
#'   print(summary(fit))
#'   head(ranef(fit)$ID)
#' }
#'
#' # Counts with an offset: claims for each holder of a policy
#' if (requireNamespace("MASS", quietly = TRUE)) {
#'   glmm(Claims ~ Group + Age + offset(log(Holders)) + (1 | District), data = MASS::Insurance,
#'        family = poisson)
#' }
#'
#' # Successes and failures: cows that fell ill, of those in a herd
#' if (requireNamespace("lme4", quietly = TRUE)) {
#'   glmm(cbind(incidence, size - incidence) ~ period + (1 | herd), data = lme4::cbpp,
#'        family = binomial)
#' }
#' @export
glmm <- function(formula, data, family = gaussian(), weights = NULL, offset = NULL, subset = NULL,
                 na.action = getOption("na.action"), contrasts = NULL, method = "auto", nAGQ = NULL, REML = NULL,
                 covariance = NULL, start = NULL, control = glmm_control(), ...) {
  use_usual_text()
  refuse_arguments(match.call(expand.dots = FALSE)$...)
  caller <- parent.frame()
  call <- resolve_dots(match.call(), caller)
  call[[1L]] <- callable(call[[1L]])
  evaluate_arguments(environment())
  family <- resolve_family(family, call$family)
  approximation <- resolve_method(method, nAGQ, REML, family)
  check_covariances(covariance)
  check_control(control)
  parts <- parse_formula(formula, data, caller)
  with_memory_error({
    frame <- build_frame(call, parts, caller, data)
    # the design goes into the model only: its columns are let go there
    model <- new_model(call, parts$formula, frame, build_design(parts, frame, family, contrasts, covariance), family,
                       approximation, control)
  })
  model$approximation <- settle_method(approximation, model$design, family)
  fit_model(model, start)
}

# lapply() and do.call() leave `FUN` or the function itself in the call, which update() could not evaluate.
callable <- function(given) {
  if (call_name(given) %in% c("::", ":::") || identical(given, quote(glmm))) given else quote(glimmer::glmm)
}

#' Evaluate the arguments that are values, so that an error names the one that it comes from
#'
#' `weights`, `offset`, `subset` and `na.action` are evaluated with the data, by [build_frame()].
#'
#' @param frame Environment of the call of [glmm()].
#' @noRd
evaluate_arguments <- function(frame) {
  if (eval(quote(missing(formula)), frame)) {
    stop_glimmer("argument", "`formula` is missing: give a formula such as `y ~ x + (1 | g)`.", argument = "formula")
  }
  if (eval(quote(missing(data)), frame)) {
    assign("data", NULL, envir = frame)
  }
  argument <- NULL
  attempt({
    for (argument in c("formula", "data", "family", "contrasts", "method", "nAGQ", "REML", "covariance", "start",
                       "control")) {
      get(argument, envir = frame)
    }
  }, function(e) {
    if (inherits(e, "glimmer_error")) stop(e)
    word <- if (argument == "family") family_word(eval(quote(substitute(family)), frame))
    refuse_family_word(word, family_names())
    known <- intersect(word, family_names())
    stop_glimmer("argument", paste0("`", argument, "` cannot be evaluated: ", conditionMessage(e), ".",
                                    if (length(known)) paste0(" The links of ", known, " are ",
                                                                join_items(links_of(known), 10L), ".")),
                 argument = argument, parent = e)
  })
}
