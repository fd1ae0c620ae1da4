# What second order says of a fit: sizes and shifts, when they are to be trusted, and in words.

# S is the sum of the terms of second order in size, in log-likelihood units. Of S for each effect that the data inform:
# up to the first the estimates are as good as maximum likelihood to a tenth of a standard error, up to the second to a
# quarter, beyond it nobody knows. Estimates farther than `shift` standard errors from Laplace's are not trusted either.
second_order_limits <- c(trusted = 0.2, rough = 0.3, shift = 5)

#' @section second order:
#' Laplace's approximation leaves out terms whose largest ones are known (second order; Shun and McCullagh 1995). With
#' `method = "laplace2"` they are taken in, level by level, each level's part e as e / (1 + |e| / 0.3), without which
#' the log-likelihood would have no bound in the variances. What the status says of it rests on S, the sum of these
#' terms in size, and on the number of effects that the data inform, the sum over levels of tr(Q / (Q + 1)), with
#' Q = Lambda'Z'WZ Lambda of the level:
#'
#' - S for each informed effect up to 0.2: trusted, the estimates are those of maximum likelihood to about a tenth of a
#'   standard error;
#' - up to 0.3: rough, to about a quarter of a standard error;
#' - above, or with estimates more than 5 standard errors from Laplace's: not to be trusted; the status is marked.
#'
#' The error stated of the log-likelihood is 0.055 S (of S below 0.3: 0.1, or S if that is less). Limits and error were
#' calibrated on some 390 simulated sets with two crossed factors with logit links, from 20 x 20 to 60 x 60 levels and
#' standard deviations of 0.3 to 3.5, against maximum likelihood by importance sampling: at the limit of 0.2 it was
#' right in 172 of 175 sets. For other links, random slopes, and three factors they were taken over.
#'
#' @references
#' Shun, Z. and McCullagh, P. (1995). Laplace approximation of high dimensional integrals. *Journal of the Royal
#' Statistical Society B* 57, 749-760. \doi{10.1111/j.2517-6161.1995.tb02060.x}
#' @rdname glimmer_convergence
#' @name glimmer_convergence
NULL

# In standard errors: by how much an estimate may be off before it is said to be doubtful.
shift_doubtful <- 0.1

#' What second order says of a fit
#'
#' @param found Result of [maximise()], in the parameters of the fit, with `second_order`: the sizes of
#'   [engine_second_order_size()], and `step`, in its coordinates: of a fit to second order from Laplace's estimates, of
#'   one by Laplace the step that second order asks for.
#' @return List: `size` (S), `informed`, `ratio` (S for each informed effect), `correction` (all terms), `damped` (as
#'   they are maximised), `shift` (named numeric: the steps of the parameters in their standard errors), `error`.
#' @noRd
second_order_facts <- function(found, engine, root) {
  known <- found$second_order
  if (is.null(known)) {
    return(NULL)
  }
  moving <- found$coordinates$searched
  shift <- stats::setNames(rep(NA_real_, length(engine$names)), engine$names)
  shift[moving] <- drop(found$coordinates$transform %*% known$step) / sqrt(rowSums(root[moving, , drop = FALSE]^2))
  complete_facts(known, shift)
}

complete_facts <- function(sizes, shift) {
  S <- sizes$size
  list(size = S, informed = sizes$informed, ratio = if (S > 0) S / sizes$informed else 0,
       correction = sizes$correction, damped = sizes$damped, shift = shift,
       error = if (S < 0.3) min(S, 0.1) else 0.055 * S)
}

# How far it is to be trusted: "trusted", "rough" or "not".
second_order_trust <- function(facts) {
  farthest <- largest_shift(facts)
  if (!isTRUE(facts$ratio <= second_order_limits[["rough"]] && abs(farthest) <= second_order_limits[["shift"]])) {
    return("not")
  }
  if (facts$ratio <= second_order_limits[["trusted"]]) "trusted" else "rough"
}

# With its name; 0 where no parameter moves.
largest_shift <- function(facts) {
  known <- facts$shift[!is.na(facts$shift)]
  if (length(known)) known[which.max(abs(known))] else 0
}

#' The statement on a fit to second order
#' @param facts Result of [second_order_facts()].
#' @noRd
check_second_order <- function(facts) {
  trust <- second_order_trust(facts)
  farthest <- largest_shift(facts)
  text <- switch(trust,
    trusted = paste0("Laplace to second order, trusted: estimates as good as maximum likelihood to about a tenth of a ",
                     "standard error, the error of the log-likelihood ", format_error(facts$error, 1e-6)),
    rough = paste0("Laplace to second order, rough: estimates as good as maximum likelihood to about a quarter of a ",
                   "standard error, the error of the log-likelihood ", format_error(facts$error, 1e-6)),
    paste0("not even Laplace's approximation to second order is to be trusted here, and nothing better is at hand: ",
           "standard deviations and fixed effects can be far off, and the log-likelihood by about ",
           format(signif(0.9 * facts$size, 1L)))
  )
  told <- paste0(" (its terms add up to S = ", format(facts$size, digits = 2L), ", for each effect that the data ",
                 "inform ", format(facts$ratio, digits = 2L), ", trusted up to ", second_order_limits[["trusted"]],
                 "; estimates up to ", format(abs(farthest[[1L]]), digits = 2L), " standard errors from Laplace's)")
  new_check("accuracy", facts$ratio, second_order_limits[["rough"]], trust != "not", paste0(text, told))
}

#' The statement on a fit by Laplace's approximation that second order has looked at
#' @noRd
check_assessed <- function(facts) {
  trust <- second_order_trust(facts)
  farthest <- largest_shift(facts)
  text <- if (trust == "not") {
    paste0("Laplace's approximation is unreliable here: the terms that it leaves out add up to S = ",
           format(facts$size, digits = 2L), ", for each effect that the data inform ",
           format(facts$ratio, digits = 2L), " (second order is trusted up to ", second_order_limits[["trusted"]],
           "), and '", names(farthest), "' would move by ", format(abs(farthest[[1L]]), digits = 2L),
           " standard errors (trusted up to ", second_order_limits[["shift"]], "). Standard deviations and fixed ",
           "effects can be far off, and the log-likelihood by about ", format(signif(0.9 * facts$size, 1L)))
  } else {
    paste0("Laplace's approximation: to second order the log-likelihood is ", format(facts$damped, digits = 2L),
           " higher, and '", names(farthest), "' moves by ", format(abs(farthest[[1L]]), digits = 2L),
           " standard errors, more than any other estimate (S for each informed effect ",
           format(facts$ratio, digits = 2L), ")",
           if (abs(farthest) > shift_doubtful) ". Fit with method = \"laplace2\"")
  }
  ok <- trust != "not" && abs(farthest[[1L]]) <= shift_doubtful
  new_check("accuracy", abs(farthest[[1L]]), shift_doubtful, ok, text)
}
