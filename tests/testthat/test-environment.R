test_that("the formula keeps the locals that it names and not its frame", {
  d <- front_data()
  make <- function() {
    big <- rnorm(1e6)
    power <- 2
    local_power <- function(v) v^power
    local_variable <- d$x + 1
    front(yg ~ local_power(x) + local_variable + (1 | g), d)
  }
  stages <- make()
  env <- environment(stages$parts$formula)
  expect_setequal(ls(env), c("local_power", "local_variable", "power"))
  kept <- c(stages$parts[c("formula", "fixed", "terms")], stages[c("frame", "design")])
  expect_lt(length(serialize(kept, NULL)), 1e5)
  x <- model.matrix(~ I(x^2) + I(x + 1), d)
  expect_equal(unname(stages$design$X), unname(x), ignore_attr = TRUE)
  newdata <- data.frame(x = 3, local_variable = 1)
  frame <- model.frame(delete.response(stages$design$fixed$terms), newdata)
  expect_equal(frame[[1]], 9)
})

test_that("every formula in the stages has the pruned environment", {
  d <- front_data()
  stages <- (function() {
    big <- rnorm(1e5)
    front(yg ~ poly(x, 2) + (x | g), d)
  })()
  environments <- list(environment(stages$parts$fixed), environment(attr(stages$frame, "terms")),
                       environment(stages$design$fixed$terms), environment(stages$design$terms[[1]]$terms))
  for (env in environments) {
    expect_identical(env, environment(stages$parts$formula))
  }
  expect_length(ls(env), 0)
})

test_that("recursive local functions do not hang", {
  formula <- (function() {
    even <- function(n) if (n == 0) TRUE else odd(n - 1)
    odd <- function(n) if (n == 0) FALSE else even(n - 1)
    y ~ even(x) + (1 | g)
  })()
  parts <- parse_formula(formula, NULL)
  expect_setequal(ls(environment(parts$formula)), c("even", "odd"))
  expect_true(environment(parts$formula)$even(4))
})

test_that("the global environment and namespaces stay", {
  expect_identical(prune_environment(quote(y ~ x), globalenv()), globalenv())
  expect_identical(prune_environment(quote(y ~ x), asNamespace("stats")), asNamespace("stats"))
})

test_that("new names are found from the caller when a pruned formula is used again", {
  d <- front_data()
  formula <- yg ~ x + (1 | g)
  environment(formula) <- prune_environment(formula, new.env(parent = globalenv()), names(d))
  again <- function() {
    extra <- d$z
    case_weights <- d$w
    front(update(formula, . ~ . + extra), d, weights = case_weights)
  }
  stages <- again()
  expect_equal(colnames(stages$design$X), c("(Intercept)", "x", "extra"))
  expect_equal(stages$design$weights, d$w)
  expect_true("extra" %in% ls(environment(stages$parts$formula)))
})
