# Arguments of methods: flags, numbers, choices, and what comes in `...`.

check_flag <- function(x, argument) {
  if (!isTRUE(x) && !isFALSE(x)) {
    stop_glimmer("argument", paste0("`", argument, "` must be TRUE or FALSE."), argument = argument)
  }
}

check_number <- function(x, argument, lowest = -Inf, highest = Inf, whole = FALSE) {
  number <- is.numeric(x) && length(x) == 1L && !is.na(x)
  if (!number || x < lowest || x > highest || (whole && x != round(x))) {
    range <- if (lowest > -Inf && highest < Inf) {
      paste(" between", lowest, "and", highest)
    } else if (lowest > -Inf) {
      paste(",", lowest, "or more")
    }
    stop_glimmer("argument", paste0("`", argument, "` must be one ", if (whole) "whole ", "number", range, "."),
                 argument = argument)
  }
}

# Significant digits, as many as format() takes.
check_digits <- function(digits) {
  check_number(digits, "digits", 1, 22, whole = TRUE)
}

check_level <- function(level, argument = "level") {
  if (!is.numeric(level) || length(level) != 1L || is.na(level) || level <= 0 || level >= 1) {
    stop_glimmer("argument", paste0("`", argument, "` must be a number between 0 and 1."), argument = argument)
  }
}

match_choice <- function(choice, choices, argument) {
  if (identical(choice, choices) || is.null(choice)) {
    return(choices[1L])
  }
  found <- if (is.character(choice) && length(choice) == 1L) pmatch(choice, choices)
  if (is.null(found) || is.na(found)) refuse_choice(choice, choices, argument)
  choices[found]
}

refuse_choice <- function(choice, choices, argument) {
  near <- if (is.character(choice) && length(choice) == 1L && !is.na(choice)) nearest_name(choice, choices)
  stop_glimmer("argument", paste0("`", argument, "` must be one of ", format_items(choices), ".",
                                  if (length(near)) paste0(" Did you mean ", format_items(near), "?")),
               argument = argument, choices = choices, suggestion = near)
}

match_choices <- function(choice, choices, argument) {
  if (identical(choice, choices)) {
    return(choices)
  }
  vapply(if (length(choice)) as.list(choice) else list(NA), match_choice, "", choices, argument)
}

any_value <- function(value) TRUE

is_wald <- function(value) is.null(value) || identical(tolower(value), "wald")

#' What other packages pass along to methods that have no use for it, by method; nothing else gets through
#'
#' Each was seen in calls of the packages named. Where a value would ask for something else, only those that ask for
#' nothing get through.
#' @noRd
passed_along <- list(
  emm_basis.glimmer = list(mode = "link"), # ggeffects
  formula.glimmer = list(env = any_value), # stats, in as.formula
  get_df.glimmer = list(verbose = any_value, statistic = any_value), # insight, ggeffects
  get_predict.glimmer = list(mfx = any_value, internal_call = any_value, newparams = NULL, ndraws = NULL,
                             se.fit = NULL), # marginaleffects
  get_statistic.glimmer = list(verbose = any_value), # insight
  glance.glimmer = list(gof_map = any_value), # modelsummary
  is_converged.glimmer = list(tolerance = 0.001, verbose = any_value), # performance
  model_parameters.glimmer = list(verbose = any_value, ci_random = FALSE, # modelsummary; parameters and sjPlot
                                  component = any_value, bootstrap = FALSE, iterations = any_value,
                                  ci_method = is_wald, p_adjust = NULL, keep = NULL, drop = NULL),
  nobs.glimmer = list(use.fallback = any_value), # stats, MASS
  null_model.glimmer = list(verbose = any_value), # insight
  p_value.glimmer = list(component = any_value, verbose = any_value), # parameters
  predict.glimmer = list(random.only = FALSE), # insight
  refit.glimmer = list(control = any_value), # lme4, to make a bootstrap
  residuals.glimmer = list(verbose = any_value), # performance
  standard_error.glimmer = list(component = any_value, verbose = any_value), # parameters
  tidy.glimmer = list(parametric = any_value, vcov = NULL, coef_rename = any_value), # mice, modelsummary
  vcov.glimmer = list(complete = any_value) # stats, car, multcomp, effects
)

#' Open a method, and refuse what it was given in `...`: arguments that it does not have
#'
#' @param .method The method, by its name.
#' @param ... What it was given as `...`.
#' @param .others Character: further arguments that there are, as those of a function that `...` goes to; `""` for
#'   unnamed ones.
#' @param .shown `NULL`, or character: the function that the user called.
#' @noRd
check_dots <- function(.method, ..., .others = character(), .shown = NULL) {
  open_method(.method, parent.frame())
  given <- match.call(expand.dots = FALSE)$...
  name <- deparse1(substitute(.method))
  given <- if (is.null(names(given))) character(length(given)) else names(given)
  harmless <- passed_along[[name]]
  passed <- vapply(seq_along(given), function(k) {
    given[k] %in% names(harmless) && is_harmless(...elt(k), harmless[[given[k]]])
  }, NA)
  unknown <- setdiff(given[!passed], .others)
  if (length(unknown)) {
    known <- setdiff(c(names(formals(.method))[-1L], .others), c("...", ""))
    generic <- sub("([.](VarCorr|accuracy|coef|ranef|summary))?[.]glimmer$", "", name)
    stop_unknown(unknown[1L], setdiff(known, c("trms", "xlev", "grid")), if (is.null(.shown)) generic else .shown)
  }
}

is_harmless <- function(value, allowed) {
  if (is.function(allowed)) allowed(value) else identical(value, allowed)
}

stop_unknown <- function(name, known, generic) {
  near <- nearest_name(name, known)
  stop_glimmer("argument", paste0(
    if (nzchar(name)) paste0("Unknown argument `", name, "`") else "An argument without a name, one too many",
    ": ", if (length(near)) paste0("did you mean `", near, "`? "), generic, "() has ",
    if (length(known)) format_items(known, 12L) else "no further arguments", "."
  ), argument = name, suggestion = near)
}

#' The name that was meant: one that is part of the given one or has it as a part, else one with few letters changed
#'   or swapped
#' @return Character, empty where none is near.
#' @noRd
nearest_name <- function(name, known) {
  plain <- function(x) tolower(gsub("[._]", "", x))
  if (!nzchar(name) || !length(known)) {
    return(character())
  }
  # two neighbours that changed places are one mistake
  letters <- strsplit(plain(name), "")[[1L]]
  swapped <- vapply(seq_along(letters)[-1L], function(k) {
    paste(replace(letters, c(k - 1L, k), letters[c(k, k - 1L)]), collapse = "")
  }, "")
  distance <- pmin(drop(utils::adist(plain(name), plain(known))),
                   apply(1 + utils::adist(c(swapped, plain(name)), plain(known)), 2L, min))
  part <- function(a, b) 2 * nchar(a) >= nchar(b) & mapply(grepl, a, b, MoreArgs = list(fixed = TRUE))
  close <- part(plain(known), plain(name)) | part(plain(name), plain(known)) | distance <= max(1, nchar(name) %/% 2L)
  known[close][which.min(distance[close])]
}
