# Methods for generics of lme4, against lme4 on the same model.
skip_if_not_installed("lme4")
sleep_data <- truth_model("sleep_lmm_ml")$data
ours_and_peer <- function(formula) {
  exact <- lme4::lmerControl(optCtrl = list(xtol_abs = 1e-10, ftol_abs = 1e-10))
  list(ours = fit_glmm(formula, sleep_data, gaussian()),
       peer = lme4::lmer(formula, sleep_data, REML = FALSE, control = exact))
}

test_that("getME agrees with lme4", {
  pair <- ours_and_peer(Reaction ~ Days + (Days | Subject))
  same <- c("Gp", "Tp", "cnms", "lower", "Lind", "n", "N", "p", "q", "k", "n_rtrms", "n_rfacs", "p_i", "l_i", "q_i",
            "m_i", "m", "is_REML", "REML")
  for (name in same) {
    expect_equal(lme4::getME(pair$ours, name), lme4::getME(pair$peer, name), ignore_attr = TRUE, label = name)
  }
  for (name in c("X", "Z", "Zt", "Lambda", "Lambdat", "y", "offset")) {
    expect_equal(as.matrix(lme4::getME(pair$ours, name)), as.matrix(lme4::getME(pair$peer, name)),
                 tolerance = 1e-3, ignore_attr = TRUE, label = name)
  }
  for (name in c("theta", "beta", "fixef", "sigma", "u", "b", "mu")) {
    expect_equal(as.numeric(lme4::getME(pair$ours, name)), as.numeric(lme4::getME(pair$peer, name)),
                 tolerance = 1e-3, label = name)
  }
  expect_identical(names(lme4::getME(pair$ours, "theta")), names(lme4::getME(pair$peer, "theta")))
  expect_equal(lme4::getME(pair$ours, "flist"), as.list(lme4::getME(pair$peer, "flist")), ignore_attr = TRUE)
  dims <- c("N", "n", "p", "nmp", "q", "nth", "useSc", "reTrms", "REML", "GLMM", "NLMM")
  expect_equal(lme4::getME(pair$ours, "devcomp")$dims[dims], lme4::getME(pair$peer, "devcomp")$dims[dims])
  expect_equal(lme4::getME(pair$ours, "Tlist")[[1]], lme4::getME(pair$peer, "Tlist")[[1]], tolerance = 1e-3)
  several <- lme4::getME(pair$ours, c("beta", "n"))
  expect_identical(names(several), c("beta", "n"))
  expect_identical(several$n, 180L)
  expect_true(all(c("X", "theta") %in% names(lme4::getME(pair$ours, "ALL"))))
  error <- expect_error(lme4::getME(pair$ours, c("X", "RZX")), class = "glimmer_error_argument")
  expect_identical(error$unknown, "RZX")
})

test_that("independent terms are in the order of the formula", {
  pair <- ours_and_peer(Reaction ~ Days + (Days || Subject))
  for (name in c("Gp", "lower", "Lind", "cnms", "p_i", "q_i", "m_i")) {
    expect_equal(lme4::getME(pair$ours, name), lme4::getME(pair$peer, name), ignore_attr = TRUE, label = name)
  }
  for (name in c("Z", "Lambdat", "theta", "b", "u")) {
    expect_equal(as.numeric(lme4::getME(pair$ours, name)), as.numeric(lme4::getME(pair$peer, name)),
                 tolerance = 1e-3, label = name)
  }
})

test_that("b = Lambda u, also where the covariance is singular", {
  data <- sleep_data
  data$Reaction <- data$Reaction - ave(data$Reaction, data$Subject)
  fit <- glmm(Reaction ~ Days + (Days | Subject), data)
  expect_true(component(fit, "singular"))
  part <- lme4::getME(fit, c("Lambda", "u", "b"))
  expect_equal(as.numeric(part$Lambda %*% part$u), part$b, tolerance = 1e-6)
})

test_that("the kind of model is known", {
  linear <- truth_fit("sleep_lmm_ml")
  binary <- truth_fit("bacteria_logit")
  expect_identical(c(lme4::isLMM(linear), lme4::isGLMM(linear), lme4::isNLMM(linear), lme4::isREML(linear)),
                   c(TRUE, FALSE, FALSE, FALSE))
  expect_identical(c(lme4::isLMM(binary), lme4::isGLMM(binary)), c(FALSE, TRUE))
  expect_identical(lme4::ngrps(binary), c(ID = 50L))
  expect_false(lme4::isSingular(binary))
  expect_true(lme4::isSingular(glmm(Yield ~ 1 + (1 | Batch), lme4::Dyestuff2)))
  # a binomial response is the proportion, as in lme4
  model <- truth_model("cbpp_logit")
  expect_equal(unname(lme4::getME(truth_fit("cbpp_logit"), "y")), model$data$prop)
})

test_that("Ztlist has one element an effect, as in lme4", {
  skip_if_not_installed("lme4")
  sleep <- lme4::sleepstudy
  ours <- lme4::getME(glmm(Reaction ~ Days + (Days | Subject), sleep), "Ztlist")
  theirs <- lme4::getME(lme4::lmer(Reaction ~ Days + (Days | Subject), sleep), "Ztlist")
  expect_identical(names(ours), names(theirs))
  for (effect in names(theirs)) {
    expect_equal(as.matrix(ours[[effect]]), as.matrix(theirs[[effect]]), ignore_attr = TRUE)
  }
  expect_named(lme4::getME(glmm(diameter ~ (1 | plate) + (1 | sample), lme4::Penicillin), "Ztlist"),
               c("plate.(Intercept)", "sample.(Intercept)"))
})
