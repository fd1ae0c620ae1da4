# Random models, each changed by every class of defect in a random variable and row: the error of the package names the
# variable and the rows, and no error of R comes through. GLIMMER_SLOW_TESTS runs more models.

number_of_models <- if (run_slow_tests()) 200L else 20L

# Runs `check(model)`, which gives problems in words, on random models.
for_models <- function(seed, check) {
  set.seed(seed)
  problems <- character()
  for (i in seq_len(number_of_models)) {
    model <- mutable_model()
    found <- check(model)
    problems <- c(problems, if (length(found)) paste0(deparse1(model_call(model)), ": ", found))
  }
  expect_identical(problems, character())
}

pick <- function(x, size = 1L) x[sample.int(length(x), min(size, length(x)))]

# The error of a changed model: problems, with the change named.
refused <- function(change, model, class, ..., says = character(), arguments = list()) {
  outcome <- do.call(try_model, c(list(model), arguments), quote = TRUE)
  problems <- condition_problems(outcome$error, class, says, list(...))
  if (length(problems)) paste0(change, ": ", problems)
}

change <- function(model, variable, rows, value) {
  column <- model$data[[variable]]
  if (is.factor(column)) column <- as.character(column)
  column[rows] <- value
  model$data[[variable]] <- if (is.factor(model$data[[variable]])) factor(column) else column
  model
}

replace_column <- function(model, variable, value) {
  model$data[[variable]] <- value
  model
}

test_that("the models fit, so that the changes are what fails", {
  for_models(1, function(model) {
    outcome <- try_model(model)
    c(if (!is.null(outcome$error)) conditionMessage(outcome$error),
      if (is.null(outcome$error) && stats::nobs(outcome$value) != length(model$rows)) "nobs")
  })
})

test_that("infinite values are named by variable and row", {
  for_models(2, function(model) {
    variables <- model_variables_of(model)
    rows <- sort(pick(model$rows, sample(3, 1)))
    labels <- row_names_of(model, rows)
    value <- pick(c(Inf, -Inf))
    problems <- NULL
    for (variable in c(setdiff(variables$numeric, "p"), if (model$kind != "counts") model$left)) {
      bad <- change(model, variable, rows, value)
      columns <- columns_with(model, variable)
      learns <- any(grepl("poly|scale", columns))
      problems <- c(problems, refused(paste(value, "in", variable), bad, if (learns) NA else "nonfinite",
                                      rows = labels, variable = if (learns) variable else columns[1L],
                                      says = variable))
    }
    for (argument in names(model$arguments)[names(model$arguments) != "subset"]) {
      bad <- change(model, as.character(model$arguments[[argument]]), rows, value)
      problems <- c(problems, refused(paste(value, "in", argument), bad, "nonfinite", argument = argument,
                                      rows = labels))
    }
    problems
  })
})

test_that("missing values drop their rows, and are named where they may not be dropped", {
  for_models(3, function(model) {
    variables <- model_variables_of(model)
    used <- c(setdiff(unlist(variables, use.names = FALSE), "m"),
              vapply(model$arguments[names(model$arguments) != "subset"], as.character, ""))
    variable <- pick(unique(used))
    row <- pick(model$rows)
    value <- if (is.double(model$data[[variable]])) pick(c(NA, NaN)) else NA
    bad <- change(model, variable, row, value)
    if (any(grepl("poly", columns_with(model, variable)))) {
      return(refused("NA in poly()", bad, "variable", variable = variable, rows = row_names_of(model, row)))
    }
    outcome <- try_model(bad)
    strict <- try_model(bad, na.action = quote(na.fail))$error
    excluded <- try_model(bad, na.action = quote(na.exclude))$value
    c(if (!inherits(outcome$value, "glimmer")) paste("NA in", variable, "gives", signal_problems(outcome)),
      if (inherits(outcome$value, "glimmer") && stats::nobs(outcome$value) != length(model$rows) - 1L) "rows dropped",
      condition_problems(strict, "missing", says = variable, facts = list(rows = row_names_of(model, row))),
      if (inherits(excluded, "glimmer") &&
            !identical(c(table(is.na(stats::fitted(excluded)))), c(`FALSE` = length(model$rows) - 1L, `TRUE` = 1L))) {
        "no padding by na.exclude"
      })
  })
})

test_that("a variable without values, or not there, is named with its term", {
  for_models(4, function(model) {
    variables <- model_variables_of(model)
    variable <- pick(setdiff(unique(unlist(variables)), c("m", "s")))
    absent <- model
    absent$data[[variable]] <- NULL
    empty <- replace_column(model, variable, NA)
    c(refused(paste("no", variable), absent, "variable", variable = variable, says = variable),
      if (!any(grepl("poly|scale", columns_with(model, variable)))) {
        refused(paste(variable, "all missing"), empty, "rows", says = c("0 complete rows", variable))
      },
      unlist(lapply(c("weights", "offset", "subset"), function(argument) {
        refused(paste("no variable of", argument), model, "variable", argument = argument, variable = "nosuch",
                says = argument, arguments = stats::setNames(list(quote(nosuch + 1)), argument))
      })))
  })
})

test_that("types that no model can use are named", {
  for_models(5, function(model) {
    variables <- model_variables_of(model)
    n <- nrow(model$data)
    wrong <- list(complex = complex(n, 1, 1), raw = as.raw(rep(1:2, n / 2)), list = rep(list(1:2), n),
                  frame = data.frame(a = seq_len(n), b = seq_len(n)), array = array(1, c(n, 2, 2)))
    plain <- Filter(function(variable) variable %in% columns_with(model, variable),
                    unique(c(variables$covariates, variables$groups, setdiff(model$left, "cbind(s, m - s)"))))
    problems <- NULL
    for (type in names(wrong)) {
      for (variable in if (length(plain)) pick(plain)) {
        bad <- model
        bad$data[[variable]] <- if (is.list(wrong[[type]])) I(wrong[[type]]) else wrong[[type]]
        problems <- c(problems, refused(paste(type, "as", variable), bad, NA, variable = variable, says = variable))
      }
    }
    group <- pick(variables$groups)
    c(problems, refused("function as variable", model, "variable", variable = "mean", says = "mean",
                        arguments = list(formula = stats::update(model_formula(model), . ~ . + mean))),
      refused("matrix as group", replace_column(model, group, matrix(1:2, n, 2)), "grouping", variable = group),
      refused("transformed text", replace_column(model, "p", "a"), "variable", variable = "log(p)", says = "log(p)",
              arguments = list(formula = stats::update(model_formula(model), . ~ . + log(p)))))
  })
})

test_that("factors with one level are named", {
  for_models(6, function(model) {
    variables <- model_variables_of(model)
    one <- if ("f" %in% variables$covariates) {
      refused("one-level factor", replace_column(model, "f", factor("a")), "levels", variable = "f", levels = "a")
    }
    group <- pick(variables$groups)
    nested <- any(grepl(paste0("[:/]", group, "|", group, " *[:/]"), model$random))
    c(one, if (!nested && !group %in% variables$covariates) {
      refused("one group", replace_column(model, group, factor("only")), "grouping", variable = group,
              levels = "only", says = c(group, "1 level"))
    })
  })
})

# What each family cannot have, and what the message says of it.
impossible <- list(binomial = c(2, -1, 1.5), poisson = c(-1, -0.5), Gamma = c(0, -1), inverse.gaussian = c(0, -2))

test_that("responses that the family cannot have are named by variable and row", {
  for_models(7, function(model) {
    rows <- sort(pick(model$rows, sample(3, 1)))
    labels <- row_names_of(model, rows)
    n <- nrow(model$data)
    response <- if (model$kind == "counts") "s" else model$left
    values <- impossible[[model$kind]]
    c(if (length(values)) {
        refused("out of the support", change(model, response, rows, pick(values)), "response", variable = response,
                rows = labels, says = c(response, model$family$family))
      },
      if (model$kind == "counts") {
        c(refused("negative", change(model, "s", rows, -1L), "response", rows = labels, column = "s",
                  says = "negative"),
          refused("more than the trials", change(model, "s", rows, 11L), "response", rows = labels, column = "m - s"),
          refused("no number", replace_column(model, "s", "a"), NA, says = "cbind(s, m - s)"))
      } else {
        three <- replace_column(model, response, factor(rep(c("a", "b", "c"), n / 3)))
        text <- replace_column(model, response, rep(c("a", "b"), n / 2))
        dates <- replace_column(model, response, as.Date("2020-01-01") + seq_len(n))
        c(refused("three levels", three, "response", variable = response),
          refused("text", text, "response", variable = response, class_found = "character"),
          refused("dates", dates, "response", variable = response, class_found = "Date", says = "Date"),
          refused("three columns", replace_column(model, response, matrix(1, n, 3)), "response", variable = response,
                  says = "3 columns"))
      })
  })
})

test_that("counts that are not whole are one warning with their rows", {
  for_models(8, function(model) {
    if (!model$kind %in% c("poisson", "counts")) {
      return(NULL)
    }
    rows <- sort(pick(model$rows, sample(3, 1)))
    response <- if (model$kind == "counts") "s" else model$left
    outcome <- try_model(change(model, response, rows, 1.5))
    of_class <- Filter(function(w) inherits(w, "glimmer_warning_noninteger"), outcome$warnings)
    c(if (length(of_class) != 1L) paste(length(of_class), "warnings"),
      condition_problems(if (length(of_class)) of_class[[1L]], "noninteger", says = model$left,
                         facts = list(rows = row_names_of(model, rows))))
  })
})

test_that("weights and offset of another length, type or sign are refused by name", {
  for_models(9, function(model) {
    n <- nrow(model$data)
    row <- pick(model$rows)
    wrong <- list(short = seq_len(n - 1L), long = seq_len(n + 1L), one = 1, none = numeric(), text = rep("1", n),
                  list = as.list(seq_len(n)), complex = complex(n, 1, 1), factor = factor(rep(1:2, n / 2)),
                  logical = rep(TRUE, n), matrix = matrix(1, n, 2), fun = mean)
    problems <- NULL
    for (argument in c("weights", "offset")) {
      for (type in names(wrong)) {
        problems <- c(problems, refused(paste(type, argument), model, argument, argument = argument,
                                        says = paste0("`", argument, "`"),
                                        arguments = stats::setNames(list(wrong[[type]]), argument)))
      }
    }
    negative <- replace(rep(1, n), row, -1)
    c(problems,
      refused("negative weights", model, "weights", argument = "weights", rows = row_names_of(model, row),
              arguments = list(weights = negative)),
      refused("no weight", model, "weights", argument = "weights", arguments = list(weights = numeric(n))),
      refused("offset text", model, "offset", variable = "offset(k)",
              arguments = list(formula = stats::update(model_formula(model), . ~ . + offset(k)))),
      refused("offset of two columns", model, "offset", variable = "offset(cbind(x, z))", says = "2 columns",
              arguments = list(formula = stats::update(model_formula(model), . ~ . + offset(cbind(x, z))))))
  })
})

test_that("a subset that is empty or none is refused by name", {
  for_models(10, function(model) {
    wrong <- list(rep(TRUE, 7), "nosuch row", 1e6, 1.5, c(-1, 1), factor(1:3), list(1), mean, NA)
    found <- unlist(lapply(wrong, function(subset) {
      refused(paste("subset", deparse1(subset)), model, "subset", argument = "subset", says = "`subset`",
              arguments = list(subset = subset))
    }))
    c(found, refused("empty subset", model, "rows", argument = "subset", says = c("0 rows", "`subset`"),
                     arguments = list(subset = quote(z > 1e6))))
  })
})

test_that("arguments that are none are refused by name", {
  wrong <- list(formula = list(3, NULL, "y ~", mean, quote(nosuch)), data = list(3, "d", mean, NA, matrix(1:4, 2),
                                                                                   list(1, 2), quote(nosuch)),
                family = list("nosuch", 3, mean, "quasipoisson", quasibinomial(), binomial, NULL, quote(nosuch)),
                contrasts = list(3, "contr.sum", list("contr.sum"), list(nosuch = "contr.sum"), quote(nosuch)),
                method = list("nosuch", 1, NA, quote(nosuch)), nAGQ = list(-1, 1.5, "a", NA, 1:2, quote(nosuch)),
                REML = list("yes", NA, 1, quote(nosuch)), start = list("a", 1, c(NA, 1), list(), quote(nosuch)),
                control = list(NULL, list(), 3, quote(nosuch)), na.action = list("nosuch", 3, quote(nosuch)))
  wrong$family[[6L]] <- make.link("logit")
  for_models(11, function(model) {
    unlist(lapply(names(wrong), function(argument) {
      value <- pick(wrong[[argument]])
      refused(argument, model, NA, argument = argument, says = sub("family", "famil", argument),
              arguments = stats::setNames(value, argument))
    }))
  })
})

test_that("misspelled arguments are errors that name them, and the one that was meant", {
  meant <- c(nAQG = "nAGQ", familly = "family", wieghts = "weights", ofset = "offset", dta = "data",
             controll = "control", verbose = "glmm_control")
  for_models(12, function(model) {
    name <- pick(names(meant))
    refused(paste("misspelt", name), model, "argument", argument = name, says = c(name, meant[[name]]),
            arguments = stats::setNames(list(1), name))
  })
})

test_that("contrasts that do not fit their factor are refused by name", {
  wrong <- list("nosuch", matrix(1, 2, 2), matrix(NA_real_, 3, 2), 3, mean, TRUE)
  for_models(13, function(model) {
    formula <- stats::update(model_formula(model), . ~ . + f)
    refused("contrasts", model, "contrasts", argument = "contrasts", variable = "f", says = c("`contrasts`", "'f'"),
            arguments = list(formula = formula, contrasts = list(f = pick(wrong)[[1L]])))
  })
})

test_that("formulas that are no mixed model are refused", {
  for_models(14, function(model) {
    bar <- sub("^[(](.*)[)]$", "\\1", pick(model$random))
    fixed <- paste(model$fixed, collapse = " + ")
    random <- paste(model$random, collapse = " + ")
    wrong <- c(paste("~", fixed, "+", random), paste(model$left, "~", fixed), paste(model$left, "~", fixed, "+", bar),
               paste(". ~", fixed, "+", random), paste(model$left, "~", fixed, "+ (. | g)"),
               paste(model$left, "~ x * (", bar, ")"), paste(model$left, "~ (", bar, ")^2"),
               paste(model$left, "~", fixed, "- (", bar, ")"), paste(model$left, "~", fixed, "+ (1 | g | h)"),
               paste(model$left, "~", fixed, "+ (1 | 1)"), paste(model$left, "~", fixed, "+ 2 +", random),
               paste(model$left, "~", fixed, "+ NA +", random), paste(model$left, "~ 'x' +", random),
               paste("'y' ~", fixed, "+", random), paste("1 ~", fixed, "+", random),
               paste(model$left, "~", fixed, "+ (1 | g - h)"), paste(model$left, "~", fixed, "+ (1 | g^2)"),
               paste(model$left, "~", fixed, "+ (offset(o) | g)"), paste(model$left, "~ nosuch(1 | g)"))
    text <- pick(wrong)
    c(refused(text, model, "formula", argument = "formula",
              arguments = list(formula = as_model_formula(text))),
      refused("no columns", model, "rank", term = "(0 | g)", says = "(0 | g)",
              arguments = list(formula = as_model_formula(paste(model$left, "~", fixed, "+ (0 | g)")))),
      if (model$kind != "counts") {
        text <- paste(model$left, "~", fixed, "+ (1 |", model$left, ")")
        refused(text, model, "formula", variable = model$left, says = model$left,
                arguments = list(formula = as_model_formula(text)))
      })
  })
})

test_that("defects of new data are named by variable", {
  predicted <- function(fit, new) {
    outcome_of(quote(predict(fit, new)), list2env(list(fit = fit, new = new), parent = globalenv()))$error
  }
  for_models(15, function(model) {
    fit <- try_model(model)$value
    variables <- model_variables_of(model)
    new <- model$data[sort(pick(model$rows, 5L)), ]
    wrong <- list(text = "nosuch", complex = 1i, list = I(rep(list(1:2), 5)), frame = I(data.frame(a = 1:5, b = 1:5)),
                  date = as.Date("2020-01-01"), raw = as.raw(1))
    plain <- Filter(function(variable) variable %in% columns_with(model, variable),
                    setdiff(unique(c(variables$covariates, variables$groups)), "o"))
    unlist(lapply(plain, function(variable) {
      type <- pick(names(wrong))
      found <- condition_problems(predicted(fit, replace_column(list(data = new), variable, wrong[[type]])$data), NA,
                                  says = variable)
      c(if (length(found)) paste0(type, " as ", variable, ": ", found),
        condition_problems(predicted(fit, new[names(new) != variable]), "variable", says = variable,
                           facts = list(variable = variable)))
    }))
  })
})
