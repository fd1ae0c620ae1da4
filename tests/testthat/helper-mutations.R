# Random models and data for the mutation tests: every part of a model may be there or not.

#' Data of a random model: row names are numbers, shuffled numbers or strings.
mutable_data <- function() {
  n <- 60L
  g <- factor(rep(sprintf("g%d", 1:6), each = 10))
  d <- data.frame(g = g, h = factor(rep(1:10, 6)), k = as.character(rep(c("u", "v", "w", "x", "z"), 12)),
                  x = rnorm(n), z = rnorm(n, 5), p = runif(n, 0.5, 2), f = factor(sample(letters[1:3], n, TRUE)),
                  b = sample(c(TRUE, FALSE), n, TRUE), o = runif(n), v = runif(n), w = sample(1:4, n, TRUE),
                  m = 10L, keep = c(rep(TRUE, 54), rep(FALSE, 6))[sample(n)])
  eta <- 0.3 + 0.4 * d$x + rnorm(6, 0, 0.6)[as.integer(g)] + rnorm(10, 0, 0.4)[as.integer(d$h)]
  d$gaussian <- eta + rnorm(n)
  d$binomial <- rbinom(n, 1, plogis(eta))
  d$s <- rbinom(n, 10, plogis(eta))
  d$poisson <- rpois(n, exp(eta))
  d$positive <- rgamma(n, 3, 3 / exp(eta))
  row.names(d) <- switch(sample(3, 1), seq_len(n), sample(1000L, n), sprintf("row %d", seq_len(n)))
  d
}

#' A random model
#'
#' @return List of `data`, `family`, `left` (response), `fixed` and `random` (texts), `arguments` (named expressions)
#'   and `rows` (numbers of the rows that `subset` keeps).
mutable_model <- function() {
  kind <- sample(c("gaussian", "binomial", "counts", "poisson", "Gamma", "inverse.gaussian"), 1)
  data <- mutable_data()
  left <- c(gaussian = "gaussian", binomial = "binomial", counts = "cbind(s, m - s)", poisson = "poisson",
            Gamma = "positive", inverse.gaussian = "positive")[[kind]]
  fixed <- sample(list("x", c("x", "f"), c("x", "b", "log(p)"), "poly(x, 2)", c("f", "offset(o)"), c("x", "z", "x:f"),
                       "1", c("scale(z)", "k")), 1)[[1L]]
  random <- sample(list("(1 | g)", "(x | g)", "(x || h)", c("(1 | g)", "(1 | h)"), "(1 | k)", "(0 + z | h)",
                        "(1 | g:f)", "(1 | k/b)"), 1)[[1L]]
  arguments <- list(weights = quote(w), offset = quote(v), subset = quote(keep))
  arguments <- arguments[c(runif(1) < 0.5 && kind != "binomial", runif(1) < 0.4, runif(1) < 0.4)]
  list(data = data, left = left, fixed = fixed, random = random, arguments = arguments, kind = kind,
       family = switch(kind, counts = binomial(), binomial = binomial(), poisson = poisson(), gaussian = gaussian(),
                       Gamma = Gamma("log"), inverse.gaussian = inverse.gaussian("log")),
       rows = if (is.null(arguments$subset)) seq_len(nrow(data)) else which(data$keep))
}

model_formula <- function(model) {
  as_model_formula(paste(model$left, "~", paste(c(model$fixed, model$random), collapse = " + ")))
}

# In an environment that has the functions of stats, but no variables.
as_model_formula <- function(text) {
  stats::as.formula(text, env = as.environment("package:stats"))
}

#' The call that fits a model; `...` replace arguments.
model_call <- function(model, ...) {
  arguments <- c(list(formula = model_formula(model), data = quote(data), family = quote(family)), model$arguments)
  arguments[names(list(...))] <- list(...)
  as.call(c(quote(glmm), arguments))
}

#' Fit a model and keep what it signals; `...` replace arguments.
try_model <- function(model, ...) {
  outcome_of(model_call(model, ...), list2env(list(data = model$data, family = model$family), parent = globalenv()))
}

#' The variables of a model by part: numeric covariates, all covariates, groups, response.
model_variables_of <- function(model) {
  covariates <- all.vars(str2lang(paste(model$fixed, collapse = "+")))
  bars <- lapply(model$random, function(text) str2lang(text)[[2L]])
  slopes <- unlist(lapply(bars, function(bar) all.vars(bar[[2L]])))
  used <- unique(c(covariates, slopes))
  list(numeric = intersect(used, c("x", "z", "p", "o")), covariates = used, slopes = slopes,
       groups = unique(unlist(lapply(bars, function(bar) all.vars(bar[[3L]])))),
       response = all.vars(str2lang(model$left)))
}

#' The columns of the model frame that a variable is part of.
columns_with <- function(model, variable) {
  frame <- c(model$left, unlist(strsplit(model$fixed, ":")), model_variables_of(model)$slopes,
             model_variables_of(model)$groups)
  unique(frame[vapply(frame, function(text) variable %in% all.vars(str2lang(text)), logical(1))])
}

row_names_of <- function(model, rows) {
  labels <- row.names(model$data)[rows]
  if (all(grepl("^[0-9]+$", labels))) as.integer(labels) else labels
}
