# Methods for 'car': Wald tests of terms and of linear hypotheses, variance inflation, the delta method.

#' Tests and summaries of 'car'
#'
#' Methods by which `Anova()`, `linearHypothesis()`, `vif()`, `deltaMethod()` and `Confint()` of 'car' take a fit. They
#' work on the fixed effects and their covariance matrix, with the chi-squared and the normal distribution, and give
#' what 'car' gives for the fits of 'lme4'. They are there when that package is loaded; `glimmer` does not need it.
#'
#' @param mod,model,object Object of class `glimmer`.
#' @param type `"II"` or `"III"`, or these as numbers. As 'car' defines them: type III depends on the contrasts of the
#'   fit; that of [anova()][anova.glimmer] does not.
#' @param test.statistic,test `"Chisq"`. F tests are those of [anova()][anova.glimmer] and [test_contrasts()], which
#'   have denominator degrees of freedom.
#' @param vcov. `NULL`, a covariance matrix of the fixed effects, or a function that gives it for the fit.
#' @param singular.ok,hypothesis.matrix,rhs,verbose,g.,func,constants,envir As in 'car'.
#' @param estimate Logical: the estimates in the first column.
#' @param level Number between 0 and 1: the confidence level.
#' @param ... Not used.
#' @return As in 'car': a data frame of class `anova` with a row for each term (`Anova()`), or with the models without
#'   and with the hypothesis (`linearHypothesis()`); the variance inflation factors, a vector or a matrix (`vif()`); a
#'   data frame with estimate, standard error and limits (`deltaMethod()`); a matrix of estimates and Wald limits of
#'   the fixed effects (`Confint()`).
#' @section Errors: `glimmer_error_not_available` for F tests and for `Boot()`, which draws rows or residuals as if they
#'   were independent.
#' @examples
#' if (requireNamespace("car", quietly = TRUE)) {
#'   fit <- glmm(weight ~ Time * Diet + (Time | Chick), data = ChickWeight)
#'   print(car::Anova(fit))
#'   print(car::linearHypothesis(fit, "Time:Diet2 = Time:Diet3"))
#' }
#' @name car.glimmer
#' @exportS3Method car::Anova
Anova.glimmer <- function(mod, type = c("II", "III"), test.statistic = c("Chisq", "F"), vcov. = NULL, # nolint
                          singular.ok = TRUE, ...) {
  check_dots(Anova.glimmer, ...)
  check_flag(singular.ok, "singular.ok")
  refuse_f_test(test.statistic, "test.statistic", "anova(fit, test = \"F\")")
  type <- resolve_type(if (identical(type, c("II", "III"))) "II" else type)
  tested <- length(attr(mod$terms, "term.labels")) + (type == "III") * attr(mod$terms, "intercept")
  # 'car' has no table without rows
  table <- if (!tested) data.frame(Chisq = numeric(), Df = numeric(), p = numeric()) else
    car::Anova(fixed_part(mod, vcov.), type = type, test.statistic = "Chisq", singular.ok = singular.ok)
  names(table)[3L] <- "Pr(>Chisq)"
  heading <- c(paste0("Analysis of Deviance Table (Type ", type, " Wald chisquare tests)\n"),
               paste("Response:", deparse1(mod$terms[[2L]])))
  structure(table[c("Chisq", "Df", "Pr(>Chisq)")], heading = heading, class = c("anova", "data.frame"))
}

refuse_f_test <- function(test, argument, instead) {
  if (match_choice(test, c("Chisq", "F"), argument) == "F") {
    stop_not_available(argument, paste0("There are no F tests by this function: `", instead, "` has them, with the ",
                                        "degrees of freedom of ddf()."))
  }
}

#' @rdname car.glimmer
#' @exportS3Method car::linearHypothesis
linearHypothesis.glimmer <- function(model, hypothesis.matrix, rhs = NULL, test = c("Chisq", "F"), # nolint
                                     vcov. = NULL, singular.ok = FALSE, verbose = FALSE, ...) { # nolint
  check_dots(linearHypothesis.glimmer, ...)
  refuse_f_test(test, "test", "test_contrasts(fit, L)")
  car::linearHypothesis(fixed_part(model, vcov.), hypothesis.matrix, rhs = rhs, test = "Chisq",
                        singular.ok = singular.ok, verbose = verbose)
}

#' @rdname car.glimmer
#' @exportS3Method car::vif
vif.glimmer <- function(mod, ...) {
  check_dots(vif.glimmer, ...)
  car::vif(fixed_part(mod))
}

#' @rdname car.glimmer
#' @exportS3Method car::deltaMethod
deltaMethod.glimmer <- function(object, g., vcov. = NULL, func = g., constants = NULL, level = 0.95, # nolint
                                rhs = NULL, ..., envir = parent.frame()) {
  check_dots(deltaMethod.glimmer, ...)
  check_level(level)
  car::deltaMethod(fixef.glimmer(object), g., vcov. = given_covariance(vcov., object), func = func,
                   constants = constants, level = level, rhs = rhs, envir = envir)
}

#' @rdname car.glimmer
#' @exportS3Method car::Confint
Confint.glimmer <- function(object, estimate = TRUE, level = 0.95, vcov. = NULL, ...) { # nolint: object_name_linter.
  check_dots(Confint.glimmer, ...)
  check_flag(estimate, "estimate")
  limits <- if (is.null(vcov.)) {
    confint.glimmer(object, "beta_", level = level)
  } else {
    stats::confint.default(fixed_part(object, vcov.), level = level)
  }
  if (estimate) cbind(Estimate = fixef.glimmer(object), limits) else limits
}

#' @exportS3Method car::Boot
Boot.glimmer <- function(object, ...) { # nolint: object_name_linter.
  stop_not_available("object", paste("car::Boot() draws rows or residuals as if they were independent, which those of",
                                     "a mixed model are not: lme4::bootMer() simulates from the fit."))
}
