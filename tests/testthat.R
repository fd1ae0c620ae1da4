library(testthat)
library(glimmer)

test_check("glimmer")
