test_that("a description names its constants as their parameters are called, and is complete with little", {
  described <- describe_family("toy", predictors = list(mean = c("log", "identity"), size = "log"), support = "any",
                               outside = function(y) y < 0, start_mean = function(y, size, used, link) y,
                               draw = function(mean, size, weights, constant) mean)
  expect_identical(described$constants, "log_size")
  expect_identical(described$links, c("log", "identity"))
  expect_identical(described$response, "number")
  # what is nowhere the case is not taken to be
  expect_false(described$dispersion || described$exact_fits || described$normal)
  expect_length(described$separable, 0L)
  expect_null(described$edge(0, 1, "log"))
})

test_that("descriptions of all families have the same parts", {
  parts <- unique(lapply(families, names))
  expect_length(parts, 1L)
  # a name, and the link where that has a description of its own
  expect_identical(unname(vapply(families, `[[`, "", "name")), sub(" .*", "", names(families)))
})

test_that("a family object made here has the functions that those of stats have, and no others of its own", {
  own <- new_family("toy", "log", variance = function(mu, size) mu, dev.resids = function(y, mu, wt, size) y)
  theirs <- poisson()
  expect_s3_class(own, "family")
  for (name in c("linkfun", "linkinv", "mu.eta", "valideta")) expect_identical(own[[name]](2), theirs[[name]](2))
  for (mu in list(1, c(1, 0), NA_real_, Inf)) expect_identical(own$validmu(mu), theirs$validmu(mu))
  expect_error(new_family("toy", "nosuch", identity, identity), "link")
})
