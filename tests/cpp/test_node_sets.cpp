// Sets of nodes: products of axes; trapezoid rules for wide levels, their integrals and moments against known ones, for
// normal, skewed and binomial densities in one to four dimensions, from a good place, a narrow and a distant one.
#include <glimmer/logit_kernel.h>
#include <glimmer/wide_nodes.h>

#include "check.h"

using glimmer::EffectRows;
using glimmer::Index;
using glimmer::Matrix;
using glimmer::NodeSet;
using glimmer::RowMatrix;
using glimmer::Vector;

namespace {

constexpr double log_root_2pi = 0.91893853320467274;

/// A density of v = R'u that is a product, R a rotation: f, with the prior's -u'u/2 taken out again.
class ProductDensity : public glimmer::NodeKernel {
 public:
  using LogDensity = std::function<double(double v, Index j)>;
  ProductDensity(const Matrix& R, LogDensity own) : R_(R), own_(std::move(own)) {}

  void evaluate(const glimmer::NodeTile& tile, int, glimmer::NodeDerivatives& out) override {
    const Eigen::Map<const Matrix> u(tile.u, tile.lanes(), R_.rows());
    const Matrix v = u * R_;
    for (Index k = 0; k < tile.lanes(); ++k) {
      out.f[k] = 0.5 * u.row(k).squaredNorm();
      for (Index j = 0; j < v.cols(); ++j) out.f[k] += own_(v(k, j), j);
    }
  }

 private:
  Matrix R_;
  LogDensity own_;
};

Matrix rotation(Index q) {
  Matrix A(q, q);
  for (Index i = 0; i < q; ++i)
    for (Index j = 0; j < q; ++j) A(i, j) = std::sin(1.0 + static_cast<double>(3 * i + 5 * j + i * j));
  return Eigen::HouseholderQR<Matrix>(A).householderQ();
}

/// The sums over the nodes that were found.
struct Sums {
  double log_integral;
  Vector mean;
  Matrix covariance;
  Index nodes;

  Sums(glimmer::NodeKernel& kernel, glimmer::NodeTile tile, const glimmer::PlacedNodes& found) {
    const NodeSet& set = *found.nodes;
    Matrix u = set.x * found.C.transpose();
    u.rowwise() += found.centre.transpose();
    tile.nodes = found.nodes.get();
    tile.centre = found.centre;
    tile.C = found.C;
    tile.u = u.data();
    glimmer::NodeDerivatives out;
    out.reserve(set.lanes(), 0, 0, 1);
    kernel.evaluate(tile, 0, out);
    Vector terms = set.log_weight + out.f.head(set.lanes()) - 0.5 * u.rowwise().squaredNorm();
    const double top = terms.maxCoeff();
    terms = (terms.array() - top).exp();
    log_integral = top + std::log(terms.sum()) + std::log(std::abs(found.C.determinant()));
    terms /= terms.sum();
    mean = u.transpose() * terms;
    const Matrix apart = u.rowwise() - mean.transpose();
    covariance = apart.transpose() * terms.asDiagonal() * apart;
    nodes = set.nodes;
  }
};

struct Place {
  std::string name;
  double distance, scale;  ///< of the first centre, and of C, in standard deviations
};

const std::vector<Place> places = {{"a good place", 0.0, 1.0}, {"a narrow place", 0.5, 0.1}, {"a wide place", 1.0, 5.0},
                                   {"a distant place", 12.0, 1.0}};

/// One dimension's: its log-density, log-integral, mean and variance.
struct Known {
  std::string name;
  std::function<double(double)> log_density;
  double log_integral, mean, variance;
};

/// digamma and trigamma by the recurrence and the asymptotic series (Abramowitz and Stegun 1972, 6.3.18, 6.4.12)
double digamma(double x) {
  double sum = 0.0;
  for (; x < 30.0; x += 1.0) sum -= 1.0 / x;
  const double s = 1.0 / (x * x);
  return sum + std::log(x) - 0.5 / x - s * (1.0 / 12.0 - s * (1.0 / 120.0 - s / 252.0));
}
double trigamma(double x) {
  double sum = 0.0;
  for (; x < 30.0; x += 1.0) sum += 1.0 / (x * x);
  const double s = 1.0 / (x * x);
  return sum + 1.0 / x + 0.5 * s + s / x * (1.0 / 6.0 - s * (1.0 / 30.0 - s / 42.0));
}

Known normal(double mean, double sd) {
  return {"normal", [=](double v) { return -0.5 * (v - mean) * (v - mean) / (sd * sd); }, log_root_2pi + std::log(sd),
          mean, sd * sd};
}

/// integral exp(k v - exp v) dv = Gamma(k): a tail exp(k v) to one side
Known log_gamma_variable(double k) {
  return {"log of a gamma variable", [=](double v) { return k * v - std::exp(v); }, std::lgamma(k), digamma(k),
          trigamma(k)};
}

/// integral exp(a v) / (1 + exp v)^(a + b) dv = B(a, b)
Known logit_of_beta(double a, double b) {
  const auto log_density = [=](double v) {
    return a * v - (a + b) * (std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))));
  };
  return {"logit of a beta variable", log_density, std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b),
          digamma(a) - digamma(b), trigamma(a) + trigamma(b)};
}

/// Products of known densities, turned; `step`: in v, which a row of Z gives for each. (In four dimensions 2e-9 of a
/// normal density is where it is below 1e-10 of its largest.)
void known_densities(const std::vector<Known>& known, double step, double tolerance) {
  const Index q = static_cast<Index>(known.size());
  const Matrix R = rotation(q), lambda = Matrix::Identity(q, q);
  const RowMatrix Z = R.transpose();
  const EffectRows rows(Z);
  ProductDensity kernel(R, [&](double v, Index j) { return known[static_cast<std::size_t>(j)].log_density(v); });
  double log_integral = 0.0;
  Vector mean(q), sd(q);
  for (Index j = 0; j < q; ++j) {
    const Known& own = known[static_cast<std::size_t>(j)];
    log_integral += own.log_integral;
    mean[j] = own.mean;
    sd[j] = std::sqrt(own.variance);
  }
  for (const Place& place : places) {
    if (q > 2 && place.scale == 0.1) continue;
    glimmer::NodeTile tile;
    tile.rows = {0, q};
    tile.lambda = &lambda;
    tile.centre = R * (mean + place.distance * sd);
    tile.C = R * Matrix((place.scale * sd).asDiagonal());
    glimmer::WideNodes wide(kernel, rows);
    const Sums sums(kernel, tile, wide.find(tile, wide.look(tile), step));
    const std::string name = known[0].name + ", " + std::to_string(q) + " effects, " + place.name;
    check::close(sums.log_integral, log_integral, tolerance, name + ": integral");
    check::close(((R.transpose() * sums.mean - mean).array() / sd.array()).abs().maxCoeff(), 0.0, 10.0 * tolerance,
                 name + ": mean");
    const Matrix apart = R.transpose() * sums.covariance * R - Matrix(sd.array().square().matrix().asDiagonal());
    check::close((apart.array() / (sd * sd.transpose()).array()).abs().maxCoeff(), 0.0, 100.0 * tolerance,
                 name + ": covariance");
  }
}

/// Whole products: every node once, with coordinates and weight of its places.
void products() {
  const std::vector<glimmer::Axis> axes = {{glimmer::gauss_hermite(5)}, {0.5, 2, 1}, {glimmer::gauss_hermite(2)}};
  const NodeSet set(axes);
  check::that(set.nodes == 5 * 4 * 2 && set.lanes() == 40 && set.runs.size() == 8, "product: sizes");
  check::that(axes[1].x == Vector(Eigen::Vector4d(-1.0, -0.5, 0.0, 0.5)) && axes[1].zero == 2, "multiples of a step");
  check::that(axes[0].symmetric && !axes[1].symmetric && axes[1].farthest == 1.0, "axes: symmetry");
  double sum = 0.0, second = 0.0, third = 0.0;
  for (Index k = 0; k < set.nodes; ++k) {
    const double weight = std::exp(set.log_weight[k] - 0.5 * (std::pow(set.x(k, 0), 2) + std::pow(set.x(k, 2), 2)));
    sum += weight;
    second += weight * std::pow(set.x(k, 0), 2);
    third += weight * set.x(k, 1);
  }
  check::close_relative(sum, 2.0 * 2.0 * std::acos(-1.0), 1e-13, "product: integral");
  check::close_relative(second / sum, 1.0, 1e-13, "product: second moment");
  check::close_relative(third / sum, -0.25, 1e-13, "product: mean of equal steps");
}

/// A cut leaves about the share of the box that a sphere of the radius where the normal density is 1e-10 has.
void cut_of_normal() {
  const Matrix R = rotation(2), lambda = Matrix::Identity(2, 2);
  const RowMatrix Z = 0.01 * R;
  const EffectRows rows(Z);
  ProductDensity kernel(R, [](double v, Index) { return -0.5 * v * v; });
  glimmer::NodeTile tile;
  tile.rows = {0, 2};
  tile.lambda = &lambda;
  tile.centre = Vector::Zero(2);
  tile.C = Matrix::Identity(2, 2);
  glimmer::WideNodes wide(kernel, rows);
  const auto found = wide.find(tile, wide.look(tile), 2.0);
  const double expected = std::acos(-1.0) * 2.0 * std::log(1e10) / (0.9 * 0.9);
  check::close_relative(static_cast<double>(found.nodes->nodes), expected, 0.05, "cut: number of nodes");
  Index lanes = 0;
  for (const NodeSet::Run& run : found.nodes->runs) {
    check::that(run.lane == lanes, "cut: runs follow each other");
    lanes += run.size;
  }
  check::that(lanes == found.nodes->nodes, "cut: runs are all nodes");
}

}  // namespace

int main() {
  products();
  known_densities({normal(1.0, 0.3)}, 100.0, 1e-9);
  known_densities({normal(1.0, 2.0), normal(-1.0, 0.2)}, 100.0, 1e-9);
  known_densities({normal(1.0, 2.0), normal(-1.0, 0.2), normal(0.0, 1.0)}, 100.0, 1e-9);
  known_densities({normal(1.0, 2.0), normal(-1.0, 0.2), normal(0.0, 1.0), normal(3.0, 0.5)}, 100.0, 1e-8);
  known_densities({log_gamma_variable(0.5)}, 0.3, 1e-8);
  known_densities({log_gamma_variable(0.2), log_gamma_variable(3.0)}, 0.3, 1e-8);
  known_densities({logit_of_beta(0.5, 0.3)}, 0.7, 1e-8);
  known_densities({logit_of_beta(0.5, 0.3), logit_of_beta(2.0, 0.4)}, 0.7, 1e-8);
  cut_of_normal();
  return check::finish();
}
