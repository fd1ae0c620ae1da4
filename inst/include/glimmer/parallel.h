// Loops over the fixed chunks of the data. Each chunk writes its own places only, and sums are kept a chunk each and
// added in order afterwards, so that any number of threads gives the same bits.
//
// Threads live for one loop: they sleep when they wait, where OpenMP's spin, which on a busy machine of two cores made
// two threads three times slower than one; and there is nothing that a fork could break. Starting one takes 20
// microseconds, and where it has to wake a processor 100, so loops over few chunks have none.
#ifndef GLIMMER_PARALLEL_H
#define GLIMMER_PARALLEL_H

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "types.h"

namespace glimmer {

/// Calls work() by up to `threads` threads at once. An exception is thrown again at the end: the futures carry it.
template <class Work>
void on_threads(int threads, const Work& work) {
  std::vector<std::future<void>> others;
  try {
    for (int t = 1; t < threads; ++t) others.push_back(std::async(std::launch::async, std::cref(work)));
  } catch (const std::system_error&) {
    // the system gives no more threads: those that there are do the work
  }
  work();  // if it throws, the futures wait for their threads
  for (std::future<void>& other : others) other.get();
}

/// Calls visit(position) for 0 .. count - 1, by up to `threads` threads that take `share` positions at a time.
template <class Visit>
void parallel_shares(Index count, Index share, int threads, Visit visit) {
  if (threads <= 1 || count <= share) {
    for (Index position = 0; position < count; ++position) visit(position);
    return;
  }
  std::atomic<Index> next{0};
  on_threads(threads, [&] {
    for (Index begin = next.fetch_add(share); begin < count; begin = next.fetch_add(share))
      for (Index position = begin; position < std::min(begin + share, count); ++position) visit(position);
  });
}

/// Calls visit(step, task) for every task of every step, `counts` of them, by up to `threads` threads; a step begins
/// when all tasks of the one before have ended. Steps follow each other in less time than it takes to wake a thread,
/// so that who waits looks again at once for some 30 microseconds, and only then sleeps. (Not yield(): on a busy
/// machine the others then take a whole slice of time, at every step.)
template <class Visit>
void parallel_steps(const Positions& counts, int threads, Visit visit) {
  std::atomic<Index> next{0}, ended{0};  // tasks of all steps, numbered in order
  const auto wait_for = [&](Index tasks) {
    for (int looks = 0; ended.load(std::memory_order_acquire) < tasks; ++looks)
      if (looks > 30000) std::this_thread::sleep_for(std::chrono::microseconds(50));
  };
  struct End {  // also of a task that throws: nobody may wait for it
    std::atomic<Index>& ended;
    ~End() { ended.fetch_add(1, std::memory_order_release); }
  };
  on_threads(threads, [&] {
    Index begin = 0, step = 0, task = next.fetch_add(1);
    for (; step < static_cast<Index>(counts.size()); begin += counts[step], ++step) {
      for (; task < begin + counts[step]; task = next.fetch_add(1)) {
        wait_for(begin);
        const End end{ended};
        visit(step, task - begin);
      }
    }
  });
}

constexpr Index fewest_chunks_for_threads = 16;

/// For chunks of the data, each of which takes about as long as a tenth of the start of a thread.
template <class Visit>
void parallel_for(Index count, int threads, Visit visit) {
  parallel_shares(count, 4, count < fewest_chunks_for_threads ? 1 : threads, visit);
}

}  // namespace glimmer

#endif
