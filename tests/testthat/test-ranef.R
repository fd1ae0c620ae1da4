# Random effects: against the modes and the curvature of the reference, and the shape of lme4.

test_that("modes and their variances are those of the reference at the same parameters", {
  for (name in c("cbpp_logit", "sleep_lmm_ml")) {
    fit <- truth_fit(name)
    model <- truth_reference(name)
    part <- reference_unpack(model, component(fit, "parameters")[model$names])
    A <- reference_random_matrix(model, part$lambdas)
    at <- reference_mode(model, model$offset + drop(model$X %*% part$beta), A, rep(1, ncol(A)), part$phi)
    lambda <- kronecker(diag(length(model$factors[[1]]$levels)), part$lambdas[[1]])
    modes <- ranef(fit)[[1]]
    expect_equal(as.vector(t(as.matrix(modes))), drop(lambda %*% at$mode), tolerance = 1e-6)
    covariance <- lambda %*% solve(at$curvature, t(lambda))
    q <- ncol(modes)
    third <- 2 * q + seq_len(q)
    expect_identical(dim(attr(modes, "postVar")), c(q, q, nrow(modes)))
    expect_equal(unname(attr(modes, "postVar")[, , 3]), drop(covariance[third, third]), tolerance = 1e-5)
  }
})

test_that("the result has the shape of lme4's", {
  skip_if_not_installed("lme4")
  data <- truth_model("sleep_lmm_ml")$data
  peer <- lme4::ranef(lme4::lmer(Reaction ~ Days + (Days | Subject), data, REML = FALSE))
  ours <- ranef(truth_fit("sleep_lmm_ml"))
  expect_s3_class(ours, c("ranef.glimmer", "ranef.mer"), exact = TRUE)
  expect_equal(ours$Subject, peer$Subject, tolerance = 1e-3, ignore_attr = "postVar")
  expect_equal(attr(ours$Subject, "postVar"), attr(peer$Subject, "postVar"), tolerance = 1e-3, ignore_attr = TRUE)
  table <- as.data.frame(ours)
  expected <- as.data.frame(peer)
  expect_identical(names(table), names(expected))
  expect_identical(levels(table$term), levels(expected$term))
  expect_identical(as.character(table$grp), as.character(expected$grp))
  expect_equal(table[c("condval", "condsd")], expected[c("condval", "condsd")], tolerance = 1e-3)
})

test_that("condVar, drop and whichel choose", {
  fit <- truth_fit("bacteria_logit")
  plain <- ranef(fit, condVar = FALSE)
  expect_null(attr(plain$ID, "postVar"))
  expect_identical(names(as.data.frame(plain)), c("grpvar", "term", "grp", "condval"))
  vector <- ranef(fit, drop = TRUE)
  expect_identical(as.numeric(vector$ID), ranef(fit)$ID[[1]])
  expect_identical(names(vector$ID), rownames(ranef(fit)$ID))
  expect_equal(as.data.frame(vector), as.data.frame(ranef(fit)))
  expect_identical(names(ranef(fit, whichel = 1)), "ID")
  expect_identical(names(ranef(fit, whichel = "ID")), "ID")
  error <- expect_error(ranef(fit, whichel = "id"), class = "glimmer_error_argument")
  expect_identical(error$unknown, "id")
  expect_error(ranef(fit, whichel = 2), class = "glimmer_error_argument")
  expect_error(ranef(fit, condVar = NA), class = "glimmer_error_argument")
})

test_that("print shows the modes, and that there are variances", {
  fit <- truth_fit("bacteria_logit")
  shown <- capture.output(result <- withVisible(print(ranef(fit))))
  expect_false(result$visible)
  expect_identical(shown[1], "$ID")
  expect_match(shown[length(shown)], "with conditional variances for 'ID'", fixed = TRUE)
  expect_false(any(grepl("postVar", shown, fixed = TRUE)))
  expect_false(any(grepl("variances", capture.output(print(ranef(fit, condVar = FALSE))), fixed = TRUE)))
})

test_that("random effects are printed in short", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  printed <- capture.output(print(ranef(fit)))
  expect_true("... and 6 more levels" %in% printed)
  expect_lt(length(printed), 13L)
  expect_length(capture.output(print(ranef(fit), n = Inf)), length(printed) + 5L)
  expect_output(print(ranef(fit, drop = TRUE), n = 11), "and 1 more level\n", fixed = TRUE)
})
