// Second-order Laplace: the value against direct sums over all pairs of rows, the gradient against differences.
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "differences.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::Matrix;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

struct Expected {
  double value, correction, damped, size, informed;
};

/// Which level, of all factors', each effect belongs to.
std::vector<Index> levels_of_effects(const Problem& p) {
  std::vector<Index> out;
  Index level = 0;
  for (const problem::GivenFactor& factor : p.factors)
    for (Index h = 0; h < factor.levels; ++h, ++level) out.insert(out.end(), factor.Z.cols(), level);
  return out;
}

glimmer::RowDerivatives fourth_order(const Problem& p, const Vector& eta) {
  const auto density = glimmer::make_density(p.family, p.link);
  glimmer::RowDerivatives out;
  out.reserve(p.rows(), 4);
  glimmer::Etas etas(static_cast<std::size_t>(density->predictors()), Vector::Constant(1, p.phi()));
  etas[0] = eta;
  density->evaluate({p.y, p.size, p.weight}, {0, p.rows()}, etas, 4, out);
  return out;
}

/// The expansion by its definition, row by row.
Expected direct(const Problem& p) {
  const dense::Solution mode = dense::laplace(p, dense::Fixed::given);
  check::that(mode.converged, p.name + ": reference converged");
  const Matrix A = dense::random_effects_matrix(p, p.theta());
  const glimmer::RowDerivatives d = fourth_order(p, p.offset + p.X * p.beta() + A * mode.u);
  const Matrix Q = A.transpose() * d.w[0].asDiagonal() * A, G = (Q + dense::prior_precision(p)).inverse();
  const Matrix AG = A * G, C = AG * A.transpose();
  const Vector t = A.transpose() * d.d3[0].cwiseProduct(C.diagonal()), tau = G * t;
  const std::vector<Index> level = levels_of_effects(p);
  Vector parts = Vector::Zero(level.back() + 1);
  Expected out{mode.value, 0.0, 0.0, 0.0, 0.0};
  for (Index i = 0; i < p.rows(); ++i) {
    double cubes = 0.0;
    for (Index j = 0; j < p.rows(); ++j) cubes += d.d3[0][j] * std::pow(C(i, j), 3);
    const double v = C(i, i), term = -d.d4[0][i] * v * v / 8.0 + d.d3[0][i] * v * A.row(i).dot(tau) / 8.0 +
                                     d.d3[0][i] * cubes / 12.0;
    out.size += std::fabs(d.d4[0][i]) * v * v / 8.0 + d.d3[0][i] * cubes / 12.0;
    for (Index e = 0; e < A.cols(); ++e) parts[level[static_cast<std::size_t>(e)]] += A(i, e) * AG(i, e) / v * term;
  }
  out.size += t.dot(tau) / 8.0;
  for (Index j = 0; j < parts.size(); ++j) {
    const double part = parts[j];
    out.correction += part;
    out.damped += part / (1.0 + std::fabs(part) / 0.3);
  }
  for (Index first = 0, last = 0; first < A.cols(); first = last) {
    while (last < A.cols() && level[static_cast<std::size_t>(last)] == level[static_cast<std::size_t>(first)]) ++last;
    const Matrix own = Q.block(first, first, last - first, last - first);
    out.informed += (own * (own + Matrix::Identity(own.rows(), own.rows())).inverse()).trace();
  }
  return out;
}

void value(const Problem& p) {
  const auto model = problem::make_model(p);
  const Expected expected = direct(p);
  model->integrate_by(model->second_order());
  for (const bool damped : {true, false}) {
    const std::string name = p.name + (damped ? ", damped" : "");
    model->second_order().set_damped(damped);
    model->integrate_by(model->second_order());
    const Evaluation found = model->evaluate(p.parameters, false);
    check::that(found.status == Status::ok, name + ": status");
    check::close(found.value, expected.value + (damped ? expected.damped : expected.correction), 1e-11,
                 name + ": value");
  }
  const glimmer::SecondOrderSize& found = model->second_order().found();
  check::close(found.correction, expected.correction, 1e-11, p.name + ": correction");
  check::close(found.damped, expected.damped, 1e-11, p.name + ": damped correction");
  check::close(found.size, expected.size, 1e-11, p.name + ": size");
  check::close(found.informed, expected.informed, 1e-11, p.name + ": informed effects");
}

void gradient(const Problem& p, double spread) {
  const auto model = problem::make_model(p);
  for (const bool damped : {true, false}) {
    const std::string name = p.name + (damped ? ", damped" : "");
    model->second_order().set_damped(damped);
    model->integrate_by(model->second_order());
    const Evaluation found = model->evaluate(p.parameters, true);
    check::that(found.status == Status::ok, name + ": status of the gradient");
    if (found.status != Status::ok) return;
    // a step in which no part of eps changes its sign, where the damped form has a kink of second order
    const Matrix expected = differences::by_column(p.parameters, 0.004 * spread, [&](const Vector& at) {
      return Vector(Vector::Constant(1, model->evaluate(at, false).value));
    });
    const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
    for (Index j = 0; j < p.parameters.size(); ++j)
      check::close(found.gradient[j] / scale, expected(0, j) / scale, 1e-8, name + ": gradient " + std::to_string(j));
  }
}

/// A table by products, and the same by pairs of its cells.
void table_and_pairs() {
  const problem::Structure structure{"a table", {{14, {1}}, {9, {1}}}, false, 60, 1};
  const Problem p = problem::make_problem(structure, {"binomial", "logit", 0.2, 1.0}, 81);
  const glimmer::Factors factors = problem::make_factors(p);
  const glimmer::Components components(factors);
  const glimmer::EffectPoints points(factors, components);
  problem::Random random(82);
  for (Index c = 0; c < components.count(); ++c) {
    const glimmer::Range own = points.of(c);
    if (own.size() < 2) continue;
    Index first = 0;
    for (const auto& level : components[c].levels) first += level.factor == 0 ? 1 : 0;
    check::that(glimmer::CrossedCubicSum::fits(points, own, first), "two crossed factors are a table");
    const int threads = 2;
    const glimmer::CrossedCubicSum table(points, own, first, components[c].size - first, threads);
    const glimmer::SumOverPairs pairs(points, own, glimmer::no_interrupt);
    Matrix K = Matrix::NullaryExpr(components[c].size, components[c].size, [&] { return random.normal(); });
    K = (K + K.transpose()).eval();
    const Vector x = Vector::NullaryExpr(own.size(), [&] { return random.normal(); }),
                 y = Vector::NullaryExpr(own.size(), [&] { return random.normal(); });
    const Vector sums = pairs.sums(K, x);
    check::that((table.sums(K, x) - sums).cwiseAbs().maxCoeff() < 1e-12 * sums.cwiseAbs().maxCoeff(), "table: sums");
    const Matrix slope = pairs.slope(K, x, y);
    check::that((table.slope(K, x, y) - slope).cwiseAbs().maxCoeff() < 1e-12 * slope.cwiseAbs().maxCoeff(),
                "table: slope");
  }
}

/// Rows that are one point, and levels that rows do not connect.
void equal_rows_and_components() {
  const problem::Structure structure{"two islands", {{10, {1}}, {6, {1}}}, false, 120, 2};
  Problem p = problem::make_problem(structure, {"poisson", "log", 0.6, 0.5}, 83);
  for (std::size_t i = 0; i < static_cast<std::size_t>(p.rows()); ++i)
    p.factors[1].level[i] = 2 * (p.factors[1].level[i] / 2) + p.factors[0].level[i] % 2;
  const glimmer::Factors factors = problem::make_factors(p);
  const glimmer::Components components(factors);
  check::that(components.count() == 2, "two components");
  check::that(glimmer::EffectPoints(factors, components).count() <= 30, "equal rows are one point");
  value(p);
  gradient(p, 0.5);
}

/// Many rows with the same effects, and a slope: few of them stand for all.
void many_rows_a_cell() {
  for (const std::vector<Index>& effects : {std::vector<Index>{2}, std::vector<Index>{1, 2}}) {
    const problem::Structure structure{"many rows a cell", {{4, effects}, {3, {1}}}, false, 400, 2};
    const Problem p = problem::make_problem(structure, {"binomial", "logit", 0.2, 1.0}, 87);
    const glimmer::Factors factors = problem::make_factors(p);
    const glimmer::Components components(factors);
    const glimmer::EffectPoints points(factors, components);
    const Index monomials = effects.size() == 1 ? 4 : 10;  // in one covariate, and in two
    check::that(glimmer::CubicNodes(points, points.of(0)).count() <= 12 * monomials, "as many nodes as monomials");
    value(p);
    gradient(p, 1.0);
  }
}

/// Nothing to expand in: second order is Laplace's. A zero variance is a point where the gradient vanishes.
void zero_variances() {
  Problem p = problem::make_problem({"zero", {{9, {1}}, {7, {1}}}, false, 90, 2}, {"binomial", "logit", 0.2, 1.0}, 84);
  p.parameters.segment(2, 2).setZero();
  const auto model = problem::make_model(p);
  const double laplace = model->evaluate(p.parameters, false).value;
  model->integrate_by(model->second_order());
  const Evaluation found = model->evaluate(p.parameters, true);
  check::close(found.value, laplace, 1e-14, "zero variances: value");
  check::that(found.gradient.allFinite() && found.gradient.tail(2).cwiseAbs().maxCoeff() == 0.0,
              "zero variances: gradient");
}

void overflow() {
  Problem p = problem::make_problem({"far", {{9, {1}}, {7, {1}}}, false, 90, 1}, {"poisson", "log", 0.6, 0.5}, 85);
  const auto model = problem::make_model(p);
  model->integrate_by(model->second_order());
  for (const double sd : {1e3, 1e60, 1e120, 1e200}) {
    Vector at = p.parameters;
    at.tail(2).setConstant(sd);
    const Evaluation found = model->evaluate(at, true);
    const bool finite = std::isfinite(found.value) && found.gradient.allFinite();
    check::that(found.status == Status::ok ? finite : true, "far out: finite, or said not to be");
  }
  check::that(model->evaluate(p.parameters, true).status == Status::ok, "back from far out");
}

void refusals() {
  const Problem p = problem::make_problem({"r", {{9, {1}}, {7, {1}}}, false, 90, 2}, {"poisson", "log", 0.6, 0.5}, 86);
  const auto model = problem::make_model(p);
  model->integrate_by(model->second_order());
  for (const glimmer::Inner inner : {glimmer::Inner::joint, glimmer::Inner::integrated})
    check::refused([&] { model->evaluate(p.parameters, inner, false); }, "beta has to be given");
}

void threads(const problem::Structure& structure, std::uint64_t seed) {
  const Problem p = problem::make_problem(structure, {"binomial", "logit", 0.2, 1.0}, seed);
  Evaluation expected;
  for (int threads : {1, 2, 3}) {
    const auto model = problem::make_model(p);
    model->set_threads(threads);
    model->integrate_by(model->second_order());
    const Evaluation found = model->evaluate(p.parameters, true);
    if (threads == 1) expected = found;
    check::that(found.value == expected.value && found.gradient == expected.gradient, p.name + ": threads");
  }
}

}  // namespace

int main() {
  const std::vector<problem::Pair> pairs = {{"binomial", "logit", 0.2, 1.0}, {"poisson", "log", 0.6, 0.5},
                                            {"binomial", "probit", 0.2, 0.6}, {"Gamma", "log", 0.3, 0.5},
                                            {"nbinom2", "log", 0.6, 0.5}};
  std::uint64_t seed = 1;
  for (const problem::Structure& structure : problem::structures())
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      // every family with the structures that second order is for, the others with one family each
      const bool main = structure.name.rfind("crossed", 0) == 0 || structure.name == "three factors";
      if (!main && i != seed % pairs.size()) continue;
      const Problem p = problem::make_problem(structure, pairs[i], ++seed);
      value(p);
      gradient(p, pairs[i].spread);
    }
  table_and_pairs();
  equal_rows_and_components();
  many_rows_a_cell();
  zero_variances();
  overflow();
  refusals();
  threads({"one factor", {{900, {1}}}, false, 9000, 2}, 91);
  threads({"crossed", {{120, {1}}, {90, {1}}}, false, 3000, 2}, 92);
  threads({"crossed with slopes", {{40, {2}}, {30, {1}}}, false, 700, 2}, 93);
  return check::finish();
}
