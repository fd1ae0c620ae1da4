// Rows' densities and their derivatives: against contour integrals in extended precision where the density is tame,
// against closed forms in the tails, in phi, and expected weights against their definition.
#include <glimmer/density.h>

#include "check.h"
#include "problem.h"
#include "reference.h"

using glimmer::Index;
using glimmer::Vector;

namespace {

struct Row {
  double y, size, weight;
};

glimmer::Etas etas_of(const glimmer::Density& density, const Vector& eta, double phi) {
  glimmer::Etas etas(static_cast<std::size_t>(density.predictors()), Vector::Constant(1, phi));
  etas[0] = eta;
  return etas;
}

/// One row, all derivatives.
struct At {
  glimmer::RowDerivatives d;
  double f = 0.0, expected = 0.0;  ///< f with all constants

  At(const std::string& family, const std::string& link, const Row& row, double eta, double phi) {
    const auto density = glimmer::make_density(family, link);
    const glimmer::Responses responses{Vector::Constant(1, row.y), Vector::Constant(1, row.size),
                                       Vector::Constant(1, row.weight)};
    d.reserve(1, 5, density->predictors());
    d.f.resize(1);
    Vector weights(1);
    const glimmer::Etas etas = etas_of(*density, Vector::Constant(1, eta), phi);
    density->evaluate(responses, {0, 1}, etas, 5, d);
    density->expected_weights(responses, {0, 1}, etas, weights);
    f = d.f[0] + density->constant(responses[0]);
    expected = weights[0];
  }
  /// Derivatives of f in eta.
  double order(int k) const {
    if (k == 0) return f;
    const double value = d.of_order(k)[0][0];
    return k == 1 ? value : -value;
  }
  double order_phi(int k) const {
    const double value = d.of_order(k + 1)[1][0];
    return k == 0 ? value : -value;
  }
};

std::string label(const problem::Pair& pair, const Row& row, double eta) {
  char text[160];
  std::snprintf(text, sizeof text, "%s %s, y %g of %g, weight %g, eta %g", pair.family.c_str(), pair.link.c_str(),
                row.y, row.size, row.weight, eta);
  return text;
}

bool is_count(const std::string& family) {
  return family == "poisson" || family == "nbinom2" || family == "nbinom1" || family == "genpois";
}

bool is_probability(const std::string& family) {
  return family == "binomial" || family == "beta" || family == "betabinomial";
}

std::vector<Row> rows_of(const std::string& family) {
  if (family == "gaussian") return {{0.0, 1, 1}, {1.3, 1, 2.5}, {-2.0, 1, 0.4}};
  if (family == "binomial") return {{0, 1, 1}, {1, 1, 1}, {3, 7, 1}, {0, 4, 2}, {5, 5, 0.5}};
  if (family.rfind("truncated", 0) == 0) return {{1, 1, 1}, {2, 1, 1}, {12, 1, 2}, {3, 1, 0.5}};
  if (is_count(family)) return {{0, 1, 1}, {1, 1, 1}, {12, 1, 2}, {3, 1, 0.5}, {40, 1, 1}};
  if (family == "betabinomial") return {{0, 1, 1}, {1, 1, 1}, {3, 7, 1}, {0, 4, 2}, {5, 5, 0.5}, {40, 90, 1}};
  if (family == "beta") return {{0.3, 1, 1}, {0.02, 1, 2.5}, {0.97, 1, 0.5}};
  return {{0.3, 1, 1}, {2.0, 1, 2.5}, {7.0, 1, 0.5}};
}

bool positive_only(const problem::Pair& pair) {
  return pair.link == "inverse" || pair.link == "sqrt" || pair.link == "1/mu^2" ||
         (pair.link == "identity" && pair.family != "gaussian" && pair.family != "lognormal");
}

std::vector<double> moderate(const problem::Pair& pair) {
  if (positive_only(pair)) return {0.3, 1.0, 2.5, 5.0};
  if (is_probability(pair.family) && pair.link == "log") return {-5.0, -1.0, -0.2};
  if (pair.family != "binomial" && pair.link == "probit") return {-2.0, -1.0, 0.0, 0.4, 1.5};
  // where the logarithms of both shares do not turn by more than pi on the circle
  if (pair.link == "cloglog" && pair.family != "binomial") return {-5.0, -1.0, 0.0, 1.0};
  if (pair.link == "cloglog") return {-5.0, -1.0, 0.0, 1.0, 2.0};
  return {-5.0, -1.0, 0.0, 0.4, 2.0, 5.0};
}

void against_contours(const problem::Pair& pair) {
  const double phi = pair.family == "binomial" || pair.family == "poisson" ? 0.0 : 0.6;
  for (const Row& row : rows_of(pair.family))
    for (double eta : moderate(pair)) {
      const At found(pair.family, pair.link, row, eta, phi);
      const auto expected =
          reference::density_derivatives(pair.family, pair.link, row.y, row.size, row.weight, phi, eta);
      for (int k = 0; k <= 5; ++k) {
        const double value = static_cast<double>(expected[static_cast<std::size_t>(k)]);
        check::close(found.order(k), value, 1e-11, label(pair, row, eta) + ", order " + std::to_string(k));
      }
    }
}

/// Derivatives in phi: of f in extended precision, of the others by differences of the tested ones.
void in_dispersion(const problem::Pair& pair) {
  if (!(glimmer::make_density(pair.family, pair.link)->predictors() > 1)) return;
  const double phi = 0.6, eta = pair.centre;
  for (const Row& row : rows_of(pair.family)) {
    const At found(pair.family, pair.link, row, eta, phi);
    const auto density = [&](long double at) {
      return reference::log_density(pair.family, pair.link, row.y, row.size, row.weight, at, eta).real();
    };
    const auto richardson = [&](auto f) {
      const auto central = [&](long double h) { return (f(phi + h) - f(phi - h)) / (2 * h); };
      const auto a = central(0.04L), b = central(0.02L), c = central(0.01L);
      return static_cast<double>((64 * c - 20 * b + a) / 45);
    };
    check::close(found.order_phi(0), richardson(density), 1e-8, label(pair, row, eta) + ", f_phi");
    for (int k = 1; k <= 4; ++k) {
      const auto order = [&](long double at) {
        return static_cast<long double>(At(pair.family, pair.link, row, eta, static_cast<double>(at)).order(k));
      };
      check::close(found.order_phi(k), richardson(order), 1e-8,
                   label(pair, row, eta) + ", in phi, order " + std::to_string(k));
    }
  }
}

// Canonical pairs in closed form, relative to the value itself: nothing is lost in the tails.
const double tail_points[] = {0.0, 5.0, -5.0, 30.0, -30.0, 700.0, -700.0};

void compare_tail(const At& found, const long double (&expected)[6], const std::string& what) {
  check::close_relative(found.d.f[0], static_cast<double>(expected[0]), 1e-13, what + ", f without its constant");
  for (int k = 1; k <= 5; ++k)
    check::close_relative(found.order(k), static_cast<double>(expected[k]), 1e-13,
                          what + ", order " + std::to_string(k));
}

void logit_tails(double eta, const Row& row) {
  const std::string what = label({"binomial", "logit", 0, 0}, row, eta);
  const At found("binomial", "logit", row, eta, 0.0);
  const long double size = row.size, y = row.y, weight = row.weight, distance = std::fabs(eta);
  const long double e = std::exp(-distance), near_zero = e / (1 + e), near_one = 1 / (1 + e);
  const long double p = eta > 0 ? near_one : near_zero, q = eta > 0 ? near_zero : near_one, v = p * q, d = q - p;
  const long double f = weight * (-size * std::log1p(e) - (eta > 0 ? size - y : y) * distance), m = weight * size;
  const long double d1 = weight * (y * q - (size - y) * p);
  compare_tail(found, {f, d1, -m * v, -m * v * d, -m * v * (1 - 6 * v), -m * v * d * (1 - 12 * v)}, what);
  const long double choose = std::lgamma(size + 1) - std::lgamma(y + 1) - std::lgamma(size - y + 1);
  check::close(found.f, static_cast<double>(f + weight * choose), 1e-13, what + ", f and its constant");
  check::close_relative(found.expected, static_cast<double>(m * v), 1e-13, what + ", expected weight");
}

void log_tails(double eta, const Row& row) {
  const std::string what = label({"poisson", "log", 0, 0}, row, eta);
  const At found("poisson", "log", row, eta, 0.0);
  const long double x = eta, mu = std::exp(x), y = row.y, weight = row.weight;
  const long double f = weight * (y * x - mu), w = weight * mu;
  compare_tail(found, {f, weight * (y - mu), -w, -w, -w, -w}, what);
  check::close(found.f, static_cast<double>(f - weight * std::lgamma(y + 1)), 1e-13, what + ", f and its constant");
  check::close_relative(found.expected, static_cast<double>(w), 1e-13, what + ", expected weight");
}

void identity_tails(double eta, const Row& row) {
  const std::string what = label({"gaussian", "identity", 0, 0}, row, eta);
  const double phi = -0.5;
  const At found("gaussian", "identity", row, eta, phi);
  const long double precision = row.weight * std::exp(1.0L), r = static_cast<long double>(row.y) - eta;
  compare_tail(found, {-0.5L * precision * r * r - phi, precision * r, -precision, 0, 0, 0}, what);
  const long double constant = 0.5L * std::log(precision / (2 * reference::pi));
  check::close_relative(found.f, static_cast<double>(constant - 0.5L * precision * r * r), 1e-13, what + ", f");
}

// The negative binomial with log link: q = mu / (mu + s), p = 1 - q and v = p q, each exact in its tail, give every
// derivative but f_phi in closed form: w = (y + s) v, and the derivatives of v in eta are v1 = v (p - q),
// v2 = v (1 - 6 v), v3 = v1 (1 - 12 v).
void negative_binomial_tails(double eta, double phi, const Row& row) {
  const std::string what = label({"nbinom2", "log", 0, 0}, row, eta) + ", log size " + std::to_string(phi);
  const At found("nbinom2", "log", row, eta, phi);
  const long double y = row.y, s = std::exp(static_cast<long double>(phi)), x = static_cast<long double>(eta) - phi;
  const long double e = std::exp(-std::fabs(x)), near_one = 1 / (1 + e), near_zero = e / (1 + e);
  const long double q = x > 0 ? near_one : near_zero, p = x > 0 ? near_zero : near_one;
  const long double v = p * q, v1 = v * (p - q), v2 = v * (1 - 6 * v), v3 = v1 * (1 - 12 * v), total = y + s;
  const long double in_eta[] = {0, y * p - s * q, -total * v, -total * v1, -total * v2, -total * v3};
  const long double in_phi[] = {0, (y * p - s * q) * q, total * v1 - s * v, total * v2 - s * v1, total * v3 - s * v2};
  // numbers below the range of double have few digits
  const double scale = std::fmax(1e-300, static_cast<double>(1e-2L * row.weight * total * v));
  for (int k = 1; k <= 5; ++k)
    check::close(found.order(k), static_cast<double>(row.weight * in_eta[k]), 1e-11,
                 what + ", order " + std::to_string(k), scale);
  for (int k = 1; k <= 4; ++k)
    check::close(found.order_phi(k), static_cast<double>(row.weight * in_phi[k]), 1e-11,
                 what + ", in phi, order " + std::to_string(k), scale);
  check::close_relative(found.expected, static_cast<double>(row.weight * s * q), 1e-13, what + ", expected weight");
}

/// Towards a large size the Poisson distribution, and f_phi = (y - (y - mu)^2) / 2s.
void towards_poisson(double eta, const Row& row) {
  const double phi = 40.0, mu = std::exp(eta);
  const At found("nbinom2", "log", row, eta, phi), limit("poisson", "log", row, eta, 0.0);
  const std::string what = label({"nbinom2", "log", 0, 0}, row, eta) + ", large size";
  check::close_relative(found.f, limit.f, 1e-13, what + ", f");
  for (int k = 1; k <= 5; ++k) check::close_relative(found.order(k), limit.order(k), 1e-13, what);
  const double slope = row.weight * 0.5 * std::exp(-phi) * (row.y - (row.y - mu) * (row.y - mu));
  check::close_relative(found.order_phi(0), slope, 1e-12, what + ", f_phi");
}

void negative_binomial() {
  for (const Row& row : rows_of("nbinom2")) {
    for (double eta : tail_points)
      for (double phi : {-30.0, -3.0, 0.8, 2.5, 4.0, 20.0, 40.0, 300.0}) negative_binomial_tails(eta, phi, row);
    for (double eta : {-5.0, -0.4, 0.3, 2.0, 5.0}) towards_poisson(eta, row);
  }
}

void tails() {
  for (double eta : tail_points) {
    for (const Row& row : rows_of("binomial")) logit_tails(eta, row);
    for (const Row& row : rows_of("poisson")) log_tails(eta, row);
    for (const Row& row : rows_of("gaussian")) identity_tails(eta, row);
  }
}

/// No NaN in a value, and a derivative that is finite has no NaN beside it, however far out.
void finite_far_out(const problem::Pair& pair) {
  for (const Row& row : rows_of(pair.family))
    for (double eta : {-700.0, -30.0, 30.0, 700.0}) {
      const At found(pair.family, pair.link, row, eta, 0.2);
      check::that(!std::isnan(found.f) && found.f < glimmer::infinity, label(pair, row, eta) + ": value is a number");
      if (!std::isfinite(found.f)) continue;
      for (int k = 1; k <= 2; ++k)
        check::that(!std::isnan(found.order(k)), label(pair, row, eta) + ": a number, order " + std::to_string(k));
      check::that(found.expected >= 0.0, label(pair, row, eta) + ": expected weight");
    }
}

/// Outside the range of a restricted link the log-density is minus infinity.
void infeasible(const problem::Pair& pair) {
  std::vector<double> outside;
  if (positive_only(pair) && pair.link != "sqrt" && pair.family != "gaussian") outside = {-0.5, -30.0};
  if (is_probability(pair.family) && pair.link == "log") outside = {0.5, 30.0};
  for (const Row& row : rows_of(pair.family))
    for (double eta : outside)
      if (!(is_probability(pair.family) && row.y == row.size))
        check::that(At(pair.family, pair.link, row, eta, 0.2).f == -glimmer::infinity,
                    label(pair, row, eta) + ": infeasible");
}

glimmer::Responses responses_of(const std::vector<Row>& rows) {
  const Index n = static_cast<Index>(rows.size());
  Vector y(n), size(n), weight(n);
  for (Index i = 0; i < n; ++i) {
    const Row& row = rows[static_cast<std::size_t>(i)];
    y[i] = row.y, size[i] = row.size, weight[i] = row.weight;
  }
  return {y, size, weight};
}

/// The derivatives that are asked for of a row, from two evaluations.
void same_derivatives(const glimmer::RowDerivatives& found, const glimmer::RowDerivatives& expected, int order,
                      Index row, const std::string& what) {
  for (int k = 1; k <= order; ++k)
    for (std::size_t place = 0; place < found.of_order(k).size(); ++place)
      check::close(found.of_order(k)[place][row], expected.of_order(k)[place][row], 1e-14,
                   what + ": derivative of order " + std::to_string(k) + " at " + std::to_string(place));
}

/// Sums by level to every order, where levels are empty, short, and longer than a block of rows, against the rows one
/// by one.
void sums_by_level(const problem::Pair& pair, bool one_trial, double farthest) {
  const auto density = glimmer::make_density(pair.family, pair.link);
  const glimmer::Positions first_row{0, 0, 1, 4, 4, 150, 471, 473, 473};
  const Index n = first_row.back(), levels = static_cast<Index>(first_row.size()) - 1;
  const std::vector<Row> few = rows_of(pair.family);
  std::vector<Row> rows;
  Vector eta(n);
  for (Index i = 0; i < n; ++i) {
    rows.push_back(few[static_cast<std::size_t>(i) % few.size()]);
    if (one_trial) rows.back() = {static_cast<double>(i % 3 == 0), 1.0, 1.0};
    eta[i] = pair.centre + pair.spread * std::sin(static_cast<double>(i));
  }
  eta[200] *= farthest;
  const glimmer::Responses responses = responses_of(rows);
  glimmer::RowDerivatives by_row;
  by_row.reserve(n, 3, density->predictors());
  by_row.f.resize(n);
  const glimmer::Range some{1, levels};
  const glimmer::Etas etas = etas_of(*density, eta, 0.3);
  density->evaluate(responses, {0, n}, etas, 3, by_row);
  for (int order = 0; order <= 2; ++order) {
    glimmer::RowDerivatives by_level;
    by_level.reserve(n, order, density->predictors());
    Vector sums(levels - 1), sizes(levels - 1);
    density->evaluate_levels(responses, first_row, some, etas, order, by_level, sums.data(), sizes.data());
    const std::string what = pair.family + " " + pair.link + ", by level, order " + std::to_string(order);
    for (Index g = some.begin; g < some.end; ++g) {
      const auto f = by_row.f.segment(first_row[g], first_row[g + 1] - first_row[g]);
      check::close(sums[g - 1], f.sum(), 1e-13, what + ": sum");
      check::close(sizes[g - 1], f.cwiseAbs().sum(), 1e-13, what + ": size");
    }
    for (Index i = 0; i < n; ++i) {
      same_derivatives(by_level, by_row, order, i, what);
    }
  }
}

/// A lower order gives the same numbers, and rows outside the range stay as they are.
void orders_and_ranges(const problem::Pair& pair) {
  const auto density = glimmer::make_density(pair.family, pair.link);
  const std::vector<Row> rows = rows_of(pair.family);
  const Index n = static_cast<Index>(rows.size());
  const glimmer::Responses responses = responses_of(rows);
  const Vector eta = Vector::Constant(n, pair.centre);
  glimmer::RowDerivatives all;
  all.reserve(n, 5, density->predictors());
  all.f.resize(n);
  const glimmer::Etas etas = etas_of(*density, eta, 0.3);
  density->evaluate(responses, {0, n}, etas, 5, all);
  for (int order = 0; order <= 4; ++order) {
    glimmer::RowDerivatives some;
    some.reserve(n, order, density->predictors());
    some.f.resize(n);
    some.f.setConstant(7.0);
    density->evaluate(responses, {1, n}, etas, order, some);
    check::that(some.f[0] == 7.0, pair.family + " " + pair.link + ": a row outside the range");
    const std::string what = pair.family + " " + pair.link + ", order " + std::to_string(order);
    for (Index i = 1; i < n; ++i) {
      check::close(some.f[i], all.f[i], 1e-15, what + ": f");
      same_derivatives(some, all, order, i, what);
    }
  }
}

/// Expected weights: the mean of w over the distribution of y, where that is a sum.
void expected_weights(const problem::Pair& pair) {
  const bool truncated = pair.family.rfind("truncated", 0) == 0, counts = is_count(pair.family) || truncated;
  const bool trials = pair.family == "binomial" || pair.family == "betabinomial";
  if (!counts && !trials) return;
  const double eta = pair.centre + 0.3 * pair.spread, size = trials ? 6.0 : 1.0;
  double sum = 0.0;
  for (double y = truncated ? 1 : 0; y <= (trials ? size : 400.0); y += 1.0) {
    const At at(pair.family, pair.link, {y, size, 1.0}, eta, 0.0);
    sum += std::exp(at.f) * at.d.w[0][0];
  }
  const double expected = At(pair.family, pair.link, {1.0, size, 2.0}, eta, 0.0).expected;
  const std::string what = pair.family + " " + pair.link + ": expected weight";
  // that of the first two moments is at most the expected information (Cauchy and Schwarz)
  const bool by_moments = pair.family == "nbinom1" || pair.family == "betabinomial" ||
                          pair.family == "truncated_nbinom2" || pair.family == "genpois";
  if (by_moments)
    check::that(expected > 0.5 * sum && expected <= 2.0 * sum * (1.0 + 1e-12), what);
  else
    check::close(expected, 2.0 * sum, 1e-11, what);
}

}  // namespace

int main() {
  for (const problem::Pair& pair : problem::known_pairs()) {
    against_contours(pair);
    in_dispersion(pair);
    finite_far_out(pair);
    infeasible(pair);
    orders_and_ranges(pair);
    for (double farthest : {1.0, 2000.0}) {
      sums_by_level(pair, false, farthest);
      if (pair.family == "binomial" || pair.family == "poisson") sums_by_level(pair, true, farthest);
    }
    expected_weights(pair);
  }
  tails();
  negative_binomial();
  return check::finish();
}
