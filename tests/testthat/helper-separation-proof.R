# Which rows some direction makes better, by linear programming: at the largest sum of z with a'delta >= z,
# 0 <= z <= 1, each row that can be made better has z = 1.
rows_by_program <- function(x, side) {
  limited <- which(side != 0)
  m <- length(limited)
  p <- ncol(x)
  x <- x / rep(apply(abs(x), 2L, max), each = nrow(x))
  a <- x[limited, , drop = FALSE] * side[limited]
  fixed <- x[side == 0, , drop = FALSE]
  constraints <- rbind(cbind(a, -a, -diag(m)), cbind(matrix(0, m, 2 * p), diag(m)),
                       cbind(fixed, -fixed, matrix(0, nrow(fixed), m)))
  solution <- lpSolve::lp("max", c(numeric(2 * p), rep(1, m)), constraints,
                          rep(c(">=", "<=", "="), c(m, m, nrow(fixed))), rep(c(0, 1, 0), c(m, m, nrow(fixed))))
  stopifnot(solution$status == 0)
  replace(logical(nrow(x)), limited, solution$solution[-seq_len(2 * p)] > 1e-6)
}
