library(glimmer)
data(bacteria, package = "MASS")
fit <- glmm(y ~ trt + I(week > 2) + (1 | ID), data = bacteria, family = binomial)
fit
summary(fit)
