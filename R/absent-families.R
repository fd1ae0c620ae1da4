# Families that users look for and that are not there yet: how they are recognised, and what can be done meanwhile.

#' Describe a family that is not there yet
#' @param label Character: what it is called. @param words Regular expression of the letters of its names in R.
#' @param meanwhile Character: what to do.
#' @noRd
absent_family <- function(label, words, meanwhile) {
  list(label = label, words = words, meanwhile = meanwhile)
}

# The first that matches is meant.
absent_families <- list(
  absent_family("zero-inflated and hurdle distributions", "^(zi|zip|zinb|zib|hurdle|zeroinf|zeroone|za|zap|zanb)",
                paste("Meanwhile two fits can stand for one: whether the response is above 0 (binomial), and the rows",
                      "where it is")),
  absent_family("Conway-Maxwell-Poisson", "^(compois|comp$|cmp$|conway|bell)",
                paste("Meanwhile genpois() has counts that vary less or more than Poisson ones, with the variance",
                      "phi mu")),
  absent_family("beta with zeros and ones", "^(ordbeta|orderedbeta|xbeta)",
                paste("Meanwhile beta_family() has proportions between 0 and 1, and the family binomial can fit",
                      "whether they are 0 or 1")),
  absent_family("ordered categories", "^(ord|cumul|cumlogit|polr|clm|propodds|acat|sratio|cratio|ocat|clogistic)",
                paste("Meanwhile `y >= k` can be fitted for one category k after the other by the family binomial")),
  absent_family("unordered categories (multinomial)", "^(multi|categ|mlogit|softmax|dirichlet)",
                paste("Meanwhile one category against a reference category can be fitted at a time by the family",
                      "binomial")),
  absent_family("Tweedie", "^(tweedie|tw$|compoundpoisson)",
                paste("Meanwhile two fits can stand for one: whether the response is above 0 (binomial), and the rows",
                      "where it is (Gamma)")),
  absent_family("Student's t", "^(t|tfamily|student|studentt|scat)$",
                "Meanwhile there is the family gaussian, perhaps with a transformed response"),
  absent_family("survival times", "^(weibull|cox|exponential|surv|frailty)",
                "Meanwhile there is the family Gamma for times that are not censored")
)

# Other words for the families that there are.
family_synonyms <- c(normal = "gaussian", gauss = "gaussian", lmm = "gaussian", bernoulli = "binomial",
                     logistic = "binomial", logit = "binomial", probit = "binomial", binary = "binomial",
                     count = "poisson", invgauss = "inverse.gaussian", inversegaussian = "inverse.gaussian",
                     ig = "inverse.gaussian", nb = "nbinom2", negbin = "nbinom2", negbinomial = "nbinom2",
                     negativebinomial = "nbinom2", nbinom = "nbinom2", glmnb = "nbinom2",
                     generalizedpoisson = "genpois", bbinomial = "betabinomial", betabinom = "betabinomial",
                     betafamily = "beta", lnorm = "lognormal", lognorm = "lognormal",
                     ztpoisson = "truncated_poisson", ztp = "truncated_poisson", ztnbinom = "truncated_nbinom2",
                     truncatednbinom = "truncated_nbinom2")

find_absent_family <- function(name) {
  letters_only <- tolower(gsub("[^[:alpha:]]", "", name))
  Find(function(absent) grepl(absent$words, letters_only), absent_families)
}

#' The family that was meant by a name
#' @return Character, empty where none is near.
#' @noRd
nearest_family <- function(name, known) {
  synonym <- unname(family_synonyms[tolower(gsub("[^[:alpha:]]", "", name))])
  if (!is.na(synonym)) {
    return(synonym)
  }
  nearest_name(name, known)
}

#' The name of a family in an expression, as in `nbinom2`, `MASS::negative.binomial(2)` or `"beta"`
#' @return Character, empty where there is none.
#' @noRd
family_word <- function(expression) {
  if (is.call(expression) && !call_name(expression) %in% c("::", ":::")) expression <- expression[[1L]]
  if (is.call(expression)) expression <- expression[[length(expression)]]
  if (is.symbol(expression) || is.character(expression)) as.character(expression)[1L] else character()
}
