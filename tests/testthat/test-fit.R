# The fitted object: plain data that other processes read alike, small, documented, and never changed by a method.

fit_data <- function() {
  set.seed(41)
  data <- data.frame(x = rnorm(120), z = runif(120), g = rep(sprintf("g%02d", 1:12), each = 10),
                     h = rep(LETTERS[1:5], 24), m = 8L)
  eta <- 0.3 + data$x / 2 + rnorm(12, 0, 0.7)[as.integer(factor(data$g))] + rnorm(5, 0, 0.5)[as.integer(factor(data$h))]
  data$y <- rpois(120, exp(eta))
  data$s <- rbinom(120, 8, plogis(eta))
  data
}

object_fits <- function(data = fit_data()) {
  list(slopes = glmm(y ~ poly(x, 2) + offset(z) + (scale(z) | g), data, poisson),
       crossed = glmm(cbind(s, m - s) ~ x + (1 | g) + (1 | h), data, binomial("probit")),
       dispersion = glmm(I(y + 1) ~ x + (1 | g), data, Gamma("log"), weights = z + 1))
}

# Kinds of object in a fit, however deep; formulas and functions are searched through their environments, as far as
# these are neither the global one nor namespaces.
kinds_within <- function(x) {
  seen <- list()
  walk <- function(x) {
    kinds <- typeof(x)
    if (is.environment(x)) {
      known <- any(vapply(seen, identical, logical(1), x))
      if (known || nzchar(environmentName(x))) return(character())
      seen[[length(seen) + 1L]] <<- x
      kinds <- c(kinds, unlist(lapply(ls(x, all.names = TRUE), function(name) walk(get(name, envir = x)))),
                 walk(parent.env(x)))
    } else if (is.function(x) && !is.primitive(x)) {
      kinds <- c(kinds, walk(environment(x)))
    } else if (is.list(x)) {
      kinds <- c(kinds, unlist(lapply(x, walk)))
    }
    c(kinds, unlist(lapply(attributes(x), walk)))
  }
  unique(walk(unclass(x)))
}

serialized_size <- function(x) length(serialize(x, NULL))

# What a fit says, for comparison between processes: numbers as they are, to the last bit.
answers <- function(fit) {
  # the legend of the stars has the quotes of the locale
  old <- options(useFancyQuotes = FALSE)
  on.exit(options(old))
  list(coef = coef(fit), fixef = glimmer::fixef(fit), vcov = vcov(fit, full = TRUE), logLik = logLik(fit),
       elsewhere = logLik(fit, parameters = 0.9 * glimmer::component(fit, "parameters")),
       ranef = as.data.frame(glimmer::ranef(fit)), varcor = as.data.frame(glimmer::VarCorr(fit)),
       confint = confint(fit), predict = predict(fit, se.fit = TRUE), fixed = predict(fit, re.form = NA),
       residuals = residuals(fit), weights = weights(fit, "working"), simulate = simulate(fit, 2, seed = 5)$sim_2,
       refit = glimmer::fixef(glimmer::refit(fit)), drop1 = drop1(fit)$AIC, anova = anova(fit)$Chisq,
       tidy = glimmer::tidy(fit), glance = glimmer::glance(fit), matrix = model.matrix(fit),
       random = as.matrix(model.matrix(fit, type = "random")), printed = utils::capture.output(print(summary(fit))))
}
environment(answers) <- globalenv()

test_that("a fit is plain data", {
  for (fit in object_fits()) {
    kinds <- kinds_within(unclass(fit)[setdiff(names(fit), "family")])
    expect_setequal(setdiff(kinds, c("character", "double", "integer", "list", "logical", "NULL", "symbol", "language",
                                     "environment")), character())
    expect_false("externalptr" %in% kinds_within(fit$family))
  }
})

test_that("the names of the fields are those of the help page", {
  fields <- c("call", "formula", "family", "frame", "terms", "xlevels", "contrasts", "random", "factors", "dropped",
              "kept", "relations", "parameters", "index", "covariance", "covariance_root", "fixed_root", "boundary",
              "modes", "mode_variances", "means", "mean_variances", "quadrature", "second_order", "log_likelihood",
              "nobs", "method", "nAGQ", "REML", "status", "converged", "singular", "search", "control",
              "frame_sums", "version")
  fit <- object_fits()$slopes
  expect_named(fit, fields, ignore.order = TRUE)
  page <- tools::Rd_db("glimmer")[["glimmer-class.Rd"]]
  skip_if(is.null(page), "installed without help pages")
  items <- function(part) {
    if (identical(attr(part, "Rd_tag"), "\\item")) return(paste(unlist(part[[1L]]), collapse = ""))
    if (is.list(part)) unlist(lapply(part, items))
  }
  expect_setequal(unlist(strsplit(items(page), ", ")), names(fit))
})

test_that("a fit does not drag the frame of its maker along, however it was made", {
  data <- fit_data()
  makers <- list(
    formula = function() glmm(y ~ x + (1 | g), data, poisson),
    stored = function() {
      formula <- y ~ x + (1 | g)
      glmm(formula, data, poisson)
    },
    "by value" = function() do.call(glmm, list(y ~ x + (1 | g), data, poisson("log"))),
    "function by value" = function() {
      do.call(glmm, list(y ~ x + (1 | g), data, poisson, na.action = function(object, ...) na.omit(object)))
    },
    "link by name" = function() glmm(y ~ x + (1 | g), data, poisson(link = "log")),
    "link as symbol" = function() glmm(y ~ x + (1 | g), data, poisson(log)),
    "local function" = function() {
      power <- 2
      square <- function(v) v^power
      glmm(y ~ square(x) + (1 | g), data, poisson)
    },
    "no data" = function() {
      y <- data$y
      x <- data$x
      g <- data$g
      glmm(y ~ x + (1 | g), family = poisson)
    },
    "local data" = function() {
      own <- data
      wide <- own$z + 1
      glmm(I(y + 1) ~ poly(x, 2) + splines::ns(z, 2) + (scale(x) | g), own, Gamma("log"), weights = wide,
           offset = x / 9)
    },
    update = function() update(glmm(y ~ 1 + (1 | g), data, poisson), . ~ . + x),
    refit = function() refit(glmm(y ~ x + (1 | g), data, poisson), rev(data$y))
  )
  for (name in names(makers)) {
    maker <- makers[[name]]
    body(maker) <- call("{", quote(big <- rnorm(2e5)), body(maker))
    fit <- maker()
    expect_lt(serialized_size(fit), 2e5, label = name)
    expect_equal(predict(fit, data[1:3, ]), predict(fit)[1:3], label = name)
  }
})

test_that("a fit from a file answers alike in a fresh process", {
  fits <- object_fits()
  folder <- tempfile()
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  saveRDS(list(fits = fits, answers = answers), file.path(folder, "fits.rds"))
  script <- file.path(folder, "answer.R")
  writeLines(c(paste0(".libPaths(", paste(deparse(.libPaths()), collapse = ""), ")"), "stored <- readRDS('fits.rds')",
               "library(glimmer)", "saveRDS(lapply(stored$fits, stored$answers), 'answers.rds')"), script)
  here <- setwd(folder)
  on.exit(setwd(here), add = TRUE, after = FALSE)
  status <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "answer.R"), stdout = FALSE, stderr = FALSE)
  expect_identical(status, 0L)
  expect_identical(readRDS("answers.rds"), lapply(fits, answers), ignore_formula_env = TRUE)
})

test_that("forked and PSOCK workers answer alike", {
  fits <- object_fits()
  mine <- lapply(fits, answers)
  if (.Platform$OS.type == "unix") {
    expect_identical(parallel::mclapply(fits, answers, mc.cores = 2L), mine, ignore_formula_env = TRUE)
  }
  cluster <- parallel::makePSOCKcluster(1L)
  on.exit(parallel::stopCluster(cluster))
  parallel::clusterCall(cluster, eval, call(".libPaths", .libPaths()), globalenv())
  # the methods are found once the package is loaded
  parallel::clusterEvalQ(cluster, loadNamespace("glimmer"))
  expect_identical(parallel::parLapply(cluster, fits, answers), mine, ignore_formula_env = TRUE)
})

test_that("no method changes the fit", {
  namespace <- asNamespace("glimmer")
  # those for other packages are tried with these
  registered <- registered_methods()
  methods <- unique(registered$name[is.na(registered$package) | registered$package %in% c("emmeans", "lme4")])
  methods <- grep("[a-zA-Z1]\\.glimmer$", methods, value = TRUE)
  of_results <- c("VarCorr", "ranef", "coef", "summary", "accuracy", "lrtest", "profile", "marginal",
                  "marginal_contrast", "influence", "comparison")
  methods <- grep(paste0("(", paste(of_results, collapse = "|"), ")\\.glimmer$"), methods, value = TRUE, invert = TRUE)
  methods <- c(methods, "VarCorr.glimmer", "ranef.glimmer", "coef.glimmer", "summary.glimmer", "profile.glimmer",
               "influence.glimmer")
  expect_gt(length(methods), 35L)
  others <- list(getME.glimmer = list(name = "ALL"), confint.glimmer = list(parm = "theta_"),
                 predict.glimmer = list(se.fit = TRUE), vcov.glimmer = list(full = TRUE),
                 add1.glimmer = list(scope = ~ . + I(z^2)),
                 simulate.glimmer = list(seed = 1), tidy.glimmer = list(effects = c("ran_vals", "ran_coefs")),
                 emm_basis.glimmer = list(trms = terms(~ 1), xlev = NULL, grid = data.frame(z = 1)))
  if (!requireNamespace("emmeans", quietly = TRUE)) {
    methods <- setdiff(methods, c("emm_basis.glimmer", "recover_data.glimmer"))
  }
  data <- fit_data()
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  for (fit in object_fits(data)) {
    before <- unserialize(serialize(fit, NULL))
    for (name in methods) {
      method <- get(name, envir = namespace)
      utils::capture.output(invisible(do.call(method, c(list(fit), others[[name]]))))
      expect_identical(fit, before, ignore_formula_env = TRUE, ignore_function_env = TRUE, label = name)
    }
    logLik(fit, parameters = fit$parameters / 2)
    component(fit, "parameters")
    expect_identical(fit, before, ignore_formula_env = TRUE, ignore_function_env = TRUE)
  }
})

test_that("component reads fields, one or several, and names those there are", {
  fit <- object_fits()$slopes
  expect_identical(component(fit, "nobs"), 120L)
  expect_identical(component(fit, c("converged", "nobs")), list(converged = TRUE, nobs = 120L))
  for (wrong in list("nobody", 3, character(), c("nobs", "nobody"))) {
    expect_s3_class(error_of(component(fit, wrong)), "glimmer_error_argument")
  }
  expect_identical(error_of(component(fit, c("nobs", "nobody")))$unknown, "nobody")
  expect_s3_class(error_of(component(unclass(fit), "nobs")), "glimmer_error_argument")
})
