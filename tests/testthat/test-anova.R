# Comparisons of fits: against lme4, and in closed form.
sleep_data <- function() truth_model("sleep_lmm_ml")$data

test_that("the table is that of lme4", {
  skip_if_not_installed("lme4")
  data <- sleep_data()
  slope <- glmm(Reaction ~ Days + (Days | Subject), data, REML = FALSE)
  intercept <- glmm(Reaction ~ Days + (1 | Subject), data, REML = FALSE)
  null <- glmm(Reaction ~ 1 + (1 | Subject), data, REML = FALSE)
  ours <- anova(slope, intercept, null)
  peer <- anova(lme4::lmer(Reaction ~ Days + (Days | Subject), data, REML = FALSE),
                lme4::lmer(Reaction ~ Days + (1 | Subject), data, REML = FALSE),
                lme4::lmer(Reaction ~ 1 + (1 | Subject), data, REML = FALSE), model.names = c("a", "b", "c"))
  expect_s3_class(ours, c("anova.glimmer", "anova", "data.frame"), exact = TRUE)
  columns <- c("npar", "AIC", "BIC", "logLik", "deviance", "Chisq", "Df", "Pr(>Chisq)")
  expect_identical(names(ours), c(columns, "Pr(mixture)"))
  expect_identical(rownames(ours), c("null", "intercept", "slope"))
  for (k in seq_along(columns)) {
    expect_equal(as.numeric(ours[[k]]), as.numeric(peer[[k]]), tolerance = 1e-4, label = columns[k])
  }
  expect_identical(rownames(anova(slope, null, model.names = c("large", "small"))), c("small", "large"))
  expect_error(anova(slope, null, model.names = "large"), class = "glimmer_error_argument")
})

test_that("an added random effect is tested by the mixture too", {
  data <- sleep_data()
  slope <- glmm(Reaction ~ Days + (Days | Subject), data, REML = FALSE)
  intercept <- glmm(Reaction ~ Days + (1 | Subject), data, REML = FALSE)
  fixed <- lm(Reaction ~ Days, data)
  table <- anova(slope, intercept, fixed)
  expect_equal(table$logLik[1], as.numeric(logLik(fixed)))
  chisq <- 2 * as.numeric(logLik(slope) - logLik(intercept))
  mixture <- (pchisq(chisq, 1, lower.tail = FALSE) + pchisq(chisq, 2, lower.tail = FALSE)) / 2
  expect_equal(table[["Pr(mixture)"]][3L], mixture)
  expect_false("Pr(mixture)" %in% names(anova(intercept, update(intercept, . ~ . - Days))))
  notes <- paste(attr(table, "heading"), collapse = " ")
  expect_true(all(nchar(unlist(strsplit(attr(table, "heading"), "\n"))) <= getOption("width")))
  expect_match(notes, format.pval(mixture, 3), fixed = TRUE)
  expect_match(notes, "Note: slope adds a random effect", fixed = TRUE)
  expect_false(any(grepl("Note", attr(anova(intercept, update(intercept, . ~ . - Days)), "heading"))))
})

test_that("differing data are refused, by what differs", {
  data <- sleep_data()
  fit <- glmm(Reaction ~ Days + (1 | Subject), data)
  fewer <- data
  fewer$Days[4] <- NA
  part <- glmm(Reaction ~ Days + (1 | Subject), fewer)
  error <- expect_error(anova(fit, part), class = "glimmer_error_comparison")
  expect_identical(error$models, c("fit", "part"))
  expect_match(conditionMessage(error), "179 rows, not 180", fixed = TRUE)
  first <- glmm(Reaction ~ Days + (1 | Subject), data, subset = 1:170)
  last <- glmm(Reaction ~ Days + (1 | Subject), data, subset = 11:180)
  expect_error(anova(first, last), "other rows", class = "glimmer_error_comparison")
  logged <- glmm(log(Reaction) ~ Days + (1 | Subject), data)
  expect_error(anova(fit, logged), "another response", class = "glimmer_error_comparison")
  data$weight <- rep(1:2, 90)
  weighted <- glmm(Reaction ~ Days + (1 | Subject), data, weights = weight)
  expect_error(anova(fit, weighted), "other weights", class = "glimmer_error_comparison")
  expect_error(anova(fit, 3), class = "glimmer_error_argument")
})

test_that("the same rows in another order are the same data", {
  data <- sleep_data()
  data$twice <- rep(1:2, 90)
  small <- glmm(Reaction ~ 1 + (1 | Subject), data)
  large <- glmm(Reaction ~ Days + (1 | Subject), data)
  expected <- anova(small, large)
  shuffled <- data[order(sin(seq_len(180) * 3)), ]
  numbered <- data.frame(shuffled, row.names = NULL)
  same <- function(other, first = small) expect_equal(anova(first, other)$Chisq, expected$Chisq, tolerance = 1e-6)
  same(glmm(Reaction ~ Days + (1 | Subject), shuffled))
  # row names that say something else: the values of what both use tell
  same(glmm(Reaction ~ Days + (1 | Subject), numbered))
  same(glmm(Reaction ~ Days + (1 | Subject), data.frame(shuffled, row.names = paste0("r", 1:180))))
  weighted <- glmm(Reaction ~ 1 + (1 | Subject), data, weights = twice)
  expect_equal(anova(weighted, glmm(Reaction ~ Days + (1 | Subject), shuffled, weights = twice))$Df[2L], 1)
  expect_error(anova(small, glmm(Reaction ~ Days + (1 | Subject), shuffled, weights = twice)), "other weights")
  restricted <- glmm(Reaction ~ poly(Days, 2) + (1 | Subject), data, REML = TRUE)
  wider <- glmm(Reaction ~ poly(Days, 2) + (Days | Subject), shuffled, REML = TRUE)
  expect_equal(anova(restricted, wider)$Df[2L], 2)
  fixed <- lm(Reaction ~ Days, numbered)
  expect_equal(anova(large, fixed)$logLik[1L], as.numeric(logLik(fixed)))
})

test_that("rows that nothing tells apart are said to be so", {
  data <- sleep_data()
  set.seed(3)
  data$x <- rnorm(180)
  shuffled <- data.frame(data[order(data$x), ], row.names = NULL)
  one <- glmm(Reaction ~ Days + (1 | Subject), data)
  other <- glmm(Reaction ~ x + (1 | Subject), shuffled)
  expect_error(anova(one, other), "do not tell which rows belong together", class = "glimmer_error_comparison")
  # the same responses, but in other groups
  moved <- data
  moved$Reaction <- rev(data$Reaction)
  expect_error(anova(one, glmm(Reaction ~ 1 + (1 | Subject), moved)), class = "glimmer_error_comparison")
})

test_that("differing approximations and families, and fits that did not converge, are doubtful", {
  data <- truth_model("bacteria_logit")$data
  large <- glmm(yb ~ trt + (1 | ID), data, binomial)
  small <- glmm(yb ~ 1 + (1 | ID), data, binomial)
  rough <- glmm(yb ~ 1 + (1 | ID), data, binomial, method = "joint")
  counts <- glmm(yb ~ trt + w2 + (1 | ID), data, poisson)
  warning <- expect_warning(anova(large, rough), "different approximations", class = "glimmer_warning_comparison")
  expect_identical(warning$models, c("rough", "large"))
  warning <- expect_warning(table <- anova(large, counts), "families", class = "glimmer_warning_comparison")
  expect_identical(table$Chisq, c(NA_real_, NA_real_))
  coarse <- glmm(yb ~ 1 + (1 | ID), data, binomial, nAGQ = 2)
  expect_warning(anova(large, coarse), "2 nodes, error about", class = "glimmer_warning_comparison")
  failed <- small
  failed$converged <- FALSE
  expect_warning(anova(large, failed), "Not converged: 'failed'", class = "glimmer_warning_comparison")
  # not of the same nodes, but both as good as exact
  expect_false(identical(large$quadrature$nodes, small$quadrature$nodes))
  expect_silent(anova(large, small))
  # fits handed over by value have no names
  expect_identical(rownames(do.call(anova, list(large, small))), c("model 2", "model 1"))
})

test_that("one fit: Wald tests of type II", {
  data <- truth_model("epil_pois1")$data
  fit <- glmm(y ~ lbase * trt + lage + (1 | subject), data, poisson)
  table <- anova(fit)
  expect_identical(rownames(table), c("lbase", "trt", "lage", "lbase:trt"))
  expect_identical(names(table), c("Chisq", "Df", "Pr(>Chisq)"))
  z <- coef(summary(fit))[, "z value"]
  expect_equal(table[c("lage", "lbase:trt"), "Chisq"], unname(z[c("lage", "lbase:trtprogabide")]^2))
  # the estimate of trt under the restriction that the interaction is zero
  V <- vcov(fit)
  b <- fixef(fit)
  own <- "trtprogabide"
  above <- "lbase:trtprogabide"
  restricted <- b[[own]] - V[own, above] / V[above, above] * b[[above]]
  variance <- V[own, own] - V[own, above]^2 / V[above, above]
  expect_equal(table["trt", "Chisq"], restricted^2 / variance)
  expect_equal(table["trt", "Pr(>Chisq)"], pchisq(restricted^2 / variance, 1, lower.tail = FALSE))
})

test_that("the printed table", {
  data <- sleep_data()
  large <- glmm(Reaction ~ Days + (1 | Subject), data)
  small <- glmm(Reaction ~ 1 + (1 | Subject), data)
  old <- options(show.signif.stars = FALSE)
  on.exit(options(old))
  expect_snapshot(print(anova(small, large), digits = 3))
  expect_snapshot(print(anova(large), digits = 3))
})

test_that("fits of other packages are refused, and why", {
  skip_if_not_installed("lme4")
  ours <- glmm(Reaction ~ Days + (1 | Subject), lme4::sleepstudy)
  peers <- list(lme4::lmer(Reaction ~ 1 + (1 | Subject), lme4::sleepstudy, REML = FALSE),
                nlme::lme(Reaction ~ 1, lme4::sleepstudy, ~ 1 | Subject, method = "ML"))
  for (peer in peers) {
    error <- error_of(anova(ours, peer))
    expect_s3_class(error, "glimmer_error_argument")
    expect_match(conditionMessage(error), paste0(class(peer)[1L], "'.*another approximation.*glmm\\(\\)"))
    expect_identical(error$class_found, class(peer))
  }
  expect_match(conditionMessage(error_of(anova(ours, 3))), "Argument 2 of anova\\(\\) is not a fit")
  expect_match(conditionMessage(error_of(anova(ours, ours, model_names = c("a", "b")))), "did you mean `model.names`")
})

test_that("names of data and models in the heading: calls in the data, fits by value, names given", {
  set.seed(8)
  table <- data.frame(kind = rep(c("a", "b", "c"), each = 20), unit = rep(1:10, 6))
  table$y <- rnorm(60) + rnorm(10)[table$unit]
  full <- glmm(y ~ kind + (1 | unit), subset(table, kind != "b"))
  small <- update(full, . ~ . - kind)
  expect_silent(result <- anova(full, small))
  expect_equal(sum(grepl("^Data:", capture.output(print(result)))), 1L)
  outside <- subset(table, kind != "b")
  again <- anova(glmm(y ~ kind + (1 | unit), outside), glmm(y ~ 1 + (1 | unit), outside), model.names = c("a", "b"))
  expect_identical(rownames(again), c("b", "a"))
  expect_equal(again$Chisq, result$Chisq)
  expect_s3_class(error_of(anova(full, small, model.names = c("a", "b", "c"))), "glimmer_error_argument")
  expect_identical(rownames(do.call(anova, list(small, full))), c("model 1", "model 2"))
})

test_that("with a variance of zero the comparison with glm and lm has no gain", {
  data <- data.frame(count = rep(c(2, 1, 3, 2, 5, 4), 8), g = rep(1:8, each = 6))
  mixed <- glmm(count ~ 1 + (1 | g), data, poisson)
  expect_equal(anova(mixed, glm(count ~ 1, poisson, data))[2L, "Chisq"], 0, tolerance = 1e-6)
  mixed <- glmm(count ~ 1 + (1 | g), data)
  expect_equal(anova(mixed, lm(count ~ 1, data))[2L, "Chisq"], 0, tolerance = 1e-6)
})

test_that("tables of fits are printed with the digits that are asked for", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  shown <- function(...) paste(utils::capture.output(print(anova(fit, type = "III"), ...)), collapse = "\n")
  chisq <- anova(fit)$Chisq[1L]
  expect_match(shown(digits = 8), format(chisq, digits = 8), fixed = TRUE)
  old <- options(digits = 6)
  on.exit(options(old))
  expect_match(shown(), format(chisq, digits = 4), fixed = TRUE)
  expect_false(grepl(format(chisq, digits = 8), shown(), fixed = TRUE))
})

test_that("an F test between fits is refused, and a misspelt choice names the one that was meant", {
  small <- glmm(count ~ 1 + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), REML = FALSE)
  large <- update(small, . ~ . + spray)
  expect_match(conditionMessage(error_of(anova(small, large, test = "F"))), "for the terms of one fit")
  expect_identical(error_of(anova(small, test = "chisq"))$suggestion, "Chisq")
  expect_identical(error_of(update(small, method = "Laplace"))$suggestion, "laplace")
  expect_identical(error_of(residuals(small, type = "person"))$suggestion, "pearson")
})

test_that("there is no test between covariance structures that are not nested", {
  data <- expand.grid(f = factor(1:5), g = factor(1:25), r = 1:2)
  data$y <- with_seed(1, rnorm(25)[data$g] + rnorm(250))
  ar1 <- glmm(y ~ 1 + ar1(0 + f | g), data, REML = FALSE)
  cs <- glmm(y ~ 1 + cs(0 + f | g), data, REML = FALSE)
  condition <- tryCatch(anova(ar1, cs), glimmer_warning_comparison = identity)
  expect_match(conditionMessage(condition), "ar1 and cs have covariance structures .* not nested")
  expect_identical(condition$terms, c("ar1(0 + f | g)", "cs(0 + f | g)"))
  table <- suppressWarnings(anova(cs, ar1))
  expect_true(all(is.na(table$Chisq)) && all(is.na(table$Df)))
  expect_false(any(grepl("Note:", attr(table, "heading"))))
  intercept <- glmm(y ~ 1 + (1 | g), data, REML = FALSE)
  expect_silent(table <- anova(intercept, ar1))
  expect_equal(table$Chisq[2L], 2 * as.numeric(logLik(ar1) - logLik(intercept)), tolerance = 1e-10)
  notes <- paste(attr(table, "heading"), collapse = " ")
  expect_match(gsub("\\s+", " ", notes), "Note: ar1 has random effects whose correlation is 1 in the model above,")
  expect_false(grepl("variance is 0", notes))
})

test_that("where a crossed factor has been added both fits are compared by Laplace's approximation", {
  set.seed(2)
  data <- data.frame(a = gl(12, 12), b = factor(rep(1:12, 12)), x = rnorm(144))
  data$y <- rbinom(144, 1, plogis(data$x + rnorm(12)[data$a] + rnorm(12)[data$b]))
  one <- glmm(y ~ x + (1 | a), data, binomial())
  two <- suppressWarnings(glmm(y ~ x + (1 | a) + (1 | b), data, binomial()))
  expect_silent(table <- anova(one, two))
  expect_match(attr(table, "heading")[1], "fitted again by Laplace, to compare: one")
  by_laplace <- lapply(list(y ~ x + (1 | a), y ~ x + (1 | a) + (1 | b)), glmm, data, binomial(), method = "laplace")
  expect_equal(table$logLik, vapply(by_laplace, function(fit) c(logLik(fit)), 1), tolerance = 1e-7)
  expect_gt(table[["Pr(mixture)"]][2], 0)
  expect_warning(anova(one, two, refit = FALSE), class = "glimmer_warning_comparison")
})
