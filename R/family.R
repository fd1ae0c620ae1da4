# Families: which there are, with which links, and what response each can have.

describe_family <- function(name, links, dispersion, support, outside, counts = FALSE) {
  list(name = name, links = links, dispersion = dispersion, support = support, outside = outside, counts = counts)
}

# The families of 'stats' that have a likelihood. Adding a family begins with an entry here.
families <- list(
  gaussian = describe_family("gaussian", c("identity", "log", "inverse"), "log_sigma",
                             "finite", function(y) rep(FALSE, length(y))),
  binomial = describe_family("binomial", c("logit", "probit", "cloglog", "cauchit", "log"), NA_character_,
                             "between 0 and 1", function(y) y < 0 | y > 1, counts = TRUE),
  poisson = describe_family("poisson", c("log", "identity", "sqrt"), NA_character_,
                            "0 or more", function(y) y < 0, counts = TRUE),
  Gamma = describe_family("Gamma", c("inverse", "log", "identity"), "log_shape",
                          "greater than 0", function(y) y <= 0),
  inverse.gaussian = describe_family("inverse.gaussian", c("1/mu^2", "log", "inverse", "identity"), "log_lambda",
                                     "greater than 0", function(y) y <= 0)
)

#' The families of the package
#'
#' @return List by family name of `name`, `links`, `dispersion` (name of the dispersion parameter, `NA` without one),
#'   `support` (the responses allowed, in words), `outside` (function of the response: `TRUE` where it is not allowed)
#'   and `counts` (whether whole numbers are expected).
#' @noRd
family_registry <- function() {
  families
}

#' Turn the `family` argument into a family that the package has
#'
#' @param family A family object, a function that makes one, or its name.
#' @return A family object of 'stats'.
#' @noRd
resolve_family <- function(family) {
  registry <- family_registry()
  if (is.character(family) && length(family) == 1L) {
    check_family_name(family, names(registry))
    family <- getExportedValue("stats", family)
  }
  if (is.function(family)) {
    family <- tryCatch(family(), error = function(e) NULL)
  }
  if (!inherits(family, "family")) {
    stop_glimmer("family", paste0("`family` must be a family, such as binomial or poisson(\"log\"): there are ",
                                  join_items(names(registry), 10L), "."), argument = "family")
  }
  check_family_name(family$family, names(registry))
  links <- registry[[family$family]]$links
  if (!family$link %in% links) {
    stop_glimmer("family", paste0("The link ", format_items(family$link), " is not there for the family ",
                                  family$family, ": there are ", join_items(links, 10L), "."),
                 argument = "family", family = family$family, link = family$link, links = links)
  }
  family
}

check_family_name <- function(name, known) {
  if (name %in% known) {
    return(invisible())
  }
  if (startsWith(name, "quasi")) {
    stop_glimmer("family", paste0("Quasi families have no likelihood, so that ", format_items(name), " cannot be ",
                                  "fitted by maximum likelihood: use ", join_items(known, 10L), ", with a random ",
                                  "effect per observation for overdispersion."),
                 argument = "family", family = name, families = known)
  }
  stop_glimmer("family", paste0("Unknown family ", format_items(name), ": there are ", join_items(known, 10L), "."),
               argument = "family", family = name, families = known)
}
