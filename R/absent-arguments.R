# Arguments that glmm() does not have: misspelt ones, and those of other packages' functions.

# Arguments of other packages' functions: what there is instead.
absent_arguments <- c(
  ziformula = "Zero inflation is not there yet: the package 'glmmTMB' has it.",
  zi = "Zero inflation is not there yet: the package 'glmmTMB' has it.",
  dispformula = "Models of the dispersion are not there yet: the package 'glmmTMB' has them.",
  correlation = "Correlated residuals are not there: the package 'nlme' has them for Gaussian responses.",
  random = "Random effects stand in the formula, as in `y ~ x + (1 | g)`.",
  fixed = "The argument is called `formula`, and random effects stand in it, as in `y ~ x + (1 | g)`.",
  verbose = "It is an argument of glmm_control(): `control = glmm_control(verbose = 1)`.",
  link = "The link is given with the family, as in `family = poisson(link = \"sqrt\")`.",
  trials = "Give `cbind(successes, failures)` as the response, or proportions with the trials as `weights`."
)

#' Refuse what glmm() was given in `...`, and say what was meant
#' @param given List of expressions.
#' @noRd
refuse_arguments <- function(given) {
  if (!length(given)) {
    return(invisible())
  }
  name <- names(given)[1L]
  known <- setdiff(names(formals(glmm)), "...")
  if (is.null(name) || !nzchar(name)) {
    stop_glimmer("argument", paste0("glmm() was given more arguments than it has (`", deparse1(given[[1L]]), "`): they",
                                    " are ", format_items(known, 20L), ". Name those that you give."), argument = "...")
  }
  near <- nearest_name(name, known)
  advice <- if (name %in% names(absent_arguments)) {
    absent_arguments[[name]]
  } else if (length(near)) {
    paste0("Did you mean `", near, "`?")
  } else {
    paste0("The arguments are ", format_items(known, 20L), ".")
  }
  stop_glimmer("argument", paste0("glmm() has no argument `", name, "`. ", advice), argument = name,
               suggestion = near)
}
