# Choices, flags and extra arguments of methods: classed errors for mistakes, silence for what clients pass.

test_that("a choice that is none is a classed error that lists the choices", {
  fit <- argument_fit()
  variances <- VarCorr(fit)
  wrong <- list(quote(model.matrix(fit, type = "randm")), quote(drop1(fit, test = "F")),
                quote(as.data.frame(variances, order = "upper")), quote(format(variances, comp = "SD")),
                quote(format(variances, comp = character())), quote(residuals(fit, "deviant")),
                quote(weights(fit, "posterior")), quote(predict(fit, type = "terms")))
  chosen <- list("fixed", "Chisq", "cov.last", "Std.Dev.", "Variance", "working", "prior", "link")
  for (case in seq_along(wrong)) {
    error <- error_of(eval(wrong[[case]]))
    expect_s3_class(error, "glimmer_error_argument")
    expect_match(conditionMessage(error), chosen[[case]], fixed = TRUE)
  }
  expect_identical(match_choice("de", c("deviance", "pearson"), "type"), "deviance")
  expect_identical(match_choices(c("b", "a"), c("a", "b", "c"), "x"), c("b", "a"))
})

test_that("near misses of an argument are errors that name it", {
  fit <- argument_fit()
  missed <- list(add.dropped = quote(fixef(fit, add_dropped = TRUE)), full = quote(vcov(fit, Full = TRUE)),
                 parameters = quote(logLik(fit, paramters = 1)), fixed.only = quote(formula(fit, fixedonly = TRUE)),
                 fixed.only = quote(terms(fit, fixed_only = FALSE)),
                 fixed.only = quote(model.frame(fit, fixed_only = TRUE)),
                 type = quote(model.matrix(fit, Type = "random")),
                 condVar = quote(ranef(fit, condvar = FALSE)), sigma = quote(VarCorr(fit, Sigma = 2)),
                 level = quote(summary(fit, levels = 0.9)), level = quote(confint(fit, Level = 0.9)),
                 conf.int = quote(tidy(fit, conf_int = TRUE)), newdata = quote(augment(fit, new_data = InsectSprays)),
                 trace = quote(drop1(fit, Trace = TRUE)), scaled = quote(residuals(fit, scale = TRUE, Scaled = TRUE)),
                 type = quote(weights(fit, Type = "working")), newresp = quote(refit(fit, newrep = 1)),
                 nsim = quote(simulate(fit, n_sim = 2)), re.form = quote(predict(fit, reform = NA)),
                 re.form = quote(predict(fit, re_formula = NA)), level = quote(confint(fit, conf.level = 0.9)),
                 conf.level = quote(tidy(fit, level = 0.9)), level = quote(summary(fit, conf.level = 0.9)),
                 nAGQ = quote(update(fit, nagq = 3)), test = quote(anova(fit, tests = "F")),
                 status = quote(glance(fit, statsu = TRUE)), order = quote(as.data.frame(VarCorr(fit), oder = "x")))
  for (k in seq_along(missed)) {
    error <- error_of(eval(missed[[k]]))
    expect_s3_class(error, "glimmer_error_argument")
    expect_match(conditionMessage(error), paste0("did you mean `", names(missed)[k], "`"), fixed = TRUE)
    expect_identical(error$suggestion, names(missed)[k])
  }
  for (call in expression(predict(fit, level = 0), predict(fit, marginal = TRUE), predict(fit, ci = TRUE),
                          vcov(fit, robust = "HC0"), nobs(fit, 3), coef(fit, "block"), fitted(fit, "link"),
                          tidy(fit, mode = 1), predict(fit, random.only = TRUE), tidy(fit, vcov = vcov(fit)))) {
    expect_s3_class(error_of(eval(call)), "glimmer_error_argument")
  }
})

# Values that an argument must refuse.
wrong_flags <- list(NA, "a", 2, c(TRUE, FALSE), NULL, list(TRUE))
wrong_numbers <- list("a", NA, c(1, 2), TRUE, NULL, list(1), -1)
wrong_digits <- list("a", NA, 0, 2.5, c(3, 4), TRUE, list(3), 99)
wrong_levels <- list("a", NA, 0, 1, c(0.9, 0.95), NULL, list(0.9))
wrong_choices <- list(3, NA, "nothing", list("nothing"), character())

# By method "*" where it is the same for all that have the argument.
wrong_arguments <- list(
  "*" = list(
    se.fit = wrong_flags, allow.new.levels = wrong_flags, condVar = wrong_flags, drop = wrong_flags,
    add.dropped = wrong_flags, full = wrong_flags, fixed.only = wrong_flags, random.only = wrong_flags,
    scaled = wrong_flags, refit = wrong_flags, conf.int = wrong_flags,
    exponentiate = wrong_flags, status = wrong_flags,
    correlation = wrong_flags,
    signif.stars = wrong_flags, evaluate = wrong_flags, digits = wrong_digits, k = wrong_numbers, n = wrong_numbers,
    sigma = wrong_numbers, tol = wrong_numbers, level = wrong_levels, conf.level = wrong_levels, type = wrong_choices,
    test = wrong_choices, order = wrong_choices, comp = wrong_choices, method = wrong_choices,
    information = wrong_choices,
    conf.method = wrong_choices, effects = wrong_choices, scales = wrong_choices, name = c(wrong_choices, list(NULL)),
    trace = list(NA, "z", c(1, 2), list(TRUE), NULL), nsim = c(wrong_numbers, list(0, 1.5, Inf)),
    seed = list("a", NA, c(1, 2), TRUE, 1e10, list(1)), use.u = list(NA, "a", 2, list(TRUE)),
    whichel = list(list(1), NA, TRUE, "nothing", 0, 9, 1.5, NA_character_),
    parm = list(list(1), NA, TRUE, "nothing", 9),
    parameters = list("a", 1, NA, list(1, 2)), re.form = list("a", 3, TRUE, y ~ x, ~ (1 | nothing), list(NA)),
    newdata = list(3, "a", list(1)), na.action = list(3, NA, "nothing", "", list(na.omit)),
    data = list(3, "a", list(1), NULL), scope = list(3, TRUE, NULL, list("spray"), "nothing", ~nothing),
    formula. = list(3, TRUE, NULL, "y ~", list(1)), newresp = list(3, "a", list(1), TRUE),
    model.names = list(3, "a", c("a", "a"), list("a", "b")), ddf = wrong_choices,
    L = list("a", NA, c(1, 2), list(1), TRUE, matrix(0, 0, 6)), vcov. = list("nothing", NA, diag(2), list(1), TRUE),
    cluster = list("nothing", 1:3, list(1), TRUE), boot.type = wrong_choices, absolute = wrong_flags,
    reduce.terms = wrong_flags, exact = wrong_flags, groups = list(3, TRUE, list(1), "nothing", NA),
    definition = wrong_choices,
    contrast = list(3, TRUE, list(1), "nothing", list(spray = "A")), at = list(3, TRUE, list(1), list(nothing = 1)),
    alphamax = wrong_levels, levels = list("a", NA, 0, 1, NULL, list(0.9)), points = c(wrong_numbers, list(1, 2.5)),
    statistic = list(3, "fixef", TRUE, list(1))),
  profile.glimmer = list(which = list(list(1), NA, TRUE, "nothing", 9)),
  # what is to be added need not be there
  add1.glimmer = list(scope = list(3, TRUE, NULL, list("spray"), ~nothing)),
  # a number is a type, too
  anova.glimmer = list(type = list(4, NA, "nothing", list("nothing"), character()),
                       refit = setdiff(wrong_flags, list(NULL))),
  print.influence.glimmer = list(n = c(wrong_numbers, list(0, 1.5))),
  logLik.glimmer = list(REML = setdiff(wrong_flags, list(NULL))),
  plot.glimmer = list(which = list(NA, "nothing", list("nothing"), character(), 0, 3, 1.5, c(1, NA), TRUE)),
  lrtest.glimmer = list(name = list(3, NA, "nothing")),
  glmm = list(
    family = list(3, "nothing", NA, NULL, list(1)), contrasts = list(3, "a", NA, list(1)),
    method = c(wrong_choices, list(NULL)),
    nAGQ = list("a", -1, NA, 1.5, c(1, 2), list(1), TRUE), REML = setdiff(wrong_flags, list(NULL)),
    start = list("a", 1:2, NA, list("a")),
    control = list(3, NULL, list(), "a"), na.action = list(3, NA, "nothing", "", list(na.omit))),
  glmm_control = list(max_evaluations = c(wrong_numbers, list(1.5, 0)), gain_limit = c(wrong_numbers, list(2)),
                      threads = c(setdiff(wrong_numbers, list(NULL)), list(0, 1.5)),
                      verbose = c(wrong_numbers, list(3, 0.5)),
                      accuracy = c(setdiff(wrong_numbers, list(NULL)), list(0, 2))),
  component = list(name = c(wrong_choices, list(NULL)))
)

# Those that play no part, or (of glmm()) are evaluated with the data: see test-bad-inputs.R.
other_arguments <- c("...", "scale", "row.names", "optional", "formula", "weights", "offset", "subset")

# The method with each of the values: a classed error with the argument's name, and no word from R beside it.
expect_refused <- function(method, first, argument, values, name) {
  for (value in values) {
    call <- as.call(c(list(method), first, stats::setNames(list(value), argument)))
    utils::capture.output(outcome <- outcome_of(call))
    problems <- c(condition_problems(outcome$error, NA, says = argument, facts = list(argument = argument)),
                  vapply(outcome$warnings, conditionMessage, ""))
    expect_identical(problems, character(), label = paste0(name, "(", argument, " = ", deparse1(value), ")"))
  }
}

test_that("every argument of every method refuses what it cannot be, by a classed error that names it", {
  fit <- argument_fit()
  namespace <- asNamespace("glimmer")
  methods <- registered_methods()
  # what the clients hand over is their business
  names <- c(methods$name[is.na(methods$package) | methods$package == "lme4"], "glmm_control", "component", "ddf",
             "test_contrasts", "bootstrap", "ranova", "marginal")
  names <- setdiff(names, c("refit_by_lme4", "emm_basis.glimmer"))
  expect_gt(length(names), 40L)
  objects <- list(VarCorr = VarCorr(fit), ranef = ranef(fit), coef = coef(fit), summary = summary(fit),
                  profile = profile(fit, "theta_"), marginal = marginal(fit), influence = influence(fit, "block"),
                  bootstrap = bootstrap(fit, nsim = 5, seed = 1))
  for (name in names) {
    method <- get(name, envir = namespace)
    class <- sub("^.+[.](VarCorr|ranef|coef|summary|profile|marginal|influence)[.]glimmer$", "\\1", name)
    class <- sub("^.+[.]glimmer_(bootstrap)$", "\\1", class)
    first <- if (name == "glmm_control") list() else list(if (class == name) fit else objects[[class]])
    arguments <- names(formals(method))
    arguments <- setdiff(if (length(first)) arguments[-1L] else arguments, other_arguments)
    table <- c(wrong_arguments[[name]], wrong_arguments[["*"]])
    expect_identical(setdiff(arguments, names(table)), character(), label = paste("untested arguments of", name))
    more <- if (name == "anova.glimmer") list(fit)
    for (argument in intersect(arguments, names(table))) {
      expect_refused(method, c(first, more), argument, table[[argument]], name)
    }
  }
  first <- list(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)))
  for (argument in names(wrong_arguments$glmm)) {
    expect_refused(glmm, first, argument, wrong_arguments$glmm[[argument]], "glmm")
  }
})
