// Wide levels under frozen rules: values and moments against plain sums over the prior's whole box, gradients and
// Hessians against differences of the frozen rule, places that follow the moments, threads.
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "differences.h"
#include "grid.h"
#include "problem.h"

using glimmer::FrozenEvaluation;
using glimmer::Index;
using glimmer::Integers;
using glimmer::Matrix;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

/// Effects several times as large as those of problem.h.
Problem wide_problem(const problem::Pair& pair, Index q, Index levels, Index rows) {
  Problem p = problem::make_problem({std::to_string(q) + " effects", {{levels, {q}}}, false, rows, 2}, pair, 41 + q);
  p.parameters.segment(2, p.theta_count()) *= 6.0;
  return p;
}

Index levels_of(const Problem& p) { return p.factors[0].levels; }

std::unique_ptr<RowModel> placed(const Problem& p, int nodes) {
  auto model = problem::make_model(p);
  check::that(model->place_rule(p.parameters) == Status::ok, p.name + ": modes");
  const auto levels = static_cast<std::size_t>(levels_of(p));
  model->rule().set_nodes(Integers(levels, nodes), std::vector<char>(levels, 1));
  return model;
}

Matrix lambda_of(const Problem& p) {
  const Index q = p.factors[0].Z.cols();
  Matrix lambda = Matrix::Zero(q, q);
  const Vector theta = p.theta();
  for (Index j = 0, k = 0; j < q; ++j)
    for (Index i = j; i < q; ++i) lambda(i, j) = theta[k++];
  return lambda;
}

/// By equal steps over |u| <= 9, beyond which the prior has 1e-18: no place is needed.
struct WholeBox {
  double value = 0.0;
  Matrix mean, covariance;

  explicit WholeBox(const Problem& p) {
    const Index q = p.factors[0].Z.cols();
    const grid::NodeGrid grid(grid::trapezoid(q == 1 ? 1501 : 361, 9.0), q);
    mean.resize(q, levels_of(p)), covariance.resize(q, q * levels_of(p));
    for (Index g = 0; g < levels_of(p); ++g) level(p, g, grid);
  }

  void level(const Problem& p, Index g, const grid::NodeGrid& grid) {
    const Index q = grid.x.rows();
    std::vector<Index> rows;
    for (Index i = 0; i < p.rows(); ++i)
      if (p.factors[0].level[static_cast<std::size_t>(i)] == g) rows.push_back(i);
    const Problem own = problem::take_rows(p, rows);
    const Vector fixed = own.offset + own.X * own.beta();
    const Matrix A = own.factors[0].Z * lambda_of(p);
    Vector terms(grid.size());
    for (Index k = 0; k < grid.size(); ++k)
      terms[k] = grid.log_weight[k] - 0.5 * grid.x.col(k).squaredNorm() -
                 0.5 * static_cast<double>(q) * std::log(2.0 * std::acos(-1.0)) +
                 (rows.empty() ? 0.0 : dense::rows_at(own, fixed + A * grid.x.col(k), p.phi()).f.sum());
    const double top = terms.maxCoeff();
    const Vector weights = (terms.array() - top).exp() / (terms.array() - top).exp().sum();
    value += top + std::log((terms.array() - top).exp().sum());
    mean.col(g) = grid.x * weights;
    const Matrix apart = grid.x.colwise() - mean.col(g);
    covariance.middleCols(q * g, q) = apart * weights.asDiagonal() * apart.transpose();
  }
};

void against_whole_box(const Problem& p, int nodes, double tolerance) {
  const WholeBox expected(p);
  const auto model = placed(p, nodes);
  const Matrix lambda = lambda_of(p);
  const Index q = lambda.rows();
  for (const char* place : {", from modes", ", from moments"}) {
    const FrozenEvaluation found = model->rule().pass(p.parameters, 0);
    check::that(found.status == Status::ok, p.name + place + ": status");
    check::close(found.value, expected.value, tolerance, p.name + place + ": value");
    const glimmer::Effects b = model->rule().moments()[0];
    const double size = lambda.cwiseAbs().maxCoeff();
    check::that((b.modes - lambda * expected.mean).cwiseAbs().maxCoeff() < 10.0 * tolerance * size,
                p.name + place + ": means");
    for (Index g = 0; g < levels_of(p); ++g) {
      const Matrix own = lambda * expected.covariance.middleCols(q * g, q) * lambda.transpose();
      const double off = (b.covariances.middleCols(q * g, q) - own).cwiseAbs().maxCoeff();
      check::that(off < 100.0 * tolerance * size * size, p.name + place + ": covariances, " + std::to_string(off));
    }
    model->rule().place_at_moments();
  }
}

/// The nodes do not move with the parameters, and so the derivatives are those of the rule.
void derivatives(const Problem& p) {
  const auto model = placed(p, 46);
  const FrozenEvaluation found = model->rule().pass(p.parameters, 2);
  const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
  const Matrix slope = differences::by_column(p.parameters, 0.002, [&](const Vector& x) {
    return Vector::Constant(1, model->rule().pass(x, 0).value);
  });
  check::that((slope.transpose() - found.gradient).cwiseAbs().maxCoeff() <= 1e-8 * scale, p.name + ": gradient");
  const Matrix expected = differences::by_column(p.parameters, 0.002, [&](const Vector& x) {
    return model->rule().pass(x, 1).gradient;
  });
  const double size = std::max(1.0, expected.cwiseAbs().maxCoeff());
  check::that((expected - found.hessian).cwiseAbs().maxCoeff() <= 1e-7 * size, p.name + ": Hessian");
}

/// Values of other fineness at the same places, some levels wide and others not; and the same bits by any threads.
void mixed_levels(const Problem& p) {
  const auto levels = static_cast<std::size_t>(levels_of(p));
  Integers nodes(levels, 15);
  std::vector<char> wide(levels, 0);
  for (std::size_t g = 0; g < levels; g += 2) wide[g] = 1, nodes[g] = 60;
  FrozenEvaluation first;
  for (int threads : {1, 2}) {
    const auto model = problem::make_model(p);
    model->set_threads(threads);
    check::that(model->place_rule(p.parameters) == Status::ok, p.name + ": modes");
    model->rule().set_nodes(nodes, wide);
    const FrozenEvaluation found = model->rule().pass(p.parameters, 2);
    if (threads == 1) first = found;
    check::that(found.value == first.value && found.gradient == first.gradient && found.hessian == first.hessian,
                p.name + ": bits of two threads");
    Integers finer(levels, 0);
    finer[2] = 120;
    const Vector values = model->rule().level_values(p.parameters, finer, wide);
    const Vector own = model->rule().level_values(p.parameters, nodes, wide);
    check::close(values[2], own[2], 1e-5, p.name + ": finer nodes");
    check::that(values[2] != own[2] && std::isnan(values[1]), p.name + ": other nodes");
    check::that(model->rule().pass(p.parameters, 0).value == first.value, p.name + ": the rule stays as it is");
  }
}

/// Where there is no random effect the density of u is its prior.
void at_zero(Problem p) {
  p.parameters.segment(2, p.theta_count()).setZero();
  const auto model = placed(p, 46);
  const double expected = dense::rows_at(p, p.offset + p.X * p.beta(), p.phi()).f.sum();
  check::close(model->rule().pass(p.parameters, 2).value, expected, 1e-9, p.name + ", Lambda = 0: value");
}

}  // namespace

int main() {
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0}, poisson{"poisson", "log", 0.6, 0.5},
      probit{"binomial", "probit", 0.2, 0.6}, gamma{"Gamma", "log", 0.3, 0.5};
  for (Index q : {1, 2}) {
    // steps of .5 in eta, and of .25 where log-densities curve more
    against_whole_box(wide_problem(logit, q, 6, 25), 120, 1e-8);
    against_whole_box(wide_problem(poisson, q, 6, 25), 240, 1e-8);
    against_whole_box(wide_problem(probit, q, 6, 25), 240, 1e-8);
    against_whole_box(wide_problem(gamma, q, 6, 25), 240, 1e-8);
    derivatives(wide_problem(logit, q, 8, 40));
    derivatives(wide_problem(poisson, q, 8, 40));
  }
  mixed_levels(wide_problem(logit, 2, 9, 40));
  at_zero(wide_problem(logit, 2, 8, 40));
  return check::finish();
}
