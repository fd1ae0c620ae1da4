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
#include <exception>
#include <functional>
#include <future>
#include <system_error>
#include <thread>
#include <vector>

#include "interrupt.h"
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

/// Calls visit(position) for 0 .. count - 1, by up to `threads` threads that take `share` positions at a time; the
/// interrupt is asked before each share. Where a thread throws, the others end with their share.
template <class Visit>
void parallel_shares(Index count, Index share, int threads, Visit visit, const Interrupt& interrupt = no_interrupt) {
  std::atomic<Index> next{0};
  struct End {
    std::atomic<Index>& next;
    Index count;
    ~End() {
      if (std::uncaught_exceptions() > 0) next = count;
    }
  };
  on_threads(count <= share ? 1 : threads, [&] {
    const End end{next, count};
    for (Index begin = next.fetch_add(share); begin < count; begin = next.fetch_add(share)) {
      interrupt();
      for (Index position = begin; position < std::min(begin + share, count); ++position) visit(position);
    }
  });
}

/// Tasks in steps: a step begins when all tasks of the one before have ended.
///
/// Steps follow each other in less time than it takes to wake a thread, so that who waits looks again at once for some
/// 30 microseconds, and only then sleeps. Where the wait is longer than the work, the machine is busy with something
/// else: the other threads then leave the rest to the calling one, rather than be waited for at every step.
class Steps {
 public:
  explicit Steps(const Positions& counts) : counts_(counts) {}

  /// Calls visit(step, task) for the tasks that this thread gets.
  template <class Visit>
  void run(const Visit& visit, const Interrupt& interrupt) {
    const bool helper = std::this_thread::get_id() != caller_;
    Index begin = 0, step = 0, task = next_.fetch_add(1);
    Clock::time_point began = Clock::now();
    for (; step < static_cast<Index>(counts_.size()); begin += counts_[step], ++step)
      for (; task < begin + counts_[step]; task = next_.fetch_add(1)) {
        const End end{ended_, busy_};
        interrupt();
        if (ended_.load(std::memory_order_acquire) < begin) began = wait_for(begin, began);
        visit(step, task - begin);
        if (helper && busy_) return;
      }
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct End {  // also of a task that throws: nobody may wait for it, or go on with the rest
    std::atomic<Index>& ended;
    std::atomic<bool>& busy;
    ~End() {
      if (std::uncaught_exceptions() > 0) busy = true;
      ended.fetch_add(1, std::memory_order_release);
    }
  };

  /// Until so many tasks have ended; `began`: when this thread began to work for the last time.
  Clock::time_point wait_for(Index tasks, Clock::time_point began) {
    Clock::time_point now = Clock::now();
    const Clock::time_point patience = now + (now - began) + std::chrono::milliseconds(1);
    for (int looks = 0; ended_.load(std::memory_order_acquire) < tasks; ++looks) {
      if (looks < 30000) continue;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      now = Clock::now();
      if (now > patience) busy_ = true;
    }
    return now;
  }

  const Positions& counts_;
  const std::thread::id caller_ = std::this_thread::get_id();
  std::atomic<Index> next_{0}, ended_{0};  ///< tasks of all steps, numbered in order
  std::atomic<bool> busy_{false};
};

/// Calls visit(step, task) for every task of every step, `counts` of them, by up to `threads` threads; the interrupt is
/// asked before each task.
template <class Visit>
void parallel_steps(const Positions& counts, int threads, Visit visit, const Interrupt& interrupt = no_interrupt) {
  Steps steps(counts);
  on_threads(threads, [&] { steps.run(visit, interrupt); });
}

constexpr Index fewest_chunks_for_threads = 16;

/// For chunks of the data: a few of them are done before another thread has started.
template <class Visit>
void parallel_for(Index count, int threads, Visit visit) {
  parallel_shares(count, 4, count < fewest_chunks_for_threads ? 1 : threads, visit);
}

}  // namespace glimmer

#endif
