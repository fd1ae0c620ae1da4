// How often rows and clusters count: whole numbers are copies and what is left out, others the weighted sum, for every
// density and every way to the log-likelihood.
#include <glimmer/product_model.h>
#include <glimmer/row_model.h>

#include "check.h"
#include "differences.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::FrozenEvaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::Integers;
using glimmer::Matrix;
using glimmer::ProductModel;
using glimmer::Responses;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

Responses responses_of(const Problem& p, const Vector& times) { return {p.y, p.size, p.weight, times}; }

/// A model whose rows count so often, after they have counted otherwise.
std::unique_ptr<RowModel> weighted(const Problem& p, const Vector& times) {
  auto model = problem::make_model(p);
  model->evaluate(p.parameters, true);
  model->set_responses(responses_of(p, times));
  return model;
}

/// Whole numbers, among them zeros: all rows of the first two levels of the first factor.
Vector whole_numbers(const Problem& p) {
  Vector times(p.rows());
  for (Index i = 0; i < p.rows(); ++i)
    times[i] = p.factors[0].level[static_cast<std::size_t>(i)] < 2 ? 0.0 : static_cast<double>((5 * i + i / 3) % 4);
  return times;
}

/// The data with each row so often.
Problem repeated(const Problem& p, const Vector& times) {
  std::vector<Index> rows;
  for (Index i = 0; i < p.rows(); ++i)
    for (double k = 0.0; k < times[i]; k += 1.0) rows.push_back(i);
  return problem::take_rows(p, rows);
}

void same(const Evaluation& found, const Evaluation& expected, double tolerance, const std::string& name) {
  check::that(found.status == expected.status, name + ": status");
  check::close(found.value, expected.value, tolerance, name + ": value");
  if (found.gradient.size() != expected.gradient.size()) return check::that(false, name + ": gradient is there");
  if (found.gradient.size() == 0) return;
  const double scale = std::max(1.0, expected.gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - expected.gradient).cwiseAbs().maxCoeff() <= 100.0 * tolerance * scale,
              name + ": gradient");
}

/// By the Laplace approximation, every inner search; and a model that has forgotten them.
void copies_of_rows(const Problem& p) {
  const Vector times = whole_numbers(p);
  const auto model = weighted(p, times), expected = problem::make_model(repeated(p, times));
  for (Inner inner : {Inner::given, Inner::joint, Inner::integrated})
    same(model->evaluate(p.parameters, inner, true), expected->evaluate(p.parameters, inner, true), 1e-11,
         p.name + ": copies");
  model->set_responses({p.y, p.size, p.weight});
  same(model->evaluate(p.parameters, true), problem::make_model(p)->evaluate(p.parameters, true), 1e-12,
       p.name + ": once again");
}

/// A row .3 and .7 times is that row.
void shares_of_rows(const Problem& p) {
  const Problem twice = repeated(p, Vector::Constant(p.rows(), 2.0));
  Vector times(twice.rows());
  for (Index i = 0; i < times.size(); ++i) times[i] = i % 2 == 0 ? 0.3 : 0.7;
  same(weighted(twice, times)->evaluate(p.parameters, true), problem::make_model(p)->evaluate(p.parameters, true),
       1e-11, p.name + ": shares");
}

/// Of any numbers: the gradient against differences, several threads, scores of clusters.
void any_numbers(const Problem& p, double spread) {
  Vector times(p.rows());
  for (Index i = 0; i < p.rows(); ++i) times[i] = i % 5 == 0 ? 0.0 : 0.25 + 0.3 * static_cast<double>(i % 7);
  const auto model = weighted(p, times), threads = weighted(p, times);
  const Evaluation found = model->evaluate(p.parameters, true);
  check::that(found.status == Status::ok, p.name + ": any numbers, status");
  const Matrix slopes = differences::by_column(p.parameters, 0.02 * spread, [&](const Vector& at) {
    return Vector::Constant(1, model->evaluate(at, false).value);
  });
  const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
  check::that((slopes.transpose() - found.gradient).cwiseAbs().maxCoeff() <= 1e-6 * scale,
              p.name + ": any numbers, gradient");
  threads->set_threads(3);
  const Evaluation by_threads = threads->evaluate(p.parameters, true);
  model->evaluate(1.1 * p.parameters, false);
  check::that(by_threads.value == found.value && by_threads.gradient == found.gradient, p.name + ": threads");
  if (!model->factors().separate_levels()) return;
  Integers cluster(p.factors[0].level.begin(), p.factors[0].level.end());
  const Matrix scores = model->scores(p.parameters, cluster, p.factors[0].levels);
  check::that((scores.colwise().sum().transpose() - found.gradient).cwiseAbs().maxCoeff() <= 1e-10 * scale,
              p.name + ": scores add up");
}

/// The same number of nodes for every level, none of them wide.
struct EqualNodes {
  Integers nodes;
  std::vector<char> narrow;

  EqualNodes(const Problem& p, int number)
      : nodes(static_cast<std::size_t>(p.factors[0].levels), number), narrow(nodes.size(), 0) {}

  /// At the modes.
  void place(RowModel& model, const Problem& p) const {
    check::that(model.place_rule(p.parameters) == Status::ok, p.name + ": place");
    model.rule().set_nodes(nodes, narrow);
  }
};

/// By quadrature, the rule placed where the model has its modes, and left where it was.
void by_quadrature(const Problem& p) {
  const Vector times = whole_numbers(p);
  const auto model = weighted(p, times), expected = problem::make_model(repeated(p, times));
  const EqualNodes rule(p, 7);
  for (RowModel* own : {model.get(), expected.get()}) rule.place(*own, p);
  Vector at = p.parameters;
  at[0] += 0.05 * std::fabs(at[0]);
  const FrozenEvaluation found = model->rule().pass(at, 2), wanted = expected->rule().pass(at, 2);
  check::that(found.status == Status::ok && wanted.status == Status::ok, p.name + ": frozen, status");
  check::close(found.value, wanted.value, 1e-11, p.name + ": frozen, value");
  const double scale = std::max(1.0, wanted.hessian.cwiseAbs().maxCoeff());
  check::that((found.gradient - wanted.gradient).cwiseAbs().maxCoeff() <= 1e-9 * scale, p.name + ": frozen, gradient");
  check::that((found.hessian - wanted.hessian).cwiseAbs().maxCoeff() <= 1e-9 * scale, p.name + ": frozen, Hessian");
  const glimmer::Effects moments = model->rule().moments()[0], wanted_moments = expected->rule().moments()[0];
  check::that((moments.modes - wanted_moments.modes).cwiseAbs().maxCoeff() <= 1e-8 &&
              (moments.covariances - wanted_moments.covariances).cwiseAbs().maxCoeff() <= 1e-8,
              p.name + ": frozen, moments");
}

/// A level that is left out is nothing by a rule that was placed with its rows, and the rule's other levels stay.
void rule_that_stays(const Problem& p) {
  const auto model = problem::make_model(p);
  const EqualNodes rule(p, 5);
  rule.place(*model, p);
  const FrozenEvaluation all = model->rule().pass(p.parameters, 1);
  const Vector values = model->rule().level_values(p.parameters, rule.nodes, rule.narrow);
  const Matrix gradients = model->rule().level_gradients(p.parameters);
  Vector times = Vector::Ones(p.rows());
  double constant = 0.0;
  for (Index i = 0; i < p.rows(); ++i)
    if (p.factors[0].level[static_cast<std::size_t>(i)] == 3) {
      times[i] = 0.0;
      constant += model->data().density->constant({p.y[i], p.size[i], p.weight[i]});
    }
  model->set_responses(responses_of(p, times));
  const FrozenEvaluation found = model->rule().pass(p.parameters, 1);
  check::close(found.value, all.value - values[3] - constant, 1e-11, p.name + ": without a level, value");
  const double scale = std::max(1.0, all.gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - all.gradient + gradients.row(3).transpose()).cwiseAbs().maxCoeff() <= 1e-10 * scale,
              p.name + ": without a level, gradient");
}

/// Rows that are merged: of binary data with few patterns, in which those left out do not take their kind with them.
void merged_rows(const problem::Pair& pair) {
  Problem p = problem::make_problem(problem::structures()[0], pair, 71);
  for (Index i = 0; i < p.rows(); ++i) {
    p.offset[i] = 0.0;
    for (Index j = 1; j < p.X.cols(); ++j) p.X(i, j) = i % 2 == 0 ? 0.4 : -0.3;
  }
  const auto model = problem::make_model(p);
  check::that(model->data().rows() < p.rows(), p.name + ": rows are merged");
  p.name += ", merged";
  copies_of_rows(p);
  shares_of_rows(p);
  any_numbers(p, pair.spread);
  by_quadrature(p);
}

/// Where a row that is left out has an eta that the link does not allow, or too far out for any number.
void row_out_of_range(const problem::Pair& pair, double eta) {
  Problem p = problem::make_problem(problem::structures()[0], pair, 83);
  Vector times = Vector::Ones(p.rows());
  times[4] = 0.0;
  const Evaluation expected = problem::make_model(repeated(p, times))->evaluate(p.parameters, true);
  p.offset[4] = eta;
  const auto model = problem::make_model(p);
  model->set_responses(responses_of(p, times));
  same(model->evaluate(p.parameters, true), expected, 1e-11, p.name + ": out of range");
  if (!model->bounded()) return;
  check::that(std::isinf(model->edge_distances(p.parameters, Inner::given)[4]), p.name + ": no distance");
  const auto other = problem::make_model(repeated(p, times));
  for (RowModel* own : {model.get(), other.get()}) own->set_edge_barrier(0.01);
  same(model->evaluate(p.parameters, true), other->evaluate(p.parameters, true), 1e-11, p.name + ": barrier");
}

std::unique_ptr<ProductModel> make_products(const Problem& p, bool restricted) {
  return std::make_unique<ProductModel>(Responses{p.y, p.size, p.weight}, p.offset, glimmer::FixedDesign(p.X),
                                       problem::make_factors(p), restricted, 1);
}

void linear_model(const Problem& p, bool restricted) {
  const std::string name = p.name + (restricted ? ", REML" : ", ML");
  const Vector times = whole_numbers(p);
  const auto model = make_products(p, restricted), expected = make_products(repeated(p, times), restricted);
  model->evaluate(p.parameters, Inner::joint, true);
  model->set_response(p.y, times, glimmer::FixedDesign(p.X));
  for (Inner inner : {Inner::joint, Inner::profiled}) {
    const Evaluation found = model->evaluate(p.parameters, inner, true);
    const Evaluation wanted = expected->evaluate(p.parameters, inner, true);
    same(found, wanted, 1e-11, name + ": copies");
    check::that((found.parameters - wanted.parameters).cwiseAbs().maxCoeff() <= 1e-9, name + ": beta and sigma");
  }
  check::that((model->fixed_information(p.parameters, Inner::joint) -
               expected->fixed_information(p.parameters, Inner::joint)).norm() <= 1e-9, name + ": information");
  // by the rows, any numbers: beta integrated out, and else at its joint mode with u, which is its maximum
  Vector any(p.rows());
  for (Index i = 0; i < p.rows(); ++i) any[i] = i % 5 == 0 ? 0.0 : 0.25 + 0.3 * static_cast<double>(i % 7);
  model->set_response(p.y, any, glimmer::FixedDesign(p.X));
  check::close(model->evaluate(p.parameters, Inner::joint, false).value,
               weighted(p, any)->evaluate(p.parameters, restricted ? Inner::integrated : Inner::joint, false).value,
               1e-10, name + ": by rows");
  model->set_response(p.y, Vector::Ones(p.rows()), glimmer::FixedDesign(p.X));
  const Evaluation again = model->evaluate(p.parameters, Inner::profiled, true);
  const Evaluation once = make_products(p, restricted)->evaluate(p.parameters, Inner::profiled, true);
  check::that(again.value == once.value && again.gradient == once.gradient, name + ": once again");
}

/// The cluster of each row: a level of the factor with the fewest levels.
Integers clusters_of(const Problem& p) {
  const auto fewest = std::min_element(p.factors.begin(), p.factors.end(),
                                       [](const auto& a, const auto& b) { return a.levels < b.levels; });
  return Integers(fewest->level.begin(), fewest->level.end());
}

/// A number for each row's cluster, none of them negative: whole ones, or any.
Vector copies_of(const Problem& p, bool whole) {
  const Integers cluster = clusters_of(p);
  Vector out(p.rows());
  for (Index i = 0; i < p.rows(); ++i) {
    const int own = cluster[static_cast<std::size_t>(i)];
    out[i] = whole ? (own + own / 4) % 4 : own % 5 == 0 ? 0.0 : 0.25 + 0.3 * (own % 7);
  }
  return out;
}

/// The data with so many copies of each cluster, with levels of their own.
Problem repeated_clusters(const Problem& p, const Vector& copies) {
  std::vector<Index> rows, copy;
  for (Index i = 0; i < p.rows(); ++i)
    for (Index k = 0; static_cast<double>(k) < copies[i]; ++k) rows.push_back(i), copy.push_back(k);
  Problem out = problem::take_rows(p, rows);
  for (problem::GivenFactor& factor : out.factors) {
    for (std::size_t i = 0; i < rows.size(); ++i) factor.level[i] += copy[i] * factor.levels;
    factor.levels *= 1 + static_cast<Index>(copies.maxCoeff());
  }
  return out;
}

std::unique_ptr<RowModel> counted(const Problem& p, const Vector& copies) {
  auto model = problem::make_model(p);
  model->evaluate(p.parameters, true);
  model->set_responses({p.y, p.size, p.weight}, copies);
  return model;
}

/// What a typical level tells of its own effects; levels without rows tell nothing.
void same_information(RowModel& counted, RowModel& repeated, const Problem& p) {
  const auto found = counted.level_information(p.parameters, Inner::given);
  const auto wanted = repeated.level_information(p.parameters, Inner::given);
  for (std::size_t k = 0; k < wanted.size(); ++k)
    check::that((found[k] - wanted[k]).cwiseAbs().maxCoeff() <= 1e-10 * wanted[k].cwiseAbs().maxCoeff(),
                p.name + ": clusters, information of a typical level");
}

void copies_of_clusters(const Problem& p) {
  const Vector whole = copies_of(p, true), any = copies_of(p, false);
  const auto model = counted(p, whole);
  same(model->evaluate(p.parameters, true),
       problem::make_model(repeated_clusters(p, whole))->evaluate(p.parameters, true), 1e-11, p.name + ": clusters");
  const auto repeated = problem::make_model(repeated_clusters(p, whole));
  same_information(*model, *repeated, p);
  if (model->bounded()) {
    for (RowModel* own : {model.get(), repeated.get()}) own->set_edge_barrier(0.01);
    same(model->evaluate(p.parameters, true), repeated->evaluate(p.parameters, true), 1e-11, p.name + ": barrier");
    model->set_edge_barrier(0.0);
  }
  // the gradient is the sum of the clusters' scores
  const Integers cluster = clusters_of(p);
  const Index clusters = 1 + *std::max_element(cluster.begin(), cluster.end());
  Vector once = Vector::Zero(clusters);
  for (Index i = 0; i < p.rows(); ++i) once[cluster[static_cast<std::size_t>(i)]] = any[i];
  const auto alone = problem::make_model(p);
  const Vector gradient = alone->scores(p.parameters, cluster, clusters).transpose() * once;
  model->set_responses({p.y, p.size, p.weight}, any);
  const Evaluation found = model->evaluate(p.parameters, true);
  const double scale = std::max(1.0, gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - gradient).cwiseAbs().maxCoeff() <= 1e-10 * scale, p.name + ": sum of scores");
  check::refused([&] { model->evaluate(p.parameters, Inner::joint, false); }, p.name + ": no joint mode");
  check::refused([&] { model->scores(p.parameters, cluster, clusters); }, p.name + ": no scores");
  model->set_responses({p.y, p.size, p.weight});
  same(model->evaluate(p.parameters, true), alone->evaluate(p.parameters, true), 1e-12, p.name + ": clusters once");
}

/// By a frozen rule that stays where it was.
void copies_by_quadrature(const Problem& p) {
  const auto model = problem::make_model(p);
  const EqualNodes rule(p, 5);
  rule.place(*model, p);
  const Vector values = model->rule().level_values(p.parameters, rule.nodes, rule.narrow), any = copies_of(p, false);
  double value = 0.0;
  Vector copies = Vector::Ones(p.factors[0].levels);
  for (Index i = 0; i < p.rows(); ++i) {
    value += any[i] * model->data().density->constant({p.y[i], p.size[i], p.weight[i]});
    copies[p.factors[0].level[static_cast<std::size_t>(i)]] = any[i];
  }
  const Vector gradient = model->rule().level_gradients(p.parameters).transpose() * copies;
  model->set_responses({p.y, p.size, p.weight}, any);
  const FrozenEvaluation found = model->rule().pass(p.parameters, 2);
  check::close(found.value, value + values.dot(copies), 1e-12, p.name + ": clusters, frozen value");
  const double scale = std::max(1.0, gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - gradient).cwiseAbs().maxCoeff() <= 1e-11 * scale,
              p.name + ": clusters, frozen gradient");
  const Matrix slopes = differences::by_column(p.parameters, 0.01, [&](const Vector& at) {
    return model->rule().pass(at, 1).gradient;
  });
  check::that((slopes - found.hessian).cwiseAbs().maxCoeff() <= 1e-7 * std::max(1.0, slopes.cwiseAbs().maxCoeff()),
              p.name + ": clusters, frozen Hessian");
}

void refused_clusters(const Problem& p) {
  const auto model = problem::make_model(p);
  const double value = model->evaluate(p.parameters, false).value;
  Vector copies = Vector::Ones(p.rows());
  copies[0] = 2.0;
  check::refused([&] { model->set_responses({p.y, p.size, p.weight}, copies); }, p.name + ": a part of a cluster");
  check::refused([&] { model->set_responses({p.y, p.size, p.weight}, Vector::Constant(3, 2.0)); },
                 p.name + ": some rows");
  check::refused([&] { model->set_responses({p.y, p.size, p.weight}, Vector::Constant(p.rows(), -1.0)); },
                 p.name + ": a negative number");
  check::that(model->evaluate(p.parameters, false).value == value, p.name + ": clusters as before");
}

void refusals(const Problem& p) {
  const auto model = problem::make_model(p);
  const double value = model->evaluate(p.parameters, false).value;
  const Vector once = Vector::Ones(p.rows()), longer = Vector::Ones(p.rows() + 1);
  Vector negative = once, infinite = once;
  negative[3] = -1.0, infinite[3] = glimmer::infinity;
  for (const Vector& times : {longer, negative, infinite})
    check::refused([&] { model->set_responses(responses_of(p, times)); }, p.name + ": refused");
  check::that(model->evaluate(p.parameters, false).value == value, p.name + ": nothing has changed");
  check::refused([&] {
    RowModel made(responses_of(p, 2.0 * once), glimmer::only_predictor(p.offset, p.X), problem::make_factors(p),
                  glimmer::make_density(p.family, p.link));
  }, p.name + ": a model of rows that count twice");
}

}  // namespace

int main() {
  const std::vector<problem::Structure> structures = problem::structures();
  std::uint64_t seed = 900;
  for (const problem::Pair& pair : problem::known_pairs()) {
    const Problem p = problem::make_problem(structures[0], pair, ++seed);
    copies_of_rows(p);
    shares_of_rows(p);
    any_numbers(p, pair.spread);
    by_quadrature(p);
    rule_that_stays(p);
    copies_of_clusters(p);
    copies_by_quadrature(p);
  }
  const problem::Pair gaussian{"gaussian", "identity", 0.5, 1.0}, logit{"binomial", "logit", 0.2, 1.0};
  for (const problem::Structure& structure : structures) {
    for (const problem::Pair& pair : {gaussian, logit}) {
      const Problem p = problem::make_problem(structure, pair, ++seed);
      copies_of_rows(p);
      any_numbers(p, pair.spread);
    }
    for (bool restricted : {false, true}) linear_model(problem::make_problem(structure, gaussian, ++seed), restricted);
  }
  by_quadrature(problem::make_problem(structures[1], logit, ++seed));
  for (const problem::Pair& pair : {logit, {"binomial", "probit", 0.2, 0.6}, {"poisson", "log", 0.6, 0.5}})
    merged_rows(pair);
  row_out_of_range({"binomial", "log", -1.2, 0.15}, 5.0);
  row_out_of_range({"Gamma", "inverse", 1.5, 0.15}, -9.0);
  row_out_of_range({"poisson", "log", 0.6, 0.5}, 2000.0);
  row_out_of_range(logit, 5000.0);
  for (const problem::Structure& structure : structures) {
    const bool alone = structure.shapes.size() == 1 && structure.shapes[0].memberships == 1;
    if ((!alone && !structure.nested) || structure.shapes[0].prior != problem::Prior::independent) continue;
    for (const problem::Pair& pair : {gaussian, logit})
      copies_of_clusters(problem::make_problem(structure, pair, ++seed));
  }
  copies_by_quadrature(problem::make_problem(structures[1], logit, ++seed));
  for (std::size_t crossed : {std::size_t(0), std::size_t(7)})
    refused_clusters(problem::make_problem(structures[crossed], logit, ++seed));
  refusals(problem::make_problem(structures[0], logit, ++seed));
  return check::finish();
}
