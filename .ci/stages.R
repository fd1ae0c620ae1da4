# The files of R/ by stage: for .ci/calls and .ci/rooms.

# From the bottom to the top: a file calls its own stage and those above it in this table.
stages <- list(
  tools = "arguments calls conditions control matrices memory options progress rows sentences terms",
  formula = "correlated covariance environment formula unstructured",
  frame = "absent-families beta-family describe-family deviances families family frame frame-errors genpois lognormal
           nbinom1 nbinom2 other-rows response truncated variable-checks variable-types",
  design = "design known-covariance nesting orthonormal-x parameters random random-checks",
  engine = "budget engine engine-layout threads",
  optimise = "approximation bounded-link boundary checks converge coordinates curvature exact-fit frozen-search laplace
              maximise maximise-quadrature optimise overdispersion quadrature search search-state second-order
              second-order-facts separation separation-proof start",
  fit = "check-fit fit fit-data open-method status",
  pipeline = "pipeline",
  entry = "absent-arguments glmm glimmer-package",
  methods = "accuracy add1 anova between-within bootstrap bootstrap-refits compare-fits confint containment ddf drop1
             estimable extract fixed-part getme influence information-criteria kenward-roger loglik marginal
             marginal-contrasts marginal-means nested-structures newdata plot predict predict-variance profile
             profile-search random-matrices ranef ranova refits reml-comparisons residuals response-covariance robust
             satterthwaite scores simulate summary summary-print term-tests tidy type-three update varcorr vcov",
  clients = "car DHARMa effects emmeans ggeffects insight lme4 lmtest marginaleffects model-parameters multcomp MuMIn
             performance sandwich"
)
stage_of <- unlist(lapply(seq_along(stages), function(at) {
  names <- strsplit(stages[[at]], "[ \n]+")[[1L]]
  stats::setNames(rep(at, length(names)), names)
}))
