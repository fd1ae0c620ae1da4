# A small fit to give wrong arguments to.
argument_fit <- function() {
  glmm(count ~ spray + (1 | block), transform(InsectSprays, block = rep(1:12, 6)), poisson)
}
