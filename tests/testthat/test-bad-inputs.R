# The 80 cases of fixtures/bad_inputs.csv: each has the outcome wanted, and names what the column `ideal` names.
# Log-likelihoods, coefficients and predictions are those of lme4 or glmmTMB in the csv, or of the peer named here: by
# maximum likelihood and Laplace.

bad_input_cases <- function() {
  code <- new.env()
  sys.source(testthat::test_path("fixtures", "bad_inputs_code.R"), code)
  code$bad_input_code
}

# Data and names that the code of a case may use.
bad_input_environment <- function(fit = function(...) glmm(..., method = "laplace", REML = FALSE)) {
  env <- new.env(parent = globalenv())
  sys.source(testthat::test_path("fixtures", "bad_inputs_data.R"), env)
  env$d <- env$mk()
  env$FIT <- fit
  env$fixed <- nlme::fixef
  env$nb <- function() structure(list(family = "negative binomial", link = "log"), class = "family")
  env$NOFIT <- function(reason) structure(list(reason), class = "nofit")
  env
}

effects_of <- function(wanted, tolerance = 1e-3) {
  function(fit) {
    found <- nlme::fixef(fit)
    if (!isTRUE(all.equal(unname(found), wanted, tolerance = tolerance))) paste("fixed effects", deparse1(found))
  }
}

levels_of <- function(wanted) {
  function(fit) {
    found <- nrow(nlme::ranef(fit)[[1L]])
    if (found != wanted) paste(found, "groups, not", wanted)
  }
}

near <- function(wanted, tolerance) {
  function(value) isTRUE(all.equal(value, wanted, tolerance = tolerance, check.attributes = FALSE))
}

not_worse_than <- function(loglik) {
  function(fit) if (as.numeric(stats::logLik(fit)) < loglik) "a worse optimum than the known one"
}

usual <- fits(-183.04910, check = effects_of(c(0.4176, 0.6207)))

checks <- list(
  # data
  D02 = fails("variable", variable = "nosuch", says = c("nosuch", "(1 | nosuch)")),
  D04 = usual,
  D06 = fails("rows", argument = "data", says = c("1 row", "'g'", "1 level")),
  D07 = usual,
  D09 = usual,
  D10 = fails("data", argument = "data", says = c("must be a data frame", "got matrix")),
  D11 = usual,
  D16 = fits(-127.43093, check = effects_of(c(0.2757, 0.4119))),
  D17 = gives(near(63, 0)),
  D19 = fails("rows", argument = "subset", says = c("0 rows", "`subset`")),
  D21 = fits(-195.30178, check = effects_of(c(0.3322, 0.1961))),
  D24 = fails("family", argument = "family", family = "quasipoisson", says = c("no likelihood", "quasipoisson")),
  D26 = fails("argument", argument = "nAQG", says = c("`nAQG`", "`nAGQ`")),
  # grouping factors
  G01 = fails("grouping", variable = "g", levels = "a", says = c("'g'", "1 level")),
  G03 = fits(-209.24194, check = effects_of(c(0.4978, 0.5559))),
  G04 = warns("unidentified", variable = "id", says = c("'id'", "not identified", "0/1")),
  G05 = fails("replication", term = "(x | g2)", variable = "g2",
              says = c("(x | g2)", "120 random effects", "120 rows")),
  G06 = fits(-86.65458, rows = 60, check = levels_of(6)),
  G07 = fits(-133.85832, rows = 82, check = effects_of(c(0.4487, -0.02013))),
  G08 = usual,
  G09 = usual,
  G14 = fits(-190.94649, check = levels_of(12)),
  G20 = fits(-182.98041, check = effects_of(c(0.4214, 0.625))),
  G24 = fits(-197.20783, check = effects_of(0.4857)),
  G25 = fails("formula", argument = "formula", says = c("parentheses", "(1 | g)")),
  G26 = warns(NA, variable = "g", says = c("'g'", "not identified"),
              then = fits(-183.15292, check = function(fit) if (!isTRUE(fit$singular)) "the SD is not 0")),
  G28 = gives(function(value) inherits(value, "nofit")),
  G29 = usual,
  G30 = fails("rank", term = "(1 + one | g)", columns = "one", says = c("(1 + one | g)", "rank deficient", "'one'")),
  # missing and infinite values
  N03 = fails("nonfinite", variable = "x", rows = 3L, says = c("'x'", "row 3", "Inf")),
  N05 = fails("nonfinite", variable = "yg", rows = 3L, says = c("'yg'", "row 3", "Inf")),
  N06 = warns("noninteger", variable = "yb", then = fits(-92.62890, rows = 119)),
  N09 = fails("nonfinite", variable = "offset(o)", rows = 1L, says = c("offset", "row 1", "-Inf")),
  N10 = fits(-181.86118, rows = 119, check = levels_of(12)),
  # lme4 with that level called "none"
  N11 = fits(-183.067686, check = levels_of(13)),
  N13 = fails("missing", variable = "yg", rows = 3L, says = c("missing values in object", "'yg'", "row 3")),
  N15 = fails("rows", variable = "x", says = c("0 complete rows", "'x'")),
  # methods
  P05 = fails("levels", variable = "g", levels = "new", says = c("'new'", "'g'", "allow.new.levels = TRUE")),
  P06 = gives(near(c(0.02870411, 0.53156435), 1e-5)),
  P07 = gives(near(0, 0)),
  P09 = gives(near(c(0.08892724, 0.59178748), 1e-5)),
  P11 = gives(near(0, 1e-12)),
  P12 = gives(near(c(0.08892724, NA, -0.04091607), 1e-5)),
  P13 = gives(near(c(0.02870411, 0.53156435), 1e-5)),
  P14 = gives(near(0, 0)),
  P17 = gives(near(3, 0)),
  P18 = gives(near(0, 1e-6)),
  P20 = gives(near(0, 1e-6)),
  P21 = gives(isTRUE),
  # responses
  R02 = fails("response", variable = "f", levels = c("a", "b", "c"), says = c("'f'", "3 levels", "binomial needs 2")),
  R04 = fits(-76.07447, check = effects_of(c(0.4454, 0.6229))),
  R06 = warns("noninteger", variable = "pr", says = c("'pr'", "not whole", "weights = trials"),
              then = fits(check = effects_of(c(0.3372, 0.4896)))),
  R07 = gives(near(c(-238.3781, -238.3781), 1e-6)),
  R10 = fails("response", rows = 2L, column = "s", says = c("'s'", "negative", "row 2")),
  R11 = fails("response", rows = 2L, column = "m - s", says = c("'m - s'", "negative", "row 2")),
  R12 = fails("response", variable = "yc", rows = 5L, says = c("'yc'", "row 5", "0 or more")),
  R13 = warns("noninteger", variable = "yc", says = c("'yc'", "120 of 120 rows", "quasi-likelihood"),
              then = fits(-201.15346)),
  R14 = fits(check = not_worse_than(-1420.59652)),
  # the family is not there yet
  R15 = fails("family", argument = "family", family = "negative binomial", says = c("negative binomial", "poisson")),
  R16 = fails("response", variable = "yp", rows = 7L, says = c("'yp'", "row 7", "greater than 0")),
  # stats::glm(), which is the model with an SD of 0
  R18 = fits(-76.5462437),
  R23 = structure(function(outcome) {
    signals <- c(if (!is.null(outcome$error)) list(outcome$error), outcome$warnings)
    condition_problems(if (length(signals)) signals[[1L]], NA, says = "yc", facts = list(variable = "yc"))
  }, kind = "warn"),
  R27 = fails("response", variable = "yg", class_found = "Date", says = c("'yg'", "'Date'", "as.numeric")),
  # variances
  V03 = fits(68.12786, check = function(fit) if (!isTRUE(fit$singular)) "not called singular"),
  V04 = fits(check = not_worse_than(-19.8916)),
  V05 = warns(NA, says = "'g'", variable = "g"),
  # weights and offset
  # lme4 without row 3
  W02 = fits(-186.685123, rows = 119),
  W03 = fails("weights", argument = "weights", says = c("`weights`", "length 50", "120 rows")),
  W04 = fails("weights", argument = "weights", says = c("`weights`", "must be numeric", "character")),
  W06 = fails("offset", argument = "offset", says = c("`offset`", "length 7")),
  # covariates
  X02 = warns("aliased", columns = "k", says = c("'k'", "constant"),
              then = fits(-183.04910, check = effects_of(c(0.4176, 0.6207)))),
  X03 = fails("levels", variable = "k", levels = "a", says = c("'k'", "1 level")),
  X04 = fits(-190.94649, check = effects_of(c(0.4215, 0.4763e-10))),
  X05 = fits(-190.94649, check = effects_of(c(0.4215, 0.4763e10))),
  X06 = fits(-76.07447),
  X08 = fits(2580.05301, check = effects_of(c(4.176e-11, 6.207e-11))),
  X09 = fits(-180.90273, check = effects_of(c(0.4151, 6.314e-07))),
  X12 = fits(-182.64302, check = effects_of(c(0.4117, 0.6212, -0.08785))),
  X17 = warns(NA, says = "'fc'", then = fits(-54.63129, tolerance = 1e-3)),
  X18 = fits(-197.13169, check = effects_of(c(0.4856, 0.04528, 0.06423)))
)

cases <- read_fixture("bad_inputs.csv")
code <- bad_input_cases()
needed <- list(D07 = "tibble", D09 = "dplyr")

for (id in names(checks)) {
  test_that(paste0(id, ": ", cases$title[cases$id == id]), {
    if (!is.null(needed[[id]])) skip_if_not_installed(needed[[id]])
    problems <- checks[[id]](outcome_of(code[[id]], bad_input_environment()))
    expect_identical(as.character(problems), character())
  })
}

test_that("by the default method each case says the same, and gives an answer where Laplace does", {
  classes <- function(outcome) {
    found <- c(class(outcome$error)[1L], vapply(outcome$warnings, function(warning) class(warning)[1L], ""))
    # where levels are separated a search ends somewhere on its way to infinity
    if ("glimmer_warning_separation" %in% found) setdiff(found, "glimmer_warning_convergence") else found
  }
  skip_if_not_installed("tibble")
  skip_if_not_installed("dplyr")
  for (id in setdiff(names(checks), "G04")) {
    by_default <- outcome_of(code[[id]], bad_input_environment(glmm))
    expect_identical(classes(by_default), classes(outcome_of(code[[id]], bad_input_environment())), info = id)
    if (inherits(by_default$value, "glimmer")) expect_true(is.finite(stats::logLik(by_default$value)), info = id)
  }
})

test_that("the checks are those of the table", {
  expect_identical(names(code), cases$id)
  expect_setequal(names(checks), cases$id)
  expect_length(checks, 80L)
  bare <- function(text) gsub("[[:space:]]", "", text)
  as_text <- function(expression) gsub("^[{]|[}]$", "", bare(paste(deparse(expression), collapse = " ")))
  written <- vapply(lapply(cases$code, function(text) gsub("^[{]|[}]$", "", bare(text))), identity, "")
  expect_identical(unname(vapply(code, as_text, "")), written)
  kinds <- vapply(checks[cases$id], attr, "", which = "kind")
  expect_identical(kinds[cases$class != "either" & kinds != cases$class], c(R15 = "error"))
})

test_that("a million levels fit in memory in proportion", {
  skip_unless_slow()
  set.seed(28)
  n <- 1e6
  big <- data.frame(y = rpois(n, 1), x = rnorm(n), id = seq_len(n))
  gc(reset = TRUE)
  fit <- glmm(y ~ x + (1 | id), big, poisson)
  expect_lt(sum(gc()[, "max used"] * c(56, 8)), 2e9)
  expect_true(fit$converged)
  expect_equal(nlme::fixef(fit)[["x"]], 0, tolerance = 0.01)
})
