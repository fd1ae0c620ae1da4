# multcomp::glht(): the numbers that it has for the fits of 'lme4'.

test_that("comparisons by factor and by matrix are those of the fits of 'lme4'", {
  skip_if_not_installed("multcomp")
  fits <- client_fits()
  parts <- function(comparison) c(coef(comparison), vcov(comparison))
  expect_like_peer(fits, function(fit) parts(multcomp::glht(fit, multcomp::mcp(spray = "Tukey"))), 5e-3, "count")
  expect_like_peer(fits, function(fit) parts(multcomp::glht(fit, multcomp::mcp(group = "Tukey"))), of = "linear")
  expect_like_peer(fits, function(fit) parts(multcomp::glht(fit, diag(4))), of = "linear")
})
