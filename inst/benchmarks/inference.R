# Rscript inst/benchmarks/inference.R [--quick]: profiles, parametric bootstraps and fits without single groups, against
# those of lme4 on its Laplace fits, in one run; --quick leaves out what takes lme4 minutes.
#
# Times are those of the call a user types; a peer's is run once. Of a bootstrap the time of one refit counts, which
# lme4 makes fewer of. The exit status is 1 where limits or estimates differ by more than the tolerance beside them.
library(glimmer)
script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
script <- gsub("~+~", " ", script, fixed = TRUE) # Rscript's way to write a blank in a path
source(file.path(dirname(script), "measure.R"))
if (!requireNamespace("lme4", quietly = TRUE)) {
  cat("lme4 is not installed: nothing to compare with\n")
  quit()
}
quick <- "--quick" %in% commandArgs(TRUE)

herds <- cbind(incidence, size - incidence) ~ period + (1 | herd)
contraception <- use ~ age + I(age^2) + urban + livch + (urban | district)
ours <- glmm(herds, lme4::cbpp, binomial(), method = "laplace")
theirs <- lme4::glmer(herds, lme4::cbpp, binomial(), control = lme4::glmerControl(tolPwrss = 1e-12))

once <- function(fit) measure(fit, 1L, in_all = 0, once_above = 0)
several <- function(fit) measure(fit, 3L, in_all = 0.2)
row <- function(what, own, other, difference) {
  data.frame(what = what, glimmer = own, lme4 = other, ratio = other / own, difference = difference)
}

profiled <- several(function() profile(ours))
peer <- once(function() stats::profile(theirs))
# lme4 has standard deviations first
limits <- stats::confint(peer$value)[c(2:5, 1), ]
rows <- list(row("profile of cbpp", profiled$seconds, peer$seconds, max(abs(confint(profiled$value) - limits))))

draws <- if (quick) 20L else 100L
drawn <- several(function() bootstrap(ours, nsim = 200L, seed = 1))
peer <- once(function() lme4::bootMer(theirs, lme4::fixef, nsim = draws, seed = 1))
errors <- apply(drawn$value$t[, 1:4], 2L, stats::sd)
rows <- c(rows, list(row("a bootstrap refit of cbpp", drawn$seconds / 200, peer$seconds / draws,
                         max(abs(errors / sqrt(diag(vcov(ours))) - 1)))))

by_default <- glmm(herds, lme4::cbpp, binomial())
drawn <- several(function() bootstrap(by_default, nsim = 200L, seed = 1))
rows <- c(rows, list(row("the same by quadrature", drawn$seconds / 200, peer$seconds / draws, NA_real_)))

left_out <- several(function() influence(ours, groups = "herd", exact = TRUE))
peer <- once(function() stats::influence(theirs, groups = "herd"))
rows <- c(rows, list(row("cbpp without each herd", left_out$seconds, peer$seconds,
                         max(abs(left_out$value$estimates[, 1:4] - peer$value[["fixed.effects[-herd]"]])))))

if (!quick && requireNamespace("mlmRev", quietly = TRUE)) {
  ours <- glmm(contraception, mlmRev::Contraception, binomial(), method = "laplace")
  theirs <- lme4::glmer(contraception, mlmRev::Contraception, binomial())
  profiled <- several(function() profile(ours))
  peer <- once(function() stats::profile(theirs, which = "beta_"))
  rows <- c(rows, list(row("profile of Contraception, slope (lme4: fixed effects only)", profiled$seconds,
                           peer$seconds, NA_real_)))
}

table <- do.call(rbind, rows)
shown <- transform(table, glimmer = three_digits(glimmer), lme4 = three_digits(lme4), ratio = three_digits(ratio),
                   difference = formatC(difference, digits = 1L))
print(shown, row.names = FALSE)
print_machine(c("glimmer", "lme4", "mlmRev"))
limits <- c(5e-3, 0.5, Inf, 0.02, Inf)[seq_len(nrow(table))]
wrong <- which(table$difference > limits)
if (length(wrong)) {
  cat("further from lme4 than they should be:", toString(table$what[wrong]), "\n")
  quit(status = 1L)
}
