#' Control of the fit
#'
#' The defaults are meant to be right; nothing here is needed for a correct answer.
#'
#' @param max_evaluations Whole number: evaluations of the log-likelihood before one search gives up (a fit is a short
#'   sequence of searches, see `component(fit, "search")$record`).
#' @param gain_limit Number, in log-likelihood units: the fit counts as converged when the gain that a further Newton
#'   step predicts, g'J^-1 g / 2, is below it (g the gradient, J the observed information).
#' @param verbose `0` (nothing), `1` (a message for each stage) or `2` (a message for each evaluation).
#' @param threads Whole number: threads of the computation, or `NULL` (default): two, but no more than the cores and the
#'   environment variable `OMP_THREAD_LIMIT` allow, what `OMP_NUM_THREADS` says if it is set, and one in the workers of
#'   'parallel' and 'future', forked or not. The result is the same, to the last bit, for any
#'   number.
#' @param accuracy `NULL` (default), or number from 1e-10 to 1, in log-likelihood units: the error that quadrature may
#'   leave, as the sum over levels (of nested factors the outermost) of its absolute errors, where its nodes are chosen
#'   by the data. By default 1e-5, with more than 100 (innermost) levels 1e-7 a level, 1e-4 at most. A larger one saves
#'   nodes, not passes over the data; the estimates may then be off by up to its root in standard errors (0.1 at most),
#'   by default by 0.001.
#' @return A list of class `glimmer_control` with these elements.
#' @section Errors: `glimmer_error_argument` when an argument is out of its range.
#' @seealso [glmm()], [glimmer_convergence]
#' @examples
#' glmm_control(verbose = 1)
#' @export
glmm_control <- function(max_evaluations = 1000, gain_limit = 1e-6, verbose = getOption("glimmer.verbose", 0),
                         threads = getOption("glimmer.threads"), accuracy = NULL) {
  check_number(max_evaluations, "max_evaluations", 1, Inf, whole = TRUE)
  check_number(gain_limit, "gain_limit", 1e-14, 1)
  check_number(verbose, "verbose", 0, 2, whole = TRUE)
  if (!is.null(threads)) check_number(threads, "threads", 1, 1024, whole = TRUE)
  if (!is.null(accuracy)) check_number(accuracy, "accuracy", 1e-10, 1)
  structure(list(max_evaluations = max_evaluations, gain_limit = gain_limit, verbose = verbose, threads = threads,
                 accuracy = accuracy),
            class = "glimmer_control")
}

check_control <- function(control) {
  if (!inherits(control, "glimmer_control")) {
    stop_glimmer("argument", "`control` must be the result of glmm_control().", argument = "control")
  }
}

#' Say something of the progress of a fit
#' @noRd
tell <- function(control, level, ...) {
  if (control$verbose >= level) message("glimmer: ", ...)
}
