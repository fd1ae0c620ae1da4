# Environments of formulas: a fit keeps the few objects that its formula needs, not the frame of its caller.

# Name of the hidden binding that marks an environment made by prune_environment().
pruned_mark <- ".glimmer_pruned"

#' Keep what a formula needs of its environment
#'
#' An environment that can always be found again (the global one, a namespace, an attached package) stays as it is.
#' Otherwise the objects that the expression names, and that are neither columns of the data nor found from the
#' first such environment on, move to a new environment above it. Functions among them are pruned likewise, since
#' the environment of a closure is the frame that made it.
#'
#' @param expression Formula or call whose names are needed.
#' @param env Its environment.
#' @param known Character: names of the data.
#' @return An environment.
#' @noRd
prune_environment <- function(expression, env, known = NULL) {
  if (is_anchor(env)) {
    return(env)
  }
  copies <- list()
  copy_of <- function(env) {
    for (copy in copies) {
      if (identical(copy$original, env)) {
        return(copy$kept)
      }
    }
    kept <- new.env(parent = anchor_of(env))
    copies[[length(copies) + 1L]] <<- list(original = env, kept = kept)
    kept
  }
  fill <- function(names, env) {
    if (is.null(env) || is_anchor(env)) {
      return(env)
    }
    kept <- copy_of(env)
    for (name in names) {
      value <- if (!exists(name, envir = kept, inherits = FALSE)) local_value(name, env)
      if (is.null(value)) {
        next
      }
      assign(name, value, envir = kept)
      if (is.function(value) && !is.primitive(value)) {
        origin <- environment(value)
        value <- utils::removeSource(value)
        environment(value) <- fill(function_names(value), origin)
        assign(name, value, envir = kept)
      }
    }
    kept
  }
  kept <- fill(setdiff(all.names(expression, unique = TRUE), intersect(known, all.vars(expression))), env)
  assign(pruned_mark, TRUE, envir = kept)
  kept
}

# A function with what it needs of its environment.
prune_function <- function(value) {
  env <- list2env(list(value = value), parent = globalenv())
  get("value", envir = prune_environment(quote(value), env))
}

#' Where the variables of a formula are looked up, after the data
#'
#' A formula taken from a fit has a pruned environment: names that are new to it, as in `update(fit, . ~ . + z)`
#' called in a function, are looked up from the caller of [glmm()], unless the formula is from another package.
#' @noRd
evaluation_environment <- function(env, caller) {
  if (!exists(pruned_mark, envir = env, inherits = FALSE)) {
    return(env)
  }
  anchor <- parent.env(env)
  if (!identical(anchor, globalenv()) && !identical(anchor, anchor_of(caller))) {
    return(env)
  }
  list2env(as.list(env, all.names = TRUE), parent = caller)
}

is_anchor <- function(env) {
  nzchar(environmentName(env))
}

anchor_of <- function(env) {
  while (!is_anchor(env)) {
    env <- parent.env(env)
  }
  env
}

# The object of this name between an environment and its anchor, or NULL.
local_value <- function(name, env) {
  while (!is_anchor(env)) {
    if (exists(name, envir = env, inherits = FALSE)) {
      return(attempt(get(name, envir = env, inherits = FALSE)))
    }
    env <- parent.env(env)
  }
  NULL
}

function_names <- function(value) {
  defaults <- unlist(lapply(formals(value), all.names))
  setdiff(unique(c(all.names(body(value)), defaults)), c(names(formals(value)), ""))
}
