# Threads: the same bits for any number, and how many there are by default.
many_rows <- function(levels = 2000L) {
  set.seed(12)
  rows <- 12L * levels
  data <- data.frame(g = gl(levels, 12), x = stats::rnorm(rows))
  data$y <- stats::rpois(rows, exp(0.3 * data$x + stats::rnorm(levels, 0, 0.5)[data$g]))
  data$z <- exp(0.2 * data$x + stats::rnorm(rows))
  data
}

test_that("the result is the same to the last bit for any number of threads", {
  cases <- list(list(y ~ x + (1 | g), stats::poisson()), list(y ~ x + (x | g), stats::poisson()),
                list(z ~ x + (1 | g), stats::Gamma("log")))
  methods <- expand.grid(case = 1:3, method = c("laplace", "aghq"), stringsAsFactors = FALSE)
  for (k in seq_len(nrow(methods))) {
    case <- cases[[methods$case[k]]]
    fit <- function(threads) {
      data <- many_rows(if (methods$method[k] == "laplace") 2000L else 400L)
      glmm(case[[1L]], data, case[[2L]], method = methods$method[k], control = glmm_control(threads = threads))
    }
    one <- fit(1)
    for (threads in 2:3) {
      more <- fit(threads)
      same <- c("parameters", "covariance", "modes", "mode_variances", "means", "mean_variances", "quadrature",
                "log_likelihood")
      expect_identical(unclass(more)[same], unclass(one)[same])
    }
  }
})

test_that("threads work in a forked process", {
  skip_on_os("windows")
  data <- many_rows()
  fit <- function(threads) {
    as.numeric(logLik(glmm(y ~ x + (1 | g), data, stats::poisson(), control = glmm_control(threads = threads))))
  }
  here <- fit(2)
  there <- parallel::mclapply(c(1, 2), fit, mc.cores = 2)
  expect_identical(there, list(here, here))
})

with_variables <- function(values, code) {
  old <- Sys.getenv(names(values), NA)
  on.exit({
    Sys.unsetenv(names(old)[is.na(old)])
    if (any(!is.na(old))) do.call(Sys.setenv, as.list(old[!is.na(old)]))
  })
  do.call(Sys.setenv, as.list(values))
  code
}

test_that("the default is two, and no more than is allowed", {
  cores <- engine_cores()
  expect_gte(cores, 1L)
  with_variables(c(OMP_THREAD_LIMIT = "", OMP_NUM_THREADS = ""), expect_equal(threads_to_use(), min(2L, cores)))
  with_variables(c(OMP_THREAD_LIMIT = "1", OMP_NUM_THREADS = ""), {
    expect_equal(threads_to_use(), 1L)
    expect_equal(threads_to_use(8), 1L)
  })
  with_variables(c(OMP_THREAD_LIMIT = "", OMP_NUM_THREADS = "1"), {
    expect_equal(threads_to_use(), 1L)
    expect_equal(threads_to_use(2), min(2L, cores))
  })
  skip_on_os("windows")
  expect_equal(parallel::mclapply(1:2, function(i) threads_to_use(), mc.cores = 2), list(1L, 1L))
})
