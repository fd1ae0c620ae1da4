// Kernels of quadrature: exponential and logarithm by lanes against long double; log-densities and derivatives at the
// nodes of whole and of cut grids against the plain formulas in long double, far out and with very many rows too.
#include <glimmer/log_kernel.h>
#include <glimmer/logit_kernel.h>

#include "check.h"
#include "problem.h"

using glimmer::Index;
using glimmer::Lanes;
using glimmer::Matrix;
using glimmer::NodeSet;
using glimmer::RowMatrix;
using glimmer::Vector;
using problem::Random;
using Long = long double;

namespace {

constexpr double eps = 2.220446049250313e-16;

double first(Lanes x) {
  double out[2];
  glimmer::store(x, out);
  return out[0];
}
double second(Lanes x) {
  double out[2];
  glimmer::store(x, out);
  return out[1];
}

void lanes() {
  Random random(1);
  double of_exp = 0.0, of_log = 0.0;
  for (int k = 0; k < 200000; ++k) {
    const double x = (k % 2 == 0 ? 708.0 : 2.0) * (2.0 * random.uniform() - 1.0);
    const Lanes both = glimmer::exp(Lanes{-x, x});
    const Long exact = std::exp(static_cast<Long>(x));
    of_exp = std::max(of_exp, static_cast<double>(std::abs(second(both) / exact - 1.0L)));
    const double y = k % 2 == 0 ? second(both) : 1.0 + 0.4 * x;
    if (y <= 0.0 || y == 1.0) continue;
    const Long logarithm = std::log(static_cast<Long>(y));
    of_log = std::max(of_log, static_cast<double>(std::abs(second(glimmer::log(Lanes{3.0, y})) / logarithm - 1.0L)));
  }
  check::that(of_exp < 2.0 * eps, "exp by lanes");
  check::that(of_log < 3.0 * eps, "log by lanes");
  check::that(first(glimmer::exp(Lanes{0.0, 1.0})) == 1.0 && first(glimmer::log(Lanes{1.0, 2.0})) == 0.0,
              "exp 0, log 1");
  const Lanes far = glimmer::exp(Lanes{-1e300, 1e300});
  check::that(first(far) > 0.0 && first(far) < 1e-300 && second(far) > 1e300 && std::isfinite(second(far)), "far out");
  const double none = std::nan("");
  check::that(std::isnan(first(glimmer::exp(Lanes{none, 1.0}))), "exp of no number");
  check::that(first(glimmer::exponent(Lanes{0.75, 1.0})) == -1.0 && first(glimmer::mantissa(Lanes{0.75, 1.0})) == 1.5 &&
                  second(glimmer::exponent(Lanes{1.0, 1e300})) == 996.0,
              "exponent and mantissa");
}

/// Of a grid, runs that begin and end anywhere, and not all of them: as a trapezoid rule is cut.
NodeSet cut(const NodeSet& grid, Random& random) {
  NodeSet out;
  out.axes = grid.axes;
  for (std::size_t r = 0; r < grid.runs.size(); ++r) {
    if (r > 0 && random.uniform() < 0.2) continue;
    const Index from = random.below(grid.runs[r].size), size = 1 + random.below(grid.runs[r].size - from);
    out.add_run(from, size, grid.others.data() + r * (grid.axes.size() - 1));
  }
  out.finish();
  return out;
}

/// A level of rows with effects at its nodes.
struct Level {
  glimmer::Responses responses;
  Vector fixed;
  RowMatrix Z;
  Matrix lambda;
  NodeSet nodes;
  Matrix u;
  glimmer::NodeTile tile;

  Level(Index rows, Index q, double spread, Random& random) : fixed(rows), Z(rows, q), lambda(q, q) {
    for (Index i = 0; i < rows; ++i) {
      fixed[i] = spread * (2.0 * random.uniform() - 1.0);
      for (Index j = 0; j < q; ++j) Z(i, j) = j == 0 ? 1.0 : 2.0 * random.uniform() - 1.0;
    }
    tile.C.setZero(q, q);
    tile.centre.resize(q);
    lambda.setZero();
    for (Index j = 0; j < q; ++j)
      for (Index i = j; i < q; ++i) {
        lambda(i, j) = 0.7 * random.normal();
        tile.C(i, j) = i == j ? 0.3 + random.uniform() : 0.3 * random.normal();
      }
    for (Index j = 0; j < q; ++j) tile.centre[j] = random.normal();
  }

  /// The tile points to what this level owns, which must stay where it is.
  void finish(const NodeSet& set) {
    nodes = set;
    tile.rows = {0, fixed.size()};
    tile.fixed = {{fixed.data(), 1}};
    tile.nodes = &nodes;
    tile.lambda = &lambda;
    u = (nodes.x * tile.C.transpose()).rowwise() + tile.centre.transpose();
    tile.u = u.data();
  }

  /// eta_ik, and the sum of the sizes of what it is a sum of
  Long eta(Index i, Index k, Long& size) const {
    const Index q = Z.cols();
    Long sum = fixed[i];
    size = std::abs(sum);
    for (Index j = 0; j < q; ++j) {
      Long b = 0.0L, b_size = 0.0L;
      for (Index m = 0; m < q; ++m) {
        Long u = tile.centre[m], u_size = std::abs(u);
        for (Index l = 0; l < q; ++l) {
          u += static_cast<Long>(tile.C(m, l)) * nodes.x(k, l);
          u_size += std::abs(tile.C(m, l) * nodes.x(k, l));
        }
        b += lambda(j, m) * u;
        b_size += std::abs(lambda(j, m)) * u_size;
      }
      sum += Z(i, j) * b;
      size += std::abs(Z(i, j)) * b_size;
    }
    return sum;
  }
};

struct Exact {
  Long f, d1, w;
  Long d1_size;  ///< the sizes of what d1 is a difference of
};

Exact logit(const glimmer::Observation& o, Long eta) {
  const Long e = std::exp(-std::abs(eta)), near = 1.0L / (1.0L + e), distant = e * near;
  const Long p = eta > 0.0L ? near : distant, q = eta > 0.0L ? distant : near, failures = o.size - o.y;
  const Long f = -(eta > 0.0L ? failures : static_cast<Long>(o.y)) * std::abs(eta) - o.size * std::log1p(e);
  return {o.weight * f, o.weight * (o.y * q - failures * p), o.weight * o.size * p * q,
          o.weight * (o.y * q + failures * p)};
}

Exact poisson(const glimmer::Observation& o, Long eta) {
  const Long mu = std::exp(eta);
  return {o.weight * (o.y * eta - mu), o.weight * (o.y - mu), o.weight * mu, o.weight * (o.y + mu)};
}

double tolerance(Long size) { return 1e-13 * std::max(1.0, static_cast<double>(size) / 50.0); }

/// exp(eta) has a relative error of at least eps times what eta is a sum of: sizes beyond 50 get their part of it.
template <class Density>
void compare(const Level& level, glimmer::NodeKernel& kernel, Density density, const std::string& name) {
  const Index n = level.fixed.size(), lanes = level.nodes.lanes();
  double worst_f = 0.0, worst_d1 = 0.0, worst_w = 0.0;
  glimmer::NodeDerivatives value, gradient, all;
  value.reserve(lanes, 0, 0, 1);
  gradient.reserve(lanes, n * lanes, 1, 1);
  all.reserve(lanes, n * lanes, 2, 1);
  kernel.evaluate(level.tile, 2, all);
  kernel.evaluate(level.tile, 0, value);
  kernel.evaluate(level.tile, 1, gradient);
  for (Index k = 0; k < level.nodes.nodes; ++k) {
    Long sum = 0.0L, limit = 1e-13L;
    for (Index i = 0; i < n; ++i) {
      Long size;
      const Long eta = level.eta(i, k, size);
      const glimmer::Observation o = level.responses[i];
      const Exact exact = density(o, eta);
      sum += exact.f;
      const double tol = tolerance(size);
      limit += tol * std::abs(exact.f);
      const auto error = [&](double found, Long expected, Long of) {
        return static_cast<double>(std::abs(found - expected) / (tol * of + 1e-300L));
      };
      worst_d1 = std::max(worst_d1, error(all.d1[0][i * lanes + k], exact.d1, exact.d1_size));
      worst_w = std::max(worst_w, error(all.w[0][i * lanes + k], exact.w, exact.w));
    }
    worst_f = std::max(worst_f, static_cast<double>(std::abs(all.f[k] - sum) / limit));
  }
  check::close(worst_f, 0.0, 1.0, name + ": f");
  check::close(worst_d1, 0.0, 1.0, name + ": d1");
  check::close(worst_w, 0.0, 1.0, name + ": w");
  check::that(value.f.head(lanes) == all.f.head(lanes) && gradient.f.head(lanes) == all.f.head(lanes) &&
                  gradient.d1[0].head(n * lanes) == all.d1[0].head(n * lanes),
              name + ": the same at every order");
  check::that(all.f.head(lanes).allFinite() && all.d1[0].head(n * lanes).allFinite() &&
                  all.w[0].head(n * lanes).allFinite(),
              name + ": finite in every lane");
}

enum class Rows { single, trials, weighted, many_trials };

void fill_binomial(Level& level, Rows kind, Random& random) {
  const Index n = level.fixed.size();
  Vector y(n), size = Vector::Ones(n), weight = Vector::Ones(n);
  for (Index i = 0; i < n; ++i) {
    if (kind == Rows::trials) size[i] = static_cast<double>(1 + random.below(6));
    if (kind == Rows::many_trials) size[i] = static_cast<double>(500 + random.below(1000));
    if (kind == Rows::weighted) weight[i] = 0.5 + random.uniform();
    y[i] = static_cast<double>(random.below(static_cast<Index>(size[i]) + 1));
  }
  level.responses = {y, size, weight};
}

/// Gauss-Hermite rules with odd and even numbers of nodes, and equal steps to unlike ends.
NodeSet some_grid(Index q, Index rows) {
  if (rows != 7) return NodeSet(glimmer::gauss_hermite(q == 3 ? 4 : 4 + rows % 5), q);
  std::vector<glimmer::Axis> axes;
  for (Index j = 0; j < q; ++j) axes.emplace_back(0.6 + 0.2 * static_cast<double>(j), j == 0 ? 3 : 2 * j, 4 - j);
  return NodeSet(axes);
}

/// Grids of one to three effects, whole and cut, with K even and odd, and 1, 2, 7 and 40 rows.
void logit_rows(double spread) {
  for (Index q : {1, 2, 3})
    for (Index rows : {1, 2, 7, 40})
      for (Rows kind : {Rows::single, Rows::trials, Rows::weighted, Rows::many_trials})
        for (bool whole : {true, false}) {
          Random random(static_cast<std::uint64_t>(1000 * q + 10 * rows) + static_cast<std::uint64_t>(spread));
          Level level(rows, q, spread, random);
          fill_binomial(level, kind, random);
          const NodeSet grid = some_grid(q, rows);
          level.finish(whole ? grid : cut(grid, random));
          const glimmer::EffectRows Z(level.Z);
          glimmer::LogitKernel kernel(level.responses, Z);
          const std::string name = "logit, " + std::to_string(q) + " effects, " + std::to_string(rows) + " rows, kind ";
          compare(level, kernel, logit, name + std::to_string(static_cast<int>(kind)) + (whole ? "" : ", cut") +
                                            ", spread " + std::to_string(spread));
        }
}

void poisson_rows(double spread) {
  for (Index q : {1, 2, 3})
    for (Index rows : {1, 2, 7, 40})
      for (bool whole : {true, false}) {
        Random random(static_cast<std::uint64_t>(1000 * q + 10 * rows) + static_cast<std::uint64_t>(spread));
        Level level(rows, q, spread, random);
        Vector y(rows), weight(rows);
        for (Index i = 0; i < rows; ++i) {
          y[i] = static_cast<double>(random.below(5));
          weight[i] = rows == 7 ? 0.5 + random.uniform() : 1.0;
        }
        level.responses = {y, Vector(Vector::Ones(rows)), weight};
        const NodeSet grid = some_grid(q, rows);
        level.finish(whole ? grid : cut(grid, random));
        const glimmer::EffectRows Z(level.Z);
        glimmer::LogKernel kernel(level.responses, Z);
        compare(level, kernel, poisson, "poisson, " + std::to_string(q) + " effects, " + std::to_string(rows) +
                                            " rows" + (whole ? "" : ", cut") + ", spread " + std::to_string(spread));
      }
}

/// 10,000 rows: products that would overflow many times, and sums of as many terms.
void many_rows() {
  for (double spread : {1.0, 30.0}) {
    Random random(77);
    Level level(10000, 2, spread, random);
    fill_binomial(level, Rows::single, random);
    level.finish(NodeSet(glimmer::gauss_hermite(3), 2));
    const glimmer::EffectRows Z(level.Z);
    glimmer::LogitKernel kernel(level.responses, Z);
    compare(level, kernel, logit, "logit, 10,000 rows, spread " + std::to_string(spread));
    glimmer::LogKernel log_kernel(level.responses, Z);
    compare(level, log_kernel, poisson, "poisson, 10,000 rows, spread " + std::to_string(spread));
  }
}

/// mu beyond 1e100: the density is nothing there, and its derivatives have squares.
void poisson_far_out() {
  for (double eta : {260.0, 700.0, 1e4, 1e300}) {
    Random random(3);
    Level level(3, 1, 1.0, random);
    level.fixed.setConstant(eta);
    level.responses = {Vector(Vector::Ones(3)), Vector(Vector::Ones(3)), Vector(Vector::Ones(3))};
    level.finish(NodeSet(glimmer::gauss_hermite(5), 1));
    const glimmer::EffectRows Z(level.Z);
    glimmer::LogKernel kernel(level.responses, Z);
    glimmer::NodeDerivatives out;
    out.reserve(level.nodes.lanes(), 3 * level.nodes.lanes(), 2, 1);
    kernel.evaluate(level.tile, 2, out);
    check::that((out.f.array() < -1e99).all() && out.f.allFinite(), "poisson far out: f");
    check::that((out.d1[0].array().square() < glimmer::infinity).all() && (out.w[0].array() > 1e99).all(),
                "poisson far out: derivatives");
  }
}

}  // namespace

int main() {
  lanes();
  for (double spread : {2.0, 50.0, 340.0, 700.0, 1000.0}) logit_rows(spread);
  for (double spread : {2.0, 50.0, 215.0}) poisson_rows(spread);
  many_rows();
  poisson_far_out();
  return check::finish();
}
