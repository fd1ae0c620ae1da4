// Quadrature: nodes and weights against moments of the normal distribution and known numbers; values, means and
// covariances against brute force, one node against Laplace, levels with nodes of their own. (Derivatives and threads
// are in test_frozen.cpp.)
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "grid.h"
#include "problem.h"

using glimmer::Index;
using glimmer::Inner;
using glimmer::LineRule;
using glimmer::Matrix;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

constexpr double root_2pi = 2.5066282746310002;

Vector weights_of(const LineRule& rule) { return rule.log_weight.array().exp(); }

/// A number of nodes for each level, and whether it is wide.
struct Nodes {
  glimmer::Integers nodes;
  std::vector<char> wide;

  /// For all levels alike.
  Nodes(const Problem& p, int number, bool is_wide)
      : nodes(static_cast<std::size_t>(p.factors[0].levels), number), wide(nodes.size(), is_wide ? 1 : 0) {}
};

/// n nodes integrate x^(2m) exp(-x^2/2) exactly, m < n: sqrt(2 pi) 1 3 ... (2m - 1); odd powers to zero.
void moments_of_normal(Index n) {
  const LineRule rule = glimmer::gauss_hermite(n);
  const Vector weight = rule.log_weight.array() - 0.5 * rule.x.array().square();
  const std::string name = std::to_string(n) + " nodes";
  for (Index m = 0; m < n; ++m) {
    // terms and moment over the moment, which overflows on its own
    double log_moment = std::log(root_2pi), sum = 0.0, odd = 0.0;
    for (Index j = 1; j <= m; ++j) log_moment += std::log(2.0 * static_cast<double>(j) - 1.0);
    for (Index k = 0; k < n; ++k) {
      const double log_x = std::log(std::abs(rule.x[k])), power = 2.0 * static_cast<double>(m);
      const double term = m == 0 ? std::exp(weight[k] - log_moment) : std::exp(weight[k] + power * log_x - log_moment);
      sum += term;
      odd += rule.x[k] < 0.0 ? -term : rule.x[k] > 0.0 ? term : 0.0;
    }
    check::close(sum, 1.0, 1e-12, name + ": moment " + std::to_string(2 * m));
    check::that(std::abs(odd) <= 1e-12, name + ": odd moment");
  }
  for (Index k = 1; k < n; ++k) check::that(rule.x[k] > rule.x[k - 1], name + ": nodes in order");
}

/// Roots of the Hermite polynomials x^2 - 1, x^3 - 3x, x^5 - 10x^3 + 15x, and their weights n! / (n He_{n-1}(x))^2.
void known_nodes() {
  const double inner = std::sqrt(5.0 - std::sqrt(10.0)), outer = std::sqrt(5.0 + std::sqrt(10.0));
  const auto weight_5 = [](double x) {
    const double he = x * x * x * x - 6.0 * x * x + 3.0;
    return 120.0 / (25.0 * he * he);
  };
  const std::vector<std::vector<std::pair<double, double>>> known{
      {{0.0, 1.0}},
      {{-1.0, 0.5}, {1.0, 0.5}},
      {{-std::sqrt(3.0), 1.0 / 6.0}, {0.0, 2.0 / 3.0}, {std::sqrt(3.0), 1.0 / 6.0}},
      {{-outer, weight_5(outer)}, {-inner, weight_5(inner)}, {0.0, 8.0 / 15.0}, {inner, weight_5(inner)},
       {outer, weight_5(outer)}}};
  for (const auto& nodes : known) {
    const LineRule rule = glimmer::gauss_hermite(static_cast<Index>(nodes.size()));
    const std::string name = std::to_string(nodes.size()) + " known nodes";
    for (std::size_t k = 0; k < nodes.size(); ++k) {
      const Index at = static_cast<Index>(k);
      check::close(rule.x[at], nodes[k].first, 1e-15, name + ": node");
      const double weight = std::exp(rule.log_weight[at] - 0.5 * rule.x[at] * rule.x[at]) / root_2pi;
      check::close_relative(weight, nodes[k].second, 1e-14, name + ": weight");
    }
  }
}

/// Many nodes, whose weights against exp(-x^2/2) are far below what a double holds.
void many_nodes() {
  for (Index n : {101, 500, 1000}) {
    const LineRule rule = glimmer::gauss_hermite(n);
    const std::string name = std::to_string(n) + " nodes";
    check::that(rule.x.allFinite() && rule.log_weight.allFinite(), name + ": finite");
    const Vector x = rule.x, density = (-0.5 * x.array().square()).exp();
    const Vector w = weights_of(rule);
    check::close_relative(w.dot(density), root_2pi, 1e-12, name + ": integral of exp(-x^2/2)");
    // the characteristic function of the normal distribution
    const double wave = w.dot(Vector(density.array() * (3.0 * x.array()).cos()));
    check::close(wave, root_2pi * std::exp(-4.5), 1e-12, name + ": integral of exp(-x^2/2) cos 3x");
    check::that((x + x.reverse()).cwiseAbs().maxCoeff() == 0.0, name + ": symmetric");
  }
}

void trapezoids() {
  const LineRule rule = grid::trapezoid(41, 9.0);
  const Vector density = (-0.5 * rule.x.array().square()).exp();
  check::close_relative(weights_of(rule).dot(density), root_2pi, 1e-15, "trapezoid: integral of exp(-x^2/2)");
  check::that(rule.x[0] == -9.0 && rule.x[40] == 9.0 && rule.x[20] == 0.0, "trapezoid: ends and middle");
}

/// Products of moments over two and three dimensions.
void grids() {
  for (Index q : {1, 2, 3}) {
    const grid::NodeGrid grid(glimmer::gauss_hermite(4), q);
    check::that(grid.size() == (q == 1 ? 4 : q == 2 ? 16 : 64), "grid: size");
    double sum = 0.0, cross = 0.0;
    for (Index k = 0; k < grid.size(); ++k) {
      const double weight = std::exp(grid.log_weight[k] - 0.5 * grid.x.col(k).squaredNorm());
      sum += weight;
      cross += weight * grid.x.col(k).array().square().prod();
    }
    const double expected = std::pow(root_2pi, static_cast<double>(q));
    check::close_relative(sum, expected, 1e-13, "grid: integral");
    check::close_relative(cross, expected, 1e-13, "grid: product of second moments");
  }
}

/// Each level's integral, and the mean and covariance of u, by equal steps over a cube around the mode. Steps of an
/// eighth of the curvature's scale: the error is far below round-off where the log-density is analytic.
struct BruteForce {
  Vector values;
  Matrix mean, covariance;

  BruteForce(const Problem& p, const Vector& modes) {
    const Index q = p.factors[0].Z.cols(), levels = p.factors[0].levels;
    const Matrix A = dense::random_effects_matrix(p, p.theta());
    const Vector fixed = p.offset + p.X * p.beta();
    const double reach = 9.0, step = q == 1 ? 0.02 : 0.2;
    const Index n = 2 * static_cast<Index>(reach / step + 0.5) + 1;
    values.resize(levels), mean.resize(q, levels), covariance.resize(q, q * levels);
    for (Index g = 0; g < levels; ++g) {
      std::vector<Index> rows;
      for (Index i = 0; i < p.rows(); ++i)
        if (p.factors[0].level[static_cast<std::size_t>(i)] == g) rows.push_back(i);
      const Problem own = problem::take_rows(p, rows);
      const auto at = [&](const Vector& u) {
        Vector eta(own.rows());
        for (Index i = 0; i < own.rows(); ++i) {
          const Index row = rows[static_cast<std::size_t>(i)];
          eta[i] = fixed[row] + A.row(row).segment(g * q, q).dot(u);
        }
        return dense::rows_at(own, eta, p.phi()).f.sum() - 0.5 * u.squaredNorm();
      };
      const Vector centre = modes.segment(g * q, q);
      const double top = at(centre);
      double sum = 0.0;
      Vector first = Vector::Zero(q), u(q);
      Matrix second = Matrix::Zero(q, q);
      for (Index k = 0; k < (q == 1 ? n : n * n); ++k) {
        for (Index j = 0, rest = k; j < q; ++j, rest /= n)
          u[j] = centre[j] + step * static_cast<double>(rest % n) - reach;
        const double density = std::exp(at(u) - top);
        sum += density;
        first += density * u;
        second += density * u * u.transpose();
      }
      values[g] = top + std::log(sum) + static_cast<double>(q) * std::log(step / root_2pi);
      mean.col(g) = first / sum;
      covariance.middleCols(g * q, q) = second / sum - mean.col(g) * mean.col(g).transpose();
    }
  }
};

std::unique_ptr<RowModel> placed(const Problem& p) {
  auto model = problem::make_model(p);
  check::that(model->place_rule(p.parameters) == Status::ok, p.name + ": modes");
  return model;
}

/// At the problem's parameters.
Vector level_values(const Problem& p, const Nodes& rule) {
  return placed(p)->rule().level_values(p.parameters, rule.nodes, rule.wide);
}

/// The core may have its rows merged: constants of rows are compared in the sum only.
void against_brute_force(const Problem& p, int nodes, bool wide, double tolerance) {
  const std::string name = p.name + (wide ? ", trapezoid" : ", Gauss-Hermite");
  const auto model = placed(p);
  const Nodes rule(p, nodes, wide);
  const BruteForce expected(p, model->point_at(p.parameters, Inner::given).u);
  const Vector values = model->rule().level_values(p.parameters, rule.nodes, rule.wide);
  check::close(values.sum() + model->data().constant, expected.values.sum(), tolerance, name + ": levels");
  model->rule().set_nodes(rule.nodes, rule.wide);
  check::close(model->rule().pass(p.parameters, 0).value, expected.values.sum(), tolerance, name + ": value");
  const glimmer::Effects b = model->rule().moments()[0];
  const Matrix lambda = dense::lambda_of(p.factors[0], p.theta());
  check::that((b.modes - lambda * expected.mean).cwiseAbs().maxCoeff() <= 100.0 * tolerance, name + ": means");
  const Index q = lambda.rows();
  for (Index g = 0; g < values.size(); ++g) {
    const Matrix covariance = lambda * expected.covariance.middleCols(g * q, q) * lambda.transpose();
    const double off = (b.covariances.middleCols(g * q, q) - covariance).cwiseAbs().maxCoeff();
    check::that(off <= 100.0 * tolerance, name + ": covariances, off by " + std::to_string(off));
  }
}

/// One node at the mode is Laplace.
void one_node(const Problem& p) {
  const auto model = placed(p);
  const Nodes rule(p, 1, false);
  model->rule().set_nodes(rule.nodes, rule.wide);
  check::close(model->rule().pass(p.parameters, 0).value, problem::make_model(p)->evaluate(p.parameters, false).value,
               1e-12, p.name + ": one node");
}

/// Levels with numbers of nodes of their own, some left out.
void mixed_rules(const Problem& p) {
  const Vector few = level_values(p, {p, 5, false}), many = level_values(p, {p, 15, false});
  const Vector wide = level_values(p, {p, 31, true});
  Nodes mixed(p, 5, false);
  for (std::size_t g = 0; g < mixed.nodes.size(); ++g) {
    mixed.nodes[g] = g % 4 == 0 ? 0 : g % 4 == 1 ? 5 : g % 4 == 2 ? 15 : 31;
    mixed.wide[g] = g % 4 == 3;
  }
  const Vector found = level_values(p, mixed);
  for (Index g = 0; g < found.size(); ++g) {
    const double expected = g % 4 == 1 ? few[g] : g % 4 == 2 ? many[g] : wide[g];
    if (g % 4 == 0)
      check::that(std::isnan(found[g]), p.name + ": a level left out");
    else
      check::close(found[g], expected, 1e-14, p.name + ": a level with nodes of its own");
  }
}

void refusals() {
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0};
  const Problem one = problem::make_problem({"one factor", {{9, {1}}}, false, 40, 2}, logit, 1);
  const Problem crossed = problem::make_problem({"crossed", {{9, {1}}, {7, {1}}}, false, 40, 2}, logit, 2);
  const auto model = problem::make_model(one), two = problem::make_model(crossed);
  Nodes rule(one, 5, false), wide(one, 31, true), short_rule = rule;
  short_rule.nodes.pop_back();
  check::refused([&] { model->rule().set_nodes(short_rule.nodes, short_rule.wide); },
                 "a rule without a number for every level");
  check::refused([&] { two->rule().set_nodes(rule.nodes, rule.wide); }, "a rule with crossed factors");
  check::refused([&] { model->rule().set_nodes(wide.nodes, wide.wide); }, "a wide rule without a place");
  check::refused([&] { model->rule().place_at_moments(); }, "moments before a pass");
  Vector nowhere = one.parameters;
  nowhere[0] = std::nan("");
  check::that(model->place_rule(nowhere) != Status::ok, "no place where there is no mode");
  check::refused<std::runtime_error>([&] { model->point_at(nowhere, Inner::given); }, "a point where there is no mode");
}

const std::vector<problem::Structure>& one_factor_structures() {
  static const std::vector<problem::Structure> all = {{"scalar", {{12, {1}}}, false, 70, 3},
                                                      {"slope", {{10, {2}}}, false, 80, 3},
                                                      {"three effects", {{6, {3}}}, false, 80, 2},
                                                      {"two terms on one factor", {{6, {1, 2}}}, false, 80, 2},
                                                      {"no fixed effects", {{10, {1}}}, false, 60, 0}};
  return all;
}

}  // namespace

int main() {
  for (Index n = 1; n <= 50; ++n) moments_of_normal(n);
  known_nodes();
  many_nodes();
  trapezoids();
  grids();
  std::uint64_t seed = 500;
  for (const problem::Pair& pair : problem::typical_pairs())
    for (const problem::Structure& structure : one_factor_structures()) {
      const Problem p = problem::make_problem(structure, pair, ++seed);
      one_node(p);
    }
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0}, poisson{"poisson", "log", 0.6, 0.5},
      gamma{"Gamma", "log", 0.3, 0.5}, normal{"gaussian", "identity", 0.5, 1.0};
  for (const problem::Pair& pair : {logit, poisson, gamma, normal}) {
    const Problem scalar = problem::make_problem({"scalar", {{12, {1}}}, false, 70, 3}, pair, ++seed);
    const Problem slope = problem::make_problem({"slope", {{5, {2}}}, false, 40, 2}, pair, ++seed);
    const Problem terms = problem::make_problem({"two terms", {{5, {1, 1}}}, false, 40, 2}, pair, ++seed);
    against_brute_force(scalar, 41, false, 1e-10);
    against_brute_force(scalar, 121, true, 1e-10);
    for (const Problem& p : {slope, terms}) {
      against_brute_force(p, 31, false, 1e-10);
      against_brute_force(p, 121, true, 1e-10);
    }
    mixed_rules(scalar);
    mixed_rules(slope);
  }
  refusals();
  return check::finish();
}
