# What a fit must be, checked at the door of every method: whole, and as it was made.

#' Refuse a fit that was edited, cut, or made by another version of the package
#'
#' Values of parameters may be others, since 'marginaleffects' and its like put in their own; their number may not.
#'
#' @param fit Object of class `glimmer`.
#' @return Nothing.
#' @noRd
check_whole <- function(fit) {
  absent <- setdiff(fit_fields, names(fit))
  if (length(absent)) {
    stop_fit(paste0("lacks ", agree(length(absent), "the field ", "the fields "), format_items(absent)), fit, absent)
  }
  holds <- function(field) isTRUE(fit_rules[[field]](fit))
  if (!isTRUE(attempt(all(vapply(names(fit_rules), holds, NA))))) {
    field <- Find(function(field) !isTRUE(attempt(holds(field))), names(fit_rules))
    stop_fit(paste0("has a field ", format_items(field), " that does not fit the others"), fit, field)
  }
}

stop_fit <- function(what, fit, fields) {
  version <- attempt(as.character(fit[["version"]]))
  this <- this_version()
  made <- if (length(version) == 1L && version != this) paste0(" (it is of ", version, ", this is ", this, ")")
  stop_glimmer("fit", paste0("The fit ", what, ": it was edited, or made by another version of 'glimmer'", made,
                             ". Fit the model again."), fields = fields, version = version)
}

# As packageVersion() has it, which reads it from the library.
this_version <- function() {
  unname(getNamespaceVersion("glimmer"))
}

fit_fields <- c("call", "formula", "family", "frame", "terms", "xlevels", "contrasts", "random", "factors",
                "dropped", "kept", "relations", "parameters", "index", "covariance", "covariance_root", "fixed_root",
                "boundary", "modes", "mode_variances", "log_likelihood", "nobs", "means", "mean_variances", "method",
                "nAGQ", "REML", "quadrature", "second_order", "status", "converged", "singular", "search", "control",
                "frame_sums", "version")

# What each field must be beside the others.
fit_rules <- list(
  call = function(fit) is.call(fit$call),
  formula = function(fit) inherits(fit$formula, "formula"),
  family = function(fit) {
    inherits(fit$family, "family") && fit$family$link %in% links_of(fit$family$family) &&
      is.function(fit$family$linkinv)
  },
  frame = function(fit) is.data.frame(fit$frame) && has_sums(fit$frame, fit$frame_sums),
  terms = function(fit) inherits(fit$terms, "terms") && inherits(attr(fit$frame, "terms"), "terms"),
  xlevels = function(fit) {
    names <- names(fit$xlevels)
    all(names %in% predictor_names(fit$terms)) && all(names %in% names(fit$contrasts))
  },
  contrasts = function(fit) all(names(fit$contrasts) %in% names(fit$frame)),
  parameters = function(fit) is.double(fit$parameters) && length(names(fit$parameters)) == length(fit$parameters),
  index = function(fit) {
    positions <- unlist(fit$index)
    is.numeric(positions) && identical(sort(as.integer(positions)), seq_along(fit$parameters))
  },
  kept = function(fit) length(fit$kept) == length(fit$index$beta),
  relations = function(fit) identical(dim(fit$relations), c(length(fit$kept), length(fit$dropped))),
  covariance = function(fit) identical(dim(fit$covariance), rep(length(fit$parameters), 2L)),
  covariance_root = function(fit) nrow(fit$covariance_root) == length(fit$parameters),
  fixed_root = function(fit) nrow(fit$fixed_root) == length(fit$index$beta),
  boundary = function(fit) is.logical(fit$boundary) && length(fit$boundary) == length(fit$parameters),
  random = function(fit) {
    known <- vapply(fit$random, function(term) {
      all(term$columns %in% seq_along(fit$factors[[term$factor]]$columns))
    }, NA)
    length(fit$random) == length(fit$index$theta) && all(known)
  },
  factors = function(fit) {
    all(vapply(fit$factors, function(factor) {
      is.null(factor$known) || identical(dim(factor$known$precision), rep(length(factor$levels), 2L))
    }, NA))
  },
  modes = function(fit) has_effects(fit$modes, fit$factors, modes = TRUE),
  mode_variances = function(fit) has_effects(fit$mode_variances, fit$factors, modes = FALSE),
  means = function(fit) is.null(fit$means) || has_effects(fit$means, fit$factors, modes = TRUE),
  mean_variances = function(fit) {
    is.null(fit$mean_variances) || has_effects(fit$mean_variances, fit$factors, modes = FALSE)
  },
  log_likelihood = function(fit) is.double(fit$log_likelihood) && length(fit$log_likelihood) == 1L,
  nobs = function(fit) length(fit$nobs) == 1L && fit$nobs <= nrow(fit$frame),
  method = function(fit) is.character(fit$method) && length(fit$method) == 1L,
  nAGQ = function(fit) is.numeric(fit$nAGQ) && length(fit$nAGQ) == 1L,
  quadrature = function(fit) {
    nodes <- if (fit$method == "aghq") sum(lengths(lapply(fit$factors, `[[`, "levels"))) else 0L
    all(lengths(fit$quadrature[c("nodes", "wide")]) == nodes)
  },
  second_order = function(fit) {
    is.null(fit$second_order) || identical(names(fit$second_order$shift), names(fit$parameters))
  },
  REML = function(fit) isTRUE(fit$REML) || isFALSE(fit$REML),
  converged = function(fit) isTRUE(fit$converged) || isFALSE(fit$converged),
  singular = function(fit) isTRUE(fit$singular) || isFALSE(fit$singular),
  status = function(fit) {
    is.data.frame(fit$status) && all(c("check", "value", "limit", "ok", "text") %in% names(fit$status)) &&
      "convergence" %in% fit$status$check
  },
  search = function(fit) is.data.frame(fit$search$record),
  control = function(fit) inherits(fit$control, "glimmer_control")
)

has_effects <- function(effects, factors, modes) {
  identical(names(effects), names(factors)) && all(mapply(function(x, factor) {
    counts <- c(length(factor$columns), length(factor$levels))
    is.double(x) && identical(dim(x), if (modes) rev(counts) else counts[c(1L, 1L, 2L)])
  }, effects, factors))
}

#' Sums over the columns of a model frame, by which another frame is told from it
#'
#' @return Matrix of two rows: for each column a weighted sum of what it holds, and of its absolute values.
#' @noRd
frame_sums <- function(frame) {
  rbind(weighted_sums(frame), size = weighted_sums(frame, abs))
}

weighted_sums <- function(frame, of = identity) {
  weights <- 1 + seq_len(nrow(frame)) / nrow(frame)
  vapply(seq_along(frame), function(j) sum(crossprod(of(as_numbers(.subset2(frame, j))), weights)), 1)
}

# A factor is its codes, text the order in which it occurs.
as_numbers <- function(x) {
  if (is.character(x)) x <- match(x, unique(x))
  if (is.object(x)) x <- unclass(x)
  if (is.double(x)) x else if (is.matrix(x)) x + 0 else as.double(x)
}

has_sums <- function(frame, sums) {
  ncol(sums) == length(frame) && all(abs(weighted_sums(frame) - sums[1L, ]) <= 1e-9 * sums[2L, ])
}
