// Derivatives by differences, for tests of those that the core gives.
#ifndef GLIMMER_TESTS_DIFFERENCES_H
#define GLIMMER_TESTS_DIFFERENCES_H

#include <glimmer/types.h>

namespace differences {

/// Richardson's extrapolation of a central difference: central(h) is that with the step h.
template <class Central>
auto richardson(double h, Central central) -> decltype(central(h)) {
  return (64.0 * central(h / 4) - 20.0 * central(h / 2) + central(h)) / 45.0;
}

/// Of the vectors that at(parameters) gives, in each of the parameters: a column each.
template <class At>
glimmer::Matrix by_column(const glimmer::Vector& parameters, double h, At at) {
  glimmer::Matrix out;
  for (glimmer::Index j = 0; j < parameters.size(); ++j) {
    const glimmer::Vector own = richardson(h, [&](double step) {
      glimmer::Vector up = parameters, down = parameters;
      up[j] += step, down[j] -= step;
      return glimmer::Vector((at(up) - at(down)) / (2.0 * step));
    });
    if (j == 0) out.resize(own.size(), parameters.size());
    out.col(j) = own;
  }
  return out;
}

}  // namespace differences

#endif
