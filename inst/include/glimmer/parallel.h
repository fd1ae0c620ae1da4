// Loops over the fixed chunks of the data. Each chunk writes its own places only, and sums are kept a chunk each and added in
// order afterwards, so that any number of threads gives the same bits.
#ifndef GLIMMER_PARALLEL_H
#define GLIMMER_PARALLEL_H

#include <exception>

#include "types.h"

namespace glimmer {

/// Calls visit(position) for 0 .. count - 1, by up to `threads` threads where the compiler has OpenMP. An exception of
/// a visit is thrown again after the loop.
template <class Visit>
void parallel_for(Index count, int threads, Visit visit) {
#ifdef _OPENMP
  if (threads > 1 && count > 1) {
    std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic, 4) num_threads(threads)
    for (Index position = 0; position < count; ++position) {
      try {
        visit(position);
      } catch (...) {
#pragma omp critical(glimmer_failure)
        failure = std::current_exception();
      }
    }
    if (failure) std::rethrow_exception(failure);
    return;
  }
#else
  (void)threads;
#endif
  for (Index position = 0; position < count; ++position) visit(position);
}

}  // namespace glimmer

#endif
