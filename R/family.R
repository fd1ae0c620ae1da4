# What can be asked of a family, and how the argument `family` is read. The families themselves: families.R.

#' The families of the package
#'
#' @return List by family name of results of [describe_family()].
#' @noRd
family_registry <- function() {
  families
}

# Their names: two descriptions can share one.
family_names <- function() {
  unique(vapply(unname(families), `[[`, "", "name"))
}

#' What the package knows of a family
#'
#' @param family Family object.
#' @return Result of [describe_family()].
#' @noRd
family_traits <- function(family) {
  traits <- families[[family$family]]
  if (family$link %in% traits$links) traits else families[[paste(family$family, family$link)]]
}

# The links of a family: those under which its constant means something else have descriptions of their own.
links_of <- function(name) {
  named <- vapply(families, function(traits) traits$name == name, NA)
  unlist(lapply(unname(families[named]), `[[`, "links"))
}

#' The names of the parameters of a family that are constants, such as `log_sigma`
#' @return Character, empty where the mean is all that a response depends on.
#' @noRd
constant_names <- function(family) {
  if (is.null(family$constant)) family_traits(family)$constants else character()
}

# Whether the variance of a response is a dispersion, estimated, times a function of the mean.
has_dispersion <- function(family) {
  family_traits(family)$dispersion
}

# Whether responses are successes in trials.
has_trials <- function(family) {
  family_traits(family)$response == "trials"
}

# Whether responses are whole numbers.
has_counts <- function(family) {
  family_traits(family)$response %in% c("count", "trials")
}

# Whether the likelihood has no bound where the model fits every response.
has_exact_fits <- function(family) {
  family_traits(family)$exact_fits
}

is_unit_free <- function(family) {
  family$link %in% family_traits(family)$unit_free
}

# Whether the density takes long.
is_dear <- function(family) {
  family$link %in% family_traits(family)$dear
}

is_normal <- function(family) {
  family_traits(family)$normal
}

# Whether the model is a linear mixed model.
is_linear <- function(family) {
  is_normal(family) && family$link == "identity"
}

#' Whether the likelihood can rise for ever as a linear predictor goes to infinity
#' @noRd
can_separate <- function(family) {
  family$link %in% family_traits(family)$separable
}

# Whether it can at both ends: random effects of all levels may then have a standard deviation without bound.
has_two_limits <- function(family) {
  can_separate(family) && all(is.finite(family_traits(family)$mean_range))
}

# Whether responses can lie beyond the means that the link allows, as negative ones of a mean exp(eta).
has_responses_beyond <- function(family) {
  can_separate(family) && all(is.infinite(family_traits(family)$mean_range))
}

#' What [sigma()] is at a parameter of the family's constant
#' @param parameter Numeric, of length 0 for families without one.
#' @noRd
sigma_at <- function(family, parameter) {
  if (!is.null(family$constant)) parameter <- log(family$constant)
  if (length(parameter)) exp(family_traits(family)$sigma_power * parameter) else 1
}

#' The parameter of the constant at which sigma^2 is a dispersion
#' @return Numeric, of length 0 for families without one.
#' @noRd
parameter_of_dispersion <- function(family, dispersion) {
  if (has_dispersion(family)) log(dispersion) / (2 * family_traits(family)$sigma_power) else numeric()
}

#' Variance of a response of weight 1, without a dispersion, and deviance of responses
#'
#' @param mean Numeric: the parameter of that name. @param constant Number: the family's constant on its natural scale.
#'   Only asked for where it is no dispersion. @param size Numeric: numbers of trials; the variance is that of a
#'   proportion times these.
#' @return Numeric. The deviances have the weights in them.
#' @noRd
variance_at <- function(family, mean, constant, size = 1) {
  if (!needs_constant(family)) {
    return(family$variance(mean))
  }
  if (needs_size(family)) family$variance(mean, size, constant) else family$variance(mean, constant)
}

deviances_at <- function(family, y, mean, weights, constant, size = 1) {
  if (!needs_constant(family)) {
    return(family$dev.resids(y, mean, weights))
  }
  if (needs_size(family)) family$dev.resids(y, mean, weights, size, constant) else
    family$dev.resids(y, mean, weights, constant)
}

# Whether the variance is not that of one trial, divided by their number.
needs_size <- function(family) {
  "size" %in% names(formals(family$variance))[-length(formals(family$variance))]
}

#' The mean of a response, and its derivative in the parameter `mean` where that is another
#' @param mean,constant As in [variance_at()].
#' @noRd
response_mean <- function(family, mean, constant) {
  traits <- family_traits(family)
  if (is.null(traits$response_mean)) mean else traits$response_mean(mean, constant)
}

response_slope <- function(family, mean, constant) {
  traits <- family_traits(family)
  if (is.null(traits$response_slope)) 1 else traits$response_slope(mean, constant)
}

# A family object whose functions know the constant that they need: that of a fit.
with_constant <- function(family, constant) {
  if (needs_constant(family)) {
    for (name in c("variance", "dev.resids")) {
      formals(family[[name]])[[length(formals(family[[name]]))]] <- constant
    }
  }
  family
}

needs_constant <- function(family) {
  length(constant_names(family)) > 0L && !has_dispersion(family)
}

# Responses where the parameter `mean` has them.
on_scale_of_mean <- function(family, y) {
  scale <- family_traits(family)$normal_scale
  if (is.null(scale)) y else scale(y)
}

# A family whose constant is known, and no parameter.
with_known_constant <- function(family, constant) {
  family <- with_constant(family, constant)
  family$constant <- constant
  family
}

#' Means of linear predictors
#'
#' @param slack How far beyond an end of the interval round-off may take a linear predictor on the edge.
#' @return Numeric: `NA` where the link allows no such linear predictor, and where the mean is no finite number.
#' @noRd
means_of <- function(family, eta, slack = 1e-8) {
  range <- linear_range(family)
  nearest <- pmin(pmax(as.vector(eta), range[1L]), range[2L])
  allowed <- which(abs(nearest - eta) <= slack)
  mean <- rep(NA_real_, length(eta))
  # the inverse links of 'stats' refuse a vector of length 0
  if (length(allowed)) mean[allowed] <- family$linkinv(nearest[allowed])
  mean[!is.finite(mean)] <- NA
  mean
}

# The ends of the interval of linear predictors at which the mean is in the range of the family.
linear_range <- function(family) {
  range <- family_traits(family)$mean_range
  if (all(is.infinite(range))) range else sort(family$linkfun(range))
}

#' Why there are no means: what the link allows, and what the first of the linear predictors is
#' @param eta Numeric: the linear predictors without a mean.
#' @noRd
no_mean_text <- function(family, eta) {
  range <- linear_range(family)
  limits <- c(if (is.finite(range[1L])) paste("more than", range[1L]), if (is.finite(range[2L])) {
    paste("less than", range[2L])
  })
  paste0(if (length(limits)) paste0("with the link ", family$link, " the linear predictor must be ", limits) else
    "the mean is too large for a number", ", and ", agree(length(eta), "", "in the first of them "), "it is ",
    format(eta[[1L]], digits = 3))
}

#' Turn the `family` argument into a family that the package has
#'
#' @param family A family object, a function that makes one, or its name.
#' @param given The expression that it was given by.
#' @return A family object of 'stats', made here: one made elsewhere can hold on to the frame in which it was made.
#' @noRd
resolve_family <- function(family, given = NULL) {
  if (is.character(family) && length(family) == 1L) {
    check_family_name(family, family_names())
    family <- make_family(family)
  }
  made_here <- is.function(family) && (identical(environment(family), asNamespace("stats")) ||
                                         identical(environment(family), environment(make_family)))
  if (is.function(family)) {
    family <- attempt(family())
  }
  if (!inherits(family, "family")) {
    refuse_family_word(family_word(given), family_names())
    stop_glimmer("family", paste0("`family` must be a family, such as binomial or poisson(\"log\"): there are ",
                                  join_items(family_names(), 20L), "."), argument = "family")
  }
  for (field in c("family", "link")) check_family_field(family[[field]], field)
  if (startsWith(family$family, "Negative Binomial")) {
    return(resolve_known_size(family))
  }
  check_family_name(family$family, family_names())
  links <- links_of(family$family)
  if (!family$link %in% links) {
    stop_glimmer("family", paste0("The link ", format_items(family$link), " is not there for the family ",
                                  family$family, ": there are ", join_items(links, 10L), "."),
                 argument = "family", family = family$family, link = family$link, links = links)
  }
  if (made_here) {
    return(family)
  }
  made <- make_family(family$family, family$link)
  check_family_functions(family, made)
  if (is.null(family$constant)) made else with_known_constant(made, check_constant(family$constant))
}

# The families of 'MASS' for a negative binomial of a given size.
resolve_known_size <- function(family) {
  size <- attempt(get(".Theta", environment(family$variance)))
  if (is.null(size)) check_family_name("nbinom", family_names())
  resolve_family(nbinom2(family$link, size))
}

check_constant <- function(constant) {
  if (!is.numeric(constant) || length(constant) != 1L || !is.finite(constant) || constant <= 0) {
    stop_glimmer("family", paste0("A known constant of a family must be one number above 0 (got ", deparse1(constant),
                                  ")."), argument = "family", field = "constant")
  }
  as.double(constant)
}

check_family_field <- function(value, field) {
  if (!is.character(value) || length(value) != 1L || is.na(value)) {
    stop_glimmer("family", paste0("`family` is no complete family: its field `", field, "` must be one name (got ",
                                  deparse1(value), "). Give it as a call, such as poisson(\"log\")."),
                 argument = "family", field = field)
  }
}

#' Refuse a family whose functions are not those that its name and link stand for
#' @param given The user's. @param made That of 'stats'.
#' @noRd
check_family_functions <- function(given, made) {
  mean <- if (family_traits(made)$mean_range[2L] == 1) c(0.1, 0.5, 0.9) else c(0.3, 1, 4)
  y <- if (has_counts(made) && !has_trials(made)) c(4, 1, 0) else rev(mean)
  eta <- made$linkfun(mean)
  constant <- if (needs_constant(made)) c(if (needs_size(made)) 1, 2)
  arguments <- list(linkfun = list(mean), linkinv = list(eta), mu.eta = list(eta), variance = c(list(mean), constant),
                    dev.resids = c(list(y, mean, rep(1, 3L)), constant))
  differs <- vapply(names(arguments), function(name) {
    # families of other packages can leave out arguments that are needed here
    arity <- vapply(list(given, made), function(family) length(formals(family[[name]])), 1L)
    if (length(constant) && arity[1L] < arity[2L] && !"..." %in% names(formals(given[[name]]))) {
      return(FALSE)
    }
    value <- attempt(do.call(given[[name]], arguments[[name]]))
    # 'glmmTMB' has deviances that are all 0
    absent <- is.null(given[[name]]) || (name == "dev.resids" && !is_made_by_stats(made))
    !absent && !isTRUE(all.equal(value, do.call(made[[name]], arguments[[name]])))
  }, NA)
  if (any(differs)) {
    stop_glimmer("family", paste0("`family` says ", made$family, "(\"", made$link, "\"), but its ",
                                  format_items(names(arguments)[differs]), agree(sum(differs), " differs", " differ"),
                                  " from that family's: functions of one's own are not there. Give the family as a ",
                                  "call, such as ", made$family, "(\"", made$link, "\")."),
                 argument = "family", family = made$family, link = made$link, field = names(arguments)[differs])
  }
}

is_made_by_stats <- function(family) {
  exists(family$family, asNamespace("stats"), inherits = FALSE)
}

make_family <- function(name, link = links_of(name)[1L]) {
  families[[name]]$make(link)
}

# The distribution that a quasi family stands in for.
counts_of <- function(name) {
  switch(name, quasipoisson = "poisson", quasibinomial = "binomial", "poisson or binomial")
}

check_family_name <- function(name, known) {
  if (name %in% known) {
    return(invisible())
  }
  if (startsWith(name, "quasi")) {
    stop_glimmer("family", paste0("Quasi families have no likelihood, so that ", format_items(name), " cannot be ",
                                  "fitted by maximum likelihood. For counts that vary by more than ", counts_of(name),
                                  " allows add a random effect for each row, `(1 | row)` with ",
                                  "`row = factor(seq_len(nrow(data)))`. There are ", join_items(known, 20L), "."),
                 argument = "family", family = name, families = known)
  }
  absent <- find_absent_family(name)
  if (!is.null(absent)) {
    stop_glimmer("family", paste0("The family ", format_items(name), " (", absent$label, ") is not there yet: there ",
                                  "are ", join_items(known, 20L), ". ", absent$meanwhile, ". The package 'glmmTMB' ",
                                  "has more families."), argument = "family", family = name, families = known)
  }
  near <- nearest_family(name, known)
  stop_glimmer("family", paste0("Unknown family ", format_items(name), ": ",
                                if (length(near)) paste0("did you mean `", near, "`? There are ") else "there are ",
                                join_items(known, 20L), "."),
               argument = "family", family = name, families = known, suggestion = near)
}

# What is no family, but was called as one that is not there or was misspelt: beta() and gamma() are functions of R.
refuse_family_word <- function(word, known) {
  if (identical(word, "beta")) {
    stop_glimmer("family", "`beta` is a function of R, and no family: give beta_family(), or the name in quotes.",
                 argument = "family", family = word)
  }
  if (length(word) && !word %in% known && (!is.null(find_absent_family(word)) || length(nearest_family(word, known)))) {
    check_family_name(word, known)
  }
}
