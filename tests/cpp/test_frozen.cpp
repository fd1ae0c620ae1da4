// Quadrature by frozen rules: values against plain sums over nodes, gradients and
// Hessians against differences of the frozen rule, mean and covariance, scores, threads, numbers that are far out.
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "differences.h"
#include "grid.h"
#include "problem.h"
#include "rule_derivatives.h"

using glimmer::FrozenEvaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::Integers;
using glimmer::Matrix;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

/// A problem of one factor whose Lambda may have some other structure, with parameters of its own.
struct Case {
  Problem p;
  std::string name, structure;
  Vector parameters;

  Case(Problem problem, const std::string& structure_) : p(std::move(problem)), structure(structure_) {
    name = p.name + ", " + structure;
    const Index q = p.factors[0].Z.cols(), fixed = p.X.cols();
    Vector theta = p.theta();
    if (structure != "unstructured") {
      theta.resize(covariance().theta_count());
      for (Index j = 0; j < theta.size(); ++j) theta[j] = p.theta()[0] * (1.0 + 0.2 * static_cast<double>(j));
      if (structure != "diag" && q > 1) theta[theta.size() - 1] = 0.3;
    }
    parameters.resize(fixed + theta.size() + (p.has_dispersion() ? 1 : 0));
    parameters << p.beta(), theta, p.parameters.tail(p.has_dispersion() ? 1 : 0);
  }

  glimmer::BlockCovariance covariance() const {
    glimmer::BlockCovariance out;
    const problem::GivenFactor& factor = p.factors[0];
    if (structure != "unstructured")
      out.add(structure, factor.Z.cols(), 0);
    else
      for (std::size_t b = 0; b < factor.blocks.size(); ++b) out.add(structure, factor.blocks[b], factor.theta[b]);
    return out;
  }

  std::unique_ptr<RowModel> model() const {
    const problem::GivenFactor& given = p.factors[0];
    std::vector<glimmer::Factor> factors(1);
    factors[0].levels = given.levels;
    factors[0].incidences.push_back({Integers(given.level.begin(), given.level.end()), given.Z});
    factors[0].covariance = covariance();
    return std::make_unique<RowModel>(glimmer::Responses{p.y, p.size, p.weight},
                                      glimmer::only_predictor(p.offset, p.X), glimmer::Factors(std::move(factors)),
                                      glimmer::make_density(p.family, p.link));
  }

  Matrix lambda(const Vector& at) const {
    Matrix out;
    covariance().lambda(at.segment(p.X.cols(), covariance().theta_count()), out);
    return out;
  }
};

Integers same(const Case& c, int nodes) { return Integers(static_cast<std::size_t>(c.p.factors[0].levels), nodes); }
std::vector<char> narrow(const Case& c) {
  return std::vector<char>(static_cast<std::size_t>(c.p.factors[0].levels), 0);
}

/// A model with its rule at the modes of its parameters, some nodes for each effect.
std::unique_ptr<RowModel> placed(const Case& c, int nodes) {
  auto model = c.model();
  check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
  model->rule().set_nodes(same(c, nodes), narrow(c));
  return model;
}

/// Each level's log-likelihood and moments by a plain sum over nodes u_k = m + C x_k.
struct PlainSum {
  double value = 0.0;
  Matrix mean, covariance;

  PlainSum(const Case& c, const Vector& at, const Matrix& m, const std::vector<Matrix>& C, int nodes) {
    const Problem& p = c.p;
    const Index q = p.factors[0].Z.cols(), levels = p.factors[0].levels;
    const Matrix lambda = c.lambda(at);
    const double phi = p.has_dispersion() ? at[at.size() - 1] : 0.0;
    const Vector fixed = p.offset + p.X * at.head(p.X.cols());
    const grid::NodeGrid grid(glimmer::gauss_hermite(nodes), q);
    mean.resize(q, levels), covariance.resize(q, q * levels);
    for (Index g = 0; g < levels; ++g) {
      std::vector<Index> rows;
      for (Index i = 0; i < p.rows(); ++i)
        if (p.factors[0].level[static_cast<std::size_t>(i)] == g) rows.push_back(i);
      const Problem own = problem::take_rows(p, rows);
      const Matrix& root = C[static_cast<std::size_t>(g)];
      Vector terms(grid.size());
      const Matrix u = (root * grid.x).colwise() + m.col(g);
      for (Index k = 0; k < grid.size(); ++k) {
        terms[k] = grid.log_weight[k] - 0.5 * u.col(k).squaredNorm();
        if (own.rows() == 0) continue;
        Vector eta = own.factors[0].Z * lambda * u.col(k);
        for (Index i = 0; i < own.rows(); ++i) eta[i] += fixed[rows[static_cast<std::size_t>(i)]];
        terms[k] += dense::rows_at(own, eta, phi).f.sum();
      }
      const double top = terms.maxCoeff();
      const Vector weights = (terms.array() - top).exp();
      value += top + std::log(weights.sum()) + std::log(std::abs(root.determinant())) -
               0.5 * static_cast<double>(q) * std::log(2.0 * std::acos(-1.0));
      mean.col(g) = u * weights / weights.sum();
      covariance.middleCols(g * q, q) =
          u * weights.asDiagonal() * u.transpose() / weights.sum() - mean.col(g) * mean.col(g).transpose();
    }
  }
};

/// The rule's place as the test finds it: the mode, and C with C C' = (A'WA + I)^-1 there.
void plain_place(const Case& c, RowModel& model, Matrix& m, std::vector<Matrix>& C) {
  const Index q = c.p.factors[0].Z.cols(), levels = c.p.factors[0].levels;
  const glimmer::Point& point = model.point_at(c.parameters, Inner::given);
  m = Eigen::Map<const Matrix>(point.u.data(), q, levels);
  const Matrix lambda = c.lambda(c.parameters);
  const Matrix A = c.p.factors[0].Z * lambda;
  Vector eta = c.p.offset + c.p.X * c.parameters.head(c.p.X.cols());
  const auto level = [&](Index i) { return c.p.factors[0].level[static_cast<std::size_t>(i)]; };
  for (Index i = 0; i < eta.size(); ++i) eta[i] += A.row(i).dot(m.col(level(i)));
  const Vector w =
      dense::rows_at(c.p, eta, c.p.has_dispersion() ? c.parameters[c.parameters.size() - 1] : 0.0).w;
  std::vector<Matrix> H(static_cast<std::size_t>(levels), Matrix::Identity(q, q));
  for (Index i = 0; i < eta.size(); ++i)
    H[static_cast<std::size_t>(level(i))] += w[i] * A.row(i).transpose() * A.row(i);
  C.clear();
  for (const Matrix& own : H) {
    const Matrix R = own.llt().matrixL();
    C.push_back(R.transpose().inverse());
  }
}

/// Values and moments at the parameters of the place and away from them, where the nodes are still those.
void against_plain_sums(const Case& c, int nodes) {
  const auto model = placed(c, nodes);
  Matrix m;
  std::vector<Matrix> C;
  plain_place(c, *model, m, C);
  for (double away : {0.0, 0.05}) {
    const Vector at = c.parameters.array() * (1.0 + away);
    const PlainSum expected(c, at, m, C, nodes);
    const FrozenEvaluation found = model->rule().pass(at, 0);
    check::that(found.status == Status::ok, c.name + ": status");
    check::close(found.value, expected.value, 1e-11, c.name + ": value");
    const glimmer::Effects b = model->rule().moments()[0];
    const Matrix lambda = c.lambda(at);
    const Index q = lambda.rows();
    check::that((b.modes - lambda * expected.mean).cwiseAbs().maxCoeff() < 1e-10, c.name + ": means");
    for (Index g = 0; g < b.modes.cols(); ++g) {
      const Matrix own = lambda * expected.covariance.middleCols(q * g, q) * lambda.transpose();
      check::that((b.covariances.middleCols(q * g, q) - own).cwiseAbs().maxCoeff() < 1e-10, c.name + ": covariances");
    }
  }
}

void derivatives(const Case& c, RowModel& model, const Vector& at, double spread, const std::string& what) {
  rule_derivatives::check_all(model, at, 0.02 * spread, c.name + what);
}

void derivatives(const Case& c, int nodes, double spread) {
  const auto model = placed(c, nodes);
  derivatives(c, *model, c.parameters, spread, "");
  derivatives(c, *model, 1.05 * c.parameters, spread, ", away");
  model->rule().pass(c.parameters, 0);
  model->rule().place_at_moments();
  derivatives(c, *model, c.parameters, spread, ", at moments");
}

/// Where Lambda is zero the gradient in it is zero by symmetry, and the Hessian that of the rule all the same.
void at_zero(Case c) {
  c.name += ", Lambda = 0";
  c.parameters.segment(c.p.X.cols(), c.covariance().theta_count()).setZero();
  const auto model = placed(c, 5);
  const FrozenEvaluation found = model->rule().pass(c.parameters, 2);
  check::that(found.status == Status::ok, c.name + ": status");
  const Vector in_theta = found.gradient.segment(c.p.X.cols(), c.covariance().theta_count());
  check::that(in_theta.cwiseAbs().maxCoeff() < 1e-11, c.name + ": gradient in theta");
  const Matrix expected =
      differences::by_column(c.parameters, 0.01, [&](const Vector& x) { return model->rule().pass(x, 1).gradient; });
  const double far = (expected - found.hessian).cwiseAbs().maxCoeff() / std::max(1.0, expected.cwiseAbs().maxCoeff());
  check::that(far <= 1e-7, c.name + ": Hessian, off by " + std::to_string(far * 1e9) + "e-9");
}

/// Columns that are multiples of a column of Z within each level, and levels of many rows, which come in tiles.
Case with_covariates(const std::string& family, Index rows, Index levels) {
  const problem::Pair pair{family, family == "binomial" ? "logit" : "log", 0.2, 0.5};
  Problem p = problem::make_problem({"covariates of levels", {{levels, {2}}}, false, rows, 6}, pair, 77);
  for (Index i = 0; i < rows; ++i) {
    const double treated = p.factors[0].level[static_cast<std::size_t>(i)] % 2 == 0 ? 1.0 : 0.0;
    p.X(i, 1) = treated;
    p.X(i, 2) = p.factors[0].Z(i, 1);
    p.X(i, 3) = treated * p.factors[0].Z(i, 1);
  }
  return Case(p, "unstructured");
}

void same_bits(const Case& c, int nodes) {
  FrozenEvaluation expected;
  Matrix scores;
  for (int threads : {1, 2, 3}) {
    const auto model = c.model();
    model->set_threads(threads);
    check::that(model->place_rule(c.parameters) == Status::ok, c.name + ": modes");
    model->rule().set_nodes(same(c, nodes), narrow(c));
    model->rule().pass(c.parameters, 0);
    model->rule().place_at_moments();
    const FrozenEvaluation found = model->rule().pass(c.parameters, 2);
    const Matrix own = model->rule().level_gradients(c.parameters);
    if (threads == 1) expected = found, scores = own;
    check::that(found.status == Status::ok && found.value == expected.value && found.gradient == expected.gradient &&
                    found.hessian == expected.hessian && own == scores,
                c.name + ": bits of " + std::to_string(threads) + " threads");
  }
}

/// Parameters far out give finite numbers, or a status that says that they are not.
void far_out(const Case& c) {
  const auto model = placed(c, 7);
  for (double size : {1e1, 1e2, 1e3, 1e5, 1e100, 1e300})
    for (Index j = 0; j < c.parameters.size(); ++j)
      for (double sign : {-1.0, 1.0}) {
        Vector at = c.parameters;
        at[j] = sign * size;
        const FrozenEvaluation found = model->rule().pass(at, 2);
        const bool finite = std::isfinite(found.value) && found.gradient.allFinite() && found.hessian.allFinite();
        check::that(finite == (found.status == Status::ok), c.name + ": far out");
      }
  Vector nowhere = c.parameters;
  nowhere[0] = std::nan("");
  check::that(model->rule().pass(nowhere, 2).status != Status::ok, c.name + ": not a number");
  check::that(model->place_rule(nowhere) != Status::ok, c.name + ": no modes");
}

/// Wide levels have their nodes where u is, given the data: with fine steps the value is that of many nodes of
/// Gauss-Hermite, but for the nodes left out (some hundreds, each with less than 1e-10 of the largest), and the
/// derivatives are those of the rule with any.
void wide_levels(const Case& c, double spread) {
  const auto model = placed(c, 150);
  const double expected = model->rule().pass(c.parameters, 0).value;
  const std::vector<char> wide(narrow(c).size(), 1);
  model->rule().set_nodes(same(c, 150), wide);
  check::close(model->rule().pass(c.parameters, 0).value, expected, 1e-8, c.name + ": wide levels");
  model->rule().place_at_moments();
  check::close(model->rule().pass(c.parameters, 0).value, expected, 1e-8, c.name + ": wide levels at moments");
  Integers nodes = same(c, 50);
  model->rule().set_nodes(nodes, wide);
  const Vector values = model->rule().level_values(c.parameters, same(c, 120), wide);
  check::close(values.sum() + model->data().constant, expected, 1e-8, c.name + ": finer steps");
  model->rule().set_nodes(same(c, 120), wide);
  model->rule().pass(c.parameters, 0);
  check::that(model->rule().pass_values() == values, c.name + ": values of levels by a pass");
  derivatives(c, *model, c.parameters, spread, ", wide");
  nodes[0] = 7;
  std::vector<char> but_one = wide;
  but_one[0] = 0;
  const Integers counts = model->rule().set_nodes(nodes, but_one);
  check::that(counts[0] == (c.p.factors[0].Z.cols() == 1 ? 7 : 49) && counts[1] > 10, c.name + ": numbers of nodes");
  derivatives(c, *model, c.parameters, spread, ", all but one wide");
}

void refusals() {
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0};
  const Case one(problem::make_problem({"one factor", {{9, {1}}}, false, 40, 2}, logit, 1), "unstructured");
  const auto model = one.model();
  check::refused([&] { model->rule().pass(one.parameters, 0); }, "a pass without nodes");
  check::refused([&] { model->rule().moments(); }, "moments before a pass");
  check::refused([&] { model->rule().place_at_moments(); }, "a place at moments before a pass");
  check::refused([&] { model->rule().set_nodes(Integers(3, 5), std::vector<char>(3, 0)); }, "nodes for some levels");
  const Problem crossed = problem::make_problem({"crossed", {{9, {1}}, {7, {1}}}, false, 40, 2}, logit, 2);
  const auto two = problem::make_model(crossed);
  check::refused([&] { two->rule().set_nodes(Integers(9, 5), std::vector<char>(9, 0)); }, "nodes for crossed factors");
}

}  // namespace

int main() {
  const std::vector<problem::Structure> structures = {{"scalar", {{12, {1}}}, false, 70, 3},
                                                      {"slope", {{10, {2}}}, false, 80, 3},
                                                      {"three effects", {{6, {3}}}, false, 80, 2},
                                                      {"two terms on one factor", {{6, {1, 2}}}, false, 80, 2},
                                                      {"no fixed effects", {{10, {1}}}, false, 60, 0}};
  std::uint64_t seed = 700;
  const std::vector<problem::Pair> pairs = problem::typical_pairs();
  for (std::size_t i = 0; i < pairs.size(); ++i)
    for (std::size_t s : {i % 5, (i + 2) % 5}) {  // every density with two of the structures
      const problem::Pair& pair = pairs[i];
      const Case c(problem::make_problem(structures[s], pair, ++seed), "unstructured");
      against_plain_sums(c, 4);
      // f goes with exp(-2 phi) or exp(phi), of which differences need smaller steps
      derivatives(c, 5, (c.p.has_dispersion() ? 0.7 : 1.0) * pair.spread);
    }
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0}, poisson{"poisson", "log", 0.6, 0.5};
  for (const char* structure : {"diag", "cs", "ar1"})
    for (Index q : {1, 2, 3}) {
      const problem::Structure own{"some effects", {{8, {q}}}, false, 90, 2};
      const Case c(problem::make_problem(own, q == 2 ? poisson : logit, ++seed), structure);
      against_plain_sums(c, 3);
      derivatives(c, 4, 0.5);
    }
  for (Index q : {1, 2, 3})
    at_zero(Case(problem::make_problem({"some effects", {{8, {q}}}, false, 90, 2}, poisson, ++seed), "unstructured"));
  for (const char* family : {"binomial", "poisson"}) {
    derivatives(with_covariates(family, 90, 7), 5, 0.5);
    derivatives(with_covariates(family, 400, 2), 15, 0.2);  // 200 rows at 225 nodes come in two tiles
    same_bits(with_covariates(family, 6000, 700), 5);
    far_out(with_covariates(family, 90, 7));
  }
  for (Index q : {1, 2}) {
    const problem::Structure own{"wide", {{8, {q}}}, false, 60, 2};
    Case c(problem::make_problem(own, logit, ++seed), "unstructured");
    c.parameters[c.p.X.cols()] = 3.0;
    wide_levels(c, 0.5);
    same_bits(c, 5);
  }
  refusals();
  return check::finish();
}
