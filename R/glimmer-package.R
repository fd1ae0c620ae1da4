#' glimmer: Generalized Linear Mixed Models, Correct by Default
#'
#' Fits linear and generalized linear mixed models by maximum likelihood and REML. [glmm()] takes a formula and a data
#' frame; every fit says which approximation of the likelihood it used, how accurate that is where this is known, and
#' whether it converged, with the numbers behind each. The likelihood is exact for linear mixed models, accurate to a
#' stated error with one grouping factor or nested ones, and Laplace's approximation with crossed ones. This page says
#' where to look for what; users of 'lme4' may begin with the section "Coming from lme4" of [glmm()].
#'
#' @section Fit:
#' \describe{
#'   \item{[glmm()]}{formula, family, weights, offset, REML, and how the likelihood is computed}
#'   \item{[precision()]}{the inverse of a covariance that is known between levels, as of relatives or species}
#'   \item{[glmm_control()]}{threads, progress messages, limits of the search}
#'   \item{[update()][update.glimmer]}{the same model with another formula, other data or other arguments}
#' }
#'
#' @section Read the fit:
#' \describe{
#'   \item{[summary()][summary.glimmer], [print()][summary.glimmer]}{what was fitted, the status of the fit, the
#'     estimates}
#'   \item{[fixef()][fixef.glimmer], [coef()][coef.glimmer]}{fixed effects; fixed and random effects together, by level}
#'   \item{[ranef()][ranef.glimmer]}{random effects with their conditional variances: conditional modes (BLUPs of a
#'     linear model) or means}
#'   \item{[VarCorr()][VarCorr.glimmer], [sigma()][sigma.glimmer]}{variances, standard deviations and correlations of
#'     the random effects; the residual standard deviation}
#'   \item{[vcov()][vcov.glimmer], [confint()][confint.glimmer]}{covariance matrix and confidence intervals}
#'   \item{[profile()][profile.glimmer], [bootstrap()]}{profile log-likelihoods of all parameters; parametric bootstrap}
#'   \item{[tidy()][tidy.glimmer], [glance()][glance.glimmer], [augment()][augment.glimmer]}{the same as data frames}
#'   \item{[logLik()][logLik.glimmer], [nobs()][nobs.glimmer], [deviance()][deviance.glimmer]}{log-likelihood, also at
#'     parameters of your own; number of rows; deviance}
#'   \item{[formula()][formula.glimmer], [model.frame()][model.frame.glimmer],
#'     [model.matrix()][model.matrix.glimmer]}{what the fit was made of}
#'   \item{[component()], [the fields of a fit][glimmer-class]}{any part of a fit by its name, and the list of names}
#' }
#'
#' @section Predict:
#' \describe{
#'   \item{[predict()][predict.glimmer]}{linear predictors or means with standard errors, for the rows of the fit or new
#'     data, with or without the random effects}
#'   \item{[fitted()][fitted.glimmer], [residuals()][residuals.glimmer]}{fitted means, residuals}
#' }
#'
#' @section Test and compare:
#' \describe{
#'   \item{[anova()][anova.glimmer]}{likelihood ratio tests of several fits; tests of the terms of one fit}
#'   \item{[ranova()]}{likelihood ratio tests of random effects}
#'   \item{[compare_fits()]}{information criteria of several fits, nested or not}
#'   \item{[drop1()][drop1.glimmer], [add1()][add1.glimmer]}{one term less, one term more}
#'   \item{[AIC()][AIC.glimmer], [BIC()][BIC.glimmer]}{information criteria}
#'   \item{[ddf()], [test_contrasts()]}{degrees of freedom and tests of linear combinations of the fixed effects}
#' }
#'
#' @section Check:
#' \describe{
#'   \item{[glimmer_convergence]}{what the status of a fit says, and what to do about what is marked}
#'   \item{[accuracy()]}{the same model by other approximations of the likelihood, side by side}
#'   \item{[marginal()]}{population-averaged coefficients, risk differences and ratios}
#'   \item{[influence()][influence.glimmer], [cooks.distance()][influence.glimmer]}{what single groups or rows do}
#'   \item{[plot()][plot.glimmer]}{residuals against fitted values, normal quantiles of the random effects}
#'   \item{[DHARMa.glimmer], [performance.glimmer]}{simulated residuals by 'DHARMa', checks by 'performance'}
#' }
#'
#' @section Simulate and fit again:
#' \describe{
#'   \item{[simulate()][simulate.glimmer]}{responses drawn from the fit}
#'   \item{[refit()][refit.glimmer]}{the same model with another response}
#' }
#' [bootstrap()] does both many times.
#'
#' @section Work with other packages:
#' \describe{
#'   \item{[emmeans.glimmer], [Effect.glimmer], [ggeffects][insight.glimmer],
#'     [marginaleffects.glimmer]}{estimated means, effects and their contrasts}
#'   \item{[car.glimmer], [lmtest.glimmer], [lrtest()][lrtest.glimmer], [modelparm.glimmer]}{tests and intervals by
#'     'car', 'lmtest', 'multcomp'}
#'   \item{[insight.glimmer], [model_parameters.glimmer]}{'insight', 'parameters' and what is built on them}
#'   \item{[getME()][getME.glimmer]}{what packages written for 'lme4' ask of a fit}
#' }
#'
#' @seealso The pages "How accurate is the answer?", "Extending glimmer: a family, a link" and "The structure of
#'   glimmer" are `vignette("accuracy", "glimmer")`, `vignette("extending", "glimmer")` and
#'   `vignette("structure", "glimmer")`, where they were built with the package; `news(package = "glimmer")` lists what
#'   changed.
#' @keywords internal
#' @importFrom Rcpp evalCpp
#' @importFrom stats gaussian na.omit
#' @useDynLib glimmer, .registration = TRUE
"_PACKAGE"
