# The model of MASS::bacteria that the shared truth of inference is about.
bacteria_fit <- function(link = "logit", ...) {
  data <- MASS::bacteria
  data$w2 <- as.integer(data$week > 2)
  glmm(y ~ trt + w2 + (1 | ID), data, binomial(link), ...)
}
