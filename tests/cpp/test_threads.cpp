// Any number of threads gives the same bits. (.ci/cpp-tests runs this under the thread sanitizer too.)
#include <glimmer/model.h>

#include "check.h"
#include "problem.h"

namespace {

void same_bits(const problem::Structure& structure, const problem::Pair& pair, std::uint64_t seed) {
  const problem::Problem p = problem::make_problem(structure, pair, seed);
  const auto one = problem::make_model(p);
  one->set_threads(1);
  const glimmer::Vector start = one->joint_start(p.parameters);
  const glimmer::Evaluation expected = one->evaluate(p.parameters, true);
  const glimmer::Matrix hessian = one->fixed_hessian(), information = one->fixed_information();
  check::that(expected.status == glimmer::Status::ok, p.name + ": status");
  for (int threads : {2, 3}) {
    const std::string name = p.name + ", " + std::to_string(threads) + " threads";
    const auto several = problem::make_model(p);  // a start from another mode gives other last digits
    several->set_threads(threads);
    check::that(several->joint_start(p.parameters) == start, name + ": start");
    const glimmer::Evaluation found = several->evaluate(p.parameters, true);
    check::that(found.value == expected.value, name + ": value");
    check::that(found.gradient == expected.gradient, name + ": gradient");
    check::that(several->fixed_hessian() == hessian, name + ": second derivative in beta");
    check::that(several->fixed_information() == information, name + ": information on beta");
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
  return check::finish();
}
