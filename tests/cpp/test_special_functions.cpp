// Functions that std has not, against the C library's in extended precision.
#include <glimmer/special_functions.h>

#include "check.h"

int main() {
  for (long double x : {1e-300L, 1e-8L, 0.01L, 0.3L, 0.5L, 1.0L, 1.4616L, 1.999L, 2.0L, 2.5L, 3.0L, 7.7L, 9.999L, 10.0L, 10.5L,
                        33.0L, 171.3L, 1e4L, 1e9L, 1e300L})
    check::close(glimmer::log_gamma(static_cast<double>(x)), static_cast<double>(std::lgamma(static_cast<long double>(static_cast<double>(x)))), 4e-15,
                 "log_gamma at " + std::to_string(static_cast<double>(x)));
  check::that(glimmer::log_gamma(1.0) == 0.0, "log_gamma(1) is zero: a Bernoulli row has no constant");
  check::that(glimmer::log_gamma(2.0) == 0.0, "log_gamma(2) is zero");
  return check::finish();
}
