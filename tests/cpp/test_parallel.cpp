// Every position is visited once, whatever the number of threads, steps follow each other, and exceptions come out.
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

/// Each task finds the sum of all tasks of the step before it.
void steps(int threads) {
  const glimmer::Positions counts{3, 1, 40, 0, 7};
  std::vector<std::vector<long>> values;
  for (glimmer::Index count : counts) values.emplace_back(static_cast<std::size_t>(count), 0);
  glimmer::parallel_steps(counts, threads, [&](glimmer::Index step, glimmer::Index task) {
    long sum = task + 1;
    if (step > 0)
      for (long value : values[static_cast<std::size_t>(step - 1)]) sum += value;
    values[static_cast<std::size_t>(step)][static_cast<std::size_t>(task)] = sum;
  });
  const std::string name = "steps, " + std::to_string(threads) + " threads";
  check::that(values[1][0] == 7, name + ": second");      // 1 + (1 + 2 + 3)
  check::that(values[2][39] == 47, name + ": third");     // 40 + 7
  check::that(values[4][6] == 7, name + ": after an empty one");
}

void exceptions_of_steps(int threads) {
  bool thrown = false;
  try {
    glimmer::parallel_steps({5, 5, 5}, threads, [](glimmer::Index step, glimmer::Index task) {
      if (step == 1 && task == 2) throw std::runtime_error("a task");
    });
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  check::that(thrown, "an exception of a step with " + std::to_string(threads) + " threads");
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
  for (int repeat = 0; repeat < 50; ++repeat)
    for (int threads : {1, 2, 3}) steps(threads);
  for (int threads : {1, 2, 3}) exceptions_of_steps(threads);
  glimmer::parallel_steps({}, 2, [](glimmer::Index, glimmer::Index) { check::that(false, "no steps"); });
  return check::finish();
}
