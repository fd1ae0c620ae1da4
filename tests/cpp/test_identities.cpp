// What must not change the log-likelihood, and what must happen where there is none.
#include <glimmer/row_model.h>

#include <algorithm>

#include "check.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

Evaluation evaluate(RowModel& model, const Vector& parameters, bool joint) {
  return joint ? model.evaluate(parameters, Inner::joint, true) : model.evaluate(parameters, true);
}

Evaluation fresh(const Problem& p, bool joint = false) {
  const auto model = problem::make_model(p);
  return evaluate(*model, p.parameters, joint);
}

void same(const Evaluation& found, const Evaluation& expected, double tolerance, const std::string& what) {
  check::that(found.status == Status::ok && expected.status == Status::ok, what + ": status");
  // a sum of many terms, which may nearly cancel
  check::close(found.value, expected.value, tolerance, what + ": value");
  if (found.gradient.size() != expected.gradient.size()) return check::that(false, what + ": gradient's length");
  const double scale = std::max(1.0, expected.gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - expected.gradient).cwiseAbs().maxCoeff() <= 1e-9 * scale, what + ": gradient");
}

void row_order(const Problem& p) {
  problem::Random random(5);
  std::vector<Index> rows(static_cast<std::size_t>(p.rows()));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<Index>(i);
  for (Index i = p.rows() - 1; i > 0; --i)
    std::swap(rows[static_cast<std::size_t>(i)], rows[static_cast<std::size_t>(random.below(i + 1))]);
  same(fresh(problem::take_rows(p, rows)), fresh(p), 1e-12, p.name + ", rows in another order");
}

void factor_order(const Problem& p) {
  Problem other = p;
  std::reverse(other.factors.begin(), other.factors.end());  // theta stays where it is
  same(fresh(other), fresh(p), 1e-12, p.name + ", factors in another order");
}

void level_names(const Problem& p) {
  Problem other = p;
  for (problem::GivenFactor& factor : other.factors) {
    for (Index& level : factor.level) level = factor.levels - 1 - level;
    for (auto& further : factor.further_level)
      for (Index& level : further) level = factor.levels - 1 - level;
    factor.precision = factor.precision.reverse().eval();
  }
  same(fresh(other), fresh(p), 1e-12, p.name + ", levels renamed");
}

/// Lambda with the sign of a column flipped has the same Lambda Lambda'.
void sign_flip(const Problem& p) {
  const Evaluation expected = fresh(p);
  for (const problem::GivenFactor& factor : p.factors)
    for (std::size_t b = 0; b < factor.blocks.size(); ++b) {
      Index at = p.X.cols() + factor.theta[b];
      for (Index j = 0; j < factor.blocks[b]; ++j) {
        Problem flipped = p;
        Evaluation mirrored = expected;
        for (Index i = j; i < factor.blocks[b]; ++i, ++at) {
          flipped.parameters[at] *= -1.0;
          mirrored.gradient[at] *= -1.0;
        }
        same(fresh(flipped), mirrored, 1e-12, p.name + ", a column of Lambda with its sign flipped");
      }
    }
}

/// The value is a function of the parameters, wherever the mode search began.
void start_of_search(const Problem& p, bool joint) {
  const std::string name = p.name + (joint ? ", joint" : "") + ", another start of the search";
  const Evaluation expected = fresh(p, joint);
  problem::Random random(17);
  const auto model = problem::make_model(p);
  for (int repeat = 0; repeat < 4; ++repeat) {
    Vector elsewhere = p.parameters;
    for (Index j = 0; j < elsewhere.size(); ++j) elsewhere[j] *= 1.0 + 0.3 * (random.uniform() - 0.5);
    evaluate(*model, elsewhere, joint);
    same(evaluate(*model, p.parameters, joint), expected, 1e-12, name);
  }
  // and the joint search leaves nothing behind for the other one
  evaluate(*model, p.parameters, !joint);
  same(evaluate(*model, p.parameters, joint), expected, 1e-12, name + ", after the other method");
}

/// By REML too, and whatever was evaluated before.
void start_of_restricted_search(const Problem& p) {
  const std::string name = p.name + ", REML, another start of the search";
  const Evaluation expected = problem::make_model(p)->evaluate(p.parameters, Inner::integrated, true);
  problem::Random random(18);
  const auto model = problem::make_model(p);
  for (int repeat = 0; repeat < 3; ++repeat) {
    Vector elsewhere = p.parameters;
    for (Index j = 0; j < elsewhere.size(); ++j) elsewhere[j] *= 1.0 + 0.3 * (random.uniform() - 0.5);
    model->evaluate(elsewhere, Inner::integrated, repeat == 0);
    same(model->evaluate(p.parameters, Inner::integrated, true), expected, 1e-12, name);
    if (repeat < 2) evaluate(*model, elsewhere, repeat == 0);
    same(model->evaluate(p.parameters, Inner::integrated, true), expected, 1e-12, name + ", after another method");
  }
}

void repeated(const Problem& p) {
  const Evaluation first = fresh(p), second = fresh(p);
  check::that(first.value == second.value && first.gradient == second.gradient, p.name + ": two models, the same bits");
  const auto model = problem::make_model(p);
  const Evaluation value = model->evaluate(p.parameters, false), both = model->evaluate(p.parameters, true),
                   again = model->evaluate(p.parameters, true);
  check::that(value.value == both.value && both.value == again.value && both.gradient == again.gradient,
              p.name + ": evaluated again, the same bits");
  check::that(both.value == first.value && both.gradient == first.gradient,
              p.name + ": gradient after the value, the same bits");
}

/// Weights that count rows (binomial and Poisson).
void integer_weights(Problem p) {
  if (p.has_dispersion()) return;
  problem::Random random(23);
  std::vector<Index> rows;
  for (Index i = 0; i < p.rows(); ++i) {
    const Index copies = 1 + random.below(3);
    p.weight[i] = static_cast<double>(copies);
    for (Index c = 0; c < copies; ++c) rows.push_back(i);
  }
  Problem replicated = problem::take_rows(p, rows);
  replicated.weight.setOnes();
  same(fresh(p), fresh(replicated), 1e-12, p.name + ", weights as replicated rows, which are merged");
  for (Index i = 0; i < replicated.rows(); ++i) replicated.offset[i] += 1e-15 * static_cast<double>(i);
  same(fresh(p), fresh(replicated), 1e-12, p.name + ", weights as replicated rows");
}

/// What is known of a model depends on its last evaluation only; a start leaves nothing that could be taken for one.
void order_of_calls(const Problem& p) {
  const auto model = problem::make_model(p);
  const Evaluation expected = fresh(p);
  Vector elsewhere = p.parameters;
  elsewhere.tail(1).array() += 0.1;
  model->evaluate(elsewhere, false);
  model->evaluate(p.parameters, false);  // the prediction of the mode has no derivatives in phi to go by
  same(model->evaluate(p.parameters, true), expected, 1e-12, p.name + ", values only before the gradient");
  const glimmer::Matrix information = model->fixed_information(p.parameters, Inner::given);
  model->joint_start(p.parameters);
  const glimmer::Matrix again = model->fixed_information(p.parameters, Inner::given);
  const double scale = information.size() > 0 ? information.cwiseAbs().maxCoeff() : 1.0;
  check::that(again.size() == information.size() && ((again - information).array().abs() <= 1e-10 * scale).all(),
              p.name + ": read after a start");
  same(model->evaluate(p.parameters, true), expected, 1e-12, p.name + ", after a start");
}

/// Two data sets without a level in common: the log-likelihood is the sum of theirs.
void disconnected(const Problem& p) {
  std::vector<Index> twice;
  for (Index i = 0; i < 2 * p.rows(); ++i) twice.push_back(i % p.rows());
  Problem both = problem::take_rows(p, twice), second = p;
  for (std::size_t k = 0; k < p.factors.size(); ++k) {
    both.factors[k].levels *= 2;
    for (std::size_t i = both.factors[k].level.size() / 2; i < both.factors[k].level.size(); ++i)
      both.factors[k].level[i] += p.factors[k].levels;
    for (auto& further : both.factors[k].further_level)
      for (std::size_t i = further.size() / 2; i < further.size(); ++i) further[i] += p.factors[k].levels;
    const glimmer::Matrix& P = p.factors[k].precision;
    both.factors[k].precision.setZero(2 * P.rows(), 2 * P.cols());
    both.factors[k].precision.topLeftCorner(P.rows(), P.cols()) = P;
    both.factors[k].precision.bottomRightCorner(P.rows(), P.cols()) = P;
  }
  // the second half harder than the first: its search takes longer
  second.offset.array() += 0.2;
  both.offset.tail(p.rows()).array() += 0.2;
  Evaluation expected = fresh(p);
  const Evaluation other = fresh(second);
  expected.value += other.value;
  expected.gradient += other.gradient;
  same(fresh(both), expected, 1e-12, p.name + ", two parts without a level in common");
}

/// Many rows a level, log-densities that sum to nearly zero: round-off must not stop the last step of the search.
void cancelling_sums() {
  problem::Random random(31);
  Problem p;
  p.name = "200,000 rows of Poisson counts with mean e", p.family = "poisson", p.link = "log";
  const Index n = 200000;
  p.y.resize(n), p.size.setOnes(n), p.weight.setOnes(n), p.offset.setZero(n), p.X.setOnes(n, 1);
  problem::GivenFactor factor;
  factor.levels = 4, factor.blocks = {1}, factor.theta = {0}, factor.Z.setOnes(n, 1);
  for (Index i = 0; i < n; ++i) {
    factor.level.push_back(i % 4);
    p.offset[i] = 1e-9 * static_cast<double>(i);  // no two rows are equal
    p.y[i] = problem::draw("poisson", std::exp(1.0), 1.0, 0.0, random);
  }
  p.factors = {factor};
  p.parameters.resize(2);
  p.parameters << 0.9, 0.3;
  const Evaluation expected = fresh(p);
  const auto model = problem::make_model(p);
  for (double shift : {0.5, -0.2, 0.01, 1e-4, 1e-6}) {
    Vector elsewhere = p.parameters;
    elsewhere[0] += shift;
    model->evaluate(elsewhere, false);
    same(model->evaluate(p.parameters, true), expected, 1e-12, p.name + ", start of the search");
  }
}

void failures(const Problem& good) {
  const auto model = problem::make_model(good);
  const Evaluation expected = fresh(good);
  const double nan = std::nan("");
  for (double bad : {nan, glimmer::infinity, -glimmer::infinity, 1e4}) {
    Vector at = good.parameters;
    at[0] = bad;
    for (bool joint : {false, true}) {
      const Evaluation found = evaluate(*model, at, joint);
      if (good.family == "poisson" || !std::isfinite(bad)) {
        check::that(found.status != Status::ok, good.name + ": a failure is a status");
        check::that(found.value == -glimmer::infinity, good.name + ": and its value minus infinity");
        check::that(found.gradient.size() == 0, good.name + ": and there is no gradient");
      }
      if (good.family == "poisson")
        check::that(found.status == Status::infeasible, good.name + ": no finite log-density at the start");
      const Evaluation after = model->evaluate(good.parameters, true);
      same(after, expected, 1e-12, good.name + ", after a failure");
    }
  }
  Vector zero = good.parameters;
  zero.segment(good.X.cols(), good.theta_count()).setZero();
  check::that(model->evaluate(zero, true).status == Status::ok, good.name + ": no random effects at all");
}

void mistakes(const Problem& p) {
  const auto model = problem::make_model(p);
  check::refused([&] { model->evaluate(Vector::Zero(p.parameters.size() + 1), false); }, "too many parameters");
  check::refused([&] { model->evaluate(Vector::Zero(0), Inner::joint, false); }, "no parameters");
  check::refused([] { glimmer::make_density("binomial", "inverse"); }, "no such link of this family");
  check::refused([] { glimmer::make_density("none", "log"); }, "no such family");
  check::refused([] { glimmer::covariance_structure("none"); }, "no such structure");
  check::refused([] { glimmer::Factors factors(std::vector<glimmer::Factor>{}); }, "no grouping factor");
}

struct Interrupt {};

/// An interrupt gets through, is polled for, and leaves no wrong number behind.
void interrupts(const Problem& p) {
  const Evaluation expected = fresh(p);
  const auto model = problem::make_model(p);
  Vector elsewhere = p.parameters;
  elsewhere[0] += 0.1;
  model->evaluate(elsewhere, false);
  int polls = 0;
  model->set_interrupt([&] {
    ++polls;
    throw Interrupt();
  });
  bool through = false;
  try {
    model->evaluate(p.parameters, false);
  } catch (const Interrupt&) {
    through = true;
  }
  check::that(polls == 1 && through, p.name + ": an interrupt is polled for and gets through");
  model->set_interrupt([] {});
  same(model->evaluate(p.parameters, true), expected, 1e-12, p.name + ", evaluated after an interrupt");
}

}  // namespace

int main() {
  std::uint64_t seed = 700;
  const std::vector<problem::Pair> pairs = problem::typical_pairs();
  for (const problem::Structure& structure : problem::structures())
    for (const problem::Pair& pair : pairs) {
      const Problem p = problem::make_problem(structure, pair, ++seed);
      row_order(p);
      factor_order(p);
      level_names(p);
      sign_flip(p);
      start_of_search(p, false);
      start_of_search(p, true);
      start_of_restricted_search(p);
      repeated(p);
      order_of_calls(p);
      integer_weights(p);
      disconnected(p);
      if (structure.fixed > 0 && (pair.link == "logit" || (pair.family == "poisson" && pair.link == "log"))) {
        failures(p);
        mistakes(p);
        interrupts(p);
      }
    }
  // more than one chunk of rows
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0};
  const std::vector<problem::Structure> large = {{"many rows", {{300, {2}}}, false, 5000, 2},
                                                 {"many rows, crossed", {{300, {1}}, {20, {1}}}, false, 5000, 2}};
  for (const problem::Structure& structure : large) {
    const Problem p = problem::make_problem(structure, logit, ++seed);
    row_order(p);
    start_of_search(p, false);
    repeated(p);
    interrupts(p);
  }
  cancelling_sums();
  return check::finish();
}
