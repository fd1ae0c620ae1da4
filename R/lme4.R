# A part of ?glmm: what users of 'lme4' find the same here, and what differs.

#' @section Coming from lme4:
#' *The same.* Formulas, with nested terms written out in the same way (`(1 | a/b)` has the groups `b:a` and `a`);
#' [fixef()], [ranef()], [coef()][coef.glimmer] and [VarCorr()], in the same shapes: data frames by grouping factor with
#' a row for each level, covariance matrices with the attributes `stddev` and `correlation`, `as.data.frame()` with the
#' same columns; `re.form` and `allow.new.levels` of [predict()][predict.glimmer]; `getME()`, `isSingular()` and
#' `ngrps()` when 'lme4' is loaded; `lattice::dotplot(ranef(fit))`. Linear mixed models are fitted by REML, and
#' estimates, log-likelihood and standard errors are those of `lmer()` to the accuracy of its search.
#'
#' *Different by default*, and why:
#' \describe{
#'   \item{Quadrature}{with one grouping factor, or nested ones, where `glmer()` uses the Laplace approximation, which
#'     can be far off for 0/1 data. `nAGQ = 1` gives Laplace, and `glmer()`'s numbers for canonical links. With crossed
#'     grouping factors it is Laplace in both.}
#'   \item{Observed information}{in the Laplace approximation, where `glmer()` takes the expected one: they differ for
#'     links that are not canonical, as probit or Gamma with log link, and the observed one is Laplace's approximation
#'     proper.}
#'   \item{All constants}{are in the log-likelihood, also by quadrature, so that `AIC()` compares whatever `nAGQ`.}
#'   \item{`(x || g)`}{with a factor `x`: a variance for each column and no correlations, where 'lme4' keeps the block
#'     of the factor.}
#'   \item{Tests}{`summary()` of a linear mixed model has the degrees of freedom of Satterthwaite and p values, as
#'     'lmerTest' adds them; [anova()][anova.glimmer] of one fit has tests by type II. `ddf = "none"` gives z.}
#'   \item{`confint()`}{gives Wald intervals, symmetric for log standard deviations; fixed effects come first, and the
#'     other rows are called as by `lme4::confint.merMod(oldNames = FALSE)`: `sd_(Intercept)|g`, `cor_x.(Intercept)|g`,
#'     `sigma`.}
#'   \item{`vcov()`}{is a plain matrix, and `deviance()` always the sum of squared deviance residuals;
#'     `-2 * logLik(fit)` is what `lmer()` calls deviance.}
#'   \item{Convergence, singular fits}{are lines of the status that every fit prints, [glimmer_convergence], with
#'     what to do. A standard deviation on the boundary is exactly 0. There is no choice of optimizers.}
#'   \item{`control`, `start`}{[glmm_control()] instead of `lmerControl()` and `glmerControl()`; `start` is a fit, or a
#'     vector of all parameters.}
#' }
#'
#' *Not there*: `glmer.nb()` and `nlmer()`, `rePCA()`, `allFit()`. [bootstrap()]
#' does what `bootMer()` does, which takes the fits of this package, too.
#' @rdname glmm
#' @name glmm
NULL
