// Densities in all their predictors: by index against differences, of a zero-inflated negative binomial (three
// predictors) and of all families that there are (one, or two with a dispersion).
#include <glimmer/negative_binomial.h>
#include <glimmer/series_density.h>

#include "check.h"
#include "differences.h"
#include "problem.h"
#include "zero_inflated.h"

using glimmer::Etas;
using glimmer::Index;
using glimmer::Jet;
using glimmer::RowDerivatives;
using glimmer::Vector;

namespace {

/// The negative binomial alone: log mean, log size.
struct Count {
  static constexpr int predictors = 2;
  static constexpr bool log_concave = true;
  static double constant(const glimmer::Observation& o) { return glimmer::NegativeBinomialFamily::constant(o); }
  static double lower_eta(int) { return -glimmer::infinity; }
  static double upper_eta(int) { return glimmer::infinity; }
  template <class Series>
  static Series log_density(const glimmer::Observation& o, const std::array<double, 2>& eta) {
    return glimmer::NegativeBinomialFamily::log_density<Series, glimmer::LogLink>(o, eta[0], eta[1]);
  }
  static double information(const glimmer::Observation&, const std::array<double, 2>&) { return 0.0; }
};

/// One row's derivatives at a point.
RowDerivatives at(const glimmer::Density& density, const glimmer::Observation& o,
                    const std::vector<double>& point, int order = 3) {
  const glimmer::Responses responses{Vector::Constant(1, o.y), Vector::Constant(1, o.size),
                                     Vector::Constant(1, o.weight)};
  Etas values;
  for (double x : point) values.push_back(Vector::Constant(1, x));
  RowDerivatives out;
  out.reserve(1, order, density.predictors());
  out.f.resize(1);
  density.evaluate(responses, {0, 1}, values, order, out);
  return out;
}

/// Richardson's difference in predictor a of what `read` takes from the derivatives.
template <class Read>
double difference(const glimmer::Density& density, const glimmer::Observation& o, std::vector<double> point, int a,
                  Read read) {
  const double x = point[static_cast<std::size_t>(a)];
  const auto central = [&](double h) {
    point[static_cast<std::size_t>(a)] = x + h;
    const double above = read(at(density, o, point, 4));
    point[static_cast<std::size_t>(a)] = x - h;
    return (above - read(at(density, o, point, 4))) / (2 * h);
  };
  return differences::richardson(0.02, central);
}

/// Every derivative against the differences, in every predictor, of one of an order less.
void by_index(const glimmer::Density& density, const glimmer::Observation& o, const std::vector<double>& point,
              const std::string& what, int order = 3) {
  const int m = density.predictors();
  const RowDerivatives found = at(density, o, point, order);
  using glimmer::pair_place;
  using glimmer::triple_place;
  const auto compare = [&](double value, int a, const std::string& which, auto read) {
    check::close(value, difference(density, o, point, a, read), 1e-9, what + ", " + which + " " + std::to_string(a));
  };
  for (int a = 0; a < m; ++a) {
    const auto da = static_cast<std::size_t>(a);
    compare(found.d1[da][0], a, "d1", [](const auto& d) { return d.f[0]; });
    for (int b = 0; b < m; ++b) {
      compare(-found.w[pair_place(a, b)][0], b, "w " + std::to_string(a), [&](const auto& d) { return d.d1[da][0]; });
      for (int c = 0; c < m; ++c)
        compare(found.d3[triple_place(a, b, c)][0], c, "d3 " + std::to_string(a) + std::to_string(b),
                [&](const auto& d) { return d.w[pair_place(a, b)][0]; });
    }
    if (order >= 4) compare(found.d4[da][0], a, "d4", [](const auto& d) { return d.d3[0][0]; });
    if (order >= 5) compare(found.d5[da][0], a, "d5", [](const auto& d) { return d.d4[0][0]; });
  }
}

void zero_inflated() {
  const glimmer::SeriesDensity<problem::ZeroInflated> density;
  for (double y : {0.0, 1.0, 3.0, 40.0})
    for (double mean : {-1.2, 0.4, 2.9})
      for (double inflation : {-3.0, 0.3, 2.5})
        for (double size : {-1.5, 0.6, 5.0}) {
          const std::string what = "zero inflation: y " + std::to_string(y) + " at " + std::to_string(mean) + ", " +
                                   std::to_string(inflation) + ", " + std::to_string(size);
          const glimmer::Observation o{y, 1.0, 1.7};
          by_index(density, o, {mean, inflation, size}, what);
          const long double mu = std::exp(mean), s = std::exp(size), zero = 1 / (1 + std::exp(-inflation));
          const long double log_count = std::lgamma(y + s) - std::lgamma(s) - std::lgamma(y + 1.0L) +
                                        s * std::log(s / (mu + s)) + y * std::log(mu / (mu + s));
          const long double f =
              y > 0 ? std::log(1 - zero) + log_count : std::log(zero + (1 - zero) * std::exp(log_count));
          check::close(at(density, o, {mean, inflation, size}).f[0] + density.constant(o),
                       static_cast<double>(1.7L * f), 1e-12, what + ", f");
        }
}

/// Derivatives of a lower order are the same, also where phi is not a variable; far out they are numbers.
void orders() {
  const glimmer::SeriesDensity<problem::ZeroInflated> density;
  const glimmer::Observation o{0.0, 1.0, 1.0};
  const RowDerivatives all = at(density, o, {0.3, -0.4, 1.1});
  for (int order = 0; order <= 2; ++order) {
    const RowDerivatives some = at(density, o, {0.3, -0.4, 1.1}, order);
    check::close(some.f[0], all.f[0], 1e-15, "f of a lower order");
    for (std::size_t a = 0; a < some.d1.size(); ++a) check::close(some.d1[a][0], all.d1[a][0], 1e-14, "d1");
    for (std::size_t p = 0; p < some.w.size(); ++p) check::close(some.w[p][0], all.w[p][0], 1e-14, "w");
  }
  for (double mean : {-700.0, 700.0})
    for (double inflation : {-700.0, 700.0})
      for (double size : {-300.0, 300.0})
        for (double y : {0.0, 5.0}) {
          const RowDerivatives far = at(density, {y, 1.0, 1.0}, {mean, inflation, size});
          check::that(!std::isnan(far.f[0]), "f far out is a number");
          for (const Vector& d3 : far.d3) check::that(!std::isnan(d3[0]), "d3 far out is a number");
        }
}

/// All families that there are, to the highest order.
void registered(const problem::Pair& pair) {
  const std::string what = pair.family + " " + pair.link;
  const auto density = glimmer::make_density(pair.family, pair.link);
  for (double phi : {-1.2, 0.6, 3.5}) {
    std::vector<double> point{pair.centre + 0.3 * pair.spread};
    if (density->predictors() > 1) point.push_back(phi);
    const double y = pair.family == "beta" ? 0.3 : 1.0;
    for (double weight : {1.3, 4.0})
      by_index(*density, {y, 3.0, weight}, point, what + " at " + std::to_string(phi), 5);
  }
}

/// Second and third derivatives in phi of the families with a dispersion, in closed form: of the Gaussian multiples of
/// w r^2 / sigma^2, of Gamma with k = w exp(phi) by the polygamma functions, here at whole k by finite sums.
void in_dispersion_alone() {
  const double phi = 0.7, eta = 0.3, y = 1.9, weight = 1.6;
  const RowDerivatives normal = at(*glimmer::make_density("gaussian", "identity"), {y, 1.0, weight}, {eta, phi});
  const double square = weight * (y - eta) * (y - eta) * std::exp(-2 * phi);
  check::close_relative(normal.w[2][0], 2 * square, 1e-14, "gaussian, w_11");
  check::close_relative(normal.d3[3][0], -4 * square, 1e-14, "gaussian, d3_111");
  const RowDerivatives inverse = at(*glimmer::make_density("inverse.gaussian", "log"), {y, 1.0, weight}, {eta, phi});
  const double mu = std::exp(eta), excess = weight * std::exp(phi) * (y - mu) * (y - mu) / (2 * mu * mu * y);
  check::close_relative(inverse.w[2][0], excess, 1e-13, "inverse Gaussian, w_11");
  check::close_relative(inverse.d3[3][0], excess, 1e-13, "inverse Gaussian, d3_111");
  for (int k : {1, 2, 5, 12, 40, 300}) {
    const RowDerivatives gamma =
        at(*glimmer::make_density("Gamma", "log"), {y, 1.0, weight}, {eta, std::log(k / weight)});
    long double digamma = -0.57721566490153286060651209L, trigamma = 1.64493406684822643647241516667L,
                tetragamma = -2.40411380631918857079947632302L;
    for (long double j = 1; j < k; ++j) digamma += 1 / j, trigamma -= 1 / (j * j), tetragamma += 2 / (j * j * j);
    const long double m = std::exp(static_cast<long double>(eta)), x = k;
    const long double kernel = std::log(y / m) - y / m + 1, slope = std::log(x) - digamma + kernel;
    check::close_relative(gamma.w[2][0], static_cast<double>(-(x * slope + x - x * x * trigamma)), 1e-12,
                          "Gamma, w_11");
    const long double third = x * slope + 2 * x - 3 * x * x * trigamma - x * x * x * tetragamma;
    check::close(gamma.d3[3][0], static_cast<double>(-third), 1e-12, "Gamma, d3_111", static_cast<double>(x));
  }
}

/// The same numbers from a series of a test's own, and from the registered density; and where a place is not asked for.
void two_ways() {
  const glimmer::SeriesDensity<Count> series;
  const auto density = glimmer::make_density("nbinom2", "log");
  for (double y : {0.0, 2.0, 35.0}) {
    const RowDerivatives a = at(series, {y, 1.0, 1.3}, {0.8, 0.4}), b = at(*density, {y, 1.0, 1.3}, {0.8, 0.4});
    for (std::size_t i = 0; i < 2; ++i) check::close(b.d1[i][0], a.d1[i][0], 1e-14, "d1 two ways");
    for (std::size_t i = 0; i < 3; ++i) check::close(b.w[i][0], a.w[i][0], 1e-14, "w two ways");
    for (std::size_t i = 0; i < 4; ++i) check::close(b.d3[i][0], a.d3[i][0], 1e-14, "d3 two ways");
  }
}

/// Some places only, of a row each with its own second predictor, against all of them row by row.
void some_places(const problem::Pair& pair) {
  const auto density = glimmer::make_density(pair.family, pair.link);
  if (density->predictors() == 1) return;
  const Index n = 7;
  const glimmer::Responses responses{Vector::Constant(n, 2.0), Vector::Ones(n), Vector::LinSpaced(n, 0.5, 2.0)};
  const Etas etas{Vector::Constant(n, pair.centre) + pair.spread * Vector::LinSpaced(n, -0.5, 0.5),
                  Vector::LinSpaced(n, -1.0, 1.0)};
  const std::string what = pair.family + " " + pair.link + ", some places";
  for (int order = 1; order <= 3; ++order)
    for (std::size_t place = 0; place <= static_cast<std::size_t>(order); ++place) {
      RowDerivatives out;
      out.reserve(0, order, 2);
      out.of_order(order)[place].resize(n);
      density->evaluate(responses, {0, n}, etas, order, out);
      for (Index i = 0; i < n; ++i) {
        const RowDerivatives all = at(*density, responses[i], {etas[0][i], etas[1][i]});
        check::close(out.of_order(order)[place][i], all.of_order(order)[place][0], 1e-13, what);
      }
    }
}

/// Rows of a range only, into buffers that begin later; a predictor that is the same for all rows.
void ranges() {
  const glimmer::SeriesDensity<problem::ZeroInflated> density;
  const glimmer::Responses responses{Vector::LinSpaced(6, 0.0, 5.0), Vector::Ones(6), Vector::Ones(6)};
  const Vector mean = Vector::LinSpaced(6, -1.0, 1.0), inflation = Vector::Constant(1, -0.5),
               size = Vector::Constant(6, 0.7);
  RowDerivatives out;
  out.reserve(4, 2, 3);
  out.f.resize(4);
  out.f.setConstant(7.0);
  out.first = 2;
  density.evaluate(responses, {3, 6}, {mean, inflation, size}, 2, out);
  check::that(out.f[0] == 7.0, "a row outside the range");
  for (Index i = 3; i < 6; ++i) {
    const RowDerivatives row = at(density, responses[i], {mean[i], -0.5, 0.7});
    check::that(out.f[i - 2] == row.f[0] && out.d1[2][i - 2] == row.d1[2][0], "a row of the range");
  }
}

void places() {
  check::that(glimmer::pair_place(1, 0) == glimmer::pair_place(0, 1), "pairs in any order");
  std::vector<int> seen(10, 0);
  for (int a = 0; a < 3; ++a)
    for (int b = a; b < 3; ++b)
      for (int c = b; c < 3; ++c) {
        ++seen[glimmer::triple_place(b, c, a)];
        check::that(glimmer::triple_place(c, a, b) == glimmer::triple_place(a, b, c), "triples in any order");
      }
  for (int count : seen) check::that(count == 1, "each triple has its own place");
}

}  // namespace

int main() {
  places();
  zero_inflated();
  orders();
  two_ways();
  ranges();
  in_dispersion_alone();
  for (const problem::Pair& pair : problem::known_pairs()) {
    registered(pair);
    some_places(pair);
  }
  return check::finish();
}
