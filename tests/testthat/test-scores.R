test_that("scores by cluster are those of brute force", {
  skip_if_not_installed("MASS")
  truth <- utils::read.csv(test_path("fixtures", "scores_truth.csv"))
  fit <- bacteria_fit()
  scores <- cluster_scores(fit)
  expect_identical(truth$group, levels(MASS::bacteria$ID))
  expect_lt(max(abs(scores - as.matrix(truth[-1L]))), 1e-4)
})

test_that("they add up to the gradient, and clusters are the finest that there are", {
  skip_if_not_installed("lme4")
  fit <- glmm(Reaction ~ Days + (Days | Subject), lme4::sleepstudy, REML = FALSE)
  expect_lt(max(abs(colSums(cluster_scores(fit)) * sqrt(diag(vcov(fit, full = TRUE))))), 1e-4)
  set.seed(3)
  data <- data.frame(a = gl(6, 8), b = gl(24, 2), c = rep(gl(4, 2), 6), y = rnorm(48))
  nested <- glmm(y ~ 1 + (1 | a) + (1 | b), data, REML = FALSE)
  expect_identical(independent_clusters(fit_design(nested)), as.integer(data$a))
  crossed <- suppressWarnings(glmm(y ~ 1 + (1 | a) + (1 | c), data, REML = FALSE))
  expect_null(cluster_scores(crossed))
  # two blocks, each crossed within itself
  data$block <- as.integer(data$a) > 3
  data$d <- interaction(data$c, data$block)
  blocks <- suppressWarnings(glmm(y ~ 1 + (1 | a) + (1 | d), data, REML = FALSE))
  expect_identical(independent_clusters(fit_design(blocks)), 1L + data$block)
  expect_null(cluster_scores(glmm(y ~ 1 + (1 | b), data, REML = TRUE)))
})
