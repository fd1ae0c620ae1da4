// ProductModel: value, gradient and what it finds, against the Laplace approximation with dense matrices, which is
// exact here.
#include <glimmer/product_model.h>

#include "check.h"
#include "dense.h"
#include "problem.h"

using glimmer::Evaluation;
using glimmer::Index;
using glimmer::Inner;
using glimmer::ProductModel;
using glimmer::Status;
using glimmer::Vector;
using problem::Problem;

namespace {

std::unique_ptr<ProductModel> make(const Problem& p, bool restricted) {
  const glimmer::Responses responses{p.y, p.size, p.weight};
  return std::make_unique<ProductModel>(responses, p.offset, glimmer::FixedDesign(p.X), problem::make_factors(p),
                                       restricted, 1);
}

/// With beta at its maximum the log-likelihood is that of the joint mode.
double expected_value(Problem p, const Vector& parameters, bool restricted) {
  p.parameters = parameters;
  const dense::Solution found = dense::laplace(p, restricted ? dense::Fixed::integrated : dense::Fixed::joint);
  check::that(found.converged, p.name + ": reference converged");
  return found.value;
}

double richardson(ProductModel& model, const Vector& parameters, Index j, Inner inner) {
  const auto central = [&](double step) {
    Vector up = parameters, down = parameters;
    up[j] += step, down[j] -= step;
    return (model.evaluate(up, inner, false).value - model.evaluate(down, inner, false).value) / (2.0 * step);
  };
  return (64.0 * central(0.005) - 20.0 * central(0.01) + central(0.02)) / 45.0;
}

void gradient(ProductModel& model, const Problem& p, Inner inner, const std::string& name) {
  const Vector found = model.evaluate(p.parameters, inner, true).gradient;
  check::that(found.size() == p.parameters.size(), name + ": gradient is there");
  if (found.size() != p.parameters.size()) return;
  const double scale = std::max(1.0, found.cwiseAbs().maxCoeff());
  for (Index j = 0; j < found.size(); ++j) {
    const double expected = j < p.X.cols() ? 0.0 : richardson(model, p.parameters, j, inner);
    check::close(found[j] / scale, expected / scale, 1e-7, name + ": gradient " + std::to_string(j));
  }
}

void against_dense(const Problem& p, bool restricted) {
  const std::string name = p.name + (restricted ? ", REML" : ", ML");
  const auto model = make(p, restricted);
  const Evaluation given = model->evaluate(p.parameters, Inner::joint, false);
  check::that(given.status == Status::ok, name + ": status " + glimmer::describe(given.status));
  check::close(given.value, expected_value(p, p.parameters, restricted), 1e-11, name + ": value");
  const Evaluation profiled = model->evaluate(p.parameters, Inner::profiled, false);
  check::close(profiled.value, expected_value(p, profiled.parameters, restricted), 1e-11, name + ": profiled value");
  const Index last = p.parameters.size() - 1;
  const double slope = richardson(*model, profiled.parameters, last, Inner::joint);
  // theta is absolute there: along a change of sigma with it, sigma is at its maximum
  double along = slope;
  for (Index j = p.X.cols(); j < last; ++j)
    along += profiled.parameters[j] * richardson(*model, profiled.parameters, j, Inner::joint);
  check::that(std::fabs(along) < 1e-7, name + ": sigma at its maximum, slope " + std::to_string(along));
  gradient(*model, p, Inner::joint, name);
  gradient(*model, p, Inner::profiled, name + ", profile");
}

/// Columns of random effects, large and small.
glimmer::Matrix some_columns(Index rows) {
  glimmer::Matrix out(rows, 2);
  for (Index i = 0; i < rows; ++i) out.row(i) << std::sin(1.0 + i), std::cos(2.0 * i) * (1.0 + i);
  return out;
}

double largest_difference(const glimmer::Matrix& a, const glimmer::Matrix& b) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return glimmer::infinity;
  return a.size() == 0 ? 0.0 : (a - b).cwiseAbs().maxCoeff() / std::max(1.0, b.cwiseAbs().maxCoeff());
}

/// What the inverse of V = W^-1 sigma^2 + A P^-1 A' does to the columns of X and Z, by dense matrices.
void marginal_information(const Problem& p) {
  const auto model = make(p, true);
  const glimmer::Matrix Z = dense::effects_matrix(p), A = dense::random_effects_matrix(p, p.theta());
  const glimmer::Matrix noise = (std::exp(2.0 * p.phi()) * p.weight.cwiseInverse()).asDiagonal();
  const glimmer::Matrix V = noise + A * dense::prior_precision(p).llt().solve(A.transpose());
  const Eigen::LLT<glimmer::Matrix> root(V);
  const glimmer::Matrix columns = some_columns(Z.cols());
  check::that(largest_difference(model->cross_information(p.parameters, Inner::joint),
                                 Z.transpose() * root.solve(p.X)) < 1e-9, p.name + ": Z'V^-1 X");
  check::that(largest_difference(model->fixed_information(p.parameters, Inner::joint),
                                 p.X.transpose() * root.solve(p.X)) < 1e-9, p.name + ": X'V^-1 X");
  check::that(largest_difference(model->times_information(p.parameters, Inner::joint, columns),
                                 Z.transpose() * root.solve(Z * columns)) < 1e-9, p.name + ": Z'V^-1 Z");
}

/// The factor of H has at least the entries of the lower triangle of H, and at most all.
void factor_entries(const Problem& p) {
  const glimmer::Matrix Z = dense::effects_matrix(p);
  const glimmer::Matrix H = Z.transpose() * Z + dense::prior_precision(p);
  Index least = 0;
  for (Index j = 0; j < H.cols(); ++j)
    for (Index i = j; i < H.rows(); ++i) least += H(i, j) != 0.0;
  const Index found = make(p, false)->system().factor_entries();
  check::that(found >= least && found <= H.rows() * (H.rows() + 1) / 2, p.name + ": entries of the factor");
}

/// The rank of unit columns, by a dense decomposition; and the same parameters mean the same afterwards.
void rank(Problem p) {
  p.weight.setOnes();
  const glimmer::Matrix Z = dense::effects_matrix(p);
  const auto model = make(p, false);
  const double before = model->evaluate(p.parameters, Inner::joint, false).value;
  Eigen::ColPivHouseholderQR<glimmer::Matrix> qr(Z);
  qr.setThreshold(1e-9);
  check::that(model->rank() == qr.rank(), p.name + ": rank " + std::to_string(model->rank()) + ", not " +
              std::to_string(qr.rank()));
  check::close(model->evaluate(p.parameters, Inner::joint, false).value, before, 1e-14, p.name + ": after the rank");
}

/// Set in a model that has been evaluated elsewhere, and to the last bit that of a new model.
void another_response(const Problem& p, bool restricted) {
  Problem other = p;
  for (Index i = 0; i < p.rows(); ++i) other.y[i] = 3.0 * std::sin(1.0 + 0.7 * i) + p.y[p.rows() - 1 - i];
  const auto model = make(p, restricted);
  Vector elsewhere = p.parameters;
  elsewhere.array() *= 1.3;
  model->evaluate(elsewhere, Inner::joint, true);
  const Vector once = Vector::Ones(p.rows());
  model->set_response(other.y, once, glimmer::FixedDesign(p.X));
  const Evaluation found = model->evaluate(p.parameters, Inner::profiled, true);
  const Evaluation expected = make(other, restricted)->evaluate(p.parameters, Inner::profiled, true);
  check::that(found.value == expected.value && found.gradient == expected.gradient &&
              found.parameters == expected.parameters, p.name + ": another response");
  check::close(found.value, expected_value(other, found.parameters, restricted), 1e-11,
               p.name + ": value of another response");
  const Vector longer = Vector::Ones(p.rows() + 1), negative = -once;
  check::refused([&] { model->set_response(longer, once, glimmer::FixedDesign(p.X)); }, p.name + ": another length");
  check::refused([&] { model->set_response(other.y, longer, glimmer::FixedDesign(p.X)); }, p.name + ": other rows");
  check::refused([&] { model->set_response(other.y, negative, glimmer::FixedDesign(p.X)); }, p.name + ": not a count");
}

/// Effects many times the residuals: a cross product of the response has no digits left of these.
void large_effects(Problem p, bool restricted) {
  const auto model = make(p, restricted);
  const double value = model->evaluate(p.parameters, Inner::joint, false).value;
  Problem far = p;
  Vector shift = Vector::Constant(far.X.cols(), 1e7);
  far.y += far.X * shift;
  const auto moved = make(far, restricted);
  check::close(moved->evaluate(p.parameters, Inner::joint, false).value, value, 1e-9,
               p.name + ": a response far from zero");
}

}  // namespace

int main() {
  std::uint64_t seed = 500;
  for (const problem::Structure& structure : problem::structures()) {
    const Problem p = problem::make_problem(structure, {"gaussian", "identity", 0.5, 1.0}, ++seed);
    marginal_information(p);
    factor_entries(p);
    rank(p);
    for (bool restricted : {false, true}) {
      against_dense(p, restricted);
      another_response(p, restricted);
      if (p.X.cols() > 0) large_effects(p, restricted);
    }
  }
  return check::finish();
}
