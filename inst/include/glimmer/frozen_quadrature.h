// Quadrature of the random effects of one grouping factor by frozen rules: its verbs. A rule is placed and given its
// nodes; passes at any parameters are then values of one smooth function with an exact gradient and Hessian.
#ifndef GLIMMER_FROZEN_QUADRATURE_H
#define GLIMMER_FROZEN_QUADRATURE_H

#include "block_system.h"
#include "frozen_pass.h"
#include "objective.h"
#include "parallel.h"
#include "point.h"
#include "wide_places.h"

namespace glimmer {

/// The log-likelihood by a frozen rule, all constants included, and its derivatives, where asked for.
struct FrozenEvaluation {
  Status status = Status::ok;
  double value = -infinity;
  Vector gradient;
  Matrix hessian;
};

class FrozenQuadrature {
 public:
  FrozenQuadrature(const Data& data, const BlockSystem& system) : data_(data), system_(system) {}

  /// Places the rule of each level at its conditional mode for some parameters, C = R'^-1 with H = R R' there, `system`
  /// factored with it; wide levels where u is, given the data.
  Status place_at_modes(const Point& point, const Vector& parameters) {
    FrozenRule& own = rule();
    last_parameters_ = parameters;
    seen_.clear();
    const Index q = own.effects();
    Matrix C(q, q);
    for (Index g = 0; g < own.levels(); ++g) {
      C.setIdentity();
      system_.backward_level(g, C);
      own.place(g, point.u.segment(g * q, q), C);
    }
    place_wide(own);
    return Status::ok;
  }

  /// Places it at mean and covariance of u given the data, as the last pass found them.
  void place_at_moments() {
    if (last_.moments.mean.size() == 0) throw std::invalid_argument("there has been no pass yet");
    rule().place_at(last_.moments);
    seen_.clear();
    place_wide(rule());
  }

  /// Wide levels get theirs where they have been seen since the rule was placed; the first time that is looked for, at
  /// the parameters of the last place or pass. How many each level has then, in all.
  Integers set_nodes(const Integers& nodes, const std::vector<char>& wide) {
    rule().set_nodes(nodes, wide);
    place_wide(rule());
    Integers counts;
    for (Index g = 0; g < rule().levels(); ++g)
      counts.push_back(rule().nodes(g) ? static_cast<int>(rule().nodes(g)->nodes) : 0);
    return counts;
  }

  /// Places stay where responses are others; what was seen of u given the old ones does not.
  void forget_data() {
    seen_.clear();
    last_ = LevelResults();
  }

  /// To order 0 (value), 1 (gradient), 2 (Hessian).
  FrozenEvaluation pass(const Vector& parameters, int order) {
    check_nodes();
    const FrozenPoint point(data_, parameters);
    reserve(last_);
    FrozenEvaluation out;
    Vector gradient;
    Matrix hessian;
    out.value = data_.constant + sum(rule(), point, order, last_, gradient, hessian);
    last_lambda_ = point.lambda();
    last_parameters_ = parameters;
    if (!std::isfinite(out.value)) out.status = Status::value_not_finite;
    if (order > 0) out.gradient = point.gradients_outside(gradient);
    if (order > 1) {
      hessian.triangularView<Eigen::StrictlyUpper>() = hessian.transpose();
      out.hessian = point.hessian_outside(hessian, gradient);
    }
    if (out.status == Status::ok && !(out.gradient.allFinite() && out.hessian.allFinite()))
      out.status = Status::gradient_not_finite;
    return out;
  }

  /// The gradient of each level, a row a level.
  Matrix level_gradients(const Vector& parameters) {
    check_nodes();
    const FrozenPoint point(data_, parameters);
    LevelResults results;
    results.gradients.setZero(point.inside(), rule().levels());
    Vector gradient;
    Matrix hessian;
    sum(rule(), point, 1, results, gradient, hessian);
    return point.gradients_outside(results.gradients).transpose();
  }

  /// Each level's own log-likelihood, without the constants of its rows, by other nodes at the same places; not a
  /// number where there are none.
  Vector level_values(const Vector& parameters, const Integers& nodes, const std::vector<char>& wide) {
    FrozenRule other = rule();
    other.set_nodes(nodes, wide);
    place_wide(other);
    const FrozenPoint point(data_, parameters);
    LevelResults results;
    results.values.setConstant(other.levels(), std::numeric_limits<double>::quiet_NaN());
    Vector gradient;
    Matrix hessian;
    sum(other, point, 0, results, gradient, hessian);
    return results.values;
  }

  /// Mean and covariance of b given the data, as the last pass found them.
  Effects moments() const {
    if (last_.moments.mean.size() == 0) throw std::invalid_argument("there has been no pass yet");
    const Index q = last_lambda_.rows(), levels = last_.moments.mean.cols();
    Effects out{last_lambda_ * last_.moments.mean, Matrix(q, q * levels)};
    for (Index g = 0; g < levels; ++g)
      out.covariances.middleCols(q * g, q) =
          last_lambda_ * last_.moments.covariance.middleCols(q * g, q) * last_lambda_.transpose();
    return out;
  }

 private:
  static constexpr Index most_ranges = 64, fewest_cells = 20000;

  /// Made when it is first asked for, as most models never do.
  FrozenRule& rule() {
    if (!data_.factors.one_incidence()) throw std::invalid_argument("quadrature needs one grouping factor");
    if (!rule_) rule_ = std::make_unique<FrozenRule>(data_.factors[0].effects(), data_.factors[0].levels);
    return *rule_;
  }

  void place_wide(FrozenRule& rule) {
    if (!rule.any_wide()) return;
    seen_.resize(static_cast<std::size_t>(rule.levels()));
    if (last_parameters_.size() == 0) throw std::invalid_argument("wide levels need a place first");
    const FrozenPoint point(data_, last_parameters_);
    const Index levels = rule.levels(), together = 8;
    const auto some = [&](Index c) {
      place_wide_levels(data_, point, {c * together, std::min((c + 1) * together, levels)}, rule,
                        seen_);
    };
    parallel_shares((levels + together - 1) / together, 1, data_.threads, some, data_.interrupt);
  }

  void check_nodes() {
    for (Index g = 0; g < rule().levels(); ++g)
      if (!rule().nodes(g)) throw std::invalid_argument("a quadrature rule has too few nodes");
  }

  void reserve(LevelResults& results) {
    results.moments.mean.setZero(rule().effects(), rule().levels());
    results.moments.covariance.setZero(rule().effects(), rule().effects() * rule().levels());
  }

  /// Ranges of levels with some number of rows at nodes each, neither of which depends on the threads.
  std::vector<Range> ranges_of(const FrozenRule& rule) const {
    const auto cells = [&](Index g) {
      return rule.nodes(g) ? (1 + data_.rows_of({g, g + 1}).size()) * rule.nodes(g)->lanes() : 0;
    };
    Index all = 0;
    for (Index g = 0; g < rule.levels(); ++g) all += cells(g);
    const Index together = std::max(fewest_cells, all / most_ranges);
    std::vector<Range> ranges;
    for (Index g = 0, begin = 0, own = 0; g < rule.levels(); ++g) {
      own += cells(g);
      if (own < together && g + 1 < rule.levels()) continue;
      ranges.push_back({begin, g + 1});
      begin = g + 1;
      own = 0;
    }
    return ranges;
  }

  /// Sums over all levels, range by range, added in order.
  double sum(const FrozenRule& rule, const FrozenPoint& point, int order, LevelResults& results, Vector& gradient,
             Matrix& hessian) {
    if (!columns_) columns_ = std::make_unique<MultipleColumns>(data_);
    const std::vector<Range> ranges = ranges_of(rule);
    const Index count = static_cast<Index>(ranges.size());
    Vector values(count);
    std::vector<Vector> gradients(ranges.size());
    std::vector<Matrix> hessians(ranges.size());
    const auto one = [&](Index c) {
      const std::size_t at = static_cast<std::size_t>(c);
      FrozenPass own(data_, rule, point, *columns_, ranges[at], order);
      values[c] = own.run(results);
      if (order > 0) gradients[at] = own.gradient();
      if (order > 1) hessians[at] = own.hessian();
    };
    parallel_shares(count, 1, count > 3 ? data_.threads : 1, one, data_.interrupt);
    gradient.setZero(order > 0 ? point.inside() : 0);
    if (order > 0)
      for (const Vector& own : gradients) gradient += own;
    hessian.setZero(order > 1 ? point.inside() : 0, order > 1 ? point.inside() : 0);
    if (order > 1)
      for (const Matrix& own : hessians) hessian += own;
    return values.sum();
  }

  const Data& data_;
  const BlockSystem& system_;
  std::unique_ptr<FrozenRule> rule_;
  std::unique_ptr<const MultipleColumns> columns_;
  LevelResults last_;
  Matrix last_lambda_;
  std::vector<WideLook> seen_;  ///< by level, since the rule was placed
  Vector last_parameters_;      ///< of the last place at modes or pass
};

}  // namespace glimmer

#endif
