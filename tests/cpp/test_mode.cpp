// The value as a function of the parameters alone: wherever the search for the mode began, however far from there,
// it is that of a dense search from zero.
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;
using problem::Structure;

namespace {

/// Many components, and one; few rows a level, so that modes are far from each other.
std::vector<Structure> connected_structures() {
  return {{"one factor", {{40, {2}}}, false, 160, 2},
          {"two terms on one factor", {{40, {1, 2}}}, false, 200, 2},
          {"nested", {{60, {1}}, {20, {1}}}, true, 240, 2},
          {"nested with slopes outside", {{60, {1}}, {20, {2}}}, true, 240, 2},
          {"nested with slopes inside", {{45, {2}}, {15, {1}}}, true, 240, 2},
          {"three nested factors", {{48, {1}}, {24, {1}}, {6, {1}}}, true, 240, 2},
          {"crossed", {{20, {1}}, {12, {1}}}, false, 160, 2},
          {"crossed with slopes", {{16, {2}}, {10, {2}}}, false, 200, 2}};
}

/// Parameters at some distance from those of the problem, in about standard errors.
Vector at_distance(const Problem& p, const problem::Pair& pair, double distance, problem::Random& random) {
  Vector out = p.parameters;
  const double unit = pair.spread / std::sqrt(static_cast<double>(p.factors.back().levels));
  for (Index j = 0; j < out.size(); ++j) out[j] += distance * unit * random.normal();
  return out;
}

/// By the dense search; where h may have several maxima, of which that may find another one, by a new model.
double cold_value(const Problem& p, const RowModel& model) {
  if (!model.data().density->log_concave()) return problem::make_model(p)->evaluate(p.parameters, false).value;
  const dense::Solution expected = dense::laplace(p, dense::Fixed::given);
  return expected.converged ? expected.value : -glimmer::infinity;
}

void walk(const Problem& p, const problem::Pair& pair, double home, double distance, std::uint64_t seed) {
  const std::string name = p.name + ", steps of " + std::to_string(distance);
  problem::Random random(seed);
  const auto model = problem::make_model(p);
  const int steps = distance < 1.0 ? 3 : 1;  // a dense search from far off is dear
  for (int step = 0; step < steps; ++step) {
    Problem away = p;
    away.parameters = at_distance(p, pair, distance, random);
    const Evaluation found = model->evaluate(away.parameters, step % 2 == 0);
    const double expected = cold_value(away, *model);
    if (std::isfinite(expected)) {
      check::that(found.status == Status::ok, name + ": away, status " + glimmer::describe(found.status));
      check::close(found.value, expected, 1e-10, name + ": away");
    }
    const Evaluation back = model->evaluate(p.parameters, false);
    check::that(back.status == Status::ok, name + ": back, status " + glimmer::describe(back.status));
    check::close(back.value, home, 1e-10, name + ": back");
  }
}

}  // namespace

int main() {
  std::uint64_t seed = 900;
  for (const problem::Pair& pair : problem::typical_pairs())
    for (const Structure& structure : connected_structures()) {
      const Problem p = problem::make_problem(structure, pair, ++seed);
      const double home = dense::laplace(p, dense::Fixed::given).value;
      for (double distance : {0.5, 3.0, 20.0}) walk(p, pair, home, distance, seed);
    }
  return check::finish();
}
