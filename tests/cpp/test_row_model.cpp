// Model: mode, value and gradient, for every structure and every family and link.
#include <glimmer/row_model.h>

#include "check.h"
#include "dense.h"
#include "differences.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::RowModel;
using glimmer::Status;
using glimmer::Vector;
using dense::Fixed;
using problem::Problem;

namespace {

/// The core's modes in the problem's order of factors.
Vector modes_of(RowModel& model, const Vector& parameters, glimmer::Inner inner) {
  const glimmer::Factors& factors = model.data().factors;
  std::vector<Vector> parts(static_cast<std::size_t>(factors.count()));
  for (Index k = 0; k < factors.count(); ++k)
    parts[static_cast<std::size_t>(factors.callers_position(k))] =
        model.point_at(parameters, inner).u.segment(factors.start(k), factors[k].size());
  Vector out(factors.size());
  Index at = 0;
  for (const Vector& part : parts) {
    out.segment(at, part.size()) = part;
    at += part.size();
  }
  return out;
}

glimmer::Inner inner_of(Fixed fixed) {
  switch (fixed) {
    case Fixed::joint: return glimmer::Inner::joint;
    case Fixed::integrated: return glimmer::Inner::integrated;
    default: return glimmer::Inner::given;
  }
}

Evaluation evaluate(RowModel& model, const Vector& parameters, bool gradient, Fixed fixed) {
  return model.evaluate(parameters, inner_of(fixed), gradient);
}

std::string name_of(const Problem& p, Fixed fixed) {
  return p.name + (fixed == Fixed::joint ? ", joint" : fixed == Fixed::integrated ? ", REML" : "");
}

void mode_and_value(const Problem& p, Fixed fixed) {
  const std::string name = name_of(p, fixed);
  const auto model = problem::make_model(p);
  const Evaluation found = evaluate(*model, p.parameters, false, fixed);
  const dense::Solution expected = dense::laplace(p, fixed);
  check::that(expected.converged, name + ": reference converged");
  check::that(found.status == Status::ok, name + ": status " + glimmer::describe(found.status));
  if (found.status != Status::ok) return;
  check::close(found.value, expected.value, 1e-11, name + ": value");
  const double distance = (modes_of(*model, p.parameters, inner_of(fixed)) - expected.u).cwiseAbs().maxCoeff();
  check::that(distance <= 1e-9, name + ": mode, off by " + std::to_string(distance));
  if (fixed != Fixed::given && p.X.cols() > 0)
    check::that((found.parameters.head(p.X.cols()) - expected.beta).cwiseAbs().maxCoeff() <= 1e-9,
                name + ": beta at the joint mode");
}

/// d l / d parameter j by Richardson's extrapolation of central differences.
double richardson(RowModel& model, const Problem& p, Index j, Fixed fixed, double spread) {
  // small beside the spread of the predictor: h of a density that is not log-concave may have two maxima, and the
  // search may come to the other one from farther away
  return differences::richardson(0.02 * spread, [&](double step) {
    double value[2];
    for (int side = 0; side < 2; ++side) {
      Vector at = p.parameters;
      at[j] += side == 0 ? step : -step;
      value[side] = evaluate(model, at, false, fixed).value;
    }
    return (value[0] - value[1]) / (2.0 * step);
  });
}

void gradient(const Problem& p, Fixed fixed, double spread) {
  const std::string name = name_of(p, fixed);
  const auto model = problem::make_model(p);
  const Evaluation found = evaluate(*model, p.parameters, true, fixed);
  check::that(found.status == Status::ok && found.gradient.size() == p.parameters.size(), name + ": gradient is there");
  if (found.gradient.size() != p.parameters.size()) return;
  Vector expected(found.gradient.size());
  for (Index j = 0; j < expected.size(); ++j)
    expected[j] = fixed != Fixed::given && j < p.X.cols() ? 0.0 : richardson(*model, p, j, fixed, spread);
  const double scale = std::max(1.0, found.gradient.cwiseAbs().maxCoeff());
  for (Index j = 0; j < expected.size(); ++j)
    check::close(found.gradient[j] / scale, expected[j] / scale, 1e-6, name + ": gradient " + std::to_string(j));
}

/// Other responses in a model that is there give what a new model gives.
void other_responses(const Problem& p) {
  Problem other = p;
  other.y = p.y.reverse(), other.size = p.size.reverse(), other.weight = p.weight.reverse();
  const auto model = problem::make_model(p);
  model->evaluate(p.parameters, false);
  model->set_responses({other.y, other.size, other.weight});
  const Evaluation found = model->evaluate(p.parameters, true);
  const Evaluation expected = problem::make_model(other)->evaluate(p.parameters, true);
  check::that(found.status == expected.status, p.name + ": other responses, status");
  check::close_relative(found.value, expected.value, 1e-13, p.name + ": other responses, value");
  if (found.gradient.size() != expected.gradient.size()) return;
  const double scale = std::max(1.0, expected.gradient.cwiseAbs().maxCoeff());
  check::that((found.gradient - expected.gradient).cwiseAbs().maxCoeff() <= 1e-10 * scale,
              p.name + ": other responses, gradient");
}

/// What predictions need of the joint covariance of b and beta, against dense matrices.
void covariances(const Problem& p) {
  const auto model = problem::make_model(p);
  const dense::Solution mode = dense::laplace(p, Fixed::given);
  if (model->evaluate(p.parameters, false).status != Status::ok || !mode.converged) return;
  const glimmer::Matrix A = dense::random_effects_matrix(p, p.theta());
  const dense::Rows rows = dense::rows_at(p, p.offset + p.X * p.beta() + A * mode.u, p.phi());
  const glimmer::Matrix H = glimmer::Matrix(A.transpose() * rows.w.asDiagonal() * A) + dense::prior_precision(p);
  const glimmer::Matrix L = dense::lambda_matrix(p, p.theta());
  const Eigen::LLT<glimmer::Matrix> llt(H);
  const glimmer::Matrix identity = glimmer::Matrix::Identity(H.rows(), H.cols());
  const glimmer::Matrix covariance = L * llt.solve(glimmer::Matrix(L.transpose()));
  const glimmer::Matrix found = model->times_covariance(p.parameters, glimmer::Inner::given, identity);
  const double scale = covariance.cwiseAbs().maxCoeff();
  check::that((found - covariance).cwiseAbs().maxCoeff() <= 1e-9 * scale, p.name + ": covariance of b");
  if (p.X.cols() == 0 || model->fixed_information(p.parameters, glimmer::Inner::given).size() == 0) return;
  const glimmer::Matrix shift = L * llt.solve(glimmer::Matrix(A.transpose() * rows.w.asDiagonal() * p.X));
  Index at = 0;
  for (const glimmer::Matrix& own : model->fixed_shift(p.parameters, glimmer::Inner::given)) {
    const double far = (own - shift.middleRows(at, own.rows())).cwiseAbs().maxCoeff();
    check::that(far <= 1e-8 * std::max(1.0, shift.cwiseAbs().maxCoeff()), p.name + ": derivative of b in beta");
    at += own.rows();
  }
}

/// Rows that differ in their response only are merged, which the reference knows nothing of.
void equal_rows(const Problem& p, double spread) {
  std::vector<Index> rows;
  for (Index i = 0; i < p.rows(); ++i)
    for (Index copy = 0; copy < 1 + 3 * (i % 2); ++copy) rows.push_back(i);
  Problem repeated = problem::take_rows(p, rows);
  repeated.name += ", equal rows";
  problem::Random random(97);
  for (Index i = 0; i < repeated.rows(); ++i) {
    repeated.y[i] = repeated.y[random.below(repeated.rows())];
    if (problem::has_trials(p.family)) repeated.size[i] = std::max(repeated.y[i], repeated.size[i]);
    repeated.weight[i] = 0.5 + random.uniform();
  }
  const bool merges = !p.has_dispersion() && p.link != "identity" && p.link != "sqrt" &&
                      !(problem::has_trials(p.family) && p.link == "log");
  const auto model = problem::make_model(repeated);
  check::that((model->data().rows() < repeated.rows()) == merges, repeated.name + ": merged or not");
  mode_and_value(repeated, Fixed::given);
  other_responses(repeated);
  if (p.link == "logit" || p.link == "log") gradient(repeated, Fixed::given, spread);
}

/// Rows that differ in one thing alone are not merged: the offset, a number of X or Z, a level of the second factor.
void nearly_equal_rows() {
  const problem::Pair logit{"binomial", "logit", 0.2, 1.0};
  const Problem p = problem::make_problem({"crossed with slopes", {{9, {2}}, {7, {2}}}, false, 40, 2}, logit, 11);
  std::vector<Index> rows;
  for (Index copy = 0; copy < 8; ++copy)
    for (Index i = 0; i < p.rows(); ++i) rows.push_back(i);
  Problem repeated = problem::take_rows(p, rows);
  const auto kinds = [&] { return problem::make_model(repeated)->data().rows() / p.rows(); };
  check::that(kinds() == 1, "eight copies of each row: merged");
  repeated.offset.segment(0, p.rows()).array() += 1.0;
  check::that(kinds() == 2, "another offset");
  repeated.X.col(1).segment(p.rows(), p.rows()).array() += 1.0;
  check::that(kinds() == 3, "another number in X");
  repeated.factors[1].Z.col(1).segment(2 * p.rows(), p.rows()).array() += 1.0;
  check::that(kinds() == 4, "another number in Z");
  for (Index i = 3 * p.rows(); i < 4 * p.rows(); ++i) {
    auto& level = repeated.factors[1].level[static_cast<std::size_t>(i)];
    level = (level + 1) % 7;
  }
  check::that(kinds() == 5, "another level of the second factor");
}

/// Scores of clusters without an effect in common: each is the gradient of a model of its rows alone.
void scores(const Problem& p) {
  if (p.factors[0].precision.size() > 0 || p.X.cols() == 0) return;
  std::vector<Index> twice;  // two data sets side by side, with levels of their own
  for (Index i = 0; i < 2 * p.rows(); ++i) twice.push_back(i % p.rows());
  Problem both = problem::take_rows(p, twice);
  both.offset.tail(p.rows()).array() += 0.1;
  glimmer::Integers cluster(twice.size(), 0);
  for (std::size_t i = cluster.size() / 2; i < cluster.size(); ++i) cluster[i] = 1;
  for (std::size_t k = 0; k < p.factors.size(); ++k) {
    if (p.factors[k].precision.size() > 0) return;
    const auto rename = [&](std::vector<Index>& level) {
      for (std::size_t i = level.size() / 2; i < level.size(); ++i) level[i] += p.factors[k].levels;
    };
    both.factors[k].levels *= 2;
    rename(both.factors[k].level);
    for (auto& further : both.factors[k].further_level) rename(further);
  }
  Problem second = p;
  second.offset.array() += 0.1;
  const glimmer::Matrix found = problem::make_model(both)->scores(p.parameters, cluster, 2);
  const Vector expected[] = {problem::make_model(p)->evaluate(p.parameters, true).gradient,
                             problem::make_model(second)->evaluate(p.parameters, true).gradient};
  for (Index c = 0; c < 2; ++c) {
    const double scale = std::max(1.0, expected[c].cwiseAbs().maxCoeff());
    check::that((found.row(c).transpose() - expected[c]).cwiseAbs().maxCoeff() <= 1e-8 * scale,
                p.name + ": scores of cluster " + std::to_string(c));
  }
  bool thrown = false;
  try {
    cluster[0] = 1;
    problem::make_model(both)->scores(p.parameters, cluster, 2);
  } catch (const std::invalid_argument&) {
    thrown = true;
  }
  check::that(thrown, p.name + ": a level in two clusters is refused");
}

/// An approximation made up for the test: Laplace plus a sum of the rows' third and fourth derivatives at the mode.
class WithHigherOrders : public glimmer::Integral {
 public:
  WithHigherOrders(const glimmer::Data& data, Integral& laplace) : data_(data), laplace_(laplace) {}
  int order() const override { return 5; }

  glimmer::Value value(const glimmer::Point& point) override {
    glimmer::RowDerivatives rows;
    rows.reserve(data_.rows(), 5);
    data_.density->evaluate(data_.responses, {0, data_.rows()}, point.eta, 5, rows);
    return glimmer::Value(laplace_.value(point).value + third * rows.d3[0].sum() + fourth * rows.d4[0].sum());
  }
  void adjoint(const glimmer::Point& point, glimmer::Adjoint& out) override {
    laplace_.adjoint(point, out);
    out.d3_bar.setConstant(data_.rows(), third);
    out.d4_bar.setConstant(data_.rows(), fourth);
  }

 private:
  static constexpr double third = 0.02, fourth = -0.01;
  const glimmer::Data& data_;
  Integral& laplace_;
};

void higher_orders(const Problem& p, double spread) {
  const auto model = problem::make_model(p);
  WithHigherOrders integral(model->data(), model->laplace());
  model->integrate_by(integral);
  const Vector found = model->evaluate(p.parameters, true).gradient;
  check::that(found.size() == p.parameters.size(), p.name + ": gradient of an integral with d3 and d4 is there");
  if (found.size() != p.parameters.size()) return;
  const double scale = std::max(1.0, found.cwiseAbs().maxCoeff());
  for (Index j = 0; j < found.size(); ++j)
    check::close(found[j] / scale, richardson(*model, p, j, Fixed::given, spread) / scale, 1e-6,
                 p.name + ": gradient of an integral with d3 and d4, " + std::to_string(j));
}

/// The second derivative in beta against Richardson's differences of the gradient.
void hessian_in_beta(const Problem& p, double spread) {
  const auto model = problem::make_model(p);
  model->evaluate(p.parameters, false);
  const glimmer::Matrix found = model->fixed_hessian(p.parameters, glimmer::Inner::given);
  check::that((found.size() > 0) == model->data().factors.separate_levels(),
              p.name + ": second derivative in beta, there or not");
  for (Index j = 0; j < found.cols(); ++j) {
    const Vector expected = differences::richardson(0.02 * spread, [&](double step) {
      Vector up = p.parameters, down = p.parameters;
      up[j] += step, down[j] -= step;
      return Vector((model->evaluate(up, true).gradient - model->evaluate(down, true).gradient) / (2.0 * step));
    });
    for (Index i = 0; i < found.rows(); ++i)
      check::close(found(i, j), expected[i], 1e-6, p.name + ": second derivative in beta",
                   std::max(1.0, found.cwiseAbs().maxCoeff()));
  }
}

}  // namespace

int main() {
  std::uint64_t seed = 200;
  for (const problem::Pair& pair : problem::known_pairs())
    for (const problem::Structure& structure : problem::structures()) {
      const Problem p = problem::make_problem(structure, pair, ++seed);
      const bool canonical = pair.link == "identity" || pair.link == "logit" || pair.link == "log";
      for (Fixed fixed : {Fixed::given, Fixed::joint, Fixed::integrated}) {
        // the same code once more
        if (fixed == Fixed::joint && !canonical && structure.name != "crossed with slopes") continue;
        mode_and_value(p, fixed);
        gradient(p, fixed, pair.spread);
      }
      if (canonical) scores(p);
      other_responses(p);
      covariances(p);
      if (pair.link == "logit" || (pair.family == "Gamma" && pair.link == "log")) higher_orders(p, pair.spread);
      if (p.X.cols() > 0) hessian_in_beta(p, pair.spread);
      if (!p.has_dispersion()) equal_rows(p, pair.spread);
    }
  nearly_equal_rows();
  return check::finish();
}
