// Loops over the fixed chunks of the data. Each chunk writes its own places only, and sums are kept a chunk each and
// added in order afterwards, so that any number of threads gives the same bits.
//
// Threads live for one loop: they sleep when they wait, where OpenMP's spin, which on a busy machine of two cores made
// two threads three times slower than one; and there is nothing that a fork could break. Starting one takes about 20
// microseconds, so loops over few chunks have none.
#ifndef GLIMMER_PARALLEL_H
#define GLIMMER_PARALLEL_H

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <vector>

#include "types.h"

namespace glimmer {

/// Calls visit(position) for 0 .. count - 1, by up to `threads` threads that take `share` positions at a time. An
/// exception of a visit is thrown again after the loop: the futures carry it.
template <class Visit>
void parallel_shares(Index count, Index share, int threads, Visit visit) {
  if (threads <= 1 || count <= share) {
    for (Index position = 0; position < count; ++position) visit(position);
    return;
  }
  std::atomic<Index> next{0};
  const auto work = [&] {
    for (Index begin = next.fetch_add(share); begin < count; begin = next.fetch_add(share))
      for (Index position = begin; position < std::min(begin + share, count); ++position) visit(position);
  };
  std::vector<std::future<void>> others;
  try {
    for (int t = 1; t < threads; ++t) others.push_back(std::async(std::launch::async, work));
  } catch (const std::system_error&) {
    // the system gives no more threads: those that there are do the work
  }
  work();  // if it throws, the futures wait for their threads
  for (std::future<void>& other : others) other.get();
}

constexpr Index fewest_chunks_for_threads = 16;

/// For chunks of the data, each of which takes about as long as a tenth of the start of a thread.
template <class Visit>
void parallel_for(Index count, int threads, Visit visit) {
  parallel_shares(count, 4, count < fewest_chunks_for_threads ? 1 : threads, visit);
}

}  // namespace glimmer

#endif
