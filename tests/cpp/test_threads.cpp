// Any number of threads gives the same bits. (.ci/cpp-tests runs this under the thread sanitizer too.)
#include <glimmer/row_model.h>

#include "check.h"
#include "problem.h"

using glimmer::Inner;

namespace {

void same_bits(const problem::Structure& structure, const problem::Pair& pair, std::uint64_t seed) {
  const problem::Problem p = problem::make_problem(structure, pair, seed);
  const auto one = problem::make_model(p);
  one->set_threads(1);
  const glimmer::Vector start = one->joint_start(p.parameters);
  const glimmer::Evaluation expected = one->evaluate(p.parameters, true);
  const glimmer::Matrix hessian = one->fixed_hessian(p.parameters, Inner::given),
                        information = one->fixed_information(p.parameters, Inner::given);
  check::that(expected.status == glimmer::Status::ok, p.name + ": status");
  for (int threads : {2, 3}) {
    const std::string name = p.name + ", " + std::to_string(threads) + " threads";
    const auto several = problem::make_model(p);  // a start from another mode gives other last digits
    several->set_threads(threads);
    check::that(several->joint_start(p.parameters) == start, name + ": start");
    const glimmer::Evaluation found = several->evaluate(p.parameters, true);
    check::that(found.value == expected.value, name + ": value");
    check::that(found.gradient == expected.gradient, name + ": gradient");
    check::that(several->fixed_hessian(p.parameters, Inner::given) == hessian, name + ": second derivative in beta");
    check::that(several->fixed_information(p.parameters, Inner::given) == information, name + ": information on beta");
  }
}

/// The same for quadrature, with nodes around the modes or on axes of their own for every level.
void same_bits_by_quadrature(const problem::Structure& structure, const problem::Pair& pair, std::uint64_t seed) {
  const problem::Problem p = problem::make_problem(structure, pair, seed);
  const auto levels = static_cast<std::size_t>(p.factors[0].levels);
  for (char wide : {0, 1}) {
    const glimmer::Integers nodes(levels, wide ? 47 : 7);
    const std::vector<char> is_wide(levels, wide);
    glimmer::FrozenEvaluation expected;
    glimmer::Vector values;
    for (int threads : {1, 2, 3}) {
      const std::string name = p.name + (wide ? ", wide, " : ", ") + std::to_string(threads) + " threads";
      const auto model = problem::make_model(p);
      model->set_threads(threads);
      check::that(model->place_rule(p.parameters) == glimmer::Status::ok, name + ": modes");
      model->rule().set_nodes(nodes, is_wide);
      const glimmer::FrozenEvaluation found = model->rule().pass(p.parameters, 2);
      const glimmer::Vector own = model->rule().level_values(p.parameters, nodes, is_wide);
      check::that(found.status == glimmer::Status::ok, name + ": status");
      if (threads == 1) expected = found, values = own;
      check::that(found.value == expected.value && found.gradient == expected.gradient, name + ": value, gradient");
      check::that(found.hessian == expected.hessian, name + ": Hessian");
      check::that(own == values, name + ": values of levels");
    }
  }
}

}  // namespace

int main() {
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0}, gamma{"Gamma", "log", 0.2, 0.5};
  same_bits({"one factor", {{900, {1}}}, false, 30000, 3}, logit, 41);
  same_bits({"one factor, slope", {{900, {2}}}, false, 20000, 2}, gamma, 42);
  same_bits({"crossed, dense", {{400, {1}}, {300, {1}}}, false, 20000, 2}, logit, 43);
  same_bits({"crossed, large", {{1500, {1}}, {320, {1}}}, false, 30000, 2}, logit, 45);
  same_bits({"crossed, slopes", {{300, {2}}, {150, {2}}}, false, 10000, 2}, gamma, 44);
  same_bits_by_quadrature({"one factor", {{900, {1}}}, false, 9000, 3}, logit, 46);
  same_bits_by_quadrature({"one factor, slope", {{300, {2}}}, false, 3000, 2}, gamma, 47);
  return check::finish();
}
