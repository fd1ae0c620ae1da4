// Random models whose factors are nested, and their log-likelihood by brute force: trapezoid sums over a box, level
// within level, with nothing of the quadrature in them.
#ifndef GLIMMER_TESTS_NESTED_PROBLEM_H
#define GLIMMER_TESTS_NESTED_PROBLEM_H

#include "problem.h"

namespace nested {

using glimmer::Index;
using glimmer::Integers;
using glimmer::Matrix;
using glimmer::Vector;
using problem::Problem;

/// Factors from the innermost on; a level lies in that with the same number, modulo how many there are.
struct Case {
  Problem p;
  std::string name;
  std::vector<std::string> structures;  ///< of Lambda, by factor
  Vector parameters;                    ///< beta, theta, coefficients of the second predictor
  Matrix second;                        ///< the design of the second predictor; without columns: a constant

  Case(const std::string& what, const std::vector<problem::Shape>& shapes, const problem::Pair& pair, Index rows,
       std::uint64_t seed, const std::string& structure = "unstructured", Index columns_of_second = 0)
      : p(problem::make_problem({what, shapes, false, rows, 2}, pair, seed)), name(p.name + ", " + structure),
        structures(shapes.size(), structure) {
    for (std::size_t k = 1; k < p.factors.size(); ++k)
      for (Index i = 0; i < rows; ++i) {
        const std::size_t row = static_cast<std::size_t>(i);
        p.factors[k].level[row] = p.factors[k - 1].level[row] % p.factors[k].levels;
      }
    set_parameters(structure, pair.spread);
    if (columns_of_second == 0) return;
    problem::Random random(seed);
    second.resize(rows, columns_of_second);
    for (Index i = 0; i < second.size(); ++i) second.data()[i] = i < rows ? 1.0 : random.normal();
    const Index before = parameters.size() - 1;
    parameters.conservativeResize(before + columns_of_second);
    parameters.tail(columns_of_second - 1).setConstant(0.1);
  }

  Index depth() const { return static_cast<Index>(p.factors.size()); }
  Index effects(Index l) const { return factor(l).Z.cols(); }
  const problem::GivenFactor& factor(Index l) const { return p.factors[static_cast<std::size_t>(l)]; }

  std::vector<glimmer::BlockCovariance> covariances() const {
    std::vector<glimmer::BlockCovariance> out(p.factors.size());
    Index start = 0;
    for (Index l = 0; l < depth(); ++l) {
      glimmer::BlockCovariance& own = out[static_cast<std::size_t>(l)];
      const std::string& structure = structures[static_cast<std::size_t>(l)];
      const std::vector<Index> whole{effects(l)};
      for (Index size : structure == "unstructured" ? factor(l).blocks : whole) {
        own.add(structure, size, start);
        start = own.theta_end();
      }
    }
    return out;
  }
  Index theta_count() const { return covariances().back().theta_end(); }
  Vector theta(const Vector& at) const { return at.segment(p.X.cols(), theta_count()); }

  /// The factors may be given in any order.
  std::unique_ptr<glimmer::RowModel> model(bool outermost_first = false) const {
    std::vector<glimmer::Factor> factors(p.factors.size());
    for (Index l = 0; l < depth(); ++l) {
      glimmer::Factor& own = factors[static_cast<std::size_t>(outermost_first ? depth() - 1 - l : l)];
      own.levels = factor(l).levels;
      own.incidences.push_back({Integers(factor(l).level.begin(), factor(l).level.end()), factor(l).Z});
      own.covariance = covariances()[static_cast<std::size_t>(l)];
    }
    std::vector<glimmer::Predictor> predictors = glimmer::only_predictor(p.offset, p.X);
    if (second.cols() > 0) predictors.push_back({second, glimmer::Column(Vector::Zero(p.rows()))});
    return std::make_unique<glimmer::RowModel>(glimmer::Responses{p.y, p.size, p.weight}, std::move(predictors),
                                               glimmer::Factors(std::move(factors)),
                                               glimmer::make_density(p.family, p.link));
  }

  /// The same number of nodes for all levels of a factor; in the order in which the factors are given.
  Integers nodes(const std::vector<int>& by_factor) const {
    Integers out;
    for (Index l = 0; l < depth(); ++l)
      out.insert(out.end(), static_cast<std::size_t>(factor(l).levels), by_factor[static_cast<std::size_t>(l)]);
    return out;
  }
  std::vector<char> narrow() const {
    return std::vector<char>(nodes(std::vector<int>(p.factors.size(), 1)).size(), 0);
  }

 private:
  void set_parameters(const std::string& structure, double spread) {
    Vector theta = p.theta();
    if (structure != "unstructured") {
      theta.resize(theta_count());
      Index at = 0;
      for (Index l = 0; l < depth(); ++l) {
        const Index own = covariances()[static_cast<std::size_t>(l)].theta_count();
        for (Index j = 0; j < own; ++j) theta[at + j] = spread * (0.4 + 0.1 * static_cast<double>(j));
        if (structure != "diag" && effects(l) > 1) theta[at + own - 1] = 0.3;
        at += own;
      }
    }
    parameters.resize(p.X.cols() + theta.size() + (p.has_dispersion() ? 1 : 0));
    parameters << p.beta(), theta, p.parameters.tail(p.has_dispersion() ? 1 : 0);
  }
};

/// Log-likelihood by level of the outermost factor, at some parameters.
class BruteForce {
 public:
  /// Nodes at multiples of `step` up to `reach`, for each effect.
  BruteForce(const Case& c, const Vector& at, double step, double reach)
      : c_(c), density_(glimmer::make_density(c.p.family, c.p.link)), responses_{c.p.y, c.p.size, c.p.weight},
        constants_(c.p.rows()) {
    for (Index i = 0; i < c.p.rows(); ++i) constants_[i] = density_->constant(responses_[i]);
    for (double x = -reach; x <= reach + 0.5 * step; x += step) line_.push_back(x);
    log_step_ = std::log(step);
    const Vector theta = c.theta(at);
    for (const glimmer::BlockCovariance& covariance : c.covariances()) {
      lambda_.emplace_back();
      covariance.lambda(theta, lambda_.back());
    }
    fixed_ = c.p.offset + c.p.X * at.head(c.p.X.cols());
    const Index own = at.size() - c.p.X.cols() - theta.size(), n = c.p.rows();
    const double same = own > 0 ? at[at.size() - 1] : 0.0;
    etas_.assign(static_cast<std::size_t>(density_->predictors()), Vector::Constant(n, same));
    if (c.second.cols() > 0) etas_[1] = c.second * at.tail(own);
    out_.f.resize(1);
    rows_.resize(c.p.factors.size());
    for (Index l = 0; l < c.depth(); ++l) {
      rows_[static_cast<std::size_t>(l)].resize(static_cast<std::size_t>(c.factor(l).levels));
      for (Index i = 0; i < n; ++i) rows_[static_cast<std::size_t>(l)][level_of(l, i)].push_back(i);
    }
  }

  double value() const {
    double sum = 0.0;
    for (Index g = 0; g < c_.factor(c_.depth() - 1).levels; ++g) sum += level(g);
    return sum;
  }

  double level(Index g) const { return log_integral(c_.depth() - 1, static_cast<std::size_t>(g), fixed_); }

 private:
  std::size_t level_of(Index l, Index row) const {
    return static_cast<std::size_t>(c_.factor(l).level[static_cast<std::size_t>(row)]);
  }

  /// Over the effects of a level of factor l, and over all within it.
  double log_integral(Index l, std::size_t g, const Vector& eta) const {
    const std::vector<Index>& rows = rows_[static_cast<std::size_t>(l)][g];
    if (rows.empty()) return 0.0;
    const Index q = c_.effects(l), n = static_cast<Index>(line_.size());
    Index nodes = 1;
    for (Index j = 0; j < q; ++j) nodes *= n;
    std::vector<double> terms;
    Vector u(q), b(q), own = eta;
    for (Index k = 0; k < nodes; ++k) {
      for (Index j = 0, rest = k; j < q; ++j, rest /= n) u[j] = line_[static_cast<std::size_t>(rest % n)];
      b.noalias() = lambda_[static_cast<std::size_t>(l)].lazyProduct(u);
      for (Index i : rows) own[i] = eta[i] + c_.factor(l).Z.row(i).dot(b);
      double sum = -0.5 * u.squaredNorm();
      if (l == 0)
        for (Index i : rows) sum += log_density(i, own[i]);
      else
        for (std::size_t h = 0; h < rows_[static_cast<std::size_t>(l - 1)].size(); ++h)
          if (lies_in(l, h, g)) sum += log_integral(l - 1, h, own);
      terms.push_back(sum);
    }
    const double top = *std::max_element(terms.begin(), terms.end());
    double sum = 0.0;
    for (double term : terms) sum += std::exp(term - top);
    const double size = static_cast<double>(q);
    return top + std::log(sum) + size * log_step_ - 0.5 * size * std::log(2.0 * std::acos(-1.0));
  }

  bool lies_in(Index l, std::size_t h, std::size_t g) const {
    const std::vector<Index>& rows = rows_[static_cast<std::size_t>(l - 1)][h];
    return !rows.empty() && level_of(l, rows.front()) == g;
  }

  double log_density(Index i, double eta) const {
    etas_[0][i] = eta;
    out_.first = i;
    density_->evaluate(responses_, {i, i + 1}, etas_, 0, out_);
    return out_.f[0] + constants_[i];
  }

  const Case& c_;
  std::unique_ptr<const glimmer::Density> density_;
  glimmer::Responses responses_;
  std::vector<double> line_;
  double log_step_;
  std::vector<Matrix> lambda_;
  Vector fixed_, constants_;
  std::vector<std::vector<std::vector<Index>>> rows_;  ///< of each level, by factor
  mutable glimmer::Etas etas_;
  mutable glimmer::RowDerivatives out_;
};

}  // namespace nested

#endif
