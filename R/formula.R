# From the user's formula to its parts: the fixed effects, the random terms, and the formula of the model frame.
# The bars are read by 'reformulas'; what it would misread (bars inside function calls, `- 1` after a random
# term, colons inside backticks) is hidden from it or handled here.

# Operators that build a model formula; every other call is a variable.
formula_operators <- c("+", "-", "*", "/", ":", "^", "%in%", "(", "|", "||")

# Covariance structures that users of other packages write around a bar; here is us(), the same as a plain bar, and what
# the registry of structures has.
known_structures <- c("us", "diag", "ar1", "cs", "equalto", "exp", "gau", "hetar1", "homcs", "homdiag", "homtoep",
                      "mat", "ou", "propto", "rr", "toep")

#' Parse a model formula
#'
#' @param formula The user's formula: a formula, or a call or string that makes one.
#' @param data The user's data (data frame, list, environment or `NULL`); only its names are used.
#' @param env Environment for formulas that have none, and for the names that a formula with a pruned environment
#'   (that of an earlier fit, in `update()`) does not find: the caller of [glmm()].
#' @return List of `formula`, `fixed`, `frame` and `terms`. Each of `terms` is a list of `expression`, `left`,
#'   `group`, `group_name` and `structure` (a name in `structures`, or "independent" for a double bar). The
#'   environment of `frame` is the user's, those of the others are pruned: see [prune_environment()].
#' @noRd
parse_formula <- function(formula, data = NULL, env = parent.frame()) {
  if (missing(data)) {
    data <- NULL
  }
  formula <- check_formula(formula, env)
  frame_env <- evaluation_environment(environment(formula), env)
  hiding <- hide_calls(formula[[3L]], frame_env)
  check_left(formula[[2L]])
  check_parentheses(hiding$expression)
  check_leaves(hiding$expression)
  bars <- find_bars(hiding$expression)
  if (!length(bars)) {
    stop_glimmer("formula", paste0("The formula has no random term. Write one in parentheses, as in ",
                                   "`y ~ x + (1 | g)`, or fit the model with glm() or lm()."), argument = "formula")
  }
  right <- hiding$expression
  if ("." %in% all.names(right)) {
    right <- expand_dot(right, bars, formula[[2L]], data, hiding)
    formula[[3L]] <- show_calls(written_bars(right), hiding)
  }
  pruned <- prune_environment(formula, frame_env, names(data))
  fixed <- drop_bars(right)
  fixed <- without_response(show_calls(if (is.null(fixed)) 1 else fixed, hiding), formula[[2L]])
  terms <- unlist(lapply(bars, expand_bar, hiding = hiding, env = pruned), recursive = FALSE)
  check_response_use(terms, formula[[2L]])
  variables <- lapply(bars, function(bar) show_calls(call("+", bar[[2L]], bar[[3L]]), hiding))
  list(formula = structure(formula, .Environment = pruned),
       fixed = new_formula(formula[[2L]], fixed, pruned),
       frame = new_formula(formula[[2L]], Reduce(function(a, b) call("+", a, b), variables, fixed), frame_env),
       terms = terms)
}

#' Leave the response out of the fixed effects, as stats::lm() does
#'
#' @param fixed Right side of the fixed effects. @param response Left side.
#' @return Right side without the terms that have the response; with a warning if there are any.
#' @noRd
without_response <- function(fixed, response) {
  if (!all(all.vars(response) %in% all.vars(fixed))) {
    return(fixed)
  }
  terms <- stats::terms(structure(call("~", fixed), class = "formula"))
  name <- variable_name(response)
  if (!name %in% predictor_names(terms)) {
    return(fixed)
  }
  incidence <- variables_by_term(terms)
  guilty <- incidence[match(name, rownames(incidence)), ]
  labels <- colnames(incidence)[guilty]
  warn_glimmer("response", paste0("The response ", format_items(name), " is also a predictor (", format_items(labels),
                                  "): it cannot explain itself, and is left out of the fixed effects."),
               variable = name, term = labels)
  sum_of_terms(terms, which(!guilty))
}

# Left of a bar or as a group the response makes a model of itself.
check_response_use <- function(terms, response) {
  name <- variable_name(response)
  for (term in terms) {
    if (!all(all.vars(response) %in% all.vars(term$expression))) next
    used <- c(group_components(term$group), predictor_names(stats::terms(term$left)))
    if (name %in% used) {
      stop_glimmer("formula", paste0("The response ", format_items(name), " stands in the random term ",
                                     term_label(term), ": it cannot explain itself. Take it out of the term."),
                   argument = "formula", variable = name, term = term_label(term))
    }
  }
}

check_formula <- function(formula, env) {
  formula <- as_formula(formula, env)
  if (is.null(environment(formula))) {
    environment(formula) <- env
  }
  if (length(formula) != 3L) {
    stop_glimmer("formula", "The formula has no response: write it on the left, as in `y ~ x + (1 | g)`.",
                 argument = "formula")
  }
  if ("." %in% all.vars(formula[[2L]])) {
    stop_glimmer("formula", "`.` stands for predictors: name the response on the left side of the formula.",
                 argument = "formula")
  }
  formula
}

# A formula, terms object, call or text as a formula.
as_formula <- function(given, env) {
  if (inherits(given, "formula")) {
    return(stats::formula(given))
  }
  text <- is.character(given) && length(given) == 1L && !is.na(given)
  made <- if (text || is.call(given)) attempt(stats::as.formula(given, env = env), identity)
  if (!inherits(made, "formula")) {
    found <- paste0("an object of class ", format_items(class(given)[1L]))
    if (text) found <- paste0("the text '", given, "', which is none")
    stop_glimmer("formula", paste0("`formula` must be a formula such as `y ~ x + (1 | g)`, not ", found, "."),
                 argument = "formula", class_found = class(given))
  }
  made
}

#' Refuse what is no variable
#'
#' Numbers other than 0 and 1, and strings, mean nothing as terms of a formula.
#'
#' @param expression Right side with calls hidden.
#' @noRd
check_leaves <- function(expression) {
  if (is.symbol(expression)) {
    return(invisible())
  }
  if (is.call(expression)) {
    arguments <- if (is_sum(expression)) lapply(split_sum(expression), `[[`, "operand") else as.list(expression)[-1L]
    # the exponent of `^` is a number
    lapply(if (call_name(expression) == "^") arguments[1L] else arguments, check_leaves)
    return(invisible())
  }
  number <- is.logical(expression) || (is.numeric(expression) && expression %in% c(0, 1))
  if (!number || anyNA(expression)) {
    label <- deparse1(expression)
    advice <- if (is.character(expression)) paste0(" Write the name without quotes: `", expression, "`.")
    stop_glimmer("formula", paste0("`", label, "` in the formula is no variable: only 0 and 1 (no intercept, ",
                                   "intercept) can stand beside variables.", advice),
                 argument = "formula", term = label)
  }
}

# A string on the left side would be a variable of one value.
check_left <- function(left) {
  if (!is.call(left) && !is.symbol(left)) {
    label <- deparse1(left)
    advice <- if (is.character(left)) paste0(" Write the name without quotes: `", left, "`.")
    stop_glimmer("formula", paste0("The left side of the formula, `", label, "`, is no variable: name the response ",
                                   "there.", advice), argument = "formula", term = label)
  }
}

new_formula <- function(left, right, env) {
  structure(call("~", left, right), class = "formula", .Environment = env)
}

#' Hide function calls and odd names from the formula machinery
#'
#' A bar, slash or colon inside a call (`I(a | b)`) or inside backticks is no operator of the formula. Calls and
#' non-syntactic names become plain symbols; `us(x | g)` becomes `(x | g)`, and `cs(x | g)` a call of the bar with three
#' operands, the last `cs`.
#'
#' @return List of the `expression` and `hidden`, what the new symbols stand for.
#' @noRd
hide_calls <- function(expression, env) {
  hidden <- list()
  # longer than any name in the formula
  prefix <- strrep(".", max(nchar(all.names(expression, unique = TRUE), "bytes"), 0L) + 1L)
  hide_one <- function(x) {
    name <- paste0(prefix, "hidden", length(hidden) + 1L)
    hidden[[name]] <<- x
    as.name(name)
  }
  hide <- function(x) {
    if (is.symbol(x)) {
      name <- as.character(x)
      return(if (name == make.names(name)) x else hide_one(x))
    }
    if (!is.call(x)) {
      return(x)
    }
    if (is_sum(x)) {
      return(join_sum(lapply(split_sum(x), function(part) list(sign = part$sign, operand = hide(part$operand)))))
    }
    if (call_name(x) %in% formula_operators) {
      return(as.call(c(x[[1L]], lapply(as.list(x)[-1L], hide))))
    }
    bar <- structure_bar(x, env)
    if (is.null(bar)) hide_one(x) else hide(bar)
  }
  list(expression = hide(expression), hidden = hidden)
}

show_calls <- function(expression, hiding) {
  if (length(hiding$hidden)) do.call(substitute, list(expression, hiding$hidden)) else expression
}

#' The bar inside a covariance structure such as `diag(x | g)`
#'
#' @return The bar in parentheses, with the name of the structure as its third operand; `NULL` if the call is an
#'   ordinary function call.
#' @noRd
structure_bar <- function(call, env) {
  name <- call_name(call)
  if (length(call) < 2L || !is_bar(strip_parentheses(call[[2L]]))) {
    return(NULL)
  }
  label <- deparse1(call)
  here <- c("us", setdiff(names(structures), "unstructured"))
  if (!name %in% c(known_structures, here)) {
    if (nzchar(name) && !exists(name, envir = env, mode = "function")) {
      stop_glimmer("formula", paste0("Unknown covariance structure ", name, "() in `", label, "`: there are ",
                                     join_items(paste0(here, "()"), 20L), "."), argument = "formula", term = label)
    }
    return(NULL)
  }
  if (!name %in% here || length(call) > 2L) {
    stop_glimmer("not_available", paste0("The covariance structure `", label, "` is not there yet: there are ",
                                         "us(x | g), the same as (x | g), and ",
                                         join_items(paste0(here[-1L], "(x | g)"), 20L), "."),
                 argument = "formula", term = label)
  }
  bar <- strip_parentheses(call[[2L]])
  if (name != "us") {
    if (call_name(bar) == "||") {
      stop_glimmer("formula", paste0("`", label, "` has a double bar: a covariance structure has a single one."),
                   argument = "formula", term = label)
    }
    bar[[4L]] <- as.name(name)
  }
  call("(", bar)
}

# As users write it: `cs(x | g)` for the bar with a third operand.
written_bars <- function(expression) {
  if (!is.call(expression)) {
    return(expression)
  }
  if (is_sum(expression)) {
    return(join_sum(lapply(split_sum(expression), function(part) {
      list(sign = part$sign, operand = written_bars(part$operand))
    })))
  }
  inner <- strip_parentheses(expression)
  if (is_bar(inner) && length(inner) > 3L) {
    return(call(as.character(inner[[4L]]), inner[1:3]))
  }
  as.call(lapply(as.list(expression), written_bars))
}

check_parentheses <- function(right) {
  if (is_bar(right)) {
    stop_glimmer("formula", paste0("A random term stands without parentheses: everything left of the bar would ",
                                   "belong to it. Put random terms in parentheses, as in `y ~ x + (1 | g)`."),
                 argument = "formula")
  }
}

#' Find the random terms in the sum on the right side
#'
#' @param expression Right side with calls hidden.
#' @return List of calls to `|` or `||`; bars elsewhere than in a sum are errors.
#' @noRd
find_bars <- function(expression) {
  if (!has_bar(expression)) {
    return(list())
  }
  if (is_bar(expression)) {
    if (has_bar(expression[[2L]]) || has_bar(expression[[3L]])) {
      stop_nested_bar(expression)
    }
    return(list(expression))
  }
  if (!is_sum(expression)) {
    if (call_name(expression) != "(") stop_nested_bar(expression)
    return(find_bars(expression[[2L]]))
  }
  parts <- split_sum(expression)
  subtracted <- vapply(parts, function(part) part$sign == "-" && has_bar(part$operand), NA)
  if (any(subtracted)) {
    stop_nested_bar(join_sum(parts[seq_len(which(subtracted)[1L])]))
  }
  unlist(lapply(parts, function(part) find_bars(part$operand)), recursive = FALSE)
}

stop_nested_bar <- function(expression) {
  label <- deparse1(expression)
  stop_glimmer("formula", paste0("A random term can only be added to the formula; in `", label, "` it stands inside ",
                                 "another term. Write it as a term of its own, as in `y ~ x + (x | g)`."),
               argument = "formula", term = label)
}

# reformulas::nobars() would also drop the `- 1` of `(1 | g) - 1`.
drop_bars <- function(expression) {
  if (!has_bar(expression)) {
    return(expression)
  }
  if (is_bar(expression)) {
    return(NULL)
  }
  if (!is_sum(expression)) {
    inner <- drop_bars(expression[[2L]])
    return(if (!is.null(inner)) call("(", inner))
  }
  parts <- lapply(split_sum(expression), function(part) list(sign = part$sign, operand = drop_bars(part$operand)))
  parts <- Filter(function(part) !is.null(part$operand), parts)
  if (length(parts)) join_sum(parts)
}

#' Replace `.` by the variables of the data
#'
#' Left out are the variables of the response, as in [stats::terms.formula()], and the grouping variables.
#' @noRd
expand_dot <- function(right, bars, response, data, hiding) {
  if (any(vapply(bars, function(bar) "." %in% all.names(bar), logical(1)))) {
    stop_glimmer("formula", "`.` cannot stand in a random term: name its variables.", argument = "formula")
  }
  groups <- lapply(bars, function(bar) all.vars(show_calls(bar[[3L]], hiding)))
  variables <- setdiff(if (is.list(data)) valid_names(data), c(all.vars(response), unlist(groups)))
  if (!length(variables)) {
    stop_glimmer("formula", "`.` in the formula needs a data frame with predictors in `data`.", argument = "formula")
  }
  sum_of <- Reduce(function(a, b) call("+", a, b), lapply(variables, as.name))
  replace_dot(right, sum_of)
}

valid_names <- function(data) {
  invalid <- which(!validEnc(as.character(names(data))))
  if (length(invalid)) {
    stop_glimmer("variable", paste0("`.` in the formula stands for all variables of the data, and the name of column ",
                                    join_items(invalid, 5L), " is no valid text: rename it."),
                 argument = "data", columns = invalid)
  }
  enc2native(as.character(names(data)))
}

#' Expand one bar into random terms
#'
#' `a/b` gives one term per level of nesting, in the order and with the names of 'reformulas' (`b:a`, then `a`).
#' @noRd
expand_bar <- function(bar, hiding, env) {
  left <- show_calls(bar[[2L]], hiding)
  if ("offset" %in% all.names(left)) {
    stop_glimmer("formula", paste0("`", deparse1(left), "` left of a bar has an offset(): an offset belongs to the ",
                                   "fixed effects."),
                 argument = "formula", term = deparse1(left))
  }
  group <- strip_parentheses(bar[[3L]])
  if (!length(all.vars(show_calls(group, hiding)))) {
    stop_glimmer("formula", paste0("`", deparse1(group), "` right of a bar names no grouping variable."),
                 argument = "formula", term = paste0("(", deparse1(show_calls(bar, hiding)), ")"))
  }
  check_group_operators(group, show_calls(bar, hiding))
  groups <- list(group)
  if (!is.symbol(group)) {
    groups <- lapply(reformulas::expandAllGrpVar(list(call("|", 1, group))), function(x) x[[3L]])
  }
  lapply(groups, function(group) {
    group <- show_calls(group, hiding)
    list(expression = call("|", left, group),
         left = structure(call("~", left), class = "formula", .Environment = env),
         group = group, group_name = group_label(group),
         structure = if (call_name(bar) == "||") "independent" else if (length(bar) > 3L) as.character(bar[[4L]]) else
           "unstructured")
  })
}

# 'reformulas' reads `g - h` and `g^2` as g.
check_group_operators <- function(group, bar) {
  if (any(c("-", "^") %in% all.names(group, unique = TRUE))) {
    label <- paste0("(", deparse1(bar), ")")
    stop_glimmer("formula", paste0("The grouping factor of ", label, " has an operator that makes no groups: join ",
                                   "factors with `:` or nest them with `/`."), argument = "formula", term = label)
  }
}

group_label <- function(group) {
  if (call_name(group) == ":") {
    return(paste0(group_label(group[[2L]]), ":", group_label(group[[3L]])))
  }
  variable_name(strip_parentheses(group))
}

#' How a random term is shown in messages, and read again by formula()
#' @noRd
term_label <- function(term) {
  name <- if (!term$structure %in% c("independent", "unstructured")) term$structure
  bar <- if (term$structure == "independent") " || " else " | "
  paste0(name, "(", deparse1(term$left[[2L]], backtick = TRUE), bar, deparse1(term$group, backtick = TRUE), ")")
}
