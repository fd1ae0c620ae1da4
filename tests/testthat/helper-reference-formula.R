# Models of the reference from a formula and data, without the package: a small reader of lme4's notation.

#' A model for the reference from a formula, data, a family object, and the names of the columns with prior weights and
#' offset (or NULL).
reference_from_formula <- function(formula, data, family, weights = NULL, offset = NULL) {
  bars <- random_bars(formula[[3L]])
  fixed <- formula
  fixed[[3L]] <- without_bars(formula[[3L]])
  frame <- stats::model.frame(fixed, data, na.action = stats::na.pass)
  response <- reference_response(stats::model.response(frame), family$family, if (!is.null(weights)) data[[weights]])
  total_offset <- numeric(nrow(data))
  if (!is.null(stats::model.offset(frame))) total_offset <- total_offset + stats::model.offset(frame)
  if (!is.null(offset)) total_offset <- total_offset + data[[offset]]
  random <- reference_terms(bars, data)
  reference_model(response$y, response$size, response$weights, total_offset,
                  stats::model.matrix(stats::terms(frame), frame), random$factors, random$terms,
                  family$family, family$link)
}

#' Response, trials and prior weights: two columns, a proportion with its trials as weights, a factor, or numbers.
reference_response <- function(y, family, weights) {
  n <- NROW(y)
  if (is.null(weights)) weights <- rep(1, n)
  if (is.matrix(y)) return(list(y = y[, 1L], size = rowSums(y), weights = weights))
  if (is.factor(y)) y <- as.numeric(y != levels(y)[1L])
  y <- as.numeric(y)
  if (!counts_trials(family)) return(list(y = y, size = rep(1, n), weights = weights))
  used <- weights > 0
  list(y = round(y * ifelse(used, weights, 1)), size = ifelse(used, weights, 1), weights = as.numeric(used))
}

#' All calls to `|` and `||` in an expression, with a/b and || written out.
random_bars <- function(expression) {
  if (!is.call(expression)) return(list())
  name <- as.character(expression[[1L]])[1L]
  if (name %in% c("|", "||")) return(expand_bar(expression, name))
  unlist(lapply(as.list(expression)[-1L], random_bars), recursive = FALSE)
}

#' One bar as a list of list(left = one-sided formula or column choice, group = names joined by a colon).
expand_bar <- function(bar, name) {
  groups <- nested_groups(bar[[3L]])
  unlist(lapply(groups, function(group) {
    if (name == "|") return(list(list(left = bar[[2L]], group = group, column = NULL)))
    list(list(left = bar[[2L]], group = group, column = "each"))
  }), recursive = FALSE)
}

#' Groups of a/b in the order of lme4: the inner b:a first, then a.
nested_groups <- function(expression) {
  if (is.call(expression) && identical(expression[[1L]], as.name("/"))) {
    outer <- nested_groups(expression[[2L]])
    return(c(list(c(all.vars(expression[[3L]]), outer[[1L]])), outer))
  }
  list(all.vars(expression))
}

#' The fixed part: the sum of what has no bar.
without_bars <- function(expression) {
  if (!is.call(expression)) return(expression)
  if (identical(expression[[1L]], as.name("(")) && length(random_bars(expression))) return(NULL)
  if (!identical(expression[[1L]], as.name("+")) || length(expression) == 2L) return(expression)
  left <- without_bars(expression[[2L]])
  right <- without_bars(expression[[3L]])
  if (is.null(left) && is.null(right)) return(1)
  if (is.null(left)) return(right)
  if (is.null(right)) return(left)
  call("+", left, right)
}

#' Factors and terms, as the reference wants them, from the bars.
reference_terms <- function(bars, data) {
  factors <- list()
  terms <- list()
  for (bar in bars) {
    Z <- stats::model.matrix(stats::as.formula(call("~", bar$left)), data)
    group <- paste(bar$group, collapse = ":")
    position <- match(group, vapply(factors, function(factor) factor$name, ""))
    if (is.na(position)) {
      values <- interaction(data[bar$group], drop = TRUE)
      factors <- c(factors, list(list(name = group, levels = levels(values), index = as.integer(values) - 1L,
                                      Z = matrix(0, nrow(data), 0))))
      position <- length(factors)
    }
    used <- ncol(factors[[position]]$Z)
    factors[[position]]$Z <- cbind(factors[[position]]$Z, Z)
    pieces <- if (is.null(bar$column)) list(seq_len(ncol(Z))) else as.list(seq_len(ncol(Z)))
    terms <- c(terms, lapply(pieces, function(columns) {
      list(group = group, factor = position, columns = used + columns, names = colnames(Z)[columns])
    }))
  }
  list(factors = factors, terms = terms)
}
