# Separated data: coefficients, and standard deviations, that no finite value maximises.
#
# Which coefficients diverge. Let delta be a direction of beta in which no row's density ever falls: x_i'delta >= 0
# where the response is at its upper limit (all trials successes), <= 0 where it is at its lower one (no success; a
# Poisson count of 0), and = 0 elsewhere, where the density goes to 0 on both sides. If some row is not left as it is,
# the likelihood of beta + t delta rises for ever: in a generalized linear model no finite maximum exists, and otherwise
# it does (Albert and Anderson 1984, Biometrika 71:1; the linear program: Konis 2007, thesis, Oxford).
#
# Random effects change nothing of it while their covariance is finite. The likelihood is the mean over b of the
# product of densities f_i(x_i'beta + z_i'b + offset_i). If delta is such a direction, every product rises along it for
# every b, so its mean does. If it is not, some row has f_i -> 0 along it for every b; as the f_i are bounded the mean
# goes to 0 too (dominated convergence; the same for a sequence of beta whose directions tend to delta), so the maximum
# is at a finite beta. So X alone decides, for every link with monotone mean; offsets move each row by a constant and
# do not matter; rows of weight 0 do not exist. Gaussian responses with the log link have the same directions with
# y <= 0 as the limit: there sufficient for divergence, not necessary (see check_low_mean()).
#
# Which contrasts stay finite. Take all rows that some such direction moves: the others overlap, and the directions
# span all coefficients that leave the others as they are. So a coefficient is finite if and only if it is estimable
# from the rows that overlap.
#
# A standard deviation can diverge for another reason. If in every level of a factor the responses on which its effect
# acts are all 0 or all 1 (for a slope: change with the sign of its column), the likelihood tends to a positive limit as
# the standard deviation grows: a level's effect has the right sign with some probability. A single level with both
# would let it go to 0. Where fixed effects separate 0 from 1 within each level, as a rise in time does, the same holds
# as they grow with it. A positive limit is no maximum: with covariates a finite one can be above it, also at a standard
# deviation of 0. But a Laplace approximation is unreliable on such data: for links with heavy tails it can rise where
# the likelihood falls. So the statement is only that the limit is positive, with one exception.
#
# For a single random intercept, and an intercept alone or cells (as many distinct rows of X and offset as columns) that
# are constant within levels, the limit along t (beta, sd) is above all finite values. At a finite (beta, sd) a level of
# m trials in a cell has P(all 1) = a_m and P(all 0) = c_m, both falling in m, with a_1 + c_1 = 1; the beta / sd of the
# cell whose normal probability is a_1 gives every level at least as much in the limit. (Weights count as trials, and
# must not be below 1 a level.)

#' The side to which each row's density never falls
#'
#' @param rows Integer: the rows asked for.
#' @return Numeric, one a row: 1, -1, or 0 (none); `NULL` for families and links that cannot be separated.
#' @noRd
limit_side <- function(design, family, rows = seq_along(design$y)) {
  if (!can_separate(family)) {
    return(NULL)
  }
  family_traits(family)$limits(active_rows(design$y, rows), active_rows(design$size, rows), family$link)
}

#' Find the fixed effects that diverge
#'
#' @param design Result of [build_design()]. @param family Family object.
#' @return `NULL` where the rows overlap; else a list: `proven` (logical; if not, nothing else), `columns`,
#'   `direction` (named numeric: where the coefficients go, in proportion to the reach of their columns), `rows`
#'   (positions of the separated rows), `complete` (logical: no coefficient is finite), `cells` ([name_cells()]).
#' @noRd
find_separation <- function(design, family) {
  active <- active_positions(design$weights)
  x <- active_rows(design$X, active)
  found <- prove_separation(x, limit_side(design, family, active))
  if (!found$proven) {
    return(list(proven = FALSE))
  }
  if (!any(found$separated)) {
    return(NULL)
  }
  reach <- column_reach(x)
  sizes <- sqrt(rowSums((found$free * reach)^2))
  diverging <- sizes > 1e-7 * max(sizes)
  push <- found$direction * reach
  direction <- stats::setNames(found$direction / max(abs(push)), colnames(x))
  list(proven = TRUE, columns = colnames(x)[diverging], direction = direction[diverging],
       rows = active[found$separated], complete = ncol(found$free) == ncol(x),
       cells = name_cells(design, active, found$separated))
}

#' The levels, of one variable or of two, that make up the separated rows
#'
#' @return `NULL`, or a list: `variable`, `levels` (character; of two variables joined by ":").
#' @noRd
name_cells <- function(design, active, separated) {
  codes <- discrete_codes(design, active)
  margins <- variables_by_term(design$fixed$terms)
  pairs <- Filter(function(pair) length(pair) == 2L && all(pair %in% names(codes)),
                  lapply(seq_len(ncol(margins)), function(j) rownames(margins)[margins[, j]]))
  for (variable in c(as.list(names(codes)), pairs)) {
    cell <- do.call(paste, c(unname(codes[variable]), sep = ":"))
    levels <- setdiff(cell[separated], cell[!separated])
    if (all(cell[separated] %in% levels)) {
      return(list(variable = variable, levels = sort(levels)))
    }
  }
  NULL
}

# The variables of the fixed effects that have levels, or few values, as character.
discrete_codes <- function(design, active) {
  terms <- stats::delete.response(design$fixed$terms)
  names <- terms_variables(terms)
  names <- names[setdiff(seq_along(names), attr(terms, "offset"))]
  codes <- lapply(stats::setNames(nm = names), function(name) {
    x <- .subset2(design$frame, name)
    if (is.matrix(x) || !is.atomic(x)) {
      return(NULL)
    }
    x <- x[active]
    if (is.factor(x) || is.character(x) || length(unique(x)) <= 20L) as.character(x)
  })
  codes[!vapply(codes, is.null, NA)]
}

#' Find whether the likelihood does not vanish as the standard deviation of an effect grows
#'
#' @param term Element of `design$terms`. @param j Position of the effect in it. @param side Result of [limit_side()].
#' @return `NULL`, or a list: `columns`, `direction` (of the fixed effects that separate within levels; none where
#'   each level's responses are all 0 or all 1), `levels` (number), `certain` (logical: the likelihood is largest at
#'   infinity).
#' @noRd
find_level_separation <- function(design, term, j, side) {
  factor <- design$factors[[term$factor]]
  column <- factor$Z[, term$columns[j]]
  active <- active_positions(design$weights)
  moved <- active[column[active] != 0]
  if (any(side[moved] == 0)) {
    return(NULL)
  }
  high <- side[moved] * column[moved] > 0
  group <- factor(factor$index[moved])
  # a level per row: named before the search, see check_replication()
  if (nlevels(group) == length(group)) {
    return(NULL)
  }
  mixed <- tapply(high, group, function(own) any(own) && !all(own))
  if (!any(mixed)) {
    return(list(columns = character(), direction = numeric(), levels = nlevels(group),
                certain = limit_is_largest(design, active, column)))
  }
  # beside a slope, or rows that the effect does not move, the fixed effects alone would have to separate
  if (length(unique(column[active])) > 1L) {
    return(NULL)
  }
  x <- active_rows(design$X, active)
  direction <- separate_within(x, side[active] > 0, split(seq_along(group), group)[mixed])
  if (is.null(direction)) {
    return(NULL)
  }
  direction <- stats::setNames(direction, colnames(x))[direction != 0]
  list(columns = names(direction), direction = direction, levels = nlevels(group), certain = FALSE)
}

#' Whether it is proven that the likelihood of levels all 0 or all 1 is largest at infinity (see the head of the file)
#'
#' @param column Numeric: the column of Z, which must be constant and the only one, its levels independent.
#' @noRd
limit_is_largest <- function(design, active, column) {
  alone <- length(design$terms) == 1L && length(design$terms[[1L]]$names) == 1L &&
    !length(known_groups(design$factors))
  if (!alone || length(unique(column[active])) > 1L || ncol(design$X) == 0L) {
    return(FALSE)
  }
  rows <- unname(cbind(active_rows(design$X, active), design$offset[active]))
  cells <- collapse_rows(rows, numeric(length(active)))
  index <- design$factors[[1L]]$index[active]
  trials <- rowsum((design$weights * design$size)[active], index)
  nrow(cells$x) == ncol(design$X) && all(trials >= 1) &&
    all(tapply(cells$group, index, function(own) all(own == own[1L])))
}

#' Coefficients by which, within each level, every success has a larger linear predictor than every failure
#'
#' The pairs that decide are found one by one: for given coefficients, each level's lowest success and highest failure.
#'
#' @param levels List of integer: the rows of each level that has both.
#' @return Numeric, or `NULL` where there are none.
#' @noRd
separate_within <- function(x, high, levels) {
  predictor <- numeric(nrow(x))
  differences <- NULL
  for (round in 1:50) {
    worst <- vapply(levels, function(own) {
      up <- own[high[own]]
      down <- own[!high[own]]
      c(up[which.min(predictor[up])], down[which.max(predictor[down])])
    }, integer(2))
    # the linear predictor is of order 1, see below
    wrong <- predictor[worst[1L, ]] - predictor[worst[2L, ]] <= 1e-9
    if (!any(wrong)) {
      return(direction)
    }
    added <- x[worst[1L, wrong], , drop = FALSE] - x[worst[2L, wrong], , drop = FALSE]
    differences <- unique(rbind(differences, added))
    if (any(rowSums(differences != 0) == 0)) {
      return(NULL)
    }
    kept <- independent_columns(differences, seq_len(ncol(x)))
    found <- prove_separation(differences[, kept, drop = FALSE], rep(1, nrow(differences)))
    if (!found$proven || !all(found$separated)) {
      return(NULL)
    }
    direction <- replace(numeric(ncol(x)), kept, found$direction)
    direction <- direction / max(abs(direction) * column_reach(x))
    predictor <- drop(x %*% direction)
  }
  NULL
}

#' Coefficients that diverge: looked for where standard errors are large, decided by the exact test
#'
#' At a maximum that the search takes for one (a step gains nothing), a diverging coefficient has a standard error by
#' which the linear predictor could move hundreds of units, on a scale without unit (logits, logs).
#'
#' @param covariance Of all parameters.
#' @param engine Result of [new_engine()], with `family`.
#' @param limit Number: the standard error, times the reach of its column, from which the test is made.
#' @return List: `status` ([new_check()], or `NULL` for families that cannot be separated), `found`
#'   ([find_separation()]; where nothing is proven also `columns`, those hardly determined, and `text`).
#' @noRd
check_separation <- function(covariance, engine, design, limit = 10) {
  beta <- engine$index$beta
  if (!length(beta) || !can_separate(engine$family)) {
    return(list())
  }
  uncertain <- sqrt(diag(covariance)[beta]) * engine$reach
  reach <- max(uncertain)
  moves <- paste("move the linear predictor by", format(reach, digits = 2))
  if (!is.na(reach) && reach <= limit) {
    text <- paste("no sign of separation: standard errors of coefficients", moves, "at most")
    return(list(status = new_check("separation", reach, limit, TRUE, text)))
  }
  design <- with_columns(design)
  found <- find_separation(design, engine$family)
  if (is.null(found) && has_responses_beyond(engine$family)) {
    return(check_low_mean(covariance, engine, design, limit))
  }
  if (is.null(found)) {
    text <- paste0("no separation: the rows overlap for all coefficients",
                   if (!is.na(reach)) paste0(" (exact test; standard errors ", moves, ")"))
    return(list(status = new_check("separation", 0, 0, TRUE, text)))
  }
  if (!found$proven) {
    found$columns <- engine$names[beta][is.na(uncertain) | uncertain > limit]
    return(hardly_determined(found$columns, reach, limit, paste0("standard errors ", moves), "separated data?"))
  }
  found$text <- separation_text(found)
  if (found$complete) {
    stop_separation(found, design)
  }
  list(status = new_check("separation", length(found$rows), 0, FALSE, found$text), found = found)
}

hardly_determined <- function(columns, value, limit, how, cause) {
  text <- paste0("the data hardly determine ", agree(length(columns), "the coefficient", "the coefficients"),
                 " of ", format_items(columns), " (", how, "): ", cause)
  list(status = new_check("separation", value, limit, FALSE, text),
       found = list(proven = FALSE, columns = columns, text = text))
}

#' Gaussian responses with the log link whose mean the fit takes towards 0
#'
#' A group of rows with responses of both signs but a mean below 0 sends its coefficient to -Inf too, and no test of
#' rows shows it. There the linear predictor has a huge standard error, whatever the columns: those of coefficients
#' alone are large also where a covariate is far from zero.
#' @noRd
check_low_mean <- function(covariance, engine, design, limit) {
  beta <- engine$index$beta
  if (anyNA(covariance[beta, beta])) {
    return(list(status = new_check("separation", NA_real_, limit, TRUE, paste0(
      "no row is separated, but without standard errors it is not decided whether a mean goes to 0"))))
  }
  # in the basis of the search
  x <- active_rows(find_basis(design)$design$X, which(design$weights > 0))
  error <- sqrt(rowSums((x %*% covariance[beta, beta, drop = FALSE]) * x))
  how <- paste("standard error of the linear predictor up to", format(max(error), digits = 2))
  if (max(error) <= limit) {
    return(list(status = new_check("separation", max(error), limit, TRUE, paste0("no sign of separation: ", how))))
  }
  low <- x[error > limit, , drop = FALSE]
  moving <- apply(abs(low), 2L, max) * sqrt(diag(covariance)[beta]) > limit
  hardly_determined(engine$names[beta][moving], max(error), limit, how, "a mean that goes to 0, of responses below it?")
}

separation_text <- function(found) {
  signs <- ifelse(found$direction > 0, "+Inf", "-Inf")
  cells <- found$cells
  where <- if (!is.null(cells)) {
    paste0(" (", paste(cells$variable, collapse = ":"), " = ", format_items(cells$levels), ")")
  }
  rows <- paste(count_text(length(found$rows)), agree(length(found$rows), "row", "rows"))
  paste0("separated data: ", agree(length(signs), "the coefficient of ", "the coefficients of "),
         join_items(paste0("'", found$columns, "' (", signs, ")"), 5L), agree(length(signs), " has", " have"),
         " no finite estimate, because in ", rows, where,
         " every response is at its limit")
}

stop_separation <- function(found, design) {
  stop_glimmer("separation", paste0("The fixed effects separate the response ", format_items(names(design$frame)[1L]),
                                    " completely: along ", format_items(found$columns), " the likelihood rises ",
                                    "for ever, and no coefficient has a finite estimate (exact test: ",
                                    count_text(length(found$rows)), " rows at their limit). Take predictors out, or ",
                                    "look for one that was made from the response."),
               columns = found$columns, direction = found$direction, rows = row_labels(design$frame, found$rows),
               complete = TRUE)
}

#' Standard deviations that may diverge: looked for where the estimate is large, decided by the exact test
#'
#' @param parameters Numeric: the estimates.
#' @param limit Number: the standard deviation, times the reach of its column, on a scale without unit, from which the
#'   test is made.
#' @return List: `status` (list of [new_check()], `NULL` where all is well), `found` (list, one element an effect that
#'   is separated).
#' @noRd
check_level_separation <- function(parameters, engine, design, limit = 5) {
  found <- list()
  for (t in if (has_two_limits(engine$family)) seq_along(design$terms)) {
    term <- design$terms[[t]]
    reach <- column_reach(design$factors[[term$factor]]$Z, term$columns)
    sds <- root_sds(engine_root(engine, t, parameters))
    for (j in which(sds * reach > limit)) {
      own <- find_level_separation(with_columns(design), term, j, limit_side(design, engine$family))
      if (!is.null(own)) {
        own <- c(own, list(term = term$label, group = term$group, effect = term$names[j], sd = sds[j]))
        own$text <- level_separation_text(own)
        found <- c(found, list(own))
      }
    }
  }
  status <- lapply(found, function(own) new_check("level_separation", own$sd, limit, FALSE, own$text))
  list(status = if (length(status)) status, found = found)
}

level_separation_text <- function(own) {
  plain <- own$effect == "(Intercept)"
  within <- if (length(own$columns)) {
    paste0("the responses are separated by ", format_items(own$columns), " within each of the ", own$levels)
  } else if (plain) {
    paste0("the responses are all failures or all successes in each of the ", own$levels)
  } else {
    paste0("the effect of '", own$effect, "' can fit its responses exactly in each of the ", own$levels)
  }
  what <- paste0(if (!plain) paste0("'", own$effect, "' in "), own$term)
  paste0("separated levels: ", within, " levels of '", own$group, "', so that ", if (own$certain) {
    paste0("nothing bounds the SD of ", what)
  } else {
    paste0("the likelihood does not vanish as the SD of ", what, " grows",
           if (length(own$columns)) " with these coefficients", " and approximations of it are unreliable")
  }, " (estimate ", format(own$sd, digits = 3), ")")
}

#' Warn of what diverges
#' @noRd
warn_separation <- function(separation, levels, frame) {
  if (!is.null(separation)) {
    advice <- if (separation$proven) {
      paste0(". The estimates and standard errors given for them are arbitrary, the log-likelihood is its limit: ",
             "merge levels or leave the term out, or compare models by likelihood ratio.")
    } else {
      " Estimate and standard error are arbitrary: leave it out, or compare models by likelihood ratio."
    }
    warn_glimmer("separation", paste0("In this fit: ", separation$text, advice), columns = separation$columns,
                 direction = separation$direction, variable = separation$cells$variable,
                 levels = separation$cells$levels, rows = row_labels(frame, separation$rows), complete = FALSE)
  }
  for (own in levels) {
    advice <- if (own$certain) {
      paste0(". The estimate is one of the approximation, not of maximum likelihood: analyse one row per level, or ",
             "leave the term out.")
    } else {
      paste0(". The maximum of the likelihood can be at any SD, also at 0: compare with the fit without it, and take ",
             "the simpler one unless the design asks for the other.")
    }
    warn_glimmer("separation", paste0("In this fit: ", own$text, advice), columns = own$columns,
                 direction = own$direction, term = own$term, group = own$group, effect = own$effect,
                 variable = own$group, value = own$sd, certain = own$certain)
  }
}
