test_that("robust covariances are those of brute force", {
  skip_if_not_installed("MASS")
  truth <- utils::read.csv(test_path("fixtures", "robust_truth.csv"))
  fit <- bacteria_fit()
  at <- cbind(match(truth$par1, c(names(fixef(fit)), "sd.ID.(Intercept)")),
              match(truth$par2, c(names(fixef(fit)), "sd.ID.(Intercept)")))
  for (type in c("HC0", "CR1")) {
    robust <- vcov(fit, full = TRUE, type = type)
    expect_lt(max(abs(robust[at] - truth[[type]])), 1e-4)
    expect_identical(vcov(fit, type = type), robust[1:4, 1:4])
  }
  expect_error(vcov(fit, type = "CR2"), class = "glimmer_error_argument")
  expect_error(vcov(fit, type = "CR1", information = "expected"), class = "glimmer_error_argument")
  expect_error(vcov(fit, type = "HC3"), class = "glimmer_error_argument")
})

test_that("of linear mixed models they are those of 'clubSandwich' for lmer()", {
  skip_if_not_installed("clubSandwich")
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy[-c(3, 17, 50:54), ]
  data$weight <- rep(1:3, length.out = nrow(data))
  data$school <- factor(as.integer(data$Subject) %/% 3)
  fit <- glmm(Reaction ~ Days + (Days | Subject), data, REML = TRUE)
  other <- lme4::lmer(Reaction ~ Days + (Days | Subject), data, REML = TRUE,
                      control = lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
  theirs <- function(type, ...) unclass(as.matrix(clubSandwich::vcovCR(other, type = type, ...)))
  expect_equal(vcov(fit, type = "HC0"), theirs("CR0"), tolerance = 1e-5, ignore_attr = TRUE)
  expect_equal(vcov(fit, type = "CR1"), theirs("CR1"), tolerance = 1e-5, ignore_attr = TRUE)
  expect_equal(vcov(fit, type = "CR2"), theirs("CR2"), tolerance = 1e-5, ignore_attr = TRUE)
  # larger clusters, by name, formula and values
  wanted <- theirs("CR2", cluster = data$school)
  expect_equal(vcov(fit, type = "CR2", cluster = data$school), wanted, tolerance = 1e-5, ignore_attr = TRUE)
  nested <- glmm(Reaction ~ Days + school + (1 | Subject), data)
  # seven schools for eight coefficients
  by_schools <- function(cluster) suppressWarnings(vcov(nested, type = "CR1", cluster = cluster))
  expect_identical(by_schools("school"), by_schools(data$school))
  expect_identical(by_schools(~ school), by_schools(data$school))
  expect_identical(vcov(nested, type = "CR1", cluster = "Subject"), vcov(nested, type = "CR1"))
  expect_error(vcov(fit, type = "CR1", full = TRUE), class = "glimmer_error_argument")
})

test_that("of two factors nested the clusters are the outer one's levels", {
  skip_if_not_installed("clubSandwich")
  skip_if_not_installed("lme4")
  fit <- glmm(strength ~ 1 + (1 | batch / cask), lme4::Pastes, REML = TRUE)
  other <- lme4::lmer(strength ~ 1 + (1 | batch / cask), lme4::Pastes, REML = TRUE,
                      control = lme4::lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-10)))
  theirs <- clubSandwich::vcovCR(other, type = "CR2", cluster = lme4::Pastes$batch)
  expect_equal(vcov(fit, type = "CR2"), as.matrix(theirs), tolerance = 1e-4,
               ignore_attr = TRUE)
})

test_that("clusters that are none are refused", {
  fit <- glmm(weight ~ Time + (1 | Chick), ChickWeight)
  error <- expect_error(vcov(fit, type = "CR1", cluster = ChickWeight$Time), class = "glimmer_error_argument")
  expect_match(conditionMessage(error), "share random effects")
  for (cluster in list("nothing", 1:3, rep(1, 578), c(NA, rep(1:2, length.out = 577)))) {
    expect_error(vcov(fit, type = "CR1", cluster = cluster), class = "glimmer_error_argument")
  }
  skip_if_not_installed("lme4")
  crossed <- glmm(diameter ~ 1 + (1 | plate) + (1 | sample), lme4::Penicillin)
  error <- expect_error(vcov(crossed, type = "CR1"), class = "glimmer_error_not_available")
  expect_match(conditionMessage(error), "'plate' and 'sample'")
  restricted <- glmm(cbind(ncases, ncontrols) ~ 1 + (1 | agegp), esoph, binomial(), REML = TRUE)
  expect_error(vcov(restricted, type = "CR1"), class = "glimmer_error_not_available")
})

test_that("a robust covariance is right where the model of the residuals is wrong", {
  skip_unless_slow()
  # residuals whose variance grows with a covariate: over-precise by the model, right by clusters
  set.seed(11)
  groups <- 60
  slopes <- replicate(300, {
    data <- data.frame(g = gl(groups, 5), x = rnorm(5 * groups))
    data$y <- data$x + rnorm(groups)[data$g] + rnorm(5 * groups) * (0.3 + abs(data$x)^1.5)
    fit <- glmm(y ~ x + (1 | g), data)
    c(fixef(fit)[["x"]], vcov(fit)[2, 2], vcov(fit, type = "CR2")[2, 2])
  })
  true <- var(slopes[1, ])
  expect_lt(abs(mean(slopes[3, ]) / true - 1), 0.25)
  expect_lt(mean(slopes[2, ]) / true, 0.6)
})

test_that("tests and intervals take another covariance", {
  skip_if_not_installed("MASS")
  fit <- glmm(y ~ trt + (1 | ID), MASS::bacteria, binomial())
  robust <- vcov(fit, type = "CR1")
  errors <- sqrt(diag(robust))
  expect_equal(coef(summary(fit, vcov. = "CR1"))[, "Std. Error"], errors)
  expect_output(print(summary(fit, vcov. = "CR1")), "Wald z, robust covariance [(]CR1[)]")
  expect_output(print(summary(fit, vcov. = robust)), "covariance as given")
  expect_equal(confint(fit, "beta_", vcov. = robust)[, 2], fixef(fit) + qnorm(0.975) * errors)
  expect_equal(ddf(fit, vcov. = function(fit) robust)$std.error, unname(errors))
  chisq <- c(fixef(fit)[2:3] %*% solve(robust[2:3, 2:3], fixef(fit)[2:3]))
  expect_equal(anova(fit, vcov. = "CR1")$Chisq, chisq)
  expect_equal(test_contrasts(fit, diag(3)[2:3, ], vcov. = ~ ID)$statistic * 2, chisq)
  linear <- glmm(weight ~ Time + (1 | Chick), ChickWeight)
  expect_error(summary(linear, ddf = "satterthwaite", vcov. = "CR2"), class = "glimmer_error_ddf")
  expect_equal(ddf(linear, method = "between-within", vcov. = "CR2")$df, ddf(linear, method = "between-within")$df)
  expect_error(anova(fit, update(fit, . ~ . - trt), vcov. = "CR1"), class = "glimmer_error_argument")
  expect_error(summary(fit, vcov. = diag(2)), class = "glimmer_error_argument")
})

test_that("it is that of SAS", {
  # PROC MIXED EMPIRICAL with compound symmetry, as the tests of 'mmrm' have it
  data <- utils::read.csv(test_path("fixtures", "fev.csv"), stringsAsFactors = TRUE)
  fit <- glmm(fev1 ~ arm + (1 | subject), data, REML = TRUE)
  expect_equal(sqrt(vcov(fit, type = "HC0")[2, 2]), 0.793547, tolerance = 1e-6)
})

test_that("too few clusters, and estimates that the data do not bound, are warned of", {
  fit <- glmm(distance ~ age * Sex + (1 | Subject), as.data.frame(nlme::Orthodont))
  warning <- expect_warning(vcov(fit, type = "CR1", cluster = "Sex"), class = "glimmer_warning_robust")
  expect_identical(warning$clusters, 2L)
  data <- data.frame(g = gl(10, 6), x = rep(0:1, 30), y = rep(c(0, 1, 1, 1, 0, 1), 10))
  separated <- suppressWarnings(glmm(y ~ x + (1 | g), data, binomial(), method = "laplace"))
  expect_warning(summary(separated, vcov. = "CR1"), class = "glimmer_warning_robust")
  expect_error(vcov(fit, information = "expected"), class = "glimmer_error_argument")
  expect_error(confint(fit, method = "profile", vcov. = "CR1"), class = "glimmer_error_argument")
})
