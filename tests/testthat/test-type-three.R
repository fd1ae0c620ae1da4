# Tests of terms with empty cells and aliased columns: against lmerTest, by coding, and by means of cells.

empty_cell_designs <- function() {
  ham <- lmerTest::ham
  carrots <- lmerTest::carrots
  set.seed(4)
  own <- expand.grid(a = factor(1:3), b = factor(1:4), k = factor(1:2), g = factor(1:8))
  own$x <- rnorm(nrow(own), 50)
  own$y <- rnorm(nrow(own)) + rnorm(8)[own$g]
  own <- own[-sample(nrow(own), 30), ]
  own <- subset(own, !(a == "2" & b == "3") & !(a == "1" & b == "1"))
  list(ham = list(formula = Informed.liking ~ Product * Information + (1 | Consumer),
                  data = subset(ham, Product != "2" | Information != "2")),
       reference = list(formula = Informed.liking ~ Product * Information * Gender + Age + (1 | Consumer),
                        data = subset(ham, Product != "1" | Information != "1")),
       carrots = list(formula = Preference ~ Homesize * Age + sens1 + sens2 + (1 | Consumer) + (1 | Product),
                      data = subset(carrots, Homesize != "1" | Age != "2")),
       sparse = list(formula = Preference ~ Work * Income + (1 | Consumer), data = carrots),
       slopes = list(formula = y ~ a * b * x + (1 | g), data = own),
       cells = list(formula = y ~ a:b + k + (1 | g), data = own))
}

quietly_fitted <- function(formula, data, ...) {
  suppressWarnings(glmm(formula, data, ...), classes = c("glimmer_warning_aliased", "glimmer_warning_response"))
}

# Terms without columns left have no row there.
peer_table <- function(peer, rows, ...) {
  table <- suppressMessages(anova(peer, ...))
  as.matrix(table[match(rows, rownames(table)), c("NumDF", "DenDF", "F value")])
}

test_that("with empty cells types I, II and III are those of lmerTest", {
  skip_if_not_installed("lmerTest")
  for (case in empty_cell_designs()) {
    peer <- suppressWarnings(suppressMessages(peer_fit(case, TRUE)))
    fit <- quietly_fitted(case$formula, case$data, REML = TRUE)
    expect_gt(length(component(fit, "dropped")), 0L)
    # of type II lmerTest tests the last term, a:b, otherwise than of types I and III
    for (type in c("I", if (!identical(attr(terms(fit), "term.labels")[2L], "a:b")) "II", "III")) {
      table <- anova(fit, type = type)
      expect_lt(relative_difference(as.matrix(table)[, 1:3], peer_table(peer, rownames(table), type = type)), 1e-3)
    }
  }
})

test_that("with empty cells by the method of Kenward and Roger, too", {
  skip_if_not_installed("lmerTest")
  skip_if_not_installed("pbkrtest")
  case <- empty_cell_designs()$slopes
  case$formula <- y ~ a * b + (1 | g)
  peer <- suppressMessages(peer_fit(case, TRUE))
  table <- anova(quietly_fitted(case$formula, case$data, REML = TRUE), type = 3, ddf = "Kenward-Roger")
  theirs <- peer_table(peer, rownames(table), type = 3, ddf = "Kenward-Roger")
  expect_lt(relative_difference(as.matrix(table)[, 1:3], theirs), 1e-3)
})

test_that("type III with empty cells depends neither on coding, nor on the order of levels and terms", {
  skip_if_not_installed("lmerTest")
  data <- empty_cell_designs()$slopes$data
  data$y <- as.integer(data$y > 0)
  table <- anova(quietly_fitted(y ~ a * b + k + (1 | g), data, family = binomial), type = 3)
  expect_equal(table$Df, c(2, 3, 1, 4))
  for (coding in c("contr.sum", "contr.helmert", "contr.poly")) {
    other <- quietly_fitted(y ~ k + b * a + (1 | g), transform(data, a = relevel(a, "3"), b = relevel(b, "2")),
                            family = binomial, contrasts = list(a = coding, b = coding))
    other <- anova(other, type = 3)
    expect_equal(other[c("a", "b", "k", "b:a"), "Chisq"], table$Chisq, tolerance = 1e-4)
  }
  expect_match(attr(table, "heading")[2L], "No data for 'a1:b1' and 'a2:b3'")
})

# The chi-squared test that contrasts of the means of cells are zero.
cell_test <- function(formula, data, contrasts) {
  fit <- glmm(formula, data)
  value <- drop(contrasts %*% fixef(fit))
  sum(value * solve(contrasts %*% vcov(fit) %*% t(contrasts), value))
}

test_that("the hypotheses are about means of the cells that have data", {
  skip_if_not_installed("lmerTest")
  data <- empty_cell_designs()$slopes$data
  data$cell <- interaction(data$a, data$b, drop = TRUE)
  levels <- strsplit(levels(data$cell), "[.]")
  a <- vapply(levels, `[`, "", 1L)
  # of factors nested in a: plain means within the levels of a
  means <- t(vapply(c("1", "2", "3"), function(level) (a == level) / sum(a == level), numeric(length(a))))
  nested <- anova(quietly_fitted(y ~ a / b + (1 | g), data), type = 3, test = "Chisq")
  expect_equal(nested["a", "Chisq"], cell_test(y ~ 0 + cell + (1 | g), data, means[-1L, ] - means[c(1L, 1L), ]),
               tolerance = 1e-5)
  # cells in two blocks without a common level: a differs only within the second block
  blocks <- subset(data, (a == "1" & b %in% c("2", "3")) | (a != "1" & b %in% c("1", "4")))
  fit <- quietly_fitted(y ~ a * b + (1 | g), blocks)
  table <- anova(fit, type = 3, test = "Chisq")
  expect_equal(table$Df, c(1, 2, 1))
  blocks$cell <- droplevels(blocks$cell)
  contrast <- (levels(blocks$cell) %in% c("2.1", "2.4")) - (levels(blocks$cell) %in% c("3.1", "3.4"))
  expect_equal(table["a", "Chisq"], cell_test(y ~ 0 + cell + (1 | g), blocks, t(contrast)), tolerance = 1e-5)
})

test_that("what cannot be told from other terms has no test of type III, whatever comes first", {
  data <- split_plot_data()
  data$same <- 2 * as.numeric(data$nitro)
  data$twice <- 2 * data$same
  for (formula in list(yield ~ nitro + same + (1 | Block / Variety), yield ~ same + nitro + (1 | Block / Variety))) {
    table <- anova(quietly_fitted(formula, data), type = 3, test = "Chisq")
    expect_equal(table[c("nitro", "same"), "Df"], c(2, 0))
    expect_true(is.na(table["same", "Chisq"]))
    # nitro beyond a straight line
    small <- glmm(yield ~ same + I(nitro == "0.2") + I(nitro == "0.4") + (1 | Block / Variety), data)
    expect_equal(table["nitro", "Chisq"],
                 drop(fixef(small)[3:4] %*% solve(vcov(small)[3:4, 3:4], fixef(small)[3:4])), tolerance = 1e-5)
  }
  table <- anova(quietly_fitted(yield ~ Variety + twice + same + (1 | Block / Variety), data), type = 3)
  expect_equal(table$NumDF, c(2, 0, 0))
  expect_equal(unlist(table["Variety", ]), unlist(anova(glmm(yield ~ Variety + same + (1 | Block / Variety), data),
                                                         type = 3)["Variety", ]), tolerance = 1e-5)
})
