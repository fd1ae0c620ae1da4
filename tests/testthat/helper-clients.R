# Fits of the same models by glmm() and by 'lme4', for tests of what other packages make of them.

client_fits <- function() {
  skip_if_not_installed("lme4")
  data <- lme4::sleepstudy
  data$group <- factor(rep_len(c("a", "b", "c"), nrow(data)))
  counts <- transform(InsectSprays, block = factor(rep(1:12, 6)))
  list(data = data, counts = counts,
       linear = glmm(Reaction ~ Days + group + (Days | Subject), data, REML = TRUE),
       linear_peer = lme4::lmer(Reaction ~ Days + group + (Days | Subject), data),
       count = glmm(count ~ spray + (1 | block), counts, poisson, method = "laplace"),
       count_peer = lme4::glmer(count ~ spray + (1 | block), counts, poisson,
                                control = lme4::glmerControl(tolPwrss = 1e-10)))
}

# The numbers that a function makes of the fit of each package.
expect_like_peer <- function(fits, make, tolerance = 1e-3, of = c("linear", "count")) {
  for (kind in of) {
    ours <- suppressMessages(make(fits[[kind]]))
    theirs <- suppressMessages(make(fits[[paste0(kind, "_peer")]]))
    expect_equal(ours, theirs, tolerance = tolerance, ignore_attr = TRUE, label = paste("made of the", kind, "fit"))
  }
}

# Methods of the package as NAMESPACE registers them: generic, class, name and (of other packages' generics) package.
registered_methods <- function() {
  methods <- parseNamespaceFile("glimmer", dirname(getNamespaceInfo("glimmer", "path")))$S3methods
  methods <- data.frame(generic = methods[, 1L], class = methods[, 2L], name = methods[, 3L], package = methods[, 4L])
  methods$name[is.na(methods$name)] <- paste(methods$generic, methods$class, sep = ".")[is.na(methods$name)]
  methods[grepl("(^|[.])glimmer$", methods$class), ]
}

# An exported function of a package that need not be declared.
from <- function(package, name) getExportedValue(package, name)
