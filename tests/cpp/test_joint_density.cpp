// Densities in several predictors: by index against differences, of a zero-inflated negative binomial (three
// predictors) and of the families with dispersion (two).
#include <glimmer/negative_binomial.h>
#include <glimmer/series_density.h>

#include "check.h"
#include "problem.h"

using glimmer::Etas;
using glimmer::Index;
using glimmer::Jet;
using glimmer::JointDerivatives;
using glimmer::Vector;

namespace {

/// Predictors: log mean, logit of the probability of a zero beside those of the count, log size.
struct ZeroInflated {
  static constexpr int predictors = 3;
  static double constant(const glimmer::Observation& o) { return glimmer::NegativeBinomialFamily::constant(o); }
  static double lower_eta(int) { return -glimmer::infinity; }
  static double upper_eta(int) { return glimmer::infinity; }

  template <class Series>
  static Series log_density(const glimmer::Observation& o, const std::array<double, 3>& eta) {
    using Logit = glimmer::LogitLink;
    constexpr int K = Series::order;
    const Series count =
        glimmer::NegativeBinomialFamily::log_density<Series, glimmer::LogLink, 0, 2>({o.y, 1.0, 1.0}, eta[0], eta[2]) +
        glimmer::lift<Series, 1>(Logit::log_complement<K>(eta[1]));
    if (o.y > 0.0) return o.weight * count;
    return o.weight * log_of_sum(glimmer::lift<Series, 1>(Logit::log_mean<K>(eta[1])), count);
  }

 private:
  /// log(exp(a) + exp(b)) = a + log(1 + exp(b - a))
  template <class Series>
  static Series log_of_sum(const Series& a, const Series& b) {
    const Series difference = b - a;
    return a + glimmer::compose(glimmer::softplus<Series::order>(difference.value()), difference);
  }
};

/// The negative binomial alone: log mean, log size.
struct Count {
  static constexpr int predictors = 2;
  static double constant(const glimmer::Observation& o) { return glimmer::NegativeBinomialFamily::constant(o); }
  static double lower_eta(int) { return -glimmer::infinity; }
  static double upper_eta(int) { return glimmer::infinity; }
  template <class Series>
  static Series log_density(const glimmer::Observation& o, const std::array<double, 2>& eta) {
    return glimmer::NegativeBinomialFamily::log_density<Series, glimmer::LogLink>(o, eta[0], eta[1]);
  }
};

/// One row's derivatives at a point.
JointDerivatives at(const glimmer::JointDensity& density, const glimmer::Observation& o,
                    const std::vector<double>& point, int order = 3) {
  const glimmer::Responses responses{Vector::Constant(1, o.y), Vector::Constant(1, o.size),
                                     Vector::Constant(1, o.weight)};
  std::vector<Vector> values;
  for (double x : point) values.push_back(Vector::Constant(1, x));
  const Etas etas(values.begin(), values.end());
  JointDerivatives out;
  out.reserve(1, order, density.predictors());
  out.f.resize(1);
  density.evaluate(responses, {0, 1}, etas, order, out);
  return out;
}

/// Richardson's difference in predictor a of what `read` takes from the derivatives.
template <class Read>
double difference(const glimmer::JointDensity& density, const glimmer::Observation& o, std::vector<double> point, int a,
                  Read read) {
  const double x = point[static_cast<std::size_t>(a)];
  const auto central = [&](double h) {
    point[static_cast<std::size_t>(a)] = x + h;
    const double above = read(at(density, o, point));
    point[static_cast<std::size_t>(a)] = x - h;
    return (above - read(at(density, o, point))) / (2 * h);
  };
  return (64 * central(0.01) - 20 * central(0.02) + central(0.04)) / 45;
}

/// Every derivative against the differences, in every predictor, of one of an order less. `phi`: the predictor of which
/// second derivatives are not there, or -1.
void by_index(const glimmer::JointDensity& density, const glimmer::Observation& o, const std::vector<double>& point,
              const std::string& what, int phi = -1) {
  const int m = density.predictors();
  const JointDerivatives found = at(density, o, point);
  using glimmer::pair_place;
  using glimmer::triple_place;
  for (int a = 0; a < m; ++a) {
    const auto da = static_cast<std::size_t>(a);
    check::close(found.d1[da][0], difference(density, o, point, a, [](const auto& d) { return d.f[0]; }), 1e-9,
                 what + ", d1 " + std::to_string(a));
    for (int b = 0; b < m; ++b) {
      const double w = found.w[pair_place(a, b)][0];
      if (a == phi && b == phi) continue;
      const std::string pair = std::to_string(a) + std::to_string(b);
      check::close(-w, difference(density, o, point, b, [&](const auto& d) { return d.d1[da][0]; }), 1e-9,
                   what + ", w " + pair);
      for (int c = 0; c < m; ++c) {
        const double d3 = found.d3[triple_place(a, b, c)][0];
        if ((a == phi) + (b == phi) + (c == phi) > 1) continue;
        const auto same_w = [&](const auto& d) { return d.w[pair_place(a, b)][0]; };
        check::close(d3, difference(density, o, point, c, same_w), 1e-9, what + ", d3 " + pair + std::to_string(c));
      }
    }
  }
}

void zero_inflated() {
  const glimmer::JointSeriesDensity<ZeroInflated> density;
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
  const glimmer::JointSeriesDensity<ZeroInflated> density;
  const glimmer::Observation o{0.0, 1.0, 1.0};
  const JointDerivatives all = at(density, o, {0.3, -0.4, 1.1});
  for (int order = 0; order <= 2; ++order) {
    const JointDerivatives some = at(density, o, {0.3, -0.4, 1.1}, order);
    check::close(some.f[0], all.f[0], 1e-15, "f of a lower order");
    for (std::size_t a = 0; a < some.d1.size(); ++a) check::close(some.d1[a][0], all.d1[a][0], 1e-14, "d1");
    for (std::size_t p = 0; p < some.w.size(); ++p) check::close(some.w[p][0], all.w[p][0], 1e-14, "w");
  }
  for (double mean : {-700.0, 700.0})
    for (double inflation : {-700.0, 700.0})
      for (double size : {-300.0, 300.0})
        for (double y : {0.0, 5.0}) {
          const JointDerivatives far = at(density, {y, 1.0, 1.0}, {mean, inflation, size});
          check::that(!std::isnan(far.f[0]), "f far out is a number");
          for (const Vector& d3 : far.d3) check::that(!std::isnan(d3[0]), "d3 far out is a number");
        }
}

/// The families with one predictor, and dispersion as the second.
void dispersion_as_predictor(const problem::Pair& pair) {
  const std::string what = pair.family + " " + pair.link + ", dispersion as a predictor";
  const glimmer::DispersionAsPredictor density(glimmer::make_density(pair.family, pair.link));
  const bool dispersed = glimmer::make_density(pair.family, pair.link)->has_dispersion();
  check::that(density.predictors() == (dispersed ? 2 : 1), what + ": predictors");
  std::vector<double> point{pair.centre + 0.3 * pair.spread};
  if (dispersed) point.push_back(0.6);
  by_index(density, {1.0, 3.0, 1.3}, point, what, 1);
}

/// The same numbers from the series in both, and from the density with phi.
void two_ways() {
  const glimmer::JointSeriesDensity<Count> series;
  const glimmer::DispersionAsPredictor density(glimmer::make_density("nbinom2", "log"));
  for (double y : {0.0, 2.0, 35.0}) {
    const JointDerivatives a = at(series, {y, 1.0, 1.3}, {0.8, 0.4}), b = at(density, {y, 1.0, 1.3}, {0.8, 0.4});
    by_index(series, {y, 1.0, 1.3}, {0.8, 0.4}, "negative binomial in two predictors");
    check::close(b.f[0], a.f[0], 1e-15, "f two ways");
    for (std::size_t i = 0; i < 2; ++i) check::close(b.d1[i][0], a.d1[i][0], 1e-14, "d1 two ways");
    for (std::size_t i = 0; i < 2; ++i) check::close(b.w[i][0], a.w[i][0], 1e-14, "w two ways");
    for (std::size_t i = 0; i < 2; ++i) check::close(b.d3[i][0], a.d3[i][0], 1e-14, "d3 two ways");
  }
}

/// Rows of a range only, into buffers that begin later; a predictor that is the same for all rows.
void ranges() {
  const glimmer::JointSeriesDensity<ZeroInflated> density;
  const glimmer::Responses responses{Vector::LinSpaced(6, 0.0, 5.0), Vector::Ones(6), Vector::Ones(6)};
  const Vector mean = Vector::LinSpaced(6, -1.0, 1.0), inflation = Vector::Constant(1, -0.5),
               size = Vector::Constant(6, 0.7);
  JointDerivatives out;
  out.reserve(4, 2, 3);
  out.f.resize(4);
  out.f.setConstant(7.0);
  out.first = 2;
  density.evaluate(responses, {3, 6}, {mean, inflation, size}, 2, out);
  check::that(out.f[0] == 7.0, "a row outside the range");
  for (Index i = 3; i < 6; ++i) {
    const JointDerivatives row = at(density, responses[i], {mean[i], -0.5, 0.7});
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
  for (const problem::Pair& pair : problem::known_pairs()) dispersion_as_predictor(pair);
  return check::finish();
}
