// A question to the caller, asked now and then, whether to go on: it throws if not.
#ifndef GLIMMER_INTERRUPT_H
#define GLIMMER_INTERRUPT_H

#include <chrono>
#include <functional>
#include <thread>

namespace glimmer {

/// Cheap enough for every loop: it asks on the caller's thread only, and not more often than it takes to be prompt.
class Interrupt {
 public:
  void set(std::function<void()> ask) {
    ask_ = std::move(ask);
    caller_ = std::this_thread::get_id();
    last_ = Clock::time_point();
  }

  void operator()() const {
    if (!ask_ || std::this_thread::get_id() != caller_) return;
    const Clock::time_point now = Clock::now();
    if (now - last_ < std::chrono::milliseconds(10)) return;
    last_ = now;
    ask_();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::function<void()> ask_;
  std::thread::id caller_;
  mutable Clock::time_point last_;
};

/// Where none is given.
inline const Interrupt no_interrupt;

}  // namespace glimmer

#endif
