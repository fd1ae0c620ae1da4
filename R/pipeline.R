# The one path from a design to a fit: engine, start, search, verdict. glmm(), refit(), drop1(), accuracy() and
# comparisons by maximum likelihood all take it.

#' What is to be fitted
#'
#' @param call The call of [glmm()] that the fit shows. @param formula As given. @param frame Result of [build_frame()].
#' @param design Result of [build_design()]. @param family Family object. @param approximation [settle_method()].
#' @param control As in [glmm()].
#' @return Environment with these, and for refits `kept` ([keep_engine()]); not a list: the columns of X, the largest
#'   part, leave the design for the core ([without_columns()]), and nobody must hold on to them meanwhile.
#' @noRd
new_model <- function(call, formula, frame, design, family, approximation, control) {
  list2env(list(call = call, formula = formula, frame = frame, design = design, family = family,
                approximation = approximation, control = control), parent = emptyenv())
}

#' The model of a fit, from its frame
#'
#' @param fit Object of class `glimmer`. @param design,approximation Others, where they are not those of the fit.
#' @noRd
model_of <- function(fit, design = fit_design(fit), approximation = approximation_of(fit)) {
  new_model(fit$call, fit$formula, fit$frame, design, fit$family, approximation, fit$control)
}

#' Fit a model
#'
#' @param model Result of [new_model()].
#' @param start As in [glmm()].
#' @return Object of class `glimmer`.
#' @noRd
fit_model <- function(model, start = NULL) {
  result <- maximise_model(model, start)
  warn_verdict(result$verdict, model$frame)
  new_fit(model, result)
}

#' The maximum of a model's likelihood, and what is thought of it
#'
#' @param model Result of [new_model()]; afterwards its design may be [without_columns()].
#' @return List: `index` and `names` of the parameters (see [new_engine()]), `found` ([maximise()]),
#'   `verdict` ([judge()]), `modes` ([engine_modes()]), `moments` ([engine_moments()], by quadrature).
#' @noRd
maximise_model <- function(model, start = NULL) {
  with_memory_error({
    prepared <- prepare_search(model, start)
    model$design <- without_columns(model$design)
    run_search(prepared, model)
  })
}

#' The first half: what needs the columns of X, which the core has from then on
#'
#' @return List: `engine`, `own` and `begin` (starts of the package, and of the search), `basis` ([find_basis()], its
#'   design without columns), `reach` ([column_reach()] of X).
#' @noRd
prepare_search <- function(model, start = NULL) {
  design <- model$design
  family <- model$family
  check_variation(design, family)
  basis <- find_basis(design, family)
  release_memory(length(design$y))
  engine <- if (is_kept(model$kept, design)) fresh_engine(model$kept$engine) else
    with_coordinates(engine_layout(basis$design, family, inner_of(family, model$approximation),
                                   model$approximation$REML), design$terms, searched = TRUE)
  if (!is.null(start)) {
    start <- change_coordinates(engine, enter_basis(basis, engine, check_start(start, engine)), "searched")
  }
  own <- find_start(basis$design, family, engine)
  release_memory(length(design$y))
  engine <- hand_over(model, engine, basis$design)
  basis$design <- without_columns(basis$design)
  own <- shrink_effects(engine, own)
  begin <- if (is.null(start)) own else inside_start(engine, start)
  reach <- if (is.null(basis$from)) engine$reach else column_reach(design$X)
  list(engine = engine, own = own, begin = begin, basis = basis, reach = reach)
}

# The data go to the core, or where it has them for refits already, the response alone.
hand_over <- function(model, engine, design) {
  if (is_kept(model$kept, model$design)) {
    engine_set_response(engine, design, model$kept$offset)
    return(engine)
  }
  engine <- open_engine(engine, design, model$family, model$control$threads)
  if (!is.null(model$kept)) {
    list2env(list(engine = engine, offset = design$offset, weights = model$design$weights), envir = model$kept)
  }
  engine
}

#' What is kept for refits that differ in their response: the engine of the first one
#'
#' @return Environment; from the first fit on with `engine`, and the `offset` and `weights` of the rows that the core
#'   has.
#' @noRd
keep_engine <- function() {
  new.env(parent = emptyenv())
}

is_kept <- function(kept, design) {
  !is.null(kept$engine) && identical(kept$weights, design$weights)
}

# An engine that has been used, as it was when it was opened.
fresh_engine <- function(engine) {
  engine$notes <- new_notes()
  if (!by_cross_products(engine)) {
    engine_set_rule(engine, NULL)
    engine_set_second_order(engine, FALSE)
    if (engine$density[["bounded"]]) engine_set_edge_barrier(engine, 0)
  }
  engine
}

# What evaluations find themselves, see engine_layout().
inner_of <- function(family, approximation) {
  if (is_linear(family)) "profiled" else if (approximation$REML) "integrated" else "given"
}

#' The second half
#'
#' @param prepared Result of [prepare_search()].
#' @noRd
run_search <- function(prepared, model) {
  design <- model$design
  release_memory(length(design$y), all = TRUE)
  engine <- prepared$engine
  found <- maximise(engine, prepared$begin, prepared$own, model$approximation, model$control)
  check_exact_fit_after(found$parameters, prepared$basis$design, model$family,
                        whole = find_basis(with_columns(design), model$family)$design)
  ok <- engine_evaluate(engine, found$parameters)$status == "ok"
  modes <- engine_modes(engine, found$parameters, design, ok)
  moments <- if (ok && !is.null(found$rule)) engine_moments(engine, design)
  if (ok && !engine$linear) found <- judge_approximation(engine, design, found, model$approximation, modes, moments)
  found <- leave_search(engine, leave_basis(prepared$basis, engine, found))
  engine <- with_coordinates(engine, design$terms, searched = FALSE)
  engine$reach <- prepared$reach
  list(found = found, moments = moments, verdict = judge(found, design, engine, model$control), index = engine$index,
       names = engine$names, modes = modes)
}

# What the verdict says of the family and of the approximation.
judge_approximation <- function(engine, design, found, approximation, modes, moments) {
  found$overdispersion <- find_overdispersion(engine, found$parameters, design, modes, moments)
  if (approximation$method == "laplace" && !identical(found$method, "laplace2")) {
    found$information <- level_information(engine, design, found$parameters)
    found$advice <- better_than_laplace(design, approximation)
  }
  found$joint <- approximation$method == "joint"
  found
}
