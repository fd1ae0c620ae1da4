# Families that users look for and that are not there yet: how they are recognised, and what can be done meanwhile.

many_counts <- paste("Meanwhile for counts that vary more than a Poisson distribution allows there is nbinom2(), with",
                     "the variance mu + mu^2 / size, or a random effect for each row: `(1 | row)` with",
                     "`row = factor(seq_len(nrow(data)))` and the family poisson (the Poisson-lognormal model)")

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
  absent_family("truncated distributions", "^(trunc|ztp|ztnb)",
                "Meanwhile there is no substitute for it in this package"),
  absent_family("negative binomial", "^(neg|nb|glmnb)",
                "Meanwhile nbinom2() has the variance mu + mu^2 / size, whose size is estimated"),
  absent_family("generalized Poisson", "^(genpois|compois|comp$|cmp$|conway|bell)", many_counts),
  absent_family("beta-binomial", "^(betabin|bbin)",
                paste("Meanwhile proportions that vary more than a binomial distribution allows can have a random",
                      "effect for each row: `(1 | row)` with `row = factor(seq_len(nrow(data)))`")),
  absent_family("beta", "^(ordbeta|orderedbeta|beta|xbeta)",
                paste("Meanwhile proportions of counts are binomial, with the numbers of trials as `weights`; other",
                      "proportions between 0 and 1 can be fitted as `qlogis(y)` by the family gaussian")),
  absent_family("ordered categories", "^(ord|cumul|cumlogit|polr|clm|propodds|acat|sratio|cratio|ocat|clogistic)",
                paste("Meanwhile `y >= k` can be fitted for one category k after the other by the family binomial")),
  absent_family("unordered categories (multinomial)", "^(multi|categ|mlogit|softmax|dirichlet)",
                paste("Meanwhile one category against a reference category can be fitted at a time by the family",
                      "binomial")),
  absent_family("Tweedie", "^(tweedie|tw$|compoundpoisson)",
                paste("Meanwhile two fits can stand for one: whether the response is above 0 (binomial), and the rows",
                      "where it is (Gamma)")),
  absent_family("lognormal", "^(lognormal|lnorm|lognorm)",
                paste("Meanwhile `log(y)` by the family gaussian is the same model, up to the constant -sum(log(y)) in",
                      "the log-likelihood")),
  absent_family("Student's t", "^(t|tfamily|student|studentt|scat)$",
                "Meanwhile there is the family gaussian, perhaps with a transformed response"),
  absent_family("survival times", "^(weibull|cox|exponential|surv|frailty)",
                "Meanwhile there is the family Gamma for times that are not censored")
)

# Other words for the families that there are.
family_synonyms <- c(normal = "gaussian", gauss = "gaussian", lmm = "gaussian", bernoulli = "binomial",
                     logistic = "binomial", logit = "binomial", probit = "binomial", binary = "binomial",
                     count = "poisson", invgauss = "inverse.gaussian", inversegaussian = "inverse.gaussian",
                     ig = "inverse.gaussian")

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
