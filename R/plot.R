# Plots of a fit: residuals against fitted values, and the random effects against the normal distribution.

#' Plot a fit
#'
#' Residuals against fitted values with a smooth, and the random effects of each grouping factor against normal
#' quantiles, on one page.
#'
#' @param x Object of class `glimmer`.
#' @param which Character, or whole numbers: which plots, of `"residuals"` (1) and `"ranef"` (2); both by default.
#' @param type `"pearson"` or `"deviance"`: which residuals, as [residuals()][residuals.glimmer] gives them.
#' @param whichel Character, names of grouping factors, or their positions: whose random effects.
#' @param ... Graphical parameters, for every panel: `pch`, `col`, `bg`, `cex`, `lwd` for the points; `las`, `bty`,
#'   `tck`, `tcl`, `fg`, `family`, and `cex.`, `col.` and `font.` with `axis`, `lab` or `main` for axes and titles;
#'   `main`, `sub`, `xlab`, `ylab`, `xlim`, `ylim`, `log`, of use with one panel.
#' @return Invisibly, the data that were drawn, a list with the data frames asked for:
#'   \describe{
#'     \item{`residuals`}{`fitted` (conditional means, as of `fitted()`), `residual`, and `rows`: the number of rows for
#'       which the point stands, 1 where all are drawn; row names are those of the data}
#'     \item{`smooth`}{`fitted` and `residual`: the points of the smooth}
#'     \item{`ranef`}{a row for each effect and level: `grpvar`, `term`, `grp` and `condval` as in
#'       [as.data.frame(ranef(x))][ranef.glimmer], and `quantile`, that of the standard normal distribution; `NA` where
#'       the effects are all 0 and the panel says so}
#'   }
#' @section How to read it:
#' *Residuals against fitted values.* A bend of the smooth away from 0 says that a curve, an interaction or another link
#' is missing; a spread of Pearson residuals that grows or falls with the fitted values, that the variance function is
#' not that of the family. Three things are there in a right model too. The random effects are drawn towards 0, so that
#' the smooth tends to rise from below 0 on the left to above 0 on the right, the more the fewer rows there are in a
#' level. Responses with few values make bands of points, one for each value: two for 0/1 data, where only the smooth
#' is of use. And deviance residuals of such responses do not have mean 0, even with the true parameters; Pearson
#' residuals, the default, have.
#'
#' *Random effects.* Points along a line (through the quartiles) say that the effects look normal; single points off its
#' ends are unusual levels, a bend is a skew distribution, two steps are two kinds of levels. Shrinkage makes effects
#' look more normal than they are, most of all where levels have few rows, and 0/1 data with few rows a level give steps
#' in any case.
#' @details
#' The smooth is by [stats::lowess()], robust for a Gaussian response; for others it follows the mean. With a log link
#' the fitted values are on a logarithmic axis and smoothed there. Rows of weight 0, and rows whose residual is not a
#' number because their fitted value is at the end of its range, are not drawn.
#'
#' Of more than 10,000 points those that would lie on one another are drawn once, in a darker grey for more rows. The
#' smooth is then that of the means of 1,000 groups of rows with neighbouring fitted values.
#'
#' There are at most eight panels of random effects, with a message that says how many are left out: `whichel` asks for
#' others. Several panels share a page, unless the device is divided already by `par(mfrow = )`; graphical parameters
#' are as before afterwards.
#' @section Errors: `glimmer_error_argument` for a choice, a grouping factor or a graphical parameter that is not there.
#' @seealso [residuals()][residuals.glimmer], [ranef()][ranef.glimmer]; [accuracy()] for a plot of the error of
#'   approximations.
#' @examples
#' fit <- glmm(distance ~ age + Sex + (age | Subject), data = as.data.frame(nlme::Orthodont))
#' plot(fit)
#' drawn <- plot(fit, which = "residuals", pch = 16, col = "steelblue")
#' # the row with the largest residual
#' drawn$residuals[which.max(abs(drawn$residuals$residual)), ]
#' @method plot glimmer
#' @export
plot.glimmer <- function(x, which = c("residuals", "ranef"), type = c("pearson", "deviance"),
                         whichel = names(x$modes), ...) {
  check_dots(plot.glimmer, ..., .others = graphical_parameters)
  kinds <- c("residuals", "ranef")
  if (is.numeric(which)) {
    lapply(which, check_number, "which", 1, length(kinds), whole = TRUE)
    which <- kinds[which]
  }
  which <- unique(match_choices(which, kinds, "which"))
  type <- match_choice(type, c("pearson", "deviance"), "type")
  panels <- c(if ("residuals" %in% which) list(residual_panel(x, type)),
              if ("ranef" %in% which) ranef_panels(x, whichel))
  if (length(panels) > 1L && prod(graphics::par("mfrow")) == 1) {
    # mfrow sets cex, which must therefore come after it when they are restored
    old <- graphics::par(c("mfrow", "mar", "mgp", "cex"))
    on.exit(graphics::par(old), add = TRUE)
    graphics::par(mfrow = page_layout(length(panels), graphics::par("din")), mar = c(4, 4, 2.5, 1),
                  mgp = c(2.4, 0.7, 0))
  }
  for (panel in panels) draw_panel(panel, list(...))
  drawn <- lapply(panels, `[[`, "data")
  effects <- do.call(rbind, lapply(drawn, `[[`, "ranef"))
  invisible(c(if ("residuals" %in% which) drawn[[1L]], if (!is.null(effects)) list(ranef = effects)))
}

graphical_parameters <- c("pch", "col", "bg", "cex", "lwd", "las", "bty", "tck", "tcl", "fg", "family",
                          outer(c("cex", "col", "font"), c("axis", "lab", "main"), paste, sep = "."),
                          "main", "sub", "xlab", "ylab", "xlim", "ylim", "log")

# Rows and columns that bring the panels nearest to 6 by 5. `size`: width and height of the device.
page_layout <- function(panels, size) {
  rows <- seq_len(panels)
  columns <- ceiling(panels / rows)
  best <- which.min(abs(log((size[1L] / columns) / (size[2L] / rows) / 1.2)))
  c(rows[best], columns[best])
}

#' Draw a panel
#'
#' @param panel List: `x`, `y`, `defaults` (arguments of [graphics::plot.default()]), `add` (function that draws lines),
#'   `text` (instead of points, or `NULL`), `data` (list of data frames to return).
#' @param given List of graphical parameters.
#' @noRd
draw_panel <- function(panel, given) {
  many <- length(panel$x) > 1000L
  defaults <- c(list(x = panel$x, y = panel$y, pch = if (many) 16 else 1, cex = if (many) 0.4 else 0.8),
                panel$defaults)
  if (!is.null(panel$text)) {
    # parameters of the points and the axes are of no use here, and `log` would not take 0
    defaults <- c(list(x = 0, y = 0, type = "n", xaxt = "n", yaxt = "n"), panel$defaults)
    given <- given[setdiff(names(given), c("xlim", "ylim", "log"))]
  }
  do.call(graphics::plot.default, c(defaults[setdiff(names(defaults), names(given))], given))
  if (is.null(panel$text)) panel$add() else graphics::text(0, 0, panel$text)
}

residual_panel <- function(fit, type) {
  part <- row_parts(fit)
  residual <- residual_of(part, fit, type)
  usable <- which(part$weights > 0 & is.finite(residual))
  fitted <- response_mean(fit$family, part$mu, constant_of(fit))[usable]
  residual <- residual[usable]
  logarithmic <- fit$family$link == "log" && all(fitted > 0)
  place <- if (logarithmic) log(fitted) else fitted
  smooth <- smooth_mean(place, residual, robust = isLMM.glimmer(fit))
  if (logarithmic) smooth$fitted <- exp(smooth$fitted)
  points <- thin(place, residual)
  drawn <- data.frame(fitted = fitted[points$shown], residual = residual[points$shown], rows = points$count,
                      row.names = row.names(fit$frame)[usable[points$shown]])
  thinned <- length(usable) > nrow(drawn)
  list(x = drawn$fitted, y = drawn$residual, data = list(residuals = drawn, smooth = smooth),
       defaults = list(main = "Residuals", log = if (logarithmic) "x" else "",
                       ylab = paste(if (type == "pearson") "Pearson" else type, "residuals"),
                       xlab = paste0(family_traits(fit$family)$fitted_words,
                                     if (thinned) " (darker: more rows)"),
                       col = if (thinned) shades(points$count) else "grey30"),
       add = function() {
         graphics::abline(h = 0, lty = 3)
         graphics::lines(smooth, col = "#D55E00", lwd = 2)
       })
}

shades <- function(count) {
  grDevices::grey(0.7 * (1 - log(count) / log(max(count))))
}

# Where there are many rows, of the means of groups of rows with neighbouring x: the curve is the same to the eye.
smooth_mean <- function(x, y, robust) {
  order <- order(x)
  if (length(x) > 10000L) {
    group <- ceiling(seq_along(order) * (1000 / length(order)))
    size <- tabulate(group)
    x <- rowsum(x[order], group)[, 1L] / size
    y <- rowsum(y[order], group)[, 1L] / size
  }
  smooth <- stats::lowess(x, y, iter = if (robust) 3L else 0L)
  data.frame(fitted = smooth$x, residual = smooth$y)
}

#' Points to draw
#'
#' All, or where they are many, one in each cell of a grid as fine as the points are large: the picture is that of all.
#' @return List: `shown` (positions in `x`), `count` (numbers of points for which they stand).
#' @noRd
thin <- function(x, y) {
  if (length(x) <= 10000L) {
    return(list(shown = seq_along(x), count = rep(1L, length(x))))
  }
  step <- function(values) {
    from <- min(values)
    width <- (max(values) - from) / 200
    if (width > 0) floor((values - from) / width) else rep(0, length(values))
  }
  cell <- as.integer(step(x) * 201 + step(y))
  shown <- which(!duplicated(cell))
  list(shown = shown, count = tabulate(match(cell, cell[shown]), length(shown)))
}

ranef_panels <- function(fit, whichel) {
  effects <- ranef.glimmer(fit, condVar = FALSE, whichel = whichel)
  places <- data.frame(group = rep(seq_along(effects), lengths(effects)), effect = sequence(lengths(effects)))
  if (nrow(places) > 8L) {
    message("glimmer: the first 8 of ", nrow(places), " random effects are drawn; `whichel` chooses their grouping ",
            "factors.")
    places <- utils::head(places, 8L)
  }
  Map(function(group, effect) {
    values <- effects[[group]]
    ranef_panel(values[[effect]], row.names(values), names(values)[effect], names(effects)[group])
  }, places$group, places$effect)
}

ranef_panel <- function(values, levels, effect, group) {
  zero <- all(values == 0)
  quantile <- if (zero) rep(NA_real_, length(values)) else stats::qqnorm(values, plot.it = FALSE)$x
  shown <- if (zero) seq_along(values) else thin(quantile, values)$shown
  drawn <- data.frame(grpvar = group, term = effect, grp = levels, condval = values, quantile = quantile)[shown, ]
  row.names(drawn) <- NULL
  list(x = drawn$quantile, y = drawn$condval, data = list(ranef = drawn),
       text = if (zero) "all effects are 0:\nthe estimated variance is 0",
       defaults = list(main = paste(effect, "of", group), ylab = if (zero) "" else "random effects",
                       xlab = if (zero) "" else "normal quantiles", col = "grey30"),
       add = function() stats::qqline(values, lty = 2))
}
