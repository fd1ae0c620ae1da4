#' Fit a generalized linear mixed model
#'
#' @param formula Two-sided formula in the syntax of 'lme4': fixed effects, and random terms in parentheses,
#'   `(1 | g)`, `(x | g)`, `(x || g)`. Under `||` every column of the term's model matrix, also those of a factor,
#'   has a variance of its own and no correlations.
#' @param data Data frame (also a tibble or data.table), named list or environment; see section "Data". Without it
#'   variables are looked up in the formula's environment.
#' @param family Family object, function or name: `gaussian` (links identity, log, inverse), `binomial` (logit, probit,
#'   cloglog, cauchit, log), `poisson` (log, identity, sqrt), `Gamma` (inverse, log, identity), `inverse.gaussian`
#'   (1/mu^2, log, inverse, identity).
#' @param weights Prior weights, one number a row, zero or more; see section "Weights".
#' @param offset Number a row, on the scale of the linear predictor, added to the `offset()` terms of the formula.
#' @param subset Logical, or row numbers: the rows to use.
#' @param na.action What to do with missing values: [stats::na.omit()] leaves out their rows, [stats::na.exclude()] also
#'   but gives `NA` for them in residuals, fitted values, predictions and simulations, [stats::na.fail()] is an error.
#'   A function or its name; by default that of `options("na.action")`, which is `"na.omit"` unless it was set.
#' @param contrasts Named list of contrasts, as in [stats::lm()].
#' @param method The approximation of the likelihood: `"aghq"`, adaptive quadrature, for one grouping factor;
#'   `"laplace"`; or `"joint"`, which takes the fixed effects at their joint mode with the random effects (fast and
#'   rough: for a first look). `"auto"`, the default, is quadrature where there is one grouping factor with up to four
#'   random effects, with as many nodes as the data ask for; Laplace otherwise; see section "The likelihood".
#'   `"laplace2"` is not there yet.
#' @param nAGQ The habit of 'lme4': 0 stands for `"joint"`, 1 for `"laplace"`, more for quadrature with that many nodes
#'   for each random effect of a level. `NULL`, the default, lets the data choose. An error when it disagrees with
#'   `method`.
#' @param REML Logical: restricted maximum likelihood, for every family, or maximum likelihood. `NULL`, the default, is
#'   REML for a Gaussian response with identity link, as in 'lme4', 'nlme' and SAS, and maximum likelihood for others;
#'   see section "REML".
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
#' lambda w. A binomial response may be 0/1, logical or a two-level
#' factor (the first level is failure), or a proportion with the trials as weights; of `cbind(success, failure)` and
#' of counts (Poisson) w multiplies the log-density. A row of weight 0 counts neither for the likelihood nor for
#' `nobs()`.
#'
#' @section The likelihood:
#' Random effects are b = Lambda u with u standard normal, and u is integrated out. The Laplace approximation takes the
#' log-density of the data and u at its mode in u, and the determinant of its observed Hessian there. For a Gaussian
#' response with identity link that is exact. All constants are included, so that `logLik()` and `AIC()` compare with
#' those of [stats::glm()] and of other packages, whatever the approximation.
#'
#' With one grouping factor the integral over each level's effects is by adaptive Gauss-Hermite quadrature, around mode
#' and curvature, or where the integrand is wide and flat by the trapezoid rule around mean and covariance. The number
#' of nodes is chosen level by level: as few as keep the sum of the levels' errors, each judged by a rule with more
#' nodes, below 1e-5 in the log-likelihood (up to 1e-4 with many levels), and the change that this would make in an
#' estimate below 0.001 standard errors. What error is left, judged by twice the nodes, is printed, also for a number of
#' nodes given by `nAGQ`, and marked above 1e-3 and 0.01. More than 100,000 nodes a level are refused. Where a link
#' restricts the mean and cuts the integrand off, so that no maximum is found by quadrature, or where this would take
#' too long (beyond some ten seconds for some hundreds of rows, and in proportion for more), `"auto"` is Laplace, and
#' the status marks the fit; `method = "aghq"` takes its time. [accuracy()] compares approximations.
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
                 start = NULL, control = glmm_control(), ...) {
  use_usual_text()
  refuse_arguments(match.call(expand.dots = FALSE)$...)
  caller <- parent.frame()
  call <- resolve_dots(match.call(), caller)
  call[[1L]] <- callable(call[[1L]])
  evaluate_arguments(environment())
  family <- resolve_family(family, call$family)
  approximation <- resolve_method(method, nAGQ, REML, family)
  check_control(control)
  parts <- parse_formula(formula, data, caller)
  with_memory_error({
    frame <- build_frame(call, parts, caller, data)
    design <- build_design(parts, frame, family, contrasts)
  })
  approximation <- settle_method(approximation, design, family)
  with_memory_error({
    model <- prepare_search(design, family, approximation, control, start)
    design <- without_columns(design)
    result <- run_search(model, design, family, approximation, control)
  })
  warn_verdict(result$verdict, frame)
  new_fit(call, parts, frame, family, design, result, approximation, control)
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
    for (argument in c("formula", "data", "family", "contrasts", "method", "nAGQ", "REML", "start", "control")) {
      get(argument, envir = frame)
    }
  }, function(e) {
    if (inherits(e, "glimmer_error")) stop(e)
    word <- if (argument == "family") family_word(eval(quote(substitute(family)), frame))
    refuse_family_word(word, names(families))
    known <- families[[c(word, "")[1L]]]
    stop_glimmer("argument", paste0("`", argument, "` cannot be evaluated: ", conditionMessage(e), ".",
                                    if (!is.null(known)) paste0(" The links of ", known$name, " are ",
                                                                join_items(known$links, 10L), ".")),
                 argument = argument, parent = e)
  })
}

#' The stages from the design to the verdict: a look at the response, engine, start, search, another look, judgement
#'
#' @param design Result of [build_design()]. @param family Family object. @param approximation [resolve_method()].
#' @param control,start As in [glmm()].
#' @return List: `index` and `names` of the parameters (see [new_engine()]), `found` ([maximise()]),
#'   `verdict` ([judge()]), `modes` ([engine_modes()]), `moments` ([engine_moments()], by quadrature).
#' @noRd
fit_design_by <- function(design, family, approximation, control, start = NULL) {
  with_memory_error({
    run_search(prepare_search(design, family, approximation, control, start), design, family, approximation, control)
  })
}

#' The first half of these: what needs the columns of X, which the core has from then on
#'
#' @return List: `engine`, `own` and `begin` (starts of the package, and of the search), `basis` ([find_basis()], its
#'   design without columns), `reach` ([column_reach()] of X).
#' @noRd
prepare_search <- function(design, family, approximation, control, start = NULL) {
  check_variation(design, family)
  basis <- find_basis(design, family)
  release_memory(length(design$y))
  engine <- engine_layout(basis$design, family, found_inside(family, approximation), approximation$REML)
  if (!is.null(start)) start <- enter_basis(basis, engine, check_start(start, engine))
  own <- find_start(basis$design, family, engine)
  release_memory(length(design$y))
  engine <- open_engine(engine, basis$design, family, control$threads)
  basis$design <- without_columns(basis$design)
  own <- shrink_effects(engine, own)
  begin <- if (is.null(start)) own else inside_start(engine, start)
  reach <- if (is.null(basis$from)) engine$reach else column_reach(design$X)
  list(engine = engine, own = own, begin = begin, basis = basis, reach = reach)
}

# What evaluations find themselves, see engine_layout().
found_inside <- function(family, approximation) {
  if (is_linear(family)) "profile" else if (approximation$REML) "integrated" else "modes"
}

#' The second half
#'
#' @param model Result of [prepare_search()]. @param design Its design, with or [without_columns()].
#' @noRd
run_search <- function(model, design, family, approximation, control) {
  release_memory(length(design$y), all = TRUE)
  engine <- model$engine
  found <- maximise(engine, model$begin, model$own, approximation, control)
  check_exact_fit_after(found$parameters, model$basis$design, family,
                        whole = find_basis(with_columns(design), family)$design)
  ok <- engine_evaluate(engine, found$parameters)$status == "ok"
  modes <- engine_modes(engine, design, ok)
  moments <- if (ok && !is.null(found$rule)) engine_moments(engine, design, found$rule)
  if (ok && !engine$linear) {
    found$overdispersion <- find_overdispersion(engine, design, modes, moments)
    if (approximation$method == "laplace") {
      found$information <- level_information(engine, design, found$parameters)
      found$advice <- better_than_laplace(design, approximation)
    }
    found$joint <- approximation$method == "joint"
  }
  found <- leave_basis(model$basis, engine, found)
  engine$reach <- model$reach
  list(found = found, moments = moments, verdict = judge(found, design, engine, control), index = engine$index,
       names = engine$names, modes = modes)
}

#' Which approximation is meant by `method`, `nAGQ` and `REML`
#'
#' @return Result of [new_approximation()], the method perhaps "auto".
#' @noRd
resolve_method <- function(method, nAGQ, REML, family) {
  methods <- c("auto", "laplace", "joint", "aghq", "laplace2")
  if (!is.character(method) || length(method) != 1L || !method %in% methods) {
    refuse_choice(method, setdiff(methods, "laplace2"), "method")
  }
  if (is.null(REML)) REML <- is_linear(family)
  check_flag(REML, "REML")
  habit <- method_of_nodes(nAGQ)
  if (!is.null(habit) && method != "auto" && method != habit) {
    stop_glimmer("argument", paste0("`nAGQ = ", nAGQ, "` stands for the method '", habit, "', but `method` is '",
                                    method, "'. Give one of them."), argument = "nAGQ")
  }
  if (!is.null(habit)) method <- habit
  if (method == "laplace2") {
    stop_not_available("method", paste("The method 'laplace2' is not there yet: use 'aghq' with one grouping factor;",
                                       "with several there is 'laplace', whose accuracy the status of the fit speaks",
                                       "of."))
  }
  new_approximation(method, if (method == "aghq") nAGQ, REML = REML)
}

#' What a fit is made by
#'
#' @param method Character. @param nodes `NULL`, or the user's number of nodes for each effect.
#' @param chosen Logical: whether the method stands for "auto". @param REML Logical.
#' @noRd
new_approximation <- function(method, nodes = NULL, chosen = FALSE, REML = FALSE) {
  list(method = method, nodes = nodes, chosen = chosen, REML = REML)
}

#' The method for a design: what "auto" means, and whether there can be quadrature
#'
#' @param approximation Result of [resolve_method()].
#' @return The same, its method not "auto"; `chosen`, whether it was.
#' @noRd
settle_method <- function(approximation, design, family) {
  effects <- ncol(design$factors[[1L]]$Z)
  factors <- vapply(design$factors, function(factor) factor$name, "")
  if (is_linear(family)) {
    # whatever is asked for
    return(new_approximation("exact", REML = approximation$REML))
  }
  if (approximation$REML) check_restricted(approximation$method)
  if (approximation$method == "auto") {
    by_quadrature <- length(factors) == 1L && !approximation$REML && has_quadrature(effects)
    approximation$method <- if (by_quadrature) "aghq" else "laplace"
    approximation$chosen <- TRUE
  } else if (approximation$method == "aghq") {
    check_quadrature(approximation$nodes, effects, factors)
  }
  approximation
}

#' Refuse what quadrature cannot do
#'
#' @param instead Character: what to use where there are several grouping factors, or too many effects.
#' @param argument Character: the argument that gave the nodes.
#' @noRd
check_quadrature <- function(nodes, effects, factors, instead = laplace_instead, argument = "nAGQ") {
  if (length(factors) > 1L) {
    stop_glimmer("quadrature", paste0("Quadrature is for one grouping factor, and the formula has ", length(factors),
                                      ": ", format_items(factors), ". Use ", instead, "."),
                 factors = factors)
  }
  if (is.null(nodes) && !has_quadrature(effects)) {
    stop_glimmer("quadrature", paste0("Each level of ", format_items(factors), " has ", effects, " random effects: ",
                                      "too many to choose the number of nodes by the data. Leave out random effects, ",
                                      "give the number of nodes in the fit (`nAGQ`), or use ", instead, "."),
                 factors = factors, effects = effects)
  }
  if (!is.null(nodes) && nodes^effects > most_nodes) {
    most <- floor(most_nodes^(1 / effects) + 1e-9)
    if (most > 1) instead <- paste("up to", count_text(most), "nodes")
    if (most > 1 && has_quadrature(effects)) instead <- paste0(instead, ", or leave `", argument, "` out")
    stop_glimmer("quadrature", paste0("`", argument, " = ", count_text(nodes), "` asks for ",
                                      count_text(nodes^effects), " nodes for each level of ", format_items(factors),
                                      ", which has ", effects, " random ", agree(effects, "effect", "effects"),
                                      ": at most ", count_text(most_nodes), " are possible. Use ", instead, "."),
                 nodes = nodes, effects = effects, most = most)
  }
}

laplace_instead <- paste("method = \"laplace\", which is less accurate: the status of the fit says how far it can be",
                         "trusted")

# The approximations that have a restricted likelihood.
check_restricted <- function(method) {
  why <- switch(method,
    aghq = paste("the integral over the fixed effects couples all groups, so that it is no product of integrals of few",
                 "dimensions, which quadrature needs"),
    joint = "the joint method takes the fixed effects at their mode, and integrates over the random effects only"
  )
  if (!is.null(why)) {
    stop_glimmer("argument", paste0("`REML = TRUE` integrates over the fixed effects, and is not there for the ",
                                    "method '", method, "': ", why, ". Use REML = FALSE, or ", laplace_instead, "."),
                 argument = "REML", method = method)
  }
}

method_of_nodes <- function(nAGQ) {
  if (is.null(nAGQ)) {
    return(NULL)
  }
  if (!is.numeric(nAGQ) || length(nAGQ) != 1L || is.na(nAGQ) || nAGQ < 0 || nAGQ != round(nAGQ)) {
    stop_glimmer("argument", "`nAGQ` must be a whole number: 0, 1, or the number of nodes.", argument = "nAGQ")
  }
  c("joint", "laplace", "aghq")[min(nAGQ, 2) + 1L]
}

stop_not_available <- function(argument, message, ...) {
  stop_glimmer("not_available", message, argument = argument, ...)
}

check_control <- function(control) {
  if (!inherits(control, "glimmer_control")) {
    stop_glimmer("argument", "`control` must be the result of glmm_control().", argument = "control")
  }
}
