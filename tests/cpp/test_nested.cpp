// Quadrature of nested factors by frozen rules: values against brute force, gradients and Hessians against differences
// of the frozen rule, models that are the same as others without nesting, threads, large levels.
#include <glimmer/row_model.h>

#include "check.h"
#include "differences.h"
#include "nested_problem.h"
#include "rule_derivatives.h"

using glimmer::FrozenEvaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::Integers;
using glimmer::Matrix;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using nested::BruteForce;
using nested::Case;

namespace {

const problem::Pair logit{"binomial", "logit", 0.2, 1.0}, probit{"binomial", "probit", 0.2, 0.6},
    poisson{"poisson", "log", 0.6, 0.5}, gamma_log{"Gamma", "log", 0.3, 0.5}, nbinom2{"nbinom2", "log", 0.6, 0.5};

/// A model with its rule at mean and covariance of u, some nodes for each effect of each factor.
std::unique_ptr<RowModel> placed(const Case& c, const std::vector<int>& nodes) {
  auto model = c.model();
  check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
  for (int round = 0; round < 2; ++round) {
    model->rule().set_nodes(c.nodes(nodes), c.narrow());
    model->rule().pass(c.parameters, 0);
    model->rule().place_at_moments();
  }
  return model;
}

void against_brute_force(const Case& c, const std::vector<int>& nodes, double step, double reach, double limit) {
  const double expected = BruteForce(c, c.parameters, step, reach).value();
  const auto model = placed(c, nodes);
  check::close(model->rule().pass(c.parameters, 2).value, expected, limit, c.name + ": value");
  check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
  check::close(model->rule().pass(c.parameters, 0).value, expected, 100.0 * limit, c.name + ": value at the modes");
  // another order of the factors: that of theta stays
  const auto other = c.model(true);
  Integers reversed;
  for (Index l = c.depth() - 1; l >= 0; --l)
    reversed.insert(reversed.end(), static_cast<std::size_t>(c.factor(l).levels), nodes[static_cast<std::size_t>(l)]);
  check::that(other->place_rule(c.parameters) == Status::ok, c.name + ": modes in another order");
  other->rule().set_nodes(reversed, c.narrow());
  check::close(other->rule().pass(c.parameters, 0).value, model->rule().pass(c.parameters, 0).value, 1e-12,
               c.name + ": another order");
}

void derivatives(const Case& c, RowModel& model, const Vector& at, double spread, const std::string& what) {
  rule_derivatives::check_all(model, at, 0.02 * spread, c.name + what);
  check::that(model.rule().level_gradients(at).rows() == c.factor(c.depth() - 1).levels,
              c.name + what + ": a score for each outermost level");
}

void derivatives(const Case& c, const std::vector<int>& nodes) {
  const double spread = c.p.has_dispersion() ? 0.35 : 0.5;
  const auto model = placed(c, nodes);
  derivatives(c, *model, 1.05 * c.parameters, spread, "");
  check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
  derivatives(c, *model, c.parameters, spread, ", at modes");
}

/// E b of each level from the derivative of the brute force in an offset of its rows: with z = 1, and h small, the
/// second derivative of log-likelihood along it says nothing of others.
void moments(const Case& c, const std::vector<int>& nodes, double step, double reach) {
  const auto model = placed(c, nodes);
  model->rule().pass(c.parameters, 0);
  const std::vector<glimmer::Effects> b = model->rule().moments();
  for (Index l = 0; l < c.depth(); ++l)
    for (Index g : {Index{0}, Index{1}}) {
      // log E exp(t b) of the density of b given the data has the derivatives mean and variance at t = 0: shifting the
      // prior's mean by s, E exp(b s / sd^2 - s^2 / (2 sd^2)), is shifting the rows' offsets by s z
      const double sd = c.parameters[c.p.X.cols() + l], h = 0.02;
      const auto shifted = [&](double s) {
        Case other = c;
        for (Index i = 0; i < c.p.rows(); ++i)
          if (c.factor(l).level[static_cast<std::size_t>(i)] == g) other.p.offset[i] += s;
        return BruteForce(other, c.parameters, step, reach).value();
      };
      const double up = shifted(h), down = shifted(-h), half_up = shifted(h / 2), half_down = shifted(-h / 2);
      const double middle = shifted(0.0);
      const double slope = (8.0 * (half_up - half_down) - (up - down)) / (6.0 * h);
      const double bend = (16.0 * (half_up + half_down - 2.0 * middle) - (up + down - 2.0 * middle)) / (3.0 * h * h);
      const glimmer::Effects& own = b[static_cast<std::size_t>(l)];
      check::close(own.modes(0, g), sd * sd * slope, 1e-7, c.name + ": mean of b");
      check::close(own.covariances(0, g), sd * sd * (1.0 + sd * sd * bend), 1e-6, c.name + ": variance of b");
    }
}

/// A level within each level, and random intercepts: as one factor with the sum of both variances.
void one_in_each(const problem::Pair& pair) {
  Case c("one in each", {{7, {1}}, {7, {1}}}, pair, 50, 91);
  c.p.factors[1].level = c.p.factors[0].level;
  Case one("one in each", {{7, {1}}}, pair, 50, 91);
  one.p = c.p;
  one.p.factors.resize(1);
  const Index at = c.p.X.cols();
  one.parameters.resize(c.parameters.size() - 1);
  one.parameters << c.parameters.head(at), std::hypot(c.parameters[at], c.parameters[at + 1]),
      c.parameters.tail(c.parameters.size() - at - 2);
  const auto found = placed(c, {31, 31}), expected = placed(one, {31});
  check::close(found->rule().pass(c.parameters, 0).value, expected->rule().pass(one.parameters, 0).value, 1e-10,
               c.name + ": as one factor");
}

/// Where a factor has no variance: as if it were not there; its gradient is zero, its Hessian that of the rule.
void without_variance(const problem::Pair& pair, const std::vector<Index>& effects) {
  for (Index l : {0, 1}) {
    Case c("no variance", {{12, {effects[0]}}, {4, {effects[1]}}}, pair, 80, 17);
    c.name += l == 0 ? ", inner" : ", outer";
    Case one = c;
    one.p.factors = {c.p.factors[static_cast<std::size_t>(1 - l)]};
    one.structures.resize(1);
    const Index count = c.covariances()[0].theta_count(), fixed = c.p.X.cols();
    const Index first = fixed + (l == 0 ? 0 : count), size = l == 0 ? count : c.theta_count() - count;
    c.parameters.segment(first, size).setZero();
    one.parameters.resize(c.parameters.size() - size);
    one.parameters << c.parameters.head(first), c.parameters.tail(c.parameters.size() - first - size);
    const auto model = placed(c, {4, 4}), other = placed(one, {4});
    const FrozenEvaluation found = model->rule().pass(c.parameters, 2);
    check::that(found.status == Status::ok, c.name + ": status");
    check::close(found.value, other->rule().pass(one.parameters, 0).value, 1e-10, c.name + ": as without the factor");
    check::that(found.gradient.segment(first, size).cwiseAbs().maxCoeff() < 1e-11, c.name + ": gradient of zero");
    const Matrix expected =
        differences::by_column(c.parameters, 0.01, [&](const Vector& x) { return model->rule().pass(x, 1).gradient; });
    const double far = (expected - found.hessian).cwiseAbs().maxCoeff() / std::max(1.0, expected.cwiseAbs().maxCoeff());
    check::that(far <= 1e-7, c.name + ": Hessian, off by " + std::to_string(far * 1e9) + "e-9");
  }
}

void same_bits(const Case& c, const std::vector<int>& nodes) {
  FrozenEvaluation expected;
  Matrix scores;
  Vector values;
  for (int threads : {1, 2, 3}) {
    const auto model = c.model();
    model->set_threads(threads);
    check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
    model->rule().set_nodes(c.nodes(nodes), c.narrow());
    model->rule().pass(c.parameters, 0);
    model->rule().place_at_moments();
    const FrozenEvaluation found = model->rule().pass(c.parameters, 2);
    const Matrix own = model->rule().level_gradients(c.parameters);
    const Vector own_values = model->rule().level_values(c.parameters, c.nodes({7, 7}), c.narrow());
    if (threads == 1) expected = found, scores = own, values = own_values;
    check::that(found.status == Status::ok && found.value == expected.value && found.gradient == expected.gradient &&
                    found.hessian == expected.hessian && own == scores && own_values == values,
                c.name + ": bits of " + std::to_string(threads) + " threads");
  }
}

/// Values by other nodes are those of the rule with these; of an inner level, the change that they make.
void values_of_levels(const Case& c, std::vector<int> nodes, std::size_t changed, int more) {
  const auto model = placed(c, nodes);
  const double before = model->rule().pass(c.parameters, 0).value;
  const Vector coarse = model->rule().level_values(c.parameters, c.nodes(nodes), c.narrow());
  const Index outermost = c.factor(c.depth() - 1).levels;
  check::close(coarse.tail(outermost).sum() + model->data().constant, before, 1e-12, c.name + ": values of levels");
  Integers asked = c.nodes(std::vector<int>(nodes.size(), 0));
  Index at = c.p.factors[changed].level[0];  // a level with rows
  for (std::size_t k = 0; k < changed; ++k) at += c.p.factors[k].levels;
  asked[static_cast<std::size_t>(at)] = more;
  const Vector fine = model->rule().level_values(c.parameters, asked, c.narrow());
  for (Index g = 0; g < fine.size(); ++g)
    if (g != at) check::that(std::isnan(fine[g]), c.name + ": a level that is not asked for");
  Integers given = c.nodes(nodes);
  given[static_cast<std::size_t>(at)] = more;
  model->rule().set_nodes(given, c.narrow());
  const double change = model->rule().pass(c.parameters, 0).value - before, told = fine[at] - coarse[at];
  check::that(std::abs(change) > 1e-10, c.name + ": more nodes change something");
  const bool is_outermost = changed + 1 == nodes.size();
  check::close(told, change, is_outermost ? 1e-7 : 0.05, c.name + ": the change that they make", std::abs(change));
}

/// Inner levels of hundreds of rows: products over rows would overflow.
void large_levels(const problem::Pair& pair) {
  Case c("large", {{6, {1}}, {2, {1}}}, pair, 900, 55);
  c.p.weight.setOnes();
  if (pair.family == "binomial") {
    c.p.size.setOnes();
    c.p.y = c.p.y.cwiseMin(1.0);
  }
  const auto model = placed(c, {15, 15}), finer = placed(c, {23, 23});
  const FrozenEvaluation found = model->rule().pass(c.parameters, 2);
  check::that(found.status == Status::ok, c.name + ": status");
  check::close(found.value, finer->rule().pass(c.parameters, 0).value, 1e-8, c.name + ": more nodes");
  const double expected = BruteForce(c, c.parameters, 0.12, 6.6).value();
  check::close(finer->rule().pass(c.parameters, 0).value, expected, 1e-9, c.name + ": value");
  derivatives(c, *model, c.parameters, 0.05, "");
}

/// Parameters far out give finite numbers, or a status that says that they are not.
void far_out(const Case& c) {
  const auto model = placed(c, {7, 5});
  for (double size : {1e1, 1e2, 1e3, 1e5, 1e100, 1e300})
    for (Index j = 0; j < c.parameters.size(); ++j)
      for (double sign : {-1.0, 1.0}) {
        Vector at = c.parameters;
        at[j] = sign * size;
        const FrozenEvaluation found = model->rule().pass(at, 2);
        const bool finite = std::isfinite(found.value) && found.gradient.allFinite() && found.hessian.allFinite();
        check::that(finite == (found.status == Status::ok), c.name + ": far out");
      }
  // moments there may be none: the rule then stays where it was, and goes on
  model->rule().place_at_moments();
  check::that(model->rule().pass(c.parameters, 2).status == Status::ok, c.name + ": back again");
}

/// Rows that count so often are so many rows, and those that count never are not there: all of an innermost level, all
/// of an outermost one.
void weighted_rows(Case c, const std::vector<int>& nodes) {
  Vector times(c.p.rows());
  for (Index i = 0; i < c.p.rows(); ++i) {
    const std::size_t row = static_cast<std::size_t>(i);
    const bool out = c.p.factors[0].level[row] == 1 || c.p.factors.back().level[row] == 0;
    times[i] = out ? 0.0 : static_cast<double>((5 * i + i / 3) % 4);
  }
  std::vector<Index> rows;
  for (Index i = 0; i < c.p.rows(); ++i)
    for (double k = 0.0; k < times[i]; k += 1.0) rows.push_back(i);
  Case repeated = c;
  repeated.p = problem::take_rows(c.p, rows);
  const auto model = c.model(), expected = placed(repeated, nodes);
  model->set_responses({c.p.y, c.p.size, c.p.weight, times});
  check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes of weighted rows");
  for (int round = 0; round < 2; ++round) {
    model->rule().set_nodes(c.nodes(nodes), c.narrow());
    model->rule().pass(c.parameters, 0);
    model->rule().place_at_moments();
  }
  const FrozenEvaluation found = model->rule().pass(c.parameters, 2), other = expected->rule().pass(c.parameters, 2);
  check::that(found.status == Status::ok, c.name + ": status of weighted rows");
  check::close(found.value, other.value, 1e-11, c.name + ": value of weighted rows");
  check::that((found.gradient - other.gradient).norm() <= 1e-9 * (1.0 + other.gradient.norm()),
              c.name + ": gradient of weighted rows");
  check::that((found.hessian - other.hessian).norm() <= 1e-9 * other.hessian.norm(),
              c.name + ": Hessian of weighted rows");
  const glimmer::Effects own = model->rule().moments()[0];
  check::that(own.modes.col(1).norm() == 0.0, c.name + ": mean of a level that is left out");
  const Vector values = model->rule().level_values(c.parameters, c.nodes(nodes), c.narrow());
  check::that(values[1] == 0.0 && values[values.size() - c.factor(c.depth() - 1).levels] == 0.0,
              c.name + ": levels that are left out");
}

/// An outermost level that counts so often adds its log-likelihood so often, and its score.
void weighted_clusters(const Case& c, const std::vector<int>& nodes) {
  const auto model = placed(c, nodes);
  const auto with = [&](double first, double others) {
    Vector copies(c.p.rows());
    for (Index i = 0; i < c.p.rows(); ++i)
      copies[i] = c.p.factors.back().level[static_cast<std::size_t>(i)] == 0 ? first : others;
    model->set_responses({c.p.y, c.p.size, c.p.weight}, copies);
    model->place_rule(c.parameters);
    return model->rule().pass(c.parameters, 2);
  };
  const FrozenEvaluation once = with(1.0, 1.0);
  const Vector score = model->rule().level_gradients(c.parameters).row(0);
  const FrozenEvaluation more = with(2.5, 1.0), alone = with(1.0, 0.0);
  check::close(more.value, once.value + 1.5 * alone.value, 1e-12, c.name + ": value of clusters");
  check::that((alone.gradient - score).norm() <= 1e-12 * score.norm(), c.name + ": gradient of a cluster");
  check::that((more.gradient - once.gradient - 1.5 * score).norm() <= 1e-11 * (1.0 + once.gradient.norm()),
              c.name + ": gradient of clusters");
  check::that((more.hessian - once.hessian - 1.5 * alone.hessian).norm() <= 1e-12 * once.hessian.norm(),
              c.name + ": Hessian of clusters");
  const Vector at = 1.02 * c.parameters;
  with(2.5, 0.5);
  const FrozenEvaluation found = model->rule().pass(at, 2);
  const Matrix expected =
      differences::by_column(at, 0.01, [&](const Vector& x) { return model->rule().pass(x, 1).gradient; });
  check::that((expected - found.hessian).norm() <= 1e-8 * expected.norm(), c.name + ": Hessian against differences");
}

void refusals() {
  const Case c("refused", {{9, {1}}, {3, {1}}}, logit, 40, 1);
  const auto model = c.model();
  check::refused([&] { model->rule().moments(); }, "moments before a pass");
  check::refused([&] { model->rule().set_nodes(Integers(9, 5), std::vector<char>(9, 0)); }, "nodes for one factor");
  check::refused([&] { model->rule().set_nodes(c.nodes({5, 5}), std::vector<char>(12, 1)); }, "wide levels");
  check::refused([&] { model->rule().pass(c.parameters, 0); }, "a pass without nodes");
  const problem::Problem crossed = problem::make_problem({"crossed", {{9, {1}}, {7, {1}}}, false, 40, 2}, logit, 2);
  const auto two = problem::make_model(crossed);
  check::refused([&] { two->rule().set_nodes(Integers(16, 5), std::vector<char>(16, 0)); }, "crossed factors");
}

void interrupts() {
  const Case c("interrupted", {{300, {1}}, {30, {1}}}, logit, 2000, 3);
  const auto model = placed(c, {5, 5});
  struct Stop {};
  model->set_interrupt([] { throw Stop(); });
  check::refused<Stop>([&] { model->rule().pass(c.parameters, 2); }, "an interrupt");
}

}  // namespace

int main() {
  std::uint64_t seed = 900;
  const std::vector<std::vector<problem::Shape>> shapes = {
      {{10, {2}}, {3, {1}}}, {{10, {1}}, {4, {2}}}, {{10, {2}}, {4, {2}}}, {{16, {1}}, {8, {1, 1}}, {3, {1}}}};
  const std::vector<problem::Pair> pairs = {logit, poisson, probit, gamma_log, nbinom2};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const problem::Pair& pair = pairs[i];
    against_brute_force(Case("scalar in scalar", {{8, {1}}, {3, {1}}}, pair, 30, ++seed), {41, 41}, 0.25, 8.0, 1e-11);
    derivatives(Case("scalar in scalar", {{12, {1}}, {4, {1}}}, pair, 60, ++seed), {5, 4});
    for (std::size_t k = 0; k < shapes.size(); ++k)  // the canonical pairs with all of them, others with two each
      if (i < 2 || (i + k) % 2 == 0)
        derivatives(Case("shape " + std::to_string(k), shapes[k], pair, 60, ++seed), {3, 2, 3});
  }
  derivatives(Case("a model of the second", {{10, {2}}, {4, {1}}}, nbinom2, 80, ++seed, "unstructured", 2), {4, 5});
  against_brute_force(Case("a model of the second", {{8, {1}}, {3, {1}}}, nbinom2, 30, ++seed, "unstructured", 2),
                      {41, 41}, 0.25, 8.0, 1e-11);
  against_brute_force(Case("slope in slope", {{4, {2}}, {2, {2}}}, logit, 10, ++seed), {11, 11}, 0.7, 7.0, 1e-8);
  against_brute_force(Case("three", {{6, {1}}, {4, {1}}, {2, {1}}}, poisson, 16, ++seed), {21, 21, 21}, 0.4, 7.6,
                      1e-10);
  for (const char* structure : {"diag", "cs", "ar1"})
    derivatives(Case("structures", {{10, {2}}, {4, {3}}}, poisson, 60, ++seed, structure), {2, 2});
  moments(Case("moments", {{6, {1}}, {3, {1}}}, logit, 24, ++seed), {31, 31}, 0.4, 7.6);
  for (const problem::Pair& pair : {logit, nbinom2}) {
    one_in_each(pair);
    without_variance(pair, {1, 1});
    without_variance(pair, {2, 2});
    if (pair.family != "binomial") continue;  // with few nodes nearly right: there is nothing to tell
    values_of_levels(Case("values", {{8, {1}}, {3, {1}}}, pair, 60, ++seed), {5, 4}, 0, 13);
    values_of_levels(Case("values", {{8, {1}}, {3, {1}}}, pair, 60, ++seed), {5, 4}, 1, 13);
    values_of_levels(Case("values", {{16, {1}}, {8, {1}}, {3, {1}}}, pair, 60, ++seed), {5, 5, 4}, 0, 13);
    values_of_levels(Case("values", {{16, {1}}, {8, {1}}, {3, {1}}}, pair, 60, ++seed), {5, 5, 4}, 1, 13);
  }
  for (const problem::Pair& pair : {logit, poisson}) {
    large_levels(pair);
    same_bits(Case("threads", {{900, {1}}, {90, {2}}}, pair, 3000, ++seed), {5, 3});
    far_out(Case("far out", {{10, {2}}, {4, {1}}}, pair, 80, ++seed));
  }
  for (const problem::Pair& pair : {logit, poisson, nbinom2}) {
    weighted_rows(Case("weights", {{12, {1}}, {4, {2}}}, pair, 80, ++seed), {11, 9});
    weighted_rows(Case("weights", {{16, {1}}, {8, {1}}, {3, {1}}}, pair, 80, ++seed), {9, 9, 9});
    weighted_clusters(Case("weights", {{12, {2}}, {4, {1}}}, pair, 80, ++seed), {5, 5});
  }
  refusals();
  interrupts();
  return check::finish();
}
