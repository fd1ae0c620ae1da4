# Starting values are finite and allowed for every family, link and data set; what is allowed is asked of stats.
start_of <- function(formula, data, family) {
  parts <- parse_formula(formula, data, globalenv())
  frame <- build_frame(as.call(list(quote(glmm), formula = formula, data = quote(data))), parts, environment(), data)
  design <- build_design(parts, frame, family, NULL)
  engine <- new_engine(design, family)
  parameters <- find_start(design, family, engine)
  parameters <- shrink_effects(engine, parameters)
  list(parameters = parameters, status = engine_evaluate(engine, parameters)$status,
       eta = drop(design$X %*% parameters[engine$index$beta]) + design$offset)
}

hostile_response <- function(traits, kind, n) {
  base <- switch(kind, wide = exp(3 * stats::rnorm(n)), tiny = stats::rgamma(n, 0.05) + 1e-200, same = rep(1, n))
  if (traits$mean_range[2L] == 1 && traits$response == "number") {
    return(base / (1 + base))
  }
  numbers <- if (traits$name != "gaussian") base else if (kind == "same") -base else base + stats::rnorm(n)
  switch(traits$response, number = numbers,
         trials = if (kind == "same") base else as.numeric(base > stats::median(base)),
         count = traits$outside(0) + (if (kind == "same") 0 * base else round(pmin(base, 1e6))))
}

for (traits in family_registry()) {
  for (link in traits$links) {
    test_that(paste("starts are allowed:", traits$name, link), {
      family <- reference_family(traits$name, link)
      for (seed in 1:9) {
        withr_seed(seed)
        n <- 60L
        data <- data.frame(g = gl(6, 10), x = stats::rnorm(n), a = factor(sample(letters[1:3], n, TRUE)))
        data$off <- if (seed > 6L) stats::rnorm(n, 0, 2) else 0
        data$y <- hostile_response(traits, c("wide", "tiny", "same")[seed %% 3L + 1L], n)
        formula <- list(y ~ x + a + offset(off) + (1 | g), y ~ 0 + a + x + offset(off) + (x | g))[[seed %% 2L + 1L]]
        start <- start_of(formula, data, family)
        expect_true(all(is.finite(start$parameters)))
        expect_true(family$valideta(start$eta))
        if (traits$mean_range[1L] == 0) expect_true(all(family$linkinv(start$eta) > 0))
        expect_identical(start$status, "ok")
      }
    })
  }
}

test_that("without a constant among the columns a point inside is searched for", {
  x <- cbind(c(1, 2, 0.1, 3), c(-1, 0.5, 4, -2))
  beta <- keep_inside(c(-1, 1), x, c(0, 0, 0, 0), c(1, 2, 1, 1))
  expect_true(all(x %*% beta > 0))
  # the feasible set is an interval: 1 + 3 b > 0 and 1 - 2 b > 0
  narrow <- keep_inside(7, cbind(c(3, -2)), c(1, 1), c(5, 5))
  expect_true(narrow > -1 / 3 && narrow < 1 / 2)
})

test_that("of very many rows some are taken for the start, and tell nearly the same", {
  set.seed(5)
  d <- data.frame(g = factor(sample(200, 8000, TRUE)), h = factor(rep(1:8, 1000)), x = rnorm(8000), o = runif(8000))
  d$y <- rpois(8000, exp(0.5 + 0.3 * d$x + d$o + rnorm(200, 0, 0.5)[d$g]))
  design <- front(y ~ x + offset(o) + (x | g) + (1 | h), d, poisson)$design
  part <- part_of_rows(design, rows = 2000)
  kept <- match(part$X[, "x"], d$x)
  expect_gt(length(kept), 1990L)
  expect_lt(length(kept), 2010L)
  expect_equal(part$y, d$y[kept])
  expect_equal(part$offset, d$o[kept])
  expect_equal(part$factors[[1L]]$index, as.integer(d$g)[kept] - 1L)
  expect_equal(part$factors[[1L]]$Z[, "x"], d$x[kept], ignore_attr = TRUE)
  # in step with no pattern: each of eight alternating levels has its eighth
  expect_lt(max(abs(tabulate(part$factors[[2L]]$index + 1L) - 250)), 10)
  expect_identical(part_of_rows(design), design)
  start_of <- function(rows) {
    working <- working_model(rows, poisson())
    c(working$beta, moment_root(design$terms[[1L]], rows, working)$lower)
  }
  expect_lt(max(abs(start_of(part) - start_of(design))), 0.15)
  # of one factor with many levels, whole levels
  design <- front(y ~ x + (1 | g), d, poisson)$design
  part <- part_of_rows(design, rows = 2000, levels = 10)
  index <- part$factors[[1L]]$index
  expect_null(part$share)
  expect_equal(part$y, d$y[as.integer(d$g) %in% (index + 1L)])
  expect_equal(length(unique(index)), 50, tolerance = 0.1)
  expect_lt(max(abs(start_of(part) - start_of(design))), 0.15)
})

test_that("a start from some of many rows knows nothing of the others, and then takes them all", {
  withr_seed(8)
  n <- 2e5
  d <- data.frame(g = factor(rep(seq_len(2e4), each = 10L)), x = rnorm(n))
  d$y <- rpois(n, exp(0.3 * d$x))
  left_out <- which(((as.integer(d$g) - 1) * ((sqrt(5) - 1) / 2)) %% 1 >= 0.5)
  d$rare <- replace(numeric(n), left_out[1:3], 1)
  d$w <- replace(numeric(n), left_out[1:1000], 1)
  of <- function(formula, ...) {
    design <- front(formula, d, poisson, ...)$design
    engine <- engine_layout(design, poisson())
    list(start = find_start(design, poisson(), engine), unit = unlist(engine$notes$sd_unit))
  }
  for (found in list(of(y ~ x + (rare || g)), of(y ~ x + (1 | g), weights = w))) {
    expect_true(all(is.finite(unlist(found))))
    expect_gt(min(found$unit), 0)
  }
})

test_that("numbers that would be a start but for their names are refused for these", {
  fit <- glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
  start <- component(fit, "parameters")
  message_for <- function(start) conditionMessage(error_of(update(fit, start = start)))
  partly <- replace(names(start), 2:3, "")
  expect_match(message_for(stats::setNames(start, partly)), "The names are the reason (2 of the 7 given have no name)",
               fixed = TRUE)
  expect_match(message_for(stats::setNames(start, replace(partly, 2:3, NA))), "2 of the 7 given have no name")
  expect_match(message_for(stats::setNames(start, replace(names(start), 7L, "sd"))), "('sd' is none of these)",
               fixed = TRUE)
  expect_match(message_for(rev(start)), "in another order")
  # the number or the values are wrong, whatever the names
  expect_false(grepl("names are the reason", message_for(start[-1L])))
  expect_false(grepl("names are the reason", message_for(replace(start, 1L, Inf))))
  expect_true(update(fit, start = unname(start))$converged)
})
