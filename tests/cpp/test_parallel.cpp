// Every position is visited once, whatever the number of threads, and exceptions come out of the loop.
#include <glimmer/parallel.h>

#include <stdexcept>

#include "check.h"

namespace {

void visits(glimmer::Index count, int threads) {
  std::vector<int> seen(static_cast<std::size_t>(count), 0);
  glimmer::parallel_for(count, threads, [&](glimmer::Index i) { ++seen[static_cast<std::size_t>(i)]; });
  bool once = true;
  for (int visited : seen) once = once && visited == 1;
  check::that(once, std::to_string(count) + " positions, " + std::to_string(threads) + " threads");
}

void exceptions(int threads) {
  bool thrown = false;
  try {
    glimmer::parallel_for(100, threads, [](glimmer::Index i) {
      if (i == 57) throw std::runtime_error("position 57");
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  check::that(thrown, "an exception with " + std::to_string(threads) + " threads");
}

}  // namespace

int main() {
  for (glimmer::Index count : {0, 1, 15, 16, 17, 1001})
    for (int threads : {1, 2, 3, 8}) visits(count, threads);
  for (int threads : {1, 2, 3}) exceptions(threads);
  return check::finish();
}
