# Deviances of families whose density is not largest where the mean is the response: the best mean is searched for.

#' Deviances of responses by the log-density itself
#'
#' Twice what a row's log-density lacks of its largest, over the mean with the constant held. In the unbounded scale of
#' the mean z a density has one maximum: the bracket about the mean nearest to the response is widened until it holds it
#' or the density has come to its limit, and then divided by the golden section. Rows that are equal share theirs.
#'
#' @param log_density Function of `y` (a proportion where there are trials), `mean`, `size` and `constant`.
#' @param nearest Function of `y` and `size`: z near the best mean. @param mean_at Function of z: the mean.
#' @return Numeric, weights included; `wt` counts trials as those of 'stats' do.
#' @noRd
deviances_by_density <- function(y, mean, wt, size, constant, log_density, nearest, mean_at) {
  size <- rep_len(size, length(y))
  rows <- data.frame(y = y, size = size)
  single <- !duplicated(rows)
  height <- function(z) log_density(y[single], mean_at(z), size[single], constant)
  largest <- highest(height, nearest(y[single], size[single]))
  key <- interaction_key(rows)
  best <- largest[match(key, key[single])]
  2 * (wt / size) * pmax(best - log_density(y, mean, size, constant), 0)
}

# Numbers equal to the last digit have one key.
interaction_key <- function(rows) {
  paste(sprintf("%a", rows$y), sprintf("%a", rows$size))
}

#' The largest value of functions with one maximum each
#' @param height Function of a vector: the value of each function at its own element. @param centre Where to begin.
#' @noRd
highest <- function(height, centre) {
  bracket <- widen(height, centre)
  share <- (sqrt(5) - 1) / 2
  low <- bracket$low
  high <- bracket$high
  for (division in 1:45) {
    left <- high - share * (high - low)
    right <- low + share * (high - low)
    rises <- height(right) > height(left)
    low <- ifelse(rises, left, low)
    high <- ifelse(rises, high, right)
  }
  pmax(height((low + high) / 2), bracket$height)
}

# Steps that double as long as one of the ends is higher than the middle, up to where means are round-off.
widen <- function(height, centre) {
  low <- centre - 0.5
  high <- centre + 0.5
  step <- rep(1, length(centre))
  best <- height(centre)
  for (doubling in 1:6) {
    below <- height(low)
    above <- height(high)
    best <- pmax(best, below, above)
    low <- ifelse(below >= best, low - step, low)
    high <- ifelse(above >= best, high + step, high)
    step <- 2 * step
  }
  list(low = low, high = high, height = best)
}
