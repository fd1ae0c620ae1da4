// Counts of checks that held and that did not; finish() prints them in the form that .ci/cpp-tests reads.
#ifndef GLIMMER_TESTS_CHECK_H
#define GLIMMER_TESTS_CHECK_H

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

namespace check {

inline int passed = 0, failed = 0;

inline void that(bool holds, const std::string& what) {
  ++(holds ? passed : failed);
  if (!holds) std::printf("FAILED %s\n", what.c_str());
}

/// |found - expected| <= tolerance * max(scale, |expected|); equal infinities are close.
inline void close(double found, double expected, double tolerance, const std::string& what, double scale = 1.0) {
  const double limit = tolerance * std::fmax(scale, std::fabs(expected));
  const bool holds = found == expected || std::fabs(found - expected) <= limit;
  ++(holds ? passed : failed);
  if (!holds)
    std::printf("FAILED %s: found %.17g, expected %.17g, difference %.3g\n", what.c_str(), found, expected,
                found - expected);
}

/// The same with nothing but the expected value for a scale: for numbers in the tails.
inline void close_relative(double found, double expected, double tolerance, const std::string& what) {
  close(found, expected, tolerance, what, 0.0);
}

/// A call ends with an exception: most often a caller's mistake.
template <class Error = std::invalid_argument, class Call>
void refused(Call call, const std::string& what) {
  bool thrown = false;
  try {
    call();
  } catch (const Error&) {
    thrown = true;
  }
  that(thrown, what);
}

inline int finish() {
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace check

#endif
