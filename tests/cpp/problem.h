// Random models for the tests: data made by a generator of our own, and models of the core built from them.
#ifndef GLIMMER_TESTS_PROBLEM_H
#define GLIMMER_TESTS_PROBLEM_H

#include <glimmer/row_model.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace problem {

using glimmer::Index;
using glimmer::Matrix;
using glimmer::RowMatrix;
using glimmer::Vector;

/// A linear congruential generator (Knuth's MMIX constants): the same numbers on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2862933555777941757ULL + 3037000493ULL) {}
  double uniform() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return (static_cast<double>(state_ >> 11) + 0.5) / 9007199254740992.0;
  }
  Index below(Index n) { return static_cast<Index>(uniform() * static_cast<double>(n)); }
  double normal() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); }
  double exponential() { return -std::log(uniform()); }

 private:
  std::uint64_t state_;
};

struct GivenFactor {
  Index levels = 0;
  std::vector<Index> level;
  RowMatrix Z;
  std::vector<std::vector<Index>> further_level = {};  ///< where a row has more than one
  std::vector<RowMatrix> further_Z = {};
  Matrix precision = {};      ///< between levels; empty: they are independent
  std::vector<Index> blocks;  ///< sizes of the covariance blocks
  std::vector<Index> theta;   ///< where each starts in theta
};

struct Problem {
  std::string name, family, link;
  Vector y, size, weight, offset;
  Matrix X;
  std::vector<GivenFactor> factors;
  Vector parameters;  ///< beta, theta, phi

  Index rows() const { return y.size(); }
  Index theta_count() const {
    Index count = 0;
    for (const GivenFactor& factor : factors)
      for (Index q : factor.blocks) count += q * (q + 1) / 2;
    return count;
  }
  bool has_dispersion() const { return glimmer::make_density(family, link)->predictors() > 1; }
  Vector beta() const { return parameters.head(X.cols()); }
  Vector theta() const { return parameters.segment(X.cols(), theta_count()); }
  double phi() const { return has_dispersion() ? parameters[parameters.size() - 1] : 0.0; }
};

inline std::unique_ptr<const glimmer::LevelPrior> make_precision(const Matrix& P) {
  glimmer::Integers rows, columns;
  std::vector<double> values;
  for (Index j = 0; j < P.cols(); ++j)
    for (Index i = j; i < P.rows(); ++i)
      if (P(i, j) != 0.0) {
        rows.push_back(static_cast<int>(i)), columns.push_back(static_cast<int>(j));
        values.push_back(P(i, j));
      }
  return std::make_unique<glimmer::KnownPrecision>(
      P.rows(), rows, columns, Eigen::Map<const Vector>(values.data(), static_cast<Index>(values.size())),
      0.5 * std::log(P.determinant()));
}

inline glimmer::Factors make_factors(const Problem& p) {
  std::vector<glimmer::Factor> factors;
  for (const GivenFactor& factor : p.factors) {
    glimmer::Factor built;
    built.levels = factor.levels;
    built.incidences.push_back({glimmer::Integers(factor.level.begin(), factor.level.end()), factor.Z});
    for (std::size_t m = 0; m < factor.further_level.size(); ++m)
      built.incidences.push_back(
          {glimmer::Integers(factor.further_level[m].begin(), factor.further_level[m].end()), factor.further_Z[m]});
    if (factor.precision.size() > 0) built.prior = make_precision(factor.precision);
    for (std::size_t b = 0; b < factor.blocks.size(); ++b)
      built.covariance.add("unstructured", factor.blocks[b], factor.theta[b]);
    factors.push_back(std::move(built));
  }
  return glimmer::Factors(std::move(factors));
}

inline std::unique_ptr<glimmer::RowModel> make_model(const Problem& p) {
  return std::make_unique<glimmer::RowModel>(glimmer::Responses{p.y, p.size, p.weight},
                                             glimmer::only_predictor(p.offset, p.X), make_factors(p),
                                             glimmer::make_density(p.family, p.link));
}

struct Pair {
  std::string family, link;
  double centre;  ///< where the linear predictor lies in the random models
  double spread;  ///< and how far it strays, well inside the range of a restricted link
};

/// Every pair of family and link that the core has: the tests go over these.
inline std::vector<Pair> known_pairs() {
  const std::vector<Pair> listed = {
      {"gaussian", "identity", 0.5, 1.0},
      {"gaussian", "log", 0.3, 0.4},
      {"gaussian", "inverse", 1.5, 0.15},
      {"binomial", "logit", 0.2, 1.0},
      {"binomial", "probit", 0.2, 0.6},
      {"binomial", "cloglog", -0.3, 0.6},
      {"binomial", "cauchit", 0.1, 0.6},
      {"binomial", "log", -1.2, 0.15},
      {"poisson", "log", 0.6, 0.5},
      {"poisson", "identity", 4.0, 0.4},
      {"poisson", "sqrt", 2.0, 0.2},
      {"Gamma", "inverse", 1.5, 0.15},
      {"Gamma", "log", 0.3, 0.5},
      {"Gamma", "identity", 3.0, 0.3},
      {"inverse.gaussian", "1/mu^2", 1.5, 0.15},
      {"inverse.gaussian", "log", 0.2, 0.3},
      {"inverse.gaussian", "inverse", 1.5, 0.15},
      {"inverse.gaussian", "identity", 2.0, 0.2},
      {"nbinom2", "log", 0.6, 0.5},
      {"nbinom2", "identity", 4.0, 0.4},
      {"nbinom2", "sqrt", 2.0, 0.2},
      {"nbinom1", "log", 0.6, 0.5},
      {"nbinom1", "sqrt", 2.0, 0.2},
      {"nbinom1", "identity", 4.0, 0.4},
      {"beta", "logit", 0.2, 1.0},
      {"beta", "probit", 0.2, 0.6},
      {"beta", "cloglog", -0.3, 0.6},
      {"beta", "cauchit", 0.1, 0.6},
      {"beta", "log", -1.2, 0.15},
      {"betabinomial", "logit", 0.2, 1.0},
      {"betabinomial", "probit", 0.2, 0.6},
      {"betabinomial", "cloglog", -0.3, 0.6},
      {"betabinomial", "cauchit", 0.1, 0.6},
      {"betabinomial", "log", -1.2, 0.15},
      {"lognormal", "log", 0.3, 0.4},
      {"lognormal", "identity", 0.3, 0.5},
      {"truncated_poisson", "log", 0.6, 0.5},
      {"truncated_nbinom2", "log", 0.6, 0.5},
      {"genpois", "log", 0.6, 0.5},
      {"genpois", "sqrt", 2.0, 0.2},
      {"genpois", "identity", 4.0, 0.4}};
  std::vector<Pair> found;
  for (const std::string& key : glimmer::density_keys()) {
    const auto at = std::find_if(listed.begin(), listed.end(),
                                 [&](const Pair& pair) { return pair.family + "/" + pair.link == key; });
    if (at == listed.end()) throw std::logic_error("known_pairs() of problem.h has no line for " + key);
    found.push_back(*at);
  }
  return found;
}

/// Of families whose density is a series in all of its predictors, which links enter alike, one link each: for tests of
/// what does not depend on the density but by its derivatives.
inline std::vector<Pair> typical_pairs() {
  const std::vector<std::string> own = {"gaussian", "binomial", "poisson", "Gamma", "inverse.gaussian"};
  std::vector<Pair> found;
  for (const Pair& pair : known_pairs()) {
    const bool first = found.empty() || found.back().family != pair.family;
    if (first || std::find(own.begin(), own.end(), pair.family) != own.end()) found.push_back(pair);
  }
  return found;
}

inline bool has_trials(const std::string& family) { return family == "binomial" || family == "betabinomial"; }

inline double mean(const std::string& link, double eta) {
  if (link == "identity") return eta;
  if (link == "log") return std::exp(eta);
  if (link == "inverse") return 1.0 / eta;
  if (link == "sqrt") return eta * eta;
  if (link == "1/mu^2") return 1.0 / std::sqrt(eta);
  if (link == "logit") return 1.0 / (1.0 + std::exp(-eta));
  if (link == "probit") return 0.5 * std::erfc(-eta / std::sqrt(2.0));
  if (link == "cloglog") return -std::expm1(-std::exp(eta));
  return 0.5 + std::atan(eta) / 3.141592653589793;  // cauchit
}

inline double draw(const std::string& family, double mu, double size, double phi, Random& random) {
  if (family == "gaussian") return mu + std::exp(phi) * random.normal();
  if (family == "binomial") {
    double y = 0.0;
    for (int i = 0; i < size; ++i) y += random.uniform() < mu ? 1.0 : 0.0;
    return y;
  }
  if (family == "poisson") {
    double y = 0.0, sum = random.exponential();
    while (sum < mu) sum += random.exponential(), y += 1.0;
    return y;
  }
  if (family == "nbinom2" || family == "nbinom1" || family == "genpois")  // near enough
    return draw("poisson", mu * (random.exponential() + random.exponential()) / 2.0, size, phi, random);
  if (family.rfind("truncated", 0) == 0) {
    const double y = draw(family == "truncated_poisson" ? "poisson" : "nbinom2", mu, size, phi, random);
    return y > 0.0 ? y : draw(family, mu, size, phi, random);
  }
  if (family == "beta" || family == "betabinomial") {  // a share of two sums of three exponentials
    double up = 0.0, down = 0.0;
    for (int i = 0; i < 3; ++i) up += random.exponential() * mu, down += random.exponential() * (1.0 - mu);
    const double share = up / (up + down);
    return family == "beta" ? share : draw("binomial", share, size, phi, random);
  }
  if (family == "lognormal") return std::exp(0.5 * random.normal() + (mu > 0.0 ? std::log(mu) : mu));
  if (family == "Gamma") return mu * (random.exponential() + random.exponential()) / 2.0;
  if (family != "inverse.gaussian") throw std::logic_error("draw() of problem.h does not know " + family);
  const double lambda = std::exp(phi), z = random.normal(), v = z * z;  // Michael et al. 1976
  const double root = std::sqrt(4 * mu * lambda * v + mu * mu * v * v);
  const double x = mu + mu * mu * v / (2 * lambda) - mu / (2 * lambda) * root;
  return random.uniform() <= mu / (mu + x) ? x : mu * mu / x;
}

/// Whether the levels of a factor have a prior that connects them: a chain of them, or all with all.
enum class Prior { independent, chain, full };

/// What a structure needs to know of a factor: its levels, the sizes of its covariance blocks, how many levels a row
/// has, and the prior between levels.
struct Shape {
  Index levels;
  std::vector<Index> blocks;
  Index memberships = 1;
  Prior prior = Prior::independent;
};

struct Structure {
  std::string name;
  std::vector<Shape> shapes;
  bool nested;             ///< the first factor's levels lie within those of the second
  Index rows, fixed;
};

inline std::vector<Structure> structures() {
  return {{"scalar", {{12, {1}}}, false, 70, 3},
          {"slope", {{10, {2}}}, false, 80, 3},
          {"three effects", {{9, {3}}}, false, 110, 2},
          {"two terms on one factor", {{9, {1, 2}}}, false, 100, 2},
          {"no fixed effects", {{10, {1}}}, false, 60, 0},
          {"nested", {{12, {1}}, {4, {1}}}, true, 90, 2},
          {"nested with slopes", {{10, {2}}, {4, {2}}}, true, 120, 2},
          {"crossed", {{9, {1}}, {7, {1}}}, false, 90, 2},
          {"crossed with slopes", {{8, {2}}, {6, {2}}}, false, 140, 2},
          {"crossed, fewest levels first", {{5, {1, 1}}, {9, {2}}}, false, 120, 2},
          {"three factors", {{8, {2}}, {6, {1}}, {4, {2}}}, false, 150, 2},
          {"two memberships", {{9, {1}, 2}}, false, 90, 2},
          {"three memberships with slopes, crossed", {{7, {2}, 3}, {8, {1}}}, false, 140, 2},
          {"two factors with memberships", {{6, {1}, 2}, {5, {1}, 2}}, false, 120, 2},
          {"a prior along a chain", {{12, {1}, 1, Prior::chain}}, false, 80, 2},
          {"a full prior, slopes", {{7, {2}, 1, Prior::full}}, false, 100, 2},
          {"a prior and another factor", {{9, {2}, 1, Prior::chain}, {14, {1}}}, false, 130, 2},
          {"a prior, memberships and another factor", {{8, {1}, 2, Prior::full}, {6, {1}}}, false, 130, 2}};
}

/// Further levels of each row, some of which are one that it has already.
inline void add_memberships(GivenFactor& factor, Index memberships, Random& random) {
  for (Index m = 1; m < memberships; ++m) {
    factor.further_level.emplace_back();
    factor.further_Z.push_back(0.6 * factor.Z);
    for (Index i = 0; i < factor.Z.rows(); ++i) factor.further_level.back().push_back(random.below(factor.levels));
  }
}

/// Positive definite, its diagonal not constant.
inline Matrix precision_of(Prior prior, Index levels) {
  if (prior == Prior::independent) return Matrix();
  Matrix P = Matrix::Zero(levels, levels);
  for (Index i = 0; i < levels; ++i)
    for (Index j = 0; j < i; ++j) {
      if (prior == Prior::chain && i > j + 1) continue;
      const double value = -0.5 + 0.1 * static_cast<double>((i + 2 * j) % 4);
      P(i, j) = P(j, i) = prior == Prior::chain ? value : 0.3 * value;
    }
  for (Index i = 0; i < levels; ++i) P(i, i) = 0.8 + P.row(i).cwiseAbs().sum() + 0.1 * static_cast<double>(i % 3);
  return P;
}

/// A random data set with parameters near those it was drawn from; levels of the last rows' factors may be unused.
inline Problem make_problem(const Structure& structure, const Pair& pair, std::uint64_t seed) {
  Random random(seed);
  Problem p;
  p.name = structure.name + ", " + pair.family + " " + pair.link;
  p.family = pair.family;
  p.link = pair.link;
  const Index n = structure.rows;
  p.X.resize(n, structure.fixed);
  for (Index j = 0; j < structure.fixed; ++j)
    for (Index i = 0; i < n; ++i) p.X(i, j) = j == 0 ? 1.0 : 2.0 * random.uniform() - 1.0;
  p.offset.resize(n);
  const double centre = structure.fixed == 0 ? pair.centre : 0.0;
  for (Index i = 0; i < n; ++i) p.offset[i] = centre + 0.1 * pair.spread * random.normal();
  Index theta = 0;
  std::vector<double> theta_values;
  for (std::size_t k = 0; k < structure.shapes.size(); ++k) {
    GivenFactor factor;
    factor.levels = structure.shapes[k].levels;
    factor.blocks = structure.shapes[k].blocks;
    Index q = 0;
    for (Index size : factor.blocks) {
      factor.theta.push_back(theta);
      theta += size * (size + 1) / 2;
      q += size;
      for (Index j = 0; j < size; ++j)
        for (Index i = j; i < size; ++i)
          theta_values.push_back(pair.spread * (i == j ? 0.4 + 0.3 * random.uniform() : 0.2 * random.normal()));
    }
    factor.Z.resize(n, q);
    for (Index i = 0; i < n; ++i) {
      factor.level.push_back(random.below(factor.levels));
      for (Index j = 0; j < q; ++j) factor.Z(i, j) = j == 0 ? 1.0 : 2.0 * random.uniform() - 1.0;
    }
    add_memberships(factor, structure.shapes[k].memberships, random);
    factor.precision = precision_of(structure.shapes[k].prior, factor.levels);
    p.factors.push_back(factor);
  }
  if (structure.nested)
    for (Index i = 0; i < n; ++i) p.factors[1].level[i] = p.factors[0].level[i] % p.factors[1].levels;

  p.parameters.resize(structure.fixed + theta + (p.has_dispersion() ? 1 : 0));
  for (Index j = 0; j < structure.fixed; ++j)
    p.parameters[j] = j == 0 ? pair.centre : 0.3 * pair.spread * random.normal();
  for (Index t = 0; t < theta; ++t) p.parameters[structure.fixed + t] = theta_values[static_cast<std::size_t>(t)];
  if (p.has_dispersion()) p.parameters[p.parameters.size() - 1] = pair.family == "gaussian" ? -0.3 : 0.8;

  // a predictor of the same centre and spread; the random effects themselves need not be drawn from Lambda
  p.y.resize(n), p.size.resize(n), p.weight.resize(n);
  std::vector<double> level_shift(static_cast<std::size_t>(p.factors[0].levels));
  for (double& shift : level_shift) shift = 0.4 * pair.spread * random.normal();
  const Vector fixed = p.X * p.beta() + p.offset;
  for (Index i = 0; i < n; ++i) {
    p.size[i] = has_trials(p.family) ? static_cast<double>(1 + random.below(5)) : 1.0;
    p.weight[i] = 0.5 + random.uniform();
    const Index level = p.factors[0].level[static_cast<std::size_t>(i)];
    const double eta = fixed[i] + level_shift[static_cast<std::size_t>(level)];
    p.y[i] = draw(p.family, mean(p.link, eta), p.size[i], p.phi(), random);
  }
  return p;
}

/// Rows in another order (also with repetitions).
inline Problem take_rows(const Problem& p, const std::vector<Index>& rows) {
  Problem out = p;
  const Index n = static_cast<Index>(rows.size());
  out.y.resize(n), out.size.resize(n), out.weight.resize(n), out.offset.resize(n), out.X.resize(n, p.X.cols());
  for (GivenFactor& factor : out.factors) {
    factor.level.resize(rows.size()), factor.Z.resize(n, factor.Z.cols());
    for (auto& level : factor.further_level) level.resize(rows.size());
    for (RowMatrix& Z : factor.further_Z) Z.resize(n, factor.Z.cols());
  }
  for (Index i = 0; i < n; ++i) {
    const Index from = rows[static_cast<std::size_t>(i)];
    out.y[i] = p.y[from], out.size[i] = p.size[from], out.weight[i] = p.weight[from], out.offset[i] = p.offset[from];
    out.X.row(i) = p.X.row(from);
    for (std::size_t k = 0; k < p.factors.size(); ++k) {
      out.factors[k].level[static_cast<std::size_t>(i)] = p.factors[k].level[static_cast<std::size_t>(from)];
      out.factors[k].Z.row(i) = p.factors[k].Z.row(from);
      for (std::size_t m = 0; m < p.factors[k].further_level.size(); ++m) {
        out.factors[k].further_level[m][static_cast<std::size_t>(i)] =
            p.factors[k].further_level[m][static_cast<std::size_t>(from)];
        out.factors[k].further_Z[m].row(i) = p.factors[k].further_Z[m].row(from);
      }
    }
  }
  return out;
}

}  // namespace problem

#endif
