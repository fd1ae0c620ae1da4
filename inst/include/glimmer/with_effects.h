// The number of effects of a level is small: the commonest numbers have code of their own.
#ifndef GLIMMER_WITH_EFFECTS_H
#define GLIMMER_WITH_EFFECTS_H

#include <type_traits>

#include "types.h"

namespace glimmer {

/// Calls visit with q as a compile-time constant where q <= 3, else with 0.
template <class Visit>
void with_effects(Index q, Visit visit) {
  switch (q) {
    case 1: return visit(std::integral_constant<int, 1>());
    case 2: return visit(std::integral_constant<int, 2>());
    case 3: return visit(std::integral_constant<int, 3>());
    default: return visit(std::integral_constant<int, 0>());
  }
}

}  // namespace glimmer

#endif
