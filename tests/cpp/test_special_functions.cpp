// Functions that std has not, against the C library's in extended precision.
#include <glimmer/special_functions.h>

#include "check.h"

int main() {
  for (double x : {1e-300, 1e-8, 0.01, 0.3, 0.5, 1.0, 1.4616, 1.999, 2.0, 2.5, 3.0, 7.7, 9.999, 10.0, 10.5, 33.0, 171.3,
                   1e4, 1e9, 1e300}) {
    const double expected = static_cast<double>(std::lgamma(static_cast<long double>(x)));
    check::close(glimmer::log_gamma(x), expected, 4e-15, "log_gamma at " + std::to_string(x));
  }
  check::that(glimmer::log_gamma(1.0) == 0.0, "log_gamma(1) is zero: a Bernoulli row has no constant");
  check::that(glimmer::log_gamma(2.0) == 0.0, "log_gamma(2) is zero");
  return check::finish();
}
