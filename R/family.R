# Families: everything that R needs to know of each. Adding a family begins with an entry here.

#' Describe a family
#'
#' @param name Its name in 'stats'. @param links The links that the core has for it.
#' @param support The responses that it can have, in words.
#' @param outside Function of the response: `TRUE` where it is not allowed.
#' @param mean_range The ends of the range of its mean.
#' @param start_mean Function of `y`, `size`, `used` (integer: the rows that count) and `link` (its name): a mean near
#'   each response, inside the range of family and link, to start from.
#' @param draw Function of `mean`, `size`, `weights` (vectors of one length) and `dispersion` (exp of the parameter):
#'   a response drawn for each; successes where there are trials.
#' @param dispersion Name of the dispersion parameter, which begins with `log_`; `NA` without one.
#' @param sigma_power Number: [sigma()] is the exponential of this times the dispersion parameter. sigma^2 is the
#'   dispersion of 'stats', so that the variance of a response of weight 1 is sigma^2 V(mu).
#' @param variance That variance as a formula of the dispersion parameter, for printing.
#' @param counts Logical: whether whole numbers are expected.
#' @param trials Logical: whether a response is a number of successes in trials.
#' @param kurtosis Function of `mean` and `size`: the excess kurtosis of a response, where its mean determines its
#'   variance.
#' @param unit_free Those of the links under which differences of the linear predictor do not depend on the unit of the
#'   response.
#' @return List of these.
#' @noRd
describe_family <- function(name, links, support, outside, start_mean, draw, mean_range = c(0, Inf),
                            dispersion = NA_character_, sigma_power = NA_real_, variance = NA_character_,
                            counts = FALSE, trials = FALSE, kurtosis = NULL, unit_free = "log") {
  list(name = name, links = links, support = support, outside = outside, start_mean = start_mean, draw = draw,
       mean_range = mean_range, dispersion = dispersion, sigma_power = sigma_power, variance = variance,
       counts = counts, trials = trials, kurtosis = kurtosis, unit_free = unit_free)
}

# The families of 'stats' that have a likelihood.
families <- list(
  gaussian = describe_family(
    "gaussian", links = c("identity", "log", "inverse"),
    support = "finite", outside = function(y) rep(FALSE, length(y)),
    start_mean = function(y, size, used, link) {
      negative <- link == "inverse" && sum(y[used]) < 0
      if (link == "identity") y else off_zero(y, used, side = if (negative) -1 else 1)
    },
    draw = function(mean, size, weights, dispersion) stats::rnorm(length(mean), mean, dispersion / sqrt(weights)),
    mean_range = c(-Inf, Inf), dispersion = "log_sigma", sigma_power = 1, variance = "sigma^2"
  ),
  binomial = describe_family(
    "binomial", links = c("logit", "probit", "cloglog", "cauchit", "log"),
    support = "between 0 and 1", outside = function(y) y < 0 | y > 1,
    start_mean = function(y, size, used, link) (y + 0.5) / (size + 1),
    draw = function(mean, size, weights, dispersion) stats::rbinom(length(mean), size, mean),
    kurtosis = function(mean, size) (1 / (mean * (1 - mean)) - 6) / size,
    mean_range = c(0, 1), counts = TRUE, trials = TRUE, unit_free = c("logit", "probit", "cloglog", "cauchit", "log")
  ),
  poisson = describe_family(
    "poisson", links = c("log", "identity", "sqrt"),
    support = "0 or more", outside = function(y) y < 0,
    start_mean = function(y, size, used, link) y + 0.1,
    draw = function(mean, size, weights, dispersion) stats::rpois(length(mean), mean),
    kurtosis = function(mean, size) 1 / mean,
    counts = TRUE
  ),
  Gamma = describe_family(
    "Gamma", links = c("inverse", "log", "identity"),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) off_zero(y, used),
    draw = function(mean, size, weights, dispersion) {
      shape <- dispersion * weights
      stats::rgamma(length(mean), shape = shape, scale = mean / shape)
    },
    dispersion = "log_shape", sigma_power = -1 / 2, variance = "mu^2 / shape"
  ),
  inverse.gaussian = describe_family(
    "inverse.gaussian", links = c("1/mu^2", "log", "inverse", "identity"),
    support = "greater than 0", outside = function(y) y <= 0,
    start_mean = function(y, size, used, link) off_zero(y, used),
    draw = function(mean, size, weights, dispersion) draw_inverse_gaussian(mean, dispersion * weights),
    dispersion = "log_lambda", sigma_power = -1 / 2, variance = "mu^3 / lambda"
  )
)

# Where a link has no value at zero, or changes steeply there, responses close to zero or on its other side count as a
# tenth of the typical one.
off_zero <- function(y, used, side = 1) {
  typical <- mean(abs(y[used]))
  side * pmax(side * y, if (typical > 0) typical / 10 else 1)
}

#' Inverse Gaussian draws by Michael, Schucany and Haas (1976)
#'
#' lambda (x - mu)^2 / (mu^2 x) is chi-squared with one degree of freedom. Of its two roots in x, whose product is
#' mu^2, the smaller is taken with probability mu / (mu + x). Written with the larger root: no cancellation.
#' @noRd
draw_inverse_gaussian <- function(mean, lambda) {
  n <- length(mean)
  half <- mean * stats::rnorm(n)^2 / (2 * lambda)
  ratio <- 1 + half + sqrt(half * (2 + half))
  smaller <- stats::runif(n) * (1 + ratio) <= ratio
  ifelse(smaller, mean / ratio, mean * ratio)
}

#' The families of the package
#'
#' @return List by family name of results of [describe_family()].
#' @noRd
family_registry <- function() {
  families
}

#' What the package knows of a family
#'
#' @param family Family object.
#' @return Result of [describe_family()].
#' @noRd
family_traits <- function(family) {
  families[[family$family]]
}

#' Whether a family has a dispersion parameter, whether its responses are successes in trials, and whether its linear
#' predictor has no unit
#' @noRd
has_dispersion <- function(family) {
  !is.na(family_traits(family)$dispersion)
}

has_trials <- function(family) {
  family_traits(family)$trials
}

is_unit_free <- function(family) {
  family$link %in% family_traits(family)$unit_free
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

# A Gaussian response with the identity link: the model is a linear mixed model.
is_linear <- function(family) {
  family$family == "gaussian" && family$link == "identity"
}

#' Turn the `family` argument into a family that the package has
#'
#' @param family A family object, a function that makes one, or its name.
#' @param given The expression that it was given by.
#' @return A family object of 'stats', made here: one made elsewhere can hold on to the frame in which it was made.
#' @noRd
resolve_family <- function(family, given = NULL) {
  registry <- family_registry()
  if (is.character(family) && length(family) == 1L) {
    check_family_name(family, names(registry))
    family <- getExportedValue("stats", family)
  }
  made_here <- is.function(family) && identical(environment(family), asNamespace("stats"))
  if (is.function(family)) {
    family <- attempt(family())
  }
  if (!inherits(family, "family")) {
    refuse_family_word(family_word(given), names(registry))
    stop_glimmer("family", paste0("`family` must be a family, such as binomial or poisson(\"log\"): there are ",
                                  join_items(names(registry), 10L), "."), argument = "family")
  }
  for (field in c("family", "link")) check_family_field(family[[field]], field)
  check_family_name(family$family, names(registry))
  links <- registry[[family$family]]$links
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
  made
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
  mean <- if (has_trials(made)) c(0.1, 0.5, 0.9) else c(0.3, 1, 4)
  eta <- made$linkfun(mean)
  arguments <- list(linkfun = list(mean), linkinv = list(eta), mu.eta = list(eta), variance = list(mean),
                    dev.resids = list(rev(mean), mean, rep(1, 3L)))
  differs <- vapply(names(arguments), function(name) {
    value <- attempt(do.call(given[[name]], arguments[[name]]))
    !is.null(given[[name]]) && !isTRUE(all.equal(value, do.call(made[[name]], arguments[[name]])))
  }, NA)
  if (any(differs)) {
    stop_glimmer("family", paste0("`family` says ", made$family, "(\"", made$link, "\"), but its ",
                                  format_items(names(arguments)[differs]), agree(sum(differs), " differs", " differ"),
                                  " from that family's: functions of one's own are not there. Give the family as a ",
                                  "call, such as ", made$family, "(\"", made$link, "\")."),
                 argument = "family", family = made$family, link = made$link, field = names(arguments)[differs])
  }
}

make_family <- function(name, link) {
  do.call(getExportedValue("stats", name), list(link))
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
                                  "`row = factor(seq_len(nrow(data)))`. There are ", join_items(known, 10L), "."),
                 argument = "family", family = name, families = known)
  }
  absent <- find_absent_family(name)
  if (!is.null(absent)) {
    stop_glimmer("family", paste0("The family ", format_items(name), " (", absent$label, ") is not there yet: there ",
                                  "are ", join_items(known, 10L), ". ", absent$meanwhile, ". The package 'glmmTMB' ",
                                  "has more families."), argument = "family", family = name, families = known)
  }
  near <- nearest_family(name, known)
  stop_glimmer("family", paste0("Unknown family ", format_items(name), ": ",
                                if (length(near)) paste0("did you mean `", near, "`? There are ") else "there are ",
                                join_items(known, 10L), "."),
               argument = "family", family = name, families = known, suggestion = near)
}

# What is no family, but was called as one that is not there or was misspelt: beta() and gamma() are functions of R.
refuse_family_word <- function(word, known) {
  if (length(word) && !word %in% known && (!is.null(find_absent_family(word)) || length(nearest_family(word, known)))) {
    check_family_name(word, known)
  }
}
