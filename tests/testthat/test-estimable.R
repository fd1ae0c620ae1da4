# Predictions and contrasts that the data do not determine: by the rank of the matrix with the row, and by recoding.

# Designs with aliased columns: data, fixed part, grid of new rows, and codings that must not matter.
aliased_designs <- function() {
  set.seed(5)
  cells <- expand.grid(a = factor(1:3), b = factor(1:3), k = factor(1:2), g = factor(1:6))
  cells$x <- round(rnorm(nrow(cells)), 2)
  cells$y <- rnorm(nrow(cells)) + rnorm(6)[cells$g]
  cells$inches <- 5 + 2.54 * cells$x
  grid <- expand.grid(a = factor(1:3), b = factor(1:3), k = factor(1:2), x = c(-1, 2), g = factor(2))
  grid$inches <- 5 + 2.54 * grid$x + rep(c(0, 1), 9)
  year <- cells
  year$x <- 2000 + as.integer(year$a) + 4 * (year$b == "2")
  year$when <- factor(year$x)
  nested <- cells
  nested$b <- factor(paste0(cells$a, cells$b))
  slope <- cells
  slope$x[slope$a == "2"] <- 2
  list(cell = list(data = subset(cells, a != "3" | b != "3"), fixed = y ~ a * b, grid = grid),
       reference = list(data = subset(cells, a != "1" | b != "1"), fixed = y ~ a * b + x, grid = grid),
       three_way = list(data = subset(cells, !(a == "2" & b == "1") & !(a == "1" & b == "3" & k == "2")),
                        fixed = y ~ a * b * k, grid = grid),
       slope = list(data = slope, fixed = y ~ a * x + b, grid = grid),
       covariates = list(data = cells, fixed = y ~ a + x + inches, grid = grid),
       nested = list(data = nested, fixed = y ~ a + b + k, grid = unique(nested[c("a", "b", "k", "g")])[c(1, 5, 9), ]),
       year = list(data = year, fixed = y ~ x + when, grid = expand.grid(x = 2001:2007, when = levels(year$when),
                                                                         g = factor(1))))
}

fit_aliased <- function(design, ...) {
  formula <- stats::update(design$fixed, . ~ . + (1 | g))
  suppressWarnings(glmm(formula, design$data, ...), classes = "glimmer_warning_aliased")
}

# Whether the rows of the grid add nothing to the rank of the model matrix.
determined <- function(fit, grid) {
  terms <- stats::delete.response(terms(fit))
  frame <- stats::model.frame(terms, grid, xlev = component(fit, "xlevels"))
  x <- stats::model.matrix(terms, frame, contrasts.arg = component(fit, "contrasts"))
  full <- stats::model.matrix(terms(fit), model.frame(fit), contrasts.arg = component(fit, "contrasts"))
  apply(x, 1L, function(row) qr(rbind(full, row), tol = 1e-10)$rank == qr(full, tol = 1e-10)$rank)
}

test_that("rows of an aliased model are predicted where, and only where, they are estimable", {
  designs <- aliased_designs()
  for (design in designs) {
    fit <- fit_aliased(design)
    known <- determined(fit, design$grid)
    if (identical(design, designs$nested)) {
      expect_silent(found <- predict(fit, design$grid, se.fit = TRUE))
    } else {
      expect_true(any(known) && !all(known))
      expect_warning(found <- predict(fit, design$grid, se.fit = TRUE), class = "glimmer_warning_estimable")
    }
    expect_identical(unname(!is.na(found$fit)), unname(known))
    expect_identical(is.na(found$se.fit), is.na(found$fit))
    # other columns are left out
    recoded <- lapply(design$data, function(x) if (is.factor(x)) stats::relevel(x, levels(x)[nlevels(x)]) else x)
    for (other in list(fit_aliased(list(data = as.data.frame(recoded), fixed = design$fixed)),
                       fit_aliased(design, contrasts = if ("a" %in% all.vars(design$fixed)) list(a = "contr.sum")))) {
      again <- suppressWarnings(predict(other, design$grid, se.fit = TRUE))
      expect_equal(again$fit, found$fit, tolerance = 1e-5)
      expect_equal(again$se.fit, found$se.fit, tolerance = 1e-5)
    }
  }
})

test_that("the warning names cells, rows and columns", {
  designs <- aliased_designs()
  fit <- fit_aliased(designs$cell)
  new <- data.frame(a = c("1", "3", "3"), b = c("3", "3", "3"), row.names = c("u", "v", "w"))
  warning <- expect_warning(p <- predict(fit, new, re.form = NA, type = "response"), "a = '3', b = '3'",
                            class = "glimmer_warning_estimable")
  expect_identical(is.na(p), c(u = FALSE, v = TRUE, w = TRUE))
  expect_identical(warning$cells, "a = '3', b = '3'")
  expect_identical(warning$rows, c("v", "w"))
  expect_identical(warning$columns, "a3:b3")
  fit <- fit_aliased(designs$covariates)
  expect_warning(predict(fit, data.frame(a = "1", x = 1, inches = 1, g = "1")), "x = 1, inches = 1")
  fit <- fit_aliased(designs$slope)
  expect_warning(predict(fit, data.frame(a = c("2", "2"), x = 2:3, b = "1", g = "1")), "row 2 .*a = '2', x = 3")
  expect_silent(predict(fit, data.frame(a = c("2", "2"), x = c(2, NA), b = "1", g = "1")))
  transformed <- suppressWarnings(glmm(y ~ a * log(x + 50) + (1 | g), designs$slope$data))
  warning <- expect_warning(predict(transformed, data.frame(a = "2", x = 3, g = "1")), "a = '2', x = 3",
                            class = "glimmer_warning_estimable")
})

test_that("all that is made of predictions is NA there, with one warning", {
  design <- aliased_designs()$cell
  design$data$y <- as.numeric(design$data$y > 0)
  fit <- fit_aliased(design, family = binomial)
  new <- data.frame(a = c("3", "1"), b = "3", g = c("1", "9"))
  count <- 0L
  withCallingHandlers({
    table <- augment(fit, newdata = transform(new, g = "1"))
  }, glimmer_warning_estimable = function(w) {
    count <<- count + 1L
    invokeRestart("muffleWarning")
  })
  expect_identical(count, 1L)
  for (column in c(".fitted", ".fixed", ".mu")) expect_identical(is.na(table[[column]]), c(TRUE, FALSE))
  for (type in c("link", "response")) {
    expect_warning(p <- predict(fit, new, type = type, se.fit = TRUE, allow.new.levels = TRUE),
                   class = "glimmer_warning_estimable")
    expect_identical(unname(is.na(p$fit)), c(TRUE, FALSE))
    expect_identical(unname(is.na(p$se.fit)), c(TRUE, FALSE))
  }
  expect_warning(y <- simulate(fit, newdata = new, seed = 1), class = "glimmer_warning_estimable")
  expect_identical(is.na(y$sim_1), c(TRUE, FALSE))
})

test_that("rows of weight 0 in a cell without others have no fitted value", {
  design <- aliased_designs()$cell
  data <- expand.grid(a = factor(1:3), b = factor(1:3), g = factor(1:6))
  data$y <- rnorm(nrow(data))
  empty <- data$a == "3" & data$b == "3"
  fit <- fit_aliased(list(data = data, fixed = y ~ a * b), weights = as.numeric(!empty))
  for (of in list(fitted, predict, residuals, function(fit) simulate(fit)$sim_1)) {
    expect_warning(values <- of(fit), class = "glimmer_warning_estimable")
    expect_identical(unname(is.na(values)), empty)
  }
  smaller <- fit_aliased(list(data = data[!empty, ], fixed = y ~ a * b))
  expect_equal(suppressWarnings(fitted(fit))[!empty], fitted(smaller), tolerance = 1e-6)
  expect_silent(summary(fit))
})

test_that("contrasts are tested where they are estimable", {
  designs <- aliased_designs()
  fit <- fit_aliased(designs$covariates)
  expect_silent(all <- ddf(fit))
  expect_warning(table <- ddf(fit, rbind(slope = c(0, 0, 0, 1), a2 = c(0, 1, 0, 0))), "slope",
                 class = "glimmer_warning_estimable")
  expect_true(all(is.na(table["slope", ])))
  expect_equal(unlist(table["a2", ]), unlist(all["a2", ]))
  # with columns for those left out: the effect of an inch
  expect_silent(table <- ddf(fit, c(0, 0, 0, 1, 2.54)))
  expect_equal(table$estimate, unname(fixef(fit)["x"]))
  named <- matrix(c(1, 2.54, 0, 0, 0), 1, dimnames = list(NULL, c("x", "inches", "(Intercept)", "a2", "a3")))
  expect_equal(ddf(fit, named), table)
  warning <- expect_warning(test <- test_contrasts(fit, rbind(c(0, 1, 0, 0, 0), c(0, 0, 0, 1, 0))),
                            class = "glimmer_warning_estimable")
  expect_identical(warning[c("rows", "columns")], list(rows = 2L, columns = "inches"))
  expect_true(is.na(test$statistic) && is.na(test$p.value) && is.na(test$den_df))
  # the mean of the empty cell, by all columns
  fit <- fit_aliased(designs$cell)
  expect_warning(ddf(fit, as.numeric(names(fixef(fit, add.dropped = TRUE)) %in% c("(Intercept)", "a3", "b3", "a3:b3"))),
                 "a3:b3", class = "glimmer_warning_estimable")
  refused(ddf(fit, diag(3)), "argument", argument = "L")
})

test_that("aliased columns are told by position where names repeat", {
  set.seed(8)
  data <- data.frame(time = factor(rep(1:3, 20)), g = gl(10, 6))
  data$time2 <- 3 * rnorm(60)
  data$y <- rnorm(60)
  # the column 'time2' is that of level 2, and the covariate
  fit <- fit_aliased(list(data = transform(data, k = time2), fixed = y ~ time + k + time2))
  expect_identical(component(fit, "dropped"), "time2.1")
  expect_length(fixef(fit), 4L)
  plain <- glmm(y ~ time + time2 + (1 | g), data)
  expect_equal(fitted(fit), fitted(plain), tolerance = 1e-6)
  expect_equal(predict(fit, transform(data, k = time2)[1:5, ]), predict(plain)[1:5], tolerance = 1e-6)
  expect_identical(unname(is.na(fixef(fit, add.dropped = TRUE))), c(FALSE, FALSE, FALSE, FALSE, TRUE))
})

test_that("emmeans knows the same cells", {
  skip_if_not_installed("emmeans")
  for (design in aliased_designs()[c("cell", "reference", "three_way")]) {
    fit <- fit_aliased(design)
    grid <- transform(subset(design$grid, x == 2), x = mean(design$data$x))
    means <- as.data.frame(emmeans::emmeans(fit, intersect(c("a", "b", "k"), all.vars(design$fixed))))
    shared <- intersect(names(means), names(grid))
    grid <- merge(means, grid, by = shared, sort = FALSE)
    expect_equal(unname(suppressWarnings(predict(fit, grid, re.form = NA))), grid$emmean, tolerance = 1e-6)
  }
})
