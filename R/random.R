# The random part of the design: grouping factors, and the columns of Z that each term gives them.

#' Build the random part of the design
#'
#' @param terms `terms` of [parse_formula()].
#' @param frame Model frame.
#' @param contrasts The argument of [glmm()].
#' @param active Integer: rows with positive weight.
#' @return List of `factors` and `terms`.
#'
#'   `factors`: one per grouping factor in order of appearance, a list of `name`, `levels` (used levels), `index`
#'   (integer, from 0), `Z` (numeric matrix, columns of all terms on this factor) and `blocks` (sizes of the
#'   covariance blocks).
#'
#'   `terms`: one per covariance block in formula order, so that `(x || g)` gives one per column: a list of `group`,
#'   `factor` (position in `factors`), `columns` (positions in its `Z`), `names`, `positions` and `assign` (where these
#'   columns are in the model matrix of `terms`, and of which of its terms), `block` (position in its `blocks`),
#'   `structure` (a name in `structures`), `terms`, `xlevels`, `contrasts`, `group_expression`, `label` (the term as
#'   written).
#' @noRd
build_random <- function(terms, frame, contrasts, active) {
  pieces <- unlist(lapply(terms, term_pieces, frame = frame, contrasts = contrasts, active = active),
                   recursive = FALSE)
  random <- join_pieces(pieces, frame)
  check_groups(random)
  check_overlap(random, active, lapply(pieces, function(piece) colnames(piece$z)))
  random
}

#' Rebuild the random part from the terms that a fit keeps
#' @noRd
rebuild_random <- function(terms, frame) {
  join_pieces(lapply(terms, function(term) {
    z <- matrix_of(term$terms, frame, term$contrasts)[, term$positions, drop = FALSE]
    list(z = z, term = term)
  }), frame)
}

# One random term as covariance blocks: one for (x | g), one per column for (x || g).
term_pieces <- function(term, frame, contrasts, active) {
  left <- frame_terms(stats::terms(term$left), frame)
  check_levels(left, frame)
  z <- matrix_of(left, frame, contrasts)
  label <- term_label(term)
  independent <- term$structure == "independent"
  structure <- if (independent) "unstructured" else term$structure
  whole <- structure_of(list(group = term$group_name, names = colnames(z), structure = structure))
  check_term_rank(z, label, active, independent = independent || !any(whole$pattern[lower.tri(whole$pattern)]))
  if (whole$ordered) check_ordered(z, term, label, frame)
  columns <- if (independent) as.list(seq_len(ncol(z))) else list(seq_len(ncol(z)))
  lapply(columns, function(j) {
    list(z = keep_columns(z, j),
         term = list(group = term$group_name, factor = NA_integer_, columns = NA_integer_, names = colnames(z)[j],
                     positions = j, assign = attr(z, "assign")[j], block = NA_integer_, structure = structure,
                     terms = left, xlevels = factor_levels(left, frame), contrasts = attr(z, "contrasts"),
                     group_expression = term$group, label = label))
  })
}

# Effects in order are those of the levels of one factor: a row has one of them.
check_ordered <- function(z, term, label, frame) {
  if (all(z %in% 0:1) && all(rowSums(z) == 1)) {
    return(invisible())
  }
  left <- stats::terms(term$left)
  variables <- predictor_names(left)
  numeric <- variables[vapply(variables, function(name) is.numeric(frame[[name]]), NA)]
  example <- paste0(term$structure, "(0 + f | g)")
  if (length(variables) == 1L) {
    variable <- attr(left, "variables")[[2L]]
    if (length(numeric)) variable <- call("factor", variable)
    term$left[[2L]] <- call("+", 0, variable)
    example <- term_label(term)
  }
  reason <- if (length(numeric)) paste0(format_items(numeric), agree(length(numeric), " is", " are"), " numeric. ")
  stop_glimmer("structure", paste0("The order of the effects matters in ", label, ": they must be the levels of one ",
                                   "factor, without an intercept. ", reason, "Write ", example, "."),
               term = label, structure = term$structure, variable = numeric)
}

check_term_rank <- function(z, label, active, independent) {
  if (ncol(z) == 0L) {
    stop_glimmer("rank", paste0("The random term ", label, " has no columns: nothing stands left of the bar."),
                 term = label)
  }
  z_active <- active_rows(z, active)
  kept <- if (independent) which(colSums(z_active != 0) > 0) else independent_columns(z_active, attr(z, "assign"))
  if (length(kept) < ncol(z)) {
    columns <- colnames(z)[setdiff(seq_len(ncol(z)), kept)]
    stop_glimmer("rank", paste0("The model matrix of the random term ", label, " is rank deficient: ",
                                format_items(columns), agree(length(columns), " is", " are"),
                                " constant or a combination of its other columns. Take them out of the term."),
                 term = label, columns = columns)
  }
}

#' Sort covariance blocks by grouping factor
#'
#' Names of factors, and of effects within a factor, that are alike are told apart by a number.
#' @noRd
join_pieces <- function(pieces, frame) {
  keys <- vapply(pieces, function(piece) group_key(piece$term$group_expression), "")
  factor_of <- match(keys, unique(keys))
  terms <- lapply(pieces, function(piece) piece$term)
  names <- make.unique(vapply(terms[match(unique(keys), keys)], function(term) term$group, ""))
  factors <- lapply(seq_along(unique(keys)), function(i) {
    own <- which(factor_of == i)
    z <- lapply(pieces[own], function(piece) piece$z)
    blocks <- vapply(z, ncol, integer(1))
    ends <- cumsum(blocks)
    effects <- make.unique(unlist(lapply(terms[own], function(term) term$names)))
    for (k in seq_along(own)) {
      columns <- seq.int(ends[k] - blocks[k] + 1L, ends[k])
      found <- list(group = names[i], factor = i, columns = columns, names = effects[columns], block = k)
      terms[[own[k]]][names(found)] <<- found
    }
    groups <- group_index(terms[[own[1L]]]$group_expression, frame)
    z <- if (length(z) == 1L) z[[1L]] else do.call(cbind, z)
    attributes(z) <- list(dim = dim(z), dimnames = list(NULL, effects))
    list(name = names[i], levels = groups$levels, index = groups$index, Z = z, blocks = blocks)
  })
  list(factors = factors, terms = terms)
}

#' The columns of a factor's Z, for [match_columns()]
#' @param random List of `factors` and `terms`.
#' @noRd
factor_columns <- function(random, k) {
  terms <- Filter(function(term) term$factor == k, random$terms)
  variables <- do.call(c, lapply(terms, function(term) term_columns(term$terms, NULL, term$assign)$variables))
  list(values = random$factors[[k]]$Z, variables = variables[order(unlist(lapply(terms, `[[`, "columns")))])
}

# a:b and b:a are the same groups.
group_key <- function(group) {
  paste(sort(group_components(group)), collapse = "\n")
}

#' Levels and index of a grouping expression
#'
#' @param expression Language: a variable of the frame, or `a:b`.
#' @param frame Data frame with the variables as columns.
#' @return List of `levels` (those that occur) and `index` (integer, from 0).
#' @noRd
group_index <- function(expression, frame) {
  components <- lapply(group_components(expression), function(name) column_index(frame[[name]], name))
  groups <- Reduce(cross_index, components)
  # "1:2" and "3" make the same label as "1" and "2:3"
  if (length(components) > 1L) groups$levels <- make.unique(groups$levels)
  groups
}

column_index <- function(x, name) {
  if (is.null(x) || !is.atomic(x) || is.matrix(x) || is.complex(x) || is.raw(x)) {
    stop_glimmer("grouping", paste0("The grouping factor ", format_items(name), " must be a factor or a vector",
                                    if (!is.null(x)) paste0(" (got ", class(x)[1L], ")"), "."), variable = name)
  }
  if (!is.factor(x) && is.object(x)) {
    x <- factor(x)
  }
  if (is.factor(x)) {
    return(used_levels(as.integer(x), levels(x)))
  }
  values <- sort(unique(x), method = "radix")
  labels <- as.character(values)
  codes <- match(x, values)
  # Numbers that print alike are the same level, as in factor().
  used_levels(match(labels, unique(labels))[codes], unique(labels))
}

used_levels <- function(codes, levels) {
  # As factors print it: "NA" can be a level of its own.
  levels[is.na(levels)] <- "<NA>"
  used <- tabulate(codes, length(levels)) > 0L
  if (!all(used)) {
    codes <- cumsum(used)[codes]
  }
  list(levels = levels[used], index = codes - 1L)
}

# Doubles hold the product of two numbers of levels exactly.
cross_index <- function(a, b) {
  codes <- a$index * as.double(length(b$levels)) + b$index
  values <- sort(unique(codes), method = "radix")
  levels <- paste(a$levels[values %/% length(b$levels) + 1], b$levels[values %% length(b$levels) + 1], sep = ":")
  list(levels = levels, index = match(codes, values) - 1L)
}

check_groups <- function(random) {
  for (k in seq_along(random$factors)) {
    group <- random$factors[[k]]
    own <- Filter(function(term) term$factor == k, random$terms)
    if (length(group$levels) < 2L && !all(vapply(own, function(term) structure_of(term)$one_level, NA))) {
      stop_glimmer("grouping", paste0("The grouping factor ", format_items(group$name), " has 1 level (",
                                      format_items(group$levels), ") in the rows used: a random effect needs several. ",
                                      "Leave the term out."), variable = group$name, group = group$name,
                   levels = group$levels)
    }
  }
}

#' Find columns that two covariance blocks of a factor share
#'
#' If a combination of the columns of one block is one of the other, the two cannot tell its variance apart, but by the
#' structure of their covariances ([tells_apart()]).
#' @noRd
check_overlap <- function(random, active, names) {
  factor_of <- vapply(random$terms, function(term) term$factor, 1L)
  for (i in seq_along(random$factors)) {
    blocks <- random$terms[factor_of == i]
    given <- unlist(names[factor_of == i])
    if (length(blocks) < 2L) {
      next
    }
    z <- active_rows(random$factors[[i]]$Z, active)
    index <- active_rows(random$factors[[i]]$index, active)
    products <- crossprod(z)
    for (pair in utils::combn(length(blocks), 2L, simplify = FALSE)) {
      check_pair(blocks[[pair[1L]]], blocks[[pair[2L]]], z, index, products, given)
    }
  }
}

check_pair <- function(first, second, z, index, products, names) {
  columns <- c(first$columns, second$columns)
  if (well_conditioned(products[columns, columns])) {
    return(invisible())
  }
  independent <- independent_columns(z[, columns, drop = FALSE], seq_along(columns))
  repeated <- unique(names[columns[-independent]])
  if (length(repeated) && !tells_apart(first, second, z[, columns, drop = FALSE], index)) {
    labels <- unique(c(first$label, second$label))
    subject <- agree(length(labels), "The random term ", "The random terms ")
    stop_glimmer("duplicated_term", paste0(subject, paste(labels, collapse = " and "),
                                           agree(length(labels), " has", " have"), " the ",
                                           agree(length(repeated), "column ", "columns "), format_items(repeated),
                                           " twice (by itself or as a combination of columns) for the grouping factor ",
                                           format_items(first$group), ": ",
                                           agree(length(repeated), "its variance", "their variances"),
                                           " cannot be divided. ",
                                           agree(length(repeated), "Keep the column once.", "Keep each once.")),
                 column = repeated, term = labels, variable = first$group)
  }
}
