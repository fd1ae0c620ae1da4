test_that("coefficients and standard errors are those of brute force", {
  skip_if_not_installed("MASS")
  truth <- read_fixture("marginal_truth.csv")
  fits <- list(bacteria_logit = bacteria_fit("logit"), bacteria_probit = bacteria_fit("probit"))
  if (requireNamespace("lme4", quietly = TRUE)) {
    model <- truth_model("verbagg60_cross")
    fits$verbagg60_cross <- glmm(model$formula, model$data, binomial(), method = "laplace")
  }
  for (name in names(fits)) {
    rows <- truth[truth$model == name, ]
    for (definition in c("ml", "ls")) {
      found <- marginal(fits[[name]], definition)
      expect_named(coef(found), rows$coefficient)
      expect_equal(unname(coef(found)), rows[[paste0("marginal_", definition)]], tolerance = 1e-4)
      expect_equal(unname(sqrt(diag(vcov(found)))), rows[[paste0("se_", definition)]], tolerance = 1e-4)
    }
    expect_equal(mean(found$means), rows$mean_prob[1], tolerance = 1e-5)
    # the standard error of the average, too
    slopes <- colMeans(averaged_means(fits[[name]], averaging_rows(fits[[name]]))$slopes)
    covariance <- known_covariance_of(fits[[name]], NULL)
    expect_equal(sqrt(c(slopes %*% covariance %*% slopes)), rows$se_mean_prob[1], tolerance = 1e-4)
  }
})

test_that("closed forms: probit, log, identity", {
  skip_if_not_installed("MASS")
  probit <- bacteria_fit("probit")
  sd <- sqrt(VarCorr(probit)$ID[1])
  expect_equal(coef(marginal(probit)), fixef(probit) / sqrt(1 + sd^2), tolerance = 1e-9)
  counts <- glmm(y ~ lbase * trt + V4 + (1 | subject), MASS::epil, nbinom2())
  moved <- coef(marginal(counts)) - fixef(counts)
  expect_equal(unname(moved), c(VarCorr(counts)$subject[1] / 2, 0, 0, 0, 0), tolerance = 1e-8)
  linear <- glmm(weight ~ Time + (Time | Chick), ChickWeight)
  expect_equal(coef(marginal(linear)), fixef(linear), tolerance = 1e-10)
  expect_equal(unname(vcov(marginal(linear))), unname(vcov(linear, full = TRUE)[1:2, 1:2]), tolerance = 1e-8)
})

test_that("derivatives are those of differences, with vector effects and a family's constant", {
  fit <- glmm(rate ~ x + (x | g), slopes_data(), beta_family(), method = "laplace")
  rows <- averaging_rows(fit)
  found <- averaged_means(fit, rows)
  for (j in seq_along(component(fit, "parameters"))) {
    at <- function(by) {
      moved <- fit
      moved$parameters[j] <- moved$parameters[j] + by
      averaged_means(moved, rows, with_slopes = FALSE)$mean
    }
    expect_equal(found$slopes[, j], (at(1e-5) - at(-1e-5)) / 2e-5, tolerance = 1e-6, ignore_attr = TRUE)
  }
  # of a truncated family the mean depends on the constant, too
  counts <- transform(slopes_data(), y = pmax(1, round(10 * rate)))
  truncated <- suppressWarnings(glmm(y ~ x + (1 | g), counts, truncated_nbinom2(), method = "laplace"))
  rows <- averaging_rows(truncated)
  last <- length(truncated$parameters)
  at <- function(by) {
    moved <- truncated
    moved$parameters[last] <- moved$parameters[last] + by
    averaged_means(moved, rows, with_slopes = FALSE)$mean
  }
  expect_equal(averaged_means(truncated, rows)$slopes[, last], (at(1e-4) - at(-1e-4)) / 2e-4, tolerance = 1e-5)
})

test_that("robust standard errors, methods and words", {
  skip_if_not_installed("MASS")
  fit <- bacteria_fit("logit")
  found <- marginal(fit, vcov. = "CR1")
  expect_equal(vcov(found), vcov(marginal(fit, vcov. = vcov(fit, full = TRUE, type = "CR1"))))
  expect_false(isTRUE(all.equal(vcov(found), vcov(marginal(fit)))))
  expect_output(print(found), "Marginal: for the average")
  table <- tidy(found, conf.int = TRUE)
  expect_equal(table$conf.low, unname(confint(found)[, 1]))
  expect_identical(rownames(confint(found, "w2")), "w2")
  expect_error(marginal(fit, vcov. = diag(2)), class = "glimmer_error_argument")
  expect_error(marginal(fit, "gee"), class = "glimmer_error_argument")
  expect_error(marginal(1), class = "glimmer_error_argument")
})

test_that("averages are those of a long simulation, of nested factors", {
  skip_unless_slow()
  set.seed(5)
  data <- data.frame(a = gl(20, 20), b = gl(100, 4), x = rnorm(400))
  data$y <- rbinom(400, 1, plogis(0.5 + data$x + rnorm(20)[data$a] + rnorm(100, 0, 1.5)[data$b]))
  fit <- glmm(y ~ x + (1 | a / b), data, binomial(), method = "laplace")
  mean <- predict(fit, data.frame(x = c(-1, 0, 2)), type = "marginal")
  sds <- vapply(VarCorr(fit), function(term) sqrt(term[1]), 1)
  z <- rnorm(4e5, 0, sqrt(sum(sds^2)))
  drawn <- vapply(c(-1, 0, 2), function(x) mean(plogis(sum(fixef(fit) * c(1, x)) + z)), 1)
  expect_lt(max(abs(mean - drawn)), 4 * 0.5 / sqrt(4e5))
})

test_that("without random effects a marginal coefficient is the conditional one, whatever the mean of a response is", {
  data <- slopes_data()
  data$count <- pmax(1, round(10 * data$rate))
  fits <- suppressWarnings(list(
    glmm(count ~ x + (1 | g), data, truncated_poisson(), method = "laplace"),
    glmm(count ~ x + (1 | g), data, truncated_nbinom2(), method = "laplace"),
    glmm(rate ~ x + (1 | g), data, lognormal("identity"), method = "laplace"),
    glmm(rate ~ x + (1 | g), data, lognormal("log"), method = "laplace")))
  for (fit in fits) {
    fit$parameters[fit$index$theta[[1]]] <- 0
    for (definition in c("ml", "ls")) {
      expect_equal(coef(marginal(fit, definition)), fixef(fit), tolerance = 1e-7)
    }
  }
})

test_that("the whole covariance is by the derivatives of the coefficients in all parameters", {
  skip_if_not_installed("MASS")
  data <- slopes_data()
  data$count <- pmax(1, round(10 * data$rate))
  fits <- suppressWarnings(list(
    glmm(y ~ lbase + V4 + (V4 | subject), MASS::epil, nbinom2(), method = "laplace"),
    glmm(count ~ x + (x | g), data, truncated_nbinom2(), method = "laplace"),
    glmm(rate ~ x + (x | g), data, beta_family(), method = "laplace")))
  for (fit in fits) {
    covariance <- known_covariance_of(fit, NULL)
    for (definition in c("ml", "ls")) {
      slopes <- vapply(seq_along(fit$parameters), function(j) {
        at <- function(by) {
          moved <- fit
          moved$parameters[j] <- moved$parameters[j] + by
          coef(marginal(moved, definition))
        }
        (at(1e-4) - at(-1e-4)) / 2e-4
      }, fixef(fit))
      expect_equal(vcov(marginal(fit, definition)), slopes %*% covariance %*% t(slopes), tolerance = 1e-5,
                   ignore_attr = TRUE)
    }
  }
})

test_that("rows of weight 0 are left out, and coefficients that rows cannot tell are refused", {
  skip_if_not_installed("MASS")
  data <- transform(MASS::bacteria, w = as.numeric(week < 11))
  fit <- glmm(y ~ trt + (1 | ID), data, binomial(), weights = w)
  few <- glmm(y ~ trt + (1 | ID), subset(data, week < 11), binomial())
  contrast <- list(trt = c("placebo", "drug"))
  expect_equal(marginal(fit, contrast = contrast)$estimate, marginal(few, contrast = contrast)$estimate,
               tolerance = 1e-5)
  expect_equal(coef(marginal(fit)), coef(marginal(few)), tolerance = 1e-5)
  expect_error(marginal(few, at = list(trt = "drug")), class = "glimmer_error_argument")
  error <- expect_error(vcov(fit, type = "CR1", cluster = data$week), class = "glimmer_error_argument")
  expect_true(all(error$rows %in% row.names(data)[data$ID == "X01" & data$w > 0]))
})
