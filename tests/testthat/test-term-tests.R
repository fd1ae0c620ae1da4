# Tests of terms: against lmerTest, by contrast codings, and by restricted estimates.

term_cases <- function() {
  cases <- ddf_cases()
  data <- lme4::sleepstudy
  set.seed(1)
  data$f <- factor(sample(letters[1:3], 180, TRUE))
  data$h <- factor(sample(1:2, 180, TRUE, c(0.3, 0.7)))
  recoded <- cases$split_plot$data
  contrasts(recoded$nitro) <- "contr.helmert"
  contrasts(recoded$Variety) <- "contr.sum"
  c(cases[c("Machines", "split_plot")],
    list(covariate = list(formula = Reaction ~ Days * f + (1 | Subject), data = data),
         unbalanced = list(formula = Reaction ~ f * h + Days + (Days | Subject), data = data),
         recoded = list(formula = cases$split_plot$formula, data = recoded)))
}

test_that("types I, II and III are those of lmerTest", {
  skip_if_not_installed("lmerTest")
  skip_if_not_installed("pbkrtest")
  for (case in term_cases()) {
    peers <- list(peer_fit(case, FALSE), peer_fit(case, TRUE))
    fits <- lapply(c(FALSE, TRUE), function(REML) glmm(case$formula, case$data, REML = REML))
    for (type in c("I", "II", "III")) {
      for (k in 1:3) {
        method <- c("Satterthwaite", "Satterthwaite", "Kenward-Roger")[k]
        ours <- anova(fits[[min(k, 2L)]], type = type, ddf = method)
        theirs <- anova(peers[[min(k, 2L)]], type = type, ddf = method)
        expect_identical(rownames(ours), rownames(theirs))
        for (column in c("NumDF", "DenDF", "F value", "Pr(>F)")) {
          expect_lt(relative_difference(ours[[column]], theirs[[column]]), 1e-3)
        }
      }
    }
  }
})

test_that("an unbalanced split plot, by ML", {
  fit <- glmm(yield ~ nitro * Variety + (1 | Block / Variety), split_plot_data(), REML = FALSE)
  # lmerTest 3.1-3, anova(lmer(..., REML = FALSE), type = 2) and 3
  two <- cbind(c(3, 2, 6), c(42.74775, 11.41286, 42.69091), c(41.362723, 1.817525, 0.3964879))
  three <- cbind(c(3, 2, 6), c(42.95688, 11.52889, 42.69091), c(40.745638, 1.870929, 0.3964879))
  expect_lt(relative_difference(as.matrix(anova(fit))[, 1:3], two), 1e-3)
  expect_lt(relative_difference(as.matrix(anova(fit, type = 3))[, 1:3], three), 1e-3)
  expect_identical(anova(fit, type = 2), anova(fit, type = "II"))
  expect_identical(names(anova(fit)), c("NumDF", "DenDF", "F value", "Pr(>F)"))
})

test_that("type III does not depend on the coding, for other families either", {
  data <- lme4::cbpp
  set.seed(4)
  data$kind <- factor(sample(c("a", "b", "c"), nrow(data), TRUE))
  formula <- cbind(incidence, size - incidence) ~ period * kind + (1 | herd)
  codings <- list(NULL, list(period = "contr.sum", kind = "contr.helmert"), list(period = "contr.SAS"))
  tables <- lapply(codings, function(coding) anova(glmm(formula, data, binomial, contrasts = coding), type = "III"))
  expect_equal(tables[[2L]], tables[[1L]], tolerance = 1e-5)
  expect_equal(tables[[3L]], tables[[1L]], tolerance = 1e-5)
  expect_identical(names(tables[[1L]]), c("Chisq", "Df", "Pr(>Chisq)"))
  # with sums to zero it is the test of the coefficients themselves
  fit <- glmm(formula, data, binomial, contrasts = list(period = "contr.sum", kind = "contr.sum"))
  own <- 2:4
  wald <- drop(fixef(fit)[own] %*% solve(vcov(fit)[own, own], fixef(fit)[own]))
  expect_equal(tables[[1L]]["period", "Chisq"], wald, tolerance = 1e-5)
})

test_that("chi-squared for a Gaussian response, F with infinite degrees of freedom for others", {
  fit <- glmm(yield ~ nitro + Variety + (1 | Block / Variety), split_plot_data())
  own <- 2:4
  wald <- drop(fixef(fit)[own] %*% solve(vcov(fit)[own, own], fixef(fit)[own]))
  expect_equal(anova(fit, test = "Chisq")["nitro", "Chisq"], wald)
  expect_identical(anova(fit, ddf = "none"), anova(fit, test = "Chisq"))
  counts <- glmm(y ~ trt + (1 | subject), MASS::epil, family = poisson)
  table <- anova(counts, test = "F")
  expect_equal(table$DenDF, Inf)
  expect_equal(table[["Pr(>F)"]], anova(counts)[["Pr(>Chisq)"]])
})

test_that("type I of other families is sequential", {
  data <- transform(lme4::cbpp, size = size + 5)
  formula <- cbind(incidence, size - incidence) ~ log(size) + period + (1 | herd)
  fit <- glmm(formula, data, binomial)
  table <- anova(fit, type = 1)
  # without the later term, as far as the quadratic approximation at the estimates goes
  alone <- anova(glmm(cbind(incidence, size - incidence) ~ log(size) + (1 | herd), data, binomial))
  expect_equal(table$Df, c(1, 3))
  expect_equal(table["period", ], anova(fit)["period", ], ignore_attr = TRUE)
  expect_equal(table["log(size)", "Chisq"], alone$Chisq, tolerance = 0.3)
  expect_false(isTRUE(all.equal(table["log(size)", "Chisq"], anova(fit)["log(size)", "Chisq"], tolerance = 0.3)))
})

test_that("a model of the intercept alone has no terms, an aliased term no columns", {
  fit <- glmm(weight ~ 1 + (1 | Chick), data = ChickWeight)
  expect_identical(dim(anova(fit)), c(0L, 4L))
  expect_identical(dim(anova(fit, type = 3)), c(0L, 4L))
  data <- split_plot_data()
  data$same <- 2 * as.numeric(data$nitro)
  fit <- suppressWarnings(glmm(yield ~ nitro + same + (1 | Block / Variety), data))
  table <- anova(fit)
  expect_identical(is.na(table[["F value"]]), c(FALSE, TRUE))
  expect_equal(table$NumDF, c(3, 0))
  few <- glmm(yield ~ nitro + (1 | Block / Variety), transform(data, nitro = C(nitro, contr.sum, 1)))
  refused(anova(few, type = 3), "contrasts")
  refused(anova(few, type = "IV"), "argument", argument = "type")
  refused(anova(few, test = "LRT"), "argument", argument = "test")
})
